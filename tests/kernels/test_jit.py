"""How kernels are compiled: the notice, the cache."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

numba = pytest.importorskip("numba")
from numba.core import event  # noqa: E402

from autograd.kernels import jit  # noqa: E402

COMPILES = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


def stderr_of(code, folder):
    """What a process writes to stderr that keeps its kernels in the folder."""
    run = subprocess.run(
        [sys.executable, "-c", "from autograd.kernels import jit; jit.PATIENCE = 0.0; " + code],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stderr


USE = (
    "import numpy; from autograd.kernels import matmul; x = numpy.ones((2, 2)); matmul.matmul(x, x)"
)


@COMPILES
def test_a_long_compilation_is_announced_once_and_never_when_it_is_on_disk(tmp_path):
    line = "glassgrad: compiling matmul.product (first use, kept on disk) ...\n"
    assert stderr_of(USE, tmp_path) == line
    assert stderr_of(USE, tmp_path) == ""


@COMPILES
def test_quietly_compiles_without_a_notice(tmp_path):
    code = f"quiet = jit.quietly(); quiet.__enter__(); {USE}"
    assert stderr_of(code, tmp_path) == ""


@COMPILES
def test_quietly_holds_for_other_threads_too(tmp_path):
    code = (
        f"{USE.replace('; matmul.matmul(x, x)', '')}; import threading; "
        "quiet = jit.quietly(); quiet.__enter__(); "
        "t = threading.Thread(target=matmul.matmul, args=(x, x)); t.start(); t.join()"
    )
    assert stderr_of(code, tmp_path) == ""


@COMPILES
def test_a_function_of_no_module_is_compiled_in_silence(tmp_path):
    code = (
        "import numba; f = numba.njit(eval('lambda x: x', {})); f.py_func.__module__ = None; f(1)"
    )
    assert stderr_of(code, tmp_path) == ""


class Collects(event.Listener):
    """Whether garbage is collected, each time that a compilation begins."""

    def __init__(self):
        self.seen = []

    def on_start(self, event):
        self.seen.append(gc.isenabled())

    def on_end(self, event):
        pass


@COMPILES
@pytest.mark.parametrize("collects", [True, False])
def test_no_garbage_is_collected_while_a_kernel_compiles_and_as_before_afterwards(collects):
    kernel = jit.jit(eval("lambda x: x + 1", {}))  # of no file: never in the cache
    kernel.py_func.__module__ = "autograd.kernels.some"
    before, look = gc.isenabled(), Collects()
    try:
        (gc.enable if collects else gc.disable)()
        with event.install_listener("numba:compile", look):
            assert kernel(1.0) == 2.0
        assert gc.isenabled() == collects
    finally:
        (gc.enable if before else gc.disable)()
    assert look.seen
    assert not any(look.seen)


@COMPILES
def test_the_cache_folder_is_the_one_that_numba_is_told(tmp_path):
    code = "import sys; sys.stderr.write(str(jit.cache_folder()))"
    assert stderr_of(code, tmp_path).startswith(str(tmp_path))


def test_the_stamp_of_a_kernel_covers_what_it_imports(tmp_path):
    for name, source in {
        "jit": "",
        "deep": "x = 1",
        "mid": "from autograd.kernels import deep",
        "top": "from autograd.kernels.mid import f",
    }.items():
        (tmp_path / f"{name}.py").write_text(source)
    before = jit.stamp(tmp_path / "top.py")
    (tmp_path / "deep.py").write_text("x = 2")
    jit._imports.cache_clear()
    jit.stamp.cache_clear()
    assert jit.stamp(tmp_path / "top.py") != before


def test_the_stamp_of_a_kernel_elsewhere_covers_ours(tmp_path, monkeypatch):
    ours = tmp_path / "ours"
    ours.mkdir()
    monkeypatch.setattr(jit, "__file__", str(ours / "jit.py"))
    (ours / "jit.py").write_text("")
    (ours / "tile.py").write_text("x = 1")
    own = tmp_path / "own.py"
    own.write_text("from autograd.kernels import tile")
    before = jit.stamp(own)
    (ours / "tile.py").write_text("x = 2")
    jit._imports.cache_clear()
    jit.stamp.cache_clear()
    assert jit.stamp(own) != before


@COMPILES
def test_a_part_runs_in_kernels_of_any_types_and_refuses_to_be_called_alone():
    part = jit.part(eval("lambda x, n: x + n", {}))
    outer = jit.part(eval("lambda x: part(x, 2) * part(x, 3)", {"part": part}))
    kernel = jit.jit(eval("lambda x: outer(x) - part(x, 4)", {"part": part, "outer": outer}))
    assert kernel(1.0) == 7.0
    assert kernel(2) == 14
    assert len(part.overloads) == 2
    with pytest.raises(TypeError, match="called from Python"):
        part(1.0, 2)


@COMPILES
def test_a_constant_in_a_call_does_not_compile_the_callee_once_more():
    @jit.jit
    def inner(x, n, flag):
        return x + n if flag else x

    @jit.jit
    def outer(x, n):
        return inner(x, 1, True) + inner(x, n, flag=False) + inner(x, 3, n > 0)

    assert outer(1.0, 2) == 2 + 1 + 4
    assert len(inner.signatures) == 1
