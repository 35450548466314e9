"""On each day, every outlook is as the contracts of the household say, from the first spring on.

The suite compares some days of almost three years. This command compares all days of five invented
households, and prints how many values agree:

    HOUSEHOLDS=5 EVERY=1 scripts/test tests/recurring/test_two_years.py -s
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
import os
from typing import NamedTuple

import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.recurring import AccountOutlook
from custom_components.monzo.recurring.account_payments import AccountPayments
from custom_components.monzo.recurring.outlook import account_outlook, person_outlook
from custom_components.monzo.recurring.pay_day import PayDayRule
from custom_components.monzo.recurring.position import Position
from custom_components.monzo.transactions import TransactionRecord
from sandbox.models import Account
from tests.helpers.archive_filler import records_of

from .contract_households import END, FIRST_DAY, TIMES, Truth, invented
from .contracts import (
    CALENDAR_DAYS,
    Answer,
    Books,
    Verdict,
    answers,
    believed,
    check_agreement,
    moment_on,
    next_pay_day,
    verdict,
)
from .payments import find_payments

HOUSEHOLDS = int(os.environ.get("HOUSEHOLDS", "1"))
EVERY = int(os.environ.get("EVERY", "57"))
DAYS = (END - FIRST_DAY).days


class Ledger:
    """The transactions of an account, and its balances at each moment."""

    def __init__(self, truth: Truth, account: Account) -> None:
        """Initialize the ledger with the balances at the end."""
        self.id = account.id
        self.records = sorted(records_of(truth.bank, account), key=lambda it: it.created)
        self._moments = [it.created for it in self.records]
        self._balance = account.balance
        self._pots = {pot.id: pot.balance for pot in truth.bank.pots_of(account.id)}

    def until(self, moment: datetime) -> list[TransactionRecord]:
        """Return the transactions until a moment."""
        return self.records[: bisect_right(self._moments, moment)]

    def balances(self, moment: datetime) -> tuple[int, dict[str, int]]:
        """Return the balances of the account and of its pots at a moment."""
        balance, pots = self._balance, dict(self._pots)
        for record in self.records[bisect_right(self._moments, moment) :]:
            balance -= record.minor
            if record.description in pots:
                pots[record.description] += record.minor
        return balance, pots


def shown(outlook: AccountOutlook) -> dict[str, tuple[object, bool]]:
    """Return the value of each sensor in pence, and whether it is said to be exact."""
    left, lowest, short = outlook.left, outlook.lowest, outlook.shortfall
    is_left_exact = left is None or left.is_exact
    is_forecast_exact = outlook.forecast.is_exact
    until = outlook.today + timedelta(days=CALENDAR_DAYS)
    events = sorted((day, it.payee) for it in outlook.payments for day in it.days_until(until))
    return {
        "upcoming": (left and left.upcoming.minor, is_left_exact),
        "left": (left and left.amount.minor, is_left_exact),
        "per_day": (left and left.per_day.minor, is_left_exact),
        "lowest": (lowest and lowest.balance.minor, is_forecast_exact),
        "lowest_day": (lowest and lowest.day, is_forecast_exact),
        "shortfall": (short and short.day, is_forecast_exact),
        "subscriptions_per_month": (
            outlook.subscriptions.per_month.minor,
            outlook.subscriptions.is_exact,
        ),
        "calendar": (events, True),
    }


class Comparison(NamedTuple):
    """A sensor on a day."""

    day: date
    key: str
    value: object
    truth: object
    verdict: Verdict


def compare(truth: Truth, every: int) -> Iterator[Comparison]:
    """Yield the verdict about each sensor on some days."""
    ledgers = [Ledger(truth, account) for account in truth.accounts]
    for number in range(0, DAYS, every):
        day = FIRST_DAY + timedelta(days=number)
        yield from _compare_on(truth, ledgers, day, moment_on(day, TIMES[number % len(TIMES)]))


def _compare_on(
    truth: Truth, ledgers: Sequence[Ledger], day: date, moment: datetime
) -> Iterator[Comparison]:
    found = {ledger.id: find_payments(ledger.until(moment), day) for ledger in ledgers}
    books = [Books(moment, *it.balances(moment), truth.contracts[it.id]) for it in ledgers]
    positions = {
        ledger.id: _position(book, payments)
        for ledger, book in zip(ledgers, books, strict=True)
        if (payments := found[ledger.id]) is not None
    }
    person = person_outlook(positions, PayDayRule(), day)
    pay_days = [Answer(next_pay_day(views)) for views in believed(books[0])]
    agreement = verdict(person.pay_day, is_exact=True, wanted=pay_days)
    yield Comparison(day, "next_pay_day", person.pay_day, pay_days[0].value, agreement)
    for ledger, account in zip(books, truth.accounts, strict=True):
        is_joint = account.type == "uk_retail_joint"
        outlook = account_outlook(positions[account.id], person=person, is_joint=is_joint)
        wanted: defaultdict[str, list[Answer]] = defaultdict(list)
        for views in believed(ledger):
            for key, answer in answers(ledger, views, next_pay_day(views)).items():
                wanted[key].append(answer)
        for key, (value, is_exact) in shown(outlook).items():
            agreement = verdict(value, is_exact, wanted[key])
            yield Comparison(day, f"{account.type}: {key}", value, wanted[key][0].value, agreement)


def _position(books: Books, found: AccountPayments) -> Position:
    return Position(
        balance=Money.from_minor(books.balance, "GBP"),
        pots={id_: Money.from_minor(minor, "GBP") for id_, minor in books.pots.items()},
        found=found,
        is_consistent=True,
    )


@pytest.mark.parametrize("number", range(1, HOUSEHOLDS + 1))
@pytest.mark.timeout(30 + HOUSEHOLDS * DAYS // EVERY)
def test_the_sensors_agree_with_the_contracts(number: int) -> None:
    truth = invented(number)
    compared = list(compare(truth, EVERY))
    check_agreement(f"household {number}", compared)
