"""Geometric transforms: flips, crops, rotations, translations and scalings."""

from __future__ import annotations

import math

import numpy as np

from autograd.node import Array
from autograd.random import Rng
from nn.arguments import count, reals
from nn.data.transforms.base import Transform, filling, images, pair, probability


class RandomHorizontalFlip(Transform):
    """Flip each image horizontally with probability p.

    Parameters
    ----------
    p : probability.
    rng : generator, seed or None.

    Examples
    --------
    >>> import numpy as np
    >>> RandomHorizontalFlip(p=1)(np.array([[[1, 2, 3]]]))
    array([[[3, 2, 1]]])
    """

    axis = -1

    def __init__(self, p: float = 0.5, *, rng: Rng = None) -> None:
        super().__init__(rng=rng)
        self.p = probability(type(self).__name__, p)

    def apply(self, x: Array, rng: np.random.Generator) -> Array:
        n, _, _ = images(type(self).__name__, x)
        chosen = rng.random(n) < self.p
        y = x.copy()
        y[chosen] = np.flip(x[chosen], self.axis)
        return y


class RandomVerticalFlip(RandomHorizontalFlip):
    """Flip each image vertically with probability p.

    Parameters
    ----------
    p : probability.
    rng : generator, seed or None.

    Examples
    --------
    >>> import numpy as np
    >>> RandomVerticalFlip(p=1)(np.array([[[1], [2], [3]]])).ravel()
    array([3, 2, 1])
    """

    axis = -2


class RandomCrop(Transform):
    """Crop each image at a random position.

    Parameters
    ----------
    size : of the crop, an int or (H, W).
    padding : pixels of padding added on every side before cropping.
    fill : padding value.
    rng : generator, seed or None.

    Raises
    ------
    ValueError
        A size below 1 or a negative padding; on a call, images smaller than the crop.

    Examples
    --------
    >>> import numpy as np
    >>> RandomCrop(28, padding=2, rng=0)(np.ones((10, 1, 28, 28))).shape
    (10, 1, 28, 28)
    """

    def __init__(
        self,
        size: int | tuple[int, int],
        padding: int = 0,
        fill: float = 0.0,
        *,
        rng: Rng = None,
    ) -> None:
        super().__init__(rng=rng)
        square = isinstance(size, (int, np.integer))
        height, width = (size, size) if square else pair("RandomCrop", "size", size)
        self.size = (
            count("RandomCrop", "size", height, 1),
            count("RandomCrop", "size", width, 1),
        )
        self.padding, self.fill = count("RandomCrop", "padding", padding), fill

    def apply(self, x: Array, rng: np.random.Generator) -> Array:
        n, height, width = images("RandomCrop", x)
        h, w = self.size
        p = self.padding
        down, right = height + 2 * p - h, width + 2 * p - w
        if down < 0 or right < 0:
            raise ValueError(
                f"RandomCrop: a crop of {h} × {w} does not fit into images of {height} × {width} "
                f"with padding {p}."
            )
        edges = [(0, 0)] * (x.ndim - 2) + [(p, p), (p, p)]
        big = np.pad(x, edges, constant_values=filling("RandomCrop", self.fill, x)) if p else x
        y = np.empty((*x.shape[:-2], h, w), x.dtype)
        tops = rng.integers(down + 1, size=n).tolist()
        lefts = rng.integers(right + 1, size=n).tolist()
        for image, source, i, j in zip(y, big, tops, lefts, strict=True):
            image[...] = source[..., i : i + h, j : j + w]
        return y


