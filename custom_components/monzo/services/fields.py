"""Validators for the text fields of actions."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.helpers import config_validation as cv
import voluptuous as vol
from yarl import URL

from ..bank import validation_error
from ..transactions import parse_tag

ATTR_CATEGORY: Final = "category"
ATTR_MERCHANT: Final = "merchant"
ATTR_TAG: Final = "tag"

# How many characters of a field's content an error shows.
MAX_SHOWN_LENGTH: Final = 40

TEXT: Final = vol.All(cv.string, vol.Strip, vol.Length(min=1))

# An id becomes a segment of a URL's path, where `.` and `..` would lead to another endpoint.
MONZO_ID: Final = vol.All(TEXT, vol.NotIn((".", "..")))


def tag_of(fields: Mapping[str, Any]) -> str | None:
    """Return the tag in the field `tag` of a call; None if the field is empty.

    Raises ServiceValidationError if it is not one word.
    """
    if (text := fields.get(ATTR_TAG)) is None:
        return None
    if (tag := parse_tag(text)) is None:
        raise validation_error("invalid_tag", tag=shown_value(text))
    return tag


def is_https_url(text: str) -> bool:
    """Return whether a text is a complete web address that begins with https."""
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme == "https" and bool(url.host) and text.isprintable() and " " not in text


def https_url(text: str, field: str) -> str:
    """Return the web address in a field unchanged.

    Raises ServiceValidationError if it is incomplete or does not begin with https.
    """
    if not is_https_url(text):
        raise validation_error("not_https", field=field)
    return text


def shown_value(value: object) -> str:
    """Return the content of a field as an error shows it."""
    try:
        text = str(value)
    except ValueError:
        # An integer with thousands of digits.
        return "…"
    return text if len(text) <= MAX_SHOWN_LENGTH else f"{text[:MAX_SHOWN_LENGTH]}…"
