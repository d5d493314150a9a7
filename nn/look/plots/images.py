"""Plots of images: side by side, with attributions, with what an attack added, with boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nn.look.figure import figure as new_figure
from nn.look.plots.canvas import checked, colours, picture
from nn.look.running import Array


def show_images(
    images: Any, *, titles: Sequence[Any] | None = None, columns: int | None = None
) -> Any:
    """Draw pictures in rows: ink on white, or blue to red around 0 for those with both signs.

    Parameters
    ----------
    images : (N, H, W) or (N, channels, H, W), of 1 or 3 channels; or a mapping, name -> such an
        array. Colors are from 0 to 1, or uint8; others are scaled from their smallest number to
        their largest. Each array of a mapping is a row, with its name on the left and a scale of
        its own.
    titles : one above each image, optional; in a mapping, above those of the first row.
    columns : images in a row, by default at most 10; a mapping's rows are never broken.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        Other axes; rows of different lengths; another number of titles.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = np.random.default_rng(0).random((6, 8, 8))
    >>> figure = nn.look.show_images({"image": x, "change": x - 0.5})
    >>> len(figure.axes), figure.axes[6].get_ylabel()
    (12, 'change')
    """
    who = "show_images"
    given = images if isinstance(images, Mapping) else {"": images}
    rows = {name: _channels(who, row) for name, row in given.items()}
    lengths = sorted({len(row) for row in rows.values()})
    if len(lengths) != 1:
        raise ValueError(f"{who}: every row must have as many images, got {lengths}.")
    n = lengths[0]
    if titles is not None and len(titles) != n:
        raise ValueError(f"{who}: {n} images need as many titles, got {len(titles)}.")
    wide = n if isinstance(images, Mapping) else max(1, min(n, columns or 10))
    high = len(rows) if isinstance(images, Mapping) else -(-n // wide)
    above = 0 if titles is None else 0.2 * (1 + max(str(t).count("\n") for t in titles))
    side = 0.85 if titles is None else max(0.85, 0.09 * max(_width(t) for t in titles))
    lines = 1 if isinstance(images, Mapping) else high  # of titles
    names = 0.1 + 0.09 * max(map(len, rows))
    figure = new_figure(who, side * wide + names, side * high + above * lines + 0.1)
    grid = figure.subplots(high, wide, squeeze=False)
    for axes in grid.ravel()[n * len(rows) :]:
        axes.set_axis_off()
    drawn = [(image, row) for row in rows.values() for image in row]
    for k, (axes, (image, row)) in enumerate(zip(grid.ravel(), drawn, strict=False)):
        ink = {"cmap": "gray_r", "vmin": 0, "vmax": _most(row)}
        axes.imshow(picture(who, image), **(colours(row) if row.min() < 0 else ink))
        axes.set(xticks=[], yticks=[])
        if titles is not None and k < n:
            axes.set_title(str(titles[k]), fontsize=9)
    for axes, name in zip(grid[:, 0], rows, strict=False):
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def _channels(who: str, images: Any) -> Array:
    """Images with a channel axis: (N, channels, H, W)."""
    array = np.asarray(images)
    return checked(
        who, "images", array[:, None] if array.ndim == 3 else array, 4, "(N, [channels,] H, W)"
    )


def _most(images: Array) -> float:
    """The largest finite number, for the end of a color scale."""
    return float(np.max(images, where=np.isfinite(images), initial=0)) or 1.0


def _width(title: Any) -> int:
    return max(map(len, str(title).split("\n")))


def show_maps(maps: Any, *, titles: Sequence[Any] | None = None, columns: int = 8) -> Any:
    """Draw maps side by side on one color scale: feature maps of one sample, filters.

    Parameters
    ----------
    maps : (K, H, W), such as ``feature_maps(...)[0]`` or ``filters(layer)[:, 0]``. All share one
        color scale, from dark to bright; if any number is negative, blue to red around 0.
    titles : one above each, optional.
    columns : maps in a row.

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
    >>> len(figure.axes)  # with the color bar
    7
    """
    images = checked("show_maps", "maps", maps, 3, "(K, H, W)")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"show_maps: {len(images)} maps need as many titles, got {len(titles)}.")
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    figure = new_figure(
        "show_maps", 1.25 * columns + 1.2, (1.5 if titles is not None else 1.3) * rows + 0.5
    )
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    look = colours(images)
    for k, axes in enumerate(grid):
        axes.set_axis_off()
        if k < len(images):
            drawn = axes.imshow(images[k], **look)
            if titles is not None:
                axes.set_title(str(titles[k]), fontsize=9)
    figure.colorbar(drawn, ax=list(grid), shrink=0.8, label="value")
    return figure


def show_attribution(x: Any, attribution: Any, *, titles: Sequence[Any] | None = None) -> Any:
    """Draw images, the attributions of their pixels, and an overlay of both.

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
    images = checked(who, "x", x, 4, "(N, channels, H, W)")
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
        shown = picture(who, image)
        look = colours(heat[k])
        row[0].imshow(shown, cmap="gray")
        drawn = row[1].imshow(heat[k], **look)
        row[2].imshow(shown, cmap="gray")
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
    """Draw images, the perturbations added to them, and the adversarial examples.

    Parameters
    ----------
    x, adversarial : images, (N, channels, H, W), of 1 or 3 channels.
    before, after : the model's predictions for each, optional.

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
    images = checked(who, "x", x, 4, "(N, channels, H, W)")
    changed = checked(who, "adversarial", adversarial, 4, "(N, channels, H, W)")
    if images.shape != changed.shape:
        raise ValueError(
            f"{who}: x {images.shape} and adversarial {changed.shape} must have one shape."
        )
    for name, labels in (("before", before), ("after", after)):
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"{who}: {name} must have {len(images)} entries, got {len(labels)}.")
    noise = np.subtract(changed, images, dtype=np.float64).mean(axis=1)  # uint8 would wrap around
    figure = new_figure(who, 1.4 * len(images) + 1.6, 5.2)
    grid = figure.subplots(3, len(images), squeeze=False)
    look = {"cmap": "gray", "vmin": images.min(), "vmax": images.max()}
    for k in range(len(images)):
        grid[0, k].imshow(picture(who, images[k]), **look)
        drawn = grid[1, k].imshow(noise[k], **colours(noise, around_zero=True))
        grid[2, k].imshow(picture(who, changed[k]), **look)
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


def show_boxes(images: Any, boxes: Mapping[str, Sequence[Mapping[str, Any]]]) -> Any:
    """Draw images with boxes on them, such as detections beside the truth.

    Parameters
    ----------
    images : (N, H, W) or (N, channels, H, W), of 1 or 3 channels.
    boxes : name -> one dict for each image, as `nn.metrics.MeanAveragePrecision` takes them: its
        "boxes", (n, 4) as x1, y1, x2, y2 in pixels. Its "labels" and "scores" stand in the
        boxes' corners if it has them.

    Returns
    -------
    matplotlib Figure: a column for each image, a row and a color for each name.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        Other axes; not one dict for each image.

    Examples
    --------
    >>> import nn, numpy as np
    >>> found = [{"boxes": [[1, 2, 6, 7]], "labels": [3], "scores": [0.9]}]
    >>> figure = nn.look.show_boxes(np.zeros((1, 8, 8)), {"found": found})
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['3 90%']
    """
    who = "show_boxes"
    array = _channels(who, images)
    figure = new_figure(who, 2.1 * len(array) + 0.3, 2.1 * len(boxes) + 0.1)
    grid = figure.subplots(len(boxes), len(array), squeeze=False)
    height, width = array.shape[2:]
    look = {"cmap": "gray_r", "vmin": 0, "vmax": _most(array)}
    for row, (k, (name, found)) in zip(grid, enumerate(boxes.items()), strict=True):
        if len(found) != len(array):
            raise ValueError(
                f"{who}: {name!r} must have one dict for each of {len(array)} images, got "
                f"{len(found)}."
            )
        row[0].set_ylabel(name)
        for axes, image, one in zip(row, array, found, strict=True):
            axes.imshow(picture(who, image), extent=(0, width, height, 0), **look)
            axes.set(xticks=[], yticks=[])
            for box, caption in zip(one["boxes"], _captions(one), strict=True):
                _box(axes, box, caption, f"C{k}")
    return figure


def _captions(one: Mapping[str, Any]) -> list[str]:
    """The label and the score of each box, as far as they are given."""
    n = len(one["boxes"])
    labels = [str(label) for label in one.get("labels", [""] * n)]
    scores = [f"{score:.0%}" for score in one["scores"]] if "scores" in one else [""] * n
    return [f"{label} {score}".strip() for label, score in zip(labels, scores, strict=True)]


def _box(axes: Any, box: Any, caption: str, color: str) -> None:
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = box
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec=color, lw=1.2))
    if caption:
        axes.text(
            max(x1, 0), max(y1, 0), caption, color="white", fontsize=7, va="top", clip_on=True,
            bbox={"facecolor": color, "edgecolor": "none", "pad": 1},
        )  # fmt: skip
