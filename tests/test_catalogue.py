"""Tables as people have them."""

import contextlib
import csv
import io
import pathlib
import tempfile
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.collection.catalogue import LARGEST_TABLE, find_columns, painting_dates, read_dates, read_table, rows_where
from gan_jax.errors import UserError

UNNAMED = {"file": "", "title": "", "date": ""}
CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\r\n,;|\"'"), max_size=20)


def parse_table(text: str, name: str = "paintings.csv", encoding: str = "utf-8"):
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


def test_backslashes_before_quotation_marks_are_no_part_of_them():
    table = parse_table('file,title,date\n1.jpg,"The \\"Red\\" House, Arles",1888\n2.jpg,"Rain, Wind",1889\n')
    assert [row["title"] for row in table.rows] == ['The "Red" House, Arles', "Rain, Wind"]


def test_where_one_quotation_mark_is_missing_the_others_are_no_part_of_cells():
    table = parse_table('"file","title","date"\n"1.jpg","Sun","1888"\n"2.jpg","Rain,"1889"\n"3.jpg","Fog","1890"\n')
    assert [row["date"] for row in table.rows] == ["1888", "1889", "1890"] and table.rows[0]["title"] == "Sun"
    assert "quotation marks without their partners" in table.repaired[0]


@pytest.mark.parametrize(
    "above", ["Paintings of a painter\n", "Paintings of a painter;;\n\n", "# exported in May, by hand\n# second line\n"]
)
def test_a_title_above_the_header_is_left_away_and_said(above):
    table = parse_table(f"{above}file;title;date\n1.jpg;Sun;1888\n2.jpg;Rain, Wind;1889\n3.jpg;Fog;1890\n")
    assert table.columns == ["file", "title", "date"] and len(table.rows) == 3
    assert "above the header" in table.repaired[0]
    one = parse_table("file\n1.jpg\n2.jpg\n")
    assert one.columns == ["file"] and len(one.rows) == 2 and not one.repaired


def test_what_a_spreadsheet_keeps_from_being_a_number_is_read():
    assert parse_table('file,date\n1.jpg,"=""1888"""\n').rows == [{"file": "1.jpg", "date": "1888"}]


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
        ("Dateiname,Werktitel,Entstehungsjahr", "1.jpg,A,1889", ("Dateiname", "Werktitel", ("Entstehungsjahr",))),
        ("archivo,subtitle,título,año de creación", "1.jpg,B,A,1889", ("archivo", "título", ("año de creación",))),
        ("schema:image,dc:title,dcterms:created", "1.jpg,A,1889", ("schema:image", "dc:title", ("dcterms:created",))),
        ("Nom_image,Titre,Millesime_creation,Date_acquisition", "1.jpg,A,1889,1920", ("Nom_image", "Titre", ("Millesime_creation",))),
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
        UserError, match="paintings.csv: no date column among 'a', 'b', 'c'; name one with --config.collection.columns.date=NAME"
    ):
        find_columns(table, {**named, "date": ""})
    with pytest.raises(UserError, match="config.collection.columns.title='z': .*paintings.csv has no such column, only 'a', 'b', 'c'"):
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
    (tmp_path / "many.csv").write_text("file,date\n" + "1,2\n" * 500_001)
    with pytest.raises(UserError, match="many.csv: the table has more than 500,000 rows"):
        read_table(tmp_path / "many.csv")
    (tmp_path / "blank.csv").write_text("\n" * 1_000_001)
    with pytest.raises(UserError, match="blank.csv: the table has more than 1,000,000 lines"):
        read_table(tmp_path / "blank.csv")
    (tmp_path / "commas.csv").write_text("a,b\n" + "," * 16_000_000)
    with pytest.raises(UserError, match="commas.csv: the table has more than 5,000,000 cells"):
        read_table(tmp_path / "commas.csv")
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


@pytest.mark.parametrize(
    "begin, end",
    [
        ("objectBeginDate", "objectEndDate"), ("Object Begin Date", "Object End Date"), ("date_start", "date_end"), ("yearFrom", "yearTo"),
        ("creation_date_earliest", "creation_date_latest"), ("dating.yearEarly", "dating.yearLate"), ("datebegin", "dateend"),
        ("Jahr von", "Jahr bis"), ("notBefore", "notAfter"), ("année début", "année fin"), ("earliest", "latest"), ("dateBegin", "dateEnd"),
        ("Datierung von", "Datierung bis"), ("timespan.begin_of_the_begin", "timespan.end_of_the_end"), ("createdFrom", "createdTo"),
        ("date_low", "date_high"), ("terminus_post_quem", "terminus_ante_quem"), ("data_início", "data_fim"), ("år_från", "år_till"),
        ("datering_fra", "datering_til"), ("rok_od", "rok_do"), ("datering.beginjaar", "datering.eindjaar"), ("год_с", "год_по"),
        ("制作開始年", "制作終了年"),
    ],
)  # fmt: skip
def test_two_ends_complete_the_text_of_a_date_or_win_over_it(begin, end):
    table = parse_table(
        f"file,date,{begin},{end}\n1.jpg,September 1888,1888,1888\n2.jpg,c. 1888,1887,1889\n3.jpg,some day,1880,1889\n"
        '4.jpg,"1888, printed 1930",1930,1930\n5.jpg,1888,,\n6.jpg,1888,0,0\n7.jpg,Kushan,-50,99\n'
    )
    columns = find_columns(table, UNNAMED)
    assert columns.ends == (begin, end)
    month = 1888 + 8.5 / 12
    expected = [(month, 1 / 24), (1888.5, 1.5), (1885, 5), (1930.5, 0.5), (1888.5, 0.5), (1888.5, 0.5), (25, 75)]
    for date, right in zip(painting_dates(table.rows, columns), expected, strict=True):
        assert date == pytest.approx(right)


