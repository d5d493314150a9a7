"""StepwiseOptimizer: an optimizer whose step applies a rule to each element of a parameter."""

from __future__ import annotations

import functools
import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, ParamSpec

import numpy as np

from autograd.node import tick
from autograd.recording import enable_grad
from autograd.value import Value
from nn.optim.block import Block, State, blocks
from nn.optim.optimizer import Group, Optimizer, label
from nn.optim.rules import Rule

P = ParamSpec("P")


class Plan(NamedTuple):
    """The blocks of a group, and what they hold for."""

    names: tuple[str, ...]
    params: list[Value]
    dtypes: list[np.dtype[Any]]
    blocks: list[Block]

    def holds_for(self, names: tuple[str, ...], active: list[Value], state: State) -> bool:
        """Whether state and parameters are the same."""
        return (
            names == self.names
            and list(map(id, active)) == list(map(id, self.params))
            and [p._data.dtype for p in active] == self.dtypes
            and all(block.holds(state) for block in self.blocks)
        )


class StepwiseOptimizer(Optimizer):
    """Base of optimizers that update each element by itself: subclasses give state and a rule.

    A rule is ``rule(c, p, g, *state)``: constants, and elements of a parameter, of its gradient and
    of its state. It returns the new elements of the parameter and of the state; `+=` writes in
    place. Your own rule runs as the NumPy code that it is; those of this package have compiled
    loops, too (`nn.optim.rules`).

    Parameters
    ----------
    params, defaults : as in `Optimizer`.

    Examples
    --------
    Steps along the sign of a running mean of gradients:

    >>> import nn, numpy as np
    >>> def signum(c, p, g, m):
    ...     lr, keep, take = c
    ...     m *= keep
    ...     m += take * g
    ...     p -= lr * np.sign(m)
    ...     return p, m
    >>> class Signum(nn.optim.StepwiseOptimizer):
    ...     def __init__(self, params, lr=1e-3, beta=0.9):
    ...         super().__init__(params, {"lr": lr, "beta": beta})
    ...     def check(self, group):
    ...         if not (group["lr"] >= 0 and 0 <= group["beta"] < 1):
    ...             raise ValueError(f"Signum: lr must be >= 0, beta in [0, 1), got {group}.")
    ...     def arrays(self, group):
    ...         return {"mean": 0.0}
    ...     def rule(self, group, now):
    ...         return signum, (group["lr"], group["beta"], 1 - group["beta"])
    >>> p = nn.Parameter([1.0, -2.0])
    >>> np.sum(p * p).backward()
    >>> Signum([p], lr=0.25).step()
    >>> p.data
    array([ 0.75, -1.75], dtype=float32)
    """

    def __init__(self, params: Any, defaults: Group) -> None:
        self._plans: dict[int, Plan] = {}
        super().__init__(params, defaults)

    @abstractmethod
    def arrays(self, group: Group) -> dict[str, float]:
        """Names of the state arrays of every parameter, and the initial value of each."""

    def numbers(self, group: Group) -> dict[str, float]:
        """Names of the numbers in the state of every parameter, and their initial values."""
        return {"step": 0}

    @abstractmethod
    def rule(self, group: Group, now: dict[str, float]) -> tuple[Rule, tuple[float, ...]]:
        """The rule that the next step follows, and its constants.

        Parameters
        ----------
        group : settings.
        now : the numbers; ``now["step"]`` is 1 in the first step. Others may be written to.
        """

    def begin(self, group: Group, p: Value, state: dict[str, Any]) -> None:
        """Complete the numbers of a parameter's state, which may have been assigned in part."""
        missing = {name: x for name, x in self.numbers(group).items() if name not in state}
        found = [name for name in self.arrays(group) if name in state]
        if missing and found:
            raise ValueError(
                f"{type(self).__name__}: the state of {label(p)} has {', '.join(found)}, but no "
                f"{', '.join(missing)}; assign both."
            )
        state.update(missing)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place.

        A later backward() through a graph that used the old values raises.

        Parameters
        ----------
        closure : callable, optional
            Reevaluates the loss and its gradients; its result is returned.

        Raises
        ------
        ValueError
            A gradient's shape, or that of assigned state, is not its parameter's. Nothing has
            changed then.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        active = [self._active(group) for group in self.param_groups]
        planned = [
            (group, self._planned(i, group, params))
            for i, (group, params) in enumerate(zip(self.param_groups, active, strict=True))
            if params
        ]
        epoch = tick()
        with np.errstate(all="ignore"):  # as the backward pass does
            for group, group_blocks in planned:
                numbers = self.numbers(group)
                for block in group_blocks:
                    first = self.state[block.members[0]]
                    now = {name: first[name] for name in numbers}
                    if "step" in now:
                        now["step"] += 1
                    block.run(*self.rule(group, now))
                    for p in block.members:
                        self.state[p].update(now)
                        p.birth = epoch
        self.stepped = True
        return loss

    def _active(self, group: Group) -> list[Value]:
        """The parameters of the group that have a gradient, which is checked."""
        active = [p for p in group["params"] if p.grad is not None]
        for p in active:
            if p.grad.shape != p._data.shape:
                raise ValueError(
                    f"{type(self).__name__}: the gradient of {label(p)} has shape "
                    f"{p.grad.shape}, the parameter {p.shape}."
                )
        return active

    def _planned(self, i: int, group: Group, active: list[Value]) -> list[Block]:
        """The blocks of the group, rebuilt where its parameters or their state have changed."""
        arrays, numbers = self.arrays(group), self.numbers(group)
        names = (*arrays, *numbers)
        plan = self._plans.get(i)
        if plan is None or not plan.holds_for(names, active, self.state):
            for p in active:
                self.begin(group, p, self.state[p])
            made = blocks(active, self.state, arrays, tuple(numbers))
            plan = self._plans[i] = Plan(names, active, [p.dtype for p in active], made)
        return plan.blocks

    def __getstate__(self) -> dict[str, Any]:
        """All but the plans: their arrays share memory, which copies and pickles do not keep."""
        return {**vars(self), "_plans": {}}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._plans = {}

    def taken_over(self, group: Group, p: Value, state: Mapping[str, Any]) -> dict[str, Any]:
        arrays, numbers = self.arrays(group), self.numbers(group)
        missing = [name for name in (*numbers, *arrays) if name not in state]
        if missing:
            raise ValueError(f"its state has no {', '.join(missing)}.")
        mine: dict[str, Any] = {}
        for name, x in state.items():
            array = np.asarray(x)
            wanted = () if name in numbers or name == "step" else p.shape
            if array.shape != wanted:
                what = "a number" if wanted == () else f"of the parameter's, {p.shape}"
                raise ValueError(f"{name} has shape {array.shape}, it must be {what}.")
            if array.dtype.kind not in "fiu":
                raise ValueError(f"{name} must hold numbers, not {array.dtype}.")
            if name == "step":
                mine[name] = int(array)
            elif name in numbers:
                mine[name] = float(array)
            elif name in arrays or array.shape == p.shape:
                mine[name] = array.astype(p.dtype)
        return mine


def settings(**fixed: Any) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Make the arguments after `params` of an empty ``__init__`` the settings of an optimizer.

    Parameters
    ----------
    **fixed : settings that are not arguments.
    """

    def decorate(init: Callable[P, None]) -> Callable[P, None]:
        signature = inspect.signature(init)

        @functools.wraps(init)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
            init(*args, **kwargs)  # arguments that don't fit raise Python's own error
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            optimizer, params, *_ = given.args
            defaults = {**dict(list(given.arguments.items())[2:]), **fixed}
            StepwiseOptimizer.__init__(optimizer, params, defaults)

        return wrapped

    return decorate
