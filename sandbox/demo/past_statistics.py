"""Gives Home Assistant the weeks before its first start, from the bank's own books."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise

from sandbox.bank import DAY_START_HOUR, LONDON, Bank
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.household import DAYS_OF_HISTORY
from sandbox.models import Transaction

type Course = dict[datetime, int]
"""Pence at the end of each hour; the hour by its beginning, as Home Assistant counts."""


async def import_past_statistics(home_assistant: HomeAssistantClient, bank: Bank) -> None:
    """Import the long-term statistics that the sensors would have by now."""
    entities = {
        entity["unique_id"]: entity["entity_id"]
        for entity in await home_assistant.command("config/entity_registry/list")
        if entity["platform"] == "monzo"
    }
    for unique_id, course in courses(bank).items():
        if unique_id in entities:
            starts_daily = unique_id.endswith("_spend_today")
            await _import(home_assistant, entities[unique_id], course, starts_daily=starts_daily)


def courses(bank: Bank) -> dict[str, Course]:
    """Return how balances and spending went, by the unique id of the sensor that shows them."""
    courses: dict[str, Course] = {}
    for person in bank.people.values():
        everything: Counter[datetime] = Counter()
        for account in bank.accounts_of(person):
            if account.closed:
                continue
            transactions = [
                transaction
                for transaction in bank.transactions(account.id)
                if not transaction.decline_reason
            ]
            balance = bank.balance(account.id)
            total = _course(bank.clock(), balance.with_savings, _without_pots(transactions))
            courses[f"{account.id}_balance"] = _course(bank.clock(), balance.balance, transactions)
            courses[f"{account.id}_total_balance"] = total
            courses[f"{account.id}_spend_today"] = _spent(bank.clock(), transactions)
            everything.update(total)
        courses[f"{person.user_id}_total"] = dict(everything)
    return courses


def sums(course: Course, *, starts_daily: bool) -> Course:
    """Return how a sum of all changes went, up to zero: Home Assistant goes on counting from there.

    What starts daily begins each day at zero, which is no change.
    """
    added = {min(course): 0}
    hours = sorted(course.items())
    for (before, old), (begin, new) in pairwise(hours):
        anew = starts_daily and _day(before) != _day(begin)
        added[begin] = added[before] + new - (0 if anew else old)
    end = added[max(course)]
    return {begin: total - end for begin, total in added.items()}


def _spent(now: datetime, transactions: Iterable[Transaction]) -> Course:
    """Return what had been spent of the bank's day at the end of each hour."""
    spent: defaultdict[date, list[Transaction]] = defaultdict(list)
    for transaction in transactions:
        if transaction.include_in_spending:
            spent[_day(transaction.created)].append(transaction)
    course: Course = {}
    for begin in _hours(now):
        end = begin + timedelta(hours=1)
        course[begin] = -sum(
            transaction.amount for transaction in spent[_day(begin)] if transaction.created < end
        )
    return course


def _day(moment: datetime) -> date:
    """Return the bank's day, which begins some hours after midnight."""
    return (moment.astimezone(LONDON) - timedelta(hours=DAY_START_HOUR)).date()


def _hours(now: datetime) -> Iterable[datetime]:
    """Return when the hours of the past began, going back."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    return (this_hour - timedelta(hours=ago) for ago in range(1, DAYS_OF_HISTORY * 24))


def _course(now: datetime, balance: int, transactions: Iterable[Transaction]) -> Course:
    """Go back from today's balance, undoing one transaction after the other."""
    undone = sorted(transactions, key=lambda transaction: transaction.created)
    course: Course = {}
    for begin in _hours(now):
        while undone and undone[-1].created >= begin + timedelta(hours=1):
            balance -= undone.pop().amount
        course[begin] = balance
    return course


def _without_pots(transactions: Iterable[Transaction]) -> list[Transaction]:
    """Return the transactions that change what an account and its pots have together."""
    return [transaction for transaction in transactions if not transaction.scheme.endswith("_pot")]


async def _import(
    home_assistant: HomeAssistantClient, entity_id: str, course: Course, *, starts_daily: bool
) -> None:
    totals = sums(course, starts_daily=starts_daily)
    await home_assistant.command(
        "recorder/import_statistics",
        metadata={
            "source": "recorder",
            "statistic_id": entity_id,
            "name": None,
            "unit_of_measurement": "GBP",
            "unit_class": None,
            "mean_type": 0,
            "has_sum": True,
        },
        stats=[
            {
                "start": begin.isoformat(),
                "state": pence / 100,
                "sum": totals[begin] / 100,
            }
            for begin, pence in sorted(course.items())
        ],
    )
