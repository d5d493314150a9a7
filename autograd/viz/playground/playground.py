"""playground: a page that trains a model's recorded graph in the browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.viz import live
from autograd.viz.pages import embedded, fill, framed, joined, save
from autograd.viz.player.play import page, play
from autograd.viz.playground.layers import layers_of
from autograd.viz.playground.recorded import Task, check_batches, record, task_of, variants
from autograd.viz.playground.samples import Samples, samples

_TEMPLATE = Path(__file__).with_name("playground.html")
_LIVE = Path(live.__file__).parent
_SCRIPTS = (
    _TEMPLATE.parents[1] / "player/text.js",
    "state.js",
    "optimizers.js",
    "colors.js",
    "model.js",
    "training.js",
    "network.js",
    "surface.js",
    "curve.js",
    "script.js",
    "glass.js",
    "start.js",
)
_HOLE, _ROWS = "\N{WHITE SQUARE}data", "\N{WHITE SQUARE}rows"
"""Stand for the data and for the rows' programs in the player's page."""

_SLACK = 0.15
"""How far the input plane reaches beyond the samples, as a share of their range."""


class Playground:
    """A page that trains a model. A notebook shows it; `save` writes it to a file.

    Attributes
    ----------
    title : the heading of the page.
    task : what is learned.
    """

    def __init__(self, model: Any, sets: Sequence[Samples], task: Task, title: str) -> None:
        self.title, self.task = title, task
        self._model, self._sets = model, sets

    @cached_property
    def data(self) -> dict[str, Any]:
        """The content of the page, as plain data."""
        everything = np.concatenate([x for s in self._sets for x in (s.X, s.X_test)])
        targets = np.concatenate([s.y.ravel() for s in self._sets])
        kinds = [self._variant(name, model) for name, model in variants(self._model)]
        shell = page(self.title, {_HOLE: 0}, "", _ROWS)
        shape = kinds[0].pop("column")
        return {
            "title": self.title,
            "features": everything.shape[1],
            "names": [f"x{_below(j + 1)}" for j in range(everything.shape[1])],
            "task": {"kind": self.task.kind, "classes": self.task.classes},
            "loss": self.task.code,
            "column": shape,
            "most": float(np.abs(targets).max()) if self.task.kind == "regression" else 0,
            "box": [_range(column) for column in everything.T],
            "sets": [s.as_dict() for s in self._sets],
            "parameters": kinds[0]["count"],
            "variants": kinds,
            "shell": shell,
            "holes": [embedded({_HOLE: 0}), _ROWS],
        }

    def _variant(self, name: str, model: Any) -> dict[str, Any]:
        """The graph of the loss of one model."""
        recorded = record(model, self._sets[0].X, self._sets[0].y, self.task)
        words = {(1.0, 0.0): "t", (-1.0, 1.0): "1 − t"}
        names = {words[a, b]: x for x, a, b in recorded.targets if (a, b) in words}
        player = play(recorded.loss, names=names, title=self.title)
        story = player.story
        at = story.index
        samples, output = at[id(recorded.samples)], at[id(recorded.output)]
        layers = layers_of(story.events, story.users, samples, output)
        leaves = [e for e in story.events if e.kind == "leaf"]
        paths = _paths(self._model, story)
        return {
            "name": name,
            "player": player.data,
            "samples": samples,
            "targets": [[at[id(x)], *line] for x, *line in recorded.targets],
            "output": output,
            "loss": at[id(recorded.loss)],
            "layers": [{**layer, "title": story.events[layer["event"]].title} for layer in layers],
            "parameters": [[e.index, paths.get(e.index) or e.title] for e in leaves],
            "count": sum(story.nodes[e.index].size for e in leaves),
            "column": recorded.output.ndim > 1,
            "code": _code(model),
            "rows": player.live.script,
        }

    def html(self) -> str:
        """The page, in one self-contained file.

        Raises
        ------
        RuntimeError
            Graphviz is missing; the message says what to install.
        ValueError
            The page can't compute the model; the message says which op is in the way.
        """
        variants = self.data["variants"]
        for kind in variants:
            if why := kind["player"]["live"].get("why"):
                raise ValueError(f"playground: a page can't compute this model: {why}.")
        rows = ",\n".join(f"(() => {{ {kind['rows']} return liveRows; }})()" for kind in variants)
        return fill(
            _TEMPLATE,
            _SCRIPTS,
            title=self.title,
            data=embedded(self.data),
            rows=rows,
            engine=joined(*(_LIVE / name for name in ("numpy.js", "digest.js", "live.js"))),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, atomically; its suffix is .html.

        Raises
        ------
        ValueError
            Another suffix.
        """
        return save("Playground", path, self.html)

    def __repr__(self) -> str:
        return f"<Playground of {len(self._sets[0].y):,} samples; .save('page.html'), .html()>"

    def _repr_html_(self) -> str:
        return framed(self.html(), self.title, height=860)


