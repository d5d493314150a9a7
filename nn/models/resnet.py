"""Residual networks, for small images and for large ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import count
from nn.layers.batch_norm import BatchNorm2d
from nn.layers.container import Sequential
from nn.layers.conv import Conv2d
from nn.layers.linear import Linear
from nn.layers.pooling import MaxPool2d
from nn.models.first_weights import draw
from nn.module import Module


class _Residual(Module):
    """What the blocks share: a shortcut, which is a 1 × 1 convolution where the size changes."""

    expansion: ClassVar[int]
    downsample: Module | None

    def _shortcut(self, C: int, M: int, stride: int, rng: Rng) -> None:
        self.downsample = None
        if stride != 1 or C != M:
            self.downsample = Sequential(
                Conv2d(C, M, 1, stride, bias=False, rng=rng), BatchNorm2d(M)
            )

    def residual(self, x: Any) -> Any:
        """What the block adds to its input."""
        raise NotImplementedError

    def forward(self, x: Any) -> Value:
        """Map (N, C, H, W) to (N, M, H / stride, W / stride)."""
        y = self.residual(x)
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class BasicBlock(_Residual):
    """Residual block of two 3 × 3 convolutions with batch norm.

    Where the size changes, the input passes through a 1 × 1 convolution.

    Examples
    --------
    >>> import nn, numpy as np
    >>> block = nn.models.BasicBlock(4, 8, stride=2)
    >>> block(np.ones((2, 4, 6, 6), np.float32)).shape
    (2, 8, 3, 3)
    """

    expansion = 1

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, *, rng: Rng = None
    ) -> None:
        rng = None if rng is None else as_generator(rng)
        C, M = in_channels, out_channels
        self.conv1 = Conv2d(C, M, 3, stride, padding=1, bias=False, rng=rng)
        self.bn1 = BatchNorm2d(M)
        self.conv2 = Conv2d(M, M, 3, padding=1, bias=False, rng=rng)
        self.bn2 = BatchNorm2d(M)
        self._shortcut(C, M, stride, rng)

    def residual(self, x: Any) -> Any:
        y = functional.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(y))


class Bottleneck(_Residual):
    """Residual block of 1 × 1, 3 × 3 and 1 × 1 convolutions: 4 × width channels come out.

    The 3 × 3 convolution has the stride, as in torchvision.

    Examples
    --------
    >>> import nn, numpy as np
    >>> block = nn.models.Bottleneck(8, 4, stride=2)
    >>> block(np.ones((2, 8, 6, 6), np.float32)).shape
    (2, 16, 3, 3)
    """

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1, *, rng: Rng = None) -> None:
        rng = None if rng is None else as_generator(rng)
        C, M = in_channels, width
        self.conv1 = Conv2d(C, M, 1, bias=False, rng=rng)
        self.bn1 = BatchNorm2d(M)
        self.conv2 = Conv2d(M, M, 3, stride, padding=1, bias=False, rng=rng)
        self.bn2 = BatchNorm2d(M)
        self.conv3 = Conv2d(M, 4 * M, 1, bias=False, rng=rng)
        self.bn3 = BatchNorm2d(4 * M)
        self._shortcut(C, 4 * M, stride, rng)

    def residual(self, x: Any) -> Any:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return self.bn3(self.conv3(y))


class ResNet(Module):
    """Residual network: stages of blocks, each stage half as large and twice as wide.

    Names and shapes of parameters are those of torchvision's `ResNet`, whose checkpoints load.

    Parameters
    ----------
    blocks : how many blocks each stage has; (3, 3, 3) is ResNet-20.
    num_classes : number of classes.
    in_channels : C of the images.
    width : channels of the first stage.
    block : BasicBlock or Bottleneck.
    stem : size of the first convolution's kernel: 3 for small images; 7 for those of about
        224 × 224 pixels, with stride 2 and followed by max pooling.
    rng : generator, seed or None for the default.

    Attributes
    ----------
    layer1, layer2, ... : Sequential, the stages.

    Input (N, C, H, W), output: logits, (N, num_classes).

    References
    ----------
    He, Zhang, Ren & Sun, Deep residual learning for image recognition, 2015 (section 4.2: the small
    ones); first weights: He et al., Delving deep into rectifiers, 2015.

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
        block: type[BasicBlock] | type[Bottleneck] = BasicBlock,
        stem: int = 3,
        rng: Rng = None,
    ) -> None:
        if not isinstance(blocks, (tuple, list)) or not blocks:
            raise ValueError(f"ResNet: blocks must name at least one stage, got {blocks!r}.")
        blocks = [count("ResNet", "blocks", n, 1) for n in blocks]
        width = count("ResNet", "width", width, 1)
        num_classes = count("ResNet", "num_classes", num_classes, 1)
        if stem not in (3, 7):
            raise ValueError(f"ResNet: stem must be 3, for small images, or 7, got {stem!r}.")
        rng = None if rng is None else as_generator(rng)
        self.in_channels = count("ResNet", "in_channels", in_channels, 1)
        large = stem == 7
        self.conv1 = Conv2d(
            in_channels, width, stem, 2 if large else 1, stem // 2, bias=False, rng=rng
        )
        self.bn1 = BatchNorm2d(width)
        self.maxpool = MaxPool2d(3, 2, padding=1) if large else None
        C = width
        self.num_stages = len(blocks)
        for i, n in enumerate(blocks):
            stage = Sequential()
            for j in range(n):
                stage.append(block(C, width * 2**i, 2 if i and not j else 1, rng=rng))
                C = width * 2**i * block.expansion
            setattr(self, f"layer{i + 1}", stage)
        self.fc = Linear(C, num_classes, rng=rng)
        draw(self, rng)

    def forward(self, x: Any) -> Value:
        """Logits of images."""
        y: Any = functional.relu(self.bn1(self.conv1(x)))
        if self.maxpool is not None:
            y = self.maxpool(y)
        for i in range(self.num_stages):
            y = getattr(self, f"layer{i + 1}")(y)
        return self.fc(np.mean(y, axis=(2, 3)))


