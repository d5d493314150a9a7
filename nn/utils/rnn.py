"""Sequences of different lengths in one array: padded, or packed without padding.

Recurrent layers take padded arrays with ``lengths=``
too, which costs less and may be 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import autograd
from autograd.ops.recurrent.fused import checked_lengths
from autograd.value import Value
from nn.arguments import flags

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

Array = np.ndarray[Any, Any]


class PackedSequence(NamedTuple):
    """Sequences packed without padding: all first steps, then all second ones, and so on.

    `pack_padded_sequence` and `pack_sequence` make it; recurrent layers take it and give it back.

    Attributes
    ----------
    data : Value or array, (sum of the lengths, ...).
    batch_sizes : integers, (longest length,), how many sequences have that step; not increasing.
    sorted_indices : integers, (B,), or None
        The batch index of each sequence, longest first; None: sorted already.
    unsorted_indices : integers, (B,), or None
        The inverse.
    """

    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack padded sequences.

    Parameters
    ----------
    input : array or Value, (T, B, ...), or (B, T, ...) with `batch_first`.
    lengths : B integers between 1 and T.
    enforce_sorted : bool
        Refuse lengths that are not sorted, longest first; else they are sorted here.

    Returns
    -------
    PackedSequence

    Raises
    ------
    TypeError, ValueError : lengths that are not integers, lie outside 1 ... T, or are not sorted.

    Examples
    --------
    >>> import nn, numpy as np
    >>> x = np.array([[1, 4, 6], [2, 5, 0], [3, 0, 0]])  # (T, B)
    >>> nn.utils.rnn.pack_padded_sequence(x, [3, 2, 1])
    PackedSequence(data=array([1, 4, 6, 2, 5, 3]), batch_sizes=array([3, 2, 1]),
                   sorted_indices=None, unsorted_indices=None)
    """
    flags("pack_padded_sequence", batch_first=batch_first, enforce_sorted=enforce_sorted)
    who = "pack_padded_sequence"
    x = input if isinstance(input, Value) else np.asarray(input)
    if len(x.shape) < 2:
        raise ValueError(f"{who}: input must have the axes (T, B, ...), got shape {x.shape}.")
    batch, steps = (x.shape[:2]) if batch_first else x.shape[1::-1]
    n = _lengths(who, lengths, steps, batch, x.shape)
    if n.size and n.min() < 1:
        raise ValueError(
            f"{who}: lengths must be at least 1, got {n.min()} for sequence {n.argmin()}. "
            "Recurrent layers take lengths of 0 by their argument lengths."
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-n, kind="stable")
    elif (np.diff(n) > 0).any():
        raise ValueError(
            f"{who}: lengths must be sorted, longest first, got {n.tolist()}; "
            "or give enforce_sorted=False."
        )
    longest = int(n.max()) if n.size else 0
    sizes = (np.arange(longest)[:, None] < n).sum(axis=1)
    step, row = _places(sizes, order)
    data = x[row, step] if batch_first else x[step, row]
    return PackedSequence(data, sizes, order, invert_permutation(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Any, Array]:
    """Pad a packed sequence: the inverse of `pack_padded_sequence`.

    Parameters
    ----------
    sequence : PackedSequence
    batch_first : bool
        Give (B, T, ...) instead of (T, B, ...).
    padding_value : float
        What stands after the last step of a sequence.
    total_length : int, optional
        T; by default that of the longest sequence.

    Returns
    -------
    padded : Value or array, (T, B, ...).
    lengths : integers, (B,).

    Raises
    ------
    TypeError, ValueError : no consistent packed sequence, or total_length less than the longest.

    Examples
    --------
    >>> import nn, numpy as np
    >>> packed = nn.utils.rnn.pack_sequence([np.array([1.0, 2.0]), np.array([3.0])])
    >>> padded, lengths = nn.utils.rnn.pad_packed_sequence(packed)
    >>> padded
    array([[1., 3.],
           [2., 0.]])
    >>> lengths
    array([2, 1])
    """
    flags("pad_packed_sequence", batch_first=batch_first)
    data, sizes, order = _checked("pad_packed_sequence", sequence)
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                f"pad_packed_sequence: total_length={total_length} is less than the longest "
                f"sequence, {steps}."
            )
        steps = total_length
    step, row = _places(sizes, order)
    shape, index = ((batch, steps), (row, step)) if batch_first else ((steps, batch), (step, row))
    full = np.full(shape + data.shape[1:], padding_value, data.dtype)
    padded = _filled(full, index, data)
    return padded, np.bincount(row, minlength=batch)


def repacked(padded: Any, like: PackedSequence) -> PackedSequence:
    """The steps of padded (T, B, ...), packed as another packed sequence is."""
    step, row = _places(np.asarray(like.batch_sizes), like.sorted_indices)
    return like._replace(data=padded[step, row])


