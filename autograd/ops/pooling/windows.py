"""Where pooling windows lie: ordinary ones at regular steps, adaptive ones in even parts."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from autograd.machine.workspace import native
from autograd.ops.axes import Ints, each


class Regular(NamedTuple):
    """The arguments of ordinary pooling, one number for each axis."""

    kernel: Ints
    stride: Ints
    padding: Ints
    dilation: Ints
    ceil_mode: bool
    count_include_pad: bool
    divisor: int | None


MOST = 2**24  # parts of an axis: a list of them must fit into memory


class Windows:
    """Where the windows lie along each axis: ranges of pixels, and what their sum is scaled by.

    Parameters
    ----------
    size : the axes of the input.
    ranges : for each axis, (begin, end) of each window.
    scales : for each axis, a factor for each window.
    steps : for each axis, the distance of the pixels of a window.
    text : how it is written.
    stride : of windows along the last axis that are regular, and their taps: for each the pixel in
        window 0, and the range of windows in which it lies inside.
    regular : the arguments of ordinary pooling; None where they are adaptive.
    """

    def __init__(
        self,
        size: Ints,
        ranges: list[Any],
        scales: list[Any],
        steps: Ints,
        text: str,
        stride: tuple[int, list[Any]] | None = None,
        regular: Regular | None = None,
    ) -> None:
        self.size, self.steps, self.text, self.regular = size, steps, text, regular
        self.out = tuple(len(r) for r in ranges)
        self.ranges, self.scales = ranges, scales
        more = 3 - len(size)
        longest = max(self.out)
        self.table = np.zeros((3, longest, 2), np.intp)  # of three axes, as the kernels have it
        self.factors = np.ones((3, longest))
        self.table[:, 0, 1] = 1
        for axis, (r, s) in enumerate(zip(ranges, scales, strict=True), more):
            self.table[axis, : len(r)], self.factors[axis, : len(s)] = r, s
        self.step = np.array((1,) * more + steps, np.intp)
        self.stride, taps = (0, []) if stride is None else stride
        self.columns = np.array(taps, np.intp).reshape(-1, 3)
        # 2 × 2 pixels side by side have kernels of their own
        pairs = [tuple((2 * o, 2 * o + 2) for o in range(n)) for n in self.out]
        self.whole = [tuple(map(tuple, r)) for r in ranges] == [((0, n),) for n in size]
        self.pairs = len(size) == 2 and [tuple(map(tuple, r)) for r in ranges] == pairs
        self.pairs = self.pairs and steps == (1, 1) and len({f for s in scales for f in s}) == 1
        self.taps = math.prod(
            max(-((a - b) // s) for a, b in r) for r, s in zip(ranges, steps, strict=True)
        )

    def __repr__(self) -> str:
        return self.text

    def planes(self, x: Any, name: str, axes: Ints) -> Any:
        """The array as (planes, D, H, W), contiguous; refused where it has other axes or dtypes."""
        if x.ndim != len(self.size) + 2 or x.shape[2:] != axes:
            raise ValueError(f"{name} {x.shape} must have the axes (N, C, {axes}) of the windows.")
        if x.dtype.newbyteorder("=") not in (np.float32, np.float64):
            raise TypeError(f"{name} must be float32 or float64, got {x.dtype}.")
        return native(x).reshape(-1, *(1,) * (3 - len(axes)), *axes)


@functools.lru_cache(512, typed=True)
def sliding(
    size: Ints,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Windows:
    """The windows of ordinary pooling."""
    rank = len(size)
    kernel = each("kernel_size", kernel_size, rank, 1)
    steps = each("stride", kernel if stride is None else stride, rank, 1)
    pads = each("padding", padding, rank, 0)
    gaps = each("dilation", dilation, rank, 1)
    if divisor_override is not None:
        number = type(divisor_override)
        if number is bool or not hasattr(number, "__index__"):
            raise TypeError(f"divisor_override must be an integer, got {divisor_override!r}.")
        if not divisor_override:
            raise ValueError("divisor_override must not be 0.")
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
        raise ValueError(f"padding={padding} must be at most half of kernel_size={kernel_size}.")
    ranges, scales = [], []
    for n, k, s, p, d in zip(size, kernel, steps, pads, gaps, strict=True):
        reach = d * (k - 1) + 1
        out = (n + 2 * p - reach) // s + 1
        if ceil_mode:
            out = -(-(n + 2 * p - reach) // s) + 1
            out -= (out - 1) * s >= n + p  # a window that starts beyond the input is dropped
        if out < 1:
            raise ValueError(
                f"kernel_size={kernel_size} with dilation={dilation} reaches over {reach} pixels, "
                f"the padded axes {tuple(n + 2 * p for n, p in zip(size, pads, strict=True))}."
            )
        starts = [o * s - p for o in range(out)]
        inside = [(a + -(a // d) * d if a < 0 else a, min(a + reach, n)) for a in starts]
        ranges.append([(a, max(a, b)) for a, b in inside])
        if divisor_override is not None:
            scales.append([1.0] * out)
        elif count_include_pad:
            scales.append([1.0 / (min(a + k, n + p) - a) for a in starts])
        else:
            scales.append([1.0 / max(1, b - a) for a, b in ranges[-1]])
    if divisor_override is not None:
        scales[0] = [1.0 / divisor_override] * len(scales[0])
    text = r" \times ".join(map(str, kernel))
    if steps != kernel:
        text += " / " + r" \times ".join(map(str, steps))
    n, out, s, first = size[-1], len(ranges[-1]), steps[-1], -pads[-1]
    taps = []
    for i in range(first, first + kernel[-1] * gaps[-1], gaps[-1]):
        low = min(out, max(0, -(i // s)))
        taps.append((i, low, max(low, min(out, (n - 1 - i) // s + 1))))
    given = Regular(
        kernel, steps, pads, gaps, bool(ceil_mode), bool(count_include_pad), divisor_override
    )
    return Windows(size, ranges, scales, gaps, text, (s, taps), given)


@functools.lru_cache(512, typed=True)
def adaptive(size: Ints, output_size: Any) -> Windows:
    """The windows that divide each axis into `output_size` parts, as evenly as possible."""
    rank = len(size)
    wanted = output_size if isinstance(output_size, tuple) else (output_size,) * rank
    if len(wanted) != rank:
        raise ValueError(f"output_size={output_size} has {len(wanted)} entries for {rank} axes.")
    parts = tuple(n if w is None else w for n, w in zip(size, wanted, strict=True))
    each("output_size", parts, rank, 1)
    if 0 in size:
        raise ValueError(f"the axes {size} must not be empty.")
    if max(parts) > MOST:
        raise ValueError(f"output_size={output_size} must be at most {MOST} along an axis.")
    ranges = [
        [(o * n // m, -(-(o + 1) * n // m)) for o in range(m)]
        for n, m in zip(size, parts, strict=True)
    ]
    scales = [[1.0 / (b - a) for a, b in r] for r in ranges]
    return Windows(size, ranges, scales, (1,) * rank, r" \times ".join(map(str, parts)))
