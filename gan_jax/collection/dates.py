"""What a museum's or a table's date says, as a year and how far it may be off.

A date is read as the span of time its text allows; the year is the middle of the span and the uncertainty half its width,
both in years. Months are twelfths of a year and days even parts of their month, as in tables that write September as .6667.

Conventions, where a text leaves one to choose:
- "c.", "about", "~", "probably" and "?" add `CIRCA` years on either side, the span museum indexes commonly give to a modern "ca.";
- "before 1888" is the `OPEN_ENDED` years that end where 1888 begins, "after 1888" those that begin where it ends;
- early, mid and late are thirds; spring, summer and autumn begin with March, June and September; "winter 1884-85" is December
  to February, and "winter 1888", which may be either of two, all from January 1888 to February 1889;
- after a hyphen, two digits from 01 to 12 are a month as in ISO 8601 ("1884-12", "1901-02"). A single digit, or what follows a
  slash or an en dash, is the end of a range if it can be one ("1884/85", "1904–05", "1884-8") and a month if it can't ("1888/09");
- "3/4/1888" allows 3 April and 4 March; with dots it is 3 April.
English words only. Years from `FIRST_YEAR` to `LAST_YEAR`.
"""

import calendar
import re
import statistics
import unicodedata
from collections.abc import Sequence

FIRST_YEAR, LAST_YEAR = 1000, 2100
CIRCA = 5.0  # years
OPEN_ENDED = 10.0  # years
LONGEST = 80  # characters; "between September 23, 1888 and September 25, 1889" has 49

Span = tuple[float, float]  # years; the start belongs to it, the end doesn't

# Not calendar.month_name, which speaks the language of the machine.
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_MONTHS = {form: n for n, name in enumerate(MONTHS, 1) for form in (name.lower(), name[:3].lower())} | {"sept": 9}
_PARTS = {  # fractions of whatever they stand before
    "early": (0, 1 / 3), "beginning": (0, 1 / 3), "mid": (1 / 3, 2 / 3), "middle": (1 / 3, 2 / 3), "late": (2 / 3, 1), "end": (2 / 3, 1),
    "first half": (0, 1 / 2), "second half": (1 / 2, 1),
}  # fmt: skip
_SEASONS = {
    "spring": (2 / 12, 5 / 12),
    "summer": (5 / 12, 8 / 12),
    "autumn": (8 / 12, 11 / 12),
    "fall": (8 / 12, 11 / 12),
    "winter": (0, 14 / 12),
}
_CIRCA_WORDS = ("circa", "ca", "c", "about", "around", "approximately", "approx", "probably", "possibly", "perhaps")
_OTHER_WORDS = (
    "between", "from", "and", "to", "or", "until", "till", "through", "before", "after", "of", "the", "in", "first", "second", "half",
    "s", "st", "nd", "rd", "th",
)  # fmt: skip
_WORDS = {*_MONTHS, *_PARTS, *_SEASONS, *_CIRCA_WORDS, *_OTHER_WORDS}

_YEAR = r"(?P<year>[0-9]{4})"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_MONTH = rf"(?P<name>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})(?![a-z])\.?"
_GAP = r"[ ,./-]{0,3}"
_CIRCA = re.compile(rf"(?<![a-z])(?:{'|'.join(_CIRCA_WORDS)})(?![a-z])\.?|[~≈?]")
_DECIMAL = re.compile(r"([0-9]{4})\.([0-9]{1,20})")
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        _YEAR,
        rf"{_YEAR}-(?P<month>0[1-9]|1[0-2])",
        rf"{_YEAR}([-/.])(?P<month>[0-9]{{1,2}})\2(?P<day>[0-9]{{1,2}})(?:[t ][0-9:.]{{1,15}}z?)?",
        rf"(?P<month>[0-9]{{1,2}})[-/.]{_YEAR}",
        rf"(?P<day>[0-9]{{1,2}})\.(?P<month>[0-9]{{1,2}})\.{_YEAR}",
        rf"{_MONTH}{_GAP}(?:of )?{_YEAR}",
        rf"{_DAY}{_GAP}(?:of )?{_MONTH}{_GAP}{_YEAR}",
        rf"{_MONTH}{_GAP}{_DAY}[ ,]{{1,2}}{_YEAR}",
        rf"{_YEAR}{_GAP}{_MONTH}(?:{_GAP}{_DAY})?",
    )
)
_EITHER_ORDER = re.compile(rf"(?P<a>[0-9]{{1,2}})([/-])(?P<b>[0-9]{{1,2}})\2{_YEAR}")
_DECADE = re.compile(r"([0-9]{3}0) ?['’]?s")
_WINTER = re.compile(rf"winter (?:of )?{_YEAR} ?[-/–] ?(?P<next>[0-9]{{2}}|[0-9]{{4}})")
_PART = re.compile(rf"(?P<part>{'|'.join((*_PARTS, *_SEASONS))})[ ,]{{1,2}}(?:of |in )?(?:the )?(?P<rest>.+)")
_PART_AFTER = re.compile(rf"(?P<rest>[0-9]{{4}})[ ,]{{1,2}}(?P<part>{'|'.join((*_PARTS, *_SEASONS))})")
# The strongest first: "1888-09-23/1888-09-25" is parted at the slash.
_SEPARATORS = tuple(re.compile(pattern) for pattern in (r" (?:to|and|or|until|till|through) ", r" ?– ?", r" - ", r" ?/ ?", r"-"))


