"""Resizing by interpolation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.ops import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from autograd.ops.images.resample import Taps, cubic, linear, nearest, resample, smoothed
from autograd.value import Value
from nn.arguments import flags, reals
from nn.functional.tensor import Tensor

RANKS = {  # mode -> how many axes it is for
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "trilinear": (3,),
    "bicubic": (2,),
}
AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Value:
    r"""Resize images by interpolation.

    .. math:: y_i = \sum_k w_k(s_i) \, x_{\lfloor s_i \rfloor + k}, \quad s_i = (i + ½) \, n / m - ½

    along each axis in turn, from n pixels to m; with `align_corners` the first and the last pixels
    are aligned, :math:`s_i = i (n - 1) / (m - 1)`.

    Parameters
    ----------
    input : (N, C, L), (N, C, H, W) or (N, C, D, H, W), float32 or float64.
    size : int or one for each axis. m. Either this or `scale_factor`.
    scale_factor : float or one for each axis. m is floor(n · scale_factor), and n / m above becomes
        1 / scale_factor. Where m = n the linear modes, "nearest" of two axes (for m = 2 n too) and
        antialiasing use n / m all the same, as PyTorch does.
    mode : "nearest" (floor(i n / m), as PyTorch has it), "nearest-exact" (the pixel nearest to
        s_i), "linear", "bilinear", "trilinear" (two pixels an axis), "bicubic" (four), or "area"
        (means of equal parts).
    align_corners : bool, optional. For the linear and cubic modes; False by default.
    recompute_scale_factor : bool, optional. Use n / m even where `scale_factor` is given.
    antialias : bool. Widen the weights where images shrink; "bilinear" and "bicubic" only.

    Returns
    -------
    Value or array, (N, C, *m).

    Raises
    ------
    ValueError : neither or both of size and scale_factor, a mode that is not for these axes, sizes
        below 1.
    TypeError : other dtypes.

    References
    ----------
    R. Keys, "Cubic convolution interpolation for digital image processing", 1981 (bicubic).

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = np.array([[[1.0, 3.0]]])
    >>> nn.functional.interpolate(x, scale_factor=2)
    array([[[1., 1., 3., 3.]]])
    >>> nn.functional.interpolate(x, 3, mode="linear", align_corners=True)
    array([[[1., 2., 3.]]])
    """
    flags("interpolate", antialias=antialias)
    flags("interpolate", align_corners=False if align_corners is None else align_corners)
    again = False if recompute_scale_factor is None else recompute_scale_factor
    flags("interpolate", recompute_scale_factor=again)
    shape = np.shape(input)
    rank = len(shape) - 2
    if mode not in RANKS:
        raise ValueError(f"interpolate: mode must be one of {', '.join(RANKS)}, got {mode!r}.")
    if rank not in RANKS[mode]:
        axes = " or ".join(str(r + 2) for r in RANKS[mode])
        raise ValueError(
            f"interpolate: mode={mode!r} is for inputs of {axes} axes, (N, C, ...), got {shape}."
        )
    simple = mode in ("nearest", "nearest-exact", "area")
    if simple and align_corners is not None:
        raise ValueError(f"interpolate: align_corners is not for mode={mode!r}.")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolate: antialias is for 'bilinear' and 'bicubic', not {mode!r}.")
    if 0 in shape[2:]:
        raise ValueError(f"interpolate: the axes of input {shape} must not be empty.")
    sizes, scales = _sizes(shape[2:], size, scale_factor, bool(recompute_scale_factor))
    if mode == "area":
        return AREA[rank](input, sizes)
    for axis in reversed(range(rank)):
        n, m, scale = shape[2 + axis], sizes[axis], scales[axis]
        if _by_size(n, m, mode, rank, antialias):
            scale = n / m
        if n != m or scale != 1:
            taps = _taps(n, m, scale, mode, bool(align_corners), antialias)
            input = resample.call(input, axis - rank, taps)
    return input


def _by_size(n: int, m: int, mode: str, rank: int, antialias: bool) -> bool:
    """Whether the sizes count and not `scale_factor`: where PyTorch copies pixels."""
    if mode == "nearest":
        return rank == 2 and m in (n, 2 * n)
    return m == n and (antialias or mode.endswith("linear"))


def _taps(n: int, m: int, scale: float, mode: str, align_corners: bool, antialias: bool) -> Taps:
    """The input pixels, of n, and their weights for each of m output pixels."""
    if mode.startswith("nearest"):
        return nearest(n, m, scale, mode == "nearest-exact")
    if antialias:
        return smoothed(n, m, scale, align_corners, 2 if mode == "bicubic" else 1)
    return (cubic if mode == "bicubic" else linear)(n, m, scale, align_corners)


def _sizes(
    shape: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The output sizes, and the scale of each axis."""
    rank = len(shape)
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor, and not both.")
    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor goes with scale_factor only.")
        found = _each("size", size, rank)
        for m in found:
            if isinstance(m, bool) or not isinstance(m, (int, np.integer)):
                raise TypeError(f"interpolate: size must be made of integers, got {size!r}.")
        sizes = tuple(int(m) for m in found)
        scales = None
    else:
        for f in _each("scale_factor", scale_factor, rank):
            reals("interpolate", scale_factor=f)
        factors = tuple(float(f) for f in _each("scale_factor", scale_factor, rank))
        if not all(0 < f < math.inf for f in factors):
            raise ValueError(f"interpolate: scale_factor must be above 0, got {scale_factor}.")
        sizes = tuple(math.floor(n * f) for n, f in zip(shape, factors, strict=True))
        scales = None if recompute else tuple(1 / f for f in factors)
    if min(sizes) < 1:
        raise ValueError(f"interpolate: the output {sizes} must have at least 1 pixel an axis.")
    return sizes, scales or tuple(n / m for n, m in zip(shape, sizes, strict=True))


def _each(name: str, given: Any, rank: int) -> tuple[Any, ...]:
    entries = tuple(given) if np.ndim(given) else (given,) * rank
    if len(entries) != rank:
        raise ValueError(f"interpolate: {name}={given} has {len(entries)} entries for {rank} axes.")
    return entries
