"""play: a page that steps through a graph, forward and backward."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, overload

from autograd.node import Node
from autograd.plan.plan import Plan
from autograd.viz import live
from autograd.viz.draw import Drawing, draw
from autograd.viz.live.live import Live
from autograd.viz.mathml import mathml
from autograd.viz.pages import embedded, fill, framed, save
from autograd.viz.plan.page import PlanPage
from autograd.viz.player.animation.animation import Animation
from autograd.viz.player.animation.scenes import Scenes
from autograd.viz.player.compact import compact
from autograd.viz.player.groups import Groups
from autograd.viz.player.layout import Layouts
from autograd.viz.player.reasons import Reasons
from autograd.viz.player.story import Event, Story
from autograd.viz.player.views import View, views
from autograd.viz.symbols import GLYPHS

_TEMPLATE = Path(__file__).with_name("player.html")
_LIVE = Path(live.__file__).parent
_SCRIPTS: tuple[str | Path, ...] = (
    "data.js",
    "time.js",
    "timeline.js",
    "text.js",
    "heat.js",
    _LIVE / "numpy.js",
    _LIVE / "digest.js",
    _LIVE / "live.js",
    "graph.js",
    "boxes.js",
    "flow.js",
    "panel.js",
    "closed.js",
    "facts.js",
    "updates.js",
    "navigation.js",
    "repeat.js",
    "touch.js",
    "moving.js",
    "alive.js",
    "share.js",
    "reasons.js",
    "quiz.js",
    "start.js",
)

_STILL = 24
"""About how many boxes the picture for readers without JavaScript has."""

_GRADIENTS = 400
"""Most nodes of a graph whose picture without JavaScript shows gradients."""

_LETTER = 8.0
"""Width of a character on a box, in pixels."""


class Player:
    """A page that steps through a graph. A notebook shows it; `save` writes it to a file.

    Attributes
    ----------
    story : the events, node by node.
    title : the heading of the page.
    still : the picture for readers without JavaScript.
    """

    def __init__(self, story: Story, title: str, still: Drawing, live: bool = True) -> None:
        self.story, self.title, self.still = story, title, still
        self._groups = Groups(story)  # before backward() releases the graph
        self._reasons = Reasons(story)
        self.live = Live(story if live else None)

    @cached_property
    def data(self) -> dict[str, Any]:
        """The content of the page, as plain data."""
        groups = self._groups
        found = views(groups)
        layouts = Layouts()
        sizes = [self._sizes(view) for view in found]
        places = [
            (-1, -1)
            if g.repeat
            else layouts.pair(view, own, groups.has_strip(g), first=not g.index)
            for g, view, own in zip(groups.all, found, sizes, strict=True)
        ]
        formulas = _Formulas()
        return {
            "title": self.title,
            "events": [formulas.replace(event.as_dict()) for event in self.story.events],
            "users": self.story.users,
            "of": groups.of,
            "groups": [
                {
                    "parent": g.parent,
                    "title": g.title,
                    "out": g.out,
                    "ops": g.ops,
                    "parameters": g.parameters,
                    "module": g.module,
                    "prefix": groups.prefix(g.index),
                    "strips": g.strips,
                    "states": g.states,
                    "groups": g.groups,
                    **({"repeat": {"of": g.groups, "noun": g.noun}} if g.repeat else {}),
                    "outside": view.outside,
                    "items": [[kind, k] for kind, k in view.items],
                    "edges": view.edges,
                    "wide": wide,
                    "tall": tall,
                }
                for g, view, (wide, tall) in zip(groups.all, found, places, strict=True)
            ],
            "layouts": [
                {"width": at.width, "height": at.height, "boxes": at.boxes, "paths": at.paths}
                for at in layouts.all
            ],
            "reasons": self._reasons.as_dict(formulas.number),
            "formulas": formulas.written,
            "signs": GLYPHS,
            "live": self.live.data,
        }

    def _sizes(self, view: View) -> list[tuple[int, int]]:
        """Width and height of each box of a view."""
        found, prefix = [], self._groups.prefix(view.group)
        for i, (kind, k) in enumerate(view.items):
            if kind == "g":
                found.append(_box(self._groups.all[k].title))
            else:
                title, value = _texts(self.story.events[k])
                title = title.removeprefix(prefix)
                sides = i in view.hosts
                found.append(
                    _side(self.story.events[k], title, value) if sides else _box(title, value)
                )
        return found

    def html(self) -> str:
        """The page, in one self-contained file.

        Raises
        ------
        RuntimeError
            Graphviz is missing; the message says what to install.
        """
        return page(self.title, self.data, self.still.svg(), self.live.script)

    def animation(
        self,
        view: str | int = 0,
        *,
        steps: tuple[int, int] | None = None,
        seconds: float = 1.2,
        narrow: bool = False,
    ) -> Animation:
        """The story of one view as a moving picture, for slides and README files.

        Parameters
        ----------
        view : title, path (such as "encoder › norm") or index of a group; 0 is the whole graph.
        steps : the first step, counted from 0, and the one after the last; by default all.
        seconds : how long a step takes.
        narrow : for the screens of phones, on which the graph flows downward.

        Returns
        -------
        Animation, which a notebook shows, and whose `save` writes an SVG or a GIF.

        Raises
        ------
        ValueError
            No such group or steps.

        Examples
        --------
        >>> import autograd, numpy as np
        >>> a = autograd.Value(2.0, name="a")
        >>> autograd.play(np.tanh(a * a)).animation(seconds=0.8)
        <Animation of 4 steps; .save('story.svg'), .save('story.gif')>
        """
        chosen = views(self._groups)[self._view(view)]
        scenes = Scenes(self.story, self.data, chosen)
        heading = self.title if view == 0 else f"{self.title}: {view}"
        return Animation(scenes, heading, steps, seconds, narrow)

    def _view(self, view: str | int) -> int:
        """The index of the group that is meant."""
        groups = self._groups.all
        paths = [
            " › ".join(groups[k].title for k in self._groups.chain(g.index)[1:]) for g in groups
        ]
        found = [g.index for g in groups if view in (g.index, g.title, paths[g.index])]
        if not found:
            known = ", ".join(repr(path) for path in paths[1:9]) + (", …" if paths[9:] else "")
            raise ValueError(
                f"animation: there is no group {view!r}; "
                + (f"the groups are {known}." if known else "this graph has only one view, 0.")
            )
        return found[0]

    def save(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write it to a file, atomically: the page (.html), or a moving picture (.svg, .gif).

        Parameters
        ----------
        path : the file.
        **options : those of `animation`, for a moving picture.

        Raises
        ------
        ValueError
            Another suffix.
        RuntimeError
            Graphviz is missing, or a package that a GIF needs; the message says what to install.
        """
        suffix = Path(path).suffix.lower()
        if suffix in (".svg", ".gif"):
            return self.animation(**options).save(path)
        if options:
            raise TypeError(f"Player.save: a page has no {next(iter(options))}=.")
        return save("Player", path, self.html, also=" (the page), .svg or .gif (a moving picture)")

    def __repr__(self) -> str:
        return f"<Player of {len(self.story.events):,} nodes; .save('page.html'), .html()>"

    def _repr_html_(self) -> str:
        return framed(self.html(), self.title, height=680)


