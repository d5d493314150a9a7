"""Optimizer: groups of parameters, their state, and the way in which an update reaches them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd.engine import Array, tick
from autograd.recording import enable_grad
from autograd.value import Value
from nn.optim.block import Block, gathered

Group = dict[str, Any]


class Optimizer(ABC):
    """Base of the optimizers: subclasses say which state they keep and how one update goes.

    Parameters
    ----------
    params : parameters, pairs (name, parameter), or groups ``{"params": ..., "lr": ...}`` with
        settings of their own.
    defaults : settings of groups that don't have their own.

    Attributes
    ----------
    param_groups : list of dict. Settings may be changed between steps.
    state : dict, Parameter -> {"step": int, name: ndarray}.

    Raises
    ------
    ValueError
        No parameters, one twice, a setting out of its range.
    TypeError
        Something that is not a leaf Value of floats.
    """

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Value):
            raise TypeError(
                f"{type(self).__name__}: params must be a sequence of parameters, not one Value: "
                "pass [p], or module.parameters()."
            )
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Value, dict[str, Any]] = {}
        self._blocks: dict[int, list[Block]] = {}
        given = list(params)
        if not given:
            raise ValueError(f"{type(self).__name__}: got no parameters.")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)

    @abstractmethod
    def names(self, group: Group) -> tuple[str, ...]:
        """Names of the state arrays that every parameter of the group has."""

    @abstractmethod
    def update(
        self, group: Group, step: int, p: Array, g: Array, state: list[Array], work: list[Array]
    ) -> None:
        """Change p in place, and the state with it.

        Parameters
        ----------
        group : settings.
        step : 1 in the first step.
        p, g : elements of parameters and their gradients, shape (n,). g stays as it is.
        state : one array for each of `names`, shape (n,).
        work : two arrays to compute in, shape (n,).
        """

    @abstractmethod
    def check(self, group: Group) -> None:
        """Raise ValueError for settings out of their range."""

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters with settings of their own."""
        name = type(self).__name__
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(f"{name}: a parameter group is a dict with 'params' in it.")
        params = param_group["params"]
        params = [params] if isinstance(params, Value) else list(params)
        params = [p[1] if isinstance(p, tuple) and len(p) == 2 else p for p in params]
        unknown = sorted(param_group.keys() - self.defaults.keys() - {"params", "name"})
        if unknown:
            raise ValueError(
                f"{name} has no setting {', '.join(unknown)}; it has {', '.join(self.defaults)}."
            )
        group: Group = {**self.defaults, **param_group, "params": params}
        known = {id(p) for other in self.param_groups for p in other["params"]}
        for i, p in enumerate(params):
            if not isinstance(p, Value):
                raise TypeError(f"{name}: params[{i}] must be a Parameter, not {_kind(p)}.")
            if p.op is not None:
                raise TypeError(
                    f"{name}: params[{i}] is the result of {p.op.name}; only leaves are optimized."
                )
            if p.dtype.kind != "f":
                raise TypeError(f"{name}: params[{i}] holds {p.dtype}, which has no gradient.")
            if id(p) in known:
                raise ValueError(f"{name}: params[{i}] {_label(p)} is there twice.")
            known.add(id(p))
        self.check(group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of every parameter, or set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p.grad is None:
                    p.grad = None
                else:
                    p.grad.fill(0)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in place.

        Graphs that used the old numbers notice: a later backward() through them raises.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients anew; what it returns is returned.

        Raises
        ------
        ValueError
            A gradient of another shape than its parameter.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        todo = []
        for i, group in enumerate(self.param_groups):
            active = []
            for p in group["params"]:
                if p.grad is not None:
                    if p.grad.shape != p._data.shape:
                        raise ValueError(
                            f"The gradient of {_label(p)} has shape {p.grad.shape}, "
                            f"the parameter {p.shape}."
                        )
                    active.append(p)
            if active:
                todo.append((group, self._planned(i, group, active)))
        epoch = tick()
        with np.errstate(all="ignore"):  # as the backward pass does
            for group, blocks in todo:
                for block in blocks:
                    step = self.state[block.members[0]]["step"] + 1
                    block.run(lambda *a, s=step, group=group: self.update(group, s, *a))
                    for p in block.members:
                        self.state[p]["step"] = step
                        p.birth = epoch
        return loss

    def _planned(self, i: int, group: Group, active: list[Value]) -> list[Block]:
        """The blocks of the group, made anew where its parameters with gradients have changed."""
        names = self.names(group)
        blocks = self._blocks.get(i)
        if blocks is None or not _same(blocks, active, names):
            blocks = self._blocks[i] = gathered(active, self.state, names)
        return blocks

    def state_dict(self) -> dict[str, Any]:
        """Copies of state and settings in PyTorch's form, parameters by number."""
        number = {id(p): i for i, p in enumerate(self._all())}
        state = {number[id(p)]: _copied(s) for p, s in self.state.items()}
        groups = [
            {**group, "params": [number[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and settings.

        Raises
        ------
        ValueError
            Groups or shapes that don't fit. Nothing has changed then.
        """
        params, groups = self._all(), state_dict["param_groups"]
        sizes = [len(group["params"]) for group in self.param_groups]
        given = [len(group["params"]) for group in groups]
        if sizes != given:
            raise ValueError(
                f"{type(self).__name__}: the state dict has groups of {given} parameters, "
                f"the optimizer of {sizes}."
            )
        order = [k for group in groups for k in group["params"]]
        saved = state_dict["state"]
        state: dict[Value, dict[str, Any]] = {}
        for key, p in zip(order, params, strict=True):
            if key in saved:
                # PyTorch's SGD has no step; a parameter with state has made one
                state[p] = {"step": int(np.asarray(saved[key].get("step", 1)))}
                for name, array in saved[key].items():
                    if name == "step" or array is None:
                        continue
                    state[p][name] = np.array(array, p.dtype)
                    if state[p][name].shape != p.shape:
                        raise ValueError(
                            f"{type(self).__name__}: {name} of parameter {key} has shape "
                            f"{state[p][name].shape}, the parameter {p.shape}."
                        )
        new = []
        for old, group in zip(self.param_groups, groups, strict=True):
            settings = {k: group[k] for k in old if k in group and k != "params"}
            new.append({**old, **settings})
            self.check(new[-1])
        self.param_groups[:] = new
        self.state, self._blocks = state, {}

    def _all(self) -> list[Value]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self) -> str:
        lines = [
            f"  {len(group['params'])} parameters: "
            + ", ".join(f"{k}={v}" for k, v in group.items() if k != "params")
            for group in self.param_groups
        ]
        return f"{type(self).__name__}(\n" + "\n".join(lines) + "\n)"


def _same(blocks: list[Block], active: list[Value], names: tuple[str, ...]) -> bool:
    members = [p for block in blocks for p in block.members]
    return (
        len(members) == len(active)
        and all(a is b for a, b in zip(members, active, strict=True))
        and all(b.names == names and b.members[0].dtype == b.dtype for b in blocks)
    )


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return {k: x.copy() if isinstance(x, np.ndarray) else x for k, x in state.items()}


def _label(p: Value) -> str:
    return f"{p.name!r} {p.shape}" if p.name else f"of shape {p.shape}"


def _kind(x: Any) -> str:
    return type(x).__name__


def require(ok: bool, setting: str, range_: str, got: Any) -> None:
    """Raise ValueError where a setting is out of its range."""
    if not ok:
        raise ValueError(f"{setting} must be {range_}, got {got!r}.")


def at_least_zero(group: Group, *settings: str) -> None:
    """Raise ValueError unless each of the settings is a finite number >= 0."""
    for name in settings:
        x = group[name]
        require(0 <= x < math.inf, name, "a finite number >= 0", x)
