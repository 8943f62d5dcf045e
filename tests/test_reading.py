"""The one reader of a workdir: what is whole is read, and anything else is one line that names the file."""

import csv
import json
import os
import pathlib
import struct

import numpy as np
import pytest
from PIL import Image

from gan_jax import files, reading
from gan_jax.errors import UserError
from gan_jax.report.results import read_log
from gan_jax.training.log import Log

SCHEMA = {"index": reading.whole, "title": reading.text, "year": reading.number, "ahead": reading.number_or_nan}


def refused(read, path, message):
    """Reading raises one line that begins with the file."""
    with pytest.raises(UserError, match=message) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith(str(path)) and "\n" not in said and len(said) < len(str(path)) + 400


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    """A .npy file with any header."""
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode("latin1") + data


def header(descr: str = "'<f8'", shape: str = "(2,)", order: str = "False", more: str = "") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}{more}}}\n"


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "not a JSON file"),
        (b"[" * 100_000, "not a JSON file|levels deep"),
        (b"[" * 900 + b"]" * 900, "levels deep|not a JSON file"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "more than 64 levels deep"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": -Infinity}', "Infinity is not a number"),
        (b'{"a": 1e999}', "'1e999' is out of range"),
        (b"9" * 5000, "out of range"),
        (b'{"a": "\xff"}', "not UTF-8 .*byte 7"),
        (b'{"a": 1', "not a JSON file"),
    ],
)
def test_json_that_is_none_is_one_line(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    refused(reading.read_json, tmp_path / "a.json", message)


def test_json_and_tables_read_back_as_they_were_written(tmp_path):
    value = {"a": [1, 2.5, None, True, "ü\n"], "b": {"c": {}}}
    files.write_json(tmp_path / "a.json", value)
    assert reading.read_json(tmp_path / "a.json") == value == reading.read_object(tmp_path / "a.json")
    for scalar in (None, 3, "text"):
        files.write_json(tmp_path / "scalar.json", scalar)
        assert reading.read_json(tmp_path / "scalar.json") == scalar
        refused(reading.read_object, tmp_path / "scalar.json", "should be a JSON object")
    files.write_json(tmp_path / "list.json", [1])
    refused(reading.read_object, tmp_path / "list.json", "should be a JSON object")
    rows = [{"index": "3", "title": 'a "b",\r\nc', "year": "1888.5", "ahead": ""}, {"index": "-4", "title": "", "year": "-3", "ahead": "2"}]
    files.write_csv(tmp_path / "a.csv", rows[0], rows)
    assert reading.read_csv(tmp_path / "a.csv") == rows
    first, second = reading.read_table(tmp_path / "a.csv", SCHEMA)
    assert (first["index"], first["title"], first["year"]) == (3, 'a "b",\r\nc', 1888.5) and np.isnan(first["ahead"])
    assert second == {"index": -4, "title": "", "year": -3.0, "ahead": 2.0}


ROW = "index,title,year,ahead\n{},{},{},{}\n"


@pytest.mark.parametrize(
    "content, message",
    [
        (ROW.format("1.0", "a", 1, 2), "row 1: index is '1.0', it should be a whole number"),
        (ROW.format("9" * 5000, "a", 1, 2), "row 1: index is '9+…, it should be a whole number"),
        (ROW.format("٣", "a", 1, 2), "index is '٣', it should be a whole number"),
        (ROW.format(1, "a", "nan", 2), "year is 'nan', it should be a number"),
        (ROW.format(1, "a", "1e999", 2), "year is '1e999', it should be finite"),
        (ROW.format(1, "a", "", 2), "year is '', it should be a number"),
        (ROW.format(1, "a", 1, "late"), "ahead is 'late', it should be a number"),
        (ROW.format(1, "a,b", 1, 2), "row 1 is damaged: it has 5 fields of 4"),
        ("index,title,year\n1,a,2\n", "row 1 has no column 'ahead'; it should have index, title, year, ahead"),
        ("index,index\n1,2\n", "two columns of one name"),
        (ROW.format(1, "x" * (reading.MOST_FIELD + 1), 1, 2), "not a table .*field larger than"),
        ('index,title\n1,"a\n', "not a table"),
        (b"index,title\n1,\xff\n", "not a table .*0xff"),
    ],
)
def test_tables_that_are_none_are_one_line(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(lambda path: reading.read_table(path, SCHEMA), tmp_path / "a.csv", message)


def test_columns_that_came_later_may_be_missing_and_places_are_checked(tmp_path):
    (tmp_path / "a.csv").write_text("index,title,year\n1,a,2\n7,b,3\n")
    rows = reading.read_table(tmp_path / "a.csv", SCHEMA, ("ahead",))
    assert "ahead" not in rows[0]
    reading.check_places(rows, ["index"], 8, tmp_path / "a.csv")
    with pytest.raises(UserError, match="row 2: index is 7, the collection has 7 paintings"):
        reading.check_places(rows, ["index"], 7, tmp_path / "a.csv")


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3), np.zeros((0, 4), np.uint8), np.array(3), np.arange(6, dtype=">i2"),
                                   np.asfortranarray(np.arange(6).reshape(2, 3)), np.array([True, False])])  # fmt: skip
