"""Forward pass, loss and backward pass of a batch as one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
from autograd.plan.arguments import Arguments
from autograd.plan.lowering import RefusalError
from nn.metrics.metric import samples_in
from nn.module import Module
from nn.train.batches import detached, parts, values_in
from nn.train.objective import Objective, Outcome
from nn.train.reading import counting


class Replay:
    """The compiled steps of a run.

    A batch of new shapes is left to an eager step, from whose graph `learn` reads what the loss is
    a mean over. The next such batch is compiled, so a shape that comes once costs nothing.

    Parameters
    ----------
    model : what is trained.
    objective : its loss; without weights of samples or classes.

    Raises
    ------
    ValueError
        Weights.
    """

    def __init__(self, model: Module, objective: Objective) -> None:
        if objective.weighted or objective.class_weight is not None:
            raise ValueError(
                "fit: compile=True takes no sample_weight and no class_weight; give the weights to "
                "the loss, or leave compile out."
            )
        self._objective = objective
        self._known: dict[Any, Callable[[Any], float]] = {}
        self._run = autograd.compile(_step(model, objective.criterion, objective.carry))

    def counted(self, batch: Any, carried: Any) -> float | None:
        """What the mean in the loss of a batch is over; None if its shapes are new."""
        inputs, target = parts(batch)
        count = self._known.get(_key(inputs, target, carried))
        return None if count is None else count(target)

    def learn(self, batch: Any, carried: Any, found: Outcome) -> None:
        """Take note of an eager step, before its backward pass."""
        inputs, target = parts(batch)
        n, ends = samples_in(target), {id(x) for x in values_in(found.outputs)}
        try:
            count = (lambda _: float(n)) if found.is_sum else counting(found.loss, ends, n, target)
        except ValueError as error:
            raise ValueError(f"fit: with compile=True, {error}.") from None
        self._known[_key(inputs, target, carried)] = count

    def __call__(self, batch: Any, carried: Any, counted: float, weight: float) -> Outcome:
        """Add the gradients of weight · loss; what the batch came to."""
        inputs, target = parts(batch)
        try:
            outputs, loss, carried = self._run(
                inputs, target, carried, None if weight == 1 else float(weight)
            )
        except RefusalError as error:
            error.add_note("fit: leave compile=True out, or change what the note above names.")
            raise
        is_sum = self._objective.is_sum
        return Outcome(
            outputs, target, loss, float(loss.item()), counted, is_sum, detached(carried)
        )


def _step(model: Module, criterion: Any, carry: bool) -> Callable[..., Any]:
    """What is compiled."""

    def step(inputs: Any, target: Any, carried: Any, weight: Any) -> Any:
        if carry:
            outputs, carried = model(*inputs, carried)
        else:
            outputs = model(*inputs)
        loss = criterion(outputs, target)
        (loss if weight is None else loss * weight).backward()
        return outputs, loss, carried

    return step


def _key(inputs: Any, target: Any, carried: Any) -> Any:
    return Arguments((inputs, target, carried), {}).key
