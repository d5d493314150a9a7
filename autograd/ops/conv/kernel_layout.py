"""The ways to lay out a convolution for its kernels, and the choice among them by cost."""
# mypy: ignore-errors

from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from autograd.machine.tile import lanes
from autograd.ops.conv.kernel_plan import (
    DEPTH,
    NONE,
    SIZES,
    TALL,
    TASKS,
    TILE_COST,
    Axis,
    Pair,
    Phase,
    Plan,
    strips,
)

BUDGET = 256 * 1024  # bytes of a packed block: half of a small L2
PEAK = 2  # vector multiply-adds a cycle
MARGINS = 16 * 1024  # bytes of a table of what lies inside, so that it stays in L1

# Cycles, measured: a row moved in vectors, and a vector of a whole plane; an element moved alone;
# a tile's start and end; a transposed block of lanes x lanes elements, for each of its rows; a
# weight packed into a strip of few rows, and into one of whole vectors.
ROW, VECTOR, ELEMENT, TILE, BLOCK, NARROW, WIDE = 3.5, 1.5, 1.5, 40.0, 6.0, 2.5, 1.0


def layouts(axes: tuple[Axis, ...]) -> list[tuple[bool, tuple[int | None, ...]]]:
    """The ways to see the axes as three; the flag says that the outermost stands for the images."""
    kept = [i for i, a in enumerate(axes) if not a.trivial]
    slots = {0: (None, None, None), 1: (0, None, None), 2: (0, None, 1), 3: (0, 1, 2)}[len(kept)]
    found = [(False, slots)]
    if len(kept) < 3:
        found.append((True, (None, *{0: (None, None), 1: (None, 0), 2: (0, 1)}[len(kept)])))
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
    w_strides: Pair,
    itemsize: int,
    bias: bool,
    grad: bool = False,
) -> Plan:
    """Lay out ``y[n, m, o] = Σ_c Σ_taps w[m, c, tap] x[n, c, o · step + offset]``, per group.

    Strides count elements; those of x and y are (image, channel, *axes), those of the weight (m,
    c). `kernel` is the shape of the weight's taps in memory. With `grad` the plan is for the
    weight's gradient.
    """
    given = images, groups, channels, out_channels, axes, x_strides, y_strides, kernel, w_strides
    return min(plans(*given, itemsize, bias, grad), key=lambda p: p.rank)


def plans(
    images, groups, channels, out_channels, axes, x_strides, y_strides, kernel, w_strides,
    itemsize, bias, grad,
):  # fmt: skip
    """All plans among which `plan` chooses."""
    given = images, groups, channels, out_channels, axes, x_strides, y_strides, kernel, w_strides
    for layout in layouts(axes):
        made = _Layout(*given, itemsize, bias, *layout)
        if grad:
            yield made.plan(made.grad_cycles())
        else:
            yield made.plan(made.cycles())
            if made.whole:
                aside = _Layout(*given, itemsize, bias, *layout, aside=True)
                yield aside.plan(aside.cycles_aside())


