"""Columns that say between which years a painting was made, as museums' data have them beside the text of a date."""

import re
from collections.abc import Sequence

from gan_jax.collection.column_names import DATE_WORDS, OTHER_DATES, YEAR_NAMES
from gan_jax.collection.dates import Date, parse_date

# What the two ends are called; the one in the place of the other makes the names of a pair.
_ENDS = (
    ("begin", "end"), ("start", "end"), ("from", "to"), ("earliest", "latest"), ("early", "late"), ("first", "last"), ("min", "max"),
    ("notbefore", "notafter"), ("lower", "upper"), ("low", "high"), ("since", "until"), ("beginning", "end"), ("beginning", "ending"),
    ("beginofthebegin", "endoftheend"), ("terminuspostquem", "terminusantequem"), ("tpq", "taq"), ("von", "bis"), ("anfangs", "end"),
    ("debut", "fin"), ("inicio", "fin"), ("inicio", "fim"), ("inicial", "final"), ("inizio", "fine"), ("van", "tot"), ("begin", "eind"),
    ("fra", "til"), ("fran", "till"), ("od", "do"), ("с", "по"), ("開始", "終了"), ("开始", "结束"), ("시작", "종료"),
)  # fmt: skip
_OF_DATES = (*DATE_WORDS, "ano", "creat", "production", "object", "work", "made", "painted", "inception")
# Lives, loans and records have ends too.
_OF_OTHERS = (
    *OTHER_DATES, "constituent", "maker", "person", "access", "record", "reign", "dynasty", "display", "owner", "life", "active", "restor",
    "conserv", "provenance",
)  # fmt: skip
_LONGEST = 30.0  # years, of half of the spans, for those of paintings
_YEAR = re.compile(r"([+-]?[0-9]{1,4})(?:\.0{1,3})?")
_NO_YEARS = (0, 9999)  # as tables write that nothing is known


def pairs_of(columns: Sequence[str], keys: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the columns that by their names may be the two ends of a date; `keys` are the names in small letters and digits alone."""
    by_key = dict(zip(reversed(keys), reversed(columns)))
    found = []
    for column, key in zip(columns, keys):
        if any(word in key for word in _OF_OTHERS):
            continue
        for begin, end in _ENDS:
            for place in (match.start() for match in re.finditer(begin, key)):
                other = by_key.get(key[:place] + end + key[place + len(begin) :])
                rest = key[:place] + key[place + len(begin) :]
                if other and other != column and (not rest or rest in YEAR_NAMES or any(word in rest for word in _OF_DATES)):
                    found.append((column, other))
    return list(dict.fromkeys(found))


def spans_of(begins: Sequence[str], ends: Sequence[str]) -> list[tuple[float, float] | None]:
    """Returns from where to where each painting may have been made, in years; None where the cells do not say. One end alone is a year."""
    cache: dict[str, tuple[float, float] | None] = {}

    def span(text: str) -> tuple[float, float] | None:
        if text not in cache:
            cache[text] = _end(text)
        return cache[text]

    found: list[tuple[float, float] | None] = []
    for begin, end in zip(map(span, begins), map(span, ends)):
        if begin is None or end is None:
            found.append(begin or end)
        else:
            found.append((begin[0], end[1]) if begin[0] < end[1] else None)
    return found


def are_of_paintings(spans: Sequence[tuple[float, float] | None]) -> bool:
    """Returns whether these are the years of paintings, and not those of a painter's life: they vary, and most are short."""
    known = sorted(span[1] - span[0] for span in spans if span)
    return bool(known) and (len(set(filter(None, spans))) > 1 or known[0] <= 1) and known[len(known) // 2] <= _LONGEST


def together(date: Date | str, span: tuple[float, float] | None) -> Date | str:
    """Returns what a text and two ends say together: what both allow; where they contradict each other, what the ends say."""
    if span is None:
        return date
    start, end = span
    if not isinstance(date, str):
        start, end = max(start, date[0] - date[1]), min(end, date[0] + date[1])
        if start >= end:
            start, end = span
    return round((start + end) / 2, 10), round((end - start) / 2, 10)


def _end(text: str) -> tuple[float, float] | None:
    text = text.strip()
    if match := _YEAR.fullmatch(text):
        year = int(match[1])
        return None if year in _NO_YEARS or not -9999 <= year <= 2100 else (float(year), float(year + 1))
    try:
        middle, uncertainty = parse_date(text)
    except ValueError:
        return None
    return middle - uncertainty, middle + uncertainty
