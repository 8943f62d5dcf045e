"""Tables as people have them."""

import contextlib
import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.collection.catalogue import find_columns, parse_table, read_table, rows_where
from gan_jax.errors import UserError

UNNAMED = {"file": "", "title": "", "date": ""}
CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n,;|\"'"), max_size=20)


@st.composite
def tables(draw):
    """Rows of text, and how they are written down."""
    width = draw(st.integers(2, 5))
    row = st.lists(CELL, min_size=width, max_size=width).filter(lambda cells: any(cell.strip() for cell in cells))
    header = [f"column{i}" for i in range(width)]
    return header, draw(st.lists(row, min_size=1, max_size=8)), draw(st.sampled_from("\t,;|")), draw(st.sampled_from(["\n", "\r\n", "\r"]))


def written(header, rows, delimiter, end) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return text.getvalue()


@given(tables(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@settings(max_examples=150, deadline=None)
def test_what_was_written_is_read(tmp_path_factory, table, encoding):
    header, rows, delimiter, end = table
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_bytes(written(header, rows, delimiter, end).encode(encoding))
    read = read_table(path)
    assert read.columns == header
    # Line ends inside a cell become \n; blanks after a delimiter are not part of a cell.
    expected = [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in rows]
    assert [list(row.values()) for row in read.rows] == expected
    assert not read.malformed


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_text_is_a_table_or_one_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    try:
        table = parse_table(text, path)
        find_columns(table, UNNAMED)
    except UserError as error:
        assert "\n" not in str(error).replace(str(path), "")
    else:
        assert all(list(row) == table.columns for row in table.rows)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_a_table_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(data)
    with contextlib.suppress(UserError):
        read_table(path)


def test_delimiters_inside_titles_do_not_decide():
    table = parse_table("file\ttitle\tdate\n1.jpg\tSun, Moon, and Stars\t1888\n2.jpg\tRain; Wind, Fog\t1889\n", "t")
    assert [row["title"] for row in table.rows] == ["Sun, Moon, and Stars", "Rain; Wind, Fog"]


def test_latin_1_is_the_last_resort(tmp_path):
    (tmp_path / "t.csv").write_bytes("file,title,date\n1.jpg,Café,1888\n".encode("latin-1"))
    assert read_table(tmp_path / "t.csv").rows[0]["title"] == "Café"


def test_rows_of_another_length_are_reported_with_their_line():
    table = parse_table('file,title,date\n1.jpg,"A\nB",1888\n2.jpg,C\n3.jpg,D,1889,x\n4.jpg,E,1890\n', "t")
    assert [row["file"] for row in table.rows] == ["1.jpg", "4.jpg"]
    assert [line for line, _ in table.malformed] == [4, 5]
    assert "2 fields where the header has 3" in table.malformed[0][1]


def test_headers_that_are_empty_or_stand_twice_get_names():
    assert parse_table("a,a,,b\n1,2,3,4\n", "t").columns == ["a", "a 2", "column 3", "b"]


@pytest.mark.parametrize(
    "header, row, expected",
    [
        ("Filename,Year_Month,Year,Month,Title", "1.jpg,1884.5,1884,7,A", ("Filename", "Title", ("Year", "Month"))),
        ("image,titel,date,year", "1.jpg,A,Sept 1889,1889", ("image", "titel", ("date",))),
        ("image,date,year", "1.jpg,unknown,1889", ("image", None, ("year",))),
        ("PATH,Name,Jahr", "1.jpg,A,1889", ("PATH", "Name", ("Jahr",))),
    ],
)
def test_columns_are_found_by_their_usual_names(header, row, expected):
    columns = find_columns(parse_table(f"{header}\n{row}\n", "t"), UNNAMED)
    assert (columns.file, columns.title, columns.date) == expected


def test_columns_can_be_named_and_what_is_missing_is_named():
    table = parse_table("a,b,c\n1.jpg,x,1888\n", "works.csv")
    named = {"file": "a", "title": "b", "date": "c"}
    assert find_columns(table, named).date == ("c",)
    with pytest.raises(
        UserError, match="works.csv: no date column among 'a', 'b', 'c'; name one with --config.collection.columns.date=NAME"
    ):
        find_columns(table, {**named, "date": ""})
    with pytest.raises(UserError, match="config.collection.columns.title='z': works.csv has 'a', 'b', 'c'"):
        find_columns(table, {**named, "title": "z"})


def test_rows_are_kept_by_their_values():
    table = parse_table("file,Genre,Place\n1,Landscape,Arles\n2,portrait,Arles\n3,still life,Paris\n", "t")
    assert rows_where(table, "genre=landscape|Still Life") == [True, False, True]
    assert rows_where(table, "genre=landscape|still life; place=paris") == [False, False, True]
    assert rows_where(table, "") == [True, True, True]
    for wrong in ("genre", "colour=red"):
        with pytest.raises(UserError, match=f"config.collection.where: '{wrong}'"):
            rows_where(table, wrong)


@pytest.mark.parametrize("data", [b"PK\x03\x04\x14\x00\xff\xfe", b"a,b\n\x00\x01", b"", b"\n\n"])
def test_what_is_no_table_is_one_line(tmp_path, data):
    (tmp_path / "t.xlsx").write_bytes(data)
    with pytest.raises(UserError, match="t.xlsx: (not a text|no header)"):
        read_table(tmp_path / "t.xlsx")
    with pytest.raises(UserError, match="nowhere.csv: no such file"):
        read_table(tmp_path / "nowhere.csv")
