r"""Pooling: the largest or the mean of the pixels in each window.

Ordinary and adaptive pooling differ in where their windows lie; the ops know only the windows.
The mean is linear, so it and its transposed map are each other's derivatives. The maximum is a
kernel that keeps where it found the largest; its reference takes from unfolded windows.
"""

from __future__ import annotations

import functools
import importlib
import math
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.op import Op
from autograd.ops.axes import each
from autograd.ops.domains import A, case
from autograd.ops.index import getitem, updated
from autograd.value import Value

Ints = tuple[int, ...]


class Windows:
    """Where the windows lie along each axis: ranges of pixels, and what their sum is scaled by.

    Parameters
    ----------
    size : the axes of the input.
    ranges : for each axis, (begin, end) of each window.
    scales : for each axis, a factor for each window.
    steps : for each axis, the distance of the pixels of a window.
    text : how it is written.
    stride : of windows along the last axis that are regular, and their taps: for each the pixel in
        window 0, and the range of windows in which it lies inside.
    """

    def __init__(
        self,
        size: Ints,
        ranges: list[Any],
        scales: list[Any],
        steps: Ints,
        text: str,
        stride: tuple[int, list[Any]] | None = None,
    ) -> None:
        self.size, self.steps, self.text = size, steps, text
        self.out = tuple(len(r) for r in ranges)
        self.ranges, self.scales = ranges, scales
        more = 3 - len(size)
        longest = max(self.out)
        self.table = np.zeros((3, longest, 2), np.intp)  # of three axes, as the kernels have it
        self.factors = np.ones((3, longest))
        self.table[:, 0, 1] = 1
        for axis, (r, s) in enumerate(zip(ranges, scales, strict=True), more):
            self.table[axis, : len(r)], self.factors[axis, : len(s)] = r, s
        self.step = np.array((1,) * more + steps, np.intp)
        self.stride, taps = (0, []) if stride is None else stride
        self.columns = np.array(taps, np.intp).reshape(-1, 3)
        # 2 × 2 pixels side by side have kernels of their own
        pairs = [tuple((2 * o, 2 * o + 2) for o in range(n)) for n in self.out]
        self.whole = [tuple(map(tuple, r)) for r in ranges] == [((0, n),) for n in size]
        self.pairs = len(size) == 2 and [tuple(map(tuple, r)) for r in ranges] == pairs
        self.pairs = self.pairs and steps == (1, 1) and len({f for s in scales for f in s}) == 1
        self.taps = math.prod(
            max(-((a - b) // s) for a, b in r) for r, s in zip(ranges, steps, strict=True)
        )

    def __repr__(self) -> str:
        return self.text

    def planes(self, x: Any, name: str, axes: Ints) -> Any:
        """The array as (planes, D, H, W), contiguous; refused where it has other axes or dtypes."""
        if x.ndim != len(self.size) + 2 or x.shape[2:] != axes:
            raise ValueError(f"{name} {x.shape} must have the axes (N, C, {axes}) of the windows.")
        if x.dtype.newbyteorder("=") not in (np.float32, np.float64):
            raise TypeError(f"{name} must be float32 or float64, got {x.dtype}.")
        if not (x.flags.carray and x.dtype.isnative):
            x = np.array(x, x.dtype.newbyteorder("="), order="C")
        return x.reshape(-1, *(1,) * (3 - len(axes)), *axes)


@functools.cache
def _pool_and_kernels() -> tuple[Any, Any]:
    """The thread pool and the kernels; Numba is imported on first use."""
    load = importlib.import_module
    return load("autograd.kernels.pool"), load("autograd.kernels.pooling")


def _run(name: str, planes: int, *args: Any, cost: float) -> None:
    """A kernel over planes, in the pool."""
    pool, kernels = _pool_and_kernels()
    pool.run(getattr(kernels, name), planes, *args, cost=cost)


def _max_pool(x: Any, windows: Windows) -> tuple[Any, Any]:
    """The largest pixel of each window; of equals the first counts, and NaN counts as largest."""
    x3 = windows.planes(x, "x", windows.size)
    y = np.empty((x3.shape[0], *(1,) * (3 - len(windows.out)), *windows.out), x3.dtype)
    indices = np.empty(y.shape, np.int32 if math.prod(windows.size) < 2**31 else np.int64)
    if y.size:
        if windows.pairs:
            _run("max_pairs", len(y), x3, y, indices, cost=y.size * 1.5)
        else:
            cost = y.size * (3.0 + windows.taps)
            columns = windows.step, windows.stride, windows.columns
            _run("max_windows", len(y), x3, y, indices, windows.table, *columns, cost=cost)
    shape = (*x.shape[:2], *windows.out)
    return y.reshape(shape), indices.reshape(shape)


def _max_pool_joint(
    g: Any, needs: Any, y: Any, indices: Any, x: Any, windows: Windows
) -> tuple[Any]:
    """Each g to where the largest pixel was found."""
    gx = np.empty((x.shape[0] * x.shape[1], math.prod(windows.size)), y.dtype)
    g = np.ascontiguousarray(g, y.dtype)
    if gx.size:
        flat = g.reshape(len(gx), -1), indices.reshape(len(gx), -1)
        _run("scatter_windows", len(gx), *flat, gx, cost=gx.size * 0.3 + g.size * 1.5)
    return (gx.reshape(x.shape),)


def _max_pool_reference(x: Any, windows: Windows) -> Any:
    """The same, taken pixel by pixel from where the windows have their largest."""
    data = x.data if isinstance(x, Value) else x
    _, indices = _max_pool(np.asarray(data), windows)
    planes = np.reshape(x, (*x.shape[:2], -1))
    n, c = np.ogrid[: x.shape[0], : x.shape[1]]
    taken = getitem.call(planes, (n[..., None], c[..., None], indices.reshape(*x.shape[:2], -1)))
    return np.reshape(taken, (*x.shape[:2], *windows.out))


def _avg_pool(x: Any, windows: Windows) -> Any:
    """The mean of each window."""
    x3 = windows.planes(x, "x", windows.size)
    y = np.empty((x3.shape[0], *(1,) * (3 - len(windows.out)), *windows.out), x3.dtype)
    if y.size:
        scales = windows.factors.astype(y.dtype)
        cost = y.size * (1.0 if windows.pairs else 3.0 + windows.taps)
        columns = windows.table, scales, windows.stride, windows.columns
        if windows.whole:
            np.sum(x3.reshape(len(x3), -1), axis=1, out=y.reshape(-1))
            y *= scales[:, 0].prod()
        elif windows.pairs:
            _run("mean_pairs", len(y), x3, y, scales.prod(axis=0), cost=cost)
        else:
            _run("mean_windows", len(y), x3, y, *columns, cost=cost)
    return y.reshape(*x.shape[:2], *windows.out)


def _avg_pool_grad(g: Any, windows: Windows) -> Any:
    """The transposed map of a mean over windows: each number spread evenly over its window."""
    g3 = windows.planes(g, "g", windows.out)
    gx = np.empty((g3.shape[0], *(1,) * (3 - len(windows.size)), *windows.size), g3.dtype)
    if gx.size:
        scales = windows.factors.astype(gx.dtype)
        cost = g.size * (1.0 if windows.pairs else 3.0 + windows.taps)
        columns = windows.table, scales, windows.stride, windows.columns
        if windows.whole:
            gx[...] = g3 * scales[:, 0].prod()
        elif windows.pairs:
            _run("spread_pairs", len(gx), g3, gx, scales.prod(axis=0), cost=cost)
        else:
            _run("spread_windows", len(gx), g3, gx, *columns, cost=cost)
    return gx.reshape(*g.shape[:2], *windows.size)


@functools.lru_cache(512, typed=True)
def sliding(
    size: Ints,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Windows:
    """The windows of ordinary pooling."""
    rank = len(size)
    kernel = each("kernel_size", kernel_size, rank, 1)
    steps = each("stride", kernel if stride is None else stride, rank, 1)
    pads = each("padding", padding, rank, 0)
    gaps = each("dilation", dilation, rank, 1)
    if divisor_override is not None and not divisor_override:
        raise ValueError("divisor_override must not be 0.")
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
        raise ValueError(f"padding={padding} must be at most half of kernel_size={kernel_size}.")
    ranges, scales = [], []
    for n, k, s, p, d in zip(size, kernel, steps, pads, gaps, strict=True):
        reach = d * (k - 1) + 1
        if reach > n + 2 * p:
            raise ValueError(
                f"kernel_size={kernel_size} with dilation={dilation} reaches over {reach} pixels, "
                f"the padded axes {tuple(n + 2 * p for n, p in zip(size, pads, strict=True))}."
            )
        out = (n + 2 * p - reach) // s + 1
        if ceil_mode:
            out = -(-(n + 2 * p - reach) // s) + 1
            out -= (out - 1) * s >= n + p  # a window that begins behind the input is left out
        starts = [o * s - p for o in range(out)]
        inside = [(a + -(a // d) * d if a < 0 else a, min(a + reach, n)) for a in starts]
        ranges.append([(a, max(a, b)) for a, b in inside])
        if divisor_override is not None:
            scales.append([1.0] * out)
        elif count_include_pad:
            scales.append([1.0 / (min(a + k, n + p) - a) for a in starts])
        else:
            scales.append([1.0 / max(1, b - a) for a, b in ranges[-1]])
    if divisor_override is not None:
        scales[0] = [1.0 / divisor_override] * len(scales[0])
    text = r" \times ".join(map(str, kernel))
    if steps != kernel:
        text += " / " + r" \times ".join(map(str, steps))
    n, out, s, first = size[-1], len(ranges[-1]), steps[-1], -pads[-1]
    taps = []
    for i in range(first, first + kernel[-1] * gaps[-1], gaps[-1]):
        low = min(out, max(0, -(i // s)))
        taps.append((i, low, max(low, min(out, (n - 1 - i) // s + 1))))
    return Windows(size, ranges, scales, gaps, text, (s, taps))


@functools.lru_cache(512, typed=True)
def adaptive(size: Ints, output_size: Any) -> Windows:
    """The windows that cut each axis into a number of parts, as even as they can be."""
    rank = len(size)
    wanted = output_size if isinstance(output_size, tuple) else (output_size,) * rank
    if len(wanted) != rank:
        raise ValueError(f"output_size={output_size} has {len(wanted)} entries for {rank} axes.")
    parts = tuple(n if w is None else w for n, w in zip(size, wanted, strict=True))
    each("output_size", parts, rank, 1)
    if 0 in size:
        raise ValueError(f"the axes {size} must not be empty.")
    ranges = [
        [(o * n // m, -(-(o + 1) * n // m)) for o in range(m)]
        for n, m in zip(size, parts, strict=True)
    ]
    scales = [[1.0 / (b - a) for a, b in r] for r in ranges]
    return Windows(size, ranges, scales, (1,) * rank, r" \times ".join(map(str, parts)))


# fmt: off
max_pool: KernelOp = KernelOp(_max_pool, r"\operatorname{{max}}_{{{windows}}} {x:3}", _max_pool_joint, reference=_max_pool_reference, arity=1, name="max_pool", rank=3, masks=True,
    cases=(case(A(2, 2, 4, 5), sliding((4, 5), 2, 1, 0)), case(A(1, 2, 7), sliding((7,), 3, 2, 1, 2, True)), case(A(1, 1, 4, 4, 3), sliding((4, 4, 3), (2, 2, 1), None, 0)), case(A(1, 1, 5, 4), adaptive((5, 4), (3, 2)))))
avg_pool: Op = Op(_avg_pool, r"\operatorname{{mean}}_{{{windows}}} {x:3}", lambda g, y, x, windows: avg_pool_grad.call(g, windows), name="avg_pool", rank=3,
    cases=(case(A(2, 2, 4, 5), sliding((4, 5), 2, 1, 1)), case(A(1, 2, 7), sliding((7,), 3, 2, 1, 1, True, False)), case(A(1, 1, 4, 4, 3), sliding((4, 4, 3), (2, 2, 1), None, 0)), case(A(1, 1, 5, 4), adaptive((5, 4), (3, 2)))))
avg_pool_grad: Op = Op(_avg_pool_grad, r"\operatorname{{mean}}^\top_{{{windows}}} {g:3}", lambda h, y, g, windows: avg_pool.call(h, windows), name="avg_pool_grad", rank=3,
    cases=(case(A(1, 2, 3, 4), sliding((4, 5), 2, 1, 0)),))
# fmt: on


def pooled(
    name: str, rank: int, op: Any, input: Any, make: Any, *how: Any, indices: bool = False
) -> Any:
    """A pooling of a batch or of one image."""
    shape = np.shape(input)
    if len(shape) not in (rank + 1, rank + 2):
        raise ValueError(
            f"{name}: input {shape} must have {rank + 2} axes, (N, C, ...), or {rank + 1}, (C, ...)."
        )
    try:
        windows = make(tuple(shape[-rank:]), *map(_hashable, how))
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error} Input: {shape}.") from None
    x = np.expand_dims(input, 0) if len(shape) == rank + 1 else input
    y = op.call(x, windows)
    if not indices:
        return y if x is input else y[0]
    found = y.saved if isinstance(y, Value) and y.saved is not None else None
    if found is None:
        found = _max_pool(np.asarray(x.data if isinstance(x, Value) else x), windows)[1]
    found = found.astype(np.int64)
    return (y, found) if x is input else (y[0], found[0])


def _hashable(a: Any) -> Any:
    if isinstance(a, np.ndarray):
        a = a.tolist()
    return tuple(a) if isinstance(a, list) else a


def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    r"""The largest of each window along one axis.

    .. math:: y_o = \max_j x_{o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : array or Value, (N, C, L) or (C, L).
    kernel_size : int or tuple. Pixels in a window.
    stride : int or tuple, optional. Pixels between windows; by default the kernel's size.
    padding : int or tuple. Pixels of -inf at both ends, at most half of the kernel.
    dilation : int or tuple. Pixels between those of a window.
    ceil_mode : bool. Keep a last window that hangs over the end.
    return_indices : bool. Also return where the largest are, for `max_unpool1d`.

    Returns
    -------
    Value, (N, C, (L + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1). With indices a
    tuple of it and an int64 array of places in the plane. Of equals the first gets the gradient;
    NaN counts as the largest.

    Raises
    ------
    ValueError : a window larger than the padded input, padding of more than half a window.
    TypeError : other dtypes than float32 and float64.

    Examples
    --------
    >>> import autograd
    >>> autograd.max_pool1d(autograd.Value([[[1.0, 3.0, 2.0, 2.0]]]), 2).data
    array([[[3., 2.]]])
    """
    how = (kernel_size, stride, padding, dilation, bool(ceil_mode))
    return pooled("max_pool1d", 1, max_pool, input, sliding, *how, indices=return_indices)


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    r"""The largest of each window over two axes.

    .. math:: y_o = \max_j x_{o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : array or Value, (N, C, H, W) or (C, H, W).
    kernel_size, stride, padding, dilation, ceil_mode, return_indices
        As in `max_pool1d`; integers or one for each axis.

    Returns
    -------
    Value, (N, C, HO, WO), or a tuple of it and the indices.

    Raises
    ------
    ValueError, TypeError : as `max_pool1d`.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.max_pool2d(autograd.Value(np.arange(16.0).reshape(1, 1, 4, 4)), 2).data
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    how = (kernel_size, stride, padding, dilation, bool(ceil_mode))
    return pooled("max_pool2d", 2, max_pool, input, sliding, *how, indices=return_indices)


def max_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    r"""The largest of each window over three axes.

    .. math:: y_o = \max_j x_{o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : array or Value, (N, C, D, H, W) or (C, D, H, W).
    kernel_size, stride, padding, dilation, ceil_mode, return_indices
        As in `max_pool1d`; integers or one for each axis.

    Returns
    -------
    Value, (N, C, DO, HO, WO), or a tuple of it and the indices.

    Raises
    ------
    ValueError, TypeError : as `max_pool1d`.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.max_pool3d(autograd.Value(np.arange(8.0).reshape(1, 1, 2, 2, 2)), 2).data.ravel()
    array([7.])
    """
    how = (kernel_size, stride, padding, dilation, bool(ceil_mode))
    return pooled("max_pool3d", 3, max_pool, input, sliding, *how, indices=return_indices)


def avg_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:  # fmt: skip
    r"""The mean of each window along one axis.

    .. math:: y_o = \frac{1}{n} \sum_j x_{o \cdot stride + j - padding}

    Parameters
    ----------
    input : array or Value, (N, C, L) or (C, L).
    kernel_size : int or tuple. Pixels in a window.
    stride : int or tuple, optional. Pixels between windows; by default the kernel's size.
    padding : int or tuple. Zeros at both ends, at most half of the kernel.
    ceil_mode : bool. Keep a last window that hangs over the end.
    count_include_pad : bool. Whether n counts the zeros of the padding.

    Returns
    -------
    Value, (N, C, (L + 2 padding - kernel_size) // stride + 1).

    Raises
    ------
    ValueError : a window larger than the padded input, padding of more than half a window.
    TypeError : other dtypes than float32 and float64.

    Examples
    --------
    >>> import autograd
    >>> autograd.avg_pool1d(autograd.Value([[[1.0, 3.0, 2.0, 2.0]]]), 2).data
    array([[[2., 2.]]])
    """
    how = (kernel_size, stride, padding, 1, bool(ceil_mode), bool(count_include_pad))
    return pooled("avg_pool1d", 1, avg_pool, input, sliding, *how)


def avg_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    r"""The mean of each window over two axes.

    .. math:: y_o = \frac{1}{n} \sum_j x_{o \cdot stride + j - padding}

    Parameters
    ----------
    input : array or Value, (N, C, H, W) or (C, H, W).
    kernel_size, stride, padding, ceil_mode, count_include_pad
        As in `avg_pool1d`; integers or one for each axis.
    divisor_override : int, optional. n, whatever the window.

    Returns
    -------
    Value, (N, C, HO, WO).

    Raises
    ------
    ValueError, TypeError : as `avg_pool1d`.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.avg_pool2d(autograd.Value(np.arange(16.0).reshape(1, 1, 4, 4)), 2).data
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    how = (kernel_size, stride, padding, 1, bool(ceil_mode), bool(count_include_pad))
    return pooled("avg_pool2d", 2, avg_pool, input, sliding, *how, divisor_override)


def avg_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    r"""The mean of each window over three axes.

    .. math:: y_o = \frac{1}{n} \sum_j x_{o \cdot stride + j - padding}

    Parameters
    ----------
    input : array or Value, (N, C, D, H, W) or (C, D, H, W).
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As in `avg_pool2d`; integers or one for each axis.

    Returns
    -------
    Value, (N, C, DO, HO, WO).

    Raises
    ------
    ValueError, TypeError : as `avg_pool1d`.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.avg_pool3d(autograd.Value(np.arange(8.0).reshape(1, 1, 2, 2, 2)), 2).data.ravel()
    array([3.5])
    """
    how = (kernel_size, stride, padding, 1, bool(ceil_mode), bool(count_include_pad))
    return pooled("avg_pool3d", 3, avg_pool, input, sliding, *how, divisor_override)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The mean of each of `output_size` parts of one axis.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, L) or (C, L).
    output_size : int or tuple. Parts along each axis; None keeps the axis as it is.

    Returns
    -------
    Value, (N, C, output_size).

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.adaptive_avg_pool1d(np.arange(4.0).reshape(1, 1, 4), 1).ravel()
    array([1.5])
    """
    return pooled("adaptive_avg_pool1d", 1, avg_pool, input, adaptive, output_size)


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each of `output_size` parts of one axis.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, L) or (C, L).
    output_size : int or tuple. Parts along each axis; None keeps the axis as it is.
    return_indices : bool. Also return where the largest are, as an int64 array.

    Returns
    -------
    Value, (N, C, output_size), or a tuple of it and the indices.

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.adaptive_max_pool1d(np.arange(4.0).reshape(1, 1, 4), 1).ravel()
    array([3.])
    """
    name = "adaptive_max_pool1d"
    return pooled(name, 1, max_pool, input, adaptive, output_size, indices=return_indices)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The mean of each of `output_size` parts of two axes.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, H, W) or (C, H, W).
    output_size : int or tuple. Parts along each axis; None keeps the axis as it is.

    Returns
    -------
    Value, (N, C, *output_size).

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.adaptive_avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 1).ravel()
    array([7.5])
    """
    return pooled("adaptive_avg_pool2d", 2, avg_pool, input, adaptive, output_size)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each of `output_size` parts of two axes.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, H, W) or (C, H, W).
    output_size : int or tuple. Parts along each axis; None keeps the axis as it is.
    return_indices : bool. Also return where the largest are, as an int64 array.

    Returns
    -------
    Value, (N, C, *output_size), or a tuple of it and the indices.

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.adaptive_max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 1).ravel()
    array([15.])
    """
    name = "adaptive_max_pool2d"
    return pooled(name, 2, max_pool, input, adaptive, output_size, indices=return_indices)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """The mean of each of `output_size` parts of three axes.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, D, H, W) or (C, D, H, W).
    output_size : int or tuple. Parts along each axis; None keeps the axis as it is.

    Returns
    -------
    Value, (N, C, *output_size).

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.adaptive_avg_pool3d(np.arange(8.0).reshape(1, 1, 2, 2, 2), 1).ravel()
    array([3.5])
    """
    return pooled("adaptive_avg_pool3d", 3, avg_pool, input, adaptive, output_size)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each of `output_size` parts of three axes.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, D, H, W) or (C, D, H, W).
    output_size : int or tuple. Parts along each axis; None keeps the axis as it is.
    return_indices : bool. Also return where the largest are, as an int64 array.

    Returns
    -------
    Value, (N, C, *output_size), or a tuple of it and the indices.

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.adaptive_max_pool3d(np.arange(8.0).reshape(1, 1, 2, 2, 2), 1).ravel()
    array([7.])
    """
    name = "adaptive_max_pool3d"
    return pooled(name, 3, max_pool, input, adaptive, output_size, indices=return_indices)


def unpooled(
    name: str, rank: int, x: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any,
    output_size: Any,
) -> Any:  # fmt: skip
    """Zeros with x written where the indices say."""
    shape, places = np.shape(x), np.asarray(indices)
    if len(shape) not in (rank + 1, rank + 2) or places.shape != shape:
        raise ValueError(
            f"{name}: input {shape} must have {rank + 1} or {rank + 2} axes, and indices "
            f"{places.shape} the same."
        )
    if places.dtype.kind not in "iu":
        raise TypeError(f"{name}: indices must be integers, got {places.dtype}.")
    kernel = each("kernel_size", kernel_size, rank, 1)
    steps = each("stride", kernel if stride is None else stride, rank, 1)
    pads = each("padding", padding, rank, 0)
    size = tuple(
        (n - 1) * s - 2 * p + k
        for n, s, p, k in zip(shape[-rank:], steps, pads, kernel, strict=True)
    )
    if output_size is not None:
        wanted = tuple(output_size)[-rank:]
        if any(abs(w - n) >= s for w, n, s in zip(wanted, size, steps, strict=True)):
            raise ValueError(
                f"{name}: output_size={output_size} must be within a stride of {size}."
            )
        size = wanted
    lead = shape[:-rank]
    pixels = math.prod(size)
    if places.size and not (places.min() >= 0 and places.max() < pixels):
        raise ValueError(f"{name}: indices must lie in a plane of {size}: 0 to {pixels - 1}.")
    grid = [g.reshape(*g.shape, *(1,) * rank) for g in np.ogrid[tuple(slice(n) for n in lead)]]
    zeros = np.zeros((*lead, pixels), np.asarray(getattr(x, "data", x)).dtype)
    return np.reshape(updated.call(zeros, x, (*grid, places)), (*lead, *size))


def max_unpool1d(
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """The largest pixels of `max_pool1d` put back where they were found, zeros elsewhere.

    Parameters
    ----------
    input : array or Value, (N, C, L) or (C, L).
    indices : integers of the same shape, from ``max_pool1d(..., return_indices=True)``.
    kernel_size, stride, padding : those of the pooling.
    output_size : tuple, optional. The axes of the output, where several were pooled to the same.

    Returns
    -------
    Value; each axis has (n - 1) stride - 2 padding + kernel_size pixels, or what output_size says.

    Raises
    ------
    ValueError, TypeError : indices of another shape or type, or outside of the output.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> y, indices = autograd.max_pool1d(np.arange(2.0).reshape(1, 2), 2, return_indices=True)
    >>> autograd.max_unpool1d(y, indices, 2).ravel()
    array([0., 1.])
    """
    how = (kernel_size, stride, padding, output_size)
    return unpooled("max_unpool1d", 1, input, indices, *how)


def max_unpool2d(
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """The largest pixels of `max_pool2d` put back where they were found, zeros elsewhere.

    Parameters
    ----------
    input : array or Value, (N, C, H, W) or (C, H, W).
    indices : integers of the same shape, from ``max_pool2d(..., return_indices=True)``.
    kernel_size, stride, padding : those of the pooling.
    output_size : tuple, optional. The axes of the output, where several were pooled to the same.

    Returns
    -------
    Value; each axis has (n - 1) stride - 2 padding + kernel_size pixels, or what output_size says.

    Raises
    ------
    ValueError, TypeError : indices of another shape or type, or outside of the output.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> y, indices = autograd.max_pool2d(np.arange(4.0).reshape(1, 2, 2), 2, return_indices=True)
    >>> autograd.max_unpool2d(y, indices, 2).ravel()
    array([0., 0., 0., 3.])
    """
    how = (kernel_size, stride, padding, output_size)
    return unpooled("max_unpool2d", 2, input, indices, *how)


def max_unpool3d(
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Any:
    """The largest pixels of `max_pool3d` put back where they were found, zeros elsewhere.

    Parameters
    ----------
    input : array or Value, (N, C, D, H, W) or (C, D, H, W).
    indices : integers of the same shape, from ``max_pool3d(..., return_indices=True)``.
    kernel_size, stride, padding : those of the pooling.
    output_size : tuple, optional. The axes of the output, where several were pooled to the same.

    Returns
    -------
    Value; each axis has (n - 1) stride - 2 padding + kernel_size pixels, or what output_size says.

    Raises
    ------
    ValueError, TypeError : indices of another shape or type, or outside of the output.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> y, indices = autograd.max_pool3d(np.arange(8.0).reshape(1, 2, 2, 2), 2, return_indices=True)
    >>> autograd.max_unpool3d(y, indices, 2).ravel()
    array([0., 0., 0., 0., 0., 0., 0., 7.])
    """
    how = (kernel_size, stride, padding, output_size)
    return unpooled("max_unpool3d", 3, input, indices, *how)
