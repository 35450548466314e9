"""What the bank says, kept current: an entry's runtime data, and its polling."""

from abc import abstractmethod
import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
import logging
import math
import time
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestError,
)
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .api import (
    Account,
    Balance,
    Money,
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoEvictedError,
    MonzoPermissionError,
    MonzoRateLimitError,
    MonzoResponseError,
    Pot,
)
from .const import (
    ACCOUNTS_OUTDATED_AFTER,
    ASK_AGAIN_AFTER,
    BANK_DAY_STARTS,
    BANK_TIME_ZONE,
    CONF_EXCLUDED_ACCOUNTS,
    DOMAIN,
    FASTEST_POLL,
    POTS_OUTDATED_AFTER,
    REQUEST_WINDOW,
    REQUESTS_PER_WINDOW,
    TROUBLESHOOTING_URL,
)
from .devices import (
    async_claim_account,
    async_is_claimed_elsewhere,
    async_register_person,
    async_register_pot,
    async_remove_devices,
)
from .session import MonzoSession
from .transfers import Transfers

_LOGGER = logging.getLogger(__name__)

type MonzoConfigEntry = ConfigEntry[MonzoRuntimeData]


@dataclass(frozen=True, kw_only=True)
class MonzoRuntimeData:
    """What a loaded config entry works with."""

    session: MonzoSession
    balances: BalancesCoordinator
    transfers: Transfers


class Issue(StrEnum):
    """A trouble that only the user can end; the value is also its translation key."""

    EVICTED = "evicted"
    NOT_APPROVED = "not_approved"
    NOT_CONFIDENTIAL = "not_confidential"


# Those that can be put right without signing in again; see `repairs.py`.
FIXABLE_ISSUES: Final = frozenset({Issue.NOT_APPROVED})


@callback
def async_raise_issue(hass: HomeAssistant, entry: ConfigEntry, issue: Issue) -> None:
    """Tell the user about a trouble of this entry, with the cure."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(entry, issue),
        data={"entry_id": entry.entry_id},
        is_fixable=issue in FIXABLE_ISSUES,
        learn_more_url=TROUBLESHOOTING_URL,
        severity=ir.IssueSeverity.ERROR,
        translation_key=issue,
        translation_placeholders={"name": entry.title},
    )


@callback
def async_clear_issues(
    hass: HomeAssistant, entry: ConfigEntry, issues: Iterable[Issue] = Issue
) -> None:
    """Take back what the user was told about this entry."""
    for issue in issues:
        ir.async_delete_issue(hass, DOMAIN, _issue_id(entry, issue))


def _issue_id(entry: ConfigEntry, issue: Issue) -> str:
    return f"{issue}_{entry.entry_id}"


class MonzoCoordinator[DataT](DataUpdateCoordinator[DataT]):
    """Polls the bank, and turns what can go wrong into what Home Assistant understands."""

    config_entry: MonzoConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: MonzoConfigEntry, session: MonzoSession, name: str
    ) -> None:
        """Prepare polling for one config entry."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {name}",
            update_interval=FASTEST_POLL,
            always_update=False,
        )
        self.session = session
        self.last_polled: datetime | None = None

    @abstractmethod
    async def _async_fetch(self) -> DataT:
        """Ask the bank."""

    @override
    async def _async_update_data(self) -> DataT:
        """Ask the bank; the one place where its errors become Home Assistant's."""
        try:
            data = await self._async_fetch()
        except MonzoEvictedError as err:
            async_raise_issue(self.hass, self.config_entry, Issue.EVICTED)
            raise _auth_failed("evicted") from err
        except MonzoAuthenticationError as err:
            raise _auth_failed("sign_in_expired") from err
        except MonzoPermissionError as err:
            async_raise_issue(self.hass, self.config_entry, Issue.NOT_APPROVED)
            raise _update_failed("not_approved") from err
        except MonzoRateLimitError as err:
            raise _update_failed("rate_limited", retry_after=err.retry_after) from err
        except (
            MonzoConnectionError,
            OAuth2TokenRequestConnectionError,
            OAuth2TokenRequestError,
        ) as err:
            raise _update_failed("cannot_connect") from err
        except MonzoError as err:
            raise _update_failed("unexpected_answer") from err
        self.last_polled = dt_util.utcnow()
        async_clear_issues(self.hass, self.config_entry, (Issue.EVICTED, Issue.NOT_APPROVED))
        return data


def _auth_failed(translation_key: str) -> ConfigEntryAuthFailed:
    return ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key=translation_key)


