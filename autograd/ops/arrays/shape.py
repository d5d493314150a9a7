"""Ops that change the shape or the dtype: reshape, transpose, broadcast, astype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.calls import bind_methods
from autograd.dispatch import OPS
from autograd.op import Op
from autograd.ops.samples import A, case, cases
from autograd.symbol import Symbol


def _reshape(a: Any, shape: Any) -> Any:
    """The same elements in C order, in another shape; one size may be -1."""
    return np.reshape(a, shape)


def _transpose(a: Any, axes: Any = None) -> Any:
    """Axes permuted; reversed by default."""
    return np.transpose(a, axes)


def inverse(axes: Any, ndim: int) -> Any:
    """The permutation that undoes `axes`."""
    return None if axes is None else tuple(np.argsort([k % ndim for k in axes]).tolist())


def _broadcast_to(a: Any, shape: Any) -> Any:
    """Broadcast to a shape."""
    return np.broadcast_to(a, shape)


def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes swapped."""
    return np.swapaxes(a, axis1, axis2)


def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other positions, the rest kept in order."""
    return np.moveaxis(a, source, destination)


def _expand_dims(a: Any, axis: Any) -> Any:
    """A new axis of size 1 at each of the given places."""
    return np.expand_dims(a, axis)


def _squeeze(a: Any, axis: Any = None) -> Any:
    """Without axes of size 1: all, or the given ones."""
    return np.squeeze(a, axis)


def _copy(a: Any) -> Any:
    """A copy of the elements."""
    return np.array(a, order="C")


def _astype(a: Any, dtype: Any, *, copy: bool = True) -> Any:
    """Converted to a dtype; the gradient has that of the input."""
    return np.asarray(a).astype(dtype)


def same(a: Symbol, *others: Any) -> Symbol:
    """The LaTeX of an op that formulas do not show."""
    return a


reshape = Op(
    _reshape, same, lambda g, y, a, shape: np.reshape(g, a.shape), of=(np.reshape,), routes=True
)
transpose = Op(
    _transpose,
    r"{a:9}^\top",
    lambda g, y, a, axes: np.transpose(g, inverse(axes, a.ndim)),
    of=(np.transpose, np.permute_dims),
    routes=True,
)
broadcast_to = Op(_broadcast_to, same, lambda g, y, a, shape: g, of=(np.broadcast_to,), routes=True)
swapaxes = Op(
    _swapaxes,
    r"{a:9}^\top",
    lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2),
    of=(np.swapaxes,),
    bind="swapaxes",
    routes=True,
)
moveaxis = Op(
    _moveaxis,
    r"{a:9}^\top",
    lambda g, y, a, source, destination: np.moveaxis(g, destination, source),
    of=(np.moveaxis,),
    routes=True,
)
expand_dims = Op(
    _expand_dims,
    same,
    lambda g, y, a, axis: np.reshape(g, a.shape),
    of=(np.expand_dims,),
    routes=True,
)
squeeze = Op(
    _squeeze,
    same,
    lambda g, y, a, axis: np.reshape(g, a.shape),
    of=(np.squeeze,),
    bind="squeeze",
    routes=True,
)
copy = Op(_copy, same, lambda g, y, a: g, of=(np.copy,), bind="copy", routes=True)
astype = Op(
    _astype,
    same,
    lambda g, y, a, dtype, copy: g.astype(a.dtype),
    of=(np.astype,),
    bind="astype",
    routes=True,
)


def ordered_reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    """The same elements in another shape, read and written in C or Fortran order."""
    if order == "F":
        reversed_shape = shape[::-1] if isinstance(shape, (tuple, list)) else shape
        return np.transpose(reshape.call(np.transpose(a), reversed_shape))
    if order != "C":
        raise ValueError(
            f"reshape: order must be 'C' or 'F', got {order!r}; the order of a Value's memory is "
            "not part of its meaning."
        )
    return reshape.call(a, shape)


def _reshape_method(a: Any, *shape: Any, order: str = "C") -> Any:
    """The same elements in another shape; one size may be -1."""
    return ordered_reshape(a, shape[0] if len(shape) == 1 else shape, order)


def _transpose_method(a: Any, *axes: Any) -> Any:
    """Axes permuted; reversed by default."""
    if len(axes) > 1 and len(axes) != np.ndim(a):
        raise ValueError(
            f"transpose: axes {axes} must name all {np.ndim(a)} axes of shape {np.shape(a)}; "
            "v.swapaxes(i, j) exchanges two."
        )
    return transpose.call(a, axes[0] if len(axes) == 1 else axes or None)


def _flatten_method(a: Any, *axes: Any, order: str = "C", **settings: Any) -> Any:
    """All elements in one axis; some axes only: `nn.functional.flatten`."""
    if len(axes) == 1 and axes[0] in ("C", "F"):
        (order,), axes = axes, ()
    if axes or settings:
        raise TypeError(
            "flatten: takes no axes, as NumPy's; write nn.functional.flatten(v, start_dim), or "
            "v.reshape(len(v), -1) to keep the first axis."
        )
    return ordered_reshape(a, -1, order)


def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one axis, in C or Fortran order."""
    return ordered_reshape(a, -1, order)


