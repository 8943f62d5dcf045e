"""Which columns of a table say file, title and date, by what they hold and by their names."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gan_jax.collection.column_names import (
    DATE_NAMES,
    DATE_WORDS,
    FILE_NAMES,
    MONTH_NAMES,
    OTHER_DATES,
    TITLE_NAMES,
    YEAR_MONTH_NAMES,
    YEAR_NAMES,
    column_named,
    key_of,
)
from gan_jax.collection.dates import Date, parse_dates, span_columns
from gan_jax.collection.dates.words import WORDS
from gan_jax.collection.folder import IMAGE_SUFFIX, is_address
from gan_jax.collection.letters import folded
from gan_jax.collection.tables import LARGEST_TABLE, Table, read_table
from gan_jax.errors import UserError

__all__ = ["LARGEST_TABLE", "Columns", "Table", "find_columns", "read_dates", "read_table", "rows_where", "painting_dates"]

SAMPLE = 1_000  # rows that columns are judged by, from all over the table
LOOKS = 10_000  # cells that are looked into, of all columns that may be the one, so that many columns take no longer
MOST_PAIRS = 20

_PERHAPS_RECORDS = ("created", "datecreated", "creationdate", "date")  # by whether their cells are points of time
_TITLED = re.compile("^(title|titel|titre|titulo|titolo)|(?<!sub)(title|titel|titre|titulo|titolo)$")  # "title (English)", "Werktitel"
_TIME_OF_DAY = re.compile(r"[T ][0-9]{2}:[0-9]{2}")
_RECORDS_BEGIN = 1990  # the year: before it nobody stamped records of paintings


@dataclass(frozen=True)
class Columns:
    file: str
    title: str  # '' where the table has none
    date: tuple[str, ...]  # one column, or those of the year and of the month; none where the two ends alone say it
    ends: tuple[str, ...] = ()  # of the earliest and the latest year that a painting can be of, where the table has both
    precision: str = ""  # how exact the date is, as Wikidata counts

    def __str__(self) -> str:
        date = " and ".join(map(repr, self.date)) if self.date else ""
        ends = f"from {self.ends[0]!r} to {self.ends[1]!r}" if self.ends else ""
        title = f"title {self.title!r}" if self.title else "no title"
        return f"file {self.file!r}, {title}, date {', '.join(filter(None, (date, ends)))}"


def find_columns(table: Table, named: Mapping[str, str], is_file: Callable[[str], bool] | None = None) -> Columns:
    """Returns which columns say file, title and date: those that `named` names, and where it says '' those that hold such things.

    A file column is the one whose names are those of most files, by `is_file`; a date column one whose cells are dates that vary and are
    no record's time stamp. Of several that do, one with a usual name is taken, and of the dates the first of: a text of dates, year and
    month together, year and month in one, the year. Columns of the earliest and the latest year come to it. Raises UserError that lists
    the columns there are, and says what the best of them lacks.
    """
    sample = table.rows[:: -(-len(table.rows) // SAMPLE)]
    file = _named(table, named, "file") or _file_column(table, sample, is_file)
    if not file:
        raise UserError(_missing(table, "file"))
    addresses = [row[file] for row in sample if is_address(row[file])]
    if is_file and addresses and not any(is_file(row[file]) for row in sample):
        raise UserError(
            f"{table.path}: {file!r} holds addresses such as {_short(addresses[0])}, and config.collection.images has none of these files; "
            "download them into that folder first (wget --input-file=LIST does), each under the last part of its address"
        )
    title = _named(table, named, "title") or _title_column(table, sample, file)
    explicit = _named(table, named, "date")
    date = (explicit,) if explicit else _date_columns(table, sample)
    ends = () if explicit else _ends(table, sample)
    if not date and not ends:
        raise UserError(_missing(table, "date") + _nearest(table, sample))
    precision = next((column for column in table.columns if "precision" in key_of(column)), "")
    return Columns(file, title, date, ends, precision)


def read_dates(rows: Sequence[Mapping[str, str]], date: Sequence[str], precision: str = "") -> list[Date | str]:
    """Returns the rows' dates as `parse_dates` gives them, from one column or from those of the year and the month.

    Where the month is missing or unreadable the year alone is the date.
    """
    years = parse_dates([row[date[0]] for row in rows], [row[precision] for row in rows] if precision else None)
    if len(date) == 1:
        return years
    texts = []
    for row in rows:
        year, month = (row[name].strip().removesuffix(".0") for name in date)
        texts.append(f"{month}/{year}" if month.isdecimal() else f"{month} {year}")
    return [year if isinstance(full, str) else full for full, year in zip(parse_dates(texts), years)]


def painting_dates(rows: Sequence[Mapping[str, str]], columns: Columns) -> list[Date | str]:
    """Returns the rows' dates by all the columns that say something about them; where there is none, the reason stands in its place."""
    none: list[Date | str] = ["no date"] * len(rows)
    dates = read_dates(rows, columns.date, columns.precision) if columns.date else none
    if not columns.ends:
        return dates
    spans = span_columns.spans_of(*([row[column] for row in rows] for column in columns.ends))
    return [span_columns.together(date, span) for date, span in zip(dates, spans)]


