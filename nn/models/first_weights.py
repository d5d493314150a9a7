"""First weights of convolutional networks, as torchvision draws them."""

from __future__ import annotations

from autograd.random import Rng
from nn import init
from nn.layers.conv import Conv2d
from nn.layers.linear import Linear
from nn.module import Module


def draw(net: Module, rng: Rng, linear_std: float | None = None) -> None:
    """Draw convolutions by He's rule for gradients, and linear layers normal where asked."""
    for module in net.modules():
        if isinstance(module, Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=rng)
        elif isinstance(module, Linear) and linear_std is not None:
            init.normal_(module.weight, std=linear_std, generator=rng)
        else:
            continue
        if module.bias is not None and linear_std is not None:
            init.zeros_(module.bias)
