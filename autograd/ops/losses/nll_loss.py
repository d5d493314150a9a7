"""The negative log-likelihood loss: the second half of cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.op import Whole
from autograd.ops.losses.class_probabilities import class_rows
from autograd.ops.losses.cross_entropy import check_options, checked
from autograd.tape import current
from autograd.value import Value


def nll_loss(
    log_p: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """−log_p[target], averaged: the second half of `cross_entropy`, composed of ops.

    Parameters
    ----------
    log_p : array or Value, (N, C), (N, C, d1, ...) or (C,), log-probabilities.
    target, weight, ignore_index, reduction
        As in `cross_entropy`, the targets class indices.

    Returns
    -------
    Value of shape (), or of the targets' shape where reduction is "none".

    Raises
    ------
    TypeError, ValueError : targets of another dtype or shape, or out of range.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> log_p = np.log([[0.5, 0.5], [0.25, 0.75]])
    >>> np.exp(-autograd.ops.nll_loss(log_p, [0, 1], reduction="none"))
    array([0.5 , 0.75])
    """
    if not isinstance(log_p, Value):
        log_p = array_of(log_p, "nll_loss: input")
    try:
        check_options(log_p, weight, reduction, 0.0)
        t, keep = _indices(log_p, target, weight, ignore_index, reduction)
    except (TypeError, ValueError) as error:
        raise type(error)(f"nll_loss: {error}") from None
    kind = log_p.dtype
    factors = (
        np.ones(len(t), kind) if weight is None else array_of(weight, "weight").astype(kind)[t]
    )
    if keep is not None:
        factors = factors * keep
    rows = class_rows(log_p)
    losses = -rows[np.arange(len(t)), t]
    if keep is not None:
        losses = np.where(keep, losses, 0)  # also where it is inf
    if weight is not None:
        losses = losses * factors
    if reduction == "none":
        return np.reshape(losses, np.shape(target))
    total = np.sum(losses)
    if reduction == "sum":
        return total
    share = np.sum(factors)
    return total / np.where(np.equal(share, 0), np.asarray(np.nan, kind), share)


def _indices(log_p: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """The class indices, raveled, and which to keep (None for all); nodes where a tape is open."""

    def found(t: Any) -> Any:
        return checked(log_p, t, weight, ignore_index, reduction, 0.0)

    if not (isinstance(target, Value) and current()):
        return found(target)

    def both(t: Any) -> Any:
        t, keep = found(t)
        return t, np.ones(len(t), bool) if keep is None else keep

    return Whole("class indices", both)(target)
