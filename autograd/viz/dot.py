"""A picture as DOT source."""

from __future__ import annotations

import math
import re
from html import escape
from typing import Any

from autograd.viz.names import shortened, visible
from autograd.viz.picture import Cluster, Edge, Picture, Vertex
from autograd.viz.summary import Summary, number
from autograd.viz.symbols import GLYPHS
from autograd.viz.units import duration

FONT, MONO = "Arial", "Courier"
"""Fonts whose metrics graphviz-pure has; every browser has them or a metric-compatible font."""

INK, FAINT, WARM = "#1f2937", "#6b7280", "#9a3412"
"""Colors of text, secondary text, and gradients."""

_FILLS = {  # kind -> fill, border
    "leaf": ("#e3f4e8", "#2f855a"),
    "constant": ("#f3f4f6", "#c4c9d1"),
    "result": ("#ffffff", "#7b8794"),
    "fold": ("#e6ebf7", "#5b6fa8"),
    "rest": ("#ffffff", "#9aa1ac"),
}
_HEAT = ((255, 247, 236), (253, 212, 158), (252, 141, 89), (215, 48, 31), (127, 0, 0))
_ODD = "#6d28d9"
_DECADES = 6.0
_LINE = 34


def source(picture: Picture, direction: str = "LR") -> str:
    """DOT source of a picture, built with the graphviz package.

    Parameters
    ----------
    picture : what to draw.
    direction : "LR" from left to right, "TB" from top to bottom, or "RL", "BT".

    Examples
    --------
    >>> import autograd
    >>> from autograd.viz.dot import source
    >>> from autograd.viz.model import picture
    >>> source(picture(autograd.Value(1.0, name="a"))).splitlines()[0]
    'digraph {'
    """
    import graphviz

    graph: Any = graphviz.Digraph()
    graph.attr(
        rankdir=direction,
        bgcolor="white",
        pad="0.15",
        nodesep="0.16",
        ranksep="0.34",
        fontname=FONT,
        fontcolor=INK,
        fontsize="10",
        labelloc="b",
        labeljust="l",
        outputorder="edgesfirst",
        tooltip=" ",
    )
    graph.attr("node", fontname=FONT, fontcolor=INK, fontsize="11", shape="plain", margin="0")
    graph.attr(
        "edge", fontname=FONT, fontcolor=WARM, fontsize="9", color="#7b8794", arrowsize="0.55"
    )
    heat = _Heat(picture)
    caption = _caption(picture, heat)
    if caption:
        graph.attr(label=caption)
    inside: dict[str | None, list[Vertex]] = {}
    for vertex in picture.vertices:
        inside.setdefault(vertex.cluster, []).append(vertex)
    children: dict[str | None, list[Cluster]] = {}
    for cluster in picture.clusters:
        children.setdefault(cluster.parent, []).append(cluster)
    fan_in: dict[str, int] = {}
    for edge in picture.edges:
        fan_in[edge.target] = fan_in.get(edge.target, 0) + 1
    _fill(graph, None, inside, children, heat, fan_in, 0)
    kinds = {v.id: v.kind for v in picture.vertices}
    for edge in picture.edges:
        graph.edge(edge.source, edge.target, **_edge(edge, kinds, picture.gradients))
    text: str = graph.source
    return text


def _fill(
    graph: Any,
    cluster: str | None,
    inside: dict[str | None, list[Vertex]],
    children: dict[str | None, list[Cluster]],
    heat: _Heat,
    fan_in: dict[str, int],
    level: int,
) -> None:
    for vertex in inside.get(cluster, ()):
        graph.node(vertex.id, **_vertex(vertex, heat, fan_in.get(vertex.id, 0)))
    for child in children.get(cluster, ()):
        with graph.subgraph(name=child.id) as box:
            path, colon, kind = child.label.rpartition(": ")
            label = f"<b>{_html(path)}</b>{colon}{_html(kind)}"
            box.attr(
                label=f"<{label if path else f'<b>{_html(kind)}</b>'}>",
                tooltip=_quoted(child.label),
                style="rounded,filled",
                fillcolor="#f7f8fb" if level % 2 == 0 else "#eef1f7",
                color="#c3cad8",
                fontcolor="#475569",
                fontsize="11",
                labelloc="t",
                labeljust="l",
                margin="10",
            )
            _fill(box, child.id, inside, children, heat, fan_in, level + 1)


