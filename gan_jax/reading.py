"""Reads JSON, tables and arrays of a workdir. Runs nothing, waits for nothing, and says in one line what is wrong.

A workdir may come from anywhere, and any file of it may be damaged. Whatever a file holds, reading it either gives what its artefact's
schema says or raises one `UserError` that names the file; it never follows a link out of the file's folder, never opens a pipe or a
device, and never takes more memory than the bounds below.
"""

import csv
import errno
import io
import json
import math
import os
import pathlib
import re
import stat
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile

from gan_jax.errors import MOST_NAMED, UserError, cut, shown

MOST_JSON = 2**25  # bytes of a JSON file; Python needs up to twenty times as many for what is in it
MOST_TABLE = 2**26  # bytes of a table
MOST_FOLDERS = 100  # in each other
MOST_DEPTH = 64  # of brackets in JSON; ours has about ten
MOST_CELLS = 6_000_000  # of a table: rows times columns
MOST_LINES = 2**28  # bytes of JSON Lines
MOST_OBJECTS = 2**18  # lines of them
MOST_FIELD = 2**20  # characters of a field
MOST_DIGITS = 15  # of a whole number: what a double holds exactly
MOST_HELD = 2**30  # bytes of an array that is read as a whole
MOST_HEADER = 10_000  # characters, numpy's own limit
MAGIC = b"\x93NUMPY"
# What numpy writes of an array of plain numbers (NEP 1): a dtype of DTYPES, the order of its bytes and of its axes, and a tuple of lengths.
HEADER = re.compile(
    r"\{'descr': '(?P<order>[<>=|])(?P<kind>\w+)', 'fortran_order': (?P<fortran>True|False), 'shape': (?P<shape>[^{}':]*?),? ?\}"
)
SHAPE = re.compile(r"\((?:\d{1,15},|\d{1,15}(?:, ?\d{1,15})+,?)?\)")
DTYPES = {np.dtype(kind).str[1:]: np.dtype(kind) for kind in ("?", *"bhiq", *"BHIQ", *"efd")}
KINDS = {"numbers": "biuf", "floats": "f", "integers": "iu"}  # of dtypes, by what messages call them
PICTURES = ("PNG", "JPEG", "GIF")  # formats of image files that the program itself writes
MOST_PIXELS = 2**26  # of an image file

Kind = Callable[[str], Any]


def whole(text: str) -> int:
    """Reads a whole number of at most 15 digits. Raises ValueError for anything else."""
    digits = text.strip()
    if len(digits.lstrip("+-")) > MOST_DIGITS or not digits.isascii():
        raise ValueError("should be a whole number")
    try:
        return int(digits)
    except ValueError:
        raise ValueError("should be a whole number") from None


def number(text: str) -> float:
    """Reads a finite number. Raises ValueError for anything else."""
    value = number_or_nan(text)
    if math.isnan(value):
        raise ValueError("should be a number")
    return value


def number_or_nan(text: str) -> float:
    """Reads a finite number; NaN for an empty text, as which tables have what is not known. Raises ValueError for anything else."""
    if not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise ValueError("should be a number") from None
    if math.isinf(value):
        raise ValueError("should be finite")
    return value


def text(value: str) -> str:
    """Takes a text as it is."""
    return value


def is_there(path: os.PathLike | str) -> bool:
    """Says whether a name is taken, by a link that leads nowhere too: what it stands for is damaged, not missing."""
    return os.path.lexists(path)


