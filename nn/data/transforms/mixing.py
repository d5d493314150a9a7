"""Batches in which samples are mixed with each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.random import Rng, as_generator

Array = np.ndarray[Any, Any]


class MixUp:
    """λ of each sample and its target, 1 − λ of another's, with λ drawn from Beta(alpha, alpha).

    Parameters
    ----------
    alpha : the larger, the more even the mixture.
    num_classes : C, where y holds class numbers.
    rng : generator, seed or None for the default, where a call brings none.

    Called as ``mixup(x, y)``, it returns x of the same shape and y as floats: probabilities of
    shape (N, C), which `CrossEntropyLoss` takes, or y's own shape where y holds floats.

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
        if not alpha > 0:
            raise ValueError(f"MixUp: alpha must be > 0, got {alpha}.")
        self.alpha, self.num_classes = alpha, num_classes
        self.rng = None if rng is None else as_generator(rng)

    def __call__(self, x: Any, y: Any, *, rng: Rng = None) -> tuple[Array, Array]:
        """Mix a batch with itself in another order."""
        x, y = np.asarray(x), np.asarray(y)
        if len(x) != len(y):
            raise ValueError(f"MixUp: x {x.shape} and y {y.shape} need the same N.")
        if x.dtype.kind != "f":
            raise TypeError(f"MixUp: x must hold floats, not {x.dtype}.")
        if y.dtype.kind in "iu":
            if self.num_classes is None:
                raise ValueError("MixUp: y holds class numbers, so num_classes is needed.")
            if y.size and not 0 <= y.min() <= y.max() < self.num_classes:
                raise ValueError(
                    f"MixUp: y holds class numbers {y.min()} to {y.max()}, but num_classes is "
                    f"{self.num_classes}."
                )
            y = np.eye(self.num_classes, dtype=x.dtype)[y]
        generator = as_generator(self.rng if rng is None else rng)
        share = float(generator.beta(self.alpha, self.alpha))
        other = generator.permutation(len(x))
        return x * share + x[other] * (1 - share), y * share + y[other] * (1 - share)