def _html(text: str) -> str:
    r"""Text of an HTML-like label; backslashes are escaped, since Graphviz replaces \N, \G ..."""
    return escape(visible(text).replace("\\", "\\\\"))


def _quoted(text: str) -> str:
    """Text as a plain attribute, with escapes and HTML disabled."""
    import graphviz

    escaped: str = graphviz.escape(visible(text))
    return escaped


def _vertex(vertex: Vertex, heat: _Heat, fan_in: int) -> dict[str, str]:
    tooltip = _quoted(_tooltip(vertex))
    if vertex.kind == "op":
        glyph = _glyph(vertex)
        text = f'<font point-size="{14 if len(glyph) <= 2 else 11}">{_html(glyph)}</font>'
        if vertex.arguments:
            text += f'<br/><font point-size="8" color="#5b5f97">{_html(vertex.arguments)}</font>'
        fill, ink = "#e4e6fb", "#2b2d6e"
        if vertex.cost is not None:
            fill, ink = heat.at(vertex.cost / heat.dearest)
            text = text.replace('color="#5b5f97"', f'color="{ink}"')
            text += f"<br/>{_small(heat.priced(vertex.cost), ink)}"
        round_ = len(glyph) <= 2 and not vertex.arguments and vertex.cost is None
        size = {"width": "0.36", "height": "0.36", "fixedsize": "true"}
        return {
            "label": f"<{text}>",
            "shape": "circle" if round_ else "box",
            "style": "filled" if round_ else "rounded,filled",
            "fillcolor": fill,
            "color": "#5b5fc7",
            "fontcolor": ink,
            "tooltip": tooltip,
            **(size if round_ else {"margin": "0.09,0.05", "height": "0.3", "width": "0.3"}),
            **({"ordering": "in"} if fan_in > 1 else {}),
        }
    fill, border = _FILLS[vertex.kind]
    rows = _rows(vertex, heat)
    border_width = 2 if vertex.root else 1
    style = "rounded,dashed" if vertex.kind == "rest" or vertex.released else "rounded"
    cells = "".join(f"<tr><td{attributes}>{text}</td></tr>" for attributes, text in rows)
    padding = 4 if vertex.kind == "fold" else 3
    table = (
        f'<table border="{border_width}" cellborder="0" cellspacing="1" cellpadding="{padding}" '
        f'style="{style}" bgcolor="{fill}" color="{"#1e3a8a" if vertex.root else border}">'
        f"{cells}</table>"
    )
    return {"label": f"<{table}>", "tooltip": tooltip}


def _rows(vertex: Vertex, heat: _Heat) -> list[tuple[str, str]]:
    """The rows of a box: pairs of cell attributes and HTML-like text."""
    rows: list[tuple[str, str]] = []
    if vertex.kind in ("fold", "rest"):
        if vertex.kind == "fold":
            path, colon, kind = (vertex.name or "").rpartition(": ")
            rows.append(("", f"<b>{_html(path)}</b>{colon}{_html(kind)}" if path else _bold(kind)))
        else:
            rows.append(("", f"… {plural(vertex.nodes, 'more node')}" if vertex.nodes else "…"))
        if vertex.nodes:
            counts = f"{plural(vertex.ops, 'op')}, {plural(vertex.parameters, _leaf(vertex))}"
            rows.append(("", _small(counts)))
        if vertex.cost is not None:
            fill, ink = heat.at(vertex.cost / heat.dearest)
            text = _small(heat.priced(vertex.cost), ink)
            rows.append((f' bgcolor="{fill}" style="rounded"', text))
        return rows
    value = vertex.value
    head = []
    if vertex.name:
        head.append(_bold(shortened(vertex.name)))
    if value is not None and (value.shape or value.dtype != "float64"):
        shape = str(value.shape) if value.shape else ""
        plain_number = vertex.kind == "constant" and not value.shape
        dtype = "" if plain_number else value.dtype
        if shape or dtype:
            head.append(_small(f"{shape} {dtype}".strip()))
    color = FAINT if vertex.kind == "constant" else INK
    if value is not None and not value.shape:
        equation = _numbers(value, color)
        if vertex.name:
            equation = f"{head[0]} = {equation}"
        rows.append(("", " ".join([equation, *head[bool(vertex.name) :]])))
    else:
        if head:
            rows.append(("", " ".join(head)))
        if value is not None:
            rows.append(("", _numbers(value, color)))
    if vertex.released:
        rows.append(("", _small("released")))
    if heat.asked and vertex.tracked:
        if vertex.gradient is None:
            rows.append(("", _small("no gradient")))
        else:
            fill, ink = heat.colors(vertex.gradient)
            text = _numbers(vertex.gradient, ink, "grad ")
            rows.append((f' bgcolor="{fill}" style="rounded"', text))
    return rows or [("", _small(vertex.op or vertex.kind))]


