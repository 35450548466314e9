"""Imports statistics for the time before the demo's first start, computed from the bank."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from sandbox.bank import DAY_START_HOUR, LONDON, Bank
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.models import Transaction

type HourlyValues = dict[datetime, int]
"""Pence at the end of an hour, by the start of the hour, as in Home Assistant's statistics."""

_HOUR = timedelta(hours=1)

# Earlier statistics have one row a day, because an import of more rows takes too long.
_HOURLY_FOR = timedelta(days=60)

# The sums begin below zero. As the change of a row is its difference from the row before, the first
# row shows a large change. Charts do not reach back to this one.
_FIRST_ROW_BEFORE_PAST = timedelta(days=800)


async def import_past_statistics(
    home_assistant: HomeAssistantClient, bank: Bank, *, hourly_for: timedelta = _HOURLY_FOR
) -> None:
    """Import the long-term statistics that Home Assistant would have recorded by now.

    The latest have one row an hour, those before one row a day.
    """
    entities = {
        entity["unique_id"]: entity["entity_id"]
        for entity in await home_assistant.command("config/entity_registry/list")
        if entity["platform"] == "monzo"
    }
    for unique_id, values in hourly_values(bank, hourly_for).items():
        if unique_id in entities:
            starts_daily = unique_id.endswith("_spend_today")
            await _import(home_assistant, entities[unique_id], values, starts_daily=starts_daily)


def hourly_values(bank: Bank, hourly_for: timedelta = _HOURLY_FOR) -> dict[str, HourlyValues]:
    """Return past balances and spending, by the unique id of the sensor that shows them."""
    values_by_sensor: dict[str, HourlyValues] = {}
    hours = _hours(bank, hourly_for)
    for person in bank.people.values():
        all_accounts: Counter[datetime] = Counter()
        for account in bank.accounts_of(person):
            if account.closed:
                continue
            transactions = [
                transaction
                for transaction in bank.transactions(account.id)
                if not transaction.decline_reason
            ]
            balance = bank.balance(account.id)
            total = _past_balances(
                hours, balance.with_savings, _without_pot_transfers(transactions)
            )
            values_by_sensor |= {
                f"{account.id}_balance": _past_balances(hours, balance.balance, transactions),
                f"{account.id}_total_balance": total,
                f"{account.id}_spend_today": _past_spending(hours, transactions),
            }
            all_accounts.update(total)
        values_by_sensor[f"{person.user_id}_total"] = dict(all_accounts)
    return values_by_sensor


def running_sums(values: HourlyValues, *, starts_daily: bool) -> HourlyValues:
    """Return the statistics' sums, which end at zero because Home Assistant counts on from there.

    Values that start daily return to zero at the start of each day, which is not a change.
    """
    total_change = {min(values): 0}
    hours = sorted(values.items())
    for (before, old), (begin, new) in pairwise(hours):
        is_new_day = starts_daily and _day(before) != _day(begin)
        total_change[begin] = total_change[before] + new - (0 if is_new_day else old)
    end = total_change[max(values)]
    return {begin: total - end for begin, total in total_change.items()}


def _past_spending(hours: Iterable[datetime], transactions: Iterable[Transaction]) -> HourlyValues:
    """Return the spending since the start of the bank's day, at the end of each hour."""
    spent: defaultdict[date, list[Transaction]] = defaultdict(list)
    for transaction in transactions:
        if transaction.include_in_spending:
            spent[_day(transaction.created)].append(transaction)
    values: HourlyValues = {}
    for begin in hours:
        end = begin + _HOUR
        values[begin] = -sum(
            transaction.amount for transaction in spent[_day(begin)] if transaction.created < end
        )
    return values


def _day(moment: datetime) -> date:
    """Return the bank's day of a time; it begins some hours after midnight."""
    return (moment.astimezone(LONDON) - timedelta(hours=DAY_START_HOUR)).date()


def _hours(bank: Bank, hourly_for: timedelta) -> Sequence[datetime]:
    """Return the start of each past hour that gets a row, from the latest to the earliest."""
    this_hour = bank.clock().replace(minute=0, second=0, microsecond=0)
    hourly_since = this_hour - hourly_for
    first_transactions = (
        transaction.created
        for account in bank.accounts.values()
        for transaction in bank.transactions(account.id)[:1]
    )
    past = min((hourly_since, *first_transactions)) - timedelta(days=1)
    hours = [this_hour - _HOUR * ago for ago in range(1, (this_hour - past) // _HOUR + 1)]
    kept = [hour for hour in hours if hour > hourly_since or _is_last_of_day(hour)]
    return (*kept, hours[-1] - _FIRST_ROW_BEFORE_PAST)


def _is_last_of_day(hour: datetime) -> bool:
    """Return whether the bank's day ends with an hour."""
    return _day(hour) != _day(hour + _HOUR)


def _past_balances(
    hours: Iterable[datetime], balance: int, transactions: Iterable[Transaction]
) -> HourlyValues:
    """Return the balance at the end of each hour: the current one without later transactions."""
    later = sorted(transactions, key=lambda transaction: transaction.created)
    values: HourlyValues = {}
    for begin in hours:
        while later and later[-1].created >= begin + _HOUR:
            balance -= later.pop().amount
        values[begin] = balance
    return values


def _without_pot_transfers(transactions: Iterable[Transaction]) -> list[Transaction]:
    """Return the transactions that change the balance including pots."""
    return [transaction for transaction in transactions if not transaction.scheme.endswith("_pot")]


async def _import(
    home_assistant: HomeAssistantClient, entity_id: str, values: HourlyValues, *, starts_daily: bool
) -> None:
    totals = running_sums(values, starts_daily=starts_daily)
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
            for begin, pence in sorted(values.items())
        ],
    )
