"""Running sums, products and differences along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.machine.sum_axes import FEW
from autograd.machine.uninterrupted import load
from autograd.op import Op
from autograd.ops.arrays.shape import at_end
from autograd.ops.samples import A, Array, case, cases

KERNEL = 256
"""Steps from which a recurrence runs as a kernel: NumPy takes 1 µs for each."""


def _cumsum(a: Any, axis: int | None = None) -> Any:
    """Cumulative sums; of the raveled array by default."""
    if a.dtype.char in "ef" and a.size > FEW:  # one long sum, whose rounding errors add up
        return np.cumsum(a, axis=axis, dtype=np.float64).astype(a.dtype)
    return np.cumsum(a, axis=axis)


def _cumprod(a: Any, axis: int | None = None) -> Any:
    """Cumulative products; of the raveled array by default."""
    y = np.cumprod(wide(a), axis=axis)
    return y.astype(a.dtype) if a.dtype.char in "ef" else y


def wide(a: Any) -> Any:
    """Factors in double precision: a part of a product may be out of the range of the whole."""
    return a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype.char in "ef" else a


def _recurrence(a: Any, b: Any) -> Any:
    """y[t] = a[t] y[t-1] + b[t] along the last axis, from y[-1] = 0.

    The derivative of a cumulative product is a recurrence, and its own derivatives are two more.
    Unlike the textbook quotient of cumulative sums, it is exact where factors are 0.
    """
    shape = np.broadcast_shapes(a.shape, b.shape)
    a = a if a.shape == shape else np.broadcast_to(a, shape)
    y = np.array(np.broadcast_to(b, shape), b.dtype.newbyteorder("="), order="C")
    if y.shape[-1] >= KERNEL and y.size and y.dtype == a.dtype and y.dtype.char in "fd":
        load("autograd.ops.arrays.kernel_cumulative").recurrence(a, y)
        return y
    for t in range(1, y.shape[-1]):
        y[..., t] += a[..., t] * y[..., t - 1]
    return y


def _others(a: Any) -> Any:
    """For each element the product of all others along the last axis."""
    x = wide(a)
    return (before(x) * after(x)).astype(a.dtype)


def late(a: Any, first: float) -> Any:
    """a shifted one step along the last axis: `first` comes in, the last element drops out."""
    start = np.full((*a.shape[:-1], min(a.shape[-1], 1)), first, a.dtype)
    return np.concatenate([start, a[..., :-1]], axis=-1)


def back(a: Any) -> Any:
    """a with its last axis reversed."""
    return np.flip(a, -1)


def before(a: Any) -> Any:
    """Products of the elements before each one."""
    return np.cumprod(late(a, 1), axis=-1)


def after(a: Any) -> Any:
    """Products of the elements after each one."""
    return back(before(back(a)))


def undone(a: Any, g: Any) -> Any:
    """The recurrence run backwards: s[t] = g[t] + a[t+1] s[t+1]."""
    return back(recurrence.call(late(back(a), 0), back(g)))


def _cumprod_vjp(g: Any, a: Any, axis: int | None) -> Any:
    if axis is None or a.ndim == 0:
        return np.reshape(_cumprod_vjp(np.ravel(g), np.ravel(a), 0), a.shape)
    a, g = wide(at_end(a, axis)), wide(at_end(g, axis))
    return at_end(before(a) * undone(a, g), axis)


def _others_vjp(g: Any, a: Any) -> Any:
    """Each element is a factor of those before it and of those after it."""
    g, a = wide(g), wide(a)
    return _others_half(g, a) + back(_others_half(back(g), back(a)))


def _others_half(g: Any, a: Any) -> Any:
    return after(a) * late(recurrence.call(a, g * before(a)), 0)


def _cumsum_vjp(g: Any, a: Any, axis: int | None) -> Any:
    if axis is None or a.ndim == 0:
        return np.reshape(_cumsum_vjp(np.ravel(g), np.empty(a.size), 0), a.shape)
    return np.flip(cumsum.call(np.flip(g, axis), axis), axis)


def _differences(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences between neighbors, applied n times."""
    return np.diff(a, n=n, axis=axis)


def _differences_vjp(g: Any, a: Any, n: int, axis: int) -> Any:
    if n >= a.shape[axis]:
        return np.zeros(a.shape, a.dtype)
    widths = [(0, 0)] * a.ndim
    widths[axis] = (n, n)
    change = np.diff(np.pad(g, widths), n=n, axis=axis)
    return -change if n % 2 else change


cumsum = Op(
    _cumsum,
    r"\operatorname{{cumsum}} {a:3}",
    lambda g, y, a, axis: _cumsum_vjp(g, a, axis),
    of=(np.cumsum,),
    bind="cumsum",
    routes=True,
)
cumprod = Op(
    _cumprod,
    r"\operatorname{{cumprod}} {a:3}",
    lambda g, y, a, axis: _cumprod_vjp(g, a, axis),
    of=(np.cumprod,),
    bind="cumprod",
)
recurrence: Op = Op(
    _recurrence,
    r"\operatorname{{recurrence}}({a}, {b})",
    lambda g, y, a, b: undone(a, g) * late(y, 0),
    lambda g, y, a, b: undone(a, g),
)
others: Op = Op(_others, r"\prod_{{j \ne i}} {a:9}_j", lambda g, y, a: _others_vjp(g, a), rank=3)
differences = Op(
    _differences,
    r"\Delta^{{{n}}} {a:3}",
    lambda g, y, a, n, axis: _differences_vjp(g, a, n, axis),
    name="diff",
)


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences between neighbors, as `numpy.diff`, which adds no ends where n is 0."""
    if n == 0:
        return differences.call(a, n, axis)
    ends = [None if e is None else _end(e, np.shape(a), axis) for e in (prepend, append)]
    if prepend is not None or append is not None:
        a = np.concatenate([x for x in (ends[0], a, ends[1]) if x is not None], axis=axis)
    return differences.call(a, n, axis)


def _end(x: Any, shape: tuple[int, ...], axis: int) -> Any:
    """What is prepended or appended to an array of this shape; a scalar becomes one layer."""
    if np.ndim(x):
        return x
    layer = list(shape)
    layer[axis] = 1
    return np.broadcast_to(x, layer)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral by the trapezoidal rule, as `numpy.trapezoid`."""
    y = np.moveaxis(y, axis, -1)
    if x is not None:
        dx = np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1))
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)


OPS[np.diff] = diff
OPS[np.trapezoid] = trapezoid


# What tests sample
def holed(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Factors with zeros among them."""
    x = rng.uniform(-2, 2, shape)
    x.reshape(-1)[[1, 4, 5]] = 0
    return x


cases("cumsum", case(A(4)), case(A(2, 3)), case(A(2, 3, 2), axis=1), case(A(2, 3), -1))
cases(
    "cumprod",
    case(A(4)),
    case(A(2, 3)),
    case(A(2, 3, 2), axis=1),
    case(A(2, 3, domain=holed), -1),
    case(A(6, domain=holed)),
)
cases("recurrence", case(A(4), A(4)), case(A(2, 3), A(2, 3)))
cases("others", case(A(4)), case(A(2, 3, domain=holed)))
cases("diff", case(A(4)), case(A(4, 3), 2, 0), case(A(2, 5), 3), case(A(2), 2))
