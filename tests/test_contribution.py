"""What ops contribute: shapes, dtypes, sums that lose nothing, zeros of branches not taken."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Op, Value, grad, hessian


def gradient(f, x):
    v = Value(x)
    return grad(np.sum(f(v)), v).tolist()


pytestmark = pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
F = nn.functional
LEFT = np.array([True, False])


@pytest.mark.parametrize(
    ("f", "x", "right"),
    [
        (lambda x: np.where(x > 0, np.log(x), 0), [0.0, 2.0], [0, 0.5]),
        (lambda x: np.where(x > 0, x * np.log(x), 0), [0.0, 1.0], [0, 1]),
        (lambda x: np.maximum(np.sqrt(x), 1), [0.0, 4.0], [0, 0.25]),
        (lambda x: np.max(np.sqrt(x), axis=0), [[0.0, 4.0], [1.0, 0.0]], [[0, 0.25], [0.5, 0]]),
        (lambda x: np.log(x)[1:], [0.0, 4.0], [0, 0.25]),
        (lambda x: np.split(np.log(x), 2)[1], [0.0, 4.0], [0, 0.25]),
        (lambda x: np.unstack(1 / x)[1], [0.0, 4.0], [0, -1 / 16]),
        (lambda x: np.where(LEFT, np.split(np.log(x), 2)[1], 0), [0.0, 0, 4, 0], [0, 0, 0.25, 0]),
        (lambda x: np.where(LEFT, np.sum(1 / x, 1), 0), [[1.0], [0.0]], [[-1], [0]]),
        (lambda x: np.where(LEFT, np.log(x).reshape(-1), 0), [[4.0], [0.0]], [[0.25], [0]]),
        (lambda x: np.where(LEFT, np.concatenate([np.log(x)] * 2), 0), [4.0], [0.25]),
        (lambda x: np.where([[False, True]] * 2, np.log(x), 0), [0.0, 2.0], [0, 1]),
        (lambda x: np.where(LEFT, x * np.array([3.0, np.inf]), 0), [1.0, 1.0], [3, 0]),
        (lambda x: np.where(x > 0, np.sqrt(x), 0) + x, [0.0, 4.0], [1, 1.25]),
        (lambda x: np.where(x > 0, np.exp(np.log(x) * 2), 0), [0.0, 3.0], [0, 6]),
        (lambda x: np.clip(1 / x, -1, 1), [0.0, 2.0], [0, -0.25]),
        (lambda x: np.repeat(np.log(x), [0, 2]), [0.0, 4.0], [0, 0.5]),
        (lambda x: np.diagonal(np.log(x)), [[1.0, 0.0], [0.0, 2.0]], [[1, 0], [0, 0.5]]),
        (lambda x: F.embedding(np.array([1]), np.log(x)), [[0.0], [2.0]], [[0], [0.5]]),
        (lambda x: F.relu(np.log(x)), [0.0, 2.0], [0, 0.5]),
        (lambda x: F.avg_pool1d(np.log(x), 1, 2), [[2.0, 0.0, 1.0]], [[0.5, 0, 1]]),
        (lambda x: F.max_pool1d(np.sqrt(x), 3), [[4.0, 0.0, 1.0]], [[0.25, 0, 0]]),
    ],
)
def test_a_branch_that_was_not_taken_gets_zero(f, x, right):
    np.testing.assert_allclose(gradient(f, x), right, rtol=1e-14)
    second = hessian(lambda x: np.sum(f(x)))(np.array(x))
    assert np.isfinite(second).all()


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.sqrt(x) ** 2, 0.0),  # 1
        (lambda x: 1 / (1 / x), 0.0),  # 1
        (lambda x: np.cbrt(x) ** 3, 0.0),  # 1
        (lambda x: np.exp(np.log(x)), 0.0),  # 1
        (lambda x: np.log(1 + np.exp(x)), 1000.0),  # 1
        (lambda x: np.cos(np.arccos(x)), 1.0),  # 1
        (lambda x: np.tanh(np.arctanh(x)), 1.0),  # 1
        (lambda x: np.exp(np.sum(np.log(x))), [0.0, 0.5]),  # [0.5, 0]
        (lambda x: np.log(np.sum(np.exp(x))), [1000.0, 1000.0]),  # [0.5, 0.5]
    ],
)
def test_a_zero_that_is_no_branch_is_not_kept(f, x):
    found = np.atleast_1d(gradient(f, x))
    assert np.isnan(found[0])


def test_one_use_of_a_branch_that_was_taken_counts():
    assert np.isnan(gradient(lambda x: (lambda y: np.where(x > 0, y, 0) + 0 * y)(np.log(x)), 0.0))


@pytest.mark.parametrize(
    ("vjp", "error", "text"),
    [
        (lambda g, y, a: np.ones((3, 3)), ValueError, r"triple.*shape \(3, 3\).*shape \(3,\)"),
        (lambda g, y, a: np.ones(()), ValueError, r"triple.*shape \(\).*shape \(3,\)"),
        (lambda g, y, a: np.ones(4), ValueError, r"triple.*shape \(4,\).*shape \(3,\)"),
        (lambda g, y, a: 3j * g, TypeError, "triple.*complex128"),
        (lambda g, y, a: None, TypeError, "triple.*None"),
    ],
)
def test_what_is_no_gradient_is_refused_by_name(vjp, error, text, op_table):
    triple = Op(lambda a: 3 * a, "3 {a}", vjp, name="triple")
    x = Value([1.0, 2.0, 3.0])
    with pytest.raises(error, match=text):
        np.sum(triple(x)).backward()
    assert x.grad is None


@pytest.mark.parametrize("wrong", [np.zeros((3, 1)), np.zeros(()), 1.0, Value([0.0, 0.0, 0.0])])
def test_a_grad_of_another_shape_or_type_is_refused(wrong):
    x, y = Value([1.0, 2.0, 3.0], name="x"), Value([1.0])
    x.grad = wrong
    with pytest.raises(ValueError, match=r"the \.grad of the Value x of shape \(3,\)"):
        np.sum(x * y).backward()
    assert y.grad is None


def test_float16_gradients_add_up():
    x = Value(np.float16([1, 2]))
    total = Value(np.float16(0))
    for _ in range(5000):
        total = total + np.sum(x * 1)
    total.backward()
    assert x.grad.dtype == np.float16
    assert x.grad.tolist() == [5000, 5000]


@pytest.mark.parametrize(("dtype", "n"), [("e", 5000), ("f", 1_000_000)])
def test_a_bias_over_many_rows(dtype, n):
    b = Value(np.zeros(2, dtype))
    np.sum((np.zeros((n, 2), dtype) + b) * np.array(0.125, dtype)).backward()
    np.testing.assert_allclose(b.grad, n / 8, rtol=1e-6)


COMPLEX = [
    lambda v: v * 1j,
    lambda v: 1j * v,
    lambda v: v + np.complex64(1),
    lambda v: v ** np.array([1j]),
    lambda v: v @ np.array([1j]),
    lambda v: np.where(True, 1j, v),
    lambda v: np.stack([v, np.array([1j])]),
    lambda v: np.concatenate([v, [1j]]),
    lambda v: np.einsum("i,i->", v, np.array([1j])),
    lambda v: np.pad(v, 1, constant_values=1j),
    lambda v: np.linalg.solve(np.eye(1) * 1j, v),
    lambda v: autograd.index_update(v, 0, 1j),
    lambda v: autograd.index_add(v, 0, 1j),
    lambda v: v.astype(complex),
    lambda v: v * np.array([1], "m8[s]"),
    lambda v: np.timedelta64(1, "s") * v,
]


@pytest.mark.parametrize("tracked", [True, False])
@pytest.mark.parametrize("f", COMPLEX)
def test_complex_numbers_and_times_are_refused(f, tracked):
    with pytest.raises(TypeError, match=r"complex|not an array of numbers"):
        f(Value([1.0], requires_grad=tracked))


@pytest.mark.parametrize("f", [np.linalg.norm, np.std, lambda v: np.hypot(v[0], v[1])])
def test_what_no_branch_took_has_no_second_derivative(f):
    def g(v):
        return np.where(False, f(v), 0.0) + np.sum(v**2)

    np.testing.assert_array_equal(autograd.grad(g)(np.zeros(2)), np.zeros(2))
    np.testing.assert_array_equal(autograd.hessian(g)(np.zeros(2)), 2 * np.eye(2))


def test_trace_selects_the_diagonal():
    def f(v):
        return np.trace(np.log(v))

    x = np.array([[1.0, 0.0], [0.0, 4.0]])
    np.testing.assert_array_equal(autograd.grad(f)(x), np.diag([1, 0.25]))
    np.testing.assert_array_equal(
        np.diag(autograd.hessian(f)(x).reshape(4, 4)), [-1, 0, 0, -0.0625]
    )


def test_a_branch_outside_of_a_checkpoint_or_a_kernel(op_table):
    def f(v):
        return np.sum(np.where(v > 0, autograd.checkpoint(np.log, v), 0))

    x = np.array([0.0, 4.0])
    np.testing.assert_array_equal(autograd.grad(f)(x), [0, 0.25])
    np.testing.assert_array_equal(autograd.hessian(f)(x), np.diag([0, -0.0625]))
    logs = autograd.KernelOp(
        lambda a: (np.log(a), None),
        r"\log {a}",
        lambda g, needs, y, saved, a: (np.where(g == 0, 0, g / a),),
        reference=np.log,
        arity=1,
        name="kernel_log",
        elementwise=True,
        singular=True,
    )
    h = autograd.hessian(lambda v: np.sum(np.where(v > 0, logs(v), 0)))(x)
    np.testing.assert_array_equal(h, np.diag([0, -0.0625]))


def test_a_result_that_a_checkpoint_returns_twice_is_selected_once():
    def f(v):
        a, b = autograd.checkpoint(lambda v: (y := np.sqrt(v), y), v)
        return np.sum(np.where([True, False], a, 0) + np.where([True, True], b, 0))

    np.testing.assert_array_equal(autograd.grad(f)(np.array([4.0, 4.0])), [0.5, 0.25])
