"""Tensors out of nothing: constants, ranges, random numbers, and changes of type."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

import autograd
from autograd.value import Value
from nn.onnx.protos import package
from nn.onnx.table import FLOATS, Unsupported, bounded, integers, plain, reads


@functools.cache
def dtype_of(code: int) -> Any:
    """The dtype that a type's code in a file stands for."""
    try:
        return package().helper.tensor_dtype_to_np_dtype(code)
    except KeyError:
        raise Unsupported(f"the type {code}, which is none of numbers") from None


@reads("Constant")
def _constant(
    *, value: Any = None, sparse_value: Any = None, value_float: Any = None,
    value_floats: Any = None, value_int: Any = None, value_ints: Any = None,
    value_string: Any = None, value_strings: Any = None,
) -> Any:  # fmt: skip
    for given in (value, sparse_value):
        if given is not None:
            return given
    for given, dtype in (
        (value_float, np.float32), (value_floats, np.float32), (value_int, np.int64),
        (value_ints, np.int64), (value_string, object), (value_strings, object),
    ):  # fmt: skip
        if given is not None:
            return np.asarray(given, dtype)
    raise ValueError("Constant: no value is given.")


@reads("ConstantOfShape")
def _constant_of_shape(shape: Any, *, value: Any = None) -> Any:
    fill = np.zeros(1, np.float32) if value is None else value
    return np.full(bounded(integers(shape), "ConstantOfShape"), fill.reshape(-1)[0], fill.dtype)


@reads("Range")
def _range(start: Any, limit: Any, delta: Any) -> Any:
    start, limit, delta = (np.reshape(plain(n), ()) for n in (start, limit, delta))
    if not delta:
        raise ValueError("Range: delta is 0.")
    count = max(math.ceil((float(limit) - float(start)) / float(delta)), 0)
    bounded((count,), "Range")
    return (start + np.arange(count) * delta).astype(start.dtype)


@reads("EyeLike")
def _eye_like(x: Any, *, dtype: int | None = None, k: int = 0) -> Any:
    rows, columns = bounded(x.shape, "EyeLike")
    return np.eye(rows, columns, k, dtype=x.dtype if dtype is None else dtype_of(dtype))


@reads("Cast")
def _cast(x: Any, *, to: int, saturate: int = 1, round_mode: str = "up") -> Any:
    return _as_type(x, dtype_of(to), saturate, round_mode)


@reads("CastLike")
def _cast_like(x: Any, like: Any, *, saturate: int = 1, round_mode: str = "up") -> Any:
    return _as_type(x, like.dtype, saturate, round_mode)


