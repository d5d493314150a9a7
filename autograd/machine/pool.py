"""One thread pool for the process: kernels over a range, shared out to the allowed cores.

A kernel is a function ``f(begin, end, *args)`` that releases the GIL and computes the outputs
numbered begin to end. `run` cuts the range into pieces that the caller and the workers take one
after the other, so a worker that wakes late, or not at all, delays nobody.

The contract that keeps the bits equal at any number of threads: a piece never changes the order of
a reduction. Either each output is computed whole within one piece, in an order that does not
depend on begin and end; or the kernel reduces blocks of a fixed size into slots of their own, and
the slots are added in order afterwards. Where the cuts fall depends on the number of threads, and
must not matter.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

PIECE = 20_000.0  # ns: a piece takes at least this long
LEAST = 10  # pieces worth sharing: a worker takes 5 to 50 µs to wake, and fetches data to its cache
PIECES = 4  # pieces per thread: more balance uneven cores, fewer save calls


_observer: ContextVar[Callable[[Callable[..., Any]], None] | None] = ContextVar(
    "observer", default=None
)


@contextlib.contextmanager
def observe(told: Callable[[Callable[..., Any]], None]) -> Iterator[None]:
    """Within it, ``told(function)`` is called before each `run` of this context."""
    token = _observer.set(told)
    try:
        yield
    finally:
        _observer.reset(token)


def _reader() -> Callable[[], int]:
    """A function that tells which core the calling thread runs on; -1 where no one knows."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # not Linux
        if hasattr(os, "sched_setaffinity"):
            return ctypes.PyDLL(None).sched_getcpu  # which keeps the GIL: 0.1 µs
    return lambda: -1


_core = _reader()


class _Job:
    """A range in pieces: who takes a number from `taken` computes that piece."""

    __slots__ = ("args", "error", "function", "gates", "n", "pieces", "taken")

    def __init__(self, function: Callable[..., Any], n: int, args: tuple[Any, ...], pieces: int):
        self.function, self.n, self.args, self.pieces = function, n, args, pieces
        self.taken = itertools.count()  # advancing it is atomic
        self.gates: list[threading.Lock] = []  # one for each worker, locked while it is inside
        self.error: BaseException | None = None

    def work(self) -> None:
        """Take pieces until there are none left."""
        while (i := next(self.taken)) < self.pieces:
            begin, end = i * self.n // self.pieces, (i + 1) * self.n // self.pieces
            self.function(begin, end, *self.args)

    def close(self) -> None:
        """Leave out the pieces that nobody has taken."""
        while next(self.taken) < self.pieces:
            pass


class _Worker(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="glassgrad", daemon=True)
        self.wake = threading.Lock()
        self.wake.acquire()
        self.core = -1  # on which it worked last
        self.cores: set[int] = set()  # that it may run on, while it is kept off one of them

    def run(self) -> None:
        _inside.pool = True
        while True:
            if self.cores:
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(0, self.cores)
                self.cores = set()
            self.help()
            self.core = _core()
            _idle.append(self)
            if not _wanted:  # else it was put there too late for its caller to see us idle
                self.wake.acquire()
            else:
                with contextlib.suppress(ValueError):  # a caller has taken us: its wake comes
                    _idle.remove(self)

    def keep_off(self, core: int) -> None:
        """Have the sleeping thread wake on another core than the caller's.

        Linux wakes a thread where it last ran if it takes all cores for busy, as on a machine of
        few cores whose pool works most of the time. When the caller had come there, the two took
        turns on one core for seconds.
        """
        with contextlib.suppress(OSError):
            cores = os.sched_getaffinity(0)
            if self.native_id is not None and (others := cores - {core}):
                self.cores = cores
                os.sched_setaffinity(self.native_id, others)

    @staticmethod
    def help() -> None:
        """Work on what is wanted until nothing is."""
        while True:
            try:
                job = _wanted.popleft()
            except IndexError:
                return
            gate = threading.Lock()
            with gate:
                job.gates.append(gate)  # before a piece is taken: the caller relies on it
                try:
                    job.work()
                except BaseException as error:  # raised again by the caller
                    job.error = error
                    job.close()
            del job, gate  # the arrays are the caller's: don't keep them alive


