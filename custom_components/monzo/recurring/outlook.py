"""Outlook: the effect of recurring payments on the next days of an account."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ..api import Money, Private
from .detection import RecurringPayment
from .forecast import Forecast, ForecastDay, forecast
from .left_to_spend import LeftToSpend, Subscriptions, left_to_spend, subscriptions_of
from .pay_day import (
    PayDay,
    PayDayBasis,
    PayDayRule,
    days_to,
    main_incomes,
    next_pay_day,
    pay_days_until,
)
from .position import Position
from .upcoming import Pots

# The number of forecast days. Each monthly payment occurs once in this time.
_FORECAST_DAYS: Final = 31


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccountOutlook(Private):
    """The effect of recurring payments on the next days of an account."""

    payments: Sequence[RecurringPayment]
    today: date

    is_current: bool
    """Whether the newest transactions are known. If not, an expected payment may have been made."""

    pay_day: date | None
    """The next pay day; None if it is unknown, or if the newest transactions are unknown."""

    balance: Money
    pots: Pots

    left: LeftToSpend | None
    """The money that is left to spend; None if no pay day is known."""

    forecast: Forecast
    subscriptions: Subscriptions

    def forecast_for(self, days: int) -> Forecast:
        """Return the balance on each day from today, for a number of days of at least 1."""
        return forecast(self.balance, self.payments, today=self.today, days=days, pots=self.pots)

    @property
    def expected_from(self) -> date:
        """The first day whose expected payments have certainly not been made; see `is_current`."""
        return _expected_from(self.today, is_current=self.is_current)

    @property
    def lowest(self) -> ForecastDay | None:
        """The first day with the lowest balance; None if no pay day is known."""
        return None if self.pay_day is None else self.forecast.lowest

    @property
    def shortfall(self) -> ForecastDay | None:
        """The first day on which the account would be overdrawn; None if there is none."""
        if self.pay_day is None:
            return None
        return self.forecast.shortfall(Money.zero(self.forecast.lowest.balance.currency))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PersonOutlook(Private):
    """The pay days of a person."""

    incomes: Sequence[RecurringPayment]
    """The recurring incomes in all accounts."""

    is_current: bool
    """Whether the newest transactions of the accounts with the main incomes are known."""

    pay_day: date | None
    """The next pay day; None if it is unknown."""

    rule: PayDayRule
    today: date

    @property
    def expected_from(self) -> date:
        """The first day whose expected pay has certainly not come; see `is_current`."""
        return _expected_from(self.today, is_current=self.is_current)

    @property
    def days_to_pay_day(self) -> int | None:
        """The number of days until pay day; None if it is unknown."""
        return days_to(self.pay_day, self.today)

    @property
    def main_incomes(self) -> Sequence[RecurringPayment]:
        """The person's main incomes, such as two salaries."""
        return main_incomes(self.incomes)

    def pay_days_until(self, until: date) -> Iterator[PayDay]:
        """Yield the expected pay days until a day."""
        return pay_days_until(self.rule, self.incomes, self.today, until)


def _expected_from(today: date, *, is_current: bool) -> date:
    return today if is_current else today + timedelta(days=1)


def person_outlook(
    positions: Mapping[str, Position], rule: PayDayRule, today: date
) -> PersonOutlook:
    """Return the pay days of a person, given the incomes of all accounts."""
    incomes = [income for it in positions.values() for income in it.found.incomes]
    # If the newest transactions are unknown, the pay may have come.
    uncertain = [
        income for it in positions.values() if not it.is_consistent for income in it.found.incomes
    ]
    is_current = rule.basis is not PayDayBasis.DETECTED or not any(
        income in uncertain for income in main_incomes(incomes)
    )
    return PersonOutlook(
        incomes=incomes,
        is_current=is_current,
        pay_day=next_pay_day(rule, incomes, today) if is_current else None,
        rule=rule,
        today=today,
    )


def account_outlook(position: Position, *, person: PersonOutlook, is_joint: bool) -> AccountOutlook:
    """Return the outlook of an account.

    The pay day of a joint account is the day of its owners' deposits, if there are regular ones,
    and that of the person otherwise.
    """
    found, balance = position.found, position.balance
    today, pay_day = person.today, person.pay_day
    if is_joint and person.rule.basis is PayDayBasis.DETECTED:
        pay_day = next_pay_day(person.rule, found.payments, today) or pay_day
    if not position.is_consistent:
        pay_day = None
    pots = Pots(balances=position.pots, by_payment=found.pots)
    return AccountOutlook(
        payments=found.payments,
        today=today,
        is_current=position.is_consistent,
        pay_day=pay_day,
        balance=balance,
        pots=pots,
        left=left_to_spend(balance, found.payments, pay_day=pay_day, today=today, pots=pots),
        forecast=forecast(balance, found.payments, today=today, days=_FORECAST_DAYS, pots=pots),
        subscriptions=subscriptions_of(found.payments, balance.currency),
    )
