"""Named spans of years."""

import math
import re
from typing import Any

from gan_jax.errors import UserError

MONTH = 1 / 12  # of a year; tables that count months say where they begin, or their middle
SURE = 0.1  # of a span, that may lie in other periods
PERIODS = ("early", "between", "late", "")  # '' is outside of all


def parse_span(text: Any, field: str = "config.collection.periods") -> tuple[float, float]:
    """Returns years from the first to before the second: '..1885' is (-inf, 1886.0), '1880..1883' [1880, 1884), '1886' one year.

    A fraction is a point in time and not a year: '1885.5..1886.25' ends where it says. Years BC have a minus, '-480..-323'; those
    before 210 four digits, '0150..0200', since three may be a year cut short. Raises UserError that begins with `field`, the name in the
    config.
    """
    text = str(text).strip()
    year = r"-[0-9]{1,4}|[0-9]{4}|2[1-9][0-9]|[3-9][0-9]{2}"
    number = rf"((?:{year})(?:\.[0-9]{{1,9}})?)"
    match = re.fullmatch(rf"{number}?\s*(\.\.)\s*{number}?|({year})", text)
    if not match or not (match[1] or match[3] or match[4]):
        raise UserError(f"{field}={text!r}: not a span of years; write 1880..1885, ..1885, 1888.. or 1886")
    first, last = (match[4], match[4]) if match[4] else (match[1], match[3])
    start = float(first) if first else -math.inf
    end = math.inf if not last else float(last) if "." in last else float(last) + 1
    if end <= start:
        raise UserError(f"{field}={text!r}: the span ends before it begins")
    return start, end


def period_of(year: float, early: tuple[float, float], late: tuple[float, float]) -> str:
    """Returns 'early', 'late', 'between' from the end of early to the start of late, or ''. Raises UserError if early doesn't end first."""
    if early[1] > late[0]:
        raise UserError(f"config.collection.periods: early ends at {early[1]:.10g}, late begins at {late[0]:.10g}; early has to end first")
    if early[0] <= year < early[1]:
        return "early"
    if late[0] <= year < late[1]:
        return "late"
    return "between" if early[1] <= year < late[0] else ""


def may_be_of(year: float, uncertainty: float, early: tuple[float, float], late: tuple[float, float]) -> tuple[str, ...]:
    """Returns the periods, in order of time, that a date may be of: its middle's, and those that its span reaches into by more than a
    month.

    The middle's alone where that has nine tenths of the span.
    """
    own = period_of(year, early, late)
    if not own:
        return ()
    spans = {"early": early, "between": (early[1], late[0]), "late": late}
    first, last = year - uncertainty, year + uncertainty
    reached = {name: min(end, last) - max(start, first) for name, (start, end) in spans.items()}
    others = [name for name, years in reached.items() if name != own and years > MONTH]
    if sum(reached[name] for name in others) <= SURE * (last - first):
        others = []
    return tuple(name for name in spans if name == own or name in others)
