"""Gradient checks: derivatives compared with finite differences."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.derivatives import grad
from autograd.dispatch import real_array
from autograd.nested import mapped
from autograd.node import Array
from autograd.recording import enable_grad
from autograd.value import Value


def gradcheck(
    f: Callable[..., Any],
    *xs: Any,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-5,
    seed: int = 0,
) -> bool:
    """Compare the gradient of f at xs with central differences, element by element.

    The outputs are weighted with random numbers and summed, so that one backward pass checks all
    of them.

    Parameters
    ----------
    f : callable
        Takes Values, returns a Value or a tuple of them. It may close over anything else.
    *xs : array_like or Value, or a nested dict, list or tuple of them
        Floats, taken as float64.
    eps : step of the difference quotient.
    atol, rtol : allowed error, absolute and relative to the difference quotient.
    seed : random seed of the weights.

    Returns
    -------
    True.

    Raises
    ------
    AssertionError
        The worst element, with both numbers.
    TypeError
        An input that is not real numbers.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.gradcheck(np.tanh, np.array([0.3, -1.0]))
    True
    """
    arrays: list[Array] = []
    places: list[int] = []

    def take(i: int, x: Any) -> None:
        given = x.data if isinstance(x, Value) else x
        arrays.append(np.array(real_array(given, f"gradcheck: input {i}"), float))
        places.append(i)

    for i, x in enumerate(xs):
        if x is None:
            raise TypeError(f"gradcheck: input {i}: None has nothing that can vary.")
        mapped(functools.partial(take, i), x)

    def outputs(values: Sequence[Value]) -> list[Value]:
        left = iter(values)
        with enable_grad():
            return _outputs(f(*[mapped(lambda _: next(left), x) for x in xs]))

    leaves = [Value(a) for a in arrays]
    ys = outputs(leaves)
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=y.shape) for y in ys]

    def weighted(*inputs: Array) -> float:
        ys = outputs([*map(Value, inputs)])
        return float(sum(np.sum(y._data * w) for y, w in zip(ys, weights, strict=True)))

    with enable_grad():
        total: Any = sum(np.sum(y * w) for y, w in zip(ys, weights, strict=True))
    if isinstance(total, Value) and total.requires_grad:
        found = grad(total, leaves, allow_unused=True)
    else:
        found = [None] * len(arrays)
    for i, (place, x, g) in enumerate(zip(places, arrays, found, strict=True)):
        exact = np.zeros_like(x) if g is None else g
        numeric = np.empty_like(x)
        for k in np.ndindex(x.shape):
            ends = []
            for step in (eps, -eps):
                moved = x.copy()
                moved[k] += step
                ends.append(weighted(*arrays[:i], moved, *arrays[i + 1 :]))
            numeric[k] = (ends[0] - ends[1]) / (2 * eps)
        with np.errstate(invalid="ignore"):
            error = np.abs(exact - numeric) - (atol + rtol * np.abs(numeric))
        error = np.where(np.isnan(error), np.inf, error)  # NaN, or inf on either side
        if x.size and error.max() > 0:
            k = np.unravel_index(int(error.argmax()), x.shape)
            raise AssertionError(
                f"gradcheck: input {place} at {tuple(map(int, k))}: the gradient is "
                f"{exact[k]:.8g}, finite differences give {numeric[k]:.8g} (x = {x[k]:.8g})."
            )
    return True


def gradgradcheck(f: Callable[..., Any], *xs: Any, seed: int = 0, **tolerances: Any) -> bool:
    """Compare the second derivative of f at xs with central differences of the first.

    Parameters and errors are those of `gradcheck`.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.gradgradcheck(lambda a, b: a * np.sin(b), [2.0], [0.5])
    True
    """
    rng = np.random.default_rng(seed + 1)
    weights: list[Array] = []

    def slopes(*given: Any) -> tuple[Any, ...]:
        leaves: list[Value] = []
        mapped(leaves.append, given)
        with enable_grad():
            ys = [y for y in _outputs(f(*given)) if y.requires_grad]
            if not ys:
                return ()
            if not weights:
                weights.extend(rng.normal(size=y.shape) for y in ys)
            total: Any = sum(np.sum(y * w) for y, w in zip(ys, weights, strict=True))
        found = grad(total, leaves, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(slopes, *xs, seed=seed, **tolerances)


def _outputs(y: Any) -> list[Value]:
    ys = list(y) if isinstance(y, (tuple, list)) else [y]
    return [y if isinstance(y, Value) else Value(y, requires_grad=False) for y in ys]
