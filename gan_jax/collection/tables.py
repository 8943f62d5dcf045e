"""Tables as they are found: any CSV, TSV, JSON or JSON Lines."""

import csv
import pathlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gan_jax.collection import encodings, json_tables
from gan_jax.errors import UserError

LARGEST_TABLE = 64 * 2**20  # bytes
MOST_COLUMNS = 1_000
MOST_CELLS = 5_000_000
MOST_ROWS = 500_000
MOST_LOOKS = 20_000  # cells of several lines that are looked into for rows
SAMPLE = 2**18  # characters that the delimiter is looked for in
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".geojson")
DELIMITERS = "\t;|,"  # a tie goes to the first: commas are common inside titles


@dataclass
class _Reading:
    columns: list[str]
    named: int  # columns up to the last that has a name
    rows: list[dict[str, str]]
    malformed: list[tuple[int, str]]
    repaired: list[str]  # what was repaired, in words


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
    by itself. Rows without any text are no rows. A header used twice becomes "name (2)", an empty one "column 3". Raises UserError, for a
    table without any usable row with `malformed`.
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
    text, delimiter = _delimiter(text)
    if text.count(delimiter) > 3 * MOST_CELLS:  # before a list is made of them
        raise UserError(f"{path}: the table has more than {MOST_CELLS:,} cells")
    if max(text.count("\n"), text.count("\r")) > 2 * MOST_ROWS:
        raise UserError(f"{path}: the table has more than {2 * MOST_ROWS:,} lines, blank ones with them")
    reading = _best_reading(path, text, delimiter)
    malformed = reading.malformed
    if not reading.rows:
        why = f": line {malformed[0][0]}: {malformed[0][1]}" if malformed else " below its header"
        raise NoRows(f"{path}: the table has no usable row{why}", malformed)
    return Table(str(path), reading.columns, reading.rows, delimiter, decoded.encoding, malformed, decoded.guessed, tuple(reading.repaired))


def _folder_of_records(folder: pathlib.Path, names: Sequence[str], encoding: str) -> Iterator[tuple[int, dict[str, str] | str]]:
    """The records of all JSON files of a folder, in the order of their names; the number of each is its file's."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in JSON_SUFFIXES and path.is_file())
    if not paths:
        raise UserError(f"{folder}: a folder without JSON files; name a table, or a folder of JSON files")
    size = 0
    for n, path in enumerate(paths, 1):
        size += path.stat().st_size
        if size > LARGEST_TABLE:
            raise UserError(f"{folder}: the files are larger than {LARGEST_TABLE >> 20} MiB together")
        try:
            for _, record in json_tables.records(_decoded(path, names, encoding).text):
                yield n, record if isinstance(record, dict) else f"{path.name}: {record}"
        except ValueError as error:
            yield n, f"{path.name}: {error}"


def _of_records(path: str, records: Iterator[tuple[int, dict[str, str] | str]], encoding: str, guessed: bool) -> Table:
    """The table of records, with a column for each field of any. Raises UserError if there are none or too many."""
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
        _check_size(path, len(found) + len(malformed), len(columns))
    if not found:
        why = f": record {malformed[0][0]}: {malformed[0][1]}" if malformed else ""
        raise NoRows(f"{path}: the table has no usable row{why}", malformed)
    empty = dict.fromkeys(columns, "")
    return Table(path, list(columns), [empty | record for record in found], "", encoding, malformed, guessed)


def _decoded(path: pathlib.Path | str, names: Sequence[str], encoding: str) -> encodings.Decoded:
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_TABLE + 1)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: the table can't be read ({error.strerror})") from None
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


def _delimiter(text: str) -> tuple[str, str]:
    """The text without Excel's "sep=" line, and the delimiter by which most rows have as many fields as the header."""
    if match := re.match(r"""["']?sep=([,;|\t])["']?(?:\r\n|\r|\n)""", text, re.IGNORECASE):
        return text[match.end() :], match[1]
    best, best_score = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        lengths = [len(record) for _, _, record in _records(text[:SAMPLE], delimiter) if isinstance(record, list)]
        if lengths and lengths[0] > 1:
            score = (sum(length == lengths[0] for length in lengths) / len(lengths), lengths[0])
            if score > best_score:
                best, best_score = delimiter, score
    return text, best


