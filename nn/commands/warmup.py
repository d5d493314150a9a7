"""`glassgrad warmup`: compile all kernels ahead of time."""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd
from autograd.machine.uninterrupted import load
from autograd.op import ROWS, Op
from autograd.sequence_op import SequenceOp
from nn.commands.first_steps import steps

NAME = "warmup"
SUMMARY = "compile all kernels ahead of time"
DESCRIPTION = (
    "Compile all kernels by running every op forward and backward and training small networks. "
    "They are cached on disk for all later runs, until glassgrad or Numba is updated."
)
DTYPES = ("float32", "float64")
SMALL = (2, 3)
LARGE = (512, 512)  # large enough for the kernel of every elementwise function
PRODUCTS = ((80, 80), (800, 800))  # large enough for the kernels of matmul
IMAGE = (1, 1, 8, 8)  # pooling windows of 2 × 2 have their own kernel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "--dtype",
        choices=(*DTYPES, "all"),
        default="float32",
        help="floating-point type to compile for (default: float32)",
    )


def calls(dtype: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Name and call of every op with samples, then of what needs larger inputs than samples."""
    for row in tuple(ROWS):
        shape = LARGE if row.cases is None else SMALL
        yield row.name, functools.partial(on_samples, row, dtype, shape)
    for shape in PRODUCTS:
        x = autograd.Value(np.ones(shape, dtype))
        yield "matmul", functools.partial(both, np.matmul, [x, x])
    image = autograd.Value(np.ones(IMAGE, dtype))
    yield "max_pool2d", lambda: both(autograd.ops.max_pool2d, [image, 2])
    yield from steps(dtype)


def on_samples(row: Op, dtype: str, shape: tuple[int, ...]) -> None:
    """Run an op forward and backward on each of its samples."""
    for args, named in row.samples(np.random.default_rng(0), shape):
        full = [_cast(a, dtype) for a in row.bound(args, dict(named))]
        if isinstance(row, SequenceOp):
            both(row, [[_tracked(x) for x in full[0]], *full[1:]])
            continue
        n = row.arity
        inputs = [_tracked(a) if row.differentiates(i) else a for i, a in enumerate(full[:n])]
        others = dict(zip(row.parameters[n:], full[n:], strict=True))
        both(functools.partial(row, **others), inputs)


def both(function: Callable[..., Any], args: list[Any]) -> None:
    """Call a function, and run the backward pass of its results."""
    with np.errstate(all="ignore"):
        ys = function(*args)
        for y in ys if isinstance(ys, (list, tuple)) else [ys]:
            if isinstance(y, autograd.Value) and y.requires_grad:
                y.backward(np.ones_like(y.data), retain_graph=True)


def _cast(a: Any, dtype: str) -> Any:
    """Cast floats to this dtype, also in a list of arrays."""
    if isinstance(a, list) and any(isinstance(part, np.ndarray) for part in a):
        return [_cast(part, dtype) for part in a]
    return a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


def _tracked(a: Any) -> Any:
    return autograd.Value(a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


def run(arguments: argparse.Namespace) -> int:
    """Compile; return the exit status."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    machine = load("autograd.machine.jit")
    console = Console(highlight=False)
    dtypes = DTYPES if arguments.dtype == "all" else (arguments.dtype,)
    todo = [(f"{name} {dtype}", call) for dtype in dtypes for name, call in calls(dtype)]
    started = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with machine.quietly(), Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(todo))
        for name, call in todo:
            progress.update(bar, description=name)
            call()
            progress.advance(bar)
    seconds, folder = time.perf_counter() - started, machine.cache_folder()
    console.print(f"Compiled all kernels for {' and '.join(dtypes)} in {seconds:.1f} s.")
    if folder is None:
        console.print("They are not cached: set NUMBA_CACHE_DIR to a writable directory.")
    else:
        console.print(f"They are cached in {folder}", soft_wrap=True, markup=False)
    return 0
