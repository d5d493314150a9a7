"""glassgrad: an autograd engine that you can see through."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograd.checkpointing import checkpoint
from autograd.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.gradient_check import gradcheck, gradgradcheck
from autograd.kernel_op import KernelOp
from autograd.machine.pool import get_num_threads, set_num_threads
from autograd.op import Op
from autograd.ops import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    batch_norm,
    celu,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    cross_entropy,
    ctc_loss,
    digamma,
    elu,
    embedding,
    erf,
    erfc,
    gelu,
    group_norm,
    gru,
    gru_scan,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    index_add,
    index_update,
    instance_norm,
    layer_norm,
    leaky_relu,
    lgamma,
    log_sigmoid,
    log_softmax,
    logsumexp,
    lstm,
    lstm_scan,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
    mish,
    nll_loss,
    prelu,
    relu,
    relu6,
    rms_norm,
    rnn,
    rnn_scan,
    scaled_dot_product_attention,
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
from autograd.recording import enable_grad, no_grad, set_grad_enabled
from autograd.sequence_op import SequenceOp
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.readers.compare import compare
    from autograd.readers.detect_anomaly import detect_anomaly
    from autograd.readers.explain import explain
    from autograd.readers.ladder.ladder import ladder
    from autograd.readers.lint.lint import lint
    from autograd.readers.profile.profile import profile
    from autograd.readers.source_lines import source_lines
    from autograd.viz.drawing import draw
    from autograd.viz.player.page import play

__all__ = [
    "KernelOp",
    "Op",
    "SequenceOp",
    "Value",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "celu",
    "checkpoint",
    "compare",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cross_entropy",
    "ctc_loss",
    "default_rng",
    "detect_anomaly",
    "digamma",
    "draw",
    "elu",
    "embedding",
    "enable_grad",
    "erf",
    "erfc",
    "explain",
    "gelu",
    "get_num_threads",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "group_norm",
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
    "instance_norm",
    "jacobian",
    "jvp",
    "ladder",
    "layer_norm",
    "leaky_relu",
    "lgamma",
    "lint",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "lstm",
    "lstm_scan",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "nll_loss",
    "no_grad",
    "play",
    "prelu",
    "profile",
    "relu",
    "relu6",
    "rms_norm",
    "rnn",
    "rnn_scan",
    "scaled_dot_product_attention",
    "scan",
    "seed",
    "selu",
    "set_grad_enabled",
    "set_num_threads",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softshrink",
    "softsign",
    "source_lines",
    "tanhshrink",
    "unfold",
    "value_and_grad",
    "vjp",
    "xlogy",
]


READERS = {
    "compare": "autograd.readers.compare",
    "detect_anomaly": "autograd.readers.detect_anomaly",
    "draw": "autograd.viz.drawing",
    "explain": "autograd.readers.explain",
    "ladder": "autograd.readers.ladder.ladder",
    "play": "autograd.viz.player.page",
    "profile": "autograd.readers.profile.profile",
    "lint": "autograd.readers.lint.lint",
    "source_lines": "autograd.readers.source_lines",
}
"""Function -> its module, imported when it is first used: readers cost nothing until then."""

INSTEAD = {
    "Function": "an op of one's own is a row, autograd.Op(forward, tex, vjp)",
    "Tensor": "a tracked array is an autograd.Value, a constant a NumPy array",
    "Variable": "a tracked array is an autograd.Value, a constant a NumPy array",
    "inference_mode": "use autograd.no_grad",
    "manual_seed": "use autograd.seed",
    "tensor": "a tracked array is an autograd.Value, a constant a NumPy array",
}
"""PyTorch's name -> what the AttributeError says."""


def __getattr__(name: str) -> Any:
    if name in READERS:
        return getattr(import_module(READERS[name]), name)
    text = f"module 'autograd' has no attribute {name!r}"
    raise AttributeError(f"{text}: {INSTEAD[name]}." if name in INSTEAD else text)
