"""Read CSV files into arrays."""

from __future__ import annotations

import codecs
import csv
import importlib
import io
import lzma
import math
import operator
import os
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autograd.files import located
from autograd.node import Array
from nn.arguments import count, flags, reals

PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "lzma"}
"""First bytes of a compressed file, and the module that reads it."""

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
"""Byte order marks; UTF-32's must precede UTF-16's, with which it begins."""

MISSING = {"", "nan", "NaN", "NAN", "-nan", "-NaN", "N/A", "n/a", "#N/A", "<NA>"}
WORDS = {"NA", "null", "NULL", "None"}
"""How programs write that a number is missing; the words may also be names of classes."""

INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
"""Without leading zeros or underscores: 007 and 1_1 are names."""


class Table(NamedTuple):
    """Result of `load_csv`."""

    X: Array
    """float32, shape (N, columns); float64 where float32 would overflow or change an integer"""
    y: Array | None
    """target, shape (N,): floats like X, or int64 class indices; None if no target was given"""
    columns: list[str]
    """names of the columns of X"""
    classes: list[str] | None
    """class names, if the target was text; y holds indices into them"""


class _Column(NamedTuple):
    """The entries of a column, and where they stand."""

    texts: list[str]
    lines: list[int]
    name: str
    file: Path

    def error(self, i: int, problem: str) -> ValueError:
        place = f"{self.file}, line {self.lines[i]}, column {self.name!r}"
        return ValueError(f"load_csv: {place}: {problem}.")


