"""The JSON file of known transactions, in the format of versions without an archive."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NotRequired, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from .known_transaction import KnownTransaction
from .transaction_log import FirstRead, ReadState, TransactionLog

_STORAGE_VERSION: Final = 1


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
    is_archived: NotRequired[bool]
    """True if a version with an archive has written the log. Earlier versions drop this key."""


class OldStore:
    """The file, from which a version without an archive continues if the user goes back to it.

    It exists only while Home Assistant is not running, or is running such a version.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the store, and read nothing."""
        self._store = Store[dict[str, _StoredLog]](
            hass, _STORAGE_VERSION, f"{DOMAIN}.transactions", private=True, atomic_writes=True
        )

    async def async_load(self) -> dict[str, TransactionLog]:
        """Return the logs by account that a version without an archive has written."""
        stored = await self._store.async_load() or {}
        return {
            account_id: _log_from_stored(log)
            for account_id, log in stored.items()
            if not log.get("is_archived")
        }

    async def async_save(self, logs: Mapping[str, TransactionLog]) -> None:
        """Write the logs of the archive by account, because Home Assistant is stopping."""
        if logs:
            await self._store.async_save({id_: _log_to_stored(log) for id_, log in logs.items()})

    async def async_remove(self) -> None:
        """Delete the file, because from now on only the archive is kept current."""
        await self._store.async_remove()


def _log_from_stored(stored: _StoredLog) -> TransactionLog:
    first_read = stored.get("first_read")
    state = ReadState(
        entry_id=stored["entry_id"],
        currency=stored["currency"],
        read_until=datetime.fromisoformat(stored["read_until"]),
        first_read=FirstRead(
            before=datetime.fromisoformat(first_read["before"]),
            read_until=datetime.fromisoformat(first_read["read_until"]),
        )
        if first_read
        else None,
        # These versions stored no income, so the whole month is read again.
        unreadable_until=max(
            datetime.fromisoformat(stored[name])
            for name in ("read_until", "unreadable_until")
            if name in stored
        ),
    )
    known = {
        id_: KnownTransaction(
            created=datetime.fromisoformat(row["created"]),
            amount=row["amount"],
            settled=row["settled"],
            category=row["category"],
            spent=row["spent"],
        )
        for id_, row in stored["seen"].items()
    }
    return TransactionLog(state, known)


def _log_to_stored(log: TransactionLog) -> _StoredLog:
    state = log.state
    stored: _StoredLog = {
        "entry_id": state.entry_id,
        "currency": state.currency,
        "read_until": state.read_until.isoformat(),
        "seen": {
            id_: {
                "created": known.created.isoformat(),
                "amount": known.amount,
                "settled": known.settled,
                "category": known.category,
                "spent": dict(known.spent),
            }
            for id_, known in log.known.items()
        },
        "is_archived": True,
    }
    if state.unreadable_until is not None:
        stored["unreadable_until"] = state.unreadable_until.isoformat()
    if state.first_read is not None:
        stored["first_read"] = {
            "before": state.first_read.before.isoformat(),
            "read_until": state.first_read.read_until.isoformat(),
        }
    return stored
