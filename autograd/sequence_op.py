"""SequenceOp: an op whose input is a sequence of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.contribution import all_given
from autograd.foreign import foreign, reading
from autograd.op import Op
from autograd.symbol import Symbol, as_symbol

Function = Callable[..., Any]


class SequenceOp(Op):
    """An op on a sequence of arrays, such as concatenate.

    `forward` takes the sequence first. The one vjp, ``joint(g, needs, y, xs, *others)``, returns
    one gradient per input; those with ``needs[i]`` false may be None.
    """

    def __init__(
        self, forward: Function, tex: str | Function, joint: Function, **kwargs: Any
    ) -> None:
        if foreign(forward):  # its g, y and xs
            name = kwargs.get("name", "a SequenceOp")
            joint = reading(f"{name}: its joint vjp", joint, (0, 2, 3))
        self.joint = joint
        super().__init__(forward, tex, joint, **kwargs)

    def _call_path(self) -> Function:
        self.path = 0

        def call(*args: Any, **kwargs: Any) -> Any:
            xs, *static = self.bound(args, kwargs)
            return self.apply(tuple(xs), tuple(static))

        return call

    def differentiates(self, i: int) -> bool:
        return True

    def _run(self, arrays: Sequence[Any], static: tuple[Any, ...]) -> tuple[Any, Any]:
        return self.computed([list(arrays)], static), None

    def pulled(
        self, g: Any, needs: Sequence[bool], y: Any, saved: Any, inputs: Sequence[Any], static: Any
    ) -> Sequence[Any]:
        return all_given(self, self.joint(g, needs, y, inputs, *static), needs)

    def typeset(self, symbols: Sequence[Symbol], static: tuple[Any, ...]) -> str | Symbol:
        if callable(self.tex):
            tex: str | Symbol = self.tex(symbols, *static)
            return tex
        joined = ", ".join(s.tex for s in symbols)
        return self.tex.format(**dict(zip(self.parameters, (joined, *static), strict=True)))

    def input_names(self, n: int) -> list[str]:
        """x_0, x_1, ..."""
        return [f"x_{k}" for k in range(n)]

    def formula(self, i: int, *inputs: Any, **others: Any) -> str:
        if not inputs:
            inputs, others = next(iter(self.samples(np.random.default_rng(0))))
        xs, *static = self.bound(inputs, dict(others))
        names = self.input_names(len(xs))
        symbols = [
            x if isinstance(x, Symbol) else Symbol(p, x) for p, x in zip(names, xs, strict=True)
        ]
        return self.derivative(i, symbols, tuple(static)).tex

    def derivative(
        self,
        i: int,
        symbols: Sequence[Symbol],
        static: tuple[Any, ...],
        letters: tuple[str, str] = (r"\bar y", "y"),
    ) -> Symbol:
        y, _ = self._run([s.data for s in symbols], static)
        needs = [k == i for k in range(len(symbols))]
        g, result = (Symbol(letter, y) for letter in letters)
        return as_symbol(self.joint(g, needs, result, tuple(symbols), *static)[i])
