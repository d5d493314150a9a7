"""How busy the machine is with other work than the benchmark's, by Linux's accounts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
BUSY = 0.1
"""Cores that other processes may take before a row counts as measured on a busy machine."""


class Load:
    """The CPU time that others take on our cores, from one reading to the next.

    Parameters
    ----------
    pids : processes that are part of the benchmark, besides this one; their ended children too.
    """

    def __init__(self, pids: Iterable[int] = ()) -> None:
        self.pids = (os.getpid(), *pids)
        self.start = self._reading()

    def others(self) -> float | None:
        """Cores that others kept busy since the start, on average; None where it is not known.

        What a hypervisor gave to other virtual machines is part of it.
        """
        now = self._reading()
        if self.start is None or now is None:
            return None
        seconds, busy, own = (b - a for a, b in zip(self.start, now, strict=True))
        return max(0.0, (busy - own) / seconds) if seconds > 0 else 0.0

    def _reading(self) -> tuple[float, float, float] | None:
        """Wall clock, CPU time of all on our cores, and of ours, in seconds."""
        try:
            busy = busy_time((PROC / "stat").read_text(), os.sched_getaffinity(0))
            return time.perf_counter(), busy, sum(map(own_time, self.pids))
        except (OSError, AttributeError):  # no Linux
            return None


def tick() -> float:
    """Seconds of the unit that Linux counts in."""
    return 1 / os.sysconf("SC_CLK_TCK")


def busy_time(stat: str, cores: set[int]) -> float:
    """Seconds that some cores were not idle, from the text of /proc/stat."""
    total = 0
    for line in stat.splitlines():
        name, *counts = line.split()
        if name[:3] == "cpu" and name[3:].isdecimal() and int(name[3:]) in cores:
            user, nice, system, _idle, _iowait, *others = map(int, counts[:8])
            total += user + nice + system + sum(others)  # interrupts, stolen
    return total * tick()


def own_time(pid: int) -> float:
    """Seconds of a process and of its children that have ended; 0 if it has ended itself."""
    try:
        counts = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, counts[11:15])) * tick()


def busiest(seconds: float = 1.0) -> tuple[float | None, list[str]]:
    """Watch for a while: cores that others keep busy, and who they are, the busiest first."""
    load, before = Load(), _times()
    time.sleep(seconds)
    others, after = load.others(), _times()
    took = {key: t - before.get(key, t) for key, t in after.items() if key[0] != os.getpid()}
    ranked = sorted(((t, *key) for key, t in took.items() if t > BUSY * seconds / 2), reverse=True)
    return others, [f"{name} (process {pid}): {t / seconds:.1f}" for t, pid, name in ranked[:3]]


def _times() -> dict[tuple[int, str], float]:
    """Process and its name -> seconds so far, without its children's."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            head, _, rest = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue
        counts = rest.split()
        name = head.partition("(")[2]
        found[int(folder.name), name] = (int(counts[11]) + int(counts[12])) * tick()
    return found
