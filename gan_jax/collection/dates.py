"""Dates as people write them into years.

A date is (year, uncertainty), both in years: the middle of what the text allows, and half its width. "1888" is 1888.5 +- 0.5.
"""

import re
from collections.abc import Sequence

FIRST_YEAR, LAST_YEAR = 1000, 2100
MAX_LENGTH = 200  # characters; a longer text is no date
CIRCA = 2.0  # years on either side that "c." adds, a common reading of it in catalogues
OPEN = 5.0  # years that "before 1888" and "after 1888" are taken to reach
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
# Halves and seasons of a year, as (first month, last month); winter is taken as January to March.
PARTS = {
    "early": (1, 4), "mid": (5, 8), "late": (9, 12), "beginning": (1, 4), "middle": (5, 8), "end": (9, 12),
    "spring": (4, 6), "summer": (7, 9), "autumn": (10, 12), "fall": (10, 12), "winter": (1, 3),
}  # fmt: skip

_YEAR = r"(?<!\d)(1\d{3}|20\d{2}|2100)(?!\d)"
_DASH = r"\s*(?:-|/|to|and|until|or|bis)\s*"
_CIRCA = re.compile(r"\b(?:c|ca|circa|about|around|approx|approximately|probably|possibly|um|vers|env)\b\.?|~|\?")
_DECIMAL = re.compile(r"(1\d{3}|20\d{2})\.(\d{1,6})")
_BARE = re.compile(r"\d{4}")
_ISO = re.compile(r"(1\d{3}|20\d{2})[-/.](\d{1,2})[-/.](\d{1,2})(?:t[\d:.z+-]*)?")
_YEAR_MONTH = re.compile(r"(1\d{3}|20\d{2})-(0[1-9]|1[0-2])")
_MONTH_YEAR = re.compile(r"(\d{1,2})[/.](1\d{3}|20\d{2})")
_DAY_MONTH_YEAR = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](1\d{3}|20\d{2})")
_RANGE = re.compile(_YEAR + _DASH + r"(\d{4}|\d{2})(?!\d)")
_DECADE = re.compile(_YEAR + r"'?s\b")
_WORD = re.compile(r"[a-z]+")
_NUMBER = re.compile(r"\d+")


def parse_date(text: str) -> tuple[float, float]:
    """The year and its uncertainty of one text.

    Reads years, decimal years, ISO dates, months and days in words or numbers, ranges ("1886-87", "1884/85", "May-June 1890"), parts
    of a year ("early 1888", "summer 1888"), decades ("1880s"), and words of doubt ("c. 1888", "1888?"), which add two years on either
    side. "before" and "after" reach five years. A second number of two digits is a month when it is 01 to 12 after a dash, and a
    year otherwise.

    Raises ValueError, saying why, where no year from 1000 to 2100 can be read.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a date of {len(text)} characters")
    plain = text.lower().translate(_DASHES).strip(" \t\r\n[](){}.,;:'\"")
    if not plain:
        raise ValueError("no date")
    doubt = CIRCA if _CIRCA.search(plain) else 0.0
    plain = " ".join(_CIRCA.sub(" ", plain).split()).strip(" ,;")
    first, last = _span(plain, text)
    if not (FIRST_YEAR <= first <= last <= LAST_YEAR + 1):
        raise ValueError(f"{text.strip()!r}: years from {FIRST_YEAR} to {LAST_YEAR} in order are needed")
    return (first + last) / 2, (last - first) / 2 + doubt


def parse_dates(texts: Sequence[str]) -> list[tuple[float, float] | str]:
    """The dates of a column; a text stands for the reason why one can't be read.

    Where decimal years are more than bare ones, a bare year is a decimal too: tables of decimal years write January 1884 as 1884.
    """
    decimals, bare = (sum(bool(form.fullmatch(text.strip())) for text in texts) for form in (_DECIMAL, _BARE))
    results: list[tuple[float, float] | str] = []
    for text in texts:
        try:
            year, uncertainty = parse_date(text)
            if decimals > bare and _BARE.fullmatch(text.strip()):
                year, uncertainty = float(text), 0.05
            results.append((year, uncertainty))
        except ValueError as error:
            results.append(str(error))
    return results


_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


def _months(year: int, first: int, last: int) -> tuple[float, float]:
    return year + (first - 1) / 12, year + last / 12


def _day(year: int, month: int, day: int, text: str) -> tuple[float, float]:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError(f"{text.strip()!r}: no such day")
    # A month is a twelfth of a year here and a day a thirty-first of it: no work is dated to the hour.
    start = year + (month - 1) / 12 + (day - 1) / 372
    return start, start + 1 / 372


def _span(plain: str, text: str) -> tuple[float, float]:
    """First and last moment that a text allows, in years."""
    if match := _DECIMAL.fullmatch(plain):
        half = 0.5 / 10 ** len(match[2])
        return float(plain) - half, float(plain) + half
    if match := _ISO.fullmatch(plain):
        return _day(*(int(part) for part in match.groups()), text)
    if match := _YEAR_MONTH.fullmatch(plain):
        return _months(int(match[1]), int(match[2]), int(match[2]))
    if match := _DAY_MONTH_YEAR.fullmatch(plain):
        return _day(int(match[3]), int(match[2]), int(match[1]), text)
    if (match := _MONTH_YEAR.fullmatch(plain)) and 1 <= int(match[1]) <= 12:
        return _months(int(match[2]), int(match[1]), int(match[1]))
    if match := _DECADE.search(plain):
        return float(match[1]), float(match[1]) + 10

    words = _WORD.findall(plain)
    if match := _RANGE.search(plain):
        start, end = int(match[1]), int(match[2])
        if end < 100:
            end += start // 100 * 100 + (100 if end < start % 100 else 0)
        return float(start), end + 1.0
    years = re.findall(_YEAR, plain)
    if len(set(years)) != 1:
        raise ValueError(f"{text.strip()!r}: no date" if not years else f"{text.strip()!r}: {len(set(years))} years")
    year = int(years[0])
    if "before" in words:
        return year - OPEN, float(year)
    if "after" in words:
        return year + 1.0, year + 1 + OPEN
    months = [i for word in words if len(word) >= 3 for i, name in enumerate(MONTHS, 1) if name.startswith(word)]
    if months:
        days = [int(number) for number in _NUMBER.findall(plain) if len(number) <= 2]
        if len(months) == 1 and len(days) == 1:
            return _day(year, months[0], days[0], text)
        return _months(year, min(months), max(months))
    for word in words:
        if word in PARTS:
            return _months(year, *PARTS[word])
    return float(year), year + 1.0
