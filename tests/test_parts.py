"""Gradients of arrays that are read in parts: what they cost, and that they are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import autograd
from autograd import Value, grad
from autograd.engine import topological
from autograd.ops.arrays.index import scatter, scatter_all
from autograd.parts import add_at, places

A = np.arange(24.0).reshape(4, 3, 2)
READS = {
    "rows": lambda z: [z[t] for t in range(4)],
    "slices": lambda z: [z[t : t + 2] for t in range(4)],
    "columns": lambda z: [z[:, t] for t in range(3)],
    "arrays": lambda z: [z[np.array([t, 0, t])] for t in range(4)],
    "masks": lambda z: [z[np.equal(A % 3, t)] for t in range(3)],
    "take": lambda z: [np.take(z, [t, 1], axis=1) for t in range(3)],
    "lines": lambda z: [np.take_along_axis(z, np.full((4, 1, 2), t), axis=1) for t in range(-3, 3)],
    "diagonals": lambda z: [np.diagonal(z, t) for t in range(-3, 3)],
    "splits": lambda z: [np.split(z, [t, t + 1])[1] for t in range(3)],
    "rows of iterations": lambda z: [tuple(z)[t] for t in range(4)],
    "unstacked": lambda z: [np.unstack(z, axis=2)[t] for t in (0, 1, 1)],
    "embeddings": lambda z: [autograd.ops.embedding([t, 3, t], z[:, :, 0]) for t in range(4)],
}
every_read = pytest.mark.parametrize("read", READS.values(), ids=READS)


def total(parts):
    """A number that depends on all parts, each with its own weights."""
    rng = np.random.default_rng(0)
    return sum(np.sum(part * part * rng.normal(size=part.shape)) for part in parts)


@pytest.fixture
def counted(monkeypatch):
    """How often zeros of an input's size are made for one part, and for many."""
    count = {scatter: 0, scatter_all: 0}
    for op in count:

        def call(*args, op=op, call=op.call):
            count[op] += 1
            return call(*args)

        monkeypatch.setattr(op, "call", call)
    return count


@every_read
def test_parts_are_added_up_as_whole_arrays_are(read):
    x = Value(A)
    whole = sum(grad(total_of, x) for total_of in _apart(read, x))
    np.testing.assert_allclose(grad(total(read(x)), x), whole, rtol=1e-12)
    again = grad(total(read(x)), x, create_graph=True)
    np.testing.assert_allclose(again.data, whole, rtol=1e-12)


def _apart(read, x):
    rng = np.random.default_rng(0)
    return [np.sum(part * part * rng.normal(size=part.shape)) for part in read(x)]


@every_read
def test_second_derivatives_through_parts_are_those_of_finite_differences(read):
    assert autograd.gradgradcheck(lambda x: total(read(x)), A / 10)


def test_one_buffer_takes_all_parts(counted):
    z = Value(np.ones((50, 3)))
    y = 0.0
    for t in range(50):
        y = np.tanh(y + z[t])
    np.sum(y).backward()
    assert counted == {scatter: 1, scatter_all: 0}
    assert z.grad.base is None  # it is the buffer


def test_what_no_part_has_selected_yet_is_noted_in_one_mask(counted):
    x = Value(np.ones((50, 3)))
    z = np.sqrt(x)  # of infinite slope at 0, so that the pass asks what was selected
    sum(np.sum(z[t]) for t in range(1, 50)).backward()
    assert counted == {scatter: 2, scatter_all: 0}
    np.testing.assert_array_equal(x.grad, np.repeat([0.0, 0.5], [1, 49])[:, None] * np.ones(3))


def test_one_op_adds_up_all_parts_that_are_differentiated_again(counted):
    def numbers(steps):
        z = Value(np.ones((steps, 3)))
        y = 0.0
        for t in range(steps):
            y = np.tanh(y + z[t])
        (g,) = grad(np.sum(y), [z], create_graph=True)
        order, *_ = topological([g])
        return sum(v._data.size for v in order)

    assert numbers(80) < 2.1 * numbers(40)
    assert counted == {scatter: 2, scatter_all: 2}


def test_a_step_of_a_second_pass_makes_no_array_of_the_whole_size(counted):
    z = Value(np.ones((50, 3)))
    g = grad(sum(np.sum(z[t] ** 3) for t in range(50)), z, create_graph=True)
    counted.update(dict.fromkeys(counted, 0))
    np.sum(g**2).backward()
    np.testing.assert_allclose(z.grad, np.full((50, 3), 36.0))
    assert counted == {scatter: 1, scatter_all: 0}


