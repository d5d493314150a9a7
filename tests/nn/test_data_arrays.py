"""Data of other libraries: the numbers that it holds, or an error that says how to get them."""

from __future__ import annotations

import numpy as np
import pytest

from nn.data import ConcatDataset, DataLoader, Subset, TensorDataset, random_split, train_test_split
from nn.data.arrays import as_array, as_floats, numbers

X = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def pd():
    return pytest.importorskip("pandas", reason="the frames are pandas's")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"a": [True, False], "b": [1.5, 2.5]}, [[1, 1.5], [0, 2.5]]),
        ({"a": [1, 2], "b": [1.5, np.nan]}, [[1, 1.5], [2, np.nan]]),
        ({"a": np.float32([1, 2]), "b": np.int64([3, 4])}, [[1, 3], [2, 4]]),
    ],
)
def test_frames_of_numbers_of_several_types_become_arrays(pd, columns, expected):
    np.testing.assert_array_equal(as_array("test", pd.DataFrame(columns)), expected)


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "Float32", "UInt8"])
def test_nullable_columns_become_arrays_of_their_type(pd, dtype):
    column = pd.Series([1, 0, 1], dtype=dtype)
    array = as_array("test", column)
    assert array.dtype == column.dtype.numpy_dtype
    assert array.tolist() == [1, 0, 1]
    frame = pd.DataFrame({"a": column, "b": [1.5, 2.5, 3.5]})
    assert as_array("test", frame).tolist() == [[1, 1.5], [0, 2.5], [1, 3.5]]


def test_missing_integers_are_refused_and_missing_floats_are_nan(pd):
    with pytest.raises(TypeError, match=r"test.*'a' holds missing values.*fillna"):
        as_array("test", pd.DataFrame({"a": pd.Series([1, None], dtype="Int64"), "b": [1.0, 2.0]}))
    floats = pd.Series([1.5, None], dtype="Float64")
    np.testing.assert_array_equal(as_array("test", floats), [1.5, np.nan])


@pytest.mark.parametrize("values", [["red", "blue"], ["1", "2"], [None, 1.0], [[1], [2, 3]]])
def test_columns_that_are_no_numbers_are_named_with_the_cure(pd, values):
    column = pd.Series(values, dtype=object)
    with pytest.raises(TypeError, match=r"'colour'.*(get_dummies|dropna|not numbers)"):
        as_array("test", pd.DataFrame({"n": [1, 2], "colour": column}))


def test_labels_as_text_are_refused_as_numbers_with_the_cure(pd):
    for labels in (["cat", "dog"], np.array(["cat", "dog"]), pd.Series(["cat", "dog"])):
        with pytest.raises(TypeError, match=r"y is text, such as 'cat'; .*return_inverse"):
            numbers("y", labels)
    assert next(iter(DataLoader(pd.Series(["cat", "dog"]), 2))).tolist() == ["cat", "dog"]


def test_a_series_is_read_by_position_not_by_its_index(pd):
    series = pd.Series([10, 20, 30], index=[2, 0, 1])
    assert [b.tolist() for b in DataLoader(series, 2)] == [[10, 20], [30]]
    assert Subset(series, [0, 2])[1] == 30
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=[7, 8])
    assert [b.tolist() for b in DataLoader(frame, 2)] == [[[1, 3], [2, 4]]]
    x, y = next(iter(DataLoader((frame, pd.Series([5, 6], index=[8, 7])), 2)))
    assert (x.tolist(), y.tolist()) == ([[1, 3], [2, 4]], [5, 6])
    assert ConcatDataset([frame, frame])[3].tolist() == [2, 4]
    assert sorted(p[0][0] for p in random_split(frame, [1, 1], rng=0)) == [1, 2]


def test_a_tuple_of_arrays_is_split_by_samples():
    parts = random_split((X, np.arange(6)), [4, 2], rng=0)
    assert [len(p) for p in parts] == [4, 2]
    for part in parts:
        for x, y in part:
            np.testing.assert_array_equal(x, X[y])


