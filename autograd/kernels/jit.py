"""How every kernel is compiled and cached.

Numba's cache looks at the file of the kernel only; a function inlined from another file may change
unnoticed. Here the stamp of a cached kernel covers its file and every file of this package that it
imports, at any depth, so that an update never runs old code.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import os
import re
import sys
import threading
from pathlib import Path

import llvmlite
import numba
from llvmlite.binding import parse_assembly
from numba import njit, types
from numba.core import event
from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.extending import intrinsic

from autograd.kernels import heap

PLAIN = bool(numba.config.DISABLE_JIT) or os.environ.get("GLASSGRAD_TILE") == "plain"
"""Whether kernels do without LLVM vector code: loops in place of intrinsics, for tests."""
PATIENCE = 1.0  # s of compiling after which a user is told what takes so long

_IMPORT = re.compile(
    rb"^\s*from\s+autograd\.kernels\s+import\s+(\([^)]*\)|.*)|autograd\.kernels\.(\w+)", re.M
)


heap.keep_pages()


@functools.cache
def _imports(path: Path) -> tuple[bytes, frozenset[str]]:
    """The source of a file, and the names that it imports from this package."""
    source = path.read_bytes()
    names = {"jit"}
    for listed, dotted in _IMPORT.findall(source):
        names.update(re.findall(r"\w+", (listed or dotted).decode()))
    return source, frozenset(names)


@functools.cache
def stamp(path: Path) -> str:
    """A hash of the file, of all kernels that it imports, and of the compiler.

    Kernels that users write in folders of their own may import ours, and each other.
    """
    todo, seen = [path], set()
    ours = Path(__file__).parent
    while todo:
        file = todo.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        folders = {file.parent, ours}
        todo += [folder / f"{name}.py" for folder in folders for name in _imports(file)[1]]
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    for file in sorted(seen):
        digest.update(file.name.encode() + b"\0" + _imports(file)[0])
    return digest.hexdigest()


class _Cache(FunctionCache):
    """Numba's cache under our stamp; the plain variant apart."""

    def __init__(self, function):
        super().__init__(function)
        path = Path(function.__code__.co_filename)
        if path.is_file():
            name = self._impl.filename_base + ("-plain" if PLAIN else "")
            self._cache_file = IndexDataCacheFile(self.cache_path, name, stamp(path))


def jit(function):
    """Compile a kernel when it is first called: no GIL, IEEE division, cached on disk.

    `error_model="numpy"` is what lets LLVM vectorise a loop with a division in it. Floating-point
    operations are not reordered or contracted: the bits are those of the source, in a vector or in
    the rest of a loop.
    """
    compiled = njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    if not numba.config.DISABLE_JIT:
        _forget_literals(compiled)
        with contextlib.suppress(RuntimeError):  # where no folder can be written to
            compiled._cache = _Cache(function)
    return compiled


def _forget_literals(compiled):
    """Let calls from other kernels share one signature; Numba compiles anew for each constant."""
    typed = compiled.get_call_template

    def widened(args, named):
        general = {name: types.unliteral(kind) for name, kind in named.items()}
        return typed([types.unliteral(kind) for kind in args], general)

    compiled.get_call_template = widened


class _Part(JITCodeLibrary):
    """LLVM code that is neither optimised nor made machine code: whoever links it does both."""

    def _optimize_functions(self, module):
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        # Numba sets the pointer in this variable, which all who link the part share.
        found = self._final_module.global_variables
        source = "\n".join(str(v) for v in found if v.name.startswith("_ZN08NumbaEnv"))
        self._codegen._add_module(parse_assembly(source))
        self._finalized = True


class _ToLLVM(Compiler):
    """Numba's compiler, up to LLVM code."""

    def __init__(self, *args):
        super().__init__(*args)
        self.state.library = _Part(self.state.targetctx.codegen(), "part")


def part(function):
    """Compile a part of kernels, for no one else to call: into each of them, and not by itself.

    Numba would optimise it and make machine code of it twice, by itself and in each caller.
    """
    compiled = njit(
        nogil=True,
        error_model="numpy",
        no_cfunc_wrapper=True,
        no_cpython_wrapper=True,
        pipeline_class=_ToLLVM,
    )(function)
    if not numba.config.DISABLE_JIT:
        _forget_literals(compiled)
        compiled._insert = lambda *code: None  # there is none to call
        compiled._compile_for_args = _refused
    return compiled


def _refused(*args, **named):
    raise TypeError("a part of kernels can't be called from Python: it is compiled into them only.")


if numba.config.DISABLE_JIT:

    def compact():
        """Nothing to do: there is no code."""

else:

    @intrinsic
    def compact(typing):
        """Compile the kernel that calls it for size, in two thirds of the time.

        For kernels whose time goes into vector code made by hand (kernels/tile.py): the loops
        around it are short, and LLVM's versions of them for long ones cost more than they gain.
        """

        def emit(context, builder, signature, args):
            builder.function.attributes.add("optsize")
            return context.get_dummy_value()

        return types.void(), emit


@contextlib.contextmanager
def quietly():
    """Compile without notices, in any thread: the caller tells its user what goes on."""
    _notice.quiet += 1
    try:
        yield
    finally:
        _notice.quiet -= 1


class _Notice(event.Listener):
    """Tells on stderr which kernel is compiled, while the user waits for it; once for each."""

    def __init__(self):
        self.quiet = 0
        self.depth = 0  # Numba compiles under a lock: in one thread at a time
        self.timer = None
        self.told = set()

    def on_start(self, event):
        self.depth += 1
        compiled = event.data["dispatcher"]
        function = compiled.py_func
        module = function.__module__ or ""  # what Numba makes by exec has none
        ours = module.startswith("autograd.kernels.")
        if self.depth == 1 and ours and not self.quiet:
            name = f"{module.rpartition('.')[2]}.{function.__name__}"
            kept = not isinstance(compiled._cache, NullCache)
            self.timer = threading.Timer(PATIENCE, self.tell, (name, kept))
            self.timer.daemon = True
            self.timer.start()

    def on_end(self, event):
        self.depth -= 1
        if self.depth == 0 and self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def tell(self, name, kept):
        """Print the line."""
        if name not in self.told and sys.stderr is not None:
            self.told.add(name)
            how = "first use, kept on disk" if kept else "no folder to keep it in"
            with contextlib.suppress(OSError, ValueError):  # stderr is closed
                print(f"glassgrad: compiling {name} ({how}) ...", file=sys.stderr)  # noqa: T201


class _Uncollected(event.Listener):
    """Stops Python's garbage collector while a kernel compiles.

    It would walk again and again, in vain, through all that the compiler builds: up to a sixth of
    the time.
    """

    def __init__(self):
        self.depth = 0
        self.paused = False

    def on_start(self, event):
        self.depth += 1
        module = event.data["dispatcher"].py_func.__module__ or ""
        if self.depth == 1 and module.startswith("autograd.kernels.") and gc.isenabled():
            gc.disable()
            self.paused = True

    def on_end(self, event):
        self.depth -= 1
        if self.depth == 0 and self.paused:
            self.paused = False
            gc.enable()


_notice = _Notice()
event.register("numba:compile", _notice)
event.register("numba:compile", _Uncollected())


def cache_folder():
    """The folder that compiled kernels are kept in; None where there is none to write to."""
    cache = getattr(jit(_nothing), "_cache", None)
    return Path(cache.cache_path) if isinstance(cache, _Cache) else None


def _nothing():
    pass
