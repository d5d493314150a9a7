"""How kernels are compiled: the notice, the cache."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import shutil
import subprocess
import sys

import pytest

numba = pytest.importorskip("numba")
from numba.core import event  # noqa: E402
from numba.core.caching import NullCache  # noqa: E402

from autograd.machine import jit  # noqa: E402

COMPILES = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


def stderr_of(code, folder):
    """What a process writes to stderr that keeps its kernels in the folder."""
    run = subprocess.run(
        [sys.executable, "-c", "from autograd.machine import jit; jit.PATIENCE = 0.0; " + code],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stderr


USE = (
    "import numpy; from autograd.machine import matmul; x = numpy.ones((2, 2)); matmul.matmul(x, x)"
)


@COMPILES
def test_a_long_compilation_is_announced_once_and_never_when_it_is_on_disk(tmp_path):
    line = "glassgrad: compiling matmul.product (first use, kept on disk) ...\n"
    assert stderr_of(USE, tmp_path) == line
    assert stderr_of(USE, tmp_path) == ""


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_cut_file_of_the_cache_is_not_there_until_it_is_written_anew(
    kind, share, tmp_path, capsys
):
    file = jit._CacheFile(str(tmp_path), "kernel-1.py3", "stamp")
    file.save("key", ("code", 1))
    assert file.load("key") == ("code", 1)
    (path,) = tmp_path.glob(f"*.{kind}")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert file.load("key") is None
    assert capsys.readouterr().err.count("is damaged; it is compiled again") == 1
    file.save("key", ("code", 2))
    assert file.load("key") == ("code", 2)
    assert capsys.readouterr().err == ""


def test_a_cache_of_older_code_is_replaced_in_silence(tmp_path, capsys):
    file = jit._CacheFile(str(tmp_path), "kernel-1.py3", "stamp")
    file.save("key", ("code", 1))
    for path in tmp_path.iterdir():
        path.write_bytes(pickle.dumps("0.1") + path.read_bytes())
    assert file.load("key") is None
    assert capsys.readouterr().err == ""


@COMPILES
@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_full_disk_and_a_cut_file_cost_a_line(tmp_path):
    use = (
        "import numpy; from autograd.ops.elementwise import kernel_elementwise as k; "
        "x = numpy.ones(3); k.apply(k.relu_grad, x, x)"
    )
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
    compiling, kept = stderr_of(full + use, tmp_path).splitlines()
    assert "compiling" in compiling
    assert "compiled kernels can't be kept in" in kept
    assert not [file for file in tmp_path.rglob("*") if ".tmp." in file.name]
    assert len(stderr_of(use, tmp_path).splitlines()) == 1  # now there is room
    for file in tmp_path.rglob("*.nbc"):
        file.write_bytes(file.read_bytes()[:1000])
    damaged, compiling = stderr_of(use, tmp_path).splitlines()
    assert "is damaged" in damaged
    assert "compiling" in compiling
    assert stderr_of(use, tmp_path) == ""


@COMPILES
def test_kernels_of_one_factory_are_kept_on_disk_each_under_its_name(tmp_path):
    code = (
        "import numpy; from autograd.ops.elementwise import kernel_elementwise as k; "
        "x = numpy.ones(3); k.apply(k.exp, x); k.apply(k.tanh, x); k.apply(k.relu_grad, x, x)"
    )
    said = stderr_of(code, tmp_path).splitlines()
    assert [line.split()[2] for line in said] == [
        f"kernel_elementwise.{name}" for name in ("exp", "tanh", "relu_grad")
    ]
    assert stderr_of(code, tmp_path) == ""


@COMPILES
def test_a_kernel_from_disk_gives_the_bits_that_it_gave_when_it_was_compiled(tmp_path):
    code = (
        "import sys, numpy; from autograd.ops.losses.kernel_cross_entropy import cross_entropy; "
        "x = numpy.random.default_rng(0).normal(size=(80, 50)); jit._notice.quiet = 1; "
        "found = cross_entropy(x, numpy.arange(80) % 50, numpy.ones(50), 0.1); "
        "sys.stderr.write(found[0].tobytes().hex() + found[2][-1].tobytes().hex())"
    )
    assert stderr_of(code, tmp_path) == stderr_of(code, tmp_path)


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
    kernel.py_func.__module__ = "autograd.machine.some"
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


def kernel_of(sources, folder, monkeypatch):
    """The kernel `top` of a package of these files, imported anew."""
    (folder / "own").mkdir(exist_ok=True)
    for name, source in {"__init__": "", **sources}.items():
        (folder / "own" / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "own"]:
        del sys.modules[name]
    shutil.rmtree(folder / "own" / "__pycache__", ignore_errors=True)
    return importlib.import_module("own.top").top


CHANGES = {
    "a helper from another file": ("mid", "from own.mid import f", "def f(x): return x + {}"),
    "a helper under another name": (
        "mid",
        "from own.mid import f as f0; f = f0",
        "def f(x): return x + {}",
    ),
    "a helper of a helper": ("deep", "from own.mid import f", "def g(x): return x + {}"),
    "a constant": ("mid", "from own.mid import C\ndef f(x): return x + C", "C = {}"),
    "a constant read through its module": (
        "mid",
        "from own import mid\ndef f(x): return x + mid.C",
        "C = {}",
    ),
    "a default": ("mid", "from own.mid import f", "def f(x, c={}): return x + c"),
    "a closure": (
        "mid",
        "from own.mid import f",
        "def make(c): return lambda x: x + c\nf = make({})",
    ),
    "an intrinsic": (
        "mid",
        "from own.mid import f",
        "from autograd.machine.real import inlined\nf = inlined(lambda x: x + {})",
    ),
    "a class of ours": (
        "mid",
        "from own.mid import N\ndef f(x): return N().of(x)",
        "class N:\n    def of(self, x): return x + {}",
    ),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_the_stamp_of_a_kernel_changes_with(changed, tmp_path, monkeypatch):
    file, reads, template = CHANGES[changed]
    top = f"{reads}\nfrom autograd.kernels.jit import jit\n@jit\ndef top(x): return f(x)"
    sources = {"top": top}
    if file == "deep":
        sources["mid"] = "from own.deep import g\ndef f(x): return g(x)"
    stamps = []
    for c in (1, 2, 1):
        sources[file] = template.format(c)
        stamps.append(jit.stamp(kernel_of(sources, tmp_path, monkeypatch)))
    assert stamps[0] == stamps[2]
    assert stamps[0] != stamps[1]


def test_the_stamp_of_a_kernel_stays_when_only_a_comment_or_an_unused_function_changes(
    tmp_path, monkeypatch
):
    top = (
        "from own.mid import f\nfrom autograd.kernels.jit import jit\n@jit\ndef top(x): return f(x)"
    )
    mid = "def f(x): return x"
    before = jit.stamp(kernel_of({"top": top, "mid": mid}, tmp_path, monkeypatch))
    mid = f"# a remark\ndef other(x): return -x\n\n{mid}"
    assert jit.stamp(kernel_of({"top": top, "mid": mid}, tmp_path, monkeypatch)) == before


def test_a_stamp_is_the_same_in_every_process():
    code = (
        "from autograd.machine import jit, matmul; from autograd.ops.recurrent import kernel_lstm;"
        "print(jit.stamp(matmul.product), jit.stamp(kernel_lstm.lstm_forward))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(runs) == 1
    assert len(set(runs.pop().split())) == 2


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

    outer._cache = NullCache()  # from disk inner would not be compiled at all
    assert outer(1.0, 2) == 2 + 1 + 4
    assert len(inner.signatures) == 1


@COMPILES
def test_loops_for_vector_code_are_told_apart_when_kernels_come_from_other_processes(tmp_path):
    """Each kernel is cached by a process of its own, where Numba counts names from 1."""
    package = tmp_path / "own"
    package.mkdir()
    (package / "__init__.py").touch()
    for rows in (2, 1):
        (package / f"of_{rows}.py").write_text(
            "from autograd.kernels.jit import jit\n"
            "from autograd.machine.tile import lanes, tile\n"
            f"tile = tile({rows}, 1)\n"
            "@jit\n"
            f"def run{rows}(a, b, c, L):\n"
            "    tile(1, a, 0, 1, 1, b, 0, L, c, 0, L, False)\n"
        )
    work = (
        "import numpy as np; from autograd.machine.tile import lanes; L = lanes('f4')\n"
        "for run, rows in kernels:\n"
        "    c = np.zeros(3 * L, 'f4'); run(np.ones(2, 'f4'), np.ones(L, 'f4'), c, L)\n"
        "    assert c.sum() == rows * L, (c.sum() / L, rows)\n"
    )
    one, two = "from own.of_1 import run1", "from own.of_2 import run2"
    both = f"{one}; {two}; kernels = [(run2, 2), (run1, 1)]"
    for start in (f"{one}; kernels = [(run1, 1)]", f"{two}; kernels = [(run2, 2)]", both):
        settings = {"GLASSGRAD_TILE": "plain", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        settings["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])
        subprocess.run(
            [sys.executable, "-c", f"{start}\n{work}"], env={**os.environ, **settings}, check=True
        )


MAKE = """
from autograd.kernels.jit import jit
def make(factor):
    @jit
    def run(x):
        return factor * x
    return run
