"""uniform_weights: how affine maps, convolutions and recurrent layers start."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.random import Rng, as_generator
from nn import init
from nn.module import Module, Parameter


def uniform_weights(
    shape: tuple[int, ...], fan_in: int, dtype: Any, rng: np.random.Generator
) -> Parameter:
    """A Parameter, uniform in ±1/√fan_in: PyTorch's default start."""
    weights = Parameter(np.zeros(shape), dtype=dtype)
    draw(weights, fan_in, rng)
    return weights


def draw(weights: Parameter, fan_in: int, rng: np.random.Generator) -> None:
    """Fill a Parameter, uniform in ±1/√fan_in."""
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    init.uniform_(weights, -bound, bound, rng)


class UniformStart(Module):
    """A module all of whose parameters start like that."""

    weight: Parameter

    @property
    def _fan_in(self) -> int:
        return math.prod(self.weight.shape[1:])

    def reset_parameters(self, rng: Rng = None) -> None:
        """Draw all parameters anew, as the constructor does.

        Parameters
        ----------
        rng : generator, seed or None for the default.
        """
        generator = as_generator(rng)
        for _, p in self._made()._own(Parameter):
            draw(p, self._fan_in, generator)