def walk(folder: os.PathLike | str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields each folder at and below one, with the names of its folders (some may be taken out) and of its files, as os.walk does.

    Raises UserError for more than `MOST_FOLDERS` in each other, of which Python would end with the depth of its own calls.
    """
    top = len(pathlib.Path(folder).parts)
    for place, folders, names in os.walk(os.fspath(folder)):  # links to folders are not followed
        if len(pathlib.Path(place).parts) - top > MOST_FOLDERS:
            raise UserError(f"{folder}: more than {MOST_FOLDERS} folders in each other")
        yield place, folders, names


def files_below(folder: os.PathLike | str) -> list[pathlib.Path]:
    """Returns all files at and below a folder, by name. Raises UserError as `walk` does."""
    found = (pathlib.Path(place, name) for place, _, names in walk(folder) for name in names)
    return sorted(path for path in found if path.is_file())


def open_named(path: os.PathLike | str) -> io.BufferedReader:
    """Opens a regular file that a user has named, wherever it lies and whatever links lead to it.

    Raises OSError where there is none, for a folder, a pipe or a device ("not a regular file"), and for what can't be opened.
    """
    if stat.S_ISREG(os.stat(path).st_mode):  # opening some devices does something: a watchdog begins to wait, a tape is wound back
        # Opening a pipe, which may stand there by now, waits for someone to write to it, but for O_NONBLOCK. Reading waits too in files of
        # the system that pass for regular ones, as /proc/kmsg does; so `read` gives None where there is nothing yet.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return os.fdopen(handle, "rb")
        os.close(handle)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def open_regular(path: os.PathLike | str) -> io.BufferedReader:
    """Opens a regular file that lies in its folder, or behind a link that stays in it.

    Raises UserError where there is none, for a folder, a pipe, a device, a link out of its folder, and what can't be read.
    """
    path = pathlib.Path(path)
    try:
        if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
            raise UserError(f"{path}: a link out of its folder, which is not followed")
        return open_named(path)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        raise UserError(f"{path}: can't be read ({getattr(error, 'strerror', None) or error})") from None


def check_size(file: IO, path: os.PathLike | str, most: int) -> None:
    """Raises UserError for an open file of more than `most` bytes."""
    if (size := os.fstat(file.fileno()).st_size) > most:
        raise UserError(f"{path}: has {size:,} bytes, at most {most:,} are read")


def read_bytes(path: os.PathLike | str, most: int) -> bytes:
    """Reads a file of at most `most` bytes. Raises UserError as `open_regular` does, and for a larger one."""
    with open_regular(path) as file:
        check_size(file, path, most)
        try:
            return file.read(most + 1) or b""
        except OSError as error:
            raise UserError(f"{path}: can't be read ({error.strerror})") from None


def read_text(path: os.PathLike | str, most: int) -> str:
    """Reads a file of UTF-8. Raises UserError as `read_bytes` does, and for bytes that are no UTF-8."""
    try:
        return read_bytes(path, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from None


def read_json(path: os.PathLike | str) -> Any:
    """Reads a JSON file. Raises UserError as `read_text` and `parse_json` do."""
    return parse_json(read_text(path, MOST_JSON), path)


def parse_json(written: str, path: os.PathLike | str) -> Any:
    """Reads JSON that stands in `path`. Raises UserError for what is not JSON, and for numbers that are none or out of range."""
    try:
        value = json.loads(written, parse_constant=_no_number, parse_float=_finite, parse_int=_whole_of_json)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a JSON file ({shown_error(error)})") from None
    if _depth_is_over(value):
        raise UserError(f"{path}: not a JSON file of this program (more than {MOST_DEPTH} levels deep)")
    return value


def read_object(path: os.PathLike | str) -> dict[str, Any]:
    """Reads a JSON object. Raises UserError as `read_json` does, and for any other value."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: should be a JSON object")
    return value


def read_lines(path: os.PathLike | str) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yields each line of JSON Lines and the object in it, None where that is damaged, as it is at the end of what was cut off.

    Raises UserError as `read_bytes` does, and for more than `MOST_OBJECTS` lines or `MOST_CELLS` values.
    """
    values = 0
    with open_regular(path) as file:
        check_size(file, path, MOST_LINES)
        try:
            for number, content in enumerate(file):
                line = content.decode("utf-8", "replace").rstrip("\r\n")
                found = _object(line)
                values += len(found or ())
                if number == MOST_OBJECTS or values > MOST_CELLS:
                    raise UserError(f"{path}: more than {MOST_OBJECTS:,} lines, or {MOST_CELLS:,} values in them")
                yield line, found
        except OSError as error:
            raise UserError(f"{path}: can't be read ({error.strerror})") from None


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def shown_error(error: BaseException) -> str:
    """Returns what an error of a library says, on one short line."""
    said = " ".join(str(error).split()) or type(error).__name__
    return cut(said, 2 * MOST_NAMED)


def _no_number(said: str) -> None:
    raise ValueError(f"{said} is not a number")


def _finite(said: str) -> float:
    value = float(said)
    if math.isinf(value):
        raise ValueError(f"{shown(said)} is out of range")
    return value


def _whole_of_json(said: str) -> int | float:
    """Returns a whole number; one of very many digits is none of this program's, and Python refuses some thousands of them by itself."""
    if len(said) > 4 * MOST_DIGITS:
        raise ValueError(f"{shown(said)} is out of range")
    return int(said)


