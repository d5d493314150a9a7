"""What a vjp is fed in place of data that was written to too early."""

from __future__ import annotations

from typing import Any

from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd.dispatch import Traced
from autograd.node import Node


class Stale(Traced, NDArrayOperatorsMixin):
    """Stands for data that was written to after the graph used it; reading its numbers raises.

    A vjp that needs only its shape or dtype goes through, as in PyTorch.
    """

    __slots__ = ("_written", "dtype", "ndim", "shape", "size")

    def __init__(self, x: Node, user: Node, leaf: Node) -> None:
        data = x._data
        self._written = (leaf, user)
        self.shape, self.dtype, self.ndim, self.size = data.shape, data.dtype, data.ndim, data.size

    def refuse(self, *args: Any, **kwargs: Any) -> Any:
        """Raise the error that names the leaf."""
        leaf, user = self._written
        who = f"{leaf.name!r}" if leaf.name else f"of shape {leaf._data.shape}"
        raise RuntimeError(
            f"{user.op.name}: the Value {who} was written to after this op used it, so its "
            "gradient would be wrong. Call backward() before optimizer.step() (or before "
            "assigning .data), or compute the loss again."
        )

    __array_ufunc__ = __array_function__ = __array__ = __getitem__ = __iter__ = refuse
    __len__ = __float__ = __int__ = __bool__ = refuse

    def __getattr__(self, name: str) -> Any:
        return self.refuse()


def fresh(x: Any, array: Any, user: Node, stale: dict[Node, Node]) -> Any:
    """The array of x, or a `Stale` in its place where x was written to after `user` was made."""
    leaf = stale.get(x) if isinstance(x, Node) else None
    return Stale(x, user, leaf) if leaf is not None and leaf.birth > user.birth else array
