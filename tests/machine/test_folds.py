"""Cells along rows that also add up."""

import math

import numpy as np
import pytest

from autograd.machine.elementary import fell
from autograd.machine.folds import fold
from autograd.machine.jit import PLAIN, jit

_products = fold(lambda exp, wide: lambda a, x, y: (a * x, x * y, x), 2, 1, 1, "+>")
_powers = fold(lambda exp, wide: lambda x: (exp(x),), 1, 1)
_wide = fold(lambda exp, wide: lambda x: (wide(x) * wide(x),), 1, folds="+")


@jit
def products(rows, n, a, x, o, step, y, z):
    return _products(rows, n, a, x, o, step, y, o, step, z, o, step)


@jit
def powers(n, x, y):
    _powers(1, n, x, 0, 0, y, 0, 0)


@jit
def squares(n, x):
    return _wide(1, n, x, 0, 0)


DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
LENGTHS = pytest.mark.parametrize("n", [0, 1, 7, 16, 17, 64, 65, 200])


@DTYPES
@LENGTHS
def test_a_cell_writes_every_element_and_folds_all(dtype, n, rng):
    x, y = rng.normal(size=(2, n + 3)).astype(dtype)
    z = np.full(n + 3, 9, dtype)
    total, top = products(1, n, dtype(2), x, 2, 0, y, z)
    inside = slice(2, n + 2)
    np.testing.assert_array_equal(z[inside], 2 * x[inside])
    assert z[1] == z[n + 2] == 9
    exact = math.fsum(x[inside].astype(float) * y[inside])
    assert total == pytest.approx(exact, rel=1e-5, abs=1e-5 if dtype == np.float32 else 1e-13)
    assert top == max(x[inside], default=-np.inf)


@DTYPES
def test_rows_lie_as_far_apart_as_their_step(dtype, rng):
    x, y = rng.normal(size=(2, 5, 40)).astype(dtype)
    z = np.zeros((5, 40), dtype)
    _, top = products(5, 33, dtype(3), x.ravel(), 0, 40, y.ravel(), z.ravel())
    np.testing.assert_array_equal(z[:, :33], 3 * x[:, :33])
    assert not z[:, 33:].any()
    assert top == x[:, :33].max()


def test_the_bits_of_a_sum_do_not_depend_on_where_it_begins(rng):
    n = 173
    numbers = rng.normal(size=n).astype(np.float32)
    found = set()
    for start in range(20):
        x = np.zeros(n + 40, np.float32)
        x[start : start + n] = numbers
        found.add(products(1, n, np.float32(1), x, start, 0, x, np.empty_like(x))[0])
    assert len(found) == 1


def test_a_maximum_passes_over_nan():
    x = np.array([1, np.nan, 3, np.nan], np.float32)
    assert products(1, 4, np.float32(1), x, 0, 0, x, np.empty_like(x))[1] == 3


def test_a_widened_sum_is_added_up_in_float64():
    x = np.full(300, 1e30, np.float32)
    assert squares(300, x) == pytest.approx(300e60, rel=1e-6)


@DTYPES
def test_the_exponential_of_a_cell_is_right_to_the_last_places(dtype, rng):
    low = -103 if dtype == np.float32 else -744
    if PLAIN:  # exp(x) itself, which has fewer digits where it is subnormal
        low *= 0.83
    x = np.concatenate([rng.uniform(low, 0, 5000), rng.uniform(-1, 0, 5000), [0, -1e-9]])
    x = x.astype(dtype)
    y = np.empty_like(x)
    powers(x.size, x, y)
    exact = np.exp(x.astype(np.longdouble))
    error = np.abs(y * np.longdouble(fell(dtype)) / exact - 1)
    assert error.max() < 1.5 * np.finfo(dtype).eps


@DTYPES
def test_the_exponential_of_a_cell_keeps_nan_and_ends_in_zero(dtype):
    x = np.array([np.nan, -np.inf, -1e30, -1e3], dtype)
    y = np.empty_like(x)
    powers(4, x, y)
    np.testing.assert_array_equal(y, [np.nan, 0, 0, 0])