def resnet20(num_classes: int = 10, in_channels: int = 3, *, rng: Rng = None) -> ResNet:
    """He's ResNet-20 for images of about 32 × 32 pixels.

    Examples
    --------
    >>> import nn
    >>> sum(p.size for p in nn.models.resnet20().parameters())
    272474
    """
    return ResNet((3, 3, 3), num_classes, in_channels, rng=rng)


def resnet18(num_classes: int = 1000, in_channels: int = 3, *, rng: Rng = None) -> ResNet:
    """ResNet-18 for images of about 224 × 224 pixels, 11,689,512 parameters.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.resnet18(num_classes=5)
    >>> net(np.ones((1, 3, 64, 64), np.float32)).shape
    (1, 5)
    """
    return ResNet((2, 2, 2, 2), num_classes, in_channels, 64, stem=7, rng=rng)


def resnet34(num_classes: int = 1000, in_channels: int = 3, *, rng: Rng = None) -> ResNet:
    """ResNet-34 for images of about 224 × 224 pixels, 21,797,672 parameters.

    Examples
    --------
    >>> import nn
    >>> net = nn.models.resnet34(num_classes=10)  # logits (N, 10) of images (N, 3, H, W)
    """
    return ResNet((3, 4, 6, 3), num_classes, in_channels, 64, stem=7, rng=rng)


def resnet50(num_classes: int = 1000, in_channels: int = 3, *, rng: Rng = None) -> ResNet:
    """ResNet-50 for images of about 224 × 224 pixels, 25,557,032 parameters.

    Examples
    --------
    >>> import nn
    >>> net = nn.models.resnet50(num_classes=10)  # logits (N, 10) of images (N, 3, H, W)
    """
    blocks = 3, 4, 6, 3
    return ResNet(blocks, num_classes, in_channels, 64, block=Bottleneck, stem=7, rng=rng)


def resnet101(num_classes: int = 1000, in_channels: int = 3, *, rng: Rng = None) -> ResNet:
    """ResNet-101 for images of about 224 × 224 pixels, 44,549,160 parameters.

    Examples
    --------
    >>> import nn
    >>> net = nn.models.resnet101(num_classes=10)  # logits (N, 10) of images (N, 3, H, W)
    """
    blocks = 3, 4, 23, 3
    return ResNet(blocks, num_classes, in_channels, 64, block=Bottleneck, stem=7, rng=rng)
