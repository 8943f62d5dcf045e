"""Words as tables write them, by their letters alone."""

import unicodedata


def folded(text: str) -> str:
    """Returns lower case without accents, in composed letters: "Février" is "fevrier", "й" stays a letter like any other."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare).replace("ł", "l")  # which Unicode takes for no l with an accent
