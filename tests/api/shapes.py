"""Answers that were recorded from the bank, with everything private in them replaced."""

from decimal import Decimal
import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "shapes"


def shape(name: str) -> Any:
    """Return a recorded answer as the client decodes it."""
    return json.loads(shape_bytes(name), parse_float=Decimal)


def shape_bytes(name: str) -> bytes:
    """Return a recorded answer as it came."""
    return (_FOLDER / f"{name}.json").read_bytes()


def recorded_payment(name: str) -> Any:
    """Return a card payment of which only that is on record which sets it apart from another."""
    payment, apart = shape("transaction_expanded")["transaction"], shape(name)
    return payment | apart | {"metadata": payment["metadata"] | apart.get("metadata", {})}
