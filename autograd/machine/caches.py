"""The data caches of this machine's cores, after which kernels choose the sizes of their blocks."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import NamedTuple

SHARE = 2 << 20
_CPU = "/sys/devices/system/cpu/cpu0/cache"
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Caches(NamedTuple):
    """Bytes of the first and second level, and how many lines the first has in a set.

    A machine that tells nothing is taken for a small one. Of a second level that several cores
    share, one may count on SHARE.
    """

    level1: int = 32 << 10
    ways: int = 8
    level2: int = 256 << 10


@functools.cache
def caches() -> Caches:
    """The caches of a core, as the system tells them: Linux in files, macOS by sysctl.

    Examples
    --------
    >>> caches().level1 <= caches().level2
    True
    """
    found = _from_files(Path(_CPU)) or _from_sysctl()
    told = Caches(**{name: n for name, n in found.items() if n > 0})
    return told._replace(level2=min(told.level2, SHARE))


def _from_files(folder: Path) -> dict[str, int]:
    found = {}
    for cache in sorted(folder.glob("index*")):
        try:
            level, kind = (cache / "level").read_text().strip(), (cache / "type").read_text()
            if level in "12" and kind.strip() in ("Data", "Unified"):
                size = (cache / "size").read_text().strip()
                found[f"level{level}"] = int(size.rstrip("KMG")) * _UNITS.get(size[-1], 1)
                if level == "1":
                    found["ways"] = int((cache / "ways_of_associativity").read_text())
        except (OSError, ValueError):  # a container or an emulator may show a part of it
            continue
    return found


def _from_sysctl() -> dict[str, int]:
    """Of the performance cores where there are two kinds."""
    try:
        ask = ctypes.CDLL(None).sysctlbyname
    except (AttributeError, OSError, TypeError):  # no such function: another system
        return {}
    found = {}
    for level, name in (("level1", "l1dcachesize"), ("level2", "l2cachesize")):
        for prefix in ("hw.perflevel0.", "hw."):
            value, size = ctypes.c_int64(0), ctypes.c_size_t(8)
            given = (prefix + name).encode()
            if not ask(given, ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0)):
                found[level] = value.value
                break
    return found
