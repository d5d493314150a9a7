"""Progress displays for terminals, notebooks and files."""

from __future__ import annotations

import sys
import time
from typing import Any

from nn.train.batches import number_of
from nn.train.callback import Callback
from nn.train.history import is_number
from nn.train.state import State

PAUSE = 0.1
"""Seconds between two updates of a live line."""

LINES = 20
"""Epochs that are written down where there is no live line."""


def progress_for(verbose: bool | None) -> list[Callback]:
    """The display that fits where the output goes."""
    off = verbose is not None and not verbose  # Keras's 0 too
    if off or sys.stdout is None:  # as under pythonw or in a service
        return []
    if sys.stdout.isatty():
        return [Bar()]
    shell = sys.modules.get("IPython")
    if shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell":
        return [Line()]
    return [Lines()]


def text(logs: dict[str, Any]) -> str:
    """Names and numbers."""
    return "  ".join(f"{name} {x:.4f}" for name, x in logs.items() if is_number(x))


def duration(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


class Lines(Callback):
    """Plain lines, for files and pipes: the first epoch, the last, and some between them."""

    def on_train_begin(self, state: State) -> None:
        """Look at the clock."""
        self._start, self._samples = time.perf_counter(), 0
        self._written = state.done

    def on_epoch_end(self, state: State) -> None:
        """Write a line."""
        self._samples += state.samples
        every = -(-state.epochs // LINES)
        if state.epoch % every == 0 or state.epoch in (1, state.epochs) or state.stop:
            sys.stdout.write(self.line(state, state.logs, time.perf_counter()) + "\n")
            sys.stdout.flush()

    def on_train_end(self, state: State) -> None:
        """Say why it ended early."""
        if state.interrupted:
            sys.stdout.write(f"Stopped by Ctrl-C in epoch {state.epoch}.\n")

    def line(self, state: State, logs: dict[str, Any], now: float) -> str:
        """One epoch, with samples a second so far and what is left."""
        seconds = max(now - self._start, 1e-9)
        done = state.done - self._written
        left = seconds / done * (state.epochs - state.done) if done else 0.0
        width = len(str(state.epochs))
        return (
            f"epoch {state.epoch:{width}}/{state.epochs}  {text(logs)}  "
            f"{self._samples / seconds:,.0f} samples/s  ETA {duration(left)}"
        )


class _Live(Lines):
    """A display that follows every step, at most ten times a second."""

    def on_train_begin(self, state: State) -> None:
        """Look at the clock."""
        super().on_train_begin(state)
        self._next = self._start + PAUSE
        self._batches = number_of(state.loader)
        self._batch = 0

    def on_epoch_begin(self, state: State) -> None:
        """Count batches from the first, or from where a run resumes."""
        self._batch = state.resumed

    def on_step_end(self, state: State) -> None:
        """Show where it is, if the last time is long enough ago."""
        self._batch += 1
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + PAUSE
            self.show(state, now)

    def on_epoch_end(self, state: State) -> None:
        """Show the epoch."""
        self._samples += state.samples
        self._batch = 0
        self.show(state, time.perf_counter())

    def status(self, state: State, now: float) -> tuple[float, str]:
        """Share of the whole run that is done, and the line beside it."""
        between = self._batch == 0
        logs = state.logs if between else state.running()
        finished = state.done + (self._batch / self._batches if self._batches else 0.0)
        share = finished / state.epochs
        gone = max(now - self._start, 1e-9)
        advance = finished - self._written
        left = gone / advance * (state.epochs - finished) if advance > 0 else 0.0
        samples = self._samples + (0 if between else state.samples)
        step = "" if between else f"  step {self._batch}/{self._batches or '?'}"
        return share, (
            f"epoch {state.epoch}/{state.epochs}{step}  {text(logs)}  "
            f"{samples / gone:,.0f} samples/s  ETA {duration(left)}"
        )

    def show(self, state: State, now: float) -> None:
        """Update the display."""
        raise NotImplementedError


class Bar(_Live):
    """A bar in a terminal."""

    def on_train_begin(self, state: State) -> None:
        """Draw it."""
        super().on_train_begin(state)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            BarColumn(20),
            TextColumn("{task.fields[text]}", markup=False),
            console=Console(file=sys.stdout),
            auto_refresh=False,
        )
        self._task = self._progress.add_task("", total=1.0, text="")
        self._progress.start()

    def show(self, state: State, now: float) -> None:
        share, line = self.status(state, now)
        self._progress.update(self._task, completed=share, text=line, refresh=True)

    def on_train_end(self, state: State) -> None:
        """Leave it as it is."""
        self._progress.stop()
        super().on_train_end(state)


class Line(_Live):
    """One line that is overwritten, for notebooks: no widget, so it is saved with them."""

    def on_train_begin(self, state: State) -> None:
        """Look at the clock."""
        super().on_train_begin(state)
        self._width = 0

    def show(self, state: State, now: float) -> None:
        line = self.status(state, now)[1]
        self._width = max(self._width, len(line))
        sys.stdout.write(f"\r{line:{self._width}}")
        sys.stdout.flush()

    def on_train_end(self, state: State) -> None:
        """End the line."""
        sys.stdout.write("\n")
        super().on_train_end(state)
