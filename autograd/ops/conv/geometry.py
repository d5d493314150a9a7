"""Where the windows of a convolution lie: sizes, paddings and channels, checked."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autograd.machine.workspace import native
from autograd.ops.axes import Ints, each

Pairs = tuple[tuple[int, int], ...]
FLOATS = np.dtype(np.float32), np.dtype(np.float64)


def arrays(**given: Any) -> list[Any]:
    """The arrays as the kernels take them; TypeError unless all are float32 or all float64."""
    found = list(given.values())
    first = found[0].dtype
    if first in FLOATS and all(a.dtype is first and a.flags.carray for a in found):
        return found
    kinds = [np.asarray(a).dtype.newbyteorder("=") for a in found]
    if kinds[0] not in FLOATS or any(kind != kinds[0] for kind in kinds):
        names = ", ".join(f"{name} {kind}" for name, kind in zip(given, kinds, strict=True))
        cure = next(
            (
                f" Use {n}.astype(np.float32)."
                for n, k in zip(given, kinds, strict=True)
                if k != np.float32
            ),
            "",
        )
        raise TypeError(f"the arrays must be all float32 or all float64, got {names}.{cure}")
    return [native(a) for a in found]


def check_ranks(x: Ints, x_name: str, w: Ints, w_name: str) -> None:
    """ValueError unless both have the same one to three axes behind the channels."""
    if len(x) != len(w) or not 3 <= len(x) <= 5:
        raise ValueError(
            f"{x_name} {x} and {w_name} {w} must both have 3, 4 or 5 axes: two for samples and "
            "channels, then one for each axis of the convolution."
        )


def check_groups(groups: Any) -> None:
    """An error unless groups is an integer >= 1."""
    if isinstance(groups, bool) or not hasattr(type(groups), "__index__"):
        raise TypeError(f"groups must be an integer, got {groups!r}.")
    if groups < 1:
        raise ValueError(f"groups must be at least 1, got {groups}.")


def check_weight(x: Ints, name: str, w: Ints, groups: Any, channels: int) -> None:
    """An error unless x has the channels that the weight takes (1) or gives (0)."""
    check_ranks(x, name, w, "w")
    check_groups(groups)
    if w[0] % groups:
        raise ValueError(f"w {w}: its first axis must be a multiple of groups={groups}.")
    expected = w[1] * groups if channels else w[0]
    if x[1] != expected:
        raise ValueError(
            f"{name} {x} has {x[1]} channels, but w {w} with groups={groups} goes with {expected}. "
            "Channels are axis 1; np.moveaxis(x, -1, 1) brings them there from the end."
        )


def check_out(g: Ints, expected: Ints) -> None:
    """ValueError unless g has the axes of the convolution's output."""
    if g != expected:
        raise ValueError(f"the axes of g are {g}, those of the convolution's output {expected}.")


def out_size(x: Ints, w: Ints, stride: Ints, padding: Pairs, dilation: Ints) -> Ints:
    """The axes of the output."""
    return tuple(
        (n + low + high - d * (k - 1) - 1) // s + 1
        for n, k, s, (low, high), d in zip(x, w, stride, padding, dilation, strict=True)
    )


def geometry(
    x: Ints, w: Ints, stride: Any, padding: Any, dilation: Any
) -> tuple[Ints, Pairs, Ints, Ints]:
    """Stride, padding, dilation and output for each axis; ValueError for too large a kernel."""
    try:
        return _geometry(x, w, stride, padding, dilation)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
    return _geometry(x, w, _hashable(stride), _hashable(padding), _hashable(dilation))


def _hashable(a: Any) -> Any:
    if isinstance(a, np.ndarray):
        a = a.tolist()
    return tuple(map(_hashable, a)) if isinstance(a, (list, tuple)) else a


@functools.lru_cache(1024, typed=True)
def _geometry(
    x: Ints, w: Ints, stride: Any, padding: Any, dilation: Any
) -> tuple[Ints, Pairs, Ints, Ints]:
    rank = len(x)
    steps = each("stride", stride, rank, 1)
    gaps = each("dilation", dilation, rank, 1)
    if len(w) != rank:
        raise ValueError(f"size has {len(w)} entries for {rank} axes.")
    if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in (*x, *w)):
        raise ValueError(f"the axes of the input {x} and of the kernel {w} must be at least 1.")
    reach = tuple(d * (k - 1) + 1 for d, k in zip(gaps, w, strict=True))
    pads = paddings(padding, rank, steps, reach)
    for n, k, (low, high) in zip(x, reach, pads, strict=True):
        if k > n + low + high:
            raise ValueError(
                f"the kernel {w} with dilation {gaps} reaches over {reach} pixels, more than the "
                f"padded input has: {tuple(n + sum(p) for n, p in zip(x, pads, strict=True))}."
            )
    return steps, pads, gaps, out_size(x, w, steps, pads, gaps)


def paddings(padding: Any, rank: int, stride: Ints, reach: Ints) -> Pairs:
    """Zeros before and behind each axis."""
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * rank
        if padding != "same":
            raise ValueError(f"padding must be 'same', 'valid' or integers, got {padding!r}.")
        if any(s != 1 for s in stride):
            raise ValueError(f"padding='same' needs stride 1, got {stride}.")
        return tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in reach)
    if isinstance(padding, tuple) and any(isinstance(p, tuple) for p in padding):
        if len(padding) != rank:
            raise ValueError(f"padding has {len(padding)} pairs for {rank} axes.")
        low, high = zip(*(each("padding", p, 2, 0) for p in padding), strict=True)
    else:
        low = high = each("padding", padding, rank, 0)
    return tuple(zip(low, high, strict=True))
