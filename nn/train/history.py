"""History: loss and metrics of every epoch."""

from __future__ import annotations

import html
import os
from typing import Any

import numpy as np

from autograd.printable import printable
from nn.look.figure import figure as new_figure
from nn.look.plots.charts import show_curves
from nn.train.destination import destination

BARS = "▁▂▃▄▅▆▇█"


class History:
    """Loss and metrics of every epoch of a run.

    Attributes
    ----------
    history : dict, name -> list of its numbers: "loss", metrics, ``val_…``. A number that is there
        in some epochs only, as with `validation_freq`, has a shorter list, as in Keras.
    epochs : dict, name -> list of the epochs of its numbers, from 1.
    epoch : list of the epochs' numbers.
    interrupted : Ctrl-C ended the run.

    ``history["loss"]`` is short for ``history.history["loss"]``. In a notebook it shows its plot,
    or a table where matplotlib is not installed.

    Examples
    --------
    >>> history = History()
    >>> for loss in (1.0, 0.5, 0.25):
    ...     history.append({"loss": loss})
    >>> history
    History(3 epochs: loss 1 → 0.25)
    >>> history["loss"]
    [1.0, 0.5, 0.25]
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epochs: dict[str, list[int]] = {}
        self.interrupted = False

    @property
    def epoch(self) -> list[int]:
        """The epochs' numbers."""
        return sorted({number for numbers in self.epochs.values() for number in numbers})

    def append(self, logs: dict[str, Any], epoch: int | None = None) -> None:
        """Add an epoch; by default the one after the last."""
        epoch = max(self.epoch, default=0) + 1 if epoch is None else epoch
        for name, number in logs.items():
            self.history.setdefault(name, []).append(number)
            self.epochs.setdefault(name, []).append(epoch)

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self.history:
            raise KeyError(f"There is no {name!r} in the history, only {', '.join(self.history)}.")
        return self.history[name]

    def __len__(self) -> int:
        return len(self.epoch)

    def curves(self) -> dict[str, list[float]]:
        """Those of the numbers that are single numbers, not arrays."""
        return {k: v for k, v in self.history.items() if all(map(is_number, v))}

    def __repr__(self) -> str:
        ways = [f"{k} {v[0]:.4g} → {v[-1]:.4g}" for k, v in self.curves().items()]
        return printable(f"History({len(self)} epochs{': ' if ways else ''}{', '.join(ways)})")

    def __str__(self) -> str:
        width = max(map(len, self.history), default=0)
        lines = [f"{len(self)} epochs{', interrupted' if self.interrupted else ''}"]
        for name, curve in self.curves().items():
            lines.append(f"{name:{width}}  {curve[0]:<10.4g} {_bars(curve)}  {curve[-1]:.4g}")
        return printable("\n".join(lines))

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw training and validation numbers together, one panel for the loss and each metric.

        Epochs are marked where there are at most 30, so that a single one is seen.

        Parameters
        ----------
        path : file to save the figure to, such as "history.png", optional.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        curves = self.curves()
        panels = [*dict.fromkeys(name.removeprefix("val_") for name in curves)]
        figure = new_figure("History.plot", 4.5 * max(len(panels), 1), 3.2)
        for i, name in enumerate(panels):
            both = {"training": name, "validation": f"val_{name}"}
            lines = {k: (self.epochs[n], curves[n]) for k, n in both.items() if n in curves}
            axes = figure.add_subplot(1, len(panels), i + 1)
            show_curves(lines, axes=axes, xlabel="epoch", ylabel=name)
        if path is not None:
            figure.savefig(destination("History.plot", path))
        return figure

    def _repr_html_(self) -> str:
        try:
            figure = self.plot()
        except ImportError:
            return self._table()
        import io

        buffer = io.StringIO()
        figure.savefig(buffer, format="svg")
        svg = buffer.getvalue()
        return svg[svg.index("<svg") :]

    def _table(self) -> str:
        curves = self.curves()
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("epoch", *curves))
        of_epoch = [dict(zip(self.epochs[name], curves[name], strict=True)) for name in curves]
        body = "".join(
            f"<tr><td>{epoch}</td>"
            + "".join(f"<td>{x[epoch]:.4g}</td>" if epoch in x else "<td></td>" for x in of_epoch)
            + "</tr>"
            for epoch in self.epoch
        )
        return f"<table><tr>{head}</tr>{body}</table>"


def is_number(x: Any) -> bool:
    """Whether a metric's result is one number, not an array, a list or a dict."""
    return isinstance(x, (int, float)) or getattr(x, "shape", None) == ()


def _bars(curve: list[float], width: int = 40) -> str:
    """A curve in block characters."""
    points = np.asarray(curve, np.float64)
    if len(points) > width:
        points = points[np.linspace(0, len(points) - 1, width).round().astype(int)]
    finite = points[np.isfinite(points)]
    if not finite.size:
        return "?" * len(points)
    low, high = finite.min(), finite.max()
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((p - low) * scale)] if np.isfinite(p) else "?" for p in points)