def test_nothing_that_others_hold_is_added_to():
    seed, x = np.ones(3), Value(np.arange(3.0))
    y = x + 0.0  # hands its gradient on as it is
    ends = y[:1], y[1:]
    loss = np.sum(ends[0]) + np.sum(ends[1] * 2)
    (loss + np.sum(y * seed)).backward(retain_graph=True)
    np.testing.assert_array_equal(seed, [1, 1, 1])
    np.testing.assert_array_equal(y.grad, [2, 3, 3])
    np.testing.assert_array_equal(x.grad, [2, 3, 3])
    assert not np.shares_memory(x.grad, y.grad)


@pytest.mark.parametrize("order", ["whole first", "whole last"])
@pytest.mark.parametrize("dtype", ["e", "f", "d"])
def test_a_value_is_used_as_a_whole_and_in_parts(order, dtype):
    x = Value(np.array([1.0, 2.0, 3.0], dtype))
    parts = [x[0], x[-1], x[0]]
    whole = np.sum(x * x)
    terms = [whole, *parts] if order == "whole last" else [*parts, whole]
    sum(terms[1:], terms[0]).backward()
    assert x.grad.dtype == dtype
    np.testing.assert_array_equal(x.grad, [4, 4, 7])


def test_many_parts_of_half_precision_add_up_to_the_last_digit():
    x = Value(np.ones(2, np.float16))
    y = 0.0
    for _ in range(3000):
        y = y + x[0]
    y.backward()
    np.testing.assert_array_equal(x.grad, [3000, 0])


def test_a_watch_is_told_gradients_with_all_their_parts():
    for create_graph in (False, True):
        x = Value(np.ones(3))
        y = x * 2.0
        told = {}
        loss = sum(y[k] * (k + 1) for k in range(3)) + sum(x[k] for k in range(3)) * 10

        def watch(v, g, told=told):
            told[v] = np.array(g.data if isinstance(g, Value) else g)

        grad(loss, x, create_graph=create_graph, watch=watch)
        np.testing.assert_array_equal(told[y], [1, 2, 3])
        np.testing.assert_array_equal(told[x], [12, 14, 16])


def test_a_result_in_parts_is_differentiated_by_itself():
    x = Value(np.ones(3))
    y = x * 2.0
    loss = sum(y[k] * (k + 1) for k in range(3))
    for create_graph in (False, True):
        gy, gx = grad(loss, [y, x], create_graph=create_graph)
        np.testing.assert_array_equal(np.asarray(getattr(gy, "data", gy)), [1, 2, 3])
        np.testing.assert_array_equal(getattr(gx, "data", gx), [2, 4, 6])


# Zeros of elements that no part selects: √x has an infinite slope at 0


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    "read",
    [
        lambda y: [y[1], y[1:], y[[1, 2, 1]]],
        lambda y: [y[y.data > 0], y[2], y[-2]],
        lambda y: [*list(y)[1:], np.split(y, [1])[1], y[1]],
        lambda y: [np.where(np.array([False, True, True]), y, 0.0), y[1], y[2]],
        lambda y: [np.diagonal(np.stack([y, y]), 1), np.diagonal(np.stack([y, y]), 1), y[1]],
        lambda y: [y[:2][1:], y[::-1][:2], np.take_along_axis(y, np.array([2, 1]), 0)],
        lambda y: [autograd.ops.embedding([k], y.reshape(3, 1)) for k in (1, 2, 1)],
        lambda y: [
            autograd.ops.embedding([0, k], y.reshape(3, 1), padding_idx=0) for k in (1, 2, 1)
        ],
    ],
)
def test_what_no_part_selects_keeps_its_zero_under_an_infinite_slope(read, create_graph):
    v = Value(np.array([0.0, 4.0, 16.0]))
    found = grad(sum(np.sum(part) for part in read(np.sqrt(v))), v, create_graph=create_graph)
    found = found.data if create_graph else found
    assert found[0] == 0
    assert np.isfinite(found).all()
    assert (found[1:] > 0).all()


def test_what_one_part_selects_has_its_infinite_slope():
    for read in (
        lambda y: [y[1], y[:2] * 1.0, y[2]],
        lambda y: [y[2], y[1], y[[0, 0]]],
        lambda y: [y[1], y[2], y],
    ):
        v = Value(np.array([0.0, 4.0, 16.0]))
        found = grad(sum(np.sum(part) for part in read(np.sqrt(v))), v)
        assert found[0] == np.inf


