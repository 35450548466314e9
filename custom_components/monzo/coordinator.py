"""What the bank says, kept current by polling."""

from abc import abstractmethod
import asyncio
from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from itertools import chain
import logging
import math
import time
from typing import Final, NamedTuple, override

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import (
    ConfigEntryAuthFailed,
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestError,
)
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalTypeFormat

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
    CALM_POLL,
    CONF_EXCLUDED_ACCOUNTS,
    DOMAIN,
    FASTEST_POLL,
    POTS_OUTDATED_AFTER,
    REQUEST_WINDOW,
    REQUESTS_PER_WINDOW,
    TROUBLESHOOTING_URL,
)
from .devices import (
    async_is_claimed_elsewhere,
    async_register_account,
    async_register_person,
    async_register_pot,
    async_remove_devices,
)
from .session import MonzoSession

_LOGGER = logging.getLogger(__name__)


class Issue(StrEnum):
    """A trouble that only the user can end; the value is also its translation key."""

    EVICTED = "evicted"
    NOT_APPROVED = "not_approved"
    NOT_CONFIDENTIAL = "not_confidential"
    NO_EXTERNAL_URL = "no_external_url"


# Those that keep something from working.
SEVERE_ISSUES: Final = frozenset(Issue) - {Issue.NO_EXTERNAL_URL}

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
        severity=ir.IssueSeverity.WARNING
        if issue is Issue.NO_EXTERNAL_URL
        else ir.IssueSeverity.ERROR,
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

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, session: MonzoSession, name: str
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

    @abstractmethod
    async def _async_fetch(self) -> DataT:
        """Ask the bank."""

    @override
    async def _async_update_data(self) -> DataT:
        """Ask the bank; the one place where its errors become Home Assistant's."""
        try:
            return await self._async_fetch()
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

    currencies: frozenset[str]
    """Of all accounts and pots; nothing while none of them could be read."""

    total: Money | None
    """The sum over accounts and pots; None if they cannot be added, or one cannot be read."""

    @property
    def currency(self) -> str | None:
        """The one currency of everything, if there is just one."""
        return next(iter(self.currencies)) if len(self.currencies) == 1 else None


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
        return self.money.currency

    @property
    def money(self) -> Money:
        """What can be spent."""
        return self.balance.balance


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
        return self.money.currency

    @property
    def money(self) -> Money:
        """What is in it."""
        return self.pot.balance

    @property
    def has_reached_goal(self) -> bool:
        """Whether there is a goal, and all of it is there."""
        return self.pot.goal is not None and self.pot.balance.amount >= self.pot.goal.amount

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


# What holds money of its own.
type HolderState = AccountState | PotState

type SubjectState = PersonState | HolderState


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectChange:
    """An account or a pot that is no longer what it was when it was last told of."""

    before: HolderState
    after: HolderState


# Keyed by the id of the account or pot, so that who listens goes on hearing when the config entry
# reloads.
SIGNAL_SUBJECT: SignalTypeFormat[SubjectChange] = SignalTypeFormat(f"{DOMAIN}_subject_{{}}")

# What each account and pot was when it was last told of, until Home Assistant stops.
TOLD: HassKey[dict[str, HolderState]] = HassKey(f"{DOMAIN}_told")


@callback
def async_last_told(hass: HomeAssistant, subject_id: str) -> HolderState | None:
    """Return what an account or a pot was when it was last told of, loaded or not."""
    return hass.data.get(TOLD, {}).get(subject_id)


class Endpoint(StrEnum):
    """What a poll asks for, as a text for the log."""

    ACCOUNTS = "the list of accounts"
    BALANCE = "the balance of an account"
    POTS = "the pots of an account"


class Read(NamedTuple):
    """One request of a poll."""

    endpoint: Endpoint
    account_id: str = ""


