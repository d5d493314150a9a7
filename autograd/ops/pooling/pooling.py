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
from autograd.ops.arrays.index import getitem
from autograd.ops.axes import over_axes
from autograd.ops.pooling.windows import Windows, adaptive, sliding
from autograd.ops.samples import A, case
from autograd.value import Value


@functools.cache
def _pool_and_kernels() -> tuple[Any, Any]:
    """The thread pool and the kernels; Numba is imported on first use."""
    load = importlib.import_module
    return load("autograd.machine.pool"), load("autograd.ops.pooling.kernel_pooling")


def _run(name: str, planes: int, *args: Any, cost: float) -> None:
    """A kernel over planes, in the pool."""
    pool, kernels = _pool_and_kernels()
    pool.run(getattr(kernels, name), planes, *args, cost=cost)


def _places(pixels: int) -> Any:
    """The smallest dtype that numbers the pixels of a plane: graphs keep the places."""
    return np.int16 if pixels < 2**15 else np.int32 if pixels < 2**31 else np.int64


def _max_pool(x: Any, windows: Windows) -> tuple[Any, Any]:
    """The largest pixel of each window; of equals the first counts, and NaN counts as largest."""
    x3 = windows.planes(x, "x", windows.size)
    y = np.empty((x3.shape[0], *(1,) * (3 - len(windows.out)), *windows.out), x3.dtype)
    indices = np.empty(y.shape, _places(math.prod(windows.size)))
    if y.size:
        if windows.pairs:
            _run("max_pairs", len(y), x3, y, indices, cost=y.size * 0.9)
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
        _run("scatter_windows", len(gx), *flat, gx, cost=gx.size * 0.1 + g.size * 0.5)
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
    r"""The largest of each window over $axes.

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
    return_indices : bool. Also return where the largest are, for `max_unpool$d`.

    Returns
    -------
    Value, (N, C, $outs), each axis of (size + 2 padding - dilation (kernel - 1) - 1) // stride + 1.
    With indices a tuple of it and an int64 array of places in the image. Of equals the first gets
    the gradient; NaN counts as the largest.

    Raises
    ------
    ValueError : a window larger than the padded input, padding of more than half a window.
    TypeError : other dtypes than float32 and float64.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value(np.arange($pixels.0).reshape(1, 1, $twos))
    >>> autograd.max_pool$d(x, 2).data.ravel()
    array([$last])
    """
    how = (kernel_size, stride, padding, dilation, bool(ceil_mode))
    return pooled(f"max_pool{rank}d", rank, max_pool, input, sliding, *how, indices=return_indices)


def avg_pool_nd(
    rank: int,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    r"""The mean of each window over $axes.

    .. math:: y_o = \frac{1}{n} \sum_j x_{o \cdot stride + j - padding}

    Parameters
    ----------
    input : array or Value, (N, C, $sizes) or (C, $sizes).
    kernel_size : int or one for each axis. Pixels in a window.
    stride : int or one for each axis, optional. Pixels between windows; by default the kernel's
        size.
    padding : int or one for each axis. Zeros at both ends, at most half of the kernel.
    ceil_mode : bool. Keep a last window that hangs over the end.
    count_include_pad : bool. Whether n counts the zeros of the padding.
    divisor_override : int, optional. n, whatever the window.

    Returns
    -------
    Value, (N, C, $outs), each axis of (size + 2 padding - kernel) // stride + 1.

    Raises
    ------
    ValueError : a window larger than the padded input, padding of more than half a window.
    TypeError : other dtypes than float32 and float64.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value(np.arange($pixels.0).reshape(1, 1, $twos))
    >>> autograd.avg_pool$d(x, 2).data.ravel()
    array([$mean])
    """
    how = (kernel_size, stride, padding, 1, bool(ceil_mode), bool(count_include_pad))
    return pooled(f"avg_pool{rank}d", rank, avg_pool, input, sliding, *how, divisor_override)


def adaptive_max_pool_nd(
    rank: int, input: Any, output_size: Any, return_indices: bool = False
) -> Any:
    """The largest of each of `output_size` parts of $axes.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, $sizes) or (C, $sizes).
    output_size : int or one for each axis. Parts along it; None keeps an axis as it is.
    return_indices : bool. Also return where the largest are, as an int64 array.

    Returns
    -------
    Value, (N, C, $outs) of these sizes, or a tuple of it and the indices.

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.adaptive_max_pool$d(np.arange($pixels.0).reshape(1, 1, $twos), 1).ravel()
    array([$last])
    """
    name = f"adaptive_max_pool{rank}d"
    return pooled(name, rank, max_pool, input, adaptive, output_size, indices=return_indices)


def adaptive_avg_pool_nd(rank: int, input: Any, output_size: Any) -> Any:
    """The mean of each of `output_size` parts of $axes.

    Part o of m along an axis of n pixels is pixels floor(o n / m) to ceil((o + 1) n / m) - 1.

    Parameters
    ----------
    input : array or Value, (N, C, $sizes) or (C, $sizes).
    output_size : int or one for each axis. Parts along it; None keeps an axis as it is.

    Returns
    -------
    Value, (N, C, $outs) of these sizes.

    Raises
    ------
    ValueError, TypeError : an output_size that is not at least 1, other axes, other dtypes.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.adaptive_avg_pool$d(np.arange($pixels.0).reshape(1, 1, $twos), 1).ravel()
    array([$mean])
    """
    return pooled(f"adaptive_avg_pool{rank}d", rank, avg_pool, input, adaptive, output_size)


max_pool1d, max_pool2d, max_pool3d = over_axes(max_pool_nd)
avg_pool1d, avg_pool2d, avg_pool3d = over_axes(avg_pool_nd)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = over_axes(adaptive_max_pool_nd)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = over_axes(adaptive_avg_pool_nd)

__test__ = {  # doctest looks for functions defined in the file
    f.__name__: f
    for f in (
        *(max_pool1d, max_pool2d, max_pool3d, avg_pool1d, avg_pool2d, avg_pool3d),
        *(adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d),
        *(adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d),
    )
}