def parse_date(text: str) -> tuple[float, float]:
    """Reads a date as (year, uncertainty), both in years: the middle of the span that the text allows, and half its width.

    September 1888 is (1888.7083, 0.0417). Raises ValueError, and nothing else, with what was wrong.
    """
    if len(text) > LONGEST:
        raise ValueError(f"not a date: {len(text)} characters long")
    plain = _normalised(text)
    if not plain:
        raise ValueError("no date")
    certain = " ".join(_CIRCA.sub(" ", plain).split()).strip(" ,")
    span = _open_ended(certain) or _span(certain) or _range(certain)
    if span is None:
        raise ValueError(f"{text!r}: {_complaint(plain)}")
    widening = CIRCA if certain != plain else 0.0
    year, uncertainty = (span[0] + span[1]) / 2, (span[1] - span[0]) / 2 + widening
    if not FIRST_YEAR <= year < LAST_YEAR + 1:
        raise ValueError(f"{text!r}: not within the years {FIRST_YEAR} to {LAST_YEAR}")
    return round(year, 10), round(uncertainty, 10)  # the last digits are noise of the sums


def parse_dates(texts: Sequence[str]) -> list[tuple[float, float] | str]:
    """Reads a column of dates; where one can't be read, the reason stands in its place.

    A column is read as a whole in two cases. Where most entries are decimal years, a bare "1884" is 1884.0, which is how such
    tables write January 1884, and is as certain as its neighbours. Where all decimals are ".0", these are whole years that
    passed through a spreadsheet as numbers.
    """
    texts = [text.strip() for text in texts]
    decimals = [text for text in texts if _DECIMAL.fullmatch(text)]
    mostly_decimal = 2 * len(decimals) > sum(bool(text) for text in texts)
    if mostly_decimal and all(text.endswith(".0") and len(text) == 6 for text in decimals):
        return [_date_or_reason(text.removesuffix(".0") if _DECIMAL.fullmatch(text) else text) for text in texts]
    dates = [_date_or_reason(text) for text in texts]
    if mostly_decimal:
        uncertainties = [date[1] for text, date in zip(texts, dates) if _DECIMAL.fullmatch(text) and not isinstance(date, str)]
        for i, text in enumerate(texts):
            if re.fullmatch("[0-9]{4}", text) and not isinstance(dates[i], str) and uncertainties:
                dates[i] = (float(text), statistics.median(uncertainties))
    return dates


def _date_or_reason(text: str) -> tuple[float, float] | str:
    try:
        return parse_date(text)
    except ValueError as error:
        return str(error)


