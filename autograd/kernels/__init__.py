"""What kernels of your own are written with; the same that ours are.

`jit` compiles and caches a kernel, `pool` runs it on the threads that glassgrad has::

    from autograd.kernels import pool
    from autograd.kernels.jit import jit
"""

from autograd.machine.uninterrupted import load

load("autograd.machine.jit")  # so that Ctrl-C leaves no half of Numba behind
