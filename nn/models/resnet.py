"""Residual networks for small images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional, init
from nn.arguments import count
from nn.layers.batch_norm import BatchNorm2d
from nn.layers.container import Sequential
from nn.layers.conv import Conv2d
from nn.layers.linear import Linear
from nn.module import Module


class BasicBlock(Module):
    """Residual block of two 3 × 3 convolutions with batch norm.

    Where the size changes, the input passes through a 1 × 1 convolution.

    Examples
    --------
    >>> import nn, numpy as np
    >>> block = nn.models.BasicBlock(4, 8, stride=2)
    >>> block(np.ones((2, 4, 6, 6), np.float32)).shape
    (2, 8, 3, 3)
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, *, rng: Rng = None
    ) -> None:
        rng = None if rng is None else as_generator(rng)
        C, M = in_channels, out_channels
        self.conv1 = Conv2d(C, M, 3, stride, padding=1, bias=False, rng=rng)
        self.bn1 = BatchNorm2d(M)
        self.conv2 = Conv2d(M, M, 3, padding=1, bias=False, rng=rng)
        self.bn2 = BatchNorm2d(M)
        self.downsample = None
        if stride != 1 or C != M:
            self.downsample = Sequential(
                Conv2d(C, M, 1, stride, bias=False, rng=rng), BatchNorm2d(M)
            )

    def forward(self, x: Any) -> Value:
        """Map (N, C, H, W) to (N, M, H / stride, W / stride)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(Module):
    """Residual network: stages of blocks, each stage half as large and twice as wide.

    Parameters
    ----------
    blocks : how many `BasicBlock`s each stage has; (3, 3, 3) is ResNet-20.
    num_classes : number of classes.
    in_channels : C of the images.
    width : channels of the first stage.
    rng : generator, seed or None for the default.

    Input (N, C, H, W), output: logits, (N, num_classes).

    References
    ----------
    He, Zhang, Ren & Sun, Deep residual learning for image recognition, 2015 (section 4.2); first
    weights: He et al., Delving deep into rectifiers, 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.ResNet((1, 1), in_channels=1, width=4)
    >>> net(np.ones((2, 1, 8, 8), np.float32)).shape
    (2, 10)
    """

    def __init__(
        self,
        blocks: Sequence[int] = (3, 3, 3),
        num_classes: int = 10,
        in_channels: int = 3,
        width: int = 16,
        *,
        rng: Rng = None,
    ) -> None:
        if not isinstance(blocks, (tuple, list)) or not blocks:
            raise ValueError(f"ResNet: blocks must name at least one stage, got {blocks!r}.")
        blocks = [count("ResNet", "blocks", n, 1) for n in blocks]
        width = count("ResNet", "width", width, 1)
        num_classes = count("ResNet", "num_classes", num_classes, 1)
        rng = None if rng is None else as_generator(rng)
        self.in_channels = count("ResNet", "in_channels", in_channels, 1)
        self.conv1 = Conv2d(in_channels, width, 3, padding=1, bias=False, rng=rng)
        self.bn1 = BatchNorm2d(width)
        stages, C = [], width
        for i, n in enumerate(blocks):
            M = width * 2**i
            stages.append(Sequential())
            for j in range(count("ResNet", "blocks", n, 1)):
                stages[-1].append(BasicBlock(C, M, 2 if i and not j else 1, rng=rng))
                C = M
        self.stages = Sequential(*stages)
        self.fc = Linear(C, num_classes, rng=rng)
        for module in self.modules():
            if isinstance(module, Conv2d):
                init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu", generator=rng
                )

    def forward(self, x: Any) -> Value:
        """Logits of images."""
        y = functional.relu(self.bn1(self.conv1(x)))
        return self.fc(np.mean(self.stages(y), axis=(2, 3)))


def resnet20(num_classes: int = 10, in_channels: int = 3, *, rng: Rng = None) -> ResNet:
    """He's ResNet-20 for images of about 32 × 32 pixels.

    Examples
    --------
    >>> import nn
    >>> sum(p.size for p in nn.models.resnet20().parameters())
    272474
    """
    return ResNet((3, 3, 3), num_classes, in_channels, rng=rng)