class _Layout:
    """One way to lay out a convolution, and what it costs; `aside` puts channels side by side."""

    def __init__(
        self, images, groups, channels, out_channels, axes, x_strides, y_strides, kernel, w_strides,
        itemsize, bias, as_images, chosen, aside=False,
    ):  # fmt: skip
        self.groups, self.channels, self.out_channels = groups, channels, out_channels
        self.w_strides, self.bias, self.as_images, self.aside = w_strides, bias, as_images, aside
        self.xn, self.xc, *xs = x_strides
        self.yn, self.yc, *ys = y_strides
        steps = [math.prod(kernel[i + 1 :]) for i in range(len(kernel))]
        seen = [
            (NONE, 0, 0, 0) if i is None else (axes[i], xs[i], ys[i] * axes[i].scale, steps[i])
            for i in chosen
        ]
        self.images = images
        if as_images:
            outer = Axis(images, 1, (Phase(0, images, ((0, 0),)),))
            seen[0] = outer, self.xn, self.yn, 0
            self.images, self.xn, self.yn = 1, 0, 0
        self.axes, self.x_steps, self.y_steps, self.tap_steps = zip(*seen, strict=True)
        self.fixed = sum(  # the place of the one tap of axes that are left out
            a.phases[0].taps[0][1] * s for a, s in zip(axes, steps, strict=True) if a.trivial
        )
        self.width = lanes(np.float32) * 4 // itemsize
        self.cut(itemsize)
        d, h, w = self.axes
        self.sets: dict = {}  # phases that read the same pixels
        for some in itertools.product(d.phases, h.phases, w.phases):
            self.sets.setdefault(tuple(p.offsets for p in some), []).append(some)
        yd, yh, yw = self.y_steps
        self.flat = (w.out == 1 or yw == 1) and (h.out == 1 or yh == w.out)
        self.flat = self.flat and h.scale == w.scale == 1
        self.signal = self.inner == 1 and h.scale == w.scale == 1  # outputs along one axis
        self.whole = self.flat and d.scale == 1 and len(self.sets) == 1
        self.in_place = self.whole and (d.out == 1 or yd == self.inner)
        self.inside = self.margins() if self.inner > 1 else np.zeros(0, np.int8)

    def cut(self, itemsize):
        """Cut the outermost axis into blocks, and say where the planes of one lie."""
        d, h, w = self.axes
        self.inner = inner = h.out * w.out
        self.phases = sorted({o % d.step for o in d.offsets})
        self.lead = min(o // d.step for o in d.offsets)
        self.planes = self.channels * len(h.offsets) * len(w.offsets)
        extra = max(o // d.step for o in d.offsets) - self.lead
        row = self.planes * len(self.phases) * inner * itemsize
        most = max(1, BUDGET // row - extra, min(2 * extra, 4 * BUDGET // row))
        if self.as_images and inner <= 4 * self.width:
            most = max(most, 2 * BUDGET // row)  # the weight is read again for each block
        tasks = self.images * self.groups
        fair = max(math.ceil(4 * self.width / inner), d.out // max(1, TASKS // tasks))
        blocks = math.ceil(d.out / max(1, min(most, fair)))
        self.tall = math.ceil(d.out / blocks)
        self.blocks = math.ceil(d.out / self.tall)
        self.tasks = tasks * self.blocks
        self.rows = self.tall + extra
        plane = math.ceil(len(self.phases) * self.rows * inner / self.width) * self.width
        if plane * itemsize % 1024 == 0:
            plane += self.width  # a power of two would put all planes into the same cache lines
        self.plane, self.pixels = plane, self.tall * inner
        self.vectors = math.ceil(self.pixels / self.width)
        self.slack = 8 * self.width
        self.ones = self.planes * plane + self.slack

    def margins(self):
        """For each tap of the inner axes, which elements of a plane are pixels, not zeros.

        Only for planes whose rows are as long as the image's, so that they are moved at once, and
        so short that whole vectors of one row would be few.
        """
        d, h, w = self.axes
        none = np.zeros(0, np.int8)
        if {d.step, h.step, w.step} != {1} or (h.source, w.source) != (h.out, w.out):
            return none
        lead = np.arange(1 if self.as_images else d.out + self.rows - self.tall) + self.lead
        taps = len(h.offsets) * len(w.offsets)
        if w.out >= 4 * self.width or taps * (lead.size * self.inner + self.width) > MARGINS:
            return none
        found = np.zeros((taps, lead.size * self.inner + self.width), np.int8)
        inside = [lead >= 0] if self.as_images else [(lead >= 0) & (lead < d.source)]
        for t, offsets in enumerate(itertools.product(h.offsets, w.offsets)):
            ranges = (a.inside(o) for a, o in zip((h, w), offsets, strict=True))
            some = [
                (np.arange(a.out) >= low) & (np.arange(a.out) < high)
                for a, (low, high) in zip((h, w), ranges, strict=True)
            ]
            whole = np.einsum("d,h,w->dhw", *(np.int8(i) for i in (*inside, *some)))
            found[t, : whole.size] = whole.ravel()
        return found

    def terms(self, phases):
        """The products of a sum: where the pixels begin in a block, and the weights."""
        d, h, w = self.axes
        found = [*itertools.product(range(self.channels), *(p.taps for p in phases))]
        if self.aside:
            found.sort(key=lambda term: d.offsets.index(term[1][0]))  # stable
        offsets, weights = [], []
        for c, *taps in found:
            od, oh, ow = (o for o, _ in taps)
            at = (c * len(h.offsets) + h.offsets.index(oh)) * len(w.offsets) + w.offsets.index(ow)
            offsets.append(at * self.plane + self.first_row(od))
            places = zip(taps, self.tap_steps, strict=True)
            weights.append(c * self.w_strides[1] + self.fixed + sum(t * s for (_, t), s in places))
        if self.bias and not self.aside:
            offsets.append(self.ones)
        return offsets, weights

    def first_row(self, offset):
        """Where the outermost axis begins in a plane at this offset."""
        step = self.axes[0].step
        row = self.phases.index(offset % step) * self.rows + offset // step - self.lead
        return row * self.inner

    def row(self, m, some, first):
        """A row of the product: its weights, its outputs and the sizes of these."""
        moved = sum(
            (p.taps[0][1] - q.taps[0][1]) * s
            for p, q, s in zip(some, first, self.tap_steps, strict=True)
        )
        start = sum(
            p.start * y // a.scale for p, y, a in zip(some, self.y_steps, self.axes, strict=True)
        )
        sizes = (some[0].out, 1, self.inner) if self.flat else [p.out for p in some]
        return (m * self.w_strides[0] + moved, m * self.yc + start, *sizes)

    def tables(self):
        """Offsets and weights of all products; strips, rows and lines."""
        offsets, weights, order, strips_, rows, numbers, to = [], [], [], [], [], {}, 0
        for of_set in self.sets.values():
            some, places = self.terms(of_set[0])
            K, first = len(some), len(rows)
            for phases in of_set:
                for m in range(self.out_channels):
                    numbers[(m, *(p.start for p in phases))] = len(rows)
                    rows.append(self.row(m, phases, of_set[0]))
            for height in self.heights(len(rows) - first):
                strips_.append((first, height, len(offsets), len(offsets) + K, to))
                first, to = first + height, to + height * K
            by_place = sorted(range(len(places)), key=places.__getitem__)
            order += [len(offsets) + k for k in by_place] + [0] * (K - len(places))
            offsets += some
            weights += places + [0] * (K - len(places))
        lines = [(i,) for i in range(len(rows))]
        at = 1 if self.signal else 3
        if self.axes[at - 1].scale == len(self.axes[at - 1].phases) == 2:
            lines = [
                (i, numbers[(*k[:at], 1, *k[at + 1 :])]) for k, i in numbers.items() if not k[at]
            ]
        return offsets, weights, order, strips_, rows, lines, to

    def heights(self, rows):
        """Cut rows of the product into strips."""
        if self.aside:
            return [self.wide] * math.ceil(rows / self.wide)
        return strips(rows)

    @property
    def wide(self):
        """The columns of a tile of channels."""
        return self.width if self.out_channels <= self.width else 2 * self.width

    @property
    def high(self):
        """The rows of a tile of channels, so that few are empty; a narrow one is tall."""
        if self.wide == self.width:
            return TALL
        return min((TALL, TALL - 1, TALL - 2), key=lambda t: math.ceil(self.pixels / t) * t)

    @property
    def shifts(self):
        """The number of taps of the outermost axis."""
        return len(self.axes[0].offsets)

    def moves(self):
        """Cycles to pack a block, more where it leaves L2."""
        d, h, w = self.axes
        far = 2 if self.ones * 64 // self.width > 1.5 * BUDGET else 1
        if self.inside.size:
            if self.as_images:
                return self.planes * self.tall * math.ceil(self.inner / self.width) * VECTOR * far
            return self.planes * self.plane / self.width * VECTOR
        if (d if self.inner == 1 else w).step > 2:
            return self.planes * self.plane * ELEMENT
        if self.inner == 1:
            return self.planes * self.plane / self.width * VECTOR
        lines = self.planes * len(self.phases) * self.rows * h.out
        return lines * math.ceil(w.out / self.width) * ROW

    def streams(self, times):
        """Cycles to fetch a weight too large for L2 so many times."""
        size = self.planes * self.shifts * self.out_channels * 64 / self.width
        return size * times / 32 if size > 2 * BUDGET else 0.0

    def cycles(self):
        """Cycles of a block with pixels side by side."""
        many = self.vectors + 0.4 * (self.vectors % 2)
        total, rows = self.moves() + self.streams(math.ceil(self.vectors / 2)), 0
        for offsets, of_set in self.sets.items():
            K = self.channels * math.prod(map(len, offsets))
            n = len(of_set) * self.out_channels
            rows += n
            for height in strips(n):
                total += TILE_COST[height] * K * many / PEAK + self.vectors * TILE / 4
        if not self.in_place:
            steps = self.axes[0 if self.signal else 2].scale
            total += rows * self.pixels * (3 / self.width if steps <= 2 else ELEMENT)
        return total

    def cycles_aside(self):
        """Cycles of a block with channels side by side."""
        vectors = self.wide / self.width
        strips_ = math.ceil(self.out_channels / self.wide)
        high, tiles = self.high, math.ceil(self.pixels / self.high)
        passes = self.shifts * math.ceil(self.planes / DEPTH)
        work = high * self.planes * self.shifts / PEAK * (1.4 if vectors == 1 else 2)
        ends = vectors * (self.pixels + self.vectors * BLOCK * self.width)
        each = tiles * (work + passes * TILE) + ends
        return strips_ * each + self.moves() + self.streams(1)

    def grad_cycles(self):
        """Cycles of a block of the weight's gradient."""
        vectors = self.wide / self.width
        columns = math.ceil(self.out_channels / self.wide) * (1.4 if vectors == 1 else 2)
        tiles = self.shifts * math.ceil(self.planes / TALL) * columns
        turned = math.ceil(self.out_channels / self.width) * self.vectors * BLOCK * self.width
        return tiles * (TALL * self.pixels / PEAK + TILE) + turned + self.moves()

    def plan(self, cycles):
        """The tables."""
        offsets, weights, order, strips_, rows, lines, packed = self.tables()
        d, h, w = self.axes
        (xd, xh, xw), (yd, yh, yw) = self.x_steps, self.y_steps
        padded = math.ceil(self.pixels / self.width) * self.width
        ldy = padded + self.slack
        high = self.high if self.aside else 0
        sizes = {
            "images": self.images, "groups": self.groups, "channels": self.channels,
            "out_channels": self.out_channels, "blocks": self.blocks, "tall": self.tall,
            "xn": self.xn, "xc": self.xc, "xd": xd, "xh": xh, "xw": xw, "D": d.source,
            "Do": d.out, "Ho": h.out, "Wo": w.out, "Sd": d.step, "Sh": h.step, "Sw": w.step,
            "lead": self.lead, "rows": self.rows, "plane": self.plane,
            "margin": self.inside.shape[-1], "together": not self.as_images,
            "ones": self.ones if self.bias and not self.aside else -1, "packed": packed,
            "yn": self.yn, "yg": self.out_channels * self.yc, "yd": yd, "yh": yh, "yw": yw,
            "Hy": 1 if self.flat else h.out, "Wy": self.inner if self.flat else w.out,
            "in_place": self.in_place, "signal": self.signal, "ldy": ldy, "yc": self.yc,
            "wide": self.wide if self.aside else 0, "high": high,
        }  # fmt: skip
        ints = functools.partial(np.array, dtype=np.intp)
        total = cycles * self.tasks + packed * self.groups * (NARROW if high == 0 else WIDE)
        buffer = (self.pixels + TALL) * self.wide if self.aside else len(rows) * ldy
        return Plan(
            sizes=np.array([tuple(sizes[name] for name in SIZES.names)], SIZES),
            phases=ints(self.phases),
            outer=ints([self.first_row(o) for o in d.offsets]),
            h_taps=ints([(o, *h.inside(o)) for o in h.offsets]),
            w_taps=ints([(o, *w.inside(o)) for o in w.offsets]),
            inside=self.inside.reshape(-1),
            offsets=ints(offsets),
            weights=ints(weights),
            order=ints(order),
            strips=ints(strips_),
            rows=ints(rows),
            lines=ints(lines),
            tasks=self.tasks,
            blocks=self.blocks,
            space=self.ones + padded + self.slack,
            buffer=0 if self.in_place and not self.aside else buffer,
            cost=total / 3,
            rank=total * (1 + 0.25 * max(0, TASKS / self.tasks - 1)),
        )
