"""Calculations of budgets: the remaining money, the pace, and the amount carried over."""

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
    """The limit of a budget, and its earlier limits.

    A new limit does not change the amounts left over from past periods.
    """

    current: Money

    past: tuple[tuple[date, Money], ...] = ()
    """Earlier limits, oldest first. Each applied to the periods that began before its day."""

    def of(self, period: Period) -> Money:
        """Return the limit of a period."""
        return next((limit for before, limit in self.past if period.first < before), self.current)

    def changed_to(self, limit: Money, period: Period) -> Self:
        """Return the limits after the user has changed the limit of the current period."""
        past = self.past
        if not past or past[-1][0] < period.first:
            past = (*past, (period.first, self.current))
        return replace(self, current=limit, past=past)


def left_over(limits_and_spending: Iterable[tuple[Money, Money]], currency: str) -> Money:
    """Return the amount left over from past periods, given their limits and spending.

    Periods are in order, oldest first. The rest of each period is added to the next one. If a
    period was overspent, nothing is carried over, and the next period begins with its own limit.
    """
    nothing = left = Money.zero(currency)
    for limit, spent in limits_and_spending:
        left = max(nothing, left + limit - spent)
    return left


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BudgetStatus(Private):
    """The figures of a budget in its current period."""

    period: Period
    today: date
    limit: Money
    """More than zero."""

    carried_over: Money
    """The amount left over from past periods; zero or more."""

    spent: Money
    """Negative if refunds exceed the spending."""

    recurring: Money
    """The part of `spent` that was paid in recurring payments, such as bills."""

    upcoming: Money
    """Recurring payments that are still due in this period; negative if incoming ones exceed them.
    """

    @property
    def available(self) -> Money:
        """The money for the whole period."""
        return self.limit + self.carried_over

    @property
    def left(self) -> Money:
        """The money that can still be spent; negative if the budget is exceeded."""
        return self.available - self.spent

    @property
    def is_over(self) -> bool:
        """Whether the budget is exceeded."""
        return self.spent > self.available

    @property
    def used(self) -> Decimal:
        """The percentage that was spent, rounded down so that 100 means everything."""
        share = Decimal(100 * self.spent.minor) / self.available.minor
        return share.quantize(_TENTH, rounding=ROUND_FLOOR)

    @property
    def days_left(self) -> int:
        """The number of days until the end of the period, including today."""
        return (self.period.end - self.today).days

    @property
    def left_per_day(self) -> Money:
        """The money for each remaining day, rounded down; zero if nothing is left."""
        minor = max(0, self.left.minor) // self.days_left
        return Money.from_minor(minor, self.limit.currency)

    @property
    def projected(self) -> Money:
        """The spending at the end of the period if everyday spending continues at its current pace.

        Today counts as a whole day. Each recurring payment counts once, on its day.
        """
        days_gone = self.period.days - self.days_left + 1
        pace = max(0, (self.spent - self.recurring).minor)
        ahead = _rounded(pace * (self.days_left - 1), days_gone)
        return self.spent + self.upcoming + Money.from_minor(ahead, self.limit.currency)

    @property
    def is_on_track(self) -> bool:
        """Whether the money suffices until the end of the period at the current pace."""
        return self.projected <= self.available


def _rounded(dividend: int, divisor: int) -> int:
    """Return the quotient of two non-negative numbers, rounded to the nearest integer."""
    return (2 * dividend + divisor) // (2 * divisor)
