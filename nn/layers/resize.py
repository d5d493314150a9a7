"""Resizing by interpolation, and shuffles of pixels and channels."""

from __future__ import annotations

from typing import Any

from nn import functional
from nn.arguments import flags
from nn.layers.function_layer import FunctionLayer


class Upsample(FunctionLayer):
    """Resize images by interpolation; see `functional.interpolate`.

    Parameters
    ----------
    size : int or one for each axis, of the output.
    scale_factor : float or one for each axis; either this or `size`.
    mode : "nearest", "linear", "bilinear", "bicubic" or "trilinear".
    align_corners : whether the corner pixels of input and output are aligned; False by default.
    recompute_scale_factor : compute the scale anew from the rounded output size.

    Input (N, C, ...) with one to three axes more, output likewise.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Upsample(scale_factor=2)(np.array([[[1.0, 3.0]]]))
    array([[[1., 1., 3., 3.]]])
    """

    _function = staticmethod(functional.interpolate)
    size: Any
    scale_factor: Any
    mode: str

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        if isinstance(scale_factor, tuple):
            scale_factor = tuple(float(f) for f in scale_factor)
        elif scale_factor is not None:
            scale_factor = float(scale_factor)
        for name, flag in (
            ("align_corners", align_corners),
            ("recompute_scale_factor", recompute_scale_factor),
        ):
            flags(type(self).__name__, **{name: False if flag is None else flag})
        super().__init__(
            size=size,
            scale_factor=scale_factor,
            mode=mode,
            align_corners=align_corners,
            recompute_scale_factor=recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        size = f"size={self.size!r}" if self.scale_factor is None else ""
        return f"{size or f'scale_factor={self.scale_factor!r}'}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` of (N, C, H, W) with mode "nearest".

    Parameters
    ----------
    size, scale_factor : as in `Upsample`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.UpsamplingNearest2d(scale_factor=2)(np.ones((1, 1, 2, 3))).shape
    (1, 1, 4, 6)
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` of (N, C, H, W) with mode "bilinear", corners aligned.

    Parameters
    ----------
    size, scale_factor : as in `Upsample`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.UpsamplingBilinear2d((1, 3))(np.array([[[[1.0, 3.0]]]]))
    array([[[[1., 2., 3.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(FunctionLayer):
    """Rearrange channels into blocks of pixels: (..., C r², H, W) becomes (..., C, H r, W r).

    Parameters
    ----------
    upscale_factor : r.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.PixelShuffle(2)(np.ones((1, 8, 3, 3))).shape
    (1, 2, 6, 6)
    """

    _function = staticmethod(functional.pixel_shuffle)
    upscale_factor: int

    def __init__(self, upscale_factor: int) -> None:
        super().__init__(upscale_factor=upscale_factor)


class PixelUnshuffle(FunctionLayer):
    """Rearrange blocks of pixels into channels: (..., C, H r, W r) becomes (..., C r², H, W).

    Parameters
    ----------
    downscale_factor : r.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.PixelUnshuffle(2)(np.ones((1, 2, 6, 6))).shape
    (1, 8, 3, 3)
    """

    _function = staticmethod(functional.pixel_unshuffle)
    downscale_factor: int

    def __init__(self, downscale_factor: int) -> None:
        super().__init__(downscale_factor=downscale_factor)


class ChannelShuffle(FunctionLayer):
    """Split channels into groups and interleave them; the shape stays.

    Parameters
    ----------
    groups : a divisor of the number of channels.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ChannelShuffle(2)(np.arange(4.0).reshape(1, 4, 1)).ravel()
    array([0., 2., 1., 3.])
    """

    _function = staticmethod(functional.channel_shuffle)
    groups: int

    def __init__(self, groups: int) -> None:
        super().__init__(groups=groups)
