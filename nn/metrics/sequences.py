"""Metrics of predicted sequences: how many edits they are away from what is right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def edit_distance(a: Any, b: Any) -> int:
    r"""Levenshtein's distance: fewest insertions, deletions and replacements that turn a into b.

    .. math:: d_{ij} = \min\left(d_{i-1,j} + 1,\; d_{i,j-1} + 1,\;
        d_{i-1,j-1} + [a_i \ne b_j]\right)

    Parameters
    ----------
    a, b : sequences of tokens that can be compared: text, lists, arrays (n,).

    Returns
    -------
    int

    Raises
    ------
    ValueError
        An array that has not one axis.
    TypeError
        No sequence.

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
    row = list(range(len(b) + 1))  # distances of a's beginning from each beginning of b
    for i, one in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            above = row[j]
            row[j] = min(above + 1, row[j - 1] + 1, corner + (one != other))
            corner = above
    return row[-1]


def error_rate(predicted: Iterable[Any], targets: Iterable[Any]) -> float:
    """Edits of all predictions together, over the tokens of all targets together.

    It is the phoneme, character or word error rate, by what a token is: for words, split the text
    first. It can be above 1, where too much was said.

    Parameters
    ----------
    predicted : N sequences of tokens, without padding.
    targets : N sequences, each what is right for its prediction.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Different numbers of sequences, or targets without any token.
    TypeError
        A single text.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.error_rate(["speach", "to"], ["speech", "text"])  # 1 + 3 edits, 10 characters
    0.4
    >>> said, right = "it sleeps all day", "it slept all day"
    >>> nn.metrics.error_rate([said.split()], [right.split()])  # of words
    0.25
    """
    for name, given in (("predicted", predicted), ("targets", targets)):
        if isinstance(given, str):
            raise TypeError(
                f"error_rate: {name} must be several sequences, got one text, {given[:20]!r}; "
                "put it in a list."
            )
    said = [_tokens("error_rate", one) for one in predicted]
    right = [_tokens("error_rate", one) for one in targets]
    if len(said) != len(right):
        raise ValueError(f"error_rate: got {len(said)} predictions for {len(right)} targets.")
    tokens = sum(map(len, right))
    if not tokens:
        raise ValueError(
            f"error_rate: the {len(right)} targets hold no token, so there is no rate of errors."
        )
    return sum(map(edit_distance, said, right)) / tokens


def _tokens(who: str, given: Any) -> Sequence[Any]:
    """One sequence, as Python's tokens."""
    if isinstance(given, np.ndarray):
        if given.ndim != 1:
            raise ValueError(f"{who}: an array of tokens must be (n,), got {given.shape}.")
        tokens: list[Any] = given.tolist()
        return tokens
    if not isinstance(given, Sequence):
        raise TypeError(
            f"{who}: a sequence of tokens must be text, a list, a tuple or an array, not "
            f"{type(given).__name__}."
        )
    return given
