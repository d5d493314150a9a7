"""Grouped-query attention: several heads of queries share one of keys and values."""

from __future__ import annotations

from typing import Any

import numpy as np


def grouped(query: Any, key: Any, value: Any, attn_mask: Any) -> tuple[Any, Any, Any, Any]:
    """The inputs with an axis of groups, along which keys and values are broadcast, not copied.

    (..., H · G, L, E) becomes (..., H, G, L, E), (..., H, S, E) becomes (..., H, 1, S, E), and a
    mask of H · G heads follows the queries.
    """
    given = (query, key, value, attn_mask)
    query, key, value, attn_mask = (
        x if x is None or hasattr(x, "ndim") else np.asarray(x) for x in given
    )
    for name, x in (("query", query), ("key", key), ("value", value)):
        if x.ndim < 3:
            raise ValueError(
                f"scaled_dot_product_attention: with enable_gqa, {name} must have an axis of "
                f"heads, (..., H, L, E), got shape {x.shape}."
            )
    heads, shared = query.shape[-3], key.shape[-3]
    if value.shape[-3] != shared or not shared or heads % shared:
        raise ValueError(
            "scaled_dot_product_attention: with enable_gqa, key and value must have the same "
            f"number of heads, a divisor of query's; got query {query.shape}, key {key.shape} and "
            f"value {value.shape}."
        )
    query = _split(query, shared, heads // shared)
    key, value = (np.expand_dims(x, -3) for x in (key, value))
    if attn_mask is not None and attn_mask.ndim > 2:
        one = attn_mask.shape[-3] == 1
        if one or attn_mask.shape[-3] == heads:  # else refused as any other mask
            attn_mask = _split(attn_mask, 1 if one else shared, 1 if one else heads // shared)
    return query, key, value, attn_mask


def merged(y: Any) -> Any:
    """The output (..., H, G, L, V) with one axis of heads."""
    shape = y.shape
    return np.reshape(y, (*shape[:-4], shape[-4] * shape[-3], *shape[-2:]))


def _split(x: Any, shared: int, group: int) -> Any:
    return np.reshape(x, (*x.shape[:-3], shared, group, *x.shape[-2:]))
