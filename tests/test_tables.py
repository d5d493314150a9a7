"""Tables of pandas and Polars where arrays go: their numbers, or the way to some."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

import nn
from autograd import Value, grad
from autograd.tables import is_table, of_table
from nn import functional as F  # noqa: N812 - PyTorch users' name

A, B = np.arange(4.0, dtype=np.float32), np.arange(4.0, dtype=np.float32) ** 2
DAYS = [datetime.date(2020, 1, day) for day in (1, 2, 3, 4)]


@pytest.fixture
def pd():
    return pytest.importorskip("pandas", reason="the tables are pandas'")


@pytest.fixture
def pl():
    return pytest.importorskip("polars", reason="the tables are Polars'")


@pytest.fixture(params=["pandas", "polars"])
def library(request):
    return pytest.importorskip(request.param, reason=f"the tables are {request.param}'s")


def series(library, values, dtype=None):
    """A column called c; `dtype` is what pandas needs to be told, Polars sees it."""
    if library.__name__ == "polars":
        return library.Series("c", values)
    return library.Series(values, dtype=dtype, name="c")


@pytest.fixture
def table(library):
    return library.DataFrame({"a": A, "b": B})


def test_a_table_is_taken_wherever_an_array_is(table):
    rows, column = np.stack([A, B], 1), table["b"]
    assert is_table(table)
    assert is_table(column)
    for given, right in ((table, rows), (column, B)):
        v = Value(given)
        np.testing.assert_array_equal(v.data, right)
        assert (v.dtype, v.requires_grad) == (np.float32, True)
        w = Value(np.ones(right.shape, np.float32))
        np.testing.assert_array_equal(grad(np.sum(w * given), w), right)
        np.testing.assert_array_equal(F.relu(given), right)
    layer = nn.Linear(2, 1, rng=0)
    np.testing.assert_array_equal(layer(table).data, layer(rows).data)
    outputs = Value(A)
    assert F.mse_loss(outputs, column).item() == F.mse_loss(outputs, B).item()
    assert nn.metrics.MeanAbsoluteError()(A, column) == nn.metrics.MeanAbsoluteError()(A, B)
    np.testing.assert_array_equal(nn.train.predict(layer, table), layer(rows).data)
    losses = [
        nn.train.fit(nn.Linear(2, 1, rng=0), data, "mse", epochs=2, rng=0, verbose=False)["loss"]
        for data in ((table, column), (rows, B))
    ]
    assert losses[0] == losses[1]


def test_integers_are_indices_and_classes(library):
    table = library.DataFrame({"k": [2, 0, 1, 1]})
    rows = nn.Embedding(3, 2, rng=0)(table["k"])
    np.testing.assert_array_equal(rows.data, nn.Embedding(3, 2, rng=0)(np.array([2, 0, 1, 1])).data)
    logits = Value(np.eye(4, 3))
    right = F.cross_entropy(logits, np.array([2, 0, 1, 1])).item()
    assert F.cross_entropy(logits, table["k"]).item() == right


def test_columns_of_several_types_become_one_array(library):
    table = library.DataFrame({"a": A, "flag": [True, False, True, True], "n": [1, 2, 3, 4]})
    np.testing.assert_array_equal(
        of_table("doc", table), np.stack([A, [1, 0, 1, 1], [1, 2, 3, 4]], 1)
    )
    np.testing.assert_array_equal(of_table("doc", table["flag"]), [True, False, True, True])


def test_the_cure_of_a_wrong_float_type_is_one_that_the_table_has(library):
    table = library.DataFrame({"a": A.astype(float), "b": B.astype(float)})
    with pytest.raises(
        TypeError, match=r"input is float64.*Use x\S*\.astype\(np\.float32\)"
    ) as error:
        nn.Linear(2, 1)(table)
    cure = str(error.value).partition("Use ")[2].partition(" or convert")[0]
    assert nn.Linear(2, 1)(eval(cure, {"x": table, "np": np})).shape == (4, 1)


def test_missing_floats_are_nan_and_missing_integers_are_refused(library):
    np.testing.assert_array_equal(
        of_table("doc", series(library, [1.5, None], "Float64")), [1.5, np.nan]
    )
    cure = r"\.fill_null\(0\)" if library.__name__ == "polars" else r"\.fillna\(0\)"
    for column in (
        series(library, [1, None], "Int64"),
        series(library, [True, None], "boolean"),
    ):
        for given in (column, column.to_frame()):
            with pytest.raises(TypeError, match=f"Value.*column 'c' holds missing values.*{cure}"):
                Value(given)


def test_nullable_and_object_columns_of_numbers_are_numbers(pd):
    frame = pd.DataFrame({"a": A, "b": B})
    for given in (frame.astype("Float32"), frame.convert_dtypes(), frame.astype(object)):
        np.testing.assert_array_equal(Value(given).data, np.stack([A, B], 1))
        np.testing.assert_array_equal(Value(given["b"]).data, B)
    assert Value(frame.astype("Float32")).dtype == np.float32
    numbers = pd.Series(pd.Categorical([3, 1, 3]))
    np.testing.assert_array_equal((Value(np.ones(3)) * numbers).data, [3, 1, 3])


WRONG = {  # values -> the cure of pandas for a series and in a frame, that of Polars
    "text": (
        ["x", "y", "x", "y"],
        ("return_inverse", "get_dummies"),
        ("return_inverse", "to_dummies"),
    ),
    "category": (
        ["x", "y", "x", "y"],
        (r"cat\.codes", "get_dummies"),
        (r"to_physical\(\)", "to_dummies"),
    ),
    "date": (DAYS, (r"astype\('datetime64\[s\]'\)",) * 2, (r"dt\.epoch",) * 2),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_column_without_numbers_is_named_with_its_cure(library, kind):
    values, *cures = WRONG[kind]
    polars = library.__name__ == "polars"
    alone, framed = cures[polars]
    column = series(library, values)
    if kind == "category":
        column = column.cast(library.Categorical) if polars else column.astype("category")
    if kind == "date" and not polars:
        column = library.to_datetime(column)
    frame = library.DataFrame({"a": A, "c": column})
    w = Value(np.ones((4, 2), np.float32))
    for use in (
        lambda: Value(column),
        lambda: w[:, 0] * column,
        lambda: F.mse_loss(w[:, 0], column),
    ):
        with pytest.raises(TypeError, match=f"column 'c' holds .*, not numbers; .*{alone}"):
            use()
    for use in (lambda: Value(frame), lambda: w * frame, lambda: nn.Linear(2, 1)(frame)):
        with pytest.raises(
            TypeError, match=f"column 'c' holds .*leave it out, or encode it: .*{framed}"
        ):
            use()


def test_the_cures_work(library):
    polars = library.__name__ == "polars"
    labels, days = series(library, ["x", "y", "x"]), series(library, DAYS)
    codes = (
        labels.cast(library.Categorical).to_physical()
        if polars
        else labels.astype("category").cat.codes
    )
    assert sorted(set(Value(codes).data)) == [0, 1]
    seconds = (
        days.dt.epoch("s")
        if polars
        else library.to_datetime(days).astype("datetime64[s]").astype(int)
    )
    assert np.diff(Value(seconds).data).tolist() == [86400.0] * 3


def test_columns_of_lists_and_records_are_refused(pl):
    with pytest.raises(TypeError, match=r"holds List\(Int64\), not numbers; .*numpy\.stack"):
        Value(pl.Series("a", [[1, 2], [3, 4]]))
    with pytest.raises(TypeError, match=r"holds Struct.*unnest"):
        Value(pl.DataFrame({"a": [{"q": 1}]}))
    with pytest.raises(TypeError, match=r"holds Decimal.*cast\(float\)"):
        Value(pl.Series("a", [1]).cast(pl.Decimal(10, 2)))


def test_an_empty_table_is_an_empty_array(library):
    assert Value(library.DataFrame({"a": A})[:0]).shape == (0, 1)
    assert of_table("doc", library.DataFrame()).size == 0
