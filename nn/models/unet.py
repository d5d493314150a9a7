"""U-Net, for segmentation."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import count
from nn.layers.activation import ReLU
from nn.layers.batch_norm import BatchNorm2d
from nn.layers.container import ModuleList, Sequential
from nn.layers.conv import Conv2d, ConvTranspose2d
from nn.module import Module


def double_conv(in_channels: int, out_channels: int, rng: Rng = None) -> Sequential:
    """Two 3 × 3 convolutions, each normalized and followed by ReLU."""
    return Sequential(
        Conv2d(in_channels, out_channels, 3, padding=1, bias=False, rng=rng),
        BatchNorm2d(out_channels), ReLU(),
        Conv2d(out_channels, out_channels, 3, padding=1, bias=False, rng=rng),
        BatchNorm2d(out_channels), ReLU(),
    )  # fmt: skip


class UNet(Module):
    """U-Net: downsampling and upsampling paths with skip connections.

    Parameters
    ----------
    in_channels, out_channels : C of the image, and M, classes of a pixel.
    width : channels of the first level; doubled at each level below.
    depth : how many times the image is halved.
    rng : generator, seed or None for the default.

    Input (N, C, H, W), H and W multiples of 2^depth. Output: logits, (N, M, H, W).

    References
    ----------
    Ronneberger, Fischer & Brox, U-Net: convolutional networks for biomedical image segmentation,
    2015; here with padding, so that sizes stay, and batch normalization.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.UNet(1, 2, width=4, depth=2)
    >>> net(np.ones((2, 1, 8, 12), np.float32)).shape
    (2, 2, 8, 12)
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 2,
        width: int = 16,
        depth: int = 3,
        *,
        rng: Rng = None,
    ) -> None:
        rng = None if rng is None else as_generator(rng)
        self.depth = count("UNet", "depth", depth, 1)
        width = count("UNet", "width", width, 1)
        widths = [width * 2**i for i in range(depth + 1)]
        sizes = [in_channels, *widths]
        self.down = ModuleList(double_conv(sizes[i], sizes[i + 1], rng) for i in range(depth))
        self.bottom = double_conv(widths[-2], widths[-1], rng)
        self.grow, self.up = ModuleList(), ModuleList()
        for C in reversed(widths[:-1]):
            self.grow.append(ConvTranspose2d(2 * C, C, 2, stride=2, rng=rng))
            self.up.append(double_conv(2 * C, C, rng))
        self.head = Conv2d(width, out_channels, 1, rng=rng)

    def forward(self, x: Any) -> Value:
        """Logits of each pixel."""
        shape, unit = np.shape(x), 2**self.depth
        if len(shape) != 4 or shape[2] % unit or shape[3] % unit:
            raise ValueError(
                f"UNet: input must be (N, C, H, W) with H and W multiples of {unit}, got {shape}."
            )
        levels = []
        for block in self.down:
            x = block(x)
            levels.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.bottom(x)
        for grow, block, level in zip(self.grow, self.up, reversed(levels), strict=True):
            x = block(self.join(level, grow(x)))
        return self.head(x)

    def join(self, level: Any, x: Any) -> Value:
        """Concatenate the skip connection, from the way down, and the upsampled features."""
        joined: Any = np.concatenate([level, x], axis=1)
        return joined
