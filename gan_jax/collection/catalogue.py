"""Tables of paintings: any CSV or TSV as it is found, and which of its columns say file, title and date."""

import csv
import io
import pathlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gan_jax.collection.dates import parse_dates
from gan_jax.errors import UserError

LARGEST_TABLE = 64 * 2**20  # bytes
MOST_COLUMNS = 1_000
MOST_CELLS = 5_000_000
SAMPLE = 2**18  # characters that the delimiter is looked for in
DELIMITERS = "\t;|,"  # a tie goes to the first: commas are common inside titles

Reading = tuple[list[str], list[dict[str, str]], list[tuple[int, str]]]  # columns, rows, malformed

# As `_key` writes them; the most telling first.
FILE_NAMES = ("filename", "file", "imagefile", "imagefilename", "imagepath", "filepath", "path", "image", "img", "imagename",
              "picture", "datei", "dateiname", "fichier", "bestand", "archivo")  # fmt: skip
TITLE_NAMES = ("title", "titel", "titre", "titulo", "titolo", "name", "work", "worktitle", "artworktitle",
               "painting", "paintingname", "objecttitle")  # fmt: skip
DATE_NAMES = ("date", "dated", "datecreated", "creationdate", "created", "dateofcreation", "datetext", "displaydate", "objectdate",
              "dating", "datum", "datierung", "fecha", "data", "completion", "completitionyear",
              "completionyear", "period", "when")  # fmt: skip
