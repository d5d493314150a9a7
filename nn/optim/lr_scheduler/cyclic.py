"""CyclicLR: the rate cycles between two bounds."""

from __future__ import annotations

import math
from collections.abc import Callable

from nn.arguments import flags
from nn.optim.lr_scheduler.scheduler import (
    LRScheduler,
    check_momentum,
    checked_optimizer,
    one_a_group,
    set_momentum,
    whole,
)
from nn.optim.optimizer import Optimizer, real, require

MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(LRScheduler):
    """The rate cycles between two bounds; momentum, if there is any, cycles inversely.

    Parameters
    ----------
    optimizer : Optimizer.
    base_lr, max_lr : the bounds; or lists, one number for every group.
    step_size_up, step_size_down : epochs in the rising and in the falling half of a cycle; by
        default equal. Epochs are usually batches here.
    mode : how a cycle's height changes: ``"triangular"`` stays, ``"triangular2"`` halves every
        cycle, ``"exp_range"`` is gamma to the power of the epoch.
    gamma : see above.
    scale_fn : a function for the height in place of `mode`. It is not saved.
    scale_mode : whether scale_fn takes the number of the ``"cycle"``, from 1, or the number of
        ``"iterations"``.
    cycle_momentum : whether momentum, or Adam's β₁, cycles inversely to the rate.
    base_momentum, max_momentum : its bounds; or lists.
    last_epoch : as in `LRScheduler`.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", 2017.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], momentum=0.9)
    >>> scheduler = nn.optim.lr_scheduler.CyclicLR(optimizer, 0.5, 1.0, step_size_up=2)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.75, 0.5]
    """

    unsaved = ("optimizer", "_custom")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        flags(type(self).__name__, cycle_momentum=cycle_momentum)
        checked_optimizer(self, optimizer)
        base_lrs = one_a_group("CyclicLR: base_lr", optimizer, base_lr)
        self.max_lrs = one_a_group("CyclicLR: max_lr", optimizer, max_lr)
        for x in (*base_lrs, *self.max_lrs):
            require(real("CyclicLR: a rate", x) >= 0, "CyclicLR: a rate", ">= 0", x)
        up = whole("CyclicLR: step_size_up", step_size_up, 1)
        down = up
        if step_size_down is not None:
            down = whole("CyclicLR: step_size_down", step_size_down, 1)
        require(mode in MODES or scale_fn is not None, "CyclicLR: mode", f"one of {MODES}", mode)
        units = ("cycle", "iterations")
        require(scale_mode in units, "CyclicLR: scale_mode", f"one of {units}", scale_mode)
        self.total_size, self.step_ratio = up + down, up / (up + down)
        self.mode, self.gamma, self._custom = mode, real("CyclicLR: gamma", gamma), scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode, self.cycle_momentum = scale_mode, cycle_momentum
        if cycle_momentum:
            check_momentum(self, optimizer)
            self.base_momentums = one_a_group("CyclicLR: base_momentum", optimizer, base_momentum)
            self.max_momentums = one_a_group("CyclicLR: max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                group["lr"] = lr
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """Height of the cycle, or of the epoch, x."""
        if self._custom is not None:
            return self._custom(x)
        if self.mode == "triangular":
            return 1.0
        return float(0.5 ** (x - 1) if self.mode == "triangular2" else self.gamma**x)

    def get_lr(self) -> list[float]:
        """The rates of `last_epoch`; sets the momentum, too."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        way = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, bounds, strict=True):
                set_momentum(group, high - (high - low) * way * scale)
        bounds = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * way * scale for low, high in bounds]