def _depth_is_over(value: Any) -> bool:
    """Returns whether brackets are nested deeper than `MOST_DEPTH`. Goes level by level, so that it never runs out of stack."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MOST_DEPTH):
        level = [x for each in level for x in (each.values() if isinstance(each, dict) else each) if isinstance(x, dict | list)]
        if not level:
            return False
    return True


def read_csv(path: os.PathLike | str) -> list[dict[str, str]]:
    """Reads a CSV that `files.write_csv` wrote: a row a dict. Raises UserError if it is not there or not one."""
    limit = csv.field_size_limit(MOST_FIELD)
    try:
        with io.TextIOWrapper(open_regular(path), "utf-8", newline="") as file:
            check_size(file, path, MOST_TABLE)
            return _rows(file, path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a table ({shown_error(error)})") from None
    finally:
        csv.field_size_limit(limit)


def _rows(file: io.TextIOWrapper, path: os.PathLike | str) -> list[dict[str, str]]:
    reader = csv.reader(file, strict=True)
    fields = next(reader, [])
    if len(set(fields)) < len(fields):
        raise UserError(f"{path}: not a table (two columns of one name)")
    rows: list[dict[str, str]] = []
    most = MOST_CELLS // max(1, len(fields))
    for cells in filter(None, reader):  # blank lines are no rows
        if len(cells) != len(fields):
            raise UserError(f"{path}: row {len(rows) + 1} is damaged: it has {len(cells)} fields of {len(fields)}")
        if len(rows) == most:
            raise UserError(f"{path}: more than {most:,} rows of {len(fields)} columns")
        rows.append(dict(zip(fields, cells)))
    return rows


def read_table(path: os.PathLike | str, schema: Mapping[str, Kind], optional: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Reads a CSV and turns the columns that `schema` names into their kinds; others stay text.

    Args:
      schema: by column `whole`, `number`, `number_or_nan` or `text`.
      optional: columns of it that need not be there; tables of earlier versions lack some.

    Raises UserError as `read_csv` does, and naming the row and the column that is missing or wrong.
    """
    rows = read_csv(path)
    missing = [name for name in schema if rows and name not in rows[0] and name not in optional]
    if missing:
        raise UserError(f"{path}: row 1 has no column '{missing[0]}'; it should have {', '.join(schema)}")
    kinds = [(name, kind) for name, kind in schema.items() if kind is not text and rows and name in rows[0]]
    for place, row in enumerate(rows, 1):
        for name, kind in kinds:
            try:
                row[name] = kind(row[name])
            except ValueError as error:
                said = "it" if str(error).startswith("should") else "that"
                raise UserError(f"{path}: row {place}: {name} is {shown(row[name])}, {said} {error}") from None
    return rows


def check_places(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], size: int, path: os.PathLike | str) -> None:
    """Raises UserError if a row points outside a collection of `size` paintings."""
    for place, row in enumerate(rows, 1):
        for name in columns:
            if not 0 <= row[name] < size:
                raise UserError(f"{path}: row {place}: {name} is {row[name]}, the collection has {size} paintings (0 to {size - 1})")


