"""Schedulers that lead from one rate to another over a number of epochs."""

from __future__ import annotations

from nn.optim.lr_scheduler.scheduler import LRScheduler, whole, within
from nn.optim.optimizer import Optimizer, real, require


class ConstantLR(LRScheduler):
    """The initial rate times a constant factor for some epochs, then the initial rate.

    Parameters
    ----------
    optimizer : Optimizer.
    factor : in (0, 1].
    total_iters : number of epochs with the factor.
    last_epoch : as in `LRScheduler`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> rates = []
    >>> for _ in range(3):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.5, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require(
            0 < real("ConstantLR: factor", factor) <= 1,
            "ConstantLR: factor",
            "above 0 and at most 1",
            factor,
        )
        self.factor = factor
        self.total_iters = whole("ConstantLR: total_iters", total_iters, 0)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self.rates()]
        if self.last_epoch != self.total_iters:
            return self.rates()
        return [lr * (1.0 / self.factor) for lr in self.rates()]

    def closed_form(self) -> list[float]:
        factor = 1.0 if self.last_epoch >= self.total_iters else self.factor
        return [lr * factor for lr in self.base_lrs]


class LinearLR(LRScheduler):
    """The initial rate times a factor that changes linearly: the usual warm-up.

    Parameters
    ----------
    optimizer : Optimizer.
    start_factor : in (0, 1].
    end_factor : in [0, 1]; it stays after `total_iters` epochs.
    total_iters : number of epochs until end_factor.
    last_epoch : as in `LRScheduler`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require(
            0 < real("LinearLR: start_factor", start_factor) <= 1,
            "LinearLR: start_factor",
            "above 0 and at most 1",
            start_factor,
        )
        self.start_factor = start_factor
        self.end_factor = within("LinearLR: end_factor", end_factor, 0, 1)
        self.total_iters = whole("LinearLR: total_iters", total_iters, 1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self.rates()]
        if self.last_epoch > self.total_iters:
            return self.rates()
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return [lr * (1.0 + rise / before) for lr in self.rates()]

    def first_lr(self) -> list[float]:
        return self.rates() if self.last_epoch else self.get_lr()

    def closed_form(self) -> list[float]:
        rise, n = self.end_factor - self.start_factor, self.total_iters
        factor = self.start_factor + rise * min(n, self.last_epoch) / n
        return [lr * factor for lr in self.base_lrs]


class PolynomialLR(LRScheduler):
    """The initial rate times (1 − epoch/total_iters)^power, and 0 afterwards.

    Parameters
    ----------
    optimizer : Optimizer.
    total_iters : number of epochs until 0.
    power : exponent; 1 is linear.
    last_epoch : as in `LRScheduler`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = whole("PolynomialLR: total_iters", total_iters, 1)
        self.power = real("PolynomialLR: power", power)
        require(self.power >= 0, "PolynomialLR: power", "at least 0", power)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch > self.total_iters:
            return self.rates()
        now, before = (1.0 - t / self.total_iters for t in (self.last_epoch, self.last_epoch - 1))
        return [lr * (now / before) ** self.power for lr in self.rates()]

    def first_lr(self) -> list[float]:
        return self.rates()

    def closed_form(self) -> list[float]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [lr * left**self.power for lr in self.base_lrs]
