"""Typed access to the fields of a JSON object.

Monzo leaves a field out in several ways: the key is missing, or its value is null, "" or {}. All of
these read as None here, and so does a value of the wrong type. `require` raises an error instead.

The models of this package read themselves with `from_json`. They raise MonzoResponseError if an
essential field (an id, an amount, a currency) is missing or has the wrong type; other fields are
then None. Types, schemes, categories and decline reasons are texts, because Monzo adds to them.
Unknown keys are ignored. Times are in UTC. Every amount is `Money`, which the bank sends in minor
units. The facts in the docstrings of the models come from docs.monzo.com. Facts that the
documentation does not mention come from recorded responses, and are marked as undocumented where a
caller should know.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
import re
from typing import Final

from .exceptions import MonzoResponseError
from .money import Money

# A date outside these years is a mistake, and arithmetic with it might overflow.
YEARS: Final = range(1970, 2200)

# A rate, quantity or coordinate beyond this is a mistake, and slow to calculate with.
_MAX_NUMBER: Final = 10**15

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def read_money(minor: object, currency: object) -> Money | None:
    """Return an amount of money, or None unless these are minor units and a currency code."""
    # Not isinstance, because bool is a subclass of int.
    if type(minor) is not int:
        return None
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        return None
    try:
        return Money.from_minor(minor, currency)
    except ValueError:
        return None


def read_each[T](read: Callable[[object], T], rows: list[object]) -> tuple[T, ...]:
    """Return the rows that can be read, and leave the others out."""
    return tuple(item for row in rows if (item := read_optional(read, row)) is not None)


def read_optional[T](read: Callable[[object], T], data: object) -> T | None:
    """Return the result of `read`, or None if the data cannot be read."""
    try:
        return read(data)
    except MonzoResponseError:
        return None


class Fields:
    """The fields of one JSON object."""

    def __init__(self, data: object) -> None:
        """Initialize with a decoded JSON value; MonzoResponseError unless it is an object."""
        if not isinstance(data, dict):
            message = "Monzo's response does not contain the expected object"
            raise MonzoResponseError(message)
        self._data: dict[str, object] = data

    def require[T](self, read: Callable[[str], T | None], key: str) -> T:
        """Return a field that the record cannot do without, or raise MonzoResponseError."""
        if (value := read(key)) is None:
            message = f"Monzo's response has no readable '{key}'"
            raise MonzoResponseError(message)
        return value

    def value(self, key: str) -> object:
        """Return the decoded value as it is."""
        return self._data.get(key)

    def text(self, key: str) -> str | None:
        """Return a text that is not empty."""
        value = self._data.get(key)
        return _encodable(value) if isinstance(value, str) and value else None

    def texts(self, key: str) -> dict[str, str]:
        """Return the text values of a nested object, by their keys."""
        return {
            _encodable(name): _encodable(value)
            for name, value in self.items(key)
            if isinstance(value, str)
        }

    def flag(self, key: str) -> bool:
        """Return a boolean; False if it is missing."""
        return self.optional_flag(key) or False

    def optional_flag(self, key: str) -> bool | None:
        """Return a boolean; None if it is missing."""
        value = self._data.get(key)
        return value if isinstance(value, bool) else None

    def number(self, key: str) -> Decimal | None:
        """Return a number that is not money: a rate, a quantity or a coordinate."""
        value = self._data.get(key)
        if type(value) is not int and not isinstance(value, Decimal):
            return None
        # The plus sign rounds to the 28 digits of the default context, because the bank could send
        # a million of them.
        return +Decimal(value) if -_MAX_NUMBER < value < _MAX_NUMBER else None

    def money(self, key: str, currency_key: str = "currency") -> Money | None:
        """Return an amount given in minor units; another field gives its currency."""
        return read_money(self._data.get(key), self._data.get(currency_key))

    def timestamp(self, key: str) -> datetime | None:
        """Return a time in UTC, which is also the time zone of a text that names none."""
        try:
            timestamp = datetime.fromisoformat(self.text(key) or "")
        except ValueError:
            return None
        if timestamp.year not in YEARS:
            return None
        if timestamp.tzinfo is None:
            return timestamp.replace(tzinfo=UTC)
        return timestamp.astimezone(UTC)

    def rows(self, key: str) -> list[object] | None:
        """Return a list, with elements of any type."""
        value = self._data.get(key)
        return value if isinstance(value, list) else None

    def items(self, key: str) -> list[tuple[str, object]]:
        """Return the keys and values of a nested object; none if there is no object."""
        value = self._data.get(key)
        return list(value.items()) if isinstance(value, dict) else []


def _encodable(text: str) -> str:
    """Replace unpaired surrogates, which JSON can express and UTF-8 cannot."""
    return text.encode(errors="replace").decode()
