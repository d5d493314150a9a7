"""Images made larger and smaller, by interpolation or with pixels from channels."""

from __future__ import annotations

from typing import Any

from nn import functional
from nn.module import Module


class Upsample(Module):
    """Images resampled to another size, as `functional.interpolate` does.

    Parameters
    ----------
    size : int or one for each axis, of the output.
    scale_factor : float or one for each axis; either this or `size`.
    mode : "nearest", "linear", "bilinear", "bicubic" or "trilinear".
    align_corners : whether the pixels at the corners stay where they are; False by default.
    recompute_scale_factor : whether sizes rounded down change the scale.

    Input (N, C, ...) with one to three axes more, output likewise.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Upsample(scale_factor=2)(np.array([[[1.0, 3.0]]]))
    array([[[1., 1., 3., 3.]]])
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor = scale_factor
        if isinstance(scale_factor, tuple):
            self.scale_factor = tuple(float(f) for f in scale_factor)
        elif scale_factor is not None:
            self.scale_factor = float(scale_factor)
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Any:
        """Resample (N, C, ...)."""
        return functional.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners,
            self.recompute_scale_factor,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Size or scale, and mode."""
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


class PixelShuffle(Module):
    """Channels laid out as blocks of pixels: (..., C r², H, W) becomes (..., C, H r, W r).

    Parameters
    ----------
    upscale_factor : r.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.PixelShuffle(2)(np.ones((1, 8, 3, 3))).shape
    (1, 2, 6, 6)
    """

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, input: Any) -> Any:
        """Lay out."""
        return functional.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Blocks of pixels laid out as channels: (..., C, H r, W r) becomes (..., C r², H, W).

    Parameters
    ----------
    downscale_factor : r.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.PixelUnshuffle(2)(np.ones((1, 2, 6, 6))).shape
    (1, 8, 3, 3)
    """

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = downscale_factor

    def forward(self, input: Any) -> Any:
        """Lay out."""
        return functional.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Channels of so many groups dealt out in turn, shapes as they are.

    Parameters
    ----------
    groups : of which the number of channels is a multiple.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ChannelShuffle(2)(np.arange(4.0).reshape(1, 4, 1)).ravel()
    array([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        self.groups = groups

    def forward(self, input: Any) -> Any:
        """Deal out."""
        return functional.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """The groups."""
        return f"groups={self.groups}"
