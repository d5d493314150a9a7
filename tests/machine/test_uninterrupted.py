"""Interrupts while Numba is imported and kernels are compiled, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from autograd.machine.uninterrupted import load, uninterrupted

pytest.importorskip("numba")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs setitimer")

PROGRAM = """
import signal, sys
import numpy as np
import autograd

def stop(*_):
    raise KeyboardInterrupt

x = np.arange(16.0).reshape(1, 1, 4, 4)

def pooled():
    v = autograd.Value(x)
    y = autograd.ops.max_pool2d(v, 2)
    return y.data.tolist(), autograd.grad(np.sum(y), v).sum()

signal.signal(signal.SIGALRM, stop)
first, every = map(float, sys.argv[1:])
interrupts = 0
signal.setitimer(signal.ITIMER_REAL, first, every)
for _ in range(400):
    try:
        pooled()
        if not every or interrupts > 50:
            break
    except KeyboardInterrupt:
        interrupts += 1
while signal.getitimer(signal.ITIMER_REAL) != (0, 0):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:  # the last one
        interrupts += 1
assert pooled() == ([[[[5, 7], [13, 15]]]], 4)
print(interrupts)
"""


def interrupts(folder, first, every=0.0):
    """How often the first kernel calls of a process were interrupted; all came right after."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(first), str(every)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


def test_an_interrupt_while_numba_is_imported_leaves_working_kernels(tmp_path):
    seen = [interrupts(tmp_path, first) for first in (0.05, 0.2, 0.5)]
    assert sum(seen) >= 1  # on a fast machine the last come too late


def test_a_hail_of_interrupts_leaves_working_kernels(tmp_path):
    assert interrupts(tmp_path, 0.02, 0.013) > 10


def test_errors_come_back_to_the_caller():
    with pytest.raises(ZeroDivisionError):
        uninterrupted(divmod, 1, 0)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        load("autograd.no_such_module")


def test_other_threads_work_where_they_are():
    found = []

    def ask():
        found.append(uninterrupted(threading.current_thread))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [thread]