def playground(
    model: Callable[[Any], Any],
    X: Any,
    y: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    test: Any = 0.3,
    title: str = "playground",
) -> Playground:
    """Train a model in a page: its recorded graph, computed and differentiated in the browser.

    Each neuron is drawn by its output over the input plane, each weight as a line. The visitor
    chooses learning rate, optimizer, activation and batch, adds points, drags weights, steps
    through the graph of any moment as in `play`, and takes all of it home as a Python script.

    Parameters
    ----------
    model : a module, or a function of Values, from (N, D) to (N, 1), (N,) or (N, C). If it has
        activation modules (ReLU, Tanh, Sigmoid), the visitor may exchange them.
    X : samples, (N, D). With one feature or two, tiles show the neurons' outputs over the input;
        with more, histograms over the samples. Or a dict of such data sets, name -> (X, y), from
        which the visitor chooses.
    y : class indices, or floats for regression.
    loss : ``loss(output, t)`` of the output and of targets t like it (of C classes one-hot).
        By default binary cross-entropy of one logit, cross-entropy of C, or the mean squared error.
    test : the share of samples kept for testing, drawn at random, or (X, y).
    title : the heading of the page.

    Returns
    -------
    Playground : displayed by a notebook; ``.save("page.html")`` writes one self-contained file.

    Raises
    ------
    ValueError
        Shapes that don't fit, more than 2,000 samples, or a loss that keeps arrays other than t.

    Examples
    --------
    >>> import autograd, nn, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    >>> autograd.playground(model, X, X[:, 0] * X[:, 1] > 0)
    <Playground of 70 samples; .save('page.html'), .html()>
    """
    given = X if isinstance(X, Mapping) else {"samples": (X, y)}
    parameters = list(model.parameters()) if hasattr(model, "parameters") else []
    dtype = parameters[0].dtype if parameters else np.dtype(np.float64)
    sets = [samples(name, x, t, test, dtype) for name, (x, t) in given.items()]
    if not sets:
        raise ValueError("playground: there are no samples.")
    task = task_of(np.concatenate([s.y for s in sets]), model(sets[0].X), len(sets[0].y), loss)
    check_batches(model, sets[0].X, sets[0].y, task)
    return Playground(model, sets, task, title)


def _range(column: Array) -> list[float]:
    low, high = float(column.min()), float(column.max())
    slack = _SLACK * (high - low) or 1.0
    return [low - slack, high + slack]


def _below(n: int) -> str:
    return "".join("₀₁₂₃₄₅₆₇₈₉"[int(c)] for c in str(n))


def _paths(model: Any, story: Any) -> dict[int, str]:
    """The event of a parameter -> its path in the model, as `state_dict` has it."""
    named = model.named_parameters() if hasattr(model, "named_parameters") else ()
    return {story.index[id(p)]: path for path, p in named if id(p) in story.index}


def _code(model: Any) -> str | None:
    """Python that makes such a model, if it is a plain sequence of `nn`'s own layers."""
    inside = list(model.children()) if hasattr(model, "children") else []
    ours = all(
        type(m).__module__.startswith("nn.layers.") and not list(m.children()) for m in inside
    )
    if type(model).__module__ != "nn.layers.container" or not inside or not ours:
        return None
    return f"nn.Sequential({', '.join(f'nn.{m!r}' for m in inside)})"
