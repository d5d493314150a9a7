"""nn.rnn: padding sequences and packing them, as in torch.nn.utils.rnn."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd
import nn
from nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)

X = np.random.default_rng(0).normal(size=(5, 4, 2))  # (T, B, ...)
LENGTHS = [2, 5, 3, 5]


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [LENGTHS, [1, 1, 1, 1], [5, 5, 5, 5], [2, 1, 1, 3]])
def test_what_is_packed_and_padded_again_is_the_input_without_its_padding(batch_first, lengths):
    x = np.swapaxes(X, 0, 1) if batch_first else X
    packed = pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
    assert packed.data.shape == (sum(lengths), 2)
    y, n = pad_packed_sequence(packed, batch_first, total_length=5, padding_value=-1)
    np.testing.assert_array_equal(n, lengths)
    y = np.swapaxes(y, 0, 1) if batch_first else y
    valid = np.arange(5)[:, None] < np.array(lengths)
    np.testing.assert_array_equal(y[valid], X[valid])
    assert (y[~valid] == -1).all()


def test_gradients_reach_the_steps_and_not_the_padding():
    v = autograd.Value(X)
    packed = pack_padded_sequence(v, LENGTHS, enforce_sorted=False)
    padded, _ = pad_packed_sequence(packed)
    np.sum(padded**2).backward()
    valid = np.arange(5)[:, None] < np.array(LENGTHS)
    np.testing.assert_allclose(v.grad, np.where(valid[..., None], 2 * X, 0))
    assert autograd.gradgradcheck(
        lambda x: pad_packed_sequence(pack_padded_sequence(x, [2, 1]))[0] ** 2, X[:3, :2]
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_sequences_are_padded_on_either_side_and_differentiated(side):
    parts = [autograd.Value(X[:n, i]) for i, n in enumerate(LENGTHS)]
    y = pad_sequence(parts, padding_side=side, padding_value=7)
    for i, n in enumerate(LENGTHS):
        rows = slice(5 - n, None) if side == "left" else slice(0, n)
        np.testing.assert_array_equal(y.data[rows, i], X[:n, i])
    assert (y.data == 7).sum() == 2 * (20 - sum(LENGTHS))
    np.sum(y * X).backward()
    rows = slice(3, None) if side == "left" else slice(0, 2)
    np.testing.assert_array_equal(parts[0].grad, X[rows, 0])


def test_sequences_come_back_in_their_order():
    parts = [X[:n, i] for i, n in enumerate(LENGTHS)]
    for a, b in zip(unpack_sequence(pack_sequence(parts, False)), parts, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(unpad_sequence(pad_sequence(parts), LENGTHS), parts, strict=True):
        np.testing.assert_array_equal(a, b)


PACKED = pack_padded_sequence(X, [5, 3, 3, 1])


@pytest.mark.parametrize(
    ("error", "text", "lengths"),
    [
        (ValueError, "between 0 and 5", [6, 1, 1, 1]),
        (ValueError, "got -1", [5, 1, 1, -1]),
        (ValueError, "at least 1, got 0 for sequence 3", [5, 1, 1, 0]),
        (ValueError, "one number a sequence", [5, 1, 1]),
        (TypeError, "pack_padded_sequence: lengths must be integers", [2.0] * 4),
        (ValueError, "enforce_sorted=False", LENGTHS),
    ],
)
def test_lengths_that_do_not_fit_are_refused(error, text, lengths):
    with pytest.raises(error, match=re.escape(text)):
        pack_padded_sequence(X, lengths)


@pytest.mark.parametrize(
    ("error", "text", "changes"),
    [
        (ValueError, "add up", {"batch_sizes": np.array([4, 2])}),
        (ValueError, "not increase", {"batch_sizes": np.array([4, 5, 3])}),
        (TypeError, "batch_sizes must be integers", {"batch_sizes": None}),
        (ValueError, "permutation of 0 ... 3", {"sorted_indices": [0, 1, 2, 9]}),
        (ValueError, "permutation of 0 ... 3", {"sorted_indices": [0, 1, 2]}),
    ],
)
def test_packed_sequences_that_contradict_themselves_are_refused(error, text, changes):
    with pytest.raises(error, match=re.escape(text)):
        pad_packed_sequence(PACKED._replace(**changes))


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (ValueError, "(T, B, ...)", lambda: pack_padded_sequence(X[:, 0, 0], [5])),
        (ValueError, "total_length=4", lambda: pad_packed_sequence(PACKED, total_length=4)),
        (TypeError, "needs a PackedSequence, got ndarray", lambda: pad_packed_sequence(X)),
        (ValueError, "at least one sequence", lambda: pad_sequence([])),
        (ValueError, "sequence 1 is float64 (4, 2)", lambda: pad_sequence([X[0, :, 0], X[0]])),
        (ValueError, "padding_side", lambda: pad_sequence([X[0]], padding_side="top")),
        (ValueError, "between 0 and 5", lambda: unpad_sequence(X, [9, 1, 1, 1])),
    ],
)
def test_what_does_not_fit_is_refused_by_name(error, text, make):
    with pytest.raises(error, match=re.escape(text)):
        make()


def test_a_packed_sequence_made_by_hand_is_checked_by_the_layers():
    layer = nn.GRU(2, 3).double()
    with pytest.raises(ValueError, match="must add up to the rows"):
        layer(PackedSequence(X[:, 0], np.array([9, 9])))
    with pytest.raises(ValueError, match="permutation"):
        layer(PACKED._replace(sorted_indices=[100000, 1, 2, 3]))


@pytest.mark.torch
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(("lengths", "enforce"), [(LENGTHS, False), ([5, 4, 4, 1], True)])
def test_packing_is_torchs(batch_first, lengths, enforce):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    theirs = torch.nn.utils.rnn
    x = np.swapaxes(X, 0, 1).copy() if batch_first else X
    a = pack_padded_sequence(x, lengths, batch_first, enforce)
    b = theirs.pack_padded_sequence(torch.tensor(x), torch.tensor(lengths), batch_first, enforce)
    assert a._fields == ("data", "batch_sizes", "sorted_indices", "unsorted_indices")
    np.testing.assert_array_equal(a.batch_sizes, b.batch_sizes)
    y, n = pad_packed_sequence(a, batch_first, 3.0, 6)
    z, m = theirs.pad_packed_sequence(b, batch_first, 3.0, 6)
    np.testing.assert_array_equal(y, z)
    np.testing.assert_array_equal(n, m)
    parts = [X[:k, i] for i, k in enumerate(lengths)]
    tensors = [torch.tensor(p) for p in parts]
    for side in ("left", "right"):
        np.testing.assert_array_equal(
            pad_sequence(parts, batch_first, 2.0, side),
            theirs.pad_sequence(tensors, batch_first, 2.0, side),
        )
    for ours, other in zip(
        unpack_sequence(a),
        theirs.unpack_sequence(b),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, other)
    np.testing.assert_array_equal(
        invert_permutation([2, 0, 3, 1]), theirs.invert_permutation(torch.tensor([2, 0, 3, 1]))
    )
