"""Drawing what the other functions return, with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nn.look.figure import figure as new_figure
from nn.look.running import Array


def show_maps(maps: Any, *, titles: Sequence[Any] | None = None, columns: int = 8) -> Any:
    """Draw images side by side: feature maps of one sample, filters, attributions.

    Parameters
    ----------
    maps : (K, H, W), such as ``feature_maps(...)[0]`` or ``filters(layer)[:, 0]``. All have one
        scale from dark to bright; with negative numbers among them, blue to red around 0.
    titles : one above each, optional.
    columns : images in a row.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        Other axes; another number of titles.

    Examples
    --------
    >>> import nn
    >>> figure = nn.look.show_maps(nn.look.filters(nn.Conv2d(1, 6, 3))[:, 0])
    >>> len(figure.axes)  # and the bar of colours
    7
    """
    images = _array("show_maps", "maps", maps, 3, "(K, H, W)")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"show_maps: {len(images)} maps need as many titles, got {len(titles)}.")
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    figure = new_figure(
        "show_maps", 1.25 * columns + 1.2, (1.5 if titles is not None else 1.3) * rows + 0.5
    )
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    look = _scale(images)
    for k, axes in enumerate(grid):
        axes.set_axis_off()
        if k < len(images):
            drawn = axes.imshow(images[k], **look)
            if titles is not None:
                axes.set_title(str(titles[k]), fontsize=9)
    figure.colorbar(drawn, ax=list(grid), shrink=0.8, label="value")
    return figure


def show_attribution(x: Any, attribution: Any, *, titles: Sequence[Any] | None = None) -> Any:
    """Draw images, what was attributed to their pixels, and one over the other.

    Parameters
    ----------
    x : images, (N, channels, H, W), of 1 or 3 channels.
    attribution : of `saliency`, `integrated_gradients`, `grad_cam` or `occlusion`: (N, H, W), or
        (N, channels, H, W), of which the strongest channel is shown.
    titles : one a row, optional.

    Returns
    -------
    matplotlib Figure: a row for each image.

    Raises
    ------
    ImportError, ValueError
        As in `show_maps`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> images = np.random.default_rng(0).random((2, 1, 8, 8))
    >>> figure = nn.look.show_attribution(images, images[:, 0], titles=["a", "b"])
    >>> [axes.get_title() for axes in figure.axes[:3]]
    ['image: a', 'attribution', 'both']
    """
    who = "show_attribution"
    images = _array(who, "x", x, 4, "(N, channels, H, W)")
    heat = np.asarray(attribution)
    if heat.ndim == 4:
        strongest = np.abs(heat).argmax(axis=1)[:, None]
        heat = np.take_along_axis(heat, strongest, axis=1)[:, 0]
    if heat.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f"{who}: attribution must be (N, H, W) or (N, channels, H, W) for x {images.shape}, "
            f"got {np.shape(attribution)}."
        )
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"{who}: {len(images)} images need as many titles, got {len(titles)}.")
    figure = new_figure(who, 7.2, 2.2 * len(images) + 0.3)
    grid = figure.subplots(len(images), 3, squeeze=False)
    for k, (row, image) in enumerate(zip(grid, images, strict=True)):
        picture = {"X": _picture(who, image), "cmap": "gray"}
        look = _scale(heat[k])
        row[0].imshow(**picture)
        drawn = row[1].imshow(heat[k], **look)
        row[2].imshow(**picture)
        row[2].imshow(heat[k], **look, alpha=0.6)
        names = ("image" if titles is None else f"image: {titles[k]}", "attribution", "both")
        for axes, name in zip(row, names, strict=True):
            axes.set_axis_off()
            axes.set_title(name, fontsize=10)
        figure.colorbar(drawn, ax=row[1], shrink=0.8, label="value")
    return figure


def show_adversarial(
    x: Any,
    adversarial: Any,
    *,
    before: Sequence[Any] | None = None,
    after: Sequence[Any] | None = None,
) -> Any:
    """Draw images, what was added to them, and what came out.

    Parameters
    ----------
    x, adversarial : images, (N, channels, H, W), of 1 or 3 channels.
    before, after : what the model says to each, optional.

    Returns
    -------
    matplotlib Figure: a column for each image.

    Raises
    ------
    ImportError, ValueError
        As in `show_maps`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = np.full((3, 1, 8, 8), 0.5)
    >>> figure = nn.look.show_adversarial(x, x + 0.1, before=[3, 1, 4], after=[8, 1, 9])
    >>> figure.axes[0].get_title(), figure.axes[6].get_title()
    ('3', '8')
    """
    who = "show_adversarial"
    images = _array(who, "x", x, 4, "(N, channels, H, W)")
    changed = _array(who, "adversarial", adversarial, 4, "(N, channels, H, W)")
    if images.shape != changed.shape:
        raise ValueError(
            f"{who}: x {images.shape} and adversarial {changed.shape} must have one shape."
        )
    for name, labels in (("before", before), ("after", after)):
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"{who}: {name} must have {len(images)} entries, got {len(labels)}.")
    noise = (changed - images).mean(axis=1)
    figure = new_figure(who, 1.4 * len(images) + 1.6, 5.2)
    grid = figure.subplots(3, len(images), squeeze=False)
    look = {"cmap": "gray", "vmin": images.min(), "vmax": images.max()}
    for k in range(len(images)):
        grid[0, k].imshow(_picture(who, images[k]), **look)
        drawn = grid[1, k].imshow(noise[k], **_scale(noise, around_zero=True))
        grid[2, k].imshow(_picture(who, changed[k]), **look)
        if before is not None:
            grid[0, k].set_title(str(before[k]), fontsize=10)
        if after is not None:
            grid[2, k].set_title(str(after[k]), fontsize=10)
    for axes in grid.ravel():
        axes.set(xticks=[], yticks=[])
    for axes, name in zip(grid[:, 0], ("image", "added", "adversarial"), strict=True):
        axes.set_ylabel(name)
    figure.colorbar(drawn, ax=list(grid[1]), shrink=0.9, label="change")
    return figure


def show_gates(
    gates: Mapping[str, Any], text: Sequence[Any] | None = None, *, layer: int = 0, sample: int = 0
) -> Any:
    """Draw every gate of a recurrent layer over time, a row for each unit.

    Parameters
    ----------
    gates : of `gate_activations`.
    text : what was read at each step, such as the characters, optional.
    layer : which of layers · directions.
    sample : which of the batch.

    Returns
    -------
    matplotlib Figure: a panel for each gate or state, units down, steps to the right. Sigmoids from
        0 to 1; the others blue to red around 0.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        A text of another length.

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
        look = {"cmap": "viridis", "vmin": 0, "vmax": 1} if sigmoid else _scale(a, around_zero=True)
        drawn = axes.imshow(a.T, aspect="auto", interpolation="nearest", **look)
        axes.set_title(name, fontsize=10, loc="left", pad=3)
        axes.set_ylabel("unit")
        figure.colorbar(drawn, ax=axes, pad=0.01, label="value")
    grid[-1].set_xlabel("step" if text is None else "read at each step")
    if text is not None:
        _label(grid[-1].xaxis, text, width)
    return figure


