"""The chain rule of a gradient written out, line by line, with a number under each factor."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Array, Node
from autograd.printable import printable
from autograd.readers.paths import Names, Path, Step
from autograd.symbol import number as tex_number
from autograd.viz import formula
from autograd.viz.mathml import row
from autograd.viz.summary import number
from autograd.viz.text import literal, readable

LONGEST = 12
"""Most factors of a product that are all written."""

MATRIX = 4
"""Most rows and columns of an array whose elements are written."""

_ENDS = 5  # factors at each end of a longer product


class Line(NamedTuple):
    """A line of a derivation: both sides in LaTeX, the right one without braces, and a remark."""

    left: str
    right: str
    plain: str
    remark: str = ""


class Factor(NamedTuple):
    """One local derivative on a path.

    Attributes
    ----------
    fraction : LaTeX of the local derivative as a fraction.
    x : LaTeX of the input through which the path enters.
    formula : LaTeX of the local derivative; of arrays, of what is passed back to the input.
    rank : the precedence of the formula.
    number : the local derivative; of arrays the gain.
    shape : of the input.
    """

    fraction: str
    x: str
    formula: str
    rank: int
    number: float
    shape: tuple[int, ...]

    @property
    def braced(self) -> str:
        """The fraction with its number beneath."""
        return rf"\underbrace{{{self.fraction}}}_{{{tex_number(self.number)}}}"

    @property
    def written(self) -> str:
        """The formula as a factor of a product."""
        loose = self.rank < 2 or r"\begin{cases}" in self.formula
        return rf"\left({self.formula}\right)" if loose else self.formula


class Letters:
    """What nodes are called in the formulas of a graph.

    A name stands without the path to it where that is unambiguous. Results without a name are v_1,
    v_2, ... in the order of computation, leaves x_1, x_2, ..., constants c_1, c_2, ..., and x is x.

    Examples
    --------
    >>> import autograd
    >>> from autograd.readers.derivation import Letters
    >>> from autograd.readers.paths import Names
    >>> w = autograd.Value(2.0, name="w")
    >>> letters = Letters(Names(y := (w * 3.0) ** 2))
    >>> letters[w], letters[y.inputs[0]], letters[y]
    ('w', 'v_1', 'y')
    """

    def __init__(self, names: Names, x: Node | None = None) -> None:
        trace = names.trace
        (root,) = trace.roots
        known = [*trace.leaves.values(), *trace.order, *(x for v in trace.order for x in v.inputs)]
        full = {id(x): formula.spelled(own) for x in known if (own := names.value(x))}
        full.setdefault(id(root), names.pair(root)[0])
        if x is not None and "x" not in full.values():
            full.setdefault(id(x), "x")
        meanings: dict[str, set[str]] = {}
        for own in full.values():
            meanings.setdefault(formula.short(own), set()).add(own)
        self._letters = {
            key: short if len(meanings[short := formula.short(own)]) == 1 else own
            for key, own in full.items()
        }
        taken = set(self._letters.values())
        counts = Counter[str]()
        for v in trace.order:
            for u in (*v.inputs, v):
                if u is None or id(u) in self._letters:
                    continue
                tracked = isinstance(u, Node) and u.requires_grad
                stem = "v" if isinstance(u, Node) and u.op else "x" if tracked else "c"
                counts[stem] += 1
                while f"{stem}_{counts[stem]}" in taken:
                    counts[stem] += 1
                self._letters[id(u)] = f"{stem}_{counts[stem]}"

    def __getitem__(self, x: Any) -> str:
        return self._letters.get(id(x), "c")

    def tex(self, x: Any) -> str:
        """The letter of a node, in LaTeX."""
        return formula.tex_letter(self[x])

    def inputs(self, v: Node) -> list[str]:
        """The letters of an op's inputs."""
        return [self[x] for x in v.inputs]


