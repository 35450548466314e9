"""Every transaction, once and in order, however Home Assistant learns of it.

What is known of each account is kept on disk: how far its transactions were read, and those of the
last seven days. A transaction is new if it is not among them; where it was found does not matter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import logging
import math
import time
from typing import Final, Self, TypedDict, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.signal_type import SignalTypeFormat

from .api import MonzoError, Transaction
from .const import DOMAIN, FASTEST_POLL
from .coordinator import GENERAL, AccountState, MonzoConfigEntry, MonzoCoordinator
from .session import MonzoSession

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION: Final = 1

# When Home Assistant began to look after any Monzo; a reload of an entry is no absence.
STARTED: HassKey[datetime] = HassKey(f"{DOMAIN}_started")

# How far back is looked for what was missed while Home Assistant was off, and for changes.
REMEMBERED_FOR: Final = timedelta(days=7)

# A transaction may appear in the list a little after a later one.
OVERLAP: Final = timedelta(minutes=10)

# What is reported later than this after it was made is marked as late.
LATE_AFTER: Final = timedelta(minutes=15)

# How often each account is asked without a sign of anything new: a declined payment moves no
# balance, and gives no sign without a webhook.
ASKED_EVERY: Final = timedelta(minutes=5)

# How often the last seven days are read again for what has settled, or has another category.
READ_AGAIN_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A transaction that Home Assistant has not heard of before."""

    transaction: Transaction

    late: bool
    """Whether it was made a while ago, most likely while Home Assistant was off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A known transaction that is no longer what it was."""

    transaction: Transaction
    before: Seen


# Keyed by account id, so that who listens goes on hearing when the config entry reloads.
SIGNAL_TRANSACTION: SignalTypeFormat[Report] = SignalTypeFormat(f"{DOMAIN}_transaction_{{}}")
SIGNAL_CHANGE: SignalTypeFormat[Change] = SignalTypeFormat(f"{DOMAIN}_transaction_changed_{{}}")


class _StoredSeen(TypedDict):
    created: str
    amount: int
    settled: bool
    category: str | None


class _StoredLedger(TypedDict):
    read_until: str
    seen: dict[str, _StoredSeen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is remembered of a transaction."""

    created: datetime

    amount: int
    """In minor units, with its sign."""

    settled: bool
    category: str | None

    @classmethod
    def of(cls, transaction: Transaction) -> Self:
        """Return what to remember of a transaction."""
        return cls(
            created=transaction.created,
            amount=transaction.amount.minor,
            settled=transaction.settled is not None,
            category=transaction.category,
        )

    @classmethod
    def from_stored(cls, stored: _StoredSeen) -> Self:
        """Return what was written down."""
        return cls(
            created=datetime.fromisoformat(stored["created"]),
            amount=stored["amount"],
            settled=stored["settled"],
            category=stored["category"],
        )

    def to_stored(self) -> _StoredSeen:
        """Return what to write down."""
        return {
            "created": self.created.isoformat(),
            "amount": self.amount,
            "settled": self.settled,
            "category": self.category,
        }


@dataclass(slots=True, kw_only=True)
class Ledger:
    """How far an account's transactions are known."""

    read_until: datetime
    """When the newest known one was made."""

    seen: dict[str, Seen] = field(default_factory=dict)
    """Those of the last seven days, by id."""

    def remember(self, transaction: Transaction) -> None:
        """Take a transaction down as known."""
        self.seen[transaction.id] = Seen.of(transaction)
        self.read_until = max(self.read_until, transaction.created)

    def forget_before(self, horizon: datetime) -> None:
        """Forget what is too old to be read again."""
        self.seen = {id_: seen for id_, seen in self.seen.items() if seen.created >= horizon}

    @classmethod
    def from_stored(cls, stored: _StoredLedger) -> Self:
        """Return what was written down."""
        return cls(
            read_until=datetime.fromisoformat(stored["read_until"]),
            seen={id_: Seen.from_stored(seen) for id_, seen in stored["seen"].items()},
        )

    def to_stored(self) -> _StoredLedger:
        """Return what to write down."""
        return {
            "read_until": self.read_until.isoformat(),
            "seen": {id_: seen.to_stored() for id_, seen in self.seen.items()},
        }


def transaction_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, _StoredLedger]]:
    """Return the file that says which transactions of a config entry are known."""
    return Store(
        hass,
        STORAGE_VERSION,
        f"{DOMAIN}.{entry_id}.transactions",
        private=True,
        atomic_writes=True,
    )


