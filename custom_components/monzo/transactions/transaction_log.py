"""The log of known transactions of each account, on disk."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, NotRequired, Self, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..api import Money, Private, Transaction
from ..const import DOMAIN
from ..memory import async_get_memory
from .pages import TransactionPage
from .spending import has_happened, spending_by_category

_STORAGE_VERSION: Final = 1

# The longest month and a day for time zones, because the spending of a month is added up from here.
KEPT_FOR: Final = timedelta(days=32)


class _StoredTransaction(TypedDict):
    created: str
    amount: int
    settled: bool
    category: str | None
    spent: dict[str, int]


class _StoredFirstRead(TypedDict):
    before: str
    read_until: str


class _StoredLog(TypedDict):
    entry_id: str
    currency: str
    read_until: str
    seen: dict[str, _StoredTransaction]
    unreadable_until: NotRequired[str]
    first_read: NotRequired[_StoredFirstRead]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KnownTransaction(Private):
    """The facts about a transaction that are kept."""

    created: datetime

    amount: int
    """In minor units of the account's currency; negative when money goes out."""

    settled: bool
    category: str | None

    spent: Mapping[str, int]
    """Its part of the spending of each category in minor units; see `spending_by_category`."""

    @classmethod
    def of(cls, transaction: Transaction, *, own_transfer: bool) -> Self:
        """Return the facts to keep about a transaction."""
        spending = spending_by_category(transaction, own_transfer=own_transfer)
        return cls(
            created=transaction.created,
            amount=transaction.amount.minor,
            settled=transaction.settled is not None,
            category=transaction.category,
            spent={category: part.minor for category, part in spending.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRead:
    """How far the first read of an account has come."""

    before: datetime
    """When the account was set up. Transactions up to then are not published."""

    read_until: datetime
    """The transactions of the last month are known up to this moment."""

    def moved_past(self, page: TransactionPage) -> FirstRead | None:
        """Return how far it has come after its next page; None if that was the last."""
        if page.is_last:
            return None
        return replace(self, read_until=page.transactions[-1].created)


@dataclass(slots=True, kw_only=True, repr=False)
class TransactionLog(Private):
    """The known transactions of one account."""

    entry_id: str
    """The config entry that read the account last."""

    currency: str

    read_until: datetime
    """When the newest known transaction was made."""

    known: dict[str, KnownTransaction] = field(default_factory=dict)
    """The transactions of the last month, by ID."""

    first_read: FirstRead | None = None
    """None as soon as all transactions of the last month are known."""

    unreadable_until: datetime | None = None
    """A transaction from before this moment could not be read; None if all could."""

    def is_new(self, transaction_id: str) -> bool:
        """Return whether a transaction was not known so far, so that it is published now."""
        return transaction_id not in self.known

    def remember(self, transaction_id: str, known: KnownTransaction) -> None:
        """Add a transaction, or replace it if it has changed."""
        self.known[transaction_id] = known
        self.read_until = max(self.read_until, known.created)

    def forget_before(self, horizon: datetime) -> None:
        """Remove the transactions that are older than a moment."""
        self.known = {id_: it for id_, it in self.known.items() if it.created >= horizon}
        if self.unreadable_until is not None and self.unreadable_until <= horizon:
            self.unreadable_until = None

    def note_unreadable(self, until: datetime) -> None:
        """Note that a transaction from before a moment could not be read."""
        self.unreadable_until = max(until, self.unreadable_until or until)

    def note_read(self, since: datetime, unreadable_until: datetime | None) -> None:
        """Note that everything since a moment was read, except before another one if given."""
        if self.unreadable_until is not None:
            self.unreadable_until = min(self.unreadable_until, since)
        if unreadable_until is not None:
            self.note_unreadable(unreadable_until)

    def stop_counting_unlisted(
        self, since: datetime, before: datetime, listed: Collection[str]
    ) -> bool:
        """Stop counting the transactions of a span that the bank does not list; return if any.

        The bank took them back, such as a hotel's hold. They stay known, so that they are not
        published again if the bank lists them again.
        """
        unlisted = [
            (id_, transaction)
            for id_, transaction in self.known.items()
            if since < transaction.created < before and transaction.spent and id_ not in listed
        ]
        for id_, transaction in unlisted:
            self.known[id_] = replace(transaction, spent={})
        return bool(unlisted)

    def pending_before(self, moment: datetime) -> Iterator[datetime]:
        """Yield when each transaction was made that counts, is older, and had not settled."""
        for transaction in self.known.values():
            if transaction.created < moment and transaction.spent and not transaction.settled:
                yield transaction.created

    def is_complete(self, since: datetime) -> bool:
        """Return whether all transactions since a moment of the last month are known."""
        return self.first_read is None and (
            self.unreadable_until is None or self.unreadable_until <= since
        )

    def spent(self, since: datetime, now: datetime, category: str | None = None) -> Money:
        """Return the spending from a moment of the last month until now, by the bank's clock.

        In all categories, or in one. Negative if refunds were more.
        """
        minor = sum(
            part
            for transaction in self.known.values()
            if since <= transaction.created and has_happened(transaction.created, now)
            for name, part in transaction.spent.items()
            if category in (None, name)
        )
        return Money.from_minor(minor, self.currency)


def _log_from_stored(stored: _StoredLog) -> TransactionLog:
    return TransactionLog(
        entry_id=stored["entry_id"],
        currency=stored["currency"],
        read_until=datetime.fromisoformat(stored["read_until"]),
        known={
            id_: KnownTransaction(
                created=datetime.fromisoformat(row["created"]),
                amount=row["amount"],
                settled=row["settled"],
                category=row["category"],
                spent=row["spent"],
            )
            for id_, row in stored["seen"].items()
        },
        first_read=_first_read_from_stored(stored.get("first_read")),
        unreadable_until=datetime.fromisoformat(stored["unreadable_until"])
        if "unreadable_until" in stored
        else None,
    )


def _first_read_from_stored(stored: _StoredFirstRead | None) -> FirstRead | None:
    if stored is None:
        return None
    return FirstRead(
        before=datetime.fromisoformat(stored["before"]),
        read_until=datetime.fromisoformat(stored["read_until"]),
    )


def _log_to_stored(log: TransactionLog) -> _StoredLog:
    stored: _StoredLog = {
        "entry_id": log.entry_id,
        "currency": log.currency,
        "read_until": log.read_until.isoformat(),
        "seen": {
            id_: {
                "created": transaction.created.isoformat(),
                "amount": transaction.amount,
                "settled": transaction.settled,
                "category": transaction.category,
                "spent": dict(transaction.spent),
            }
            for id_, transaction in log.known.items()
        },
    }
    if log.first_read is not None:
        stored["first_read"] = {
            "before": log.first_read.before.isoformat(),
            "read_until": log.first_read.read_until.isoformat(),
        }
    if log.unreadable_until is not None:
        stored["unreadable_until"] = log.unreadable_until.isoformat()
    return stored


class TransactionLogs:
    """The logs of all accounts, kept across restarts.

    They belong to no config entry, so that a joint account continues where it was when another
    entry takes it over.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the logs, which are empty until they are loaded."""
        self._store = Store[dict[str, _StoredLog]](
            hass,
            _STORAGE_VERSION,
            f"{DOMAIN}.transactions",
            private=True,
            atomic_writes=True,
        )
        self.by_account: dict[str, TransactionLog] = {}
        self._saving = asyncio.Lock()

    async def async_load(self) -> Self:
        """Load the logs from disk, and return them."""
        stored = await self._store.async_load() or {}
        self.by_account = {id_: _log_from_stored(log) for id_, log in stored.items()}
        return self

    async def async_save(self, horizon: datetime) -> None:
        """Save the logs without transactions that were made before the horizon."""
        for log in self.by_account.values():
            log.forget_before(horizon)
        await self._async_write()

    async def async_wait_for_save(self) -> None:
        """Wait until everything that was to be saved by now is on the disk."""
        async with self._saving:
            pass

    async def _async_write(self) -> None:
        async with self._saving:
            await self._store.async_save(
                {account_id: _log_to_stored(log) for account_id, log in self.by_account.items()}
            )

    async def async_forget(self, entry_id: str, keep: Collection[str]) -> None:
        """Forget the accounts that a removed config entry read last, except some."""
        self.by_account = {
            account_id: log
            for account_id, log in self.by_account.items()
            if log.entry_id != entry_id or account_id in keep
        }
        if self.by_account:
            await self._async_write()
        else:
            await self._store.async_remove()


async def async_get_transaction_logs(hass: HomeAssistant) -> TransactionLogs:
    """Return the logs, which are the same object until Home Assistant stops.

    A transaction counts as known as soon as it is published, even if its config entry is reloaded
    before the log is saved.
    """
    return await async_get_memory(hass).async_find_or_load(
        TransactionLogs, None, TransactionLogs(hass).async_load
    )
