"""FLOPs, memory traffic and kept memory of a node, from its shapes.

A multiply-add counts as two operations. An elementwise op counts one operation per result and
input after the first, at least one, however many instructions an exp takes; so the figures of
products are exact, those of other ops a convention. Copies, views and indexing count as 0. For an
unknown op the FLOPs are None, never 0.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from autograd.node import Node

Array = np.ndarray[Any, Any]
Arithmetic = Callable[[Array, Sequence[Any]], float]


def _taps(w: Array) -> int:
    """Number of products per output element of a convolution with this weight."""
    return math.prod(w.shape[1:])


def _matmul(y: Array, xs: Sequence[Any]) -> float:
    return 2.0 * y.size * int(xs[0].shape[-1])


def _affine(y: Array, xs: Sequence[Any]) -> float:
    return y.size * (2.0 * int(xs[0].shape[-1]) + (len(xs) > 2))


def _conv(y: Array, xs: Sequence[Any]) -> float:
    return float(y.size * (2 * _taps(xs[1]) + (len(xs) > 2)))


def _conv_input_grad(y: Array, xs: Sequence[Any]) -> float:
    return 2.0 * int(xs[0].size) * _taps(xs[1])


def _conv_weight_grad(y: Array, xs: Sequence[Any]) -> float:
    return 2.0 * int(xs[1].size) * _taps(y)


def _tensordot(y: Array, xs: Sequence[Any]) -> float:
    summed = math.isqrt(xs[0].size * xs[1].size // y.size) if y.size else 0
    return float(2 * y.size * summed)


def _attention(y: Array, xs: Sequence[Any]) -> float:
    scores = y.size // y.shape[-1] * int(xs[1].shape[-2]) if y.size else 0
    return float(scores * (2 * xs[0].shape[-1] + 2 * y.shape[-1] + 5))


def _scan(states: int) -> Arithmetic:
    """A recurrent layer: the products with its weights, and ten operations per state element."""

    def arithmetic(y: Array, xs: Sequence[Any]) -> float:
        steps = math.prod(xs[0].shape[:2])
        weights = sum(int(w.size) for w in xs[1 + states :] if w is not None and w.ndim == 2)
        return float(steps * (2 * weights + 10 * len(xs[2 + states])))

    return arithmetic


def _each(operations: float) -> Arithmetic:
    """A fixed number of operations per element of the first input."""
    return lambda y, xs: operations * int(xs[0].size)


def _elementwise(y: Array, xs: Sequence[Any]) -> float:
    return float(y.size * max(len(xs) - 1, 1))


def _none(y: Array, xs: Sequence[Any]) -> float:
    return 0.0


_MOVES = """im2col reshape transpose broadcast_to swapaxes moveaxis expand_dims squeeze copy astype
tril triu diagonal onto_diagonal concatenate stack unstack array_split split getitem index_update
take_along_axis sort flip roll rot90 tile repeat pad unfold embedding half_lower
backward_hook"""
_REDUCTIONS = """sum mean prod max min nansum nanmean nanmax nanmin trace cumsum cumprod diff col2im
scatter index_add embedding_grad add_along_axis fold avg_pool avg_pool_grad max_pool"""

_ARITHMETIC: dict[str, Arithmetic] = {
    **dict.fromkeys(_MOVES.split(), _none),
    **dict.fromkeys(_REDUCTIONS.split(), _each(1)),
    **dict.fromkeys(("var", "std", "deviation", "norm"), _each(3)),
    **dict.fromkeys(("softmax", "log_softmax", "logsumexp", "cross_entropy"), _each(5)),
    **dict.fromkeys(("layer_norm", "group_norm", "batch_norm"), _each(8)),
    "rms_norm": _each(5),
    "scatter_all": lambda y, xs: float(sum(x.size for x in xs)),
    **dict.fromkeys(("matmul", "vecdot"), _matmul),
    **dict.fromkeys(("linear", "affine"), _affine),
    **dict.fromkeys(("conv", "conv_bias"), _conv),
    "conv_input_grad": _conv_input_grad,
    "conv_weight_grad": _conv_weight_grad,
    "tensordot": _tensordot,
    "attention": _attention,
    **dict.fromkeys(("rnn_scan", "gru_scan"), _scan(1)),
    "lstm_scan": _scan(2),
}
"""Name of an op that is not elementwise -> its FLOPs in the forward pass."""

_PRODUCTS = frozenset(
    {"matmul", "vecdot", "tensordot", "einsum", "linear", "affine"}
    | {"conv", "conv_bias", "conv_input_grad", "conv_weight_grad"}
)
"""Multilinear ops: the gradient of each factor takes as many FLOPs as the forward pass."""

_ANEW = {"attention": 2.5, "rnn_scan": 2.0, "lstm_scan": 2.0, "gru_scan": 2.0}
"""Fused ops -> FLOPs of their backward pass over forward: attention recomputes its scores."""


def _einsum(v: Node, xs: Sequence[Any]) -> float | None:
    """One sum over all letters; None for three factors and more, where the order matters."""
    letters: dict[str, int] = {}
    terms = str(v.static[0]).replace(" ", "").partition("->")[0].split(",")
    if len(xs) > 2 or "." in v.static[0]:
        return None
    for term, x in zip(terms, xs, strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            letters[letter] = max(n, letters.get(letter, 1))
    return float(len(xs) * math.prod(letters.values()))


def flops(v: Node, xs: Sequence[Any], needs: Sequence[bool]) -> tuple[float, float] | None:
    """Floating-point operations of a node, forward and backward; None if unknown.

    Parameters
    ----------
    v : the node.
    xs : its inputs as arrays.
    needs : which of them get a gradient.

    Examples
    --------
    >>> import autograd, numpy as np
    >>> from autograd.readers.profile.work import flops
    >>> a, b = np.ones((2, 3)), np.ones((3, 4))
    >>> flops(autograd.Value(a) @ b, [a, b], [True, False])
    (48.0, 48.0)
    """
    y = np.asarray(v._data[0] if type(v._data) is tuple else v._data)
    xs = [x if x is None else np.asarray(x) for x in xs]
    name = str(v.op.name)
    count = sum(needs)
    if name == "einsum":
        there = _einsum(v, xs)
        return None if there is None else (there, there * count)
    if v.op.elementwise:
        there = _elementwise(y, xs)
        return there, 2.0 * y.size * count
    rule = _ARITHMETIC.get(name)
    if rule is None:
        return None
    there = rule(y, xs)
    if name in _PRODUCTS:
        back = there * count
        if name in ("affine", "conv_bias"):  # the bias's gradient is a sum
            back = (there - y.size) * sum(needs[:2]) + y.size * needs[2]
        return there, back
    return there, there * _ANEW.get(name, 2.0 if count else 0.0)


def traffic(arrays: Sequence[Any]) -> int:
    """Bytes of all arrays together."""
    return sum(part.nbytes for part in _parts(arrays))


def is_view(v: Node, xs: Sequence[Any]) -> bool:
    """Whether the result is a view of an input, so that no data moved."""
    ys = [y for y in _parts([v._data]) if y.size]
    return bool(ys) and all(
        any(np.may_share_memory(y, x) for x in xs if isinstance(x, np.ndarray)) for y in ys
    )


def _parts(x: Any) -> list[Array]:
    if isinstance(x, (tuple, list)):
        return [part for entry in x for part in _parts(entry)]
    if isinstance(x, dict):
        return _parts(list(x.values()))
    return [np.asarray(x)] if isinstance(x, (np.ndarray, np.generic)) else []


class Memory:
    """Counts the bytes that graph nodes keep alive for the backward pass, every buffer once."""

    def __init__(self, leaves: Sequence[Node]) -> None:
        self.known: set[int] = set()
        for leaf in leaves:  # they live without the graph
            self._buffers(leaf._data)

    def kept(self, v: Node) -> int:
        """Bytes of a node's result, its kernel's saved arrays, and constants not seen before."""
        constants = [x for x in v.inputs if not isinstance(x, Node)]
        return sum(self._buffers(x) for x in (v._data, v.saved, v.static, *constants))

    def _buffers(self, x: Any) -> int:
        """Bytes of the arrays that an object holds, at any depth, except for known ones."""
        total, stack, seen = 0, [x], set[int]()
        while stack:
            part = stack.pop()
            if isinstance(part, np.ndarray):
                while isinstance(part.base, np.ndarray):
                    part = part.base
                if id(part) not in self.known:
                    self.known.add(id(part))
                    total += part.nbytes
            elif isinstance(part, np.generic):
                total += part.nbytes
            elif id(part) not in seen and not isinstance(
                part, (type, ModuleType, FunctionType, Node, str, int, float)
            ):
                seen.add(id(part))
                stack.extend(gc.get_referents(part))
        return total
