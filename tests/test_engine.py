"""The engine: who gets which gradient, in what shape, and what is freed."""

from __future__ import annotations

import contextvars
import gc
import sys
import threading

import numpy as np
import pytest

from autograd import Value, enable_grad, grad, no_grad
from autograd.node import Node


def slope_of(value):
    """d(value)/d(leaf) by backward, for a graph made by `value`."""
    x = Value(np.array([1.0, 2.0, 3.0]))
    value(x).sum().backward()
    return x.grad


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: x * x, lambda x: 2 * x),
        (lambda x: x + x, lambda x: 2 + 0 * x),
        (lambda x: x - x, lambda x: 0 * x),
        (lambda x: np.sin(x) * np.exp(x), lambda x: np.exp(x) * (np.sin(x) + np.cos(x))),
        (lambda x: (x * x) * (x * x) + x, lambda x: 4 * x**3 + 1),
    ],
    ids=["square", "twice", "cancel", "diamond", "diamond_of_one_node"],
)
def test_contributions_to_a_shared_input_add_up(f, slope):
    np.testing.assert_allclose(slope_of(f), slope(np.array([1.0, 2.0, 3.0])), rtol=1e-14)


def test_a_chain_of_diamonds_is_walked_once_per_node():
    x = Value(1.0)
    y = x
    for _ in range(60):  # 2 ** 60 paths
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


@pytest.mark.parametrize("shape", [(3, 1), (1,), (), (1, 1, 4), (3, 4), (2, 1, 1)])
def test_broadcasting_is_undone(shape, rng):
    x, w = Value(rng.normal(size=shape)), rng.normal(size=(2, 3, 4))
    np.sum(x * w).backward()
    assert x.grad.shape == shape
    lead = 3 - len(shape)
    axes = tuple(i for i in range(3) if i < lead or shape[i - lead] == 1)
    np.testing.assert_allclose(x.grad, w.sum(axis=axes).reshape(shape), rtol=1e-13)


def test_repeated_backward_accumulates():
    x = Value(3.0)
    for _ in range(2):
        (x * x).backward()
    assert x.grad == 12.0


def test_gradients_that_accumulate_keep_their_dtype():
    x = Value(np.ones(3, np.float32))
    for _ in range(2):
        np.sum(x * np.full(3, 2.0)).backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [4, 4, 4])


def test_an_earlier_gradient_is_not_written_to_when_another_is_added():
    x = Value(np.ones(2))
    np.sum(x * 2).backward()
    first = x.grad
    np.sum(x * 2).backward()
    np.testing.assert_array_equal(first, [2, 2])


def test_a_mixed_precision_graph_gives_each_leaf_its_own_dtype():
    a, b = Value(np.ones((2, 1), np.float32)), Value(np.ones(3))
    c = Value(np.ones(3, np.float16))
    np.sum(a * b * c).backward()
    assert [v.grad.dtype for v in (a, b, c)] == [np.float32, np.float64, np.float16]
    assert [v.grad.shape for v in (a, b, c)] == [(2, 1), (3,), (3,)]


def test_a_second_backward_raises_and_says_retain_graph():
    x = Value(2.0)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    assert x.grad == 4.0


def test_a_released_graph_raises_through_a_value_that_shares_it():
    x = Value(2.0)
    shared = x * x
    (shared * 3).backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        (shared * 5).backward()
    assert x.grad == 12.0


def test_a_retained_graph_takes_a_second_pass():
    x = Value(2.0)
    y = x**3
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 24.0


def test_retained_intermediates_get_their_gradient():
    x = Value(2.0)
    square = x * x
    y = square * 3
    y.backward(retain_graph=True)
    assert (y.grad, square.grad, x.grad) == (1.0, 3.0, 12.0)


def test_released_intermediates_keep_no_gradient():
    x = Value(2.0)
    square = x * x
    (square * 3).backward()
    assert square.grad is None


