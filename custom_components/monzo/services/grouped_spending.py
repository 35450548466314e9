"""Spending in groups, for the responses of actions."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

from homeassistant.util import dt as dt_util

from ..api import Money
from ..budgets import Scope
from ..transactions import (
    Span,
    SpendingGroup,
    TransactionHistory,
    TransactionRecord,
    has_happened,
)
from .amounts import number


class Grouping(StrEnum):
    """The criterion by which spending is grouped."""

    CATEGORY = "category"
    MERCHANT = "merchant"
    DAY = "day"
    NONE = "none"


@dataclass(slots=True, kw_only=True)
class GroupedSpending:
    """Sums up spending in groups."""

    by: Grouping
    currency: str

    scope: Scope = field(default_factory=Scope)
    """The part of the spending that counts."""

    complete: bool = True
    """Whether all transactions could be read."""

    missing: list[Span] = field(default_factory=list)
    """The times that are neither kept nor shown by the bank, oldest first."""

    _minor_units: Counter[str] = field(default_factory=Counter)
    _transactions: Counter[str] = field(default_factory=Counter)

    def add(self, record: TransactionRecord) -> None:
        """Add a transaction to its group, or the parts of a split one to the group of each."""
        group_of = partial(GROUP_NAMES[self.by], record)
        parts = self.scope.parts_of(record)
        for category, minor in parts.items():
            self._minor_units[group_of(category)] += minor
        # Count the transaction once per group, even if several of its parts are in the group.
        self._transactions.update(set(map(group_of, parts)))

    def add_group(self, name: str, minor: int, transactions: int) -> None:
        """Add a group of the archive."""
        if self.by is Grouping.DAY:
            name = _day_of(datetime.fromtimestamp(int(name), UTC))
        self._minor_units[name] += minor
        self._transactions[name] += transactions

    @property
    def minor_units(self) -> Mapping[str, int]:
        """The spending of each group, in minor units."""
        return self._minor_units

    @property
    def total(self) -> float:
        """The spending of all groups together, in major units."""
        return self._in_major_units(self._minor_units.total())

    def groups(self) -> list[dict[str, Any]]:
        """Return the groups of the response: days in order, others by amount, the highest first."""
        if self.by is Grouping.NONE:
            return []
        ordered = (
            sorted(self._minor_units.items())
            if self.by is Grouping.DAY
            else self._minor_units.most_common()
        )
        return [
            {
                self.by.value: group,
                "amount": self._in_major_units(minor),
                "transactions": self._transactions[group],
            }
            for group, minor in ordered
        ]

    def _in_major_units(self, minor: int) -> float:
        return number(Money.from_minor(minor, self.currency))


# The name of the group of a transaction, or of the part of a split transaction in a category.
GROUP_NAMES: Final[Mapping[Grouping, Callable[[TransactionRecord, str], str]]] = {
    Grouping.CATEGORY: lambda _record, category: category,
    Grouping.MERCHANT: lambda record, _category: record.payee or record.description,
    Grouping.DAY: lambda record, _category: _day_of(record.created),
    Grouping.NONE: lambda _record, _category: "",
}

# The groups in which the archive sums up. Only Home Assistant knows when a day begins.
GROUPS_IN_ARCHIVE: Final[Mapping[Grouping, SpendingGroup]] = {
    Grouping.CATEGORY: SpendingGroup.CATEGORY,
    Grouping.MERCHANT: SpendingGroup.MERCHANT,
    Grouping.DAY: SpendingGroup.QUARTER_HOUR,
    Grouping.NONE: SpendingGroup.CATEGORY,
}


def _day_of(moment: datetime) -> str:
    return dt_util.as_local(moment).date().isoformat()


async def async_add_up(
    spending: GroupedSpending,
    history: TransactionHistory,
    since: datetime,
    before: datetime | None,
    now: Callable[[], datetime],
) -> None:
    """Add the transactions of a span, except those dated in the future.

    The archive sums up the transactions that it has. `now` returns the time at the bank. Raises the
    errors of the bank if it has to be asked.
    """
    scope = spending.scope
    if scope == Scope():
        kept = await history.async_kept_spending(since, before, GROUPS_IN_ARCHIVE[spending.by])
        if kept is not None:
            for group, minor, transactions in kept:
                spending.add_group(group, minor, transactions)
            return
    async with aclosing(history.async_records(since, before, tag=scope.tag or None)) as parts:
        async for part in parts:
            spending.complete = spending.complete and part.complete
            if part.missing is not None:
                spending.missing.insert(0, part.missing)
            for record in part.records:
                if has_happened(record.created, now()):
                    spending.add(record)
