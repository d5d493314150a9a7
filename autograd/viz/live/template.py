"""Formulas of scalar ops with places for numbers, which the page fills in."""

from __future__ import annotations

import numpy as np

from autograd.node import Node
from autograd.symbol import Symbol
from autograd.viz.formula import UNWRITABLE
from autograd.viz.mathml import mathml


class _Place(Symbol):
    """The place of a number; in brackets, if it is to have them where it is negative."""

    __slots__ = ()

    def __format__(self, rank: str) -> str:
        return rf"\text{{({self.tex})}}" if rank and int(rank) > 1 else rf"\text{{{self.tex}}}"


def template(v: Node) -> str:
    """MathML of what v's op computes, with ``@0`` for its first input, ``(@0)`` within brackets."""
    places = [_Place(f"@{i}", np.ones(())) for i in range(len(v.inputs))]
    try:
        tex = v.op.typeset(places, v.static)
    except UNWRITABLE:
        return ""
    return mathml(format(tex, "") if isinstance(tex, Symbol) else tex)
