"""Forecast: an account's balance on each of the next days, given its recurring payments."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from ..api import Money, Private
from .detection import RecurringPayment
from .upcoming import Pots, UpcomingPayment, upcoming_payments


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ForecastDay(Private):
    """One day of a forecast."""

    day: date

    balance: Money
    """The balance at the end of the day.

    It is also the lowest balance of the day, because incomes are applied before bills.
    """

    payments: tuple[UpcomingPayment, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Missing(Private):
    """The part of a payment that the account's balance will not cover."""

    money: Money
    """Zero or positive."""

    is_exact: bool
    """Whether the amounts of all payments up to that day are known exactly."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Forecast(Private):
    """The balances on the next days."""

    days: tuple[ForecastDay, ...]
    """All days from today, in order."""

    @property
    def lowest(self) -> ForecastDay:
        """The first day with the lowest balance."""
        return min(self.days, key=lambda it: it.balance)

    @property
    def payment_count(self) -> int:
        """The number of payments on all days."""
        return sum(len(it.payments) for it in self.days)

    @property
    def is_exact(self) -> bool:
        """Whether the amounts of all payments are known exactly."""
        return all(it.payment.is_exact for day in self.days for it in day.payments)

    def missing_for(self, key: str, day: date) -> Missing | None:
        """Return the uncovered part of a payment on a day; None if it is not expected then.

        Missing money counts for one payment only, so the parts of several payments can be added up.
        """
        on_day = next((it for it in self.days if it.day == day), None)
        if on_day is None:
            return None
        zero = Money.zero(on_day.balance.currency)
        outgoing = [it for it in on_day.payments if it.amount <= zero]
        balance = on_day.balance - sum((it.amount for it in outgoing), zero)
        for it in outgoing:
            balance += it.amount
            if it.payment.key == key:
                return Missing(
                    money=max(zero, min(-it.amount, -balance)),
                    is_exact=all(
                        other.payment.is_exact
                        for earlier in self.days
                        if earlier.day <= day
                        for other in earlier.payments
                    ),
                )
        return None

    def shortfall(self, limit: Money) -> ForecastDay | None:
        """Return the first day with a balance below a limit, such as an overdraft; None if none."""
        return next((it for it in self.days if it.balance < limit), None)


def forecast(
    balance: Money,
    payments: Iterable[RecurringPayment],
    *,
    today: date,
    days: int,
    pots: Pots,
) -> Forecast:
    """Return the balance on each day from today, for a number of days of at least 1.

    Only recurring payments are taken into account, and no everyday purchases.
    """
    end = today + timedelta(days=days)
    upcoming = upcoming_payments(payments, end, pots)
    by_day = {day: tuple(found) for day, found in groupby(upcoming, key=lambda it: it.day)}
    forecast_days = []
    for number in range(days):
        day = today + timedelta(days=number)
        on_day = by_day.get(day, ())
        balance = sum((it.amount for it in on_day), balance)
        forecast_days.append(ForecastDay(day=day, balance=balance, payments=on_day))
    return Forecast(days=tuple(forecast_days))
