"""Work that no signal may interrupt: importing Numba, and compiling kernels.

Ctrl-C half-way would leave Numba's modules and registries unusable until Python is restarted.
Signal handlers run in the main thread only, so the work goes to a thread of its own. The main
thread waits for it and can be interrupted as ever; the work is finished all the same, and is there
for the next call.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any

WAKE = 0.1  # s after which the waiting thread looks for signals, where waiting does not

_loaded: dict[str, Any] = {}


class _Errand(threading.Thread):
    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        super().__init__(name=f"glassgrad {function.__name__}", daemon=False)
        self.function, self.args = function, args
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self.function(*self.args)
        except BaseException as error:  # raised again by the caller
            self.error = error


def uninterrupted(function: Callable[..., Any], *args: Any) -> Any:
    """What ``function(*args)`` returns or raises, though signals may come meanwhile.

    Examples
    --------
    >>> uninterrupted(divmod, 7, 2)
    (3, 1)
    """
    if threading.current_thread() is not threading.main_thread():
        return function(*args)
    errand = _Errand(function, args)
    errand.start()
    while errand.is_alive():
        errand.join(WAKE)
    if errand.error is not None:
        try:
            raise errand.error
        finally:
            del errand  # the error refers to this frame
    return errand.result


def load(name: str) -> Any:
    """A module of kernels, which imports Numba; as `importlib.import_module`.

    Examples
    --------
    >>> load("autograd.machine.matmul").__name__
    'autograd.machine.matmul'
    """
    module = _loaded.get(name)
    if module is None:
        module = _loaded[name] = uninterrupted(importlib.import_module, name)
    return module
