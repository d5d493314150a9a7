"""Symbol: a stand-in for an array, which makes a vjp write its own formula."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autograd.dispatch import Traced, lookup

ATOM = 9
"""The highest precedence, never in brackets: 1 sum, 2 product, 3 prefixed function, 4 power."""


class Symbol(Traced, NDArrayOperatorsMixin):
    r"""A LaTeX fragment with the array that it stands for.

    Passed to a vjp instead of an array, it goes through the same NumPy calls, and the result is the
    formula that was computed. It carries the array because vjps may read shapes.

    Parameters
    ----------
    tex : the fragment.
    data : array it stands for.
    rank : its precedence: 1 sum, 2 product, 3 prefixed function, 4 power, 9 atom.

    Examples
    --------
    >>> from autograd.symbol import Symbol
    >>> import numpy as np
    >>> a, b = Symbol("a", 1.0), Symbol("b", 2.0)
    >>> (np.sin(a) * (a + b)).tex
    '\\sin a \\, \\left(a + b\\right)'
    """

    __slots__ = ("data", "rank", "tex")

    def __init__(self, tex: str, data: Any, rank: int = ATOM) -> None:
        self.tex, self.data, self.rank = tex, np.asarray(data), rank

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    size = property(lambda self: self.data.size)
    dtype = property(lambda self: self.data.dtype)
    T = property(lambda self: lookup(np.transpose)(self))

    def __format__(self, rank: str) -> str:
        """The fragment, in brackets if it binds more loosely than `rank`."""
        return rf"\left({self.tex}\right)" if rank and self.rank < int(rank) else self.tex

    def __repr__(self) -> str:
        return f"Symbol({self.tex!r})"

    def __getitem__(self, index: Any) -> Symbol:
        result: Symbol = lookup(operator.getitem)(self, index)
        return result

    def __len__(self) -> int:
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self.data)

    __hash__ = None  # type: ignore[assignment]  # == writes a formula

    def applied(self, op: Any, inputs: Sequence[Any], static: tuple[Any, ...]) -> Any:
        """What an op writes that is called on these inputs."""
        return op.write(inputs, static)

    def astype(self, dtype: Any) -> Symbol:
        """The same fragment: precision is not part of a formula."""
        return Symbol(self.tex, self.data.astype(dtype), self.rank)


def as_symbol(x: Any) -> Symbol:
    """x if it is a Symbol; else a constant: a number if all elements are equal, or a bold c."""
    if isinstance(x, Symbol):
        return x
    if x is None:
        return Symbol(r"\varnothing", np.nan)
    a = np.asarray(x)
    if a.size and a.dtype.kind in "fiub" and (a == a.flat[0]).all():
        return Symbol(number(a.flat[0]), a, 1 if a.flat[0] < 0 else ATOM)
    return Symbol(r"\mathbf{c}", a)


def number(x: Any) -> str:
    """A number as LaTeX, with four significant digits."""
    if np.isinf(x):
        return r"\infty" if x > 0 else r"-\infty"
    if np.isnan(x):
        return r"\mathrm{nan}"
    mantissa, _, exponent = f"{float(x):.4g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
