"""Gives Home Assistant the weeks before its first start, from the bank's own books."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise

from .bank import DAY_BEGINS, LONDON, Bank
from .home import DAYS_OF_HISTORY
from .home_assistant import Frontend
from .records import Transaction

type Course = dict[datetime, int]
"""Pence at the end of each hour; the hour by its beginning, as Home Assistant counts."""


async def import_past(home_assistant: Frontend, bank: Bank) -> None:
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
            rows = [row for row in bank.transactions(account.id) if not row.decline_reason]
            balance = bank.balance(account.id)
            total = _course(bank.clock(), balance.with_savings, _without_pots(rows))
            courses[f"{account.id}_balance"] = _course(bank.clock(), balance.balance, rows)
            courses[f"{account.id}_total_balance"] = total
            courses[f"{account.id}_spend_today"] = _spent(bank.clock(), rows)
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


def _spent(now: datetime, rows: Iterable[Transaction]) -> Course:
    """Return what had been spent of the bank's day at the end of each hour."""
    spent: defaultdict[date, list[Transaction]] = defaultdict(list)
    for row in rows:
        if row.include_in_spending:
            spent[_day(row.created)].append(row)
    course: Course = {}
    for begin in _hours(now):
        end = begin + timedelta(hours=1)
        course[begin] = -sum(row.amount for row in spent[_day(begin)] if row.created < end)
    return course


def _day(moment: datetime) -> date:
    """Return the bank's day, which begins some hours after midnight."""
    return (moment.astimezone(LONDON) - timedelta(hours=DAY_BEGINS)).date()


def _hours(now: datetime) -> Iterable[datetime]:
    """Return when the hours of the past began, going back."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    return (this_hour - timedelta(hours=ago) for ago in range(1, DAYS_OF_HISTORY * 24))


def _course(now: datetime, balance: int, rows: Iterable[Transaction]) -> Course:
    """Go back from today's balance, undoing one row after the other."""
    undone = sorted(rows, key=lambda row: row.created)
    course: Course = {}
    for begin in _hours(now):
        while undone and undone[-1].created >= begin + timedelta(hours=1):
            balance -= undone.pop().amount
        course[begin] = balance
    return course


def _without_pots(rows: Iterable[Transaction]) -> list[Transaction]:
    """Return the rows that change what an account and its pots have together."""
    return [row for row in rows if not row.scheme.endswith("_pot")]


async def _import(
    home_assistant: Frontend, entity_id: str, course: Course, *, starts_daily: bool
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
