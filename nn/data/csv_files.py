"""Read CSV files into arrays."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autograd.node import Array


class Table(NamedTuple):
    """Result of `load_csv`."""

    X: Array
    """float32, shape (N, columns)"""
    y: Array | None
    """target, shape (N,): float32, or int64 class indices; None if no target was given"""
    columns: list[str]
    """names of the columns of X"""
    classes: list[str] | None
    """class names, if the target was text; y holds indices into them"""


def load_csv(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    *,
    delimiter: str = ",",
    header: bool = True,
    missing: float | None = None,
) -> Table:
    r"""Read a numeric CSV file with one sample per line.

    Parameters
    ----------
    path : the file, UTF-8.
    target : name or index of the target column. Integers are read as class indices, text as class
        names.
    delimiter : column separator.
    header : whether the first line holds the column names.
    missing : value of empty entries of X, such as ``float("nan")``; by default they are an error.

    Returns
    -------
    Table : named tuple (X, y, columns, classes).

    Raises
    ------
    ValueError
        A line of the wrong length, a non-numeric or missing entry (the error names line and
        column), no samples, or an unknown target column.

    Examples
    --------
    >>> import nn, tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp(), "flowers.csv")
    >>> _ = file.write_text("length,width,kind\n1.5,2,rose\n3,4,daisy\n")
    >>> nn.data.load_csv(file, target="kind").y
    array([1, 0])
    >>> nn.data.load_csv(file, target="kind").classes
    ['daisy', 'rose']
    """
    file = Path(path).expanduser()
    with file.open(encoding="utf-8-sig", newline="") as f:
        reader = csv.reader(f, delimiter=delimiter)
        lines = [(reader.line_num, row) for row in reader if row]
    if len(lines) <= header:
        raise ValueError(f"load_csv: {file} contains no samples.")
    width = len(lines[0][1])
    names = [entry.strip() for entry in lines.pop(0)[1]] if header else None
    columns = names or [str(i) for i in range(width)]
    for number, row in lines:
        if len(row) != width:
            raise ValueError(
                f"load_csv: {file}, line {number} has {len(row)} entries, the first line has "
                f"{width}. Is {delimiter!r} the delimiter?"
            )
    chosen = _column(target, columns, file)
    inputs = [i for i in range(width) if i != chosen]
    X = np.array(
        [[_number(row[i], file, n, columns[i], missing) for i in inputs] for n, row in lines],
        np.float32,
    ).reshape(len(lines), len(inputs))
    y, classes = None, None
    if chosen is not None:
        y, classes = _target([(n, row[chosen].strip()) for n, row in lines], file, columns[chosen])
    return Table(X, y, [columns[i] for i in inputs], classes)


def _column(target: str | int | None, columns: list[str], file: Path) -> int | None:
    if target is None:
        return None
    if isinstance(target, int) and -len(columns) <= target < len(columns):
        return target % len(columns)
    if target in columns:
        return columns.index(str(target))
    raise ValueError(f"load_csv: {file} has no column {target!r}; it has {', '.join(columns)}.")


def _number(entry: str, file: Path, line: int, column: str, missing: float | None) -> float:
    try:
        return float(entry)
    except ValueError:
        if not entry.strip():
            if missing is not None:
                return missing
            problem = "empty entry; pass missing= to give empty entries a value"
        else:
            problem = f"{entry!r} is not a number"
    raise ValueError(f"load_csv: {file}, line {line}, column {column!r}: {problem}.")


def _target(
    entries: list[tuple[int, str]], file: Path, column: str
) -> tuple[Array, list[str] | None]:
    for line, entry in entries:
        if not entry:
            raise ValueError(f"load_csv: {file}, line {line}: the target {column!r} is empty.")
    texts = [entry for _, entry in entries]
    for kind, dtype in ((int, np.int64), (float, np.float32)):
        try:
            return np.array([kind(text) for text in texts], dtype), None
        except ValueError:
            continue
    classes = sorted(set(texts))
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index[text] for text in texts], np.int64), classes
