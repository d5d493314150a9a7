"""Transforms that mix the samples of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.node import Array
from autograd.random import Rng, as_generator
from nn.arguments import reals


class MixUp:
    r"""Mixup: convex combinations of random pairs of samples and of their targets.

    .. math:: \tilde x = \lambda x_i + (1 - \lambda) x_j, \qquad
        \tilde y = \lambda y_i + (1 - \lambda) y_j, \qquad
        \lambda \sim \mathrm{Beta}(\alpha, \alpha)

    Called as ``mixup(x, y)``, it returns x of the same shape and y as floats: class probabilities
    of shape (N, C, ...), which `CrossEntropyLoss` accepts, or y's own shape if y holds floats.

    Parameters
    ----------
    alpha : parameter of the beta distribution; larger values mix more evenly.
    num_classes : C, required if y holds class indices.
    rng : generator, seed or None for the default; used by calls that pass no `rng`.

    Raises
    ------
    ValueError
        An alpha not above 0; on a call, x and y of different N, or class indices without or beyond
        `num_classes`.
    TypeError
        On a call, an x that does not hold floats.

    References
    ----------
    Zhang et al., "mixup: beyond empirical risk minimization", 2018.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = MixUp(num_classes=3, rng=0)(np.eye(3, dtype=np.float32), np.arange(3))
    >>> np.array_equal(x, y), y.sum(1)
    (True, array([1., 1., 1.], dtype=float32))
    """

    def __init__(
        self, alpha: float = 1.0, num_classes: int | None = None, *, rng: Rng = None
    ) -> None:
        reals("MixUp", alpha=alpha)
        if not 0 < alpha < np.inf:
            raise ValueError(f"MixUp: alpha must be finite and > 0, got {alpha}.")
        self.alpha, self.num_classes = alpha, num_classes
        self.rng = None if rng is None else as_generator(rng)

    def __call__(self, x: Any, y: Any, *, rng: Rng = None) -> tuple[Array, Array]:
        """Mix a batch with a permutation of itself."""
        x, y = np.asarray(x), np.asarray(y)
        if len(x) != len(y):
            raise ValueError(f"MixUp: x {x.shape} and y {y.shape} must have the same N.")
        if x.dtype.kind != "f":
            raise TypeError(f"MixUp: x must hold floats, not {x.dtype}.")
        if y.dtype.kind in "iu":
            if self.num_classes is None:
                raise ValueError("MixUp: y holds class indices, so num_classes is required.")
            if y.size and not 0 <= y.min() <= y.max() < self.num_classes:
                raise ValueError(
                    f"MixUp: y holds class indices {y.min()} to {y.max()}, but num_classes is "
                    f"{self.num_classes}."
                )
            y = np.moveaxis(np.eye(self.num_classes, dtype=x.dtype)[y], -1, 1)  # classes in axis 1
        generator = as_generator(self.rng if rng is None else rng)
        weight = float(generator.beta(self.alpha, self.alpha))
        other = generator.permutation(len(x))
        return x * weight + x[other] * (1 - weight), y * weight + y[other] * (1 - weight)
