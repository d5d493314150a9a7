"""Attention: the fused kernel where nothing of its inside is asked for, else composed of ops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.ops.algebra.products import matmul
from nn import functional as F  # noqa: N812
from nn.functional.half import by_single
from nn.onnx.ops.constants import dtype_of
from nn.onnx.table import like, plain, reads, writes


@reads("Attention")
def _attention(
    q: Any, k: Any, v: Any, mask: Any = None, past_key: Any = None, past_value: Any = None,
    lengths: Any = None, *, is_causal: int = 0, kv_num_heads: int = 0, q_num_heads: int = 0,
    qk_matmul_output_mode: int = 0, scale: float = 0.0, softcap: float = 0.0,
    softmax_precision: int = 0, left_window_size: int = -1, right_window_size: int = -1, node: Any,
) -> Any:  # fmt: skip
    flat = q.ndim == 3
    if flat:
        q, k, v = _heads(q, q_num_heads), _heads(k, kv_num_heads), _heads(v, kv_num_heads)
    offset: Any = 0
    if past_key is not None:
        offset = past_key.shape[2]
        k, v = np.concatenate([past_key, k], axis=2), np.concatenate([past_value, v], axis=2)
    present = k, v
    groups = q.shape[1] // k.shape[1]
    if groups > 1:
        k, v = np.repeat(k, groups, axis=1), np.repeat(v, groups, axis=1)
    factor = scale or 1 / math.sqrt(q.shape[-1])
    L, S = q.shape[2], k.shape[2]
    if lengths is not None:
        offset = plain(lengths).reshape(-1, 1, 1, 1) - L
    allowed = _allowed(L, S, offset, is_causal, left_window_size, right_window_size)
    if lengths is not None:
        valid = np.arange(S) < plain(lengths).reshape(-1, 1, 1, 1)
        allowed = valid if allowed is None else allowed & valid
    if mask is not None and mask.shape[-1] < S:
        short = [(0, 0)] * (mask.ndim - 1) + [(0, S - mask.shape[-1])]
        fill = False if mask.dtype == bool else -np.inf
        mask = np.pad(mask, short, constant_values=fill)
    wants_inside = len(node.outputs) > 3 and bool(node.outputs[3])
    inside = None
    if softcap or wants_inside or q.dtype.kind != "f" or softmax_precision:
        y, inside = _composed(
            q, k, v, mask, allowed, factor, softcap, softmax_precision, qk_matmul_output_mode
        )
    else:
        if mask is not None and mask.dtype == bool:
            mask = plain(mask) if allowed is None else plain(mask) & allowed
        elif mask is not None and allowed is not None:
            mask = np.where(allowed, mask, like(-np.inf, q))
        elif mask is None:
            mask = allowed
        y = by_single(F.scaled_dot_product_attention)(q, k, v, mask, 0.0, False, scale=factor)
    if flat:
        y = np.transpose(y, (0, 2, 1, 3))
        y = np.reshape(y, (*y.shape[:2], -1))
    return (y, *present, inside) if len(node.outputs) > 1 else y


@reads("Attention", domain="glassgrad")
def _written_out(
    q: Any, k: Any, v: Any, mask: Any = None, *, perm: tuple[int, ...], scale: float
) -> Any:
    """Attention of any number of axes: a pattern of ours; the axes of k are first permuted."""
    k = k if perm == tuple(range(k.ndim)) else np.transpose(k, perm)
    fits = k.ndim == q.ndim == v.ndim and (mask is None or mask.ndim <= q.ndim)
    if fits and (mask is None or mask.dtype == q.dtype):
        return by_single(F.scaled_dot_product_attention)(q, k, v, mask, 0.0, False, scale=scale)
    scores = matmul(q, np.swapaxes(k, -1, -2)) * like(scale, q)
    return matmul(F.softmax(scores if mask is None else scores + mask, -1), v)


def _heads(x: Any, count: int) -> Any:
    """(N, T, H · D) as (N, H, T, D)."""
    return np.transpose(np.reshape(x, (*x.shape[:2], count, -1)), (0, 2, 1, 3))


def _allowed(L: int, S: int, offset: Any, causal: int, left: int, right: int) -> Any:
    """Which keys a query may attend to by its place, or None where that is no matter."""
    if not causal and left < 0 and right < 0:
        return None
    at, keys = np.arange(L)[:, None] + offset, np.arange(S)
    found = np.ones(np.broadcast_shapes(np.shape(at), (L, S)), bool)
    if causal:
        found &= keys <= at
    if left >= 0:
        found &= keys >= at - left
    if right >= 0:
        found &= keys <= at + right
    return found


def _composed(
    q: Any, k: Any, v: Any, mask: Any, allowed: Any, factor: float, softcap: float,
    precision: int, mode: int,
) -> tuple[Any, Any]:  # fmt: skip
    root = like(math.sqrt(factor), q)
    raw = matmul(q * root, np.swapaxes(k, -1, -2) * root)
    capped = like(softcap, raw) * np.tanh(raw / like(softcap, raw)) if softcap else raw
    scores = capped
    if mask is not None and mask.dtype == bool:
        allowed = plain(mask) if allowed is None else allowed & plain(mask)
    elif mask is not None:
        scores = scores + mask
    if allowed is not None:
        scores = np.where(allowed, scores, like(-np.inf, q))
    inside = (raw, capped, scores)[mode] if mode < 3 else None
    wide = scores.astype(dtype_of(precision)) if precision else scores
    weights: Any
    idle = np.all(np.isneginf(plain(wide)), axis=-1, keepdims=True)
    if idle.any():
        weights = np.where(idle, like(0, wide), F.softmax(np.where(idle, like(0, wide), wide), -1))
    else:
        weights = F.softmax(wide, -1)
    weights = weights if weights.dtype == q.dtype else weights.astype(q.dtype)
    return matmul(weights, v), weights if mode == 3 else inside


@reads("RotaryEmbedding")
def _rotary(
    x: Any, cos: Any, sin: Any, places: Any = None, *, interleaved: int = 0, num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> Any:  # fmt: skip
    flat = x.ndim == 3
    shape = x.shape
    x = np.reshape(x, (*shape[:2], num_heads, -1)) if flat else np.transpose(x, (0, 2, 1, 3))
    size = rotary_embedding_dim or x.shape[-1]
    if places is not None:
        cos, sin = cos[plain(places)], sin[plain(places)]
    half = size // 2
    cos, sin = (np.expand_dims(t[..., :half], 2) for t in (cos, sin))  # (N, T, 1, half)
    turned, rest = x[..., :size], x[..., size:]
    if interleaved:
        a, b = turned[..., 0::2], turned[..., 1::2]
    else:
        a, b = turned[..., :half], turned[..., half:]
    first, second = cos * a - sin * b, sin * a + cos * b
    if interleaved:
        y = np.reshape(np.stack([first, second], axis=-1), turned.shape)
    else:
        y = np.concatenate([first, second], axis=-1)
    y = np.concatenate([y, rest], axis=-1) if rest.shape[-1] else y
    return np.reshape(y, shape) if flat else np.transpose(y, (0, 2, 1, 3))


# Writing


@writes("attention")
def _write_attention(out: Any, v: Any, q: str, k: str, w: str, mask: str) -> Any:
    causal, scale, dropped = v.same(0), v.same(1), v.same(2)
    ranks = [v.ndim(i) for i in range(3)]
    stacks = [v.sizes(i)[:-2] for i in range(3)]
    fits = ranks[0] in (3, 4) and stacks[0] == stacks[1] == stacks[2]
    if out.opset < 23 or dropped or not fits or (mask and causal):
        return NotImplemented
    given = [q, k, w]
    if mask and v.sizes(3)[-2] != v.sizes(0)[-2]:  # onnxruntime does not broadcast over queries
        mask = out.node("Expand", mask, out.shape([v.sizes(0)[-2], v.sizes(3)[-1]]))
    if ranks[0] == 3:
        given = [out.node("Unsqueeze", x, out.integers(1)) for x in given]
        if mask and v.ndim(3) == 3:
            mask = out.node("Unsqueeze", mask, out.integers(1))
    more = {} if scale is None else {"scale": float(scale)}
    y = out.node("Attention", *given, mask, is_causal=int(bool(causal)), **more)
    return out.node("Squeeze", y, out.integers(1)) if ranks[0] == 3 else y
