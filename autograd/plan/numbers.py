"""Numbers: a plan of single numbers as one function of floats, and over many points at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.machine import pool
from autograd.plan.files import load
from autograd.plan.schedule import ordered
from autograd.plan.source import HEADER, expression
from autograd.plan.terms import Fold, Map, Number, Source, Term, View

PACE = 1.0
"""ns that an operation on a point takes, roughly."""


class Numbers:
    """A function of floats.

    Attributes
    ----------
    source : the text of the file that is compiled.
    one : ``one(*floats)`` returns a tuple of floats.
    """

    def __init__(self, outputs: Sequence[Term], names: Sequence[str]) -> None:
        lines: list[str] = []
        codes: dict[int, str] = {}
        for term in ordered(outputs):
            if isinstance(term, Source):
                codes[id(term)] = term.place[0]
            elif isinstance(term, (View, Fold)):  # of one element
                codes[id(term)] = codes[id(term.args[0])]
            elif isinstance(term, Map):
                codes[id(term)] = f"v{len(lines)}"
                lines.append(f"v{len(lines)} = {expression(term, codes)}")
        results = ", ".join(codes[id(term)] for term in outputs)
        self.count, self.operations = len(outputs), len(lines)
        arguments = ", ".join(names)
        points = "".join(f"        {n} = x_{n}[i]\n" for n in names)
        puts = "".join(f"        y{k}[i] = {codes[id(term)]}\n" for k, term in enumerate(outputs))
        body = "".join(f"    {line}\n" for line in lines)
        inner = "".join(f"        {line}\n" for line in lines)
        slices = "".join(f"    x_{n} = x_{n}[begin:end]\n" for n in names)
        slices += "".join(f"    y{k} = y{k}[begin:end]\n" for k in range(self.count))
        xs = ", ".join(f"x_{n}" for n in names)
        ys = ", ".join(f"y{k}" for k in range(self.count))
        self.source = (
            f"{HEADER.format(summary=f'{len(lines)} operations on numbers.')}\n\n"
            f"@jit\ndef one({arguments}):\n{body}    return ({results},)\n\n\n"
            f"@jit\ndef many(begin, end, {xs}, {ys}):\n{slices}"
            f"    for i in range(y0.size):\n{points}{inner}{puts}"
        )
        module = load(self.source)
        self.one, self._many = module.one, module.many

    def over(self, arrays: Sequence[Any]) -> list[Any]:
        """The results at many points, one array for each."""
        given = np.broadcast_arrays(*[np.asarray(x, np.float64) for x in arrays])
        flat = [np.ascontiguousarray(x).reshape(-1) for x in given]
        found = [np.empty(flat[0].size) for _ in range(self.count)]
        cost = PACE * self.operations * flat[0].size
        pool.run(self._many, flat[0].size, *flat, *found, cost=cost)
        return [y.reshape(given[0].shape) for y in found]


def is_scalar(outputs: Sequence[Term]) -> bool:
    """Whether terms are computed from floats alone, one number each."""
    return all(
        isinstance(term, (Number, Map, View, Fold, Source))
        and term.size == 1
        and (not isinstance(term, Source) or term.place[0][0] == "a")
        and (isinstance(term, Number) or term.dtype in (np.float64, np.bool_))
        for term in ordered(outputs)
    )
