"""Watch: the callback that samples a run and keeps its page up to date."""

from __future__ import annotations

import math
import os
import time
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from autograd.viz.files import write
from nn.train.callback import Callback
from nn.train.state import State
from nn.train.watch.page import page
from nn.train.watch.reading import Layer, activities, layers
from nn.train.watch.record import Numbers, Record
from nn.train.watch.remarks import remarks

WARM = 3
"""Samples before their cost is known; the first one also imports."""


class Watch(Callback):
    """Write a page that follows a run while it goes, and tells of it afterwards.

    Open the file in a browser: while training goes, the page loads itself anew every few seconds.
    It shows the loss and the metrics; for each layer the norm of its gradient and how far an update
    moves it, ‖Δw‖/‖w‖; for each activation the share of its elements that are saturated (within
    0.01 of an end of sigmoid's, tanh's or a recurrent layer's range) and of its units that are dead
    (rectified to 0 for every sample of the batch). It is one file that needs neither network nor
    server.

    Gradients are those that the optimizer gets: behind a `GradientClipping` in the list of
    callbacks they are clipped, before it they are not.

    Parameters
    ----------
    path : the page, a name that ends in .html. Its folder is made.
    every : updates from one sample to the next. By default as many as keep the work of watching
        below `overhead`. A step that is not sampled costs nothing. In long runs samples are
        thinned out to 400, evenly spread.
    overhead : share of the time of training that watching may take, half of it for samples, where
        `every` is not given, and half for writing the page.
    seconds : from one writing of the page to the next.
    title : what the page is headed; by default the model's class.

    Raises
    ------
    ValueError
        Another suffix; numbers that are not positive.

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
    ['gradient', 'loss', 'ratio', 'saturated']
    >>> watch.record.series["gradient"].keys()
    dict_keys(['0: Linear', '2: Linear'])
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
    ) -> None:
        self.path = Path(path).expanduser()
        if self.path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"Watch: the name {self.path.name!r} must end in .html.")
        if every is not None and (isinstance(every, bool) or int(every) != every or every < 1):
            raise ValueError(f"Watch: every must be a whole number >= 1 or None, got {every!r}.")
        if not 0 < overhead <= 1:
            raise ValueError(f"Watch: overhead must be a share above 0 up to 1, got {overhead}.")
        if not (seconds > 0 and math.isfinite(seconds)):
            raise ValueError(f"Watch: seconds must be a finite number > 0, got {seconds}.")
        self.every, self.overhead, self.seconds, self.title = every, overhead, seconds, title
        self.record = Record()
        self.ends: list[int] = []
        self._layers: list[Layer] = []
        self._costs: list[float] = []
        self._activations: dict[str, bool] = {}
        self._sample: dict[str, Numbers] | None = None
        self._before: list[Any] | None = None
        self._live = False
        self._html = ""

    def on_train_begin(self, state: State) -> None:
        """Write the first page, so that it can be opened."""
        self._layers = layers(state.model)
        self._sample = self._before = None
        if not state.done and not state.position:
            self.record, self.ends = Record(), []
        self._title = self.title or type(state.model).__name__
        self._next_step = state.step
        self._live = True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write(state)
        self._next_sample, self._cost, self._costs = 0.0, 0.0, []
        self._next_page = time.perf_counter() + min(self.seconds, 0.5)

    def on_loss(self, state: State) -> None:
        """Decide whether to sample this step; if so, read its graph."""
        if self._sample is not None or state.step < self._next_step:
            return
        now = time.perf_counter()
        if self.every is None and now < self._next_sample:
            return
        found = activities(state.loss)
        self._activations = {name: a.hidden for name, a in found.items()}
        self._sample = {
            "loss": {"": float(state.loss.item())},
            "saturated": {n: a.saturated for n, a in found.items() if a.saturated is not None},
            "dead": {n: a.dead for n, a in found.items() if a.dead is not None},
        }
        self._cost = time.perf_counter() - now

    def on_gradients(self, state: State) -> None:
        """Of a sampled step: the gradients, and the weights before the update."""
        if self._sample is None:
            return
        now = time.perf_counter()
        self._sample["gradient"] = {layer.name: layer.gradient() for layer in self._layers}
        self._before = [layer.copies() for layer in self._layers]
        self._cost += time.perf_counter() - now

    def on_step_end(self, state: State) -> None:
        """Of a sampled step: how far the weights have moved."""
        if self._sample is None or self._before is None:
            return
        now = time.perf_counter()
        pairs = zip(self._layers, self._before, strict=True)
        self._sample["ratio"] = {layer.name: layer.moved(old) for layer, old in pairs}
        self.record.add(state.step - 1, self._sample)
        self._next_step = state.step - 1 + max(self.every or 1, self.record.gap)
        self._sample = self._before = None
        then = time.perf_counter()
        self._costs = [*self._costs[-4:], self._cost + then - now]
        if len(self._costs) >= WARM:  # the median: one may have waited for the processor
            self._next_sample = then + median(self._costs) / (self.overhead / 2)
        if then >= self._next_page:
            self._write(state)
            done = time.perf_counter()
            self._next_page = done + max(self.seconds, (done - then) / (self.overhead / 2))

    def on_epoch_end(self, state: State) -> None:
        """Note where the epoch ended."""
        self.ends.append(state.step)

    def on_train_end(self, state: State) -> None:
        """Write the page that stays."""
        if not self._live:  # another callback failed before the run began
            return
        self._live = False
        self._write(state)

    def _write(self, state: State) -> None:
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
            "curves": state.history.curves(),
            "remarks": remarks(
                self.record, {n for n, hidden in self._activations.items() if hidden}
            ),
        }
        self._html = page(_plain(data), self._title)
        write(self.path, self._html.encode())

    def state_dict(self) -> dict[str, Any]:
        return {"record": self.record.state_dict(), "ends": list(self.ends)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.record.load_state_dict(state_dict["record"])
        self.ends = list(state_dict["ends"])

    def __repr__(self) -> str:
        return f"<Watch of {len(self.record.steps)} samples in {self.path.name}>"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self._html)}" style="width:100%;height:720px;border:0" '
            f'title="{escape(self._title)}" sandbox="allow-scripts"></iframe>'
            if self._html
            else escape(repr(self))
        )


def _plain(x: Any) -> Any:
    """Lists, dicts, strings and numbers with five digits; what is not finite, by its name."""
    if isinstance(x, dict):
        return {key: _plain(part) for key, part in x.items()}
    if isinstance(x, (list, tuple)):
        return [_plain(part) for part in x]
    if isinstance(x, (float, np.floating)):
        return float(f"{x:.5g}") if math.isfinite(x) else str(float(x))
    return int(x) if isinstance(x, np.integer) else x
