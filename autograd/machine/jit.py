"""How every kernel is compiled and cached.

Numba's cache looks at the file of the kernel only; a function inlined from another file may change
unnoticed. Here the stamp of a cached kernel covers the code of every function that it can reach and
the constants that these read, at any depth, so that an update never runs old code.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import importlib.util
import inspect
import io
import os
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import llvmlite
import numba
import numpy as np
from llvmlite.binding import parse_assembly
from numba import njit, types
from numba.core import codegen, event
from numba.core.caching import FunctionCache, IndexDataCacheFile, NullCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.extending import intrinsic
from numba.np import linalg

from autograd.machine.uninterrupted import uninterrupted

PLAIN = bool(numba.config.DISABLE_JIT) or os.environ.get("GLASSGRAD_TILE") == "plain"
"""Whether kernels do without LLVM vector code: loops in place of intrinsics, for tests."""
PATIENCE = 1.0  # s of compiling after which a user is told what takes so long

OURS = ("autograd.", "nn.")  # modules whose kernels are announced while they compile
_FOREIGN = frozenset({"numpy", "numba", "llvmlite"}) | sys.stdlib_module_names
"""Packages whose code stands under their version, not in the stamp."""


@functools.cache
def features():
    """The vector features that Numba compiles for: by default the host's."""
    listed = numba.config.CPU_FEATURES
    if listed is None:
        listed = codegen.get_host_cpu_features()
    return frozenset(name[1:] for name in listed.split(",") if name.startswith("+"))


WIDE = "avx512f" in features()
"""Whether loops get 512-bit vectors.

For most of Intel's processors that have them LLVM chooses 256 bits, since early ones lowered their
clock for wide vectors.
"""


def _without_scipy():
    """Import Numba's array functions without SciPy's linear algebra, which takes 0.1 s.

    Numba imports it to see whether it is there; whoever compiles a call of it looks again.
    """

    def look():
        if importlib.util.find_spec("scipy") is None:
            raise ImportError

    seen = linalg.ensure_blas
    linalg.ensure_blas = look
    try:
        importlib.import_module("numba.np.arraymath").ensure_blas = seen
    finally:
        linalg.ensure_blas = seen


_without_scipy()


def stamp(function):
    """A hash of all that a kernel is compiled from: functions, constants, compiler versions.

    Starting at the kernel's own code it follows what the code names: functions, compiled or not,
    intrinsics with the Python code that emits their instructions, classes, closures, defaults, and
    constants by value. Comments and line numbers do not count.
    """
    digest = _Digest()
    digest.add(f"{numba.__version__} {llvmlite.__version__} {WIDE}")
    digest.add(function)
    return digest.hash.hexdigest()


_CONSTANTS = frozenset({bool, int, float, complex, str, bytes, type(None), type(...)})


class _Digest:
    """A hash over whatever Python objects it is given, each of them once."""

    def __init__(self):
        self.hash = hashlib.sha256()
        self.seen = {}

    def add(self, x):
        """Go through one object, and through all that it refers to."""
        kind = type(x)
        if kind in _CONSTANTS:
            self.hash.update(f"{kind.__qualname__}\0{x!r}\0".encode())
            return
        if kind is tuple and all(type(part) is str for part in x):  # names in code
            self.hash.update(f"names\0{x!r}\0".encode())
            return
        x = getattr(x, "py_func", x)  # what Numba compiles
        x = getattr(x, "_defn", x)  # what an intrinsic is made of
        x = inspect.unwrap(x) if isinstance(x, Callable) else x
        self.hash.update(type(x).__qualname__.encode() + b"\0")
        if isinstance(x, (bool, int, float, complex, str, bytes)):  # of a subclass
            self.hash.update(repr(x).encode() + b"\0")
        elif isinstance(x, np.ndarray):
            self.hash.update(repr((x.dtype, x.shape)).encode() + x.tobytes())
        elif id(x) not in self.seen:
            self.seen[id(x)] = x  # kept alive, so that no other object gets its id
            self._walk(x)

    def _walk(self, x):
        own = (getattr(x, "__module__", None) or "").partition(".")[0] not in _FOREIGN
        if isinstance(x, CodeType):
            parts = [x.co_code, x.co_names, x.co_consts]
        elif isinstance(x, (set, frozenset)):
            parts = sorted(x, key=repr)
        elif isinstance(x, dict):
            parts = [part for item in x.items() for part in item]
        elif isinstance(x, (list, tuple)):
            parts = x
        elif isinstance(x, FunctionType) and own:
            defaults = (x.__defaults__, x.__kwdefaults__)
            parts = [x.__code__, [*_closed_over(x)], defaults, *_read_globals(x)]
        elif isinstance(x, type) and own:
            parts = [x.__qualname__, x.__bases__, *_attributes(x)]
        elif own and type(x).__module__.partition(".")[0] not in _FOREIGN:
            parts = [type(x), *_attributes(x)]
        else:
            text = getattr(x, "__qualname__", None) or repr(x)
            parts = [text if " at 0x" not in text else ""]
        for part in parts:
            self.add(part)


