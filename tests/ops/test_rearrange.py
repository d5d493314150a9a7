from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, grad, gradcheck

A = np.arange(12.0).reshape(3, 4)
CALLS = {
    "flip": lambda x: np.flip(x, (0, 1)),
    "fliplr": np.fliplr,
    "flipud": np.flipud,
    "roll": lambda x: np.roll(x, 2, axis=(0, 1)),
    "roll by an array": lambda x: np.roll(x, np.array([1, -2]), axis=(0, 1)),
    "rot90": lambda x: np.rot90(x, -3),
    "tile a list": lambda x: np.tile(x, [2, 1, 2]),
    "tile to nothing": lambda x: np.tile(x, 0),
    "repeat": lambda x: np.repeat(x, 7, axis=-1),
    "repeat each": lambda x: np.repeat(x, np.array([1, 0, 2]), axis=0),
    "take": lambda x: np.take(x, [[0, -1], [2, 2]], axis=0),
    "take raveled": lambda x: np.take(x, [11, 0]),
    "take wrapped": lambda x: np.take(x, [5, -7], axis=1, mode="wrap"),
    "take clipped": lambda x: np.take(x, [5, -7], mode="clip"),
    "compress": lambda x: np.compress([True, False, True], x, axis=0),
    "extract": lambda x: np.extract(A > 4, x),
    "delete": lambda x: np.delete(x, [0, 2], axis=1),
    "delete raveled": lambda x: np.delete(x, slice(0, 5)),
    "delete by mask": lambda x: np.delete(x, np.array([True, False, True]), axis=0),
    "insert": lambda x: np.insert(x, [1, 1, 3], 5.0, axis=1),
    "pad by a dict": lambda x: np.pad(x, {-1: (1, 2)}),
    "pad with numbers": lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4))),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_it_does_what_numpy_does(call):
    np.testing.assert_array_equal(call(Value(A)).data, call(A))
    assert gradcheck(call, A)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("width", [0, 2, (1, 2), ((1, 2), (3, 0)), ((0, 0), (2, 9))], ids=str)
def test_margins_are_numpys(mode, width):
    np.testing.assert_array_equal(np.pad(Value(A), width, mode).data, np.pad(A, width, mode))
    assert gradcheck(lambda x: np.pad(x, width, mode), A)


@pytest.mark.parametrize("where", [1, [0, 2], [1, 1], slice(0, 2), -1], ids=str)
def test_inserted_values_get_a_gradient(where, rng):
    new = rng.normal(size=(3, 1) if isinstance(where, int) else (3, 2))
    got = np.insert(Value(A), where, new, axis=1)
    np.testing.assert_array_equal(got.data, np.insert(A, where, new, axis=1))
    assert gradcheck(lambda a, x: np.insert(a, where, x, axis=1), A, new)


def test_an_inserted_number_gathers_the_gradient_of_its_copies():
    x = Value(7.0)
    assert grad(np.sum(np.insert(A, 1, x, axis=0)), x) == 4


def test_a_margin_that_has_no_gradient_is_refused_by_its_mode():
    with pytest.raises(ValueError, match=r"pad: mode must be one of constant, edge.*'mean'"):
        np.pad(Value(A), 1, "mean")


def test_a_tracked_constant_is_not_silently_lost():
    with pytest.raises(TypeError, match="pad: no gradient"):
        np.pad(Value(A), 1, constant_values=Value(2.0))


@pytest.mark.parametrize(("dtype", "n", "step"), [("e", 5000, 1.0), ("f", 1_000_000, 0.1)])
@pytest.mark.parametrize(
    "repeated",
    [
        lambda v, n: np.tile(v, (n, 1)),
        lambda v, n: np.repeat(v, n, 0),
        lambda v, n: np.repeat(v, [n], 0),
    ],
)
def test_what_is_repeated_many_times_gets_a_gradient_of_all_its_digits(repeated, dtype, n, step):
    v = Value(np.zeros((1, 2), dtype))
    np.sum(repeated(v, n) * np.dtype(dtype).type(step)).backward()
    np.testing.assert_allclose(v.grad, [[n * step] * 2], rtol=1e-6)


def test_a_number_is_repeated_along_axis_0():
    v = Value(2.0)
    y = np.repeat(v, 2, axis=0)
    assert y.data.tolist() == [2.0, 2.0]
    assert grad(np.sum(y), v) == 2


def test_inserted_values_take_the_dtype_of_the_array():
    v = Value(np.ones(2, np.float32))
    y = np.insert(v, 0, 5.0)
    assert y.dtype == np.float32
    assert y.data.tolist() == [5, 1, 1]
    w = Value(5.0)
    y = np.insert(np.ones(2, np.float32), 0, w)
    assert y.dtype == np.float32
    assert grad(np.sum(y), w) == 1


def test_values_that_do_not_fit_are_not_inserted():
    with pytest.raises(TypeError, match=r"insert: values of float64 do not fit into arr of int64"):
        np.insert(np.ones(2, np.int64), 0, Value(5.0))


def test_inserted_values_that_would_be_cut_are_refused():
    for a, x in ((Value([1.0, 2.0]), 1j), (np.ones(2, bool), Value(np.arange(2)))):
        with pytest.raises(TypeError, match=r"insert: values of .* do not fit"):
            np.insert(a, 0, x)


def test_unique_keeps_the_gradient_of_the_first_of_equal_elements():
    v = Value([3.0, 1.0, 3.0, 2.0])
    y, inverse, counts = np.unique(v, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(y.data, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(counts, [1, 1, 2])
    np.testing.assert_array_equal(y.data[inverse], v.data)
    np.sum(y * np.array([10.0, 20.0, 30.0])).backward()
    np.testing.assert_array_equal(v.grad, [30.0, 10.0, 0.0, 20.0])
    rows = Value([[2.0, 1.0], [1.0, 2.0], [2.0, 1.0]])
    np.sum(np.unique(rows, axis=0)[1]).backward()
    np.testing.assert_array_equal(rows.grad, [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])


def test_unique_labels_are_an_array():
    assert type(np.unique(Value(np.array([1, 0, 1])))) is np.ndarray
