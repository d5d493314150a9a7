"""Time to first call in a fresh process: imports, compiling or loading the kernel, the call.

Every sample is a new process. With an empty cache every kernel is compiled; with a warm cache
kernels compiled by an earlier process are loaded. Rows of a backward pass exclude the time of the
forward pass.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable

from benchmarks.case import OURS, Case
from benchmarks.fresh import measured

CLOCK = "from time import perf_counter as clock; start = clock()\n"
TELL = "\nprint(clock() - start)"
ARRAYS = """
import numpy as np, autograd
def value(*shape): return autograd.Value(np.full(shape, 0.1, np.float32))
"""

FORWARD = {
    "matmul": "y = value(128, 128) @ value(128, 128)",
    "tanh": "y = np.tanh(value(1024, 1024))",
    "gelu": "y = autograd.ops.gelu(value(1024, 1024))",
    "conv1d": "y = autograd.ops.conv1d(value(8, 4, 64), value(6, 4, 5))",
    "conv2d": "y = autograd.ops.conv2d(value(8, 1, 28, 28), value(6, 1, 5, 5))",
    "max_pool2d": "y = autograd.ops.max_pool2d(value(8, 6, 24, 24), 2)",
    "avg_pool2d": "y = autograd.ops.avg_pool2d(value(8, 6, 24, 24), 3, 2)",
    "LSTM": "y = nn.LSTM(16, 32)(value(8, 4, 16))[0]",
    "GRU": "y = nn.GRU(16, 32)(value(8, 4, 16))[0]",
    "RNN": "y = nn.RNN(16, 32)(value(8, 4, 16))[0]",
    "attention": "y = autograd.ops.scaled_dot_product_attention(*[value(1, 2, 64, 32)] * 3)",
    "softmax": "y = autograd.ops.softmax(value(256, 512))",
    "cross_entropy": "y = nn.functional.cross_entropy(value(256, 10), np.zeros(256, int))",
    "layer norm": "y = nn.LayerNorm(64)(value(256, 64))",
    "batch norm": "y = nn.BatchNorm2d(8)(value(16, 8, 16, 16))",
}
STEP = """
import numpy as np
from benchmarks.training import images, lenet
{}
net, (x, y) = lenet(nn), map(array, images(64, 1, 28, 28))
update = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
nn.CrossEntropyLoss()(net(x), y).backward()
update.step()
"""
LENET = {
    OURS: STEP.format("import nn; optim, array = nn.optim, lambda a: a"),
    "torch": STEP.format("import torch; from torch import from_numpy as array, nn, optim"),
}


def first(
    code: str, module: str = "autograd", warm: bool = False
) -> Callable[[], Callable[[], float]]:
    """Seconds from the start of a process, or from where the code sets `start`, to its end."""

    def setup() -> Callable[[], float]:
        __import__(module)
        measured(f"import {module}{'' if module == 'torch' else ', numba'}; print(0)")
        kept = tempfile.TemporaryDirectory()

        def work(kept: tempfile.TemporaryDirectory[str] = kept) -> float:
            if warm:
                return measured(CLOCK + code + TELL, NUMBA_CACHE_DIR=kept.name)
            with tempfile.TemporaryDirectory() as folder:
                return measured(CLOCK + code + TELL, NUMBA_CACHE_DIR=folder)

        if warm:
            work()
        return work

    return setup


def case(name: str, sides: dict[str, Callable[[], Callable[[], float]]]) -> Case:
    """A row that measures itself."""
    return Case(name, sides, measures_itself=True, compared=False)


def kernel(name: str, call: str) -> tuple[Case, ...]:
    """Rows of the forward and backward pass of one call."""
    if name in ("LSTM", "GRU", "RNN", "layer norm", "batch norm", "cross_entropy"):
        call = "import nn\n" + call
    there = ARRAYS + call
    back = f"{there}\nstart = clock()\nnp.sum(y).backward()"
    return (
        case(f"{name}, empty cache", {OURS: first(there)}),
        case(f"{name} backward, empty cache", {OURS: first(back)}),
    )


CASES = (
    *(
        case(
            f"LeNet's first step, {'warm' if warm else 'empty'} cache",
            {
                side: first(code, "nn" if side == OURS else side, warm)
                for side, code in LENET.items()
            },
        )
        for warm in (False, True)
    ),
    case("matmul, warm cache", {OURS: first(ARRAYS + FORWARD["matmul"], warm=True)}),
    *(row for name, call in FORWARD.items() for row in kernel(name, call)),
)
