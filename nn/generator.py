"""generator= and rng=: two names for one argument."""

from __future__ import annotations

from autograd.random import Rng


def either(generator: Rng, rng: Rng) -> Rng:
    """The one that was given: PyTorch calls it `generator`, NumPy and this package `rng`.

    Parameters
    ----------
    generator, rng : a numpy.random.Generator, a seed, or None.

    Raises
    ------
    TypeError
        Both were given.

    Examples
    --------
    >>> either(None, 7)
    7
    """
    if generator is not None and rng is not None:
        raise TypeError("generator and rng are two names for the same argument; give one of them.")
    return rng if generator is None else generator
