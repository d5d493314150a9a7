"""Data that changes between recording and the backward pass: noticed, or the gradient is right."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, grad
from autograd.stale import SMALL, fingerprint

SIZES = (3, SMALL // 8 + 11)
WRITTEN = pytest.raises(RuntimeError, match="was written to after this op used it")
F = nn.functional


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("write", [lambda c: c.fill(7), lambda c: c.__setitem__(-1, 7)])
def test_a_constant_that_a_vjp_needs(n, write):
    c, x = np.ones(n), Value(np.ones(n))
    for y in (x * c, c * x, x / c, np.maximum(x, c), np.dot(x, c), x**c):
        write(c)
        with WRITTEN:
            np.sum(y).backward()
        c.fill(1)
    assert x.grad is None


@pytest.mark.parametrize("n", SIZES)
def test_a_constant_that_no_vjp_needs_may_change(n):
    c, x = np.ones(n), Value(np.ones(n))
    y = np.sum(c - (x + c)) + np.sum(np.concatenate([x, c]))
    c.fill(7)
    y.backward()
    assert np.array_equal(x.grad, np.zeros(n))


@pytest.mark.parametrize("n", SIZES)
def test_an_index_and_a_mask(n):
    i, m, x = np.arange(n), np.arange(n) % 2 == 0, Value(np.ones(n))
    ys = [x[i], x[m], np.where(m, x, 0), np.take(x, i), autograd.ops.index_update(x, i, 2.0)]
    i[:], m[:] = 0, ~m
    for y in ys:
        with WRITTEN:
            np.sum(y * y).backward()
    assert x.grad is None


def test_a_list_as_an_index_may_change():
    i, x = [0, 1], Value([3.0, 4.0, 5.0])
    y = np.sum(x[i] * np.array([10.0, 20.0]))
    i[:] = [2, 2]
    y.backward()
    assert x.grad.tolist() == [10, 20, 0]


@pytest.mark.parametrize("n", [4, 20_000])
def test_a_batch_of_a_layer_and_labels_of_a_loss(n):
    layer, batch = nn.Linear(3, 2), np.ones((n, 3), np.float32)
    total = np.sum(layer(batch))
    batch[:] = 0
    with WRITTEN:
        total.backward()
    assert layer.weight.grad is None
    labels, z = np.arange(n) % 2, Value(np.zeros((n, 2)))
    loss = F.cross_entropy(z, labels)
    labels[:] = 0
    with WRITTEN:
        loss.backward()


def test_a_batch_buffer_that_is_shuffled_in_place(rng):
    for width in (509 * 2, 64, 1):  # rows that fill the rows of a fingerprint too
        layer, batch = nn.Linear(width, 2), rng.random((20_000 // width + 90, width), np.float32)
        total = np.sum(layer(batch))
        rng.shuffle(batch)
        with WRITTEN:
            total.backward()


@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed"])
def test_a_fingerprint_finds_any_one_element_in_any_layout(layout, rng):
    a = rng.random((97, 113))
    if layout == "F":
        a = np.asfortranarray(a)
    elif layout == "strided":
        a = np.repeat(a, 2, 1)[:, ::2]
    elif layout == "reversed":
        a = a[::-1]
    before = fingerprint(a)
    assert fingerprint(a) == before
    for place in [(0, 0), (96, 112), (50, 3), (12, 99)]:
        old = a[place]
        a[place] = np.nextafter(old, 2)
        assert fingerprint(a) != before
        a[place] = old
    a[[3, 40]] = a[[40, 3]]
    assert fingerprint(a) != before


def test_a_large_array_that_nobody_can_write_to_is_not_read(rng):
    a = rng.random(100_000)
    view = a[:]
    view.flags.writeable = False
    assert len(fingerprint(view)) > 1000  # a may be written to
    a.flags.writeable = False
    assert len(fingerprint(a[1:])) < 20
    x = Value(np.ones(100_000))
    y = np.sum(x * a)
    a.flags.writeable = True
    a[:] = 0
    with WRITTEN:
        y.backward()


@pytest.mark.parametrize("n", SIZES)
def test_an_element_of_a_leaf(n):
    x = Value(np.ones(n))
    y = np.sum(x * x)
    x.data[0] = 100.0
    with WRITTEN:
        y.backward()
    with WRITTEN:
        grad(y, x)
    again = np.sum(x * x)
    again.backward()
    assert x.grad[:2].tolist() == [200, 2]


def test_an_array_of_a_leaf_that_was_read_before_the_op():
    x = Value([3.0, 4.0])
    array = x.data
    y = np.sum(x * x)
    array[0] = 100.0
    with WRITTEN:
        y.backward()
    array[0] = 5.0
    np.sum(x * x).backward()  # written to before its op: nothing is wrong
    assert x.grad.tolist() == [10, 8]


def test_a_leaf_that_is_only_read_between():
    x = Value([3.0, 4.0])
    y = np.sum(x * x)
    assert x.data.sum() == 7
    y.backward()
    assert x.grad.tolist() == [6, 8]


def test_an_untracked_value_and_its_array():
    c, x = Value(np.array([1, 2]), requires_grad=False), Value([3.0, 4.0])
    for write in (lambda: c.data.fill(5), lambda: np.asarray(c).fill(6)):
        y = np.sum(x * c)
        write()
        with WRITTEN:
            y.backward()


def test_an_untracked_view_does_not_share_memory_with_its_leaf():
    x = Value([1.0, 2.0])
    with autograd.no_grad():
        row = x.reshape(2, 1)
    row.data[0] = 100
    assert x.data.tolist() == [1, 2]


def test_an_update_between_two_steps_is_no_write_too_early():
    x = Value([3.0, 4.0])
    for step in range(3):
        x.grad = None
        np.sum(x * x).backward()
        assert x.grad.tolist() == (2 * x.data).tolist()
        if step:
            x.data -= 0.5
        else:
            x.data[1] -= 0.5


def test_backward_from_several_threads_loses_nothing():
    for n in (1, 100_000):
        x = Value(np.zeros(n))

        def work(x=x):
            for _ in range(200):
                np.sum(x * 1.0).backward()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert np.array_equal(x.grad, np.full(n, 800.0))


@pytest.mark.parametrize("view", [np.transpose, np.ravel, lambda v: v[:], lambda v: np.split(v, 1)])
@pytest.mark.parametrize("tracked", [True, False])
def test_an_untracked_view_whose_leaf_is_written_to(view, tracked):
    leaf, x = Value([4.0, 5.0], requires_grad=tracked), Value([1.0, 2.0])
    with autograd.no_grad():
        constant = view(leaf)
    y = np.sum(x * (constant[0] if isinstance(constant, list) else constant))
    leaf.data -= 1
    with WRITTEN:
        y.backward()
    y = np.sum(x * (constant[0] if isinstance(constant, list) else constant))
    y.backward()
    np.testing.assert_array_equal(x.grad, [3.0, 4.0])


def test_one_of_several_outputs_that_are_views_of_a_leaf():
    x = Value([1.0, 2.0, 3.0])
    y = np.split(x, 3)[0]
    y = np.sum(y * y)
    x.data -= 1
    with WRITTEN:
        y.backward()


def test_the_result_of_an_op_that_is_a_view_of_a_constant():
    second = autograd.Op(
        lambda a, b: b[:1], "{b}", lambda g, y, a, b: g * a, lambda g, y, a, b: g, name="second"
    )
    x, c = Value([2.0]), np.array([3.0, 4.0])
    y = second(x, c)
    np.sum(y * y).backward()
    np.testing.assert_array_equal(x.grad, [12.0])
    y = second(x, c)
    z = np.sum(y * y)
    c[0] = 5
    with WRITTEN:
        z.backward()


def test_the_ends_of_a_slice():
    x, start, stop = Value([1.0, 2.0, 3.0]), np.array(0), np.array(1)
    y = np.sum(x[start:stop] * 2)
    start[...], stop[...] = 2, 3
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 0.0, 0.0])
    with pytest.raises(TypeError, match="getitem: slice indices must be integers"):
        x[np.array(0.5) :]
