"""The rules that say who computes: NumPy, or a kernel.

A small array stays with NumPy, whose calls are the cheapest. The figures were measured, as
benchmarks/matmul.py does. Kernels are imported when first needed, and with them Numba.
"""

from __future__ import annotations

import numpy as np

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
            from autograd.machine.matmul import matmul

            return matmul(a, b)
        if len(left) == len(right) == 2 and k == right[0]:
            return a.dot(b)  # the same call of BLAS, 0.5 µs sooner
    return np.matmul(a, b)


def alike(size, arrays):
    """Whether these are arrays of one shape and native float dtype, of at least so many numbers."""
    x = arrays[0]
    if type(x) is not np.ndarray or x.size < size or x.dtype not in _FLOATS:
        return False
    for other in arrays[1:]:
        if type(other) is not np.ndarray or other.shape != x.shape or other.dtype != x.dtype:
            return False
    return True
