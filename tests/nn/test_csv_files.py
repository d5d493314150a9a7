"""load_csv: the numbers and names that are in the file, or an error that says where."""

from __future__ import annotations

import bz2
import gzip
import lzma

import numpy as np
import pytest

from nn import data


@pytest.fixture
def table(tmp_path):
    """Write a text or bytes to a file, and read it."""

    def read(content, *args, **named):
        file = tmp_path / "a.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return data.load_csv(file, *args, **named)

    return read


def test_a_csv_file_becomes_arrays(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("\ufeffa,b,c\n1,2,0\n3,4.5,2\n\n", encoding="utf-8")
    table = data.load_csv(file, "c")
    assert (table.X.dtype, table.X.tolist(), table.columns) == (
        np.float32, [[1, 2], [3, 4.5]], ["a", "b"],
    )  # fmt: skip
    assert (table.y.dtype, table.y.tolist(), table.classes) == (np.int64, [0, 2], None)
    assert data.load_csv(file, -2).y.dtype == np.float32
    assert data.load_csv(file).X.shape == (2, 3)
    file.write_text("1;2\n3;\n")
    X = data.load_csv(file, delimiter=";", header=False, missing=np.nan).X
    assert np.isnan(X[1, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", "line 3 has 1 entries, the first line has 2"),
        ("a,b\n1,two\n", "line 2, column 'b': 'two' is not a number"),
        ("a,b\n1,\n", "line 2, column 'b': empty entry"),
        ("a,b\n", "no samples"),
        ("", "no samples"),
        ("a,c\n1,2\n", "no column 't'; it has a, c"),
        ("a,t\n1,2\n1,\n", "line 3: the target 't' is empty"),
    ],
)
def test_a_bad_csv_file_is_refused_with_its_line(tmp_path, text, message):
    file = tmp_path / "a.csv"
    file.write_text(text)
    target = "t" if "t'" in message else None
    with pytest.raises(ValueError, match=message):
        data.load_csv(file, target)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["1_1", "1_2", "2_1"], ["1_1", "1_2", "2_1"]),
        (["007", "7", "08"], ["007", "08", "7"]),
        (["1", "two", "3"], ["1", "3", "two"]),
        (["\u0661", "\u0662", "1"], ["1", "\u0661", "\u0662"]),
        (["True", "False", "True"], ["False", "True"]),
        (["NA", "Na", "None"], ["NA", "Na", "None"]),
        (["0x1", "1", "2"], ["0x1", "1", "2"]),
    ],
)
def test_names_of_classes_are_no_numbers(table, names, classes):
    y, found = table("x,y\n" + "".join(f"1,{name}\n" for name in names), "y")[1::2]
    assert found == classes
    assert [classes[i] for i in y] == names


def test_targets_that_are_numbers_stay_numbers(table):
    for texts, dtype, numbers in (
        ("0 3 -1 +1", np.int64, [0, 3, -1, 1]),
        ("9007199254740993 0", np.int64, [2**53 + 1, 0]),
        ("1.5 2 1e1", np.float32, [1.5, 2, 10]),
        ("0.5 16777217", np.float64, [0.5, 16777217]),
    ):
        y = table("x,y\n" + "".join(f"1,{text}\n" for text in texts.split()), "y").y
        assert (y.dtype, y.tolist()) == (dtype, numbers)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e39", 1e39), ("-1e300", -1e300), ("16777217", 16777217), ("1e-60", 1e-60)],
)
def test_numbers_that_float32_would_change_make_it_float64(table, text, number):
    X = table(f"a,b\n1,{text}\n2,3\n").X
    assert (X.dtype, X[0, 1]) == (np.float64, number)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1_000,0", "line 2, column 'x': '1_000' is not a number"),
        ("NaN,0", "line 2, column 'x': 'NaN' is a missing value; pass missing="),
        ("NA,0", "'NA' is a missing value"),
        ("1,0\ninf,0", "line 3, column 'x': 'inf' is not a finite"),
        ("1e400,0", "'1e400' is not a finite"),
        ("9007199254740993,0", "'9007199254740993' is an integer that float64 would change"),
        ("\u0661,0", "is not a number"),
        ("1,nan", "line 2, column 'y': the target is missing: 'nan'"),
        ("1,1\n1,NA", "line 3, column 'y': the target is missing: 'NA'"),
        ("1,a\n1,NaN", "the target is missing"),
        ("1,inf", "'inf' is not a finite"),
        ("1,12345678901234567890", "target 12345678901234567890 is too large for int64"),
        ("1," + "1" * 200_000, "line 2: field larger than field limit"),
        ('1,"a\n2,b', "a quotation mark left open"),
        ("1,a\0", r"line 2 has a NUL character.*utf-16-le"),
    ],
)
def test_what_is_no_number_is_refused_with_its_place(table, rows, message):
    with pytest.raises(ValueError, match=rf"a\.csv, .*{message}"):
        table(f"x,y\n{rows}\n", "y")


