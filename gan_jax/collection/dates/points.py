"""Points of time as a text names them, what they leave out completed from each other, and the spans they allow."""

import calendar
from dataclasses import dataclass

from gan_jax.collection.dates.words import MONTHS, OPEN_ENDED, WINTER

FIRST_YEAR, LAST_YEAR = -9999, 2100
Span = tuple[float, float]  # years; the start belongs to it, the end doesn't


@dataclass
class Point:
    year: int | None = None
    month: int | None = None
    day: int | None = None
    short: int | None = None  # one or two digits that may be a day, a month or the end of a year
    digits: int = 0  # of the short number
    ordinal: int | None = None  # of a century
    unit: str = ""  # "century" or "decade"
    length: int = 100  # years, of a century, or of the millennium in its place
    part: tuple[float, float] | None = None  # fractions of the rest
    season: tuple[float, float] | None = None  # fractions of a year
    era: int | None = None  # -1 BC, 1 AD
    open: str = ""  # "before", "until", "after", "from", "or earlier", "or later"
    span: Span | None = None  # where the text says it at once
    circa: bool = False
    named: bool = False  # only by the name of a dynasty or a reign

    @property
    def dated(self) -> bool:
        """Returns whether it needs nothing of its neighbours."""
        return self.span is not None or self.year is not None or (self.ordinal is not None and self.unit == "century")

    @property
    def empty(self) -> bool:
        return not self.dated and all(value is None for value in (self.month, self.day, self.short, self.ordinal, self.part, self.season))


def completed(points: list[Point], ops: list[str]) -> list[Point]:
    """Returns the same points (changed), each with what it leaves to its neighbours; one that is only the month of the one before is gone.

    `ops` [len(points) - 1] stand between them: "range", "slash", "or", "and". Raises ValueError where something is missing.
    """
    for point in points:
        if point.unit == "century" and point.ordinal is not None and point.short is not None and point.short % 10 == 0 and not point.month:
            point.year, point.unit = 100 * (point.ordinal - 1) + point.short, "decade"  # "80er Jahre des 19. Jahrhunderts"
            point.ordinal = point.short = None
    _share_eras(points)
    _share_units(points)
    for left, right, op in reversed(list(zip(points, points[1:], ops))):
        _take_from_right(left, right, op)
    kept = points[:1]
    for right in points[1:]:
        left = kept[-1]
        if left.season == WINTER and left.year and right.year == left.year + 1 and right.month is None and right.season is None:
            left.span = month_span(left.year, 12)[0], month_span(right.year, 2)[1]
        elif not _month_of(left, right):
            kept.append(right)
    for left, right in zip(kept, kept[1:]):
        if left.year == right.year and left.season and right.season and (left.season == WINTER) != (right.season == WINTER):
            if right.season == WINTER:  # "autumn-winter 1888" goes on into 1889, "winter-spring 1888" begins in 1887
                right.season = 11 / 12, 14 / 12
            else:
                left.season = -1 / 12, 2 / 12
    for point in kept:
        if point.year is None and point.short is not None and point.era is not None:
            point.year, point.short = point.short, None
        if not point.dated or point.short is not None:
            raise ValueError("not a date that can be read")
    return kept


def _share_eras(points: list[Point]) -> None:
    for left, right in reversed(list(zip(points, points[1:]))):
        if left.era is None:
            left.era = right.era
    for left, right in zip(points, points[1:]):
        if right.era is None and left.era == 1:
            right.era = 1
    for point in points:
        if point.era is not None and point.short is not None and point.year is None and point.month is None:
            point.year, point.short = point.short, None


def _share_units(points: list[Point]) -> None:
    pairs = list(zip(points, points[1:]))
    for one, other in [(left, right) for left, right in reversed(pairs)] + [(right, left) for left, right in pairs]:
        if other.unit != "century" or one.unit or one.year is not None or one.span:
            continue
        if one.ordinal is None and one.short is not None and one.month is None:
            one.ordinal, one.short = one.short, None
        if one.ordinal is not None:
            one.unit, one.length = "century", other.length


