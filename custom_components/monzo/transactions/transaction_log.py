"""Which transactions of each account are known, kept on disk."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.singleton import singleton
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..api import Money, Transaction
from ..const import DOMAIN
from .spending import spending_by_category

STORAGE_VERSION: Final = 1

# The longest month, with a day for time zones: what was spent in it is added up from here.
KEPT_FOR: Final = timedelta(days=32)


class _StoredSeen(TypedDict):
    created: str
    amount: int
    settled: bool
    category: str | None
    spent: dict[str, int]


class _StoredLedger(TypedDict):
    entry_id: str
    currency: str
    read_until: str
    seen: dict[str, _StoredSeen]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTransaction:
    """What is remembered of a transaction."""

    created: datetime

    amount: int
    """In minor units, with its sign."""

    settled: bool
    category: str | None

    spent: Mapping[str, int]
    """What it adds to the spending of each category, in minor units; see `spending_by_category`."""

    @classmethod
    def of(cls, transaction: Transaction) -> Self:
        """Return what to remember of a transaction."""
        return cls(
            created=transaction.created,
            amount=transaction.amount.minor,
            settled=transaction.settled is not None,
            category=transaction.category,
            spent={
                category: part.minor for category, part in spending_by_category(transaction).items()
            },
        )

    @classmethod
    def from_stored(cls, stored: _StoredSeen) -> Self:
        """Return what was written down."""
        return cls(
            created=datetime.fromisoformat(stored["created"]),
            amount=stored["amount"],
            settled=stored["settled"],
            category=stored["category"],
            spent=stored["spent"],
        )

    def to_stored(self) -> _StoredSeen:
        """Return what to write down."""
        return {
            "created": self.created.isoformat(),
            "amount": self.amount,
            "settled": self.settled,
            "category": self.category,
            "spent": dict(self.spent),
        }


@dataclass(slots=True, kw_only=True)
class TransactionLog:
    """How far an account's transactions are known."""

    entry_id: str
    """The config entry that was the last to read it."""

    currency: str

    read_until: datetime
    """When the newest known one was made."""

    seen: dict[str, KnownTransaction] = field(default_factory=dict)
    """Those of the last month, by id."""

    def remember(self, transaction: Transaction) -> None:
        """Take a transaction down as known."""
        self.seen[transaction.id] = KnownTransaction.of(transaction)
        self.read_until = max(self.read_until, transaction.created)

    def forget_before(self, horizon: datetime) -> None:
        """Forget what is too old to be of use."""
        self.seen = {id_: seen for id_, seen in self.seen.items() if seen.created >= horizon}

    def spent(self, since: datetime, category: str | None = None) -> Money:
        """Return what has been spent since a moment of the last month, in all or in one category.

        Negative if refunds were more than that.
        """
        minor = sum(
            part
            for seen in self.seen.values()
            if seen.created >= since
            for name, part in seen.spent.items()
            if category in (None, name)
        )
        return Money.from_minor(minor, self.currency)

    @classmethod
    def from_stored(cls, stored: _StoredLedger) -> Self:
        """Return what was written down."""
        return cls(
            entry_id=stored["entry_id"],
            currency=stored["currency"],
            read_until=datetime.fromisoformat(stored["read_until"]),
            seen={id_: KnownTransaction.from_stored(seen) for id_, seen in stored["seen"].items()},
        )

    def to_stored(self) -> _StoredLedger:
        """Return what to write down."""
        return {
            "entry_id": self.entry_id,
            "currency": self.currency,
            "read_until": self.read_until.isoformat(),
            "seen": {id_: seen.to_stored() for id_, seen in self.seen.items()},
        }


class TransactionLogs:
    """The ledgers of all accounts, kept across restarts.

    They belong to no config entry, so that an account that goes from one to another, as joint
    accounts do, goes on where it was.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Know nothing until they are loaded."""
        self._store = Store[dict[str, _StoredLedger]](
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.transactions",
            private=True,
            atomic_writes=True,
        )
        self.by_account: dict[str, TransactionLog] = {}

    async def async_load(self) -> None:
        """Load what was known when Home Assistant stopped."""
        stored = await self._store.async_load() or {}
        self.by_account = {
            account_id: TransactionLog.from_stored(ledger) for account_id, ledger in stored.items()
        }

    async def async_save(self) -> None:
        """Write down what is known, but nothing that is too old to be of use."""
        horizon = dt_util.utcnow() - KEPT_FOR
        for ledger in self.by_account.values():
            ledger.forget_before(horizon)
        await self._store.async_save(
            {account_id: ledger.to_stored() for account_id, ledger in self.by_account.items()}
        )

    async def async_forget(self, entry_id: str, but: Collection[str]) -> None:
        """Forget the accounts that a config entry was the last to read, but some of them."""
        self.by_account = {
            account_id: ledger
            for account_id, ledger in self.by_account.items()
            if ledger.entry_id != entry_id or account_id in but
        }
        if self.by_account:
            await self.async_save()
        else:
            await self._store.async_remove()


TRANSACTION_LOGS: HassKey[TransactionLogs] = HassKey(f"{DOMAIN}_ledgers")


# What has been reported is known at once, even if a config entry is reloaded before it has been
# written down.
@singleton(TRANSACTION_LOGS, async_=True)
async def async_get_transaction_logs(hass: HomeAssistant) -> TransactionLogs:
    """Return the ledgers, the same ones until Home Assistant stops."""
    ledgers = TransactionLogs(hass)
    await ledgers.async_load()
    return ledgers
