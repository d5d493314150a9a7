"""Forward and backward pass of one batch, op by op or as a compiled function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn.train.callback import Hooks
from nn.train.nonfinite import blame
from nn.train.objective import Objective, Outcome
from nn.train.replay import Replay
from nn.train.state import State


def stepped(
    state: State, hooks: Hooks, objective: Objective, batch: Any, i: int, replay: Replay | None
) -> Outcome:
    """Forward and backward pass of a batch, op by op."""
    carried = state.carried
    found = _forward(state, objective, batch, i)
    for hook in hooks.loss:
        hook(state)
    if replay and found.counted:
        replay.learn(batch, carried, found)
    if found.counted:
        weight = _weight(state, found.counted, found.is_sum)
        found.loss.backward(None if weight == 1 else np.asarray(weight, found.loss.dtype))
    return found


def replayed(
    state: State, objective: Objective, batch: Any, i: int, replay: Replay
) -> Outcome | None:
    """The same in one compiled function; None for a batch of new shapes, or where none counts."""
    carried = state.carried
    counted = replay.counted(batch, carried)
    if not counted:
        return None
    found = replay(batch, carried, counted, _weight(state, counted, objective.is_sum))
    state.carried = found.carried
    state.batch, state.outputs, state.loss = batch, found.outputs, found.loss
    if not math.isfinite(found.number):
        state.carried = carried
        _forward(state, objective, batch, i)  # to name the op
        raise FloatingPointError(
            f"fit: the loss is {found.number} in epoch {state.epoch}, batch {i}, but not where the "
            "step is run again op by op, with other random draws."
        )
    return found


def _weight(state: State, counted: float, is_sum: bool) -> float:
    """What the gradient of a batch is multiplied by; it is added to what an update is a sum over.

    What counts in the first batch of an update is the unit, so that float16 holds the weights.
    """
    if state.accumulate == 1 or is_sum:  # into the gradient as it is
        state.unit = weight = 1.0
    else:
        state.unit = state.unit if state.pending else counted
        weight = counted / state.unit
    state.pending += weight
    return weight


def _forward(state: State, objective: Objective, batch: Any, i: int) -> Outcome:
    """The model's outputs for a batch and their loss; an error where that is not finite."""
    found = objective(state.model, batch, state.carried, measuring=False)
    loss = found.loss
    if getattr(loss, "op", None) is None:
        raise ValueError(
            f"fit: the loss must return one recorded number, a Value of shape (), not {loss!r}. "
            "Does the model have parameters that are trained, outside no_grad, and does the loss "
            "reduce to their mean?"
        )
    state.carried = found.carried
    state.batch, state.outputs, state.loss = batch, found.outputs, loss
    if found.counted and not math.isfinite(found.number):
        try:
            blame(loss, state.model)
        except FloatingPointError as error:
            error.add_note(f"fit: the loss is {found.number} in epoch {state.epoch}, batch {i}.")
            raise
    return found
