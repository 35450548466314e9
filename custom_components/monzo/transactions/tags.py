"""Tags in notes, such as `#holiday`. Only this module decides where a tag begins and ends."""

import re
from typing import Final

from .search_text import search_text

# Letters, digits, underscores, and hyphens between them.
_WORD: Final = r"\w+(?:-\w+)*"

_TYPED: Final = re.compile(rf"#?({_WORD})")

# No tag begins inside of a word, an address (`/#`) or a character reference (`&#`).
_IN_NOTES: Final = re.compile(rf"(?<![\w#/&])#({_WORD})")

# Notes without this text have no tag.
TAG_SIGN: Final = "#"


def parse_tag(text: str) -> str | None:
    """Return a tag that a user has typed, with or without its #, in the form of `tags_in`.

    Return None if the text is not a single word.
    """
    match = _TYPED.fullmatch(_normalized(text.strip()))
    return match and match[1]


def tags_in(notes: str | None) -> frozenset[str]:
    """Return the tags in notes: without the #, in lower case and without accents.

    A tag is a # and the word directly after it. The word can contain hyphens and underscores, but
    it does not end with a hyphen.
    """
    if not notes or TAG_SIGN not in notes:
        return frozenset()
    return frozenset(_IN_NOTES.findall(_normalized(notes)))


def _normalized(text: str) -> str:
    return search_text(text).casefold()
