"""One function call, forward and backward, in glassgrad and in PyTorch on the same data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.case import OURS, Case

Shape = tuple[int, ...]
Work = Callable[[], Any]


def data(*shapes: Shape, seed: int = 0) -> list[Any]:
    """Normal float32 arrays, the same for every side."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def indices(high: int, shape: Shape) -> Any:
    """Integers in [0, high), the same for every side."""
    import numpy as np

    return np.random.default_rng(1).integers(0, high, shape)


class Norms:
    """A few numbers to compare large results by, computed on demand, outside the timing."""

    def __init__(self, *arrays: Any, reorder: Callable[..., Iterable[Any]] = tuple) -> None:
        self.arrays, self.reorder = arrays, reorder

    def tolist(self) -> list[float]:
        """Norms of each array plus a sine wave (sensitive to sign and order), then plain norms."""
        import numpy as np

        arrays = self.reorder([np.asarray(a, np.float64) for a in self.arrays])
        flat = [a.ravel() for a in arrays]
        waves = [np.sin(np.arange(a.size)) * np.abs(a).max() for a in flat]
        return [float(np.linalg.norm(a + w)) for a, w in zip(flat, waves, strict=True)] + [
            float(np.linalg.norm(a)) for a in flat
        ]


def ours(shapes: tuple[Shape, ...], call: Callable[..., Any], chosen: Any = None) -> Work:
    """In glassgrad; `call` gets nn.functional, indices if any, and the leaves."""
    import autograd
    from nn import functional

    leaves = [autograd.Value(a) for a in data(*shapes)]
    run = functools.partial(call, functional, *([] if chosen is None else [indices(*chosen)]))
    out = run(*leaves).shape
    seed = data(out, seed=1) if out else []

    def work() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y = run(*leaves)
        y.backward(*seed)
        return Norms(y.data, *[leaf.grad for leaf in leaves])

    return work


def torchs(shapes: tuple[Shape, ...], call: Callable[..., Any], chosen: Any = None) -> Work:
    """In PyTorch; `call` gets torch.nn.functional, indices if any, and the leaves."""
    import torch

    leaves = [torch.from_numpy(a).requires_grad_() for a in data(*shapes)]
    given = [] if chosen is None else [torch.from_numpy(indices(*chosen))]
    run = functools.partial(call, torch.nn.functional, *given)
    out = tuple(run(*leaves).shape)
    seed = [torch.from_numpy(g) for g in data(out, seed=1)] if out else []

    def work() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y = run(*leaves)
        y.backward(*seed)
        return Norms(y.detach(), *[leaf.grad for leaf in leaves])

    return work


def case(
    name: str,
    shapes: tuple[Shape, ...],
    call: Callable[..., Any],
    chosen: tuple[int, Shape] | None = None,
    **settings: Any,
) -> Case:
    """A row of both sides.

    Parameters
    ----------
    name : of the row.
    shapes : of the leaves.
    call : ``call(F, *leaves)`` or ``call(F, indices, *leaves)``, the same code for both sides.
    chosen : upper bound and shape of the indices.
    **settings : of the `Case`.
    """
    sides = {OURS: ours, "torch": torchs}
    return Case(
        f"{name}, f+b",
        {side: functools.partial(setup, shapes, call, chosen) for side, setup in sides.items()},
        **settings,
    )
