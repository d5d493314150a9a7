"""Scripted: a stand-in for an array, which writes the script of what is computed with it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd.dispatch import OPS, Traced, lookup, qualified_name
from autograd.node import Array


class Refused(TypeError):  # noqa: N818 - no fault of the row's
    """What can't be written as script, and why."""


_KEYS: dict[tuple[Any, ...], int] = {}
"""Head and arguments of every expression -> its number."""


class Term:
    """An expression of the script, equal to any other of the same text.

    Parameters
    ----------
    head : a name, a function's name, or a pattern with a `{}` for each argument.
    args : the expressions in it.
    """

    __slots__ = ("args", "head", "key")

    def __init__(self, head: str, args: Sequence[Term] = ()) -> None:
        self.head, self.args = head, tuple(args)
        text = (head, *[a.key for a in self.args])
        self.key: int = _KEYS.setdefault(text, len(_KEYS))

    def text(self, named: dict[int, str]) -> str:
        """The expression; arguments with a name are written by it."""
        inner = [named.get(a.key) or a.text(named) for a in self.args]
        if "{}" in self.head:
            return self.head.format(*inner)
        return f"{self.head}({', '.join(inner)})" if self.args else self.head


class Size(int):
    """A size of an array: the number that it was, and the expression of what it will be."""

    term: Term

    def __new__(cls, n: int, term: Term) -> Size:
        size = super().__new__(cls, n)
        size.term = term
        return size


def _arithmetic(name: str, pattern: str) -> Callable[[Any, Any], Any]:
    compute = getattr(int, name)

    def method(a: Any, b: Any) -> Any:
        y = compute(a, b)
        if y is NotImplemented or not isinstance(b, int) or isinstance(b, bool):
            return y
        return Size(y, Term(pattern, (a.term, b.term if isinstance(b, Size) else Term(str(b)))))

    return method


for _name, _pattern in {
    **dict.fromkeys(("__mul__", "__rmul__"), "{} * {}"),
    **dict.fromkeys(("__add__", "__radd__"), "({} + {})"),
    "__sub__": "({} - {})",
    "__rsub__": "(-{} + {})",
    "__floordiv__": "Math.floor({} / {})",
}.items():
    setattr(Size, _name, _arithmetic(_name, _pattern))


class Branches(Exception):  # noqa: N818 - no error: the reading begins again
    """A row asked for a truth value that no decision was made on."""


class Script:
    """The program of one row: the arrays that it names, and the decisions it was read under.

    Parameters
    ----------
    constant : gives an array a name that the page knows.
    decisions : what `bool` answers, in the order of the questions.
    """

    def __init__(self, constant: Callable[[Array], str], decisions: Sequence[bool] = ()) -> None:
        self.constant, self.decisions = constant, list(decisions)
        self.asked: list[Term] = []

    def decide(self, x: Scripted) -> bool:
        """The next decision, on whether x is true."""
        for earlier, decision in zip(self.asked, self.decisions, strict=False):
            if earlier.key == x.term.key:
                return decision
        if len(self.asked) == len(self.decisions):
            self.asked.append(x.term)
            raise Branches
        self.asked.append(x.term)
        return self.decisions[len(self.asked) - 1]


class Scripted(Traced, NDArrayOperatorsMixin):
    """An expression of the script with the array that it stands for.

    Passed to a row's forward or to a vjp in place of an array, it goes through the same NumPy
    calls, and the result is the script that computes the same in the page. It carries the array,
    because rows may read shapes; its sizes are expressions too, so that the script holds for
    others.
    """

    __slots__ = ("data", "script", "term")

    def __init__(self, script: Script, term: Term, data: Any) -> None:
        self.script, self.term, self.data = script, term, np.asarray(data)

    ndim = property(lambda self: self.data.ndim)
    dtype = property(lambda self: self.data.dtype)
    T = property(lambda self: np.transpose(self))

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes, each with its expression."""
        return tuple(
            [Size(n, Term(f"{{}}.shape[{k}]", (self.term,))) for k, n in enumerate(self.data.shape)]
        )

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Scripted]:
        if not self.data.ndim:
            raise Refused("iterates over a number")
        return (self[k] for k in range(len(self.data)))

    def __getitem__(self, index: Any) -> Any:
        return run(operator.getitem, (self, index), {})

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in _REDUCES:
            return run(_REDUCES[ufunc], args, kwargs)
        if method != "__call__":
            raise Refused(f"numpy.{ufunc.__name__}.{method}")
        return run(ufunc, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return run(function, args, kwargs)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise Refused("the numbers themselves are asked for")

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise Refused("the truth of several numbers is asked for")
        return self.script.decide(self)

    def item(self) -> NoReturn:
        """Refused: a number would not follow."""
        raise Refused("a number is taken out")

    __float__ = __int__ = __index__ = item
    __hash__ = None  # type: ignore[assignment]  # == is written

    def applied(self, op: Any, inputs: Sequence[Any], static: tuple[Any, ...]) -> Any:
        """What an op gives that is called on these inputs."""
        return read_forward(op, inputs, static)

    def astype(self, dtype: Any, **_: Any) -> Scripted:
        """Truth values and integers are written; precision is that of the page."""
        dtype = np.dtype(dtype)
        if dtype.kind == "b" and self.dtype.kind != "b":
            return self.made("np.not_equal", [self.term, Term("0")], self.data.astype(bool))
        if dtype.kind in "iu" and self.dtype.kind == "f":
            return self.made("np.trunc", [self.term], self.data.astype(dtype))
        if dtype.kind not in "fbiu":
            raise Refused(f"{dtype}")
        return Scripted(self.script, self.term, self.data.astype(dtype))

    def made(self, head: str, args: Sequence[Term], data: Any) -> Scripted:
        """The result of a function of the script."""
        return Scripted(self.script, Term(head, args), data)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As numpy.any."""
        return np.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As numpy.all."""
        return np.all(self, axis=axis, keepdims=keepdims)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """As numpy.sum."""
        return np.sum(self, axis=axis, keepdims=keepdims)

    def take(self, indices: Any, axis: Any = None) -> Any:
        """As numpy.take."""
        return np.take(self, indices, axis)

    def reshape(self, *shape: Any) -> Any:
        """As numpy.reshape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """As numpy.transpose."""
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)


_REDUCES = {np.add: np.sum, np.multiply: np.prod, np.logical_and: np.all, np.logical_or: np.any}


def run(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a NumPy function: written as one of the page's, or by the row that stands for it."""
    from autograd.viz.live.primitives import PRIMITIVES

    primitive = PRIMITIVES.get(function)
    if primitive is not None:
        return primitive(*args, **kwargs)
    if function not in OPS:
        raise Refused(qualified_name(function))
    return lookup(function)(*args, **kwargs)


def read_forward(op: Any, inputs: Sequence[Any], static: tuple[Any, ...]) -> Any:
    """A row's forward, read on Scripted arrays."""
    from autograd.viz.live.definitions import DEFINITIONS
    from autograd.viz.live.primitives import of_row

    define = DEFINITIONS.get(op.name) or of_row(op)
    if define is not None:
        return define(*inputs, *static)
    if hasattr(op, "reference"):
        raise Refused(op.name)
    with np.errstate(all="ignore"):
        return op._run(inputs, static)[0]
