"""Ops on a sequence of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import SequenceOp, Value, grad


@pytest.fixture
def pair_product(op_table):
    return SequenceOp(
        lambda xs: xs[0] * xs[1],
        "{xs}",
        lambda g, needs, y, xs: (g * xs[1], g * xs[0]),
        name="pair_product",
    )


def test_a_sequence_op_takes_one_value_twice_and_constants(pair_product):
    x = Value(3.0)
    np.testing.assert_array_equal(grad(pair_product([x, x]), x), 6.0)
    np.testing.assert_array_equal(grad(pair_product([2.0, x]), x), 2.0)
