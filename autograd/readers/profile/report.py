"""Profile: the costs of a graph's nodes, as tables, a drawing and a Chrome trace."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from autograd.files import write
from autograd.op import SELECT
from autograd.printable import printable
from autograd.readers.profile.advice import advice
from autograd.readers.profile.chrome import Span, events
from autograd.value import Value
from autograd.viz.draw import Drawing
from autograd.viz.model import picture
from autograd.viz.trace import Trace
from autograd.viz.units import amount, bytes_of, duration, share

_GROUPS = ("node", "alike", "module", "op")


@dataclass(frozen=True)
class Cost:
    """The cost of one node, or of several together.

    Attributes
    ----------
    label : its name; module and op if it has none.
    op : name of the op.
    inside : labels of the module calls around it, outermost first.
    shape : of the result; None for several nodes.
    forward, backward : seconds.
    kept : bytes that it keeps alive for the backward pass.
    flops : floating-point operations, forward and backward; None if unknown.
    least : seconds at the machine's peak, by the roofline model; 0 for a view, None if unknown.
    engines : what computes it, forward and backward.
    count : number of nodes.
    dtype : of the result; "" for several nodes that differ.
    """

    label: str
    op: str
    inside: tuple[str, ...]
    shape: tuple[int, ...] | None
    forward: float
    backward: float
    kept: int
    flops: float | None
    least: float | None
    engines: tuple[str, ...]
    count: int = 1
    dtype: str = ""

    @property
    def seconds(self) -> float:
        """Forward and backward together."""
        return self.forward + self.backward

    @property
    def of_peak(self) -> float | None:
        """The share of the machine's peak that it reaches; None if unknown."""
        return self.least / self.seconds if self.least and self.seconds else None


