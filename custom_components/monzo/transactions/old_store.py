"""The JSON file of known transactions from versions without an archive."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NotRequired, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from ..privacy import get_logger
from .known_transaction import KnownTransaction
from .transaction_log import FirstRead, ReadState, TransactionLog

_LOGGER = get_logger(__name__)

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


@dataclass(frozen=True)
class OldStore:
    """The logs of the store, and the store itself."""

    logs: dict[str, TransactionLog]
    _store: Store[dict[str, _StoredLog]]

    async def async_remove(self) -> None:
        """Delete the file, because the archive has its content."""
        await self._store.async_remove()


async def async_read_old_store(hass: HomeAssistant) -> OldStore:
    """Return the logs of the store by account; none if there is no store."""
    store = Store[dict[str, _StoredLog]](
        hass, _STORAGE_VERSION, f"{DOMAIN}.transactions", private=True
    )
    stored = await store.async_load() or {}
    return OldStore({id_: _log_from_stored(log) for id_, log in stored.items()}, store)


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
