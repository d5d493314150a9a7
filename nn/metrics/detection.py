"""Object detection metrics: mean average precision (mAP)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.node import Array
from nn.metrics.boxes import as_boxes, as_threshold, overlaps
from nn.metrics.metric import Metric

WHO = "mean_average_precision"


class MeanAveragePrecision(Metric):
    r"""Mean average precision (mAP) of predicted boxes over all classes.

    Within each image, predicted boxes are matched in order of decreasing score, each to the
    unmatched true box of its class with the largest IoU (COCO's rule). A match of at least the
    threshold is a true positive; duplicate detections are false positives. With the boxes of all
    images sorted by score, the first k have

    .. math:: \text{precision}_k = \frac{\text{true positives}_k}{k}, \qquad
        \text{recall}_k = \frac{\text{true positives}_k}{\text{true boxes}}

    Average precision is the area under the precision-recall curve, where each precision is first
    raised to the maximum at any larger recall. All points are used, as in PASCAL VOC since 2010;
    COCO samples the same curve at 101 recalls, which gives nearly the same value.

    Parameters
    ----------
    iou_threshold : smallest IoU of a true positive. COCO's main metric is the mean over 0.5, 0.55,
        …, 0.95.

    Raises
    ------
    ValueError
        A threshold outside 0 to 1.

    Notes
    -----
    Classes without true boxes are excluded from the mean. Ties in the score keep the order of the
    boxes.

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
    better = "max"

    def __init__(self, iou_threshold: float = 0.5) -> None:
        self.iou_threshold = as_threshold("MeanAveragePrecision", iou_threshold)
        self.reset()

    def reset(self) -> None:
        self._scores: Array = np.zeros(0)
        self._labels: Array = np.zeros(0, np.int64)
        self._correct: Array = np.zeros(0, bool)
        self._true_labels: Array = np.zeros(0, np.int64)

    def update(self, outputs: Any, targets: Any) -> None:
        """Add the detections of a batch of images.

        Parameters
        ----------
        outputs : one dict per image with boxes (n, 4), rows x1, y1, x2, y2, scores (n,) and labels
            (n,), as torchvision's detectors return them.
        targets : one dict per image with boxes (m, 4) and labels (m,).

        Raises
        ------
        ValueError
            Different numbers of images, incompatible shapes, invalid boxes or NaN.
        TypeError
            Arguments that are not lists of dicts, or labels that are not integers.
        """
        if not (_is_list(outputs) and _is_list(targets)):
            raise TypeError(
                f"{WHO}: outputs and targets must be lists with one dict per image, got "
                f"{type(outputs).__name__} and {type(targets).__name__}."
            )
        if len(outputs) != len(targets):
            raise ValueError(f"{WHO}: outputs have {len(outputs)} images, targets {len(targets)}.")
        predicted = [_parts("outputs", i, image, True) for i, image in enumerate(outputs)]
        true = [_parts("targets", i, image, False) for i, image in enumerate(targets)]
        correct = [
            _matched(boxes, scores, labels, true_boxes, true_labels, self.iou_threshold)
            for (boxes, labels, scores), (true_boxes, true_labels, _) in zip(
                predicted, true, strict=True
            )
        ]
        self._scores = np.concatenate([self._scores, *(scores for _, _, scores in predicted)])
        self._labels = np.concatenate([self._labels, *(labels for _, labels, _ in predicted)])
        self._correct = np.concatenate([self._correct, *correct])
        self._true_labels = np.concatenate([self._true_labels, *(labels for _, labels, _ in true)])

    def __call__(self, outputs: Any, targets: Any) -> float:
        """The metric of these images alone; the accumulated state is not changed."""
        fresh = self.fresh()
        fresh.update(outputs, targets)
        return fresh.compute()

    def curve(self, label: int | None = None) -> tuple[Array, Array, Array]:
        """The precision-recall curve: precision, recall and score of each box, each (k,).

        Parameters
        ----------
        label : class index; by default all classes are pooled.

        Returns
        -------
        precision, recall, score : by decreasing score.

        Raises
        ------
        ValueError
            There is no true box, so recall is undefined.
        """
        chosen = slice(None) if label is None else self._labels == label
        true = self._true_labels
        count = true.size if label is None else np.count_nonzero(true == label)
        if not count:
            raise ValueError(
                f"{WHO}: there is no true box{'' if label is None else f' of class {label}'}; "
                f"there are boxes of classes {np.unique(true).tolist()}."
            )
        scores = self._scores[chosen]
        order = np.argsort(-scores, kind="stable")
        correct = np.cumsum(self._correct[chosen][order])
        return correct / np.arange(1, len(correct) + 1), correct / count, scores[order]

    def by_class(self) -> dict[int, float]:
        """Average precision of each class that has a true box."""
        return {
            int(label): average_precision(*self.curve(int(label))[:2])
            for label in np.unique(self._true_labels)
        }

    def compute(self) -> float:
        each = list(self.by_class().values())
        return float(np.mean(each)) if each else float("nan")


def mean_average_precision(outputs: Any, targets: Any, iou_threshold: float = 0.5) -> float:
    """Mean average precision (mAP) of predicted boxes; see `MeanAveragePrecision`.

    Parameters
    ----------
    outputs : one dict per image with boxes (n, 4), rows x1, y1, x2, y2, scores (n,) and integer
        labels (n,).
    targets : one dict per image with boxes (m, 4) and labels (m,).
    iou_threshold : smallest IoU of a true positive.

    Returns
    -------
    float from 0 to 1; NaN without true boxes.

    Raises
    ------
    ValueError
        Different numbers of images, incompatible shapes, invalid boxes or NaN.
    TypeError
        Arguments that are not lists of dicts, or labels that are not integers.

    Examples
    --------
    One of two objects is detected, and detected a second time, which is a false positive:

    >>> import nn
    >>> true = {"boxes": [[0, 0, 4, 4], [9, 9, 12, 12]], "labels": [0, 0]}
    >>> found = {"boxes": [[0, 0, 4, 4], [0, 0, 4, 3]], "scores": [0.9, 0.5], "labels": [0, 0]}
    >>> nn.metrics.mean_average_precision([found], [true])
    0.5
    """
    return MeanAveragePrecision(iou_threshold)(outputs, targets)


def average_precision(precision: Array, recall: Array) -> float:
    """Area under the precision-recall curve, with precision made nonincreasing."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0) * envelope).sum())


def _matched(
    boxes: Array, scores: Array, labels: Array, true: Array, true_labels: Array, threshold: float
) -> Array:
    """Which boxes of one image are true positives, (n,)."""
    iou = overlaps(boxes, true)
    iou[labels[:, None] != true_labels] = -1
    correct = np.zeros(len(boxes), bool)
    for i in np.argsort(-scores, kind="stable") if len(true) else ():
        best = iou[i].argmax()
        if iou[i, best] >= threshold:
            correct[i] = True
            iou[:, best] = -1
    return correct


def _is_list(images: Any) -> bool:
    return isinstance(images, Sequence) and all(isinstance(image, Mapping) for image in images)


def _parts(name: str, i: int, image: Mapping[str, Any], scored: bool) -> tuple[Array, Array, Array]:
    """Checked boxes (n, 4), labels (n,) and scores (n,) of one image; targets have no scores."""
    place = f"{name}[{i}]"
    keys = ("boxes", "labels", "scores") if scored else ("boxes", "labels")
    missing = [key for key in keys if key not in image]
    if missing:
        raise ValueError(f"{WHO}: {place} has no {missing[0]!r}; it must have {', '.join(keys)}.")
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
        raise ValueError(f"{WHO}: {place}['scores'] contain NaN and can't be sorted.")
    return boxes, labels.astype(np.int64), scores