class Derivation:
    """The chain rule from y back to x, written out. A notebook shows it as MathML.

    Of single numbers: the product of the local derivatives on every path, once as fractions, once
    with their formulas, once with their numbers. Of arrays: what each op on a path passes back,
    with its shape and gain. The last line is compared with the gradient that the engine finds in
    one backward pass.

    Attributes
    ----------
    lines : both sides of each line in LaTeX, with remarks.
    factors : for each path, its factors from y to x.
    value : what the lines come to, the sum over all paths.
    gradient : the engine's gradient.
    equal : whether these are the same but for rounding.

    Examples
    --------
    >>> import autograd, numpy as np
    >>> x, w = autograd.Value(2.0, name="x"), autograd.Value(-1.5, name="w")
    >>> print(autograd.explain(np.square(w * x), w).derivation())
       v₁ = w · x = −3
        y = v₁² = 9
    ∂y/∂w = ∂y/∂v₁ · ∂v₁/∂w
          = 2 · v₁ · x
          = (−6) · 2
          = −12, which is the engine's gradient
    """

    def __init__(
        self,
        names: Names,
        x: Node,
        paths: Sequence[Path],
        rest: Array,
        others: int,
        seed: Array,
        gradient: Array,
        *,
        element: tuple[int, ...] | None = None,
        letters: Letters | None = None,
    ) -> None:
        self._letters = letters or Letters(names, x)
        self._order = {id(v): k for k, v in enumerate(names.trace.order)}
        (self._y,) = names.trace.roots
        self._x, self._element = x, element
        self._paths, self._rest, self._others = paths, rest, others
        self._seed, self.gradient = seed, gradient
        self.value: Array = np.asarray(sum((p.contribution for p in paths), start=rest))
        self.scalar = x._data.size == 1 and all(None not in path.factors for path in paths)
        self.factors = [self._along(path) for path in paths]
        self.lines = [*self._definitions(), *(self._products() if self.scalar else self._steps())]
        self.lines.append(self._last())

    @property
    def equal(self) -> bool:
        """Whether the sum over all paths is the engine's gradient, to within rounding."""
        a, b = (self._chosen(np.asarray(g, np.float64)) for g in (self.value, self.gradient))
        eps = float(np.finfo(self.gradient.dtype).eps)
        scale = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
        return bool(np.allclose(a, b, rtol=1e3 * eps, atol=1e3 * eps * scale, equal_nan=True))

    def _chosen(self, g: Array) -> Array:
        return g if self._element is None else np.asarray(g[self._element])

    @property
    def _seeded(self) -> bool:
        """Whether y has another incoming gradient than 1."""
        return self._seed.size != 1 or float(self._seed.reshape(())) != 1

    def _along(self, path: Path) -> list[Factor]:
        """The factors of a path, from y to x; the first is y's incoming gradient, if it has one."""
        steps = path.shown[::-1]
        ends = range(_ENDS, len(steps) - _ENDS) if len(steps) > LONGEST else range(0)
        found = [self._factor(step, k not in ends) for k, step in enumerate(steps)]
        if self.scalar and self._seeded:
            y = rf"\bar{{{self._letters.tex(self._y)}}}"
            found.insert(0, Factor(y, y, y, 9, float(self._seed.reshape(())), ()))
        return found

    def _factor(self, step: Step, shown: bool) -> Factor:
        v, i = step.node, step.place
        result, x = self._letters.tex(v), self._letters.tex(v.inputs[i])
        alone = self.scalar or (v is self._y and not self._seeded)
        incoming = "1" if alone else fraction(self._letters.tex(self._y), result)
        called = self._letters.inputs(v) if shown else []
        written = formula.passed(v, i, called, (incoming, result)) if shown else None
        data = v.inputs[i]._data
        shape = () if type(data) is tuple else tuple(np.shape(data))
        size = step.gain if step.factor is None else step.factor
        if written is not None:
            return Factor(fraction(result, x), x, written.tex, written.rank, size, shape)
        slope = fraction(literal(v.op.name), x)
        tex = slope if alone else rf"{incoming} \, {slope}"
        return Factor(fraction(result, x), x, tex, 2, size, shape)

    @property
    def symbol(self) -> str:
        """The derivative that is asked for, in LaTeX."""
        x = self._letters.tex(self._x)
        if self._element is not None:
            x = rf"{x}_{{{','.join(map(str, self._element))}}}"
        return fraction(self._letters.tex(self._y), x)

    @property
    def _short(self) -> bool:
        return all(len(factors) <= LONGEST for factors in self.factors)

    def _definitions(self) -> list[Line]:
        """What the results on the paths are: v_1 = w x = -3."""
        nodes = {step.node for path in self._paths for step in path.shown}
        if not self._short or len(nodes) > 2 * LONGEST:
            return []
        found = []
        for v in sorted(nodes, key=lambda v: self._order[id(v)]):
            written = formula.forward(v, self._letters.inputs(v))
            if written and type(v._data) is not tuple:
                shown = tex_number(v._data.reshape(())) if v._data.size == 1 else ""
                both = f"{written} = {shown}" if shown else written
                remark = "" if shown else _shape(v._data.shape)
                found.append(Line(self._letters.tex(v), both, both, remark))
        return found

    def _products(self) -> list[Line]:
        """The sum of products: as fractions, as formulas, as numbers; then what it comes to."""
        if not any(self.factors):
            return []
        rest = float(self._rest.reshape(()))
        numbers = [[f.number for f in factors] for factors in self.factors]
        chains = [[f.fraction for f in factors] for factors in self.factors]
        braces = [
            _product([f.braced for f in factors], r" \cdot ", found)
            for factors, found in zip(self.factors, numbers, strict=True)
        ]
        if self._others:
            braces.append(rf"\underbrace{{\cdots}}_{{{tex_number(rest)}}}")
        remark = f"{self._others:,} other paths give {number(rest)}" if self._others else ""
        if not self._short:
            remark = f"{max(map(len, numbers)):,} factors"
        plain = self._sum(chains, r"\cdots", r" \, ")
        lines = [Line(self.symbol, " + ".join(braces), plain, remark)]
        if self._short:
            lines.append(self._line([[f.written for f in fs] for fs in self.factors], r"\cdots"))
        if self._short and any(len(found) > 1 for found in numbers):
            odd = any(
                math.isnan(math.prod(found)) and not path.contribution.any()
                for found, path in zip(numbers, self._paths, strict=True)
            )
            remark = "0 · ∞ is 0 here: no branch that was taken leads there" if odd else ""
            terms = [[*map(_bracketed, found)] for found in numbers]
            lines.append(self._line(terms, _bracketed(rest), remark))
        if len(self._paths) + bool(self._others) > 1:
            parts = [[_bracketed(float(p.contribution.reshape(())))] for p in self._paths]
            lines.append(self._line(parts, _bracketed(rest)))
        return lines

    def _line(self, terms: Sequence[Sequence[str]], rest: str, remark: str = "") -> Line:
        right, plain = (self._sum(terms, rest, dot) for dot in (r" \cdot ", r" \, "))
        return Line("", right, plain, remark)

    def _sum(self, terms: Sequence[Sequence[str]], rest: str, dot: str) -> str:
        """Products added up, with the rest if there are other paths."""
        found = [_product(factors, dot) for factors in terms]
        return " + ".join([*found, rest] if self._others else found)

    def _steps(self) -> list[Line]:
        """For each path, what the ops pass back to their inputs, with shapes and gains."""
        y = self._letters.tex(self._y)
        seed = fraction(y, y)
        given = tex_number(self._seed.flat[0]) if np.ptp(self._seed) == 0 else r"\bar{y}"
        remark = f"given, {_shape(self._seed.shape)}"
        lines = [Line(seed, given, given, remark)] if self._seeded else []
        several = len(self.factors) + bool(self._others) > 1
        for k, factors in enumerate(self.factors, 1):
            head = f"path {k} of {len(self.factors) + self._others:,}" if several else ""
            shown = factors
            if len(factors) > LONGEST:
                shown = [*factors[:_ENDS], *factors[-_ENDS:]]
            for n, f in enumerate(shown):
                if len(factors) > LONGEST and n == _ENDS:
                    left_out = [f.number for f in factors[_ENDS:-_ENDS]]
                    gain = number(math.prod(left_out), 3)
                    remark = f"{len(left_out):,} more ops, gain {gain} together"
                    lines.append(Line(r"\cdots", r"\cdots", r"\cdots", remark))
                remark = f"{_shape(f.shape)}, gain {number(f.number, 3)}"
                remark = f"{head}: {remark}" if head and not n else remark
                left = fraction(y, f.x)
                lines.append(Line(left, f.formula, f.formula, remark))
        if self._others:
            lines.append(Line(r"\cdots", r"\cdots", r"\cdots", f"{self._others:,} other paths"))
        return lines

    def _last(self) -> Line:
        found = self._chosen(self.value)
        several = not self.scalar and len(self._paths) + bool(self._others) > 1
        if found.size == 1:
            text = tex_number(found.reshape(()))
        elif found.ndim <= 2 and all(n <= MATRIX for n in found.shape):
            text = _matrix(found)
        else:
            text = rf"\text{{an array of shape {_shape(found.shape)}}}"
        remark = "which is the engine's gradient"
        if not self.equal:
            own = self._chosen(self.gradient)
            shown = number(float(own.reshape(()))) if own.size == 1 else "another array"
            remark = f"but the engine's gradient is {shown}"
        elif several:
            remark = f"the sum of all paths, {remark}"
        return Line("" if self.scalar and any(self.factors) else self.symbol, text, text, remark)

    def latex(self) -> str:
        """All lines as an `aligned` environment."""
        rows = [f"{left} &= {right}" for left, right, _, _ in self.lines]
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def mathml(self) -> str:
        """All lines as a MathML table, which browsers show without MathJax."""
        rows = "".join(
            f"<mtr>{_cell(row(left) if left else '', 'right')}{_cell('<mo>=</mo>', 'center')}"
            f"{_cell(row(right), 'left')}{_cell(f'<mtext>{escape(remark)}</mtext>', 'left')}</mtr>"
            for left, right, _, remark in self.lines
        )
        return (
            '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">'
            f'<mtable displaystyle="true">{rows}</mtable></math>'
        )

    def __str__(self) -> str:
        pairs = [
            (readable(left), readable(plain) + (f", {remark}" if remark else ""))
            for left, _, plain, remark in self.lines
        ]
        pairs = [(_tight(left), _tight(right)) for left, right in pairs]
        width = max(len(left) for left, _ in pairs)
        return printable("\n".join(f"{left:>{width}} = {right}" for left, right in pairs))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return (
            "<div style='overflow-x:auto;text-align:left' tabindex='0' role='region' "
            f"aria-label='derivation'>{self.mathml()}</div>"
        )