def rows_where(table: Table, where: str) -> list[bool]:
    """Returns which rows meet every condition of `where`, such as "genre=landscape|still life; place=Paris"; case makes no difference.

    Raises UserError for a column that isn't there or a condition without "=".
    """
    kept = [True] * len(table.rows)
    for condition in filter(str.strip, where.split(";")):
        name, equals, values = condition.partition("=")
        if not equals:
            raise UserError(f"config.collection.where: {condition.strip()!r} is no condition; write COLUMN=VALUE or COLUMN=VALUE|VALUE")
        column = column_named(table.columns, name)
        if not column:
            raise UserError(f"config.collection.where: {table.path} has no column {name.strip()!r}, only {_listed(table.columns)}")
        allowed = {value.strip().casefold() for value in values.split("|")}
        kept = [keep and row[column].strip().casefold() in allowed for keep, row in zip(kept, table.rows)]
    return kept


def _usual(table: Table, names: Sequence[str]) -> list[str]:
    """Returns the columns with these names, in the order of the names; of "object.title" and "dc:title" the last part counts too."""
    found = []
    for column in table.columns:
        key = key_of(column)
        if key not in names and not any(word in key for word in OTHER_DATES):
            key = key_of(re.split("[.:]", column)[-1])
        if key in names:
            found.append((names.index(key), column))
    return [column for _, column in sorted(found, key=lambda pair: pair[0])]


def _named(table: Table, named: Mapping[str, str], role: str) -> str:
    if not named[role]:
        return ""
    column = column_named(table.columns, named[role])
    if not column:
        field = f"config.collection.columns.{role}={named[role]!r}"
        raise UserError(f"{field}: {table.path} has no such column, only {_listed(table.columns)}")
    return column


def _file_column(table: Table, sample: Sequence[Mapping[str, str]], is_file: Callable[[str], bool] | None) -> str:
    usual = _usual(table, FILE_NAMES)
    order = list(dict.fromkeys([*usual, *table.columns]))
    if is_file:
        few = _fewer(sample, len(order))
        # Different ones: a column that says 1 in each row names one file at most.
        found = {column: sum(map(is_file, {cell for row in few if (cell := row[column].strip())})) for column in order}
        best = max(found.values())
        if best:
            return next(column for column in order if 2 * found[column] >= best and (column in usual or found[column] == best))
    for column in order:
        if 2 * sum(bool(IMAGE_SUFFIX.search(row[column].strip())) for row in sample) >= len(sample):
            return column
    return usual[0] if usual else next((column for column in order if 2 * sum(is_address(row[column]) for row in sample) > len(sample)), "")


def _title_column(table: Table, sample: Sequence[Mapping[str, str]], file: str) -> str:
    usual = [column for column in _usual(table, TITLE_NAMES) if column != file]
    usual += [column for column in table.columns if _TITLED.search(key_of(column)) and column not in (file, *usual)]
    filled = [column for column in usual if any(row[column].strip() for row in sample)]
    return next(iter(filled or usual), "")


