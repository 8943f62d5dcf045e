"""A date's text as a row of tokens (numbers, words with what they may mean, and marks) in time linear in the text; looking along them."""

import re
import unicodedata
from dataclasses import dataclass

from gan_jax.collection.dates.column import Habits
from gan_jax.collection.dates.words import LONGEST_EAST_ASIAN, LONGEST_PHRASE, WORDS, Meaning
from gan_jax.collection.letters import folded

SEPARATORS = ",;:()\"'|"
DOUBT = "?~"
SIGNS = "-–"
FAR = 16  # tokens, that are looked ahead at most, so that no text takes more than time in proportion to its length
_DASHES = {ord(dash): "-" for dash in "‐‑﹣－"} | {ord(dash): "–" for dash in "‒–—―−〜～"}
_BRACKETS = {ord(bracket): "(" for bracket in "[{<「（〔"} | {ord(bracket): ")" for bracket in "]}>」）〕"}
_QUOTES = {ord(quote): "'" for quote in "’‘`´ʼ"} | {ord(quote): '"' for quote in "“”„«»"}
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\xad"))
_LIKE = (
    _DASHES | _BRACKETS | _QUOTES | {ord("、"): ",", ord("・"): ",", ord("·"): ",", ord("≈"): "~", ord("%"): "?", ord("\\"): " "} | _UNSEEN
)
_PIECE = re.compile(r"[0-9]+|[^\W\d_]+|\s+|.", re.DOTALL)
_MOST_PIECES = 64  # words, numbers, marks and spaces; "Project: 1891-1895; Drawn January 25, 1894" has 16
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_IN_BRACKETS = re.compile(r"[0-9]*\([0-9]{1,3}\)[0-9]*|[0-9]+\([0-9]{1,3}(?![0-9)])")  # digits of a year that are guessed
_PLAINER = [
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"(?<=[0-9])--(?=[0-9])", "–"),
        (r"(?<=[0-9])(?:(?:-(?:[xX]{2}|[uU]{2})){1,2}|(?:-00){2}|(?<=-[0-9][0-9])-00)(?![0-9A-Za-z-])", ""),  # parts that are not known
        (r"\b([0-9]{2})(?:--|__)", r"\1xx"),
        (r" ?\(\?\)", "?"),
        (r"(?<![0-9])([0-9]{4})\. ?([0-9]{1,2})\. ([0-9]{1,2})(?![0-9])\.?", r"\1.\2.\3"),  # "1888. 9. 23."
        (r"(?<![0-9.])([0-9]{1,2})\. ?([0-9]{1,2})\. ([0-9]{4})(?![0-9])", r"\1.\2.\3"),  # "23. 9. 1888"
        (r"(?:^|(?<![0-9-])([0-9]{1,2})-)([^\W\d_]{3,9})\.?-([0-9]{4})$", r"\1 \2 \3"),  # a spreadsheet's "23-Sep-1888"
        (r"^\.\./(?=[0-9])", "until "),  # open ends of ISO 8601-2
        (r"(?<=[0-9])/\.\.$", "-"),
        # The year told twice: "明治21年(1888)9月", "1888(明治21)年9月".
        (r"年? ?\((?:[0-9]{3,4}|[^\W\d_]+[0-9]{1,2})年?\)年? ?(?=[0-9]{1,2}月)", "年"),
        (r"(?<=\s)'(?=[0-9]{2}\b)", ""),  # "anni '80"
        (r"(?<=[0-9])\.(?=(?:er|o|a)\b)", ""),  # "3.º"
    )
]
_KANJI_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "元": 1}
_KANJI_NUMBER = re.compile("([零〇一二三四五六七八九十百元]+)(?=[年月日世])")
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50}
_ROMAN_NUMBER = re.compile("(x{0,3})(ix|iv|v?i{0,3})(?:e|eme|th|o)?")
_ORDINAL_SUFFIXES = {"st", "nd", "rd", "th", "er", "e", "eme", "ere", "re", "nde", "o", "a", "de", "ste", "ter", "i"}
_RUSSIAN_ENDINGS = {"я", "й", "ая", "ой", "го", "ю"}
_UNKNOWN_DIGITS = {"x", "xx", "u", "uu"}


@dataclass(frozen=True)
class Token:
    kind: str  # "number", "word" or "mark"
    text: str  # folded; of a number its digits
    spaced: bool = True  # whether a space stands before it
    meanings: tuple[Meaning, ...] = ()
    value: int = 0  # of a number; of a word that may be one in Roman numerals, else 0
    suffix: str = ""  # of a number: "" for none, "th" for any ordinal, "s" for a decade, "x" for an unknown last digit
    capital: bool = False
    east_asian: bool = False

    def means(self, kind: str) -> Meaning | None:
        """Returns what the token means if it is of this kind."""
        return next((meaning for meaning in self.meanings if meaning.kind == kind), None)