def _as_type(x: Any, dtype: Any, saturate: int, round_mode: str) -> Any:
    dtype = np.dtype(dtype)
    if x.dtype == dtype:
        return x
    if isinstance(x, Value) and dtype in FLOATS and x.dtype in FLOATS:
        return x.astype(dtype)
    a = np.asarray(plain(x))
    if dtype.kind == "O":
        return _as_text(a)
    if a.dtype.kind == "O":
        a = (
            a.astype(np.float64)
            if dtype.kind in "fV" or dtype.name.startswith(("float", "bf"))
            else a
        )
        return np.vectorize(_number, otypes=[np.float64])(a).astype(dtype)
    if dtype.kind == "b":
        return a.astype(bool)
    if dtype.name.startswith("float8"):
        return _to_float8(a, dtype, saturate, round_mode)
    if dtype.name in ("int4", "uint4", "int2", "uint2"):
        bits, signed = int(dtype.name[-1]), dtype.name[0] == "i"
        whole = a.astype(np.int64) & (2**bits - 1)
        whole = np.where(whole >= 2 ** (bits - 1), whole - 2**bits, whole) if signed else whole
        return whole.astype(np.int8).astype(dtype)
    if a.dtype.kind == "f" and dtype.kind in "iu":
        with np.errstate(invalid="ignore"):
            return a.astype(dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        return a.astype(dtype)


def _number(text: Any) -> float:
    return float(text)


def _as_text(a: Any) -> Any:
    """Numbers as ONNX writes them."""
    if a.dtype.kind == "b":
        return np.where(a, "True", "False").astype(object)
    if a.dtype.kind in "iu":
        return a.astype(str).astype(object)
    texts = [
        np.format_float_positional(v, trim="-") if np.isfinite(v) else _special(v)
        for v in a.ravel()
    ]
    return np.array(texts, object).reshape(a.shape)


def _special(v: Any) -> str:
    return "NaN" if np.isnan(v) else "INF" if v > 0 else "-INF"


def _to_float8(a: Any, dtype: Any, saturate: int, round_mode: str) -> Any:
    import ml_dtypes  # comes with onnx

    wide = a.astype(np.float32)
    if dtype.name == "float8_e8m0fnu":
        return _to_power_of_two(wide, dtype, saturate, round_mode)
    info: Any = ml_dtypes.finfo
    most = float(info(dtype).max)
    if saturate:
        held = np.where(np.isnan(wide), wide, np.clip(wide, -most, most))
        return held.astype(dtype)
    return wide.astype(dtype)


def _to_power_of_two(wide: Any, dtype: Any, saturate: int, round_mode: str) -> Any:
    """The 8-bit type that is an exponent only."""
    bits = wide.view(np.uint32)
    exponent = ((bits >> 23) & 0xFF).astype(np.int64)
    fraction = bits & 0x7FFFFF
    if round_mode == "up":
        exponent = exponent + (fraction > 0)
    elif round_mode == "nearest":
        exponent = exponent + (fraction >= 0x400000)
    exponent = np.where(np.isfinite(wide), np.clip(exponent, 0, 254 if saturate else 255), 255)
    if saturate:
        exponent = np.where(np.isinf(wide), 254, exponent)
    exponent = np.where(np.isnan(wide), 255, exponent)
    return exponent.astype(np.uint8).view(dtype)


@reads("BitCast")
def _bit_cast(x: Any, *, to: int) -> Any:
    dtype = np.dtype(dtype_of(to))
    a = np.ascontiguousarray(plain(x)).reshape(np.shape(x))
    if dtype.itemsize != a.dtype.itemsize:
        raise ValueError(f"BitCast: {a.dtype} and {dtype} are of different sizes.")
    return a.view(dtype)


@reads("RandomNormal")
def _random_normal(
    *, shape: tuple[int, ...], dtype: int = 1, mean: float = 0.0, scale: float = 1.0,
    seed: float | None = None,
) -> Any:  # fmt: skip
    return (mean + scale * _generator(seed).standard_normal(bounded(shape, "RandomNormal"))).astype(
        dtype_of(dtype)
    )


@reads("RandomUniform")
def _random_uniform(
    *, shape: tuple[int, ...], dtype: int = 1, low: float = 0.0, high: float = 1.0,
    seed: float | None = None,
) -> Any:  # fmt: skip
    return (
        _generator(seed).uniform(low, high, bounded(shape, "RandomUniform")).astype(dtype_of(dtype))
    )


@reads("RandomNormalLike")
def _random_normal_like(
    x: Any, *, dtype: int | None = None, mean: float = 0.0, scale: float = 1.0,
    seed: float | None = None,
) -> Any:  # fmt: skip
    wanted = x.dtype if dtype is None else dtype_of(dtype)
    return (mean + scale * _generator(seed).standard_normal(x.shape)).astype(wanted)


@reads("RandomUniformLike")
def _random_uniform_like(
    x: Any, *, dtype: int | None = None, low: float = 0.0, high: float = 1.0,
    seed: float | None = None,
) -> Any:  # fmt: skip
    wanted = x.dtype if dtype is None else dtype_of(dtype)
    return _generator(seed).uniform(low, high, x.shape).astype(wanted)


@reads("Bernoulli")
def _bernoulli(x: Any, *, dtype: int | None = None, seed: float | None = None) -> Any:
    wanted = x.dtype if dtype is None else dtype_of(dtype)
    return (_generator(seed).random(x.shape) < plain(x)).astype(wanted)


@reads("Multinomial")
def _multinomial(x: Any, *, dtype: int = 6, sample_size: int = 1, seed: float | None = None) -> Any:
    a = plain(x).astype(np.float64)
    noise = _generator(seed).gumbel(size=(a.shape[0], sample_size, a.shape[1]))
    return np.argmax(a[:, None] + noise, axis=-1).astype(dtype_of(dtype))


def _generator(seed: float | None) -> np.random.Generator:
    if seed is None:
        return autograd.default_generator()
    return np.random.default_rng(np.frombuffer(np.float32(seed).tobytes(), np.uint32))


RANDOM = {
    "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli",
    "Multinomial", "Dropout",
}  # fmt: skip
"""Ops whose result differs from call to call: nothing of theirs is folded."""
