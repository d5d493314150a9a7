"""Attention masks, merged into one."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.value import Value
from nn.functional.tensor import Tensor, same_dtype


def merged(
    who: str,
    attn_mask: Any,
    key_padding_mask: Any,
    forbidden: Any,
    sizes: tuple[int, int, int, int],
    dtype: Any,
    single: bool,
) -> Tensor | None:
    """All masks in one: True where attending is allowed, or floats to add; None for none.

    Parameters
    ----------
    who : what errors call the function.
    attn_mask : (L, S) or (N · H, L, S), True where forbidden, or floats to add; or None.
    key_padding_mask : (N, S), or (S,) with `single`, likewise.
    forbidden : (L, S), True where forbidden, or None.
    sizes : N, H, L and S.
    dtype : of the scores.
    single : whether the input is one sequence, without a batch axis.
    """
    N, H, L, S = sizes
    masks: list[Tensor] = []
    if attn_mask is not None:
        mask = _mask(who, "attn_mask", attn_mask, dtype)
        if mask.shape not in ((L, S), (N * H, L, S)):
            raise ValueError(
                f"{who}: attn_mask must be (L, S) = {(L, S)} or (N · heads, L, S) = "
                f"{(N * H, L, S)}, got {mask.shape}."
            )
        masks.append(np.reshape(mask, (1, 1, L, S) if mask.ndim == 2 else sizes))
    if key_padding_mask is not None:
        mask = _mask(who, "key_padding_mask", key_padding_mask, dtype)
        wanted = (S,) if single else (N, S)
        if mask.shape != wanted:
            raise ValueError(
                f"{who}: key_padding_mask must be {'(S,)' if single else '(N, S)'} = {wanted}, "
                f"got {mask.shape}."
            )
        masks.append(np.reshape(mask, (N, 1, 1, S)))
    if forbidden is not None:
        masks.append(np.reshape(forbidden, (1, 1, L, S)))
    if not masks:
        return None
    if all(mask.dtype == bool for mask in masks):
        taken = ~masks[0]
        for mask in masks[1:]:
            taken = taken & ~mask
        return taken
    infinite = np.asarray(-np.inf, dtype)
    added = [np.where(m, infinite, 0).astype(dtype) if m.dtype == bool else m for m in masks]
    total = added[0]
    for mask in added[1:]:
        total = total + mask
    return total


def _mask(who: str, name: str, given: Any, dtype: Any) -> Tensor:
    mask = given if isinstance(given, Value) else array_of(given, f"{who}: {name}")
    if mask.dtype.kind not in "fb":
        raise TypeError(
            f"{who}: {name} must be bool (True: forbidden) or floats to add to the scores, got "
            f"{mask.dtype}; use astype(bool)."
        )
    if mask.dtype.kind == "b":
        return mask
    if isinstance(mask, Value):
        same_dtype(f"{who}, {name}", mask, np.empty(0, dtype))
        return mask
    return mask.astype(dtype, copy=False)
