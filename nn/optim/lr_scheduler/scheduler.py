"""LRScheduler, the base class of schedulers, and checks of their arguments."""

from __future__ import annotations

import copy
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nn.optim.optimizer import Group, Optimizer, real, require

PYTORCHS = frozenset({"verbose", "_get_lr_called_within_step", "_is_initial"})
"""Entries of PyTorch's state dicts that are not needed here."""


class LRScheduler(ABC):
    """Sets the learning rate of every group of an optimizer, once an epoch.

    A new scheduler sets the rate of epoch 0; `step` advances to the next epoch. The rate that a
    group had before any scheduler is its ``"initial_lr"``.

    Parameters
    ----------
    optimizer : Optimizer.
    last_epoch : last epoch of the run that is resumed; −1 starts from the beginning.

    Attributes
    ----------
    base_lrs : initial rate of every group.
    last_epoch : the epoch whose rate is set.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(self, optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ValueError(
                    f"{type(self).__name__}: last_epoch={last_epoch} resumes a schedule, but "
                    f"param_groups[{i}] has no 'initial_lr'; load the optimizer's state dict first."
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.begin()

    def rewind(self) -> None:
        """Go back to before the first epoch; `begin` follows."""
        self.last_epoch = -1

    def begin(self) -> None:
        """Set the rate of the first epoch, from the current ones."""
        self._step_count = 0
        self._advance(first=True)

    def step(self, epoch: float | None = None) -> None:
        """Advance to the next epoch.

        Parameters
        ----------
        epoch : go to this one instead, as older programs do.
        """
        if epoch is not None:
            self._jump(epoch)
            return
        if self._step_count == 1 and not self.optimizer.stepped:
            warnings.warn(
                f"{type(self).__name__}.step() was called before optimizer.step(): the first "
                "rate of the schedule is never used. Call them the other way round.",
                UserWarning,
                stacklevel=2,
            )
        self._advance()

    def _jump(self, epoch: float) -> None:
        """Set the rate of an epoch, from a formula; else as if it came after the current one."""
        self._step_count += 1
        self.last_epoch = whole(f"{type(self).__name__}.step: epoch", epoch, 0)
        closed = self.closed_form()
        self._write(self.get_lr() if closed is None else closed)

    def _advance(self, first: bool = False) -> None:
        self._step_count += 1
        self.last_epoch += 1
        self._write(self.first_lr() if first else self.get_lr())

    def restart(self) -> None:
        """Set the rate of epoch 0 in the middle of a run, after other schedulers."""
        self.last_epoch = 0
        closed = self.closed_form()
        self._write(self.get_lr() if closed is None else closed)

    def _write(self, rates: Sequence[float]) -> None:
        for i, rate in enumerate(rates):
            if not math.isfinite(rate):
                raise ValueError(
                    f"{type(self).__name__}: the rate of param_groups[{i}] would be {rate} in "
                    f"epoch {self.last_epoch}."
                )
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = list(rates)

    @abstractmethod
    def get_lr(self) -> list[float]:
        """The rates of `last_epoch`, from the current ones."""

    def first_lr(self) -> list[float]:
        """The rates of a new scheduler's first epoch."""
        return self.get_lr()

    def closed_form(self) -> list[float] | None:
        """The rates of `last_epoch` from the initial ones, where there is a formula."""
        return None

    def rates(self) -> list[float]:
        """The current rate of every group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The rates that this scheduler set last, one per group."""
        return self._last_lr

    unsaved: tuple[str, ...] = ("optimizer",)
    """Attributes that `state_dict` leaves out."""

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to resume, as numbers, strings and lists."""
        return {k: copy.deepcopy(x) for k, x in vars(self).items() if k not in self.unsaved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from a saved state; the optimizer's own state dict has the current rates.

        Raises
        ------
        ValueError
            The state of another kind of scheduler. Nothing has changed then.
        """
        self._check_state(state_dict)
        own = vars(self).keys() - set(self.unsaved)
        vars(self).update({k: copy.deepcopy(state_dict[k]) for k in own})

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        own = vars(self).keys() - set(self.unsaved)
        given = state_dict.keys() - PYTORCHS - set(self.unsaved)
        odd = [f"has no {k}" for k in sorted(own - given)]
        odd += [f"has {k}" for k in sorted(given - own)]
        if odd:
            raise ValueError(
                f"{type(self).__name__}: this is the state of another scheduler: it "
                f"{', '.join(odd)}."
            )


def refuse_epoch(scheduler: object, epoch: Any) -> None:
    """Raise TypeError for an epoch given to a scheduler that only steps from one to the next."""
    if epoch is not None:
        raise TypeError(
            f"{type(scheduler).__name__}.step() takes no epoch, since the schedulers that it "
            "combines step from each to the next."
        )


def checked_optimizer(scheduler: object, optimizer: Any) -> Optimizer:
    """The optimizer, or a TypeError."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{type(scheduler).__name__}(optimizer, ...): optimizer must be an Optimizer, not "
            f"{type(optimizer).__name__}."
        )
    return optimizer


def one_a_group(name: str, optimizer: Optimizer, x: Any) -> list[Any]:
    """One value per group, from a single value or a list."""
    n = len(optimizer.param_groups)
    if not isinstance(x, (list, tuple)):
        return [x] * n
    require(len(x) == n, name, f"one or a list of {n}, one for every group", x)
    return list(x)


def whole(name: str, x: Any, least: int) -> int:
    """The integer, or an error that names the setting."""
    fits = isinstance(x, (int, np.integer)) and not isinstance(x, bool)
    if not fits and isinstance(x, float):
        fits = x.is_integer()
    if not fits:
        raise TypeError(f"{name} must be an integer, got {x!r}.")
    require(x >= least, name, f"at least {least}", x)
    return int(x)


def within(name: str, x: Any, least: float, most: float) -> float:
    """The number, or an error that names the setting and its range."""
    y = real(name, x)
    require(least <= y <= most, name, f"from {least:g} to {most:g}", x)
    return y


def set_momentum(group: Group, momentum: float) -> None:
    """Set the momentum, or Adam's β₁, of a group."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def check_momentum(scheduler: object, optimizer: Optimizer) -> None:
    """Raise ValueError if the optimizer has no momentum to cycle."""
    if not optimizer.defaults.keys() & {"momentum", "betas"}:
        raise ValueError(
            f"{type(scheduler).__name__}: {type(optimizer).__name__} has neither momentum nor "
            "betas; pass cycle_momentum=False."
        )
