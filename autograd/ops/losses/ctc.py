"""The CTC loss, fused: all alignments of a label sequence with a longer input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.dispatch import array_of
from autograd.kernel_op import KernelOp
from autograd.machine.uninterrupted import load
from autograd.machine.workspace import native
from autograd.ops.arrays.reduce import logsumexp
from autograd.ops.losses.cross_entropy import REDUCTIONS
from autograd.ops.samples import A, case, cases

Array = np.ndarray[Any, Any]
NEVER = -1e30  # a log-probability that stays finite under arithmetic, for the reference


class Plan(NamedTuple):
    """What the arguments besides the log-probabilities say."""

    labels: Array  # (N, W): with blanks between, in front and behind
    skips: Array  # (N, W): whether a state may be entered from the one before the last
    steps: Array  # (N,)
    lengths: Array  # (N,)
    states: Array  # (N,): 2 · lengths + 1


def _ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> tuple[Any, Any]:
    r"""-log of the probability of the targets, summed over all their alignments with the input.

    .. math:: -\log \sum_{\pi \in B^{-1}(\text{target})} \prod_t p_t(\pi_t)

    B drops repetitions, then blanks. It sums in log space and float64.

    Parameters
    ----------
    log_probs : array or Value, (T, N, C) or (T, C)
        Usually of `log_softmax` over the last axis.
    targets : integers, (N, S) padded, or the N sequences one after the other, (sum of lengths,)
        Class indices other than blank; entries beyond a target's length are not read. (S,) for
        log_probs (T, C).
    input_lengths, target_lengths : N integers, or one for log_probs (T, C).
    blank : int
    reduction : "mean", "sum" or "none"
        The mean divides each sample's loss by its target length (at least 1) first.
    zero_infinity : bool
        Whether samples without an alignment, whose input is too short, give 0 and no gradient
        instead of infinity and NaN.

    Returns
    -------
    Value, () or (N,)

    Raises
    ------
    ValueError, TypeError : lengths or labels out of range, shapes that don't fit, other dtypes.

    Notes
    -----
    The gradient is that of the formula, as for any op. PyTorch's adds the softmax of log_probs,
    which makes it right after a log_softmax only; there, both are the same for the logits.

    References
    ----------
    Graves, Fernández, Gomez & Schmidhuber, Connectionist temporal classification, 2006.

    Examples
    --------
    Two steps can say "1" as 1 1, 1 blank or blank 1: three of four equally likely paths.

    >>> import numpy as np, autograd
    >>> even = np.log(np.full((2, 1, 2), 0.5))
    >>> np.exp(-autograd.ops.ctc_loss(even, [[1]], [2], [1]))
    np.float64(0.75)
    """
    plan = checked(log_probs, targets, input_lengths, target_lengths, blank, reduction)
    x = native(log_probs)
    if x.ndim == 2:
        x = x[:, None]
    skips = np.append(np.where(plan.skips, 0.0, -np.inf), [-np.inf] * 2)
    call = kernels().Alignment(x, plan.labels, skips, plan.steps, plan.states)
    losses = -call.forward() + 0.0  # no -0
    weights = np.ones(len(losses))
    if reduction == "mean":
        weights /= np.maximum(plan.lengths, 1) * len(losses)
    if zero_infinity:
        weights[losses == np.inf] = 0
        losses[losses == np.inf] = 0
    y = losses if reduction == "none" else np.sum(losses * weights)
    return np.asarray(y if x.ndim == log_probs.ndim else y.reshape(()), x.dtype), (call, weights)


def _grad(
    g: Array, needs: Sequence[bool], y: Array, saved: Any, log_probs: Any, *static: Any
) -> Sequence[Any]:
    """Minus the probability of each class at each step, given the target."""
    call, weights = saved
    return (call.backward(np.asarray(weights * g, np.float64)).reshape(log_probs.shape),)


def reference(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """The same, composed of ops: the forward variables, step by step."""
    plan = checked(log_probs, targets, input_lengths, target_lengths, blank, reduction)
    x = log_probs if log_probs.ndim == 3 else np.expand_dims(log_probs, 1)
    x = np.maximum(x, x.dtype.type(NEVER))
    samples = np.arange(len(plan.steps))
    W = plan.labels.shape[1]
    never = np.full((len(samples), 2), NEVER, x.dtype)
    skips = np.where(plan.skips, 0, NEVER).astype(x.dtype)
    alpha = np.where(np.arange(W) < 2, x[0][samples[:, None], plan.labels], NEVER)
    for t in range(1, x.shape[0]):
        before = np.concatenate([never, alpha], axis=1)  # (N, W + 2)
        entered = np.stack([before[:, 2:], before[:, 1:-1], before[:, :-2] + skips])
        then = logsumexp(entered, axis=0) + x[t][samples[:, None], plan.labels]
        alpha = np.where((t < plan.steps)[:, None], then, alpha)
    last = alpha[samples, plan.states - 1]
    before_last = np.where(plan.lengths > 0, alpha[samples, plan.states - 2], NEVER)
    losses = -logsumexp(np.stack([last, before_last]), axis=0)
    losses = np.where(plan.steps > 0, losses, np.where(plan.lengths > 0, np.inf, 0))
    infinite = np.asarray(losses.data if hasattr(losses, "op") else losses) > -NEVER / 2
    if zero_infinity:
        losses = np.where(infinite, 0.0, losses)
    elif infinite.any():  # inf, whose gradient is NaN at every step, as the kernel's
        read = np.arange(x.shape[0])[:, None, None] < plan.steps[:, None]
        with np.errstate(over="ignore"):
            never = np.log(np.exp(0 * np.sum(np.where(read, x, 0), axis=(0, 2)) - NEVER))
        losses = np.where(infinite, never, losses)
    if reduction == "none":
        return losses if log_probs.ndim == 3 else np.reshape(losses, ())
    if reduction == "mean":
        losses = losses / (np.maximum(plan.lengths, 1) * len(samples)).astype(x.dtype)
    return np.sum(losses)


def checked(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int,
    reduction: str,
) -> Plan:
    """The extended labels; refuses what doesn't fit before anything is computed."""
    shape = log_probs.shape
    if len(shape) not in (2, 3) or 0 in shape:
        raise ValueError(f"log_probs must have shape (T, N, C) or (T, C), none 0, got {shape}.")
    if log_probs.dtype.kind != "f" or log_probs.dtype.itemsize not in (4, 8):
        raise TypeError(f"log_probs must be float32 or float64, got {log_probs.dtype}.")
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}.")
    T, C = shape[0], shape[-1]
    N = shape[1] if len(shape) == 3 else 1
    if isinstance(blank, bool) or not isinstance(blank, (int, np.integer)):
        raise TypeError(f"blank must be an integer, got {blank!r}.")
    if not 0 <= blank < C:
        raise ValueError(f"blank must be a class of log_probs {shape}, 0 to {C - 1}, got {blank}.")
    steps = _lengths("input_lengths", input_lengths, N, T, shape)
    t = array_of(targets, "targets")
    if t.size == 0:
        t = t.astype(np.intp)
    if t.dtype.kind not in "iu":
        raise TypeError(f"targets must hold class indices (integers), got {t.dtype}.")
    if t.ndim not in (1, 2) or (t.ndim == 2 and (len(shape) == 2 or len(t) != N)):
        raise ValueError(
            f"targets must have shape ({N}, S) or, one sequence after the other, "
            f"(sum of target_lengths,) for log_probs {shape}, got {t.shape}."
        )
    padded = t.ndim == 2 or len(shape) == 2
    lengths = _lengths("target_lengths", target_lengths, N, t.shape[-1], t.shape, "targets")
    if not padded and lengths.sum() != t.size:
        raise ValueError(
            f"1-D targets must have as many labels as target_lengths say, {lengths.sum()}, got "
            f"shape {t.shape}."
        )
    used = np.arange(lengths.max(initial=0)) < lengths[:, None]  # (N, S)
    found = t.reshape(N, -1)[:, : used.shape[1]][used] if padded else t
    wrong = found[(found < 0) | (found >= C)]
    if wrong.size:
        raise ValueError(
            f"targets holds the label {wrong[0]}, but log_probs {shape} has {C} classes: 0 to "
            f"{C - 1}."
        )
    if (found == blank).any():
        raise ValueError(f"targets must not hold the blank, {blank}, within a target's length.")
    labels = np.full((N, 2 * used.shape[1] + 1), blank, np.intp)
    labels[:, 1::2][used] = found
    skips = np.zeros(labels.shape, bool)
    skips[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    return Plan(labels, skips, steps, lengths, 2 * lengths + 1)


def _lengths(
    name: str, given: Any, N: int, most: int, shape: tuple[int, ...], of: str = "log_probs"
) -> Array:
    n = array_of(given, name)
    if n.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {n.dtype}.")
    if n.shape != (N,) and not (n.shape == () and N == 1):
        raise ValueError(f"{name} must have one number per sample, shape ({N},), got {n.shape}.")
    n = n.reshape(N)
    if n.min() < 0 or n.max() > most:
        wrong = n.min() if n.min() < 0 else n.max()
        raise ValueError(f"{name} must lie between 0 and {most} for {of} {shape}, got {wrong}.")
    return n.astype(np.intp)


def kernels() -> Any:
    """The module of the kernels; Numba is imported on first use."""
    return load("autograd.ops.losses.kernel_ctc")


ctc_loss = KernelOp(
    _ctc_loss, r"\operatorname{{ctc}} {log_probs:3}", _grad, reference=reference, arity=1
)

# What tests sample
cases(
    "ctc_loss",
    case(A(4, 2, 3), ((1, 1), (2, 0)), (4, 3), (2, 1)),
    case(A(3, 3), (0, 1), 3, 2, blank=2, reduction="sum"),
    case(A(3, 3, 2), (1, 1), (3, 2, 1), (1, 1, 0), reduction="none"),
)
