r"""Convolution: three bilinear ops that are one another's derivatives, for one to three axes.

Of ⟨y, g⟩ = Σ y[n, m, o] g[n, m, o] with y = x ⋆ w, a function linear in each of x, w and g, the
three ops are the derivatives with respect to g, x and w. So the derivatives of each are the other
two, for ever. A transposed convolution is the second one, called forward.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.domains import A, case

Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


@functools.cache
def _kernels() -> Any:
    """The kernels; Numba is imported on first use."""
    return importlib.import_module("autograd.kernels.conv_products")


def _conv(
    x: Any, w: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    r"""Convolution (cross-correlation) of images with a weight.

    .. math:: y_{n m o} = \sum_{c, j} w_{m c j} \, x_{n, c, o \cdot stride + j \cdot dilation - padding}
    """
    x, w = arrays(x=x, w=w)
    check_weight(x.shape, "x", w.shape, groups, channels=1)
    s, p, d, _ = geometry(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _kernels().convolve(x, w, None, s, p, d, groups)


def _conv_bias(
    x: Any, w: Any, b: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Convolution with a number added to each output channel."""
    x, w, b = arrays(x=x, w=w, b=b)
    check_weight(x.shape, "x", w.shape, groups, channels=1)
    if b.shape != w.shape[:1]:
        raise ValueError(f"the bias must have one number per output channel, {w.shape[:1]}.")
    s, p, d, _ = geometry(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _kernels().convolve(x, w, b, s, p, d, groups)


def _conv_input_grad(
    g: Any, w: Any, size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    r"""The transposed map of a convolution with w, to images whose axes have these sizes.

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

    .. math:: \bar w_{m c j} = \sum_{n, o} g_{n m o} \, x_{n, c, o \cdot stride + j \cdot dilation - padding}
    """
    x, g = arrays(x=x, g=g)
    check_ranks(x.shape, "x", g.shape, "g")
    check_groups(groups)
    if x.shape[0] != g.shape[0]:
        raise ValueError("x and g must hold the same number of images.")
    if x.shape[1] % groups or g.shape[1] % groups:
        raise ValueError(f"the channels must be multiples of groups={groups}.")
    s, p, d, out = geometry(x.shape[2:], tuple(size), stride, padding, dilation)
    check_out(g.shape[2:], out)
    return _kernels().weight_grad(x, g, tuple(size), s, p, d, groups)


FLOATS = np.dtype(np.float32), np.dtype(np.float64)


def arrays(**given: Any) -> list[Any]:
    """The arrays as the kernels take them; TypeError unless all are float32 or all float64."""
    found = list(given.values())
    first = found[0].dtype
    if first in FLOATS and all(a.dtype is first and a.flags.carray for a in found):
        return found
    kinds = [np.asarray(a).dtype.newbyteorder("=") for a in found]
    if kinds[0] not in FLOATS or any(kind != kinds[0] for kind in kinds):
        names = ", ".join(f"{name} {kind}" for name, kind in zip(given, kinds, strict=True))
        raise TypeError(f"the arrays must be all float32 or all float64, got {names}.")
    return [
        a if a.flags.carray and a.dtype.isnative else np.array(a, kinds[0], order="C")
        for a in found
    ]


def check_ranks(x: Ints, x_name: str, w: Ints, w_name: str) -> None:
    """ValueError unless both have the same one to three axes behind the channels."""
    if len(x) != len(w) or not 3 <= len(x) <= 5:
        raise ValueError(
            f"{x_name} {x} and {w_name} {w} must both have 3, 4 or 5 axes: two for images and "
            "channels, then one for each axis of the convolution."
        )


def check_groups(groups: Any) -> None:
    """An error unless groups is an integer >= 1."""
    if isinstance(groups, bool) or not hasattr(type(groups), "__index__"):
        raise TypeError(f"groups must be an integer, got {groups!r}.")
    if groups < 1:
        raise ValueError(f"groups must be at least 1, got {groups}.")


def check_weight(x: Ints, name: str, w: Ints, groups: Any, channels: int) -> None:
    """An error unless x has the channels that the weight takes (1) or gives (0)."""
    check_ranks(x, name, w, "w")
    check_groups(groups)
    if w[0] % groups:
        raise ValueError(f"w {w}: its first axis must be a multiple of groups={groups}.")
    expected = w[1] * groups if channels else w[0]
    if x[1] != expected:
        raise ValueError(
            f"{name} {x} has {x[1]} channels, but w {w} with groups={groups} goes with {expected}."
        )


def check_out(g: Ints, expected: Ints) -> None:
    """ValueError unless g has the axes of the convolution's output."""
    if g != expected:
        raise ValueError(f"the axes of g are {g}, those of the convolution's output {expected}.")


def out_size(x: Ints, w: Ints, stride: Ints, padding: Pairs, dilation: Ints) -> Ints:
    """The axes of the output."""
    return tuple(
        (n + low + high - d * (k - 1) - 1) // s + 1
        for n, k, s, (low, high), d in zip(x, w, stride, padding, dilation, strict=True)
    )


def geometry(
    x: Ints, w: Ints, stride: Any, padding: Any, dilation: Any
) -> tuple[Ints, Pairs, Ints, Ints]:
    """Stride, padding, dilation and output for each axis; ValueError where the kernel is too large."""
    try:
        return _geometry(x, w, stride, padding, dilation)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
    return _geometry(x, w, _hashable(stride), _hashable(padding), _hashable(dilation))


def _hashable(a: Any) -> Any:
    if isinstance(a, np.ndarray):
        a = a.tolist()
    return tuple(map(_hashable, a)) if isinstance(a, (list, tuple)) else a


@functools.lru_cache(1024, typed=True)
def _geometry(
    x: Ints, w: Ints, stride: Any, padding: Any, dilation: Any
) -> tuple[Ints, Pairs, Ints, Ints]:
    rank = len(x)
    steps = each("stride", stride, rank, 1)
    gaps = each("dilation", dilation, rank, 1)
    if len(w) != rank:
        raise ValueError(f"size has {len(w)} entries for {rank} axes.")
    if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in (*x, *w)):
        raise ValueError(f"the axes of the images {x} and of the kernel {w} must be at least 1.")
    reach = tuple(d * (k - 1) + 1 for d, k in zip(gaps, w, strict=True))
    pads = paddings(padding, rank, steps, reach)
    for n, k, (low, high) in zip(x, reach, pads, strict=True):
        if k > n + low + high:
            raise ValueError(
                f"the kernel {w} with dilation {gaps} reaches over {reach} pixels, more than the "
                f"padded input has: {tuple(n + sum(p) for n, p in zip(x, pads, strict=True))}."
            )
    return steps, pads, gaps, out_size(x, w, steps, pads, gaps)


def paddings(padding: Any, rank: int, stride: Ints, reach: Ints) -> Pairs:
    """Zeros before and behind each axis."""
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * rank
        if padding != "same":
            raise ValueError(f"padding must be 'same', 'valid' or integers, got {padding!r}.")
        if any(s != 1 for s in stride):
            raise ValueError(f"padding='same' needs stride 1, got {stride}.")
        return tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in reach)
    if isinstance(padding, tuple) and any(isinstance(p, tuple) for p in padding):
        if len(padding) != rank:
            raise ValueError(f"padding has {len(padding)} pairs for {rank} axes.")
        low, high = zip(*(each("padding", p, 2, 0) for p in padding), strict=True)
    else:
        low = high = each("padding", padding, rank, 0)
    return tuple(zip(low, high, strict=True))


