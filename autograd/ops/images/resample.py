r"""Resampling along one axis: each output is a weighted sum of a few pixels.

Every interpolation on a regular grid is such a map along each axis in turn. It is linear, and its
transposed map is of the same kind, so one op is its own derivative, with the table transposed.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from autograd.machine.uninterrupted import load
from autograd.op import Op
from autograd.ops.conv.geometry import arrays
from autograd.ops.samples import A, case, cases

Array = Any


class Taps:
    """A sparse matrix: for each of m outputs, the places of the pixels it sums, and their weights.

    Parameters
    ----------
    size : n, the pixels of the input.
    places, weights : (m, K). Places lie in 0 ... n - 1.
    text : its LaTeX.
    """

    def __init__(self, size: int, places: Array, weights: Array, text: str = "S") -> None:
        m, k = places.shape
        self._set(size, m, np.arange(m + 1) * k, places.ravel(), weights.ravel(), text)

    def _set(
        self, size: int, out: int, starts: Array, places: Array, weights: Array, text: str
    ) -> None:
        self.size, self.out, self.text = size, out, text
        self.starts, self.places = (np.ascontiguousarray(a, np.intp) for a in (starts, places))
        self.weights = {np.dtype(d): weights.astype(d) for d in (np.float32, np.float64)}

    def __repr__(self) -> str:
        return self.text

    @functools.cached_property
    def T(self) -> Taps:  # noqa: N802 - as NumPy's
        """The transposed map, from m pixels to n."""
        rows = np.repeat(np.arange(self.out), np.diff(self.starts))
        order = np.argsort(self.places, kind="stable")
        counts = np.bincount(self.places, minlength=self.size)
        turned = object.__new__(Taps)
        turned._set(
            self.out, self.size, np.concatenate([[0], np.cumsum(counts)]), rows[order],
            self.weights[np.dtype(np.float64)][order], self.text + r"^\top",
        )  # fmt: skip
        turned.T = self
        return turned


@functools.cache
def _kernels() -> Any:
    """The kernels; Numba is imported on first use."""
    return load("autograd.ops.images.kernel_resample")


def _resample(x: Any, axis: int, taps: Taps) -> Any:
    """Weighted sums of pixels along one axis."""
    (x,) = arrays(x=x)
    if x.shape[axis] != taps.size:
        raise ValueError(
            f"axis {axis} of x {x.shape} must have the {taps.size} pixels of the taps."
        )
    axis %= x.ndim
    y = np.empty((*x.shape[:axis], taps.out, *x.shape[axis + 1 :]), x.dtype)
    if y.size:
        outer, inner = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
        x3, y3 = x.reshape(outer, taps.size, inner), y.reshape(outer, taps.out, inner)
        _kernels().run_along(x3, y3, taps.starts, taps.places, taps.weights[x.dtype])
    return y


def nearest(n: int, m: int, scale: float, exact: bool) -> Taps:
    """Each output is one pixel: floor(i · scale), or with `exact` floor((i + ½) · scale)."""
    at = np.arange(m, dtype=np.float32) + np.float32(0.5 if exact else 0)
    places = (at * np.float32(scale)).astype(np.intp)  # in single precision, as PyTorch's
    return Taps(n, np.minimum(places, n - 1)[:, None], np.ones((m, 1)))


def sources(n: int, m: int, scale: float, align_corners: bool) -> Array:
    """The positions of the outputs among the pixels."""
    i = np.arange(m)
    if align_corners:
        return i * ((n - 1) / (m - 1) if m > 1 else 0.0)
    return (i + 0.5) * scale - 0.5


def linear(n: int, m: int, scale: float, align_corners: bool) -> Taps:
    """Linear interpolation between two pixels; beyond the ends, the last one."""
    at = np.maximum(sources(n, m, scale, align_corners), 0)
    low = np.minimum(at.astype(np.intp), n - 1)
    part = np.clip(at - low, 0, 1)
    places = np.stack([low, np.minimum(low + 1, n - 1)], 1)
    return Taps(n, places, np.stack([1 - part, part], 1))


def cubic_weights(t: Any) -> list[Any]:
    """The weights of the four pixels around a point t beyond the second, with Keys' a = -3/4.

    References
    ----------
    R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """
    a = -0.75

    def near(s: Any) -> Any:
        return ((a + 2) * s - (a + 3)) * s * s + 1

    def far(s: Any) -> Any:
        return ((a * s - 5 * a) * s + 8 * a) * s - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def cubic(n: int, m: int, scale: float, align_corners: bool) -> Taps:
    """Cubic interpolation among four pixels; beyond the ends, the last one."""
    at = sources(n, m, scale, align_corners)
    low = np.floor(at).astype(np.intp)
    places = np.clip(low[:, None] + np.arange(-1, 3), 0, n - 1)
    return Taps(n, places, np.stack(cubic_weights(at - low), 1))


def smoothed(n: int, m: int, scale: float, align_corners: bool, reach: int) -> Taps:
    """As `linear` (reach 1) or `cubic` (reach 2, a = -1/2), stretched where the axis shrinks."""
    if align_corners:
        scale = (n - 1) / (m - 1) if m > 1 else 0.0
    wide = max(scale, 1.0)
    center = (np.arange(m) + 0.5) * scale
    first = np.maximum((center - reach * wide + 0.5).astype(np.intp), 0)
    last = np.minimum((center + reach * wide + 0.5).astype(np.intp), n)
    places = first[:, None] + np.arange(int((last - first).max()))
    s = np.abs((places + 0.5 - center[:, None]) / wide)
    if reach == 1:
        weights = np.maximum(1 - s, 0)
    else:
        inner, outer = (1.5 * s - 2.5) * s * s + 1, ((-0.5 * s + 2.5) * s - 4) * s + 2
        weights = np.where(s < 1, inner, np.where(s < 2, outer, 0))
    weights = np.where(places < last[:, None], weights, 0)
    return Taps(n, np.minimum(places, n - 1), weights / weights.sum(axis=1, keepdims=True))


resample: Op = Op(
    _resample,
    r"{taps}_{{{axis}}} {x:3}",
    lambda g, y, x, axis, taps: resample.call(g, axis, taps.T),
)

# What tests sample
cases(
    "resample",
    case(A(2, 3), -1, linear(3, 5, 0.6, False)),
    case(A(2, 3, 2), 1, cubic(3, 4, 0.75, True)),
    case(A(2, 4), 1, nearest(4, 3, 4 / 3, False).T.T),
    case(A(1, 7), 1, smoothed(7, 3, 7 / 3, False, 2)),
)
