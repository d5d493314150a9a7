"""Training does not take more and more memory, seen in a process that does nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="the peak of memory is asked of Unix")
numba = pytest.importorskip("numba")

PROGRAM = """
import gc, json, resource, sys
import numpy as np
import nn

class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(16, 32), nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.lstm(x)[0][-1])

lenet = nn.Sequential(
    nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 84), nn.ReLU(), nn.Linear(84, 10),
)
net, shape = {"lenet": (lenet, (16, 1, 28, 28)), "lstm": (Last(), (40, 16, 16))}[sys.argv[1]]
x, y = np.ones(shape, np.float32), np.zeros(16, int)
optimizer = nn.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

def steps(n):
    for _ in range(n):
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    gc.collect()
    objects = len(gc.get_objects())  # the list is a part of the peak each time
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return peak, objects

print(json.dumps([steps(50), steps(300)]))
"""


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="kernels take minutes as plain Python")
@pytest.mark.parametrize("net", ["lenet", "lstm"])
def test_training_takes_no_more_memory_after_the_first_steps(net):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, net], capture_output=True, text=True, check=True
    )
    (peak, objects), (later_peak, later_objects) = json.loads(done.stdout)
    assert (
        later_peak - peak < 2**20
    )  # the activations of one step, kept each time, are 100 times that
    assert later_objects - objects < 50
