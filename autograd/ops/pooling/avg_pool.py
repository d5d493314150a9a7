"""Average pooling, ordinary and adaptive: linear, so it and its transposed map are two rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.flags import flags
from autograd.op import Op
from autograd.ops.axes import over_axes
from autograd.ops.pooling.pooling import batched, run
from autograd.ops.pooling.windows import Windows, adaptive, sliding
from autograd.ops.samples import A, case, cases

FEW = 64  # pixels of a window that are added up in their own dtype


def _avg_pool(x: Any, windows: Windows) -> Any:
    """The mean of each window."""
    x3 = _wide(windows.planes(x, "x", windows.size), windows)
    y = np.empty((x3.shape[0], *(1,) * (3 - len(windows.out)), *windows.out), x3.dtype)
    if y.size:
        scales = windows.factors.astype(y.dtype)
        cost = y.size * (1.0 if windows.pairs else 3.0 + windows.taps * 0.3)
        columns = windows.table, scales, windows.stride, windows.columns
        if windows.whole:
            n = math.prod(windows.size)
            whole = x3.reshape(-1), y.reshape(-1), n, float(windows.factors[:, 0].prod())
            run("mean_planes", len(y), *whole, cost=x.size * 0.1 + y.size * 5.0)
        elif windows.pairs:
            run("mean_pairs", len(y), x3, y, scales.prod(axis=0), cost=cost)
        else:
            run("mean_windows", len(y), x3, y, *columns, cost=cost)
    return y.reshape(*x.shape[:2], *windows.out).astype(x.dtype.newbyteorder("="), copy=False)


def _wide(a: Any, windows: Windows) -> Any:
    """The array, in float64 where many pixels are added up one after another."""
    return a.astype(np.float64, copy=False) if windows.taps > FEW and not windows.whole else a


def _avg_pool_grad(g: Any, windows: Windows) -> Any:
    """The transposed map of the mean: each number spread evenly over its window."""
    g3 = _wide(windows.planes(g, "g", windows.out), windows)
    result = np.empty((*g.shape[:2], *windows.size), g3.dtype)  # an array of its own, not a view
    gx = result.reshape(len(g3), *(1,) * (3 - len(windows.size)), *windows.size)
    if gx.size:
        scales = windows.factors.astype(gx.dtype)
        cost = g.size * (1.0 if windows.pairs else 3.0 + windows.taps * 0.3)
        columns = windows.table, scales, windows.stride, windows.columns
        if windows.whole:
            n = math.prod(windows.size)
            whole = g3.reshape(-1), gx.reshape(-1), n, float(windows.factors[:, 0].prod())
            run("spread_planes", len(gx), *whole, cost=gx.size * 0.1 + g.size * 2.0)
        elif windows.pairs:
            run("spread_pairs", len(gx), g3, gx, scales.prod(axis=0), cost=cost)
        else:
            run("spread_windows", len(gx), g3, gx, *columns, cost=cost)
    return result.astype(g.dtype.newbyteorder("="), copy=False)


avg_pool: Op = Op(
    _avg_pool,
    r"\operatorname{{mean}}_{{{windows}}} {x:3}",
    lambda g, y, x, windows: avg_pool_grad.call(g, windows),
    masks=True,
)
avg_pool_grad: Op = Op(
    _avg_pool_grad,
    r"\operatorname{{mean}}^\top_{{{windows}}} {g:3}",
    lambda h, y, g, windows: avg_pool.call(h, windows),
    routes=True,
)


def pooled(name: str, rank: int, input: Any, make: Any, *how: Any) -> Any:
    """Average-pool a batch or one sample."""
    x, windows = batched(name, rank, input, make, *how)
    y = avg_pool.call(x, windows)
    return y if x is input else y[0]


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
    r"""Average pooling over windows of $axes.

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
    >>> autograd.ops.avg_pool$d(x, 2).data.ravel()
    array([$mean])
    """
    name = f"avg_pool{rank}d"
    flags(name, ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    how = (kernel_size, stride, padding, 1, bool(ceil_mode), bool(count_include_pad))
    return pooled(name, rank, input, sliding, *how, divisor_override)


def adaptive_avg_pool_nd(rank: int, input: Any, output_size: Any) -> Any:
    """Adaptive average pooling over $axes: the mean of each of `output_size` parts.

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
    >>> autograd.ops.adaptive_avg_pool$d(np.arange($pixels.0).reshape(1, 1, $twos), 1).ravel()
    array([$mean])
    """
    return pooled(f"adaptive_avg_pool{rank}d", rank, input, adaptive, output_size)


avg_pool1d, avg_pool2d, avg_pool3d = over_axes(avg_pool_nd)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = over_axes(adaptive_avg_pool_nd)

__test__ = {  # doctest looks for functions defined in the file
    f.__name__: f
    for f in (
        *(avg_pool1d, avg_pool2d, avg_pool3d),
        *(adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d),
    )
}

# What tests sample
cases(
    "avg_pool",
    case(A(2, 2, 4, 5), sliding((4, 5), 2, 1, 1)),
    case(A(1, 2, 7), sliding((7,), 3, 2, 1, 1, True, False)),
    case(A(1, 1, 4, 4, 3), sliding((4, 4, 3), (2, 2, 1), None, 0)),
    case(A(1, 1, 5, 4), adaptive((5, 4), (3, 2))),
)
cases("avg_pool_grad", case(A(1, 2, 3, 4), sliding((4, 5), 2, 1, 0)))
