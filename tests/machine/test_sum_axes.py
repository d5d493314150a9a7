"""Sums along axes, against sums of exact float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from autograd.machine import pool
from autograd.machine.sum_axes import sum_axes

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("dtype", "error"), [("e", 1e-3), ("f", 1e-6), ("d", 1e-15)])
def test_a_million_equal_rows_lose_no_digit(dtype, error):
    a = np.full((1_000_003, 2), 0.05, dtype)
    right = float(a[0, 0]) * len(a)
    np.testing.assert_allclose(sum_axes(a, (0,)), right, rtol=error)


def test_a_broadcast_array_is_summed_without_a_copy_of_it():
    a = np.broadcast_to(np.float32(0.1), (10**9, 3))
    np.testing.assert_allclose(sum_axes(a, (0,)), np.full(3, np.float32(0.1) * 1e9), rtol=1e-6)


@pytest.mark.parametrize("layout", ["C", "F", "reversed", "sliced"])
@pytest.mark.parametrize("axes", [(0,), (1,), (-1,), (0, 2), (1, 0), (0, 1, 2), ()])
@pytest.mark.parametrize("dtype", ["e", "f", "d", "D"])
def test_any_axes_of_any_layout(layout, axes, dtype):
    a = RNG.normal(size=(37, 130, 11)).astype(dtype)
    if layout == "F":
        a = np.asfortranarray(a)
    elif layout == "reversed":
        a = a[:, ::-1]
    elif layout == "sliced":
        a = np.repeat(a, 2, -1)[..., ::2]
    for keepdims in (False, True):
        y = sum_axes(a, axes, keepdims)
        right = np.sum(a.astype("D" if dtype == "D" else "d"), axis=axes, keepdims=keepdims)
        assert (y.shape, y.dtype) == (right.shape, a.dtype)
        np.testing.assert_allclose(y, right, rtol=2e-3 if dtype == "e" else 1e-4, atol=2e-2)


def test_no_rows_and_no_columns():
    assert sum_axes(np.ones((0, 3), np.float16), (0,)).tolist() == [0] * 3
    assert sum_axes(np.ones((300, 0), np.float32), (0,)).shape == (0,)
    assert sum_axes(np.ones((0, 300, 3), np.float32), (1,)).shape == (0, 3)


def test_rows_that_do_not_fill_a_fold_are_counted():
    for n in itertools.chain(range(600), (4096, 4097, 5000)):
        a = np.ones((n, 3), np.float32)
        assert sum_axes(a, (0,)).tolist() == [n] * 3


def test_infinities_and_nan_stay_in_their_column():
    a = np.ones((1000, 4))
    a[7, 0], a[500, 1], a[999, 2], a[3, 2] = np.inf, np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        y = sum_axes(a, (0,))
    np.testing.assert_array_equal(y, [np.inf, np.nan, np.nan, 1000])


def test_integers_add_up_as_numpy_has_it():
    a = np.full((1000, 2), 100, np.int8)
    assert sum_axes(a, (0,)).tolist() == [100_000] * 2


LONG = [(300_001,), (3, 100_003), (70_000, 5), (2, 3, 20_000), (40_000, 1)]


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("shape", LONG)
def test_long_and_many_rows_are_summed_to_their_last_digits(shape, dtype):
    a = RNG.uniform(size=shape).astype(dtype)
    for x in (a, a[::-1], np.asfortranarray(a)):
        for axis in (-1, None):
            axes = tuple(range(x.ndim)) if axis is None else (axis,)
            y, right = sum_axes(x, axes), np.sum(x.astype("g"), axis=axis)
            assert (np.shape(y), y.dtype) == (right.shape, a.dtype)
            np.testing.assert_allclose(y, right, rtol=3e-7 if dtype == "f" else 1e-14)


def test_a_long_sum_has_the_same_bits_on_any_number_of_threads():
    a = RNG.normal(size=(3, 2_000_003)).astype("f")
    before, found = pool.get_num_threads(), set()
    try:
        for threads in (1, 2, 3):
            pool.set_num_threads(threads)
            found.add((sum_axes(a, (1,)).tobytes(), sum_axes(a, (0, 1)).tobytes()))
    finally:
        pool.set_num_threads(before)
    assert len(found) == 1


def test_infinities_and_nan_stay_in_their_row():
    a = np.ones((100, 1000), "f")
    a[7, 0], a[50, 999], a[99, 500], a[99, 501] = np.inf, np.nan, np.inf, -np.inf
    y = sum_axes(a, (1,))
    assert y[7] == np.inf
    assert np.isnan(y[[50, 99]]).all()
    assert (np.delete(y, [7, 50, 99]) == 1000).all()
