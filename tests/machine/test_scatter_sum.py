"""Sums by place, against sums of exact float64."""

from __future__ import annotations

import numpy as np
import pytest

from autograd.machine.scatter_sum import add_at_places, repeats, scatter_sum


@pytest.mark.parametrize(("dtype", "error"), [("e", 1e-3), ("f", 1e-6), ("d", 1e-9)])
def test_many_numbers_of_one_place_lose_no_digit(dtype, error):
    a = np.full(300_000, 0.1, dtype)
    places = np.arange(a.size) % 3
    right = [float(a[0]) * 1e5] * 3
    np.testing.assert_allclose(scatter_sum(a, places, 4), [*right, 0], rtol=error)


@pytest.mark.parametrize("dtype", ["e", "f", "d"])
def test_few_numbers_are_added_in_order(dtype, rng):
    a, places = rng.normal(size=40).astype(dtype), rng.integers(0, 30, 40)
    right = np.zeros(30)
    np.add.at(right, places, a)
    y = scatter_sum(a, places, 30)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, right, rtol=2e-3, atol=2e-3)


def test_places_that_repeat_are_told_by_their_owners():
    assert repeats(np.repeat([3, 5], [200, 20]), np.dtype("f")).tolist() == [3]
    assert repeats(np.repeat([3, 5], [200, 20]), np.dtype("d")).tolist() == []


def test_a_few_of_very_many_sums_lose_no_digit_either():
    sums = np.ones(1_000_000, np.float32)
    places = np.tile([3, 999_999], 10_000)
    assert repeats(places, sums.dtype).tolist() == [3, 999_999]
    add_at_places(sums, places, np.full(places.size, 0.1, np.float32))
    np.testing.assert_allclose(sums[[3, 999_999]], 1 + 1e4 * np.float32(0.1), rtol=1e-6)
    assert (np.delete(sums, [3, 999_999]) == 1).all()


def test_nothing_to_add():
    assert scatter_sum(np.zeros(0, "f"), np.zeros(0, int), 2).tolist() == [0, 0]
