"""Where random numbers come from when nobody passes a generator.

This is the one piece of state that the package keeps for its user: layers, dropout and loaders
take `rng`, and without it draw from the generator here. `seed` makes a whole program repeatable.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Rng: TypeAlias = "np.random.Generator | int | None"  # a string: numpy.random is slow to import
"""What is accepted as `rng`: a generator, a seed for a new one, or None for the default."""

_default: list[np.random.Generator] = []


def seed(n: int | None) -> None:
    """Start the default generator afresh; None takes a seed from the operating system.

    Examples
    --------
    >>> import autograd
    >>> autograd.seed(0)
    >>> a = autograd.default_generator().random()
    >>> autograd.seed(0)
    >>> a == autograd.default_generator().random()
    True
    """
    _default[:] = [np.random.default_rng(n)]


def default_generator() -> np.random.Generator:
    """The default generator; the operating system seeds it unless `seed` was called."""
    if not _default:
        seed(None)
    return _default[0]


def as_generator(rng: Rng = None) -> np.random.Generator:
    """The generator meant by an `rng` argument.

    Raises
    ------
    TypeError
        Neither a numpy.random.Generator nor an int nor None.
    """
    if rng is None:
        return default_generator()
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        return np.random.default_rng(rng)
    raise TypeError(
        f"rng must be a numpy.random.Generator, an int seed or None, not {type(rng).__name__}."
    )


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