"""


@COMPILES
def test_kernels_of_different_closures_are_told_apart_in_the_cache(tmp_path):
    (tmp_path / "own.py").write_text(MAKE)
    settings = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    settings["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])
    for factors in ((2.0,), (3.0,), (2.0, 3.0), (3.0, 2.0)):
        code = f"import own; print([own.make(f)(1.0) for f in {factors}])"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **settings},
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == str(list(factors))


@COMPILES
def test_two_processes_that_compile_at_once_keep_two_signatures_apart(tmp_path):
    """Each has read the empty index before the other writes; then both write in turn."""
    files = [jit._CacheFile(str(tmp_path), "kernel", "stamp") for _ in range(2)]
    keys = ("f4", "host"), ("f8", "host")
    for file, key in zip(files, keys, strict=True):
        file._load_index = dict
        file.save(key, f"code for {key}")
        del file._load_index
    files[0]._save_data(files[0]._name_of(keys[0]), f"code for {keys[0]}")
    for key in keys:
        assert files[0].load(key) in (None, f"code for {key}")
    assert files[0].load(keys[1]) == f"code for {keys[1]}"


@COMPILES
def test_a_kernel_that_closes_over_a_name_bound_later_compiles():
    def make():
        @jit.jit
        def kernel(x):
            return x + 1.0

        def other():
            return later

        jit.stamp(other)
        later = kernel
        return kernel

    assert make()(1.0) == 2.0


WIDTH = """
from numba import types
from autograd.ops.elementwise.kernel_elementwise import exp
one = types.float32[::1]
exp.compile((types.intp, types.intp, one, one))
code = exp.inspect_asm(exp.signatures[0])
print("zmm" in code)
"""


@COMPILES
@pytest.mark.skipif(jit.PLAIN or not jit.WIDE, reason="the host has no 512-bit vectors")
@pytest.mark.parametrize("processor", ["sapphirerapids", "skylake-avx512", "znver4"])
def test_loops_use_the_widest_vectors_whatever_the_processor_is_said_to_prefer(processor, tmp_path):
    settings = {"NUMBA_CPU_NAME": processor, "NUMBA_CACHE_DIR": str(tmp_path)}
    settings["NUMBA_CPU_FEATURES"] = ",".join(f"+{name}" for name in sorted(jit.features()))
    settings["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", WIDTH],
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["True"]


@COMPILES
def test_the_stamp_of_a_kernel_changes_with_the_width_of_its_vectors(monkeypatch):
    now = jit.stamp(stderr_of)
    monkeypatch.setattr(jit, "WIDE", not jit.WIDE)
    assert jit.stamp(stderr_of) != now


@COMPILES
def test_scipy_is_not_loaded_but_by_kernels_of_users_that_need_it():
    code = (
        "import sys, numpy; from autograd.machine import jit; from numba import njit\n"
        "before = 'scipy.linalg' in sys.modules\n"
        "njit(lambda a: numpy.dot(a, a))(numpy.ones((2, 2)))\n"
        "print(before, 'scipy.linalg' in sys.modules)"
    )
    pytest.importorskip("scipy", reason="without SciPy there is nothing to load")
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True).split() == ["False", "True"]
