"""Reading JSON objects field by field.

What Monzo leaves out, it leaves out in many ways: the key is missing, or null, or "" or {}. Here
they all become None. So does a value of the wrong type: whoever cannot do without asks with `need`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
import re
from typing import Final

from .exceptions import MonzoResponseError
from .money import Money

# Outside these years a date is a mistake, and adding days to it might overflow.
_YEARS: Final = range(1970, 2200)

# Beyond this a rate, a quantity or a coordinate is a mistake, and costly to calculate with.
_MAX_NUMBER: Final = 10**15

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


def read_money(minor: object, currency: object) -> Money | None:
    """Return money if these are a sane number of minor units and a currency code."""
    # A bool is an int as well, but not an amount.
    if type(minor) is not int:
        return None
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        return None
    try:
        return Money.from_minor(minor, currency)
    except ValueError:
        return None


def read_each[T](read: Callable[[object], T], rows: list[object]) -> tuple[T, ...]:
    """Return the rows that can be read; the odd ones are left out."""
    return tuple(item for row in rows if (item := read_optional(read, row)) is not None)


def read_optional[T](read: Callable[[object], T], data: object) -> T | None:
    """Return what was read, or None if it is not there or makes no sense."""
    try:
        return read(data)
    except MonzoResponseError:
        return None


class Fields:
    """The fields of one JSON object."""

    def __init__(self, data: object) -> None:
        """Take a decoded JSON value, which has to be an object."""
        if not isinstance(data, dict):
            message = "Monzo's answer is not the object it should be"
            raise MonzoResponseError(message)
        self._data: dict[str, object] = data

    def need[T](self, read: Callable[[str], T | None], key: str) -> T:
        """Return a field that the record is worth nothing without."""
        if (value := read(key)) is None:
            message = f"Monzo's answer has no readable '{key}'"
            raise MonzoResponseError(message)
        return value

    def value(self, key: str) -> object:
        """Return whatever is there, for something else to read."""
        return self._data.get(key)

    def text(self, key: str) -> str | None:
        """Return a text that is not empty."""
        value = self._data.get(key)
        return _encodable(value) if isinstance(value, str) and value else None

    def texts(self, key: str) -> dict[str, str]:
        """Return the texts that an object within this one holds, by their keys."""
        return {
            _encodable(name): _encodable(value)
            for name, value in self.items(key)
            if isinstance(value, str)
        }

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a yes or no."""
        value = self._data.get(key)
        return value if isinstance(value, bool) else default

    def number(self, key: str) -> Decimal | None:
        """Return a number that is no money: a rate, a quantity, a coordinate."""
        value = self._data.get(key)
        if type(value) is not int and not isinstance(value, Decimal):
            return None
        # The plus rounds a value of a million digits to the usual 28.
        return +Decimal(value) if -_MAX_NUMBER < value < _MAX_NUMBER else None

    def money(self, key: str, currency_key: str = "currency") -> Money | None:
        """Return an amount given in minor units, whose currency is in another field."""
        return read_money(self._data.get(key), self._data.get(currency_key))

    def moment(self, key: str) -> datetime | None:
        """Return a point in time, in UTC, which the bank uses everywhere."""
        try:
            moment = datetime.fromisoformat(self.text(key) or "")
        except ValueError:
            return None
        if moment.year not in _YEARS:
            return None
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)

    def rows(self, key: str) -> list[object] | None:
        """Return a list of anything."""
        value = self._data.get(key)
        return value if isinstance(value, list) else None

    def items(self, key: str) -> list[tuple[str, object]]:
        """Return what an object within this one holds, by its keys."""
        value = self._data.get(key)
        return list(value.items()) if isinstance(value, dict) else []


def _encodable(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can spell and nobody can write down again."""
    return text.encode(errors="replace").decode()
