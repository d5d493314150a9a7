"""MobileNets: inverted residual blocks of depthwise convolutions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import chosen, count, reals
from nn.layers.activation import Hardswish, ReLU, ReLU6
from nn.layers.batch_norm import BatchNorm2d
from nn.layers.container import Sequential
from nn.layers.conv import Conv2d
from nn.layers.dropout import Dropout
from nn.layers.linear import Linear
from nn.models.first_weights import draw
from nn.module import Module

Make = Callable[..., Module]

V2 = (  # expansion, channels, blocks, stride of the first
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
)  # fmt: skip


class Row(NamedTuple):
    """A block of MobileNet v3."""

    kernel: int
    hidden: int
    out: int
    squeeze: bool
    activation: Make
    stride: int


SMALL = (
    Row(3, 16, 16, True, ReLU, 2), Row(3, 72, 24, False, ReLU, 2), Row(3, 88, 24, False, ReLU, 1),
    Row(5, 96, 40, True, Hardswish, 2), Row(5, 240, 40, True, Hardswish, 1),
    Row(5, 240, 40, True, Hardswish, 1), Row(5, 120, 48, True, Hardswish, 1),
    Row(5, 144, 48, True, Hardswish, 1), Row(5, 288, 96, True, Hardswish, 2),
    Row(5, 576, 96, True, Hardswish, 1), Row(5, 576, 96, True, Hardswish, 1),
)  # fmt: skip
LARGE = (
    Row(3, 16, 16, False, ReLU, 1), Row(3, 64, 24, False, ReLU, 2), Row(3, 72, 24, False, ReLU, 1),
    Row(5, 72, 40, True, ReLU, 2), Row(5, 120, 40, True, ReLU, 1), Row(5, 120, 40, True, ReLU, 1),
    Row(3, 240, 80, False, Hardswish, 2), Row(3, 200, 80, False, Hardswish, 1),
    Row(3, 184, 80, False, Hardswish, 1), Row(3, 184, 80, False, Hardswish, 1),
    Row(3, 480, 112, True, Hardswish, 1), Row(3, 672, 112, True, Hardswish, 1),
    Row(5, 672, 160, True, Hardswish, 2), Row(5, 960, 160, True, Hardswish, 1),
    Row(5, 960, 160, True, Hardswish, 1),
)  # fmt: skip
V3 = {"small": (SMALL, 1024), "large": (LARGE, 1280)}
"""Blocks, and features of the hidden linear layer."""


def divisible(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of a divisor, at least the divisor and 90 % of the channels."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


class ConvNormActivation(Sequential):
    """Convolution that keeps the size but for its stride, batch norm, and maybe an activation."""

    def __init__(
        self,
        C: int,
        M: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        *,
        norm: Make,
        activation: Make | None,
        rng: Rng,
    ) -> None:
        conv = Conv2d(C, M, kernel, stride, kernel // 2, groups=groups, bias=False, rng=rng)
        super().__init__(conv, norm(M), *([] if activation is None else [activation()]))


class SqueezeExcitation(Module):
    """Scale each channel by what the means of all channels say.

    References
    ----------
    Hu, Shen & Sun, Squeeze-and-excitation networks, 2018.
    """

    def __init__(self, C: int, squeezed: int, rng: Rng) -> None:
        self.fc1, self.fc2 = Conv2d(C, squeezed, 1, rng=rng), Conv2d(squeezed, C, 1, rng=rng)

    def forward(self, x: Any) -> Value:
        """Map (N, C, H, W) to the same shape."""
        means = np.mean(x, axis=(2, 3), keepdims=True)  # (N, C, 1, 1)
        return functional.hardsigmoid(self.fc2(functional.relu(self.fc1(means)))) * x


class InvertedResidual(Module):
    """A block that widens, convolves each channel by itself, and narrows again.

    `name` is that of its Sequential: a checkpoint has it in its keys.
    """

    def __init__(self, name: str, layers: list[Module], residual: bool) -> None:
        self.name, self.residual = name, residual
        self.add_module(name, Sequential(*layers))

    def forward(self, x: Any) -> Value:
        """Map (N, C, H, W) to (N, M, H / stride, W / stride)."""
        y: Any = self.get_submodule(self.name)(x)
        return x + y if self.residual else y


class _MobileNet(Module):
    """What the versions share."""

    features: Sequential
    classifier: Sequential

    def forward(self, x: Any) -> Value:
        """Logits of images."""
        return self.classifier(np.mean(self.features(x), axis=(2, 3)))


class MobileNetV2(_MobileNet):
    """MobileNet v2, 3,504,872 parameters.

    Names, shapes and first values of parameters are those of torchvision's `mobilenet_v2`, whose
    checkpoints load.

    Parameters
    ----------
    num_classes : number of classes.
    width_mult : factor for the number of channels; they are rounded to multiples of 8.
    dropout : probability of zero for the features.
    in_channels : C of the images.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Input (N, C, H, W), about 224 × 224 pixels; output: logits, (N, num_classes).

    References
    ----------
    Sandler, Howard, Zhu, Zhmoginov & Chen, MobileNetV2: inverted residuals and linear bottlenecks,
    2018.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.MobileNetV2(10, width_mult=0.1).eval()
    >>> net(np.ones((1, 3, 32, 32), np.float32)).shape
    (1, 10)
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        dropout: float = 0.2,
        *,
        in_channels: int = 3,
        rng: Rng = None,
    ) -> None:
        _check("MobileNetV2", num_classes, in_channels, width_mult)
        rng = None if rng is None else as_generator(rng)
        make = partial(ConvNormActivation, norm=BatchNorm2d, activation=ReLU6, rng=rng)
        C, last = divisible(32 * width_mult), divisible(1280 * max(1.0, width_mult))
        layers: list[Module] = [make(in_channels, C, 3, 2)]
        for expansion, channels, n, first in V2:
            M = divisible(channels * width_mult)
            for i in range(n):
                stride, hidden = 1 if i else first, C * expansion
                block: list[Module] = [make(C, hidden, 1)] if expansion > 1 else []
                block.append(make(hidden, hidden, 3, stride, hidden))
                block += [Conv2d(hidden, M, 1, bias=False, rng=rng), BatchNorm2d(M)]
                layers.append(InvertedResidual("conv", block, stride == 1 and C == M))
                C = M
        self.features = Sequential(*layers, make(C, last, 1))
        self.classifier = Sequential(Dropout(dropout, rng=rng), Linear(last, num_classes, rng=rng))
        draw(self, rng, 0.01)