def _take_from_right(left: Point, right: Point, op: str) -> None:
    if left.dated:
        return
    if left.part and left.short is None and left.month is None and right.dated:  # "early to mid 1880s"
        left.year, left.ordinal, left.unit, left.span, left.month = right.year, right.ordinal, right.unit, right.span, right.month
        left.length = right.length
    if right.year is None or right.unit:
        return
    if right.short is not None and left.month and right.month is None:  # "June 19-20, 1964"
        right.month, right.day, right.short = left.month, right.short, None
        if left.short is not None and left.day is None:
            left.day, left.short = left.short, None
    if left.month or left.season:
        left.year = right.year
    elif left.short is not None and right.month:
        left.year, left.month, left.day, left.short = right.year, right.month, left.short, None
    elif left.short is not None and op == "range" and 100 <= right.year <= 999:  # "50-320"
        left.year, left.short = left.short, None


def _month_of(left: Point, right: Point) -> bool:
    """Completes the right one from the left; whether it was only the left one's month ("1888/09"), or the end of its winter."""
    if right.dated or left.year is None:
        return False
    if right.month or right.season:
        right.year = left.year
    elif right.day is not None:
        right.year, right.month = left.year, left.month
    elif right.part:
        right.year, right.month, right.unit = left.year, left.month, left.unit
    elif right.short is not None:
        if left.month and left.day:
            right.year, right.month, right.day, right.short = left.year, left.month, right.short, None
            return False
        scale = 10**right.digits
        year = left.year - left.year % scale + right.short
        if left.season == WINTER:
            if right.short != (left.year + 1) % scale:
                raise ValueError("a winter ends in the year after it began")
            left.span = month_span(left.year, 12)[0], month_span(left.year + 1, 2)[1]
            return True
        if right.short == 0 and right.digits == 2 and left.year % 100 >= 90:  # "1899-00"
            year += 100
        if year <= left.year and not left.month and not left.unit and not right.unit:
            left.month = right.short
            return True
        right.year, right.short = year, None
    return False


def span_of(point: Point) -> Span:
    """Returns from where to where a point allows, without what is open about it. Raises ValueError for days and years that do not exist."""
    if point.span is not None:
        span = point.span
    elif point.unit == "century" and point.ordinal is not None:
        if not 1 <= point.ordinal <= LAST_YEAR / point.length and not (point.era == -1 and point.ordinal <= 10):
            raise ValueError(f"there is no {point.ordinal}th {'century' if point.length == 100 else 'millennium'} of paintings")
        first = -point.ordinal if point.era == -1 else point.ordinal - 1
        span = float(point.length * first), float(point.length * (first + 1))
    elif point.year is not None:
        span = _year_span(point, -point.year if point.era == -1 else point.year)
    else:
        raise ValueError("not a date that can be read")
    if point.part:
        start, end = point.part
        span = span[0] + start * (span[1] - span[0]), span[0] + end * (span[1] - span[0])
    return span


def _year_span(point: Point, year: int) -> Span:
    checked(year)
    if point.unit == "decade":
        if year % 10:
            raise ValueError(f"{year} begins no decade")
        return float(year), float(year + (100 if year % 100 == 0 else 10))  # "1800s" may be the century
    if point.season:
        if point.month:
            raise ValueError("a season and a month")
        return year + point.season[0], year + point.season[1]
    if point.month is None:
        if point.day is not None:
            raise ValueError("a day without its month")
        return float(year), float(year + 1)
    return month_span(year, point.month, point.day)


def month_span(year: int, month: int, day: int | None = None) -> Span:
    """Returns a month as a twelfth of a year, a day as an even part of its month. Raises ValueError for those that there are not."""
    checked(year)
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    start = year + (month - 1) / 12
    if day is None:
        return start, year + month / 12
    days = calendar.monthrange(year if year > 0 else 2000 + year % 4, month)[1]
    if not 1 <= day <= days:
        raise ValueError(f"{MONTHS[month - 1]} {year} has no day {day}")
    return start + (day - 1) / days / 12, start + day / days / 12


def opened(span: Span, word: str) -> Span:
    """Returns what "before" and its like make of a span."""
    start, end = span
    return {
        "": (start, end),
        "before": (start - OPEN_ENDED, start),
        "until": (start - OPEN_ENDED, end),
        "or earlier": (start - OPEN_ENDED, end),
        "after": (end, end + OPEN_ENDED),
        "from": (start, end + OPEN_ENDED),
        "or later": (start, end + OPEN_ENDED),
    }[word]


def checked(year: int) -> int:
    """Returns the year. Raises ValueError if it is not from `FIRST_YEAR` to `LAST_YEAR`."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"year {year} is not within {FIRST_YEAR} to {LAST_YEAR}")
    return year
