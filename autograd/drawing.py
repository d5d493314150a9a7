"""Drawing: the default generator while a tape is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.node import Node
from autograd.random import draw
from autograd.tape import refuse

DRAWS = (
    "random", "integers", "choice", "permutation", "uniform", "normal", "standard_normal",
    "exponential", "standard_exponential", "gamma", "standard_gamma", "beta", "binomial",
    "poisson", "geometric", "gumbel", "laplace", "logistic", "lognormal", "multinomial",
    "dirichlet", "chisquare", "standard_t", "standard_cauchy", "rayleigh", "triangular", "weibull",
)  # fmt: skip
"""Methods whose draws are repeated in every call of what was recorded."""


class Drawing(np.random.Generator):
    """The default generator, whose draws are effects on the tape that is open."""

    def shuffle(self, *args: Any, **kwargs: Any) -> None:
        """Refused: it writes to an array."""
        refuse("shuffle(), which writes to its argument; permutation() does not. It")


def _drawn(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Node) for x in (*args, *kwargs.values())):
            refuse(f"default_generator().{name}() with a Value as a parameter")
        return draw(None, name, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"As numpy.random.Generator.{name}; an effect."
    return method


for _name in DRAWS:
    setattr(Drawing, _name, _drawn(_name))
