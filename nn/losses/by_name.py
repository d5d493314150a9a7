"""The losses that go by a name, PyTorch's or Keras's."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial, update_wrapper
from inspect import signature
from typing import Any

import numpy as np

from autograd.node import Array
from nn import functional
from nn.arguments import chosen
from nn.functional.reduction import reduced

Loss = Callable[..., Any]


def elementwise(function: Loss) -> Loss:
    """A loss whose targets may have shape (N,) for outputs (N, 1), and hold integers."""

    def loss(outputs: Any, target: Array) -> Any:
        if target.shape != outputs.shape and (*target.shape, 1) == outputs.shape:
            target = target.reshape(outputs.shape)
        if target.dtype is not outputs.dtype:
            target = target.astype(outputs.dtype)
        return function(outputs, target)

    loss.__name__ = function.__name__
    if not isinstance(function, partial):
        loss.each = elementwise(each(function))  # type: ignore[attr-defined]
    return loss


def each(function: Loss) -> Loss:
    """A loss function with ``reduction="none"``."""
    return update_wrapper(partial(function, reduction="none"), function)


def categorical_crossentropy(outputs: Any, target: Array, reduction: str = "mean") -> Any:
    """−log of the target's probability, from probabilities (N, C), as Keras has it.

    Targets are one-hot rows, or class indices of shape (N,) or (N, 1), in floats too.
    `cross_entropy` is the same from logits, without the Softmax, and more exact.
    """
    p = np.asarray(outputs.data)
    if p.ndim != 2 or (p < 0).any() or np.abs(p.sum(1) - 1).max(initial=0) > 1e-3:
        raise ValueError(
            "categorical_crossentropy: the model must end with Softmax, so that each row of its "
            f"outputs adds up to 1; shape {p.shape}. For logits, choose 'cross_entropy'."
        )
    if p.shape[1] == 1:
        raise ValueError(
            "categorical_crossentropy: one output is no choice between classes; its Softmax is "
            "always 1. For yes or no choose 'binary_crossentropy', with Sigmoid."
        )
    log_p = np.log(np.maximum(outputs, np.finfo(p.dtype).tiny))
    if target.shape == p.shape:
        losses = -np.sum(log_p * target.astype(p.dtype), axis=1)
        return reduced(losses, reduction, "categorical_crossentropy")
    if target.shape == (len(p), 1):
        target = target[:, 0]
    if target.ndim == 2:
        raise ValueError(
            f"categorical_crossentropy: target has shape {target.shape}, the outputs {p.shape}; "
            "one-hot rows have a place for each output, class indices the shape (N,)."
        )
    if target.dtype.kind == "f" and (target == np.floor(target)).all():
        target = target.astype(np.int64)
    return functional.nll_loss(log_p, target, reduction=reduction)


_binary = elementwise(functional.binary_cross_entropy)
_binary_logits = elementwise(functional.binary_cross_entropy_with_logits)
_squares, _absolutes = elementwise(functional.mse_loss), elementwise(functional.l1_loss)

LOSSES: dict[str, Loss] = {
    "binary_cross_entropy": _binary,
    "binary_cross_entropy_with_logits": _binary_logits,
    "binary_crossentropy": _binary,
    "categorical_crossentropy": categorical_crossentropy,
    "cross_entropy": functional.cross_entropy,
    "huber": elementwise(functional.huber_loss),
    "l1": _absolutes,
    "mae": _absolutes,
    "mean_absolute_error": _absolutes,
    "mean_squared_error": _squares,
    "mse": _squares,
    "nll": functional.nll_loss,
    "smooth_l1": elementwise(functional.smooth_l1_loss),
    "sparse_categorical_crossentropy": categorical_crossentropy,
}


def loss_for(loss: Any) -> Loss:
    """The function ``loss(outputs, target)`` that is meant."""
    if isinstance(loss, str):
        function: Loss = chosen("loss", loss, LOSSES)
        return function
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(
            f"loss must be a name, a loss module such as nn.MSELoss(), or a function of outputs "
            f"and target, not {loss!r}."
        )
    made: Loss = loss
    return made


def setting(loss: Any, name: str) -> Any:
    """What a loss module, or a function by `functools.partial`, was given for an argument."""
    if isinstance(loss, partial):
        given = loss.keywords.get(name)
        return setting(loss.func, name) if given is None else given
    return getattr(loss, name, None)


def unreduced(loss: Loss) -> Loss:
    """The same loss for each sample or position by itself, for weights.

    Raises
    ------
    TypeError
        A function of one's own, which returns a mean already.
    """
    if hasattr(loss, "each"):
        found: Loss = loss.each
        return found
    if hasattr(loss, "reduction"):
        alone = copy.copy(loss)
        alone.reduction = "none"
        return alone
    try:
        takes = "reduction" in signature(loss).parameters
    except (TypeError, ValueError):
        takes = False
    if not takes:
        raise TypeError(
            "fit: sample_weight and class_weight need the loss of each sample; give the loss by "
            "name, as a module such as nn.CrossEntropyLoss(), or as a function that takes "
            f"reduction='none', not {loss!r}."
        )
    return partial(loss, reduction="none")
