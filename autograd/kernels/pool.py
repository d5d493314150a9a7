"""How to share a kernel out to threads: `run`."""

from autograd.machine.pool import get_num_threads as get_num_threads
from autograd.machine.pool import run as run
from autograd.machine.pool import set_num_threads as set_num_threads
