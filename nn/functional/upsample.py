"""PyTorch's older names of `interpolate`."""

from __future__ import annotations

from typing import Any

from autograd.value import Value
from nn.functional.interpolate import interpolate
from nn.functional.tensor import Tensor


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Value:
    """An older name of `interpolate`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.functional.upsample(np.array([[[1.0, 3.0]]]), scale_factor=2)
    array([[[1., 1., 3., 3.]]])
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Value:
    """`interpolate` with mode "nearest", under an older name."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Value:
    """`interpolate` with mode "bilinear" and aligned corners, under an older name."""
    return interpolate(input, size, scale_factor, "bilinear", True)
