"""Checks of how a model is trained: mode, accumulating gradients, layers that do not change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd import passes
from autograd.node import Array
from autograd.readers.lint.finding import Finding, Subject, named
from autograd.readers.lint.structure import unreached
from autograd.viz.trace import Trace


def wrong_mode(subject: Subject) -> Iterator[Finding]:
    """Dropout or batch normalization in evaluation mode under a loss that requires gradients."""
    if subject.model is None or not subject.root.requires_grad:
        return
    whole = not subject.model.training
    off = [
        (path or type(m).__name__, m)
        for path, m in subject.model.named_modules()
        if not m.training and (_drops(m) or (whole and _keeps_statistics(m)))
    ]  # batch normalization alone in evaluation mode is frozen on purpose
    if not off:
        return
    names = ", ".join(f"{path} ({type(m).__name__})" for path, m in off[:4])
    yield Finding(
        "wrong mode",
        names + ("" if len(off) <= 4 else f" and {len(off) - 4} more"),
        f"{'the model is' if whole else 'these layers are'} in evaluation mode, but the loss "
        "requires gradients",
        "dropout drops nothing, and batch normalization uses its running statistics and does "
        "not update them",
        "call model.train() before the training loop and after each evaluation; evaluate "
        "within no_grad()",
    )


def _drops(module: Any) -> bool:
    """Whether a module drops units in training mode."""
    rate = getattr(module, "p", getattr(module, "dropout", None))
    drops = isinstance(rate, (int, float)) and rate > 0 and "Dropout" in type(module).__name__
    between = isinstance(getattr(module, "dropout", None), float) and module.dropout > 0
    return drops or between


def _keeps_statistics(module: Any) -> bool:
    return getattr(module, "running_mean", None) is not None


def coverage(model: Any, optimizer: Any, *, head_only: bool) -> Iterator[Finding]:
    """Trainable parameters that are in no optimizer, and parameters that left the model.

    Parameters
    ----------
    optimizer : one, or a sequence of them.
    head_only : whether only the last layers in an optimizer count as a warm-up, not as a mistake.
    """
    optimizers = optimizer if isinstance(optimizer, (list, tuple)) else [optimizer]
    held = [p for o in optimizers for group in o.param_groups for p in group["params"]]
    own = [(path, p) for path, p in model.named_parameters() if p.requires_grad]
    covered, known = {id(p) for p in held}, {id(p) for p in model.parameters()}
    lost = [path for path, p in own if id(p) not in covered]
    strange = [p for p in held if id(p) not in known]
    if lost and len(lost) == len(own):
        yield Finding(
            "optimizer of another model",
            named(lost),
            f"none of the model's {len(own)} trainable parameters is in an optimizer",
            "no update changes the model",
            "create the optimizer with model.parameters() of this very model, after copies and "
            "conversions",
        )
    elif strange and lost:
        yield Finding(
            "optimizer of replaced parameters",
            named(lost),
            f"{len(strange)} of the optimizer's {len(held)} parameters are not in the model, and "
            f"these {len(lost)} of the model's are in no optimizer",
            "the optimizer updates arrays that nothing uses any more; the new layer stays random",
            "create the optimizer after the last change to the model, or add the new parameters: "
            'optimizer.add_param_group({"params": ...})',
        )
    elif lost and not (head_only and id(own[-1][1]) in covered and _is_head(own, covered)):
        yield Finding(
            "parameters in no optimizer",
            named(lost),
            f"{len(lost)} of {len(own)} trainable parameters are in no optimizer",
            "they get gradients, but no update changes them",
            "create the optimizer with model.parameters() after all layers exist; set "
            "requires_grad = False on what is to stay as it is",
        )


def _is_head(own: list[tuple[str, Any]], covered: set[int]) -> bool:
    """Whether all covered parameters follow all others."""
    first = next(i for i, (_, p) in enumerate(own) if id(p) in covered)
    return all(id(p) in covered for _, p in own[first:])


class Leftovers:
    """Gradients that a parameter's update has used already, and that later ones are added to.

    What is accumulated over several backward passes before an update is meant, and so is what
    reaches parameters that another optimizer clears before it uses them, as in a GAN.
    """

    def __init__(self, p: Any) -> None:
        self.p = p
        self.data: Array = p._data.copy()
        self.grad: Array | None = None
        self.used = self.added = False
        self.times = 0

    def look(self) -> None:
        """Compare with the last look, and count updates that followed a sum of old and new."""
        p, before = self.p, self.grad
        self.grad = p.grad.copy() if p.grad is not None and p.grad.any() else None
        updated = not np.array_equal(p._data, self.data, equal_nan=True)
        if self.grad is None:
            self.added = False
        elif before is not None and self.used and not np.array_equal(self.grad, before):
            self.added = True
        self.times += updated and self.added
        self.used = self.grad is not None and (updated or self.used)
        self.data = p._data.copy()


def missing_zero_grad(leftovers: Sequence[Leftovers], steps: int) -> Iterator[Finding]:
    """Updates that used gradients of an earlier step once more."""
    times = [leftover.times for leftover in leftovers]
    if any(times):
        yield Finding(
            "missing zero_grad",
            "the training step",
            f"{max(times)} of {steps} steps used gradients to which those of the step before "
            f"still belonged, in {np.count_nonzero(times)} parameters",
            "gradients accumulate, so each step follows the sum of all gradients so far",
            "call optimizer.zero_grad() in each step, before loss.backward()",
        )


class Steps:
    """Runs training steps and watches what they do to the parameters.

    Attributes
    ----------
    reached : ids of the parameters on which a loss of these steps depends; a GAN has two losses.
    """

    def __init__(self, model: Any, on_root: Callable[[Any], None]) -> None:
        self.model, self.on_root = model, on_root
        self.parameters = [(path, p) for path, p in model.named_parameters() if p.requires_grad]
        self.leftovers = [Leftovers(p) for _, p in self.parameters]
        self.reached: set[int] = set()

    def run(self, step: Callable[[], object], steps: int) -> Iterator[Finding]:
        """Run the steps, then say what was wrong with them."""
        before = [p.data.copy() for _, p in self.parameters]
        for _ in range(steps):
            with passes.observe(self._begins):
                step()
            self._look()
        yield from unreached(self.parameters, self.reached)
        yield from missing_zero_grad(self.leftovers, steps)
        yield from self._untrained(before, steps)

    def _begins(self, begun: passes.Pass) -> None:
        if not begun.deposits:  # autograd.grad, or a pass within another
            return
        self.on_root(begun.roots[0])
        self.reached.update(Trace(list(begun.roots)).leaves)
        self._look()

    def _look(self) -> None:
        for leftover in self.leftovers:
            leftover.look()

    def _untrained(self, before: list[Any], steps: int) -> Iterator[Finding]:
        same = [
            path
            for (path, p), old in zip(self.parameters, before, strict=True)
            if np.array_equal(p.data, old, equal_nan=True)
        ]
        cleared = [
            path
            for path, p in self.parameters
            if id(p) in self.reached and (p.grad is None or not p.grad.any())
        ]
        if same and len(same) == len(cleared) == len(self.reached):
            yield Finding(
                "gradients cleared before the update",
                named(same),
                f"unchanged after {steps} steps; at the end of each step no parameter has a "
                "gradient, though backward() made them",
                "optimizer.step() finds no gradients, so nothing is learnt",
                "the order zero_grad(), backward(), step()",
            )
        elif same:
            yield Finding(
                "untrained layer",
                named(same),
                f"unchanged after {steps} steps, as {len(same)} of {len(before)} parameters are",
                "the rest of the model trains around a layer that stays random",
                "create the optimizer with model.parameters() after all layers exist; look for a "
                "learning rate of 0, for gradients that are 0, and for a step() before backward()",
            )


CHECKS = (wrong_mode,)