def _best_reading(path: pathlib.Path | str, text: str, delimiter: str) -> _Reading:
    """By the rules of quoting if the table follows them; else with quotation marks as letters, or loosely, whichever keeps more rows."""
    try:
        return _reading(path, text, delimiter, strict=True)
    except csv.Error:
        readings = [_reading(path, text, delimiter, quoting=quoting) for quoting in (csv.QUOTE_NONE, csv.QUOTE_MINIMAL)]
        return max(readings, key=lambda reading: len(reading.rows))


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends, of any of the three kinds; io.StringIO would take four bytes a letter for it."""
    return (match[0] for match in _LINE.finditer(text))


def _records(
    text: str, delimiter: str, quoting: int = csv.QUOTE_MINIMAL, strict: bool = False
) -> Iterator[tuple[int, int, list[str] | str]]:
    """Yields (first line, line after the last, fields or the reason why csv refuses) for every record that has text.

    Raises csv.Error if strict.
    """
    reader = csv.reader(_lines(text), delimiter=delimiter, quoting=quoting, strict=strict)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if strict and "limit" not in str(error):
                raise
            yield line, reader.line_num + 1, str(error)
            continue
        if any(field.strip() for field in record):
            yield line, reader.line_num + 1, record


def _reading(path: pathlib.Path | str, text: str, delimiter: str, quoting: int = csv.QUOTE_MINIMAL, strict: bool = False) -> _Reading:
    records = _records(text, delimiter, quoting, strict)
    header = next(records, (1, 1, []))[2]
    if not header or isinstance(header, str):
        raise UserError(f"{path}: the table has no header" + (f" ({header})" if header else ""))
    if len(header) > MOST_COLUMNS:
        raise UserError(f"{path}: the table has {len(header)} columns, and {MOST_COLUMNS} at most are read")
    named = max((n for n, name in enumerate(header, 1) if name.strip()), default=1)
    reading = _Reading(_distinct([name.strip() for name in header]), named, [], [], [])
    lines: list[str] | None = None  # of the text; made if a record has to be read again
    cut = looked = 0
    for first, after, record in records:
        if after - first > 1 and quoting != csv.QUOTE_NONE and looked < MOST_LOOKS:
            looked += 1
            lines = list(_lines(text)) if lines is None else lines
            if swallowed := _swallowed(lines[first - 1 : after - 1], delimiter, len(header)):
                reading.repaired.append(
                    f"line {first}: a quotation mark without its partner; the {len(swallowed)} rows from there on are read one by one"
                )
                for n, row in enumerate(swallowed):
                    cut += _take(reading, first + n, row)
                continue
        cut += _take(reading, first, record)
        _check_size(path, len(reading.rows) + len(reading.malformed), len(header))
    if cut:
        reading.repaired.append(f"{cut} rows end with empty fields that the header does not have, which are left away")
    return reading


def _check_size(path: pathlib.Path | str, rows: int, columns: int) -> None:
    if rows > MOST_ROWS:
        raise UserError(f"{path}: the table has more than {MOST_ROWS:,} rows; keep those of the painter")
    if rows * columns > MOST_CELLS:
        raise UserError(f"{path}: the table has more than {MOST_CELLS:,} cells; keep the rows of the painter, or fewer columns")


def _take(reading: _Reading, line: int, record: list[str] | str) -> bool:
    """Adds a record to the rows or to the malformed; whether empty fields at its end were left away."""
    columns = reading.columns
    if isinstance(record, str):
        reading.malformed.append((line, record))
        return False
    longer = len(record) > len(columns) and not any(field.strip() for field in record[len(columns) :])
    if reading.named <= len(record) < len(columns):  # a comma at the end of the header alone
        record = record + [""] * (len(columns) - len(record))
    if len(record) == len(columns) or longer:
        reading.rows.append(dict(zip(columns, record)))
    else:
        reading.malformed.append((line, f"{len(record)} fields where the header has {len(columns)}"))
    return longer


def _swallowed(lines: list[str], delimiter: str, width: int) -> list[list[str]]:
    """The rows that one record of several lines holds, if each of the lines is a row like the first; none for a cell of several lines."""
    if len(lines) < 2 or width < 2:
        return []
    rows = []
    for n, line in enumerate(lines):
        quoting = csv.QUOTE_MINIMAL if n and line.count('"') % 2 == 0 else csv.QUOTE_NONE
        try:
            rows.append(next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, quoting=quoting), []))
        except csv.Error:
            return []
    rows = [row for row in rows if any(field.strip() for field in row)]
    shapes = [[_shape(field) for field in row] for row in rows]
    alike = all(len(row) == width and 2 * sum(a == b for a, b in zip(row, shapes[0])) >= width for row in shapes)
    return rows if len(rows) > 1 and alike else []


def _shape(field: str) -> str:
    """What a cell looks like: "12.jpg" is "9.a"."""
    return re.sub(r"[^\W\d_]+", "a", re.sub("[0-9]+", "9", field.strip()[:40].strip('"')))


def _distinct(names: Sequence[str]) -> list[str]:
    given, result = set(names), dict[str, None]()
    for place, name in enumerate(names, 1):
        candidate = name = name or f"column {place}"
        count = 1
        while candidate in result or (count > 1 and candidate in given):
            count += 1
            candidate = f"{name} ({count})"
        result[candidate] = None
    return list(result)