def _closed_over(function):
    """What a function closes over, but for names that are bound later."""
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):
            yield cell.cell_contents


def _read_globals(function):
    """Name and value of every global that a function's code can read."""
    names, todo = {}, [function.__code__]
    while todo:
        code = todo.pop()
        names |= dict.fromkeys(code.co_names)
        todo += [part for part in code.co_consts if isinstance(part, CodeType)]
    for name in names:
        value = function.__globals__.get(name, todo)
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] not in _FOREIGN:
                yield from ((n, vars(value)[n]) for n in names if n in vars(value))
        elif value is not todo:
            yield name, value


def _attributes(x):
    """The attributes of a class or an object of ours, and the functions behind its descriptors."""
    for name, value in getattr(x, "__dict__", {}).items():
        if name not in ("__dict__", "__weakref__", "__module__", "__doc__"):
            yield name, getattr(value, "fget", None) or getattr(value, "__func__", value)


_MARK = b"glassgrad kernel\n"


class _CacheFile(IndexDataCacheFile):
    """Numba's index and data files, the latter named for what they hold.

    Numba numbers them, so two processes that compile at once may give one number two meanings. Each
    begins with a digest of the rest: what a full disk or a power cut has left of one is not there.
    """

    def _load_index(self):
        content = io.BytesIO(self._intact(self._index_path) or pickle.dumps(None))
        if pickle.load(content) != self._version:  # what follows may be unknown to this Numba
            return {}
        found, overloads = pickle.load(content)
        return overloads if found == self._source_stamp else {}

    def _save_index(self, overloads):
        rest = self._dump((self._source_stamp, overloads))
        self._write(self._index_path, pickle.dumps(self._version) + rest)

    def _load_data(self, name):
        content = self._intact(self._data_path(name))
        return None if content is None else pickle.loads(content)

    def _save_data(self, name, data):
        self._write(self._data_path(name), self._dump(data))

    def _write(self, path, content):
        with self._open_for_write(path) as file:
            file.write(_MARK + hashlib.sha256(content).digest() + content)

    def _intact(self, path):
        """The content of a file; None where there is none, or only part of it."""
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
            found = file.read()
            start = len(_MARK) + hashlib.sha256().digest_size
            content = found[start:]
            if found[:start] == _MARK + hashlib.sha256(content).digest():
                return content
            if found[:1] != pickle.PROTO:  # else older code wrote it
                _tell(f"the compiled kernel in {path} is damaged; it is compiled again.")
        return None

    def save(self, key, data):
        overloads = self._load_index()
        if not overloads:  # new, or of older code
            pattern = self._data_name_pattern.replace("{number:d}", "*")
            for old in Path(self._cache_path).glob(pattern):
                old.unlink(missing_ok=True)
        overloads[key] = self._name_of(key)
        self._save_index(overloads)
        self._save_data(overloads[key], data)

    def _name_of(self, key):
        name = hashlib.sha256(f"{self._source_stamp} {key}".encode()).hexdigest()[:16]
        return self._data_name_pattern.replace("{number:d}", name)


class _Cache(FunctionCache):
    """Numba's cache under our stamp; the plain variant apart."""

    def __init__(self, function):
        super().__init__(function)
        del self._cache_file  # made on first use: only then all that the kernel calls is defined

    def load_overload(self, sig, target_context):
        with self._tolerated("read"):
            return super().load_overload(sig, target_context)

    def save_overload(self, sig, data):
        with self._tolerated("kept"):
            super().save_overload(sig, data)

    @contextlib.contextmanager
    def _tolerated(self, what):
        """Go on without the disk where it is full, or fails."""
        try:
            yield
        except OSError as error:
            _tell(
                f"compiled kernels can't be {what} in {self.cache_path}: {error.strerror or error}."
            )

    @functools.cached_property
    def _cache_file(self):
        name = self._impl.filename_base + ("-plain" if PLAIN else "")
        return _CacheFile(self.cache_path, name, stamp(self._py_func))

    def _index_key(self, sig, codegen):
        """Of one signature on one machine; the stamp has the code and what is in its closure."""
        return sig, codegen.magic_tuple()


class _Library(JITCodeLibrary):
    """LLVM code of a function, which says how wide its vectors may be."""

    def add_ir_module(self, module):
        if WIDE:
            for function in module.functions:
                if not function.is_declaration:
                    # llvmlite's own `add` knows only attributes without a value.
                    set.add(function.attributes, '"prefer-vector-width"="512"')
        super().add_ir_module(module)


