"""The other tests of this folder, in a process of their own where Numba compiles nothing."""

import os
import subprocess
import sys
from pathlib import Path


def test_plans_give_the_numbers_of_eager_calls():
    here = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, "--no-header", str(here)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
