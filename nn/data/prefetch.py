"""Prepare batches in threads, some ahead of the one that is asked for."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

END = object()
"""What a task returns when there is nothing more."""


def in_background(tasks: Iterator[Callable[[], Any]], workers: int, ahead: int) -> Iterator[Any]:
    """The results of tasks, in order, up to the first that is END.

    Parameters
    ----------
    tasks : may be endless.
    workers : threads.
    ahead : tasks that are started before their result is asked for.

    Examples
    --------
    >>> list(in_background((lambda i=i: i * i for i in range(4)), 2, 3))
    [0, 1, 4, 9]
    """
    coming: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers, "DataLoader") as pool:
        try:
            while True:
                for task in itertools.islice(tasks, ahead + 1 - len(coming)):
                    coming.append(pool.submit(task))
                if not coming or (result := coming.popleft().result()) is END:
                    return
                yield result
        finally:
            for future in coming:
                future.cancel()
