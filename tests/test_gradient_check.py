"""gradcheck and gradgradcheck: they pass what is right and catch what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import Op, Value, gradcheck, gradgradcheck, no_grad
from autograd.node import Node

X = np.array([0.3, -1.2, 2.0])


def planted(op_table, forward, *vjps):
    return Op(forward, "{a}", *vjps, name="planted")


@pytest.mark.parametrize(
    "vjp",
    [
        lambda g, y, a: -g * np.cos(a),
        lambda g, y, a: 2 * g * np.cos(a),
        lambda g, y, a: g * np.sin(a),
        lambda g, y, a: np.cos(a) + 0 * g,
        lambda g, y, a: g * np.cos(a) + 1e-4,
        lambda g, y, a: g * np.cos(a) * np.nan,
        lambda g, y, a: g * np.where(a > 1, 0, np.cos(a)),
        lambda g, y, a: 0 * g,
    ],
    ids=["sign", "factor", "function", "no_g", "offset", "nan", "one_element", "zero"],
)
def test_a_wrong_vjp_is_caught(op_table, vjp):
    op = planted(op_table, lambda a: np.sin(a), vjp)
    with pytest.raises(AssertionError, match="finite differences"):
        gradcheck(op, X)


def test_a_vjp_without_a_derivative_is_caught(op_table):
    op = planted(op_table, lambda a, b: a * b, lambda g, y, a, b: g * b, None)
    with pytest.raises(AssertionError, match="input 1"):
        gradcheck(op, X, X)


def test_a_vjp_that_reduces_over_the_wrong_axis_is_caught(op_table):
    op = planted(
        op_table,
        lambda a, b: a * b,
        lambda g, y, a, b: g * b,
        lambda g, y, a, b: np.broadcast_to(np.mean(g * a, axis=0), b.shape),  # mean, not sum
    )
    with pytest.raises(AssertionError, match="input 1"):
        gradcheck(op, np.ones((4, 3)), X)


def test_a_forward_that_ignores_broadcasting_is_caught(op_table):
    op = planted(op_table, lambda a, b: a * b, lambda g, y, a, b: g * b, lambda g, y, a, b: g)
    with pytest.raises(AssertionError, match="input 1"):
        gradcheck(op, np.full((2, 3), 2.0), X)


def test_a_wrong_second_derivative_is_caught(op_table):
    def vjp(g, y, a):  # right in numbers, but its own derivative is lost
        slope = np.cos(a._data if isinstance(a, Node) else a)
        return g * slope

    op = planted(op_table, lambda a: np.sin(a), vjp)
    assert gradcheck(op, X)
    with pytest.raises(AssertionError, match="finite differences"):
        gradgradcheck(op, X)


def test_a_wrong_derivative_of_a_vjp_is_caught(op_table):
    wrong = planted(op_table, lambda a: np.cos(a), lambda g, y, a: g * np.sin(a))  # sign
    op = planted(op_table, lambda a: np.sin(a), lambda g, y, a: g * wrong(a))
    assert gradcheck(op, X)
    with pytest.raises(AssertionError):
        gradgradcheck(op, X)


def test_the_error_names_input_element_and_both_numbers(op_table):
    op = planted(
        op_table,
        lambda a, b: a + b,
        lambda g, y, a, b: g,
        lambda g, y, a, b: g * np.array([[1.0, 1.0], [1.0, 3.0]]),
    )
    with pytest.raises(AssertionError, match=r"input 1 at \(1, 1\).*gradient is.*differences give"):
        gradcheck(op, np.ones((2, 2)), np.ones((2, 2)))


def test_every_output_is_checked(op_table):
    wrong = planted(op_table, lambda a: np.sin(a), lambda g, y, a: g)
    with pytest.raises(AssertionError):
        gradcheck(lambda a: (a * 2, wrong(a)), X)


def test_the_first_error_does_not_hide_in_a_symmetric_sum(op_table):
    # the sum over elements is right, the elements are not
    op = planted(op_table, lambda a: a * 1.0, lambda g, y, a: g[::-1])
    with pytest.raises(AssertionError):
        gradcheck(op, X)


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_right_derivatives_pass(check):
    assert check(lambda a, b: np.sin(a) * b + a**3, X, np.ones((2, 1)))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_inputs_may_be_values_lists_and_numbers(check):
    assert check(lambda a, b, c: a * b * c, Value([1.0, 2.0]), [3.0, 4.0], 5.0)


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_inputs_are_left_alone(check):
    x, v = X.copy(), Value(X)
    check(lambda a, b: a * a * b, x, v)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(v.data, X)
    assert v.grad is None


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_a_function_without_a_gradient_passes(check):
    assert check(lambda a: np.floor(a), X + 0.1)


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_inputs_may_be_empty(check):
    assert check(np.sin, np.zeros((0, 3)))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_a_check_inside_no_grad_still_checks(check, op_table):
    wrong = planted(
        op_table, lambda a: a**3, lambda g, y, a: g * (a._data if isinstance(a, Node) else a)
    )
    with no_grad(), pytest.raises(AssertionError):
        check(wrong, X)


def test_an_infinite_difference_quotient_is_not_taken_for_the_gradient(op_table):
    steep = planted(op_table, lambda a: np.where(a > 0.3, np.inf, 0.0), lambda g, y, a: 5 * g)
    with pytest.raises(AssertionError, match="finite differences"):
        gradcheck(steep, [0.3])


@pytest.mark.parametrize(
    ("x", "what"),
    [
        (1j, "complex"),
        (None, "None"),
        ({"a": 1j}, "complex"),
        ("1.0", "str"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "mask"),
        ([[1.0], [1.0, 2.0]], "inhomogeneous"),
    ],
    ids=["complex", "None", "in a dict", "string", "masked", "ragged"],
)
def test_an_input_that_is_not_real_numbers_is_named(x, what):
    with pytest.raises((TypeError, ValueError), match=rf"gradcheck: input 1: .*{what}"):
        gradcheck(lambda a, b: a * b, 1.0, x)


def test_collections_are_checked_in_every_part(op_table):
    wrong = planted(op_table, lambda a: a * a, lambda g, y, a: g * a)
    params = {"w": X, "b": [0.5, None, np.ones(3)]}

    def loss(square):
        return lambda p, x: square(p["w"]) * x + p["b"][0] * np.sin(p["b"][2])

    assert gradcheck(loss(np.square), params, 2.0)
    assert gradgradcheck(loss(np.square), params, 2.0)
    with pytest.raises(AssertionError, match="input 0 at"):
        gradcheck(loss(wrong), params, 2.0)
