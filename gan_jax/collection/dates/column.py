"""What a column of dates says together that none of its cells says alone."""

import datetime
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_DECIMAL = re.compile(r"([0-9]{4})\.([0-9]{1,20})")
_COMMA = re.compile(r"([0-9]{4}),([0-9]{1,20})")  # as spreadsheets write it on most of the continent
_WHOLE = re.compile(r"[0-9]{4}")
_SHORT = re.compile(r"([0-9]{4})-([0-9]{2})")
_SLASHED = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2[0-9]{4}")
_TIME = r"[Tt ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?[ ]?(?:[AaPp][Mm])?(?:[Zz]|UTC|[+-][0-9]{2}:?(?:[0-9]{2})?)?"
_STAMP = re.compile(rf"([+-]?[0-9]{{4,5}})-([0-9]{{2}})-([0-9]{{2}})(?:{_TIME})?")
_WITH_TIME = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|[0-9]{{1,2}}[/.][0-9]{{1,2}}[/.][0-9]{{4}}){_TIME}(?![0-9:])")
_SERIAL = re.compile(r"([0-9]{4,5})(?:\.[0-9]{1,12})?")
_LAST_SERIAL = 73_415  # Excel's number of 31 December 2100
_FIRST_SERIAL = 2_101  # what is less is a year
_EXCEL_BEGINS = datetime.date(1899, 12, 30)  # as the years after 1900 count, which its calendar takes for a leap year
_PRECISIONS = {"9": "year", "10": "month", "11": "day", "8": "decade", "7": "century", "6": "millennium", "jahr": "year", "annee": "year"}

Date = tuple[float, float]


@dataclass(frozen=True)
class Habits:
    """How the column that a date stands in is written, where a date alone does not say."""

    day_first: bool | None = None  # "3/4/1888" is 3 April, or 4 March; None: either
    short_ranges: bool = False  # "1901-02" is 1901 to 1902, and not February 1901


def without_time(text: str) -> str:
    """Returns a point of time without the time of the day, and a first of January at midnight as its year."""
    return _stamps([text.strip()], None)[0] if len(text) <= 60 else text


def plain_texts(texts: Sequence[str], precisions: Sequence[str] | None = None) -> list[str | Date]:
    """Returns the cells as texts that can be read one by one; a date in place of one of which that can't be.

    - Where most entries are decimal years, with a point or a comma, a bare "1884" is 1884.0, which is how such tables write January 1884,
      and is as certain as its neighbours. Where all decimals are ".0", these are whole years that passed through a spreadsheet as numbers.
      Where they run from .01 to .12 and no further, or from .1 to .12, these are months.
    - Where all cells are whole numbers beyond any year, such as 12785, they are the days that Excel counts from 1900 on.
    - Times of the day are left away. A first of January at midnight is a whole year, as Wikidata writes it, unless a precision says more;
      without a time it is so where all the dates of a column are firsts of January.
    """
    cells = [text.strip() for text in texts]
    if 2 * sum(bool(_COMMA.fullmatch(cell)) for cell in cells) > sum(bool(cell) for cell in cells):
        cells = [_COMMA.sub(r"\1.\2", cell) if _COMMA.fullmatch(cell) else cell for cell in cells]
    if serials := _serials(cells):
        return list(serials)
    stamped: list[str | Date] = list(_stamps(cells, precisions))
    decimals = [cell for cell in cells if _DECIMAL.fullmatch(cell)]
    if not decimals or 2 * len(decimals) <= sum(bool(cell) for cell in cells):
        return stamped
    if all(cell.endswith(".0") and len(cell) == 6 for cell in decimals):
        return [cell.removesuffix(".0") if isinstance(cell, str) and _DECIMAL.fullmatch(cell) else cell for cell in stamped]
    if _are_months([cell.partition(".")[2] for cell in decimals]):
        return [_DECIMAL.sub(lambda match: f"{int(match[2])}/{match[1]}" if int(match[2]) else match[1], cell)
                if isinstance(cell, str) and _DECIMAL.fullmatch(cell) else cell for cell in stamped]  # fmt: skip
    uncertainty = statistics.median(max(10.0 ** -len(cell.partition(".")[2]), 1e-9) / 2 for cell in decimals)
    return [(float(cell), round(uncertainty, 10)) if isinstance(cell, str) and _WHOLE.fullmatch(cell) else cell for cell in stamped]


