"""`scan`, which runs any cell over a sequence, step by step.

So do the references of the fused scans, gate by gate: they define these, give their higher
derivatives, and are what a drawing opens them into.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.dispatch import array_of
from autograd.ops.recurrent.fused import Weights, checked_lengths
from autograd.value import Value

Array = np.ndarray[Any, Any]
Cell = Callable[[Any, Any], tuple[Any, Any]]


def scan(cell: Cell, xs: Any, state: Any, *, lengths: Any = None, reverse: bool = False) -> Any:
    r"""Run a cell of your own over a sequence, step by step.

    .. math:: y_t, s_t = \operatorname{cell}(x_t, s_{t-1})

    Parameters
    ----------
    cell : callable
        ``cell(x, state) -> (y, state)``; x is (B, ...), a state one array or Value, or a tuple of
        them, each (B, ...). Any ops may stand in it, and parameters that it finds outside.
    xs : array or Value, (T, B, ...), T >= 1.
    state : the state before the first step.
    lengths : array of B integers, optional
        How many steps each sequence has; the state then stays, and y is 0.
    reverse : bool
        Start at the last step of each sequence. Outputs stay in the order of the inputs.

    Returns
    -------
    ys : Value, (T, B, ...).
    state : the state after the last step.

    Raises
    ------
    TypeError, ValueError
        Lengths that are no integers between 0 and T, one for each sequence; lengths without a first
        state; a cell that does not return a pair.

    Examples
    --------
    A running mean that forgets:

    >>> import numpy as np, autograd
    >>> decay = autograd.Value(0.5)
    >>> def cell(x, mean):
    ...     mean = decay * mean + (1 - decay) * x
    ...     return mean, mean
    >>> ys, last = autograd.scan(cell, np.array([[8.0], [4.0], [0.0]]), np.zeros(1))
    >>> ys.data.ravel()
    array([4., 4., 2.])
    >>> last.backward()
    >>> decay.grad
    array(2.)
    """
    xs = xs if isinstance(xs, Value) else array_of(xs, "scan: xs")
    steps = xs.shape[0] if xs.shape else 0
    if not steps:
        raise ValueError(f"scan: xs must have at least one step, got shape {xs.shape}.")
    valid = None
    if lengths is not None:
        if len(xs.shape) < 2:
            raise ValueError(f"scan: xs must be (T, B, ...) for lengths, got shape {xs.shape}.")
        if state is None:
            raise TypeError("scan: lengths need the state before the first step, got None.")
        lengths = checked_lengths(lengths, steps, xs.shape[1], "xs", xs.shape)
        valid = np.arange(steps)[:, None] < lengths
    rows = list(xs)  # one op for all: the gradient of xs[t] would be as large as xs, at each step
    ys: list[Any] = [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        x = rows[t]
        if valid is None or valid[t].all():
            ys[t], state = pair(cell(x, state))
            continue
        y, then = pair(cell(where_valid(valid[t], x, 0), state))
        ys[t] = where_valid(valid[t], y, 0)
        if isinstance(state, (tuple, list)):
            state = tuple(where_valid(valid[t], *s) for s in zip(then, state, strict=True))
        else:
            state = where_valid(valid[t], then, state)
    return np.stack(ys), state


def pair(result: Any) -> tuple[Any, Any]:
    """What a cell returned; an array is refused, which Python would take apart row by row."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise TypeError(
            f"scan: the cell must return a pair (y, state), got {type(result).__name__}; "
            "return (h, h) where the state is the output."
        )
    return result[0], result[1]


def where_valid(valid: Array, a: Any, b: Any) -> Any:
    """A where a sequence still runs, else b; with the name of a."""
    chosen = np.where(valid.reshape(valid.shape + (1,) * (a.ndim - 1)), a, b)
    return named(a.name, chosen) if isinstance(a, Value) and a.name else chosen


def gates(w: Weights, letters: str) -> list[Callable[[Any, Any], tuple[Any, Any]]]:
    """For each gate, by its letter, the function (x, h) -> (its part from x, its part from h)."""
    H = w.w_hh.shape[0] // len(letters)

    def gate(k: int) -> Callable[[Any, Any], tuple[Any, Any]]:
        rows = slice(k * H, (k + 1) * H)
        w_x = named(f"W_x{letters[k]}", np.transpose(w.w_ih[rows]))
        w_h = named(f"W_h{letters[k]}", np.transpose(w.w_hh[rows]))
        b = None if w.b_ih is None else named(f"b_x{letters[k]}", w.b_ih[rows])
        c = None if w.b_hh is None else named(f"b_h{letters[k]}", w.b_hh[rows])

        def parts(x: Any, h: Any) -> tuple[Any, Any]:
            from_x, from_h = np.matmul(x, w_x), np.matmul(h, w_h)
            return from_x if b is None else from_x + b, from_h if c is None else from_h + c

        return parts

    return [gate(k) for k in range(len(letters))]


def named(name: str, x: Any) -> Any:
    """The Value, with a name for those who look at the graph of a reference."""
    if isinstance(x, Value):
        x.name = name
    return x


def initial(s: Any, x: Any, width: int) -> Any:
    """A state, zeros for None."""
    return np.zeros((x.shape[1], width), x.dtype) if s is None else s
