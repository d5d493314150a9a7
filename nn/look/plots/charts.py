"""Plots of numbers: curves of several runs, bars, and confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np

from nn.look.figure import figure as new_figure
from nn.look.plots.canvas import checked, label
from nn.look.running import Array


def show_curves(
    curves: Mapping[str, Any],
    *,
    levels: Mapping[str, float] | None = None,
    axes: Any = None,
    **settings: Any,
) -> Any:
    """Draw named curves with a legend, and the spread of those that have several runs.

    Parameters
    ----------
    curves : name -> y, or a tuple (x, y); x is 1, 2, ... where it is not given. A y of shape
        (runs, points) is drawn as its median over the runs, with a band between the quartiles.
        Points are marked where there are at most 30.
    levels : name -> height of a broken grey line, such as the score of a baseline; optional.
    axes : matplotlib Axes to draw into; by default those of a new figure.
    **settings : of the axes, as ``Axes.set`` takes them: xlabel, ylabel, title, yscale, ylim, ...

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        A curve of other axes, or one whose x and y differ in length.

    Examples
    --------
    >>> import nn, numpy as np
    >>> losses = {"SGD": [1.0, 0.8, 0.7], "Adam": ([1, 3], [1.0, 0.5])}
    >>> figure = nn.look.show_curves(losses, levels={"chance": 1.1}, xlabel="epoch", ylabel="loss")
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['SGD', 'Adam', 'chance']
    """
    who = "show_curves"
    lines = {name: _points(who, name, curve) for name, curve in curves.items()}
    if axes is None:
        axes = new_figure(who, 6.4, 3.4).subplots()
    for name, (x, runs) in lines.items():
        # a run by itself is drawn as it is: between infinities there is no percentile
        one = len(runs) == 1
        low, middle, high = runs[[0, 0, 0]] if one else np.percentile(runs, [25, 50, 75], axis=0)
        look = {"marker": "o", "ms": 3.5} if len(x) <= 30 else {}
        (line,) = axes.plot(x, middle, label=name, **look)
        if not one:
            axes.fill_between(x, low, high, color=line.get_color(), alpha=0.2, lw=0)
    for dash, (name, height) in zip(cycle(("--", ":", "-.")), (levels or {}).items(), strict=False):
        axes.axhline(height, color="0.5", lw=1.2, ls=dash, label=name)
    if axes.get_xscale() == "linear" and all(x.dtype.kind in "iu" for x, _ in lines.values()):
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes.set(**settings)
    places = sorted({at for x, _ in lines.values() for at in x.tolist()})
    if axes.get_xscale() == "log" and len(places) <= 8:
        axes.set_xticks(places, [f"{at:g}" for at in places])
        axes.set_xticks([], minor=True)
    if len(lines) > 1 or any(lines) or levels:
        axes.legend(fontsize=9)
    return axes.figure


def _points(who: str, name: str, curve: Any) -> tuple[Array, Array]:
    """The x of a curve, (points,), and its y, (runs, points)."""
    x, y = curve if isinstance(curve, tuple) else (None, curve)
    runs = np.atleast_2d(np.asarray(y, np.float64))
    at = np.arange(1, runs.shape[-1] + 1) if x is None else np.asarray(x)
    if runs.ndim != 2 or at.shape != runs.shape[1:]:
        raise ValueError(
            f"{who}: {name!r} must be y, (points,) or (runs, points), or a tuple of x, (points,), "
            f"and such a y; got shapes {at.shape} and {np.shape(y)}."
        )
    return at, runs


def show_bars(
    values: Mapping[str, float],
    *,
    captions: Sequence[Any] | None = None,
    axes: Any = None,
    **settings: Any,
) -> Any:
    """Draw a horizontal bar for each number, the first on top, with the number at its end.

    Parameters
    ----------
    values : name -> number.
    captions : texts at the ends of the bars, in place of the numbers.
    axes, **settings : as in `show_curves`.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        Another number of captions.

    Examples
    --------
    >>> import nn
    >>> figure = nn.look.show_bars({"greedy": 12.5, "beam": 11.9}, xlabel="error rate, %")
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['12.5', '11.9']
    """
    who = "show_bars"
    if captions is None:
        captions = [f"{value:.3g}" for value in values.values()]
    if len(captions) != len(values):
        raise ValueError(f"{who}: {len(values)} bars need as many captions, got {len(captions)}.")
    if axes is None:
        axes = new_figure(who, 6.4, 0.35 * len(values) + 0.8).subplots()
    bars = axes.barh(list(values), list(values.values()))
    axes.bar_label(bars, [str(caption) for caption in captions], padding=3)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.set(**settings)
    return axes.figure


def show_confusion(matrix: Any, names: Sequence[Any] | None = None) -> Any:
    """Draw a confusion matrix, its counts on colours of a logarithmic scale.

    Parameters
    ----------
    matrix : (C, C) counts of `nn.metrics.confusion_matrix`: rows are true classes, columns
        predictions.
    names : of the classes, by default 0 to C - 1.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        No square matrix; another number of names.

    Examples
    --------
    >>> import nn
    >>> figure = nn.look.show_confusion(nn.metrics.confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2]))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '1', '1', '1']
    """
    who = "show_confusion"
    counts = checked(who, "matrix", matrix, 2, "(true class, prediction)")
    n = len(counts)
    names = range(n) if names is None else names
    if counts.shape != (n, n) or len(names) != n:
        raise ValueError(
            f"{who}: matrix must be square, with a name for each class; got shape {counts.shape} "
            f"and {len(names)} names."
        )
    side = 0.4 * n + 1
    figure = new_figure(who, side, side)
    axes = figure.subplots()
    shades = np.log1p(counts)
    axes.imshow(shades, cmap="Blues")
    for i, j in np.argwhere(counts):
        ink = "white" if shades[i, j] > 0.6 * shades.max() else "black"
        axes.text(j, i, counts[i, j], ha="center", va="center", fontsize=8, color=ink)
    axes.set(xlabel="prediction", ylabel="true class")
    label(axes.xaxis, names, side)
    label(axes.yaxis, names, side)
    return figure