def _update_failed(translation_key: str, retry_after: float | None = None) -> UpdateFailed:
    return UpdateFailed(
        translation_domain=DOMAIN, translation_key=translation_key, retry_after=retry_after
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonState:
    """The person who signed in, with all their money that this entry looks after."""

    id: str

    currency: str | None
    """The one currency of everything; None if there are several, which cannot be added."""

    total: Money | None
    """The sum over accounts and pots; None while one of them cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """An account and its balance."""

    account: Account
    balance: Balance

    day_began: datetime
    """When the bank's day began for which `balance` tells what was spent."""

    @property
    def id(self) -> str:
        """Monzo's id."""
        return self.account.id

    @property
    def currency(self) -> str:
        """The currency of the account and its pots."""
        return self.balance.balance.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class PotState:
    """A pot and the account it belongs to."""

    pot: Pot

    account_id: str
    """The account that lists the pot, which is the one to move money from and to.

    Joint pots name another as their `current_account_id`, as recorded.
    """

    @property
    def id(self) -> str:
        """Monzo's id."""
        return self.pot.id

    @property
    def currency(self) -> str:
        """The currency of the pot."""
        return self.pot.balance.currency

    @property
    def progress(self) -> Decimal | None:
        """How much of the goal is there, in percent; 100 not before all of it is."""
        if self.pot.goal is None:
            return None
        share = 100 * self.pot.balance.amount / self.pot.goal.amount
        return share.quantize(Decimal("0.1"), rounding=ROUND_DOWN)

    @property
    def left_to_goal(self) -> Money | None:
        """How much is missing; nothing when there is more than the goal."""
        if self.pot.goal is None:
            return None
        missing = self.pot.goal - self.pot.balance
        return max(missing, Money.from_minor(0, self.currency), key=lambda money: money.amount)


type SubjectState = PersonState | AccountState | PotState


@dataclass(frozen=True, slots=True, kw_only=True)
class MonzoData:
    """Everything that one entry shows."""

    person: PersonState
    accounts: Mapping[str, AccountState]
    pots: Mapping[str, PotState]

    gone: frozenset[str]
    """Ids of accounts and pots that are closed, deleted or left out by the user.

    Whatever is only missing from an answer is not among them.
    """

    def subject(self, subject_id: str) -> SubjectState | None:
        """Return the person, account or pot with this id, if it could be read."""
        if subject_id == self.person.id:
            return self.person
        return self.accounts.get(subject_id) or self.pots.get(subject_id)


class Endpoint(StrEnum):
    """What a poll asks for."""

    ACCOUNTS = "accounts"
    BALANCE = "balance"
    POTS = "pots"


@dataclass(frozen=True, slots=True)
class Read:
    """One request of a poll."""

    endpoint: Endpoint
    account_id: str = ""


# How old an answer may get. A balance is asked for at every poll.
OUTDATED_AFTER: Final = {
    Endpoint.ACCOUNTS: ACCOUNTS_OUTDATED_AFTER,
    Endpoint.BALANCE: timedelta(0),
    Endpoint.POTS: POTS_OUTDATED_AFTER,
}


def poll_interval(accounts: int) -> timedelta:
    """Return how often so many accounts can be polled within the request budget.

    Any five minutes have room for the list of accounts, the pots of each once, and as many
    rounds of balances as still fit.
    """
    rounds = (REQUESTS_PER_WINDOW - 1 - accounts) // max(accounts, 1)
    # Home Assistant's timers may be a second early.
    return max(FASTEST_POLL, REQUEST_WINDOW / max(rounds, 1) + timedelta(seconds=2))


class BalancesCoordinator(MonzoCoordinator[MonzoData]):
    """Accounts, balances and pots.

    Whatever is due is asked for at once, so that a poll takes one round trip however many
    accounts there are; and only as much of it as the request budget allows, oldest first.
    """

    def __init__(self, hass: HomeAssistant, entry: MonzoConfigEntry, session: MonzoSession) -> None:
        """Know nothing yet."""
        super().__init__(hass, entry, session, "balances")
        self._person_id = str(entry.unique_id)
        self._excluded = frozenset(entry.options.get(CONF_EXCLUDED_ACCOUNTS, ()))
        self._accounts: dict[str, Account] = {}
        self._balances: dict[str, Balance] = {}
        self._pots: dict[str, tuple[Pot, ...]] = {}
        self._asked_at: dict[Read, float] = {}
        self._failed: set[Read] = set()
        self._refused: set[Read] = set()
        self._skipped: dict[Read, int] = {}
        # What the balances said to be in pots when the pots were last asked for.
        self._in_pots: dict[str, Mapping[str, Money] | None] = {}
        self._reading = asyncio.Lock()

    @property
    def open_accounts(self) -> tuple[Account, ...]:
        """The person's accounts that are not closed, also those that are not included."""
        return tuple(account for account in self._accounts.values() if not account.closed)

    @property
    def health(self) -> dict[str, int]:
        """How many things could not be read; for diagnostics, so without saying which."""
        return {
            "records_skipped": sum(self._skipped.values()),
            "reads_failed": len(self._failed - self._refused),
            "reads_refused": len(self._refused),
        }

    @override
    async def _async_setup(self) -> None:
        """Load the bank's time zone, which is a file."""
        await dt_util.async_get_time_zone(BANK_TIME_ZONE)

    @override
    async def _async_fetch(self) -> MonzoData:
        """Ask for what is due, and then for what the answers make due."""
        async with self._reading:
            asked: set[Read] = set()
            while due := self._due(asked):
                asked.update(due)
                await self._async_ask(due)
            self.update_interval = poll_interval(len(self._included()))
            return self._async_snapshot()

    async def async_read_account(self, account_id: str) -> None:
        """Ask for one account's balance and pots now, and tell everybody.

        Raises MonzoError, or Home Assistant's errors for a token that cannot be renewed.
        """
        async with self._reading:
            await self._async_ask(
                (Read(Endpoint.BALANCE, account_id), Read(Endpoint.POTS, account_id))
            )
            # Not async_set_updated_data, which would put off the poll of the other accounts.
            self.data = self._async_snapshot()
        self.async_update_listeners()

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        """Remove what has evidently gone, now that it is no longer in the data."""
        if self.last_update_success:
            async_remove_devices(self.hass, self.config_entry, self.data.gone)

    def _included(self) -> list[Account]:
        """Return the accounts that this entry looks after."""
        return [
            account
            for account in self.open_accounts
            if account.id not in self._excluded
            and not async_is_claimed_elsewhere(self.hass, self.config_entry, account.id)
        ]

    def _due(self, asked: Collection[Read]) -> list[Read]:
        """Return what to ask for now: oldest first, and no more than the budget allows."""
        reads = [Read(Endpoint.ACCOUNTS)]
        for account in self._included():
            reads += (Read(Endpoint.BALANCE, account.id), Read(Endpoint.POTS, account.id))
        due = [read for read in reads if read not in asked and self._is_outdated(read)]
        due.sort(key=lambda read: self._asked_at.get(read, -math.inf))
        return due[: self.session.requests_left]

    def _is_outdated(self, read: Read) -> bool:
        """Return whether the answer has been missing for too long."""
        if (asked_at := self._asked_at.get(read)) is None:
            return True
        if read in self._refused:
            return time.monotonic() - asked_at >= ACCOUNTS_OUTDATED_AFTER.total_seconds()
        if read in self._failed:
            return True
        if read.endpoint is Endpoint.POTS and self._money_in_pots(read.account_id) != (
            self._in_pots.get(read.account_id)
        ):
            return True
        return time.monotonic() - asked_at >= OUTDATED_AFTER[read.endpoint].total_seconds()

    def _money_in_pots(self, account_id: str) -> Mapping[str, Money] | None:
        """Return what the last balance said to be in pots, without and with those for savings."""
        if (balance := self._balances.get(account_id)) is None:
            return None
        totals = {
            "total": balance.total_balance,
            "with_savings": balance.balance_including_flexible_savings,
        }
        return {name: total - balance.balance for name, total in totals.items() if total}

    async def _async_ask(self, reads: Collection[Read]) -> None:
        """Ask for all of this at once; once more for what failed in passing.

        An account that cannot be read is set aside; if none can, that is raised.
        """
        errors = await self._async_try(reads)
        if passing := [read for read, err in errors.items() if _is_passing(err)]:
            await asyncio.sleep(ASK_AGAIN_AFTER.total_seconds())
            errors = {read: err for read, err in errors.items() if read not in passing}
            errors |= await self._async_try(passing)
        for read, err in errors.items():
            if self._concerns_everything(read, err, errors):
                raise err
        for read in reads:
            self._note(read, errors.get(read))

    def _concerns_everything(self, read: Read, err: Exception, errors: Collection[Read]) -> bool:
        """Return whether no account can be shown because of this failure."""
        if not isinstance(err, MonzoError):
            return True
        if isinstance(err, (MonzoAuthenticationError, MonzoRateLimitError)):
            return True
        match read.endpoint:
            case Endpoint.ACCOUNTS:
                # The list asked for an hour ago still serves, unless nothing may be read any more.
                return isinstance(err, MonzoPermissionError) or not self._accounts
            case Endpoint.BALANCE:
                balances = [Read(Endpoint.BALANCE, account.id) for account in self._included()]
                return all(other in errors or other in self._failed for other in balances)
            case Endpoint.POTS:
                return False

    def _note(self, read: Read, err: Exception | None) -> None:
        """Remember how a read went, and log it when that is news."""
        self._asked_at[read] = time.monotonic()
        if err is None:
            if read in self._failed:
                _LOGGER.info("Monzo answers again about one account's %s", read.endpoint)
            self._failed.discard(read)
            self._refused.discard(read)
            return
        if read not in self._failed:
            _LOGGER.warning("One account's %s cannot be read: %s", read.endpoint, err)
        self._failed.add(read)
        if not _is_passing(err):
            self._refused.add(read)

    async def _async_try(self, reads: Collection[Read]) -> dict[Read, Exception]:
        """Ask for all of this at once, and return what went wrong."""
        results = await asyncio.gather(
            *(self._async_read(read) for read in reads), return_exceptions=True
        )
        errors: dict[Read, Exception] = {}
        for read, result in zip(reads, results, strict=True):
            if isinstance(result, Exception):
                errors[read] = result
            elif result is not None:
                raise result
        return errors

    async def _async_read(self, read: Read) -> None:
        """Send one request and keep its answer."""
        account_id = read.account_id
        match read.endpoint:
            case Endpoint.ACCOUNTS:
                accounts = await self.session.accounts()
                self._skipped[read] = accounts.skipped
                # One missing from the list was never closed, so the balance decides about it.
                self._accounts |= {account.id: account for account in accounts.items}
            case Endpoint.BALANCE:
                self._balances[account_id] = await self.session.balance(account_id)
            case Endpoint.POTS:
                before = self._money_in_pots(account_id)
                pots = await self.session.pots(account_id)
                self._skipped[read] = pots.skipped
                self._pots[account_id] = pots.items
                self._in_pots[account_id] = (
                    self._money_in_pots(account_id) if before is None else before
                )

    @callback
    def _async_snapshot(self) -> MonzoData:
        """Return what is known, with a device registered for each part of it."""
        hass, entry = self.hass, self.config_entry
        async_register_person(hass, entry, self._person_id)
        day_began = _bank_day_began(dt_util.utcnow())
        accounts = {
            account.id: AccountState(
                account=account, balance=self._balances[account.id], day_began=day_began
            )
            for account in self._included()
            if account.id in self._balances
            and Read(Endpoint.BALANCE, account.id) not in self._failed
            and async_claim_account(hass, entry, account, self._person_id)
        }
        pots: dict[str, PotState] = {}
        for account_id in accounts:
            for pot in self._readable_pots(account_id):
                if pot.deleted or (pot.id in pots and pot.current_account_id != account_id):
                    continue
                pots[pot.id] = PotState(pot=pot, account_id=account_id)
        for state in pots.values():
            async_register_pot(hass, entry, state.pot, state.account_id)
        return MonzoData(
            person=self._person(accounts, pots),
            accounts=accounts,
            pots=pots,
            gone=frozenset(self._gone()),
        )

    def _readable_pots(self, account_id: str) -> tuple[Pot, ...]:
        """Return an account's pots, as far as they could be read when last asked for."""
        if Read(Endpoint.POTS, account_id) in self._failed:
            return ()
        return self._pots.get(account_id, ())

    def _person(
        self, accounts: Mapping[str, AccountState], pots: Mapping[str, PotState]
    ) -> PersonState:
        """Return the sum of everything, where there is one."""
        holdings = [state.balance.balance for state in accounts.values()]
        holdings += [state.pot.balance for state in pots.values()]
        currencies = {money.currency for money in holdings}
        currency = currencies.pop() if len(currencies) == 1 else None
        complete = all(
            account.id in accounts and self._pots_are_known(account.id)
            for account in self._included()
            if Read(Endpoint.BALANCE, account.id) not in self._refused
        )
        return PersonState(
            id=self._person_id,
            currency=currency,
            total=Money(sum((money.amount for money in holdings), Decimal(0)), currency)
            if currency and complete
            else None,
        )

    def _pots_are_known(self, account_id: str) -> bool:
        """Return whether all pots of an account were read, or it has none to read."""
        read = Read(Endpoint.POTS, account_id)
        return read in self._refused or (read in self._asked_at and read not in self._failed)

    def _gone(self) -> Iterable[str]:
        """Yield the ids of what is closed, deleted, or left out."""
        for account in self._accounts.values():
            if (
                account.closed
                or account.id in self._excluded
                or async_is_claimed_elsewhere(self.hass, self.config_entry, account.id)
            ):
                yield account.id
        for pots in self._pots.values():
            yield from (pot.id for pot in pots if pot.deleted)


def _is_passing(err: Exception) -> bool:
    """Return whether a failure may be over in a moment."""
    return isinstance(err, (MonzoConnectionError, MonzoResponseError))


def _bank_day_began(now: datetime) -> datetime:
    """Return when the bank's current day began: at four in the morning in London."""
    local = now.astimezone(dt_util.get_time_zone(BANK_TIME_ZONE))
    began = local.replace(
        hour=BANK_DAY_STARTS.hour, minute=BANK_DAY_STARTS.minute, second=0, microsecond=0
    )
    return began if began <= local else began - timedelta(days=1)
