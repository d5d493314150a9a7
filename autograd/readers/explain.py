"""explain: a gradient as the sum over all paths."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np

from autograd.engine import topological
from autograd.node import Array
from autograd.printable import printable
from autograd.readers.derivation import Derivation
from autograd.readers.paths import Names, Path, Reach, chips, follow, norm, place_of, told_apart
from autograd.value import Value
from autograd.viz.summary import number
from autograd.viz.text import literal


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
        names: Names,
        reach: Reach,
    ) -> None:
        self.x, self.y, self.rest, self.others, self.element = x, y, rest, others, element
        self._called = names.pair(x)
        self._names, self._seed, self._engine = names, reach.seed, reach.gradients[x]
        self.gradient: Array = sum((p.contribution for p in paths), start=rest)
        self.paths = sorted(paths, key=lambda path: -abs(self.size(path.contribution)))

    def size(self, contribution: Array) -> float:
        """The chosen element of a contribution; else its value if it is one number, or its norm."""
        if self.element is not None:
            return float(contribution[self.element])
        if contribution.size == 1:
            return float(contribution.reshape(()))
        return norm(contribution)

    def share(self, contribution: Array) -> float:
        """Its share of the gradient, projected on the gradient's direction; all shares sum to 1.

        NaN if the gradient is 0 or not finite: there are no shares of it.
        """
        g = self.gradient
        if self.element is not None:
            contribution, g = contribution[self.element], g[self.element]
        whole = np.vdot(g, g)
        return float(np.vdot(g, contribution) / whole) if whole else float("nan")

    def table(self) -> list[dict[str, Any]]:
        """One row a path, then one for the rest: path, factors, gains, contribution, share.

        A factor is the local derivative of a step, None where arrays are passed; a gain is the norm
        of what the step passes back over the norm of what came in.

        Examples
        --------
        >>> import autograd
        >>> x = autograd.Value(3.0, name="x")
        >>> [(row["path"], row["contribution"]) for row in autograd.explain(x * x, x).table()]
        [('multiply (left)', 3.0), ('multiply (right)', 3.0)]
        """
        rows: list[dict[str, Any]] = [
            {
                "path": path.title,
                "factors": path.factors,
                "gains": path.gains,
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
                    "gains": [],
                    "contribution": self.size(self.rest),
                    "share": self.share(self.rest),
                }
            )
        return rows

    @property
    def _what(self) -> tuple[str, str]:
        """The names of y and x, with the element."""
        index = "" if self.element is None else str(list(self.element))
        y, x = self._called
        return y, x + index

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
            start = f"{x} → " if row["path"] and row["gains"] else x if not row["path"] else ""
            lines.append(
                f"{number(row['contribution']):>10} {_percent(row['share']):>6}  "
                f"{start}{row['path']}{_product(row)}"
            )
        return "\n".join(lines)

    def latex(self) -> str:
        r"""The sum as LaTeX: the gradient, then one term a path with its chain of derivatives."""
        y, x = (literal(name) for name in self._what)
        terms = []
        for path in self.paths:
            names = [x]
            for step in path.shown:
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

    def derivation(self) -> Derivation:
        """The chain rule written out: every factor with its formula and number, line by line.

        Call it before ``backward()`` releases the graph.

        Raises
        ------
        RuntimeError
            The graph was released.

        Examples
        --------
        >>> import autograd
        >>> x = autograd.Value(3.0, name="x")
        >>> print(autograd.explain(x * x, x).derivation())
            y = x · x = 9
        ∂y/∂x = ∂y/∂x + ∂y/∂x
              = x + x
              = 3 + 3
              = 6, which is the engine's gradient
        """
        topological([self.y])  # raises if it was released
        parts = (self.paths, self.rest, self.others, self._seed, self._engine)
        return Derivation(self._names, self.x, *parts, element=self.element)

    def _repr_html_(self) -> str:
        head = escape(self._text().splitlines()[0])
        _, x = self._what
        found = [(p.contribution, chips(x, p)) for p in self.paths]
        if self.others:
            found.append((self.rest, f"{self.others:,} other paths"))
        right = "text-align:right;white-space:nowrap;padding:3px 8px"
        rows = "".join(
            "<tr style='border-top:1px solid #98a1af'>"
            f"<td style='{right}'>{number(self.size(contribution))}</td>"
            f"<td style='{right}'>{_bar(self.share(contribution))}</td>"
            f"<td style='text-align:left'>{path}</td></tr>"
            for contribution, path in found
        )
        return (
            "<div style='overflow-x:auto' tabindex='0' role='region' aria-label='paths'>"
            f"<table style='border-collapse:collapse'><caption style='text-align:left'><b>{head}"
            "</b></caption><tr><th scope='col'>contribution</th><th scope='col'>share</th>"
            f"<th scope='col' style='text-align:left'>path</th></tr>{rows}</table></div>"
        )


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("-", "−") if isfinite(share) else "—"


def _bar(share: float) -> str:
    """A share as text with a bar under it: orange for what adds, blue for what takes away."""
    width = min(abs(share), 1.0) if isfinite(share) else 0.0
    colour = "#c2410c" if share > 0 else "#1d4ed8"
    return (
        f"{_percent(share)}<div aria-hidden='true' style='height:4px;min-width:48px'>"
        f"<div style='height:4px;width:{100 * width:.3g}%;background:{colour}'></div></div>"
    )


def _product(row: dict[str, Any]) -> str:
    """The factors whose product is the contribution; the gains if arrays are passed."""
    if row["factors"] and None not in row["factors"]:
        return "  = " + " · ".join(number(f) for f in row["factors"])
    return "  gains " + " · ".join(number(g, 3) for g in row["gains"]) if row["gains"] else ""


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
    Explanation : prints as text; a table in notebooks; `.table()`, `.latex()`, `.derivation()`,
        `.paths`.

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
    reach = Reach("explain", y, x, gradient)
    where = place_of("explain", x, element)
    if not reach.connected:
        raise RuntimeError(
            f"explain: no path leads from x ({x.name or x.shape}) to y, or x requires no gradient."
        )
    names = Names(y)
    paths, rest, others = follow(reach, names, limit)
    paths = told_apart(paths, names.trace.order)
    return Explanation(y, x, paths, rest, others, where, names, reach)
