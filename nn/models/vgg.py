"""VGG: deep stacks of 3 × 3 convolutions."""

from __future__ import annotations

from typing import Any

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn.arguments import chosen, count, flags
from nn.layers.activation import ReLU
from nn.layers.batch_norm import BatchNorm2d
from nn.layers.container import Sequential
from nn.layers.conv import Conv2d
from nn.layers.dropout import Dropout
from nn.layers.flatten import Flatten
from nn.layers.linear import Linear
from nn.layers.pooling import AdaptiveAvgPool2d, MaxPool2d
from nn.models.first_weights import draw
from nn.module import Module

STAGES = {
    "11": (1, 1, 2, 2, 2),
    "13": (2, 2, 2, 2, 2),
    "16": (2, 2, 3, 3, 3),
    "19": (2, 2, 4, 4, 4),
}
"""Layers with weights -> convolutions of each stage; three linear layers follow."""


class VGG(Module):
    """VGG: five stages of 3 × 3 convolutions, each halved by max pooling, then three linear layers.

    Names, shapes and first values of parameters are those of torchvision's `vgg11` to `vgg19`, with
    batch_norm of `vgg11_bn` to `vgg19_bn`, whose checkpoints load.

    Parameters
    ----------
    layers : 11, 13, 16 or 19 of them have weights.
    num_classes : number of classes.
    batch_norm : whether a batch norm follows each convolution.
    dropout : probability of zero for the hidden linear layers.
    in_channels : C of the images.
    width : channels M of the first stage; the later ones have 2 M, 4 M, 8 M and 8 M.
    hidden : features of the hidden linear layers.
    rng : generator, seed or None for the default; for the first weights and the dropout.

    Input (N, C, H, W) with H and W from 32, about 224; output: logits, (N, num_classes).

    References
    ----------
    Simonyan & Zisserman, Very deep convolutional networks for large-scale image recognition, 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.VGG(11, num_classes=10, width=4, hidden=32).eval()
    >>> net(np.ones((2, 3, 32, 32), np.float32)).shape
    (2, 10)
    """

    def __init__(
        self,
        layers: int = 16,
        num_classes: int = 1000,
        batch_norm: bool = False,
        dropout: float = 0.5,
        *,
        in_channels: int = 3,
        width: int = 64,
        hidden: int = 4096,
        rng: Rng = None,
    ) -> None:
        flags("VGG", batch_norm=batch_norm)
        sizes = {
            "num_classes": num_classes, "in_channels": in_channels, "width": width,
            "hidden": hidden,
        }  # fmt: skip
        for name, size in sizes.items():
            count("VGG", name, size, 1)
        rng = None if rng is None else as_generator(rng)
        features: list[Module] = []
        C = in_channels
        for i, n in enumerate(chosen("VGG with a number of layers of", str(layers), STAGES)):
            M = width * min(2**i, 8)
            for _ in range(n):
                features.append(Conv2d(C, M, 3, padding=1, rng=rng))
                features += [BatchNorm2d(M), ReLU()] if batch_norm else [ReLU()]
                C = M
            features.append(MaxPool2d(2))
        self.features = Sequential(*features)
        self.avgpool = AdaptiveAvgPool2d(7)
        self.flatten = Flatten()
        self.classifier = Sequential(
            Linear(C * 7 * 7, hidden, rng=rng), ReLU(), Dropout(dropout, rng=rng),
            Linear(hidden, hidden, rng=rng), ReLU(), Dropout(dropout, rng=rng),
            Linear(hidden, num_classes, rng=rng),
        )  # fmt: skip
        draw(self, rng, 0.01)

    def forward(self, x: Any) -> Value:
        """Logits of images."""
        return self.classifier(self.flatten(self.avgpool(self.features(x))))
