"""Metrics of predicted sequences."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn.metrics import edit_distance, error_rate

TEXT = st.text("abc", max_size=7)


@functools.cache
def by_recursion(a, b):
    """The definition: what is done to the last tokens, and the rest."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        by_recursion(a[:-1], b) + 1,
        by_recursion(a, b[:-1]) + 1,
        by_recursion(a[:-1], b[:-1]) + (a[-1] != b[-1]),
    )


@settings(deadline=None, max_examples=80)
@given(TEXT, TEXT, TEXT)
def test_the_edit_distance_is_its_definition_and_a_metric(a, b, c):
    assert edit_distance(a, b) == by_recursion(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


def test_tokens_may_be_letters_words_and_numbers():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance(["a", "b", "c"], ("a", "c")) == 1
    assert edit_distance(np.array([3, 1, 2]), [3, 2]) == 1
    assert edit_distance("", "abc") == edit_distance([1, 2, 3], []) == 3


def test_the_error_rate_weighs_targets_by_their_lengths():
    assert error_rate(["abcdefgh", "x"], ["abcdefgh", "ab"]) == 2 / 10
    assert error_rate([[1, 1, 1]], [[2]]) == 3
    assert error_rate([np.array([1, 2])], [[1, 2]]) == 0
    assert error_rate(iter(["ab", ""]), iter(["ab", "cd"])) == 0.5


def test_what_is_no_sequence_of_tokens_is_refused():
    with pytest.raises(ValueError, match=r"edit_distance: .*\(n,\), got \(2, 2\)"):
        edit_distance(np.ones((2, 2)), [1])
    with pytest.raises(TypeError, match=r"edit_distance: .*not int"):
        edit_distance([1], 1)
    with pytest.raises(TypeError, match="error_rate: targets must be a list of sequences"):
        error_rate(["cat"], "cat")
    with pytest.raises(ValueError, match="1 predictions for 2 targets"):
        error_rate(["cat"], ["cat", "hat"])
    with pytest.raises(ValueError, match="contain no tokens"):
        error_rate(["cat"], [""])
