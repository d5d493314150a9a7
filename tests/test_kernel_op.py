"""Fused ops: a kernel with a joint vjp, and a reference for the higher orders."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import KernelOp, Value, grad


@pytest.fixture
def fused(op_table):
    return KernelOp(
        lambda a, b: (a * a * b, None),
        "{a:9}^2 {b:2}",
        lambda g, needs, y, saved, a, b: (2 * g * a * b, g * a * a),
        reference=lambda a, b: a * a * b,
        arity=2,
        name="fused",
    )


@pytest.fixture
def sincos(op_table):
    def joint(g, needs, y, saved, a):
        total = np.zeros_like(a)
        if g[0] is not None:
            total += g[0] * y[1]
        if g[1] is not None:
            total -= g[1] * y[0]
        return (total,)

    return KernelOp(
        lambda a: ((np.sin(a), np.cos(a)), None),
        r"\operatorname{{sincos}} {a:3}",
        joint,
        reference=lambda a: (np.sin(a), np.cos(a)),
        arity=1,
        name="sincos",
    )


def test_a_kernel_op_takes_one_value_in_two_places(fused):
    x = Value(2.0)
    y = fused(x, x)
    assert grad(y, x) == 12.0
    slope = grad(y, x, create_graph=True)
    assert slope.item() == 12.0
    assert grad(slope, x) == 12.0


def test_a_kernel_op_tells_its_joint_vjp_what_is_needed(op_table):
    asked = []

    def joint(g, needs, y, saved, a, b):
        asked.append(list(needs))
        return (g * b if needs[0] else None, g * a if needs[1] else None)

    op = KernelOp(
        lambda a, b: (a * b, None), "{a}", joint, reference=lambda a, b: a * b, arity=2, name="k"
    )
    x = Value(2.0)
    op(x, np.array(3.0)).backward()
    assert x.grad == 3.0
    assert asked == [[True, False]]


def test_a_kernel_op_differentiates_its_reference_when_a_graph_is_wanted(fused):
    x, b = Value(2.0), Value(5.0)
    slope = grad(fused(x, b), x, create_graph=True)
    assert slope.item() == 20.0
    np.testing.assert_array_equal(grad(slope, [x, b]), [10.0, 4.0])


@pytest.mark.parametrize("chosen", [0, 1])
@pytest.mark.parametrize("create_graph", [False, True])
def test_one_output_of_several_may_be_used(sincos, chosen, create_graph):
    x = Value(0.3)
    slope = grad(sincos(x)[chosen], x, create_graph=create_graph)
    assert slope.item() == pytest.approx([np.cos(0.3), -np.sin(0.3)][chosen])


def test_all_outputs_of_several_add_up(sincos):
    x = Value(0.3)
    s, c = sincos(x)
    (s * c + s).backward()
    assert x.grad == pytest.approx(np.cos(0.6) + np.cos(0.3))


def test_an_output_used_twice_adds_up(sincos):
    x = Value(0.3)
    s, _ = sincos(x)
    (s * s + s).backward()
    assert x.grad == pytest.approx(np.sin(0.6) + np.cos(0.3))


def test_second_order_through_several_outputs(sincos):
    x = Value(0.3)
    s, c = sincos(x)
    slope = grad(s * c, x, create_graph=True)
    assert grad(slope, x) == pytest.approx(-2 * np.sin(0.6))


def test_watch_passes_over_several_outputs(sincos):
    x = Value(0.3)
    s, _ = sincos(x)
    seen = []
    grad(s, x, watch=lambda v, g: seen.append(v))
    assert seen[0] is s
    assert seen[-1] is x


def test_retain_graph_works_with_several_outputs(sincos):
    x = Value(0.3)
    s, c = sincos(x)
    y = s + c
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == pytest.approx(2 * (np.cos(0.3) - np.sin(0.3)))
    assert s.grad == 1.0  # given by the pass that retained


def test_a_stale_leaf_raises_before_a_kernel_reads_it(fused):
    x, p = Value(2.0), Value(3.0, name="p")
    y = fused(x, p)
    p.data = 1.0
    with pytest.raises(RuntimeError, match=r"fused.*'p'"):
        y.backward()


def product(joint=None, forward=None, reference=None):
    return KernelOp(
        forward or (lambda a, b: (a * b, None)),
        "{a} {b}",
        joint or (lambda g, needs, y, saved, a, b: (g * b, g * a)),
        reference=reference or (lambda a, b: a * b),
        arity=2,
        name="product",
    )


@pytest.mark.parametrize(
    ("joint", "what"),
    [
        (lambda g, needs, y, saved, a, b: (g * b,), "returned 1 gradients for 2 inputs"),
        (lambda g, needs, y, saved, a, b: (g, g, g), "returned 3 gradients for 2 inputs"),
        (lambda g, needs, y, saved, a, b: None, "returned NoneType"),
        (lambda g, needs, y, saved, a, b: {0: g, 1: g}, "returned dict"),
        (lambda g, needs, y, saved, a, b: (np.multiply(g, b, out=g), g * a), "writes to its"),
        (lambda g, needs, y, saved, a, b: (g * b, np.multiply(b, 0, out=b)), "writes to its"),
    ],
)
def test_a_joint_vjp_returns_one_gradient_for_each_input_and_writes_to_none(op_table, joint, what):
    a, b = Value([1.0, 2.0]), Value([3.0, 4.0])
    with pytest.raises((TypeError, ValueError, RuntimeError), match=f"product: its joint.*{what}"):
        np.sum(product(joint)(a, b)).backward()
    assert a.grad is None


def test_a_joint_vjp_may_be_a_generator(op_table):
    a, b = Value([1.0, 2.0]), Value([3.0, 4.0])
    np.sum(product(lambda g, needs, y, saved, a, b: iter((g * b, g * a)))(a, b)).backward()
    np.testing.assert_array_equal(b.grad, [1.0, 2.0])


@pytest.mark.parametrize("forward", [lambda a, b: a * b, lambda a, b: (a, b, a), lambda a, b: None])
def test_a_forward_that_forgets_what_it_saves_is_refused(op_table, forward):
    with pytest.raises(TypeError, match=r"product: forward must return a pair, \(y, saved\)"):
        product(forward=forward)(Value([1.0, 2.0]), Value([3.0, 4.0]))


@pytest.mark.parametrize(
    "reference", [lambda a, b: None, lambda a, b: np.sum(a * b), lambda a, b: (a * b, a)]
)
def test_a_reference_of_another_shape_is_refused(op_table, reference):
    a, b = Value([1.0, 2.0]), Value([3.0, 4.0])
    y = np.sum(product(reference=reference)(a, b))
    with pytest.raises(ValueError, match="product: its reference returned"):
        grad(y, a, create_graph=True)
