"""Keep freed pages in the process, so that each training step reuses those of the step before.

A step frees megabytes of results. glibc returns them to the system at once and asks for them again
in the next step, at a page fault for every 4 KiB: that doubled the time of a LeNet step.
"""

from __future__ import annotations

import ctypes
import os

KEPT = 512 << 20
"""Bytes of free memory at the end of the heap that glibc keeps."""

LARGE = 32 << 20
"""Bytes from which an array is mapped by itself and unmapped when freed: glibc's upper limit."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)
_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES")


def keep_pages() -> bool:
    """Make glibc keep freed memory, unless the user has configured malloc; return whether it does.

    This holds for the whole process. `GLASSGRAD_HEAP=system` in the environment switches it off.
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
