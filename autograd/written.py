"""Written: what an op writes when it is read on Symbols: its LaTeX, and that of its vjps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd.symbol import ATOM, Symbol, as_symbol

_POWER = 4
_TOKENS = re.compile(r"\{\{|\}\}|[()]|\{\w+:?(\d?)\}")  # of a template: brackets and operands


class Written:
    """The side of an `Op` that writes formulas."""

    tex: str | Callable[..., Any]
    parameters: list[str]
    vjps: tuple[Callable[..., Any] | None, ...]
    arity: int
    _rank: int | None
    _run: Callable[..., Any]
    bound: Callable[..., list[Any]]
    samples: Callable[..., Iterable[Any]]

    @property
    def rank(self) -> int:
        """Precedence of the LaTeX: the lowest among the operands outside of brackets."""
        if self._rank is not None:
            return self._rank
        depth, rank = 0, ATOM
        for token in _TOKENS.finditer("" if callable(self.tex) else self.tex):
            depth += (token[0] in ("{{", "(")) - (token[0] in ("}}", ")"))
            if token[1] and not depth:
                rank = min(rank, _POWER if token[1] == "9" else int(token[1]))
        return rank

    def write(self, inputs: Sequence[Any], static: tuple[Any, ...]) -> Any:
        """Run on Symbols: the result is LaTeX, with the array that it stands for."""
        symbols = [as_symbol(x) for x in inputs]
        arrays = [None if x is None else s.data for x, s in zip(inputs, symbols, strict=True)]
        with np.errstate(all="ignore"):
            y, _ = self._run(arrays, static)
        tex = self.typeset(symbols, static)
        if isinstance(tex, Symbol):  # one of the inputs, chosen
            return Symbol(tex.tex, y, tex.rank)
        if isinstance(y, (tuple, list)):
            return tuple(Symbol(rf"{tex}_{{{i}}}", part, 4) for i, part in enumerate(y))
        if tex.startswith("-") and self.rank > 1:
            return Symbol(tex, y, 1)
        return Symbol(tex, y, self.rank)

    def typeset(self, symbols: Sequence[Symbol], static: tuple[Any, ...]) -> str | Symbol:
        """The LaTeX of the op on these inputs; a Symbol if the result is one of them."""
        if callable(self.tex):
            tex: str | Symbol = self.tex(*symbols, *static)
            return tex
        return self.tex.format(**dict(zip(self.parameters, (*symbols, *static), strict=True)))

    def formula(self, i: int, *inputs: Any, **others: Any) -> str:
        r"""LaTeX of the i-th vjp, written by running it; \bar y is the incoming gradient.

        Inputs are arrays or Symbols; by default the op's first sample.
        """
        if not inputs:
            ones = (np.ones(()),) * self.arity
            inputs, others = next(iter(self.samples(np.random.default_rng(0))), (ones, {}))
        full = self.bound(inputs, dict(others))
        static = tuple(full[self.arity :])
        symbols = [
            x if isinstance(x, Symbol) else Symbol(p, x)
            for p, x in zip(self.parameters[: self.arity], full, strict=False)
        ]
        return self.derivative(i, symbols, static).tex

    def derivative(
        self,
        i: int,
        symbols: Sequence[Symbol],
        static: tuple[Any, ...],
        letters: tuple[str, str] = (r"\bar y", "y"),
    ) -> Symbol:
        """The i-th vjp run on Symbols, with these letters for the incoming gradient and result."""
        y, _ = self._run([s.data for s in symbols], static)
        vjp = self.vjps[i]
        if vjp is None:
            return Symbol("0", 0.0)
        incoming, result = letters
        if isinstance(y, (tuple, list)):
            g: Any = tuple(Symbol(rf"{incoming}_{{{k}}}", part, 4) for k, part in enumerate(y))
            y = tuple(Symbol(f"{result}_{{{k}}}", part, 4) for k, part in enumerate(y))
        else:
            g, y = Symbol(incoming, y), Symbol(result, y)
        with np.errstate(all="ignore"):
            return as_symbol(vjp(g, y, *symbols, *static))