@pytest.mark.parametrize(
    ("make", "cure"),
    [
        (lambda: (x for x in X), r"generator gives its samples only once; pass a list"),
        (lambda: map(abs, X), "map gives its samples only once"),
        (lambda: zip(X, X, strict=True), "zip gives its samples only once"),
        (lambda: np.ma.array(X, mask=X > 3), r"masked array would lose its mask.*filled"),
        (lambda: {"x": X, "y": X}, r"dict of x, y is no dataset; .*tuple\(data.values\(\)\)"),
        (lambda: "data.csv", r"'data.csv' is no dataset"),
        (lambda: None, "None is no dataset"),
        (lambda: 3, "3 is no dataset"),
        (lambda: TensorDataset, "TensorDataset'> is no dataset"),
    ],
)
def test_what_is_no_dataset_is_refused_with_the_cure(make, cure):
    with pytest.raises(TypeError, match=cure):
        DataLoader(make(), 2)
    with pytest.raises(TypeError, match=cure):
        Subset(make(), [0])


@pytest.mark.parametrize("kind", ["csr_matrix", "coo_array"])
def test_a_sparse_matrix_says_how_to_fill_it(kind):
    sparse = pytest.importorskip("scipy.sparse", reason="the matrices are SciPy's")
    S = getattr(sparse, kind)(X)
    for use in (
        lambda: DataLoader(S, 2),
        lambda: DataLoader((S, X), 2),
        lambda: TensorDataset(S),
        lambda: train_test_split(S, np.arange(6)),
        lambda: numbers("X", S),
    ):
        with pytest.raises(TypeError, match=r"sparse matrix has no array; pass \.toarray\(\)"):
            use()
    with pytest.raises(TypeError, match=r"default_collate: .*\.toarray\(\)"):
        next(iter(DataLoader([S.tocsr()[:1]] * 3, 2)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[1, 2], [3]], "rows of different lengths.*pad_collate"),
        ([1, None], "got None"),
        ([{"a": 1}], "got a dict"),
        ({1, 2}, "got a set"),
        (object(), "got a object"),
    ],
)
def test_lists_without_an_array_are_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        as_array("test", given)


def test_a_masked_array_without_masked_entries_is_an_array():
    assert as_array("test", np.ma.array([1, 2])).tolist() == [1, 2]


def test_objects_are_refused_as_numbers():
    with pytest.raises(TypeError, match=r"y is an array of objects, such as a float.*astype"):
        numbers("y", np.array([1.5, None], object))
    with pytest.raises(TypeError, match="y must be an array of numbers"):
        numbers("y", np.array(["2001-01-01"], "datetime64[D]"))


def test_numbers_beyond_the_models_type_are_refused():
    with pytest.raises(ValueError, match=r"X: numbers of up to 1e\+39 are infinite in float32"):
        as_floats("X", np.array([1e39, 1.0]), np.float32)
    assert as_floats("X", np.array([1e-50, np.nan, -np.inf]), np.float32).dtype == np.float32
    same = np.ones(3)
    assert as_floats("X", same, np.float64) is same


@pytest.mark.torch
def test_tensors_and_datasets_of_pytorch_become_arrays():
    torch = pytest.importorskip("torch", reason="the tensors are torch's")
    t = torch.arange(12.0).reshape(6, 2)
    for data in ((t, t), torch.utils.data.TensorDataset(t, t)):
        for x, y in DataLoader(data, 3):
            assert type(x) is type(y) is np.ndarray
            np.testing.assert_array_equal(x, y)
    theirs = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(t, t), 4)
    assert [x.shape for x, _ in DataLoader(theirs, None)] == [(4, 2), (2, 2)]
    with pytest.raises(TypeError, match=r"DataLoader gives batches already; pass batch_size=None"):
        DataLoader(theirs, 2)

    class Numbers(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(3))

    assert [b.tolist() for b in DataLoader(Numbers(), 2)] == [[0, 1], [2]]
