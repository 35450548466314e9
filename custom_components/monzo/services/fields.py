"""What texts in the fields of actions may be."""

from typing import Final

from homeassistant.helpers import config_validation as cv
import voluptuous as vol
from yarl import URL

from ..bank import validation_error

TEXT: Final = vol.All(cv.string, vol.Strip, vol.Length(min=1))

# Of a transaction or an attachment. These two would be no part of an address, but lead out of it.
MONZO_ID: Final = vol.All(TEXT, vol.NotIn((".", "..")))


def https_url(text: str, field: str) -> str:
    """Return the web address that a field holds, exactly as it was given.

    Raises ServiceValidationError unless it is a complete one that begins with https.
    """
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme != "https" or not url.host or not text.isprintable() or " " in text:
        raise validation_error("not_https", field=field)
    return text
