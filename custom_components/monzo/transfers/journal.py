"""The record of what was moved: written before anything is sent, and kept across restarts."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
import logging
from pathlib import Path
from typing import Any, Final, Self, TypedDict
from weakref import WeakValueDictionary

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..api import Money, Transaction
from ..bank import action_error
from ..const import DOMAIN
from .planning import Direction, Move

_LOGGER = logging.getLogger(__name__)

STORAGE_VERSION: Final = 1

# The journal of each config entry. A transfer may outlast a reload of its entry, and whoever moves
# money after the reload must know of it.
JOURNALS: HassKey[dict[str, TransferJournal]] = HassKey(f"{DOMAIN}_transfer_journals")

# The day of the daily limit.
DAY: Final = timedelta(days=1)

# How long a `dedupe_id` is remembered here, and how many of them at most beyond the last day.
# Automations repeat themselves within hours; and the file is written twice for each transfer.
REMEMBERED_FOR: Final = timedelta(days=30)
MOST_REMEMBERED: Final = 1000

# How long what was begun and not finished can be finished under its id: planned anew, it would be
# another move under an id that the bank knows.
FINISHED_WITHIN: Final = timedelta(days=365)


class _StoredMove(TypedDict):
    """A move as it stands in the file."""

    direction: str
    pot_id: str
    account_id: str
    minor: int
    currency: str


class _StoredTransfer(_StoredMove):
    """A transfer as it stands in the file."""

    asked_at: str
    sent_at: str
    done: bool


class _StoredOrder(TypedDict):
    """An order as it stands in the file."""

    request: str
    moves: dict[str, _StoredMove]
    short_by: int


class _StoredJournal(TypedDict):
    """The file."""

    transfers: dict[str, _StoredTransfer]
    lost_at: str | None
    orders: dict[str, _StoredOrder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """An amount that is to be moved, or was."""

    dedupe_id: str
    """By which the bank knows it again; never used for another transfer."""

    direction: Direction
    pot_id: str

    account_id: str
    """Where a deposit comes from and a withdrawal goes to."""

    amount: Money
    """Greater than zero."""

    asked_at: datetime
    """When it was first asked for: the bank cannot have moved it earlier."""

    sent_at: datetime
    """When it was last asked for: it counts for the daily limit from then on."""

    done: bool = False
    """Whether the bank has confirmed it. If not, it may still have happened."""

    def is_shown_by(self, transaction: Transaction) -> bool:
        """Return whether a transaction of the account is what this transfer has made."""
        amount = -self.amount if self.direction is Direction.DEPOSIT else self.amount
        return (
            not transaction.declined
            and transaction.amount == amount
            and transaction.pot_id in (self.pot_id, None)
            and _ordered_as(transaction) == self.dedupe_id
        )

    @classmethod
    def of(cls, dedupe_id: str, move: Move, asked_at: datetime) -> Self:
        """Return the transfer that makes a move."""
        return cls(
            dedupe_id=dedupe_id,
            direction=move.direction,
            pot_id=move.pot_id,
            account_id=move.account_id,
            amount=move.amount,
            asked_at=asked_at,
            sent_at=asked_at,
        )

    @property
    def move(self) -> Move:
        """What it moves."""
        return Move(
            direction=self.direction,
            pot_id=self.pot_id,
            account_id=self.account_id,
            amount=self.amount,
        )

    def as_dict(self, pot: str | None) -> dict[str, Any]:
        """Return what automations and templates see of it; `pot` is the name of the pot."""
        return {
            "direction": self.direction.value,
            "amount": float(self.amount.amount),
            "currency": self.amount.currency,
            "pot": pot,
            "dedupe_id": self.dedupe_id,
        }

    @classmethod
    def from_stored(cls, dedupe_id: str, stored: _StoredTransfer) -> Self:
        """Return the transfer that was written down."""
        transfer = cls.of(dedupe_id, _move_from_stored(stored), _moment(stored["asked_at"]))
        return replace(transfer, sent_at=_moment(stored["sent_at"]), done=stored["done"])

    def to_stored(self) -> _StoredTransfer:
        """Return what to write down."""
        return {
            **_move_to_stored(self.move),
            "asked_at": self.asked_at.isoformat(),
            "sent_at": self.sent_at.isoformat(),
            "done": self.done,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferBatch:
    """What one call has moved or is about to move, in one transfer or several."""

    dedupe_id: str
    """The call's own."""

    request: str
    """What was asked for, so that asking for something else under the same id is noticed."""

    moves: Mapping[str, Move]
    """What was planned then, in this order, by the `dedupe_id` of each transfer; at least one."""

    short_by: Money
    """How much more was wanted than could be planned."""

    @classmethod
    def from_stored(cls, dedupe_id: str, stored: _StoredOrder) -> Self:
        """Return the order that was written down."""
        moves = {id_: _move_from_stored(move) for id_, move in stored["moves"].items()}
        currency = next(iter(moves.values())).amount.currency
        return cls(
            dedupe_id=dedupe_id,
            request=stored["request"],
            moves=moves,
            short_by=Money.from_minor(stored["short_by"], currency),
        )

    def to_stored(self) -> _StoredOrder:
        """Return what to write down."""
        return {
            "request": self.request,
            "moves": {id_: _move_to_stored(move) for id_, move in self.moves.items()},
            "short_by": self.short_by.minor,
        }


