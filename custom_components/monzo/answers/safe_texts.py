"""Texts in answers: sums, and names that other people have chosen."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from ..amounts import format_amount
from ..api import Money

# Long enough for any real name, and too short for a list of instructions.
LONGEST_NAME: Final = 60


def safe_name(name: str) -> str:
    """Return a name as one short line of visible characters.

    Anyone can send money under a name of their choice, and a language model reads that name.
    """
    visible = "".join(character if character.isprintable() else " " for character in name)
    line = " ".join(visible.split())
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"


def total_text(amounts: Iterable[Money]) -> str:
    """Return sums as a text, one for each currency, such as "12.30 GBP + 4.00 EUR"."""
    totals: defaultdict[str, int] = defaultdict(int)
    for amount in amounts:
        totals[amount.currency] += amount.minor
    return " + ".join(
        format_amount(Money.from_minor(minor, currency)) for currency, minor in totals.items()
    )
