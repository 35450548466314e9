"""Texts in answers: names that other people chose, and sums."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from ..amounts import format_amount
from ..api import Money

# Long enough for every real name, and too short for a list of instructions.
LONGEST_NAME: Final = 60


def safe_name(name: str) -> str:
    """Return a name as one short line of visible characters.

    Everyone who sends money chooses a name, and a language model reads it.
    """
    visible = "".join(character if character.isprintable() else " " for character in name)
    line = " ".join(visible.split())
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"


def total_text(amounts: Iterable[Money]) -> str:
    """Return the sum of amounts, one for each currency, such as "12.30 GBP + 4.00 EUR"."""
    totals: defaultdict[str, int] = defaultdict(int)
    for amount in amounts:
        totals[amount.currency] += amount.minor
    return " + ".join(
        format_amount(Money.from_minor(minor, currency)) for currency, minor in totals.items()
    )
