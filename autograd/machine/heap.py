"""Pages that the process keeps, so that each training step uses those of the last one again.

A step frees megabytes of results, and glibc gives them back to the system at once, to ask for them
again in the next step: a page fault for every 4 KiB. That doubled the time of a LeNet step.
"""

from __future__ import annotations

import ctypes
import os

KEPT = 512 << 20
"""Bytes of free memory at the end of the heap that glibc keeps."""

LARGE = 32 << 20
"""Bytes from which an array gets pages of its own, which it gives back: glibc allows no more."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)
_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES")


def keep_pages() -> bool:
    """Have glibc keep what is freed, unless the user has set how it should do; whether it does.

    It concerns the whole process. `GLASSGRAD_HEAP=system` in the environment leaves it alone.
    """
    if os.environ.get("GLASSGRAD_HEAP") == "system" or any(name in os.environ for name in _OWN):
        return False
    try:
        glibc = (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError):  # no Linux, or another C library
        return False
    if not glibc:
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_THRESHOLD, LARGE) and mallopt(_TRIM_THRESHOLD, KEPT))
