"""Decoding of CTC outputs."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from autograd.node import Array
from autograd.value import Value
from nn.arguments import count
from nn.functional.tensor import Tensor, floats

Reading = tuple[int, ...]


def ctc_greedy_decode(
    log_probs: Tensor, input_lengths: Any = None, blank: int = 0
) -> tuple[list[list[int]], Array]:
    """Greedy decoding: the most likely class of each step, repeats merged, blanks dropped.

    Parameters
    ----------
    log_probs : log-probabilities, (T, N, C), as for `ctc_loss`.
    input_lengths : (N,), number of steps of each sample; all by default.
    blank : index of the blank class.

    Returns
    -------
    labels : N lists.
    log_probabilities : (N,), of the paths: a lower bound on those of the labels, which other paths
        may give too.

    Raises
    ------
    ValueError
        Shapes or lengths that don't fit, or rows that are no probabilities.
    TypeError
        Log-probabilities that are no floats, lengths that are no integers.

    References
    ----------
    Graves et al., Connectionist temporal classification, 2006.

    Examples
    --------
    >>> import nn, numpy as np
    >>> p = np.array([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1], [0.2, 0.7, 0.1]])
    >>> nn.functional.ctc_greedy_decode(np.log(p)[:, None])[0]  # 1 1 - 1
    [[1, 1]]
    """
    rows, lengths = _checked("ctc_greedy_decode", log_probs, input_lengths, blank)
    paths = rows.argmax(-1)  # (N, T)
    counts = np.arange(rows.shape[1]) < lengths[:, None]
    told = counts & (paths != blank)
    told[:, 1:] &= paths[:, 1:] != paths[:, :-1]
    best = np.where(counts, rows.max(-1), 0.0).sum(1)
    return [path[new].tolist() for path, new in zip(paths, told, strict=True)], best


def ctc_beam_decode(
    log_probs: Tensor,
    input_lengths: Any = None,
    blank: int = 0,
    beam: int = 8,
    symbols: int | None = None,
) -> tuple[list[list[int]], Array]:
    """Prefix beam search for the most likely labels, summed over their alignments.

    The most likely path need not give the most likely labels: many paths may share others. A beam
    keeps prefixes, each with the probability of its paths that end in a blank and of those that end
    in its last label: only after a blank does the same label repeat.

    Parameters
    ----------
    log_probs, input_lengths, blank : as in `ctc_greedy_decode`.
    beam : beam width, the prefixes kept at each step; with enough of them the result is exact.
    symbols : how many of a step's most likely classes may extend a prefix; all by default.

    Returns
    -------
    labels : N lists.
    log_probabilities : (N,), of these labels, over all paths that were kept.

    Raises
    ------
    ValueError, TypeError : as in `ctc_greedy_decode`; beam or symbols below 1.

    References
    ----------
    Hannun, Maas, Jurafsky & Ng, First-pass large vocabulary continuous speech recognition using
    bi-directional recurrent DNNs, 2014.

    Examples
    --------
    Both steps are more likely blank than not, but three of the four paths give "1":

    >>> import nn, numpy as np
    >>> log_p = np.log(np.array([[0.55, 0.45], [0.55, 0.45]]))[:, None]
    >>> nn.functional.ctc_greedy_decode(log_p)[0], nn.functional.ctc_beam_decode(log_p)[0]
    ([[]], [[1]])
    """
    rows, lengths = _checked("ctc_beam_decode", log_probs, input_lengths, blank)
    C = rows.shape[-1]
    beam = count("ctc_beam_decode", "beam", beam, 1)
    symbols = C if symbols is None else count("ctc_beam_decode", "symbols", symbols, 1)
    found = [
        _search(np.exp(row[:steps]), int(blank), beam, min(symbols, C))
        for row, steps in zip(rows, lengths, strict=True)
    ]
    return [labels for labels, _ in found], np.array([log_p for _, log_p in found])


def _search(p: Array, blank: int, beam: int, symbols: int) -> tuple[list[int], float]:
    """The most likely labels for probabilities (T, C), and their log-probability."""
    kept: dict[Reading, tuple[float, float]] = {(): (1.0, 0.0)}  # ends in a blank, in its label
    log_scale = 0.0
    likely = np.argsort(-p, axis=-1, kind="stable")[:, :symbols].tolist()
    for row, classes in zip(p.tolist(), likely, strict=True):
        found: dict[Reading, tuple[float, float]] = {}
        for reading, (silent, spoken) in kept.items():
            both, last = silent + spoken, reading[-1] if reading else blank
            _add(found, reading, both * row[blank], spoken * row[last])
            for label in classes:
                if label != blank:
                    before = silent if label == last else both
                    _add(found, (*reading, label), 0.0, before * row[label])
        best = heapq.nlargest(beam, found.items(), key=lambda item: sum(item[1]))
        most = sum(best[0][1])  # divided out, so that long inputs do not underflow
        log_scale += float(np.log(most))
        kept = {reading: (silent / most, spoken / most) for reading, (silent, spoken) in best}
    reading, parts = next(iter(kept.items()))
    return list(reading), log_scale + float(np.log(sum(parts)))


def _add(
    found: dict[Reading, tuple[float, float]], reading: Reading, silent: float, spoken: float
) -> None:
    """Add the probability of more paths to a prefix's."""
    old = found.get(reading)
    found[reading] = (silent, spoken) if old is None else (old[0] + silent, old[1] + spoken)


def _checked(who: str, log_probs: Tensor, input_lengths: Any, blank: int) -> tuple[Array, Array]:
    """Log-probabilities in float64, (N, T, C), and the lengths."""
    given = floats(who, log_probs, "log_probs")
    x = given.data if isinstance(given, Value) else given
    if x.ndim != 3 or x.shape[-1] < 1:
        raise ValueError(
            f"{who}: log_probs must be (T, N, C), got {x.shape}; for one sample (T, C) use "
            "log_probs[:, None]."
        )
    T, N, C = x.shape
    if isinstance(blank, bool) or not isinstance(blank, (int, np.integer)) or not 0 <= blank < C:
        raise ValueError(
            f"{who}: blank must be a class of log_probs {x.shape}, 0 to {C - 1}, got {blank!r}."
        )
    lengths = np.full(N, T) if input_lengths is None else np.asarray(input_lengths)
    if lengths.dtype.kind not in "iu":
        raise TypeError(f"{who}: input_lengths must be integers, got {lengths.dtype}.")
    if lengths.shape != (N,) or (N and not 0 <= lengths.min() <= lengths.max() <= T):
        raise ValueError(
            f"{who}: input_lengths must be {N} numbers from 0 to {T} for log_probs {x.shape}, got "
            f"{lengths.tolist()}."
        )
    rows = x.swapaxes(0, 1).astype(np.float64)
    sums = np.exp(rows).sum(-1)[np.arange(T) < lengths[:, None]]
    if not (np.abs(sums - 1) < 1e-3).all():
        raise ValueError(
            f"{who}: the probabilities exp(log_probs) of a step must add up to 1, got "
            f"{sums[np.abs(sums - 1).argmax()]:.4g}; give log_softmax(logits, -1)."
        )
    return rows, lengths
