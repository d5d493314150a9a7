from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, engine, grad, gradcheck

SPLITS = {
    "split": lambda a: np.split(a, [1, 3]),
    "split evenly": lambda a: np.split(a, 2, axis=1),
    "array_split": lambda a: np.array_split(a, 3),
    "hsplit": lambda a: np.hsplit(a, 2),
    "vsplit": lambda a: np.vsplit(a, [1]),
    "dsplit": lambda a: np.dsplit(a, 3),
    "unstack": lambda a: np.unstack(a, axis=1),
    "iteration": tuple,
}


@pytest.mark.parametrize("shape", [(), (3,), (3, 2), (3, 2, 2)])
@pytest.mark.parametrize("join", [np.hstack, np.vstack, np.dstack, np.column_stack])
def test_stacks_are_numpys(join, shape, rng):
    a, b = rng.normal(size=shape), rng.normal(size=shape)
    np.testing.assert_array_equal(join([Value(a), b]).data, join([a, b]))
    assert gradcheck(lambda a, b: join((a, b)), a, b)


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_parts_are_numpys(split, rng):
    a = rng.normal(size=(4, 2, 3))
    got, want = split(Value(a)), split(a)
    assert type(got) is type(want)
    for y, part in zip(got, want, strict=True):
        np.testing.assert_array_equal(y.data, part)
    assert gradcheck(split, a)


def test_one_value_can_be_a_sequence_of_its_rows(rng):
    a = rng.normal(size=(3, 2))
    for join in (np.concatenate, np.stack, np.hstack, np.vstack):
        np.testing.assert_array_equal(join(Value(a)).data, join(a))


def test_blocks_are_numpys(rng):
    a, b = rng.normal(size=(2, 2)), rng.normal(size=(2, 2))
    y = np.block([[Value(a), b], [b, Value(a)]])
    np.testing.assert_array_equal(y.data, np.block([[a, b], [b, a]]))
    assert gradcheck(lambda a, b: np.block([[a, b], [b, a]]), a, b)
    assert np.block([Value([1.0]), 2.0]).shape == (2,)


def test_append_is_numpys(rng):
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(1, 3))
    np.testing.assert_array_equal(np.append(Value(a), b).data, np.append(a, b))
    np.testing.assert_array_equal(np.append(a, Value(b), axis=0).data, np.append(a, b, axis=0))


def test_an_output_that_is_not_used_gets_zeros():
    x = Value(np.ones((3, 2)))
    _, middle, _ = x
    np.testing.assert_array_equal(grad(np.sum(middle), x), [[0, 0], [1, 1], [0, 0]])


def test_iteration_takes_one_op_and_one_output_a_row():
    x = Value(np.ones((50, 2)))
    total = sum(np.sum(row) for row in x)
    order, *_ = engine.topological([total])
    names = [v.op.name for v in order]
    assert names.count("unstack") == 1
    assert names.count("output") == 50


def test_iterating_over_no_rows_gives_nothing():
    assert list(Value(np.ones((0, 2)))) == []


def test_parts_that_are_not_equal_are_an_error():
    with pytest.raises(ValueError, match=r"split: array split does not .*\(3,\)"):
        np.split(Value(np.ones(3)), 2)
    with pytest.raises(ValueError, match=r"vsplit: needs an array of 2 axes or more.*\(3,\)"):
        np.vsplit(Value(np.ones(3)), 3)


def test_shapes_that_do_not_join_are_in_the_error():
    with pytest.raises(ValueError, match=r"concatenate: .*\(3,\).*\(2, 2\)"):
        np.concatenate([Value(np.ones(3)), Value(np.ones((2, 2)))])


@pytest.mark.parametrize("f", [np.split, np.hsplit, np.vsplit])
def test_no_parts_are_refused_by_name(f):
    with pytest.raises(ValueError, match=r"split: the number of sections must be at least 1"):
        f(Value(np.ones((4, 4))), 0)
