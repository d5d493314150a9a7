"""The op tables. Importing them fills the dispatch table and gives Value its methods.

What is exported is what NumPy has no name for; everything else is reached through NumPy.
"""

from autograd.ops import einsum, elementwise, index, linalg, loss, norms, plain, products, reduce, shape  # noqa: F401
from autograd.ops.activations import (
    celu,
    elu,
    gelu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
)
from autograd.ops.special import digamma, erf, erfc, lgamma, xlogy

__all__ = [
    "celu",
    "digamma",
    "elu",
    "erf",
    "erfc",
    "gelu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "lgamma",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softshrink",
    "softsign",
    "tanhshrink",
    "xlogy",
]