def pad_sequence(
    sequences: Sequence[Any],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Any:
    """Pad sequences (L, ...) to one length and stack them.

    Parameters
    ----------
    sequences : arrays or Values, one dtype, equal but for their first axis.
    batch_first : bool
        Give (B, T, ...) instead of (T, B, ...).
    padding_value : float
    padding_side : "right" or "left".

    Returns
    -------
    Value or array, (T, B, ...), with T the longest L.

    Raises
    ------
    ValueError : no sequences, or sequences that don't fit together.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.utils.rnn.pad_sequence([np.array([1, 2, 3]), np.array([4])], batch_first=True)
    array([[1, 2, 3],
           [4, 0, 0]])
    """
    flags("pad_sequence", batch_first=batch_first)
    parts = _sequences("pad_sequence", sequences)
    if padding_side not in ("left", "right"):
        raise ValueError(
            f"pad_sequence: padding_side must be 'left' or 'right', got {padding_side!r}."
        )
    n = np.array([part.shape[0] for part in parts])
    steps, batch = int(n.max()), len(parts)
    step = np.concatenate([np.arange(k) + (steps - k) * (padding_side == "left") for k in n])
    row = np.repeat(np.arange(batch), n)
    shape, index = ((batch, steps), (row, step)) if batch_first else ((steps, batch), (step, row))
    full = np.full(shape + parts[0].shape[1:], padding_value, parts[0].dtype)
    return _filled(full, index, np.concatenate(parts))


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """Split padded sequences (T, B, ...), the inverse of `pad_sequence`.

    Returns
    -------
    list of B Values or arrays, (length, ...).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.utils.rnn.unpad_sequence(np.array([[1, 2, 3], [4, 0, 0]]), [3, 1], batch_first=True)
    [array([1, 2, 3]), array([4])]
    """
    flags("unpad_sequence", batch_first=batch_first)
    who = "unpad_sequence"
    x = padded_sequences if isinstance(padded_sequences, Value) else np.asarray(padded_sequences)
    if len(x.shape) < 2:
        raise ValueError(f"{who}: padded_sequences must be (T, B, ...), got shape {x.shape}.")
    batch, steps = (x.shape[:2]) if batch_first else x.shape[1::-1]
    n = _lengths(who, lengths, steps, batch, x.shape)
    return [x[b, :k] if batch_first else x[:k, b] for b, k in enumerate(n.tolist())]


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """`pad_sequence` and then `pack_padded_sequence`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.utils.rnn.pack_sequence([np.array([1, 2, 3]), np.array([4, 5])]).data
    array([1, 4, 2, 5, 3])
    """
    flags("pack_sequence", enforce_sorted=enforce_sorted)
    parts = _sequences("pack_sequence", sequences)
    n = [part.shape[0] for part in parts]
    return pack_padded_sequence(pad_sequence(parts), n, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The sequences of a packed one, the inverse of `pack_sequence`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.utils.rnn.unpack_sequence(nn.utils.rnn.pack_sequence([np.array([1, 2]), np.array([3])]))
    [array([1, 2]), array([3])]
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences))


def invert_permutation(permutation: Any) -> Array | None:
    """The inverse of a permutation of 0 ... n - 1; None stays.

    Examples
    --------
    >>> import nn
    >>> nn.utils.rnn.invert_permutation([2, 0, 1])
    array([1, 2, 0])
    """
    return None if permutation is None else np.argsort(permutation, kind="stable")


def _places(sizes: Array, order: Any) -> tuple[Array, Array]:
    """The step and the sequence of each packed row."""
    step = np.repeat(np.arange(len(sizes)), sizes)
    row = np.arange(len(step)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return step, row if order is None else np.asarray(order)[row]


def _filled(full: Array, index: tuple[Array, Array], rows: Any) -> Any:
    """The array with the rows put in."""
    if isinstance(rows, Value):
        return autograd.index_update(full, index, rows)
    full[index] = rows
    return full


def _lengths(who: str, lengths: Any, steps: int, batch: int, shape: Any) -> Array:
    try:
        return checked_lengths(lengths, steps, batch, "input", shape)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{who}: {error}") from None


def _sequences(who: str, sequences: Sequence[Any]) -> list[Any]:
    """The sequences as arrays or Values; refused where they don't fit together."""
    parts = [s if isinstance(s, Value) else np.asarray(s) for s in sequences]
    if not parts:
        raise ValueError(f"{who}: sequences must hold at least one sequence.")
    for k, part in enumerate(parts):
        if not part.shape or part.shape[1:] != parts[0].shape[1:] or part.dtype != parts[0].dtype:
            raise ValueError(
                f"{who}: sequences must be (L, ...), equal but for L; sequence 0 is "
                f"{parts[0].dtype} {parts[0].shape}, sequence {k} is {part.dtype} {part.shape}."
            )
    return parts


def _checked(who: str, sequence: Any) -> tuple[Any, Array, Array | None]:
    """The data, sizes and order of a packed sequence; refused where they contradict each other."""
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"{who}: needs a PackedSequence, got {type(sequence).__name__}.")
    data = sequence.data if isinstance(sequence.data, Value) else np.asarray(sequence.data)
    sizes = np.asarray(sequence.batch_sizes)
    if sizes.dtype.kind not in "iu" or sizes.ndim != 1 or not sizes.size:
        raise TypeError(f"{who}: batch_sizes must be integers in one axis, got {sizes!r}.")
    if sizes[-1] < 1 or (np.diff(sizes) > 0).any() or data.shape[:1] != (sizes.sum(),):
        raise ValueError(
            f"{who}: batch_sizes must be positive, must not increase, and must add up to the rows "
            f"of data {data.shape}, got {sizes.tolist()}."
        )
    order = None if sequence.sorted_indices is None else np.asarray(sequence.sorted_indices)
    if order is not None and not np.array_equal(np.sort(order), np.arange(sizes[0])):
        raise ValueError(
            f"{who}: sorted_indices must be a permutation of 0 ... {sizes[0] - 1}, "
            f"got {order.tolist()}."
        )
    return data, sizes, order
