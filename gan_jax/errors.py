"""The one exception that is shown to the user as a line, without a traceback."""


class UserError(Exception):
    """What the user gave can't be used.

    The message is one line. It names the file, the field or the number at fault and says what would be right.
    """
