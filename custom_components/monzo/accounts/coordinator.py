"""Coordinator of accounts, balances and pots."""

import asyncio
from collections.abc import Collection, Iterable, KeysView
from dataclasses import replace
from datetime import datetime, timedelta
import math
from typing import override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..api import Account, MonzoAuthenticationError
from ..bank import (
    TIMER_TOLERANCE,
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
from ..privacy import get_logger
from .bank_day import DatedBalance
from .build_data import EntryScope, blocking_error, build_data
from .changes import AccountOrPotChange, ChangeTracker
from .devices import (
    DeviceRegistrar,
    async_has_device,
    async_has_pot_devices,
    async_remove_devices,
)
from .joint_accounts import async_is_claimed_elsewhere, async_refresh_sharing_entries
from .models import MonzoData
from .poll import FAILED_DELAY, MAX_AGE, BalancePoller, Endpoint, PollRequest

_LOGGER = get_logger(__name__)


class BalancesCoordinator(MonzoCoordinator[MonzoData]):
    """Polls accounts, balances and pots.

    A poll sends all due requests at the same time, so it takes one round trip for any number of
    accounts. If the request budget does not have enough room, failed requests go first, and then
    the oldest. Between polls, only failed requests are repeated.
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
        self._polled_at = -math.inf
        self._retry_at = math.inf
        self._cancel_retry: CALLBACK_TYPE | None = None
        entry.async_on_unload(self._async_cancel_retry)
        # Changes from the time while the entry was not loaded are published once actions work
        # again.
        entry.async_on_unload(entry.async_on_state_change(self._async_publish_changes))

    @property
    def open_accounts(self) -> tuple[Account, ...]:
        """The person's open accounts, including the excluded ones."""
        return self._answers.open_accounts

    def account_ids(self) -> KeysView[str]:
        """Return the IDs of the accounts that can be read."""
        return self.data.accounts.keys()

    def are_readable(self, account_ids: Iterable[str]) -> bool:
        """Return whether the balances of all these accounts are known now."""
        return self.last_update_success and self.account_ids() >= set(account_ids)

    @property
    def included_ids(self) -> frozenset[str]:
        """The IDs of the accounts for which this entry is responsible, readable or not."""
        return frozenset(account.id for account in self._included)

    @property
    def sign_in_ended(self) -> bool:
        """Whether the user must sign in again."""
        return not self.last_update_success and isinstance(
            self.last_exception, ConfigEntryAuthFailed
        )

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
    async def async_refresh(self) -> None:
        """Poll now, no matter when the last poll was."""
        self._mark_balances_outdated()
        await super().async_refresh()

    @override
    async def _async_fetch(self) -> MonzoData:
        """Send the due requests, and then those that have become due because of the answers."""
        async with self._polling:
            interval = self._set_update_interval()
            if monotonic() - self._polled_at >= (interval - TIMER_TOLERANCE).total_seconds():
                self._mark_balances_outdated()
            sent: set[PollRequest] = set()
            # During set-up, the answers are required for the first states of all entities.
            priority = Priority.POLL if self._answers.results else Priority.SET_UP
            with self.session.budget.asking_as(priority):
                while due := self._due(sent, priority):
                    sent.update(due)
                    await self._poller.async_ask(due)
            self._set_update_interval()
            self._async_schedule_retry()
            data = self._async_build_data()
            self._async_note_answers(sent)
            return data

    async def async_refresh_if_older_than(self, account_ids: Iterable[str], since: float) -> None:
        """Read the balances that were last read before a moment, and update the entities.

        If money moved into or out of the pots of an account, its pots are read as well, or by the
        next poll if the request budget has no room. `since` is a time of `clock.monotonic`. Raises
        the first error of a balance: MonzoError, or an OAuth error of Home Assistant.
        """
        balances = {PollRequest(Endpoint.BALANCE, account_id) for account_id in account_ids}
        async with self._polling:
            outdated = [request for request in balances if not self._is_answered(request, since)]
            if not outdated:
                return
            await self._poller.async_ask(outdated)
            pots = (PollRequest(Endpoint.POTS, request.account_id) for request in outdated)
            due = [request for request in pots if self._is_due(request)]
            budget = self.session.budget
            await self._poller.async_ask(due[: budget.grant(len(due), budget.priority)])
            self._async_schedule_retry()
            self.data = self._async_build_data()
        self.async_update_listeners()
        for request in balances:
            if (error := self._answers.result(request).error) is not None:
                raise error

    async def async_refresh_account(self, account_id: str, *, since: float) -> None:
        """Read an account's balance and pots, unless both were read since, and update the entities.

        `since` is a time of `clock.monotonic`. Raises MonzoError, or an OAuth error of Home
        Assistant, if nothing can be shown afterwards.
        """
        requests = [PollRequest(each, account_id) for each in (Endpoint.BALANCE, Endpoint.POTS)]
        async with self._polling:
            if all(self._is_answered(request, since) for request in requests):
                return
            await self._poller.async_ask(requests)
            self._async_schedule_retry()
            # Do not use async_set_updated_data, which would delay the poll of the other accounts.
            self.data = self._async_build_data()
        self.async_update_listeners()

    async def async_refresh_all(self) -> None:
        """Poll now, including the pots of all accounts."""
        self._poller.outdated.update(
            PollRequest(Endpoint.POTS, account.id) for account in self._included
        )
        await self.async_refresh()

    def are_pots_read(self, account_id: str) -> bool:
        """Return whether the pots of an account are as new as its balance.

        So are pots that the bank has never returned, because there may be none.
        """
        request = PollRequest(Endpoint.POTS, account_id)
        if not self._was_answered(request):
            return True
        return self._answers.result(request).answered and request not in self._poller.outdated

    def do_pots_keep_failing(self, account_id: str) -> bool:
        """Return whether the bank did not return the pots of an account more than once."""
        request = PollRequest(Endpoint.POTS, account_id)
        return self._was_answered(request) and self._answers.result(request).failures > 1

    def dated_balance(self, account_id: str) -> DatedBalance | None:
        """Return the last balance of an account with its day, even if a later request failed."""
        return self._answers.dated_balances.get(account_id)

    @callback
    def async_restore_dated_balance(self, account_id: str, before: DatedBalance) -> None:
        """Correct the day of an account's balance, using one from before a restart or reload."""
        if (account := self.data.accounts.get(account_id)) is None:
            return
        dated = self._answers.dated_balances[account_id].after(before)
        self._answers.dated_balances[account_id] = dated
        account = replace(account, day_began=dated.day_began)
        self.data = replace(self.data, accounts={**self.data.accounts, account_id: account})

    def asked_at(self, account_id: str) -> float:
        """Return the time of the last request for an account's balance, by `clock.monotonic`."""
        return self._answers.result(PollRequest(Endpoint.BALANCE, account_id)).at

    def _is_answered(self, request: PollRequest, since: float) -> bool:
        """Return whether the bank has answered a request that was sent since a moment."""
        result = self._answers.result(request)
        return result.answered and result.at > since

    def _mark_balances_outdated(self) -> None:
        """Make the balances due, because it is time for a poll."""
        self._polled_at = monotonic()
        self._poller.outdated.update(
            PollRequest(Endpoint.BALANCE, account.id) for account in self._included
        )

    def _due(self, sent: Collection[PollRequest], priority: Priority) -> list[PollRequest]:
        """Return the requests to send now, limited by the request budget."""
        self._select_accounts()
        due = [
            request
            for request in self._answers.requests_for(self._included)
            if request not in sent and self._is_due(request)
        ]
        failed = {request for request in due if self._answers.result(request).error is not None}
        due.sort(key=lambda request: (request not in failed, self._answers.result(request).at))
        budget = self.session.budget
        granted = max(
            budget.grant(len(failed), Priority.RETRY) if failed else 0,
            budget.grant_poll(
                len(due), accounts=len(self._included), sent=len(sent), priority=priority
            ),
        )
        return due[:granted]

    def _is_due(self, request: PollRequest) -> bool:
        """Return whether a request must be sent, for the first time or again."""
        return self._due_in(request) <= TIMER_TOLERANCE.total_seconds()

    def _due_in(self, request: PollRequest) -> float:
        """Return the seconds until a request is due; negative if it is overdue."""
        result = self._answers.result(request)
        is_outdated = request in self._poller.outdated
        if result.error is None:
            if request.endpoint is Endpoint.ACCOUNTS and not self._included:
                # No other request would show whether the bank is reachable, and whether there is an
                # account.
                is_outdated = True
            delay = MAX_AGE[request.endpoint].total_seconds()
        elif result.is_refused and not self.last_update_success:
            # The user may not have approved the sign-in yet.
            delay = FAILED_DELAY.total_seconds()
        else:
            is_outdated = is_outdated and not result.is_refused
            delay = result.retry_delay(was_answered=self._was_answered(request))
        return (0.0 if is_outdated else delay) - (monotonic() - result.at)

    def _was_answered(self, request: PollRequest) -> bool:
        """Return whether the bank has ever answered a request, even before a restart."""
        account_id = request.account_id
        match request.endpoint:
            case Endpoint.ACCOUNTS:
                return True
            case Endpoint.BALANCE:
                return account_id in self._answers.balances or async_has_device(
                    self.hass, self.config_entry, account_id
                )
            case Endpoint.POTS:
                return account_id in self._answers.pots or async_has_pot_devices(
                    self.hass, self.config_entry, account_id
                )

    def _set_update_interval(self) -> timedelta:
        """Set and return the interval of polls, and reserve requests for them."""
        budget, accounts = self.session.budget, len(self._included)
        interval = budget.interval_for(accounts, webhooks_arrive=self._webhook_status.arriving)
        budget.reserve_polls(accounts, interval)
        self.update_interval = interval
        return interval

    # Repeating requests that failed

    @callback
    def _async_schedule_retry(self) -> None:
        """Repeat failed requests when they are due, which may be long before the next poll."""
        waits = [
            self._due_in(request)
            for request, error in self._answers.errors(self._included).items()
            # Only the user can solve this.
            if not isinstance(error, MonzoAuthenticationError)
        ]
        if not waits:
            self._async_cancel_retry()
            return
        # For an overdue request, the request budget had no room.
        wait = min(waits) if min(waits) > 0 else FAILED_DELAY.total_seconds()
        if (at := monotonic() + wait) >= self._retry_at:
            return
        self._async_cancel_retry()
        self._retry_at = at
        self._cancel_retry = async_call_later(
            self.hass, wait, HassJob(self._async_retry, cancel_on_shutdown=True)
        )

    @callback
    def _async_cancel_retry(self) -> None:
        self._retry_at = math.inf
        if self._cancel_retry is not None:
            self._cancel_retry()
            self._cancel_retry = None

    async def _async_retry(self, _now: datetime) -> None:
        """Repeat failed requests that are due."""
        self._retry_at = math.inf
        self._cancel_retry = None
        async with self._debounced_refresh.async_lock():
            await self._async_refresh(log_failures=True, scheduled=True)

    # Data

    @callback
    def _async_build_data(self) -> MonzoData:
        """Return the data from the latest answers, and register their devices.

        Raises the bank's error if nothing can be shown.
        """
        self._select_accounts()
        if (error := blocking_error(self._answers, self._scope)) is not None:
            raise error
        self._log_changes()
        data = build_data(self._answers, self._scope)
        self._devices.async_register(data)
        async_remove_devices(self.hass, self.config_entry, data.removed_ids)
        return data

    def _select_accounts(self) -> None:
        """Select the accounts for which this entry is responsible."""
        before = self.included_ids
        self._included = tuple(
            account
            for account in self.open_accounts
            if account.id not in self._excluded and not self.async_is_claimed_elsewhere(account.id)
        )
        for account_id in before - self.included_ids:
            # Another entry shows it now. These answers are outdated if the account returns.
            self._answers.forget(account_id)

    @property
    def _scope(self) -> EntryScope:
        return EntryScope(
            person_id=self._person_id,
            included=self._included,
            excluded=self._excluded,
            is_claimed_elsewhere=self.async_is_claimed_elsewhere,
            was_answered=self._was_answered,
        )

    @callback
    def async_is_claimed_elsewhere(self, monzo_id: str) -> bool:
        """Return whether an account or pot currently belongs to another config entry."""
        return async_is_claimed_elsewhere(self.hass, self.config_entry, monzo_id)

    def _log_changes(self) -> None:
        """Log once when a request begins to fail, and once when it works again."""
        errors = self._answers.errors(self._included)
        for request in errors.keys() - self._logged:
            _LOGGER.warning(
                "Could not fetch %s: %s", request.endpoint, error_code_for_log(errors[request])
            )
        working = {request for request in self._logged if self._answers.result(request).answered}
        for request in working:
            _LOGGER.info("Fetching %s works again", request.endpoint)
        self._logged = self._logged - working | errors.keys()

    # Publishing

    @callback
    def _async_note_answers(self, sent: Collection[PollRequest]) -> None:
        """Record that the bank has answered a poll, if one of the requests proves that.

        A balance is a proof. For a person without an account, the list of accounts is one.
        """
        proofs = [
            request
            for request in sent
            if request.endpoint is Endpoint.BALANCE or not self._included
        ]
        if any(self._answers.result(request).answered for request in proofs):
            self.last_polled = dt_util.utcnow()
            solved = (RepairIssue.EVICTED, RepairIssue.NOT_APPROVED)
            async_delete_repair_issues(self.hass, self.config_entry, solved)

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        """If the sign-in has ended, let other entries take over joint accounts."""
        if self.sign_in_ended and self.config_entry.state is ConfigEntryState.LOADED:
            async_refresh_sharing_entries(self.hass, self.config_entry)

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Update the entities, then publish changes to triggers, which may read the entities."""
        # Remember the states before any entity changes. An automation that one entity triggers must
        # not find the earlier states of the others.
        changes = self._async_remember_states()
        super().async_update_listeners()
        self._changes.async_publish(changes)

    @callback
    def _async_publish_changes(self) -> None:
        """Publish the changes from the time while the config entry was not loaded."""
        self._changes.async_publish(self._async_remember_states())

    @callback
    def _async_remember_states(self) -> list[AccountOrPotChange]:
        if self.config_entry.state is ConfigEntryState.LOADED and self.last_update_success:
            return self._changes.async_remember(self.data)
        return []