class _ToWide(Compiler):
    """Numba's compiler, for loops on all of a vector register."""

    def __init__(self, *args):
        super().__init__(*args)
        self.state.library = _Library(self.state.targetctx.codegen(), "kernel")
        self.state.library.enable_object_caching()


loops = functools.partial(njit, error_model="numpy", pipeline_class=_ToWide)
"""Numba's decorator for functions that only kernels call."""


def jit(function):
    """Compile a kernel when it is first called: no GIL, IEEE division, cached on disk.

    `error_model="numpy"` is what lets LLVM vectorize a loop with a division in it. Floating-point
    operations are not reordered or contracted: the bits are those of the source, in a vector or in
    the rest of a loop.
    """
    _tell_apart(function)
    compiled = loops(nogil=True, no_cfunc_wrapper=True)(function)
    if not numba.config.DISABLE_JIT:
        _forget_literals(compiled)
        compiled._compile_for_args = functools.partial(uninterrupted, compiled._compile_for_args)
        with contextlib.suppress(RuntimeError):  # where no folder can be written to
            compiled._cache = _Cache(function)
    return compiled


def plain(function, *settings):
    """Compile a loop that stands in for vector code; `settings` tell it from others of its line."""
    _tell_apart(function, *settings)
    return loops(function)


def _tell_apart(function, *settings):
    """Give functions that differ in their closures, or in settings, names that differ.

    The linker takes functions of one name and signature for one, the first that it meets, and what
    Numba adds to the name is a count that other processes' cached kernels repeat: a kernel would
    run a tile of 8 rows where it was compiled with one of 1.
    """
    if settings or function.__closure__:
        digest = _Digest()
        digest.add((function.__code__.co_firstlineno, settings, [*_closed_over(function)]))
        function.__qualname__ += f"_{digest.hash.hexdigest()[:12]}"


def _forget_literals(compiled):
    """Let calls from other kernels share one signature; Numba compiles anew for each constant."""
    typed = compiled.get_call_template

    def widened(args, named):
        general = {name: types.unliteral(kind) for name, kind in named.items()}
        return typed([types.unliteral(kind) for kind in args], general)

    compiled.get_call_template = widened


class _Part(_Library):
    """LLVM code that is neither optimized nor made machine code: whoever links it does both."""

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


def part(function, fastmath=False):
    """Compile a function that only kernels call: into each of them, and not by itself.

    Numba would optimize it and generate its machine code twice, by itself and in each caller.
    """
    _tell_apart(function)
    compiled = njit(
        nogil=True,
        error_model="numpy",
        fastmath=fastmath,
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


def _marked(attribute):
    """Make the function that marks the kernel or part that calls it for LLVM."""
    if numba.config.DISABLE_JIT:
        return lambda: None

    @intrinsic
    def mark(typing):
        def emit(context, builder, signature, args):
            builder.function.attributes.add(attribute)
            return context.get_dummy_value()

        return types.void(), emit

    return mark


compact = _marked("optsize")
"""Compile the kernel that calls it for size, in two thirds of the time.

For kernels whose time goes into vector code made by hand (machine/tile.py): the loops around it are
short, and LLVM's versions of them for long ones cost more than they gain.
"""

apart = _marked("noinline")
"""Leave the kernel that calls it a function of its own, however often another one calls it."""

inline = _marked("alwaysinline")
"""Put the part that calls it into its callers, whatever its length."""


@contextlib.contextmanager
def quietly():
    """Compile without notices, in any thread: the caller tells its user what happens."""
    _notice.quiet += 1
    try:
        yield
    finally:
        _notice.quiet -= 1


_told = set()


def _tell(line):
    """Print a line on stderr, once."""
    if line not in _told and sys.stderr is not None:
        _told.add(line)
        with contextlib.suppress(OSError, ValueError):  # stderr is closed
            print(f"glassgrad: {line}", file=sys.stderr)  # noqa: T201


class _Notice(event.Listener):
    """Prints on stderr which kernel is being compiled while the user waits; once per kernel."""

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
        ours = module.startswith(OURS)
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
            _tell(f"compiling {name} ({how}) ...")


class _Uncollected(event.Listener):
    """Stops Python's garbage collector while a kernel compiles.

    It would repeatedly scan all that the compiler builds and free nothing: up to a sixth of the
    time.
    """

    def __init__(self):
        self.depth = 0
        self.paused = False

    def on_start(self, event):
        self.depth += 1
        module = event.data["dispatcher"].py_func.__module__ or ""
        if self.depth == 1 and module.startswith(OURS) and gc.isenabled():
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
