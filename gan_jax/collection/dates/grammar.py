"""The grammar of dates: tokens into statements such as "cast 1925", and from those the span of time in which a painting was made.

    date       = statement { separator statement }
    statement  = [role] expression | expression role | place | "undated" | name of a period
    expression = ["between"] point { ("-" | "to" | "/" | "or" | "and") point }
    point      = words and numbers around one point of time, such as "c. late Sept. 1888"

Every token is looked at a bounded number of times, so a text takes time in proportion to its length.
"""

from dataclasses import dataclass, field

from gan_jax.collection.dates import words
from gan_jax.collection.dates.column import Habits
from gan_jax.collection.dates.phrases import ExpressionReader, Statement
from gan_jax.collection.dates.points import Point, Span, completed, opened, span_of
from gan_jax.collection.dates.tokens import DOUBT, SEPARATORS, Token, tokens

_PLACE_WORDS = 6  # at most, in "Auvers-sur-Oise, June 1890"


@dataclass
class _Said:
    """What has been read of a text so far."""

    statements: list[Statement] = field(default_factory=list)
    undated: bool = False
    period: bool = False  # whether a dynasty or the like was named


def read(text: str, habits: Habits) -> tuple[Span, bool]:
    """Returns the span in which a text says that a painting was made, in years, and whether it is in doubt. Raises ValueError with the
    reason."""
    said = _Reader(tokens(text), habits).statements()
    if not said.statements:
        raise ValueError("no date" if said.undated else "holds no date that can be read")
    failed: ValueError | None = None
    found: list[tuple[Span, str, bool]] = []
    for rank in sorted({statement.rank for statement in said.statements}):
        for statement in said.statements:
            if statement.rank == rank:
                try:
                    found.append(_evaluated(statement, said.period))
                except ValueError as error:
                    if rank in (words.PAINTED, words.MADE):  # what else there is may be told badly
                        raise
                    failed = failed or error
        if found:
            found = _without_wholes(found)
            break
    if not found or rank == words.OTHER:
        raise failed or ValueError("not the date of the making of a painting")
    if rank in (words.PERIOD, words.PERIOD_NAME):  # of a dynasty and a reign in it, the reign
        found = [min(found, key=lambda each: each[0][1] - each[0][0])]
    return _joined([span for span, _, _ in found], [open_ for _, open_, _ in found]), any(circa for _, _, circa in found)


def _evaluated(statement: Statement, period: bool) -> tuple[Span, str, bool]:
    """Its span without what is open about it, the word for that, and whether it is in doubt."""
    points, ops = statement.points, statement.ops
    circa = any(point.circa for point in points)
    points = completed(points, ops)
    opens = [point.open for point in points]
    years = [point.year for point in points]
    descends = len(points) == 2 and None not in years and years[0] > years[1] >= 100  # type: ignore[operator]
    if period and descends and points[0].era is None and points[1].era is None:
        for point in points:  # dynasties of Egypt whose years are told without BC
            point.era = -1
    spans = [span_of(point) for point in points]
    for (earlier, later), op in zip(zip(spans, spans[1:]), ops):
        if op == "range" and later[0] < earlier[0]:
            raise ValueError("a range ends before it begins")
    if len(spans) == 1:
        return spans[0], opens[0], circa
    whole = min(start for start, _ in spans), max(end for _, end in spans)
    if opens[0] == "from" and not any(opens[1:]) and ops[0] == "range":  # "since 1888 until 1890"
        return whole, "", circa
    if not any(opens[1:]) and opens[0] and ops[0] in ("range", "slash"):
        return whole, opens[0], circa
    if opens[-1].startswith("or ") and not any(opens[:-1]):
        return whole, opens[-1], circa
    return _joined(spans, opens), "", circa


def _without_wholes(found: list[tuple[Span, str, bool]]) -> list[tuple[Span, str, bool]]:
    """Without a century or decade beside which a date in it stands: "20th century, 1930s"."""

    def holds(whole: Span, other: Span) -> bool:
        return whole != other and whole[0] <= other[0] and other[1] <= whole[1] and (whole[1] - whole[0]) in (10.0, 100.0)

    return [each for each in found if not any(holds(each[0], other[0]) for other in found)]


def _joined(spans: list[Span], opens: list[str]) -> Span:
    """Returns all of several spans; of one after which and one before which, what lies between."""
    if len(spans) == 2 and {opens[0], opens[1]} <= {"after", "from", "before", "until"}:
        for first, last in ((0, 1), (1, 0)):
            if opens[first] in ("after", "from") and opens[last] in ("before", "until"):
                start = spans[first][1 if opens[first] == "after" else 0]
                end = spans[last][0 if opens[last] == "before" else 1]
                if start < end:
                    return start, end
    ends = [opened(span, word) for span, word in zip(spans, opens)]
    return min(start for start, _ in ends), max(end for _, end in ends)


