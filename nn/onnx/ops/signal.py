"""Fourier transforms, as products with a matrix, and the tables that go with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nn.onnx.ops.constants import dtype_of
from nn.onnx.table import Unsupported, bounded, integers, plain, reads


def _transformed(x: Any, length: int, axis: int, inverse: bool, onesided: bool) -> Any:
    """The discrete Fourier transform along an axis of (..., 1) or (..., 2): real and imaginary."""
    n = x.shape[axis]
    x = np.moveaxis(x, axis, -2)  # (..., n, 1 or 2)
    if onesided and inverse:
        rest = x[..., 1 : (length + 1) // 2, :]
        mirrored = np.flip(rest, -2) * np.array([1, -1], x.dtype)
        x = np.concatenate([x, mirrored], axis=-2)
        n = x.shape[-2]
    if n < length:
        ends = [(0, 0)] * (x.ndim - 2) + [(0, length - n), (0, 0)]
        x = np.pad(x, ends)
    elif n > length:
        x = x[..., :length, :]
    out = length // 2 + 1 if onesided and not inverse else length
    bounded((out, length), "DFT")
    turn = 2 * np.pi * (np.outer(np.arange(out), np.arange(length)) % length) / length
    cos, sin = np.cos(turn).astype(x.dtype), np.sin(turn).astype(x.dtype)
    sin = sin if inverse else -sin
    real = x[..., 0]
    re, im = real @ cos.T, real @ sin.T
    if x.shape[-1] == 2:
        imaginary = x[..., 1]
        re, im = re - imaginary @ sin.T, im + imaginary @ cos.T
    y = np.stack([re, im], axis=-1)
    if inverse:
        y = y / np.asarray(length, x.dtype)
        y = y[..., :1] if onesided else y
    return np.moveaxis(y, -2, axis)


@reads("DFT", since=20)
def _dft(
    x: Any, length: Any = None, axis: Any = None, *, inverse: int = 0, onesided: int = 0
) -> Any:
    k = -2 if axis is None else integers(axis)[0]
    return _whole(x, length, k, inverse, onesided)


@reads("DFT")
def _dft_17(
    x: Any, length: Any = None, *, axis: int = 1, inverse: int = 0, onesided: int = 0
) -> Any:
    return _whole(x, length, axis, inverse, onesided)


def _whole(x: Any, length: Any, axis: int, inverse: int, onesided: int) -> Any:
    k = axis % x.ndim
    n = x.shape[k]
    full = 2 * (n - 1) if inverse and onesided else n
    return _transformed(
        x, full if length is None else integers(length)[0], k, bool(inverse), bool(onesided)
    )


@reads("STFT")
def _stft(x: Any, step: Any, window: Any = None, frame: Any = None, *, onesided: int = 1) -> Any:
    hop = integers(step)[0]
    size = integers(frame)[0] if frame is not None else window.shape[0]
    if hop < 1 or size < 1:
        raise ValueError(f"STFT: frames of {size} every {hop} samples.")
    x = np.reshape(x, (*x.shape[:2], -1))
    count = (x.shape[1] - size) // hop + 1
    at = np.arange(count)[:, None] * hop + np.arange(size)
    frames = x[:, at]  # (N, frames, size, 1 or 2)
    if window is not None:
        frames = frames * np.reshape(window, (-1, 1))
    return _transformed(frames, size, 2, False, bool(onesided))


def _window(*weights: float) -> Any:
    """A sum of cosines."""

    def read(size: Any, *, output_datatype: int = 1, periodic: int = 1) -> Any:
        n = integers(size)[0]
        bounded((n,), "a window")
        turn = 2 * np.pi * np.arange(n) / max(n if periodic else n - 1, 1)
        y = sum(w * np.cos(i * turn) for i, w in enumerate(weights))
        return np.asarray(y).astype(dtype_of(output_datatype))

    return read


reads("HannWindow")(_window(0.5, -0.5))
reads("HammingWindow")(_window(25 / 46, -21 / 46))
reads("BlackmanWindow")(_window(0.42, -0.5, 0.08))


@reads("MelWeightMatrix")
def _mel(
    bins: Any, length: Any, rate: Any, low: Any, high: Any, *, output_datatype: int = 1
) -> Any:
    count, size, sampled = integers(bins)[0], integers(length)[0], integers(rate)[0]
    spectrum = size // 2 + 1
    bounded((spectrum, count), "MelWeightMatrix")
    mels = [2595 * math.log10(1 + float(plain(f)) / 700) for f in (low, high)]
    if count < 1 or not sampled:
        raise Unsupported("MelWeightMatrix without bins")
    points = mels[0] + np.arange(count + 2) * (mels[1] - mels[0]) / (count + 2)
    hertz = 700 * (10 ** (points / 2595) - 1)
    at = ((size + 1) * hertz // sampled).astype(np.int64)
    y = np.zeros((spectrum, count))
    for i in range(count):
        a, b, c = at[i : i + 3]
        if b == a:
            y[b, i] = 1
        else:
            y[a : b + 1, i] = (np.arange(a, b + 1) - a) / (b - a)
        if c != b:
            y[b:c, i] = (c - np.arange(b, c)) / (c - b)
    return y.astype(dtype_of(output_datatype))
