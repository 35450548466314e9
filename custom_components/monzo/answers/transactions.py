"""The newest transactions that match a question."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.util import dt as dt_util

from ..amounts import format_amount
from ..transactions import TransactionRecord
from .categories import async_find_category
from .kept_period import first_whole_day, kept_since, not_kept
from .periods import local_span, requested_period
from .readable import Readable, ReadableAccount
from .safe_texts import safe_name

MOST_TRANSACTIONS: Final = 20


async def async_find_transactions(readable: Readable, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the newest transactions of one or all accounts that match the fields.

    The search covers the part of the period for which transactions are kept.
    """
    accounts = readable.accounts_asked_for(fields.get("account"))
    since, before = local_span(requested_period(fields, accounts[0].now))
    is_wanted = await _async_filter(accounts, fields)
    limit: int = fields["limit"]
    found: list[tuple[TransactionRecord, ReadableAccount]] = []
    oldest = since
    for account in accounts:
        history = account.history
        start = since if history.is_kept(since, before) else max(since, kept_since(account))
        records = await history.async_find_kept(
            start, before, text=fields.get("name", ""), matches=is_wanted, limit=limit + 1
        )
        if records is None or start >= before:
            raise not_kept(account)
        oldest = max(oldest, start)
        found += [(record, account) for record in records]
    found.sort(key=lambda it: it[0].created, reverse=True)
    searched = (
        {"searched_only_since": first_whole_day(oldest).isoformat()} if oldest > since else {}
    )
    return {
        **searched,
        "transactions": [_transaction(record, account) for record, account in found[:limit]],
        "there_are_more": len(found) > limit,
    }


async def _async_filter(
    accounts: tuple[ReadableAccount, ...], fields: Mapping[str, Any]
) -> Callable[[TransactionRecord], bool]:
    """Return a predicate for transactions that moved money.

    Raises AnswerError for an unknown category.
    """
    name: str = fields.get("name", "")
    direction: str | None = fields.get("direction")
    category: str | None = None
    if "category" in fields:
        category = await async_find_category(accounts, fields["category"])

    def is_wanted(record: TransactionRecord) -> bool:
        return (
            record.minor != 0
            and not record.declined
            # The archive also searches notes. A model must not be able to guess their words.
            and (not name or record.matches_payee(name))
            and (direction is None or direction == _direction(record))
            and (category is None or record.is_of_category(category))
        )

    return is_wanted


def _direction(record: TransactionRecord) -> str:
    return "in" if record.minor > 0 else "out"


def _transaction(record: TransactionRecord, account: ReadableAccount) -> dict[str, Any]:
    made = dt_util.as_local(record.created)
    pot = account.runtime.balances.data.pot_names.get(record.pot_id or "")
    return {
        "date": f"{made:%Y-%m-%d}",
        "time": f"{made:%H:%M}",
        "account": account.name,
        "name": safe_name(record.payee or pot or record.description),
        "kind": record.kind.value.replace("_", " "),
        "direction": _direction(record),
        "amount": format_amount(abs(record.amount)),
        "category": ", ".join(record.split),
        "pending": record.settled is None,
    }
