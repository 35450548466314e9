"""Parts of moving money without a bank: moves, transfers and a journal."""

from collections.abc import Callable
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.monzo.api import Money
from custom_components.monzo.transfers.journal import TransferJournal
from custom_components.monzo.transfers.models import (
    BatchKind,
    Move,
    MoveDirection,
    Transfer,
    TransferBatch,
    TransferStatus,
)

ENTRY_ID = "entry"


def deposit(minor: int, *, pot: str = "pot", currency: str = "GBP") -> Move:
    """Return a move from the account into a pot."""
    amount = Money.from_minor(minor, currency)
    return Move(direction=MoveDirection.DEPOSIT, pot_id=pot, account_id="account", amount=amount)


def withdrawal(minor: int, *, pot: str = "pot") -> Move:
    """Return a move from a pot into the account."""
    amount = Money.from_minor(minor, "GBP")
    return Move(direction=MoveDirection.WITHDRAW, pot_id=pot, account_id="account", amount=amount)


def transfer_of(
    dedupe_id: str, move: Move, status: TransferStatus = TransferStatus.PENDING
) -> Transfer:
    """Return a transfer that is requested and sent now."""
    now = dt_util.utcnow()
    return Transfer(dedupe_id=dedupe_id, move=move, asked_at=now, sent_at=now, status=status)


def batch_of(dedupe_id: str, *moves: Move, kind: BatchKind = BatchKind.SINGLE) -> TransferBatch:
    """Return a batch of moves."""
    return TransferBatch(
        dedupe_id=dedupe_id,
        kind=kind,
        fingerprint="fingerprint",
        moves=kind.with_ids(dedupe_id, moves),
        shortfall=Money.zero(moves[0].amount.currency),
    )


@pytest.fixture
def open_journal(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> Callable[[], TransferJournal]:
    """Return a function that opens the journal as after a restart."""
    return lambda: TransferJournal(hass, ENTRY_ID)


@pytest.fixture
async def journal(open_journal: Callable[[], TransferJournal]) -> TransferJournal:
    """Return an empty journal."""
    journal = open_journal()
    await journal.async_load()
    return journal


async def record(
    journal: TransferJournal,
    dedupe_id: str,
    move: Move,
    status: TransferStatus = TransferStatus.DONE,
) -> None:
    """Record a single transfer."""
    assert await journal.async_record(transfer_of(dedupe_id, move), batch_of(dedupe_id, move))
    await journal.async_end(transfer_of(dedupe_id, move, status))