def test_two_ends_alone_are_a_date():
    table = parse_table("file,begin year,end year\n1.jpg,1888,1889\n2.jpg,1890,1890\n")
    columns = find_columns(table, UNNAMED)
    assert painting_dates(table.rows, columns) == [(1889.0, 1.0), (1890.5, 0.5)]


@pytest.mark.parametrize(
    "header",
    [
        "artist begin date,artist end date", "BeginDate,EndDate", "loan start date,loan end date", "height min,height max",
        "restoration_date_start,restoration_date_end",
    ],
)  # fmt: skip
def test_the_ends_of_a_life_are_no_date(header):
    table = parse_table(f"file,date,{header}\n1.jpg,1888,1853,1890\n2.jpg,undated,1853,1890\n3.jpg,1889,1853,1890\n")
    assert not find_columns(table, UNNAMED).ends


def test_a_column_beside_says_how_exact_a_date_is():
    table = parse_table(
        "file,date,datePrecision\n1.jpg,1888-01-01T00:00:00Z,11\n2.jpg,1889-01-01T00:00:00Z,9\n3.jpg,1890-05-01T00:00:00Z,10\n"
    )
    dates = painting_dates(table.rows, find_columns(table, UNNAMED))
    assert [date[1] for date in dates] == pytest.approx([1 / 31 / 24, 0.5, 1 / 24])


STAMPS = "2021-03-04T12:00:00Z"


@pytest.mark.parametrize(
    "header, rows, expected",
    [
        ("id,image,year,created", [f"{i},{i}.jpg,{1880 + i},{STAMPS}" for i in range(8)], "year"),
        ("image,created,year", [f"{i}.jpg,2021-03-0{i + 1}T12:0{i}:00Z,{1880 + i}" for i in range(8)], "year"),
        ("image,date,year", [f"{i}.jpg,2021-03-04,{1880 + i}" for i in range(8)], "year"),
        ("image,created", [f"{i}.jpg,{1880 + i}" for i in range(8)], "created"),
        ("image,date", [f"{i}.jpg,{'n.d.' if i % 3 else 1880 + i}" for i in range(12)], "date"),
        ("image,date", [f"{i}.jpg,1888" for i in range(8)], "date"),
        ("image,date of accession,made", [f"{i}.jpg,19{10 + i},c. {1880 + i}" for i in range(8)], "made"),
        ("image,width,inventory,Zeitraum", [f"{i}.jpg,{1800 + i},{1700 + i},188{i}-{i + 81}" for i in range(8)], "Zeitraum"),
        ("image,modified,entstehung", [f"{i}.jpg,2020-01-0{i + 1},um {1880 + i}" for i in range(8)], "entstehung"),
        ("image,created_at,made", [f"{i}.jpg,2021-03-0{i + 1} 12:00:00,{1880 + i}" for i in range(8)], "made"),
        ("image,log,inception", [f"{i}.jpg,2021-03-0{i + 1} 12:00:00,{1880 + i}" for i in range(8)], "inception"),
        ("画像,題名,制作年", [f"{i}.jpg,A,{1880 + i}年" for i in range(8)], "制作年"),
    ],
)
def test_a_date_column_is_one_of_dates_that_vary_and_are_no_stamps(header, rows, expected):
    assert find_columns(parse_table("\n".join([header, *rows])), UNNAMED).date == (expected,)


def test_a_width_is_no_date():
    table = parse_table("image,width,height\n" + "".join(f"{i}.jpg,{1800 + i},{1500 + i}\n" for i in range(9)))
    with pytest.raises(UserError, match="no date column"):
        find_columns(table, UNNAMED)


def test_the_nearest_column_says_what_it_lacks():
    table = parse_table("file,date,note\n1.jpg,n.d.,x\n2.jpg,someday,y\n3.jpg,soon,z\n")
    with pytest.raises(UserError, match="no date column among .*the nearest is 'date': 'someday': 'someday' is not part of a date"):
        find_columns(table, UNNAMED)


