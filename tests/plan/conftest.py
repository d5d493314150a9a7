"""Plans are run as the Python code that they are: compiling hundreds of them would take hours."""

import os

import pytest

INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT") == "1"


def pytest_collection_modifyitems(items):
    here = os.path.dirname(__file__)
    skipped = pytest.mark.skip(reason="run by test_interpreted.py, without Numba's compiler")
    for item in items:
        compiled = item.path.name in ("test_interpreted.py", "test_compiled.py")
        if str(item.path).startswith(here) and not INTERPRETED and not compiled:
            item.add_marker(skipped)
        if str(item.path).startswith(here) and INTERPRETED and compiled:
            item.add_marker(pytest.mark.skip(reason="needs Numba's compiler"))
