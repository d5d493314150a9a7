"""Fusing a batch normalization into the layer before it, for inference."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import numpy as np

from nn.arguments import flags
from nn.layers.batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from nn.layers.conv import Conv1d, Conv2d, Conv3d
from nn.layers.linear import Linear
from nn.module import Module, Parameter
from nn.module.derived import recipe_of
from nn.parameter import plain
from nn.utils.norms import TRANSPOSED

M = TypeVar("M", bound=Module)
NORMS: tuple[type[Module], ...] = (BatchNorm1d, BatchNorm2d, BatchNorm3d)


def fuse_conv_bn_eval(conv: M, bn: Module, transpose: bool = False) -> M:
    """A convolution that does what one and the batch norm behind it do in eval mode.

    Parameters
    ----------
    conv, bn : Conv1d, 2d, 3d or a transposed one, and BatchNorm, both in eval mode.
    transpose : True for a transposed convolution.

    Returns
    -------
    Module : a new convolution with a bias.

    Raises
    ------
    RuntimeError
        Training mode, where no running statistics are used.
    ValueError
        Running statistics that are not tracked; other numbers of channels; a computed weight.

    Examples
    --------
    >>> import nn, numpy as np
    >>> conv, bn = nn.Conv2d(1, 2, 3, bias=False).eval(), nn.BatchNorm2d(2).eval()
    >>> x = np.ones((1, 1, 4, 4), np.float32)
    >>> fused = nn.utils.fuse_conv_bn_eval(conv, bn)
    >>> bool(np.allclose(fused(x).data, bn(conv(x)).data, atol=1e-6))
    True
    """
    flags("fuse_conv_bn_eval", transpose=transpose)
    who = "fuse_conv_bn_eval"
    flags(who, transpose=transpose)
    _check(who, conv, bn, (Conv1d, Conv2d, Conv3d, *TRANSPOSED))
    if transpose != isinstance(conv, TRANSPOSED):
        raise ValueError(f"{who}: transpose={transpose} with a {type(conv).__name__}.")
    return _fused(conv, bn, transpose)


def fuse_linear_bn_eval(linear: M, bn: Module) -> M:
    """A linear layer that does what one and the batch norm behind it do in eval mode.

    Parameters
    ----------
    linear, bn : Linear and BatchNorm1d, both in eval mode.

    Returns
    -------
    Module : a new linear layer with a bias.

    Raises
    ------
    RuntimeError
        Training mode, where no running statistics are used.
    ValueError
        Running statistics that are not tracked; other numbers of features; a computed weight.
    """
    _check("fuse_linear_bn_eval", linear, bn, (Linear,))
    return _fused(linear, bn, False)


def fuse_conv_bn_weights(
    conv_w: Any,
    conv_b: Any,
    bn_rm: Any,
    bn_rv: Any,
    bn_eps: float,
    bn_w: Any,
    bn_b: Any,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a convolution with the batch norm behind it.

    Parameters
    ----------
    conv_w, conv_b : weight and bias of the convolution; the bias may be None.
    bn_rm, bn_rv, bn_eps : running mean and variance, and what is added to the variance.
    bn_w, bn_b : weight and bias of the batch norm, or None.
    transpose : whether the convolution is a transposed one.
    """
    flags("fuse_conv_bn_weights", transpose=transpose)
    w, mean = np.asarray(plain(conv_w)), np.asarray(plain(bn_rm), np.float64)
    scale = 1 / np.sqrt(np.asarray(plain(bn_rv), np.float64) + bn_eps)
    if bn_w is not None:
        scale = scale * plain(bn_w)
    shift = (0 if conv_b is None else plain(conv_b)) - mean
    bias = shift * scale + (0 if bn_b is None else plain(bn_b))
    if transpose:  # (M, C / groups, ...): the channels of a group are those of its rows
        groups = scale.size // w.shape[1]
        rows = scale.reshape(groups, 1, w.shape[1], *[1] * (w.ndim - 2))
        fused = (w.reshape(groups, -1, *w.shape[1:]) * rows).reshape(w.shape)
    else:
        fused = w * scale.reshape(-1, *[1] * (w.ndim - 1))
    learned = getattr(conv_w, "requires_grad", True)
    kind = w.dtype if conv_b is None else plain(conv_b).dtype
    bias_learned = getattr(conv_b, "requires_grad", learned)
    return Parameter(fused, learned, dtype=w.dtype), Parameter(bias, bias_learned, dtype=kind)


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """Weight and bias of a linear layer with the batch norm behind it."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _check(who: str, layer: Any, bn: Any, kinds: tuple[type[Module], ...]) -> None:
    """Refuse what can't be fused."""
    for module, allowed in ((layer, kinds), (bn, NORMS)):
        kind = type(module).__name__
        if not isinstance(module, allowed):
            names = ", ".join(one.__name__ for one in allowed)
            raise TypeError(f"{who}: {kind} is none of {names}.")
        if module.training:
            raise RuntimeError(
                f"{who}: the {kind} is in training mode; call eval() first, since only the running "
                "statistics can be fused."
            )
    if bn.running_mean is None:
        raise ValueError(f"{who}: the batch norm tracks no running statistics to fuse.")
    if recipe_of(layer, "weight") or recipe_of(layer, "bias"):
        raise ValueError(
            f"{who}: the weights of the {type(layer).__name__} are computed; remove that first "
            "(nn.utils.remove_weight_norm, parametrize.remove_parametrizations ...)."
        )
    channels = layer.out_features if isinstance(layer, Linear) else layer.out_channels
    if bn.num_features not in (channels, 1 if isinstance(layer, Linear) else channels):
        raise ValueError(
            f"{who}: {channels} outputs, but the batch norm is of {bn.num_features} channels."
        )


def _fused(layer: Any, bn: Any, transpose: bool) -> Any:
    twin = copy.deepcopy(layer)
    twin.weight, twin.bias = fuse_conv_bn_weights(
        layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias,
        transpose,
    )  # fmt: skip
    return twin
