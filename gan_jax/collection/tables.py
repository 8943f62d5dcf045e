"""Tables as they are found: any CSV, TSV, JSON or JSON Lines."""

import pathlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gan_jax.collection import encodings, json_tables
from gan_jax.collection.csv_tables import MOST_CELLS, MOST_COLUMNS, MOST_ROWS, SAMPLE, best_reading, check_size, delimiter_of
from gan_jax.errors import UserError
from gan_jax.reading import files_below, open_named

LARGEST_TABLE = 64 * 2**20  # bytes
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".geojson")


@dataclass(frozen=True)
class Table:
    path: str
    columns: list[str]
    rows: list[dict[str, str]]  # the cells as they stand in the file
    delimiter: str
    encoding: str
    malformed: list[tuple[int, str]]  # the line a left-out row starts at, and why
    guessed: bool = False  # whether the encoding was
    repaired: tuple[str, ...] = ()  # what had to be read otherwise than it is written, a line each


class NoRows(UserError):
    """A table without any usable row; `malformed` has the line each starts at, and why."""

    def __init__(self, message: str, malformed: list[tuple[int, str]]):
        super().__init__(message)
        self.malformed = malformed


def read_table(path: pathlib.Path | str, names: Sequence[str] = (), encoding: str = "") -> Table:
    """Reads a table with a header: comma, tab, semicolon or bar, any line ends, in UTF-8, UTF-16 or an encoding that can be guessed.

    Records in JSON or JSON Lines, or in a folder of such files, are a table too (json_tables.py); their fields are its columns.

    `names` are those of the image files, by which an encoding is known; `encoding` is what somebody said that it is in.
    A row with more or fewer fields than the header is left out and told in `malformed`, because nobody knows which of its fields
    moved; empty fields beyond the header's are no fields. Rows that a quotation mark without its partner swallowed are read again, each
    by itself. Lines with a single cell above a header of several, such as a title, are left away. Rows without any text are no rows. A
    header used twice becomes "name (2)", an empty one "column 3". Raises UserError, for a table without any usable row with `malformed`.
    """
    if pathlib.Path(path).is_dir():
        return _of_records(str(path), _folder_of_records(pathlib.Path(path), names, encoding), "utf-8", False)
    decoded = _decoded(path, names, encoding)
    text = decoded.text
    if json_tables.is_json(text):
        named = pathlib.Path(path).suffix.lower() in JSON_SUFFIXES
        try:
            return _of_records(str(path), json_tables.records(text), decoded.encoding, decoded.guessed)
        except ValueError as error:
            if named:
                raise UserError(f"{path}: {error}") from None
    text, delimiter = delimiter_of(text)
    if text.count(delimiter) > 3 * MOST_CELLS:  # before a list is made of them
        raise UserError(f"{path}: the table has more than {MOST_CELLS:,} cells")
    if max(text.count("\n"), text.count("\r")) > 2 * MOST_ROWS:
        raise UserError(f"{path}: the table has more than {2 * MOST_ROWS:,} lines, blank ones with them")
    reading = best_reading(path, text, delimiter)
    malformed = reading.malformed
    if not reading.rows:
        why = f": line {malformed[0][0]}: {malformed[0][1]}" if malformed else " below its header"
        raise NoRows(f"{path}: the table has no usable row{why}", malformed)
    return Table(str(path), reading.columns, reading.rows, delimiter, decoded.encoding, malformed, decoded.guessed, tuple(reading.repaired))


def _folder_of_records(folder: pathlib.Path, names: Sequence[str], encoding: str) -> Iterator[tuple[int, dict[str, str] | str]]:
    """The records of all JSON files in a folder and below it, in the order of their names; the number of each is its file's."""
    paths = [path for path in files_below(folder) if path.suffix.lower() in JSON_SUFFIXES]
    if not paths:
        raise UserError(f"{folder}: a folder without JSON files; name a table, or a folder of JSON files")
    size = 0
    for n, path in enumerate(paths, 1):
        if not path.resolve().is_relative_to(folder.resolve()):
            yield n, f"{path.name}: a link that leads out of the folder"
            continue
        size += path.stat().st_size
        if size > LARGEST_TABLE:
            raise UserError(f"{folder}: the files are larger than {LARGEST_TABLE >> 20} MiB together")
        try:
            for _, record in json_tables.records(_decoded(path, names, encoding).text):
                yield n, record if isinstance(record, dict) else f"{path.name}: {record}"
        except ValueError as error:
            yield n, f"{path.name}: {error}"


def _of_records(path: str, records: Iterator[tuple[int, dict[str, str] | str]], encoding: str, guessed: bool) -> Table:
    """Returns the table of records, with a column for each field of any. Raises UserError if there are none or too many."""
    columns: dict[str, None] = {}
    found, malformed = [], []
    for n, record in records:
        if isinstance(record, str):
            malformed.append((n, record))
        elif any(text.strip() for text in record.values()):
            found.append(record)
            columns.update(dict.fromkeys(record))
        if len(columns) > MOST_COLUMNS:
            raise UserError(f"{path}: the records have more than {MOST_COLUMNS} fields")
        check_size(path, len(found) + len(malformed), len(columns))
    if not found:
        why = f": record {malformed[0][0]}: {malformed[0][1]}" if malformed else ""
        raise NoRows(f"{path}: the table has no usable row{why}", malformed)
    empty = dict.fromkeys(columns, "")
    return Table(path, list(columns), [empty | record for record in found], "", encoding, malformed, guessed)


def _decoded(path: pathlib.Path | str, names: Sequence[str], encoding: str) -> encodings.Decoded:
    try:
        with open_named(path) as file:
            data = file.read(LARGEST_TABLE + 1) or b""
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a name with NUL in it
        raise UserError(f"{path}: the table can't be read ({getattr(error, 'strerror', None) or error})") from None
    if len(data) > LARGEST_TABLE:
        raise UserError(f"{path}: the table is larger than {LARGEST_TABLE >> 20} MiB")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UserError(f"{path}: a spreadsheet or an archive, not text; save the table as CSV")
    try:
        decoded = encodings.decode(data, names, encoding)
    except ValueError as error:
        raise UserError(f"{path}: {error}" + ("; save the table as CSV" if "NUL" in str(error) else "")) from None
    head = decoded.text[:SAMPLE]
    if "\0" in head or len(re.findall("[\x01-\x08\x0e-\x1f]", head)) > len(head) / 100:
        raise UserError(f"{path}: not a text table; save it as CSV in UTF-8")
    return decoded
