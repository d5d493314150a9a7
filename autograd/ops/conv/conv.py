r"""Convolution: three bilinear ops that are each other's derivatives, for one to three axes.

⟨y, g⟩ = Σ y[n, m, o] g[n, m, o] with y = x ⋆ w is linear in each of x, w and g; its derivatives
with respect to g, x and w are the three ops. So the derivatives of each are the other two, at every
order. A transposed convolution is the second one, called forward.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from autograd.machine.sum_axes import sum_axes
from autograd.machine.uninterrupted import load
from autograd.op import Op
from autograd.ops.axes import each, over_axes
from autograd.ops.conv.geometry import (
    arrays,
    check_groups,
    check_out,
    check_ranks,
    check_weight,
    geometry,
)
from autograd.ops.samples import A, case, cases

PIXELS = 1024
"""Up to which einsum adds them up to 1e-6, and 3 times as fast as NumPy's sums."""


@functools.cache
def _kernels() -> Any:
    """The kernels; Numba is imported on first use."""
    return load("autograd.ops.conv.kernel_products")


def _conv(
    x: Any, w: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    r"""Convolution (cross-correlation) of samples with a weight.

    .. math:: y_{n m o} = \sum_{c, j} w_{m c j} \,
        x_{n, c, o \cdot stride + j \cdot dilation - padding}
    """
    x, w = arrays(x=x, w=w)
    check_weight(x.shape, "x", w.shape, groups, channels=1)
    s, p, d, _ = geometry(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _kernels().convolve(x, w, None, s, p, d, groups)


def _conv_bias(
    x: Any, w: Any, b: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Convolution with a bias for each output channel."""
    x, w, b = arrays(x=x, w=w, b=b)
    check_weight(x.shape, "x", w.shape, groups, channels=1)
    if b.shape != w.shape[:1]:
        raise ValueError(f"the bias must have one number per output channel, {w.shape[:1]}.")
    s, p, d, _ = geometry(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _kernels().convolve(x, w, b, s, p, d, groups)


def _conv_input_grad(
    g: Any, w: Any, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    r"""The transposed map of a convolution with w, to samples whose axes have these sizes.

    .. math:: \bar x_{n c i} = \sum_{m, j} w_{m c j} \, g_{n m o}
        \quad\text{where}\quad o \cdot stride + j \cdot dilation - padding = i
    """
    g, w = arrays(g=g, w=w)
    check_weight(g.shape, "g", w.shape, groups, channels=0)
    s, p, d, out = geometry(tuple(size), w.shape[2:], stride, padding, dilation)
    check_out(g.shape[2:], out)
    return _kernels().input_grad(g, w, tuple(size), s, p, d, groups)


def _conv_weight_grad(
    x: Any, g: Any, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    r"""The gradient of ⟨g, x ⋆ w⟩ with respect to w, whose axes have these sizes.

    .. math:: \bar w_{m c j} = \sum_{n, o} g_{n m o} \,
        x_{n, c, o \cdot stride + j \cdot dilation - padding}
    """
    x, g = arrays(x=x, g=g)
    check_ranks(x.shape, "x", g.shape, "g")
    check_groups(groups)
    if x.shape[0] != g.shape[0]:
        raise ValueError("x and g must hold the same number of samples.")
    if x.shape[1] % groups or g.shape[1] % groups:
        raise ValueError(f"the channels must be multiples of groups={groups}.")
    s, p, d, out = geometry(x.shape[2:], tuple(size), stride, padding, dilation)
    check_out(g.shape[2:], out)
    return _kernels().weight_grad(x, g, tuple(size), s, p, d, groups)


def channel_sum(g: Any) -> Any:
    """The sum over all axes but the channels."""
    axes = (0, *range(2, g.ndim))
    if type(g) is not np.ndarray:
        return np.sum(g, axis=axes)
    pixels = math.prod(g.shape[2:])
    if pixels > PIXELS:
        return sum_axes(g, axes)
    return sum_axes(np.einsum("ncp->nc", g.reshape(*g.shape[:2], pixels)), (0,))


conv: Op = Op(
    _conv,
    r"{x:2} \star {w:2}",
    lambda g, y, x, w, *how: conv_input_grad.call(g, w, x.shape[2:], *how),
    lambda g, y, x, w, *how: conv_weight_grad.call(x, g, w.shape[2:], *how),
)
conv_bias: Op = Op(
    _conv_bias,
    r"{x:2} \star {w:2} + {b:1}",
    lambda g, y, x, w, b, *how: conv_input_grad.call(g, w, x.shape[2:], *how),
    lambda g, y, x, w, b, *how: conv_weight_grad.call(x, g, w.shape[2:], *how),
    lambda g, y, x, w, b, *how: channel_sum(g),
)
conv_input_grad: Op = Op(
    _conv_input_grad,
    r"{g:2} \star^\top {w:2}",
    lambda h, y, g, w, size, *how: conv.call(h, w, *how),
    lambda h, y, g, w, size, *how: conv_weight_grad.call(h, g, w.shape[2:], *how),
)
conv_weight_grad: Op = Op(
    _conv_weight_grad,
    r"{x:2} \star_w {g:2}",
    lambda h, y, x, g, size, *how: conv_input_grad.call(g, h, x.shape[2:], *how),
    lambda h, y, x, g, size, *how: conv.call(x, h, *how),
)


def batched(name: str, rank: int, x: Any, w: Any) -> tuple[Any, bool]:
    """The input with a batch axis, and whether it had none; ValueError for a wrong rank."""
    x, w = (a if hasattr(a, "shape") else np.asarray(a) for a in (x, w))
    n, axes = len(x.shape), ", ".join("DHW"[3 - rank :] if rank > 1 else "L")
    if len(w.shape) != rank + 2:
        raise ValueError(f"{name}: weight {w.shape} must have {rank + 2} axes, (M, C, {axes}).")
    if n not in (rank + 1, rank + 2):
        raise ValueError(
            f"{name}: input {x.shape} must have {rank + 2} axes, (N, C, {axes}), or "
            f"{rank + 1}, (C, {axes})."
        )
    single = n == rank + 1
    return (np.expand_dims(x, 0) if single else x), single


def conv_nd(
    rank: int,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    r"""Convolution over $axes: a cross-correlation, as in deep learning.

    .. math:: y_{n m o} = b_m + \sum_{c, j} w_{m c j} \,
        x_{n, c, o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : array or Value, (N, C, $sizes) or (C, $sizes). x, float32 or float64.
    weight : array or Value, (M, C / groups, $kernels). w, of the same dtype.
    bias : array or Value, (M,), optional. b.
    stride : int or one for each axis. Pixels between outputs.
    padding : int, one for each axis, 'same' or 'valid'. Zeros at both ends; 'same' keeps the sizes
        and needs stride 1. A pair for each axis, ``((before, after), ...)``, pads unevenly.
    dilation : int or one for each axis. Pixels between the taps of the kernel.
    groups : int. The channels are split into this many independent convolutions.

    Returns
    -------
    Value, (N, M, $outs), each axis of (size + 2 padding - dilation (kernel - 1) - 1) // stride + 1.

    Raises
    ------
    ValueError : shapes that do not fit together, a kernel larger than the padded input.
    TypeError : other dtypes, or different ones.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value(np.arange($pixels.0).reshape(1, 1, $twos))
    >>> autograd.ops.conv$d(x, np.ones((3, 1, $twos)) / $pixels).data.ravel()
    array([$mean, $mean, $mean])
    """
    x, single = batched(f"conv{rank}d", rank, input, weight)
    if bias is None:
        y = conv.call(x, weight, stride, padding, dilation, groups)
    else:
        y = conv_bias.call(x, weight, bias, stride, padding, dilation, groups)
    return y[0] if single else y


def conv_transpose_nd(
    rank: int,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    r"""Transposed convolution over $axes: the gradient of `conv$d` with respect to its input.

    .. math:: y_{n c i} = b_c + \sum_{m, j} w_{m c j} \, x_{n m o}
        \quad\text{where}\quad o \cdot stride + j \cdot dilation - padding = i

    Parameters
    ----------
    input : array or Value, (N, M, $sizes) or (M, $sizes). x, float32 or float64.
    weight : array or Value, (M, C / groups, $kernels). w, of the same dtype.
    bias : array or Value, (C,), optional. b.
    stride, padding, dilation : int or one for each axis. Those of the transposed convolution.
    output_padding : int or one for each axis. Extra output pixels at the end, fewer than the
        stride or than the dilation.
    groups : int. The channels are split into this many independent convolutions.

    Returns
    -------
    Value, (N, C, $outs), each axis of
    (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.

    Raises
    ------
    ValueError : shapes that do not fit together.
    TypeError : other dtypes than float32 or float64, or different ones.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value(np.ones((1, 1, $twos)))
    >>> y = autograd.ops.conv_transpose$d(x, np.ones((1, 3, $twos)), stride=2)
    >>> y.shape[1], y.data.sum() == 3 * $pixels**2
    (3, np.True_)
    """
    name = f"conv_transpose{rank}d"
    g, single = batched(name, rank, input, weight)
    try:
        check_weight(g.shape, "input", weight.shape, groups, channels=0)
        steps, gaps = each("stride", stride, rank, 1), each("dilation", dilation, rank, 1)
        pads, more = (
            each("padding", padding, rank, 0),
            each("output_padding", output_padding, rank, 0),
        )
        for s, d, o in zip(steps, gaps, more, strict=True):
            if o >= max(s, d):
                raise ValueError(
                    f"output_padding={output_padding} must be smaller than stride or dilation."
                )
        size = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + o + 1
            for n, k, s, p, d, o in zip(
                g.shape[2:], weight.shape[2:], steps, pads, gaps, more, strict=True
            )
        )
        if min(size) < 1:
            raise ValueError(f"padding={padding} leaves an output of {size}.")
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name}: {error} Inputs: input {g.shape}, weight {weight.shape}."
        ) from None
    rest = [(0, o // s) for o, s in zip(more, steps, strict=True)]
    if any(zeros for _, zeros in rest):  # a convolution of the output would give as many more
        g = np.pad(g, ((0, 0), (0, 0), *rest))
    y = conv_input_grad.call(g, weight, size, steps, pads, gaps, groups)
    if bias is not None:
        if np.shape(bias) != y.shape[1:2]:
            raise ValueError(
                f"{name}: bias {np.shape(bias)} must have one number per output channel, "
                f"{y.shape[1:2]}."
            )
        y = y + np.reshape(bias, (-1, *(1,) * rank))
    return y[0] if single else y


conv1d, conv2d, conv3d = over_axes(conv_nd)
conv_transpose1d, conv_transpose2d, conv_transpose3d = over_axes(conv_transpose_nd)

__test__ = {  # doctest looks for functions defined in the file
    f.__name__: f
    for f in (conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d)
}

# What tests sample
cases(
    "conv",
    case(A(2, 2, 4, 5), A(3, 2, 3, 2)),
    case(A(1, 2, 6), A(2, 1, 2), 2, 1, 2, 2),
    case(A(1, 1, 2, 3, 2), A(2, 1, 2, 2, 1), stride=(1, 2, 1), padding=(1, 0, 0)),
    case(A(1, 2, 5, 4), A(1, 2, 2, 2), padding="same", dilation=2),
    case(A(1, 1, 4, 4), A(1, 1, 1, 2), stride=3, padding=((2, 0), (0, 1))),
)
cases(
    "conv_bias",
    case(A(2, 2, 4, 4), A(4, 1, 2, 3), A(4), padding=1, groups=2),
    case(A(2, 1, 5), A(2, 1, 3), A(2)),
)
cases(
    "conv_input_grad",
    case(A(2, 3, 3, 2), A(3, 2, 2, 2), (4, 3)),
    case(A(1, 2, 4), A(2, 1, 2), (7,), 2, 1, 2, 2),
    case(A(1, 2, 2, 1), A(2, 1, 1, 2), (5, 4), 3, 0),
)
cases(
    "conv_weight_grad",
    case(A(2, 2, 4, 3), A(2, 3, 3, 2), (2, 2)),
    case(A(1, 2, 6), A(1, 2, 3), (2,), 2, 1, 2, 2),
)
