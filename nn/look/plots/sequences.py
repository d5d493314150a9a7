"""Plots of sequences: gates, attention, gradients over time, and text colored by a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nn.look.figure import figure as new_figure
from nn.look.plots.canvas import checked, colours, label
from nn.look.plots.charts import show_curves


def show_gates(
    gates: Mapping[str, Any], text: Sequence[Any] | None = None, *, layer: int = 0, sample: int = 0
) -> Any:
    """Draw the gates and states of a recurrent layer over time, a row for each unit.

    Parameters
    ----------
    gates : of `gate_activations`.
    text : the input at each step, such as the characters, optional.
    layer : index among layers · directions.
    sample : index in the batch.

    Returns
    -------
    matplotlib Figure: a panel for each gate or state, units down, steps to the right. Sigmoid
        gates from 0 to 1; the others blue to red around 0.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        A text of another length than the number of steps.

    Examples
    --------
    >>> import nn, numpy as np
    >>> gates = nn.look.gate_activations(nn.GRU(3, 4, rng=0), np.ones((5, 3), np.float32))
    >>> [axes.get_title("left") for axes in nn.look.show_gates(gates, "hello").axes[:4]]
    ['reset', 'update', 'new', 'h']
    """
    who = "show_gates"
    panels = {name: np.asarray(a)[layer] for name, a in gates.items()}
    panels = {name: a[:, sample] if a.ndim == 3 else a for name, a in panels.items()}
    steps = len(next(iter(panels.values())))
    if text is not None and len(text) != steps:
        raise ValueError(
            f"{who}: text must have one entry for each of {steps} steps, got {len(text)}."
        )
    width = min(max(0.13 * steps + 2.5, 6.0), 16.0)
    figure = new_figure(who, width, 1.55 * len(panels) + 0.5)
    grid = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (name, a) in zip(grid, panels.items(), strict=True):
        sigmoid = name in ("input", "forget", "output", "reset", "update")
        look = (
            {"cmap": "viridis", "vmin": 0, "vmax": 1} if sigmoid else colours(a, around_zero=True)
        )
        drawn = axes.imshow(a.T, aspect="auto", interpolation="nearest", **look)
        axes.set_title(name, fontsize=10, loc="left", pad=3)
        axes.set_ylabel("unit")
        figure.colorbar(drawn, ax=axes, pad=0.01, label="value")
    grid[-1].set_xlabel("step" if text is None else "read at each step")
    if text is not None:
        label(grid[-1].xaxis, text, width)
    return figure


def show_attention(
    weights: Any, queries: Sequence[Any] | None = None, keys: Sequence[Any] | None = None
) -> Any:
    """Draw attention weights, a panel for each head.

    Parameters
    ----------
    weights : (heads, L, S) of one sample, such as ``attention_maps(...)[name][0]``; or (L, S).
    queries, keys : names of the L query and S key positions, such as tokens; optional. `keys` is
        `queries` where only these are given.

    Returns
    -------
    matplotlib Figure: queries down, keys to the right; all panels from 0 to 1.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        Other axes; another number of queries or keys.

    Examples
    --------
    >>> import nn, numpy as np
    >>> figure = nn.look.show_attention(np.full((2, 3, 3), 1 / 3), "abc")
    >>> [axes.get_title() for axes in figure.axes[:2]]
    ['head 0', 'head 1']
    """
    who = "show_attention"
    maps = np.asarray(weights)
    maps = checked(who, "weights", maps[None] if maps.ndim == 2 else maps, 3, "(heads, L, S)")
    heads, L, S = maps.shape
    keys = queries if keys is None else keys
    for name, given, n in (("queries", queries, L), ("keys", keys, S)):
        if given is not None and len(given) != n:
            raise ValueError(f"{who}: weights {maps.shape} need {n} {name}, got {len(given)}.")
    columns = min(heads, 4)
    rows = -(-heads // columns)
    side = 3.1
    figure = new_figure(who, side * columns + 0.9, side * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for k, axes in enumerate(grid):
        if k >= heads:
            axes.set_axis_off()
            continue
        drawn = axes.imshow(maps[k], cmap="viridis", vmin=0, vmax=1, aspect="auto")
        axes.set_title(f"head {k}", fontsize=10)
        axes.set(xlabel="key", ylabel="query")
        if keys is not None:
            label(axes.xaxis, keys, side)
        if queries is not None:
            label(axes.yaxis, queries, side)
    figure.colorbar(drawn, ax=list(grid), shrink=0.8, label="weight")
    return figure


def show_gradient_norms(norms: Mapping[str, Any], *, title: str | None = None) -> Any:
    """Draw the norm of the gradient at each step, on a logarithmic scale.

    Parameters
    ----------
    norms : name -> a norm for each step, of `gradient_norms_over_time`, or several of its lines
        under other names. A norm of 0 is left out.
    title : above, optional.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> import nn, numpy as np
    >>> figure = nn.look.show_gradient_norms({"vanishing": 0.5 ** np.arange(20)[::-1]})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    lines = {name: np.asarray(line, np.float64) for name, line in norms.items()}
    return show_curves(
        {name: np.where(y > 0, y, np.nan) for name, y in lines.items()},
        axes=new_figure("show_gradient_norms", 7.5, 3.4).subplots(),
        xlabel="step t",
        ylabel="‖∂L/∂ state after step t‖",
        yscale="log",
        title=title,
    )


def show_text(text: str, values: Any, *, name: str = "value") -> Any:
    r"""Draw a text with each character on the color of a number, such as a unit's activation.

    Parameters
    ----------
    text : characters; a line ends at "\n".
    values : a number for each character, (len(text),). The scale spans the middle 96 % of them.
    name : of the numbers, beside the color bar.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        Another number of values.

    References
    ----------
    Karpathy, Johnson and Fei-Fei, "Visualizing and understanding recurrent networks", 2016.

    Examples
    --------
    >>> import nn
    >>> figure = nn.look.show_text("ab\ncd", [0.0, 0.5, 0.6, 0.7, 1.0])
    >>> [(text.get_text(), text.get_position()) for text in figure.axes[0].texts[2:]]
    [('c', (0, 1)), ('d', (1, 1))]
    """
    who = "show_text"
    numbers = checked(who, "values", values, 1, "(characters,)")
    if len(numbers) != len(text):
        raise ValueError(f"{who}: {len(text)} characters need as many values, got {len(numbers)}.")
    lines = text.split("\n")
    width = max(map(len, lines))
    figure = new_figure(who, min(0.13 * width + 1.6, 16.0), 0.2 * len(lines) + 0.7)
    axes = figure.subplots()
    shades = np.full((len(lines), width), np.nan)
    k = 0
    for row, line in enumerate(lines):
        shades[row, : len(line)] = numbers[k : k + len(line)]
        k += len(line) + 1  # the line's end has a number too, which is not drawn
    low, high = np.quantile(numbers, [0.02, 0.98])
    drawn = axes.imshow(shades, cmap="viridis", vmin=low, vmax=high, aspect="auto")
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            ink = "white" if shades[row, column] < (low + high) / 2 else "black"
            axes.text(
                column, row, character, ha="center", va="center", fontsize=8, color=ink
            )  # fmt: skip
    axes.set(xlabel="position in the line", ylabel="line")
    figure.colorbar(drawn, ax=axes, label=name)
    return figure
