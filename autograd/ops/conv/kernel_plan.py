"""How a convolution is laid out for its kernels: which pixels, which taps, which offsets.

All three products of a convolution are sums over shifted images. An image (or part of one) is
packed into planes, one for each channel and each tap of the inner axes, in which the output pixels
lie without gaps; a tap of the outermost axis is then just an offset. So a vector holds neighboring
output pixels whatever the width of the map, the stride and the dilation, and a table of offsets
takes the place of an im2col matrix kh times as large.
"""
# mypy: ignore-errors

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np

from autograd.machine.tile import lanes, register_bytes

Pair = tuple[int, int]
BUDGET = 256 * 1024  # bytes of a packed block: half of a small L2
TASKS = 8  # at least, where the shape allows it: a share for each of several cores
PEAK = 2  # vector multiply-adds a cycle


@dataclass(frozen=True)
class Axis:
    """Output o reads source ``o * step + offset`` for each tap; taps are places in the weight."""

    source: int
    out: int
    step: int
    offsets: tuple[int, ...]
    taps: tuple[int, ...]

    @property
    def trivial(self) -> bool:
        """Whether it can be left out."""
        return self.source == self.out == 1 and self.offsets == (0,)

    def inside(self, offset: int) -> Pair:
        """The range of outputs that read a pixel of the source at this offset, not a zero."""
        low = min(self.out, max(0, -(offset // self.step)))
        return low, max(low, min(self.out, (self.source - 1 - offset) // self.step + 1))


NONE = Axis(1, 1, 1, (0,), (0,))

# fmt: off
SIZES = np.dtype([(name, np.intp) for name in (
    "images", "groups", "channels", "out_channels",  # channels of one group
    "blocks", "tall",  # into which the rows of the outermost axis are cut, and the rows of one
    "terms",  # of each sum
    "xn", "xc", "xd", "xh", "xw",  # strides of x, in elements: images, channels, three axes
    "D",  # rows of x along the outermost axis
    "Do", "Ho", "Wo",  # the output's axes
    "Sd", "Sh", "Sw",  # the steps along them
    "lead",  # the least offset of the outermost axis, in steps
    "rows", "plane",  # of a packed plane: its rows, the elements to the next one
    "ones",  # where ones begin in the block, which the bias is multiplied with; -1 without
    "yn", "yc", "yd", "yh", "yw",  # strides of y, in elements
    "in_place",  # whether tiles write to y; else to a buffer whose rows have ldy elements
    "ldy",
)])
# fmt: on
"""What the kernels read by name. A record array costs a call 0.1 µs, a NamedTuple 4."""


@dataclass(frozen=True)
class Plan:
    """The tables that the kernels read, and what surrounds them."""

    sizes: np.ndarray  # one record of SIZES
    phases: np.ndarray  # remainders of outer source rows that occur
    outer: np.ndarray  # for each outer tap, the offset of its first row in a plane
    h_taps: np.ndarray  # for each tap its offset, and the range of outputs for which it is inside
    w_taps: np.ndarray
    offsets: np.ndarray  # for each product of the sum, where it starts in the block
    weights: np.ndarray  # for each product, where its weight is, relative to the channel's first
    heights: np.ndarray  # of the strips of output channels
    tasks: int
    blocks: int
    space: int  # elements of a packed block
    buffer: int  # elements of a block of output, where it can't be written in place
    cost: float  # ns of the whole on one core


def strips(channels: int) -> tuple[int, ...]:
    """Cut output channels into strips of the heights that tiles come in, at the least cost."""
    return _strips(channels, 8 if register_bytes() == 64 else 6)


@functools.cache
def _strips(channels: int, tallest: int) -> tuple[int, ...]:
    cost = {8: 8.0, 6: 6.2, 4: 4.8, 2: 2.6, 1: 1.6}  # of a tile, relative; measured
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for n in range(1, min(channels, 64) + 1):
        best.append(
            min(
                (best[n - h][0] + cost[h], (h, *best[n - h][1]))
                for h in cost
                if h <= min(n, tallest)
            )
        )
    whole = max(0, channels - 48) // tallest
    return (tallest,) * whole + best[channels - whole * tallest][1]


def layouts(axes: tuple[Axis, ...]) -> list[tuple[bool, tuple[Axis, Axis, Axis], Pair]]:
    """The ways to see the axes as three; the flag says that the outermost stands for the images."""
    kept = [i for i, a in enumerate(axes) if not a.trivial]
    slots = {0: (None, None, None), 1: (0, None, None), 2: (0, None, 1), 3: (0, 1, 2)}[len(kept)]
    found = [(False, slots)]
    if len(kept) < 3:
        found.append((True, {0: (None, None), 1: (None, 0), 2: (0, 1)}[len(kept)]))
    return [
        (images, tuple(None if s is None else kept[s] for s in chosen)) for images, chosen in found
    ]


@functools.lru_cache(512)
def plan(
    images: int,
    groups: int,
    channels: int,
    out_channels: int,
    axes: tuple[Axis, ...],
    x_strides: tuple[int, ...],
    y_strides: tuple[int, ...],
    kernel: tuple[int, ...],
    c_stride: int,
    itemsize: int,
    bias: bool,
) -> Plan:
    """Lay out ``y[n, m, o] = Σ_c Σ_taps w[m, c, tap] x[n, c, o · step + offset]``, per group.

    Strides count elements; those of x and y are (image, channel, *axes). `kernel` is the shape of
    the weight's taps in memory and `c_stride` the distance of its channels that are summed over.
    """
    given = images, groups, channels, out_channels, axes, x_strides, y_strides, kernel, c_stride
    plans = [_laid_out(*given, itemsize, bias, *layout) for layout in layouts(axes)]
    return min(plans, key=lambda p: p.cost)


def _laid_out(
    images, groups, channels, out_channels, axes, x_strides, y_strides, kernel, c_stride, itemsize,
    bias, as_images, chosen,
):  # fmt: skip
    xn, xc, *xs = x_strides
    yn, yc, *ys = y_strides

    def picked(i):
        return (NONE, 0, 0) if i is None else (axes[i], xs[i], ys[i])

    if as_images:
        outer = Axis(images, images, 1, (0,), (0,)), xn, yn
        (d, xd, yd), (h, xh, yh), (w, xw, yw) = outer, *map(picked, chosen)
        n, xn, yn = 1, 0, 0
    else:
        (d, xd, yd), (h, xh, yh), (w, xw, yw) = map(picked, chosen)
        n = images
    width = lanes(np.float32) * 4 // itemsize
    inner = h.out * w.out
    phases = sorted({o % d.step for o in d.offsets})
    lead = min(o // d.step for o in d.offsets)
    shifts = [o // d.step - lead for o in d.offsets]
    planes = channels * len(h.offsets) * len(w.offsets)
    row = planes * len(phases) * inner * itemsize
    extra = max(shifts)

    most = max(1, BUDGET // row - extra, min(2 * extra, 4 * BUDGET // row))
    fair = max(math.ceil(4 * width / inner), d.out // max(1, TASKS // (n * groups)))
    blocks = math.ceil(d.out / max(1, min(most, fair)))
    tall = math.ceil(d.out / blocks)
    blocks = math.ceil(d.out / tall)

    rows = tall + extra
    plane = math.ceil(len(phases) * rows * inner / width) * width
    if plane * itemsize % 1024 == 0:
        plane += width  # a power of two would put all planes into the same few cache lines
    pixels = tall * inner
    padded = math.ceil(pixels / width) * width
    slack = 8 * width
    offsets, weights = [], []
    flat = np.arange(math.prod(kernel)).reshape(kernel)
    names = [None if i is None else i for i in chosen]
    for p, (c, jh, jw) in enumerate(
        itertools.product(*map(range, (channels, len(h.offsets), len(w.offsets))))
    ):
        for jd, shift in enumerate(shifts):
            offsets.append(
                p * plane + (phases.index(d.offsets[jd] % d.step) * rows + shift) * inner
            )
            place = [a.taps[0] for a in axes]
            for name, axis, j in zip(
                [None, *names] if as_images else names, (d, h, w), (jd, jh, jw), strict=True
            ):
                if name is not None:
                    place[name] = axis.taps[j]
            weights.append(c * c_stride + int(flat[tuple(place)]))
    ones = planes * plane + slack
    if bias:
        offsets.append(ones)
    flat_y = (w.out == 1 or yw == 1) and (h.out == 1 or yh == w.out) and (d.out == 1 or yd == inner)
    heights = strips(out_channels)
    tasks = n * blocks * groups
    vectors = math.ceil(tall * inner / width)
    moved = planes * len(phases) * rows * (h.out if inner > 1 else 1)
    moved *= math.ceil((w.out if inner > 1 else rows) / width) / (1 if inner > 1 else rows)
    cycles = tasks * (sum(heights) * len(offsets) * vectors / PEAK + 3 * moved)
    if not flat_y:
        cycles += tasks * out_channels * tall * h.out * math.ceil(w.out / width)
    sizes = {
        "images": n, "groups": groups, "channels": channels, "out_channels": out_channels,
        "blocks": blocks, "tall": tall, "terms": len(offsets),
        "xn": xn, "xc": xc, "xd": xd, "xh": xh, "xw": xw, "D": d.source,
        "Do": d.out, "Ho": h.out, "Wo": w.out, "Sd": d.step, "Sh": h.step, "Sw": w.step,
        "lead": lead, "rows": rows, "plane": plane, "ones": ones if bias else -1,
        "yn": yn, "yc": yc, "yd": yd, "yh": yh, "yw": yw, "in_place": flat_y, "ldy": padded + slack,
    }  # fmt: skip
    ints = functools.partial(np.array, dtype=np.intp)
    return Plan(
        sizes=np.array([tuple(sizes[name] for name in SIZES.names)], SIZES),
        phases=ints(phases),
        outer=ints([offsets[j] for j in range(len(shifts))]),
        h_taps=ints([(o, *h.inside(o)) for o in h.offsets]),
        w_taps=ints([(o, *w.inside(o)) for o in w.offsets]),
        offsets=ints(offsets),
        weights=ints(weights),
        heights=ints(heights),
        tasks=tasks,
        blocks=blocks,
        space=ones + padded + slack,
        buffer=out_channels * (padded + slack),
        cost=cycles / 3,
    )
