"""Tables of works as people have them: any CSV or TSV, its columns found by their usual names."""

import csv
import dataclasses
import io
import pathlib
import re
from collections.abc import Mapping, Sequence

from gan_jax.collection.dates import MONTHS, parse_dates
from gan_jax.errors import UserError

MAX_BYTES = 64 * 2**20
DELIMITERS = "\t,;|"

FILE_NAMES = ("file", "filename", "filepath", "image", "imagefile", "img", "path", "picture", "photo", "datei", "fichier", "bestand")
TITLE_NAMES = ("title", "name", "titel", "titre", "titulo", "work", "artwork")
DATE_NAMES = ("date", "dated", "dating", "datecreated", "created", "creationdate", "datum", "yearmonth", "when")
YEAR_NAMES = ("year", "jahr", "annee", "jaar", "ano", "anno")
MONTH_NAMES = ("month", "monat", "mois", "maand", "mes", "mese")


@dataclasses.dataclass(frozen=True)
class Table:
    """A header and its rows, all text. Rows of another length than the header's are in `malformed`, as (line, reason)."""

    path: pathlib.Path
    columns: list[str]
    rows: list[dict[str, str]]
    malformed: list[tuple[int, str]]


@dataclasses.dataclass(frozen=True)
class Columns:
    """Which columns say what. No title: a work's file names it. A date is one column, or a year and a month."""

    file: str
    title: str | None
    date: tuple[str, ...]


def read_table(path: pathlib.Path) -> Table:
    """Reads a table with a header.

    The delimiter is the one of tab, comma, semicolon and bar with which most rows have as many fields as the header. Lines end with LF,
    CRLF or CR; the text is UTF-8 or UTF-16 (with its mark), else Latin-1.

    Raises UserError, in one line, for what is not there, too large, binary or empty.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: {path.stat().st_size:,} bytes; tables of up to {MAX_BYTES:,} are read")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return parse_table(_decode(data, path), path)


def parse_table(text: str, path: pathlib.Path) -> Table:
    """`read_table` of a text; `path` is for messages."""
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise UserError(f"{path}: not a text; a CSV or TSV table is needed")
    candidates = [_split(text, delimiter) for delimiter in DELIMITERS]
    lines = max(candidates, key=_regularity)
    if not lines or not any(field.strip() for field in lines[0][1]):
        raise UserError(f"{path}: no header; the first line must name the columns")
    columns = _unique([field.strip() for field in lines[0][1]])
    rows, malformed = [], []
    for number, fields in lines[1:]:
        if len(fields) != len(columns):
            malformed.append((number, f"line {number}: {len(fields)} fields where the header has {len(columns)}"))
        else:
            rows.append(dict(zip(columns, fields)))
    return Table(path, columns, rows, malformed)


def find_columns(table: Table, named: Mapping[str, str]) -> Columns:
    """The columns of file, title and date: those that `named` names, else by their usual names.

    A date is looked for as a column of dates of which at least half can be read, then as a year and a month, then as a year.
    """

    def chosen(what: str) -> str | None:
        name = named.get(what, "")
        if name and name not in table.columns:
            raise UserError(f"config.collection.columns.{what}={name!r}: {table.path} has {_listed(table.columns)}")
        return name or None

    by_name = {_plain(column): column for column in reversed(table.columns)}

    def usual(names: Sequence[str]) -> str | None:
        return next((by_name[name] for name in names if name in by_name), None)

    def missing(what: str) -> UserError:
        return UserError(
            f"{table.path}: no {what} column among {_listed(table.columns)}; name one with --config.collection.columns.{what}=NAME"
        )

    file = chosen("file") or usual(FILE_NAMES)
    if file is None:
        raise missing("file")
    if date := chosen("date"):
        return Columns(file, chosen("title") or usual(TITLE_NAMES), (date,))
    year, month = usual(YEAR_NAMES), usual(MONTH_NAMES)
    several = [(by_name[name],) for name in DATE_NAMES if name in by_name and name != "yearmonth"]
    several += [(year, month)] if year and month else []
    several += [(by_name["yearmonth"],)] if "yearmonth" in by_name else []
    several += [(year,)] if year else []
    for columns in several:
        found = dates(table.rows, columns)
        if sum(not isinstance(date, str) for date in found) * 2 >= len(found):
            return Columns(file, chosen("title") or usual(TITLE_NAMES), columns)
    raise missing("date")


def dates(rows: Sequence[Mapping[str, str]], columns: tuple[str, ...]) -> list[tuple[float, float] | str]:
    """(year, uncertainty) of every row, or the reason why there is none."""
    if len(columns) == 1:
        return parse_dates([row[columns[0]] for row in rows])
    return parse_dates([_year_and_month(row[columns[0]].strip(), row[columns[1]].strip()) for row in rows])


def rows_where(table: Table, where: str) -> list[bool]:
    """Whether each row has the wanted values: "genre=landscape|still life; place=Arles", in any case."""
    wanted = []
    for condition in filter(None, (part.strip() for part in where.split(";"))):
        column, equals, values = condition.partition("=")
        by_name = {_plain(name): name for name in reversed(table.columns)}
        if not equals or _plain(column) not in by_name:
            raise UserError(f"config.collection.where: {condition!r} is not COLUMN=VALUE with a column among {_listed(table.columns)}")
        wanted.append((by_name[_plain(column)], {value.strip().casefold() for value in values.split("|")}))
    return [all(row[column].strip().casefold() in values for column, values in wanted) for row in table.rows]


def _decode(data: bytes, path: pathlib.Path) -> str:
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in data or data[:4] == b"PK\x03\x04":
            raise UserError(f"{path}: not a text; a CSV or TSV table is needed") from None
        return data.decode("latin-1")


def _split(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """(line number, fields) of every line that is not blank."""
    # Universal newlines inside the reader: a table may end its lines with CR alone.
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=delimiter != "\t")
    lines = []
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                lines.append((reader.line_num, fields))
    except csv.Error:  # a field longer than the reader takes: a quote that is never closed
        return []
    return lines


def _regularity(lines: list[tuple[int, list[str]]]) -> tuple[float, int]:
    """How many of the rows have as many fields as the header, and how many fields; one column alone says nothing."""
    if not lines or len(lines[0][1]) < 2:
        return (0.0, len(lines))
    width = len(lines[0][1])
    return (1 + sum(len(fields) == width for _, fields in lines) / len(lines), width)


def _unique(names: list[str]) -> list[str]:
    """Header names, with a number where one is empty or stands twice."""
    result: list[str] = []
    for i, name in enumerate(names, 1):
        candidate, k = name or f"column {i}", 2
        while candidate in result:
            candidate, k = f"{name or f'column {i}'} {k}", k + 1
        result.append(candidate)
    return result


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column[:40]) for column in columns[:12])
    return shown + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")


def _year_and_month(year: str, month: str) -> str:
    if month.isdigit() and 1 <= int(month) <= 12 and year.isdigit():
        return f"{MONTHS[int(month) - 1]} {year}"
    return f"{month} {year}" if month.isalpha() else year
