"""Checks of how a model is trained: mode, accumulating gradients, layers that do not change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd import passes
from autograd.readers.lint.finding import Finding, Subject


def wrong_mode(subject: Subject) -> Iterator[Finding]:
    """Dropout or batch normalization in evaluation mode under a loss that requires gradients."""
    if subject.model is None or not subject.root.requires_grad:
        return
    off = [
        (path or type(m).__name__, m)
        for path, m in subject.model.named_modules()
        if not m.training and _depends_on_mode(m)
    ]
    if not off:
        return
    whole = "the model is" if not subject.model.training else "these layers are"
    names = ", ".join(f"{path} ({type(m).__name__})" for path, m in off[:4])
    yield Finding(
        "wrong mode",
        names + ("" if len(off) <= 4 else f" and {len(off) - 4} more"),
        f"{whole} in evaluation mode, but the loss requires gradients",
        "dropout drops nothing, and batch normalization uses its running statistics and does "
        "not update them",
        "call model.train() before the training loop and after each evaluation; evaluate "
        "within no_grad()",
    )


def _depends_on_mode(module: Any) -> bool:
    """Whether a module behaves differently in training mode."""
    rate = getattr(module, "p", getattr(module, "dropout", None))
    drops = isinstance(rate, (int, float)) and rate > 0 and "Dropout" in type(module).__name__
    between = isinstance(getattr(module, "dropout", None), float) and module.dropout > 0
    return drops or between or getattr(module, "running_mean", None) is not None


class Steps:
    """Runs training steps and watches what they do to the parameters.

    Attributes
    ----------
    root : the loss of the first step, kept before its backward pass.
    """

    def __init__(self, model: Any, on_root: Callable[[Any], None]) -> None:
        self.model, self.on_root = model, on_root
        self.parameters = [(path, p) for path, p in model.named_parameters() if p.requires_grad]
        self.passes = 0
        self.leftover: list[int] = []

    def run(self, step: Callable[[], object], steps: int) -> Iterator[Finding]:
        """Run the steps, then say what was wrong with them."""
        before = [p.data.copy() for _, p in self.parameters]
        for _ in range(steps):
            self.passes = 0
            with passes.observe(self._begins):
                step()
        yield from self._missing_zero_grad(steps)
        yield from self._untrained(before, steps)

    def _begins(self, begun: passes.Pass) -> None:
        if not begun.deposits:  # autograd.grad, or a pass within another
            return
        self.on_root(begun.roots[0])
        if not self.passes:
            self.leftover.append(
                sum(p.grad is not None and p.grad.any() for _, p in self.parameters)
            )
        self.passes += 1

    def _missing_zero_grad(self, steps: int) -> Iterator[Finding]:
        later = self.leftover[1:]
        if later and all(later):
            yield Finding(
                "missing zero_grad",
                "the training step",
                f"in {len(later)} of {steps} steps the backward pass began with gradients of the "
                f"previous step in {max(later)} parameters",
                "gradients accumulate, so each step follows the sum of all gradients so far",
                "call optimizer.zero_grad() in each step, before loss.backward()",
            )

    def _untrained(self, before: list[Any], steps: int) -> Iterator[Finding]:
        same = [
            path
            for (path, p), old in zip(self.parameters, before, strict=True)
            if np.array_equal(p.data, old, equal_nan=True)
        ]
        if same:
            yield Finding(
                "untrained layer",
                ", ".join(same[:6]) + ("" if len(same) <= 6 else f" and {len(same) - 6} more"),
                f"unchanged after {steps} steps, as {len(same)} of {len(before)} parameters are",
                "the rest of the model trains around a layer that stays random",
                "create the optimizer with model.parameters() after all layers exist; look for a "
                "learning rate of 0 and for gradients that are 0",
            )


CHECKS = (wrong_mode,)
