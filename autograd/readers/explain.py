"""explain: a gradient as the sum over all paths."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autograd.contribution import Unreached
from autograd.engine import add_gradient, gradients, topological
from autograd.node import Array, Node
from autograd.op import SELECT
from autograd.printable import printable
from autograd.value import Value, seed_like
from autograd.viz.gradients import passed_back
from autograd.viz.summary import number
from autograd.viz.text import literal


class Step(NamedTuple):
    """One op on a path, with the input through which the path enters and the local derivative.

    Attributes
    ----------
    node : the op's result.
    place : index of the input.
    factor : the local derivative if input and output are single numbers, else None.
    """

    node: Node
    place: int
    factor: float | None

    @property
    def title(self) -> str:
        """The name of the node, or of its op."""
        return self.node.name or str(self.node.op.name)


class Path(NamedTuple):
    """One path from x to y, and its contribution to the gradient.

    Attributes
    ----------
    steps : the ops on the path, from x to y.
    contribution : array of x's shape; over all paths they sum to the gradient.
    """

    steps: tuple[Step, ...]
    contribution: Array

    @property
    def title(self) -> str:
        """The ops on the path, in one line."""
        return " → ".join(step.title for step in self.steps if step.node.op is not SELECT)


class Explanation:
    """A gradient as the sum of its paths' contributions, the largest first.

    Attributes
    ----------
    x, y : the Values; the gradient is dy/dx.
    gradient : dy/dx, the sum of all contributions.
    paths : the paths that were followed separately.
    rest : the sum of all other contributions; zeros if `paths` is complete.
    others : number of paths in `rest`.
    element : the element of x that is shown; None for the norm over all.
    """

    def __init__(
        self,
        y: Value,
        x: Value,
        paths: list[Path],
        rest: Array,
        others: int,
        element: tuple[int, ...] | None,
    ) -> None:
        self.x, self.y, self.rest, self.others, self.element = x, y, rest, others, element
        self.gradient: Array = sum((p.contribution for p in paths), start=rest)
        self.paths = sorted(paths, key=lambda path: -abs(self.size(path.contribution)))

    def size(self, contribution: Array) -> float:
        """The chosen element of a contribution; else its value if it is one number, or its norm."""
        if self.element is not None:
            return float(contribution[self.element])
        if contribution.size == 1:
            return float(contribution.reshape(()))
        return float(np.linalg.norm(contribution))

    def share(self, contribution: Array) -> float:
        """Its share of the gradient, projected on the gradient's direction; all shares sum to 1."""
        g = self.gradient
        if self.element is not None:
            contribution, g = contribution[self.element], g[self.element]
        whole = np.vdot(g, g)
        return float(np.vdot(g, contribution) / whole) if whole else float("nan")

    def table(self) -> list[dict[str, Any]]:
        """One row a path, then one for the rest: path, factors, contribution, share.

        Examples
        --------
        >>> import autograd
        >>> x = autograd.Value(3.0, name="x")
        >>> [(row["path"], row["contribution"]) for row in autograd.explain(x * x, x).table()]
        [('multiply', 3.0), ('multiply', 3.0)]
        """
        rows: list[dict[str, Any]] = [
            {
                "path": path.title,
                "factors": [step.factor for step in path.steps if step.node.op is not SELECT],
                "contribution": self.size(path.contribution),
                "share": self.share(path.contribution),
            }
            for path in self.paths
        ]
        if self.others:
            rows.append(
                {
                    "path": f"{self.others:,} other paths",
                    "factors": [],
                    "contribution": self.size(self.rest),
                    "share": self.share(self.rest),
                }
            )
        return rows

    @property
    def _what(self) -> tuple[str, str]:
        """The names of y and x, with the element."""
        index = "" if self.element is None else str(list(self.element))
        return self.y.name or "y", (self.x.name or "x") + index

    @property
    def _whole(self) -> float:
        return self.size(self.gradient)

    @property
    def _norms(self) -> bool:
        return self.element is None and self.x.size != 1

    def __str__(self) -> str:
        return printable(self._text())

    __repr__ = __str__

    def _text(self) -> str:
        y, x = self._what
        symbol = f"‖∂{y}/∂{x}‖" if self._norms else f"∂{y}/∂{x}"
        count = len(self.paths) + self.others
        lines = [f"{symbol} = {number(self._whole)}, over {count:,} path{'s' * (count != 1)}"]
        for row in self.table():
            factors = ""
            if row["factors"] and None not in row["factors"]:
                factors = "  = " + " · ".join(number(f) for f in row["factors"])
            lines.append(
                f"{number(row['contribution']):>10} {_percent(row['share']):>6}  "
                f"{x if row['factors'] else ''}{' → ' * bool(row['factors'])}{row['path']}{factors}"
            )
        return "\n".join(lines)

    def latex(self) -> str:
        r"""The sum as LaTeX: the gradient, then one term a path with its chain of derivatives."""
        y, x = (literal(name) for name in self._what)
        terms = []
        for path in self.paths:
            names = [x]
            for step in path.steps:
                if step.node.op is not SELECT:
                    own = step.node.name
                    names.append(literal(own) if own else rf"v_{{{len(names)}}}")
            names[-1] = y
            chain = r" \, ".join(
                rf"\frac{{\partial {b}}}{{\partial {a}}}" for a, b in pairwise(names)
            )
            value = number(self.size(path.contribution)).replace("−", "-")
            terms.append(rf"\underbrace{{{chain or 1}}}_{{{value}}}")
        if self.others:
            value = number(self.size(self.rest)).replace("−", "-")
            terms.append(rf"\underbrace{{\cdots}}_{{{value}}}")
        return rf"\frac{{\partial {y}}}{{\partial {x}}} = " + " + ".join(terms)

    def _repr_html_(self) -> str:
        y, x = self._what
        head = f"<caption>{escape(self._text().splitlines()[0])}</caption>"
        rows = "".join(
            f"<tr><td style='text-align:right'>{number(row['contribution'])}</td>"
            f"<td style='text-align:right'>{_percent(row['share'])}</td>"
            f"<td style='text-align:left'>{escape(row['path'])}</td></tr>"
            for row in self.table()
        )
        names = f"<tr><th>contribution</th><th>share</th><th>from {escape(x)} to {escape(y)}</th>"
        return f"<table>{head}{names}</tr>{rows}</table>"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("-", "−")