class _Reader(ExpressionReader):
    """Takes statements until the text ends."""

    def statements(self) -> _Said:
        said, role = _Said(), None
        direct = False  # whether the token before belongs to the last statement
        parted = True  # whether another statement may begin here
        doubt = False  # whether the role is in doubt: "?exhibited 1812"
        while (token := self.at()) is not None:
            start = self.place
            if self.mark(SEPARATORS + "./&+*!"):
                if token.text in ";)":
                    role = None
                direct, parted = direct and token.text == "(", True
                self.place += 1
            elif self._name_of_period(said):
                role, direct = words.PERIOD, False
            elif (rank := self._role()) is not None:
                parted = True
                doubt = any(token.means("circa") or token.text == "?" for token in self.tokens[start : self.place])
                if direct and self.ends() and not self.mark(":"):
                    said.statements[-1].rank = rank
                    direct = False
                else:
                    if direct and rank == words.MADE and said.statements[-1].rank == words.PAINTED and self._in_bracket():
                        said.statements[-1].rank = words.DESIGNED  # "1945 (manufactured 1953)"
                    role, direct = rank, False
                    if role == words.OTHER:
                        self._skip()
            elif self.means("undated") and not self.means("circa"):
                said.undated = True
                self.place += 1
            elif statement := self._tried(role):
                if not parted:
                    raise ValueError("two dates with nothing between them")
                named = all(point.named for point in statement.points)
                statement.rank = role if role is not None else words.PERIOD_NAME if named else words.PAINTED
                statement.points[0].circa = statement.points[0].circa or (doubt and role is not None)
                said.statements.append(statement)
                if role == words.PERIOD:
                    role = None
                direct, parted = True, named
            elif said.statements and (self.mark(DOUBT) or (self.means("circa") and self.ends(2 if self.mark(".", 1) else 1))):
                said.statements[-1].points[-1].circa = True
                self.place += 1
            elif said.statements and (found := self.means("open")) and (str(found.value).startswith("or ") or (direct and self.ends(1))):
                said.statements[-1].points[-1].open = found.value  # "1888 or later", "1888 avant"
                self.place += 1
            elif said.statements and role is None and self._part_of(said.statements[-1].points[-1]):
                direct = False
            elif (self.means("and") or self.means("or") or self.means("filling") or self.means("year")) and (
                not self.ends(1) or self.mark(":", 1) or self.means("year")
            ):
                parted = parted or not self.means("filling")
                self.place += 1
            elif role is not None and role != words.PAINTED or (role is not None and said.statements):
                self._skip()  # what is told of copies and additions need not be understood
                direct = False
            elif (parted or self.means("filling", -1)) and self._is_place():
                self._skip()
                direct = False
            else:
                raise ValueError(self._complaint())
        return said

    def _tried(self, role: int | None) -> Statement | None:
        """Reads an expression; of what is told beside the making of a painting, one that can't be read is none."""
        start = self.place
        try:
            return self._expression()
        except ValueError:
            if role in (None, words.PAINTED):
                raise
            self.place = start
            return None

    def _skip(self) -> None:
        while not self.ends():
            self.place += 1

    def _segment(self) -> list[Token]:
        ahead = 0
        while not self.ends(ahead):
            ahead += 1
        return self.tokens[self.place : self.place + ahead]

    def _name_of_period(self, said: _Said) -> bool:
        """Passes a name such as "26th Dynasty"; one that is known gives its years, in case that nothing else does."""
        if self.number(0, 0) and self.means("year", 1):
            return False
        segment = self._segment()
        last = max((n for n, token in enumerate(segment) if token.means("period") and not token.means("decade")), default=None)
        if last is None or any(token.kind == "number" and len(token.text) > 2 for token in segment[:last]):
            return False
        if last + 1 < len(segment) and segment[last + 1].east_asian and segment[last + 1].means("part"):  # "江戸時代後期"
            last += 1
        part = next((token.means("part") for token in segment[: last + 1] if token.means("part")), None)
        known = [name.value for token in segment[:last] if (name := token.means("name"))]
        if known:  # of a dynasty and a reign in it, the reign
            first, final = min(known, key=lambda years: years[1] - years[0])
            point = Point(span=(float(first), float(final + 1)), part=part.value if part else None)
            said.statements.append(Statement([point], [], words.PERIOD_NAME))
        said.period = True
        self.place += last + 1
        return True

    def _role(self) -> int | None:
        """Passes words such as "probably reworked and exhibited"; None where there are none."""
        start, ranks = self.place, []
        while self.at() is not None:
            if found := self.means("role"):
                if found.value == words.OTHER and (self.means("undated") or self.means("filling")) and not self.number(1):
                    break
                ranks.append(found.value)
                end = self.place = self.place + 1
            elif self.means("circa") or self.means("and") or self.means("filling") or self.mark(DOUBT + "&."):
                self.place += 1
            else:
                break
        if not ranks:
            self.place = start
            return None
        self.place = end
        return min(ranks)

    def _part_of(self, point: Point) -> bool:
        """Takes what is told of a century or year after it: "19th century, second half"."""
        start, part = self.place, self._point([])
        if part.part is not None and not part.dated and part.short is None and part.month is None and self.ends() and point.part is None:
            point.part = part.part
            return True
        self.place = start
        return False

    def _in_bracket(self) -> bool:
        """Returns whether the segment at hand began with a bracket."""
        ahead = -1
        while self.at(ahead) is not None and not self.ends(ahead):
            ahead -= 1
        return self.mark("(", ahead)

    def _is_place(self) -> bool:
        """Returns whether what comes until a separator may be where it was made: a name, and no number."""
        segment = self._segment()
        named = [token for token in segment if token.kind == "word"]
        if not named or len(named) > _PLACE_WORDS or not (named[0].capital or named[0].east_asian):
            return False
        if any(token.kind == "number" or (token.kind == "mark" and token.text not in "-.&/") for token in segment):
            return False
        return any(not token.meanings for token in named)

    def _complaint(self) -> str:
        token = self.at()
        assert token is not None
        if token.meanings or token.kind == "mark":
            return "holds no date that can be read"
        return f"{token.text!r} is not part of a date that can be read"
