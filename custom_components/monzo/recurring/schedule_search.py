"""Search for schedules: the days on which the payments to a payee were probably due."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from .schedule import (
    Cadence,
    DayOfMonth,
    EveryFewDays,
    EveryFewMonths,
    Schedule,
    Shift,
    month_number,
)

# With few payments, rules such as the last Friday would be found by chance.
_FEWEST_FOR_OTHER_RULES: Final = 5

# Some subscriptions run for a fixed number of days rather than for a month.
_EQUAL_MONTHS: Final = (30, 31)

# Weekends and bank holidays move a payment by at most this many days, for example over Easter.
_LONGEST_SHIFT: Final = 4

_LAST_DAY: Final = 31

# Penalties in days. They are smaller than real differences, and only decide between equals.
_UNUSUAL_SHIFT: Final = 0.01
_MOVED_DAY: Final = 0.0005
_OTHER_RULE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Punctuality:
    """The punctuality of a family of payments."""

    shifts: tuple[Shift, ...]
    """The ways in which they move if banks are closed; the usual way comes first."""

    tolerance: int
    """The maximum distance of a payment from its day, in days."""

    weekday_rules: bool = False
    """Whether they may follow a weekday, such as the last Friday of each month."""

    equal_months: bool = False
    """Whether each month may have the same number of days, instead of a fixed day of the month."""


def best_schedule(
    days: Sequence[date], cadence: Cadence, punctuality: Punctuality, min_fit: float
) -> Schedule | None:
    """Return the schedule with the smallest distance from some payments; None if none is close.

    `days` has the days of the payments, newest first. The share `min_fit` of them must follow the
    schedule.
    """
    miss = punctuality.tolerance + 2
    best, lowest = None, len(days) * (punctuality.tolerance + 2 * (1 - min_fit)) + 3
    for schedule, penalty in _schedules(days, cadence, punctuality):
        cost = penalty
        for day in days:
            distance = abs(schedule.deviation(day))
            cost += distance if distance <= punctuality.tolerance else miss
            if cost >= lowest:
                break
        else:
            best, lowest = schedule, cost
    return best


def _schedules(
    days: Sequence[date], cadence: Cadence, punctuality: Punctuality
) -> Iterator[tuple[Schedule, float]]:
    """Yield possible schedules for some days, each with a penalty."""
    weeks = cadence.days
    for rank, shift in enumerate(punctuality.shifts):
        penalty = rank * _UNUSUAL_SHIFT
        if weeks is not None:
            yield from _every_few_days(days, cadence, shift, weeks, penalty)
            continue
        for phase in _month_phases(days, cadence):
            for rule in _days_of_month(days, shift, punctuality.tolerance):
                moved = sum(rule.number != day.day for day in days)
                yield EveryFewMonths(cadence, shift, rule, phase), penalty + moved * _MOVED_DAY
    if cadence is not Cadence.MONTH or len(days) < _FEWEST_FOR_OTHER_RULES:
        return
    if punctuality.weekday_rules:
        for rule in _weekdays_of_month(days):
            yield EveryFewMonths(cadence, punctuality.shifts[0], rule), _OTHER_RULE
    if punctuality.equal_months:
        for length in _EQUAL_MONTHS:
            yield from _every_few_days(days, cadence, punctuality.shifts[0], length, _OTHER_RULE)


def _every_few_days(
    days: Sequence[date], cadence: Cadence, shift: Shift, length: int, penalty: float
) -> Iterator[tuple[Schedule, float]]:
    for phase in sorted({day.toordinal() % length for day in days}):
        yield EveryFewDays(cadence, shift, phase, length), penalty


def _month_phases(days: Sequence[date], cadence: Cadence) -> Iterable[int]:
    months = cadence.months or 1
    if months == 1:
        return (0,)
    # A weekend at the end of a month may move a payment into another month.
    return {(month_number(day) + near) % months for day in days[:4] for near in (-1, 0, 1)}


def _days_of_month(days: Sequence[date], shift: Shift, tolerance: int) -> Iterator[DayOfMonth]:
    """Yield possible days of the month for payments."""
    before = _LONGEST_SHIFT if shift is Shift.NEXT else tolerance
    after = _LONGEST_SHIFT if shift is Shift.PREVIOUS else tolerance
    possible: set[int] = set()
    for day in days[:3]:
        for offset in range(-before, after + 1):
            moved = day + timedelta(days=offset)
            possible.add(moved.day)
            if (moved + timedelta(days=1)).month != moved.month:
                possible.update(range(moved.day, _LAST_DAY + 1))
    return map(DayOfMonth, sorted(possible))


def _weekdays_of_month(days: Sequence[date]) -> Iterator[DayOfMonth]:
    """Yield possible weekdays of the month for payments, ending with the last one of the month."""
    for weekday in sorted({day.weekday() for day in days}):
        for number in range(1, 6):
            yield DayOfMonth(number, weekday)
