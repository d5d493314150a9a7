"""Schedulers made of schedulers: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from nn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from nn.optim.lr_scheduler.scheduler import LRScheduler, checked_optimizer, refuse_epoch, whole
from nn.optim.optimizer import Optimizer, require


class _Combined(LRScheduler):
    """A scheduler that holds others.

    Parameters
    ----------
    schedulers : of one optimizer.
    optimizer : theirs.
    """

    unsaved = ("optimizer", "_schedulers")

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer) -> None:
        name = type(self).__name__
        for i, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(
                    f"{name}: schedulers[{i}] must be a scheduler, not {type(scheduler).__name__}."
                )
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name}: schedulers[{i}] is a ReduceLROnPlateau, whose step needs a metric; "
                    "step it by itself."
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{name}: schedulers[{i}] belongs to another optimizer.")
        self._schedulers, self.optimizer = list(schedulers), optimizer

    def get_lr(self) -> list[float]:
        """The current rates."""
        return self.rates()

    def rewind(self) -> None:
        """Do nothing: `begin` rewinds the parts."""

    def restart(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        self.begin()

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to resume, the states of the parts included."""
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self._check_state(state_dict)
        super().load_state_dict(state_dict)
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        super()._check_state(state_dict)
        parts, own = state_dict.get("_schedulers", ()), self._schedulers
        if len(parts) != len(own):
            raise ValueError(
                f"{type(self).__name__}: the state has {len(parts)} schedulers, it has {len(own)}."
            )
        for scheduler, state in zip(own, parts, strict=True):
            scheduler._check_state(state)


class SequentialLR(_Combined):
    """Run schedulers one after the other; each counts its epochs from 0.

    Parameters
    ----------
    optimizer : Optimizer.
    schedulers : made for this optimizer.
    milestones : epochs at which the second, third … scheduler starts.
    last_epoch : −1.

    Examples
    --------
    >>> import nn
    >>> from nn.optim.lr_scheduler import ConstantLR, ExponentialLR, SequentialLR
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> parts = [ConstantLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)]
    >>> scheduler = SequentialLR(optimizer, parts, milestones=[2])
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.5, 1.0, 0.5, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        super().__init__(schedulers, checked_optimizer(self, optimizer))
        require(len(schedulers) > 0, "SequentialLR: schedulers", "at least one", schedulers)
        fitting = f"{len(schedulers) - 1} epochs, one fewer than schedulers"
        require(
            len(milestones) == len(schedulers) - 1, "SequentialLR: milestones", fitting, milestones
        )
        self._milestones = [whole("SequentialLR: milestones", m, 0) for m in milestones]
        rising = self._milestones == sorted(self._milestones)
        require(rising, "SequentialLR: milestones", "in rising order", milestones)
        require(last_epoch == -1, "SequentialLR: last_epoch", "-1; use load_state_dict", last_epoch)
        self.restart()

    def begin(self) -> None:
        self.last_epoch = 0
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first.rewind()
        first.begin()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: float | None = None) -> None:
        refuse_epoch(self, epoch)
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler.restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """Apply several schedulers at every step.

    Parameters
    ----------
    schedulers : of one optimizer; each should multiply the current rate.
    optimizer : by default that of the first.

    Examples
    --------
    >>> import nn
    >>> from nn.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> parts = [ConstantLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)]
    >>> scheduler = ChainedScheduler(parts)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        require(len(schedulers) > 0, "ChainedScheduler: schedulers", "at least one", schedulers)
        if optimizer is None:
            optimizer = getattr(schedulers[0], "optimizer", None)
        super().__init__(schedulers, checked_optimizer(self, optimizer))
        self._last_lr = self.rates()

    def begin(self) -> None:
        for scheduler in self._schedulers:
            scheduler.rewind()
            scheduler.begin()
        self._last_lr = self.rates()

    def step(self, epoch: float | None = None) -> None:
        refuse_epoch(self, epoch)
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self.rates()