# How old an answer may get. A balance is asked for at every poll.
OUTDATED_AFTER: Final = {
    Endpoint.ACCOUNTS: ACCOUNTS_OUTDATED_AFTER,
    Endpoint.BALANCE: timedelta(0),
    Endpoint.POTS: POTS_OUTDATED_AFTER,
}

# May be over in a moment.
PASSING: Final = (MonzoConnectionError, MonzoResponseError)

# Says nothing about what was asked for, but that nothing else would be answered either.
GENERAL: Final = (
    MonzoAuthenticationError,
    MonzoRateLimitError,
    OAuth2TokenRequestConnectionError,
    OAuth2TokenRequestError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request went when it was last sent."""

    at: float
    """By `time.monotonic`."""

    error: Exception | None = None

    skipped: int = 0
    """How many records of the answer could not be read."""

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return self.at > -math.inf and self.error is None

    @property
    def passing(self) -> bool:
        """Whether it failed, but may work in a moment."""
        return isinstance(self.error, PASSING)

    @property
    def refused(self) -> bool:
        """Whether the bank does not tell this, so that there is no use in asking soon."""
        return not (self.error is None or isinstance(self.error, (*PASSING, *GENERAL)))


NEVER_ASKED: Final = Outcome(at=-math.inf)


def poll_interval(accounts: int) -> timedelta:
    """Return how often so many accounts can be polled within the request budget.

    Any five minutes have room for the list of accounts, the pots of each once, and as many
    rounds of balances as still fit.
    """
    rounds = (REQUESTS_PER_WINDOW - 1 - accounts) // max(accounts, 1)
    # Home Assistant's timers may be a second early.
    return max(FASTEST_POLL, REQUEST_WINDOW / max(rounds, 1) + timedelta(seconds=2))


def quiet_looks(accounts: int) -> int:
    """Return how many accounts' transactions may be asked for at once without a sign of news.

    All of them, but with very many accounts just so many that the balances keep coming.
    """
    return max(1, min(accounts, REQUESTS_PER_WINDOW - 1 - 2 * accounts))


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
        self._accounts: dict[str, Account] = {}
        self._included: tuple[Account, ...] = ()
        self._balances: dict[str, tuple[Balance, datetime]] = {}
        self._pots: dict[str, tuple[Pot, ...]] = {}
        # The ids of all pots that were ever listed.
        self._pots_seen: set[str] = set()
        # The accounts whose pots, it seems, are not what they were when last asked for.
        self._pots_changed: set[str] = set()
        self._outcomes: dict[Read, Outcome] = {}
        self._logged: frozenset[Read] = frozenset()
        # What the devices of the person, the accounts and the pots were made from.
        self._registered: dict[str, object] = {}
        self._reading = asyncio.Lock()
        self.last_polled: datetime | None = None
        # What changed while the entry was not loaded is told once actions work again.
        entry.async_on_unload(entry.async_on_state_change(self._async_tell_changes))

    @property
    def open_accounts(self) -> tuple[Account, ...]:
        """The person's accounts that are not closed, also those that are not included."""
        return tuple(account for account in self._accounts.values() if not account.closed)

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
        outcomes = [self._outcome(read) for read in self._reads()]
        return {
            "records_skipped": sum(outcome.skipped for outcome in outcomes),
            "reads_failed": sum(bool(outcome.error) for outcome in outcomes),
            "reads_refused": sum(outcome.refused for outcome in outcomes),
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
            self.update_interval = max(
                poll_interval(len(self._included)),
                CALM_POLL if self.session.webhooks_arrive else FASTEST_POLL,
            )
            return self._async_take_stock()

    async def async_bring_forward(self, account_ids: Iterable[str], to: datetime) -> None:
        """Have balances read, except those read since a moment, and tell everybody.

        An account's pots are read as well, if money has moved in or out of them. Raises the first
        error in the way of a balance: MonzoError, or Home Assistant's for a token that cannot be
        renewed.
        """
        balances = {Read(Endpoint.BALANCE, account_id) for account_id in account_ids}
        async with self._reading:
            old = [read for read in balances if not self._was_answered_since(read, to)]
            if not old:
                return
            await self._async_ask(old)
            pots = (Read(Endpoint.POTS, read.account_id) for read in old)
            await self._async_ask([read for read in pots if self._is_due(read)])
            self.data = self._async_take_stock()
        self.async_update_listeners()
        for read in balances:
            if (err := self._outcome(read).error) is not None:
                raise err

    def _was_answered_since(self, read: Read, moment: datetime) -> bool:
        """Return whether the bank has answered a request since a moment."""
        outcome = self._outcome(read)
        return (
            outcome.answered
            and dt_util.utcnow() - timedelta(seconds=time.monotonic() - outcome.at) > moment
        )

    async def async_ask_for_everything(self) -> None:
        """Poll now, and for the pots of all accounts too."""
        self._pots_changed.update(account.id for account in self._included)
        await self.async_refresh()

    async def async_read_account(self, account_id: str) -> None:
        """Ask for one account's balance and pots now, and tell everybody.

        Raises MonzoError, or Home Assistant's errors for a token that cannot be renewed.
        """
        async with self._reading:
            await self._async_ask(
                (Read(Endpoint.BALANCE, account_id), Read(Endpoint.POTS, account_id))
            )
            # Not async_set_updated_data, which would put off the poll of the other accounts.
            self.data = self._async_take_stock()
        self.async_update_listeners()

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        """Take back what is no longer true, and remove what has evidently gone from the data."""
        if self.last_update_success:
            self.last_polled = dt_util.utcnow()
            async_clear_issues(self.hass, self.config_entry, (Issue.EVICTED, Issue.NOT_APPROVED))
            async_remove_devices(self.hass, self.config_entry, self.data.gone)

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Update the entities, and then tell those who may look at them."""
        super().async_update_listeners()
        self._async_tell_changes()

    @callback
    def _async_tell_changes(self) -> None:
        """Tell which accounts and pots are not what they were, not even before a reload."""
        if self.config_entry.state is not ConfigEntryState.LOADED or not self.last_update_success:
            return
        told = self.hass.data.setdefault(TOLD, {})
        holders: Iterable[HolderState] = chain(self.data.accounts.values(), self.data.pots.values())
        for subject in holders:
            before, told[subject.id] = told.get(subject.id), subject
            if before is not None and before != subject:
                async_dispatcher_send(
                    self.hass,
                    SIGNAL_SUBJECT.format(subject.id),
                    SubjectChange(before=before, after=subject),
                )

    def _choose(self) -> None:
        """Settle on the accounts that this entry looks after."""
        self._included = tuple(
            account
            for account in self.open_accounts
            if account.id not in self._excluded
            and not async_is_claimed_elsewhere(self.hass, self.config_entry, account.id)
        )

    def _outcome(self, read: Read) -> Outcome:
        """Return how a request went when it was last sent."""
        return self._outcomes.get(read, NEVER_ASKED)

    # What to ask for

    def _reads(self) -> Iterator[Read]:
        """Yield all that there is to ask for, the most important first."""
        yield Read(Endpoint.ACCOUNTS)
        balances = [Read(Endpoint.BALANCE, account.id) for account in self._included]
        yield from balances
        for read in balances:
            if not self._outcome(read).refused:
                yield Read(Endpoint.POTS, read.account_id)

    def _due(self, asked: Collection[Read]) -> list[Read]:
        """Return what to ask for now: oldest first, and no more than the budget allows.

        Some of the budget is for transactions.
        """
        self._choose()
        due = [read for read in self._reads() if read not in asked and self._is_due(read)]
        due.sort(key=lambda read: self._outcome(read).at)
        share = REQUESTS_PER_WINDOW - quiet_looks(len(self._included)) - len(asked)
        return due[: min(self.session.requests_left, max(0, share))]

    def _is_due(self, read: Read) -> bool:
        """Return whether to ask for something, or to ask again."""
        outcome = self._outcome(read)
        age = time.monotonic() - outcome.at
        if outcome.refused and self.last_update_success:
            return age >= ACCOUNTS_OUTDATED_AFTER.total_seconds()
        if outcome.error is not None:
            return True
        if read.endpoint is Endpoint.ACCOUNTS and not self._included:
            # Nothing else would show whether the bank answers, and whether there is an account.
            return True
        if read.endpoint is Endpoint.POTS and read.account_id in self._pots_changed:
            return True
        return age >= OUTDATED_AFTER[read.endpoint].total_seconds()

    # Asking

    async def _async_ask(self, reads: Collection[Read]) -> None:
        """Ask for all of this at once, and once more for what fails in passing.

        What has failed before is no passing failure any more.
        """
        outcomes = await self._async_try(reads)
        again = [
            read
            for read, outcome in outcomes.items()
            if outcome.passing and self._outcome(read).error is None
        ]
        if again := again[: self.session.requests_left]:
            await asyncio.sleep(ASK_AGAIN_AFTER.total_seconds())
            outcomes |= await self._async_try(again)
        self._outcomes |= outcomes

    async def _async_try(self, reads: Collection[Read]) -> dict[Read, Outcome]:
        """Ask for all of this at once, and return how it went."""
        async with asyncio.TaskGroup() as group:
            tasks = {
                # Sent before anybody else looks at what is left of the request budget.
                read: group.create_task(self._async_read(read), eager_start=True)
                for read in reads
            }
        return {read: task.result() for read, task in tasks.items()}

    async def _async_read(self, read: Read) -> Outcome:
        """Send one request and keep its answer."""
        skipped = 0
        try:
            match read.endpoint:
                case Endpoint.ACCOUNTS:
                    skipped = await self._async_read_accounts()
                case Endpoint.BALANCE:
                    await self._async_read_balance(read.account_id)
                case Endpoint.POTS:
                    skipped = await self._async_read_pots(read.account_id)
        except (MonzoError, *GENERAL) as err:
            return Outcome(at=time.monotonic(), error=err)
        return Outcome(at=time.monotonic(), skipped=skipped)

    async def _async_read_accounts(self) -> int:
        """Ask for the accounts, and return how many records could not be read."""
        accounts = await self.session.accounts()
        # One missing from the list was never closed, so the balance decides about it.
        self._accounts |= {account.id: account for account in accounts.items}
        return accounts.skipped

    async def _async_read_balance(self, account_id: str) -> None:
        """Ask for a balance, and see whether it tells of money moving in the account's pots."""
        # Before asking, for the bank may answer with what was spent until a moment ago.
        day_began = bank_day_began(dt_util.utcnow())
        balance = await self.session.balance(account_id)
        if account_id in self._balances:
            before, _day = self._balances[account_id]
            if _money_in_pots(before) != _money_in_pots(balance):
                self._pots_changed.add(account_id)
        self._balances[account_id] = balance, day_began

    async def _async_read_pots(self, account_id: str) -> int:
        """Ask for an account's pots, and return how many records could not be read."""
        # Before asking, for what moves meanwhile may not be in the answer.
        self._pots_changed.discard(account_id)
        pots = await self.session.pots(account_id)
        before = {pot.id for pot in self._pots.get(account_id, ())}
        listed = {pot.id for pot in pots.items}
        if before - listed:
            # Even deleted pots stay in the list, so this one is too short; perhaps not the next.
            self._pots_changed.add(account_id)
        self._pots[account_id] = pots.items
        self._pots_seen |= listed
        return pots.skipped

    # What is known then

    @callback
    def _async_take_stock(self) -> MonzoData:
        """Return what is known, with a device registered for each part of it.

        If that is nothing, what stands in the way is raised.
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
        errors = {read: err for read in self._reads() if (err := self._outcome(read).error)}
        for err in errors.values():
            if isinstance(err, GENERAL):
                return err
        listing = errors.get(Read(Endpoint.ACCOUNTS))
        # The list asked for an hour ago still serves, unless nothing may be read any more.
        if isinstance(listing, MonzoPermissionError) or not self._accounts:
            return listing
        balances = [Read(Endpoint.BALANCE, account.id) for account in self._included]
        if not all(read in errors for read in balances):
            return None
        # What may be over soon says more than an account that can never be read.
        balances.sort(key=lambda read: self._outcome(read).refused)
        return errors[balances[0]] if balances else None

    def _log_changes(self) -> None:
        """Tell once what cannot be read, and once that it can be again."""
        failed = frozenset(read for read in self._reads() if self._outcome(read).error)
        for read in failed - self._logged:
            err = self._outcome(read).error
            # Not the bank's own words, which may say more than a log should.
            reason = getattr(err, "code", None) or type(err).__name__
            _LOGGER.warning("Monzo does not tell %s: %s", read.endpoint, reason)
        for read in self._logged - failed:
            _LOGGER.info("Monzo tells %s again", read.endpoint)
        self._logged = failed

    def _readable_accounts(self) -> Iterator[AccountState]:
        """Yield the accounts whose balance could be read when last asked for."""
        for account in self._included:
            if self._outcome(Read(Endpoint.BALANCE, account.id)).answered:
                balance, day_began = self._balances[account.id]
                yield AccountState(account=account, balance=balance, day_began=day_began)

    def _readable_pots(self, account_ids: Iterable[str]) -> dict[str, PotState]:
        """Return the pots of these accounts that could be read when last asked for.

        If two accounts list the same pot, it belongs to the one that it names.
        """
        pots: dict[str, PotState] = {}
        for account_id in account_ids:
            if not self._outcome(Read(Endpoint.POTS, account_id)).answered:
                continue
            for pot in self._pots[account_id]:
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
            if account.id in self._balances
            or not self._outcome(Read(Endpoint.BALANCE, account.id)).refused
        ]
        currencies = frozenset(
            self._balances[account.id][0].balance.currency
            if account.id in self._balances
            else account.currency
            for account in parts
        ) | {pot.currency for pot in pots.values()}
        holdings = [account.balance.balance for account in accounts.values()]
        holdings += [pot.pot.balance for pot in pots.values()]
        listed = {pot.id for pots_of_one in self._pots.values() for pot in pots_of_one}
        complete = listed >= self._pots_seen and all(
            account.id in accounts and self._pots_are_known(account.id) for account in parts
        )
        return PersonState(
            id=self._person_id,
            currencies=currencies,
            total=sum(holdings[1:], holdings[0]) if complete and len(currencies) == 1 else None,
        )

    def _pots_are_known(self, account_id: str) -> bool:
        """Return whether all pots of an account were read, or it never had any to read."""
        outcome = self._outcome(Read(Endpoint.POTS, account_id))
        return outcome.answered or (outcome.refused and account_id not in self._pots)

    def _gone(self) -> Iterator[str]:
        """Yield the ids of what is closed, deleted, or left out."""
        for account in self._accounts.values():
            if account.closed or account.id in self._excluded:
                yield account.id
        for pots in self._pots.values():
            yield from (pot.id for pot in pots if pot.deleted)


def _money_in_pots(balance: Balance) -> tuple[Money | None, ...]:
    """Return what an account's balance says to be in its pots, without and with savings."""
    totals = (balance.total_balance, balance.balance_including_flexible_savings)
    return tuple(total and total - balance.balance for total in totals)


def bank_day_began(now: datetime) -> datetime:
    """Return when the bank's current day began: at four in the morning in London."""
    local = now.astimezone(dt_util.get_time_zone(BANK_TIME_ZONE))
    began = local.replace(
        hour=BANK_DAY_STARTS.hour, minute=BANK_DAY_STARTS.minute, second=0, microsecond=0
    )
    return began if began <= local else began - timedelta(days=1)