_wanted: deque[_Job] = deque()  # a job is in it once for each helper it wants
_idle: deque[_Worker] = deque()  # append, pop and remove are atomic
_inside = threading.local()  # .pool is set in a thread that is working on a piece
_starting = threading.Lock()
_started = 0
_threads: int | None = None


def available_cores() -> int:
    """The number of cores that the process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_num_threads() -> int:
    """The number of threads that kernels run on, the caller's included."""
    global _threads
    if _threads is None:
        _threads = available_cores()
    return _threads


def set_num_threads(n: int) -> None:
    """Run kernels on n threads, the caller's included; results do not depend on it.

    Parameters
    ----------
    n : int
        At least 1. At first it is the number of cores that the process may use.

    Raises
    ------
    TypeError, ValueError
        If n is not an integer, or less than 1.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _threads
    if isinstance(n, bool) or not hasattr(type(n), "__index__"):
        raise TypeError(f"set_num_threads: n must be an integer, got {n!r}.")
    if n < 1:
        raise ValueError(f"set_num_threads: n must be at least 1, got {n}.")
    _threads = int(n)


def run(
    function: Callable[..., Any],
    n: int,
    *args: Any,
    cost: float,
    grain: int = 1,
    pieces: int = PIECES,
) -> None:
    """Call ``function(begin, end, *args)`` over ranges that make up [0, n), in parallel if it pays.

    Parameters
    ----------
    function : callable
        A kernel that releases the GIL, under the contract at the top of this file; or a Python
        function that calls such kernels.
    n : int
        The length of the range; 0 calls nothing.
    *args
        Passed on.
    cost : float
        About how many nanoseconds the whole takes on one core. It decides the number of pieces:
        below `LEAST` times `PIECE` the caller runs all of it.
    grain : int
        The fewest elements that a piece may have, but for the whole.
    pieces : int
        How many pieces a thread gets at most; 1 for a kernel that sets up much in each.

    Raises
    ------
    Exception
        The first that a piece raised, when all running pieces have ended. Pieces not begun by then
        are left out.
    """
    if (told := _observer.get()) is not None:
        told(function)
    if cost >= LEAST * PIECE and (threads := get_num_threads()) > 1:
        count = min(threads * pieces, int(cost / PIECE), n // grain)
        if count > 1 and not getattr(_inside, "pool", False):
            _share(_Job(function, n, args, count), min(threads, count) - 1)
            return
    if n > 0:
        function(0, n, *args)


def _share(job: _Job, helpers: int) -> None:
    """Work on the job together with the workers that come in time."""
    global _started
    try:
        _inside.pool = True
        for _ in range(helpers):
            _wanted.append(job)
            _wake_worker()
        job.work()
    except Exception:
        raise
    except BaseException:
        _started = len(_idle)  # an interrupt may have lost a worker between two lines
        raise
    finally:
        _inside.pool = False
        _wait(job)
    if job.error is not None:
        error, job.error = job.error, None
        try:
            raise error
        finally:
            del error  # it refers to this frame


def _wait(job: _Job) -> None:
    """Wait for the workers inside the job: they write to the caller's arrays.

    An interrupt meanwhile is raised afterwards; every line may be interrupted and run again.
    """
    interrupt: BaseException | None = None
    while True:
        try:
            job.close()
            with contextlib.suppress(ValueError):
                while True:
                    _wanted.remove(job)
            for gate in tuple(job.gates):  # who comes later finds nothing to do
                with gate:
                    pass
            break
        except BaseException as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


def _wake_worker() -> None:
    """Wake an idle worker, or start one as long as there are fewer than threads."""
    global _started
    try:
        worker = _idle.pop()
        if worker.core >= 0 and worker.core == _core():
            worker.keep_off(worker.core)
        worker.wake.release()
        return
    except (IndexError, RuntimeError):  # none; or awake already
        pass
    with _starting:
        if _started < get_num_threads() - 1:
            # No more threads: a limit, or the interpreter is shutting down.
            with contextlib.suppress(RuntimeError):
                _Worker().start()
                _started += 1


def _after_fork() -> None:
    """In the child there are no workers; the next call starts its own."""
    global _starting, _started
    _idle.clear()
    _wanted.clear()
    _inside.__dict__.clear()
    _starting, _started = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
