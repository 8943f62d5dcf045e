"""Looking along the tokens of a date."""

from dataclasses import dataclass

from gan_jax.collection.date_tokens import Token
from gan_jax.collection.date_words import Meaning

SEPARATORS = ",;:()\"'|"
DOUBT = "?~"
SIGNS = "-–"
FAR = 16  # tokens, that are looked ahead at most, so that no text takes more than time in proportion to its length


@dataclass(frozen=True)
class Habits:
    """How the column that a date stands in is written, where a date alone does not say."""

    day_first: bool | None = None  # "3/4/1888" is 3 April, or 4 March; None: either
    short_ranges: bool = False  # "1901-02" is 1901 to 1902, and not February 1901


class Cursor:
    """The tokens of one text and how far they are read; `ahead` counts from there."""

    def __init__(self, found: list[Token], habits: Habits):
        self.tokens, self.habits, self.place = found, habits, 0

    def at(self, ahead: int = 0) -> Token | None:
        place = self.place + ahead
        return self.tokens[place] if 0 <= place < len(self.tokens) and abs(ahead) <= FAR else None

    def mark(self, marks: str, ahead: int = 0) -> bool:
        token = self.at(ahead)
        return token is not None and token.kind == "mark" and token.text in marks

    def means(self, kind: str, ahead: int = 0) -> Meaning | None:
        token = self.at(ahead)
        return token.means(kind) if token else None

    def number(self, ahead: int = 0, most: int = 0) -> Token | None:
        token = self.at(ahead)
        return token if token and token.kind == "number" and (not most or len(token.text) <= most) else None

    def ends(self, ahead: int = 0) -> bool:
        return self.at(ahead) is None or self.mark(SEPARATORS, ahead)
