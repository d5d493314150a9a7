"""Padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.value import Value
from nn.arguments import reals
from nn.functional.tensor import Tensor, numbers

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Value:
    """Pad the last axes of an array; negative padding crops.

    Parameters
    ----------
    input : any shape; with other modes than "constant" (N, C, ...) or (C, ...).
    pad : integers (before, after) for the last axis, then the second-to-last, and so on; negative
        ones crop.
    mode : "constant", "reflect" (about the edge), "replicate" (the edge) or "circular" (from the
        opposite end).
    value : for mode "constant"; 0 by default.

    Returns
    -------
    Value or array, axes longer by the sum of their pair.

    Raises
    ------
    ValueError : an odd number of integers, or too many; a margin longer than its source.
    TypeError : other than integers in `pad`; a `value` that integers of the input can't be.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = np.array([[1.0, 2.0, 3.0]])
    >>> nn.functional.pad(x, (1, -1), value=9.0)
    array([[9., 1., 2.]])
    >>> nn.functional.pad(x, (2, 0), "reflect")
    array([[3., 2., 1., 2., 3.]])
    """
    if not np.ndim(pad):
        raise TypeError(f"pad: pad must be a tuple, two integers for each axis, got {pad!r}.")
    numbers("pad", input)
    shape, given = np.shape(input), tuple(pad)
    if mode not in MODES:
        raise ValueError(f"pad: mode must be one of {', '.join(MODES)}, got {mode!r}.")
    reals("pad", value=0 if value is None else value)
    if mode != "constant" and value is not None:
        raise ValueError(f"pad: value={value} goes with mode='constant', not {mode!r}.")
    for n in given:
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
            raise TypeError(f"pad: pad must be made of integers, got {n!r}.")
    if len(given) % 2 or len(given) > 2 * len(shape):
        raise ValueError(
            f"pad: pad={given} must have two entries for each of the last axes of input {shape}."
        )
    if mode != "constant" and len(given) // 2 not in (len(shape) - 1, len(shape) - 2):
        raise ValueError(
            f"pad: with mode={mode!r}, pad={given} must have two entries for each axis of input "
            f"{shape} but the channels, and the images if there are any."
        )
    dtype = input.dtype if hasattr(input, "dtype") else np.asarray(input).dtype
    if dtype.kind in "iub" and value is not None and value != int(value):
        raise TypeError(
            f"pad: input {shape} holds {dtype}, which value={value} is not; use astype(np.float32)."
        )
    pairs = [(0, 0)] * (len(shape) - len(given) // 2)
    pairs += [(int(given[i]), int(given[i + 1])) for i in range(len(given) - 2, -1, -2)]
    more = tuple((max(0, a), max(0, b)) for a, b in pairs)
    after = mode in ("reflect", "replicate")  # what is cropped at one end may show at the other
    left = tuple(
        n + (min(0, a) + min(0, b) if not after else 0)
        for (a, b), n in zip(pairs, shape, strict=True)
    )
    full = tuple(n + a + b for (a, b), n in zip(pairs, shape, strict=True))
    if min((*left, *full)) < 0:
        raise ValueError(f"pad: pad={given} cuts more off input {shape} than it has.")
    if mode != "constant":
        _check_source(shape, given, left, more, mode)
    if min(given, default=0) >= 0:
        return _padded(input, more, mode, value)
    if after:
        y = _padded(input, more, mode, value)
        return y[
            tuple(slice(max(0, -a), max(0, -a) + n) for (a, _), n in zip(pairs, full, strict=True))
        ]
    cut = tuple(slice(max(0, -a), max(0, -a) + n) for (a, _), n in zip(pairs, left, strict=True))
    return _padded(input[cut], more, mode, value)


def _padded(input: Any, more: Any, mode: str, value: float | None) -> Any:
    if not any(map(any, more)):
        return input
    if mode == "constant":
        return np.pad(input, more, constant_values=0 if value is None else value)
    return np.pad(input, more, MODES[mode])  # type: ignore[call-overload]


def _check_source(
    shape: tuple[int, ...], given: Any, left: tuple[int, ...], more: Any, mode: str
) -> None:
    """ValueError where the padding needs more elements than there are."""
    most = [{"reflect": n - 1, "circular": n, "replicate": None}[mode] for n in left]
    for n, (before, behind), limit in zip(left, more, most, strict=True):
        if (before or behind) and (n == 0 or (limit is not None and max(before, behind) > limit)):
            raise ValueError(
                f"pad: with mode={mode!r}, pad={given} must be at most {limit or 0} at an axis of "
                f"{n} pixels, for input {shape}; mode='replicate' only needs a pixel to repeat."
            )
