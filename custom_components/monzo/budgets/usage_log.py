"""Log of the usage of budgets, stored on disk so that a restart does not repeat reports."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from .budget import BudgetStatus
from .crossings import Usage, UsageChange
from .signals import BudgetPeriodEnded, BudgetUsed
from .tracking import TrackedBudget

_VERSION: Final = 1

# The last payments of a period may be found a little after its end.
COMPLETE_AFTER: Final = timedelta(minutes=15)


class UsageLog:
    """The usage of a config entry's budgets by ID."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize the log, which is empty until it is loaded."""
        self._store: Store[dict[str, Any]] = Store(
            hass, _VERSION, f"{DOMAIN}.budgets.{entry_id}", private=True, atomic_writes=True
        )
        self._usages: dict[str, Usage] = {}
        self._loaded = False
        self._changed = False

    async def async_load(self) -> None:
        """Read the file, unless it has been read before."""
        if self._loaded:
            return
        for budget_id, stored in (await self._store.async_load() or {}).items():
            # The file may be from another version.
            with suppress(ArithmeticError, KeyError, TypeError, ValueError):
                self._usages[budget_id] = Usage.from_json(stored)
        self._loaded = True

    async def async_save(self) -> None:
        """Write the file if anything has changed."""
        if self._changed:
            self._changed = False
            await self._store.async_save({id_: it.to_json() for id_, it in self._usages.items()})

    async def async_remove(self) -> None:
        """Delete the file, because the config entry was removed."""
        await self._store.async_remove()

    def forget(self, budget_id: str) -> None:
        """Restart the log of a budget, because its settings have changed."""
        self._usages.pop(budget_id, None)
        self._changed = True

    def note(
        self, tracked: TrackedBudget, status: BudgetStatus, now: datetime
    ) -> Iterator[BudgetUsed | BudgetPeriodEnded]:
        """Record the figures of a budget, and yield the changes that have not been reported yet."""
        budget_id, period = tracked.settings.id, status.period
        usage = self._usages.get(budget_id)
        if usage is None or usage.first > period.first:
            # Spending from before the budget was created crosses no percentage. Neither does a new
            # pay day.
            reported = usage.reported if usage else None
            self._set(
                budget_id,
                Usage(first=period.first, peak=status.used, last=status.used, reported=reported),
            )
            return
        if usage.first < period.first:
            if now < period.since(tracked.ledger.zone) + COMPLETE_AFTER:
                return
            # A period may continue after its end, if its pay day is no longer one.
            is_reported = usage.reported is not None and usage.first <= usage.reported
            if not is_reported and (ended := tracked.ended(usage.first)) is not None:
                yield ended
            usage = Usage(first=period.first, reported=usage.first)
            self._set(budget_id, usage)
        if status.used != usage.last:
            self._set(budget_id, usage.changed_to(status.used))
            yield BudgetUsed(status=status, change=UsageChange(before=usage, used=status.used))

    def _set(self, budget_id: str, usage: Usage) -> None:
        self._usages[budget_id] = usage
        self._changed = True