def habits_of(cells: Sequence[str | Date]) -> Habits:
    """Returns how a column writes days, months and ranges: by those of its cells that can only be meant one way, if they agree."""
    firsts = seconds = 0
    ranges = months = False
    for cell in cells:
        if not isinstance(cell, str) or len(cell) > 10:
            continue
        if match := _SLASHED.fullmatch(cell):
            firsts, seconds = max(firsts, int(match[1])), max(seconds, int(match[3]))
        elif match := _SHORT.fullmatch(cell):
            end, start = int(match[2]), int(match[1]) % 100
            ranges = ranges or end == 0 or (end > 12 and end > start)
            months = months or (1 <= end <= 12 and end <= start)
    day_first = True if firsts > 12 >= seconds else False if seconds > 12 >= firsts else None
    return Habits(day_first, short_ranges=ranges and not months)


def _serials(cells: Sequence[str]) -> list[str | Date]:
    """Days as Excel counts them, as ISO dates; empty where the column holds anything else."""
    found: list[str | Date] = []
    longest = 0
    for cell in cells:
        if not cell:
            found.append(cell)
            continue
        match = _SERIAL.fullmatch(cell)
        if not match or not _FIRST_SERIAL <= int(match[1]) <= _LAST_SERIAL:
            return []
        longest = max(longest, len(match[1]))
        found.append((_EXCEL_BEGINS + datetime.timedelta(days=int(match[1]))).isoformat())
    return found if longest == 5 else []


def _are_months(fractions: Sequence[str]) -> bool:
    """Returns whether what stands behind the points are the numbers of months: up to 12, some of two digits, and several of them."""
    values = {int(fraction) for fraction in fractions if len(fraction) <= 2}
    if any(len(fraction) > 2 for fraction in fractions) or not values or max(values) > 12 or len(values - {0}) < 3:
        return False
    return all(len(fraction) == 2 for fraction in fractions) or max(values) >= 11


def _stamps(cells: Sequence[str], precisions: Sequence[str] | None) -> list[str]:
    """Returns points of time without the time of the day, and with no more of the date than is known."""
    matches = [_STAMP.fullmatch(cell) if 10 <= len(cell) <= 40 else None for cell in cells]
    dates = [match for match in matches if match]
    whole = len(dates) >= 3 and all(match[2] == match[3] == "01" for match in dates)
    result = []
    for n, (cell, match) in enumerate(zip(cells, matches)):
        if not match:
            result.append(_WITH_TIME.sub(r"\1", cell) if len(cell) > 12 else cell)
            continue
        year, month, day = match[1], match[2], match[3]
        midnight = match[4] is not None and int(match[4]) == int(match[5]) == 0 and match[6] in (None, "00")
        said = precisions[n].strip().casefold() if precisions is not None else ""
        precision = _PRECISIONS.get(said.removesuffix(".0"), said)
        if not precision:
            first = month == day == "01" and (midnight or whole)
            precision = "year" if first or month == "00" else "month" if day == "00" else "day"
        result.append(_as_exact(int(year), month, day, precision))
    return result


def _as_exact(year: int, month: str, day: str, precision: str) -> str:
    era = " BC" if year < 0 else ""
    year = abs(year)
    if precision == "century":
        return f"{-(-year // 100)}th century{era}"
    if precision == "decade":
        return f"{year // 10 * 10}s{era}"
    if precision == "month" and month != "00":
        return f"{year:04d}{era}, {int(month)}" if era else f"{year:04d}-{month}"
    if precision == "day" and "00" not in (month, day) and not era:
        return f"{year:04d}-{month}-{day}"
    return f"{year:04d} AD" if not era and year < 1000 else f"{year:04d}{era}"
