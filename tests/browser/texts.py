"""Looks up the integration's English texts, so that a reworded text needs no change in a test."""

from typing import Any

from tests.helpers.texts import TEXTS


def text(path: str, **values: object) -> str:
    """Return a text by its path in the translations, with the values of its placeholders."""
    found: Any = TEXTS
    for key in path.split("."):
        found = found[key]
    for name, value in values.items():
        found = found.replace(f"{{{name}}}", str(value))
    filled: str = found
    return filled


def first_sentence(path: str, **values: object) -> str:
    """Return the first sentence of a text, without the full stop."""
    return text(path, **values).partition(". ")[0]


def last_paragraph(path: str, **values: object) -> str:
    """Return the last paragraph of a text."""
    return text(path, **values).rpartition("\n")[2]
