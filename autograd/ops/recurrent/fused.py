"""One recurrent layer in one direction over whole sequences, as one fused op."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from autograd.machine.native import native
from autograd.ops.recurrent.checks import Weights, checked


def fused(
    cell: str,
    gates: int,
    x: Any,
    states: Sequence[Any],
    w: Weights,
    lengths: Any,
    reverse: bool,
    *options: Any,
) -> tuple[Any, Any]:
    """The outputs of a layer, its last states, and the scan that `fused_grad` takes.

    The kernels of a cell, "LSTM" say, are a class of that name in kernel_lstm.py; Numba is imported
    on first use. A row of w_ih belongs to one of the gates.
    """
    x, states, w = native(x), [native(s) for s in states], Weights(*map(native, w))
    n = checked(x, states, w, gates, lengths)
    kernels = importlib.import_module(f"autograd.ops.recurrent.kernel_{cell.lower()}")
    scan = getattr(kernels, cell)(x, states, w, n, reverse, *options)
    return scan.outputs(), scan


def fused_grad(g: Any, needs: Sequence[bool], y: Any, saved: Any, *others: Any) -> Any:
    """The gradients, by the scan's own kernel run from the last step to the first."""
    return saved.backward([native(part) for part in g], needs)