def tokens(text: str) -> list[Token]:
    """Returns the tokens of a date; dots within an abbreviation are gone, others are marks. Raises ValueError for more than a date has."""
    plain = _plainer(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.translate(_LIKE)).translate(_LIKE)))
    found: list[Token] = []
    spaced = True
    pieces = _PIECE.findall(plain)
    if len(pieces) > _MOST_PIECES:
        raise ValueError("more words than a date has")
    place = 0
    while place < len(pieces):
        piece = pieces[place]
        place += 1
        if piece.isspace():
            spaced = True
        elif piece.isascii() and piece.isdigit():
            suffix, used = _suffix(piece, pieces[place : place + 2])
            place += used
            found.append(Token("number", piece, spaced, value=int(piece[:9]), suffix=suffix))
            spaced = False
        elif piece[0].isalpha() and _EAST_ASIAN.search(piece):
            for token in _east_asian(piece, spaced):
                found.append(token)
            spaced = False
        elif piece[0].isalpha():
            word = folded(piece)
            found.append(Token("word", word, spaced, WORDS.get(word, ()), _roman(word), capital=piece[0].isupper()))
            spaced = False
        else:
            found.append(Token("mark", piece, spaced))
            spaced = False
    return _phrases(found)


def _plainer(text: str) -> str:
    """Returns the same date in a form that its tokens tell: "18[8]8" as "1888", "18--" as "18xx", "1888-uu-uu" as "1888", "23-Sep-1888"."""
    for pattern, plain in _PLAINER:
        text = pattern.sub(plain, text)
    return _IN_BRACKETS.sub(lambda match: re.sub("[()]", "", match[0]) if sum(map(str.isdigit, match[0])) == 4 else match[0], text)


def _suffix(digits: str, following: list[str]) -> tuple[str, int]:
    """Returns what letters directly after a number make of it, and how many pieces they take."""
    if following and following[0].isalpha() and not _EAST_ASIAN.search(following[0]):
        letters = folded(following[0])
        if letters == "s" or (letters in ("er", "erne") and digits.endswith("0")):
            return "s", 1
        if letters in _UNKNOWN_DIGITS and len(digits) + len(letters) == 4:
            return letters.replace("u", "x"), 1
        if letters in _ORDINAL_SUFFIXES and len(digits) <= 2:
            return "th", 1
    if len(following) == 2 and following[0] == "'" and folded(following[1]) in ("s", "erne", "er"):
        return "s", 2
    if len(following) == 2 and following[0] == "-" and folded(following[1]) in _RUSSIAN_ENDINGS and len(digits) <= 2:
        return "th", 2
    return "", 0


def _roman(word: str) -> int:
    match = _ROMAN_NUMBER.fullmatch(word)
    if not match or not (match[1] or match[2]):
        return 0
    values = [_ROMAN[letter] for letter in match[1] + match[2]]
    return sum(-value if value < following else value for value, following in zip(values, [*values[1:], 0]))


def _east_asian(run: str, spaced: bool) -> list[Token]:
    """Returns words of a script without spaces, the longest that is known first; letters of none are words of their own."""
    found: list[Token] = []
    place = 0
    while place < len(run):
        if match := _KANJI_NUMBER.match(run, place):
            value = _kanji_value(match[1])
            found.append(Token("number", str(value), spaced, value=value))
            place = match.end()
        else:
            longest = next((n for n in range(LONGEST_EAST_ASIAN, 0, -1) if folded(run[place : place + n]) in WORDS), 1)
            word = folded(run[place : place + longest])
            found.append(Token("word", word, spaced, WORDS.get(word, ()), east_asian=True))
            place += longest
        spaced = False
    return found


def _kanji_value(numerals: str) -> int:
    """二十一 is 21, 一八八八 is 1888."""
    if not any(unit in numerals for unit in "十百"):
        return int("".join(str(_KANJI_DIGITS[numeral]) for numeral in numerals)[:9])
    total = digit = 0
    for numeral in numerals:
        if numeral in "十百":
            total += max(digit, 1) * (10 if numeral == "十" else 100)
            digit = 0
        else:
            digit = _KANJI_DIGITS[numeral]
    return total + digit


def _phrases(found: list[Token]) -> list[Token]:
    """Returns the same tokens, with words that mean something together in one, and without days of the week, which change no date."""
    result: list[Token] = []
    place = 0
    while place < len(found):
        token = found[place]
        best = (place + 1, token)
        if token.kind == "word" and not token.east_asian:
            words, at = [token.text], place + 1
            while len(words) < LONGEST_PHRASE and at < len(found):
                # Letters alone are one abbreviation only if nothing parts them: "b.c." is no "b. c.".
                for _ in range(2):  # "J.-C."
                    if found[at].kind == "mark" and found[at].text in ".'-–" and at + 1 < len(found):
                        at += 1
                if found[at].kind != "word" or found[at].east_asian:
                    break
                words.append(found[at].text)
                at += 1
                letters = all(len(word) == 1 for word in words)
                if " ".join(words) in WORDS and not (letters and any(one.spaced for one in found[place + 1 : at])):
                    best = (at, Token("word", " ".join(words), token.spaced, WORDS[" ".join(words)], capital=token.capital))
        if not best[1].means("weekday"):
            result.append(best[1])
        place = best[0]
    return result


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
