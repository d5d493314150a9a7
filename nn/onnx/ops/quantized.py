"""Integers that stand for numbers: quantized models run forward."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.onnx.ops.constants import dtype_of
from nn.onnx.ops.conv import CONV, padding
from nn.onnx.table import Unsupported, plain, reads


def _beside(v: Any, x: Any, axis: int, block: int) -> Any:
    """A scale or zero point so that it meets x: one for all, one for each index, or for blocks."""
    if v.ndim == 0 or (v.size == 1 and not block):
        return np.reshape(v, ())
    if block:
        blocks = np.repeat(v, block, axis=axis)
        return blocks[tuple(slice(n) for n in x.shape)]
    return np.reshape(v, [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


def _range(dtype: Any) -> tuple[float, float]:
    if dtype.name in ("int4", "uint4", "int2", "uint2"):
        bits = int(dtype.name[-1])
        return (
            (0, 2**bits - 1) if dtype.name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        )
    info = np.iinfo(dtype)
    return info.min, info.max


@reads("DequantizeLinear")
def _dequantize(
    x: Any, scale: Any, zero: Any = None, *, axis: int = 1, block_size: int = 0,
    output_dtype: int = 0,
) -> Any:  # fmt: skip
    a, s = np.asarray(plain(x)), np.asarray(plain(scale))
    wide = a.astype(np.float32)
    if zero is not None:
        wide = wide - _beside(np.asarray(plain(zero)).astype(np.float32), a, axis, block_size)
    y = wide * _beside(s.astype(np.float32), a, axis, block_size)
    return y.astype(dtype_of(output_dtype) if output_dtype else s.dtype)


@reads("QuantizeLinear")
def _quantize(
    x: Any, scale: Any, zero: Any = None, *, axis: int = 1, block_size: int = 0,
    output_dtype: int = 0, precision: int = 0, saturate: int = 1,
) -> Any:  # fmt: skip
    from nn.onnx.ops.constants import _as_type

    a, s = np.asarray(plain(x)), np.asarray(plain(scale))
    if zero is not None:
        dtype = np.asarray(plain(zero)).dtype
    else:
        dtype = np.dtype(dtype_of(output_dtype) if output_dtype else np.uint8)
    working = np.float32 if a.dtype.itemsize <= 4 else np.float64
    y = a.astype(working) / _beside(s.astype(working), a, axis, block_size)
    if zero is None:
        shift = np.zeros((), working)
    else:
        shift = _beside(np.asarray(plain(zero)).astype(working), a, axis, block_size)
    if dtype.name.startswith("float"):
        return _as_type(y + shift, dtype, saturate, "up")
    low, high = _range(dtype)
    return np.clip(np.rint(y) + shift, low, high).astype(np.int64).astype(dtype)


@reads("DynamicQuantizeLinear")
def _dynamic_quantize(x: Any) -> Any:
    a = plain(x)
    low, high = min(np.float32(0), a.min()), max(np.float32(0), a.max())
    scale = np.float32((high - low) / np.float32(255))
    if not scale:
        return np.zeros(a.shape, np.uint8), np.float32(1), np.uint8(0)
    zero = np.uint8(np.clip(np.rint(-low / scale), 0, 255))
    return np.clip(np.rint(a / scale) + zero, 0, 255).astype(np.uint8), scale, zero


def _less(x: Any, zero: Any, along_rows: bool = False) -> Any:
    """Integers less their zero point, as float64, in which their sums are exact."""
    a = np.asarray(plain(x)).astype(np.float64)
    if zero is None:
        return a
    z = np.asarray(plain(zero)).astype(np.float64)
    if z.ndim == 1 and z.size > 1 and along_rows:
        z = z[:, None]
    return a - z


@reads("MatMulInteger")
def _matmul_integer(a: Any, b: Any, a_zero: Any = None, b_zero: Any = None) -> Any:
    return np.matmul(_less(a, a_zero, True), _less(b, b_zero)).astype(np.int64).astype(np.int32)


@reads("ConvInteger")
def _conv_integer(
    x: Any, w: Any, x_zero: Any = None, w_zero: Any = None, *, auto_pad: str = "NOTSET",
    dilations: Any = None, group: int = 1, kernel_shape: Any = None, pads: Any = None,
    strides: Any = None,
) -> Any:  # fmt: skip
    return _sums(x, w, x_zero, w_zero, auto_pad, dilations, group, pads, strides).astype(np.int32)


def _sums(
    x: Any, w: Any, x_zero: Any, w_zero: Any, auto_pad: str, dilations: Any, group: int,
    pads: Any, strides: Any,
) -> Any:  # fmt: skip
    kernel = np.asarray(plain(w))
    if w_zero is not None and np.size(w_zero) > 1:
        w_zero = np.reshape(w_zero, (-1, *(1,) * (kernel.ndim - 1)))
    rank = kernel.ndim - 2
    steps, gaps = strides or (1,) * rank, dilations or (1,) * rank
    ends = padding(auto_pad, pads, x.shape[2:], kernel.shape[2:], steps, gaps)
    y = CONV[rank](_less(x, x_zero), _less(kernel, w_zero), None, steps, ends, gaps, group)
    return np.rint(y)


def _requantized(y: Any, scale: Any, zero: Any) -> Any:
    dtype = np.asarray(zero).dtype
    if dtype.kind not in "iu":
        return (y / np.asarray(scale)).astype(dtype)
    low, high = _range(dtype)
    held = np.clip(np.rint(y / np.asarray(scale)) + np.asarray(zero).astype(np.float64), low, high)
    return held.astype(np.int64).astype(dtype)


@reads("QLinearConv")
def _qlinear_conv(
    x: Any, x_scale: Any, x_zero: Any, w: Any, w_scale: Any, w_zero: Any, y_scale: Any,
    y_zero: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None,
    group: int = 1, kernel_shape: Any = None, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    sums = _sums(x, w, x_zero, w_zero, auto_pad, dilations, group, pads, strides)
    channels = (-1, *(1,) * (sums.ndim - 2))
    if b is not None:
        sums = sums + np.reshape(plain(b), channels)
    scale = np.asarray(plain(x_scale), np.float64) * np.reshape(
        np.asarray(plain(w_scale), np.float64), channels
    )
    return _requantized(sums * scale, plain(y_scale), plain(y_zero))


@reads("QLinearMatMul")
def _qlinear_matmul(
    a: Any, a_scale: Any, a_zero: Any, b: Any, b_scale: Any, b_zero: Any, y_scale: Any, y_zero: Any
) -> Any:
    left, right = np.asarray(plain(a_scale), np.float64), np.asarray(plain(b_scale), np.float64)
    if left.ndim == 1 and left.size > 1:
        left = left[:, None]
    sums = np.matmul(_less(a, a_zero, True), _less(b, b_zero))
    return _requantized(sums * left * right, plain(y_scale), plain(y_zero))


def _product(x: Any, w: Any, scale: Any, zero: Any) -> Any:
    """x, quantized as it comes, times a quantized matrix (in, out)."""
    q, s, z = _dynamic_quantize(x)
    return (_less(q, z) @ _less(w, zero)).astype(np.float32) * (s * scale)


@reads("DynamicQuantizeLSTM", domain="com.microsoft")
def _dynamic_quantize_lstm(
    x: Any, W: Any, R: Any, B: Any, lengths: Any, h0: Any, c0: Any, P: Any, w_scale: Any,
    w_zero: Any, r_scale: Any, r_zero: Any, *, direction: str = "forward", hidden_size: int,
    input_forget: int = 0,
) -> Any:  # fmt: skip
    """onnxruntime's: weights (directions, in, 4 H) in 8 bits, inputs and states quantized anew."""
    if P is not None or lengths is not None or input_forget:
        raise Unsupported("DynamicQuantizeLSTM with peepholes, lengths or coupled gates")
    x, W, R = (np.asarray(plain(a)) for a in (x, W, R))
    scales = [np.asarray(plain(s)) for s in (w_scale, r_scale)]
    zeros = [np.asarray(plain(z)) for z in (w_zero, r_zero)]
    T, N, H = x.shape[0], x.shape[1], hidden_size
    y = np.zeros((T, len(W), N, H), np.float32)
    last_h, last_c = np.zeros((2, len(W), N, H), np.float32)
    for d in range(len(W)):
        bias = 0 if B is None else plain(B)[d].reshape(2, -1).sum(axis=0)
        h, c = (last_h[d] if s is None else plain(s)[d] for s in (h0, c0))
        gates = _product(x.reshape(T * N, -1), W[d], scales[0][d], zeros[0][d]).reshape(T, N, -1)
        gates = gates + bias
        backward = direction == "reverse" or d == 1
        for t in reversed(range(T)) if backward else range(T):
            total = gates[t] + _product(h, R[d], scales[1][d], zeros[1][d])
            i, o, f = (1 / (1 + np.exp(-total[:, k * H : (k + 1) * H])) for k in range(3))
            c = f * c + i * np.tanh(total[:, 3 * H :])
            h = o * np.tanh(c)
            y[t, d] = h
        last_h[d], last_c[d] = h, c
    return y, last_h, last_c
