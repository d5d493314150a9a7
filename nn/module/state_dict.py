"""State dicts: a module's arrays under their paths, saved, and loaded all or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd.dispatch import array_of
from autograd.node import Array, tick
from autograd.value import Value
from nn.arguments import flags
from nn.parameter import Parameter, plain

EXTRA = "_extra_state"
"""PyTorch's key for what `Module.get_extra_state` returns."""


class LoadReport(NamedTuple):
    """What `load_state_dict` found."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def saved(module: Any, prefix: str, state: dict[str, Any], keep_vars: bool) -> None:
    """Add copies of what a module and its submodules hold to a state dict, its hooks around it."""
    hooks = module._made(prefix[:-1])._hooks
    for hook, _ in tuple(hooks.before_save) if hooks else ():
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(state, prefix, keep_vars)
    for name, child in module._own_modules():
        within = f"{prefix}{name}."
        if child._has_own("state_dict"):
            child.state_dict(destination=state, prefix=within, keep_vars=keep_vars)
        else:
            saved(child, within, state, keep_vars)
    for hook, _ in tuple(hooks.after_save) if hooks else ():
        if hook(module, state, prefix, {}) is not None:
            raise TypeError(
                f"A state-dict post-hook of {type(module).__name__} changes state_dict in place "
                "and returns None."
            )


def load_into(module: Any, state_dict: Mapping[str, Any], strict: bool) -> LoadReport:
    """Write a state dict into a module; see `Module.load_state_dict`."""
    flags("load_state_dict", strict=strict)
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"load_state_dict: state_dict must be a mapping of path to array, not "
            f"{type(state_dict).__name__}; nn.load(path) reads one."
        )
    given, report = dict(state_dict), LoadReport([], [])
    errors: list[str] = []
    for path, each in module.named_modules(remove_duplicate=False):
        prefix = f"{path}." if path else ""
        for hook, _ in tuple(each._hooks.before_load) if each._hooks else ():
            hook(each, given, prefix, {}, strict, *report, errors)
        each._load_from_state_dict(given, prefix, {}, strict, *report, errors)
    state: dict[str, Any] = {}
    extras: dict[str, Any] = {}
    newer: set[str] = set()
    for path, each in module.named_modules(remove_duplicate=False):
        prefix = f"{path}." if path else ""
        state.update((prefix + name, x) for name, x in each._made(path)._own_state())
        newer.update(prefix + name for name in each._newer)
        if each._has_own("set_extra_state"):
            extras[prefix + EXTRA] = each
    report.missing_keys.extend(
        key for key in (*state, *extras) if key not in given and key not in newer
    )
    report.unexpected_keys.extend(key for key in given if key not in state and key not in extras)
    new, misfits = fitting(state, given)
    afters = [
        (each, hook)
        for each in children_first(module)
        for hook, _ in (each._hooks.after_load if each._hooks else ())
    ]
    problems = [*errors, *(f"does not fit: {text}" for text in misfits)]
    if problems or (strict and not afters):
        refuse(type(module).__name__, problems, report, strict)
    before = {key: plain(state[key]).copy() for key in new} if strict and any(report) else None
    write(state, new)
    for key, each in extras.items():
        if key in given:
            each.set_extra_state(given[key])
    for each, hook in afters:  # they may take keys off the report
        if hook(each, report) is not None:
            raise TypeError(
                f"A load-state-dict post-hook of {type(each).__name__} changes incompatible_keys "
                "in place and returns None."
            )
    if before is not None and any(report):
        write(state, before)
        refuse(type(module).__name__, [], report, strict)
    return report


def children_first(module: Any) -> Iterator[Any]:
    """All submodules, and last the module."""
    for _, child in module._own_modules():
        yield from children_first(child)
    yield module


def fitting(
    state: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Array], list[str]]:
    """The arrays to write, and why others don't fit."""
    new: dict[str, Array] = {}
    misfits = []
    for key, x in state.items():
        if key in given:
            wanted, array = plain(x), as_array(given[key])
            if array.shape != wanted.shape:
                misfits.append(f"{key} has shape {array.shape}, the model {wanted.shape}")
            elif not np.can_cast(array.dtype, wanted.dtype, "same_kind"):
                misfits.append(f"{key} has dtype {array.dtype}, the model {wanted.dtype}")
            else:
                new[key] = np.array(array, wanted.dtype)
    return new, misfits


def as_array(x: Any) -> Array:
    """The array of a Value, of something array-like, or of a PyTorch tensor of any float type."""
    if hasattr(x, "detach") and not isinstance(x, Value):
        x = x.detach().cpu()
        if str(x.dtype) == "torch.bfloat16":  # NumPy has no such type; float32 holds all of it
            x = x.float()
    return array_of(plain(x), "load_state_dict")


def refuse(who: str, problems: list[str], report: LoadReport, strict: bool) -> None:
    """Raise ValueError if there are problems; keys are some where `strict`."""
    lines = list(problems)
    if strict:
        lines += [f"missing: {key}" for key in report.missing_keys]
        lines += [f"unexpected: {key}" for key in report.unexpected_keys]
    if lines:
        raise ValueError(
            f"This state dict does not fit {who}; nothing was loaded.\n"
            + "\n".join(f"  {line}" for line in lines)
            + ("\nstrict=False loads what fits." if strict and not problems else "")
        )


def write(state: Mapping[str, Any], new: Mapping[str, Array]) -> None:
    """Write arrays into the Parameters and arrays of a state."""
    epoch = tick()
    for key, array in new.items():
        x = state[key]
        plain(x)[...] = array
        if isinstance(x, Parameter):
            x.birth = epoch
