"""im2col: patches of images as columns; col2im: columns added up to images again."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd.op import Op
from autograd.ops.axes import each
from autograd.ops.samples import A, case, cases

Ints = tuple[int, ...]


class Patches(NamedTuple):
    """Where the patches of an image lie, two axes; `size` is the image's."""

    size: Ints
    kernel: Ints
    dilation: Ints
    padding: Ints
    stride: Ints
    out: Ints

    def __repr__(self) -> str:
        return r" \times ".join(map(str, self.kernel))


def patches(size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> Patches:
    """The patches of images of a size; ValueError where none fits."""
    axes = each("output_size", size, 2, 1)
    kernel, gaps = each("kernel_size", kernel_size, 2, 1), each("dilation", dilation, 2, 1)
    pads, steps = each("padding", padding, 2, 0), each("stride", stride, 2, 1)
    out = tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(axes, kernel, gaps, pads, steps, strict=True)
    )
    if min(out) < 1:
        raise ValueError(
            f"kernel_size={kernel_size} with dilation={dilation} reaches beyond the padded image "
            f"{tuple(n + 2 * p for n, p in zip(axes, pads, strict=True))}."
        )
    return Patches(axes, kernel, gaps, pads, steps, out)


def _im2col(x: Any, p: Patches) -> Any:
    """Every patch of (N, C, H, W) as a column of (N, C · kernel, patches)."""
    if x.ndim != 4 or x.shape[2:] != p.size:
        raise ValueError(f"x {x.shape} must have the axes (N, C, {p.size}).")
    x = np.pad(x, ((0, 0), (0, 0), *((n, n) for n in p.padding)))
    reach = tuple(d * (k - 1) + 1 for d, k in zip(p.dilation, p.kernel, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
    seen = seen[:, :, :: p.stride[0], :: p.stride[1], :: p.dilation[0], :: p.dilation[1]]
    seen = seen.transpose(0, 1, 4, 5, 2, 3)  # (N, C, KH, KW, HO, WO)
    return seen.reshape(*x.shape[:1], x.shape[1] * p.kernel[0] * p.kernel[1], p.out[0] * p.out[1])


def _col2im(a: Any, p: Patches) -> Any:
    """The transposed map: the columns added up where they came from."""
    taps = p.kernel[0] * p.kernel[1]
    if a.ndim != 3 or a.shape[1] % taps or a.shape[2] != p.out[0] * p.out[1]:
        raise ValueError(
            f"a {a.shape} must have the axes (N, a multiple of {taps}, {p.out[0] * p.out[1]}) for "
            f"patches of {p.kernel} of an image of {p.size}."
        )
    a = a.reshape(a.shape[0], a.shape[1] // taps, *p.kernel, *p.out)
    (H, W), (ph, pw), (sh, sw) = p.size, p.padding, p.stride
    x = np.zeros((*a.shape[:2], H + 2 * ph, W + 2 * pw), a.dtype)
    for i in range(p.kernel[0]):
        for j in range(p.kernel[1]):
            h, w = i * p.dilation[0], j * p.dilation[1]
            x[:, :, h : h + sh * p.out[0] : sh, w : w + sw * p.out[1] : sw] += a[:, :, i, j]
    return x[:, :, ph : ph + H, pw : pw + W]


im2col: Op = Op(
    _im2col,
    r"\operatorname{{columns}}_{{{p}}} {x:3}",
    lambda g, y, x, p: col2im.call(g, p),
    masks=True,
)
col2im: Op = Op(
    _col2im,
    r"\operatorname{{columns}}^\top_{{{p}}} {a:3}",
    lambda g, y, a, p: im2col.call(g, p),
    routes=True,
)

# What tests sample
cases(
    "im2col",
    case(A(2, 2, 4, 3), patches((4, 3), 2, 1, 0, 1)),
    case(A(1, 1, 5, 4), patches((5, 4), (2, 3), (2, 1), (1, 2), (1, 2))),
)
cases("col2im", case(A(2, 8, 6), patches((4, 3), 2, 1, 0, 1)))
