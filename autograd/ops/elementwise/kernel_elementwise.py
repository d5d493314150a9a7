"""Elementary functions and their gradients over arrays, shared out over the pool.

What a gradient costs in NumPy is passes over memory and fresh temporaries; here it is one pass. The
gradients take the incoming g first and then y, the function's value, or x, its argument. Each loop
runs over a slice from 0: where LLVM must think of negative indices it does not vectorize.
"""
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from autograd.machine import elementary, pool
from autograd.machine.jit import jit, part
from autograd.machine.workspace import native

COST = 0.04  # ns a byte of the result, on one core: the memory's pace
COSTS = {
    "exp": 0.05, "log": 0.07, "sigmoid": 0.07, "tanh": 0.1, "silu": 0.09, "silu_grad": 0.09,
    "softplus": 0.16, "softplus_grad": 0.1, "erf": 0.2, "gelu": 0.23, "gelu_grad": 0.16,
    "gelu_tanh": 0.16, "gelu_tanh_grad": 0.2,
}  # fmt: skip
"""The same where the function takes longer than that."""


def _mapped(f, name=None):
    """Make the kernel that maps a function of one to three numbers over arrays.

    With a name it is a function of machine/elementary.py, of one number.
    """
    count = 1 if name else f.__code__.co_argcount
    f, name = (f, name) if name else (part(f), f.__name__)

    def of_one(begin, end, x, out):
        x, out = x[begin:end], out[begin:end]
        for i in range(out.size):
            out[i] = f(x[i])

    def of_two(begin, end, x, y, out):
        x, y, out = x[begin:end], y[begin:end], out[begin:end]
        for i in range(out.size):
            out[i] = f(x[i], y[i])

    def of_three(begin, end, x, y, z, out):
        x, y, z, out = x[begin:end], y[begin:end], z[begin:end], out[begin:end]
        for i in range(out.size):
            out[i] = f(x[i], y[i], z[i])

    kernel = (of_one, of_two, of_three)[count - 1]
    kernel.__name__ = kernel.__qualname__ = name  # under which it is kept on disk
    return jit(kernel)


@_mapped
def tanh_grad(g, y):
    """g (1 - y²)."""
    return g * (1 - y * y)


@_mapped
def sigmoid_grad(g, y):
    """g y (1 - y)."""
    return g * y * (1 - y)


@_mapped
def silu_grad(g, x):
    """g times the slope of silu."""
    return g * elementary.silu_slope(x)


@_mapped
def softplus_grad(g, x):
    """g sigmoid(x)."""
    return g * elementary.sigmoid(x)


@_mapped
def relu(x):
    """max(x, 0); NaN stays."""
    return x if not x <= 0 else 0


@_mapped
def relu_grad(g, x):
    """g where x is positive, or NaN."""
    return g if not x <= 0 else 0


@_mapped
def relu6_grad(g, x):
    """g where x is between 0 and 6, or NaN."""
    return g if not (x <= 0 or x >= 6) else 0


@_mapped
def where_positive(x, a, b):
    """a where x is positive, else b."""
    return a if x > 0 else b


@_mapped
def signed(g, x):
    """g times the sign of x."""
    return g if x > 0 else (-g if x < 0 else g * abs(x))


@_mapped
def larger_grad(g, x, y):
    """g where x is not less than y, half of it where they are equal; NaN is not less."""
    return 0 if x < y else (g * 0.5 if x == y else g)


@_mapped
def smaller_grad(g, x, y):
    """g where x is not greater than y, half of it where they are equal."""
    return 0 if x > y else (g * 0.5 if x == y else g)


@_mapped
def picked(x, y, c):
    """x where c, else y."""
    return x if c else y


@_mapped
def kept(g, c):
    """g where c, else 0."""
    return g if c else 0


@_mapped
def dropped(g, c):
    """g where not c, else 0."""
    return 0 if c else g


@jit
def clip_grad(begin, end, g, x, low, high, out):
    """out = g where x is between two numbers, or NaN."""
    g, x, out = g[begin:end], x[begin:end], out[begin:end]
    for i in range(out.size):
        out[i] = 0 if x[i] < low or x[i] > high else g[i]


@_mapped
def gelu_grad(g, x):
    """g times the slope of gelu."""
    return g * elementary.gelu_slope(x)


@_mapped
def gelu_tanh_grad(g, x):
    """g times the slope of gelu's tanh form."""
    return g * elementary.gelu_tanh_slope(x)


exp = _mapped(elementary.exp, "exp")
log = _mapped(elementary.log, "log")
tanh = _mapped(elementary.tanh, "tanh")
sigmoid = _mapped(elementary.sigmoid, "sigmoid")
silu = _mapped(elementary.silu, "silu")
softplus = _mapped(elementary.softplus, "softplus")
erf = _mapped(elementary.erf, "erf")
gelu = _mapped(elementary.gelu, "gelu")
gelu_tanh = _mapped(elementary.gelu_tanh, "gelu_tanh")


def apply(kernel, *arrays, numbers=()):
    """Run a kernel of this file over whole arrays of one shape and dtype, float32 or float64.

    The last may be boolean. The kernel gets the numbers after the arrays, in their dtype.

    Raises
    ------
    TypeError, ValueError
        For another dtype, or several dtypes or shapes.
    """
    first = arrays[0]
    dtype, shape = first.dtype, first.shape
    if dtype.char not in "fd" or not dtype.isnative:
        raise TypeError(f"{kernel.__name__}: arrays must be float32 or float64, got {dtype}.")
    rows, columns = first.flags.c_contiguous, first.flags.f_contiguous
    behaved = first.flags.behaved
    for x in arrays[1:]:
        if x.dtype != dtype and x.dtype.char != "?":
            raise TypeError(f"{kernel.__name__}: one dtype is needed, got {dtype} and {x.dtype}.")
        if x.shape != shape:
            raise ValueError(f"{kernel.__name__}: one shape is needed, got {shape} and {x.shape}.")
        rows, columns = rows and x.flags.c_contiguous, columns and x.flags.f_contiguous
        behaved = behaved and x.flags.behaved
    if not (behaved and (rows or columns)):
        arrays = [native(x) for x in arrays]
    out = np.empty_like(arrays[0])
    flat = [x.ravel("K") for x in arrays]
    cost = COSTS.get(kernel.__name__, COST)
    numbers = [dtype.type(x) for x in numbers]
    pool.run(kernel, out.size, *flat, *numbers, out.ravel("K"), cost=cost * out.nbytes)
    return out
