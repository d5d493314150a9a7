"""Bounding boxes: intersection over union and non-maximum suppression."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from nn.arguments import reals


def box_iou(boxes1: Any, boxes2: Any) -> Array:
    r"""Pairwise intersection over union (IoU) of two sets of boxes.

    .. math:: \mathrm{IoU}(a, b) = \frac{|a \cap b|}{|a \cup b|}

    Parameters
    ----------
    boxes1, boxes2 : shapes (N, 4) and (M, 4), each row x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2.
        x2 and y2 are exclusive: a single pixel is (0, 0, 1, 1).

    Returns
    -------
    Floats from 0 to 1, shape (N, M). Two boxes of zero area have IoU 0.

    Raises
    ------
    ValueError
        Another shape; a box with x1 > x2 or y1 > y2, NaN or infinity.
    TypeError
        Entries that are not numbers.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.box_iou([[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]]).round(3)
    array([[1.   , 0.333, 0.   ]])
    """
    first, second = as_boxes("box_iou", "boxes1", boxes1), as_boxes("box_iou", "boxes2", boxes2)
    return overlaps(first, second)


def nms(boxes: Any, scores: Any, iou_threshold: float) -> Array:
    """Non-maximum suppression: keep the best-scoring of boxes that overlap.

    The box with the highest score is kept and all boxes whose IoU with it exceeds the threshold are
    discarded; this repeats with the remaining boxes. For several classes, call it once per class.

    Parameters
    ----------
    boxes : shape (N, 4), each row x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2.
    scores : shape (N,). Ties: the first box ranks higher.
    iou_threshold : from 0 to 1.

    Returns
    -------
    int64, shape (K,) : indices of the boxes to keep, highest score first.

    Raises
    ------
    ValueError
        Incompatible shapes; a box with x1 > x2 or y1 > y2; NaN; a threshold out of range.
    TypeError
        Entries that are not numbers.

    Examples
    --------
    >>> import nn
    >>> boxes = [[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]]
    >>> nn.metrics.nms(boxes, [0.6, 0.9, 0.3], iou_threshold=0.5)
    array([1, 2])
    """
    kept = as_boxes("nms", "boxes", boxes)
    values = np.asarray(scores, np.float64)
    if values.shape != kept.shape[:1]:
        raise ValueError(
            f"nms: boxes {kept.shape} require scores of shape {kept.shape[:1]}, got {values.shape}."
        )
    if np.isnan(values).any():
        raise ValueError("nms: scores contain NaN and can't be sorted.")
    threshold = as_threshold("nms", iou_threshold)
    order = np.argsort(-values, kind="stable")
    best = []
    while order.size:
        best.append(order[0])
        apart = overlaps(kept[order[:1]], kept[order[1:]])[0] <= threshold
        order = order[1:][apart]
    return np.array(best, np.int64)


def overlaps(a: Array, b: Array) -> Array:
    """Pairwise IoU (N, M) of checked boxes (N, 4) and (M, 4)."""
    corner = np.maximum(a[:, None, :2], b[:, :2])
    opposite = np.minimum(a[:, None, 2:], b[:, 2:])
    common = np.clip(opposite - corner, 0, None).prod(-1)
    union = areas(a)[:, None] + areas(b) - common
    iou: Array = common / np.where(union > 0, union, 1)
    return iou


def areas(boxes: Array) -> Array:
    """Areas of boxes, (N,)."""
    area: Array = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return area


def as_boxes(who: str, name: str, boxes: Any) -> Array:
    """Boxes as floats, (N, 4); an empty list is (0, 4)."""
    array = np.asarray(boxes)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{who}: {name} must hold numbers, got {array.dtype}.")
    if array.size == 0 and array.ndim == 1:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(
            f"{who}: {name} must have shape (N, 4) with rows x1, y1, x2, y2, got {array.shape}."
        )
    array = array.astype(np.result_type(array, np.float32), copy=False)
    bad = ~(np.isfinite(array).all(1) & (array[:, :2] <= array[:, 2:]).all(1))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{who}: {name}[{row}] is {array[row].tolist()}; boxes must be x1, y1, x2, y2 with "
            "x1 <= x2 and y1 <= y2, not x, y, width, height."
        )
    return array


def as_threshold(who: str, iou_threshold: float) -> float:
    """Check a threshold between 0 and 1 and return it."""
    reals(who, iou_threshold=iou_threshold)
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"{who}: iou_threshold must be between 0 and 1, got {iou_threshold}.")
    return float(iou_threshold)
