"""Ops that move elements without changing them."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Op, bind_methods
from autograd.ops.domains import A, case


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
    """Stretched to a shape."""
    return np.broadcast_to(a, shape)


def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    return np.swapaxes(a, axis1, axis2)


def _expand_dims(a: Any, axis: Any) -> Any:
    """A new axis of size 1 at each of the given places."""
    return np.expand_dims(a, axis)


# fmt: off
reshape = Op(_reshape,           "{a}",          lambda g, y, a, shape: np.reshape(g, a.shape),                    name="reshape", of=(np.reshape,), cases=(case(A(2, 3), (3, -1)), case(A(2, 3), 6)))
transpose = Op(_transpose,       r"{a:9}^\top",  lambda g, y, a, axes: np.transpose(g, inverse(axes, a.ndim)),     name="transpose", of=(np.transpose,), cases=(case(A(2, 3)), case(A(2, 3, 4), (2, 0, -2))))
broadcast_to = Op(_broadcast_to, "{a}",          lambda g, y, a, shape: g,                                         name="broadcast_to", of=(np.broadcast_to,), cases=(case(A(3), (2, 3)), case(A(2, 1), (3, 2, 2))))
swapaxes = Op(_swapaxes,         r"{a:9}^\top",  lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2),       name="swapaxes", of=(np.swapaxes,), bind="swapaxes", cases=(case(A(2, 3, 4), 0, -1),))
expand_dims = Op(_expand_dims,   "{a}",          lambda g, y, a, axis: np.reshape(g, a.shape),                     name="expand_dims", of=(np.expand_dims,), cases=(case(A(2, 3), 1), case(A(2, 3), (0, -1))))
# fmt: on


def _reshape_method(a: Any, *shape: Any) -> Any:
    return reshape.call(a, shape[0] if len(shape) == 1 else shape)


def _transpose_method(a: Any, *axes: Any) -> Any:
    return transpose.call(a, axes[0] if len(axes) == 1 else axes or None)


bind_methods(_reshape_method, "reshape")
bind_methods(_transpose_method, "transpose")
