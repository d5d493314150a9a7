"""glassgrad: an autograd engine that you can see through."""

from typing import TYPE_CHECKING, Any

from autograd.check import gradcheck, gradgradcheck
from autograd.checkpoint import checkpoint
from autograd.functional import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.kernel_op import KernelOp
from autograd.op import Op
from autograd.ops import (
    celu,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    digamma,
    elu,
    erf,
    erfc,
    gelu,
    gru,
    gru_scan,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    index_add,
    index_update,
    leaky_relu,
    lgamma,
    log_sigmoid,
    log_softmax,
    logsumexp,
    lstm,
    lstm_scan,
    mish,
    prelu,
    relu,
    relu6,
    rnn,
    rnn_scan,
    scan,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    unfold,
    xlogy,
)
from autograd.random import default_rng, seed
from autograd.recording import enable_grad, no_grad
from autograd.sequence_op import SequenceOp
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.viz import draw

__all__ = [
    "KernelOp",
    "Op",
    "SequenceOp",
    "Value",
    "celu",
    "checkpoint",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "default_rng",
    "digamma",
    "draw",
    "elu",
    "enable_grad",
    "erf",
    "erfc",
    "gelu",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "gru",
    "gru_scan",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hessian",
    "hvp",
    "index_add",
    "index_update",
    "jacobian",
    "jvp",
    "leaky_relu",
    "lgamma",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "lstm",
    "lstm_scan",
    "mish",
    "no_grad",
    "prelu",
    "relu",
    "relu6",
    "rnn",
    "rnn_scan",
    "scan",
    "seed",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softshrink",
    "softsign",
    "tanhshrink",
    "unfold",
    "value_and_grad",
    "vjp",
    "xlogy",
]


def __getattr__(name: str) -> Any:
    """`draw` is imported when it is first used: readers cost nothing until then (PEP 562)."""
    if name == "draw":
        from autograd.viz import draw

        return draw
    raise AttributeError(f"module 'autograd' has no attribute {name!r}")
