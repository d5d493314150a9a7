"""Schedulers that follow a cosine."""

from __future__ import annotations

import math

from nn.optim.lr_scheduler.scheduler import LRScheduler, whole
from nn.optim.optimizer import Optimizer, real, require


class CosineAnnealingLR(LRScheduler):
    """Cosine annealing from the initial rate down to `eta_min`, and up again after `T_max`.

    lr = eta_min + (initial − eta_min)(1 + cos(π · epoch/T_max))/2

    Parameters
    ----------
    optimizer : Optimizer.
    T_max : epochs until the minimum.
    eta_min : minimum learning rate.
    last_epoch : as in `LRScheduler`.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> round(scheduler.get_last_lr()[0], 3)
    0.5
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = whole("CosineAnnealingLR: T_max", T_max, 1)
        self.eta_min = real("CosineAnnealingLR: eta_min", eta_min)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates of `last_epoch`, from the previous ones, so that it can be chained."""
        if self.last_epoch == 0:
            return self.rates()
        least = self.eta_min
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # it was the minimum
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            pairs = zip(self.rates(), self.base_lrs, strict=True)
            return [lr + (base - least) * rise for lr, base in pairs]
        now, before = (
            1 + math.cos(math.pi * t / self.T_max) for t in (self.last_epoch, self.last_epoch - 1)
        )
        return [now / before * (lr - least) + least for lr in self.rates()]

    def first_lr(self) -> list[float]:
        return self.rates()

    def closed_form(self) -> list[float]:
        height = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing with warm restarts: down to `eta_min`, then again from the initial rate.

    lr = eta_min + (initial − eta_min)(1 + cos(π · T_cur/T_i))/2, in epoch T_cur of a cycle of T_i

    Parameters
    ----------
    optimizer : Optimizer.
    T_0 : epochs of the first cycle.
    T_mult : factor by which each cycle is longer than the one before.
    eta_min : minimum learning rate.
    last_epoch : as in `LRScheduler`.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates.append(round(scheduler.get_last_lr()[0], 3))
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.5, 1.0, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_0 = whole("CosineAnnealingWarmRestarts: T_0", T_0, 1)
        self.T_mult = whole("CosineAnnealingWarmRestarts: T_mult", T_mult, 1)
        self.eta_min = real("CosineAnnealingWarmRestarts: eta_min", eta_min)
        super().__init__(optimizer, last_epoch)

    def _jump(self, epoch: float) -> None:
        """Set the rate of an epoch, or of a moment in it, such as 2.5."""
        at = real("CosineAnnealingWarmRestarts.step: epoch", epoch)
        require(at >= 0, "CosineAnnealingWarmRestarts.step: epoch", "at least 0", epoch)
        self._step_count += 1
        self.last_epoch = math.floor(at)
        self._write(self._rates_at(at))

    def get_lr(self) -> list[float]:
        return self._rates_at(self.last_epoch)

    def _rates_at(self, epoch: float) -> list[float]:
        self.T_cur, self.T_i = epoch, self.T_0
        if self.T_mult == 1:
            self.T_cur %= self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]
