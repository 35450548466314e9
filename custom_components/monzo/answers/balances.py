"""The balances of accounts and pots."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..amounts import format_amount
from ..api import Money
from .readable import Readable, ReadableAccount, ReadablePot
from .safe_texts import total_text

_UNKNOWN = "unknown, because Monzo cannot be reached at the moment"


async def async_get_balances(readable: Readable, _fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the balance of each account and pot, and the sum of the known balances."""
    both: tuple[ReadableAccount | ReadablePot, ...] = (*readable.accounts, *readable.pots)
    return {
        "accounts": [
            {
                "account": account.name,
                "balance": _text(account, account.state.money),
                "spent_today": _text(account, -account.state.balance.spend_today),
            }
            for account in readable.accounts
        ],
        "pots": [
            {"pot": pot.name, "balance": _text(pot, pot.state.money)} for pot in readable.pots
        ],
        "sum_of_these": total_text(_known(both)) or _UNKNOWN,
    }


def _is_known(each: ReadableAccount | ReadablePot) -> bool:
    return each.runtime.balances.last_update_success


def _known(both: tuple[ReadableAccount | ReadablePot, ...]) -> Iterator[Money]:
    return (each.state.money for each in both if _is_known(each))


def _text(each: ReadableAccount | ReadablePot, amount: Money) -> str:
    return format_amount(amount) if _is_known(each) else _UNKNOWN
