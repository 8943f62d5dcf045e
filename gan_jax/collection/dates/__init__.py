"""What a museum's or a table's date says, as a year and how far it may be off.

A date is read as the span of time its text allows; the year is the middle of the span and the uncertainty half its width,
both in years. Months are twelfths of a year and days even parts of their month, as in tables that write September as .6667.

    parse_dates: column.py ──▶ tokens.py ──▶ numbers.py, phrases.py ──▶ grammar.py ──▶ points.py ──▶ years from which and to before which

`column.py` has what only a whole column says, `words.py` the vocabulary, `numbers.py` and `phrases.py` points of time, `grammar.py` what of
a text dates the painting, `points.py` the spans. `span_columns.py` has tables that give both ends in columns of their own.

Conventions, where a text leaves one to choose (docs/dates.md has examples of all):
- "c.", "about", "~", "probably" and "?" add `CIRCA` years on either side, the span museum indexes commonly give to a modern "ca.";
- "before 1888" is the `OPEN_ENDED` years that end where 1888 begins, "after 1888" those that begin where it ends; "1888 or later" and
  "no earlier than 1888" have 1888 too; "after 1886 and before 1890" is what lies between;
- early, mid and late are thirds, of a year, a decade or a century; spring, summer and autumn begin with March, June and September;
  "winter 1884-85" is December to February, and "winter 1888", which may be either of two, all from January 1888 to February 1889;
- after a hyphen, two digits from 01 to 12 are a month as in ISO 8601 ("1884-12", "1901-02"). A single digit, or what follows a
  slash or an en dash, is the end of a range if it can be one ("1884/85", "1904–05", "1884-8") and a month if it can't ("1888/09");
- "3/4/1888" allows 3 April and 4 March; with dots it is 3 April. What a whole column says about this and the hyphen, it says;
- the 19th century is 1800 to 1899; 100 BC is the year -100, and the years of Rome's and China's tables are those of the Julian calendar;
- of several dates the making of the painting counts: "1880, cast 1925" and "published 1880, reprinted 1978" are of 1880, "designed 1940,
  manufactured 1948" of 1948. Of one kind of several dates, all the years from the first to the last ("1995-6, 2007").
"""

from collections.abc import Sequence

from gan_jax.collection.dates.column import Habits, habits_of, plain_texts, without_time
from gan_jax.collection.dates.grammar import read
from gan_jax.collection.dates.points import FIRST_YEAR, LAST_YEAR
from gan_jax.collection.dates.words import MONTHS, OPEN_ENDED

__all__ = ["CIRCA", "FIRST_YEAR", "LAST_YEAR", "LONGEST", "MONTHS", "OPEN_ENDED", "parse_date", "parse_dates"]

CIRCA = 5.0  # years
LONGEST = 160  # characters; "Project: 1891-1895; Drawn January 25, 1894" has 42
_HABITS = Habits()

Date = tuple[float, float]  # the year and how far it may be off, in years


def parse_date(text: str, habits: Habits = _HABITS) -> Date:
    """Reads a date as (year, uncertainty), both in years: the middle of the span that the text allows, and half its width.

    September 1888 is (1888.7083, 0.0417). Raises ValueError, and nothing else, with what was wrong.
    """
    if len(text) > LONGEST:
        raise ValueError(f"not a date: {len(text)} characters long")
    if not text.strip():
        raise ValueError("no date")
    try:
        (start, end), circa = read(without_time(text), habits)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    year, uncertainty = (start + end) / 2, (end - start) / 2 + (CIRCA if circa else 0.0)
    if not FIRST_YEAR <= year < LAST_YEAR + 1:
        raise ValueError(f"{text!r}: not within the years {FIRST_YEAR} to {LAST_YEAR}")
    return round(year, 10), round(uncertainty, 10)  # the last digits are noise of the sums


def parse_dates(texts: Sequence[str], precisions: Sequence[str] | None = None) -> list[Date | str]:
    """Reads a column of dates; where one can't be read, the reason stands in its place.

    What a cell means may depend on the others: column.py has how. `precisions` are the cells of a column beside it that says how
    exact each is (Wikidata's 7 century, 8 decade, 9 year, 10 month, 11 day, or those words). Each different text is read once.
    """
    plain = plain_texts(texts, precisions)
    habits = habits_of(plain)
    known: dict[str, Date | str] = {}
    dates = []
    for text in plain:
        if isinstance(text, str):
            if text not in known:
                known[text] = _date_or_reason(text, habits)
            dates.append(known[text])
        else:
            dates.append(text)
    return dates


def _date_or_reason(text: str, habits: Habits) -> Date | str:
    try:
        return parse_date(text, habits)
    except ValueError as error:
        return str(error)
