"""The text in which searches look, and that they look for: without upper case and accents.

The cards search the rows that they show by the same rule; see `filter.ts`.
"""

import unicodedata


def search_text(text: str) -> str:
    """Return a text so that two texts are the same if people would call them so.

    "café", "Cafe" and "CAFE" are, and so are "Straße" and "STRASSE".
    """
    if text.isascii():
        return text.upper()
    letters = unicodedata.normalize("NFKD", text)
    return "".join(
        each for each in letters if not unicodedata.category(each).startswith("M")
    ).upper()
