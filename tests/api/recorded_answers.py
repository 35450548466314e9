"""Recorded responses of the bank, with all private data replaced."""

from decimal import Decimal
import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "recordings"


def recorded_answer(name: str) -> Any:
    """Return a recorded response, decoded as the client decodes it."""
    return json.loads(recorded_bytes(name), parse_float=Decimal)


def recorded_bytes(name: str) -> bytes:
    """Return the body of a recorded response."""
    return (_FOLDER / f"{name}.json").read_bytes()


def recorded_payment(name: str) -> Any:
    """Return a card payment of which only the special fields were recorded.

    The other fields come from the recording of an ordinary card payment.
    """
    payment = recorded_answer("transaction_expanded")["transaction"]
    special = recorded_answer(name)
    return payment | special | {"metadata": payment["metadata"] | special.get("metadata", {})}
