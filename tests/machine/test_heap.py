"""Freed pages are kept for the next step, unless the user says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autograd.machine import heap

FAULTS = """
import resource, sys
import numpy as np
import autograd

x = autograd.Value(np.ones((64, 6, 28, 28), np.float32))

def step():
    y = {op}
    y.backward(np.ones(y.shape, np.float32))
    x.grad = None

for _ in range(10):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, "numba" in sys.modules)
"""


def faults(op, **settings):
    """Page faults of 20 steps that make and free 5 MB each, and whether Numba was imported."""
    own = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES", "GLASSGRAD_HEAP")
    env = {key: value for key, value in os.environ.items() if key not in own} | settings
    done = subprocess.run(
        [sys.executable, "-c", FAULTS.format(op=op)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    count, numba = done.stdout.split()
    return int(count), numba == "True"


def glibc():
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError):
        return False


@pytest.mark.skipif(not glibc(), reason="needs glibc")
def test_steps_take_no_new_pages():
    count, _ = faults("autograd.ops.relu(autograd.ops.relu(x))")
    assert count < 200


@pytest.mark.skipif(not glibc(), reason="needs glibc")
def test_steps_without_any_kernel_take_no_new_pages():
    count, numba = faults("x * 2 + x / 3")
    assert count < 200
    assert not numba


@pytest.mark.parametrize("name", ["GLASSGRAD_HEAP", "MALLOC_TRIM_THRESHOLD_"])
def test_what_the_user_has_set_is_left_alone(name, monkeypatch):
    monkeypatch.setenv(name, "system")
    assert not heap.keep_pages()