def each(name: str, given: Any, rank: int, least: float) -> Ints:
    """One integer for each axis, given one for all or one for each; errors name the argument."""
    entries = given if isinstance(given, (tuple, list)) else (given,) * rank
    if len(entries) == 1:
        entries = tuple(entries) * rank
    if len(entries) != rank:
        raise ValueError(f"{name}={given} has {len(entries)} entries for {rank} axes.")
    for n in entries:
        if isinstance(n, bool) or not hasattr(type(n), "__index__"):
            raise TypeError(f"{name} must be made of integers, got {n!r}.")
        if n < least:
            raise ValueError(f"{name} must be at least {least}, got {given}.")
    return tuple(int(n) for n in entries)


def channel_sum(g: Any) -> Any:
    """The sum over all axes but the channels."""
    if type(g) is np.ndarray:
        return np.einsum("ncp->c", g.reshape(*g.shape[:2], -1))  # np.sum takes 4 times as long
    return np.sum(g, axis=(0, *range(2, g.ndim)))


# fmt: off
conv: Op = Op(_conv, r"{x:2} \star {w:2}",
    lambda g, y, x, w, *how: conv_input_grad.call(g, w, x.shape[2:], *how),
    lambda g, y, x, w, *how: conv_weight_grad.call(x, g, w.shape[2:], *how),
    name="conv", rank=2,
    cases=(case(A(2, 2, 4, 5), A(3, 2, 3, 2)), case(A(1, 2, 6), A(2, 1, 2), 2, 1, 2, 2), case(A(1, 1, 2, 3, 2), A(2, 1, 2, 2, 1), stride=(1, 2, 1), padding=(1, 0, 0)),
           case(A(1, 2, 5, 4), A(1, 2, 2, 2), padding="same", dilation=2), case(A(1, 1, 4, 4), A(1, 1, 1, 2), stride=3, padding=((2, 0), (0, 1)))))
