"""The number of threads, as users set it."""

from __future__ import annotations

import numpy as np
import pytest

import autograd

pytestmark = pytest.mark.usefixtures("threads")


def test_what_is_set_is_what_is_got():
    autograd.set_num_threads(3)
    assert autograd.get_num_threads() == 3


def test_a_convolution_has_the_same_bits_on_any_number_of_threads():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(8, 4, 32, 32)), rng.normal(size=(8, 4, 3, 3))
    found = []
    for n in (1, 2, 3):
        autograd.set_num_threads(n)
        found.append(autograd.ops.conv2d(x, w))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@pytest.mark.parametrize(
    ("n", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_a_number_that_makes_no_sense_is_refused(n, error):
    with pytest.raises(error, match="set_num_threads: n must be"):
        autograd.set_num_threads(n)
