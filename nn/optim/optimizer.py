"""Optimizer: parameter groups, their settings and state, saved and loaded."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd.tape import OPEN, current
from autograd.value import Value
from nn.arguments import flags
from nn.optim.hooks import Hooked

Group = dict[str, Any]

SCHEDULED = frozenset({"initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum", "swa_lr"})
"""Settings that schedulers add to a group, as PyTorch's do."""


BOOLEAN = ("nesterov", "amsgrad", "centered", "decoupled_weight_decay", "maximize")
"""The settings that are True or False."""


class Optimizer(Hooked, ABC):
    """Base class of optimizers: subclasses define their settings, state and step.

    Parameters
    ----------
    params : parameters, pairs (name, parameter), or groups ``{"params": ..., "lr": ...}`` with
        their own settings.
    defaults : settings that a group has unless it gives its own.

    Attributes
    ----------
    param_groups : list of dict. Settings may be changed between steps.
    state : dict, Parameter -> {"step": int, name: ndarray}; {} before a parameter's first step.
        Arrays have the parameter's shape and are updated in place; what is assigned counts.

    Raises
    ------
    ValueError
        No parameters, a parameter that appears twice, a setting out of range.
    TypeError
        A parameter that is not a leaf Value of floats.
    """

    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Value):
            raise TypeError(
                f"{type(self).__name__}: params must be a sequence of parameters, not one Value: "
                "pass [p], or module.parameters()."
            )
        if not isinstance(params, Iterable):
            raise TypeError(
                f"{type(self).__name__}: params must be a sequence of parameters, not "
                f"{_kind(params)}: pass module.parameters()."
            )
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Value, dict[str, Any]] = defaultdict(dict)
        self.stepped = False  # schedulers ask for it
        given = list(params)
        if not given:
            raise ValueError(
                f"{type(self).__name__}: got no parameters. Use nn.ModuleList, not a list, for "
                "submodules; .parameters() is an iterator, which can be used only once."
            )
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)

    def check(self, group: Group) -> None:
        """Raise ValueError for settings out of range; by default none is."""

    @abstractmethod
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters."""

    def taken_over(self, group: Group, p: Value, state: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a parameter's saved state, for `load_state_dict`; subclasses check it.

        Parameters
        ----------
        group : the saved settings.
        p : the parameter.
        state : what was saved, without entries that are None.
        """
        mine: dict[str, Any] = {}
        for name, x in state.items():
            array = np.asarray(x).copy() if hasattr(x, "__array__") else None
            if array is None:
                mine[name] = copied(x)
            elif array.shape == p.shape and array.dtype.kind == "f":
                mine[name] = array.astype(p.dtype)
            else:
                mine[name] = array if array.ndim else array.item()
        return mine

    def add_param_group(self, param_group: Group) -> None:
        """Add a group of parameters with its own settings."""
        name = type(self).__name__
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(f"{name}: a parameter group is a dict with 'params' in it.")
        params = param_group["params"]
        params = [params] if isinstance(params, Value) else list(params)
        params = [p[1] if isinstance(p, tuple) and len(p) == 2 else p for p in params]
        known_keys = {"params", "name", *self.defaults, *SCHEDULED}
        unknown = sorted(map(str, param_group.keys() - known_keys))
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
                raise ValueError(f"{name}: params[{i}] {label(p)} appears twice.")
            known.add(id(p))
        flags(name, **{key: group[key] for key in BOOLEAN if key in group})
        self.check(group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradient of every parameter, to None or to zeros."""
        flags("zero_grad", set_to_none=set_to_none)
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p.grad is None:
                    p.grad = None
                elif OPEN[0] and current():
                    p.grad = np.zeros(p.shape, p.dtype)
                else:
                    p.grad.fill(0)

    def state_dict(self) -> dict[str, Any]:
        """Copies of state and settings in PyTorch's form, parameters by index."""
        number = {id(p): i for i, p in enumerate(self._all())}
        state = {number[id(p)]: copied(s) for p, s in self.state.items() if s}
        groups = [
            {**group, "params": [number[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": dict(sorted(state.items())), "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load state and settings, saved by this class or by PyTorch's of the same name.

        Raises
        ------
        ValueError
            Groups, settings or state that don't fit. Nothing has changed then.
        """
        name = type(self).__name__
        if not {"state", "param_groups"} <= state_dict.keys():
            raise ValueError(f"{name}: a state dict has 'state' and 'param_groups'.")
        params, groups = self._all(), state_dict["param_groups"]
        sizes = [len(group["params"]) for group in self.param_groups]
        given = [len(group["params"]) for group in groups]
        if sizes != given:
            raise ValueError(
                f"{name}: the state dict has groups of {given} parameters, "
                f"the optimizer of {sizes}."
            )
        new = []
        for old, group in zip(self.param_groups, groups, strict=True):
            settings = {k: group[k] for k in {*self.defaults, *SCHEDULED, "name"} & group.keys()}
            kept = {k: x for k, x in old.items() if k not in SCHEDULED}
            new.append({**kept, **settings})
            self.check(new[-1])
        order = [(own, k) for own, g in zip(new, groups, strict=True) for k in g["params"]]
        state: dict[Value, dict[str, Any]] = defaultdict(dict)
        for (group, key), p in zip(order, params, strict=True):
            saved = {k: x for k, x in state_dict["state"].get(key, {}).items() if x is not None}
            if saved:
                try:
                    state[p] = self.taken_over(group, p, saved)
                except ValueError as error:
                    raise ValueError(f"{name}: parameter {key}: {error}") from None
        self.param_groups[:] = new
        self.state = state

    def _all(self) -> list[Value]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self) -> str:
        lines = [
            f"  {len(group['params'])} parameters: "
            + ", ".join(f"{k}={v}" for k, v in group.items() if k != "params")
            for group in self.param_groups
        ]
        return f"{type(self).__name__}(\n" + "\n".join(lines) + "\n)"


def copied(state: Any) -> Any:
    """A copy of nested dicts and lists, with the arrays in them."""
    if isinstance(state, dict):
        return {k: copied(x) for k, x in state.items()}
    if isinstance(state, list):
        return [copied(x) for x in state]
    return state.copy() if isinstance(state, np.ndarray) else state


def label(p: Value) -> str:
    """A parameter's name and shape, for error messages."""
    return f"{p.name!r} {p.shape}" if p.name else f"a parameter of shape {p.shape}"


def _kind(x: Any) -> str:
    return type(x).__name__


def require(ok: bool, setting: str, range_: str, got: Any) -> None:
    """Raise ValueError unless a setting is in its range."""
    if not ok:
        raise ValueError(f"{setting} must be {range_}, got {got!r}.")


def real(setting: str, x: Any) -> float:
    """The number, or a TypeError that names the setting."""
    if isinstance(x, bool) or not isinstance(x, (int, float, np.integer, np.floating)):
        raise TypeError(f"{setting} must be a number, got {x!r}.")
    return float(x)


def at_least_zero(group: Group, *settings: str) -> None:
    """Raise ValueError unless each of the settings is a finite number >= 0."""
    for name in settings:
        x = real(name, group[name])
        require(0 <= x < math.inf, name, "a finite number >= 0", group[name])


def check_betas(group: Group) -> None:
    """Raise ValueError unless betas are two numbers in [0, 1)."""
    betas = group["betas"]
    pair = isinstance(betas, (tuple, list)) and len(betas) == 2
    fits = pair and all(0 <= real("betas", beta) < 1 for beta in betas)
    require(fits, "betas", "two numbers from 0 to below 1", betas)