def _date_columns(table: Table, sample: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    years, months = _usual(table, YEAR_NAMES), _usual(table, MONTH_NAMES)
    usual: list[tuple[str, ...]] = [(column,) for column in _usual(table, DATE_NAMES)]
    usual += [(year, month) for year in years for month in months]
    usual += [(column,) for column in (*_usual(table, YEAR_MONTH_NAMES), *years)]
    taken = {column for columns in usual for column in columns}
    taken |= {column for pair in _pairs(table) for column in pair}
    # Numbers alone are dates only in columns that are called so: a width of 1880 is none.
    others = [(column,) for column in table.columns if column not in taken and _may_be_date(column, sample)]
    few = _fewer(sample, len(usual) + len(others))
    ranks = {columns: _date_rank(few, columns, columns in usual) for columns in (*usual, *others)}
    best = max(ranks, key=lambda columns: ranks[columns], default=())  # of equals the first
    return best if best and ranks[best] > (0, 0) else ()


def _fewer(sample: Sequence[Mapping[str, str]], columns: int) -> Sequence[Mapping[str, str]]:
    return sample[:: -(-len(sample) * columns // LOOKS) or 1]


def _date_rank(sample: Sequence[Mapping[str, str]], columns: tuple[str, ...], usual: bool) -> tuple[int, int]:
    """Returns how much columns look like the dates of paintings: (what they hold, how sure); (0, 0) for those that don't."""
    filled = [row for row in sample if row[columns[0]].strip() and not _says_undated(row[columns[0]])]
    dates = [date for date in read_dates(filled, columns) if not isinstance(date, str)]
    if not dates or any(word in key_of(columns[0]) for word in OTHER_DATES):
        return 0, 0
    readable = 2 * len(dates) >= len(filled) and 2 * len(filled) >= len(sample)
    stamped = sum(bool(_TIME_OF_DAY.search(row[columns[0]])) for row in filled)
    late = sum(date[0] >= _RECORDS_BEGIN for date in dates)
    record = (not usual or key_of(columns[0]) in _PERHAPS_RECORDS) and 2 * stamped > len(filled) and 2 * late > len(dates)
    if not usual:
        varies = 2 * len(dates) >= len(filled) and len({*dates}) > 1
        return (1, int(2 * len(filled) >= len(sample))) if varies and not record else (0, 0)
    alone = len({*dates}) == 1 and len(dates) > 2
    return (0, 0) if record else (2, 0) if alone else (4 if readable else 3, 0)


def _may_be_date(column: str, sample: Sequence[Mapping[str, str]]) -> bool:
    """Returns whether it is worth looking into a column that has another name: by what it is called, or by cells such as "c. 1888"."""
    key = key_of(column)
    if any(word in key for word in OTHER_DATES):
        return False
    cells = [row[column].strip() for row in sample[:50] if row[column].strip()]
    numbers = sum(not any(letter.isalpha() or letter in "-–/.~?" for letter in cell) for cell in cells)
    digits = sum(any(letter.isdigit() for letter in cell) for cell in cells)
    return 2 * digits >= len(cells) > 0 and (any(word in key for word in DATE_WORDS) or 2 * numbers < len(cells))


def _says_undated(cell: str) -> bool:
    key = " ".join(re.findall(r"[^\W_]+", folded(cell)))
    return any(meaning.kind == "undated" for meaning in WORDS.get(key, ()))


def _nearest(table: Table, sample: Sequence[Mapping[str, str]]) -> str:
    """Returns what the column that most looks like one of dates lacks, for an error."""
    usual = [column for names in (DATE_NAMES, YEAR_MONTH_NAMES, YEAR_NAMES) for column in _usual(table, names)]
    called = [column for column in table.columns if any(word in key_of(column) for word in DATE_WORDS)]
    counts = Counter({column: sum(any(letter.isdigit() for letter in row[column]) for row in sample) for column in table.columns})
    column = next(iter([*usual, *called]), counts.most_common(1)[0][0])
    if any(word in key_of(column) for word in OTHER_DATES):
        return f" (the nearest is {column!r}, which by its name is of something else than the paintings)"
    for row, date in zip(sample, read_dates(sample, (column,))):
        if isinstance(date, str) and row[column].strip() and not _says_undated(row[column]):
            return f" (the nearest is {column!r}: {date})"
    return f" (the nearest is {column!r}, whose cells are empty or time stamps of records)" if usual else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _pairs(table: Table) -> list[tuple[str, str]]:
    return span_columns.pairs_of(table.columns, [key_of(column) for column in table.columns])[:MOST_PAIRS]


def _ends(table: Table, sample: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    for pair in _pairs(table):
        spans = span_columns.spans_of(*([row[column] for row in sample] for column in pair))
        if 2 * sum(span is not None for span in spans) >= len(spans) and span_columns.are_of_paintings(spans):
            return pair
    return ()


def _missing(table: Table, role: str) -> str:
    return f"{table.path}: no {role} column among {_listed(table.columns)}; name one with --config.collection.columns.{role}=NAME"


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(column) for column in columns[:20])
    return shown + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
