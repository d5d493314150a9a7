"""ReduceLROnPlateau: the rate falls when a metric stops improving."""

from __future__ import annotations

import math
from typing import Any

from nn.optim.lr_scheduler.scheduler import LRScheduler, checked_optimizer, one_a_group, whole
from nn.optim.optimizer import Optimizer, real, require


class ReduceLROnPlateau(LRScheduler):
    """Multiply the rate by a factor when a metric has stopped improving.

    Parameters
    ----------
    optimizer : Optimizer.
    mode : ``"min"`` for a loss, ``"max"`` for an accuracy.
    factor : below 1.
    patience : epochs without improvement that are tolerated.
    threshold : smallest change of the best metric that counts as an improvement.
    threshold_mode : ``"rel"``, relative to the best, or ``"abs"``.
    cooldown : epochs after a reduction in which no bad epochs are counted.
    min_lr : minimum learning rate; or a list, one for every group.
    eps : smallest change of the rate that is made.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     optimizer.step()
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        name = type(self).__name__
        self.optimizer = checked_optimizer(self, optimizer)
        fits = 0 <= real(f"{name}: factor", factor) < 1
        require(fits, f"{name}: factor", "from 0 to below 1", factor)
        require(mode in ("min", "max"), f"{name}: mode", "'min' or 'max'", mode)
        kinds = ("rel", "abs")
        require(
            threshold_mode in kinds, f"{name}: threshold_mode", "'rel' or 'abs'", threshold_mode
        )
        self.factor, self.mode, self.threshold_mode = factor, mode, threshold_mode
        self.threshold, self.eps = real(f"{name}: threshold", threshold), real(f"{name}: eps", eps)
        self.patience = whole(f"{name}: patience", patience, 0)
        self.cooldown = whole(f"{name}: cooldown", cooldown, 0)
        self.min_lrs = one_a_group(f"{name}: min_lr", optimizer, min_lr)
        for x in self.min_lrs:
            require(real(f"{name}: min_lr", x) >= 0, f"{name}: min_lr", ">= 0", x)
        self.last_epoch = self.cooldown_counter = self.num_bad_epochs = 0
        self.best = math.inf if mode == "min" else -math.inf
        self._last_lr = self.rates()

    def get_lr(self) -> list[float]:
        """The current rates."""
        return self.rates()

    def step(self, metrics: Any = None) -> None:
        """Reduce the rate if this epoch's metric, a number or a Value of size 1, asks for it.

        Raises
        ------
        TypeError
            No metric.
        """
        if metrics is None:
            raise TypeError("ReduceLROnPlateau.step(metrics): pass the metric, such as the loss.")
        current = float(metrics)
        self.last_epoch += 1
        if self._is_better(current):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self.rates()

    def _is_better(self, x: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            bound = self.best * (1.0 + sign * self.threshold)
        else:
            bound = self.best + sign * self.threshold
        return x > bound if sign == 1 else x < bound

    def _reduce(self) -> None:
        for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            new = max(group["lr"] * self.factor, least)
            if group["lr"] - new > self.eps:
                group["lr"] = new