class _Partial(NamedTuple):
    """A path from y to some node: the gradient there, and the steps so far."""

    g: Any
    steps: tuple[Step, ...]

    @property
    def size(self) -> float:
        gs = self.g.values() if isinstance(self.g, dict) else (self.g,)
        total = sum(float(np.square(g, dtype=np.float64).sum()) for g in gs)
        return total if total == total else np.inf


def explain(
    y: Value,
    x: Value,
    *,
    gradient: Any = None,
    limit: int = 50,
    element: int | Sequence[int] | None = None,
) -> Explanation:
    """Explain the derivative of y with respect to x: what each path through the graph contributes.

    The chain rule sums the products of local derivatives over all paths from x to y. The paths are
    followed separately; if more than `limit` meet at a node, the smaller ones are merged there, so
    the sum stays exact.

    Parameters
    ----------
    y : Value
        A single number, such as a loss; else give `gradient`.
    x : Value
        A leaf or an intermediate result.
    gradient : array_like, optional
        Incoming gradient of y's shape.
    limit : int
        How many paths are followed separately.
    element : index of one element of x, optional
        Show this element of the contributions, instead of their norm.

    Returns
    -------
    Explanation : prints as text; `.table()`, `.latex()`, a table in notebooks; `.paths`.

    Raises
    ------
    RuntimeError
        y does not depend on x, or the graph was released.
    ValueError
        y is not a single number and `gradient` is missing; limit below 1.
    IndexError
        x has no such element.

    Examples
    --------
    >>> import autograd, numpy as np
    >>> x = autograd.Value(2.0, name="x")
    >>> print(autograd.explain(x**3 - x, x))
    ∂y/∂x = 11, over 2 paths
            12   109%  x → power → subtract  = 12 · 1
            −1    −9%  x → subtract  = −1
    """
    if limit < 1:
        raise ValueError(f"explain: limit must be at least 1, got {limit}.")
    where = None
    if element is not None:
        where = tuple(element) if isinstance(element, Sequence) else (element,)
        try:
            alone = np.ndim(x.data[where]) == 0
        except IndexError:
            alone = False
        if not alone:
            raise IndexError(f"explain: element={element!r} is no element of x {x.shape}.")
    return _Walk(y, x, seed(y, gradient), limit).explanation(where)


