"""Max pooling, ordinary and adaptive.

A kernel stores the indices of the maxima; its reference reads the pixels at these indices.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.flags import flags
from autograd.kernel_op import KernelOp
from autograd.machine.workspace import native
from autograd.ops.arrays.index import getitem
from autograd.ops.axes import over_axes
from autograd.ops.pooling.pooling import batched, run
from autograd.ops.pooling.windows import Windows, adaptive, sliding
from autograd.ops.samples import A, case, cases
from autograd.value import Value


def _places(pixels: int) -> Any:
    """The smallest dtype that indexes the pixels of a plane: graphs keep the indices."""
    return np.int16 if pixels < 2**15 else np.int32 if pixels < 2**31 else np.int64


def _max_pool(x: Any, windows: Windows) -> tuple[Any, Any]:
    """The maximum of each window and its index: the first of ties, and NaN is the largest."""
    x3 = windows.planes(x, "x", windows.size)
    y = np.empty((x3.shape[0], *(1,) * (3 - len(windows.out)), *windows.out), x3.dtype)
    indices = np.empty(y.shape, _places(math.prod(windows.size)))
    if y.size:
        if windows.pairs:
            run("max_pairs", len(y), x3, y, indices, cost=y.size * 0.9)
        else:
            cost = y.size * (3.0 + windows.taps)
            columns = windows.step, windows.stride, windows.columns
            run("max_windows", len(y), x3, y, indices, windows.table, *columns, cost=cost)
    shape = (*x.shape[:2], *windows.out)
    return y.reshape(shape), indices.reshape(shape)


def _max_pool_joint(
    g: Any, needs: Any, y: Any, indices: Any, x: Any, windows: Windows
) -> tuple[Any]:
    """Each g sent to the maximum of its window."""
    gx = np.empty(x.shape, y.dtype)
    g = native(np.asarray(g, y.dtype))
    if gx.size:
        planes = gx.reshape(x.shape[0] * x.shape[1], math.prod(windows.size))
        flat = g.reshape(len(planes), -1), indices.reshape(len(planes), -1)
        run("scatter_windows", len(planes), *flat, planes, cost=gx.size * 0.1 + g.size * 0.5)
    return (gx,)


def _max_pool_reference(x: Any, windows: Windows) -> Any:
    """The same, by indexing at the maxima of the windows."""
    data = x.data if isinstance(x, Value) else x
    _, indices = _max_pool(np.asarray(data), windows)
    planes = np.reshape(x, (*x.shape[:2], math.prod(windows.size)))
    n, c = np.ogrid[: x.shape[0], : x.shape[1]]
    places = indices.reshape(*x.shape[:2], math.prod(windows.out))
    taken = getitem.call(planes, (n[..., None], c[..., None], places))
    if places.size and places.min() < 0:  # windows of padding only
        taken = np.where(places < 0, -np.inf, taken)
    return np.reshape(taken, (*x.shape[:2], *windows.out))


max_pool: KernelOp = KernelOp(
    _max_pool,
    r"\operatorname{{max}}_{{{windows}}} {x:3}",
    _max_pool_joint,
    reference=_max_pool_reference,
    arity=1,
    masks=True,
)


def pooled(name: str, rank: int, input: Any, make: Any, *how: Any, indices: bool) -> Any:
    """Max-pool a batch or one sample; with its indices if asked for."""
    x, windows = batched(name, rank, input, make, *how)
    y = max_pool.call(x, windows)
    if not indices:
        return y if x is input else y[0]
    found = y.saved if isinstance(y, Value) and y.saved is not None else None
    if found is None:
        found = _max_pool(np.asarray(x.data if isinstance(x, Value) else x), windows)[1]
    found = found.astype(np.int64)
    return (y, found) if x is input else (y[0], found[0])


def max_pool_nd(
    rank: int,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    r"""Max pooling over windows of $axes.

    .. math:: y_o = \max_j x_{o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : array or Value, (N, C, $sizes) or (C, $sizes).
    kernel_size : int or one for each axis. Pixels in a window.
    stride : int or one for each axis, optional. Pixels between windows; by default the kernel's
        size.
    padding : int or one for each axis. Pixels of -inf at both ends, at most half of the kernel.
    dilation : int or one for each axis. Pixels between those of a window.
    ceil_mode : bool. Keep a last window that hangs over the end.
    return_indices : bool. Also return the indices of the maxima, for `max_unpool$d`.

    Returns
    -------
    Value, (N, C, $outs), each axis of (size + 2 padding - dilation (kernel - 1) - 1) // stride + 1.
    With return_indices a tuple of it and an int64 array of positions in the raveled plane. Ties:
    the first maximum receives the gradient; NaN counts as the largest.

    Raises
    ------
    ValueError : a window larger than the padded input, padding of more than half a window.
    TypeError : other dtypes than float32 and float64.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value(np.arange($pixels.0).reshape(1, 1, $twos))
    >>> autograd.ops.max_pool$d(x, 2).data.ravel()
    array([$last])
    """
    name = f"max_pool{rank}d"
    flags(name, ceil_mode=ceil_mode, return_indices=return_indices)
    how = (kernel_size, stride, padding, dilation, bool(ceil_mode))
    return pooled(name, rank, input, sliding, *how, indices=return_indices)


def adaptive_max_pool_nd(
    rank: int, input: Any, output_size: Any, return_indices: bool = False
) -> Any:
    """Adaptive max pooling over $axes: the maximum of each of `output_size` parts.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, $sizes) or (C, $sizes).
    output_size : int or one for each axis. Parts along it; None keeps an axis as it is.
    return_indices : bool. Also return the indices of the maxima, as an int64 array.

    Returns
    -------
    Value, (N, C, $outs) of these sizes, or a tuple of it and the indices.

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.ops.adaptive_max_pool$d(np.arange($pixels.0).reshape(1, 1, $twos), 1).ravel()
    array([$last])
    """
    name = f"adaptive_max_pool{rank}d"
    flags(name, return_indices=return_indices)
    return pooled(name, rank, input, adaptive, output_size, indices=return_indices)


max_pool1d, max_pool2d, max_pool3d = over_axes(max_pool_nd)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = over_axes(adaptive_max_pool_nd)

__test__ = {  # doctest looks for functions defined in the file
    f.__name__: f
    for f in (
        *(max_pool1d, max_pool2d, max_pool3d),
        *(adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d),
    )
}

# What tests sample
cases(
    "max_pool",
    case(A(2, 2, 4, 5), sliding((4, 5), 2, 1, 0)),
    case(A(1, 2, 7), sliding((7,), 3, 2, 1, 2, True)),
    case(A(1, 1, 4, 4, 3), sliding((4, 4, 3), (2, 2, 1), None, 0)),
    case(A(1, 1, 5, 4), adaptive((5, 4), (3, 2))),
)
