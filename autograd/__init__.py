"""glassgrad: an autograd engine that you can see through.

Value and the op classes, derivatives, modes, readers, and the functions that NumPy lacks. What
torch.nn.functional has is in `nn.functional`; every op is in `autograd.ops`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograd import ops as ops
from autograd.checkpointing import checkpoint as checkpoint
from autograd.derivatives import grad as grad
from autograd.derivatives import hessian as hessian
from autograd.derivatives import hvp as hvp
from autograd.derivatives import jacobian as jacobian
from autograd.derivatives import jvp as jvp
from autograd.derivatives import value_and_grad as value_and_grad
from autograd.derivatives import vjp as vjp
from autograd.gradient_check import gradcheck as gradcheck
from autograd.gradient_check import gradgradcheck as gradgradcheck
from autograd.kernel_op import KernelOp as KernelOp
from autograd.machine import heap as _heap
from autograd.machine.pool import get_num_threads as get_num_threads
from autograd.machine.pool import set_num_threads as set_num_threads
from autograd.op import Op as Op
from autograd.ops.arrays.index import index_add as index_add
from autograd.ops.arrays.index import index_update as index_update
from autograd.ops.arrays.reduce import logsumexp as logsumexp
from autograd.ops.elementwise.special import digamma as digamma
from autograd.ops.elementwise.special import erf as erf
from autograd.ops.elementwise.special import erfc as erfc
from autograd.ops.elementwise.special import lgamma as lgamma
from autograd.ops.elementwise.special import xlogy as xlogy
from autograd.ops.recurrent.gru import gru as gru
from autograd.ops.recurrent.gru import gru_scan as gru_scan
from autograd.ops.recurrent.lstm import lstm as lstm
from autograd.ops.recurrent.lstm import lstm_scan as lstm_scan
from autograd.ops.recurrent.rnn import rnn as rnn
from autograd.ops.recurrent.rnn import rnn_scan as rnn_scan
from autograd.ops.recurrent.scan import scan as scan
from autograd.random import default_generator as default_generator
from autograd.random import seed as seed
from autograd.recording import enable_grad as enable_grad
from autograd.recording import no_grad as no_grad
from autograd.recording import set_grad_enabled as set_grad_enabled
from autograd.sequence_op import SequenceOp as SequenceOp
from autograd.spelling import refuse_name
from autograd.value import Value as Value

__version__ = "0.1.0"

_heap.keep_pages()

if TYPE_CHECKING:
    from autograd.plan.compiled import compile as compile
    from autograd.readers.check.check import check as check
    from autograd.readers.compare.compare import compare as compare
    from autograd.readers.detect_anomaly import detect_anomaly as detect_anomaly
    from autograd.readers.explain import explain as explain
    from autograd.readers.ladder.ladder import ladder as ladder
    from autograd.readers.lint.lint import lint as lint
    from autograd.readers.profile.profile import profile as profile
    from autograd.readers.source_lines import source_lines as source_lines
    from autograd.readers.why.why import why as why
    from autograd.viz.draw import draw as draw
    from autograd.viz.player.play import play as play
    from autograd.viz.playground.playground import playground as playground

_LATER = {  # name -> its module, imported when it is first used: until then it costs nothing
    "check": "autograd.readers.check.check",
    "compare": "autograd.readers.compare.compare",
    "compile": "autograd.plan.compiled",
    "detect_anomaly": "autograd.readers.detect_anomaly",
    "draw": "autograd.viz.draw",
    "explain": "autograd.readers.explain",
    "ladder": "autograd.readers.ladder.ladder",
    "lint": "autograd.readers.lint.lint",
    "play": "autograd.viz.player.play",
    "playground": "autograd.viz.playground.playground",
    "profile": "autograd.readers.profile.profile",
    "source_lines": "autograd.readers.source_lines",
    "why": "autograd.readers.why.why",
}

_INSTEAD = {  # what users of PyTorch, HIPS's autograd and earlier versions type -> what to write
    "Function": "write your own op as a row, autograd.Op(forward, tex, vjp)",
    "Tensor": "a tracked array is an autograd.Value, a constant a NumPy array",
    "Variable": "a tracked array is an autograd.Value, a constant a NumPy array",
    "default_rng": "use np.random.default_rng(seed), or autograd.default_generator() for the "
    "generator that autograd.seed starts",
    "elementwise_grad": "write autograd.grad(lambda x: np.sum(f(x)))",
    "hessian_vector_product": "use autograd.hvp(f)(x), which returns f(x) and v -> H v",
    "inference_mode": "use autograd.no_grad",
    "make_hvp": "use autograd.hvp(f)(x), which returns f(x) and v -> H v",
    "make_jvp": "use autograd.jvp(f)(x), which returns f(x) and v -> J v",
    "make_vjp": "use autograd.vjp(f)(x), which returns f(x) and v -> v J",
    "manual_seed": "use autograd.seed",
    "multigrad_dict": "write autograd.grad(f, argnums=(0, 1)), or give f one dict",
    "numpy": "write `import numpy as np`: NumPy's own functions take Values",
    "scipy": "special functions are in autograd (erf, lgamma, logsumexp ...)",
    "tensor": "a tracked array is an autograd.Value, a constant a NumPy array",
    "unfold": "sliding windows are np.lib.stride_tricks.sliding_window_view(v, shape, axis), "
    "im2col is nn.functional.unfold",
}


def __dir__() -> list[str]:
    lent = {"TYPE_CHECKING", "Any", "import_module", "refuse_name"}
    names = {name for name in globals() if name.startswith("__") or not name.startswith("_")}
    return sorted((names | _LATER.keys()) - lent)


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    write = _INSTEAD.get(name)
    if write is None and not name.startswith("_") and hasattr(ops, name):
        write = f"it is nn.functional.{name}, as PyTorch has it; the op is autograd.ops.{name}"
    refuse_name("autograd", name, write)