def seed(y: Any, gradient: Any) -> Array:
    """The incoming gradient of y."""
    if not isinstance(y, Value):
        raise TypeError(f"explain: y must be a Value, not {type(y).__name__}.")
    try:
        return seed_like(y, gradient)
    except (ValueError, TypeError) as error:
        raise type(error)(f"explain: {error}") from None


class _Walk:
    """From y back to x, with at most `limit` separate paths at each node."""

    def __init__(self, y: Value, x: Value, g: Array, limit: int) -> None:
        self.y, self.x, self.limit = y, x, limit
        order, _, self.stale = topological([y], stop={x})
        self.live: set[Node] = {x}
        self.order = []
        for v in order:
            if any(isinstance(a, Node) and a in self.live for a in v.inputs):
                self.live.add(v)
                self.order.append(v)
        if y not in self.live:
            raise RuntimeError(
                f"explain: no path leads from x ({x.name or x.shape}) to y, or x requires no "
                "gradient."
            )
        self.hidden: Unreached = {}  # of each node, as in a pass over the whole graph
        unreached: Unreached = {}

        def keep(v: Node, g: Any) -> None:
            if v in unreached:
                self.hidden[v] = unreached[v]

        gradients([y], [g], [x], watch=keep, stop={x}, unreached=unreached)
        self.partials: dict[Node, list[_Partial]] = {y: [_Partial(g, ())]}
        self.rest: dict[Node, Any] = {}
        self.merged: dict[Node, int] = {}

    def explanation(self, element: tuple[int, ...] | None) -> Explanation:
        """Walk, and collect what has arrived at x."""
        with np.errstate(all="ignore"):
            for v in reversed(self.order):
                self._leave(v)
        self._cut(self.x)
        found = [Path(p.steps, np.asarray(p.g)) for p in self.partials.get(self.x, [])]
        rest = self.rest.get(self.x)
        if rest is None:
            rest = np.zeros(self.x.shape, self.x.dtype)
        return Explanation(self.y, self.x, found, rest, self.merged.get(self.x, 0), element)

    def _cut(self, v: Node) -> None:
        """Merge the smaller partial paths at v beyond the limit."""
        here = self.partials.get(v, [])
        if len(here) <= self.limit:
            return
        here.sort(key=lambda partial: -partial.size)
        for partial in here[self.limit :]:
            add_gradient(self.rest, v, partial.g)
            self.merged[v] = self.merged.get(v, 0) + 1
        del here[self.limit :]

    def _leave(self, v: Node) -> None:
        """Extend every partial path at v to each input that has a path to x."""
        self._cut(v)
        here, rest = self.partials.pop(v, []), self.rest.pop(v, None)
        count = self.merged.pop(v, 0)
        for i, a in enumerate(v.inputs):
            if not (isinstance(a, Node) and a in self.live):
                continue
            for g, steps in here:
                gx = self._pull(v, i, g)
                if gx is not None:
                    step = Step(v, i, _factor(g, gx))
                    self.partials.setdefault(a, []).append(_Partial(gx, (step, *steps)))
            if rest is not None:
                gx = self._pull(v, i, rest)
                if gx is not None:
                    add_gradient(self.rest, a, gx)
                    self.merged[a] = self.merged.get(a, 0) + count

    def _pull(self, v: Node, i: int, g: Any) -> Any:
        """The contribution of v's op to its input i, as the engine would add it."""
        needs = [j == i for j in range(len(v.inputs))]
        hidden = {v: self.hidden[v]} if v in self.hidden else {}
        return passed_back(v, g, needs, self.stale, unreached=hidden)[i]


def _factor(g: Any, gx: Any) -> float | None:
    if isinstance(g, dict) or isinstance(gx, dict) or np.size(g) != 1 or np.size(gx) != 1:
        return None
    incoming = float(np.asarray(g).reshape(()))
    return float(np.asarray(gx).reshape(())) / incoming if incoming else None
