"""How a convolution is laid out for its kernels: which pixels, which taps, which offsets.

All three products of a convolution are sums over shifted images. An image (or part of one) is
packed into planes, one for each channel and each tap of the inner axes, in which the output pixels
lie without gaps; a tap of the outermost axis is then just an offset. So a vector holds neighboring
output pixels whatever the width of the map, the stride and the dilation, and a table of offsets
takes the place of an im2col matrix kh times as large.

The outputs of a transposed convolution of stride s fall into s classes along an axis, *phases*,
each with taps of its own. They read the same planes, so each is more rows of the product.
"""
# mypy: ignore-errors

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from autograd.machine.tile import register_bytes

Pair = tuple[int, int]
TASKS = 8  # at least, where the shape allows it: a share for each of several cores
TALL = 8 if register_bytes() == 64 else 6  # rows of the tallest tile
DEPTH = 256  # terms at a time of channels side by side: a strip of weights is 32 KiB
TILE_COST = {8: 8.0, 6: 6.2, 4: 4.8, 2: 2.6, 1: 1.6}  # of a tile of this height, relative


@dataclass(frozen=True)
class Phase:
    """Outputs ``start + scale * o``, o < out, and the (offset, tap) pairs that they sum."""

    start: int
    out: int
    taps: tuple[Pair, ...]

    @property
    def offsets(self) -> tuple[int, ...]:
        """The offsets alone."""
        return tuple(offset for offset, _ in self.taps)


@dataclass(frozen=True)
class Axis:
    """Output o of a phase reads source ``o * step + offset`` for each of the phase's taps."""

    source: int
    step: int
    phases: tuple[Phase, ...]
    scale: int = 1

    @functools.cached_property
    def out(self) -> int:
        """The outputs of the longest phase."""
        return max(p.out for p in self.phases)

    @functools.cached_property
    def offsets(self) -> tuple[int, ...]:
        """All that occur."""
        if len(self.phases) == 1:
            return self.phases[0].offsets
        return tuple(sorted({o for p in self.phases for o in p.offsets}))

    @property
    def trivial(self) -> bool:
        """Whether it can be left out."""
        return (
            self.source == self.out == len(self.phases) == 1
            and self.offsets == (0,)
            and self.phases[0].start == 0
        )

    def inside(self, offset: int) -> Pair:
        """The range of outputs that read a pixel of the source at this offset, not a zero."""
        low = min(self.out, max(0, -(offset // self.step)))
        return low, max(low, min(self.out, (self.source - 1 - offset) // self.step + 1))


NONE = Axis(1, 1, (Phase(0, 1, ((0, 0),)),))

# fmt: off
SIZES = np.dtype([(name, np.intp) for name in (
    "images", "groups", "channels", "out_channels",  # channels of one group
    "blocks", "tall",  # into which the rows of the outermost axis are cut, and the rows of one
    "xn", "xc", "xd", "xh", "xw",  # strides of x, in elements: images, channels, three axes
    "D",  # rows of x along the outermost axis
    "Do", "Ho", "Wo",  # the output's axes
    "Sd", "Sh", "Sw",  # the steps along them
    "lead",  # the least offset of the outermost axis, in steps
    "rows", "plane",  # of a packed plane: its rows, the elements to the next one
    "margin", "together",  # between tables of `inside`; whether rows of a plane lie side by side
    "ones",  # where ones begin in the block, which the bias is multiplied with; -1 without
    "packed",  # elements of a group's packed weight
    "yn", "yg", "yd", "yh", "yw",  # strides of y, in elements: images, groups, three axes
    "Hy", "Wy",  # rows of a block of output and their length
    "in_place",  # whether tiles write to y; else to a buffer whose rows have ldy elements
    "signal",  # whether outputs lie along the outermost axis alone
    "ldy", "yc",
    "wide", "high",  # channels side by side: columns and rows of a tile; 0 if pixels are
)])
# fmt: on


@dataclass(frozen=True)
class Plan:
    """The tables that the kernels read, and what surrounds them."""

    sizes: np.ndarray  # one record of SIZES
    phases: np.ndarray  # remainders of outer source rows that occur
    outer: np.ndarray  # for each outer tap, the offset of its first row in a plane
    h_taps: np.ndarray  # for each tap its offset, and the range of outputs for which it is inside
    w_taps: np.ndarray
    inside: np.ndarray  # for each inner tap, whether each pixel of a plane is; empty: not needed
    offsets: np.ndarray  # for each product of the sum, where it starts in the block
    weights: np.ndarray  # for each product, where its weight is, relative to the row's first
    order: np.ndarray  # the products of each strip by the places of their weights
    strips: np.ndarray  # of rows: first row, height, the range of products, where its weights go
    rows: np.ndarray  # for each row of the product: its weights, its outputs and the sizes of these
    lines: np.ndarray  # rows whose outputs alternate, or each by itself
    tasks: int
    blocks: int
    space: int  # elements of a packed block
    buffer: int  # elements of a block of output, where it can't be written in place
    cost: float  # ns of the whole on one core
    rank: float  # cycles by which plans are compared: few tasks keep few cores busy


def strips(channels: int) -> tuple[int, ...]:
    """Cut output channels into strips of the heights that tiles come in, at the least cost."""
    return _strips(channels, TALL)


@functools.cache
def _strips(channels: int, tallest: int) -> tuple[int, ...]:
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for n in range(1, min(channels, 64) + 1):
        best.append(
            min(
                (best[n - h][0] + TILE_COST[h], (h, *best[n - h][1]))
                for h in TILE_COST
                if h <= min(n, tallest)
            )
        )
    whole = max(0, channels - 48) // tallest
    return (tallest,) * whole + best[channels - whole * tallest][1]