async def async_open_journal(hass: HomeAssistant, entry_id: str) -> TransferJournal:
    """Return the journal of a config entry, the same one until Home Assistant stops."""
    journals = hass.data.setdefault(JOURNALS, {})
    if entry_id not in journals:
        journal = TransferJournal(hass, entry_id)
        await journal.async_load()
        journals[entry_id] = journal
    return journals[entry_id]


async def async_remove_journal(hass: HomeAssistant, entry_id: str) -> None:
    """Forget what a config entry has moved, with the entry."""
    journals = hass.data.get(JOURNALS, {})
    await journals.pop(entry_id, TransferJournal(hass, entry_id)).async_remove()


class TransferJournal:
    """What a config entry has moved, kept across restarts."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know nothing until it is loaded."""
        self.hass = hass
        self._store = Store[_StoredJournal](
            hass,
            STORAGE_VERSION,
            f"{DOMAIN}.{entry_id}.transfers",
            private=True,
            atomic_writes=True,
        )
        self._transfers: dict[str, Transfer] = {}
        self._orders: dict[str, TransferBatch] = {}
        self._under_way: list[TransferBatch] = []
        self._lost_at: datetime | None = None
        self._removed = False
        self._locks: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()

    async def async_load(self) -> None:
        """Read what was written down.

        If that is damaged, a new journal is begun, which remembers that something is missing.
        No transfer can happen twice for it, because the bank knows their ids; but how much was
        moved lately is not known then.
        """
        # Home Assistant sets a damaged file aside, and then it is as if there had been none.
        existed = await self.hass.async_add_executor_job(Path(self._store.path).exists)
        try:
            found = await self._async_read()
        except Exception:  # noqa: BLE001 - whatever is wrong with it, nothing in it can be relied on
            found, existed = False, True
        if existed and not found:
            _LOGGER.warning("The record of earlier transfers is damaged; a new one is begun")
            self._transfers, self._orders = {}, {}
            self._lost_at = dt_util.utcnow()
            await self._async_save()

    async def async_remove(self) -> None:
        """Forget everything; transfers under way shall not bring the file back."""
        self._removed = True
        await self._store.async_remove()

    def lock(self, *subject: str) -> asyncio.Lock:
        """Return what to hold while a transfer, a call or an account is dealt with.

        Nobody else sends the transfer then, plans for the call, or plans on what is in the account.
        """
        return self._locks.setdefault(subject, asyncio.Lock())

    def find(self, dedupe_id: str) -> Transfer | None:
        """Return what was asked for under this id."""
        return self._transfers.get(dedupe_id)

    def find_order(self, dedupe_id: str) -> TransferBatch | None:
        """Return what a call with this id has begun to move.

        It is known for as long as the first of its transfers.
        """
        return self._orders.get(dedupe_id)

    @property
    def orders(self) -> Collection[TransferBatch]:
        """What was begun to be moved, finished or not."""
        return self._orders.values()

    @property
    def knows_all_of_today(self) -> bool:
        """Whether everything that was moved in the last 24 hours is written down here."""
        return self._lost_at is None or self._lost_at <= dt_util.utcnow() - DAY

    @contextmanager
    def reserve(self, order: TransferBatch) -> Iterator[None]:
        """Have all of an order count for the daily limit while it is carried out.

        So nothing else uses up meanwhile what was there for the whole of it.
        """
        self._under_way.append(order)
        try:
            yield
        finally:
            self._under_way.remove(order)

    def moved_beside(self, moves: Mapping[str, Move], currency: str) -> Decimal:
        """Return how much else than these was moved in the last 24 hours, in either direction.

        What may have been moved counts, and what is about to be.
        """
        since = dt_util.utcnow() - DAY
        others = {
            id_: move.amount for order in self._under_way for id_, move in order.moves.items()
        }
        for id_, transfer in self._transfers.items():
            if transfer.sent_at > since:
                others[id_] = transfer.amount
            else:
                # Moved long ago, if its order is under way again.
                others.pop(id_, None)
        return sum(
            (
                amount.amount
                for id_, amount in others.items()
                if amount.currency == currency and id_ not in moves
            ),
            Decimal(0),
        )

    async def async_write_before_sending(self, transfer: Transfer, order: TransferBatch) -> None:
        """Write down what is about to be sent; it counts for the daily limit at once.

        The order that it is part of is written down with it. Raises HomeAssistantError if they
        cannot be written.
        """
        earlier = self.find(transfer.dedupe_id)
        self._transfers[transfer.dedupe_id] = transfer
        self._orders[order.dedupe_id] = order
        await self._async_save()
        if not await self._async_is_written(transfer):
            await self._async_put_back(transfer, earlier)
            raise action_error("transfer_not_recorded")

    async def async_write_done(self, transfer: Transfer) -> None:
        """Write down that a transfer was confirmed."""
        self._transfers[transfer.dedupe_id] = replace(transfer, done=True)
        await self._async_save()

    async def async_strike_out(self, transfer: Transfer) -> None:
        """Forget a transfer that has certainly not happened."""
        await self._async_put_back(transfer, None)

    async def _async_put_back(self, transfer: Transfer, earlier: Transfer | None) -> None:
        """Have a transfer as it was before."""
        self._transfers.pop(transfer.dedupe_id, None)
        if earlier is not None:
            self._transfers[earlier.dedupe_id] = earlier
        await self._async_save()

    async def _async_read(self) -> bool:
        """Take over what is in the file, and return whether there is one."""
        if (stored := await self._store.async_load()) is None:
            return False
        lost_at = stored["lost_at"]
        self._lost_at = None if lost_at is None else _moment(lost_at)
        self._transfers = {
            dedupe_id: Transfer.from_stored(dedupe_id, transfer)
            for dedupe_id, transfer in stored["transfers"].items()
        }
        self._orders = {
            dedupe_id: TransferBatch.from_stored(dedupe_id, order)
            for dedupe_id, order in stored["orders"].items()
        }
        self._tidy()
        return True

    async def _async_is_written(self, transfer: Transfer) -> bool:
        """Return whether a transfer really is in the file.

        Home Assistant's store logs that a disk is full or cannot be written, and tells nobody else.
        While Home Assistant stops, it writes only at the very end.
        """
        if self.hass.is_stopping:
            return False
        try:
            stored = await self._store.async_load()
        except HomeAssistantError:
            return False
        written = self._transfers[transfer.dedupe_id].to_stored()
        return stored is not None and stored["transfers"].get(transfer.dedupe_id) == written

    async def _async_save(self) -> None:
        if self._removed:
            return
        self._tidy()
        await self._store.async_save(
            {
                "transfers": {
                    dedupe_id: transfer.to_stored()
                    for dedupe_id, transfer in self._transfers.items()
                },
                "lost_at": None if self._lost_at is None else self._lost_at.isoformat(),
                "orders": {
                    dedupe_id: order.to_stored() for dedupe_id, order in self._orders.items()
                },
            }
        )

    def _half_done(self, order: TransferBatch) -> Collection[str]:
        """Return the ids of an order's transfers, if some of it has happened and some has not."""
        done = [id_ in self._transfers and self._transfers[id_].done for id_ in order.moves]
        return order.moves.keys() if any(done) and not all(done) else ()

    @callback
    def _tidy(self) -> None:
        """Forget the transfers of long ago."""
        now = dt_util.utcnow()
        # When the clock was ahead and has been put right, nothing was sent in the future.
        if self._lost_at is not None:
            self._lost_at = min(self._lost_at, now)
        latest_first = sorted(
            (
                replace(transfer, sent_at=min(transfer.sent_at, now))
                for transfer in self._transfers.values()
            ),
            key=lambda transfer: transfer.sent_at,
            reverse=True,
        )
        unfinished = {id_ for order in self._orders.values() for id_ in self._half_done(order)}
        self._transfers = {
            transfer.dedupe_id: transfer
            for place, transfer in enumerate(latest_first)
            if transfer.sent_at > now - DAY
            or (transfer.sent_at > now - REMEMBERED_FOR and place < MOST_REMEMBERED)
            or (transfer.sent_at > now - FINISHED_WITHIN and transfer.dedupe_id in unfinished)
        }
        # One that has certainly moved nothing so far is planned anew when it is asked for again.
        self._orders = {
            dedupe_id: order
            for dedupe_id, order in self._orders.items()
            if next(iter(order.moves)) in self._transfers
        }


def _move_from_stored(stored: _StoredMove) -> Move:
    return Move(
        direction=Direction(stored["direction"]),
        pot_id=stored["pot_id"],
        account_id=stored["account_id"],
        amount=Money.from_minor(stored["minor"], stored["currency"]),
    )


def _move_to_stored(move: Move) -> _StoredMove:
    return {
        "direction": move.direction,
        "pot_id": move.pot_id,
        "account_id": move.account_id,
        "minor": move.amount.minor,
        "currency": move.amount.currency,
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _ordered_as(transaction: Transaction) -> str:
    """Return the `dedupe_id` that a transfer was ordered with; nothing if it is none.

    Monzo keeps it as `external_id`, and as the last of four parts of a `dedupe_id` of its own: the
    pot, the account, the direction, and this. Both as recorded for round-ups.
    """
    if transaction.external_id is not None:
        return transaction.external_id
    return ":".join((transaction.dedupe_id or "").split(":")[3:])