def page(title: str, data: Mapping[str, Any], still: str, script: str = "") -> str:
    """The page of a player's data, which may have more in it than one graph's.

    `script` is what recomputes the graph; see `Live`.
    """
    small = embedded(compact(data) if "events" in data else data)
    return fill(_TEMPLATE, _SCRIPTS, script, title=title, data=small, still=still)


class _Formulas:
    """Formulas as MathML, each once; events refer to them by index."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.index: dict[str, int] = {}

    def replace(self, event: dict[str, Any]) -> dict[str, Any]:
        for key in ("tex", "numbers"):
            if key in event:
                event[key] = self.number(event[key])
        for place in event.get("inputs", ()):
            if "tex" in place:
                place["tex"] = self.number(place["tex"])
        return event

    def number(self, tex: str) -> int:
        """The index of a formula."""
        if tex not in self.index:
            self.index[tex] = len(self.written)
            self.written.append(mathml(tex))
        return self.index[tex]


def _texts(event: Event) -> list[str]:
    """The texts in the box of an event; numbers as long as they get, so that layouts are shared."""
    value = event.value or {}
    size = f"{'×'.join(map(str, value.get('shape', ())))}  rms 0.0000"
    return [f"{event.title} = {event.sign}" if event.sign else event.title, size]


def _box(title: str, *values: str) -> tuple[int, int]:
    """Width and height of a box in pixels."""
    wide = [round(len(x) * 7.2) + 14 for x in values] or [128]  # steps 9 and 10 are as wide
    wide += [118, round(min(len(title), 26) * _LETTER) + 20]
    return -(-max(wide) // 8) * 8, 58


def _side(event: Event, title: str, value: str) -> tuple[int, int]:
    """Width and height of the box of a leaf or constant that is drawn beside its user."""
    if event.kind == "constant" and not event.title and "number" in (event.value or {}):
        number = event.value["number"]
        return max(34, len(number if isinstance(number, str) else f"{number:.4g}") * 8 + 18), 24
    wide = max(84, round(min(len(title), 15) * 7.8) + 12, round(len(value) * 7.2) + 12)
    return -(-wide // 8) * 8, 52


@overload
def play(value: Plan, *, title: str | None = None) -> PlanPage: ...
@overload
def play(
    value: Any,
    *,
    names: Mapping[str, Any] | None = None,
    title: str | None = None,
    live: bool = True,
) -> Player: ...
def play(
    value: Any,
    *,
    names: Mapping[str, Any] | None = None,
    title: str | None = None,
    live: bool = True,
) -> Player | PlanPage:
    """Step through the graph behind a Value: the forward pass, then the backward pass.

    The page has a slider, play and pause, and arrow keys. Each forward step shows the formula with
    its numbers; each step of the backward pass shows incoming gradient times local derivative, and
    how the contributions of several users add up. Modules, opened kernels and the steps of loops
    are boxes that open: the steps run through all of them, down to a depth that can be chosen, and
    a box below it is passed in one step with its result's value and gradient.

    Parameters
    ----------
    value : Value
        Usually the loss. For an array, gradients are those of its sum. Or a compiled plan,
        ``compiled.plan(*args)``: the page steps through it beside its source and its memory.
    names : names for Values and arrays, such as ``locals()``.
    title : the heading of the page; by default the value's name.
    live : whether the page may recompute the graph when a value in it is changed. It then carries
        the arrays of leaves and constants, up to 200 kB, and every op's forward and vjps as script.

    Returns
    -------
    Player : displayed by a notebook; ``.save("page.html")`` writes one self-contained file. A
        `PlanPage`, with the same methods, for a plan.

    Raises
    ------
    TypeError
        `value` is not a Value.
    RuntimeError
        The graph was released by backward(): call play first, or use retain_graph=True.
        ``glassgrad play train.py:loss`` runs a script and plays its graph as it was before.

    Examples
    --------
    >>> import autograd, numpy as np
    >>> a = autograd.Value(2.0, name="a")
    >>> autograd.play(np.tanh(a * a))
    <Player of 3 nodes; .save('page.html'), .html()>
    """
    if isinstance(value, Plan):
        return PlanPage(value, title)
    if not isinstance(value, Node):
        raise TypeError(
            f"play: takes a Value such as a loss, not {type(value).__name__}. Plain arrays have no "
            "graph."
        )
    if value.op is not None and not value.inputs:
        raise RuntimeError(
            "play: this graph was released by an earlier backward(). Call play(loss) before "
            "loss.backward(), or backward(retain_graph=True), or run the script as `glassgrad play "
            "train.py:loss`, which keeps its last graph."
        )
    story = Story(value, names)
    still = draw(value, gradients=len(story.events) <= _GRADIENTS, limit=_STILL, names=names)
    return Player(story, title or value.name or "backprop, step by step", still, live)
