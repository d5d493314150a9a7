"""Terms: what a plan computes, as maps over elements, sums, products and calls.

A term that holds memory (a `Source`, `Map`, `Fold`, `Product` or `Part`) is C-contiguous there;
others see it through a `View`. A `Number` is a constant of any shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Shape = tuple[int, ...]


class Term:
    """A result in a plan.

    Attributes
    ----------
    shape, dtype : of the array that it stands for.
    args : the terms that it is computed from.
    label : what readers call it.
    step : index of the step that computes it; None for what is there from the start.
    stored : whether it has memory, because other steps read it.
    place : where: name of an array, and the first element there.
    """

    def __init__(
        self, shape: Sequence[int], dtype: Any, args: Sequence[Term] = (), label: str = ""
    ) -> None:
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.args, self.label = list(args), label
        self.step: int | None = None
        self.stored = False
        self.place: tuple[str, int] = ("", 0)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


class Number(Term):
    """A constant whose elements are all equal."""

    def __init__(self, value: Any, dtype: Any) -> None:
        super().__init__((), dtype, label=str(value))
        self.value = value


class Source(Term):
    """An argument, a parameter or a constant array, under its name in the plan."""

    def __init__(self, name: str, shape: Sequence[int], dtype: Any, label: str) -> None:
        super().__init__(shape, dtype, label=label)
        self.place = (name, 0)
        self.stored = True


class Map(Term):
    """An expression of single elements of its arguments, which broadcast to its shape.

    `template` has one pair of braces for each argument; `kind` is the dtype it is computed in.
    """

    def __init__(
        self, template: str, args: Sequence[Term], shape: Shape, dtype: Any, kind: Any, label: str
    ) -> None:
        super().__init__(shape, dtype, args, label)
        self.template, self.kind = template, np.dtype(kind)


class View(Term):
    """Elements of a term that holds memory, in another order or repeated: nothing is computed."""

    def __init__(self, of: Term, shape: Shape, strides: Shape, offset: int) -> None:
        super().__init__(shape, of.dtype, [of], of.label)
        self.of, self.strides, self.offset = of, strides, offset

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie one after the other in memory."""
        return same_order(self.strides, contiguous_strides(self.shape), self.shape)


class Fold(Term):
    """The sum, or the largest or smallest element, over axes, which are dropped."""

    def __init__(self, kind: str, of: View, axes: Shape, label: str) -> None:
        kept = [n for i, n in enumerate(of.shape) if i not in axes]
        super().__init__(kept, of.dtype, [of], label)
        self.kind, self.axes = kind, axes


class Product(Term):
    """The product of two matrices."""

    def __init__(self, a: View, b: View, label: str) -> None:
        super().__init__((a.shape[0], b.shape[1]), a.dtype, [a, b], label)


class Call(Term):
    """A call of a function of arrays from Python; its results are `Part`s.

    Parameters
    ----------
    op : what is called: an op, a plain function's row or the joint vjp of a kernel.
    inputs : terms, None or constants.
    static : the other arguments, with terms in place of arrays.
    """

    def __init__(self, op: Any, inputs: Sequence[Any], static: Any, label: str) -> None:
        terms = [*terms_in(tuple(inputs)), *terms_in(static)]
        super().__init__((), np.float64, terms, label)
        self.op, self.inputs, self.static = op, list(inputs), static
        self.rewritten: list[tuple[Source, Any]] = []  # leaves as they are after it


class Part(Term):
    """Result i of a call; i is None for one that is not in a sequence."""

    def __init__(self, call: Call, i: int | None, shape: Shape, dtype: Any) -> None:
        super().__init__(shape, dtype, [call], call.label)
        self.call, self.i = call, i
        self.stored = True


def terms_in(x: Any) -> list[Term]:
    """The terms in nested sequences and dicts."""
    if isinstance(x, Term):
        return [x]
    if isinstance(x, dict):
        return [term for part in x.values() for term in terms_in(part)]
    if isinstance(x, (tuple, list)):
        return [term for part in x for term in terms_in(part)]
    return []


def contiguous_strides(shape: Sequence[int]) -> Shape:
    """The steps, in elements, of an array in C order."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def same_order(a: Shape, b: Shape, shape: Shape) -> bool:
    """Whether two sets of strides reach the same elements of an array of this shape."""
    return all(n == 1 or i == j for n, i, j in zip(shape, a, b, strict=True))


def whole(term: Term) -> View:
    """A term that holds memory, or a view, as a view."""
    if isinstance(term, View):
        return term
    return View(term, term.shape, contiguous_strides(term.shape), 0)
