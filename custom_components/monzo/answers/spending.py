"""Spending of a period, summed up by the archive as in the action `get_spending`."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..amounts import format_amount
from ..api import Money
from ..transactions import SpendingGroup
from .categories import async_find_category
from .kept_period import not_kept
from .periods import local_span, requested_period, shown_period
from .readable import Readable, ReadableAccount
from .safe_texts import safe_name, total_text

# An assistant would not read out more.
_MOST_GROUPS: Final = 20

type _Group = tuple[str, str]
"""The name of a category or a merchant, and a currency."""


async def async_get_spending(readable: Readable, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spending of one or all accounts, by category or by merchant.

    If a name is given, only the category with this name counts, or merchants whose names contain
    it.
    """
    accounts = readable.accounts_asked_for(fields.get("account"))
    period = requested_period(fields, accounts[0].now)
    since, before = local_span(period)
    by = SpendingGroup(fields["by"])
    is_wanted = await _async_filter(accounts, by, fields.get("name"))
    spent: Counter[_Group] = Counter()
    transactions: Counter[_Group] = Counter()
    for account in accounts:
        groups = await account.history.async_kept_spending(since, before, by)
        if groups is None:
            raise not_kept(account)
        for name, minor, count in groups:
            if is_wanted(name):
                spent[name, account.state.currency] += minor
                transactions[name, account.state.currency] += count
    nothing = [Money.zero(account.state.currency) for account in accounts]
    amounts = {group: Money.from_minor(minor, group[1]) for group, minor in spent.most_common()}
    shown = [*amounts][:_MOST_GROUPS]
    return {
        "accounts": [account.name for account in accounts],
        **shown_period(period),
        "total": total_text([*nothing, *amounts.values()]),
        "groups": [
            {
                by.value: safe_name(group[0]),
                "amount": format_amount(amounts[group]),
                "transactions": transactions[group],
            }
            for group in shown
        ],
        "smaller_groups_left_out": len(amounts) - len(shown),
    }


async def _async_filter(
    accounts: tuple[ReadableAccount, ...], by: SpendingGroup, name: str | None
) -> Callable[[str], bool]:
    """Return a predicate for the names of groups.

    Raises AnswerError for an unknown category.
    """
    if name is None:
        return lambda _group: True
    if by is SpendingGroup.CATEGORY:
        category = await async_find_category(accounts, name)
        return lambda group: group == category
    return lambda group: name.casefold() in group.casefold()
