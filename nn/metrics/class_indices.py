"""Class indices from outputs and targets, in all the layouts that classifiers have."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.value import Value

IGNORED = -100
"""Class index that is ignored, as in cross-entropy."""


class OfClasses:
    """What the metrics of classifiers share: how outputs and targets are read.

    Attributes
    ----------
    threshold : a single score above it means class 1; None is 0.5, or what `follow` says.
    multilabel : whether targets of the outputs' shape (N, C) are a question for each output
        (True), or rows of class probabilities, such as one-hot ones (False). None tells by the
        targets: they are such rows if each adds up to 1.
    ignore_index : targets with this class index do not count; None is what `follow` says. Those of
        −100 never count.
    """

    name: str
    threshold: float | None = None
    multilabel: bool | None = None
    ignore_index: int | None = None
    _logits = False
    _ignored = IGNORED
    _read_as = ""  # what the batches so far were, where `multilabel` is None

    def follow(self, logits: bool, ignored: int | None) -> None:
        """Read as the loss does where nothing else was asked for; `nn.train.fit` calls it.

        Parameters
        ----------
        logits : whether single scores are logits, so that the threshold is 0.
        ignored : the loss's ignore_index, or None.
        """
        self._logits = logits
        self._ignored = IGNORED if ignored is None else ignored

    def _threshold(self) -> float:
        own = self.threshold
        return own if own is not None else 0.0 if self._logits else 0.5

    def predictions(self, outputs: Array, targets: Array) -> tuple[Array, Array, int]:
        """Predicted and true class indices, both (n,), and how many classes are known to be.

        −1 is predicted where a score is NaN.

        Integers of the targets' shape are predicted class indices. One score for each target
        predicts class 1 above the threshold. Of scores (N, C, ...) the largest counts.
        """
        outputs, targets = arrays(self.name, outputs, targets)
        if outputs.ndim == 1 and targets.shape == (*outputs.shape, 1):
            targets = targets[:, 0]
        same = outputs.shape == targets.shape
        if same and outputs.dtype.kind in "iu" and self._threshold() == 0.5:
            keep = self._counted(targets)
            return outputs[keep].astype(np.int64), targets[keep].astype(np.int64), 0
        alone = outputs.shape[1:2] in ((), (1,))
        channel = alone and outputs.shape[2:] == targets.shape[1:]  # (N, 1, H, W) for (N, H, W)
        single = outputs.shape == (*targets.shape, 1) or (alone and (same or channel))
        if single or (same and not self._are_rows(outputs, targets)):
            if not ((targets == 0) | (targets == 1)).all():
                raise ValueError(
                    f"{self.name}: with one output per target, {outputs.shape}, targets must be 0 "
                    f"or 1; got {targets.min()} to {targets.max()}."
                )
            scores = outputs.reshape(-1)
            chosen = np.where(np.isnan(scores), -1, scores > self._threshold())
            return chosen.astype(np.int64), targets.reshape(-1).astype(np.int64), 1
        if self.multilabel:
            raise ValueError(
                f"{self.name}: there must be a target for each output, {outputs.shape}, got "
                f"{targets.shape}."
            )
        scores, classes = self.class_scores(outputs, targets)
        return np.where(np.isnan(scores).any(1), -1, scores.argmax(1)), classes, outputs.shape[1]

    def _are_rows(self, outputs: Array, targets: Array) -> bool:
        """Whether targets of the outputs' shape are class probabilities along axis 1."""
        if self.multilabel is not None or not targets.size:
            return not self.multilabel
        if self._read_as != "labels" and are_distributions(targets):
            self._read_as = "rows"
            return True
        if targets.ndim > 2 and are_distributions(targets, -1):
            raise ValueError(
                f"{self.name}: the targets {targets.shape} look like one-hot rows along the last "
                "axis; classes stand in axis 1: np.moveaxis(targets, -1, 1), and the outputs too."
            )
        sums = set(np.unique(targets.sum(1, dtype=np.float64)).tolist())
        if self._read_as == "rows" or (not self._read_as and sums == {0.0, 1.0}):
            raise ValueError(
                f"{self.name}: some rows of the targets have one class, others have not; say "
                "which they are with multilabel=True (any number of labels) or multilabel=False "
                "(classes); by name they are 'binary_accuracy' and 'categorical_accuracy'."
            )
        self._read_as = "labels"
        return False

    def class_scores(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Scores (n, C) and class indices (n,) of all samples that are not ignored.

        Outputs have shape (N, C, d1, ...); targets are integers of shape (N, d1, ...), or class
        probabilities of the outputs' shape, such as one-hot rows, whose largest counts.
        """
        outputs, targets = arrays(self.name, outputs, targets)
        if outputs.ndim < 2:
            raise ValueError(
                f"{self.name}: outputs must have shape (N, C, ...), got {outputs.shape}."
            )
        classes = outputs.shape[1]
        if targets.shape == outputs.shape:
            probabilities(self.name, targets)
            targets = targets.argmax(1)
        rest = outputs.shape[:1] + outputs.shape[2:]
        if targets.shape == (*rest[:1], 1, *rest[1:]):  # Keras's (N, 1)
            targets = targets.reshape(rest)
        whole = targets.dtype.kind in "iub" or (targets == np.floor(targets)).all()
        if not whole or targets.shape != rest:
            raise ValueError(
                f"{self.name}: for outputs {outputs.shape} targets must be class indices "
                f"(integers) of shape {rest}, got {targets.dtype} of shape {targets.shape}."
            )
        if outputs.ndim > 2:
            outputs = np.moveaxis(outputs, 1, -1).reshape(-1, classes)
            targets = targets.reshape(-1)
        keep = self._counted(targets)
        if not keep.all():
            outputs, targets = outputs[keep], targets[keep]
        if targets.size and not 0 <= targets.min() <= targets.max() < classes:
            raise ValueError(
                f"{self.name}: targets hold class indices {targets.min()} to {targets.max()}, but "
                f"the outputs {outputs.shape} have {classes} classes."
            )
        return outputs, targets.astype(np.int64)

    def _counted(self, targets: Array) -> Array:
        """Where targets are not ignored."""
        also = self._ignored if self.ignore_index is None else self.ignore_index
        keep: Array = (targets != IGNORED) & (targets != also)
        return keep


def arrays(who: str, outputs: Any, targets: Any) -> tuple[Array, Array]:
    """Outputs and targets as arrays of numbers; several outputs in place of one are refused."""
    return _array(who, "outputs", outputs), _array(who, "targets", targets)


def _array(who: str, name: str, given: Any) -> Array:
    array = given.data if isinstance(given, Value) else given
    if not hasattr(array, "__array__"):
        raise TypeError(
            f"{who}: {name} must be one array, not a {type(given).__name__}; for a model with "
            "several outputs write a metric of your own, which picks one: "
            f"lambda outputs, targets: nn.metrics.{who}(outputs[0], targets)."
        )
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{who}: {name} must be numbers, got {array.dtype}.")
    return array


def are_distributions(targets: Array, axis: int = 1) -> bool:
    """Whether numbers along an axis are class probabilities: at least 0, with the sum 1."""
    sums = targets.sum(axis, dtype=np.float64)
    return bool((targets >= 0).all() and (np.abs(sums - 1) <= 0.01).all())


def probabilities(who: str, targets: Array) -> None:
    """Refuse targets of the outputs' shape that are no class probabilities along axis 1."""
    if not are_distributions(targets):
        raise ValueError(
            f"{who}: targets of the outputs' shape {targets.shape} must be class probabilities "
            "that add up to 1 along axis 1, such as one-hot rows."
        )
