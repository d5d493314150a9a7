"""Sequences of tensors, which are Python lists, and what may be missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.onnx.ops.shapes import parts
from nn.onnx.table import Unsupported, integers, plain, reads


@reads("SequenceEmpty")
def _empty(*, dtype: int = 1) -> Any:
    return []


@reads("SequenceConstruct")
def _construct(*xs: Any) -> Any:
    return list(xs)


@reads("SequenceAt")
def _at(sequence: Any, position: Any) -> Any:
    return sequence[integers(position)[0]]


@reads("SequenceLength")
def _length(sequence: Any) -> Any:
    return np.asarray(len(sequence), np.int64)


@reads("SequenceInsert")
def _insert(sequence: Any, x: Any, position: Any = None) -> Any:
    found = list(sequence)
    found.insert(len(found) if position is None else integers(position)[0], x)
    return found


@reads("SequenceErase")
def _erase(sequence: Any, position: Any = None) -> Any:
    found = list(sequence)
    found.pop(-1 if position is None else integers(position)[0])
    return found


@reads("ConcatFromSequence")
def _concat(sequence: Any, *, axis: int, new_axis: int = 0) -> Any:
    return np.stack(sequence, axis=axis) if new_axis else np.concatenate(sequence, axis=axis)


@reads("SplitToSequence")
def _split(x: Any, split: Any = None, *, axis: int = 0, keepdims: int = 1) -> Any:
    n = x.shape[axis]
    if split is None:
        found = parts(x, [1] * n, axis, n)
        return list(found) if keepdims else [np.squeeze(part, axis) for part in found]
    if np.ndim(plain(split)):
        return list(parts(x, integers(split), axis, 0))
    size = integers(split)[0]
    if size < 1:
        raise ValueError(f"SplitToSequence: parts of {size}.")
    return list(parts(x, [min(size, n - k) for k in range(0, n, size)], axis, 0))


@reads("SequenceMap")
def _map(sequence: Any, *more: Any, body: Any, around: Any) -> Any:
    found: list[list[Any]] = [[] for _ in body.outputs]
    for i, x in enumerate(sequence):
        others = [other[i] if isinstance(other, list) else other for other in more]
        for part, y in zip(found, body.run([x, *others], around), strict=True):
            part.append(y)
    return tuple(found)


@reads("Optional")
def _optional(x: Any = None, *, type: Any = None) -> Any:
    return x


@reads("OptionalHasElement")
def _has(x: Any = None) -> Any:
    return np.asarray(x is not None)


@reads("OptionalGetElement")
def _get(x: Any) -> Any:
    if x is None:
        raise Unsupported("the element of an optional that has none")
    return x