conv_bias: Op = Op(_conv_bias, r"{x:2} \star {w:2} + {b}",
    lambda g, y, x, w, b, *how: conv_input_grad.call(g, w, x.shape[2:], *how),
    lambda g, y, x, w, b, *how: conv_weight_grad.call(x, g, w.shape[2:], *how),
    lambda g, y, x, w, b, *how: channel_sum(g),
    name="conv_bias", rank=1,
    cases=(case(A(2, 2, 4, 4), A(4, 1, 2, 3), A(4), padding=1, groups=2), case(A(2, 1, 5), A(2, 1, 3), A(2))))
conv_input_grad: Op = Op(_conv_input_grad, r"{g:2} \star^\top {w:2}",
    lambda h, y, g, w, size, *how: conv.call(h, w, *how),
    lambda h, y, g, w, size, *how: conv_weight_grad.call(h, g, w.shape[2:], *how),
    name="conv_input_grad", rank=2,
    cases=(case(A(2, 3, 3, 2), A(3, 2, 2, 2), (4, 3)), case(A(1, 2, 4), A(2, 1, 2), (7,), 2, 1, 2, 2), case(A(1, 2, 2, 1), A(2, 1, 1, 2), (5, 4), 3, 0)))
conv_weight_grad: Op = Op(_conv_weight_grad, r"{x:2} \star_w {g:2}",
    lambda h, y, x, g, size, *how: conv_input_grad.call(g, h, x.shape[2:], *how),
    lambda h, y, x, g, size, *how: conv.call(x, h, *how),
    name="conv_weight_grad", rank=2,
    cases=(case(A(2, 2, 4, 3), A(2, 3, 3, 2), (2, 2)), case(A(1, 2, 6), A(1, 2, 3), (2,), 2, 1, 2, 2)))
# fmt: on


