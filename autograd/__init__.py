"""glassgrad: an autograd engine that you can see through."""
from autograd.op import Op, SequenceOp, KernelOp
from autograd.value import Value
from autograd.engine import no_grad, enable_grad
from autograd.ops import elementwise, plain, special, activations, reduce, shape, index, linalg
from autograd.functional import *
from autograd.check import *
