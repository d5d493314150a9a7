"""Boxes around things: how far two overlap, and which of many to keep."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.metrics.metric import Array


def box_iou(boxes1: Any, boxes2: Any) -> Array:
    r"""Intersection over union of every box with every other.

    .. math:: \mathrm{IoU}(a, b) = \frac{|a \cap b|}{|a \cup b|}

    Parameters
    ----------
    boxes1, boxes2 : shapes (N, 4) and (M, 4), each row x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2.
        A box ends where its last pixel ends: one pixel is (0, 0, 1, 1).

    Returns
    -------
    floats from 0 to 1, shape (N, M). Two boxes without any area have 0.

    Raises
    ------
    ValueError
        Another shape; a box that ends before it begins, or holds NaN or infinity.
    TypeError
        Not numbers.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.box_iou([[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]]).round(3)
    array([[1.   , 0.333, 0.   ]])
    """
    first, second = as_boxes("box_iou", "boxes1", boxes1), as_boxes("box_iou", "boxes2", boxes2)
    return overlaps(first, second)


def nms(boxes: Any, scores: Any, iou_threshold: float) -> Array:
    """Non-maximum suppression: of boxes that overlap too far, the one with the best score.

    The box with the best score is kept, every other whose IoU with it exceeds the threshold is
    dropped, and so on with those that are left. For several classes, call it once for each.

    Parameters
    ----------
    boxes : shape (N, 4), each row x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2.
    scores : shape (N,). Of equal ones the earlier counts as better.
    iou_threshold : from 0 to 1.

    Returns
    -------
    int64, shape (K,) : the rows to keep, best score first.

    Raises
    ------
    ValueError
        Shapes that do not fit; a box that ends before it begins; NaN; a threshold out of range.
    TypeError
        Not numbers.

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
            f"nms: boxes {kept.shape} need scores of shape {kept.shape[:1]}, got {values.shape}."
        )
    if np.isnan(values).any():
        raise ValueError("nms: scores hold NaN, which has no place in an order.")
    threshold = as_share("nms", iou_threshold)
    order = np.argsort(-values, kind="stable")
    best = []
    while order.size:
        best.append(order[0])
        apart = overlaps(kept[order[:1]], kept[order[1:]])[0] <= threshold
        order = order[1:][apart]
    return np.array(best, np.int64)


def overlaps(a: Array, b: Array) -> Array:
    """IoU of boxes that were checked: (N, 4) and (M, 4) make (N, M)."""
    corner = np.maximum(a[:, None, :2], b[:, :2])
    opposite = np.minimum(a[:, None, 2:], b[:, 2:])
    common = np.clip(opposite - corner, 0, None).prod(-1)
    union = areas(a)[:, None] + areas(b) - common
    iou: Array = common / np.where(union > 0, union, 1)
    return iou


def areas(boxes: Array) -> Array:
    """Width times height, (N,)."""
    area: Array = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    return area


def as_boxes(who: str, name: str, boxes: Any) -> Array:
    """Boxes as floats, (N, 4); no boxes at all may be an empty list."""
    array = np.asarray(boxes)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{who}: {name} must hold numbers, got {array.dtype}.")
    if array.size == 0 and array.ndim == 1:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(
            f"{who}: {name} must have shape (N, 4), x1, y1, x2, y2 in each row, got {array.shape}."
        )
    array = array.astype(np.result_type(array, np.float32), copy=False)
    bad = ~(np.isfinite(array).all(1) & (array[:, :2] <= array[:, 2:]).all(1))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"{who}: {name}[{row}] is {array[row].tolist()}; boxes are x1, y1, x2, y2 with "
            "x1 <= x2 and y1 <= y2, not x, y, width, height."
        )
    return array


def as_share(who: str, iou_threshold: float) -> float:
    """A threshold between 0 and 1."""
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"{who}: iou_threshold must be between 0 and 1, got {iou_threshold}.")
    return float(iou_threshold)