class TransactionsCoordinator(MonzoCoordinator[Mapping[str, datetime]]):
    """Reads each account's transactions, and reports what is new and what has changed.

    Its data is how far each account has been read.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MonzoConfigEntry,
        session: MonzoSession,
        *,
        accounts: Callable[[], Collection[str]],
        bring_forward: Callable[[str, datetime], Awaitable[None]],
        reported: Callable[[Report], None],
    ) -> None:
        """Know nothing until it is loaded.

        Before something is reported, `bring_forward` has the account's balance read, unless that
        was done since the given moment. `reported` is told of each report.
        """
        super().__init__(hass, entry, session, "transactions")
        self.update_interval = ASKED_EVERY
        self._accounts = accounts
        self._bring_forward = bring_forward
        self._reported = reported
        self._balances: Mapping[str, AccountState] = {}
        self._store = transaction_store(hass, entry.entry_id)
        self._ledgers: dict[str, Ledger] = {}
        self._asked_at: dict[str, float] = {}
        self._read_again_at: dict[str, float] = {}
        # When there was last a sign of something new.
        self._signs: dict[str, float] = {}
        self._failed: frozenset[str] = frozenset()
        self._reading = asyncio.Lock()
        self._started = hass.data.setdefault(STARTED, dt_util.utcnow())

    async def async_load(self) -> None:
        """Load what was known when Home Assistant stopped."""
        stored = await self._store.async_load() or {}
        self._ledgers = {
            account_id: Ledger.from_stored(ledger) for account_id, ledger in stored.items()
        }

    def knows(self, account_id: str, transaction_id: str) -> bool:
        """Return whether a transaction has been reported, or was there before."""
        ledger = self._ledgers.get(account_id)
        return ledger is not None and transaction_id in ledger.seen

    @callback
    def async_compare(self, balances: Mapping[str, AccountState]) -> None:
        """Look at the accounts whose balance has moved."""
        moved = {
            account_id
            for account_id, state in balances.items()
            if (before := self._balances.get(account_id)) and before.balance != state.balance
        }
        self._balances = balances
        if moved:
            self.config_entry.async_create_background_task(
                self.hass,
                self.async_look_at(moved, time.monotonic()),
                "look at what moved Monzo's balances",
            )

    async def async_look_at(self, account_ids: Collection[str], sign_at: float) -> None:
        """Look for what is new in these accounts, unless that was done since a sign of it."""
        self._signs |= dict.fromkeys(account_ids, sign_at)
        await self.async_refresh()

    @override
    async def _async_fetch(self) -> Mapping[str, datetime]:
        """Read what is due, all accounts at once."""
        async with self._reading:
            due = self._due()
            errors = await asyncio.gather(*(self._async_try(account_id) for account_id in due))
            failed = {id_: err for id_, err in zip(due, errors, strict=True) if err is not None}
            self.update_interval = FASTEST_POLL if failed else ASKED_EVERY
            self._raise_or_log(due, failed)
            return {id_: ledger.read_until for id_, ledger in self._ledgers.items()}

    def _due(self) -> list[str]:
        """Return the accounts to ask about: of those without a sign, what the budget allows."""
        interval = READ_AGAIN_EVERY if self.session.webhooks_arrive else ASKED_EVERY
        # Home Assistant's timers may be a second early.
        asked_before = time.monotonic() - interval.total_seconds() + 2
        urgent, quiet = [], []
        for account_id in self._accounts():
            asked_at = self._asked_at.get(account_id, -math.inf)
            if self._signs.get(account_id, -math.inf) >= asked_at > -math.inf:
                urgent.append(account_id)
            elif asked_at <= asked_before:
                quiet.append(account_id)
        return urgent + quiet[: max(0, self.session.requests_left - len(urgent))]

    def _raise_or_log(self, due: list[str], failed: Mapping[str, Exception]) -> None:
        """Raise what concerns all accounts, and tell once about the others."""
        for err in failed.values():
            if isinstance(err, GENERAL) or len(failed) == len(due) > 1:
                raise err
        for account_id in failed.keys() - self._failed:
            _LOGGER.warning("Monzo does not tell transactions: %s", failed[account_id])
        self._failed = frozenset((self._failed - set(due)) | failed.keys())

    async def _async_try(self, account_id: str) -> Exception | None:
        """Read one account's transactions, and return what went wrong."""
        asked_at = time.monotonic()
        try:
            await self._async_read(account_id)
        except (MonzoError, *GENERAL) as err:
            return err
        self._asked_at[account_id] = asked_at
        return None

    async def _async_read(self, account_id: str) -> None:
        """Read one account's transactions, and report what is new."""
        horizon = dt_util.utcnow() - REMEMBERED_FOR
        ledger = self._ledgers.get(account_id)
        again = time.monotonic() - self._read_again_at.get(account_id, -math.inf)
        if ledger is None or again >= READ_AGAIN_EVERY.total_seconds():
            since = horizon
            self._read_again_at[account_id] = time.monotonic()
        else:
            since = max(horizon, ledger.read_until - OVERLAP)
        transactions = (await self.session.all_transactions(account_id, since=since)).items
        if ledger is None:
            await self._async_take_bearings(account_id, transactions)
        else:
            await self._async_report(account_id, ledger, transactions)

    async def _async_take_bearings(
        self, account_id: str, transactions: Iterable[Transaction]
    ) -> None:
        """Take down what there is on the first look, without reporting it."""
        ledger = self._ledgers[account_id] = Ledger(read_until=dt_util.utcnow())
        for transaction in transactions:
            ledger.remember(transaction)
        await self._async_save()

    async def _async_report(
        self, account_id: str, ledger: Ledger, transactions: Iterable[Transaction]
    ) -> None:
        """Report what is new, oldest first, and what has changed."""
        by_age = sorted(transactions, key=lambda transaction: transaction.created)
        new = [transaction for transaction in by_age if transaction.id not in ledger.seen]
        changed = [
            Change(transaction=transaction, before=before)
            for transaction in by_age
            if (before := ledger.seen.get(transaction.id)) not in (None, Seen.of(transaction))
        ]
        if new:
            await self._bring_forward(account_id, new[-1].created)
        for transaction in new:
            ledger.remember(transaction)
            self._async_tell(account_id, transaction)
            # One by one: after a crash the last one may be reported again, and no other.
            await self._async_save()
        for change in changed:
            ledger.remember(change.transaction)
            async_dispatcher_send(self.hass, SIGNAL_CHANGE.format(account_id), change)
        if changed:
            await self._async_save()

    @callback
    def _async_tell(self, account_id: str, transaction: Transaction) -> None:
        """Report one transaction."""
        age = dt_util.utcnow() - transaction.created
        report = Report(
            transaction=transaction,
            late=transaction.created < self._started or age > LATE_AFTER,
        )
        self._reported(report)
        async_dispatcher_send(self.hass, SIGNAL_TRANSACTION.format(account_id), report)

    async def _async_save(self) -> None:
        horizon = dt_util.utcnow() - REMEMBERED_FOR
        for ledger in self._ledgers.values():
            ledger.forget_before(horizon)
        await self._store.async_save(
            {account_id: ledger.to_stored() for account_id, ledger in self._ledgers.items()}
        )
