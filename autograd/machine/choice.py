"""Rules for whether NumPy or a kernel computes.

Small arrays stay with NumPy, whose calls cost least. The sizes were measured, as in
benchmarks/matmul.py. Kernels, and with them Numba, are imported when first needed.
"""

from __future__ import annotations

import numpy as np

from autograd.machine.uninterrupted import load

BLAS_SERIAL = 262_144  # m·n·k up to which OpenBLAS stays on one thread (its interface/gemm.c)
BLAS_SERIAL_VECTOR = 9_216  # m·n of a matrix times a vector, the same (interface/gemv.c)

LONG = 16_384
"""Products that are summed in one go in float32: BLAS adds them up in blocks of a few hundred."""

_FLOATS = frozenset({np.dtype(np.float32), np.dtype(np.float64)})


def matmul(a, b):
    """Compute np.matmul without waking BLAS's threads: large products of floats run on the tile.

    Anything but two arrays goes to np.matmul, which dispatches it.
    BLAS's threads keep spinning after a product and take the cores from our pool; calls then cost
    whole scheduler slices. The tile also beats single-threaded BLAS where BLAS does not know the
    machine.
    """
    left, right = a.shape, b.shape
    if left and left[-1] > LONG and a.dtype == np.float32 and len(right) < 3:
        return _long_matmul(a, b)
    if len(left) > 1 and len(right) > 1 and type(a) is np.ndarray and type(b) is np.ndarray:
        m, k, n = left[-2], left[-1], right[-1]
        work = m * n * k
        if work > (BLAS_SERIAL if m > 1 and n > 1 else BLAS_SERIAL_VECTOR) and (
            a.dtype in _FLOATS and a.dtype == b.dtype and k == right[-2]
        ):
            return load("autograd.machine.matmul").matmul(a, b)
        if len(left) == len(right) == 2 and k == right[0]:
            return a.dot(b)  # the same call of BLAS, 0.5 µs sooner
    return np.matmul(a, b)


def _long_matmul(a, b):
    """The same, summed in parts of LONG, so that rounding errors don't add up.

    Narrow products stay with BLAS, some of whose kernels sum a part in one go: in float64.
    """
    m, n = (a.shape[-2] if a.ndim > 1 else 1), (b.shape[-1] if b.ndim > 1 else 1)
    dtype = np.result_type(a.dtype, b.dtype)
    if m * n * LONG <= BLAS_SERIAL:
        a, b = a.astype(np.float64), b.astype(np.float64)
    y = matmul(a[..., :LONG], b[:LONG])
    for k in range(LONG, a.shape[-1], LONG):
        y = y + matmul(a[..., k : k + LONG], b[k : k + LONG])
    return y.astype(dtype)


def alike(size, arrays):
    """Whether all are arrays of one shape and native float dtype, of at least `size` elements."""
    x = arrays[0]
    if type(x) is not np.ndarray or x.size < size or x.dtype not in _FLOATS:
        return False
    for other in arrays[1:]:
        if type(other) is not np.ndarray or other.shape != x.shape or other.dtype != x.dtype:
            return False
    return True