def convolution(
    rank: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> Any:
    """A convolution over this many axes, of a batch or of one image."""
    x, single = batched(f"conv{rank}d", rank, input, weight)
    if bias is None:
        y = conv.call(x, weight, stride, padding, dilation, groups)
    else:
        y = conv_bias.call(x, weight, bias, stride, padding, dilation, groups)
    return y[0] if single else y


def transposed(
    rank: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any,
    groups: Any, dilation: Any,
) -> Any:  # fmt: skip
    """A transposed convolution over this many axes, of a batch or of one image."""
    name = f"conv_transpose{rank}d"
    g, single = batched(name, rank, input, weight)
    try:
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
    y = conv_input_grad.call(g, weight, size, steps, pads, gaps, groups)
    if bias is not None:
        if np.shape(bias) != y.shape[1:2]:
            raise ValueError(
                f"{name}: bias {np.shape(bias)} must have one number per output channel, {y.shape[1:2]}."
            )
        y = y + np.reshape(bias, (-1, *(1,) * rank))
    return y[0] if single else y


def batched(name: str, rank: int, x: Any, w: Any) -> tuple[Any, bool]:
    """The input with an axis of images, and whether it had none; ValueError for a wrong rank."""
    axes = ", ".join("DHW"[3 - rank :] if rank > 1 else "L")
    if np.ndim(w) != rank + 2:
        raise ValueError(f"{name}: weight {np.shape(w)} must have {rank + 2} axes, (M, C, {axes}).")
    if np.ndim(x) not in (rank + 1, rank + 2):
        raise ValueError(
            f"{name}: input {np.shape(x)} must have {rank + 2} axes, (N, C, {axes}), or "
            f"{rank + 1}, (C, {axes})."
        )
    single = np.ndim(x) == rank + 1
    return (np.expand_dims(x, 0) if single else x), single


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    r"""Convolution over one axis, as in deep learning: a cross-correlation.

    .. math:: y_{n m o} = b_m + \sum_{c, j} w_{m c j} \, x_{n, c, o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : array or Value, (N, C, L) or (C, L). x, float32 or float64.
    weight : array or Value, (M, C / groups, K). w, of the same dtype.
    bias : array or Value, (M,), optional. b.
    stride : int or tuple. Pixels between outputs.
    padding : int, tuple, 'same' or 'valid'. Zeros at both ends; 'same' keeps L and needs stride 1.
        A pair for each axis, ``((before, behind),)``, pads unevenly.
    dilation : int or tuple. Pixels between the taps of the kernel.
    groups : int. Channels are split into so many convolutions side by side.

    Returns
    -------
    Value, (N, M, (L + 2 padding - dilation (K - 1) - 1) // stride + 1).

    Raises
    ------
    ValueError : shapes that do not go together, a kernel larger than the padded input.
    TypeError : other dtypes, or different ones.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value([[[1.0, 2.0, 4.0, 8.0]]])
    >>> autograd.conv1d(x, np.array([[[-1.0, 1.0]]])).data
    array([[[1., 2., 4.]]])
    """
    return convolution(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    r"""Convolution over two axes, as in deep learning: a cross-correlation.

    .. math:: y_{n m o} = b_m + \sum_{c, j} w_{m c j} \, x_{n, c, o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : array or Value, (N, C, H, W) or (C, H, W). x, float32 or float64.
    weight : array or Value, (M, C / groups, KH, KW). w, of the same dtype.
    bias : array or Value, (M,), optional. b.
    stride, padding, dilation, groups
        As in `conv1d`; integers or one for each axis.

    Returns
    -------
    Value, (N, M, HO, WO), with HO = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1.

    Raises
    ------
    ValueError : shapes that do not go together, a kernel larger than the padded input.
    TypeError : other dtypes, or different ones.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value(np.arange(16.0).reshape(1, 1, 4, 4))
    >>> w = np.array([[[[0.0, 1.0], [-1.0, 0.0]]]])
    >>> autograd.conv2d(x, w, stride=2).data
    array([[[[-3., -3.],
             [-3., -3.]]]])
    """
    return convolution(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    r"""Convolution over three axes, as in deep learning: a cross-correlation.

    .. math:: y_{n m o} = b_m + \sum_{c, j} w_{m c j} \, x_{n, c, o \cdot stride + j \cdot dilation - padding}

    Parameters
    ----------
    input : array or Value, (N, C, D, H, W) or (C, D, H, W). x, float32 or float64.
    weight : array or Value, (M, C / groups, KD, KH, KW). w, of the same dtype.
    bias : array or Value, (M,), optional. b.
    stride, padding, dilation, groups
        As in `conv1d`; integers or one for each axis.

    Returns
    -------
    Value, (N, M, DO, HO, WO), with DO = (D + 2 padding - dilation (KD - 1) - 1) // stride + 1.

    Raises
    ------
    ValueError : shapes that do not go together, a kernel larger than the padded input.
    TypeError : other dtypes, or different ones.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value(np.ones((1, 2, 3, 3, 3)))
    >>> autograd.conv3d(x, np.ones((4, 2, 3, 3, 3))).data.ravel()
    array([54., 54., 54., 54.])
    """
    return convolution(3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    r"""The transposed map of `conv1d`: what its gradient does to an output, done to an input.

    .. math:: y_{n c i} = b_c + \sum_{m, j} w_{m c j} \, x_{n m o}
        \quad\text{where}\quad o \cdot stride + j \cdot dilation - padding = i

    Parameters
    ----------
    input : array or Value, (N, M, L) or (M, L). x, float32 or float64.
    weight : array or Value, (M, C / groups, K). w, of the same dtype.
    bias : array or Value, (C,), optional. b.
    stride, padding, dilation : int or tuple. Those of the convolution that this transposes.
    output_padding : int or tuple. Longer outputs at the end of an axis; less than the stride.
    groups : int. Channels are split into so many convolutions side by side.

    Returns
    -------
    Value, (N, C, (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1).

    Raises
    ------
    ValueError : shapes that do not go together.
    TypeError : other dtypes than float32 or float64, or different ones.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value([[[1.0, 2.0]]])
    >>> autograd.conv_transpose1d(x, np.array([[[1.0, 10.0]]]), stride=2).data
    array([[[ 1., 10.,  2., 20.]]])
    """
    return transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    r"""The transposed map of `conv2d`: what its gradient does to an output, done to an input.

    .. math:: y_{n c i} = b_c + \sum_{m, j} w_{m c j} \, x_{n m o}
        \quad\text{where}\quad o \cdot stride + j \cdot dilation - padding = i

    Parameters
    ----------
    input : array or Value, (N, M, H, W) or (M, H, W). x, float32 or float64.
    weight : array or Value, (M, C / groups, KH, KW). w, of the same dtype.
    bias : array or Value, (C,), optional. b.
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose1d`; integers or one for each axis.

    Returns
    -------
    Value, (N, C, HO, WO), with
    HO = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1.

    Raises
    ------
    ValueError : shapes that do not go together.
    TypeError : other dtypes than float32 or float64, or different ones.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value([[[[1.0, 2.0]]]])
    >>> autograd.conv_transpose2d(x, np.ones((1, 1, 2, 2)), stride=2).data
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]])
    """
    return transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    r"""The transposed map of `conv3d`: what its gradient does to an output, done to an input.

    .. math:: y_{n c i} = b_c + \sum_{m, j} w_{m c j} \, x_{n m o}
        \quad\text{where}\quad o \cdot stride + j \cdot dilation - padding = i

    Parameters
    ----------
    input : array or Value, (N, M, D, H, W) or (M, D, H, W). x, float32 or float64.
    weight : array or Value, (M, C / groups, KD, KH, KW). w, of the same dtype.
    bias : array or Value, (C,), optional. b.
    stride, padding, output_padding, groups, dilation
        As in `conv_transpose1d`; integers or one for each axis.

    Returns
    -------
    Value, (N, C, DO, HO, WO), with
    DO = (D - 1) stride - 2 padding + dilation (KD - 1) + output_padding + 1.

    Raises
    ------
    ValueError : shapes that do not go together.
    TypeError : other dtypes than float32 or float64, or different ones.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> x = autograd.Value(np.ones((1, 1, 2, 1, 1)))
    >>> autograd.conv_transpose3d(x, np.ones((1, 1, 1, 1, 2)), stride=2).shape
    (1, 1, 3, 1, 2)
    """
    return transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
