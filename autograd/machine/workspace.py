"""Memory that kernels reuse: fresh pages cost a page fault per 4 KiB."""

from __future__ import annotations

import threading

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
        fresh = np.empty(need + need // 8 + LINE, np.uint8)
        start = -fresh.ctypes.data % LINE
        buffer = held[name] = fresh[start : start + need + need // 8]
    return buffer[:need].view(dtype)