def test_time_stamps_of_records_are_no_dates_even_alone():
    table = parse_table("file,created\n" + "".join(f"{i}.jpg,2021-03-04T12:00:0{i}Z\n" for i in range(8)))
    with pytest.raises(UserError, match="no date column among .*the nearest is 'created', whose cells are empty or time stamps of records"):
        find_columns(table, UNNAMED)
    table = parse_table("file,accession date\n" + "".join(f"{i}.jpg,195{i}\n" for i in range(8)))
    with pytest.raises(UserError, match="the nearest is 'accession date', which by its name is of something else than the paintings"):
        find_columns(table, UNNAMED)


def test_a_file_column_is_one_whose_files_are_there():
    files = {f"pic{i}" for i in range(9)} | {f"{i}.jpg" for i in range(9)}
    table = parse_table("image,id,key,date\n" + "".join(f"http://x.org/a{i}.jpg,{i},pic{i},188{i}\n" for i in range(9)))
    assert find_columns(table, UNNAMED, files.__contains__).file == "key"
    table = parse_table("image,other,date\n" + "".join(f"{i}.jpg,pic{i},188{i}\n" for i in range(9)))
    assert find_columns(table, UNNAMED, files.__contains__).file == "image"  # of two, the one with the usual name


def test_a_column_that_names_one_file_again_and_again_is_no_file_column():
    table = parse_table("pages,new_filename,date\n" + "".join(f"1,{i}.jpg,188{i}\n" for i in range(9)))
    assert find_columns(table, UNNAMED, {str(i) for i in range(9)}.union(f"{i}.jpg" for i in range(9)).__contains__).file == "new_filename"


@pytest.mark.parametrize("column", ["primaryImage", "ImageURL", "thumbnailUrl", "link"])
def test_addresses_are_no_files(column):
    table = parse_table(f"{column},date\n" + "".join(f"https://x.org/{i},188{i}\n" for i in range(5)))
    with pytest.raises(
        UserError, match=f"paintings.csv: '{column}' holds addresses such as 'https://x.org/0', .*download them into that folder"
    ):
        find_columns(table, UNNAMED, lambda name: False)
    assert find_columns(table, UNNAMED, lambda name: True).file == column


def test_a_quotation_mark_without_its_partner_swallows_nothing():
    text = (
        'file,title,date\n1.jpg,"Sun, Moon",1886\n2.jpg,"Rain,1887\n3.jpg,Fog,1888\n4.jpg,"Snow, Ice",1889\n5.jpg,Wind,1890\n'
        '6.jpg,"Two\nlines",1891\n'
    )
    table = parse_table(text)
    assert [row["date"] for row in table.rows] == ["1886", "1887", "1888", "1889", "1890", "1891"]
    assert [row["title"] for row in table.rows][4:] == ["Wind", "Two\nlines"]
    assert table.repaired and "line 3: a quotation mark without its partner" in table.repaired[0]


def test_two_quotation_marks_without_partners_swallow_nothing():
    table = parse_table('file,title,date\n1.jpg,"Sun,1886\n2.jpg,Rain,1887\n3.jpg,Fog",1888\n4.jpg,"Snow, Ice",1889\n')
    assert [row["file"] for row in table.rows] == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"] and table.repaired
    quoted = parse_table('file,date,note\n1.jpg,1886,"wet, dark,\ncold, late, grey"\n2.jpg,1887,\n')
    assert [row["file"] for row in quoted.rows] == ["1.jpg", "2.jpg"] and not quoted.repaired


@pytest.mark.parametrize(
    "text",
    [
        "file,title,date\n1.jpg,A,1888,\n2.jpg,B,1889,\n",
        "file,title,date,\n1.jpg,A,1888\n2.jpg,B,1889\n",
        "file,title,date,\n1.jpg,A,1888,\n2.jpg,B,1889,\n",
        "file;title;date;;\n1.jpg;A;1888;;\n2.jpg;B;1889;;\n",
        "file,title,date\n1.jpg,A,1888,,,\n2.jpg,B,1889\n",
    ],
)
def test_empty_fields_at_the_end_are_no_fields(text):
    table = parse_table(text)
    assert [(row["file"], row["title"], row["date"]) for row in table.rows] == [("1.jpg", "A", "1888"), ("2.jpg", "B", "1889")]
    assert not table.malformed


def test_many_rows_and_many_columns_take_no_long_time():
    rows = "".join(f'{n}.jpg,"Painting, {n}","Arles, {n % 28 + 1} May {1400 + n % 600}"\n' for n in range(50_000))
    table = parse_table("file,title,date\n" + rows)
    start = time.process_time()
    columns = find_columns(table, UNNAMED, lambda name: name.endswith(".jpg"))
    dates = painting_dates(table.rows, columns)
    assert time.process_time() - start < 10  # of this process alone; usually two or three
    assert all(not isinstance(date, str) for date in dates)
    wide = ",".join(f"date {n}" for n in range(500)) + ",file\n"
    wide += "".join(",".join(f"c. {1400 + (n * m) % 600}" for m in range(500)) + f",{n}.jpg\n" for n in range(300))
    table = parse_table(wide)
    start = time.process_time()
    find_columns(table, UNNAMED, lambda name: name.endswith(".jpg"))
    assert time.process_time() - start < 10
