"""Schedulers that multiply the rate at given epochs, or by a function's values."""

from __future__ import annotations

import copy
import types
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nn.optim.lr_scheduler.scheduler import LRScheduler, checked_optimizer, one_a_group, whole
from nn.optim.optimizer import Optimizer, real

Function = Callable[[int], float]


class LambdaLR(LRScheduler):
    """The initial rate times a function of the epoch.

    Parameters
    ----------
    optimizer : Optimizer.
    lr_lambda : epoch -> factor; or a list of functions, one for every group. Functions are not
        saved; callable objects are, by their attributes.
    last_epoch : as in `LRScheduler`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    unsaved = ("optimizer", "lr_lambdas")

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Function | list[Function], last_epoch: int = -1
    ) -> None:
        name = f"{type(self).__name__}: lr_lambda"
        functions = one_a_group(name, checked_optimizer(self, optimizer), lr_lambda)
        for function in functions:
            if not callable(function):
                raise TypeError(f"{name} must be a function of the epoch, not {function!r}.")
        self.lr_lambdas: list[Function] = functions
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [lr * function(self.last_epoch) for lr, function in pairs]

    def state_dict(self) -> dict[str, Any]:
        saved = [
            None if isinstance(f, types.FunctionType) else copy.deepcopy(getattr(f, "__dict__", {}))
            for f in self.lr_lambdas
        ]
        return {**super().state_dict(), "lr_lambdas": saved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for function, saved in zip(self.lr_lambdas, state_dict.get("lr_lambdas", ()), strict=False):
            if saved is not None:
                vars(function).update(copy.deepcopy(saved))


class MultiplicativeLR(LambdaLR):
    """The previous epoch's rate times a function of the epoch.

    Parameters
    ----------
    optimizer, lr_lambda, last_epoch : as in `LambdaLR`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[float]:
        pairs = zip(self.rates(), self.lr_lambdas, strict=True)
        return [lr * function(self.last_epoch) for lr, function in pairs]

    def first_lr(self) -> list[float]:
        return self.rates()


class StepLR(LRScheduler):
    """Multiply the rate by gamma every `step_size` epochs.

    Parameters
    ----------
    optimizer : Optimizer.
    step_size : epochs between two changes.
    gamma : decay factor.
    last_epoch : as in `LRScheduler`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = whole("StepLR: step_size", step_size, 1)
        self.gamma = real("StepLR: gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self.rates()
        return [lr * self.gamma for lr in self.rates()]

    def closed_form(self) -> list[float]:
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiply the rate by gamma at each milestone; twice at one that is listed twice.

    Parameters
    ----------
    optimizer : Optimizer.
    milestones : epochs.
    gamma : decay factor.
    last_epoch : as in `LRScheduler`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = sorted(whole("MultiStepLR: milestones", m, 0) for m in milestones)
        self.gamma = real("MultiStepLR: gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        times = self.milestones.count(self.last_epoch)
        return [lr * self.gamma**times for lr in self.rates()] if times else self.rates()

    def closed_form(self) -> list[float]:
        times = bisect_right(self.milestones, self.last_epoch)
        return [lr * self.gamma**times for lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiply the rate by gamma every epoch.

    Parameters
    ----------
    optimizer : Optimizer.
    gamma : decay factor.
    last_epoch : as in `LRScheduler`.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=1.0)
    >>> scheduler = nn.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = real("ExponentialLR: gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        return [lr * self.gamma for lr in self.rates()]

    def first_lr(self) -> list[float]:
        return self.rates()

    def closed_form(self) -> list[float]:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]
