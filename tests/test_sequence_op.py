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


@pytest.mark.parametrize(
    ("joint", "what"),
    [
        (lambda g, needs, y, xs: [g], "returned 1 gradients for 2 inputs"),
        (lambda g, needs, y, xs: None, "returned NoneType"),
        (lambda g, needs, y, xs: [np.multiply(xs[0], 2, out=xs[0]), g], "writes to its argument 3"),
    ],
)
def test_a_joint_vjp_of_another_length_or_one_that_writes_is_refused(op_table, joint, what):
    op = SequenceOp(lambda xs: xs[0] + xs[1], "{xs}", joint, name="both")
    with pytest.raises((TypeError, ValueError, RuntimeError), match=f"both: its joint vjp {what}"):
        np.sum(op([Value([1.0, 2.0]), Value([3.0, 4.0])])).backward()