def fraction(upper: str, lower: str) -> str:
    """A derivative in LaTeX."""
    return rf"\frac{{\partial {upper}}}{{\partial {lower}}}"


def _tight(text: str) -> str:
    """Derivatives without spaces and brackets around their fraction bars."""
    return re.sub(r"\((∂[^\s()]+)\)(?!ᵀ)", r"\1", text.replace(" / ∂", "/∂"))


def _bracketed(x: float) -> str:
    """A number as a factor or term: in brackets if it is negative."""
    text = tex_number(x)
    return rf"\left({text}\right)" if text.startswith("-") else text


def _product(factors: Sequence[str], dot: str, numbers: Sequence[float] = ()) -> str:
    """The factors as a product; of many, the ends, with the product of those between them."""
    if len(factors) > LONGEST:
        dots = r"\cdots"
        if numbers:
            dots = rf"\underbrace{{\cdots}}_{{{tex_number(math.prod(numbers[_ENDS:-_ENDS]))}}}"
        factors = [*factors[:_ENDS], dots, *factors[-_ENDS:]]
    return dot.join(factors) or "1"


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) if len(shape) else "a number"


def _matrix(a: Array) -> str:
    rows = a if a.ndim == 2 else a.reshape(1, -1)
    body = r" \\ ".join(" & ".join(tex_number(x) for x in line) for line in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def _cell(content: str, align: str) -> str:
    return f'<mtd style="text-align:{align};padding:3px 5px">{content}</mtd>'