def plural(n: int, noun: str) -> str:
    """A count with its noun: "1 op", "1,234 ops"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _leaf(vertex: Vertex) -> str:
    return "parameter" if vertex.kind == "fold" else "leaf Value"


def _bold(text: str) -> str:
    return f"<b>{_html(text)}</b>" if text else ""


def _small(text: str, color: str = FAINT) -> str:
    return f'<font point-size="9" color="{color}">{_html(text)}</font>'


def _numbers(summary: Summary, color: str, label: str = "") -> str:
    """The summary's lines; a matrix is aligned in columns."""
    lines = summary.lines
    if len(lines) > 1 and summary.numbers is not None:
        rows = [_html(line.replace("−", "-")) for line in lines]
        text = "".join(f'{row}<br align="left"/>' for row in rows)
        title = f'{_small(label.strip(), color)}<br align="left"/>' if label else ""
        return f'{title}<font face="{MONO}" point-size="9" color="{color}">{text}</font>'
    size = 11 if not summary.shape else 9
    if label and summary.numbers is None and summary.rms is not None:
        lines = [f"rms {number(summary.rms, 3)}", *lines[1:]]
    text = "<br/>".join(_html(line) for line in (label + lines[0], *lines[1:]))
    return f'<font point-size="{size}" color="{color}">{text}</font>'


def _glyph(vertex: Vertex) -> str:
    """The text on an op: its usual sign, a Greek letter that starts its formula, or its name."""
    name = vertex.op or ""
    letter = re.match(r"([^\W\da-zA-Z_][₀-₉]*)\(", vertex.text)
    return GLYPHS.get(name) or (letter[1] if letter else name)


def _tooltip(vertex: Vertex) -> str:
    parts = [vertex.name or "", vertex.op or "", vertex.text if vertex.kind == "op" else ""]
    if vertex.value is not None:
        parts.append(f"{vertex.value.shape} {vertex.value.dtype}")
    return " · ".join(filter(None, parts)) or vertex.kind


def _edge(edge: Edge, kinds: dict[str, str], gradients: bool) -> dict[str, str]:
    style: dict[str, str] = {"tooltip": " "}
    lines = []
    if edge.formula is not None:
        text, value = edge.formula.text, edge.formula.number
        style["tooltip"] = style["labeltooltip"] = _quoted(text)
        if value is not None and text == "ȳ":
            text = f"ȳ = {number(value)}" if gradients else text
        elif value is not None:
            text += f"\n= {number(value)}" + ("" if gradients else " · ȳ")
        lines = [_html(part) for piece in text.split("\n") for part in _broken(piece)]
    if edge.label:
        label = f'<font color="{FAINT}">{_html(shortened(edge.label, 12))}:</font> '
        lines = [label + lines[0], *lines[1:]] if lines else [label.replace(":</font> ", "</font>")]
    if lines:
        style["label"] = f"<{'<br/>'.join(f'&#160;{line}&#160;' for line in lines)}>"
    if kinds[edge.source] == "op":
        style |= {"weight": "4"}
    if kinds[edge.source] == "constant":
        style |= {"color": "#c4c9d1"}
    if kinds[edge.source] == "rest":
        style |= {"style": "dashed", "color": "#9aa1ac"}
    return style