def test_arrays_read_back_as_numpy_reads_them(tmp_path, array):
    files.write_array(tmp_path / "a.npy", array)
    for read in (reading.map_array, reading.read_array):
        found = read(tmp_path / "a.npy")
        np.testing.assert_array_equal(found, np.load(tmp_path / "a.npy"))
        assert found.dtype == array.dtype and found.shape == array.shape
    assert not reading.map_array(tmp_path / "a.npy").flags.writeable or not array.size


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "no .npy file"),
        (b"\x93NUMPY", "no .npy file"),
        (b"\x93NUMPY\x09\x00" + bytes(80), "version 9"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "cut short or too long"),
        (npy(header(shape="(-2,)"), bytes(16)), "no such shape"),
        (npy(header(shape="(10**30,)")), "header"),
        (npy(header(shape="(99999999999999999999,)")), "no such shape"),
        (npy(header(shape="(2.0,)"), bytes(16)), "no such shape"),
        (npy(header(shape="(True, 2)"), bytes(16)), "no such shape"),
        (npy(header(shape="2"), bytes(16)), "no such shape"),
        (npy(header(shape="(1000000, 1000000)"), bytes(16)), r"claims float64 \[1000000, 1000000\], and 16 bytes"),
        (npy(header(), bytes(15)), "and 15 bytes"),
        (npy(header(), bytes(17)), "and 17 bytes"),
        (npy(header("'|O'"), bytes(16)), "plain numbers"),
        (npy(header("'<U9'"), bytes(72)), "plain numbers"),
        (npy(header("'<c16'"), bytes(32)), "plain numbers"),
        (npy(header("[('a', '<f8')]"), bytes(16)), "plain numbers"),
        (npy(header(order="1"), bytes(16)), "plain numbers"),
        (npy(header(more=", 'x': 1"), bytes(16)), "plain numbers"),
        (npy("(" * 9000), "plain numbers"),
        (npy("__import__('os').system('false')"), "plain numbers"),
        (npy("-" * 9000 + "1"), "plain numbers"),
    ],
)
def test_arrays_that_are_none_are_one_line(tmp_path, content, message):
    (tmp_path / "a.npy").write_bytes(content)
    refused(reading.map_array, tmp_path / "a.npy", message)
    refused(reading.read_array, tmp_path / "a.npy", message)


def test_arrays_of_another_kind_or_shape_are_named(tmp_path):
    files.write_array(tmp_path / "a.npy", np.zeros((2, 3), np.float32))
    assert reading.map_array(tmp_path / "a.npy", "float32", (2, None)).shape == (2, 3)
    assert reading.map_array(tmp_path / "a.npy", "floats").shape == (2, 3)
    refused(lambda path: reading.map_array(path, "uint8"), tmp_path / "a.npy", r"holds float32 \[2, 3\], uint8 is needed")
    for shape in ((3, None), (2,), (2, 3, 1)):
        refused(lambda path, shape=shape: reading.map_array(path, "floats", shape), tmp_path / "a.npy", r"the shape \[.*\] is needed")


def test_a_file_of_many_holes_is_mapped_and_not_read(tmp_path):
    """Sixteen gibibytes that take no room on the disk."""
    (tmp_path / "a.npy").write_bytes(npy(header("'|u1'", f"({2**34},)")))
    os.truncate(tmp_path / "a.npy", os.path.getsize(tmp_path / "a.npy") + 2**34)
    assert reading.map_array(tmp_path / "a.npy").shape == (2**34,)
    refused(reading.read_array, tmp_path / "a.npy", "at most 1,073,741,824 are read")
    for name, read in (("a.json", reading.read_json), ("a.csv", reading.read_csv)):
        (tmp_path / name).write_bytes(b"")
        os.truncate(tmp_path / name, 2**34)
        refused(read, tmp_path / name, "has 17,179,869,184 bytes, at most")


READERS = {
    "a.json": reading.read_json,
    "a.csv": reading.read_csv,
    "a.npy": reading.map_array,
    "a.png": lambda path: reading.read_picture(path, 100),
}


