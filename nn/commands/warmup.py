"""`glassgrad warmup`: compile all kernels now, so that nobody waits for them later."""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd
from autograd.machine.runtime import compiled_folder, without_notices
from autograd.op import ROWS, Op
from autograd.sequence_op import SequenceOp
from nn.commands.first_steps import steps

NAME = "warmup"
SUMMARY = "compile all kernels now, once and for all"
DESCRIPTION = (
    "Calls every op forward and backward, and trains small networks. What it compiles is kept on "
    "disk and found again by every later run, until glassgrad or Numba is updated."
)
DTYPES = ("float32", "float64")
SMALL = (2, 3)
LARGE = (512, 512)  # from this size on, every function of numbers runs on its kernel
PRODUCT = (80, 80)  # and so does a product
IMAGE = (1, 1, 8, 8)  # pairs of pixels have a kernel of their own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments it takes."""
    parser.add_argument(
        "--dtype", choices=(*DTYPES, "all"), default="float32", help="default: float32"
    )


def calls(dtype: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every row of the op table that has samples, by name; then what samples are too small for."""
    for row in tuple(ROWS):
        shape = LARGE if row.cases is None else SMALL
        yield row.name, functools.partial(on_samples, row, dtype, shape)
    product, image = (autograd.Value(np.ones(shape, dtype)) for shape in (PRODUCT, IMAGE))
    yield "matmul", lambda: both(np.matmul, [product, product])
    yield "max_pool2d", lambda: both(autograd.ops.max_pool2d, [image, 2])
    yield from steps(dtype)


def on_samples(row: Op, dtype: str, shape: tuple[int, ...]) -> None:
    """Call an op on each of its samples, forward and backward."""
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
    """Call a function, and differentiate what comes out of it."""
    with np.errstate(all="ignore"):
        ys = function(*args)
        for y in ys if isinstance(ys, (list, tuple)) else [ys]:
            if isinstance(y, autograd.Value) and y.requires_grad:
                y.backward(np.ones_like(y.data), retain_graph=True)


def _cast(a: Any, dtype: str) -> Any:
    """Floats in this dtype, in a list of arrays too."""
    if isinstance(a, list) and any(isinstance(part, np.ndarray) for part in a):
        return [_cast(part, dtype) for part in a]
    return a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


def _tracked(a: Any) -> Any:
    return autograd.Value(a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a


def run(arguments: argparse.Namespace) -> int:
    """Compile, and say where to; the exit status."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(highlight=False)
    dtypes = DTYPES if arguments.dtype == "all" else (arguments.dtype,)
    todo = [(f"{name} {dtype}", call) for dtype in dtypes for name, call in calls(dtype)]
    started = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with without_notices(), Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(todo))
        for name, call in todo:
            progress.update(bar, description=name)
            call()
            progress.advance(bar)
    seconds, folder = time.perf_counter() - started, compiled_folder()
    console.print(f"All kernels are ready for {' and '.join(dtypes)}, after {seconds:.1f} s.")
    if folder is None:
        console.print("There is no folder to keep them in: set NUMBA_CACHE_DIR to one.")
    else:
        console.print(f"They are kept in {folder}", soft_wrap=True, markup=False)
    return 0