def test_parts_of_a_number_know_their_zeros_too():
    v = Value(0.0)
    y = np.sqrt(v)
    parts = [np.where(False, y[None], 0.0), np.where(False, y[...], 0.0), y[None][:0]]
    np.testing.assert_array_equal(grad(sum(np.sum(part) for part in parts), v), 0.0)
    np.testing.assert_array_equal(grad(sum(np.sum(p) for p in (*parts, y[()])), v), np.inf)


# Any program


@st.composite
def reads(draw):
    """A shape, and functions that read an array of this shape in parts."""
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    return shape, draw(st.lists(one_read(shape), min_size=1, max_size=6))


def one_read(shape):
    n = len(shape)
    kinds = [
        arrays.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True).map(
            lambda index: lambda a: [a[index]]
        ),
        arrays.arrays(bool, shape).map(lambda mask: lambda a: [a[mask]]),
        st.just(lambda a: [a * 1]),
    ]
    if n and all(shape):
        axes = st.integers(-n, n - 1)
        kinds += [
            arrays.integer_array_indices(shape).map(lambda index: lambda a: [a[index]]),
            arrays.integer_array_indices(shape[:1]).map(lambda index: lambda a: [a[index[0]]]),
            axes.flatmap(lambda axis: taken_along(shape, axis)),
            axes.map(lambda axis: lambda a: np.unstack(a, axis=axis)),
            st.tuples(axes, st.integers(1, 3)).map(
                lambda pair: lambda a: np.array_split(a, pair[1], axis=pair[0])[-1:]
            ),
            st.tuples(axes, st.lists(st.integers(-3, 5), max_size=3)).map(
                lambda pair: lambda a: np.split(a, pair[1], axis=pair[0])
            ),
        ]
    if n > 1:
        pairs = st.permutations(range(n)).map(lambda axes: axes[:2])
        kinds.append(
            st.tuples(pairs, st.integers(-4, 4)).map(
                lambda drawn: lambda a: [np.diagonal(a, drawn[1], *drawn[0])]
            )
        )
    return st.one_of(kinds)


def taken_along(shape, axis):
    sizes = list(shape)
    sizes[axis] = 3
    indices = arrays.arrays(int, sizes, elements=st.integers(-shape[axis], shape[axis] - 1))
    return indices.map(lambda at: lambda a: [np.take_along_axis(a, at, axis)])


@settings(deadline=None)
@given(reads(), st.booleans(), st.booleans())
def test_any_reads_add_up_where_they_read(program, create_graph, leaf):
    shape, functions = program
    rng = np.random.default_rng(0)
    x = Value(rng.normal(size=shape))
    z = x if leaf else x * 1.0
    numbers = np.arange(x.size).reshape(shape)
    want, loss = np.zeros(x.size), 0.0
    for function in functions:
        for part, at in zip(function(z), function(numbers), strict=True):
            weights = rng.normal(size=part.shape)
            loss = loss + np.sum(part * part * weights)
            np.add.at(want, at, 2 * weights)
    curvature = want.reshape(shape)
    g = grad(loss, x, create_graph=create_graph)
    found = g.data if create_graph else g
    np.testing.assert_allclose(found, curvature * x.data, rtol=1e-9, atol=1e-9)
    if create_graph:
        direction = rng.normal(size=shape)
        twice = grad(np.sum(g * direction), x)
        np.testing.assert_allclose(twice, curvature * direction, rtol=1e-9, atol=1e-9)


# Adding at an index


@settings(deadline=None)
@given(
    arrays.array_shapes(max_dims=3, max_side=4).flatmap(
        lambda shape: st.tuples(
            st.just(shape),
            st.one_of(
                arrays.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True),
                arrays.integer_array_indices(shape),
                arrays.integer_array_indices(shape[:1]).map(lambda index: index[0]),
                arrays.integer_array_indices(shape[:1]).map(lambda index: (..., None, *index)),
            ),
        )
    ),
    st.sampled_from("CF"),
)
def test_adding_at_an_index_is_numpys(drawn, order):
    shape, index = drawn
    rng = np.random.default_rng(0)
    out = np.array(rng.normal(size=shape), order=order)
    try:
        a = rng.normal(size=out[index].shape)
    except IndexError:  # the array would index the last axis
        return
    want = out.copy()
    np.add.at(want, index, a)
    np.testing.assert_array_equal(places(index, shape).shape, a.shape)
    add_at(out, index, a)
    np.testing.assert_allclose(out, want, rtol=1e-12)
