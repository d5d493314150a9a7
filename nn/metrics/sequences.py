"""Sequence metrics: edit distance and error rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def edit_distance(a: Any, b: Any) -> int:
    r"""Levenshtein distance: fewest insertions, deletions and substitutions that turn a into b.

    .. math:: d_{ij} = \min\left(d_{i-1,j} + 1,\; d_{i,j-1} + 1,\;
        d_{i-1,j-1} + [a_i \ne b_j]\right)

    Parameters
    ----------
    a, b : sequences of comparable tokens: strings, lists or arrays of shape (n,).

    Returns
    -------
    int

    Raises
    ------
    ValueError
        An array that is not one-dimensional.
    TypeError
        An argument that is not a sequence.

    References
    ----------
    Wagner & Fischer, The string-to-string correction problem, 1974.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.edit_distance("kitten", "sitting")
    3
    >>> nn.metrics.edit_distance(["K", "AE", "T"], ["K", "AH", "T", "S"])
    2
    """
    a, b = _tokens("edit_distance", a), _tokens("edit_distance", b)
    row = list(range(len(b) + 1))  # distances of a prefix of a from each prefix of b
    for i, one in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            above = row[j]
            row[j] = min(above + 1, row[j - 1] + 1, corner + (one != other))
            corner = above
    return row[-1]


def error_rate(predicted: Iterable[Any], targets: Iterable[Any]) -> float:
    """Error rate: total edit distance divided by the total number of target tokens.

    Depending on the tokens it is the phoneme, character (CER) or word error rate (WER); for words,
    split the text first. Insertions can make it exceed 1.

    Parameters
    ----------
    predicted : N sequences of tokens, without padding.
    targets : N reference sequences.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Different numbers of sequences, or targets without tokens.
    TypeError
        A single string.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.error_rate(["speach", "to"], ["speech", "text"])  # 1 + 3 edits, 10 characters
    0.4
    >>> predicted, target = "it sleeps all day", "it slept all day"
    >>> nn.metrics.error_rate([predicted.split()], [target.split()])  # word error rate
    0.25
    """
    for name, given in (("predicted", predicted), ("targets", targets)):
        if not isinstance(given, Iterable):
            raise TypeError(f"error_rate: {name} must be a list of sequences, got {given!r}.")
        if isinstance(given, str):
            raise TypeError(
                f"error_rate: {name} must be a list of sequences, not the single string "
                f"{given[:20]!r}; put it in a list."
            )
    found = [_tokens("error_rate", one) for one in predicted]
    wanted = [_tokens("error_rate", one) for one in targets]
    if len(found) != len(wanted):
        raise ValueError(f"error_rate: got {len(found)} predictions for {len(wanted)} targets.")
    tokens = sum(map(len, wanted))
    if not tokens:
        raise ValueError(
            f"error_rate: the {len(wanted)} targets contain no tokens, so the rate is undefined."
        )
    return sum(map(edit_distance, found, wanted)) / tokens


def _tokens(who: str, given: Any) -> Sequence[Any]:
    """One sequence, as a Python sequence of tokens."""
    if isinstance(given, np.ndarray):
        if given.ndim != 1:
            raise ValueError(f"{who}: an array of tokens must have shape (n,), got {given.shape}.")
        tokens: list[Any] = given.tolist()
        return tokens
    if not isinstance(given, Sequence):
        raise TypeError(
            f"{who}: a sequence of tokens must be a string, list, tuple or array, not "
            f"{type(given).__name__}."
        )
    return given