def test_retained_gradients_do_not_alias():
    x = Value(np.ones(3))
    a = x + 0.0
    b = a.reshape(3)
    np.sum(b).backward(retain_graph=True)
    arrays = [x.grad, a.grad, b.grad]
    for i, g in enumerate(arrays):
        assert g.flags.writeable
        assert not any(np.shares_memory(g, h) for h in arrays[:i])


def test_backward_frees_activations_on_the_way():
    x = Value(np.ones(3))
    hidden = np.exp(x)
    np.sum(hidden * 2).backward()
    assert hidden.inputs == ()


def test_the_incoming_gradient_weighs_the_outputs():
    x = Value([1.0, 2.0])
    (x * x).backward(gradient=[10.0, 100.0])
    np.testing.assert_array_equal(x.grad, [20.0, 400.0])


def test_the_incoming_gradient_may_be_a_value():
    x = Value([1.0, 2.0])
    (x * x).backward(gradient=Value([10.0, 100.0]))
    np.testing.assert_array_equal(x.grad, [20.0, 400.0])


def test_the_incoming_gradient_takes_the_dtype_of_the_value():
    x = Value(np.ones(2, np.float32))
    (x * 2).backward(gradient=[1, 2])
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("f", [lambda x: x + 0.0, lambda x: x.reshape(2), lambda x: x])
def test_the_incoming_gradient_is_neither_aliased_nor_changed(f):
    x, seed = Value([1.0, 2.0]), np.array([3.0, 4.0])
    f(x).backward(gradient=seed)
    f(x).backward(gradient=seed)
    assert not np.shares_memory(x.grad, seed)
    np.testing.assert_array_equal(seed, [3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [6.0, 8.0])


def test_an_incoming_gradient_of_another_shape_raises_with_both_shapes():
    x = Value([1.0, 2.0])
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        (x * x).backward(gradient=np.ones(3))


def test_an_array_needs_an_incoming_gradient():
    with pytest.raises(ValueError, match="gradient="):
        (Value([1.0, 2.0]) * 2).backward()


def test_a_result_of_size_one_and_any_rank_starts_from_one():
    x = Value(np.full((1, 1), 3.0))
    (x * x).backward()
    np.testing.assert_array_equal(x.grad, [[6.0]])


def test_backward_of_a_leaf_gives_it_the_incoming_gradient():
    x = Value(3.0)
    x.backward()
    assert x.grad == 1.0


def test_a_result_of_constants_has_no_gradient_to_give():
    with pytest.raises(RuntimeError, match="requires a gradient"):
        (Value(2.0, requires_grad=False) * 3).backward()


def test_leaves_that_require_none_get_none():
    x, c = Value(2.0), Value(3.0, requires_grad=False)
    (x * c).backward()
    assert c.grad is None
    assert x.grad == 3.0


WRITES = {
    "assigned": lambda p: setattr(p, "data", p.data * 2),
    "in_place": lambda p: setattr(p, "data", np.subtract(p.data, 1.0, out=p.data)),
}


def subtract(p):
    p.data -= 0.5


WRITES["augmented"] = subtract


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_leaf_written_to_before_backward_raises_and_is_named(write):
    x, p = Value(2.0), Value(3.0, name="weight")
    y = x * p
    write(p)
    with pytest.raises(RuntimeError, match=r"multiply.*'weight'"):
        y.backward()


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_written_leaf_whose_value_the_vjp_does_not_read_passes(write):
    x, p = Value(np.ones((2, 3))), Value(np.ones(3))
    y = np.sum(x + p)
    write(p)
    y.backward()
    np.testing.assert_array_equal(p.grad, [2, 2, 2])
    np.testing.assert_array_equal(x.grad, np.ones((2, 3)))


def test_the_stale_error_leaves_gradients_and_graph_whole():
    x, p = Value(2.0), Value(3.0, name="p")
    hidden = np.exp(x * p)
    y = hidden + x * 2.0
    p.data = 5.0
    x.grad = np.array(7.0)
    for _ in range(2):  # the second time it still is this error, not a released graph
        with pytest.raises(RuntimeError, match="'p'"):
            y.backward()
    assert x.grad == 7.0
    assert p.grad is None
    assert hidden.inputs


def test_the_stale_check_guards_grad_and_create_graph_too():
    x, p = Value(2.0), Value(3.0, name="p")
    y = x * p
    p.data = 5.0
    for create_graph in (False, True):
        with pytest.raises(RuntimeError, match="'p'"):
            grad(y, x, create_graph=create_graph)


def test_a_leaf_that_only_a_later_graph_uses_is_not_stale():
    x, p = Value(2.0), Value(3.0)
    early = x * 2.0
    p.data = 5.0
    (early * p).backward()
    assert (x.grad, p.grad) == (10.0, 4.0)


def test_a_write_after_backward_starts_a_new_step():
    p = Value(3.0)
    for _ in range(3):
        p.grad = None
        (p * p).backward()
        p.data -= 0.1 * p.grad
    np.testing.assert_allclose(p.data, 3 * 0.8**3)


def test_a_view_of_a_leaf_that_was_written_to_in_place_is_stale_too():
    p, x = Value(np.ones((2, 3)), name="p"), Value(np.full((3, 2), 2.0))
    y = np.sum(p.T * x)
    p.data -= 5  # p.T is a view: its numbers change with it
    with pytest.raises(RuntimeError, match="'p'"):
        y.backward()
    assert x.grad is None


def test_a_view_of_a_leaf_that_was_assigned_to_keeps_its_numbers():
    p, x = Value(np.ones((2, 3))), Value(np.full((3, 2), 2.0))
    y = np.sum(p.T * x)
    p.data = np.zeros((2, 3))
    y.backward()
    np.testing.assert_array_equal(x.grad, np.ones((3, 2)))


def test_a_use_after_the_write_is_not_stale_because_of_one_before():
    x, p = Value(2.0), Value(3.0)
    early = x + p  # reads no numbers
    p.data = 5.0
    late = x * p
    (early + late).backward()
    assert (x.grad, p.grad) == (6.0, 3.0)


def test_only_the_input_that_is_read_is_stale():
    x, p = Value(2.0), Value(3.0)
    y = x * p  # the gradient of p reads x only
    p.data = 5.0
    np.testing.assert_array_equal(grad(y, p), 2.0)


def test_a_constant_value_written_to_is_stale_too():
    x, c = Value(2.0), Value(3.0, requires_grad=False, name="running_mean")
    y = x * c
    c.data = 5.0
    with pytest.raises(RuntimeError, match="'running_mean'"):
        y.backward()


def test_no_grad_records_nothing():
    x = Value(2.0)
    with no_grad():
        y = x * x
    assert not y.requires_grad
    assert y.op is None
    assert y.inputs == ()


def test_modes_nest():
    x = Value(2.0)
    with no_grad():
        with enable_grad():
            inner = x * 2
            with no_grad():
                innermost = x * 2
        outer = x * 2
    after = x * 2
    recorded = [v.requires_grad for v in (inner, innermost, outer, after)]
    assert recorded == [True, False, False, True]


def test_modes_end_when_the_block_raises():
    x = Value(2.0)
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (x * 2).requires_grad


def test_modes_decorate_functions_that_recurse():
    x = Value(2.0)

    @no_grad()
    def frozen(depth):
        return x * 2 if depth == 0 else frozen(depth - 1)

    assert not frozen(3).requires_grad
    assert (x * 2).requires_grad


def test_a_mode_object_can_be_entered_twice():
    x, mode = Value(2.0), no_grad()
    with mode, mode:
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_a_mode_is_local_to_its_thread():
    x, seen = Value(2.0), []
    inside, leave = threading.Event(), threading.Event()

    def frozen():
        with no_grad():
            inside.set()
            leave.wait(10)
            seen.append((x * 2).requires_grad)

    thread = threading.Thread(target=frozen)
    thread.start()
    inside.wait(10)
    seen.append((x * 2).requires_grad)
    leave.set()
    thread.join()
    assert seen == [True, False]


def test_a_mode_is_copied_with_its_context():
    x = Value(2.0)
    with no_grad():
        context = contextvars.copy_context()
    assert not context.run(lambda: x * 2).requires_grad
    assert (x * 2).requires_grad


def test_threads_that_run_backward_at_once_get_their_own_gradients():
    results = {}

    def work(k):
        x = Value(np.full(8, float(k)))
        y = x
        for _ in range(50):
            y = y * 1.0 + x
        np.sum(y).backward()
        results[k] = x.grad

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 8
    for g in results.values():
        np.testing.assert_array_equal(g, np.full(8, 51.0))


def test_a_deep_chain_needs_no_recursion():
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    limit = sys.getrecursionlimit()
    y.backward(retain_graph=True)
    assert x.grad == 1.0
    assert sys.getrecursionlimit() == limit
    del y  # freed without recursion too


def test_a_deep_chain_can_be_dropped_without_backward():
    y = Value(1.0)
    for _ in range(100_000):
        y = -y
    del y


def garbage_of(work):
    """How many Nodes only the cycle collector could free after `work`."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        work()
        gc.collect()
        return sum(isinstance(o, (Node, np.ndarray)) for o in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def _backward():
    x = Value(np.ones(3))
    np.sum(np.tanh(x * x) @ np.ones(3)).backward()


def _dropped():
    np.sum(np.exp(Value(np.ones(3))) ** 2)


def _retained():
    np.sum(np.exp(Value(np.ones(3))) ** 2).backward(retain_graph=True)


def _second_order():
    x = Value(np.ones(3))
    slope = grad(np.sum(x**3), x, create_graph=True)
    np.sum(slope * slope).backward()


@pytest.mark.parametrize("work", [_backward, _dropped, _retained, _second_order])
def test_no_graph_is_left_to_the_cycle_collector(work):
    work()  # imports and caches
    assert garbage_of(work) == 0


def test_the_garbage_test_can_fail():
    def cycle():
        x = Value(1.0)
        x.scope = [x]

    assert garbage_of(cycle) > 0


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0, 3)])
def test_zero_size_arrays_have_zero_size_gradients(shape):
    x = Value(np.zeros(shape))
    np.sum(np.sin(x) * x + 1.0).backward()
    assert x.grad.shape == shape


def test_a_scalar_broadcast_over_nothing_gets_a_zero_gradient():
    x = Value(2.0)
    np.sum(x * np.zeros((0, 3))).backward()
    assert x.grad == 0.0
    assert x.grad.shape == ()


def test_gradients_of_scalars_are_arrays_of_no_axes():
    x = Value(2.0)
    (x * 3).backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.shape == ()


def test_an_incoming_gradient_of_a_shared_node_is_not_written_to():
    # both branches hand the same buffer on; adding in place would change the other's
    x, z = Value(np.ones(3)), Value(np.ones(3))
    a = x + z
    b = a + x
    c = b + a
    c.backward(gradient=np.array([1.0, 2.0, 3.0]), retain_graph=True)
    np.testing.assert_array_equal(b.grad, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(a.grad, [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(x.grad, [3.0, 6.0, 9.0])
    np.testing.assert_array_equal(z.grad, [2.0, 4.0, 6.0])


def test_backward_does_not_change_constants():
    c = np.array([1.0, 2.0])
    x = Value(np.ones(2))
    np.sum(x * c + c * x + c).backward()
    np.testing.assert_array_equal(c, [1.0, 2.0])


def test_the_incoming_gradient_stays_the_callers():
    for make in (
        lambda x: x + 0.0,
        lambda x: np.reshape(x, (1, 3))[0],
        lambda x: x + x,
        np.positive,
    ):
        x, g = Value(np.zeros(3)), np.ones(3)
        make(x).backward(g)
        assert not np.shares_memory(x.grad, g)
        assert (g == 1).all()
        assert not np.shares_memory(grad(make(x), x, gradient=g), g)


def test_a_complex_grad_is_not_added_to():
    x = Value([1.0, 2.0])
    x.grad = np.array([1j, 1.0])
    with pytest.raises(ValueError, match=r"\.grad .* complex128.*real numbers"):
        np.sum(x * x).backward()
