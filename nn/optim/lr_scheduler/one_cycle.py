"""OneCycleLR: the 1cycle policy."""

from __future__ import annotations

import math
from typing import NamedTuple

from nn.arguments import flags
from nn.optim.lr_scheduler.scheduler import (
    LRScheduler,
    check_momentum,
    checked_optimizer,
    one_a_group,
    set_momentum,
    whole,
    within,
)
from nn.optim.optimizer import Group, Optimizer, real, require


class Phase(NamedTuple):
    """Until `end` the rate goes from one of the group's settings to another, as momentum does."""

    end: float
    lr: tuple[str, str]
    momentum: tuple[str, str]


class OneCycleLR(LRScheduler):
    """The 1cycle policy: the rate rises to `max_lr` and falls to almost zero, momentum inversely.

    Count steps, not epochs: call ``scheduler.step()`` after every batch.

    Parameters
    ----------
    optimizer : Optimizer.
    max_lr : the highest rate; or a list, one for every group.
    total_steps : number of steps in the cycle; or else
    epochs, steps_per_epoch : its factors.
    pct_start : fraction of the steps in which the rate rises.
    anneal_strategy : ``"cos"`` or ``"linear"``.
    cycle_momentum : whether momentum, or Adam's β₁, cycles inversely to the rate.
    base_momentum, max_momentum : its bounds; or lists.
    div_factor : the initial rate is max_lr/div_factor.
    final_div_factor : the last rate is the initial one over final_div_factor.
    three_phase : fall to the initial rate as steeply as it rose, then to the last rate.
    last_epoch : as in `LRScheduler`.

    References
    ----------
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2018.

    Examples
    --------
    >>> import nn
    >>> optimizer = nn.optim.Adam([nn.Parameter([1.0])])
    >>> scheduler = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    >>> rates = []
    >>> for _ in range(9):
    ...     rates.append(round(scheduler.get_last_lr()[0], 2))
    ...     optimizer.step()
    ...     scheduler.step()
    >>> rates
    [0.04, 0.52, 1.0, 0.95, 0.81, 0.61, 0.39, 0.19, 0.05]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        flags(type(self).__name__, cycle_momentum=cycle_momentum, three_phase=three_phase)
        checked_optimizer(self, optimizer)
        if total_steps is not None:
            self.total_steps = whole("OneCycleLR: total_steps", total_steps, 1)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = whole("OneCycleLR: epochs", epochs, 1) * whole(
                "OneCycleLR: steps_per_epoch", steps_per_epoch, 1
            )
        else:
            raise ValueError(
                "OneCycleLR: its length is missing: pass total_steps, or epochs and "
                "steps_per_epoch."
            )
        self.pct_start = within("OneCycleLR: pct_start", pct_start, 0, 1)
        strategies = ("cos", "linear")
        require(
            anneal_strategy in strategies,
            "OneCycleLR: anneal_strategy",
            f"one of {strategies}",
            anneal_strategy,
        )
        for name, x in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            require(real(f"OneCycleLR: {name}", x) > 0, f"OneCycleLR: {name}", "above 0", x)
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        self.three_phase = three_phase
        max_lrs = one_a_group("OneCycleLR: max_lr", optimizer, max_lr)
        for x in max_lrs:
            require(real("OneCycleLR: max_lr", x) >= 0, "OneCycleLR: max_lr", ">= 0", x)
        if cycle_momentum:
            check_momentum(self, optimizer)
            low = one_a_group("OneCycleLR: base_momentum", optimizer, base_momentum)
            high = one_a_group("OneCycleLR: max_momentum", optimizer, max_momentum)
        if last_epoch == -1:
            for i, group in enumerate(optimizer.param_groups):
                group["initial_lr"] = max_lrs[i] / div_factor
                group["max_lr"] = max_lrs[i]
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    group["base_momentum"], group["max_momentum"] = low[i], high[i]
        super().__init__(optimizer, last_epoch)

    def phases(self) -> list[Phase]:
        """The phases of the cycle."""
        up_end = self.pct_start * self.total_steps - 1
        down, up = ("max_momentum", "base_momentum"), ("base_momentum", "max_momentum")
        rise = Phase(up_end, ("initial_lr", "max_lr"), down)
        if not self.three_phase:
            return [rise, Phase(self.total_steps - 1, ("max_lr", "min_lr"), up)]
        return [
            rise,
            Phase(2 * self.pct_start * self.total_steps - 2, ("max_lr", "initial_lr"), up),
            Phase(self.total_steps - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")),
        ]

    def get_lr(self) -> list[float]:
        """The rates of `last_epoch`; sets the momentum, too.

        Raises
        ------
        ValueError
            More steps than the cycle has.
        """
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {self.last_epoch} of a cycle of total_steps="
                f"{self.total_steps}; make it longer, or stop."
            )
        start, phases = 0.0, self.phases()
        for phase in phases[:-1]:
            if self.last_epoch <= phase.end:
                break
            start = phase.end
        else:
            phase = phases[-1]
        length = phase.end - start
        way = (self.last_epoch - start) / length if length else 1.0
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                set_momentum(group, self._between(group, phase.momentum, way))
        return [self._between(group, phase.lr, way) for group in groups]

    def _between(self, group: Group, ends: tuple[str, str], way: float) -> float:
        start, end = float(group[ends[0]]), float(group[ends[1]])
        if self.anneal_strategy == "linear":
            return (end - start) * way + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * way) + 1)
