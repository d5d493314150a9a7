"""Derivatives as functions."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import Op, Value, grad, no_grad


def test_grad_touches_no_leaf():
    x = Value(2.0)
    assert grad(x * x, x) == 4.0
    assert x.grad is None


def test_grad_leaves_the_graph_usable():
    x = Value(2.0)
    y = x * x
    assert grad(y, x) == grad(y, x) == 4.0
    y.backward()
    assert x.grad == 4.0


def test_grad_of_intermediate_values():
    x = Value(2.0)
    hidden = x * x
    assert grad(hidden**2, hidden) == 8.0


def test_grad_of_an_intermediate_and_its_ancestor():
    x = Value(2.0)
    hidden = x * x
    y = hidden * 3 + x
    np.testing.assert_array_equal(grad(y, [hidden, x, y]), [3.0, 13.0, 1.0])


def test_grad_of_the_same_value_twice_gives_two_arrays():
    x = Value([2.0, 3.0])
    a, b = grad(np.sum(x * x), [x, x])
    np.testing.assert_array_equal(a, b)
    assert not np.shares_memory(a, b)


def test_grad_of_a_value_with_respect_to_itself_is_one():
    x = Value(2.0)
    assert grad(x, x) == 1.0


def test_grad_results_alias_nothing():
    x = Value([1.0, 2.0])
    a = x + 0.0
    seed = np.array([5.0, 6.0])
    arrays = [seed, x.data, a.data, *grad(a + 1.0, [x, a], seed)]
    for i, g in enumerate(arrays[3:], 3):
        assert not any(np.shares_memory(g, h) for h in arrays[:i])


def test_an_x_without_a_path_raises_unless_allowed():
    x, z = Value(2.0), Value(3.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        grad(x * x, [x, z])
    assert grad(x * x, [x, z], allow_unused=True)[1] is None


def test_grad_keeps_to_the_paths_that_lead_to_xs(op_table):
    calls = []

    def spy(g, y, a):
        calls.append(1)
        return g

    op = Op(lambda a: +a, "{a}", spy, name="spy")
    x, z = Value(2.0), Value(3.0)
    grad(op(z) * x, x)
    assert calls == []


def test_watch_sees_every_node_outputs_first():
    x = Value(2.0, name="x")
    hidden = x * x
    y = hidden + 1.0
    seen = []
    grad(y, x, watch=lambda v, g: seen.append((v, float(g))))
    assert seen == [(y, 1.0), (hidden, 1.0), (x, 4.0)]


def test_watch_sees_leaves_that_were_not_asked_for():
    x, z = Value(2.0), Value(3.0)
    seen = {}
    grad(x * z, x, watch=lambda v, g: seen.update({v: float(g)}))
    assert seen[x] == 3.0
    assert seen[z] == 2.0


def test_watch_under_create_graph_gets_values():
    x = Value(2.0)
    seen = []
    grad(x**3, x, create_graph=True, watch=lambda v, g: seen.append((v, g)))
    assert isinstance(dict(seen)[x], Value)


def test_the_third_derivative_of_x_sin_x_is_exact():
    x = Value(0.7)
    d = np.sin(x) * x
    for _ in range(3):
        d = grad(d, x, create_graph=True)
    exact = -3 * np.sin(0.7) - 0.7 * np.cos(0.7)
    assert d.item() == pytest.approx(exact, rel=1e-14)


def test_the_sixth_derivative_of_a_power_is_its_factorial():
    x = Value(1.5)
    d = x**6
    for _ in range(6):
        d = grad(d, x, create_graph=True)
    assert d.item() == pytest.approx(720.0)


def test_backward_through_a_gradient_reaches_the_leaves():
    x = Value([1.0, 2.0])
    penalty = np.sum(grad(np.sum(x**3), x, create_graph=True) ** 2)  # 9 x⁴
    penalty.backward()
    np.testing.assert_allclose(x.grad, 36 * np.array([1.0, 8.0]))


def test_create_graph_works_inside_no_grad():
    x = Value(2.0)
    y = x**3
    with no_grad():
        slope = grad(y, x, create_graph=True)
    assert grad(slope, x) == 12.0


def test_a_gradient_that_is_constant_is_a_value_without_history():
    x = Value(2.0)
    slope = grad(x * 3.0, x, create_graph=True)
    assert isinstance(slope, Value)
    assert slope.item() == 3.0
    with pytest.raises(RuntimeError):
        grad(slope, x)


def test_second_derivatives_undo_broadcasting():
    x = Value(np.array([[1.0], [2.0]]))
    y = np.sum((x * np.arange(3.0)) ** 2)
    slope = grad(y, x, create_graph=True)
    np.testing.assert_allclose(grad(np.sum(slope), x), [[10.0], [10.0]])


def test_the_incoming_gradient_is_differentiable_under_create_graph():
    x, g = Value([1.0, 2.0]), Value([3.0, 4.0])
    pulled = grad(x**2, x, g, create_graph=True)
    np.testing.assert_array_equal(grad(np.sum(pulled), g), [2.0, 4.0])


def test_create_graph_leaves_the_first_graph_whole():
    x = Value(2.0)
    y = x**3
    grad(y, x, create_graph=True)
    y.backward()
    assert x.grad == 12.0
