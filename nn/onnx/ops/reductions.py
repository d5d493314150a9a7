"""Reductions over axes, the places of extremes, and running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from nn.onnx.table import integers, plain, row


def _l1(x: Any, **how: Any) -> Any:
    return np.sum(np.abs(x), **how)


def _l2(x: Any, **how: Any) -> Any:
    return np.sqrt(np.sum(np.square(x), **how))


def _sum_square(x: Any, **how: Any) -> Any:
    return np.sum(np.square(x), **how)


def _log_sum(x: Any, **how: Any) -> Any:
    return np.log(np.sum(x, **how))


def _log_sum_exp(x: Any, **how: Any) -> Any:
    if not np.size(plain(x)):
        return np.log(np.sum(np.exp(x), **how))
    return autograd.logsumexp(x, **how)


def _extreme(function: Any, empty: Any) -> Any:
    def reduced(x: Any, **how: Any) -> Any:
        a = plain(x)
        if a.size:
            return function(x, **how)
        if a.dtype.kind == "f":
            start = -np.inf if empty < 0 else np.inf
        elif a.dtype.kind == "b":
            start = empty > 0
        else:
            start = np.iinfo(a.dtype).min if empty < 0 else np.iinfo(a.dtype).max
        return function(a, initial=start, **how)

    return reduced


def _reduced(function: Any, x: Any, axes: Any, keepdims: int, noop: int, alone: Any = None) -> Any:
    chosen = None if axes is None else tuple(axes)
    if not chosen:
        if noop:
            return (alone or (lambda v: v))(x)
        chosen = None
    a = plain(x)
    if a.dtype.kind in "iub":
        y = np.asarray(function(a, axis=chosen, keepdims=bool(keepdims)))
        return y.astype(a.dtype)
    return function(x, axis=chosen, keepdims=bool(keepdims))


def _given(function: Any, alone: Any) -> Any:
    def read(x: Any, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Any:
        chosen = None if axes is None else integers(axes)
        return _reduced(function, x, chosen, keepdims, noop_with_empty_axes, alone)

    return read


def _as_attribute(function: Any) -> Any:
    def read(x: Any, *, axes: Any = None, keepdims: int = 1) -> Any:
        return _reduced(function, x, axes, keepdims, 0)

    return read


for name, function, alone, since in (
    ("ReduceSum", np.sum, None, 13), ("ReduceMean", np.mean, None, 18),
    ("ReduceProd", np.prod, None, 18), ("ReduceMax", _extreme(np.max, -1), None, 18),
    ("ReduceMin", _extreme(np.min, 1), None, 18), ("ReduceL1", _l1, np.abs, 18),
    ("ReduceL2", _l2, np.abs, 18), ("ReduceSumSquare", _sum_square, np.square, 18),
    ("ReduceLogSum", _log_sum, np.log, 18),
    ("ReduceLogSumExp", _log_sum_exp, None, 18),
):  # fmt: skip
    row(name, _as_attribute(function), since=1)
    row(name, _given(function, alone), since=since)


def _place(function: Any) -> Any:
    def read(x: Any, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Any:
        a = plain(x)
        if select_last_index:
            found = a.shape[axis] - 1 - function(np.flip(a, axis), axis)
        else:
            found = function(a, axis)
        return (np.expand_dims(found, axis) if keepdims else np.asarray(found)).astype(np.int64)

    return read


row("ArgMax", _place(np.argmax))
row("ArgMin", _place(np.argmin))


def _running(function: Any, start: int) -> Any:
    def read(x: Any, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Any:
        k = integers(axis)[0] % x.ndim
        if reverse:
            x = np.flip(x, k)
        if exclusive:
            first = np.full([1 if i == k else n for i, n in enumerate(x.shape)], start, x.dtype)
            rest = x[(slice(None),) * k + (slice(0, -1),)]
            x = np.concatenate([first, rest], axis=k)
        y = function(x, axis=k)
        y = y if y.dtype == x.dtype else y.astype(x.dtype)
        return np.flip(y, k) if reverse else y

    return read


row("CumSum", _running(np.cumsum, 0))
row("CumProd", _running(np.cumprod, 1))