def test_missing_entries_get_the_value_that_is_given(table):
    X = table("a,b\nNaN,1\n,2\n#N/A,null\n", missing=-1).X
    assert X.tolist() == [[-1, 1], [-1, 2], [-1, -1]]
    with pytest.raises(ValueError, match="not a finite"):
        table("a\ninf\n", missing=-1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(table, encoding):
    found = table("größe,art\n1,süß\n".encode(encoding), "art")
    assert (found.columns, found.classes, found.X.tolist()) == (["größe"], ["süß"], [[1]])


def test_another_encoding_is_refused_unless_given(table):
    text = "x,größe\n1,2\n"
    with pytest.raises(ValueError, match=r"a\.csv, line 1 is not utf-8: .*encoding='cp1252'"):
        table(text.encode("latin-1"))
    assert table(text.encode("latin-1"), encoding="latin-1").columns == ["x", "größe"]
    with pytest.raises(ValueError, match="NUL character"):
        table("x,y\n1,2\n".encode("utf-16-le"))
    assert table("x,y\n1,2\n".encode("utf-16-le"), encoding="utf-16-le").columns == ["x", "y"]
    assert table(text.encode("utf-8-sig"), encoding="utf-8").columns == ["x", "größe"]


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_compressed_files_are_read_and_damaged_ones_named(table, module):
    packed = module.compress(b"x,y\n1,2\n")
    assert table(packed).X.tolist() == [[1, 2]]
    for damaged in (packed[:-5], packed[:10] + b"????" + packed[14:]):
        with pytest.raises(ValueError, match=rf"a\.csv is a damaged {module.__name__} file"):
            table(damaged)


def test_a_workbook_is_refused_by_name(table):
    with pytest.raises(ValueError, match=r"Excel workbook; .*save the sheet as CSV"):
        table(b"PK\x03\x04" + bytes(50))


@pytest.mark.parametrize(
    "lines",
    ["1.5,2.5\n3,4\n", "1,2\n3,4\n", "5.1,3.5,setosa\n4.9,3.0,virginica\n", "4,yes\n5,no\n4,yes\n"],
)
def test_a_first_sample_is_not_lost_as_a_header(table, lines):
    with pytest.raises(ValueError, match=r"looks like a sample.*header=False"):
        table(lines, -1)
    assert len(table(lines, -1, header=False).y) == lines.count("\n")
    assert len(table(lines, -1, header=False, skip=1).y) == lines.count("\n") - 1


def test_row_numbers_of_pandas_are_no_feature(table):
    with pytest.raises(ValueError, match=r"no name and holds the numbers .*index=False"):
        table(",a,y\n0,1.5,1\n1,2,0\n", "y")
    assert table(",a,y\n3,1.5,1\n1,2,0\n", "y").X.tolist() == [[3, 1.5], [1, 2]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"delimiter": ",,"}, "delimiter must be one character, got ',,'"),
        ({"delimiter": None}, "delimiter must be one character"),
        ({"encoding": "nope"}, "there is no encoding 'nope'"),
        ({"missing": "mean"}, "load_csv: missing must be a number, got 'mean'"),
        ({"target": True}, "no column True"),
    ],
)
def test_settings_that_make_no_sense_are_refused(table, settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        table("a,b\n1,2\n", **settings)


def test_numbers_may_be_names_of_columns_beside_a_text(table):
    assert table("0,1,label\n0,1,yes\n5,1,no\n", "label").columns == ["0", "1"]


def test_what_numpy_writes_is_read(tmp_path):
    rows = np.random.default_rng(0).normal(size=(50, 3))
    np.savetxt(tmp_path / "a.csv", rows, delimiter=",")
    X = data.load_csv(tmp_path / "a.csv", header=False).X
    np.testing.assert_array_equal(X, rows.astype(np.float32))


def test_quotes_spaces_and_line_ends_of_any_kind_are_read(table):
    assert table('a, b\r\n"1", " 2 "\r\n').X.tolist() == [[1, 2]]
    assert table("a,b\r1,2\r3,4\r").X.tolist() == [[1, 2], [3, 4]]
    assert table("a\tb\n1\t2\n", delimiter="\t").columns == ["a", "b"]
    assert table('about "it\na,b\n1,2\n', skip=1).X.tolist() == [[1, 2]]


def test_a_target_that_names_two_columns_is_refused(table):
    with pytest.raises(ValueError, match="2 columns 'a'; give the index of one: 0, 2"):
        table("a,b,a\n1,2,3\n", "a")
    assert table("a,b,a\n1,2,3\n", np.int64(2)).y.tolist() == [3]
