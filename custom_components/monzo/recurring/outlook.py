"""Outlook: the effect of recurring payments on the next days of an account."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import Final

from ..api import Money, Private
from ..transactions import TransactionKind, TransactionRecord
from .corrections import Correction, correct, corrected
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
from .upcoming import Pots

# The number of forecast days. Each monthly payment occurs once in this time.
_FORECAST_DAYS: Final = 31


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ListedPayment(Private):
    """A recurring payment together with its correction; it may be dismissed."""

    payment: RecurringPayment
    """The payment with its correction applied."""

    correction: Correction
    is_proposed: bool
    pot_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccountPayments(Private):
    """The recurring payments of an account."""

    payments: Sequence[RecurringPayment]

    proposals: Sequence[RecurringPayment]
    """Payments that may recur, and count only after a person has confirmed them; see `propose`."""

    pots: Mapping[str, str]
    """The pot IDs of payments by key; see `PotLinks`."""

    income_keys: frozenset[str]
    """The keys of payments that are incomes from other people."""

    newest: Mapping[str, TransactionRecord]
    """The newest transaction of each payment by key."""

    @property
    def incomes(self) -> Sequence[RecurringPayment]:
        """The payments that are incomes from other people."""
        return [payment for payment in self.payments if payment.key in self.income_keys]

    def named(self, pot_names: Mapping[str, str]) -> AccountPayments:
        """Return the payments with the names of pots, because the bank returns only a pot's ID.

        `pot_names` has the names by ID.
        """

        def named(payment: RecurringPayment) -> RecurringPayment:
            name = pot_names.get(self.pots.get(payment.key, ""))
            is_deposit = payment.kind is TransactionKind.POT_DEPOSIT
            return replace(payment, payee=name) if is_deposit and name else payment

        return replace(
            self,
            payments=[named(payment) for payment in self.payments],
            proposals=[named(payment) for payment in self.proposals],
        )

    def corrected(self, corrections: Mapping[str, Correction], today: date) -> AccountPayments:
        """Return the payments with people's corrections; see `correct`."""
        confirmed = [
            it for it in self.proposals if it.key in corrections and corrections[it.key].confirmed
        ]
        payments = correct([*self.payments, *confirmed], corrections, today)
        return replace(self, payments=payments)

    def find(self, key: str) -> RecurringPayment | None:
        """Return the payment with a key, which may be a proposal."""
        return next((it for it in (*self.payments, *self.proposals) if it.key == key), None)

    def listed(self, corrections: Mapping[str, Correction], today: date) -> list[ListedPayment]:
        """Return all payments with their corrections, in the order of their next days."""
        listed = [
            self.describe(payment, corrections.get(payment.key, Correction.of(payment)), today)
            for payment in (*self.payments, *self.proposals)
        ]
        return sorted(listed, key=lambda it: (it.payment.next, it.payment.payee, it.payment.key))

    def describe(
        self, payment: RecurringPayment, correction: Correction, today: date
    ) -> ListedPayment:
        """Return a payment together with its correction."""
        return ListedPayment(
            payment=corrected(payment, correction, today),
            correction=correction,
            is_proposed=payment in self.proposals and not correction.confirmed,
            pot_id=self.pots.get(payment.key),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccountOutlook(Private):
    """The effect of recurring payments on the next days of an account."""

    payments: Sequence[RecurringPayment]

    newest: Mapping[str, TransactionRecord]
    """The newest transaction of each payment by key."""

    today: date

    pay_day: date | None
    """The next pay day; None if it is unknown, or if the newest transactions are unknown.

    In the latter case, a bill that has been paid would count again.
    """

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

    pay_day: date | None
    """The next pay day; None if it is unknown."""

    rule: PayDayRule
    today: date

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


def person_outlook(
    accounts: Mapping[str, AccountPayments], rule: PayDayRule, today: date
) -> PersonOutlook:
    """Return the pay days of a person, given the incomes of all accounts."""
    incomes = list(chain.from_iterable(account.incomes for account in accounts.values()))
    pay_day = next_pay_day(rule, incomes, today)
    return PersonOutlook(incomes=incomes, pay_day=pay_day, rule=rule, today=today)


def account_outlook(  # noqa: PLR0913 - what it depends on
    balance: Money,
    account: AccountPayments,
    *,
    pots: Mapping[str, Money],
    person: PersonOutlook,
    is_joint: bool,
    is_current: bool,
) -> AccountOutlook:
    """Return the outlook of an account.

    `pots` has the balances of its pots by ID. `is_current` says whether `account` includes all
    payments that the balance includes. The pay day of a joint account is the day of its owners'
    deposits, if there are regular ones, and that of the person otherwise.
    """
    today, pay_day = person.today, person.pay_day
    if is_joint and person.rule.basis is PayDayBasis.DETECTED:
        pay_day = next_pay_day(person.rule, account.payments, today) or pay_day
    if not is_current:
        pay_day = None
    funds = Pots(balances=pots, by_payment=account.pots)
    return AccountOutlook(
        payments=account.payments,
        today=today,
        newest=account.newest,
        pay_day=pay_day,
        balance=balance,
        pots=funds,
        left=left_to_spend(balance, account.payments, pay_day=pay_day, today=today, pots=funds),
        forecast=forecast(balance, account.payments, today=today, days=_FORECAST_DAYS, pots=funds),
        subscriptions=subscriptions_of(account.payments, balance.currency),
    )
