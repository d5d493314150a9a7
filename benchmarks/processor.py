"""What the processor is: its name, cores, caches and vector width, where the system tells."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
VECTORS = (("avx512f", 512), ("avx2", 256), ("avx", 256), ("sse2", 128), ("asimd", 128))
SYSCTL = {"L1d": "hw.l1dcachesize", "L2": "hw.l2cachesize", "L3": "hw.l3cachesize"}


def processor() -> dict[str, Any]:
    """Name, cores, bytes of each cache by name, and bits of a vector; None where not known."""
    allowed = getattr(os, "sched_getaffinity", None)
    return {
        "processor": name(),
        "cores": len(allowed(0)) if allowed else os.cpu_count(),
        "caches": caches(),
        "vector": vector_bits(),
    }


def described(machine: dict[str, Any]) -> str:
    """One line about a processor."""
    parts = [f"{machine['processor']}, {machine['cores']} cores"]
    parts += [f"{level} {size(n)}" for level, n in (machine.get("caches") or {}).items()]
    if machine.get("vector"):
        parts.append(f"{machine['vector']}-bit vectors")
    return ", ".join(parts)


def size(n: int) -> str:
    """Bytes in KiB or MiB."""
    return f"{n >> 20} MiB" if n >= 1 << 20 and not n % (1 << 20) else f"{n >> 10} KiB"


def name() -> str:
    """Name of the processor, with family and model if the name says as little as "AMD EPYC"."""
    known = fields()
    if found := known.get("model name"):
        family, model = known.get("cpu family"), known.get("model")
        numbered = f" (family {family}, model {model})" if family and model else ""
        return found + ("" if re.search(r"\d", found) else numbered)
    return sysctl("machdep.cpu.brand_string") or platform.processor() or platform.machine()


def fields() -> dict[str, str]:
    """What /proc/cpuinfo says about the first core."""
    if not CPUINFO.exists():
        return {}
    lines = CPUINFO.read_text().partition("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}


def caches() -> dict[str, int]:
    """Bytes of the data caches that one core reaches."""
    found = {}
    for folder in sorted(CACHES.glob("index*")):
        kind, level, text = ((folder / f).read_text().strip() for f in ("type", "level", "size"))
        if kind != "Instruction" and text[-1:] in ("K", "M"):
            unit = {"K": 1 << 10, "M": 1 << 20}[text[-1]]
            found[f"L{level}" + ("d" if kind == "Data" else "")] = int(text[:-1]) * unit
    if not found:
        told = {level: sysctl(key) for level, key in SYSCTL.items()}
        found = {level: int(text) for level, text in told.items() if text}
    return found


def vector_bits() -> int | None:
    """Bits of the widest vectors."""
    known = fields()
    flags = set((known.get("flags") or known.get("Features") or "").split())
    if flags:
        return next((bits for flag, bits in VECTORS if flag in flags), None)
    return 128 if platform.machine() in ("arm64", "aarch64") else None


def sysctl(key: str) -> str:
    """A value that macOS tells; empty elsewhere."""
    try:
        command = ["sysctl", "-n", key]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
