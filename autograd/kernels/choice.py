"""The rules that say who computes what: NumPy, or a kernel of this package.

A small array stays with NumPy, whose calls are the cheapest. The figures were measured, as
benchmarks/matmul.py and benchmarks/elementwise.py do. Kernels are imported when first needed, and
with them Numba.
"""

from __future__ import annotations

import math

import numpy as np
from numpy._core._multiarray_umath import __cpu_features__

BLAS_SERIAL = 262_144  # m·n·k up to which OpenBLAS stays on one thread (its interface/gemm.c)
BLAS_SERIAL_VECTOR = 9_216  # m·n of a matrix times a vector, the same (interface/gemv.c)

_FLOATS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def matmul(a, b):
    """As np.matmul, without waking BLAS's threads: a large product of floats runs on the tile.

    Anything but two arrays goes to np.matmul, and so to whoever answers for it.
    BLAS's threads spin on after a product and take the cores from our pool; then calls cost whole
    scheduler slices. It also beats BLAS on one thread where BLAS does not know the machine.
    """
    left, right = a.shape, b.shape
    if len(left) > 1 and len(right) > 1 and type(a) is np.ndarray and type(b) is np.ndarray:
        m, k, n = left[-2], left[-1], right[-1]
        work = m * n * k
        if work > (BLAS_SERIAL if m > 1 and n > 1 else BLAS_SERIAL_VECTOR) and (
            a.dtype in _FLOATS and a.dtype == b.dtype and k == right[-2]
        ):
            from autograd.kernels.matmul import matmul

            return matmul(a, b)
        if len(left) == len(right) == 2 and k == right[0]:
            return a.dot(b)  # the same call of BLAS, 0.5 µs sooner
    return np.matmul(a, b)


_VECTORISED = bool(__cpu_features__.get("AVX512_SKX"))  # NumPy's own tanh is, and well

# The number of elements from which a kernel beats NumPy, whose formula mostly takes several passes.
SIZE = 1_024
SIZES = {
    "exp": 16_384,
    "log": 131_072,
    "tanh": 262_144 if _VECTORISED else 4_096,
    "tanh_grad": 16_384,
    "sigmoid_grad": 16_384,
    "relu": 8_192,
    "relu_grad": 4_096,
    "relu6_grad": 4_096,
    "where_positive": 16_384,
}


def elementwise(name, *arrays):
    """Compute a function of large arrays by its kernel, or return None: then NumPy is faster.

    None is also what Values, Symbols, numbers, other dtypes and mixed shapes get.

    Parameters
    ----------
    name : str
        The kernel in kernels/elementwise.py.
    *arrays
        What the kernel takes.

    Examples
    --------
    >>> elementwise("sigmoid", np.zeros(10)) is None
    True
    """
    if not _alike(SIZES.get(name, SIZE), arrays):
        return None
    from autograd.kernels import elementwise as kernels

    return kernels.apply(getattr(kernels, name), *arrays)


def _alike(size, arrays):
    """Whether these are arrays of one shape and native float dtype, of at least so many numbers."""
    x = arrays[0]
    if type(x) is not np.ndarray or x.size < size or x.dtype not in _FLOATS:
        return False
    for other in arrays[1:]:
        if type(other) is not np.ndarray or other.shape != x.shape or other.dtype != x.dtype:
            return False
    return True


SOFTMAX = 256  # the same for softmax
SOFTMAX_COLUMNS = 16  # numbers after the axis, if any: fewer make no vectors


def softmax(axis, logarithm, *arrays):
    """Compute softmax of an array, its logarithm, or the gradient of either by kernels; or None.

    Parameters
    ----------
    axis : int
    logarithm : bool
    *arrays
        x; or for the gradient g and y.
    """
    if not _alike(SOFTMAX, arrays) or type(axis) is not int:
        return None
    shape = arrays[0].shape
    if not -len(shape) <= axis < len(shape):
        return None
    if 1 < math.prod(shape[axis % len(shape) + 1 :]) < SOFTMAX_COLUMNS:
        return None
    from autograd.kernels import softmax as kernels

    return kernels.along(axis, logarithm, *arrays)