def _broken(text: str) -> list[str]:
    """A formula in at most three lines, broken before if, else and +."""
    lines = [""]
    for part in re.split(r"(?= if | else | \+ )", text):
        if len(lines[-1]) + len(part) > _LINE and lines[-1]:
            lines.append(part.strip())
        else:
            lines[-1] += part
    lines = [line if len(line) <= _LINE + 6 else f"{line[: _LINE + 5]}…" for line in lines]
    return lines if len(lines) <= 3 else [*lines[:3], "…"]


class _Heat:
    """One color scale for a picture: gradients by the logarithm of their size, costs by time."""

    def __init__(self, picture: Picture) -> None:
        costs = [v.cost for v in picture.vertices if v.cost is not None]
        self.dearest, self.total = max(costs, default=0.0) or 1.0, sum(costs) or 1.0
        self.asked = picture.gradients
        sizes = [v.gradient.rms for v in picture.vertices if v.gradient and v.gradient.rms]
        logs = [math.log10(s) for s in sizes]
        self.high = max(logs, default=0.0)
        self.low = max(min(min(logs, default=0.0), self.high - 1), self.high - _DECADES)

    def colors(self, gradient: Summary) -> tuple[str, str]:
        """Fill color, and a legible text color on it."""
        if gradient.odd or gradient.rms is None:
            return _ODD, "#ffffff"
        if not gradient.rms:
            return "#eceef1", INK
        return self.at((math.log10(gradient.rms) - self.low) / (self.high - self.low))

    def priced(self, seconds: float) -> str:
        """A time, and its share of the total."""
        return f"{duration(seconds)} · {seconds / self.total:.0%}"

    @staticmethod
    def at(t: float) -> tuple[str, str]:
        """Fill and text color at a point of the scale from 0 to 1."""
        t = min(max(t, 0.0), 1.0) * (len(_HEAT) - 1)
        i = min(int(t), len(_HEAT) - 2)
        pairs = zip(_HEAT[i], _HEAT[i + 1], strict=True)
        rgb = [round(a + (b - a) * (t - i)) for a, b in pairs]
        light = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
        return "#{:02x}{:02x}{:02x}".format(*rgb), INK if light > 140 else "#ffffff"


def _scale(heat: _Heat) -> str:
    """The colors from low to high."""
    return "".join(f'<font point-size="9" color="{heat.at(k / 9)[0]}">█</font>' for k in range(10))


def _caption(picture: Picture, heat: _Heat) -> str:
    """The caption: the color scale, how to read a formula, notes."""
    rows = []
    if any(v.gradient and v.gradient.rms for v in picture.vertices):
        low, high = (number(float(f"{10**x:.1g}")) for x in (heat.low, heat.high))
        odd = any(v.gradient and v.gradient.odd for v in picture.vertices)
        rows.append(
            f"{_small(f'gradient (rms)  {low} ', WARM)}{_scale(heat)}{_small(f' {high}', WARM)}"
            + (f'   <font color="{_ODD}">█</font>{_small(" NaN or ∞", WARM)}' if odd else "")
        )
    if any(v.cost is not None for v in picture.vertices):
        rows.append(
            f"{_small('time, forward and backward  0 ')}{_scale(heat)}"
            f"{_small(f' {duration(heat.dearest)}')}"
        )
    if any(e.formula for e in picture.edges):
        if rows:
            rows.append('<font point-size="4"> </font>')  # the color blocks extend below their line
        text = "on an edge: what the op passes back to this input; ȳ is the gradient of its result"
        if any("Σ" in e.formula.text for e in picture.edges if e.formula):
            text += "; Σ₀ sums over axis 0"
        rows.append(_small(text, WARM))
    rows += [_small(note) for note in picture.notes]
    lines = "".join(f'{row}<br align="left"/>' for row in rows)
    return f"<{lines}>" if rows else ""
