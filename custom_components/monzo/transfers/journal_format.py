"""The stored form of transfers and batches, as JSON.

Minor version 2 added `status` to transfers and `kind` to batches; minor version 3 added `published`
and `is_id_new`. All keys of minor version 1 are still written, because release 1.0.0 reads the file
of a newer minor version like its own.
"""

from datetime import UTC, datetime
from typing import Any, Final, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..api import Money
from ..const import DOMAIN
from .models import BatchKind, Move, MoveDirection, Transfer, TransferBatch, TransferStatus

STORAGE_VERSION: Final = 1
STORAGE_MINOR_VERSION: Final = 3

# The minor versions that added keys.
_WITH_STATUS: Final = 2
_WITH_PUBLISHED: Final = 3

type JsonObject = dict[str, Any]


class JournalStore(Store[JsonObject]):
    """The file of one config entry's journal."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize the store."""
        super().__init__(
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.{entry_id}.transfers",
            private=True,
            atomic_writes=True,
            minor_version=STORAGE_MINOR_VERSION,
        )

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: JsonObject
    ) -> JsonObject:
        """Add the keys that minor version 1 lacks. A newer minor version is not changed."""
        transfers, batches = old_data["transfers"], old_data["orders"]
        if old_minor_version < _WITH_STATUS:
            for transfer in transfers.values():
                is_done = transfer["done"]
                transfer["status"] = TransferStatus.DONE if is_done else TransferStatus.IN_DOUBT
            for dedupe_id, batch in batches.items():
                batch["kind"] = _kind_of(dedupe_id, batch)
        if old_minor_version < _WITH_PUBLISHED:
            for transfer in transfers.values():
                # This is unknown. Publishing a result twice is worse than not publishing it.
                transfer["published"] = True
            for batch in batches.values():
                batch["is_id_new"] = False
        return old_data


def _kind_of(dedupe_id: str, batch: JsonObject) -> BatchKind:
    """Return the kind of a batch that was stored without it."""
    if dedupe_id in batch["moves"]:
        return BatchKind.SINGLE
    directions = [move["direction"] for move in batch["moves"].values()]
    if directions == [MoveDirection.WITHDRAW, MoveDirection.DEPOSIT]:
        return BatchKind.BETWEEN_POTS
    return BatchKind.DISTRIBUTION


def move_to_json(move: Move) -> JsonObject:
    """Return the stored form of a move."""
    return {
        "direction": move.direction,
        "pot_id": move.pot_id,
        "account_id": move.account_id,
        "minor": move.amount.minor,
        "currency": move.amount.currency,
    }


def move_from_json(stored: JsonObject) -> Move:
    """Return a move from its stored form."""
    return Move(
        direction=MoveDirection(stored["direction"]),
        pot_id=stored["pot_id"],
        account_id=stored["account_id"],
        amount=Money.from_minor(stored["minor"], stored["currency"]),
    )


def transfer_to_json(transfer: Transfer) -> JsonObject:
    """Return the stored form of a transfer, without its `dedupe_id`."""
    return {
        **move_to_json(transfer.move),
        "asked_at": transfer.asked_at.isoformat(),
        "sent_at": transfer.sent_at.isoformat(),
        "status": transfer.status,
        "published": transfer.published,
        # Release 1.0.0 treats every other transfer as in doubt.
        "done": transfer.status is TransferStatus.DONE,
    }


def transfer_from_json(dedupe_id: str, stored: JsonObject) -> Transfer:
    """Return a transfer from its stored form."""
    status = TransferStatus(stored["status"])
    return Transfer(
        dedupe_id=dedupe_id,
        move=move_from_json(stored),
        asked_at=time_from_json(stored["asked_at"]),
        sent_at=time_from_json(stored["sent_at"]),
        # Home Assistant stopped while it was being sent.
        status=TransferStatus.IN_DOUBT if status is TransferStatus.PENDING else status,
        published=stored["published"],
    )


def batch_to_json(batch: TransferBatch) -> JsonObject:
    """Return the stored form of a batch, without its `dedupe_id`."""
    return {
        "kind": batch.kind,
        "request": batch.fingerprint,
        "moves": {dedupe_id: move_to_json(move) for dedupe_id, move in batch.moves.items()},
        "short_by": batch.shortfall.minor,
        "is_id_new": batch.is_id_new,
    }


def batch_from_json(dedupe_id: str, stored: JsonObject) -> TransferBatch:
    """Return a batch from its stored form."""
    moves = {id_: move_from_json(move) for id_, move in stored["moves"].items()}
    currency = next(iter(moves.values())).amount.currency
    return TransferBatch(
        dedupe_id=dedupe_id,
        kind=BatchKind(stored["kind"]),
        fingerprint=stored["request"],
        moves=moves,
        shortfall=Money.from_minor(stored["short_by"], currency),
        is_id_new=stored["is_id_new"],
    )


def time_from_json(stored: str) -> datetime:
    """Return a stored time in UTC."""
    return datetime.fromisoformat(stored).astimezone(UTC)
