"""The exceptions that are shown to the user as a line, without a traceback."""


class UserError(Exception):
    """What the user gave can't be used.

    The message is one line. It names the file, the field or the number at fault and says what would be right.
    """


class Stopped(Exception):
    """Work that was asked to stop has stopped, and all of it is saved. The message is one line; `code` is the process's exit code."""

    def __init__(self, message: str, code: int):
        super().__init__(message)
        self.code = code
