"""Classification losses."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd.dispatch import array_of
from autograd.ops.losses.cross_entropy import cross_entropy as fused_cross_entropy
from autograd.value import Value
from nn.arguments import flags, integers, reals
from nn.functional.half import by_single
from nn.functional.tensor import Tensor, floats


@by_single
def cross_entropy(
    input: Tensor,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Value:
    r"""−log softmax(input)[target], averaged over the batch.

    Parameters
    ----------
    input : logits, shape (N, C), (N, C, d1, ...) or (C,)
    target : class indices as integers, shape (N,), (N, d1, ...) or (); or probabilities as
        floats, of the input's shape.
    weight : class weights, shape (C,), optional. The mean divides by the sum of the
        factors of the targets.
    ignore_index : targets with this index are ignored; for class indices only.
    reduction : "mean", "sum" or "none".
    label_smoothing : share of the target's probability spread evenly over all classes.

    Returns
    -------
    Value of shape (), or of the targets' shape where reduction is "none".

    Raises
    ------
    ValueError
        Shapes that do not fit, a class index out of range.
        An ignore_index that probabilities can't have.
    TypeError
        Float targets that are not probabilities of the input's shape.

    Examples
    --------
    >>> import nn, numpy as np
    >>> logits = nn.Parameter([[2.0, 0.0], [0.0, 2.0]])
    >>> round(nn.functional.cross_entropy(logits, np.array([0, 1])).item(), 4)
    0.1269
    """
    if not isinstance(input, Value):
        input = array_of(input, "cross_entropy: input")
    integers("cross_entropy", ignore_index=ignore_index)
    reals("cross_entropy", label_smoothing=label_smoothing)
    if ignore_index >= 0:
        given = target if isinstance(target, Value) else np.asarray(target)
        if given.dtype.kind == "f" and given.shape == input.shape:
            raise ValueError(
                f"cross_entropy: ignore_index={ignore_index} is for class indices, but target "
                f"{given.shape} holds probabilities ({given.dtype}). Leave those rows out, or give "
                "them a target of zeros."
            )
    return fused_cross_entropy.call(input, target, weight, ignore_index, reduction, label_smoothing)


@by_single
def nll_loss(
    input: Tensor,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Value:
    """−input[target] for log-probabilities of shape (N, C), averaged over the batch.

    Arguments as in `cross_entropy`, whose second half this is.

    Examples
    --------
    >>> import nn, numpy as np
    >>> log_p = nn.functional.log_softmax(nn.Parameter([[2.0, 0.0], [0.0, 2.0]]), 1)
    >>> round(nn.functional.nll_loss(log_p, np.array([0, 1])).item(), 4)
    0.1269
    """
    integers("nll_loss", ignore_index=ignore_index)
    return autograd.ops.nll_loss(input, target, weight, ignore_index, reduction)


def ctc_loss(
    log_probs: Tensor,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Value:
    """Connectionist temporal classification: −log p(labels), summed over all alignments.

    Parameters
    ----------
    log_probs : logarithms of probabilities, (T, N, C) or (T, C).
    targets : labels, (N, S) padded, or concatenated, (sum of target_lengths,).
    input_lengths, target_lengths : (N,), or one number for (T, C).
    blank : index of the blank class.
    reduction : "mean" divides each loss by the length of its target first; "sum" or "none".
    zero_infinity : set the infinite loss of a target too long for its input to 0.

    References
    ----------
    Graves et al., Connectionist temporal classification, 2006.

    Examples
    --------
    >>> import nn, numpy as np
    >>> even = np.log(np.full((2, 1, 2), 0.5))  # 1 1, 1 blank, blank 1 of four say 1
    >>> float(np.exp(-nn.functional.ctc_loss(even, [[1]], [2], [1])).round(6))
    0.75
    """
    flags("ctc_loss", zero_infinity=zero_infinity)
    return autograd.ops.ctc_loss(
        floats("ctc_loss", log_probs, "log_probs"), targets, input_lengths, target_lengths, blank,
        reduction, zero_infinity,
    )  # fmt: skip
