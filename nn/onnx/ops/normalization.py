"""Normalization over the batch, layers, groups, and neighbours; dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn import functional as F  # noqa: N812
from nn.functional.half import by_single
from nn.onnx.table import Unsupported, like, plain, reads


def _by_channel(v: Any, x: Any) -> Any:
    return np.reshape(v, (-1, *(1,) * (x.ndim - 2)))


@reads("BatchNormalization")
def _batch_norm(
    x: Any, w: Any, b: Any, mean: Any, var: Any, *, epsilon: float = 1e-5, momentum: float = 0.9,
    training_mode: int = 0, spatial: int = 1, is_test: int = 1, node: Any,
) -> Any:  # fmt: skip
    if not spatial:
        raise Unsupported("BatchNormalization with spatial=0")
    if not training_mode:
        if x.dtype == w.dtype and not any(getattr(v, "requires_grad", False) for v in (mean, var)):
            return by_single(F.batch_norm)(x, plain(mean), plain(var), w, b, False, 0.1, epsilon)
        scale = w / np.sqrt(var + like(epsilon, var))
        return x * _by_channel(scale, x) + _by_channel(b - mean * scale, x)
    axes = (0, *range(2, x.ndim))
    now, spread = np.mean(x, axis=axes), np.var(x, axis=axes)
    y = (x - _by_channel(now, x)) / np.sqrt(_by_channel(spread, x) + like(epsilon, x))
    y = y * _by_channel(w, x) + _by_channel(b, x)
    keep, take = like(momentum, mean), like(1 - momentum, mean)
    moved = plain(mean) * keep + plain(now) * take, plain(var) * keep + plain(spread) * take
    return (y, *moved) if len(node.outputs) > 1 else y


@reads("InstanceNormalization")
def _instance_norm(x: Any, w: Any, b: Any, *, epsilon: float = 1e-5) -> Any:
    return by_single(F.instance_norm)(x, None, None, w, b, eps=epsilon)


@reads("GroupNormalization", since=21)
def _group_norm(
    x: Any, w: Any, b: Any, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1
) -> Any:
    return by_single(F.group_norm)(x, num_groups, w, b, epsilon)


@reads("GroupNormalization")
def _group_norm_18(x: Any, w: Any, b: Any, *, num_groups: int, epsilon: float = 1e-5) -> Any:
    size = x.shape[1] // num_groups  # one weight a group, not a channel
    return by_single(F.group_norm)(x, num_groups, np.repeat(w, size), np.repeat(b, size), epsilon)


@reads("LayerNormalization")
def _layer_norm(
    x: Any, w: Any, b: Any = None, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1,
    node: Any,
) -> Any:  # fmt: skip
    k = axis % x.ndim
    shape = x.shape[k:]
    if len(node.outputs) == 1 and w.shape == shape and (b is None or b.shape == shape):
        return by_single(F.layer_norm)(x, shape, w, b, epsilon)
    axes = tuple(range(k, x.ndim))
    mean = np.mean(x, axis=axes, keepdims=True)
    away = x - mean
    inverse = 1 / np.sqrt(np.mean(np.square(away), axis=axes, keepdims=True) + like(epsilon, x))
    y = away * inverse * w
    return (y if b is None else y + b), mean, inverse


@reads("RMSNormalization")
def _rms_norm(x: Any, w: Any, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1) -> Any:
    k = axis % x.ndim
    if w.shape == x.shape[k:]:
        return by_single(F.rms_norm)(x, x.shape[k:], w, epsilon)
    axes = tuple(range(k, x.ndim))
    square = np.mean(np.square(x), axis=axes, keepdims=True)
    return x / np.sqrt(square + like(epsilon, x)) * w


@reads("MeanVarianceNormalization")
def _mean_variance_norm(x: Any, *, axes: tuple[int, ...] = (0, 2, 3)) -> Any:
    mean = np.mean(x, axis=axes, keepdims=True)
    var = np.mean(np.square(x), axis=axes, keepdims=True) - np.square(mean)
    return (x - mean) / (np.sqrt(var) + like(1e-9, x))


@reads("LpNormalization")
def _lp_norm(x: Any, *, axis: int = -1, p: int = 2) -> Any:
    if p == 1:
        size = np.sum(np.abs(x), axis=axis, keepdims=True)
    else:
        size = np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True))
    nothing = plain(size) == 0
    return x / np.where(nothing, like(1, size), size) if nothing.any() else x / size


@reads("LRN")
def _lrn(x: Any, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Any:
    if size % 2:
        return F.local_response_norm(x, size, alpha, beta, bias)
    low, high = (size - 1) // 2, size // 2  # the window is longer behind
    squares = np.pad(np.square(x), [(0, 0), (low, high), *[(0, 0)] * (x.ndim - 2)])
    total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x / (bias + total * (alpha / size)) ** beta


@reads("Dropout", since=12)
def _dropout(
    x: Any, ratio: Any = None, training_mode: Any = None, *, seed: int | None = None, node: Any
) -> Any:
    p = 0.5 if ratio is None else float(plain(ratio))
    if training_mode is not None and bool(plain(training_mode)) and p:
        raise Unsupported("Dropout in training mode, whose random numbers no other program draws")
    return _undropped(x, node)


@reads("Dropout")
def _dropout_1(x: Any, *, ratio: float = 0.5, is_test: int = 1, node: Any) -> Any:
    return _undropped(x, node)


def _undropped(x: Any, node: Any) -> Any:
    return (x, np.ones(x.shape, bool)) if len(node.outputs) > 1 else x
