"""Rows whose forward is a kernel, in NumPy's functions, as the page computes them.

Only what a row computes is written here, never a derivative: those of these rows are other rows.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograd.ops.conv.geometry import geometry
from autograd.viz.live import primitives
from autograd.viz.live.primitives import bare, made
from autograd.viz.live.scripted import Scripted


def _table(size: Sequence[int], pixels: Sequence[Sequence[Sequence[int]]]) -> Any:
    """Positions in the raveled plane, (windows, taps); that of one more pixel where outside.

    Parameters
    ----------
    size : the axes of a plane.
    pixels : for each axis the pixels of each window, those outside included.
    """
    lists = []
    for chosen in itertools.product(*pixels):
        taps = []
        for place in itertools.product(*chosen):
            inside = all(0 <= i < n for i, n in zip(place, size, strict=True))
            taps.append(np.ravel_multi_index(place, size) if inside else math.prod(size))
        lists.append(taps)
    longest = max(map(len, lists), default=0)
    return np.array([taps + [math.prod(size)] * (longest - len(taps)) for taps in lists])


def _planes(x: Any, size: Sequence[int], more: float) -> Any:
    """(N, C, pixels + 1): each plane in a row, with one more pixel, `more`, behind it."""
    planes = np.reshape(x, (*x.shape[:2], math.prod(size)))
    return np.concatenate([planes, np.zeros_like(planes[:, :, :1]) + more], axis=2)


def _into_planes(a: Any, table: Any, size: Sequence[int], lead: Sequence[int]) -> Any:
    """The transpose of reading `table` in the planes: what lies outside is dropped."""
    flat = (*lead, math.prod(size) + 1)
    y = primitives.scatter(a, (Ellipsis, table), flat)
    return np.reshape(y[..., :-1], (*lead, *size))


# ---- convolution


def _taps(x: Sequence[int], w: Sequence[int], stride: Any, padding: Any, dilation: Any) -> Any:
    """The table of a convolution, and the axes of its output."""
    steps, pads, gaps, out = geometry(
        tuple(map(int, x)), tuple(map(int, w)), stride, padding, dilation
    )
    pixels = [
        [[o * s + j * d - low for j in range(k)] for o in range(m)]
        for m, k, s, (low, _), d in zip(out, w, steps, pads, gaps, strict=True)
    ]
    return _table(tuple(map(int, x)), pixels), out


def conv(
    x: Any, w: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Convolution: the pixels of each window times the weight."""
    size, G = x.shape[2:], int(groups)
    table, out = _taps(size, w.shape[2:], stride, padding, dilation)
    v = np.take(_planes(x, size, 0), table, 2)  # (N, C, O, J)
    v = np.reshape(v, (x.shape[0], G, int(x.shape[1]) // G, *table.shape))
    w = np.reshape(w, (G, int(w.shape[0]) // G, w.shape[1], table.shape[1]))
    y = np.einsum("ngcoj,gmcj->ngmo", v, w)
    return np.reshape(y, (x.shape[0], int(w.shape[0]) * int(w.shape[1]), *out))


def conv_bias(x: Any, w: Any, b: Any, *how: Any) -> Any:
    """Convolution with a bias for each output channel."""
    y = conv(x, w, *how)
    return y + np.reshape(b, (-1, *(1,) * (y.ndim - 2)))


def conv_input_grad(
    g: Any, w: Any, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The transpose of a convolution in its input."""
    G = int(groups)
    table, _ = _taps(size, w.shape[2:], stride, padding, dilation)
    channels = int(w.shape[1]) * G
    g = np.reshape(g, (g.shape[0], G, int(g.shape[1]) // G, table.shape[0]))
    w = np.reshape(w, (G, int(w.shape[0]) // G, w.shape[1], table.shape[1]))
    v = np.einsum("ngmo,gmcj->ngcoj", g, w)
    v = np.reshape(v, (g.shape[0], channels, *table.shape))
    return _into_planes(v, table, size, (g.shape[0], channels))


def conv_weight_grad(
    x: Any, g: Any, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The transpose of a convolution in its weight."""
    G, channels, rows = int(groups), int(x.shape[1]), int(g.shape[1])
    table, _ = _taps(x.shape[2:], size, stride, padding, dilation)
    v = np.take(_planes(x, x.shape[2:], 0), table, 2)
    v = np.reshape(v, (x.shape[0], G, channels // G, *table.shape))
    g = np.reshape(g, (g.shape[0], G, rows // G, table.shape[0]))
    w = np.einsum("ngcoj,ngmo->gmcj", v, g)
    return np.reshape(w, (rows, channels // G, *size))


# ---- pooling


def _windows(windows: Any) -> Any:
    """The table of pooling windows."""
    pixels = [
        [list(range(int(a), int(b), step)) for a, b in ranges]
        for ranges, step in zip(windows.ranges, windows.steps, strict=True)
    ]
    return _table(windows.size, pixels)


def _factors(windows: Any) -> Any:
    """What the sum over each window is multiplied by."""
    y = np.ones(1)
    for scales in windows.scales:
        y = np.multiply.outer(y, np.asarray(scales, float))
    return y.reshape(-1)


def avg_pool(x: Any, windows: Any) -> Any:
    """The mean of each window."""
    v = np.take(_planes(x, windows.size, 0), _windows(windows), 2)
    return np.reshape(np.sum(v, 3) * _factors(windows), (*x.shape[:2], *windows.out))


def avg_pool_grad(g: Any, windows: Any) -> Any:
    """The transpose of the mean of each window."""
    table = _windows(windows)
    g = np.reshape(g, (*g.shape[:2], table.shape[0])) * _factors(windows)
    g = np.broadcast_to(np.expand_dims(g, -1), (*g.shape, table.shape[1]))
    return _into_planes(g, table, windows.size, g.shape[:2])


def at_maxima(planes: Any, windows: Any) -> Any:
    """The maxima of windows in planes (N, C, pixels): what the reference of max pooling indexes."""
    return np.take_along_axis(planes, _maxima(planes, windows), 2)


def at_maxima_grad(g: Any, y: Any, planes: Any, windows: Any) -> Any:
    """Each g sent to the maximum of its window."""
    n = int(planes.shape[2])
    return primitives.add_along_axis(g, _maxima(planes, windows), n, 2)


def _maxima(planes: Any, windows: Any) -> Any:
    """The positions of the maxima: the first of ties, and NaN is the largest."""
    table = _windows(windows)
    taps = np.take(_planes(planes, planes.shape[2:], -np.inf), table, 2)
    first = np.arange(len(table)) * table.shape[1]
    found = primitives.take(table.reshape(-1), np.argmax(taps, 3) + first)
    return np.minimum(found, int(planes.shape[2]) - 1)  # a window of padding only


def resample(x: Any, axis: int, taps: Any) -> Any:
    """Weighted sums of pixels along one axis."""
    matrix = np.zeros((taps.out, taps.size))
    rows = np.repeat(np.arange(taps.out), np.diff(taps.starts))
    np.add.at(matrix, (rows, taps.places), taps.weights[np.dtype(np.float64)])
    return np.moveaxis(np.tensordot(x, matrix, (axis, 1)), -1, axis)


# ---- arrays


def affine(x: Any, weight: Any, bias: Any) -> Any:
    """The affine map of a layer."""
    return np.matmul(x, np.transpose(weight)) + bias


def deviation(a: Any, axis: Any = None) -> Any:
    """Deviation from the mean."""
    return a - np.mean(a, axis, keepdims=True)


def index_update(a: Any, x: Any, index: Any) -> Any:
    """A copy of a with x at an index; the last of repeated positions wins."""
    shape = tuple(map(int, np.shape(bare(a))))
    numbers = np.arange(math.prod(shape)).reshape(shape)
    part = numbers[index]
    taken = np.full(shape, -1)
    taken[index] = np.arange(part.size).reshape(part.shape)
    x = np.broadcast_to(x, part.shape) if isinstance(x, Scripted) else x
    if not isinstance(x, Scripted):
        x = np.broadcast_to(x, part.shape)
        return np.where(taken >= 0, np.append(x.reshape(-1), 0)[taken], a)
    return np.where(taken >= 0, primitives.gather(x, taken), a)


def scatter_all(*args: Any) -> Any:
    """Zeros of a shape with each array added at its index; the shape and indices come last."""
    *arrays, indices, shape = args
    pairs = zip(arrays, indices, strict=True)
    return functools.reduce(operator.add, (primitives.scatter(a, i, shape) for a, i in pairs))


def index_add(a: Any, x: Any, index: Any) -> Any:
    """A copy of a with x added at an index; repeated positions add up."""
    shape = np.shape(bare(a)[index])
    return a + primitives.scatter(np.broadcast_to(x, shape), index, a.shape)


def fold(a: Any, shape: Any, window_shape: Any, axis: Any = None) -> Any:
    """Windows added up where `unfold` took them from."""
    numbers = np.arange(math.prod(shape)).reshape(shape)
    view = np.lib.stride_tricks.sliding_window_view(numbers, window_shape, axis)
    return primitives.add_at(a, view, shape)


def onto_diagonal(a: Any, shape: Any, offset: int, axis1: int, axis2: int) -> Any:
    """Zeros of a shape with a on the diagonal of two axes."""
    shape = tuple(map(int, shape))
    numbers = np.arange(math.prod(shape)).reshape(shape)
    return primitives.add_at(a, np.diagonal(numbers, offset, axis1, axis2), shape)


def embedding(weight: Any, indices: Any, padding_idx: Any = None) -> Any:
    """Rows of a table."""
    return np.take(weight, np.asarray(indices), 0)


def embedding_grad(g: Any, indices: Any, rows: int, padding_idx: Any = None) -> Any:
    """For each index the sum of its rows of g, 0 for padding_idx."""
    y = primitives.scatter(g, np.asarray(indices), (rows, g.shape[-1]))
    if padding_idx is None:
        return y
    return np.where(np.arange(int(rows))[:, None] == padding_idx % int(rows), 0, y)


def recurrence(a: Any, b: Any) -> Any:
    """y[t] = a[t] y[t-1] + b[t] along the last axis."""
    shape = np.broadcast_shapes(np.shape(bare(a)), np.shape(bare(b)))
    p, q = (np.array(np.broadcast_to(bare(x), shape)) for x in (a, b))
    y = q.copy()
    for t in range(1, shape[-1]):
        y[..., t] += p[..., t] * y[..., t - 1]
    return made("recurrence", y, np.broadcast_to(a, shape), np.broadcast_to(b, shape))


def others(a: Any) -> Any:
    """For each element the product of all others along the last axis."""
    from autograd.ops.arrays.cumulative import after, before

    return before(a) * after(a)


def _quantiles(a: Any, q: Any, axis: Any, method: Any, keepdims: bool) -> Any:
    from autograd.ops.arrays.order import quantile_weights
    from autograd.ops.arrays.shape import together

    lines = np.sort(together(a, axis), -1)
    y = np.matmul(lines, quantile_weights(q, int(lines.shape[-1]), method).T)
    y = np.moveaxis(y, -1, 0)
    if keepdims:
        gone = range(a.ndim) if axis is None else np.atleast_1d(axis) % a.ndim
        y = np.reshape(y, (y.shape[0], *(1 if k in gone else n for k, n in enumerate(a.shape))))
    return y if np.ndim(q) else y[0]


def quantile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False
) -> Any:
    """The q-th quantiles: weighted means of sorted elements."""
    return _quantiles(a, q, axis, method, keepdims)


def median(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle of the sorted elements."""
    return _quantiles(a, 0.5, axis, "linear", keepdims)


def _special(name: str) -> Callable[..., Any]:
    def call(a: Any) -> Any:
        from autograd.ops.elementwise import special

        return made(name, getattr(special, name).forward(bare(a)), a)

    return call


DEFINITIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        *(conv, conv_bias, conv_input_grad, conv_weight_grad, avg_pool, avg_pool_grad),
        *(
            resample,
            affine,
            deviation,
            index_update,
            scatter_all,
            index_add,
            fold,
            onto_diagonal,
            embedding,
            embedding_grad,
            recurrence,
        ),
        *(others, quantile, median),
    )
}
"""Name of a row -> what its forward computes."""

AT_MAXIMA = SimpleNamespace(
    name="at_maxima",
    parameters=["planes"],
    vjps=[at_maxima_grad],
    elementwise=False,
    masks=True,
    routes=False,
)
"""In place of the row that reads at constant indices of maxima: here they follow the values."""

DEFINITIONS |= {
    "at_maxima": at_maxima,
    "astype": lambda a, dtype, copy=True: a.astype(dtype),
    "scatter": primitives.scatter,
    "add_along_axis": primitives.add_along_axis,
    "erf": _special("erf"),
    "erfc": _special("erfc"),
}
