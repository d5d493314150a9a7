"""The formulas of weight and spectral normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from nn.layers.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from nn.optim.sums import norm
from nn.parameter import plain

TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


def checked_axis(who: str, w: Any, dim: Any) -> int:
    """An axis of a weight, counted from the front."""
    if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)):
        raise TypeError(f"{who}: dim must be an integer or None, got {dim!r}.")
    if not -w.ndim <= dim < w.ndim:
        raise ValueError(f"{who}: dim={dim} is no axis of the weight {w.shape}.")
    return int(dim) % w.ndim


def norm_axis(w: Any, dim: int | None) -> int:
    """The axis that keeps its size, or −1, PyTorch's number for the norm of the whole weight."""
    return -1 if dim is None or dim == -1 else checked_axis("weight_norm", w, dim)


def magnitude(v: Any, dim: int) -> Any:
    """The norm of each slice along an axis, which keeps its size; of the whole array at −1."""
    if dim == -1:
        rows, shape = np.reshape(v, (1, -1)), []
    else:
        rows, shape = as_matrix(v, dim), [1] * v.ndim
        shape[dim] = v.shape[dim]
    top = np.max(np.abs(plain(rows)), axis=1, keepdims=True, initial=0)
    scale = np.where((top == 0) | (top > 1e-9) & (top < 1e9), 1, top)
    if np.any(scale != 1) and np.all(np.isfinite(scale)):  # their squares may leave the range
        rows = rows / scale
        return np.reshape(scale[:, 0] * np.linalg.norm(rows, axis=1), shape)
    return np.reshape(np.linalg.norm(rows, axis=1), shape)


def weight_of(g: Any, v: Any, dim: int) -> Any:
    """g v / norm(v)."""
    return v * (g / magnitude(v, dim))


def output_axis(module: Any, w: Any, dim: int | None) -> int:
    """The axis of a weight's outputs: 0, and 1 in transposed convolutions."""
    if dim is None:
        dim = 1 if isinstance(module, TRANSPOSED) else 0
    return checked_axis("spectral_norm", w, dim)


def as_matrix(w: Any, dim: int) -> Any:
    """A weight as a matrix, one row for each output."""
    return np.reshape(np.moveaxis(w, dim, 0), (w.shape[dim], -1))


def unit(x: Array, eps: float) -> Array:
    """x / max(norm(x), eps)."""
    scaled: Array = x / max(norm(x, 2.0), eps)
    return scaled.astype(x.dtype, copy=False)


def starts(matrix: Array, eps: float, rng: Rng) -> tuple[Array, Array]:
    """Random unit vectors u and v, to start the power method with."""
    generator = as_generator(rng)
    u, v = (unit(generator.standard_normal(n).astype(matrix.dtype), eps) for n in matrix.shape)
    return u, v


def largest(matrix: Any, u: Array, v: Array) -> Any:
    """uᵀ W v, the largest singular value where u and v belong to it."""
    return np.sum(u * (matrix @ v))


def powered(
    matrix: Array, u: Array, v: Array, iterations: int, eps: float, left_first: bool
) -> tuple[Array, Array]:
    """The singular vectors of a matrix after some steps of the power method, as new arrays."""
    for _ in range(iterations):
        if left_first:
            u = unit(matrix @ v, eps)
        v = unit(matrix.T @ u, eps)
        if not left_first:
            u = unit(matrix @ v, eps)
    return u, v


def checked_iterations(n_power_iterations: Any) -> int:
    """The number of iterations, at least 1."""
    n = n_power_iterations
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"spectral_norm: n_power_iterations must be an integer >= 1, got {n!r}.")
    return int(n)
