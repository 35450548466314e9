"""Tags in notes, such as `#holiday`: the one place that decides where a tag begins and ends."""

import re
from typing import Final

from .search_text import search_text

# Letters, digits, underscores, and hyphens between them.
_WORD: Final = r"\w+(?:-\w+)*"

_TYPED: Final = re.compile(rf"#?({_WORD})")

# The sign begins no tag inside of a word, an address (`/#`) or a character reference (`&#`).
_IN_NOTES: Final = re.compile(rf"(?<![\w#/&])#({_WORD})")

# Notes without this text have no tag.
TAG_SIGN: Final = "#"


def parse_tag(text: str) -> str | None:
    """Return a tag that a user has typed, with or without its #, as `tags_in` returns it.

    None if the text is not one word.
    """
    match = _TYPED.fullmatch(_normalized(text.strip()))
    return match and match[1]


def tags_in(notes: str | None) -> frozenset[str]:
    """Return the tags in notes: without the #, in lower case and without accents.

    A tag is a # and the word directly after it. Other punctuation than hyphens and underscores ends
    it, and so does a hyphen at its end.
    """
    if not notes or TAG_SIGN not in notes:
        return frozenset()
    return frozenset(_IN_NOTES.findall(_normalized(notes)))


def _normalized(text: str) -> str:
    return search_text(text).casefold()
