"""Memory of kernels: arrays in the form that they take, and buffers that they reuse.

Fresh pages cost a page fault per 4 KiB.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

LINE = 64  # bytes of a cache line; vectors never straddle two

_buffers = threading.local()


def scratch(name: str, size: int, dtype: np.dtype | type) -> np.ndarray:
    """An uninitialized 1-D array of this thread, the same memory at each call with that name.

    It is overwritten by the next caller of the name in the thread, so it must not outlive the call
    that asked for it. Names are "module.purpose".
    """
    dtype = np.dtype(dtype)
    held = _buffers.__dict__
    need = size * dtype.itemsize
    buffer = held.get(name)
    if buffer is None or buffer.size < need:
        buffer = held[name] = aligned(need + need // 8, np.uint8)
    return buffer[:need].view(dtype)


def aligned(size: int, dtype: np.dtype | type) -> np.ndarray:
    """An uninitialized 1-D array that begins with a cache line.

    NumPy's begin anywhere, so that every vector from or to them lies in two lines.
    """
    need = size * np.dtype(dtype).itemsize
    fresh = np.empty(need + LINE, np.uint8)
    start = -fresh.__array_interface__["data"][0] % LINE
    return fresh[start : start + need].view(dtype)


def native(a: Any) -> Any:
    """Return an array as kernels take it: C-contiguous, aligned, writable, in native byte order.

    An array that is all of this already is returned as it is, any other as a copy: Numba would
    compile the kernels anew for it. None stays None.

    Examples
    --------
    >>> x = np.zeros((3, 2))
    >>> native(x) is x, native(x.T).flags.c_contiguous
    (True, True)
    """
    if a is None or (a.ndim == 0 and a.item() is None):  # a Symbol holds None as an array
        return None
    if a.flags.carray and a.dtype.isnative:  # contiguous, aligned, writable
        return a
    return np.array(a, a.dtype.newbyteorder("="), order="C")
