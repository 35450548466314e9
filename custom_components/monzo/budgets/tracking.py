"""Tracking of one budget: its settings, and the ledger of its periods."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from enum import StrEnum
from typing import Self

from ..api import Money
from ..recurring import AccountPayments, PayDays
from .budget import BudgetStatus, left_over
from .ledger import BudgetLedger
from .periods import Period
from .recurring_spending import recurring_spending
from .settings import BudgetSettings
from .signals import BudgetPeriodEnded


class UnknownReason(StrEnum):
    """The reason why the figures of a budget are unknown, as shown in an attribute."""

    ACCOUNT_MISSING = "account_missing"
    """An account of the budget was closed or excluded, or belongs to another entry."""

    ARCHIVE_UNREADABLE = "archive_unreadable"
    NO_DETAILS = "no_details"
    """The budget depends on names or notes that the user does not keep."""

    NO_PAY_DAY = "no_pay_day"
    NOT_COVERED = "not_covered"
    """The period begins before the first transaction that is kept."""

    NOT_READ = "not_read"
    """The transactions of an account could not be read for the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedBudget:
    """A budget in its current period."""

    settings: BudgetSettings
    ledger: BudgetLedger

    needed: tuple[Period, ...]
    """The current period, preceded by the periods that it depends on."""

    @classmethod
    def on(
        cls, day: date, settings: BudgetSettings, zone: tzinfo, pay_days: PayDays
    ) -> Self | None:
        """Return a budget with an empty ledger for the period of a day; None if that is unknown."""
        rule = settings.rule(pay_days)
        current = rule.period_of(day)
        if current is None:
            return None
        since = settings.carry_since
        carried = [] if since is None else [*rule.periods_from(since, current)]
        # Its figures are published after it has ended.
        before = rule.period_of(current.first - timedelta(days=1))
        past = carried or ([before] if before else [])
        return cls(
            settings=settings,
            ledger=BudgetLedger(settings.scope, [*past, current], zone),
            needed=(*carried, current),
        )

    @property
    def period(self) -> Period:
        """The current period."""
        return self.needed[-1]

    def with_settings(self, settings: BudgetSettings) -> Self:
        """Return the budget with another limit or title."""
        return replace(self, settings=settings)

    def is_current(self, other: TrackedBudget) -> bool:
        """Return whether a budget with an empty ledger has the same periods."""
        mine, others = self.ledger, other.ledger
        return (mine.periods, mine.zone) == (others.periods, others.zone)

    def status(self, today: date, payments: Iterable[AccountPayments]) -> BudgetStatus:
        """Return the figures on a day, given the recurring payments of the accounts."""
        settings = self.settings
        made, due = recurring_spending(payments, self.ledger, self.period)
        return BudgetStatus(
            period=self.period,
            today=today,
            limit=settings.limits.of(self.period),
            carried_over=self._left_over(self.needed[:-1]),
            spent=self._spent(self.period),
            recurring=Money.from_minor(made, settings.currency),
            upcoming=Money.from_minor(due, settings.currency),
        )

    def ended(self, first: date) -> BudgetPeriodEnded | None:
        """Return the period before the current one, if the current one began on this day."""
        before = self.ledger.periods[-2] if len(self.ledger.periods) > 1 else None
        if before is None or before.first != first:
            return None
        limit, spent = self.settings.limits.of(before), self._spent(before)
        return BudgetPeriodEnded(
            period=before,
            limit=limit,
            spent=spent,
            left=self._left_over(self.needed[:-2]) + limit - spent,
        )

    def _left_over(self, periods: tuple[Period, ...]) -> Money:
        limits = self.settings.limits
        return left_over(
            ((limits.of(period), self._spent(period)) for period in periods),
            self.settings.currency,
        )

    def _spent(self, period: Period) -> Money:
        return Money.from_minor(self.ledger.spent_minor(period), self.settings.currency)
