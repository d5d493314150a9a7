"""A plan as a drawing: one box a step, with the ops that it computes together."""

from __future__ import annotations

from html import escape
from typing import Any

from autograd.viz.dot import FAINT, FONT, INK
from autograd.viz.names import shortened
from autograd.viz.units import bytes_of, duration

FILLS = {
    "loop": ("#e4e6fb", "#5b5fc7"),
    "product": ("#fdeedd", "#c2752f"),
    "sum": ("#e2f2f6", "#2f7f95"),
    "call": ("#ffffff", "#7b8794"),
    "source": ("#e3f4e8", "#2f855a"),
}
"""Kind of a step -> fill and border."""

ROWS = 12
"""Ops of a loop that its box names."""


def source(steps: list[Any], title: str, direction: str = "TB") -> str:
    """DOT source of the steps of a `PlanTrace`; nodes are called step0, step1, ..."""
    import graphviz

    graph: Any = graphviz.Digraph()
    graph.attr(
        rankdir=direction, bgcolor="white", pad="0.15", nodesep="0.2", ranksep="0.3",
        fontname=FONT, fontcolor=INK, fontsize="11", labelloc="t", labeljust="l",
        label=graphviz.escape(title),
    )  # fmt: skip
    graph.attr("node", fontname=FONT, fontcolor=INK, fontsize="11", shape="plain", margin="0")
    graph.attr("edge", color="#7b8794", arrowsize="0.55", fontname=FONT, fontsize="9")
    graph.attr("edge", fontcolor=FAINT)
    for i, step in enumerate(steps):
        graph.node(f"step{i}", label=f"<{_box(i, step)}>", id=f"step{i}")
        for x, size in step.reads.items():
            if isinstance(x, int):
                graph.edge(f"step{x}", f"step{i}", label=bytes_of(size) if size else "")
            else:
                fill, border = FILLS["source"]
                name = f"source {x}"
                graph.node(
                    name, label=shortened(x), shape="box", style="rounded,filled", fillcolor=fill,
                    color=border, margin="0.07,0.03", height="0.2", fontsize="10",
                )  # fmt: skip
                graph.edge(name, f"step{i}")
    text: str = graph.source
    return text


def _box(i: int, step: Any) -> str:
    fill, border = FILLS[step.kind]
    over = f" over {step.shape}" if step.kind == "loop" else ""
    head = f"<b>{i}</b>  {step.kind}{escape(over)}  "  # the last spaces: fonts differ in width
    rows = [f'<tr><td align="left">{_small(head)}</td></tr>']
    labels = step.labels if step.kind == "loop" else [step.title]
    rows += [f'<tr><td align="left">{escape(shortened(x, 40))}</td></tr>' for x in labels[:ROWS]]
    if len(labels) > ROWS:
        rows.append(f'<tr><td align="left">{_small(f"… {len(labels) - ROWS} more")}</td></tr>')
    rows.append(f'<tr><td align="left">{_small(duration(step.seconds))}</td></tr>')
    return (
        f'<table border="1" cellborder="0" cellspacing="0" cellpadding="3" style="rounded" '
        f'bgcolor="{fill}" color="{border}">{"".join(rows)}</table>'
    )


def _small(text: str) -> str:
    return f'<font point-size="9" color="{FAINT}">{text}</font>'
