"""What every test file shares."""

from __future__ import annotations

import os
import shutil
import signal

if "PYTEST_XDIST_WORKER" in os.environ:  # a worker a core: more threads would wait for each other
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

from autograd.op import ROWS


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def seeded_torch(request):
    """PyTorch's layers draw their weights from its own generator: the same in every run."""
    if request.node.get_closest_marker("torch"):
        torch = pytest.importorskip("torch", reason="the comparison needs torch")
        torch.manual_seed(0)


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, even in a job that a shell has started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def op_table():
    """Take away the rows that a test adds."""
    before = list(ROWS)
    yield
    ROWS[:] = before


@pytest.fixture(scope="session")
def browser():
    """A real browser, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("needs chromium (apt install chromium)")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
