"""The exceptions that are shown to the user as a line, without a traceback; and what keeps it one line."""

import re
from typing import Any

MOST_NAMED = 80  # characters of a wrong value that a message shows
MOST_SET = 300  # of a field of the config, which may be a path

# Characters that end a line, move a terminal's cursor or what stands beside them; and halves of such that are no characters, which names of
# files in other encodings than the system's are read with.
_MOVING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class UserError(Exception):
    """What the user gave can't be used.

    The message is one line. It names the file, the field or the number at fault and says what would be right.
    """


class Stopped(Exception):
    """Work that was asked to stop has stopped, and all of it is saved. The message is one line; `code` is the process's exit code."""

    def __init__(self, message: str, code: int):
        super().__init__(message)
        self.code = code


def on_one_line(text: str) -> str:
    """Returns a text with names of other people's in it as a terminal may show it: what would move its cursor is written as Python does."""
    return _MOVING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def shown(value: Any, most: int = MOST_NAMED) -> str:
    """Returns a wrong value as a message shows it: on one line and short, `most` characters of it."""
    return cut(repr(value), most)


def cut(text: str, most: int) -> str:
    """Returns at most so many characters of a text, with a sign that there are more."""
    return text if len(text) <= most else f"{text[:most]}…"