class MobileNetV3(_MobileNet):
    """MobileNet v3, small (2,542,856 parameters) or large (5,483,032).

    Names, shapes and first values of parameters are those of torchvision's `mobilenet_v3_small` and
    `mobilenet_v3_large`, whose checkpoints load.

    Parameters
    ----------
    size : "small" or "large".
    num_classes : number of classes.
    width_mult : factor for the number of channels; they are rounded to multiples of 8.
    dropout : probability of zero for the hidden linear layer.
    in_channels : C of the images.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Input (N, C, H, W), about 224 × 224 pixels; output: logits, (N, num_classes).

    References
    ----------
    Howard et al., Searching for MobileNetV3, 2019.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.MobileNetV3("small", 10, width_mult=0.1).eval()
    >>> net(np.ones((1, 3, 32, 32), np.float32)).shape
    (1, 10)
    """

    def __init__(
        self,
        size: str = "large",
        num_classes: int = 1000,
        width_mult: float = 1.0,
        dropout: float = 0.2,
        *,
        in_channels: int = 3,
        rng: Rng = None,
    ) -> None:
        _check("MobileNetV3", num_classes, in_channels, width_mult)
        rows, last = chosen("MobileNetV3 of size", str(size), V3)
        rng = None if rng is None else as_generator(rng)
        norm = partial(BatchNorm2d, eps=0.001, momentum=0.01)
        make = partial(ConvNormActivation, norm=norm, rng=rng)
        C = divisible(16 * width_mult)
        layers: list[Module] = [make(in_channels, C, 3, 2, activation=Hardswish)]
        for row in rows:
            hidden, M = divisible(row.hidden * width_mult), divisible(row.out * width_mult)
            act = row.activation
            block: list[Module] = [make(C, hidden, 1, activation=act)] if hidden != C else []
            block.append(make(hidden, hidden, row.kernel, row.stride, hidden, activation=act))
            if row.squeeze:
                block.append(SqueezeExcitation(hidden, divisible(hidden // 4), rng))
            block.append(make(hidden, M, 1, activation=None))
            layers.append(InvertedResidual("block", block, row.stride == 1 and C == M))
            C = M
        self.features = Sequential(*layers, make(C, 6 * C, 1, activation=Hardswish))
        last = divisible(last * width_mult)
        self.classifier = Sequential(
            Linear(6 * C, last, rng=rng), Hardswish(), Dropout(dropout, rng=rng),
            Linear(last, num_classes, rng=rng),
        )  # fmt: skip
        draw(self, rng, 0.01)


def _check(who: str, num_classes: int, in_channels: int, width_mult: float) -> None:
    count(who, "num_classes", num_classes, 1)
    count(who, "in_channels", in_channels, 1)
    reals(who, width_mult=width_mult)
    if not width_mult > 0:
        raise ValueError(f"{who}: width_mult must be more than 0, got {width_mult}.")