YEAR_MONTH_NAMES = ("yearmonth", "monthyear")
YEAR_NAMES = ("year", "yearcreated", "yearofcreation", "creationyear", "jahr", "annee", "jaar", "ano", "anno")
MONTH_NAMES = ("month", "monthcreated", "creationmonth", "monat", "mois", "maand", "mes", "mese")
IMAGE_SUFFIX = re.compile(r"\.(?:jpe?g|png|gif|bmp|tiff?|webp|jp2|ppm)$", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    path: str
    columns: list[str]
    rows: list[dict[str, str]]  # the cells as they stand in the file
    delimiter: str
    encoding: str
    malformed: list[tuple[int, str]]  # the line a left-out row starts at, and why


@dataclass(frozen=True)
class Columns:
    file: str
    title: str  # '' where the table has none
    date: tuple[str, ...]  # one column, or those of the year and of the month


def read_table(path: pathlib.Path | str) -> Table:
    """Reads a table with a header: comma, tab, semicolon or bar, any line ends, UTF-8, UTF-16 with its mark or Windows' Latin-1.

    A row with more or fewer fields than the header is left out and told in `malformed`, because nobody knows which of its fields
    moved. Rows without any text are no rows. A header used twice becomes "name (2)", an empty one "column 3". Raises UserError.
    """
    text, encoding = _decoded(path)
    text, delimiter = _delimiter(text)
    columns, rows, malformed = _best_reading(path, text, delimiter)
    if not rows:
        why = f": line {malformed[0][0]}: {malformed[0][1]}" if malformed else " below its header"
        raise UserError(f"{path}: the table has no usable row{why}")
    return Table(str(path), columns, rows, delimiter, encoding, malformed)


def _decoded(path: pathlib.Path | str) -> tuple[str, str]:
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
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ("utf-16",)
    elif b"\0" in data:
        raise UserError(f"{path}: not a text table (it holds NUL bytes); save the table as CSV")
    else:
        # Windows-1252 is Latin-1 with quotation marks and dashes in place of control characters; five bytes it doesn't know.
        encodings = ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text or len(re.findall("[\x01-\x08\x0e-\x1f]", text[:SAMPLE])) > len(text[:SAMPLE]) / 100:
            break
        return text, encoding
    raise UserError(f"{path}: not a text table; save it as CSV in UTF-8")


def _delimiter(text: str) -> tuple[str, str]:
    """The text without Excel's "sep=" line, and the delimiter by which most rows have as many fields as the header."""
    if match := re.match(r"""["']?sep=([,;|\t])["']?(?:\r\n|\r|\n)""", text, re.IGNORECASE):
        return text[match.end() :], match[1]
    best, best_score = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        lengths = [len(record) for _, record in _records(text[:SAMPLE], delimiter) if isinstance(record, list)]
        if lengths and lengths[0] > 1:
            score = (sum(length == lengths[0] for length in lengths) / len(lengths), lengths[0])
            if score > best_score:
                best, best_score = delimiter, score
    return text, best


def _best_reading(path: pathlib.Path | str, text: str, delimiter: str) -> Reading:
    """By the rules of quoting if the table follows them; else with quotation marks as letters, or loosely, whichever keeps more rows."""
    try:
        return _reading(path, _records(text, delimiter, strict=True))
    except csv.Error:
        readings = [_reading(path, _records(text, delimiter, quoting=quoting)) for quoting in (csv.QUOTE_NONE, csv.QUOTE_MINIMAL)]
        return max(readings, key=lambda reading: len(reading[1]))


def _records(text: str, delimiter: str, quoting: int = csv.QUOTE_MINIMAL, strict: bool = False) -> Iterator[tuple[int, list[str] | str]]:
    """Yields (line, fields) for every record that has text, or (line, reason) for one that csv refuses. Raises csv.Error if strict."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=strict)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if strict:
                raise
            yield line, str(error)
            continue
        if any(field.strip() for field in record):
            yield line, record


def _reading(path: pathlib.Path | str, records: Iterator[tuple[int, list[str] | str]]) -> Reading:
    header = next(records, (1, []))[1]
    if not header or isinstance(header, str):
        raise UserError(f"{path}: the table has no header" + (f" ({header})" if header else ""))
    if len(header) > MOST_COLUMNS:
        raise UserError(f"{path}: the table has {len(header)} columns, and {MOST_COLUMNS} at most are read")
    columns = _distinct([name.strip() for name in header])
    rows, malformed = [], []
    for line, record in records:
        if isinstance(record, str):
            malformed.append((line, record))
        elif len(record) != len(columns):
            malformed.append((line, f"{len(record)} fields where the header has {len(columns)}"))
        else:
            rows.append(dict(zip(columns, record)))
        if (len(rows) + len(malformed)) * len(columns) > MOST_CELLS:
            raise UserError(f"{path}: the table has more than {MOST_CELLS:,} cells")
    return columns, rows, malformed


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


def find_columns(table: Table, named: Mapping[str, str]) -> Columns:
    """Which columns say file, title and date: those that `named` names, and where it says '' those with the usual names.

    A date is looked for in this order: a column of dates that can be read in at least half of the rows; year and month together;
    year and month in one; the year. Raises UserError that lists the columns there are.
    """
    file = _named(table, named, "file") or _file_column(table)
    if not file:
        raise UserError(_missing(table, "file"))
    title = _named(table, named, "title") or next(iter(_usual(table, TITLE_NAMES)), "")
    explicit = _named(table, named, "date")
    date = (explicit,) if explicit else _date_columns(table)
    if not date:
        raise UserError(_missing(table, "date"))
    return Columns(file, title, date)


def read_dates(rows: Sequence[Mapping[str, str]], date: Sequence[str]) -> list[tuple[float, float] | str]:
    """The rows' dates as `parse_dates` gives them, from one column or from those of the year and the month.

    Where the month is missing or unreadable the year alone is the date.
    """
    years = parse_dates([row[date[0]] for row in rows])
    if len(date) == 1:
        return years
    texts = []
    for row in rows:
        year, month = (row[name].strip().removesuffix(".0") for name in date)
        texts.append(f"{month}/{year}" if month.isdecimal() else f"{month} {year}")
    return [year if isinstance(full, str) else full for full, year in zip(parse_dates(texts), years)]


def rows_where(table: Table, where: str) -> list[bool]:
    """Which rows meet every condition of `where`, such as "genre=landscape|still life; place=Paris"; case makes no difference.

    Raises UserError for a column that isn't there or a condition without "=".
    """
    kept = [True] * len(table.rows)
    for condition in filter(str.strip, where.split(";")):
        name, equals, values = condition.partition("=")
        if not equals:
            raise UserError(f"config.collection.where: {condition.strip()!r} is no condition; write COLUMN=VALUE or COLUMN=VALUE|VALUE")
        column = _column(table, name)
        if not column:
            raise UserError(f"config.collection.where: {table.path} has no column {name.strip()!r}, only {_listed(table.columns)}")
        allowed = {value.strip().casefold() for value in values.split("|")}
        kept = [keep and row[column].strip().casefold() in allowed for keep, row in zip(kept, table.rows)]
    return kept


def _key(name: str) -> str:
    """Letters and digits in lower case, without accents: "Année" is "annee", "Year_Month" is "yearmonth"."""
    return re.sub("[^a-z0-9]", "", unicodedata.normalize("NFKD", name.casefold()))


def _usual(table: Table, names: Sequence[str]) -> list[str]:
    found = [(names.index(_key(column)), column) for column in table.columns if _key(column) in names]
    return [column for _, column in sorted(found, key=lambda pair: pair[0])]


def _column(table: Table, name: str) -> str:
    """The column of this name, in whatever case; '' if there is none."""
    same = (test for test in (str, str.strip, lambda text: text.strip().casefold()))
    return next((column for test in same for column in table.columns if test(column) == test(name)), "")


def _named(table: Table, named: Mapping[str, str], role: str) -> str:
    if not named[role]:
        return ""
    column = _column(table, named[role])
    if not column:
        field = f"config.collection.columns.{role}={named[role]!r}"
        raise UserError(f"{field}: {table.path} has no such column, only {_listed(table.columns)}")
    return column


def _file_column(table: Table) -> str:
    usual = _usual(table, FILE_NAMES)
    for column in [*usual, *table.columns]:
        if 2 * sum(bool(IMAGE_SUFFIX.search(row[column].strip())) for row in table.rows) >= len(table.rows):
            return column
    return usual[0] if usual else ""


def _date_columns(table: Table) -> tuple[str, ...]:
    years, months = _usual(table, YEAR_NAMES), _usual(table, MONTH_NAMES)
    candidates: list[tuple[str, ...]] = [(column,) for column in _usual(table, DATE_NAMES)]
    candidates += [(year, month) for year in years for month in months]
    candidates += [(column,) for column in (*_usual(table, YEAR_MONTH_NAMES), *years)]
    for date in candidates:
        if 2 * sum(not isinstance(found, str) for found in read_dates(table.rows, date)) >= len(table.rows):
            return date
    return ()


def _missing(table: Table, role: str) -> str:
    return f"{table.path}: no {role} column among {_listed(table.columns)}; name one with --config.collection.columns.{role}=NAME"


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column) for column in columns[:20])
    return shown + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
