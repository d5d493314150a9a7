"""What all plots share: checked arrays, pictures, color scales and tick labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.look.running import Array


def checked(who: str, name: str, given: Any, ndim: int, axes: str) -> Array:
    """The array, if it has `ndim` axes and is not empty."""
    array = np.asarray(given)
    if array.ndim != ndim or not array.size:
        raise ValueError(f"{who}: {name} must have the axes {axes}, got shape {array.shape}.")
    return array


def picture(who: str, image: Array) -> Array:
    """An image (channels, H, W) as matplotlib takes it: (H, W), or (H, W, 3) from 0 to 1.

    Colors given as uint8 or uint16 are divided by the largest number of the type; others that
    leave 0 to 1, such as normalized ones, are scaled from the smallest to the largest number.
    """
    if image.shape[0] == 1:
        return np.asarray(image[0])
    if image.shape[0] != 3:
        raise ValueError(f"{who}: images must have 1 or 3 channels, got {image.shape[0]}.")
    colors: Array = np.moveaxis(image, 0, -1)
    if colors.dtype in (np.uint8, np.uint16):
        return np.asarray(colors, np.float64) / np.iinfo(colors.dtype).max
    colors = np.asarray(colors, np.float64)
    finite = colors[np.isfinite(colors)]
    if finite.size and (finite.min() < -1e-3 or finite.max() > 1 + 1e-3):
        colors = (colors - finite.min()) / (np.ptp(finite) or 1.0)
    return np.clip(colors, 0, 1)


def colours(a: Array, around_zero: bool = False) -> dict[str, Any]:
    """Color map and limits: dark to bright for non-negative data, else blue to red around 0."""
    finite = a[np.isfinite(a)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low < 0 or around_zero:
        most = max(abs(low), abs(high)) or 1.0
        return {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    return {"cmap": "magma", "vmin": 0.0, "vmax": high or 1.0}


def label(axis: Any, names: Sequence[Any], inches: float) -> None:
    """Label the ticks with names, as many as there is room for."""
    shown = [{" ": "␣", "\n": "⏎", "\t": "⇥"}.get(str(name), str(name)) for name in names]
    longest = max((len(name) for name in shown), default=1)
    upright = axis.axis_name == "x" and longest > 1
    room = 0.17 if axis.axis_name == "y" or upright else 0.11
    every = max(1, math.ceil(len(shown) * room / inches))
    axis.set_ticks(range(0, len(shown), every), shown[::every], fontsize=8)
    if upright:
        axis.set_tick_params(rotation=90)
