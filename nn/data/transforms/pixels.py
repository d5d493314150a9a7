"""Pixel-wise transforms: normalization, noise and cutout."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng
from nn.arguments import count, flags, reals
from nn.data.transforms.base import Transform, filling, images


class Normalize(Transform):
    """Normalize to (x − mean) / std.

    Parameters
    ----------
    mean, std : scalars, or arrays of shape (C,) with one value per channel of x (N, C, ...).

    Raises
    ------
    ValueError
        A mean or std of another shape, or a std not above 0; on a call, another number of channels.

    Examples
    --------
    >>> import numpy as np
    >>> Normalize(0.5, 0.5)(np.array([[0.0, 0.5, 1.0]], np.float32))
    array([[-1.,  0.,  1.]], dtype=float32)
    """

    def __init__(self, mean: Any, std: Any) -> None:
        super().__init__()
        self.mean, self.std = np.asarray(mean, np.float64), np.asarray(std, np.float64)
        finite = np.isfinite(self.mean).all() and np.isfinite(self.std).all()
        if self.mean.ndim > 1 or self.std.ndim > 1 or not finite or (self.std <= 0).any():
            raise ValueError(
                "Normalize: mean and std must be finite, scalars or of shape (C,), std > 0; got "
                f"{mean!r} and {std!r}."
            )

    def apply(self, x: Array, rng: np.random.Generator) -> Array:
        dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float32)
        return (x - self._by_channel(self.mean, x, dtype)) / self._by_channel(self.std, x, dtype)

    def _by_channel(self, values: Array, x: Array, dtype: np.dtype[Any]) -> Array:
        if values.ndim and (x.ndim < 2 or values.size not in (1, x.shape[1])):
            raise ValueError(f"Normalize: {values.size} channels, but x has shape {x.shape}.")
        per_channel = values.reshape(-1, *[1] * (x.ndim - 2)) if values.ndim else values
        return per_channel.astype(dtype)


class GaussianNoise(Transform):
    """Add Gaussian noise.

    Parameters
    ----------
    mean, sigma : mean and standard deviation of the noise.
    clip : clip the result to [0, 1].
    rng : generator, seed or None.

    Raises
    ------
    ValueError
        A negative sigma.
    TypeError
        On a call, an x that does not hold floats.

    Examples
    --------
    >>> import numpy as np
    >>> y = GaussianNoise(sigma=0.1, rng=0)(np.full((100, 100), 0.5))
    >>> round(float(y.std()), 2)
    0.1
    """

    def __init__(
        self, mean: float = 0.0, sigma: float = 0.1, clip: bool = False, *, rng: Rng = None
    ) -> None:
        flags(type(self).__name__, clip=clip)
        super().__init__(rng=rng)
        reals("GaussianNoise", mean=mean, sigma=sigma)
        if not sigma >= 0:
            raise ValueError(f"GaussianNoise: sigma must be >= 0, got {sigma}.")
        self.mean, self.sigma, self.clip = float(mean), float(sigma), clip

    def apply(self, x: Array, rng: np.random.Generator) -> Array:
        if x.dtype.kind != "f":
            raise TypeError(f"GaussianNoise: x must hold floats, not {x.dtype}.")
        draw = np.float32 if x.dtype == np.float32 else np.float64
        noise: Array = np.asarray(rng.standard_normal(x.shape, draw), x.dtype)
        y: Array = x + (noise * self.sigma + self.mean)
        return np.clip(y, 0, 1) if self.clip else y


class Cutout(Transform):
    """Erase a square at a random position of each image; it may extend beyond the border.

    Parameters
    ----------
    size : side length in pixels.
    fill : value of erased pixels.
    rng : generator, seed or None.

    Raises
    ------
    ValueError
        A size below 1.

    References
    ----------
    DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout",
    2017.

    Examples
    --------
    >>> import numpy as np
    >>> y = Cutout(4, rng=0)(np.ones((1, 1, 28, 28)))
    >>> 4 <= int((y == 0).sum()) <= 16
    True
    """

    def __init__(self, size: int, fill: float = 0.0, *, rng: Rng = None) -> None:
        super().__init__(rng=rng)
        self.size, self.fill = count("Cutout", "size", size, 1), fill

    def apply(self, x: Array, rng: np.random.Generator) -> Array:
        n, height, width = images("Cutout", x)
        y, fill = x.copy(), filling("Cutout", self.fill, x)
        rows, columns = rng.integers(height, size=n).tolist(), rng.integers(width, size=n).tolist()
        before = self.size // 2
        for image, i, j in zip(y, rows, columns, strict=True):
            i, j = i - before, j - before
            image[..., max(i, 0) : i + self.size, max(j, 0) : j + self.size] = fill
        return y
