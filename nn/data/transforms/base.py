"""Transform, the base class of batch transforms, and Compose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from nn.arguments import reals


class Transform(ABC):
    """Base class of transforms that change the first array of a batch and keep the others.

    Parameters
    ----------
    rng : generator, seed or None for the default; used by calls that pass no `rng`.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.data.transforms import Transform
    >>> class Brightness(Transform):
    ...     def apply(self, x, rng):
    ...         return x * rng.uniform(0.5, 1.5, (len(x), 1, 1, 1))
    >>> x, y = Brightness(rng=0)(np.ones((2, 1, 8, 8)), np.arange(2))
    >>> x.shape, y
    ((2, 1, 8, 8), array([0, 1]))
    """

    rng: np.random.Generator | None = None

    def __init__(self, *, rng: Rng = None) -> None:
        self.rng = None if rng is None else as_generator(rng)

    @abstractmethod
    def apply(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the transformed batch, without modifying x."""

    def __call__(self, x: Any, *others: Any, rng: Rng = None) -> Any:
        """Transform x; with other arrays, return a tuple of all."""
        y = self.apply(np.asarray(x), as_generator(self.rng if rng is None else rng))
        return (y, *others) if others else y


class Compose:
    """Apply several transforms in sequence.

    Parameters
    ----------
    transforms : callables ``t(*batch, rng=generator)``.
    rng : generator, seed or None for the default; used by calls that pass no `rng`.

    Raises
    ------
    TypeError
        An entry that is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.data.transforms import Compose, Normalize, RandomHorizontalFlip
    >>> t = Compose([RandomHorizontalFlip(p=1), Normalize(1, 2)])
    >>> t(np.array([[[1.0, 3.0, 5.0]]]))
    array([[[2., 1., 0.]]])
    """

    def __init__(self, transforms: list[Any], *, rng: Rng = None) -> None:
        if not isinstance(transforms, (list, tuple)):
            raise TypeError(f"Compose: transforms must be a list, such as [{transforms!r}].")
        self.transforms = list(transforms)
        for i, t in enumerate(self.transforms):
            if not callable(t):
                raise TypeError(f"Compose: entry {i} must be callable, not {type(t).__name__}.")
        self.rng = None if rng is None else as_generator(rng)

    def __call__(self, *batch: Any, rng: Rng = None) -> Any:
        """Apply all transforms with one generator."""
        generator = as_generator(self.rng if rng is None else rng)
        for t in self.transforms:
            result = t(*batch, rng=generator)
            batch = tuple(result) if isinstance(result, (tuple, list)) else (result,)
        return batch if len(batch) > 1 else batch[0]


def images(who: str, x: Array) -> tuple[int, int, int]:
    """N, H and W of a batch of images."""
    if x.ndim < 3:
        raise ValueError(
            f"{who}: x must be a batch of images of shape (N, ..., H, W), got {x.shape}."
        )
    return x.shape[0], x.shape[-2], x.shape[-1]


def pair(who: str, name: str, given: Any) -> tuple[Any, Any]:
    """Two numbers."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ValueError(f"{who}: {name} must be two numbers, got {given!r}.")
    reals(who, **{name: given[0]})
    reals(who, **{name: given[1]})
    return given[0], given[1]


def probability(who: str, p: float) -> float:
    """Check a probability and return it."""
    reals(who, p=p)
    if not 0 <= p <= 1:
        raise ValueError(f"{who}: p must be a probability between 0 and 1, got {p}.")
    return p


def filling(who: str, fill: float, x: Array) -> Array:
    """The fill value in the dtype of x; an error where integers would change it."""
    reals(who, fill=fill)
    with np.errstate(invalid="ignore"):
        value = np.asarray(fill).astype(x.dtype)
    if x.dtype.kind in "iub" and value != fill:
        raise ValueError(f"{who}: fill={fill!r} does not fit images of {x.dtype}.")
    return value
