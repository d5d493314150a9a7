"""Loading a state dict, all of it or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd.node import Array, tick
from nn.parameter import Parameter, plain


class LoadReport(NamedTuple):
    """What `load_state_dict` found."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def load_into(
    state: Mapping[str, Any], state_dict: Mapping[str, Any], strict: bool, who: str
) -> LoadReport:
    """Write arrays into the Parameters and arrays of a state; see `Module.load_state_dict`."""
    missing = [key for key in state if key not in state_dict]
    unexpected = [key for key in state_dict if key not in state]
    new: dict[str, Array] = {}
    misfits = []
    for key, x in state.items():
        if key in state_dict:
            wanted, given = plain(x), np.asarray(plain(state_dict[key]))
            if given.shape != wanted.shape:
                misfits.append(f"{key} has shape {given.shape}, the model {wanted.shape}")
            elif not np.can_cast(given.dtype, wanted.dtype, "same_kind"):
                misfits.append(f"{key} has dtype {given.dtype}, the model {wanted.dtype}")
            else:
                new[key] = np.array(given, wanted.dtype)
    lines = [f"  does not fit: {text}" for text in misfits]
    if strict:
        lines += [f"  missing: {key}" for key in missing]
        lines += [f"  unexpected: {key}" for key in unexpected]
    if lines:
        raise ValueError(
            f"This state dict does not fit {who}; nothing was loaded.\n"
            + "\n".join(lines)
            + ("\nstrict=False loads what fits." if strict and not misfits else "")
        )
    epoch = tick()
    for key, array in new.items():
        x = state[key]
        plain(x)[...] = array
        if isinstance(x, Parameter):
            x.birth = epoch
    return LoadReport(missing, unexpected)
