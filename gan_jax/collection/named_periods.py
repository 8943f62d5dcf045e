"""The periods of a study: the two ends that it goes between, and others by which paintings are grouped and shown.

What a painting is to the study stands in its `period`: early and late are learnt, between is held out, '' is outside of all. A further
period takes nothing away from that. It only has a name, and what it shares with early and late is an error.
"""

import collections
import difflib
import itertools
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_jax.collection.column_names import column_named
from gan_jax.collection.periods import parse_span, period_of
from gan_jax.errors import UserError

ENDS = ("early", "late")
FIELD = "config.collection.periods"
ALIKE = 0.8  # of names, of which one may be the other misspelt
LISTED = 10  # values of a column, in an error

_NAME = re.compile(r"[^\W\d_][\w-]{0,39}")  # as a part of file names on any system


def further(periods: Mapping[str, Any]) -> dict[str, str]:
    """Returns what the section `periods` of a config says beside early and late, by name. A name that says nothing is none."""
    return {name: text for name in sorted(periods) if name not in ENDS and (text := str(periods[name]).strip())}


@dataclass(frozen=True)
class Periods:
    """What a config calls the periods: spans of years, or, with a column of the table, values of it."""

    said: Mapping[str, str]  # by name, early and late first
    column: str
    spans: Mapping[str, tuple[float, float]]  # without a column
    values: Mapping[str, str]  # with one: the period of each value, in small letters

    @staticmethod
    def of(config: Any) -> "Periods":
        """Returns those of `config` (the section `collection`).

        Raises UserError for names that can't be used, and for what two periods share.
        """
        said = {name: str(config.periods[name]) for name in ENDS} | further(config.periods)
        for name in said:
            check_name(name)
        if config.period_column:
            return Periods(said, config.period_column, {}, _values(said))
        spans = {name: parse_span(text, f"{FIELD}.{name}") for name, text in said.items()}
        period_of(0, spans["early"], spans["late"])
        for a, b in itertools.combinations(sorted(spans, key=spans.__getitem__), 2):
            if spans[b][0] < spans[a][1]:
                raise UserError(f"{FIELD}: {a} ({said[a]}) and {b} ({said[b]}) share years; each year can be of one period")
        return Periods(said, "", spans, {})

    @property
    def further(self) -> tuple[str, ...]:
        return tuple(name for name in self.said if name not in ENDS)

    def parts(self, years: Sequence[float], rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> list[str]:
        """Returns what each painting is to the study: 'early', 'late', 'between' or ''.

        By a column, what is neither early nor late is between where its date lies between the middles of both, the medians: places and
        phases of a life overlap at their ends. Raises UserError for a column that is not among `columns`, and where late is no later.
        """
        if not self.column:
            return [period_of(year, self.spans["early"], self.spans["late"]) for year in years]
        own = [name if name in ENDS else "" for name in self._by_column(rows, columns)]
        if not set(ENDS) <= {*own}:
            return own
        first, last = (statistics.median(year for year, name in zip(years, own) if name == end) for end in ENDS)
        if first >= last:
            raise UserError(
                f"{FIELD}: half of the early paintings ({self.said['early']}) are of {first:.1f} or later, half of the late ones "
                f"({self.said['late']}) of {last:.1f} or earlier; early has to come first"
            )
        return [name or ("between" if first < year < last else "") for year, name in zip(years, own)]

    def names(self, years: Sequence[float], rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> list[str]:
        """Returns the further period of each painting; '' for those that are of none. Raises UserError for a column that is not among
        `columns`."""
        if self.column:
            return [name if name in self.further else "" for name in self._by_column(rows, columns)]
        spans = [(name, self.spans[name]) for name in self.further]
        return [next((name for name, (start, end) in spans if start <= year < end), "") for year in years]

    def held(self, rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> str:
        """Returns what the column holds, as a part of an error; '' without one."""
        if not self.column:
            return ""
        column = column_named(columns, self.column)
        counts = collections.Counter(row[column].strip() for row in rows).most_common()
        more = f" and {len(counts) - LISTED} more" if len(counts) > LISTED else ""
        return f"; {column!r} holds {', '.join(f'{value!r} ({count})' for value, count in counts[:LISTED])}{more}" if counts else ""

    def _by_column(self, rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> list[str]:
        column = column_named(columns, self.column)
        if not column:
            listed = ", ".join(map(repr, columns[:20])) or "none"
            raise UserError(
                f"config.collection.period_column={self.column!r}: there is no such column beside file and title, only {listed}"
            )
        return [self.values.get(row[column].strip().casefold(), "") for row in rows]


def check_name(name: str) -> None:
    """Raises UserError for what is no name of a period, or may be one misspelt."""
    field = f"{FIELD}.{name}"
    if name == "between":
        raise UserError(f"{field}: is what lies between early and late; another period needs another name")
    if name in ENDS:
        return
    if not _NAME.fullmatch(name):
        raise UserError(f"{field}: a period's name has letters, digits, - and _, at most 40, and begins with a letter")
    if meant := difflib.get_close_matches(name.casefold(), ENDS, 1, ALIKE):
        raise UserError(f"{field}: did you mean {meant[0]}? A period of its own needs a name that is less like it")


def _values(said: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in said.items():
        for value in filter(None, (value.strip() for value in text.split("|"))):
            other = found.setdefault(value.casefold(), name)
            if other != name:
                raise UserError(f"{FIELD}: {value!r} is of {other} and of {name}; each value can be of one period")
    return found
