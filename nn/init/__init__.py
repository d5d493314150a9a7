"""Parameter initialization, under PyTorch's names.

Each function fills a leaf Value in place and returns it. It writes through `.data`, so that a graph
recorded with the old values notices. The random ones take PyTorch's `generator` or, by another
name, `rng`: a numpy.random.Generator, a seed, or None for the default generator.
"""

from nn.init.distributions import constant_, normal_, ones_, trunc_normal_, uniform_, zeros_
from nn.init.patterns import dirac_, eye_, orthogonal_, sparse_
from nn.init.scaled import (
    calculate_gain,
    fans,
    kaiming_normal_,
    kaiming_uniform_,
    xavier_normal_,
    xavier_uniform_,
)

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "fans",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]
