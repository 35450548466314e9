"""Calculations of budgets: what is left, how fast it is used, and what is carried over."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Final, Self

from ..api import Money, Private
from .periods import Period

_TENTH: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Limits(Private):
    """The limit of a budget, and the ones that it had before.

    A new limit does not change how much was left over of past periods.
    """

    current: Money

    past: tuple[tuple[date, Money], ...] = ()
    """Earlier limits, oldest first: each was that of the periods that began before its day."""

    def of(self, period: Period) -> Money:
        """Return the limit of a period."""
        return next((limit for before, limit in self.past if period.first < before), self.current)

    def changed_to(self, limit: Money, period: Period) -> Self:
        """Return the limits after the user has changed the one of the current period."""
        past = self.past
        if not past or past[-1][0] < period.first:
            past = (*past, (period.first, self.current))
        return replace(self, current=limit, past=past)


def left_over(limits_and_spending: Iterable[tuple[Money, Money]], currency: str) -> Money:
    """Return what is left over of past periods, oldest first, each with its limit and spending.

    What is left of one is added to the next one. If more was spent than there was, nothing is left:
    the next period begins with its limit.
    """
    nothing = left = Money.zero(currency)
    for limit, spent in limits_and_spending:
        left = max(nothing, left + limit - spent)
    return left


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BudgetStatus(Private):
    """A budget in its current period."""

    period: Period
    today: date
    limit: Money
    """More than zero."""

    carried_over: Money
    """What is left over of past periods; zero or more."""

    spent: Money
    """Negative if more came back than was spent."""

    recurring: Money
    """The part of `spent` that recurs by agreement, such as bills."""

    upcoming: Money
    """Recurring payments that are still due in this period; negative if more comes back."""

    @property
    def available(self) -> Money:
        """The money for the whole period."""
        return self.limit + self.carried_over

    @property
    def left(self) -> Money:
        """What can still be spent; negative if more was spent than there was."""
        return self.available - self.spent

    @property
    def is_over(self) -> bool:
        """Whether more was spent than there was."""
        return self.spent > self.available

    @property
    def used(self) -> Decimal:
        """The percentage that was spent, rounded down so that 100 means that all of it was."""
        share = Decimal(100 * self.spent.minor) / self.available.minor
        return share.quantize(_TENTH, rounding=ROUND_FLOOR)

    @property
    def days_left(self) -> int:
        """The number of days until the end of the period, with today."""
        return (self.period.end - self.today).days

    @property
    def left_per_day(self) -> Money:
        """What can be spent on each remaining day, rounded down; zero if nothing is left."""
        minor = max(0, self.left.minor) // self.days_left
        return Money.from_minor(minor, self.limit.currency)

    @property
    def projected(self) -> Money:
        """The spending at the end of the period if it goes on as it has so far.

        Days count as a whole, also today. Each recurring payment counts once, on its day.
        """
        days_gone = self.period.days - self.days_left + 1
        pace = max(0, (self.spent - self.recurring).minor)
        ahead = _rounded(pace * (self.days_left - 1), days_gone)
        return self.spent + self.upcoming + Money.from_minor(ahead, self.limit.currency)

    @property
    def is_on_track(self) -> bool:
        """Whether the money suffices until the end of the period if spending goes on as so far."""
        return self.projected <= self.available


def _rounded(dividend: int, divisor: int) -> int:
    """Return a quotient of numbers that are not negative, rounded to the nearest whole number."""
    return (2 * dividend + divisor) // (2 * divisor)
