"""Points of time in words and numbers, and the expressions that join them: "late 1886 – early 1887"."""

from dataclasses import dataclass

from gan_jax.collection.dates import words
from gan_jax.collection.dates.numbers import NumberReader
from gan_jax.collection.dates.points import Point
from gan_jax.collection.dates.tokens import DOUBT, SIGNS, Token

_MOST_POINTS = 8  # in one range or list


@dataclass
class Statement:
    points: list[Point]
    ops: list[str]
    rank: int = words.PAINTED


class ExpressionReader(NumberReader):
    """Takes points of time and what stands between them."""

    def _expression(self) -> Statement | None:
        start = self.place
        between = self.means("between")
        if between and not self.means("open"):
            self.place += 1
        points: list[Point] = []
        ops: list[str] = []
        while True:
            before = self.place
            point = self._point(points)
            if point.empty:
                self.place = before
                break
            points.append(point)
            if len(points) > _MOST_POINTS:
                raise ValueError("more dates than one of a painting")
            op = self._op(points)
            if not op:
                break
            ops.append(op)
        if len(ops) == len(points) and ops:  # an op that nothing followed
            ops.pop()
            self.place = before
        dated = [point for point in points if point.dated or point.short is not None or point.ordinal is not None]
        if not dated:
            self.place = start
            return None
        return Statement(points, ops)

    def _op(self, points: list[Point]) -> str:
        """Returns what parts one point from the next, passed; '' where the expression ends."""
        start = self.place
        while self.mark(".,(") and (self.means("or", 1) or self.means("and", 1) or self.means("to", 1) or self.mark(SIGNS, 1)):
            self.place += 1
        op = ""
        if self.mark(SIGNS):
            self.place += 1
            op = "range"
            if self.means("present") or self.at() is None or (self.ends() and not self.mark("(")):
                points[-1].open = "from"
                self.place += 1 if self.means("present") else 0
                return ""
            if self.means("to") or self.means("and") or self.means("or"):  # "early- to mid-"
                self.place += 1
        elif self.mark("~") and self.number(1):
            op = "range"
            self.place += 1
        elif self.mark("/") and not self.means("role", 1):
            op = "slash"
            self.place += 1
        elif self.mark(".") and self.mark(".", 1):
            op = "range"
            self.place += 2
        elif self.means("open") and str(self.means("open").value).startswith("or "):  # type: ignore[union-attr]
            self.place = start
            return ""
        else:
            for kind, name in (("or", "or"), ("and", "and"), ("to", "range")):
                if self.means(kind):
                    op = name
                    self.place += 1
                    break
            if not op and self.mark(",") and not any(point.dated for point in points):
                op = "and"
                self.place += 1
        if op and not self._begins_point():
            self.place, op = start, ""
        return op

    def _begins_point(self) -> bool:
        """Returns whether a point of time may begin here."""
        ahead = 0
        while self.mark(DOUBT + ".", ahead) or self.means("circa", ahead) or self.means("filling", ahead):
            if self.means("month", ahead) or (self.at(ahead) and self.at(ahead).value):  # type: ignore[union-attr]
                return True
            ahead += 1
        kinds = ("month", "part", "season", "open", "ordinal word", "name", "era", "century")
        token = self.at(ahead)
        return self.number(ahead) is not None or any(self.means(kind, ahead) for kind in kinds) or bool(token and token.value)

    def _point(self, before: list[Point]) -> Point:
        point = Point()
        first = self.place
        while (token := self.at()) is not None:
            if token.kind == "number":
                if not self._number(point, token, before):
                    break
            elif token.kind == "mark":
                if not self._mark(point, token, before, first):
                    break
            elif not self._word(point, token):
                break
        return point

    def _mark(self, point: Point, token: Token, before: list[Point], first: int) -> bool:
        if token.text == ".":
            if self.mark(".", 1):
                return False
        elif token.text in "?~":
            if token.text == "~" and (point.dated or point.short is not None) and self.number(1):
                return False
            point.circa = True
        elif token.text in "-–":
            if self.place == 0 and self.number(1) and not self.at(1).spaced:  # type: ignore[union-attr]
                point.era = -1
            elif not self._hyphenates(point):
                return False
        elif token.text == "+":
            if self.place != 0:
                return False
        elif token.text == "/":  # "vor/um 1888"
            if not (point.empty and (point.circa or point.open) and (self.means("circa", 1) or self.means("open", 1))):
                return False
        elif token.text in ",(":
            return self._continued(point, before)
        else:
            return False
        self.place += 1
        return True

    def _hyphenates(self, point: Point) -> bool:
        """Returns whether the dash at hand only joins words: "mid-1880s", "19th-century"."""
        if point.ordinal is not None:
            return self.means("century", 1) is not None
        if (point.year is not None or point.short is not None) and self.means("decade", 1):  # "1880-е"
            return True
        return (
            (point.part is not None or (point.open != "" and point.empty))
            and not point.dated
            and point.short is None
            and point.month is None
            and (self.number(1) is not None or any(self.means(kind, 1) for kind in ("month", "season")) or self._roman_at(1))
        )

    def _continued(self, point: Point, before: list[Point]) -> bool:
        """Passes a comma or bracket after which the same point goes on: "May 10, 1893", "1932, December", "c, 1886"."""
        if point.circa and point.empty:
            self.place += 1
            return True
        dated = any(other.dated for other in before) or point.dated
        calendar = any(other.month or other.season or other.part for other in (*before, point))
        year = self.number(1)
        if not dated and calendar and year is not None and len(year.text) == 4:
            self.place += 1
            return True
        whole = point.year is not None and not (point.month or point.season or point.part or point.unit)
        names_part = self.means("month", 1) or self.means("season", 1)
        if whole and names_part and not before:
            ahead = 2
            while self.mark(".,", ahead) or (self.number(ahead, 2) and not self.means("year", ahead + 1)):
                ahead += 1
            if not self.number(ahead):
                self.place += 1
                return True
        return False

    def _word(self, point: Point, token: Token) -> bool:
        started = not point.empty
        if token.value and not point.part and not point.dated and self._division(1):  # "II poł."
            self._take_division(point, token.value, 1)
        elif token.value and self._roman(point, token):
            pass
        elif token.means("century") and self._is_century(point):
            if point.ordinal is None and not self._numeral_follows():  # as it does in "años 80 del siglo XIX"
                point.ordinal, point.short = point.short, None
            point.unit, point.length = "century", token.means("century").value  # type: ignore[union-attr]
        elif token.means("century") and point.ordinal is None and not point.dated and self._numeral_follows():
            point.unit, point.length = "century", token.means("century").value  # type: ignore[union-attr]
        elif token.means("decade") and point.year is not None and point.unit == "" and point.month is None:
            point.unit = "decade"
        elif token.means("decade") and point.short is not None and self.mark("-–", -1):  # "80-е", of a century told after it
            pass
        elif found := token.means("open"):
            if str(found.value).startswith("or "):
                if not point.dated:
                    return False
                point.open = found.value
            elif not point.open and (token.east_asian if started else not (token.east_asian and self.number(1))):
                point.open = found.value
            elif not started and token.means("era"):
                point.era = token.means("era").value  # type: ignore[union-attr]
            else:
                return False
        elif (found := token.means("era")) and point.era is None and not (token.text == "c" or token.text == "v"):
            point.era = found.value
            if point.short is not None and point.year is None:
                point.year, point.short = point.short, None
        elif (found := token.means("month")) and point.month is None and not (point.year is not None and self._year_follows(1)):
            point.month = found.value
            if point.short is not None and point.day is None:
                point.day, point.short = point.short, None
        elif (found := token.means("ordinal word")) and self._division(1):
            self._take_division(point, found.value, 1)
        elif (found := token.means("part")) and point.part is None and (point.ordinal is None or point.unit):
            point.part = found.value
        elif (found := token.means("season")) and point.season is None:
            point.season = found.value
        elif token.means("name") and not point.dated and not point.short:
            self._named_years(point, token)
        elif token.means("circa") and not (token.means("to") and started):
            if started and self.number(1) and point.dated:
                return False
            point.circa = True
        elif not started and token.means("decades"):
            pass
        elif not (started and (token.means("year") or token.means("day"))) and not self._fills(point, token):
            return False
        self.place += 1
        return True

    def _fills(self, point: Point, token: Token) -> bool:
        """Returns whether a small word changes nothing here: "of" parts two points in Dutch, and does not in "end of 1888"."""
        complete = point.dated or point.short is not None or point.month is not None or point.season is not None
        parts = complete and (token.means("to") or token.means("or") or token.means("and"))
        return bool(token.means("filling") and not token.means("role") and not parts)

    def _year_follows(self, ahead: int) -> bool:
        while self.mark(".,", ahead) or self.number(ahead, 2):
            ahead += 1
        token = self.number(ahead)
        return token is not None and len(token.text) == 4

    def _is_century(self, point: Point) -> bool:
        """Returns whether a number before the word at hand counts centuries, with or without a decade: "80er Jahre des 19.
        Jahrhunderts"."""
        counted = point.ordinal is not None or (point.short is not None and point.unit == "")
        return counted and point.month is None and (point.unit == "" or point.short is not None)

    def _named_years(self, point: Point, token: Token) -> None:
        """ "Meiji 21", or the whole of "Qing"."""
        reign, count = token.means("reign"), self.number(1, 3)
        if reign and count and not count.suffix and 1 <= count.value <= reign.value[1] - reign.value[0] + 1:
            self.place += 1
            point.year = reign.value[0] + count.value - 1
        else:
            first, last = token.means("name").value  # type: ignore[union-attr]
            point.span, point.named = (float(first), float(last + 1)), True
