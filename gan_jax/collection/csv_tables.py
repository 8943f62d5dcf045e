"""Delimited text, broken or not, as rows of a table."""

import csv
import itertools
import pathlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gan_jax.errors import UserError

MOST_COLUMNS = 1_000
MOST_CELLS = 5_000_000
MOST_ROWS = 500_000
MOST_LOOKS = 20_000  # cells of several lines that are looked into for rows
MOST_ABOVE = 20  # lines above a header
SAMPLE = 2**18  # characters that the delimiter is looked for in
DELIMITERS = "\t;|,"  # a tie goes to the first: commas are common inside titles
Quoting = Literal[0, 1, 2, 3]  # one of the constants of csv
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FORMULA = re.compile(r'="([^"]*)"')  # as spreadsheets keep a number from being one


@dataclass
class Reading:
    columns: list[str]
    named: int  # columns up to the last that has a name
    rows: list[dict[str, str]]
    malformed: list[tuple[int, str]]
    repaired: list[str]  # what was repaired, in words


def delimiter_of(text: str) -> tuple[str, str]:
    """Returns the text without Excel's "sep=" line, and the delimiter by which most rows have as many fields as the header."""
    if match := re.match(r"""["']?sep=([,;|\t])["']?(?:\r\n|\r|\n)""", text, re.IGNORECASE):
        return text[match.end() :], match[1]
    best, best_score = ",", (0.0, False, 1)
    for delimiter in DELIMITERS:
        records = [record for _, _, record in _records(text[:SAMPLE], delimiter) if isinstance(record, list)]
        above = _above(records)
        lengths = [len(record) for record in records[above:]]
        if lengths and lengths[0] > 1:
            score = (sum(length == lengths[0] for length in lengths) / len(records), not above, lengths[0])
            if score > best_score:
                best, best_score = delimiter, score
    return text, best


def best_reading(path: pathlib.Path | str, text: str, delimiter: str) -> Reading:
    """Reads by the rules of quoting if the table follows them; else with backslashes before quotation marks that are letters, with all of
    them as letters, or loosely, whichever keeps most rows.
    """
    try:
        return _reading(path, text, delimiter, strict=True)
    except csv.Error:
        escapes = ("\\",) if '\\"' in text else ()
        readings = [_reading(path, text, delimiter, escape=escape) for escape in escapes]
        readings += [_reading(path, text, delimiter, quoting=quoting) for quoting in (csv.QUOTE_NONE, csv.QUOTE_MINIMAL)]
        return max(readings, key=lambda reading: len(reading.rows))


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends, of any of the three kinds; io.StringIO would take four bytes a letter for it."""
    return (match[0] for match in _LINE.finditer(text))


def _records(
    text: str, delimiter: str, quoting: Quoting = csv.QUOTE_MINIMAL, strict: bool = False, escape: str = ""
) -> Iterator[tuple[int, int, list[str] | str]]:
    """Yields (first line, line after the last, fields or the reason why csv refuses) for every record that has text.

    Raises csv.Error if strict.
    """
    escaping: dict[str, Any] = {"escapechar": escape, "doublequote": False} if escape else {}
    reader = csv.reader(_lines(text), delimiter=delimiter, quoting=quoting, strict=strict, **escaping)
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
            yield line, reader.line_num + 1, [_unquoted(field) for field in record] if quoting == csv.QUOTE_NONE else record


def _unquoted(field: str) -> str:
    """Returns a field without the quotation marks around it, if it has both."""
    return field[1:-1].replace('""', '"') if len(field) > 1 and field[0] == field[-1] == '"' else field


def _above(records: Sequence[list[str] | str]) -> int:
    """Returns how many records stand above the header: those with text in one field alone, if one with more follows soon."""
    wide = (n for n, record in enumerate(records[:MOST_ABOVE]) if isinstance(record, list) and sum(map(bool, map(str.strip, record))) > 1)
    return next(wide, 0)


def _reading(
    path: pathlib.Path | str, text: str, delimiter: str, quoting: Quoting = csv.QUOTE_MINIMAL, strict: bool = False, escape: str = ""
) -> Reading:
    records = _records(text, delimiter, quoting, strict, escape)
    begin = list(itertools.islice(records, MOST_ABOVE))
    above = _above([record for _, _, record in begin])
    records = itertools.chain(begin[above:], records)
    header = next(records, (1, 1, []))[2]
    if not header or isinstance(header, str):
        raise UserError(f"{path}: the table has no header" + (f" ({header})" if header else ""))
    if len(header) > MOST_COLUMNS:
        raise UserError(f"{path}: the table has {len(header)} columns, and {MOST_COLUMNS} at most are read")
    named = max((n for n, name in enumerate(header, 1) if name.strip()), default=1)
    reading = Reading(_distinct([name.strip() for name in header]), named, [], [], [])
    if above:
        reading.repaired.append(f"{above} lines above the header are left away")
    if quoting == csv.QUOTE_NONE:
        reading.repaired.append("quotation marks without their partners; all of them within cells are read as letters")
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
        check_size(path, len(reading.rows) + len(reading.malformed), len(header))
    if cut:
        reading.repaired.append(f"{cut} rows end with empty fields that the header does not have, which are left away")
    return reading


def check_size(path: pathlib.Path | str, rows: int, columns: int) -> None:
    if rows > MOST_ROWS:
        raise UserError(f"{path}: the table has more than {MOST_ROWS:,} rows; keep those of the painter")
    if rows * columns > MOST_CELLS:
        raise UserError(f"{path}: the table has more than {MOST_CELLS:,} cells; keep the rows of the painter, or fewer columns")


def _take(reading: Reading, line: int, record: list[str] | str) -> bool:
    """Adds a record to the rows or to the malformed; whether empty fields at its end were left away."""
    columns = reading.columns
    if isinstance(record, str):
        reading.malformed.append((line, record))
        return False
    record = [match[1] if field[:1] == "=" and (match := _FORMULA.fullmatch(field)) else field for field in record]
    longer = len(record) > len(columns) and not any(field.strip() for field in record[len(columns) :])
    if reading.named <= len(record) < len(columns):  # a comma at the end of the header alone
        record = record + [""] * (len(columns) - len(record))
    if len(record) == len(columns) or longer:
        reading.rows.append(dict(zip(columns, record)))
    else:
        reading.malformed.append((line, f"{len(record)} fields where the header has {len(columns)}"))
    return longer


def _swallowed(lines: list[str], delimiter: str, width: int) -> list[list[str]]:
    """Returns the rows that one record of several lines holds, if each of the lines is a row like the first; none for a cell of several
    lines."""
    if len(lines) < 2 or width < 2:
        return []
    rows = []
    for n, line in enumerate(lines):
        quoting: Quoting = csv.QUOTE_MINIMAL if n and line.count('"') % 2 == 0 else csv.QUOTE_NONE
        try:
            rows.append(next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, quoting=quoting), []))
        except csv.Error:
            return []
    rows = [row for row in rows if any(field.strip() for field in row)]
    shapes = [[_shape(field) for field in row] for row in rows]
    alike = all(len(row) == width and 2 * sum(a == b for a, b in zip(row, shapes[0])) >= width for row in shapes)
    return rows if len(rows) > 1 and alike else []


def _shape(field: str) -> str:
    """Returns what a cell looks like: "12.jpg" is "9.a"."""
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
