"""Gives Home Assistant the weeks before its first start, from the bank's own books."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from .bank import Bank
from .home import DAYS_OF_HISTORY
from .home_assistant import Frontend
from .records import Transaction

type Course = dict[datetime, int]
"""Pence at the end of each hour; the hour by its beginning, as Home Assistant counts."""


async def import_past(home_assistant: Frontend, bank: Bank) -> None:
    """Import the long-term statistics that the balances' sensors would have by now."""
    entities = {
        entity["unique_id"]: entity["entity_id"]
        for entity in await home_assistant.command("config/entity_registry/list")
        if entity["platform"] == "monzo"
    }
    for unique_id, course in courses(bank).items():
        if unique_id in entities:
            await _import(home_assistant, entities[unique_id], course)


def courses(bank: Bank) -> dict[str, Course]:
    """Return how balances went, by the unique id of the sensor that shows them."""
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
            everything.update(total)
        courses[f"{person.user_id}_total"] = dict(everything)
    return courses


def _course(now: datetime, balance: int, rows: Iterable[Transaction]) -> Course:
    """Go back from today's balance, undoing one row after the other."""
    undone = sorted(rows, key=lambda row: row.created)
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    course: Course = {}
    for ago in range(1, DAYS_OF_HISTORY * 24):
        begin = this_hour - timedelta(hours=ago)
        while undone and undone[-1].created >= begin + timedelta(hours=1):
            balance -= undone.pop().amount
        course[begin] = balance
    return course


def _without_pots(rows: Iterable[Transaction]) -> list[Transaction]:
    """Return the rows that change what an account and its pots have together."""
    return [row for row in rows if not row.scheme.endswith("_pot")]


async def _import(home_assistant: Frontend, entity_id: str, course: Course) -> None:
    first = course[min(course)]
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
                "sum": (pence - first) / 100,
            }
            for begin, pence in sorted(course.items())
        ],
    )
