"""Block: parameters with equal step counts, updated together by one rule.

A NumPy call costs about 1 µs however short its arrays, and an Adam step is 13 of them. So the
parameters of a small model are gathered into one flat array. A large model's are updated one by
one, each in one pass of a compiled loop, which costs 4 µs for a short array, and a tenth of NumPy's
time for a long one. The flat array too goes through that loop where Numba has been started already.
All ways give the same bits and allocate no memory.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from operator import is_, itemgetter
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.value import Value
from nn.optim.optimizer import label
from nn.optim.rules import Rule, apply
from nn.parameter import plain

LARGE = 1 << 15
"""Size of a group from which starting Numba, which takes most of a second, pays."""

State = dict[Value, dict[str, Any]]


class Block:
    """Parameters that are updated together, with their state in flat arrays.

    Parameters
    ----------
    members : of one dtype, and with equal numbers in their state.
    state : the optimizer's; missing arrays are added to it.
    arrays : names of the state arrays, and their initial values.
    numbers : names of the numbers in the state.
    gather : whether to update all members as one flat array.
    """

    __slots__ = ("_data", "_grad", "_held", "_numbers", "_state", "_views", "gather", "members")

    def __init__(
        self,
        members: list[Value],
        state: State,
        arrays: Mapping[str, float],
        numbers: Sequence[str],
        gather: bool,
    ) -> None:
        self.members, self.gather = members, gather
        self._numbers = numbers
        dtype = members[0].dtype
        parts = [members] if gather else [[p] for p in members]
        self._state: list[list[Array]] = []
        for part in parts:
            size = sum(p.size for p in part)
            flats = [np.full(size, first, dtype) for first in arrays.values()]
            for name, flat in zip(arrays, flats, strict=True):
                for p, view in zip(part, _views(flat, part), strict=True):
                    if name in state[p]:
                        view[...] = checked(name, p, state[p][name])
                    state[p][name] = view
            self._state.append(flats)
        self._held = {name: [state[p][name] for p in members] for name in arrays}
        size = sum(p.size for p in members) if gather else 0
        self._data, self._grad = np.empty(size, dtype), np.empty(size, dtype)
        views = [_views(flat, members) if gather else [] for flat in (self._data, self._grad)]
        self._views = list(zip(*views, strict=True))

    def holds(self, state: State) -> bool:
        """Whether the state is still the block's arrays, and numbers that its members share.

        Whoever assigns to ``state[p]`` changes that.
        """
        try:
            mine = list(map(state.__getitem__, self.members))
            for name, arrays in self._held.items():
                if not all(map(is_, map(itemgetter(name), mine), arrays)):
                    return False
            for name in self._numbers:
                found = list(map(itemgetter(name), mine))
                if found.count(found[0]) != len(found):
                    return False
        except KeyError:
            return False
        return True

    def run(self, rule: Rule, constants: Sequence[float]) -> None:
        """Apply a rule to every member."""
        if not self.gather:
            for p, state in zip(self.members, self._state, strict=True):
                g: Any = p.grad
                apply(rule, constants, p._data, g, state, compiled=True)
            return
        for p, (data, grad) in zip(self.members, self._views, strict=True):
            data[...] = p._data
            grad[...] = p.grad
        compiled = kernels_started()
        apply(rule, constants, self._data, self._grad, self._state[0], compiled)
        for p, (data, _) in zip(self.members, self._views, strict=True):
            p._data[...] = data


def kernels_started() -> bool:
    """Whether Numba runs in this process already, so that its start costs nothing more."""
    return "autograd.machine.jit" in sys.modules


def _views(flat: Array, members: Sequence[Value]) -> list[Array]:
    """The part of a flat array that belongs to each member, in its shape."""
    ends = np.cumsum([p.size for p in members])
    parts = np.split(flat, ends[:-1])
    return [part.reshape(p.shape) for part, p in zip(parts, members, strict=True)]


def checked(name: str, p: Value, x: Any) -> Array:
    """A state array, as it may have been assigned; a ValueError unless it fits the parameter."""
    array = np.asarray(plain(x))
    if array.shape != p.shape or array.dtype.kind not in "fiub":
        raise ValueError(
            f"The optimizer's state {name!r} for the parameter {label(p)} must hold real numbers "
            f"in its shape, not {array.dtype} in {array.shape}."
        )
    return array


def blocks(
    params: Sequence[Value], state: State, arrays: Mapping[str, float], numbers: Sequence[str]
) -> list[Block]:
    """Sort parameters into blocks of equal dtype and equal numbers in their state."""
    gather = sum(p.size for p in params) < LARGE
    kinds: dict[Any, list[Value]] = {}
    for p in params:
        kind = (p.dtype, *(state[p][name] for name in numbers))
        kinds.setdefault(kind, []).append(p)
    return [Block(members, state, arrays, numbers, gather) for members in kinds.values()]
