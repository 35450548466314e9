"""Keeps the budgets of a config entry current.

After each write of the archive, it corrects running sums, so a budget costs no requests to the
bank.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_track_time_change
from homeassistant.util import dt as dt_util

from ..accounts import BalancesCoordinator
from ..api import Money
from ..memory import async_get_memory
from ..privacy import async_subscribe, get_logger
from ..recurring import RecurringCoordinator
from ..transactions import Archive, TransactionRecord, TransactionsCoordinator, retention_of
from .budget import BudgetStatus
from .ledger import BudgetLedger
from .periods import Period
from .settings import LIMIT_KEYS, SUBENTRY_BUDGET, BudgetSettings, with_limit
from .signals import (
    SIGNAL_BUDGET_PERIOD_ENDED,
    SIGNAL_BUDGET_USED,
    BudgetPeriodEnded,
    BudgetUsed,
)
from .tracking import TrackedBudget, UnknownReason
from .usage_log import COMPLETE_AFTER, UsageLog

_LOGGER = get_logger(__name__)

type BudgetState = BudgetStatus | UnknownReason


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Whether the spending of a budget is known, for the current period and the one before."""

    reason: UnknownReason | None
    """The reason why the spending of the current period is unknown; None if it is known."""

    reason_of_past: UnknownReason | None
    """The same for the previous period."""


