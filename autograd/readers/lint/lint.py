"""lint: what is probably wrong with a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autograd.readers.lint import activity, probabilities, structure, training, weights
from autograd.readers.lint.finding import Finding, Subject
from autograd.readers.lint.report import Report, Seen
from autograd.value import Value

CHECKS = (
    *probabilities.CHECKS,
    *structure.CHECKS,
    *weights.CHECKS,
    *activity.CHECKS,
    *training.CHECKS,
)
OF_STEPS = tuple(check for check in CHECKS if check is not structure.unreachable_parameters)
"""Checks of a step's first loss alone; its other losses may reach other parameters."""


def lint(
    what: Value | Callable[[], object],
    model: Any = None,
    optimizer: Any = None,
    *,
    steps: int = 3,
) -> Report:
    """Look for what usually keeps a network from learning.

    Parameters
    ----------
    what : Value or callable
        A loss before its backward pass, or a step function that does one whole training step.
        Accumulating gradients and layers that do not change are only detected when a step function
        is given; the graph of its first loss is checked too.
    model : Module, optional
        The model that computed the loss; required with a step function. Without it, parameters
        and modes are not checked.
    optimizer : Optimizer or sequence of them, optional
        What trains the model: says which parameters are in none.
    steps : int
        Number of training steps to run; they train the model.

    Returns
    -------
    Report : a list of findings. Each says what it saw, why it matters and what to do.
        ``.save("lint.html")`` writes a page with the graph, in which each leads to its node.

    Raises
    ------
    TypeError
        `what` is neither a Value nor callable; a step function without a model.
    ValueError
        Fewer than two steps; a step function that did not call backward().

    Examples
    --------
    >>> import autograd, numpy as np
    >>> outputs, targets = autograd.Value(np.ones((4, 1))), np.zeros(4)
    >>> print(autograd.lint(np.mean((outputs - targets) ** 2)))
    broadcast at subtract: shapes (4, 1) and (4,) made (4, 4)
      why: every output is compared with every target, so the model learns their mean
      fix: give both the same shape: targets[:, None], or outputs.squeeze(1)
    """
    if isinstance(what, Value):
        subject = Subject(what, model)
        found = [*_coverage(model, optimizer), *graph_findings(subject)]
        return Report(found, len(CHECKS), _title(model), Seen(subject))
    if not callable(what):
        raise TypeError(
            "lint: takes a loss, or a function that does one training step, "
            f"not {type(what).__name__}."
        )
    if model is None:
        raise TypeError("lint: a training step needs its model: lint(step, model).")
    if steps < 2:
        raise ValueError(f"lint: steps must be at least 2 to see a change, got {steps}.")
    found = list(_coverage(model, optimizer))
    seen: list[Seen] = []

    def first(root: Any) -> None:
        if not seen:
            subject = Subject(root, model)
            found.extend(finding for check in OF_STEPS for finding in check(subject))
            seen.append(Seen(subject))

    found.extend(training.Steps(model, first).run(what, steps))
    if not seen:
        raise ValueError("lint: the training step called no backward().")
    return Report(found, len(CHECKS), _title(model), seen[0])


def _title(model: Any) -> str:
    return "the graph" if model is None else type(model).__name__


def graph_findings(subject: Subject) -> list[Finding]:
    """What all checks find in a graph."""
    return [finding for check in CHECKS for finding in check(subject)]


def _coverage(model: Any, optimizer: Any) -> Iterable[Finding]:
    if model is None or optimizer is None:
        return ()
    return training.coverage(model, optimizer, head_only=False)
