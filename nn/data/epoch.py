"""Epoch: the batches of one pass over a dataset, and the generator that drew them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.node import Array


class Epoch:
    """Index batches of one epoch, and the seed of its transforms."""

    __slots__ = ("batches", "key")

    def __init__(self, batches: list[Array], key: int) -> None:
        self.batches, self.key = batches, key


def generator_with(state: Mapping[str, Any]) -> np.random.Generator:
    """The generator of a given state."""
    kind = {k.__name__: k for k in _KINDS}.get(state["bit_generator"])
    if kind is None:
        raise ValueError(f"DataLoader: unknown bit generator {state['bit_generator']!r}.")
    bits = kind()
    restored: Any = copy.deepcopy(state)
    bits.state = restored
    return np.random.Generator(bits)


_KINDS = (
    np.random.PCG64,
    np.random.PCG64DXSM,
    np.random.MT19937,
    np.random.Philox,
    np.random.SFC64,
)
