"""Local derivatives as formulas, written by the ops' own vjps."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.kernel_op import KernelOp
from autograd.node import Node
from autograd.recording import no_grad
from autograd.sequence_op import SequenceOp
from autograd.symbol import Symbol, as_symbol
from autograd.viz.names import shortened, visible
from autograd.viz.text import literal, readable

UNWRITABLE = (
    TypeError,
    AttributeError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    np.linalg.LinAlgError,
)
"""What a vjp raises that looks into its arrays too closely to be written as a formula."""


@dataclass(frozen=True)
class Formula:
    r"""What an op passes back to one input, where \bar y is the gradient of its result.

    Attributes
    ----------
    tex, text : the formula, as LaTeX and as one line of Unicode.
    number : its value where all is scalar: with the actual gradient if there is one, else
        for a gradient of 1.
    exact : False where the vjp could not be written, and the formula is only ∂y/∂x.
    """

    tex: str
    text: str
    number: float | str | None
    exact: bool


class _Number(float):
    """A number among Symbols. It stays a number, so that conditions on it are decided."""

    @property
    def data(self) -> Any:
        """What an op computes with."""
        return np.asarray(float(self))


def letters(op: Any, inputs: Sequence[Any], names: Sequence[str | None]) -> list[str]:
    """What each input is called in the op's formulas: its name, else the op's own letter."""
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
            free = (c for c in (own, *"abcdefghijklmnopqrstuvwxz") if c not in taken)
            name = result[same[0]] if same else next(free, f"x_{i}")
            taken.add(name)
        result.append(name)
    return result


def spelled(name: str) -> str:
    """A name as formulas show it."""
    return shortened(visible(name), 24)


def short(name: str) -> str:
    """The last part of a path, such as weight for encoder.layers.0.weight."""
    return name.rpartition(".")[2] or name


@functools.lru_cache(4096)
def letter(called: str) -> str:
    """What an input is called, as text: x₀ for x_0."""
    return readable(_tex(called))


def _tex(letter: str) -> str:
    stem, _, digits = letter.partition("_")
    if len(stem) == 1 and digits.isdigit():
        return f"{stem}_{{{digits}}}"
    return literal(letter)


def symbols(inputs: Sequence[Any], called: Sequence[str]) -> list[Any]:
    """The inputs as Symbols, and plain numbers as numbers."""
    found: list[Any] = []
    for x, letter in zip(inputs, called, strict=True):
        data = x._data if isinstance(x, Node) else x
        if not isinstance(x, Node) and np.ndim(data) == 0 and np.asarray(data).dtype.kind in "fi":
            found.append(_Number(data))
        else:
            found.append(Symbol(_tex(letter), data))
    return found


def derivative(
    v: Node, i: int, called: Sequence[str], gradient: Any, *, number: bool = True
) -> Formula:
    """What the op of v passes back to its input i; it never raises. `number` asks for its value."""
    op, inputs = v.op, v.inputs
    exact = not isinstance(op, KernelOp)  # whose formulas its reference writes
    try:
        if not exact:
            raise TypeError(op.name)
        with no_grad(), np.errstate(all="ignore"):
            tex = op.derivative(i, symbols(inputs, called), v.static).tex
        text = readable(tex)
    except UNWRITABLE:
        exact = False
        x = _tex(called[i])
        tex = rf"\bar y \, \frac{{\partial y}}{{\partial {x}}}"
        text = f"ȳ · ∂y/∂{readable(x)}"
    return Formula(tex, text, _number(v, i, gradient) if number else None, exact)


def _number(v: Node, i: int, gradient: Any) -> float | str | None:
    """The value of the formula, where input and output are single numbers."""
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
    r"""LaTeX of what the op of v computes, with its numbers in place of names: 2 \cdot 3."""
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
    """LaTeX of what the op of v computes; "" where its template can't be filled."""
    try:
        written = [as_symbol(s) for s in symbols(v.inputs, called)]
        tex = v.op.typeset(written, v.static)
    except UNWRITABLE:
        return ""
    return tex.tex if isinstance(tex, Symbol) else str(tex)
