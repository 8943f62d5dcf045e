"""Records in JSON as tables."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_jax.collection.catalogue import find_columns, painting_dates, read_table
from gan_jax.collection.json_tables import MOST_VALUES, flat, records
from gan_jax.errors import UserError

UNNAMED = {"file": "", "title": "", "date": ""}
ROWS = [{"file": "1.jpg", "title": "Sun, Moon", "date": "1888"}, {"file": "2.jpg", "title": "Rain", "date": "c. 1889"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        LINES,
        LINES.replace("\n", "\r\n\r\n"),
        json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}),
        json.dumps({"count": 2, "records": ROWS}),
        json.dumps({"data": {"items": ROWS}}),
        json.dumps({"info": {"page": 1, "pages": 2}, "artObjects": ROWS}),
        json.dumps({name: {str(n): row[name] for n, row in enumerate(ROWS)} for name in ROWS[0]}),
        json.dumps({"columns": list(ROWS[0]), "index": [0, 1], "data": [list(row.values()) for row in ROWS]}),
        json.dumps([list(ROWS[0]), *(list(row.values()) for row in ROWS)]),
        json.dumps({"head": {"link": [], "vars": list(ROWS[0])}, "results": {"distinct": False, "bindings": ROWS}}),
        "\ufeff" + json.dumps(ROWS),
    ],
)
def test_records_are_rows(tmp_path, text):
    for name in ("paintings.json", "paintings.jsonl", "paintings.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        table = read_table(tmp_path / name)
        assert table.rows == ROWS and table.columns == ["file", "title", "date"] and not table.malformed


def test_records_by_their_keys_and_one_alone(tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps({"a": ROWS[0], "b": ROWS[1]}))
    assert [row["key"] for row in read_table(tmp_path / "keys.json").rows] == ["a", "b"]
    (tmp_path / "one.json").write_text(json.dumps(ROWS[0]))
    assert read_table(tmp_path / "one.json").rows == ROWS[:1]


def test_a_folder_of_records_is_a_table(tmp_path):
    for n, row in enumerate(ROWS):
        (tmp_path / f"{n}.json").write_text(json.dumps(row))
    (tmp_path / "3.json").write_text("{not")
    (tmp_path / "readme.txt").write_text("no record")
    (tmp_path / "0").mkdir()
    (tmp_path / "0.json").rename(tmp_path / "0" / "000.json")  # as museums sort large numbers of them
    table = read_table(tmp_path)
    assert table.rows == ROWS and len(table.malformed) == 1 and table.malformed[0][1].startswith("3.json: not JSON")
    folder = tmp_path / "linked"
    folder.mkdir()
    (folder / "1.json").symlink_to(tmp_path / "1.json")
    (folder / "2.json").write_text(json.dumps(ROWS[0]))
    (folder / "3.json").symlink_to("2.json")
    table = read_table(folder)
    assert table.rows == ROWS[:1] * 2 and table.malformed == [(1, "1.json: a link that leads out of the folder")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="a folder without JSON files"):
        read_table(tmp_path / "empty")


def test_nested_fields_have_dots():
    record = {
        "dating": {"presentingDate": "1888", "yearEarly": 1888}, "images": [{"url": "a.jpg", "w": 3}, {"url": "b.jpg"}], "x": None,
        "production_date": [{"start": "1888-01-01"}], "tags": ["sun", "moon"], "public": True, "empty": [], "y": 1888.5,
    }  # fmt: skip
    assert flat(record) == {
        "dating.presentingDate": "1888", "dating.yearEarly": "1888", "images.url": "a.jpg; b.jpg", "images.w": "3",
        "production_date.start": "1888-01-01", "tags": "sun; moon", "public": "true", "x": "", "empty": "", "y": "1888.5",
    }  # fmt: skip


def test_a_value_with_its_type_is_the_value():
    assert flat({"inception": {"type": "literal", "datatype": "xsd:dateTime", "value": "1888"}, "n": {"@value": 3, "@language": "en"}}) == {
        "inception": "1888", "n": "3",
    }  # fmt: skip
    assert flat({"height": {"value": 30, "unit": "cm"}}) == {"height.value": "30", "height.unit": "cm"}


def test_one_record_of_several_parts_stays_one(tmp_path):
    record = {"artObject": {"title": "A", "colors": [{"hex": "#fff"}, {"hex": "#000"}]}, "page": {"id": 1, "tags": [{"n": 1}, {"n": 2}]}}
    (tmp_path / "one.json").write_text(json.dumps(record))
    assert [row["artObject.title"] for row in read_table(tmp_path / "one.json").rows] == ["A"]


def test_records_with_other_fields_and_none_at_all(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"file": "1.jpg", "date": 1888}\n{"file": "2.jpg", "title": "B"}\n{"file": \n[1]\n{}\n')
    table = read_table(tmp_path / "t.jsonl")
    assert table.rows == [{"file": "1.jpg", "date": "1888", "title": ""}, {"file": "2.jpg", "date": "", "title": "B"}]
    assert [line for line, _ in table.malformed] == [3, 4]


def test_wikiarts_records(tmp_path):
    records = [
        {"title": f"Work {n}", "contentId": n, "artistContentId": 204915, "completitionYear": 1880 + n, "yearAsString": str(1880 + n),
         "width": 1800 + n, "image": f"https://uploads.example.org/images/work-{n}.jpg!Large.jpg", "height": 900}
        for n in range(6)
    ]  # fmt: skip
    (tmp_path / "paintings.json").write_text(json.dumps(records))
    table = read_table(tmp_path / "paintings.json")
    columns = find_columns(table, UNNAMED)
    assert (columns.file, columns.title, columns.date) == ("image", "title", ("yearAsString",))
    assert [date[0] for date in painting_dates(table.rows, columns)] == [1880.5 + n for n in range(6)]


def test_a_museums_nested_records(tmp_path):
    records = [
        {"object": {"title": f"Work {n}", "artist": {"name": "A", "date": "1853-1890"}}, "web": {"image": f"https://x.org/{n}.jpg"},
         "dating": {"presentingDate": f"c. {1880 + n}", "yearEarly": 1879 + n, "yearLate": 1881 + n}}
        for n in range(6)
    ]  # fmt: skip
    (tmp_path / "paintings.json").write_text(json.dumps({"count": 6, "artObjects": records}))
    table = read_table(tmp_path / "paintings.json")
    columns = find_columns(table, UNNAMED)
    assert (columns.file, columns.title, columns.date) == ("web.image", "object.title", ("dating.presentingDate",))
    assert columns.ends == ("dating.yearEarly", "dating.yearLate")
    assert painting_dates(table.rows, columns)[0] == (1880.5, 1.5)


@pytest.mark.parametrize("text", ["{", "[1, 2", '{"a": NaN', "[" * 100_000, '{"a":' * 100_000, "[1, 2]", "[]", "{}", "[[]]", "1" * 5000])
def test_what_is_no_table_is_one_line(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(UserError, match="t.json: ") as error:
        read_table(tmp_path / "t.json")
    assert "\n" not in str(error.value)


def test_records_have_a_size(monkeypatch):
    monkeypatch.setattr("gan_jax.collection.json_tables.MOST_VALUES", 10)
    with pytest.raises(ValueError, match="more than 10 values"):
        list(records("[" + "[]," * 100 + "[]]"))
    assert MOST_VALUES <= 10_000_000


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=4)
                    | st.dictionaries(st.text(max_size=4), inner, max_size=4), max_leaves=12)  # fmt: skip


@given(JSON, st.integers(0, 40))
@settings(deadline=None)
def test_any_json_whole_or_cut_is_a_table_or_one_line(value, cut):
    text = json.dumps(value)
    for part in (text, text[: -cut or None]):
        try:
            for _, record in records(part):
                assert isinstance(record, str) or all(isinstance(cell, str) for cell in record.values())
        except ValueError:
            pass


@given(
    st.lists(
        st.dictionaries(st.text("abcdef", min_size=1, max_size=5), st.text(max_size=9), min_size=1, max_size=4), min_size=1, max_size=6
    )
)
@settings(deadline=None)
def test_what_was_written_is_read(rows):
    for text in (json.dumps(rows), "\n".join(json.dumps(row) for row in rows) + "\n\n"):
        if len(rows) > 1 or text[0] == "[":
            assert [record for _, record in records(text)] == rows
