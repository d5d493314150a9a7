"""Block: parameters with equal step counts, updated together by one rule.

A NumPy call costs about 1 µs however short its arrays, and an Adam step is 13 of them. So the
parameters of a small model are gathered into one flat array. A large model's are updated where they
are, all of them in one call of a compiled loop, which takes their addresses and a tenth of NumPy's
time. The flat array too goes through a compiled loop where Numba has been started already. All ways
give the same bits and allocate no memory.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from operator import is_, itemgetter
from typing import Any

import numpy as np

from autograd.machine import pool
from autograd.machine.uninterrupted import load
from autograd.node import Array
from autograd.value import Value
from nn.optim.optimizer import label
from nn.optim.rules import COST, FLOATS, Rule, UpdateRule, apply
from nn.parameter import plain

LARGE = 1 << 15
"""Size of a group from which starting Numba, which takes most of a second, pays."""

CUT = 1 << 14
"""Elements of one parameter that a thread takes at a time, one cut after another."""

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

    __slots__ = (
        "_data", "_grad", "_held", "_numbers", "_places", "_state", "_views", "gather", "members",
    )  # fmt: skip

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
        self._places: Places | None = None
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
        compiled = not self.gather or kernels_started()
        if compiled and isinstance(rule, UpdateRule) and self.members[0].dtype in FLOATS:
            if self._places is None:
                self._places = Places(self.members, list(self._held.values()))
            if self._places.run(rule, constants):
                return
        if not self.gather:
            for p, state in zip(self.members, self._state, strict=True):
                g: Any = p.grad
                apply(rule, constants, p._data, g, state, compiled=True)
            return
        for p, (data, grad) in zip(self.members, self._views, strict=True):
            data[...] = p._data
            grad[...] = p.grad
        apply(rule, constants, self._data, self._grad, self._state[0], compiled)
        for p, (data, _) in zip(self.members, self._views, strict=True):
            p._data[...] = data


class Places:
    """Where parameters, gradients and state are in memory, for one call on all of them.

    Parameters
    ----------
    members : parameters of one dtype.
    state : for each of their state arrays a list of all members'.
    """

    __slots__ = ("_addresses", "_cost", "_cuts", "_dtype", "_members", "_note", "_params")

    def __init__(self, members: list[Value], state: list[list[Array]]) -> None:
        machine = load("autograd.machine.addresses")
        self._members, self._note = members, machine.note  # None where no kernel takes addresses
        self._dtype = members[0].dtype
        rows = 2 + len(state)
        self._addresses = np.zeros((rows, machine.room(len(members))), np.intp)
        for row, arrays in enumerate(state if self._note else (), 2):
            self._note(self._addresses[row], [x.reshape(-1) for x in arrays])
        self._params: list[Array] = []  # whose addresses are noted
        self._cuts = np.array(
            [
                (k, first, min(CUT, p.size - first))
                for k, p in enumerate(members)
                for first in range(0, p.size, CUT)
            ],
            np.intp,
        ).reshape(-1, 3)
        self._cost = COST * rows * sum(p._data.nbytes for p in members)

    def run(self, rule: UpdateRule, constants: Sequence[float]) -> bool:
        """Apply a rule to all members, unless a parameter is not where it can be written to."""
        params = [p._data for p in self._members]
        if not (self._note and all(x.flags.carray for x in params)):
            return False
        if not (len(params) == len(self._params) and all(map(is_, params, self._params))):
            self._note(self._addresses[0], [x.reshape(-1) for x in params])
            self._params = params
        dtype, grads = self._dtype, []
        for p in self._members:
            g: Any = p.grad
            if not (g.flags.carray and g.dtype is dtype):
                g = np.array(g, dtype, order="C")
            grads.append(g.reshape(-1))
        self._note(self._addresses[1], grads)
        c = tuple(map(dtype.type, constants))
        pool.run(rule.loops, len(self._cuts), c, self._cuts, self._addresses, cost=self._cost)
        return True


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
