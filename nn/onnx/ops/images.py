"""Resizing and sampling images, and choosing among boxes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.ops.images.resample import Taps, resample
from nn import functional as F  # noqa: N812
from nn.functional.half import by_single
from nn.onnx.table import Unsupported, bounded, integers, like, plain, reads


def _positions(how: str, n: int, m: int, scale: float, low: float, high: float) -> Any:
    """Where the m outputs lie among n pixels."""
    i = np.arange(m, dtype=np.float64)
    if how == "align_corners":
        return i * (n - 1) / (n * scale - 1) if m > 1 else 0 * i
    if how == "asymmetric":
        return i / scale
    if how == "pytorch_half_pixel":
        return (i + 0.5) / scale - 0.5 if m > 1 else 0 * i
    if how == "half_pixel_symmetric":
        exact = n * scale
        return n / 2 * (1 - m / exact) + (i + 0.5) / scale - 0.5
    if how == "tf_half_pixel_for_nn":
        return (i + 0.5) / scale
    if how == "tf_crop_and_resize":
        if m > 1:
            return low * (n - 1) + i * (high - low) * (n - 1) / (m - 1)
        return 0.5 * (low + high) * (n - 1) + 0 * i
    if how == "half_pixel":
        return (i + 0.5) / scale - 0.5
    raise Unsupported(f"Resize with coordinate_transformation_mode={how!r}")


_ROUNDED: dict[str, Any] = {
    "round_prefer_floor": lambda at: np.ceil(at - 0.5),
    "round_prefer_ceil": lambda at: np.floor(at + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _weights(mode: str, away: Any, a: float) -> Any:
    if mode == "linear":
        return np.maximum(1 - away, 0)
    near = ((a + 2) * away - (a + 3)) * away**2 + 1
    far = a * (((away - 5) * away + 8) * away - 4)
    return np.where(away <= 1, near, np.where(away < 2, far, 0))


def _taps(mode: str, at: Any, n: int, scale: float, a: float, outside: int, antialias: int) -> Taps:
    """Which pixels each output sums, and how it weighs them."""
    shrink = min(scale, 1.0) if antialias else 1.0
    reach = (1 if mode == "linear" else 2) / shrink
    low = np.floor(at - reach) + 1
    steps = np.arange(int(np.ceil(2 * reach)) + 1)
    places = low[:, None] + steps
    weights = _weights(mode, np.abs(places - at[:, None]) * shrink, a)
    if outside:
        weights = np.where((places < 0) | (places >= n), 0, weights)
    total = weights.sum(axis=1, keepdims=True)
    weights = weights / np.where(total == 0, 1, total)
    return Taps(n, np.clip(places, 0, n - 1).astype(np.intp), weights)


@reads("Resize", since=11)
def _resize(
    x: Any, roi: Any = None, scales: Any = None, sizes: Any = None, *, antialias: int = 0,
    axes: Any = None, coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75, exclude_outside: int = 0, extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch", mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Any:  # fmt: skip
    chosen = list(range(x.ndim)) if axes is None else [k % x.ndim for k in axes]
    if sizes is not None and np.size(plain(sizes)):
        out = integers(sizes)
        factors = [m / x.shape[k] for m, k in zip(out, chosen, strict=True)]
        if keep_aspect_ratio_policy != "stretch":
            factor = (min if keep_aspect_ratio_policy == "not_larger" else max)(factors)
            factors = [factor] * len(chosen)
            out = [math.floor(factor * x.shape[k] + 0.5) for k in chosen]
    elif scales is not None and np.size(plain(scales)):
        factors = [float(v) for v in plain(scales)]
        out = [math.floor(x.shape[k] * f) for f, k in zip(factors, chosen, strict=True)]
    else:
        raise ValueError("Resize: neither scales nor sizes.")
    whole = list(x.shape)
    for k, m in zip(chosen, out, strict=True):
        whole[k] = m
    bounded(whole, "Resize")
    region = np.ravel(plain(roi)) if roi is not None else np.zeros(0)
    if region.size != 2 * len(chosen):
        region = np.array([0.0] * len(chosen) + [1.0] * len(chosen))
    how, wide, beyond = coordinate_transformation_mode, x.dtype, None
    if mode != "nearest" and x.dtype.kind != "f":
        x = plain(x).astype(np.float32)
    if x.dtype == np.float16 and mode != "nearest":
        x = x.astype(np.float32)
    for j, (k, m, factor) in enumerate(zip(chosen, out, factors, strict=True)):
        n = x.shape[k]
        if m == n and factor == 1 and how != "tf_crop_and_resize":
            continue
        at = _positions(how, n, m, factor, float(region[j]), float(region[j + len(chosen)]))
        if how == "tf_crop_and_resize":
            away = np.reshape((at < 0) | (at > n - 1), [-1 if i == k else 1 for i in range(x.ndim)])
            beyond = away if beyond is None else beyond | away
        if mode == "nearest":
            places = np.clip(_ROUNDED[nearest_mode](at).astype(np.int64), 0, n - 1)
            x = x[(slice(None),) * k + (places,)]
        else:
            kind = "linear" if mode == "linear" else "cubic"
            x = resample(
                x, k, _taps(kind, at, n, factor, cubic_coeff_a, exclude_outside, antialias)
            )
    if beyond is not None:
        x = np.where(beyond, like(extrapolation_value, x), x)
    if x.dtype == wide:
        return x
    return x.astype(wide) if wide.kind == "f" else np.rint(plain(x)).astype(wide)


@reads("Resize")
def _resize_10(x: Any, scales: Any, *, mode: str = "nearest") -> Any:
    return _upsampled(x, scales, mode)


@reads("Upsample", since=9)
def _upsample(x: Any, scales: Any, *, mode: str = "nearest") -> Any:
    return _upsampled(x, scales, mode)


@reads("Upsample")
def _upsample_7(x: Any, *, scales: Any, mode: str = "nearest") -> Any:
    return _upsampled(x, np.asarray(scales), mode)


def _upsampled(x: Any, scales: Any, mode: str) -> Any:
    return _resize(
        x,
        None,
        scales,
        mode=mode,
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


@reads("GridSample")
def _grid_sample(
    x: Any, grid: Any, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros"
) -> Any:
    names = {"linear": "bilinear", "cubic": "bicubic"}
    return by_single(F.grid_sample)(
        x, grid, names.get(mode, mode), padding_mode, bool(align_corners)
    )


@reads("AffineGrid")
def _affine_grid(theta: Any, size: Any, *, align_corners: int = 0) -> Any:
    return by_single(F.affine_grid)(theta, integers(size), bool(align_corners))


@reads("NonMaxSuppression")
def _non_max_suppression(
    boxes: Any, scores: Any, most: Any = None, iou: Any = None, least: Any = None, *,
    center_point_box: int = 0,
) -> Any:  # fmt: skip
    count = 0 if most is None else integers(most)[0]
    overlap = 0.0 if iou is None else float(np.ravel(plain(iou))[0])
    floor = None if least is None else float(np.ravel(plain(least))[0])
    b = plain(boxes)
    if center_point_box:
        middle, half = b[..., :2], b[..., 2:] / 2
        b = np.concatenate([middle - half, middle + half], axis=-1)
    low, high = np.minimum(b[..., :2], b[..., 2:]), np.maximum(b[..., :2], b[..., 2:])
    found = []
    for n, classes in enumerate(plain(scores)):
        area = np.prod(high[n] - low[n], axis=-1)
        for c, s in enumerate(classes):
            order = np.argsort(-s, kind="stable")
            if floor is not None:
                order = order[s[order] > floor]
            kept = 0
            while order.size and kept < count:
                best, order = order[0], order[1:]
                found.append((n, c, best))
                kept += 1
                sides = np.minimum(high[n, best], high[n, order]) - np.maximum(
                    low[n, best], low[n, order]
                )
                both = np.prod(np.maximum(sides, 0), axis=-1)
                union = area[best] + area[order] - both
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratio = np.where(union > 0, both / union, 0)
                order = order[ratio <= overlap]
    return np.array(found, np.int64).reshape(-1, 3)
