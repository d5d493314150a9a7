"""Stale: what a vjp gets in place of data that was overwritten too early, and how that is noticed.

A graph keeps its inputs by reference. What changes one of them before the backward pass would make
a wrong gradient, so whatever recorded it must still hold the same numbers then:

- Of a constant array, an index or a mask, the node that uses it keeps a fingerprint.
- A leaf whose array was never handed out can be written to only through ``.data = ...``, which
  stamps it. Of a leaf whose array was read through ``.data``, or is a view of another's, the
  fingerprint is kept, and compared when the leaf is used again and in a backward pass; one that
  differs stamps the leaf.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd.dispatch import Traced
from autograd.node import Array, Node, tick

SMALL = 1 << 15
"""Bytes up to which all of an array is its fingerprint: a copy takes less time than sums."""

_LANES = 509  # a prime, so that lanes are no axis of the array; short ones take longer

UNWRITABLE = b"read-only"

UNKNOWN = b""
"""The fingerprint of a leaf whose array may change at any moment, and that no graph needs yet."""


def fingerprint(array: Array) -> bytes:
    """What tells whether the elements of an array changed: a small array's bytes, or sums of them.

    The 64-bit words of a large one are laid out in rows of 509, and the sums of all rows and all
    columns kept: what changes an element, or moves one, changes some of them. That reads the array
    once more; an array that nobody can write to (``array.flags.writeable = False``) is not read.
    """
    if array.nbytes <= SMALL or array.dtype.hasobject:
        return array.tobytes()
    owner = array if array.base is None else array.base
    if isinstance(owner, np.ndarray) and not (array.flags.writeable or owner.flags.writeable):
        return UNWRITABLE
    if not array.flags.c_contiguous:
        turned = array.T
        array = turned if turned.flags.c_contiguous else array.copy()
    raw = array.reshape(-1).view(np.uint8)
    cut = raw.size // (8 * _LANES) * (8 * _LANES)
    words = raw[:cut].view(np.uint64).reshape(-1, _LANES)
    columns, rows = np.add.reduce(words, axis=0), np.add.reduce(words, axis=1)
    return b"".join((columns.tobytes(), rows.tobytes(), raw[cut:].tobytes()))


def seals(arrays: Sequence[Array]) -> tuple[tuple[Array, bytes], ...] | None:
    """The constants of a node, with their fingerprints; None without any."""
    return tuple([(array, fingerprint(array)) for array in arrays]) if arrays else None


def hand_out(leaf: Node) -> Array:
    """The array of a leaf, for a caller who may write to it."""
    if leaf._data.base is not None:  # the untracked result of a view: a write must not reach others
        leaf._data = leaf._data.copy()
    if leaf.seal is None:
        leaf.seal = fingerprint(leaf._data)
    return leaf._data  # type: ignore[no-any-return]


def notice(leaf: Node) -> None:
    """Stamp a leaf whose array was handed out, if it has been written to since the last look."""
    array = leaf._data
    alone = type(array) is not np.ndarray or (
        sys.getrefcount(array) <= _ALONE and array.base is None
    )
    if alone and leaf.seal == UNKNOWN:
        leaf.seal = None
        return
    now = fingerprint(array)
    if leaf.seal not in (UNKNOWN, now):
        leaf.birth = tick()
    leaf.seal = None if alone else now


def _references_of_a_slot_and_a_local() -> int:
    owner = Node()
    owner._data = np.empty(1)
    array = owner._data
    return sys.getrefcount(array)


_ALONE = _references_of_a_slot_and_a_local()


class Stale(Traced, NDArrayOperatorsMixin):
    """Stands for data that was written to after the graph used it; reading its numbers raises.

    A vjp that needs only its shape or dtype works, as in PyTorch.

    Parameters
    ----------
    data : the array as it is now.
    user : the node whose op needs it as it was.
    leaf : the leaf that was written to; None for a constant.
    """

    __slots__ = ("_written", "dtype", "ndim", "shape", "size")

    def __init__(self, data: Array, user: Node, leaf: Node | None = None) -> None:
        self._written = (leaf, user)
        self.shape, self.dtype, self.ndim, self.size = data.shape, data.dtype, data.ndim, data.size

    def refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise the error that names the leaf or the constant."""
        leaf, user = self._written
        if leaf is None:
            raise RuntimeError(
                f"{user.op.name}: the array of shape {self.shape} that it was given was written to "
                "after this op used it, so its gradient would be wrong. Call backward() before "
                "the array is filled again, or give the op a copy (array.copy())."
            )
        who = f"{leaf.name!r}" if leaf.name else f"of shape {leaf._data.shape}"
        raise RuntimeError(
            f"{user.op.name}: the Value {who} was written to after this op used it, so its "
            "gradient would be wrong. Call backward() before optimizer.step() (or before "
            "assigning .data), or compute the loss again."
        )

    applied = __array_ufunc__ = __array_function__ = __array__ = __getitem__ = __iter__ = refuse
    __len__ = __float__ = __int__ = __bool__ = refuse

    def __getattr__(self, name: str) -> Any:
        return self.refuse()


Found = dict[Any, Any]
"""What was overwritten too early: a leaf, or a result that is a view of it -> that leaf; the node
and the id of a constant that it was given -> the node; a result that is a view of a constant ->
itself."""


def changed_constants(v: Node, found: Found) -> None:
    """Add the constants of a node that no longer are what they were."""
    for array, print_ in v.seal:
        if fingerprint(array) != print_:
            found[v, id(array)] = v


def views_of(order: Sequence[Node], found: Found) -> None:
    """Add the results of nodes, inputs before their users, that are views of what changed."""
    for v in order:
        for x in v.inputs:
            if isinstance(x, Node):
                source = found.get(x)
                if source is not None and _overlap(v._data, x._data):
                    found[v] = v if source is x and x.op is not None else source
            elif (v, id(x)) in found and _overlap(v._data, x):
                found[v] = v


def _overlap(y: Any, x: Any) -> bool:
    """Whether two arrays, or some of two tuples of arrays, share memory."""
    parts = [z if type(z) is tuple else (z,) for z in (y, x)]
    return any(np.may_share_memory(a, b) for a in parts[0] for b in parts[1])


def fresh(x: Any, array: Any, user: Node, stale: Found) -> Any:
    """The array of x, or a `Stale` if x was written to after `user` was recorded."""
    if isinstance(x, Node):
        leaf: Any = stale.get(x)
        if leaf is x and leaf.op is not None:
            return Stale(x._data, user)
        if leaf is not None and leaf.birth > user.birth:
            return Stale(x._data, user, leaf)
    elif (user, id(x)) in stale:
        return Stale(x, user)
    return array
