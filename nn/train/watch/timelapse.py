"""Timelapse: a graph's values and gradients over training, on the page that plays the graph."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.viz.pages import framed, save
from autograd.viz.trace import Trace
from nn.train.watch.record import Record
from nn.train.watch.snapshots import BYTES, FEWEST, MOST, Moves, Numbers, Shape, numbers, pack

FREE = 2.0
"""Seconds that snapshots may take in all before they keep to their share of the time."""

AGAIN = 3
"""Snapshots that a run of unknown length takes for one that it keeps."""


class Timelapse:
    """Keep a graph's values and gradients at up to 60 updates, and play it at any of them.

    The page is that of `autograd.play`, with a second slider, over the updates. Each box shows the
    value and gradient at the chosen update, and how many of its units are dead or its elements
    saturated; the panel shows how the chosen node's numbers were spread at each update, its
    gradient norm and its relative update ‖Δw‖/‖w‖.

    Call `add` once per update, before ``loss.backward()``. Most calls only note the loss. The first
    also makes the page, which takes a little longer than `autograd.play`; each snapshot runs the
    graph's backward pass once more and summarizes its arrays. Fewer than `updates` are kept if
    their time would exceed `overhead`, or their size 3 MB.

    Every update must have the same graph: the same ops, connected in the same way. Those that
    differ, such as sequences of another length, are left out; the page says from which update on.
    The sizes of arrays may differ. A training step with several losses, such as a GAN's, has a
    Timelapse for each.

    Parameters
    ----------
    updates : number of snapshots to keep at most.
    overhead : fraction of the training time that snapshots may take. Two seconds in all are free.
    total : number of updates there will be, if it is known: the snapshots are then evenly spaced
        from the start, and the last update is kept. Otherwise those that are close are dropped.
    title : heading of the page; the loss's name by default.
    names : names for Values and arrays, such as ``locals()``.

    Attributes
    ----------
    steps : the updates of the snapshots.
    differs : first update with another graph, and how many there were; None without any.

    Raises
    ------
    ValueError
        Fewer than two updates, or an overhead that is no positive number.

    Examples
    --------
    >>> import autograd, nn, numpy as np
    >>> w = autograd.Value(np.array([1.0, -2.0]), name="w")
    >>> optimizer = nn.optim.SGD([w], lr=0.1)
    >>> lapse = nn.train.Timelapse()
    >>> for _ in range(5):
    ...     loss = np.sum(np.square(w))
    ...     lapse.add(loss)
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    >>> lapse
    <Timelapse of 5 updates; .save('run.html'), .html()>
    """

    def __init__(
        self,
        *,
        updates: int = MOST,
        overhead: float = 0.04,
        total: int | None = None,
        title: str | None = None,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        if updates < 2:
            raise ValueError(f"Timelapse: updates must be at least 2, got {updates}.")
        if not overhead > 0:
            raise ValueError(f"Timelapse: overhead must be greater than 0, got {overhead}.")
        self.limit, self.overhead, self.total = updates, overhead, total
        self.title, self.names = title, names
        self.steps: list[int] = []
        self.differs: tuple[int, int] | None = None
        self.losses = Record()
        self.remarks: Sequence[Mapping[str, Any]] = ()
        self.events: dict[int, int] = {}  # id of a leaf or node of the first graph -> its event
        self._shape: Shape | None = None
        self._packed: list[str] = []
        self._open: tuple[list[Numbers], Moves] | None = None
        self._count = self._due = 0
        self._taken, self._spent = 0, 0.0
        self._began = time.perf_counter()

    def add(self, loss: Node, *, step: int | None = None, keep: bool = False) -> None:
        """Note the loss of an update, and take a snapshot of its graph where one is due.

        Parameters
        ----------
        loss : Value
            Before its backward pass. For an array, gradients are those of its sum.
        step : number of the update; by default calls are counted, from 0.
        keep : take a snapshot in any case.

        Raises
        ------
        TypeError
            `loss` is not the result of an op.
        RuntimeError
            Its graph was released by backward().
        """
        self.moved()
        step = self._count if step is None else step
        self._count = step + 1
        if not isinstance(loss, Node) or loss.op is None:
            raise TypeError("Timelapse.add: takes a loss, a Value that ops computed.")
        if step >= self.losses.after:
            self.losses.add(step, {"loss": {"": float(np.mean(loss._data))}})
        if keep or step == (self.total or 0) - 1 or self._is_due(step):
            self._take(loss, step)

    def moved(self) -> None:
        """Note how much the last update changed the weights. `add` does so for the one before."""
        if self._open is not None:
            start = time.perf_counter()
            (events, moves), self._open = self._open, None
            self._packed[-1] = pack(events, moves.ratios())
            self._spent += time.perf_counter() - start

    @property
    def _cost(self) -> float:
        """Seconds of a snapshot, the mean so far."""
        return self._spent / max(self._taken - 1, 1)

    def _is_due(self, step: int) -> bool:
        if step < self._due:
            return False
        allowed = FREE + self.overhead * (time.perf_counter() - self._began)
        return self._spent + self._cost <= allowed

    def _take(self, loss: Node, step: int) -> None:
        if self._shape is None:
            self._begin(loss)
        start = time.perf_counter()
        shape: Any = self._shape
        trace = Trace([loss], open_kernels=True)
        if not shape.has(trace):
            first, count = self.differs or (step, 0)
            self.differs = first, count + 1
        else:
            events = numbers(trace, shape, self._maps)
            if not self.steps:
                events = self._fit_in(events, trace, shape)
            self._open = events, Moves(trace, shape)
            self.steps.append(step)
            self._packed.append(pack(events, {}))
            self._drop()
        if self._taken:  # the first one also pays for imports
            self._spent += time.perf_counter() - start
        self._taken += 1
        self._due = step + self._gap(step)

    def _gap(self, step: int) -> int:
        """Updates until the next snapshot, so that they are evenly spaced and not too many."""
        if self.total is None:
            return max((step - self.steps[0]) // self._spaces, 1)
        ahead = self.total - 1 - step
        if self._taken < 2 or not self._spent:
            return math.ceil(ahead / (self.limit - 1))
        whole = time.perf_counter() - self._began
        whole += (whole - self._spent) / max(step - self.steps[0], 1) * ahead
        affordable = (FREE + self.overhead * whole - self._spent) / self._cost
        return math.ceil(ahead / max(min(self.limit - len(self.steps), affordable), 1))

    def _begin(self, loss: Node) -> None:
        """Make the page of the first graph, without keeping the graph."""
        from autograd.viz.player.play import play  # with `nn` it would load in each process

        player = play(loss, names=self.names, title=self.title, live=False)
        self.title, self._shape = player.title, Shape(player.story)
        self._data, self._script = player.data, player.live.script
        self._still = player.still.svg()
        self.events = {key: k for key, k in player.story.index.items() if isinstance(key, int)}
        self._maps = "all"
        self._began = time.perf_counter()

    def _fit_in(self, events: list[Numbers], trace: Trace, shape: Shape) -> list[Numbers]:
        """Leave out the maps of ops, then snapshots, of a graph so large that not all would fit."""
        if len(pack(events, {})) * self.limit > BYTES:
            self._maps = "leaves"
            events = numbers(trace, shape, self._maps)
        self.limit = min(self.limit, max(BYTES // len(pack(events, {})), FEWEST))
        return events

    @property
    def _spaces(self) -> int:
        """Of a run of unknown length: spaces between snapshots that there is time for."""
        most = self.limit - 1
        if not self._spent:
            return most
        time_for = FREE + self.overhead * (time.perf_counter() - self._began)
        return int(min(most, max(time_for / self._cost / AGAIN, FEWEST)))

    def _drop(self) -> None:
        """Drop snapshots between others that are close; the first and the last one stay."""
        while len(self.steps) > 2:
            gaps = [b - a for a, b in zip(self.steps, self.steps[2:], strict=False)]
            least = min(gaps)
            crowded = self.total is None and least * self._spaces <= self.steps[-1] - self.steps[0]
            if not crowded and len(self.steps) <= self.limit:
                return
            place = 1 + gaps.index(least)
            del self.steps[place], self._packed[place]

    def event(self, name: str) -> int:
        """The first event of this name, as an address of the page has it: ``#n12``.

        Raises
        ------
        KeyError
            There is none.
        """
        for k, event in enumerate(self._data["events"] if self._shape else ()):
            if event.get("title") == name:
                return k
        raise KeyError(f"Timelapse: no node is called {name!r}.")

    def html(self) -> str:
        """The page, in one self-contained file.

        Raises
        ------
        RuntimeError
            There is no snapshot.
        """
        if self._shape is None:
            raise RuntimeError("Timelapse: there is no update yet; call add(loss) in the loop.")
        self.moved()
        losses = self.losses.series["loss"][""]
        data = self._data | {
            "live": {"why": "it shows updates of a training that were kept"},
            "updates": {
                "steps": self.steps,
                "packed": self._packed,
                "maps": self._maps,
                "last": self._count - 1,
                "losses": [self.losses.steps, [_plain(x) for x in losses]],
                "remarks": [dict(remark) for remark in self.remarks],
                "differs": self.differs,
            },
        }
        from autograd.viz.player.play import page

        return page(str(self.title), data, self._still, self._script)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, atomically; its suffix is .html.

        Raises
        ------
        ValueError
            Another suffix.
        RuntimeError
            There is no snapshot.
        """
        return save("Timelapse", path, self.html)

    def __repr__(self) -> str:
        return f"<Timelapse of {len(self.steps)} updates; .save('run.html'), .html()>"

    def _repr_html_(self) -> str:
        return framed(self.html(), str(self.title), height=760) if self.steps else repr(self)


def _plain(x: float) -> float | str:
    return float(f"{x:.6g}") if np.isfinite(x) else str(x)
