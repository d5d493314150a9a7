"""Kullback–Leibler divergence."""

from __future__ import annotations

import numpy as np

import autograd
from autograd.ops.losses.cross_entropy import REDUCTIONS
from autograd.value import Value
from nn.arguments import flags
from nn.functional.half import by_single
from nn.functional.reduction import in_range, paired, reduced
from nn.functional.tensor import Tensor


@by_single
def kl_div(
    input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False
) -> Value:
    r"""Kullback–Leibler divergence of the target distribution from the input's.

    .. math:: ℓ = t (\log t - x), \qquad x \text{ logarithms of probabilities}

    Parameters
    ----------
    input : logarithms of probabilities.
    target : probabilities of the input's shape, or their logarithms.
    reduction : "batchmean", the divergence itself, divides the sum by the size of the first axis;
        "mean" divides it by the number of elements, "sum" and "none" by nothing.
    log_target : whether the target holds logarithms.

    References
    ----------
    Kullback & Leibler, On information and sufficiency, 1951.

    Examples
    --------
    >>> import nn, numpy as np
    >>> log_p = nn.Parameter(np.log([[0.5, 0.5]]))
    >>> y = nn.functional.kl_div(log_p, np.array([[1.0, 0.0]]), reduction="batchmean")
    >>> round(y.item(), 4)  # log 2
    0.6931
    """
    flags("kl_div", log_target=log_target)
    if reduction not in (*REDUCTIONS, "batchmean"):
        raise ValueError(
            f"kl_div: reduction must be one of {(*REDUCTIONS, 'batchmean')}, got {reduction!r}."
        )
    x, t = paired("kl_div", input, target)
    if log_target:
        losses = np.exp(t) * (t - x)
    else:
        in_range("kl_div", "target", t, 0, np.inf)
        losses = autograd.xlogy(t, t) - t * x
    if reduction == "batchmean":
        return np.sum(losses) / (len(x) or np.nan) if x.ndim else losses
    return reduced(losses, reduction, "kl_div")
