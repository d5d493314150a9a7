"""The default random generator.

It is the only global state of the package: layers, dropout and loaders take `rng`, and without it
use this generator. `seed` makes a whole program reproducible.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from autograd.node import Node
from autograd.results import happen
from autograd.tape import OPEN, Effect, current, refuse

Rng: TypeAlias = "np.random.Generator | int | None"  # a string: numpy.random is slow to import
"""What is accepted as `rng`: a generator, a seed for a new one, or None for the default."""

_default: list[np.random.Generator] = []


def seed(n: int | None) -> None:
    """Set the random seed of the default generator; None takes one from the operating system.

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


@contextmanager
def drawing_from(rng: Rng) -> Iterator[np.random.Generator]:
    """Another default generator within a block: for code that was not handed one.

    Examples
    --------
    >>> with drawing_from(0):
    ...     a = default_generator().random()
    >>> a == np.random.default_rng(0).random()
    True
    """
    before, generator = _default[:], as_generator(rng)
    _default[:] = [generator]
    try:
        yield generator
    finally:
        _default[:] = before


def default_generator() -> np.random.Generator:
    """The default generator, seeded by the operating system unless `seed` was called."""
    if OPEN[0] and current():
        kind = _taped_generator()
        return kind(_own().bit_generator)  # type: ignore[no-any-return]
    return _own()


def _own() -> np.random.Generator:
    if not _default:
        seed(None)
    return _default[0]


def as_generator(rng: Rng = None) -> np.random.Generator:
    """The generator for an `rng` argument.

    Raises
    ------
    TypeError
        Neither a numpy.random.Generator nor an int nor None.
    """
    if rng is None:
        return _own()
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


class _Draw(Effect):
    """A draw of random numbers, anew in every call of what was recorded."""

    def __init__(self, rng: Rng, method: str, args: Any, kwargs: Any) -> None:
        super().__init__(method)
        self.rng, self.method, self.args, self.kwargs = rng, method, args, kwargs

    def keep(self) -> Callable[[], None]:
        generator = as_generator(self.rng).bit_generator
        return functools.partial(setattr, generator, "state", generator.state)

    def forward(self, *inputs: Any) -> Any:
        return getattr(as_generator(self.rng), self.method)(*self.args, **self.kwargs)


def draw(rng: Rng, method: str, *args: Any, **kwargs: Any) -> Any:
    """What ``as_generator(rng).method(*args, **kwargs)`` returns; an effect on a tape.

    Examples
    --------
    >>> int(draw(0, "integers", 10))
    8
    """
    return happen(_Draw(rng, method, args, kwargs))


_DRAWS = (
    "random", "integers", "choice", "permutation", "uniform", "normal", "standard_normal",
    "exponential", "standard_exponential", "gamma", "standard_gamma", "beta", "binomial",
    "poisson", "geometric", "gumbel", "laplace", "logistic", "lognormal", "multinomial",
    "dirichlet", "chisquare", "standard_t", "standard_cauchy", "rayleigh", "triangular", "weibull",
)  # fmt: skip


@functools.cache
def _taped_generator() -> Any:
    """The class of the default generator while a tape is open: its draws are effects.

    A function, because numpy.random is slow to import.
    """

    def drawn(name: str) -> Callable[..., Any]:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            if any(isinstance(x, Node) for x in (*args, *kwargs.values())):
                refuse(f"default_generator().{name}() with a Value as a parameter")
            return draw(None, name, *args, **kwargs)

        return method

    def shuffle(self: Any, *args: Any, **kwargs: Any) -> None:
        refuse("shuffle(), which writes to its argument as permutation() does not,")

    methods: dict[str, Any] = {name: drawn(name) for name in _DRAWS}
    return type("Generator", (np.random.Generator,), {**methods, "shuffle": shuffle})
