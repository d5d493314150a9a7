"""Tables: the numbers of data frames and series of pandas and Polars, or how to get some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def is_table(x: Any) -> bool:
    """Whether it is a data frame, a series or the like, of pandas or Polars.

    Examples
    --------
    >>> is_table(np.ones(3)), is_table([1.0])
    (False, False)
    """
    return hasattr(x, "to_numpy") and (hasattr(x, "columns") or hasattr(x, "dtype"))


def of_table(who: str, table: Any, text: bool = False) -> Array:
    """The numbers of a table, whose columns may differ in type.

    Parameters
    ----------
    who : what the error is about.
    table : data frame, (N, C), or series, (N,). Missing floats are NaN.
    text : whether a series may hold text, such as labels.

    Raises
    ------
    TypeError
        Columns without numbers, and missing integers; it names the column and the way to numbers.
    """
    if not hasattr(table, "columns"):
        column = _of_column(who, table)
        if column.dtype.kind in "biuf" or (text and column.dtype.kind in "US"):
            return column
        raise TypeError(f"{_about(who, table)} holds {table.dtype}, not numbers; {_cure(table)}.")
    if hasattr(table, "iloc") and all(isinstance(dtype, np.dtype) for dtype in table.dtypes):
        array = np.asarray(table)
        if array.dtype.kind in "biuf":
            return array
    columns = []
    for series in _series(table):
        columns.append(_of_column(who, series))
        if columns[-1].dtype.kind not in "biuf":
            raise TypeError(
                f"{_about(who, series)} holds {series.dtype}, not numbers; leave it out, or encode "
                f"it: {_cure(series, frame=True)}."
            )
    return np.column_stack(columns) if columns else np.empty(table.shape)


def _series(frame: Any) -> Iterator[Any]:
    if hasattr(frame, "iloc"):
        return (frame.iloc[:, i] for i in range(frame.shape[1]))
    return iter(frame.get_columns())


def _about(who: str, column: Any) -> str:
    name = getattr(column, "name", None)
    return who if name in (None, "") else f"{who}: the column {name!r}"


def _cure(column: Any, frame: bool = False) -> str:
    """How a column that holds no numbers becomes some."""
    kind, polars = str(column.dtype).lower(), hasattr(column, "null_count")
    if kind.startswith(("date", "time", "duration")):
        seconds = "dt.epoch('s')" if polars else "astype('datetime64[s]').astype(int)"
        return f"seconds of times are column.{seconds}"
    if kind.startswith("decimal"):
        return "floats of decimals are column.cast(float)" if polars else "column.astype(float)"
    if kind.startswith(("list", "array")):
        return "numpy.stack(column.to_list()) is an array of lists of one length"
    if kind.startswith("struct"):
        return "column.struct.unnest() has its fields as columns"
    if frame:
        return "frame.to_dummies(name)" if polars else "pandas.get_dummies(frame)"
    if kind.startswith(("categor", "enum")):
        return "its class indices are column." + ("to_physical()" if polars else "cat.codes")
    return "make it an array of numbers: classes, y = numpy.unique(list(x), return_inverse=True)"


def _of_column(who: str, column: Any) -> Array:
    """A series as an array of its own type: of numbers or text where it holds such."""
    if hasattr(column, "null_count"):
        return _of_polars(who, column)
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        return np.asarray(column)
    missing = bool(np.any(column.isna())) if hasattr(column, "isna") else False
    kind = getattr(dtype, "kind", "O")
    if kind in "biuf":
        if missing and kind != "f":
            raise TypeError(
                f"{_about(who, column)} holds missing values; fill them, as with .fillna(0)."
            )
        named: dict[str, Any] = {"na_value": np.nan} if missing else {}
        return np.asarray(column.to_numpy(getattr(dtype, "numpy_dtype", dtype), **named))
    if missing:
        raise TypeError(
            f"{_about(who, column)} holds missing values; remove these samples, as with .dropna()."
        )
    values = np.asarray(column)
    if values.dtype.kind != "O":  # categories that are numbers
        return values
    listed = values.tolist()  # text, or numbers kept as objects
    return np.array(listed) if _plain(listed) else values


def _of_polars(who: str, column: Any) -> Array:
    dtype = column.dtype
    numbers = dtype.is_integer() or str(dtype) == "Boolean"
    if numbers and column.null_count():
        raise TypeError(
            f"{_about(who, column)} holds missing values; fill them, as with .fill_null(0)."
        )
    if numbers or dtype.is_float():
        return np.asarray(column.to_numpy())
    if column.null_count():
        raise TypeError(
            f"{_about(who, column)} holds missing values; remove these samples, as with "
            ".drop_nulls()."
        )
    listed = column.to_list()
    return np.array(listed) if _plain(listed) else np.array([None])


def _plain(values: list[Any]) -> bool:
    """Whether all are text or numbers of Python."""
    return all(isinstance(x, (str, bool, int, float)) for x in values)