def load_csv(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    *,
    delimiter: str = ",",
    header: bool = True,
    skip: int = 0,
    missing: float | None = None,
    encoding: str | None = None,
) -> Table:
    r"""Read a numeric CSV file with one sample per line.

    Parameters
    ----------
    path : the file, plain or compressed by gzip, bzip2 or xz; ``~`` is expanded.
    target : name or index of the target column. Integers are read as class indices, other numbers
        as they are, and everything else, such as 007 or 1_1, as class names.
    delimiter : column separator.
    header : whether the first line holds the column names. A first line that is a sample is
        refused.
    skip : lines to skip at the beginning.
    missing : value of missing entries of X (empty, NaN, NA, null, ...), such as ``float("nan")``;
        by default they are an error.
    encoding : such as "latin-1" or "cp1252"; by default that of the byte order mark, or UTF-8.

    Returns
    -------
    Table : named tuple (X, y, columns, classes).

    Raises
    ------
    ValueError
        A line of the wrong length, an entry that is missing, infinite or no number (the error names
        line and column), no samples, an unknown target column, or a file of another encoding.

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
    flags("load_csv", header=header)
    if missing is not None:
        reals("load_csv", missing=missing)
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise ValueError(f"load_csv: delimiter must be one character, got {delimiter!r}.")
    file = located(path)
    lines = _lines(file, _text(file, encoding), delimiter, count("load_csv", "skip", skip))
    if len(lines) <= header:
        raise ValueError(f"load_csv: {file} contains no samples.")
    width = len(lines[0][1])
    for number, row in lines:
        if len(row) != width:
            raise ValueError(
                f"load_csv: {file}, line {number} has {len(row)} entries, the first line has "
                f"{width}. Is {delimiter!r} the delimiter?"
            )
    columns = [str(i) for i in range(width)]
    if header:
        columns = _names(file, lines)
        del lines[0]
    chosen = _column(target, columns, file)
    inputs = [i for i in range(width) if i != chosen]

    if header and 0 in inputs and not columns[0]:
        _refuse_row_numbers(file, [row[0] for _, row in lines])
    numbers = [number for number, _ in lines]

    def column(i: int) -> _Column:
        return _Column([row[i] for _, row in lines], numbers, columns[i], file)

    X = np.empty((len(lines), len(inputs)))
    for k, i in enumerate(inputs):
        X[:, k] = _numbers(column(i), missing)
    y, classes = (None, None) if chosen is None else _target(column(chosen))
    return Table(_narrow(X), y, [columns[i] for i in inputs], classes)


def _text(file: Path, encoding: str | None) -> str:
    """The file's text, unpacked and decoded."""
    data = file.read_bytes()
    for magic, module in PACKED.items():
        if data.startswith(magic):
            try:
                data = importlib.import_module(module).decompress(data)
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise ValueError(
                    f"load_csv: {file} is a damaged {module} file: {error}."
                ) from error
            break
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ValueError(
            f"load_csv: {file} is a zip archive or an Excel workbook; unpack it, or save the sheet "
            "as CSV."
        )
    if encoding is None:
        encoding = next((MARKS[mark] for mark in MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"load_csv: {file}, line {line} is not {encoding}: {error.reason}. Pass its encoding, "
            "such as encoding='cp1252' (Excel on Windows) or 'latin-1'."
        ) from error
    except LookupError as error:
        raise ValueError(
            f"load_csv: there is no encoding {encoding!r}; there are 'utf-8', 'cp1252', 'latin-1' "
            "and those of Python's codecs."
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(
            f"load_csv: {file}, line {line} has a NUL character: the file is damaged, or in "
            "another encoding, such as encoding='utf-16-le'."
        )
    return text.removeprefix("\ufeff")


def _lines(file: Path, text: str, delimiter: str, skip: int) -> list[tuple[int, list[str]]]:
    """Number and entries of each line that is not empty; quoted entries may span several."""
    stream = io.StringIO(text, newline="")
    for _ in range(skip):
        next(stream, "")
    reader = csv.reader(
        stream,
        delimiter=delimiter,
        skipinitialspace=delimiter != " ",
        strict=True,  # an open quote would swallow the lines after it
    )
    try:
        return [(skip + reader.line_num, [entry.strip() for entry in row]) for row in reader if row]
    except csv.Error as error:
        raise ValueError(
            f"load_csv: {file}, line {skip + reader.line_num}: {error}. Is a quotation mark left "
            "open?"
        ) from error


def _names(file: Path, lines: Sequence[tuple[int, list[str]]]) -> list[str]:
    """The column names in the first line; refused if it is a sample like those below."""
    first = lines[0][1]
    numeric = [_number(entry) is not None for entry in first]
    below = [{row[i] for _, row in lines[1:]} for i in range(len(first))]
    if any(numeric) and (
        all(numeric)
        or any(n and not entry.isdecimal() for n, entry in zip(numeric, first, strict=True))
        or any(first[i] in below[i] for i, n in enumerate(numeric) if first[i] and not n)
    ):
        raise ValueError(
            f"load_csv: the first line of {file}, {', '.join(first)[:60]}, looks like a sample, "
            "not like column names. Pass header=False if it is one; skip=1, header=False if not."
        )
    return first


def _refuse_row_numbers(file: Path, entries: list[str]) -> None:
    """Refuse a first column that is no feature but tells the samples' order."""
    if entries == [str(i) for i in range(len(entries))]:
        raise ValueError(
            f"load_csv: the first column of {file} has no name and holds the numbers of the lines, "
            "as pandas writes them; write the file with to_csv(path, index=False)."
        )


def _column(target: str | int | None, columns: list[str], file: Path) -> int | None:
    if target is None:
        return None
    if isinstance(target, str):
        places = [i for i, name in enumerate(columns) if name == target]
        if len(places) > 1:
            raise ValueError(
                f"load_csv: {file} has {len(places)} columns {target!r}; give the index of one: "
                f"{', '.join(map(str, places))}."
            )
        if places:
            return places[0]
    elif not isinstance(target, bool) and -len(columns) <= operator.index(target) < len(columns):
        return operator.index(target) % len(columns)
    raise ValueError(f"load_csv: {file} has no column {target!r}; it has {', '.join(columns)}.")


def _number(text: str) -> float | None:
    """A decimal number, maybe infinite; None where it is not one. Python's 1_000 is not."""
    if "_" in text or not text.isascii():
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _numbers(column: _Column, missing: float | None) -> list[float]:
    """The numbers of a column."""
    numbers = []
    for i, text in enumerate(column.texts):
        number = _number(text)
        if number is None:
            if text not in MISSING | WORDS:
                raise column.error(i, f"{text!r} is not a number")
            if missing is None:
                what = f"{text!r} is a missing value" if text else "empty entry"
                raise column.error(i, f"{what}; pass missing= to give missing entries a value")
            number = missing
        elif math.isinf(number):
            raise column.error(i, f"{text!r} is not a finite float64")
        elif abs(number) >= 2**53 and INTEGER.fullmatch(text) and int(text) != number:
            raise column.error(i, f"{text!r} is an integer that float64 would change")
        numbers.append(number)
    return numbers


def _narrow(X: Array) -> Array:
    """As float32, unless that would overflow, vanish, or change an integer."""
    with np.errstate(over="ignore", under="ignore"):
        narrow = X.astype(np.float32)
    lost = np.isinf(narrow) | ((narrow == 0) & (X != 0)) | ((narrow != X) & (np.rint(X) == X))
    return X if (lost & np.isfinite(X)).any() else narrow


def _target(column: _Column) -> tuple[Array, list[str] | None]:
    """The target, and its class names if it is text."""
    texts = column.texts
    kinds = set(texts) - MISSING - WORDS
    numeric = all(_number(text) is not None for text in kinds)
    for i, text in enumerate(texts):
        if not text:
            place = f"{column.file}, line {column.lines[i]}"
            raise ValueError(f"load_csv: {place}: the target {column.name!r} is empty.")
        if text in MISSING or (numeric and text in WORDS):
            raise column.error(i, f"the target is missing: {text!r}; remove the line")
    if all(INTEGER.fullmatch(text) for text in kinds) and numeric:
        for i, text in enumerate(texts):
            if not -(2**63) <= int(text) < 2**63:
                raise column.error(i, f"the target {text} is too large for int64")
        return np.array([int(text) for text in texts], np.int64), None
    if numeric and not any(re.fullmatch(r"[+-]?0[0-9]+", text) for text in kinds):
        return _narrow(np.array(_numbers(column, None))), None
    classes = sorted(set(texts))
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index[text] for text in texts], np.int64), classes
