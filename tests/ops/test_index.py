from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Value, grad, gradcheck, gradgradcheck
from autograd.parts import places

A = np.arange(12.0).reshape(3, 4)
INDICES = {
    "int": 1,
    "negative": -1,
    "slice": slice(2, 0, -1),
    "column": (slice(None), 1),
    "ellipsis": (Ellipsis, 0),
    "new axis": (0, None, 1),
    "list": [0, 0, 2],
    "array": np.array([-1, 0, -1]),
    "unsigned": np.array([1, 2], np.uint8),
    "pairs": (np.array([0, 1]), np.array([1, 1])),
    "outer": (np.array([[0], [1]]), [2, 3, 2]),
    "separated": (np.array([0, 0]), None, [1, 1]),
    "array and slice": (np.array([0, 0]), slice(1, 3)),
    "mask": A % 3 == 0,
    "row mask": np.array([True, False, True]),
    "mask and int": (np.array([True, False, True]), 1),
    "0-d array": np.array(1),
    "nothing": np.array([], int),
    "True": True,
}
every_index = pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)


@every_index
def test_an_index_reads_what_numpy_reads(index):
    np.testing.assert_array_equal(Value(A)[index].data, A[index])
    assert gradcheck(lambda x: x[index], A)


@every_index
def test_places_are_where_the_elements_lie(index):
    np.testing.assert_array_equal(A.reshape(-1)[places(index, A.shape)], A[index])


@every_index
def test_index_update_writes_what_numpy_writes(index, rng):
    new = rng.normal(size=A[index].shape)
    want = A.copy()
    want[index] = new
    np.testing.assert_array_equal(autograd.index_update(Value(A), index, new).data, want)
    assert gradcheck(lambda a, x: autograd.index_update(a, index, x), A, new)


@every_index
def test_index_add_adds_as_numpy_does(index, rng):
    new = rng.normal(size=A[index].shape)
    want = A.copy()
    np.add.at(want, index, new)
    np.testing.assert_allclose(autograd.index_add(Value(A), index, new).data, want)
    assert gradcheck(lambda a, x: autograd.index_add(a, index, x), A, new)


def test_a_place_that_is_read_twice_gets_both_gradients():
    x = Value([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(grad(np.sum(x[[0, 0, 2]]), x), [2.0, 0.0, 1.0])


def test_of_two_writes_to_one_place_the_last_gets_the_gradient():
    a, x = Value([1.0, 2.0, 3.0]), Value([5.0, 6.0, 7.0])
    y = autograd.index_update(a, [0, 0, 1], x)
    np.testing.assert_array_equal(y.data, [6.0, 7.0, 3.0])
    for g, want in zip(grad(np.sum(y), [a, x]), ([0, 0, 1], [0, 1, 1]), strict=True):
        np.testing.assert_array_equal(g, want)


def test_the_last_write_is_last_in_any_memory_order(rng):
    rows = np.asfortranarray(np.array([[0, 1], [1, 0]]))
    assert gradcheck(
        lambda a, x: autograd.index_update(a, rows, x), rng.normal(size=2), rng.normal(size=(2, 2))
    )


def test_what_is_written_broadcasts_and_gets_a_gradient_of_its_shape(rng):
    for write in (autograd.index_update, autograd.index_add):
        assert gradcheck(lambda a, x, w=write: w(a, slice(0, 2), x), A, rng.normal(size=4))
        assert gradgradcheck(lambda a, x, w=write: w(a, [0, 0], x) ** 2, A, rng.normal(size=()))


def test_the_input_of_an_update_stays_as_it_was():
    x = Value([1.0, 2.0])
    autograd.index_update(x, 0, 9.0)
    autograd.index_add(x, 0, 9.0)
    np.testing.assert_array_equal(x.data, [1.0, 2.0])


def test_an_update_of_another_shape_is_an_error_with_both_shapes():
    with pytest.raises(ValueError, match=r"index_update: x of shape \(2,\) .* a\[index\], \(4,\)"):
        autograd.index_update(Value(A), 0, [1.0, 2.0])


def test_fractions_are_not_written_into_integers():
    with pytest.raises(TypeError, match=r"index_update: float64 does not fit into int64"):
        autograd.index_update(Value(np.array([1, 2])), 0, Value(2.5))


def test_integer_values_are_indices():
    x = Value(A)
    np.testing.assert_array_equal(x[Value(np.array([0, 2]))].data, A[[0, 2]])
    np.testing.assert_array_equal(x[Value(np.array(1)), :].data, A[1])


def test_an_index_out_of_bounds_is_an_error_with_the_shape():
    with pytest.raises(IndexError, match=r"getitem: index 5 is out of bounds .*\(3, 4\)"):
        Value(A)[5]


def test_what_is_not_chosen_can_not_spoil_the_gradient():
    x = Value([0.0, 4.0])
    np.testing.assert_array_equal(grad(np.sum(np.sqrt(x)[1:]), x), [0.0, 0.25])


@pytest.mark.parametrize(("dtype", "n", "step"), [("e", 5000, 1.0), ("f", 1_000_000, 0.1)])
@pytest.mark.parametrize("index", ["rows", "elements"])
def test_a_position_read_many_times_gets_a_gradient_of_all_its_digits(dtype, n, step, index):
    v, places = Value(np.zeros((3, 2), dtype)), np.full(n, 1)
    part = v[places] if index == "rows" else v[places, places]
    np.sum(part * np.dtype(dtype).type(step)).backward()
    np.testing.assert_allclose(v.grad[1, 1], n * step, rtol=1e-6)
    assert not v.grad[0].any()