@pytest.mark.parametrize("name", READERS)
def test_only_regular_files_of_the_folder_are_opened(tmp_path, name):
    read, path = READERS[name], tmp_path / "folder" / name
    path.parent.mkdir()
    refused(read, path, "there is no such file")
    os.mkfifo(path)
    refused(read, path, "not a regular file")  # and nobody waits for a writer
    path.unlink()
    path.symlink_to("/dev/zero")
    refused(read, path, "a link out of its folder")
    path.unlink()
    path.mkdir()
    refused(read, path, "not a regular file|can't be read")
    path.rmdir()
    (tmp_path / "outside").write_text("secret")
    path.symlink_to(tmp_path / "outside")
    refused(read, path, "a link out of its folder")
    path.unlink()
    path.symlink_to(path)
    refused(read, path, "can't be read|a link out")
    path.unlink()
    files.write_json(path.parent / "b.json", [1])
    (path.parent / "c.json").symlink_to("b.json")
    assert reading.read_json(path.parent / "c.json") == [1]


def test_pictures_are_read_up_to_a_size(tmp_path):
    picture = Image.new("RGB", (40, 30), "red")
    for name in ("a.png", "a.gif"):
        picture.save(tmp_path / name)
        assert reading.read_picture(tmp_path / name, 40).size == (40, 30)
        refused(lambda path: reading.read_picture(path, 39), tmp_path / name, "40 x 30 pixels, at most 39 a side")
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[:60])
        refused(lambda path: reading.read_picture(path, 40), tmp_path / name, "not a picture that can be read")
    picture.save(tmp_path / "a.bmp")
    refused(lambda path: reading.read_picture(path, 40), tmp_path / "a.bmp", "not a picture that can be read")


def test_a_bomb_of_a_picture_is_not_unpacked(tmp_path):
    content = bytearray()
    for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data + bytes(4)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    refused(lambda path: reading.read_picture(path, 8192), tmp_path / "a.png", "not a picture|pixels")


def test_reading_leaves_the_limits_of_other_readers_alone(tmp_path):
    before = csv.field_size_limit()
    (tmp_path / "a.csv").write_text("a\nb\n")
    assert reading.read_csv(tmp_path / "a.csv") == [{"a": "b"}] and csv.field_size_limit() == before
    (tmp_path / "a.csv").write_bytes(b"\xff")
    refused(reading.read_csv, tmp_path / "a.csv", "not a table")
    assert csv.field_size_limit() == before


def test_lines_of_json_are_read_up_to_bounds(tmp_path, monkeypatch):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"images": 1}\r\n\xff\n[1]\n' + b"[" * 100_000 + b"\n" + bytes(3) + b'\n{"images": 2}')
    found = [values for _, values in reading.read_lines(path)]
    assert found == [{"images": 1}, None, None, None, None, {"images": 2}]
    os.truncate(path, 2**36)
    with pytest.raises(UserError, match="at most 268,435,456 are read"):
        list(reading.read_lines(path))
    path.write_text("1\n" * 50)
    monkeypatch.setattr(reading, "MOST_OBJECTS", 50)
    assert len(list(reading.read_lines(path))) == 50
    monkeypatch.setattr(reading, "MOST_OBJECTS", 49)
    with pytest.raises(UserError, match="more than 49 lines"):
        list(reading.read_lines(path))


def test_a_log_of_more_figures_than_a_training_has_is_one_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    lines = ({"images": row} | {f"{row}.{figure}": 1 for figure in range(30)} for row in range(1000))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UserError, match="1,000 lines with 30,001 figures, which is more than a training writes"):
        read_log(path)


def test_a_log_that_is_no_file_is_neither_waited_for_nor_read(tmp_path):
    path = tmp_path / "metrics.jsonl"
    os.mkfifo(path)
    with pytest.raises(UserError, match=r"metrics.jsonl: can.t be read \(not a regular file\)"):
        Log(tmp_path, 10)
    path.unlink()
    path.touch()
    os.truncate(path, 2**36)
    with pytest.raises(UserError, match="68,719,476,736 bytes, at most"):
        Log(tmp_path, 10)


@pytest.mark.parametrize("name", ["gs:", "s3:", "plain"])
def test_a_log_is_written_into_its_folder_whatever_that_is_called(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with Log(pathlib.Path(name) / "log", 0) as log:
        log.write(16, {"loss": 1.0})
    assert [path.name.split(".")[0] for path in sorted((tmp_path / name / "log").iterdir())] == ["events", "metrics"]
