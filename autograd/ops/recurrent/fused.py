"""One recurrent layer in one direction as one fused op: its weights, checks, and two passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.machine.uninterrupted import load
from autograd.machine.workspace import native

Array = np.ndarray[Any, Any]


class Weights(NamedTuple):
    """The weights of one layer in one direction, G gates side by side in PyTorch's order."""

    w_ih: Any  # (G H, I)
    w_hh: Any  # (G H, H), or (G H, P) with a projection
    b_ih: Any = None  # (G H,)
    b_hh: Any = None
    w_hr: Any = None  # (P, H), projects the outputs


def checked_nonlinearity(nonlinearity: str) -> str:
    """tanh or relu; anything else is refused."""
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}.")
    return nonlinearity


def checked_lengths(lengths: Any, steps: int, batch: int, name: str, shape: Any) -> Array:
    """The lengths as an array of integers; refused where they don't fit the sequences."""
    n = np.asarray(lengths)
    if n.dtype.kind not in "iu":
        raise TypeError(f"lengths must be integers, got {n.dtype}; use lengths.astype(np.int64).")
    if n.shape != (batch,):
        raise ValueError(
            f"lengths must have one number a sequence, shape ({batch},) for {name} {shape}, "
            f"got {n.shape}."
        )
    if n.size and not (n.min() >= 0 and n.max() <= steps):
        wrong = n.min() if n.min() < 0 else n.max()
        raise ValueError(f"lengths must lie between 0 and {steps} for {name} {shape}, got {wrong}.")
    return n.astype(np.intp)


def checked(x: Any, states: Sequence[Any], w: Weights, gates: int, lengths: Any) -> Array | None:
    """The lengths, or None; refuses what doesn't fit together before anything is computed."""
    w_ih, w_hh, b_ih, b_hh, w_hr = w
    for name, a in (("x", x), ("w_ih", w_ih), ("w_hh", w_hh)):
        if a is None:
            raise TypeError(f"{name} must be an array, got None.")
    if x.ndim != 3 or not x.shape[0]:
        raise ValueError(f"x must have shape (T, B, I) with at least one step, got {x.shape}.")
    steps, batch, width = x.shape
    if w_hr is not None and (w_hr.ndim != 2 or 0 in w_hr.shape):
        raise ValueError(f"w_hr must have shape (P, H), got {w_hr.shape}.")
    size = w_hh.shape if w_hr is None else w_hr.shape[::-1]  # (., R): the state's width
    wrong = w_hh.ndim != 2 or not w_hh.shape[1]
    if wrong or w_hh.shape != (gates * (w_hh.shape[1] if w_hr is None else size[0]), size[1]):
        wanted = f"({gates if gates > 1 else ''}H, {'H' if w_hr is None else 'P'})"
        given = "" if w_hr is None else f" for w_hr (P, H) = {w_hr.shape}"
        raise ValueError(f"w_hh must have shape {wanted}{given}, got {w_hh.shape}.")
    rows, R = w_hh.shape
    named: list[tuple[str, Any, tuple[int, ...]]] = [("w_ih", w_ih, (rows, width))]
    sizes = (R, rows // gates)
    named += [(s, a, (batch, n)) for s, a, n in zip(("h0", "c0"), states, sizes, strict=False)]
    named += [(s, a, (rows,)) for s, a in (("b_ih", b_ih), ("b_hh", b_hh))]
    named += [("w_hr", w_hr, np.shape(w_hr))]
    for name, a, shape in (*named, ("w_hh", w_hh, w_hh.shape)):
        if a is None:
            continue
        if a.shape != shape:
            raise ValueError(
                f"{name} must have shape {shape} for x {x.shape} and w_hh {w_hh.shape}, "
                f"got {a.shape}."
            )
        if a.dtype.newbyteorder("=") != x.dtype.newbyteorder("="):
            state = name in ("h0", "c0")  # np.zeros(shape) made it float64: not x is to change
            cure = f"{name}.astype(np.{x.dtype.name})" if state else f"x.astype(np.{a.dtype.name})"
            raise TypeError(
                f"{name} has dtype {a.dtype} but x has {x.dtype}; use one for all: {cure}."
            )
    if x.dtype.kind != "f" or x.dtype.itemsize not in (4, 8):
        raise TypeError(f"x must be float32 or float64, got {x.dtype}; use x.astype(np.float32).")
    return None if lengths is None else checked_lengths(lengths, steps, batch, "x", x.shape)


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
    kernels = load(f"autograd.ops.recurrent.kernel_{cell.lower()}")
    scan = getattr(kernels, cell)(x, states, w, n, reverse, *options)
    return scan.outputs(), scan


def fused_grad(g: Any, needs: Sequence[bool], y: Any, saved: Any, *others: Any) -> Any:
    """The gradients, by the scan's own kernel run from the last step to the first."""
    return saved.backward([native(part) for part in g], needs)