def show_attention(
    weights: Any, queries: Sequence[Any] | None = None, keys: Sequence[Any] | None = None
) -> Any:
    """Draw attention weights, a panel for each head.

    Parameters
    ----------
    weights : (heads, L, S) of one sample, such as ``attention_maps(...)[name][0]``; or (L, S).
    queries, keys : what stands at each place, L and S of them, optional; `keys` is `queries` where
        only these are given.

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
    maps = _array(who, "weights", maps[None] if maps.ndim == 2 else maps, 3, "(heads, L, S)")
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
            _label(axes.xaxis, keys, side)
        if queries is not None:
            _label(axes.yaxis, queries, side)
    figure.colorbar(drawn, ax=list(grid), shrink=0.8, label="weight")
    return figure


def show_gradient_norms(norms: Mapping[str, Any], *, title: str | None = None) -> Any:
    """Draw how gradients grow or shrink from step to step, on a logarithmic scale.

    Parameters
    ----------
    norms : name -> a norm for each step, of `gradient_norms_over_time`, or several of its lines
        under names of your own. A norm of 0 is left out.
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
    figure = new_figure("show_gradient_norms", 7.5, 3.4)
    axes = figure.subplots()
    for name, line in norms.items():
        y = np.asarray(line, np.float64)
        axes.plot(np.arange(1, len(y) + 1), np.where(y > 0, y, np.nan), label=name)
    axes.set_yscale("log")
    axes.set(xlabel="step t", ylabel="‖∂L/∂h$_t$‖")
    axes.grid(alpha=0.3)
    if len(norms) > 1 or any(norms):
        axes.legend(fontsize=9)
    if title is not None:
        axes.set_title(title)
    return figure


def _array(who: str, name: str, given: Any, ndim: int, axes: str) -> Array:
    array = np.asarray(given)
    if array.ndim != ndim or not array.size:
        raise ValueError(f"{who}: {name} must have the axes {axes}, got shape {array.shape}.")
    return array


def _picture(who: str, image: Array) -> Array:
    """An image as matplotlib takes it: (H, W), or (H, W, 3) from 0 to 1."""
    if image.shape[0] == 1:
        return np.asarray(image[0])
    if image.shape[0] != 3:
        raise ValueError(f"{who}: images must have 1 or 3 channels, got {image.shape[0]}.")
    return np.clip(np.moveaxis(image, 0, -1), 0, 1)


def _scale(a: Array, around_zero: bool = False) -> dict[str, Any]:
    """Colours: dark to bright for what is positive, blue to red around 0 for both signs."""
    finite = a[np.isfinite(a)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low < 0 or around_zero:
        most = max(abs(low), abs(high)) or 1.0
        return {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    return {"cmap": "magma", "vmin": 0.0, "vmax": high or 1.0}


def _label(axis: Any, names: Sequence[Any], inches: float) -> None:
    """Names at the ticks, as many as there is room for."""
    shown = [{" ": "␣", "\n": "⏎", "\t": "⇥"}.get(str(name), str(name)) for name in names]
    longest = max((len(name) for name in shown), default=1)
    upright = axis.axis_name == "x" and longest > 1
    room = 0.17 if axis.axis_name == "y" or upright else 0.11
    every = max(1, math.ceil(len(shown) * room / inches))
    axis.set_ticks(range(0, len(shown), every), shown[::every], fontsize=8)
    if upright:
        axis.set_tick_params(rotation=90)
