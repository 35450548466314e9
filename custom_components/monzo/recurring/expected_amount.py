"""The amount that is expected of a recurring payment, given the past ones."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from statistics import median
from typing import Final

from .schedule import Cadence
from .series import Series

# After more changes, the next amount is uncertain.
_PAYMENTS_PER_CHANGE: Final = 4

_DAYS_OF_YEAR: Final = 365.25

# The newest payments show the usual amount. Amounts of earlier years would distort it.
_NEWEST: Final = 3

# With fewer comparisons, amounts could seem to follow the seasons by chance.
_FEWEST_COMPARED: Final = 3


def are_same(amounts: Sequence[int]) -> bool:
    """Return whether recent amounts are the same, apart from changes of the price."""
    recent = amounts[-6:]
    changes = sum(before != after for before, after in pairwise(recent))
    return changes <= len(recent) // _PAYMENTS_PER_CHANGE


def estimate(series: Series, day: date) -> int:
    """Return the expected amount of the payment on a day, in minor units, if amounts vary.

    It is the amount from a year earlier if such estimates would have been better for the payments
    of the last year, as for energy that is billed by usage. Otherwise, it is the usual amount.
    """
    year = round(_DAYS_OF_YEAR / series.schedule.cadence.mean_days)
    by_slot = dict(zip(series.slots, series.amounts, strict=True))
    a_year_ago = by_slot.get(series.schedule.slot_near(day) - year)
    if a_year_ago is not None and _is_seasonal(series, by_slot, year):
        return a_year_ago
    return _usual(series.amounts, series.schedule.cadence)


def _usual(amounts: Sequence[int], cadence: Cadence) -> int:
    return round(median(amounts[-1:] if cadence is Cadence.YEAR else amounts[-_NEWEST:]))


def _is_seasonal(series: Series, by_slot: dict[int, int], year: int) -> bool:
    """Return whether last year's payments were closer to those a year earlier than to the usual."""
    compared = [
        (number, by_slot[slot - year])
        for number, slot in enumerate(series.slots)
        if number >= _NEWEST and slot - year in by_slot
    ][-year:]
    amounts, cadence = series.amounts, series.schedule.cadence
    by_year = sum(abs(amounts[number] - earlier) for number, earlier in compared)
    by_usual = sum(
        abs(amounts[number] - _usual(amounts[:number], cadence)) for number, _earlier in compared
    )
    return len(compared) >= _FEWEST_COMPARED and by_year < by_usual
