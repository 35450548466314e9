"""Accounts, balances and pots, kept current by polling."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
import logging
import time
from typing import override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalTypeFormat

from ..api import Account, MonzoPermissionError, Pot
from ..bank import MonzoSession, RepairIssue, async_delete_repair_issues
from ..const import (
    ACCOUNTS_OUTDATED_AFTER,
    BANK_TIME_ZONE,
    CONF_EXCLUDED_ACCOUNTS,
    DOMAIN,
    MIN_POLL_INTERVAL,
    POLL_INTERVAL_WITH_WEBHOOKS,
    REQUESTS_PER_WINDOW,
)
from ..coordinator import (
    BLOCKING_ERRORS,
    MonzoCoordinator,
    error_code_for_log,
    max_unprompted_reads,
    poll_interval,
)
from .devices import (
    async_is_claimed_elsewhere,
    async_register_account,
    async_register_person,
    async_register_pot,
    async_remove_devices,
)
from .models import AccountOrPot, AccountState, MonzoData, PersonState, PotState
from .poll import OUTDATED_AFTER, BalancePoller, Endpoint, PollRequest

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOrPotChange:
    """An account or a pot that is no longer what it was when it was last told of."""

    before: AccountOrPot
    after: AccountOrPot


# Keyed by the id of the account or pot, so that listeners survive a reload of the config entry.
SIGNAL_ACCOUNT_OR_POT_CHANGED: SignalTypeFormat[AccountOrPotChange] = SignalTypeFormat(
    f"{DOMAIN}_subject_{{}}"
)

# The last state of each account and pot that listeners were told of, until Home Assistant stops.
LAST_PUBLISHED: HassKey[dict[str, AccountOrPot]] = HassKey(f"{DOMAIN}_told")


@callback
def async_last_published(hass: HomeAssistant, monzo_id: str) -> AccountOrPot | None:
    """Return what an account or a pot was when it was last told of, loaded or not."""
    return hass.data.get(LAST_PUBLISHED, {}).get(monzo_id)


class BalancesCoordinator(MonzoCoordinator[MonzoData]):
    """Accounts, balances and pots.

    Whatever is due is asked for at once, so that a poll takes one round trip however many
    accounts there are; and only as much of it as the request budget allows, oldest first.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, session: MonzoSession) -> None:
        """Know nothing yet."""
        super().__init__(hass, entry, session, "balances")
        self._person_id = str(entry.unique_id)
        self._excluded = frozenset(entry.options.get(CONF_EXCLUDED_ACCOUNTS, ()))
        self._poller = BalancePoller(session)
        self._included: tuple[Account, ...] = ()
        self._logged: frozenset[PollRequest] = frozenset()
        # What the devices of the person, the accounts and the pots were made from.
        self._registered: dict[str, object] = {}
        self._reading = asyncio.Lock()
        self.last_polled: datetime | None = None
        # What changed while the entry was not loaded is told once actions work again.
        entry.async_on_unload(entry.async_on_state_change(self._async_tell_changes))

    @property
    def open_accounts(self) -> tuple[Account, ...]:
        """The person's accounts that are not closed, also those that are not included."""
        return tuple(account for account in self._poller.accounts.values() if not account.closed)

    def account_ids(self) -> KeysView[str]:
        """Return the ids of the accounts that can be read."""
        return self.data.accounts.keys()

    @property
    def included_ids(self) -> frozenset[str]:
        """The ids of the accounts that this entry looks after, readable or not."""
        return frozenset(account.id for account in self._included)

    @property
    def health(self) -> dict[str, int]:
        """How many things could not be read; for diagnostics, so without saying which."""
        outcomes = [self._poller.outcome(read) for read in self._reads()]
        return {
            "records_skipped": sum(outcome.skipped for outcome in outcomes),
            "reads_failed": sum(bool(outcome.error) for outcome in outcomes),
            "reads_refused": sum(outcome.is_refused for outcome in outcomes),
        }

    @override
    async def _async_setup(self) -> None:
        """Load the bank's time zone, which is a file."""
        await dt_util.async_get_time_zone(BANK_TIME_ZONE)

    @override
    async def _async_fetch(self) -> MonzoData:
        """Ask for what is due, and then for what the answers make due."""
        async with self._reading:
            asked: set[PollRequest] = set()
            while due := self._due(asked):
                asked.update(due)
                await self._poller.async_ask(due)
            # Nobody is told when the bank is there again.
            is_calm = self.session.webhooks_arrive and self._obstacle() is None
            self.update_interval = max(
                poll_interval(len(self._included)),
                POLL_INTERVAL_WITH_WEBHOOKS if is_calm else MIN_POLL_INTERVAL,
            )
            return self._async_take_stock()

    async def async_refresh_if_older_than(self, account_ids: Iterable[str], to: datetime) -> None:
        """Read balances that are older than a moment, and tell everybody.

        An account's pots are read as well, if money has moved in or out of them. Raises the first
        error in the way of a balance: MonzoError, or Home Assistant's for a token that cannot be
        renewed.
        """
        balances = {PollRequest(Endpoint.BALANCE, account_id) for account_id in account_ids}
        async with self._reading:
            old = [read for read in balances if not self._was_answered_since(read, to)]
            if not old:
                return
            await self._poller.async_ask(old)
            pots = (PollRequest(Endpoint.POTS, read.account_id) for read in old)
            await self._poller.async_ask([read for read in pots if self._is_due(read)])
            self.data = self._async_take_stock()
        self.async_update_listeners()
        for read in balances:
            if (err := self._poller.outcome(read).error) is not None:
                raise err

    def _was_answered_since(self, read: PollRequest, moment: datetime) -> bool:
        """Return whether the bank has answered a request since a moment."""
        outcome = self._poller.outcome(read)
        return (
            outcome.answered
            and dt_util.utcnow() - timedelta(seconds=time.monotonic() - outcome.at) > moment
        )

    async def async_refresh_all(self) -> None:
        """Poll now, and for the pots of all accounts too."""
        self._poller.pots_changed.update(account.id for account in self._included)
        await self.async_refresh()

    async def async_refresh_account(self, account_id: str, *, since: float) -> None:
        """Ask for one account's balance and pots, unless that was done since; and tell everybody.

        `since` is a moment by `time.monotonic`. Raises MonzoError, or Home Assistant's errors for a
        token that cannot be renewed.
        """
        requests = [PollRequest(each, account_id) for each in (Endpoint.BALANCE, Endpoint.POTS)]
        async with self._reading:
            results = map(self._poller.outcome, requests)
            if all(result.answered and result.at > since for result in results):
                return
            await self._poller.async_ask(requests)
            # Not async_set_updated_data, which would put off the poll of the other accounts.
            self.data = self._async_take_stock()
        self.async_update_listeners()

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        """Take back what is no longer true."""
        if self.last_update_success:
            self.last_polled = dt_util.utcnow()
            async_delete_repair_issues(
                self.hass, self.config_entry, (RepairIssue.EVICTED, RepairIssue.NOT_APPROVED)
            )

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Update the entities, without what has gone, and then tell those who may look at them."""
        if self.last_update_success:
            async_remove_devices(self.hass, self.config_entry, self.data.gone)
        # Known before any entity changes: whoever follows one must not see the others' past.
        changes = self._async_note_changes()
        super().async_update_listeners()
        self._async_tell(changes)

    @callback
    def _async_tell_changes(self) -> None:
        """Tell what has changed while the config entry was not loaded."""
        self._async_tell(self._async_note_changes())

    @callback
    def _async_note_changes(self) -> list[AccountOrPotChange]:
        """Return which accounts and pots are not what they were, not even before a reload."""
        if self.config_entry.state is not ConfigEntryState.LOADED or not self.last_update_success:
            return []
        told = self.hass.data.setdefault(LAST_PUBLISHED, {})
        holders: Iterable[AccountOrPot] = chain(
            self.data.accounts.values(), self.data.pots.values()
        )
        changes: list[AccountOrPotChange] = []
        for subject in holders:
            before, told[subject.id] = told.get(subject.id), subject
            if before is not None and before != subject:
                changes.append(AccountOrPotChange(before=before, after=subject))
        return changes

    @callback
    def _async_tell(self, changes: Iterable[AccountOrPotChange]) -> None:
        for change in changes:
            async_dispatcher_send(
                self.hass, SIGNAL_ACCOUNT_OR_POT_CHANGED.format(change.after.id), change
            )

    def _choose(self) -> None:
        """Settle on the accounts that this entry looks after."""
        self._included = tuple(
            account
            for account in self.open_accounts
            if account.id not in self._excluded
            and not async_is_claimed_elsewhere(self.hass, self.config_entry, account.id)
        )

    # What to ask for

    def _reads(self) -> Iterator[PollRequest]:
        """Yield all that there is to ask for, the most important first."""
        yield PollRequest(Endpoint.ACCOUNTS)
        balances = [PollRequest(Endpoint.BALANCE, account.id) for account in self._included]
        yield from balances
        for read in balances:
            if not self._poller.outcome(read).is_refused:
                yield PollRequest(Endpoint.POTS, read.account_id)

    def _due(self, asked: Collection[PollRequest]) -> list[PollRequest]:
        """Return what to ask for now: oldest first, and no more than the budget allows.

        Some of the budget is for transactions.
        """
        self._choose()
        due = [read for read in self._reads() if read not in asked and self._is_due(read)]
        due.sort(key=lambda read: self._poller.outcome(read).at)
        share = REQUESTS_PER_WINDOW - max_unprompted_reads(len(self._included)) - len(asked)
        return due[: min(self.session.requests_left, max(0, share))]

    def _is_due(self, read: PollRequest) -> bool:
        """Return whether to ask for something, or to ask again."""
        outcome = self._poller.outcome(read)
        age = time.monotonic() - outcome.at
        if outcome.is_refused and self.last_update_success:
            return age >= ACCOUNTS_OUTDATED_AFTER.total_seconds()
        if outcome.error is not None:
            return True
        if read.endpoint is Endpoint.ACCOUNTS and not self._included:
            # Nothing else would show whether the bank answers, and whether there is an account.
            return True
        if read.endpoint is Endpoint.POTS and read.account_id in self._poller.pots_changed:
            return True
        return age >= OUTDATED_AFTER[read.endpoint].total_seconds()

    # What is known then

    @callback
    def _async_take_stock(self) -> MonzoData:
        """Return what the latest answers say, with a device registered for each part of it.

        Raises what stands in the way if there is nothing to show.
        """
        self._choose()
        if (obstacle := self._obstacle()) is not None:
            raise obstacle
        self._log_changes()
        accounts = {state.id: state for state in self._readable_accounts()}
        pots = self._readable_pots(accounts)
        self._async_register(accounts, pots)
        return MonzoData(
            person=self._person(accounts, pots),
            accounts=accounts,
            pots=pots,
            pot_names={pot.id: pot.name for pot in self._listed_pots()},
            gone=frozenset(self._gone()) - pots.keys(),
        )

    @callback
    def _async_register(
        self, accounts: Mapping[str, AccountState], pots: Mapping[str, PotState]
    ) -> None:
        """Register the devices of what is new, or is called something else."""
        hass, entry, known = self.hass, self.config_entry, self._registered
        self._registered = {self._person_id: entry.title}
        self._registered |= {account.id: account.account for account in accounts.values()}
        self._registered |= {pot.id: (pot.pot.name, pot.account_id) for pot in pots.values()}
        changed = {id_ for id_, shown in self._registered.items() if known.get(id_) != shown}
        if self._person_id in changed:
            async_register_person(hass, entry, self._person_id)
        for account in accounts.values():
            if account.id in changed:
                async_register_account(hass, entry, account.account, self._person_id)
        for pot in pots.values():
            if pot.id in changed:
                async_register_pot(hass, entry, pot.pot, pot.account_id)

    def _obstacle(self) -> Exception | None:
        """Return the failure because of which nothing can be shown, if there is one."""
        errors = self._errors()
        for err in errors.values():
            if isinstance(err, BLOCKING_ERRORS):
                return err
        listing = errors.get(PollRequest(Endpoint.ACCOUNTS))
        # The list asked for an hour ago still serves, unless nothing may be read any more.
        if isinstance(listing, MonzoPermissionError) or not self._poller.accounts:
            return listing
        balances = [PollRequest(Endpoint.BALANCE, account.id) for account in self._included]
        if not all(read in errors for read in balances):
            return None
        # What may be over soon says more than an account that can never be read.
        balances.sort(key=lambda read: self._poller.outcome(read).is_refused)
        return errors[balances[0]] if balances else None

    def _errors(self) -> dict[PollRequest, Exception]:
        """Return what went wrong with each request when it was last sent."""
        return {read: err for read in self._reads() if (err := self._poller.outcome(read).error)}

    def _log_changes(self) -> None:
        """Log once what cannot be read, and once that it can be again."""
        errors = self._errors()
        for read in errors.keys() - self._logged:
            _LOGGER.warning(
                "Monzo does not tell %s: %s", read.endpoint, error_code_for_log(errors[read])
            )
        for read in self._logged - errors.keys():
            _LOGGER.info("Monzo tells %s again", read.endpoint)
        self._logged = frozenset(errors)

    def _readable_accounts(self) -> Iterator[AccountState]:
        """Yield the accounts whose balance could be read when last asked for."""
        for account in self._included:
            if self._poller.outcome(PollRequest(Endpoint.BALANCE, account.id)).answered:
                balance, day_began = self._poller.balances[account.id]
                yield AccountState(account=account, balance=balance, day_began=day_began)

    def _readable_pots(self, account_ids: Iterable[str]) -> dict[str, PotState]:
        """Return the pots of these accounts that could be read when last asked for.

        If two accounts list the same pot, it belongs to the one that it names.
        """
        pots: dict[str, PotState] = {}
        for account_id in account_ids:
            if not self._poller.outcome(PollRequest(Endpoint.POTS, account_id)).answered:
                continue
            for pot in self._poller.pots[account_id]:
                if (
                    not pot.deleted
                    and (pot.id not in pots or pot.current_account_id == account_id)
                    and not async_is_claimed_elsewhere(self.hass, self.config_entry, pot.id)
                ):
                    pots[pot.id] = PotState(pot=pot, account_id=account_id)
        return pots

    def _person(
        self, accounts: Mapping[str, AccountState], pots: Mapping[str, PotState]
    ) -> PersonState:
        """Return the sum of everything, where there is one."""
        # An account that was never readable is no part of it; one that was is missing.
        parts = [
            account
            for account in self._included
            if account.id in self._poller.balances
            or not self._poller.outcome(PollRequest(Endpoint.BALANCE, account.id)).is_refused
        ]
        currencies = frozenset(
            self._poller.balances[account.id][0].balance.currency
            if account.id in self._poller.balances
            else account.currency
            for account in parts
        ) | {pot.currency for pot in pots.values()}
        holdings = [account.money for account in accounts.values()]
        holdings += [pot.money for pot in pots.values()]
        listed = {pot.id for pot in self._listed_pots()}
        complete = listed >= self._poller.pots_seen and all(
            account.id in accounts and self._pots_are_known(account.id) for account in parts
        )
        return PersonState(
            id=self._person_id,
            currencies=currencies,
            total=sum(holdings[1:], holdings[0]) if complete and len(currencies) == 1 else None,
        )

    def _pots_are_known(self, account_id: str) -> bool:
        """Return whether all pots of an account were read, or it never had any to read."""
        outcome = self._poller.outcome(PollRequest(Endpoint.POTS, account_id))
        return outcome.answered or (outcome.is_refused and account_id not in self._poller.pots)

    def _gone(self) -> Iterator[str]:
        """Yield the ids of what is closed, deleted, or left out."""
        for account in self._poller.accounts.values():
            if account.closed or account.id in self._excluded:
                yield account.id
        yield from (pot.id for pot in self._listed_pots() if pot.deleted)

    def _listed_pots(self) -> Iterable[Pot]:
        """Return the pots in the latest answers, deleted ones as well."""
        return chain.from_iterable(self._poller.pots.values())
