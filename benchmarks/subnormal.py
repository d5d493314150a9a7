"""Subnormal numbers in glassgrad's side: arithmetic with them may take a hundred times as long.

Looked for in the arrays that the work and its results refer to, and in every gradient and result
that a backward pass meets. All sides compute the same numbers, so one side is enough.
"""

from __future__ import annotations

import functools
import gc
from collections import deque
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

MOST = 50_000  # objects that are looked at


def share(work: Callable[[], Any]) -> float:
    """Call the work once; return the largest share of subnormal numbers in an array of it."""
    from autograd import passes

    shares = [0.0]

    def watch(_: Any) -> Callable[[Any, Any], None]:
        return lambda v, g: shares.extend(part(x) for x in arrays(v._data, g))

    with passes.observe(watch):
        result = work()
    return max(shares + [part(x) for x in arrays(work, result)])


def part(x: Any) -> float:
    """Share of an array that is subnormal."""
    import numpy as np

    magnitude = np.abs(x)
    found = np.count_nonzero((magnitude < np.finfo(x.dtype).tiny) & (magnitude > 0))
    return float(found / max(x.size, 1))


def arrays(*start: Any) -> Iterator[Any]:
    """All arrays of floats that objects refer to, but for those of modules and classes.

    And but for those of plans and of optimizers' blocks: memory that may hold anything.
    """
    import numpy as np

    seen: set[int] = set()
    todo = deque(start)
    while todo and len(seen) < MOST:
        x = todo.popleft()
        if id(x) in seen or isinstance(x, (type, ModuleType)) or _is_scratch(x):
            continue
        seen.add(id(x))
        if isinstance(x, np.ndarray):
            if x.dtype.kind == "f":
                yield x
        elif isinstance(x, FunctionType):  # not its globals
            todo += [*map(content, x.__closure__ or ()), *(x.__defaults__ or ())]
        elif isinstance(x, MethodType):
            todo += [x.__self__, x.__func__]
        elif isinstance(x, functools.partial):
            todo += [x.func, *x.args, *x.keywords.values()]
        else:
            todo += gc.get_referents(x)


def _is_scratch(x: Any) -> bool:
    return type(x).__module__.startswith(("autograd.plan", "nn.optim.block"))


def content(cell: Any) -> Any:
    """What a variable of a closure is bound to; None if it is bound later."""
    try:
        return cell.cell_contents
    except ValueError:
        return None
