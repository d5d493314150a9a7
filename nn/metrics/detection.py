"""How good a detector is: mean average precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nn.metrics.boxes import as_boxes, as_share, overlaps
from nn.metrics.metric import Array, Metric

WHO = "mean_average_precision"


class MeanAveragePrecision(Metric):
    r"""Average precision of boxes, a mean over the classes.

    A predicted box is right if its class is, and its IoU with a true box of that class reaches the
    threshold. In each image boxes choose in the order of their scores, each the true box with the
    greatest IoU of those still free: a second box on the same thing is wrong (COCO's rule). Counted
    from the best score of all images down, after k boxes

    .. math:: \text{precision}_k = \frac{\text{right}_k}{k}, \qquad
        \text{recall}_k = \frac{\text{right}_k}{\text{true boxes}}

    and average precision is the area under that curve, after each precision was raised to the best
    one at any greater recall. All points count (PASCAL VOC since 2010); COCO reads the same curve
    at 101 recalls, which gives nearly the same.

    Parameters
    ----------
    iou_threshold : IoU from which on a box is right. COCO's headline number is the mean of those
        at 0.5, 0.55, … 0.95.

    Notes
    -----
    Classes of which no true box was seen are left out of the mean. Boxes of equal score count in
    the order in which they came.

    References
    ----------
    Everingham et al., "The PASCAL visual object classes challenge: a retrospective", 2015.
    Lin et al., "Microsoft COCO: common objects in context", 2014.

    Examples
    --------
    >>> import nn
    >>> metric = nn.metrics.MeanAveragePrecision()
    >>> predicted = {"boxes": [[0, 0, 4, 4], [5, 5, 9, 9]], "scores": [0.9, 0.8], "labels": [1, 2]}
    >>> true = {"boxes": [[0, 0, 4, 5], [5, 0, 9, 4]], "labels": [1, 2]}
    >>> metric.update([predicted], [true])
    >>> metric.by_class()
    {1: 1.0, 2: 0.0}
    >>> metric.compute()
    0.5
    """

    name = "map"

    def __init__(self, iou_threshold: float = 0.5) -> None:
        self.iou_threshold = as_share("MeanAveragePrecision", iou_threshold)
        self.reset()

    def reset(self) -> None:
        """As in `Metric`."""
        self._scores: Array = np.zeros(0)
        self._labels: Array = np.zeros(0, np.int64)
        self._right: Array = np.zeros(0, bool)
        self._there: Array = np.zeros(0, np.int64)

    def update(self, outputs: Any, targets: Any) -> None:
        """Count images in.

        Parameters
        ----------
        outputs : for each image a dict of boxes (n, 4), each x1, y1, x2, y2, scores (n,) and
            labels (n,), as PyTorch's detectors return them.
        targets : for each image a dict of boxes (m, 4) and labels (m,).
        """
        if not (_is_list(outputs) and _is_list(targets)):
            raise TypeError(
                f"{WHO}: outputs and targets are lists with one dict an image, got "
                f"{type(outputs).__name__} and {type(targets).__name__}."
            )
        if len(outputs) != len(targets):
            raise ValueError(f"{WHO}: outputs of {len(outputs)} images, targets of {len(targets)}.")
        found = [_parts("outputs", i, image, True) for i, image in enumerate(outputs)]
        true = [_parts("targets", i, image, False) for i, image in enumerate(targets)]
        right = [
            _matched(boxes, scores, labels, true_boxes, true_labels, self.iou_threshold)
            for (boxes, labels, scores), (true_boxes, true_labels, _) in zip(
                found, true, strict=True
            )
        ]
        self._scores = np.concatenate([self._scores, *(scores for _, _, scores in found)])
        self._labels = np.concatenate([self._labels, *(labels for _, labels, _ in found)])
        self._right = np.concatenate([self._right, *right])
        self._there = np.concatenate([self._there, *(labels for _, labels, _ in true)])

    def __call__(self, outputs: Any, targets: Any) -> float:
        """The number for these images; what was added up so far stays as it is."""
        fresh = self.fresh()
        fresh.update(outputs, targets)
        return fresh.compute()

    def curve(self, label: int | None = None) -> tuple[Array, Array, Array]:
        """Precision, recall and score after each box, best score first, each (k,).

        Parameters
        ----------
        label : a class; by default all classes are counted together.

        Raises
        ------
        ValueError
            No true box of it was seen, so that there is no recall.
        """
        chosen = slice(None) if label is None else self._labels == label
        there = self._there.size if label is None else np.count_nonzero(self._there == label)
        if not there:
            raise ValueError(
                f"{WHO}: no true box{'' if label is None else f' of class {label}'} was seen; "
                f"classes seen are {np.unique(self._there).tolist()}."
            )
        scores = self._scores[chosen]
        order = np.argsort(-scores, kind="stable")
        right = np.cumsum(self._right[chosen][order])
        return right / np.arange(1, len(right) + 1), right / there, scores[order]

    def by_class(self) -> dict[int, float]:
        """Average precision of each class of which a true box was seen."""
        return {
            int(label): average_precision(*self.curve(int(label))[:2])
            for label in np.unique(self._there)
        }

    def compute(self) -> float:
        """As in `Metric`."""
        each = list(self.by_class().values())
        return float(np.mean(each)) if each else float("nan")


def mean_average_precision(outputs: Any, targets: Any, iou_threshold: float = 0.5) -> float:
    """Average precision of predicted boxes, a mean over the classes: see `MeanAveragePrecision`.

    Parameters
    ----------
    outputs : for each image a dict of boxes (n, 4), each x1, y1, x2, y2, scores (n,) and labels
        (n,), integers.
    targets : for each image a dict of boxes (m, 4) and labels (m,).
    iou_threshold : IoU from which on a box is right.

    Returns
    -------
    float from 0 to 1; NaN if there is no true box.

    Raises
    ------
    ValueError
        Numbers of images or shapes that do not fit, boxes that end before they begin, NaN.
    TypeError
        Not lists of dicts; labels that are not integers.

    Examples
    --------
    Of two things one is found, with the better score, and once more, which is wrong:

    >>> import nn
    >>> true = {"boxes": [[0, 0, 4, 4], [9, 9, 12, 12]], "labels": [0, 0]}
    >>> found = {"boxes": [[0, 0, 4, 4], [0, 0, 4, 3]], "scores": [0.9, 0.5], "labels": [0, 0]}
    >>> nn.metrics.mean_average_precision([found], [true])
    0.5
    """
    return MeanAveragePrecision(iou_threshold)(outputs, targets)


def average_precision(precision: Array, recall: Array) -> float:
    """Area under precision against rising recall, each precision raised to the best behind it."""
    best_behind = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0) * best_behind).sum())


def _matched(
    boxes: Array, scores: Array, labels: Array, true: Array, true_labels: Array, threshold: float
) -> Array:
    """Which boxes of one image are right, (n,)."""
    iou = overlaps(boxes, true)
    iou[labels[:, None] != true_labels] = -1
    right = np.zeros(len(boxes), bool)
    for i in np.argsort(-scores, kind="stable") if len(true) else ():
        best = iou[i].argmax()
        if iou[i, best] >= threshold:
            right[i] = True
            iou[:, best] = -1
    return right


def _is_list(images: Any) -> bool:
    return isinstance(images, Sequence) and all(isinstance(image, Mapping) for image in images)


def _parts(name: str, i: int, image: Mapping[str, Any], scored: bool) -> tuple[Array, Array, Array]:
    """Boxes (n, 4), labels (n,) and scores (n,), or none, of one image."""
    place = f"{name}[{i}]"
    keys = ("boxes", "labels", "scores") if scored else ("boxes", "labels")
    missing = [key for key in keys if key not in image]
    if missing:
        raise ValueError(f"{WHO}: {place} has no {missing[0]!r}; it needs {', '.join(keys)}.")
    boxes = as_boxes(WHO, f"{place}['boxes']", image["boxes"])
    columns = [np.asarray(image[key]) for key in keys[1:]]
    for key, column in zip(keys[1:], columns, strict=True):
        if column.shape != boxes.shape[:1]:
            raise ValueError(
                f"{WHO}: {place} has boxes {boxes.shape}, so {key} must have shape "
                f"{boxes.shape[:1]}, got {column.shape}."
            )
    labels = columns[0]
    if labels.size and labels.dtype.kind not in "iu":
        raise TypeError(f"{WHO}: {place}['labels'] must be integers, got {labels.dtype}.")
    scores = columns[1].astype(np.float64) if scored else np.zeros(0)
    if np.isnan(scores).any():
        raise ValueError(f"{WHO}: {place}['scores'] hold NaN, which has no place in an order.")
    return boxes, labels.astype(np.int64), scores
