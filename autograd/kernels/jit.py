"""How to compile a kernel: `jit`, `part` for what only kernels call, `compact` for size."""

from autograd.machine.jit import compact as compact
from autograd.machine.jit import jit as jit
from autograd.machine.jit import part as part