class BudgetsCoordinator:
    """Adds up the spending of each budget, and publishes its changes."""

    def __init__(  # noqa: PLR0913 - one parameter for each part
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        balances: BalancesCoordinator,
        transactions: TransactionsCoordinator,
        archive: Archive,
        recurring: RecurringCoordinator,
    ) -> None:
        """Initialize the coordinator. The spending is unknown until it is started."""
        self._hass = hass
        self._entry = entry
        self._balances = balances
        self._transactions = transactions
        self._archive = archive
        self._recurring = recurring
        self._keeps_details = retention_of(entry).keeps_history
        self._settings = budgets_of(entry)
        self._snapshot = _snapshot(entry)
        self._tracked: dict[str, TrackedBudget] = {}
        # For each account, the newest revision that the ledgers contain.
        self._revisions: dict[str, int] = {}
        self._unreadable: set[str] = set()
        self._states: dict[str, BudgetState] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._usages = async_get_memory(hass).find_or_create(
            UsageLog, entry.entry_id, partial(UsageLog, hass, entry.entry_id)
        )
        self._is_outdated = False
        self._updating: asyncio.Task[None] | None = None
        entry.async_on_unload(
            async_subscribe(hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._on_entry_changed)
        )

    @callback
    def async_start(self) -> None:
        """Sum up the spending, and keep the sums current until the config entry is unloaded."""
        if not self._settings:
            return
        on_unload = self._entry.async_on_unload
        on_unload(self._archive.async_add_listener(self._async_update_soon))
        on_unload(self._transactions.async_add_read_listener(self._async_update_soon))
        on_unload(self._balances.async_add_listener(self._async_update_soon))
        on_unload(self._recurring.async_add_listener(self._async_update_soon))
        minutes = [0, COMPLETE_AFTER // timedelta(minutes=1)]
        on_unload(
            async_track_time_change(self._hass, self._on_new_day, hour=0, minute=minutes, second=1)
        )
        self._async_update_soon()

    @property
    def budgets(self) -> Sequence[BudgetSettings]:
        """The settings of all budgets."""
        return tuple(self._settings.values())

    def settings(self, budget_id: str) -> BudgetSettings:
        """Return the settings of a budget."""
        return self._settings[budget_id]

    def period(self, budget_id: str) -> Period | None:
        """Return the current period of a budget, if it is known."""
        tracked = self._tracked.get(budget_id)
        return None if tracked is None else tracked.period

    def period_began(self, budget_id: str) -> datetime | None:
        """Return the start of a budget's current period, if it is known."""
        tracked = self._tracked.get(budget_id)
        return None if tracked is None else tracked.period.since(tracked.ledger.zone)

    @callback
    def async_set_limit(self, budget_id: str, limit: Money) -> None:
        """Store a new limit, which applies from the current period on."""
        subentry = self._entry.subentries[budget_id]
        self._hass.config_entries.async_update_subentry(
            self._entry,
            subentry,
            data=with_limit(subentry.data, limit, self.period(budget_id)),
        )

    def state(self, budget_id: str) -> BudgetState:
        """Return the figures of a budget, or the reason why they are unknown."""
        return self._states.get(budget_id, UnknownReason.NOT_READ)

    @callback
    def async_add_listener(self, budget_id: str, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call a function whenever the figures of a budget change."""
        listeners = self._listeners.setdefault(budget_id, [])
        listeners.append(listener)
        return partial(listeners.remove, listener)

    # Changes of the settings

    @callback
    def _on_entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        """Reload the entry if budgets were added, changed or removed; just apply a new limit."""
        if entry.entry_id != self._entry.entry_id or change is not ConfigEntryChange.UPDATED:
            return
        # The signal is also sent when the token is renewed and when the entry is loaded.
        snapshot, before = _snapshot(entry), self._snapshot
        if snapshot != before:
            self._snapshot = snapshot
            for budget_id in before:
                if snapshot.get(budget_id) != before[budget_id]:
                    self._usages.forget(budget_id)
            if entry.state is ConfigEntryState.LOADED:
                self._hass.config_entries.async_schedule_reload(entry.entry_id)
            return
        new = budgets_of(entry)
        # A budget that was just added waits for the reload.
        settings = {id_: new.get(id_, before) for id_, before in self._settings.items()}
        if any(it.limits != self._settings[id_].limits for id_, it in settings.items()):
            self._settings = settings
            self._async_update_soon()

    # Adding up

    @callback
    def _on_new_day(self, _now: datetime) -> None:
        self._async_update_soon()

    @callback
    def _async_update_soon(self) -> None:
        """Update now, or again after the current update."""
        self._is_outdated = True
        if self._updating is None or self._updating.done():
            self._updating = self._entry.async_create_background_task(
                self._hass, self._async_update_until_current(), "update budgets of Monzo"
            )

    async def _async_update_until_current(self) -> None:
        while self._is_outdated:
            self._is_outdated = False
            try:
                await self._async_update()
            except Exception:
                # A defect must not stop all future updates.
                _LOGGER.exception("Unexpected error while adding up budgets")

    async def _async_update(self) -> None:
        """Read changed transactions, and publish the changed figures."""
        await self._usages.async_load()
        if not self._recurring.has_searched:
            await self._recurring.async_search()
        now = self._balances.session.clock.now()
        zone = dt_util.get_default_time_zone()
        today = now.astimezone(zone).date()
        self._track(today)
        # Check this before reading, because an account's log is ahead of the file for a moment.
        known = {id_: self._known(tracked) for id_, tracked in self._tracked.items()}
        for account_id in {id_ for it in self._tracked.values() for id_ in it.settings.accounts}:
            if not await self._async_read_changes(account_id, now):
                return
        for tracked in self._tracked.values():
            tracked.ledger.put_due(now)
        if self._is_outdated:
            # Recurring payments have changed, so pay days may have changed as well.
            return
        await self._async_publish(today, now, known)

    def _track(self, today: date) -> None:
        """Create new ledgers for periods that have begun, and apply new limits."""
        zone, pay_days = dt_util.get_default_time_zone(), self._recurring.pay_days
        for budget_id, settings in self._settings.items():
            tracked = self._tracked.get(budget_id)
            new = TrackedBudget.on(today, settings, zone, pay_days)
            if new is None:
                self._tracked.pop(budget_id, None)
            elif tracked is not None and tracked.is_current(new):
                self._tracked[budget_id] = tracked.with_settings(settings)
            else:
                self._tracked[budget_id] = new
                for account_id in settings.accounts:
                    self._revisions.pop(account_id, None)

    async def _async_read_changes(self, account_id: str, now: datetime) -> bool:
        """Add the changed transactions of an account to the ledgers.

        Return False if everything has to be read again.
        """
        ledgers = [it.ledger for it in self._tracked.values() if account_id in it.settings.accounts]
        since = min(ledger.since for ledger in ledgers)
        revision = self._revisions.get(account_id, 0)
        newest = await self._archive.async_changed_records(
            account_id, since, revision, partial(_put, ledgers, now)
        )
        if newest is None:
            if account_id not in self._unreadable:
                self._unreadable.add(account_id)
                self._async_update_soon()
            return True
        self._unreadable.discard(account_id)
        if newest < revision:
            # The file was replaced.
            self._tracked.clear()
            self._revisions.clear()
            self._async_update_soon()
            return False
        if newest > revision:
            # A bill that was just paid must not count as everyday spending.
            await self._recurring.async_search()
        self._revisions[account_id] = newest
        return True

    def _known(self, tracked: TrackedBudget) -> _Known:
        since = tracked.needed[0].since(tracked.ledger.zone)
        return _Known(
            reason=self._reason(tracked.settings, since),
            reason_of_past=self._reason(tracked.settings, tracked.ledger.since),
        )

    def _reason(self, settings: BudgetSettings, since: datetime) -> UnknownReason | None:
        """Return the reason why the spending since a moment is unknown; None if it is known."""
        if (reason := self._reason_of_accounts(settings)) is not None:
            return reason
        with_details = settings.scope.needs_details
        is_kept = partial(self._transactions.sums.is_kept, since=since, with_details=with_details)
        return None if all(map(is_kept, settings.accounts)) else UnknownReason.NOT_COVERED

    def _reason_of_accounts(self, settings: BudgetSettings) -> UnknownReason | None:
        """Return the reason why no spending is known; None if that depends on the period."""
        accounts = settings.accounts
        if not self._balances.data.accounts.keys() >= set(accounts):
            return UnknownReason.ACCOUNT_MISSING
        if settings.scope.needs_details and not self._keeps_details:
            return UnknownReason.NO_DETAILS
        if not all(map(self._transactions.is_current, accounts)):
            return UnknownReason.NOT_READ
        if self._archive.state == "failing" or not self._unreadable.isdisjoint(accounts):
            return UnknownReason.ARCHIVE_UNREADABLE
        return None

    def _status(self, tracked: TrackedBudget, today: date) -> BudgetStatus:
        payments = self._recurring.payments
        return tracked.status(
            today, [payments[id_] for id_ in tracked.settings.accounts if id_ in payments]
        )

    # Publishing

    async def _async_publish(self, today: date, now: datetime, known: Mapping[str, _Known]) -> None:
        """Publish changed figures, and send the signals for triggers."""
        reports: list[tuple[str, BudgetUsed | BudgetPeriodEnded]] = []
        for budget_id, settings in self._settings.items():
            tracked = self._tracked.get(budget_id)
            state: BudgetState
            if tracked is None:
                state = self._reason_of_accounts(settings) or UnknownReason.NO_PAY_DAY
            else:
                state = known[budget_id].reason or self._status(tracked, today)
            if state != self._states.get(budget_id):
                self._states[budget_id] = state
                for listener in tuple(self._listeners.get(budget_id, ())):
                    listener()
            if tracked is not None and isinstance(state, BudgetStatus):
                reports += [
                    (budget_id, report)
                    for report in self._usages.note(tracked, state, now)
                    if isinstance(report, BudgetUsed) or not known[budget_id].reason_of_past
                ]
        # Save before sending the signals, so that a crash does not repeat any of them.
        await self._usages.async_save()
        for budget_id, report in reports:
            if isinstance(report, BudgetUsed):
                async_dispatcher_send(self._hass, SIGNAL_BUDGET_USED.format(budget_id), report)
            else:
                signal = SIGNAL_BUDGET_PERIOD_ENDED.format(budget_id)
                async_dispatcher_send(self._hass, signal, report)


def _put(ledgers: Iterable[BudgetLedger], now: datetime, record: TransactionRecord) -> None:
    for ledger in ledgers:
        ledger.put(record, now)


def budgets_of(entry: ConfigEntry) -> dict[str, BudgetSettings]:
    """Return the settings of a config entry's budgets by ID."""
    return {
        id_: BudgetSettings.of(subentry)
        for id_, subentry in entry.subentries.items()
        if subentry.subentry_type == SUBENTRY_BUDGET
    }


def _snapshot(entry: ConfigEntry) -> dict[str, Any]:
    """Return copies of the settings that need a reload if they change."""
    return {
        id_: (
            subentry.title,
            {key: value for key, value in subentry.data.items() if key not in LIMIT_KEYS},
        )
        for id_, subentry in entry.subentries.items()
    }


async def async_forget_usage(hass: HomeAssistant, entry_id: str) -> None:
    """Delete the stored usage of the budgets of a removed config entry."""
    await UsageLog(hass, entry_id).async_remove()
