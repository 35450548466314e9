"""Normalization of texts in searches, which ignore upper case and accents.

The cards search their rows by the same rule; see `filter.ts`.
"""

import unicodedata


def search_text(text: str) -> str:
    """Return a text in a form that is the same for texts that people consider equal.

    Examples are "café", "Cafe" and "CAFE", and "Straße" and "STRASSE".
    """
    if text.isascii():
        return text.upper()
    letters = unicodedata.normalize("NFKD", text)
    return "".join(
        each for each in letters if not unicodedata.category(each).startswith("M")
    ).upper()
