"""Tables as people have them."""

import contextlib
import csv
import io
import pathlib
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.collection.catalogue import LARGEST_TABLE, find_columns, read_dates, read_table, rows_where
from gan_jax.errors import UserError

UNNAMED = {"file": "", "title": "", "date": ""}
CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\r\n,;|\"'"), max_size=20)
LATIN_1 = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"], include_characters="\t\r\n,;|\"'"), max_size=20)


def parse_table(text: str, name: str = "works.csv", encoding: str = "utf-8"):
    """The table of a text, which goes through a file as every table does."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, name)
        path.write_bytes(text.encode(encoding))
        return read_table(path)


@st.composite
def tables(draw, cell=CELL):
    """Rows of text, and how they are written down."""
    width = draw(st.integers(2, 5))
    row = st.lists(cell, min_size=width, max_size=width).filter(lambda cells: any(cell.strip() for cell in cells))
    header = [f"column{i}" for i in range(width)]
    rows = draw(st.lists(row, min_size=1, max_size=8))
    # csv.writer leaves a cell with a foreign line end unquoted, which nobody can read back.
    minimal = csv.QUOTE_MINIMAL if not any("\r" in cell or "\n" in cell for row in rows for cell in row) else csv.QUOTE_ALL
    text = io.StringIO(newline="")
    csv.writer(
        text,
        delimiter=draw(st.sampled_from("\t,;|")),
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        quoting=draw(st.sampled_from([csv.QUOTE_ALL, minimal])),
    ).writerows([header, *rows])
    return header, rows, text.getvalue()


def expect_read(table, encoding) -> None:
    header, rows, text = table
    read = parse_table(text, encoding=encoding)
    assert read.columns == header
    assert [list(row.values()) for row in read.rows] == rows
    assert not read.malformed


@given(tables(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@settings(max_examples=100, deadline=None)
def test_what_was_written_is_read(table, encoding):
    expect_read(table, encoding)


@given(tables(LATIN_1).filter(lambda table: any(letter >= "\xe0" for letter in table[2])))
@settings(max_examples=50, deadline=None)
def test_latin_1_is_the_last_resort(table):
    with contextlib.suppress(UnicodeDecodeError):  # what happens to be UTF-8 is read as UTF-8
        table[2].encode("latin-1").decode("utf-8")
        return
    expect_read(table, "latin-1")


def test_windows_dashes_and_quotation_marks_are_read(tmp_path):
    (tmp_path / "t.csv").write_bytes("file,title,date\n1.jpg,Café \u201cLe Tambourin\u201d,1884\u201385\n".encode("cp1252"))
    assert read_table(tmp_path / "t.csv").rows[0] == {"file": "1.jpg", "title": "Café “Le Tambourin”", "date": "1884–85"}


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('a1,;|\t"\n\r'), max_size=200))
@settings(deadline=None)
def test_any_text_is_a_table_or_one_line(text):
    try:
        table = parse_table(text)
        columns = find_columns(table, UNNAMED)
        read_dates(table.rows, columns.date)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert all(list(row) == table.columns for row in table.rows)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_are_a_table_or_one_line(data):
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(UserError):
        path = pathlib.Path(folder, "t.csv")
        path.write_bytes(data)
        read_table(path)


def test_delimiters_inside_titles_do_not_decide():
    table = parse_table("file\ttitle\tdate\n1.jpg\tSun, Moon, and Stars\t1888\n2.jpg\tRain; Wind, Fog\t1889\n")
    assert [row["title"] for row in table.rows] == ["Sun, Moon, and Stars", "Rain; Wind, Fog"]


def test_a_quotation_mark_that_is_never_closed_is_a_letter():
    titles = ['"Sunflowers', "Still life", 'Wheat 6" tall', '"Bedroom" in Arles', "Irises"]
    table = parse_table("file\ttitle\n" + "".join(f"{i}.jpg\t{title}\n" for i, title in enumerate(titles)))
    assert [row["title"] for row in table.rows] == titles and not table.malformed


def test_one_badly_quoted_row_leaves_the_others_quoted():
    text = 'file,title,date\n1.jpg,"Sun, Moon",1888\n2.jpg,"Rain" and "Wind",1889\n3.jpg,"Fog, Snow",1890\n'
    assert [row["title"] for row in parse_table(text).rows if "," in row["title"]] == ["Sun, Moon", "Fog, Snow"]


def test_excels_line_about_the_delimiter_is_no_header():
    table = parse_table("sep=;\r\nfile;title\r\n1.jpg;A, B\r\n")
    assert table.columns == ["file", "title"] and table.rows == [{"file": "1.jpg", "title": "A, B"}]


def test_rows_without_any_text_are_no_rows():
    table = parse_table("\n\nfile,date\n\n1.jpg,1888\n,\n , \n")
    assert table.rows == [{"file": "1.jpg", "date": "1888"}] and not table.malformed


def test_rows_of_another_length_are_reported_with_their_line():
    table = parse_table('file,title,date\n1.jpg,"A\nB",1888\n2.jpg,C\n3.jpg,D,1889,x\n4.jpg,E,1890\n', "t")
    assert [row["file"] for row in table.rows] == ["1.jpg", "4.jpg"]
    assert [line for line, _ in table.malformed] == [4, 5]
    assert "2 fields where the header has 3" in table.malformed[0][1]


def test_headers_that_are_empty_or_stand_twice_get_names():
    assert parse_table("a,a,,b\n1,2,3,4\n").columns == ["a", "a (2)", "column 3", "b"]


@pytest.mark.parametrize(
    "header, row, expected",
    [
        ("Filename,Year_Month,Year,Month,Title", "1.jpg,1884.5,1884,7,A", ("Filename", "Title", ("Year", "Month"))),
        ("image,titel,date,year", "1.jpg,A,Sept 1889,1889", ("image", "titel", ("date",))),
        ("image,date,year", "1.jpg,unknown,1889", ("image", "", ("year",))),
        ("PATH,Name,Jahr", "1.jpg,A,1889", ("PATH", "Name", ("Jahr",))),
    ],
)
def test_columns_are_found_by_their_usual_names(header, row, expected):
    columns = find_columns(parse_table(f"{header}\n{row}\n"), UNNAMED)
    assert (columns.file, columns.title, columns.date) == expected


def test_columns_can_be_named_and_what_is_missing_is_named():
    table = parse_table("a,b,c\n1.jpg,x,1888\n")
    named = {"file": "a", "title": "b", "date": "c"}
    assert find_columns(table, named).date == ("c",)
    with pytest.raises(
        UserError, match="works.csv: no date column among 'a', 'b', 'c'; name one with --config.collection.columns.date=NAME"
    ):
        find_columns(table, {**named, "date": ""})
    with pytest.raises(UserError, match="config.collection.columns.title='z': .*works.csv has no such column, only 'a', 'b', 'c'"):
        find_columns(table, {**named, "title": "z"})


def test_rows_are_kept_by_their_values():
    table = parse_table("file,Genre,Place\n1,Landscape,Arles\n2,portrait,Arles\n3,still life,Paris\n")
    assert rows_where(table, "genre=landscape|Still Life") == [True, False, True]
    assert rows_where(table, "genre=landscape|still life; place=paris") == [False, False, True]
    assert rows_where(table, "") == [True, True, True]
    for wrong in ("genre", "colour=red"):
        with pytest.raises(UserError, match=f"config.collection.where: .*'{wrong.partition('=')[0]}'"):
            rows_where(table, wrong)


@pytest.mark.parametrize("data", [b"PK\x03\x04\x14\x00\xff\xfe", b"a,b\n\x00\x01", b"", b"\n\n", b"only,a,header\n", b"\x01\x02\x03\x04"])
def test_what_is_no_table_is_one_line(tmp_path, data):
    (tmp_path / "t.xlsx").write_bytes(data)
    with pytest.raises(UserError, match="t.xlsx: (not a text|a spreadsheet|the table has no)"):
        read_table(tmp_path / "t.xlsx")
    with pytest.raises(UserError, match="nowhere.csv: no such file"):
        read_table(tmp_path / "nowhere.csv")


def test_a_table_has_a_size(tmp_path):
    with open(tmp_path / "large.csv", "wb") as file:
        file.truncate(LARGEST_TABLE + 1)
    with pytest.raises(UserError, match="larger than 64 MiB"):
        read_table(tmp_path / "large.csv")
    (tmp_path / "wide.csv").write_text("a" + "," * 2000 + "\n1\n")
    with pytest.raises(UserError, match="has 2001 columns"):
        read_table(tmp_path / "wide.csv")
    (tmp_path / "long.csv").write_text(f"file,title\n1.jpg,{'x' * 200_000}\n2.jpg,A\n")
    long = read_table(tmp_path / "long.csv")
    assert [row["file"] for row in long.rows] == ["2.jpg"] and [line for line, _ in long.malformed] == [2]


def test_a_column_named_otherwise_is_found_by_its_image_files():
    table = parse_table("Id,What,Année\n7,0001.jpg,1888\n8,0002.JPG,1889\n")
    assert find_columns(table, UNNAMED).file == "What" and find_columns(table, UNNAMED).date == ("Année",)


def test_months_stand_as_numbers_or_names_and_may_be_missing():
    rows = [{"y": "1888", "m": month} for month in ("9", "09", "9.0", "Sept", "september", "", "0", "?")]
    dates = read_dates(rows, ("y", "m"))
    september, whole = (1888 + 8.5 / 12, 1 / 24), (1888.5, 0.5)
    for date, expected in zip(dates, [september] * 5 + [whole] * 2):
        assert date == pytest.approx(expected)
    assert abs(dates[7][0] - 1888.5) < 1e-9