def _normalised(text: str) -> str:
    """Lower case, one kind of each dash, no brackets, single spaces."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = text.translate(
        {ord(dash): "-" for dash in "‐‑"} | {ord(dash): "–" for dash in "‒—―−"} | {ord(bracket): None for bracket in "()[]{}<>"}
    )
    text = re.sub(r"\b(early|mid|late) ?- ?(?=[0-9])|\b(mid)-", r"\1\2 ", text)
    return " ".join(text.split()).strip(" .,;:")


def _span(text: str) -> Span | None:
    """One date, with or without a word such as "early" or "spring" before or after it."""
    if match := _WINTER.fullmatch(text):
        year, following = int(match["year"]), int(match["next"])
        if following not in (year + 1, (year + 1) % 100):
            raise ValueError(f"{text!r}: a winter ends in the year after it began")
        return _calendar_month(year, 12)[0], _calendar_month(year + 1, 2)[1]
    if match := (_PART_AFTER.fullmatch(text) or _PART.fullmatch(text)):
        whole = _plain_span(match["rest"])
        if whole is None or (match["part"] in _SEASONS and not re.fullmatch("[0-9]{4}", match["rest"])):
            return None
        start, end = (_PARTS | _SEASONS)[match["part"]]
        return whole[0] + start * (whole[1] - whole[0]), whole[0] + end * (whole[1] - whole[0])
    return _plain_span(text)


def _plain_span(text: str) -> Span | None:
    if match := _DECIMAL.fullmatch(text):
        half = max(10.0 ** -len(match[2]), 1e-9) / 2
        return _checked(int(match[1])) + float(f"0.{match[2]}") - half, int(match[1]) + float(f"0.{match[2]}") + half
    if match := _DECADE.fullmatch(text):
        first = _checked(int(match[1]))
        return first, first + (100 if first % 100 == 0 else 10)  # "1800s" may be the century
    if match := _EITHER_ORDER.fullmatch(text):
        year, a, b = int(match["year"]), int(match["a"]), int(match["b"])
        spans = [_calendar_month(year, month, day) for month, day in ((a, b), (b, a)) if 1 <= month <= 12]
        return (min(spans)[0], max(spans)[1]) if spans else None
    for pattern in _DATES:
        if match := pattern.fullmatch(text):
            found = match.groupdict()
            year = _checked(int(found["year"]))
            month = _MONTHS[found["name"]] if found.get("name") else int(found.get("month") or 0)
            if not found.get("name") and not found.get("month"):
                return year, year + 1
            return _calendar_month(year, month, int(found["day"]) if found.get("day") else None)
    return None


def _calendar_month(year: int, month: int, day: int | None = None) -> Span:
    _checked(year)
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    start = year + (month - 1) / 12
    if day is None:
        return start, year + month / 12
    days = calendar.monthrange(year, month)[1]
    if not 1 <= day <= days:
        raise ValueError(f"{MONTHS[month - 1]} {year} has no day {day}")
    return start + (day - 1) / days / 12, start + day / days / 12


def _open_ended(text: str) -> Span | None:
    word, _, rest = text.partition(" ")
    if word not in ("before", "after"):
        return None
    span = _span(rest) or _range(rest)
    if span is None:
        return None
    return (span[0] - OPEN_ENDED, span[0]) if word == "before" else (span[1], span[1] + OPEN_ENDED)


def _range(text: str) -> Span | None:
    """From one date to another; either side may leave out what the other says ("1886-87", "May-June 1890", "23-25 Sept 1888")."""
    text = re.sub("^(?:between|from) ", "", text)
    for separator in _SEPARATORS:
        sides = separator.split(text)
        if len(sides) == 2:
            return _joined(sides[0].strip(" ,"), sides[1].strip(" ,"))
    return None


def _joined(first: str, second: str) -> Span | None:
    if re.fullmatch("[0-9]{4}", first) and re.fullmatch("[0-9]{1,2}", second) and int(_completed(first, second)) <= int(first):
        return _calendar_month(int(first), int(second))  # "1888/09": no range, so a month
    first_year, second_year = (re.search("(?<![0-9])[0-9]{4}(?![0-9])", side) for side in (first, second))
    first_month, second_month = (re.search(f"(?<![a-z]){_MONTH}", side) for side in (first, second))
    starts, ends = [first], [second]
    if second_year:
        starts.append(f"{first} {second_year[0]}")
        if second_month:
            starts.append(f"{first} {second_month[0]} {second_year[0]}")
    if first_month and second_year:
        ends.append(f"{first_month[0]} {second}")
    if first_year:
        ends.append(_completed(first_year[0], second) if re.fullmatch("[0-9]{1,3}", second) else f"{second} {first_year[0]}")
    start = next(filter(None, map(_span, starts)), None)
    end = next(filter(None, map(_span, ends)), None)
    if start is None or end is None:
        return None
    if end[0] < start[0]:
        raise ValueError(f"{second!r} is before {first!r}")
    return start[0], end[1]


def _completed(year: str, digits: str) -> str:
    """The year that "87" means after "1886"."""
    return year[: 4 - len(digits)] + digits


def _checked(year: int) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"year {year} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return year


def _complaint(plain: str) -> str:
    for word in re.findall(r"[^\W\d_]+", plain):
        if word not in _WORDS:
            return f"{word!r} is not part of a date that can be read"
    return "not a date that can be read" if re.search("[0-9]{4}", plain) else "holds no year"
