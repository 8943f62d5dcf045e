"""The numbers of a date: which are years, months and days, alone and in forms such as 1888-09-23."""

from gan_jax.collection.dates.points import Point, Span, checked, month_span
from gan_jax.collection.dates.tokens import Cursor, Token
from gan_jax.collection.dates.words import Meaning


class NumberReader(Cursor):
    """Takes numbers into a point of time."""

    def _number(self, point: Point, token: Token, before: list[Point]) -> bool:
        joined = self.at(-1)
        inside = joined is not None and joined.kind == "mark" and joined.text in "-–./" and not token.spaced and self.number(-2) is not None
        if point.empty and (taken := self._written_date(point, inside)):
            self.place += taken
            return True
        if point.named:
            return False
        value, digits = token.value, len(token.text)
        if token.suffix in ("x", "xx"):
            return self._take_year(point, value * 10 ** len(token.suffix), 4, "decade", 10 ** len(token.suffix))
        if token.suffix == "s":
            if digits == 2:
                if point.dated or point.short is not None:
                    return False
                point.short, point.digits, point.unit = value, 2, "decade"
                self.place += 1
                return True
            return self._take_year(point, value, digits, "decade")
        if self.means("year", 1) and digits <= 2 and before and before[-1].year is not None and before[-1].year >= 100 and point.empty:
            point.short, point.digits = value, digits  # "1888-90年"
            self.place += 2
            return True
        if point.unit == "century" and point.ordinal is not None and digits == 2 and self.means("decade", 1):  # "19世纪80年代"
            point.year, point.unit, point.ordinal = 100 * (point.ordinal - 1) + value, "decade", None
            self.place += 2
            return True
        if self.means("year", 1) and point.year is None and digits <= 4:
            point.year = value
            self.place += 2
            return True
        if self.means("month", 1) and self.at(1).text in ("月", "월") and point.month is None and digits <= 2:  # type: ignore[union-attr]
            point.month = value
            self.place += 2
            return True
        if self.means("day", 1) and point.day is None and digits <= 2:
            point.day = value
            self.place += 2
            return True
        if digits <= 2 and self._division(1) and not point.part and not point.dated:
            self._take_division(point, value, 1)
            self.place += 1
            return True
        if digits >= 3:
            return self._take_year(point, value, digits)
        return self._take_short(point, token, before)

    def _take_year(self, point: Point, value: int, digits: int, unit: str = "", years: int = 0) -> bool:
        if point.year is not None or point.span is not None or point.ordinal is not None:
            return False
        following = self.at(1)
        cut = digits == 3 and 100 <= value <= 209 and unit == ""
        if cut and following is not None and following.kind == "mark" and following.text in "-–?_" and not following.spaced:
            # A library's "188-" or "188?"; "150-200" is none.
            if not self.number(2) or self.at(2).spaced:  # type: ignore[union-attr]
                value, unit, years = value * 10, "decade", 10
                point.circa = point.circa or following.text == "?"
                self.place += 1
        elif cut and not self._era_near() and point.era is None and not self._ranges():
            raise ValueError(f"{value} may be a year or the beginning of one")
        if value == 0:
            raise ValueError("there is no year 0")
        if digits > 4 and not (digits == 5 and self._era_near()):
            raise ValueError(f"{digits} digits are no year")
        if point.short is not None and point.month:
            point.day, point.short = point.short, None
        if unit == "" and value % 10 == 0 and (self.means("decades", -1) or (self.means("filling", -1) and self.means("decades", -2))):
            unit = "" if self.mark("-–", 1) else "decade"
        point.year, point.unit = value, unit
        if years:
            point.span = float(checked(value)), float(value + years)
            point.year = None
        self.place += 1
        return True

    def _era_near(self) -> bool:
        """Returns whether BC or AD stands before or after here, beyond a range too."""
        ahead = 1
        while self.mark(".-–/ ", ahead) or self.number(ahead) or self.means("circa", ahead):
            ahead += 1
        return bool(self.means("era", ahead))

    def _ranges(self) -> bool:
        """Returns whether the number at hand is an end of a range with another of three digits or more."""
        follows = self.mark("-–", 1) and self.number(2) is not None and len(self.number(2).text) >= 3  # type: ignore[union-attr]
        return bool(follows or (self.mark("-–", -1) and self.number(-2) is not None))

    def _take_short(self, point: Point, token: Token, before: list[Point]) -> bool:
        value, digits, ordinal = token.value, len(token.text), token.suffix == "th"
        ahead = 1
        while self.mark(".-", ahead) or (
            self.means("filling", ahead) and not self.means("month", ahead) and not self.means("century", ahead)
        ):
            ahead += 1
        counted = self.means("century", ahead) and not self._roman_at(ahead + 1)  # "años 80 del siglo XIX" counts otherwise
        if counted and (ordinal or self.at(ahead).text not in ("c", "s", "b", "w")):  # type: ignore[union-attr]
            if point.year is not None or point.ordinal is not None or point.month is not None:
                return False
            point.ordinal = value
        elif point.unit == "century" and point.ordinal is None:
            point.ordinal = value
        elif (point.month is not None or self.means("month", ahead)) and point.day is None:
            point.day = value
        elif ordinal and not point.dated and point.ordinal is None and point.short is None:
            point.ordinal = value
        elif point.era is not None and point.year is None:
            point.year = value
        elif not point.dated and point.short is None and not ordinal and point.ordinal is None:
            point.short, point.digits = value, digits
        else:
            return False
        self.place += 1
        return True

    def _joined_number(self, ahead: int, marks: str, most: int = 4) -> Token | None:
        """Returns the number after a mark at `ahead`, both without a space before them."""
        mark, number = self.at(ahead), self.number(ahead + 1, most)
        if mark is None or mark.kind != "mark" or mark.text not in marks or mark.spaced or number is None or number.spaced or number.suffix:
            return None
        return number

    def _written_date(self, point: Point, inside: bool) -> int:
        """Takes "1888-09-23", "23.9.1888", "9/23/1888", "9/1888", "1888-09", "1888.5"; gives the tokens that it has, or 0.

        `inside` of a row of numbers the shorter of these are ends of ranges.
        """
        one = self.number()
        assert one is not None
        if one.suffix or not (two := self._joined_number(1, "-./", 20)):
            return self._roman_date(point)
        mark = self.at(1).text  # type: ignore[union-attr]
        three = self._joined_number(3, mark)
        a, b = len(one.text), len(two.text)
        if three:
            c = len(three.text)
            if a == 4 and b <= 2 and c <= 2 and two.value <= 12 and not (mark == "-" and c == 1 and b == 1):
                point.span = month_span(one.value, two.value, three.value)
            elif a <= 2 and b <= 2 and c == 4:
                point.span = self._day_month(mark, one.value, two.value, three.value)
            else:
                return 0
            return 5
        if inside:
            return 0
        if mark == "." and a == 4 and one.value >= 1000:
            fraction = float(f"0.{two.text}")
            half = max(10.0**-b, 1e-9) / 2
            point.span = checked(one.value) + fraction - half, one.value + fraction + half
            return 3
        if a <= 2 and b == 4 and 1 <= one.value <= 12:
            point.span = month_span(two.value, one.value)
            return 3
        if mark == "-" and a == 4 and b == 2 and 1 <= two.value <= 12 and not (self.habits.short_ranges and two.value > one.value % 100):
            point.span = month_span(one.value, two.value)
            return 3
        return 0

    def _day_month(self, mark: str, a: int, b: int, year: int) -> Span:
        if mark == "." or self.habits.day_first is True:
            orders = [(b, a)]
        else:
            orders = [(a, b)] if self.habits.day_first is False else [(a, b), (b, a)]
        spans = [month_span(year, month, day) for month, day in orders if 1 <= month <= 12]
        if not spans:
            raise ValueError(f"{a}{mark}{b} is no day of a year")
        return min(spans)[0], max(span[1] for span in spans)

    def _roman_date(self, point: Point) -> int:
        """Takes "3.IX.1888"."""
        one, month, year = self.number(0, 2), self.at(2), self._joined_number(3, ".-/")
        if one and not one.suffix and self.mark(".-/", 1) and month and month.kind == "word" and 1 <= month.value <= 12 and year:
            point.span = month_span(year.value, month.value, one.value)
            return 5
        return 0

    def _numeral_follows(self) -> bool:
        ahead = 1
        while self.mark(".", ahead):
            ahead += 1
        token, word = self.at(ahead), self.at()
        assert word is not None
        if token is None or word.text == "c":
            return False
        # Of a letter alone only Roman numerals make a century: "s. XIX".
        return bool(token.value and token.kind == "word") or (len(word.text) > 3 and self.number(ahead, 2) is not None)

    def _roman(self, point: Point, token: Token) -> bool:
        """Takes a Roman numeral for a century, or after a year for a month."""
        ahead = 1
        while (
            self.mark(".-–/", ahead)
            or ((next_one := self.at(ahead)) is not None and next_one.value and next_one.kind == "word")
            or (self.means("filling", ahead) and not self.means("century", ahead))
            or (self.means("and", ahead) or self.means("or", ahead) or self.means("part", ahead))
            and not self.means("century", ahead)
        ):
            ahead += 1
        if point.ordinal is None and point.year is None and (point.unit == "century" or self.means("century", ahead)):
            point.ordinal = token.value
            return True
        if point.ordinal is None and not point.dated and token.text.endswith("e") and token.value > 10:  # "fin XIXe"
            point.ordinal, point.unit = token.value, "century"
            return True
        previous = self.at(-1)
        if previous and previous.kind == "mark" and previous.text == "/" and not token.spaced and token.value <= 12:
            point.short, point.digits = token.value, 2
            return True
        if self.number(-1, 2) and self.number(1) and point.month is None:  # "3 IX 1888"
            point.month, point.day, point.short = token.value, point.short, None
            return True
        if self._centuries_before(token) and point.empty:
            point.ordinal = token.value
            return True
        return False

    def _roman_at(self, ahead: int) -> bool:
        token = self.at(ahead)
        return token is not None and token.kind == "word" and token.value > 0

    def _centuries_before(self, token: Token) -> bool:
        """Returns whether a Roman numeral goes on with centuries: "siglo XVIII-XIX"."""
        ahead = -1
        while self.at(ahead) is not None and (self.mark("-–/.", ahead) or self.at(ahead).value and self.at(ahead).kind == "word"):  # type: ignore[union-attr]
            ahead -= 1
        return ahead < -1 and bool(self.means("century", ahead))

    def _division(self, ahead: int) -> Meaning | None:
        while self.mark(".", ahead):
            ahead += 1
        return self.means("division", ahead)

    def _take_division(self, point: Point, place: int, ahead: int) -> None:
        """ "second half": its fractions; the reader stands at the last of its tokens afterwards."""
        while self.mark(".", ahead):
            ahead += 1
        divisor = self.means("division", ahead).value  # type: ignore[union-attr]
        place = divisor if place == -1 else place
        if not 1 <= place <= divisor:
            raise ValueError(f"there is no part {place} of {divisor}")
        point.part = (place - 1) / divisor, place / divisor
        self.place += ahead
