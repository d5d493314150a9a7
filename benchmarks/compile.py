"""Compiled by `autograd.compile`: steps, chains and scalar expressions, and the first call.

Sides: compiled by glassgrad, eager glassgrad, PyTorch eager, JAX's jit, and micrograd. All compute
the same numbers.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from benchmarks import training
from benchmarks.beside_torch import Norms, data
from benchmarks.case import EAGER, OURS, Case
from benchmarks.fresh import measured

Work = Callable[[], Any]
LENGTH, LINKS, POINTS = 200, 7, 10**6


# Training steps: the compiled side is the eager one with its step compiled.


def step(
    build: training.Build,
    data: training.Data,
    optimizer: str,
    settings: dict[str, float],
    compiled: bool,
) -> Work:
    """A training step of glassgrad."""
    import autograd

    wrap = autograd.compile if compiled else None
    return training.ours(build, data, optimizer, settings, wrap)


def training_case(row: Case) -> Case:
    """A row of the training subject, with a compiled side and the eager one."""
    arguments = row.sides[OURS].args  # type: ignore[attr-defined]
    sides = {
        OURS: functools.partial(step, *arguments, compiled=True),
        EAGER: functools.partial(step, *arguments, compiled=False),
    }
    others = {side: setup for side, setup in row.sides.items() if side != OURS}
    return Case(row.name, sides | others, tolerance=row.tolerance, group="compiled steps")


# Functions of arrays: `f(ops, *arrays)` is a number, differentiated by all arrays.


def chain(ops: Any, x: Any, w: Any) -> Any:
    """LENGTH ops whose derivatives stay near 1, so that no gradient becomes subnormal."""
    y, x, w = x, x * 0.1, w * 0.1
    for _ in range(LENGTH // 5):
        y = (ops.tanh(y) + w) * 1.01 - w * x
    return ops.sum(y)


def gelu(ops: Any, x: Any, w: Any) -> Any:
    """The exact gelu, weighted."""
    return ops.sum(ops.gelu(x) * w)


def softmax(ops: Any, x: Any, w: Any) -> Any:
    """Softmax of rows, weighted."""
    return ops.sum(ops.softmax(x, -1) * w)


def our_ops() -> Any:
    """What the functions call, in glassgrad."""
    import numpy as np

    from nn import functional

    gelu, softmax = functional.gelu, functional.softmax
    return SimpleNamespace(tanh=np.tanh, sum=np.sum, gelu=gelu, softmax=softmax)


def torch_ops() -> Any:
    """What they call in PyTorch."""
    import torch

    gelu, softmax = torch.nn.functional.gelu, torch.nn.functional.softmax
    return SimpleNamespace(tanh=torch.tanh, sum=torch.sum, gelu=gelu, softmax=softmax)


def jax_ops() -> Any:
    """What they call in JAX."""
    import jax

    gelu = functools.partial(jax.nn.gelu, approximate=False)
    np = jax.numpy
    return SimpleNamespace(tanh=np.tanh, sum=np.sum, gelu=gelu, softmax=jax.nn.softmax)


def ours(f: Callable[..., Any], shape: tuple[int, ...], compiled: bool = True) -> Work:
    """Value and gradients in glassgrad."""
    import autograd

    both = autograd.value_and_grad(functools.partial(f, our_ops()), (0, 1))
    call, arrays = autograd.compile(both) if compiled else both, data(shape, shape)

    def work() -> Any:
        y, gradients = call(*arrays)
        return Norms(y, *gradients)

    return work


def torchs(f: Callable[..., Any], shape: tuple[int, ...]) -> Work:
    """Value and gradients in PyTorch."""
    import torch

    ops, leaves = torch_ops(), [torch.from_numpy(a).requires_grad_() for a in data(shape, shape)]

    def work() -> Any:
        y = f(ops, *leaves)
        return Norms(y.detach(), *torch.autograd.grad(y, leaves))

    return work


def jaxs(f: Callable[..., Any], shape: tuple[int, ...]) -> Work:
    """Value and gradients in JAX, compiled."""
    import jax

    call = jax.jit(jax.value_and_grad(functools.partial(f, jax_ops()), (0, 1)))
    arrays = [jax.numpy.asarray(a) for a in data(shape, shape)]

    def work() -> Any:
        y, gradients = jax.block_until_ready(call(*arrays))
        return Norms(y, *gradients)

    return work


def function(name: str, f: Callable[..., Any], shape: tuple[int, ...]) -> Case:
    """A row of a function of two arrays."""
    sides = {
        OURS: ours,
        EAGER: functools.partial(ours, compiled=False),
        "torch": torchs,
        "jax": jaxs,
    }
    return Case(
        f"{name}, f+b",
        {side: functools.partial(setup, f, shape) for side, setup in sides.items()},
        tolerance=1e-3,
        group="compiled functions",
    )


# An expression of numbers. micrograd has no tanh, but relu and powers.


def expression(a: Any, b: Any, c: Any) -> Any:
    """About 50 ops of three numbers."""
    y = a
    for _ in range(LINKS):
        y = (y * b + c) * 0.5 + (y * y + 1.0) ** -1
    return y * y


NUMBERS = (0.5, -0.75, 0.25)


def our_expression(compiled: bool = True) -> Work:
    """Value and three derivatives of a call with floats."""
    import autograd

    f = autograd.value_and_grad(expression, (0, 1, 2))
    call = autograd.compile(f) if compiled else f
    return lambda: call(*NUMBERS)


def torch_expression() -> Work:
    """The same in PyTorch."""
    import torch

    leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in NUMBERS]

    def work() -> Any:
        y = expression(*leaves)
        return y.detach(), torch.autograd.grad(y, leaves)

    return work


def jax_expression() -> Work:
    """The same in JAX, in float32: its float64 is a setting."""
    import jax

    call = jax.jit(jax.value_and_grad(expression, (0, 1, 2)))
    return lambda: jax.block_until_ready(call(*NUMBERS))


def micrograd_expression() -> Work:
    """The same in micrograd."""
    from micrograd.engine import Value

    def work() -> Any:
        leaves = [Value(x) for x in NUMBERS]
        y = expression(*leaves)
        y.backward()
        return y.data, [x.grad for x in leaves]

    return work


def points() -> Any:
    """The same points for every side."""
    import numpy as np

    return np.random.default_rng(0).uniform(-0.75, 0.75, (3, POINTS))


def our_points(compiled: bool = True) -> Work:
    """Value and derivatives at all points."""
    import numpy as np

    import autograd

    arrays = points()
    if compiled:
        f = autograd.compile(autograd.value_and_grad(expression, (0, 1, 2))).over
    else:
        f = autograd.value_and_grad(lambda *x: np.sum(expression(*x)), (0, 1, 2))

    def work() -> Any:
        y, gradients = f(*arrays)
        return Norms(np.sum(y), *gradients)

    return work


def torch_points() -> Work:
    """The same in PyTorch."""
    import torch

    leaves = [torch.from_numpy(x).requires_grad_() for x in points()]

    def work() -> Any:
        y = expression(*leaves).sum()
        return Norms(y.detach(), *torch.autograd.grad(y, leaves))

    return work


def jax_points() -> Work:
    """The same in JAX, in float64."""
    import jax

    jax.config.update("jax_enable_x64", True)
    call = jax.jit(jax.value_and_grad(lambda *x: expression(*x).sum(), (0, 1, 2)))
    arrays = [jax.numpy.asarray(x) for x in points()]

    def work() -> Any:
        y, gradients = jax.block_until_ready(call(*arrays))
        return Norms(y, *gradients)

    return work


# The first call: seconds for recording, compiling and trying, in a fresh process.

FIRST = """
import time
from benchmarks import compile
(case,) = [c for c in compile.WORK if c.name == {name!r}]
{before}
start = time.perf_counter()
case.sides[{side!r}]()()
print(time.perf_counter() - start)
"""


def first(name: str, side: str, warm: bool) -> Callable[[], Callable[[], float]]:
    """Seconds of a side's first call, when all that eager calls need is loaded.

    JAX keeps nothing on disk, unless told to: both its rows are the same.
    """
    before = f"case.sides[{EAGER!r}]()()" if side == OURS else "import jax; jax.jit(abs)(1.0)"
    code = FIRST.format(name=name, side=side, before=before)

    def setup() -> Callable[[], float]:
        __import__("autograd" if side == OURS else side)
        kept = tempfile.TemporaryDirectory()

        def work(kept: tempfile.TemporaryDirectory[str] = kept) -> float:
            if warm:
                return measured(code, NUMBA_CACHE_DIR=kept.name)
            with tempfile.TemporaryDirectory() as folder:
                return measured(code, NUMBA_CACHE_DIR=folder)

        if warm:
            work()
        return work

    return setup


def first_case(row: Case, warm: bool) -> Case:
    """A row of the first call of another row."""
    cache = "warm" if warm else "empty"
    return Case(
        f"{row.name}: first call, {cache} cache",
        {side: first(row.name, side, warm) for side in (OURS, "jax") if side in row.sides},
        measures_itself=True,
        compared=False,
        rounds=3,
        group=f"compiled, first call, {cache} cache",
    )


STEPS = [c for c in training.CASES if any(part in c.name for part in ("MLP", "LeNet", "GRU"))]
WORK = (
    *map(training_case, STEPS),
    function(f"{LENGTH} ops on (8, 8)", chain, (8, 8)),
    function(f"{LENGTH} ops on (1000, 1000)", chain, (1000, 1000)),
    function("gelu (64, 1024)", gelu, (64, 1024)),
    function("softmax of rows (256, 256)", softmax, (256, 256)),
    Case(
        "scalar expression, value and 3 derivatives",
        {
            OURS: our_expression,
            EAGER: functools.partial(our_expression, compiled=False),
            "torch": torch_expression,
            "jax": jax_expression,
            "micrograd": micrograd_expression,
        },
        group="compiled functions",
    ),
    Case(
        f"the same at {POINTS:,} points",
        {
            OURS: our_points,
            EAGER: functools.partial(our_points, compiled=False),
            "torch": torch_points,
            "jax": jax_points,
        },
        group="compiled functions",
    ),
)
CASES = (*WORK, *(first_case(row, warm) for row in WORK for warm in (False, True)))