def matrix_transpose(x: Any) -> Any:
    """The matrices of a stack, transposed."""
    return swapaxes.call(x, -1, -2)


def broadcast_arrays(*arrays: Any) -> tuple[Any, ...]:
    """The arrays broadcast to their common shape."""
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(broadcast_to.call(a, shape) for a in arrays)


def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Coordinate arrays of a grid, as `numpy.meshgrid`."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}.")
    n = len(xi)
    grid = [np.reshape(x, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(xi)]
    if indexing == "xy" and n > 1:
        grid = [np.swapaxes(x, 0, 1) for x in grid]
    return tuple(grid) if sparse else broadcast_arrays(*grid)


def atleast_1d(*arrays: Any) -> Any:
    """Arrays with one axis at least."""
    return _each(lambda a: a if np.ndim(a) else np.reshape(a, 1), arrays)


def atleast_2d(*arrays: Any) -> Any:
    """Arrays with two axes at least; new ones come first."""
    return _each(lambda a: a if np.ndim(a) > 1 else np.reshape(a, (1, -1)), arrays)


def atleast_3d(*arrays: Any) -> Any:
    """Arrays with three axes at least; a vector becomes (1, n, 1), a matrix (m, n, 1)."""
    return _each(_with_three_axes, arrays)


def _with_three_axes(a: Any) -> Any:
    if np.ndim(a) > 2:
        return a
    return np.expand_dims(a, -1) if np.ndim(a) == 2 else np.reshape(a, (1, -1, 1))


def _each(f: Any, arrays: tuple[Any, ...]) -> Any:
    return f(arrays[0]) if len(arrays) == 1 else tuple(f(a) for a in arrays)


def together(a: Any, axis: Any) -> Any:
    """The given axes (None: all) moved to the end and merged into one."""
    order, kept = _reduced_last(axis, a.ndim)
    lines = tuple(a.shape[k] for k in order[:kept])
    if order != sorted(order):
        a = np.transpose(a, order)
    return np.reshape(a, (*lines, math.prod(a.shape[kept:])))


def apart(a: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """The inverse of `together` for an array of this shape."""
    order, _ = _reduced_last(axis, len(shape))
    a = np.reshape(a, tuple(shape[k] for k in order))
    return a if order == sorted(order) else np.transpose(a, np.argsort(order).tolist())


def at_end(a: Any, axis: int) -> Any:
    """An axis swapped with the last one; its own inverse."""
    return a if axis % a.ndim == a.ndim - 1 else np.swapaxes(a, axis, -1)


def _reduced_last(axis: Any, ndim: int) -> tuple[list[int], int]:
    if axis is None:
        return list(range(ndim)), 0
    last = [k % max(ndim, 1) for k in (axis if isinstance(axis, tuple) else (axis,))]
    last = [k for k in last if k < ndim]
    first = [k for k in range(ndim) if k not in last]
    return first + last, len(first)


OPS[np.reshape] = ordered_reshape
OPS[np.ravel] = ravel
OPS[np.matrix_transpose] = matrix_transpose
OPS[np.broadcast_arrays] = broadcast_arrays
OPS[np.meshgrid] = meshgrid
OPS[np.atleast_1d] = atleast_1d
OPS[np.atleast_2d] = atleast_2d
OPS[np.atleast_3d] = atleast_3d
_reshape_method.__qualname__, _transpose_method.__qualname__ = "reshape", "transpose"
_flatten_method.__qualname__ = "flatten"
bind_methods(_reshape_method, "reshape")
bind_methods(_transpose_method, "transpose")
bind_methods(ravel, "ravel")
bind_methods(_flatten_method, "flatten")

# What tests sample
cases("reshape", case(A(2, 3), (3, -1)), case(A(2, 3), 6), case(A(), (1, 1)), case(A(0, 3), (3, 0)))
cases("transpose", case(A(2, 3)), case(A(2, 3, 4), (2, 0, -2)))
cases("broadcast_to", case(A(3), (2, 3)), case(A(2, 1), (3, 2, 2)), case(A(), 2))
cases("swapaxes", case(A(2, 3, 4), 0, -1))
cases("moveaxis", case(A(2, 3, 4), 0, -1), case(A(2, 3, 4), (0, 1), (-1, 0)))
cases("expand_dims", case(A(2, 3), 1), case(A(2, 3), (0, -1)))
cases("squeeze", case(A(2, 1, 3, 1)), case(A(2, 1, 3, 1), 1), case(A(1, 2, 1), (0, -1)))
cases("copy", case(A(2, 3)))
cases("astype", case(A(2, 3), np.float64))
