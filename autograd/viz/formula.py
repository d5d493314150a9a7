"""Local derivatives as formulas, written by the ops' vjps."""

from __future__ import annotations

import functools
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.contribution import sum_to
from autograd.kernel_op import KernelOp
from autograd.node import Array, Node
from autograd.recording import no_grad
from autograd.sequence_op import SequenceOp
from autograd.symbol import Symbol, as_symbol
from autograd.viz.names import shortened, visible
from autograd.viz.text import literal, readable
from autograd.viz.trace import Trace

UNWRITABLE = (
    TypeError,
    AttributeError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    np.linalg.LinAlgError,
)
"""Exceptions of a vjp that needs the numbers of its arrays, so that it has no formula."""


_LETTERS = "abcdefghijklmnopqrstuvwxz"
"""Letters of inputs without a name, if the op's own are taken."""


@dataclass(frozen=True)
class Formula:
    r"""The gradient that an op passes to one input; \bar y is the gradient of its result.

    Attributes
    ----------
    tex, text : the formula, as LaTeX and as one line of Unicode.
    number : its value if all is scalar: for the actual gradient if known, else for a gradient of 1.
    exact : False if the vjp could not be written, and the formula is only ȳ · ∂y/∂x.
    """

    tex: str
    text: str
    number: float | str | None
    exact: bool


class _Number(float):
    """A constant among Symbols. It stays a number, so that a vjp can branch on it."""

    @property
    def data(self) -> Array:
        """The number as an array, for an op's forward."""
        return np.asarray(float(self))


def letters(
    op: Any, inputs: Sequence[Any], names: Sequence[str | None], used: Container[str] = ()
) -> list[str]:
    """The letter of each input in the op's formulas: its name, else the op's parameter name.

    An input without a name gets no letter in `used`, the names of other Values of the graph.
    """
    names = [spelled(n) if n else None for n in names]
    shown = [short(n) if n else None for n in names]
    for i, own in enumerate(shown):
        if own and any(o == own and names[j] != names[i] for j, o in enumerate(shown)):
            shown[i] = names[i]
    shown = [None if name == "y" else name for name in shown]  # y is the op's result
    taken = {"y", *(s for s in shown if s)}
    result: list[str] = []
    sequence = isinstance(op, SequenceOp)
    for i, name in enumerate(shown):
        if not name:
            same = [j for j in range(i) if inputs[j] is inputs[i] and isinstance(inputs[i], Node)]
            own = f"x_{i}" if sequence or i >= len(op.parameters) else op.parameters[i]
            free = (c for c in (own, *_LETTERS) if c not in taken and c not in used)
            name = result[same[0]] if same else next(free, f"x_{i}")
            taken.add(name)
        result.append(name)
    return result


def names_in(trace: Trace) -> set[str]:
    """The names of all Values and arrays of a graph, as formulas write them."""
    named = {x.name for x in (*trace.order, *trace.leaves.values()) if x.name}
    named.update(trace.parameters.values(), trace.given.values())
    return {short(spelled(name)) for name in named}


def spelled(name: str) -> str:
    """A name as shown in formulas."""
    return shortened(visible(name), 24)


def short(name: str) -> str:
    """The last part of a path, such as weight for encoder.layers.0.weight."""
    return name.rpartition(".")[2] or name


@functools.lru_cache(4096)
def letter(called: str) -> str:
    """An input's letter as text: x₀ for x_0."""
    return readable(tex_letter(called))


def tex_letter(letter: str) -> str:
    """An input's letter as LaTeX."""
    stem, _, digits = letter.partition("_")
    if len(stem) == 1 and digits.isdigit():
        return f"{stem}_{{{digits}}}"
    return literal(letter)


def symbols(inputs: Sequence[Any], called: Sequence[str]) -> list[Any]:
    """The inputs as Symbols; constant scalars stay numbers."""
    found: list[Any] = []
    for x, letter in zip(inputs, called, strict=True):
        data = x._data if isinstance(x, Node) else x
        if not isinstance(x, Node) and np.ndim(data) == 0 and np.asarray(data).dtype.kind in "fi":
            found.append(_Number(data))
        else:
            tex = tex_letter(letter)
            found.append(
                Symbol(f"{{{tex}}}" if tex.endswith("}") else tex, data)
            )  # may get an index
    return found


def derivative(
    v: Node, i: int, called: Sequence[str], gradient: Any, *, number: bool = True
) -> Formula:
    """The formula of what v's op passes to input i, and if `number` its value; never raises."""
    found = passed(v, i, called)
    if found is not None:
        tex, text = found.tex, readable(found.tex)
    else:
        x = tex_letter(called[i])
        tex = rf"\bar y \, \frac{{\partial y}}{{\partial {x}}}"
        text = f"ȳ · ∂y/∂{readable(x)}"
    value = _number(v, i, gradient) if number else None
    return Formula(tex, text, value, found is not None)


def passed(
    v: Node, i: int, called: Sequence[str], letters: tuple[str, str] = (r"\bar y", "y")
) -> Symbol | None:
    """What v's op passes to input i, with these letters of the incoming gradient and the result.

    With the letter 1 for the gradient, it is the local derivative. None if the vjp can't be
    written, or is a kernel's, whose formulas its reference writes.
    """
    if isinstance(v.op, KernelOp):
        return None
    try:
        with no_grad(), np.errstate(all="ignore"):
            written = v.op.derivative(i, symbols(v.inputs, called), v.static, letters)
            return _summed(written, v.inputs[i])
    except UNWRITABLE:
        return None


def _summed(formula: Symbol, x: Node) -> Symbol:
    """The formula of a vjp, summed over the axes along which the input was broadcast."""
    if type(x._data) is tuple or formula.shape == x._data.shape:
        return formula
    return as_symbol(sum_to(formula, x._data.shape))


def _number(v: Node, i: int, gradient: Any) -> float | str | None:
    """The value of the formula if input and output are scalars."""
    if type(v._data) is tuple or v._data.size != 1 or v.inputs[i]._data.size != 1:
        return None
    g = np.ones_like(v._data) if gradient is None else gradient
    needs = [j == i for j in range(len(v.inputs))]
    try:
        with no_grad(), np.errstate(all="ignore"):
            found = v.op.pull(v, g, needs)[i]
    except UNWRITABLE:
        return None
    if found is None or np.size(found) != 1:
        return None
    x = float(np.asarray(found).reshape(()))
    return x if np.isfinite(x) else str(x)


def with_numbers(v: Node) -> str:
    r"""LaTeX of what v's op computes, with numbers in place of names: 2 \cdot 3."""
    written: list[Any] = []
    for x in v.inputs:
        value = np.asarray(x._data if isinstance(x, Node) else x).reshape(())
        text = f"{float(value):.4g}"
        written.append(Symbol(text, value, 1) if value < 0 else Symbol(text, value))
    try:
        with np.errstate(all="ignore"):
            tex = v.op.typeset(written, v.static)
    except UNWRITABLE:
        return ""
    return tex.tex if isinstance(tex, Symbol) else str(tex)


def forward(v: Node, called: Sequence[str]) -> str:
    """LaTeX of what v's op computes; "" if its template can't be filled."""
    try:
        written = [as_symbol(s) for s in symbols(v.inputs, called)]
        tex = v.op.typeset(written, v.static)
    except UNWRITABLE:
        return ""
    return tex.tex if isinstance(tex, Symbol) else str(tex)