def map_array(path: os.PathLike | str, kind: str = "numbers", shape: Sequence[int | None] | None = None) -> np.ndarray:
    """Opens a .npy of plain numbers without reading it: it can be larger than memory.

    Args:
      kind: what is admitted, a key of `KINDS` or one dtype by its name, such as "uint8".
      shape: what the array must have, None for any length of an axis; without one any shape does.

    Raises UserError for what is no regular file, not one array of such numbers, of another shape, or of another size than it claims.
    """
    with open_regular(path) as file:
        dtype, found, fortran, start = _header(file, path)
        size = os.fstat(file.fileno()).st_size
        if size - start != math.prod(found) * dtype.itemsize:
            claimed = f"its header claims {_said(dtype, found)}, and {size - start:,} bytes come after it"
            raise UserError(f"{path}: not an array of numbers ({claimed})")
        if dtype.name != kind and dtype.kind not in KINDS.get(kind, ""):
            raise UserError(f"{path}: holds {_said(dtype, found)}, {kind} is needed")
        if shape is not None and not (len(shape) == len(found) and all(a in (None, b) for a, b in zip(shape, found))):
            needed = ", ".join("any" if length is None else str(length) for length in shape)
            raise UserError(f"{path}: holds {_said(dtype, found)}, the shape [{needed}] is needed")
        if not math.prod(found):  # nothing that could be mapped
            return np.zeros(found, dtype, "F" if fortran else "C")
        try:
            return np.memmap(file, dtype, "r", start, found, "F" if fortran else "C")
        except (ValueError, OverflowError, OSError, MemoryError) as error:
            raise UserError(f"{path}: not an array of numbers ({shown_error(error)})") from None


def read_array(path: os.PathLike | str, kind: str = "numbers", shape: Sequence[int | None] | None = None) -> np.ndarray:
    """Reads a .npy of at most a gibibyte as a whole. Raises UserError as `map_array` does, and for a larger one."""
    mapped = map_array(path, kind, shape)
    if mapped.nbytes > MOST_HELD:
        raise UserError(f"{path}: has {mapped.nbytes:,} bytes, at most {MOST_HELD:,} are read")
    return np.array(mapped)


def _header(file: BinaryIO, path: os.PathLike | str) -> tuple[np.dtype, tuple[int, ...], bool, int]:
    """Reads the header of a .npy: its dtype, shape, whether it is in Fortran's order, and where its numbers begin.

    Matched here and not read by numpy, which evaluates a header as Python's literals and sizes before it looks at what a file has.
    """

    def wrong(said: str) -> UserError:
        return UserError(f"{path}: not an array of numbers ({said})")

    start = file.read(8)
    if start[:6] != MAGIC or len(start) < 8:
        raise wrong("no .npy file")
    if start[6] not in (1, 2, 3):
        raise wrong(f"version {start[6]} of .npy")
    size = struct.Struct("<H" if start[6] == 1 else "<I")
    packed = file.read(size.size)
    if len(packed) < size.size or (length := size.unpack(packed)[0]) > MOST_HEADER:
        raise wrong("its header is cut short or too long")
    said = HEADER.fullmatch(file.read(length).decode("latin1").strip())
    if not said or (dtype := DTYPES.get(said["kind"])) is None:
        raise wrong("its header is not that of plain numbers")
    shape = tuple(map(int, re.findall(r"\d+", said["shape"]))) if SHAPE.fullmatch(said["shape"]) else None
    if shape is None or len(shape) > 8 or max(shape, default=0) >= 2**48:
        raise wrong("its header has no such shape")
    return dtype.newbyteorder(said["order"]), shape, said["fortran"] == "True", file.tell()


def _said(dtype: np.dtype, shape: Sequence[int]) -> str:
    return f"{dtype.name} [{', '.join(map(str, shape))}]"


def read_picture(path: os.PathLike | str, most_side: int) -> Image.Image:
    """Reads an image file that this program wrote, its first frame if it moves: any mode, loaded.

    Raises UserError as `open_regular` does, for what is no PNG, JPEG or GIF or is damaged, and for more than `most_side` pixels a side.
    """
    with open_regular(path) as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                picture = Image.open(file, formats=PICTURES)
                if max(picture.size) > most_side or math.prod(picture.size) > MOST_PIXELS:
                    raise UserError(f"{path}: has {picture.width} x {picture.height} pixels, at most {most_side} a side are read")
                if ImageFile.LOAD_TRUNCATED_IMAGES:  # half an image is none
                    raise AssertionError
                picture.load()
                return picture
        except UserError:
            raise
        except Exception as error:  # decoders raise whatever they stumble over
            raise UserError(f"{path}: not a picture that can be read ({type(error).__name__}: {shown_error(error)})") from None
