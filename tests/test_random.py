from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd.random import as_generator, default_generator


def test_seed_repeats_the_default_generator():
    autograd.seed(7)
    a = default_generator().random(3)
    autograd.seed(7)
    np.testing.assert_array_equal(a, default_generator().random(3))


def test_none_means_the_default_generator():
    assert as_generator() is default_generator()


def test_a_generator_is_taken_as_it_is():
    rng = np.random.default_rng(0)
    assert as_generator(rng) is rng


def test_a_seed_makes_a_new_generator():
    assert as_generator(5).random() == as_generator(np.int64(5)).random()


@pytest.mark.parametrize("rng", ["5", 1.0, True, np.random])
def test_anything_else_is_refused(rng):
    with pytest.raises(TypeError, match="rng must be"):
        as_generator(rng)
