"""Losses of classifiers."""

from __future__ import annotations

from typing import Any

from nn import functional as F  # noqa: N812
from nn.functional.half import by_single
from nn.onnx.table import plain, reads


@reads("SoftmaxCrossEntropyLoss")
def _cross_entropy(
    x: Any, target: Any, weight: Any = None, *, ignore_index: int | None = None,
    reduction: str = "mean", node: Any,
) -> Any:  # fmt: skip
    ignored = -(2**31) if ignore_index is None else ignore_index
    y = by_single(F.cross_entropy)(
        x, plain(target), plain(weight), ignore_index=ignored, reduction=reduction
    )
    return (y, F.log_softmax(x, 1)) if len(node.outputs) > 1 else y


@reads("NegativeLogLikelihoodLoss")
def _nll(
    x: Any, target: Any, weight: Any = None, *, ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    ignored = -(2**31) if ignore_index is None else ignore_index
    return by_single(F.nll_loss)(
        x, plain(target), plain(weight), ignore_index=ignored, reduction=reduction
    )