class Profile:
    """The cost of one step, node by node. It prints a table; so does a notebook.

    Attributes
    ----------
    costs : one `Cost` for each node, in the order of the graph.
    forward, backward : seconds of the whole passes, without instrumentation: the best of several.
    first : seconds of the first step, which may compile kernels.
    loss : the Value whose graph this is.
    """

    def __init__(
        self, trace: Trace, costs: list[Cost], forward: float, backward: float, first: float = 0.0
    ) -> None:
        self.costs, self.forward, self.backward, self.first = costs, forward, backward, first
        self.loss: Value = trace.roots[0]  # type: ignore[assignment]
        nodes = [v for v in trace.order if v.op is not SELECT]
        self._seconds = {id(v): c.seconds for v, c in zip(nodes, costs, strict=True)}

    @property
    def rest(self) -> tuple[float, float]:
        """Seconds outside of ops, forward and backward: Python, recording, adding gradients.

        The ops' times come from separate replays, so it may be slightly negative.
        """
        return (
            self.forward - sum(c.forward for c in self.costs),
            self.backward - sum(c.backward for c in self.costs),
        )

    def grouped(self, by: str = "node") -> list[Cost]:
        """The costs per "node", "module" or "op", the most expensive first.

        By "alike", the nodes of one op in one module are together, such as those of all steps of a
        loop. A node counts for the innermost module that made it, so the groups sum to the total.

        Raises
        ------
        ValueError
            Another `by`.
        """
        if by not in _GROUPS:
            raise ValueError(f"Profile: by must be one of {_GROUPS}, got {by!r}.")
        if by == "node":
            found = self.costs
        else:
            groups: dict[str, list[Cost]] = {}
            for cost in self.costs:
                key = {"op": cost.op, "module": _module(cost), "alike": _kind(cost)}[by]
                groups.setdefault(key, []).append(cost)
            found = [
                members[0] if by == "alike" and len(members) == 1 else _together(key, members)
                for key, members in groups.items()
            ]
        return sorted(found, key=lambda cost: -cost.seconds)

    def table(self, by: str = "node") -> list[dict[str, Any]]:
        """One row per node, module, op or by "alike": seconds, bytes, FLOPs (None if unknown).

        Examples
        --------
        >>> import autograd, numpy as np
        >>> x = autograd.Value(np.ones((3, 4)))
        >>> rows = autograd.profile(lambda: np.sum(x @ x.T)).table(by="op")
        >>> sorted((row["name"], row["flops"]) for row in rows)
        [('matmul', 216.0), ('sum', 27.0), ('transpose', 0.0)]
        """
        return [
            {
                "name": cost.label,
                "count": cost.count,
                "shape": cost.shape,
                "forward": cost.forward,
                "backward": cost.backward,
                "share": cost.seconds / self._whole if self._whole else None,
                "kept": cost.kept,
                "flops": cost.flops,
                "of_peak": cost.of_peak,
                "engines": cost.engines,
            }
            for cost in self.grouped(by)
        ]

    @property
    def _whole(self) -> float:
        return self.forward + self.backward

    def _cells(self, by: str, limit: int) -> Iterable[tuple[str, ...]]:
        """The table as text: heading, rows, the rest of the rows, time outside of ops, total."""
        costs = self.grouped(by)
        heading = "node" if by == "alike" else by
        yield ("forward", "backward", "share", "kept", "FLOPs", "of peak", heading, "engine")
        for cost in costs[:limit]:
            shape = "" if cost.shape is None else f" {cost.shape}"
            many = f"{cost.count:,} × " if cost.count > 1 else ""
            yield (*self._figures(cost), f"{many}{cost.label}{shape}", _engines(cost.engines))
        if costs[limit:]:
            more = _together("", costs[limit:])
            yield (*self._figures(more), f"{more.count:,} more", "")
        there, back = self.rest
        part = share((there + back) / self._whole) if self._whole else ""
        yield (duration(there), duration(back), part, "", "", "", "Python and recording", "")
        kept = sum(c.kept for c in self.costs)
        flops = None if any(c.flops is None for c in self.costs) else _sum(self.costs)
        whole = Cost("", "", (), None, self.forward, self.backward, kept, flops, None, ())
        yield (*self._figures(whole), "the whole step", "")

    def _figures(self, cost: Cost) -> tuple[str, ...]:
        return (
            duration(cost.forward),
            duration(cost.backward),
            share(cost.seconds / self._whole) if self._whole else "",
            bytes_of(cost.kept),
            "unknown" if cost.flops is None else amount(cost.flops),
            "" if cost.of_peak is None else share(cost.of_peak),
        )

    @property
    def advice(self) -> str:
        """What dominates the step and what would help, in one line.

        Examples
        --------
        >>> import autograd, numpy as np
        >>> x = autograd.Value(np.ones((3, 4)))
        >>> "of the step" in autograd.profile(lambda: np.sum(np.tanh(x))).advice
        True
        """
        return printable(advice(self))

    def text(self, by: str = "alike", limit: int = 30) -> str:
        """The table and the advice; rows beyond `limit` are added up in one.

        By "node", "module" or "op"; by "alike" the nodes of one op in one module share a row.
        """
        rows = [*self._cells(by, limit)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                [
                    *(cell.rjust(w) for cell, w in zip(row[:6], widths[:6], strict=True)),
                    *(cell.ljust(w) for cell, w in zip(row[6:], widths[6:], strict=True)),
                ]
            ).rstrip()
            for row in rows
        ]
        return printable("\n".join([*lines, self.advice]))

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *rows = self._cells("alike", 30)
        headings = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        body = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:{'right' if i < 6 else 'left'}'>{escape(cell)}</td>"
                for i, cell in enumerate(row)
            )
            + "</tr>"
            for row in rows
        )
        return f"<table><tr>{headings}</tr>{body}</table><p>{escape(self.advice)}</p>"

    def drawing(self, **how: Any) -> Drawing:
        """The graph, each op colored by its share of the time.

        Parameters
        ----------
        **how
            `depth`, `limit`, `names` and `direction` of `autograd.draw`. A folded module shows the
            total time of its nodes. Below stands the advice.
        """
        direction = how.pop("direction", "LR")
        drawn = picture(self.loss, costs=self._seconds, **how)
        drawn.notes += textwrap.wrap(self.advice, 90)
        return Drawing(drawn, direction)

    def chrome_trace(self, path: str | os.PathLike[str]) -> Path:
        """Write it as JSON for chrome://tracing and ui.perfetto.dev; suffix .json.

        The times are those of the table, one after the other: forward, then backward. Modules are
        spans around their ops.

        Raises
        ------
        ValueError
            Another suffix.
        """
        target = Path(path)
        if target.suffix.lower() != ".json":
            raise ValueError(f"Profile.chrome_trace: the name {target.name!r} must end in .json.")
        there, back = self.rest
        ways = [
            ("forward", [_span(c, c.forward, c.engines[:1]) for c in self.costs], there),
            ("backward", [_span(c, c.backward, c.engines[1:]) for c in reversed(self.costs)], back),
        ]
        content = {"traceEvents": events(ways), "displayTimeUnit": "ns"}
        return write(target, json.dumps(content, ensure_ascii=False).encode())


def _span(cost: Cost, seconds: float, engines: Sequence[str]) -> Span:
    about = {
        "shape": str(cost.shape),
        "kept bytes": cost.kept,
        "FLOPs, forward and backward": "unknown" if cost.flops is None else cost.flops,
        "engine": _engines(engines),
    }
    return Span(cost.op, seconds, cost.inside, about)


def _engines(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))


def _module(cost: Cost) -> str:
    """The innermost module, all of its calls together."""
    return cost.inside[-1].partition(", call ")[0] if cost.inside else "outside of modules"


def _kind(cost: Cost) -> str:
    """An op, and the module that it is in."""
    return f"{cost.op} in {_module(cost)}" if cost.inside else cost.op


def _sum(costs: Iterable[Cost]) -> float:
    return float(sum(c.flops or 0.0 for c in costs))


def _together(label: str, costs: Sequence[Cost]) -> Cost:
    """The sum of several costs; a sum with an unknown term is unknown."""
    return Cost(
        label=label,
        op=costs[0].op,
        inside=costs[0].inside,
        shape=None,
        forward=sum(c.forward for c in costs),
        backward=sum(c.backward for c in costs),
        kept=sum(c.kept for c in costs),
        flops=None if any(c.flops is None for c in costs) else _sum(costs),
        least=None if any(c.least is None for c in costs) else sum(c.least or 0.0 for c in costs),
        engines=tuple(dict.fromkeys(name for c in costs for name in c.engines)),
        count=sum(c.count for c in costs),
        dtype=costs[0].dtype if len({c.dtype for c in costs}) == 1 else "",
    )
