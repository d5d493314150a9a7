"""LeNet-5."""

from __future__ import annotations

from autograd.random import Rng, as_generator
from nn.layers.activation import ReLU
from nn.layers.container import Sequential
from nn.layers.conv import Conv2d
from nn.layers.flatten import Flatten
from nn.layers.linear import Linear
from nn.layers.pooling import MaxPool2d


class LeNet5(Sequential):
    """LeNet-5 for images of 28 × 28 pixels, with ReLU and max pooling, as it is built today.

    Parameters
    ----------
    num_classes : number of classes.
    in_channels : C, 1 for grey images.
    rng : generator, seed or None for the default.

    Input (N, C, 28, 28), output: logits, (N, num_classes).

    References
    ----------
    LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition, 1998.

    Examples
    --------
    >>> import nn, numpy as np
    >>> net = nn.models.LeNet5()
    >>> net(np.ones((2, 1, 28, 28), np.float32)).shape
    (2, 10)
    >>> sum(p.size for p in net.parameters())
    61706
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, *, rng: Rng = None) -> None:
        rng = None if rng is None else as_generator(rng)
        super().__init__(
            Conv2d(in_channels, 6, 5, padding=2, rng=rng), ReLU(), MaxPool2d(2),
            Conv2d(6, 16, 5, rng=rng), ReLU(), MaxPool2d(2), Flatten(),
            Linear(400, 120, rng=rng), ReLU(), Linear(120, 84, rng=rng), ReLU(),
            Linear(84, num_classes, rng=rng),
        )  # fmt: skip
