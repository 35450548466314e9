"""Coordinator of accounts, balances and pots."""

import asyncio
from collections.abc import Collection, Iterable, KeysView
from datetime import datetime
import logging
from typing import override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..api import Account
from ..bank import (
    MonzoSession,
    Priority,
    RepairIssue,
    WebhookStatus,
    async_delete_repair_issues,
    error_code_for_log,
)
from ..clock import monotonic
from ..const import BANK_TIME_ZONE, CONF_EXCLUDED_ACCOUNTS
from ..coordinator import MonzoCoordinator
from .changes import AccountOrPotChange, ChangeTracker
from .devices import DeviceRegistrar, async_is_claimed_elsewhere, async_remove_devices
from .models import MonzoData
from .poll import ACCOUNTS_MAX_AGE, MAX_AGE, BalancePoller, Endpoint, PollRequest
from .snapshot import Selection, blocking_error, build_snapshot

_LOGGER = logging.getLogger(__name__)


class BalancesCoordinator(MonzoCoordinator[MonzoData]):
    """Polls accounts, balances and pots.

    A poll sends all requests that are due at the same time, so that it takes one round trip for any
    number of accounts. If the request budget does not have room for all, the oldest go first.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        session: MonzoSession,
        webhook_status: WebhookStatus,
    ) -> None:
        """Initialize the coordinator of one config entry."""
        super().__init__(hass, entry, session, "balances")
        self.last_polled: datetime | None = None
        self._webhook_status = webhook_status
        self._person_id = str(entry.unique_id)
        self._excluded = frozenset(entry.options.get(CONF_EXCLUDED_ACCOUNTS, ()))
        self._included: tuple[Account, ...] = ()
        self._poller = BalancePoller(session)
        self._answers = self._poller.answers
        self._devices = DeviceRegistrar(hass, entry, self._person_id)
        self._changes = ChangeTracker(hass, entry.entry_id)
        self._logged: frozenset[PollRequest] = frozenset()
        self._polling = asyncio.Lock()
        # Changes from while the entry was not loaded are published once actions work again.
        entry.async_on_unload(entry.async_on_state_change(self._async_publish_changes))

    @property
    def open_accounts(self) -> tuple[Account, ...]:
        """The person's accounts that are not closed, also those that are not included."""
        return self._answers.open_accounts

    def account_ids(self) -> KeysView[str]:
        """Return the IDs of the accounts that can be read."""
        return self.data.accounts.keys()

    @property
    def included_ids(self) -> frozenset[str]:
        """The IDs of the accounts that this entry looks after, readable or not."""
        return frozenset(account.id for account in self._included)

    @property
    def health(self) -> dict[str, int]:
        """Counts of unreadable records and failed requests, for diagnostics."""
        requests = self._answers.requests_for(self._included)
        results = [self._answers.result(request) for request in requests]
        return {
            "records_skipped": sum(result.skipped for result in results),
            "reads_failed": sum(bool(result.error) for result in results),
            "reads_refused": sum(result.is_refused for result in results),
        }

    # Reading

    @override
    async def _async_setup(self) -> None:
        """Load the bank's time zone, because reading it from disk would block the event loop."""
        await dt_util.async_get_time_zone(BANK_TIME_ZONE)

    @override
    async def _async_fetch(self) -> MonzoData:
        """Send the requests that are due, and then those that their answers make due."""
        async with self._polling:
            sent: set[PollRequest] = set()
            # At set-up the answers are needed for the first states of all entities.
            priority = Priority.POLL if self._answers.results else Priority.PERSON
            with self.session.budget.asking_as(priority):
                while due := self._due(sent, priority):
                    sent.update(due)
                    await self._poller.async_ask(due)
            self._set_update_interval()
            return self._async_build_data()

    async def async_refresh_if_older_than(self, account_ids: Iterable[str], since: float) -> None:
        """Read the balances that were last read before a moment, and update the entities.

        The pots of an account are read as well if money moved in or out of them. `since` is by
        `clock.monotonic`. Raises the first error of a balance: MonzoError, or an OAuth error of
        Home Assistant.
        """
        balances = {PollRequest(Endpoint.BALANCE, account_id) for account_id in account_ids}
        async with self._polling:
            outdated = [request for request in balances if not self._is_answered(request, since)]
            if not outdated:
                return
            await self._poller.async_ask(outdated)
            pots = (PollRequest(Endpoint.POTS, request.account_id) for request in outdated)
            await self._poller.async_ask([request for request in pots if self._is_due(request)])
            self.data = self._async_build_data()
        self.async_update_listeners()
        for request in balances:
            if (error := self._answers.result(request).error) is not None:
                raise error

    async def async_refresh_account(self, account_id: str, *, since: float) -> None:
        """Read an account's balance and pots unless both were read since, and update the entities.

        `since` is by `clock.monotonic`. Raises MonzoError, or an OAuth error of Home Assistant, if
        nothing can be shown afterwards.
        """
        requests = [PollRequest(each, account_id) for each in (Endpoint.BALANCE, Endpoint.POTS)]
        async with self._polling:
            if all(self._is_answered(request, since) for request in requests):
                return
            await self._poller.async_ask(requests)
            # Not with async_set_updated_data, which would delay the poll of the other accounts.
            self.data = self._async_build_data()
        self.async_update_listeners()

    async def async_refresh_all(self) -> None:
        """Poll now, and read the pots of all accounts, too."""
        self._poller.outdated_pots.update(account.id for account in self._included)
        await self.async_refresh()

    def asked_at(self, account_id: str) -> float:
        """Return when the balance of an account was last asked for, by `clock.monotonic`."""
        return self._answers.result(PollRequest(Endpoint.BALANCE, account_id)).at

    def _is_answered(self, request: PollRequest, since: float) -> bool:
        """Return whether the bank has answered a request that was sent after a moment."""
        result = self._answers.result(request)
        return result.answered and result.at > since

    def _due(self, sent: Collection[PollRequest], priority: Priority) -> list[PollRequest]:
        """Return the requests to send now: oldest first, within the request budget."""
        self._select_accounts()
        due = [
            request
            for request in self._answers.requests_for(self._included)
            if request not in sent and self._is_due(request)
        ]
        due.sort(key=lambda request: self._answers.result(request).at)
        granted = self.session.budget.grant_poll(
            len(due), accounts=len(self._included), sent=len(sent), priority=priority
        )
        return due[:granted]

    def _is_due(self, request: PollRequest) -> bool:
        """Return whether a request is due to be sent, for the first time or again."""
        result = self._answers.result(request)
        age = monotonic() - result.at
        if result.is_refused and self.last_update_success:
            return age >= ACCOUNTS_MAX_AGE.total_seconds()
        if result.error is not None:
            return True
        if request.endpoint is Endpoint.ACCOUNTS and not self._included:
            # No other request would show whether the bank answers and whether there is an account.
            return True
        if request.endpoint is Endpoint.POTS and request.account_id in self._poller.outdated_pots:
            return True
        return age >= MAX_AGE[request.endpoint].total_seconds()

    def _set_update_interval(self) -> None:
        # An outage is polled at the full rate, because nothing announces its end.
        calm = self._webhook_status.arriving and self._blocking_error() is None
        accounts = len(self._included)
        budget = self.session.budget
        self.update_interval = budget.interval_for(accounts, webhooks_arrive=calm)
        budget.reserve_polls(accounts, self.update_interval)

    # Data

    @callback
    def _async_build_data(self) -> MonzoData:
        """Return the data of the latest answers, and register devices for it.

        Raises the bank's error if nothing can be shown.
        """
        self._select_accounts()
        if (error := self._blocking_error()) is not None:
            raise error
        self._log_changes()
        data = build_snapshot(
            self._answers,
            Selection(
                person_id=self._person_id,
                included=self._included,
                excluded=self._excluded,
                is_claimed_elsewhere=self._async_is_claimed_elsewhere,
            ),
        )
        self._devices.async_register(data)
        return data

    def _select_accounts(self) -> None:
        """Select the accounts that this entry looks after."""
        self._included = tuple(
            account
            for account in self.open_accounts
            if account.id not in self._excluded and not self._async_is_claimed_elsewhere(account.id)
        )

    @callback
    def _async_is_claimed_elsewhere(self, monzo_id: str) -> bool:
        return async_is_claimed_elsewhere(self.hass, self.config_entry, monzo_id)

    def _blocking_error(self) -> Exception | None:
        return blocking_error(self._answers, self._included)

    def _log_changes(self) -> None:
        """Log once that a request fails, and once that it works again."""
        errors = self._answers.errors(self._included)
        for request in errors.keys() - self._logged:
            _LOGGER.warning(
                "Could not fetch %s: %s", request.endpoint, error_code_for_log(errors[request])
            )
        for request in self._logged - errors.keys():
            _LOGGER.info("Fetching %s works again", request.endpoint)
        self._logged = frozenset(errors)

    # Publishing

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        """Delete the repair issues that a successful poll proves to be solved."""
        if self.last_update_success:
            self.last_polled = dt_util.utcnow()
            solved = (RepairIssue.EVICTED, RepairIssue.NOT_APPROVED)
            async_delete_repair_issues(self.hass, self.config_entry, solved)

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Update the entities, then publish changes to triggers that may look at the entities."""
        if self.last_update_success:
            async_remove_devices(self.hass, self.config_entry, self.data.removed_ids)
        # Remembered before any entity changes, because an automation that one of them triggers
        # must not see the earlier states of the others.
        changes = self._async_remember_states()
        super().async_update_listeners()
        self._changes.async_publish(changes)

    @callback
    def _async_publish_changes(self) -> None:
        """Publish the changes from while the config entry was not loaded."""
        self._changes.async_publish(self._async_remember_states())

    @callback
    def _async_remember_states(self) -> list[AccountOrPotChange]:
        if self.config_entry.state is ConfigEntryState.LOADED and self.last_update_success:
            return self._changes.async_remember(self.data)
        return []
