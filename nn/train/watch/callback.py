"""Watch: the callback that samples a training run and updates its page."""

from __future__ import annotations

import math
import os
import time
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from autograd.files import located, write
from autograd.value import Value
from autograd.viz.pages import framed
from nn.train.batches import number_of
from nn.train.callback import Callback
from nn.train.destination import destination
from nn.train.state import State
from nn.train.watch.histogram import histogram
from nn.train.watch.measurements import (
    Layer,
    activations_in,
    along_depth,
    chance,
    layers,
    rates,
)
from nn.train.watch.page import Beside, page, read
from nn.train.watch.record import CELLS, COLUMNS, FEWEST, Numbers, Record
from nn.train.watch.remark import Seen
from nn.train.watch.remarks import remarks
from nn.train.watch.timelapse import Timelapse

WARM = 3
"""Samples before their cost is estimated; the first also pays for imports."""

FREE = 0.25
"""Seconds that samples may take in all before they keep to their share: else a run of a few seconds
would have hardly any."""

BATCH = 16
"""Numbers of a unit from which it may be called dead; of fewer all can be 0 by chance."""


class Watch(Callback):
    """Write a live HTML page of a training run.

    Open the file in a browser: during training the page reloads every few seconds. It shows the
    loss and the metrics; for each layer its gradient norm and relative update ‖Δw‖/‖w‖; for each
    activation the fraction of saturated elements (within 0.01 of a bound of sigmoid, tanh or a
    recurrent layer) and of dead units (0 for every sample of the batch); and histograms of weights,
    gradients and activations over the updates. Above them stand remarks: what went wrong, and from
    which update to which. The page is a single file that needs no network and no server.

    Gradients are those at this callback's place in the list of callbacks: after a
    `GradientClipping` they are clipped, before it they are not.

    Parameters
    ----------
    path : output file, ending in .html. Its directory is created.
    every : updates between samples; by default chosen to stay below `overhead`. Steps that are not
        sampled cost nothing. Long runs are thinned out to 400 evenly spaced samples.
    overhead : fraction of the training time to spend at most, in equal parts on samples (unless
        `every` is given; a quarter of a second is free) and on writing the page; with `graph`, half
        of it on snapshots.
    seconds : minimum time between two writes of the page.
    title : heading of the page; the model's class name by default.
    graph : also write the graph of the loss with its values and gradients at up to 60 updates, a
        `Timelapse`, to a second page to which remarks lead: ``run.graph.html`` beside
        ``run.html``. It shares in `overhead`, but for its first two seconds. Where gradients are
        accumulated it shows an update's first batch; where a run is resumed it begins there.
    beside : earlier runs to draw into the same charts: pages of other Watches, or a dict of name ->
        page. They are copied into this one.

    Raises
    ------
    ValueError
        Another file suffix, an argument out of range, or a page of `beside` that is no Watch's.
    OSError
        A page of `beside` can't be read.

    Examples
    --------
    >>> import nn, numpy as np, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    >>> net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    >>> watch = nn.train.Watch(f"{folder.name}/run.html", every=1)
    >>> _ = nn.train.fit(net, (x, x[:, :1]), "mse", callbacks=[watch], epochs=3, verbose=False)
    >>> watch
    <Watch of 6 samples in run.html>
    >>> sorted(watch.record.series)
    ['gradient', 'loss', 'rate', 'ratio', 'saturated']
    >>> watch.record.series["gradient"].keys()
    dict_keys(['0: Linear', '2: Linear'])
    >>> low, high, counts, *_ = watch.histograms.series["weights"]["0: Linear"][0]
    >>> sum(counts)
    24
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = "run.html",
        *,
        every: int | None = None,
        overhead: float = 0.04,
        seconds: float = 2.0,
        title: str | None = None,
        graph: bool = False,
        beside: Beside = (),
    ) -> None:
        self.path = located(path)
        if self.path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"Watch: the file name {self.path.name!r} must end in .html.")
        if every is not None and (isinstance(every, bool) or int(every) != every or every < 1):
            raise ValueError(f"Watch: every must be an integer >= 1 or None, got {every!r}.")
        if not 0 < overhead <= 1:
            raise ValueError(f"Watch: overhead must be in (0, 1], got {overhead}.")
        if not (seconds > 0 and math.isfinite(seconds)):
            raise ValueError(f"Watch: seconds must be a finite number > 0, got {seconds}.")
        self.every, self.overhead, self.seconds, self.title = every, overhead, seconds, title
        self.beside = read("Watch", beside)
        self.graph = graph
        # of samples and of pages; snapshots of the graph have as much as all of these
        self._share = overhead / (6 if graph else 2)
        self.timelapse: Timelapse | None = None
        self.record, self.histograms = Record(), Record()
        self.ends: list[int] = []
        self._depth: list[str] | None = None
        self._layers: list[Layer] = []
        self._costs: list[float] = []
        self._activations: dict[str, bool] = {}  # name -> whether its units may be judged
        self._sample: dict[str, Numbers] | None = None
        self._spread: dict[str, Numbers] | None = None
        self._before: list[Any] | None = None
        self._events: dict[str, int] = {}  # layer or activation -> its event in the graph
        self._noted = -1  # the update whose loss the timelapse has
        self._live = False
        self._html = ""

    def prepare(self, state: State) -> None:
        """Check the file."""
        destination("Watch", self.path)
        if self.graph:
            destination("Watch", self._beside_it)

    def on_train_begin(self, state: State) -> None:
        """Write a first page that can be opened at once."""
        self._layers = layers(state.model)
        self._sample = self._spread = self._before = self._depth = None
        if not len(state.history) and not state.position:  # not resumed
            self.record, self.ends = Record(), []
            self.histograms = Record()
            self._activations = {}
        self._title = self.title or type(state.model).__name__
        self._events, self._noted = {}, -1
        if self.graph:
            total = updates_of(state)
            title = f"{self._title} over training"
            self.timelapse = Timelapse(overhead=self.overhead / 2, total=total, title=title)
        self.histograms.limit = min(COLUMNS, max(CELLS // max(len(self._layers), 1), FEWEST))
        self._next_step = self._next_column = state.step
        self._live = True
        self._write(state)
        self._next_sample, self._cost, self._spent, self._costs = 0.0, 0.0, 0.0, []
        self._next_page = time.perf_counter() + min(self.seconds, 0.5)
        self._next_graph = self._next_page

    def on_loss(self, state: State) -> None:
        """Decide whether to sample this step; if so, measure its activations."""
        if self.timelapse is not None and state.step != self._noted:
            self._noted = state.step
            self.timelapse.add(state.loss, step=state.step)
            if not self._events:
                self._events = self._places(state.loss)
        if self._sample is not None or state.step < self._next_step:
            return
        now = time.perf_counter()
        if self.every is None and now < self._next_sample:
            return
        found = activations_in(state.loss)
        if self._depth is None:
            self._depth = along_depth(state.loss, self._layers)
        for name, a in found.items():
            may = a.hidden and (a.dead is None or a.samples >= BATCH)
            self._activations[name] = self._activations.get(name, False) or may
        self._sample = {
            "loss": {"": float(state.loss.item())},
            "saturated": {n: a.saturated for n, a in found.items() if a.saturated is not None},
            "dead": {n: a.dead for n, a in found.items() if a.dead is not None},
        }
        if (level := chance(state.loss, state.criterion)) is not None:
            self._sample["chance"] = {"": level}
        if state.step >= self._next_column:
            values = {name: _listed([a.values]) for name, a in found.items()}
            if isinstance(state.outputs, Value) and state.outputs.dtype.kind == "f":
                values["outputs"] = _listed([state.outputs.data])
            self._spread = {"activations": values}
        self._cost = time.perf_counter() - now

    def on_gradients(self, state: State) -> None:
        """Record the gradients of a sampled step, and its weights before the update."""
        if self._sample is None:
            return
        now = time.perf_counter()
        self._sample["gradient"] = {layer.name: layer.gradient() for layer in self._layers}
        self._sample["rate"] = rates(self._layers, state.optimizer)
        if self._spread is not None:
            self._spread["weights"] = {
                at.name: _listed([p.data for p in at.parameters]) for at in self._layers
            }
            self._spread["gradients"] = {
                at.name: _listed([p.grad for p in at.parameters if p.grad is not None], log=True)
                for at in self._layers
            }
        self._before = [layer.copies() for layer in self._layers]
        self._cost += time.perf_counter() - now

    def on_step_end(self, state: State) -> None:
        """Record the relative update of a sampled step."""
        if self.timelapse is not None and state.step > self._noted:
            self.timelapse.moved()
        if self._sample is None or self._before is None:
            return
        now = time.perf_counter()
        pairs = zip(self._layers, self._before, strict=True)
        self._sample["ratio"] = {layer.name: layer.moved(old) for layer, old in pairs}
        self.record.add(state.step - 1, self._sample)
        self._next_step = state.step - 1 + max(self.every or 1, self.record.gap)
        if self._spread is not None:
            self.histograms.add(state.step - 1, self._spread)
            self._next_column = state.step - 1 + max(self.histograms.gap, 1)
        self._sample = self._spread = self._before = None
        then = time.perf_counter()
        self._costs = [*self._costs[-4:], self._cost + then - now]
        self._spent += self._costs[-1]
        if len(self._costs) >= WARM and self._spent > FREE:
            # the median, because a single sample may have waited for a CPU
            self._next_sample = then + median(self._costs) / self._share
        if then >= self._next_page:
            self._write(state)
            done = time.perf_counter()
            self._next_page = done + max(self.seconds, (done - then) / self._share)
            if done >= self._next_graph:
                self._write_graph()
                last = time.perf_counter()
                self._next_graph = last + max(self.seconds, (last - done) / self._share)

    def on_epoch_end(self, state: State) -> None:
        """Record the step at which the epoch ended."""
        self.ends.append(state.step)

    def on_train_end(self, state: State) -> None:
        """Write the final page."""
        if not self._live:  # another callback failed before the run began
            return
        self._live = False
        self._write(state)
        self._write_graph()

    @property
    def _beside_it(self) -> Path:
        return self.path.with_suffix(f".graph{self.path.suffix}")

    def _places(self, loss: Any) -> dict[str, int]:
        """The events of layers, by their largest parameter, and of activations."""
        events = self.timelapse.events if self.timelapse is not None else {}
        found = {name: a.node for name, a in activations_in(loss).items()}
        for layer in self._layers:
            used = [p for p in layer.parameters if id(p) in events]
            if used:
                found[layer.name] = id(max(used, key=lambda p: p.size))
        return {name: events[key] for name, key in found.items() if key in events}

    def _write_graph(self) -> None:
        if self.timelapse is not None and self.timelapse.steps:
            self.timelapse.remarks = self._remarks
            write(self._beside_it, self.timelapse.html().encode())

    def _write(self, state: State) -> None:
        history = state.history
        end = dict(zip(history.epoch, self.ends, strict=False))  # of each epoch that has ended here
        curves = {
            name: [
                (end[e], x) for e, x in zip(history.epochs[name], curve, strict=True) if e in end
            ]
            for name, curve in history.curves().items()
        }
        judged = [name for name, may in self._activations.items() if may]
        found = remarks(self.record, Seen(judged, self._depth or [], curves))
        self._remarks = [{**r._asdict(), "event": self._event(r.text)} for r in found]
        data = {
            "title": self._title,
            "live": self._live,
            "interrupted": state.interrupted,
            "written": time.time(),
            "seconds": self.seconds,
            "epoch": state.epoch,
            "epochs": state.epochs,
            "step": state.step,
            "done": state.done,
            "steps": self.record.steps,
            "series": self.record.series,
            "activations": list(self._activations),
            "ends": self.ends,
            "curves": {name: [x for _, x in curve] for name, curve in curves.items()},
            "places": {name: [step for step, _ in curve] for name, curve in curves.items()},
            "graph": self._beside_it.name if self.timelapse and self.timelapse.steps else None,
            "remarks": self._remarks,
            "columns": self.histograms.steps,
            "histograms": self.histograms.series,
            "beside": self.beside,
        }
        self._html = page(_plain(data), self._title)
        write(self.path, self._html.encode())

    def _event(self, text: str) -> int | None:
        """The event of the layer or activation that a remark names first."""
        at = {name: text.find(name) for name in self._events if name in text}
        first = min(at, key=lambda name: (at[name], -len(name)), default=None)
        return None if first is None else self._events[first]

    def state_dict(self) -> dict[str, Any]:
        return {
            "record": self.record.state_dict(),
            "histograms": self.histograms.state_dict(),
            "ends": list(self.ends),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.record.load_state_dict(state_dict["record"])
        if "histograms" in state_dict:  # checkpoints of older versions have none
            self.histograms.load_state_dict(state_dict["histograms"])
        self.ends = list(state_dict["ends"])

    def __repr__(self) -> str:
        return f"<Watch of {len(self.record.steps)} samples in {self.path.name}>"

    def _repr_html_(self) -> str:
        return framed(self._html, self._title, height=720) if self._html else escape(repr(self))


def updates_of(state: State) -> int | None:
    """Updates that the whole run will have; None where the number of batches is not known."""
    batches = number_of(state.loader)
    return None if batches is None else -(-batches // state.accumulate) * state.epochs


def _listed(arrays: list[Any], log: bool = False) -> list[Any] | None:
    """The histogram of arrays as a list, which a checkpoint and a page can hold."""
    found = histogram(arrays, log)
    return None if found is None else [*found]


def _plain(x: Any) -> Any:
    """Data for JSON: numbers with five digits, infinities and NaN as strings."""
    if isinstance(x, dict):
        return {key: _plain(part) for key, part in x.items()}
    if isinstance(x, (list, tuple)):
        return [_plain(part) for part in x]
    if isinstance(x, (float, np.floating)):
        return float(f"{x:.5g}") if math.isfinite(x) else str(float(x))
    return int(x) if isinstance(x, np.integer) else x
