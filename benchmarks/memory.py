"""The memory that training takes: at its peak in one step, and whether it grows over many steps.

Each figure is of a fresh process, from what Linux counts. The peak is above what the process had
before: beyond the libraries, the kernels and the network, which one step on eight samples has
loaded. So it holds what one step makes, not what an import does; a row of its own has that too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.case import OURS, Case, Unavailable
from benchmarks.fresh import measured

STATUS = Path("/proc/self/status")
FORGET_PEAK = Path("/proc/self/clear_refs")
STEPS, SETTLED = 1_000, 50

NETWORKS = {
    "LeNet-5, batch 64": "net, data = training.lenet(nn), training.images(64, 1, 28, 28)",
    "char-LSTM H128, T64, batch 32": "net, data = training.chars(nn, 'LSTM'), training.text(32)",
}
LIBRARIES = {
    OURS: "import nn; array = lambda a: a",
    "torch": "import torch; from torch import nn, from_numpy as array; nn.optim = torch.optim",
}
PROGRAM = """
from benchmarks import training
from benchmarks.memory import forget_peak, now, peak
{library}
{network}
criterion = nn.CrossEntropyLoss()
optimizer = nn.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

def step(x, y):
    loss = criterion(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

def part(n):
    x, y = data
    return array(x[:n]), array(y[: n * (len(y) // len(x))])

few, all = part(8), part(len(data[0]))
step(*few)
"""
PEAK = """
forget_peak()
before = now()
for _ in range(5):
    step(*all)
print(peak() - before)
"""
PROCESS = """
for _ in range(5):
    step(*all)
print(peak())
"""
GROWTH = """
for _ in range({settled}):
    step(*all)
before = now()
for _ in range({steps}):
    step(*all)
print(now() - before)
"""


def status(field: str) -> int:
    """Bytes that the process has in memory by one of Linux's counts."""
    (line,) = (x for x in STATUS.read_text().splitlines() if x.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def now() -> int:
    """Bytes of memory that the process has."""
    return status("VmRSS")


def peak() -> int:
    """The most bytes that it has had, since `forget_peak`."""
    return status("VmHWM")


def forget_peak() -> None:
    """Let the peak begin with what there is now."""
    FORGET_PEAK.write_text("5")


def of(side: str, network: str, what: str) -> Callable[[], Callable[[], float]]:
    """What the process of one side says."""

    def setup() -> Callable[[], float]:
        __import__("nn" if side == OURS else side)
        if not STATUS.exists():
            raise Unavailable("only Linux tells what is needed here")
        code = PROGRAM.format(library=LIBRARIES[side], network=NETWORKS[network]) + what
        measured(code)  # compiled kernels are on disk from here on
        return lambda: measured(code)

    return setup


CASES = tuple(
    Case(
        f"{network}: {name}",
        {side: of(side, network, what) for side in LIBRARIES},
        "B",
        measures_itself=True,
        compared=False,
    )
    for network in NETWORKS
    for name, what in {
        "peak of a step": PEAK,
        "peak of the process": PROCESS,
        f"growth over {STEPS:,} steps": GROWTH.format(settled=SETTLED, steps=STEPS),
    }.items()
)
