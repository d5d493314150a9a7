"""History: loss and metrics of every epoch."""

from __future__ import annotations

import html
import os
from typing import Any

import numpy as np

from nn.look.figure import figure as new_figure

BARS = "▁▂▃▄▅▆▇█"


class History:
    """Loss and metrics of every epoch of a run.

    Attributes
    ----------
    history : dict, name -> list with one number an epoch: "loss", metrics, ``val_…``.
    epoch : list of the epochs' numbers, from 1.
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
        self.epoch: list[int] = []
        self.interrupted = False

    def append(self, logs: dict[str, Any]) -> None:
        """Add an epoch."""
        self.epoch.append(len(self.epoch) + 1)
        for name, number in logs.items():
            self.history.setdefault(name, []).append(number)

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self.history:
            raise KeyError(f"There is no {name!r} in the history, only {', '.join(self.history)}.")
        return self.history[name]

    def __len__(self) -> int:
        return len(self.epoch)

    def curves(self) -> dict[str, list[float]]:
        """Those of the numbers that are single numbers, not arrays."""
        return {k: v for k, v in self.history.items() if all(np.ndim(x) == 0 for x in v)}

    def __repr__(self) -> str:
        ways = [f"{k} {v[0]:.4g} → {v[-1]:.4g}" for k, v in self.curves().items()]
        return f"History({len(self)} epochs{': ' if ways else ''}{', '.join(ways)})"

    def __str__(self) -> str:
        width = max(map(len, self.history), default=0)
        lines = [f"{len(self)} epochs{', interrupted' if self.interrupted else ''}"]
        for name, curve in self.curves().items():
            lines.append(f"{name:{width}}  {curve[0]:<10.4g} {_bars(curve)}  {curve[-1]:.4g}")
        return "\n".join(lines)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw training and validation numbers together, one panel for the loss and each metric.

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
        panels = [name for name in curves if not name.startswith("val_")]
        figure = new_figure("History.plot", 4.5 * max(len(panels), 1), 3.2)
        for i, name in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), i + 1)
            axes.plot(self.epoch, curves[name], label="training")
            if f"val_{name}" in curves:
                axes.plot(self.epoch, curves[f"val_{name}"], label="validation")
                axes.legend()
            axes.set(xlabel="epoch", ylabel=name)
        if path is not None:
            figure.savefig(path)
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
        rows = zip(self.epoch, *curves.values(), strict=True)
        body = "".join(
            "<tr>" + "".join(f"<td>{number:.4g}</td>" for number in row) + "</tr>" for row in rows
        )
        return f"<table><tr>{head}</tr>{body}</table>"


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