class RandomAffine(Transform):
    """Rotate, scale and translate each image about its center, with bilinear interpolation.

    Parameters
    ----------
    degrees : range of the rotation, −degrees to degrees; positive is counterclockwise.
    translate : (a, b): translate by up to a · W horizontally and b · H vertically; by default not
        at all.
    scale : (smallest, largest) scale factor; 1 by default.
    fill : value of pixels from outside the image.
    rng : generator, seed or None.

    Raises
    ------
    ValueError
        Degrees outside 0 to 180, a translation outside 0 to 1, or a scale not above 0.
    TypeError
        On a call, images that are not floats.

    Examples
    --------
    Translate by up to half a pixel, rotate by up to ten degrees:

    >>> import numpy as np
    >>> t = RandomAffine(10, translate=(0.5 / 28, 0.5 / 28), scale=(0.9, 1.1), rng=0)
    >>> t(np.zeros((4, 1, 28, 28), np.float32)).dtype
    dtype('float32')
    """

    def __init__(
        self,
        degrees: float,
        translate: tuple[float, float] | None = None,
        scale: tuple[float, float] | None = None,
        fill: float = 0.0,
        *,
        rng: Rng = None,
    ) -> None:
        super().__init__(rng=rng)
        who = type(self).__name__
        reals(who, degrees=degrees, fill=fill)
        if not 0 <= degrees <= 180:
            raise ValueError(f"{who}: degrees must be between 0 and 180, got {degrees}.")
        if translate is not None and not all(
            0 <= t <= 1 for t in pair(who, "translate", translate)
        ):
            raise ValueError(
                f"{who}: translate must be fractions between 0 and 1, got {translate}."
            )
        smallest, largest = (1.0, 1.0) if scale is None else pair(who, "scale", scale)
        if not 0 < smallest <= largest < math.inf:
            raise ValueError(f"{who}: scale must satisfy 0 < smallest <= largest, got {scale}.")
        self.degrees, self.translate = degrees, translate or (0.0, 0.0)
        self.scale, self.fill = (smallest, largest), fill

    def apply(self, x: Array, rng: np.random.Generator) -> Array:
        n, height, width = images(type(self).__name__, x)
        if x.dtype.kind != "f":
            raise TypeError(f"{type(self).__name__}: x must hold floats, not {x.dtype}.")
        angle = math.pi / 180 * rng.uniform(-self.degrees, self.degrees, n)
        factor = rng.uniform(*self.scale, n)
        dx = self.translate[0] * width * rng.uniform(-1, 1, n)
        dy = self.translate[1] * height * rng.uniform(-1, 1, n)
        cos, sin = np.cos(angle) / factor, np.sin(angle) / factor
        # source coordinates of each output pixel: the inverse affine transform
        v = np.arange(height)[:, None] - (height - 1) / 2 - dy[:, None, None]  # (N, H, 1)
        u = np.arange(width) - (width - 1) / 2 - dx[:, None, None]  # (N, 1, W)
        cos, sin = cos[:, None, None], sin[:, None, None]
        rows = sin * u + cos * v + (height - 1) / 2
        columns = cos * u - sin * v + (width - 1) / 2
        return bilinear(x, rows, columns, self.fill)


class RandomRotation(RandomAffine):
    """Rotate each image about its center, with bilinear interpolation.

    Parameters
    ----------
    degrees, fill, rng : as in `RandomAffine`.

    Examples
    --------
    >>> import numpy as np
    >>> RandomRotation(10, rng=0)(np.zeros((4, 1, 28, 28), np.float32)).shape
    (4, 1, 28, 28)
    """

    def __init__(self, degrees: float, fill: float = 0.0, *, rng: Rng = None) -> None:
        super().__init__(degrees, fill=fill, rng=rng)


def bilinear(x: Array, rows: Array, columns: Array, fill: float) -> Array:
    """Sample images at fractional pixel positions, with bilinear interpolation.

    Parameters
    ----------
    x : shape (N, ..., H, W).
    rows, columns : positions, shape (N, h, w).
    fill : value outside the image.

    Returns
    -------
    array, shape (N, ..., h, w)
    """
    n, height, width = x.shape[0], x.shape[-2], x.shape[-1]
    source = x.reshape(n, math.prod(x.shape[1:-2]), height * width)
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    down, right = (rows - top).astype(x.dtype), (columns - left).astype(x.dtype)
    y = np.zeros((n, source.shape[1], *rows.shape[1:]), x.dtype)
    for i, j, weight in (
        (top, left, (1 - down) * (1 - right)),
        (top, left + 1, (1 - down) * right),
        (top + 1, left, down * (1 - right)),
        (top + 1, left + 1, down * right),
    ):
        inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
        flat = np.where(inside, i * width + j, 0).reshape(n, 1, math.prod(rows.shape[1:]))
        read = np.take_along_axis(source, flat, 2).reshape(y.shape)
        y += np.where(inside[:, None], read, np.asarray(fill, x.dtype)) * weight[:, None]
    return y.reshape(*x.shape[:-2], *rows.shape[1:])
