"""Memory of training: the peak of one step, and its growth over many steps.

Each sample is a fresh process, measured by Linux's resident set size. The peak of a step is that of
five steps after the second one, relative to the memory after one step on eight samples, which has
loaded libraries, kernels and network; the peak of the process includes these.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

from benchmarks.case import EAGER, OURS, Case, Unavailable
from benchmarks.fresh import measured

STATUS = Path("/proc/self/status")
FORGET_PEAK = Path("/proc/self/clear_refs")
STEPS, SETTLED = 200, 50

NETWORKS = {
    "LeNet-5, batch 64": "net, data = training.lenet(nn), training.images(64, 1, 28, 28)",
    "char-LSTM H128, T64, batch 32": "net, data = training.chars(nn, 'LSTM'), training.text(32)",
    "GPT 4 × 128, T64, batch 12": "net, data = training.gpt(nn, attention), training.text(12)",
}
OUR_LIBRARY = """
import autograd, nn
array, compile = lambda a: a, lambda f: f
attention = autograd.ops.scaled_dot_product_attention
"""
LIBRARIES = {
    OURS: OUR_LIBRARY,
    EAGER: OUR_LIBRARY,
    "compiled": f"{OUR_LIBRARY}\ncompile = autograd.compile",
    "torch": """
import torch
from torch import nn, from_numpy as array
nn.optim, compile, attention = torch.optim, lambda f: f, nn.functional.scaled_dot_product_attention
""",
}
PROGRAM = """
from benchmarks import training
from benchmarks.memory import forget_peak, now, peak, trim
{library}
{network}
criterion = nn.CrossEntropyLoss()
optimizer = nn.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

@compile
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
trim()
before = now()
for _ in range(2):
    step(*all)
trim()
forget_peak()
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
    """Bytes of a memory field in /proc/self/status."""
    (line,) = (x for x in STATUS.read_text().splitlines() if x.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def now() -> int:
    """Resident set size in bytes."""
    return status("VmRSS")


def peak() -> int:
    """Peak resident set size in bytes since `forget_peak`."""
    return status("VmHWM")


def trim() -> None:
    """Return what malloc keeps of freed memory to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def forget_peak() -> None:
    """Reset the peak to the current size."""
    FORGET_PEAK.write_text("5")


def of(side: str, network: str, program: str) -> Callable[[], Callable[[], float]]:
    """Measurement of one side by a program in a fresh process."""

    def setup() -> Callable[[], float]:
        __import__("torch" if side == "torch" else "nn")
        if not STATUS.exists() or not hasattr(ctypes.CDLL(None), "malloc_trim"):
            raise Unavailable("needs /proc/self/status of Linux, and glibc")
        code = PROGRAM.format(library=LIBRARIES[side], network=NETWORKS[network]) + program
        measured(code)  # compiled kernels are cached on disk from now on
        return lambda: measured(code)

    return setup


def case(
    network: str, name: str, program: str, sides: dict[str, str], group: str | None = None
) -> Case:
    """A row; `sides` has the library of each side."""
    return Case(
        f"{network}: {name}",
        {side: of(library, network, program) for side, library in sides.items()},
        "B",
        measures_itself=True,
        compared=False,
        rounds=3,
        group=group,
    )


BOTH = {OURS: OURS, "torch": "torch"}
COMPILED = {OURS: "compiled", EAGER: EAGER, "torch": "torch"}
GROWTH_NAME = f"growth over {STEPS:,} steps"
CASES = (
    *(case(n, "peak of a step", PEAK, BOTH, "peak memory of a step") for n in NETWORKS),
    *(
        case(n, "peak of a compiled step", PEAK, COMPILED, "peak memory of a compiled step")
        for n in NETWORKS
    ),
    *(case(n, "peak of the process", PROCESS, BOTH, "memory of the process") for n in NETWORKS),
    *(case(n, GROWTH_NAME, GROWTH.format(settled=SETTLED, steps=STEPS), BOTH) for n in NETWORKS),
)
