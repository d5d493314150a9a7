"""Elementary functions and their gradients over arrays, shared out over the pool.

What a gradient costs in NumPy is passes over memory and fresh temporaries; here it is one pass. The
gradients take the incoming g first and then y, the function's value, or x, its argument. Each loop
runs over a slice from 0: where LLVM must think of negative indices it does not vectorise.
"""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine import elementary, pool
from autograd.machine.jit import jit
from autograd.machine.native import native

COST = 0.04  # ns a byte of the result, on one core: the memory's pace
COSTS = {
    "exp": 0.05, "log": 0.07, "sigmoid": 0.07, "tanh": 0.1, "silu": 0.09, "silu_grad": 0.09,
    "softplus": 0.16, "softplus_grad": 0.1, "erf": 0.2, "gelu": 0.23, "gelu_grad": 0.16,
    "gelu_tanh": 0.16, "gelu_tanh_grad": 0.2,
}  # fmt: skip
"""The same where the function takes longer than that."""


@jit
def exp(begin, end, x, out):
    """exp(x)."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.exp(x[i])


@jit
def log(begin, end, x, out):
    """log(x)."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.log(x[i])


@jit
def tanh(begin, end, x, out):
    """tanh(x)."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.tanh(x[i])


@jit
def tanh_grad(begin, end, g, y, out):
    """g (1 - y²)."""
    g, y, out = g[begin:end], y[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = g[i] * (1 - y[i] * y[i])


@jit
def sigmoid(begin, end, x, out):
    """1 / (1 + exp(-x))."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.sigmoid(x[i])


@jit
def sigmoid_grad(begin, end, g, y, out):
    """g y (1 - y)."""
    g, y, out = g[begin:end], y[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = g[i] * y[i] * (1 - y[i])


@jit
def silu(begin, end, x, out):
    """x sigmoid(x)."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.silu(x[i])


@jit
def silu_grad(begin, end, g, x, out):
    """g times the slope of silu."""
    g, x, out = g[begin:end], x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = g[i] * elementary.silu_slope(x[i])


@jit
def softplus(begin, end, x, out):
    """log(1 + exp(x))."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.softplus(x[i])


@jit
def softplus_grad(begin, end, g, x, out):
    """g sigmoid(x)."""
    g, x, out = g[begin:end], x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = g[i] * elementary.sigmoid(x[i])


@jit
def relu(begin, end, x, out):
    """max(x, 0); NaN stays."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = x[i] if not x[i] <= 0 else 0


@jit
def relu_grad(begin, end, g, x, out):
    """g where x is positive."""
    g, x, out = g[begin:end], x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = g[i] if x[i] > 0 else 0


@jit
def relu6_grad(begin, end, g, x, out):
    """g where x is between 0 and 6."""
    g, x, out = g[begin:end], x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = g[i] if 0 < x[i] < 6 else 0


@jit
def where_positive(begin, end, x, a, b, out):
    """a where x is positive, else b."""
    x, a, b, out = x[begin:end], a[begin:end], b[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = a[i] if x[i] > 0 else b[i]


@jit
def erf(begin, end, x, out):
    """The error function."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.erf(x[i])


@jit
def gelu(begin, end, x, out):
    """x Φ(x)."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.gelu(x[i])


@jit
def gelu_grad(begin, end, g, x, out):
    """g times the slope of gelu."""
    g, x, out = g[begin:end], x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = g[i] * elementary.gelu_slope(x[i])


@jit
def gelu_tanh(begin, end, x, out):
    """The tanh form of gelu."""
    x, out = x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = elementary.gelu_tanh(x[i])


@jit
def gelu_tanh_grad(begin, end, g, x, out):
    """g times the slope of gelu's tanh form."""
    g, x, out = g[begin:end], x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = g[i] * elementary.gelu_tanh_slope(x[i])


def apply(kernel, *arrays):
    """Run a kernel of this file over whole arrays of one shape and dtype, float32 or float64.

    Raises
    ------
    TypeError, ValueError
        For another dtype, or several dtypes or shapes.
    """
    first = arrays[0]
    dtype, shape = first.dtype, first.shape
    if dtype.char not in "fd" or not dtype.isnative:
        raise TypeError(f"{kernel.__name__}: arrays must be float32 or float64, got {dtype}.")
    same = first.flags.forc and first.flags.behaved
    for x in arrays[1:]:
        if x.dtype != dtype:
            raise TypeError(f"{kernel.__name__}: one dtype is needed, got {dtype} and {x.dtype}.")
        if x.shape != shape:
            raise ValueError(f"{kernel.__name__}: one shape is needed, got {shape} and {x.shape}.")
        same = same and x.strides == first.strides and x.flags.behaved
    if not same:
        arrays = [native(x) for x in arrays]
    out = np.empty_like(arrays[0])
    flat = [x.ravel("K") for x in arrays]
    cost = COSTS.get(kernel.__name__, COST)
    pool.run(kernel, out.size, *flat, out.ravel("K"), cost=cost * out.nbytes)
    return out
