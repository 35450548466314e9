"""The journal: a record of every transfer, written to disk before the transfer is sent."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from ..api import Money, ServerClock
from ..memory import async_get_memory
from ..privacy import get_logger
from .journal_format import (
    JournalStore,
    batch_from_json,
    batch_to_json,
    time_from_json,
    transfer_from_json,
    transfer_to_json,
)
from .locks import TransferLocks
from .models import BatchKind, Move, Transfer, TransferBatch, TransferStatus
from .results import ResultPublisher

_LOGGER = get_logger(__name__)

# The period of the daily limit.
DAY: Final = timedelta(days=1)

# A `dedupe_id` is kept this long, and at most this many beyond the last day. Automations repeat a
# call within hours, and each transfer writes the whole file twice.
KEPT_FOR: Final = timedelta(days=30)
MAX_KEPT: Final = 1000

# The transfers of a half-finished batch are kept this long. Without them, the batch could not be
# finished: a new plan would use an ID again that the bank knows from another transfer.
UNFINISHED_KEPT_FOR: Final = timedelta(days=365)


async def async_open_journal(
    hass: HomeAssistant, entry_id: str, clock: ServerClock
) -> TransferJournal:
    """Return the journal of a config entry: the same object until Home Assistant stops.

    A transfer can outlast a reload of its entry, and later transfers must take it into account.
    `clock` is the clock of the entry's session, which a reload replaces.
    """

    async def load() -> TransferJournal:
        journal = TransferJournal(hass, entry_id, clock)
        await journal.async_load()
        return journal

    journal = await async_get_memory(hass).async_find_or_load(TransferJournal, entry_id, load)
    journal.clock = clock
    return journal


async def async_remove_journal(hass: HomeAssistant, entry_id: str) -> None:
    """Delete the file of a removed config entry, even if the entry is not loaded."""
    journal = async_get_memory(hass).remove(TransferJournal, entry_id)
    await (journal or TransferJournal(hass, entry_id)).async_remove()


class TransferJournal:
    """The transfers and batches of one config entry.

    It survives restarts of Home Assistant and reloads of the entry. A transfer that is recorded and
    not done may have happened, unless it is being sent at this moment.
    """

    def __init__(
        self, hass: HomeAssistant, entry_id: str, clock: ServerClock | None = None
    ) -> None:
        """Initialize an empty journal. `async_load` reads the file."""
        self.hass = hass
        self.entry_id = entry_id
        self.clock = clock or ServerClock()
        """The bank's clock, which dates transfers, because the local clock may be corrected later.
        """
        self.locks = TransferLocks()
        self.results = ResultPublisher(hass)
        self._store = JournalStore(hass, entry_id)
        self._writing = asyncio.Lock()
        self._transfers: dict[str, Transfer] = {}
        self._batches: dict[str, TransferBatch] = {}
        self._reserved: list[TransferBatch] = []
        self._lost_at: datetime | None = None
        self._interrupted: frozenset[str] = frozenset()
        self._removed = False

    async def async_load(self) -> None:
        """Read the file.

        If it is damaged, the journal starts empty, with the time of the loss. No transfer can be
        made twice because of that, since the bank knows their IDs, but the amount that was moved
        within the last day is unknown.
        """
        # If a file is not JSON, Home Assistant renames it, and returns None, as it does without a
        # file.
        existed = await self.hass.async_add_executor_job(Path(self._store.path).exists)
        try:
            found = await self._async_read()
        except Exception:  # noqa: BLE001 - any error means that the content cannot be trusted
            found, existed = False, True
        if existed and not found:
            _LOGGER.warning("The record of earlier transfers is damaged; starting a new one")
            self._transfers, self._batches = {}, {}
            self._lost_at = self.clock.now()
            await self._async_save()

    async def async_remove(self) -> None:
        """Delete the file permanently. Transfers that are still under way must not restore it."""
        self._removed = True
        await self._store.async_remove()

    @property
    def batches(self) -> Collection[TransferBatch]:
        """All batches, finished or not."""
        return self._batches.values()

    @property
    def unpublished(self) -> tuple[Transfer, ...]:
        """The transfers whose results were not published; some of them may be being sent."""
        return tuple(it for it in self._transfers.values() if not it.published)

    def was_interrupted(self, transfer: Transfer) -> bool:
        """Return whether Home Assistant ended before the result of a transfer was published."""
        return transfer.dedupe_id in self._interrupted

    @property
    def history_complete(self) -> bool:
        """Whether all transfers of the last 24 hours are known."""
        return self._lost_at is None or self._lost_at <= self.clock.now() - DAY

    def find(self, dedupe_id: str) -> Transfer | None:
        """Return the transfer that was recorded with this ID."""
        return self._transfers.get(dedupe_id)

    def find_batch(self, dedupe_id: str) -> TransferBatch | None:
        """Return the batch of an earlier call with this ID, if its first transfer is still kept."""
        return self._batches.get(dedupe_id)

    def batch_of(self, transfer: Transfer) -> TransferBatch | None:
        """Return the batch of a transfer, if it is still kept."""
        return next((batch for batch in self.batches if transfer.dedupe_id in batch.moves), None)

    def current(self, dedupe_id: str, move: Move) -> Transfer:
        """Return the recorded transfer of a move, or a new one if it certainly did not happen.

        A recorded transfer of another move with the same ID does not count.
        """
        recorded = self.find(dedupe_id)
        if recorded is not None and recorded.move == move:
            return recorded
        now = self.clock.now()
        return Transfer(dedupe_id=dedupe_id, move=move, asked_at=now, sent_at=now)

    def remaining(self, batch: TransferBatch) -> dict[str, Move]:
        """Return the moves of a batch that are not known to have happened."""
        return {
            dedupe_id: move
            for dedupe_id, move in batch.moves.items()
            if self.current(dedupe_id, move).status is not TransferStatus.DONE
        }

    def has_money_between_pots(self, batch: TransferBatch) -> bool:
        """Return whether the money of a batch left one pot and has not reached the other one."""
        if batch.kind is not BatchKind.BETWEEN_POTS or not batch.moves:
            return False
        _withdrawal_id, deposit_id = batch.moves
        return self.remaining(batch).keys() == {deposit_id}

    @contextmanager
    def reserve(self, batch: TransferBatch) -> Iterator[None]:
        """Count the whole batch towards the daily limit from the start.

        Otherwise other transfers could use up the limit before the last transfer of the batch.
        """
        self._reserved.append(batch)
        try:
            yield
        finally:
            self._reserved.remove(batch)

    def moved_in_last_24_hours(self, currency: str, *, except_ids: Collection[str]) -> Money:
        """Return the sum of both directions in the last 24 hours, without some transfers.

        It includes transfers in doubt and reserved ones.
        """
        since = self.clock.now() - DAY
        amounts = {
            dedupe_id: move.amount
            for batch in self._reserved
            for dedupe_id, move in batch.moves.items()
        }
        for dedupe_id, transfer in self._transfers.items():
            if transfer.sent_at > since:
                amounts[dedupe_id] = transfer.move.amount
            else:
                # It is part of a reserved batch, but was made more than a day ago.
                amounts.pop(dedupe_id, None)
        counted = (
            amount
            for dedupe_id, amount in amounts.items()
            if amount.currency == currency and dedupe_id not in except_ids
        )
        return sum(counted, Money.zero(currency))

    async def async_record(self, transfer: Transfer, batch: TransferBatch) -> bool:
        """Record a transfer that is about to be sent, together with its batch.

        It counts towards the daily limit at once. Return whether the record is on disk. If it is
        not, the transfer must not be sent.
        """
        earlier = self.find(transfer.dedupe_id)
        self._transfers[transfer.dedupe_id] = transfer
        self._batches[batch.dedupe_id] = batch
        # Without the lock, the store would return the data of the next write before that is on
        # disk.
        async with self._writing:
            await self._async_write()
            is_recorded = await self._async_is_on_disk(transfer)
        if not is_recorded:
            await self._async_restore(transfer.dedupe_id, earlier)
        return is_recorded

    async def async_end(self, transfer: Transfer) -> bool:
        """Record the status of a transfer that has ended, and return whether to publish its result.

        A transfer that was not sent has no record, or keeps that of an earlier attempt.
        """
        recorded = self.find(transfer.dedupe_id)
        if recorded is None or recorded.published:
            return True
        is_published = self.results.is_open
        self._transfers[transfer.dedupe_id] = replace(transfer, published=is_published)
        await self._async_save()
        return is_published

    @callback
    def async_update_batch(self, batch: TransferBatch) -> None:
        """Replace a recorded batch. It is written together with its next transfer."""
        self._batches[batch.dedupe_id] = batch

    @callback
    def async_doubt(self, transfer: Transfer) -> Transfer:
        """Mark a recorded transfer as in doubt, and return it.

        This does not write to the disk. There it is still pending, which counts as in doubt when it
        is read.
        """
        if transfer.dedupe_id not in self._transfers:
            return transfer
        doubtful = replace(transfer, status=TransferStatus.IN_DOUBT)
        self._transfers[transfer.dedupe_id] = doubtful
        return doubtful

    async def async_discard(self, transfer: Transfer) -> None:
        """Remove a transfer that certainly did not happen."""
        await self._async_restore(transfer.dedupe_id, None)

    async def _async_restore(self, dedupe_id: str, earlier: Transfer | None) -> None:
        """Restore the record from before a transfer."""
        self._transfers.pop(dedupe_id, None)
        if earlier is not None:
            self._transfers[dedupe_id] = earlier
        await self._async_save()

    async def _async_read(self) -> bool:
        """Read the content of the file, and return whether the file exists."""
        if (stored := await self._store.async_load()) is None:
            return False
        lost_at = stored["lost_at"]
        self._lost_at = None if lost_at is None else time_from_json(lost_at)
        self._transfers = {
            dedupe_id: transfer_from_json(dedupe_id, transfer)
            for dedupe_id, transfer in stored["transfers"].items()
        }
        self._batches = {
            dedupe_id: batch_from_json(dedupe_id, batch)
            for dedupe_id, batch in stored["orders"].items()
        }
        self._remove_old()
        self._interrupted = frozenset(transfer.dedupe_id for transfer in self.unpublished)
        return True

    async def _async_is_on_disk(self, transfer: Transfer) -> bool:
        """Return whether the file contains a transfer.

        When a write fails, Home Assistant's store logs the error and does not raise it. While Home
        Assistant is stopping, the store only writes at the very end.
        """
        if self.hass.is_stopping:
            return False
        try:
            stored = await self._store.async_load()
        except HomeAssistantError:
            return False
        recorded = transfer_to_json(self._transfers[transfer.dedupe_id])
        return stored is not None and stored["transfers"].get(transfer.dedupe_id) == recorded

    async def _async_save(self) -> None:
        async with self._writing:
            await self._async_write()

    async def _async_write(self) -> None:
        if self._removed:
            return
        self._remove_old()
        content = {
            "transfers": {
                dedupe_id: transfer_to_json(transfer)
                for dedupe_id, transfer in self._transfers.items()
            },
            "lost_at": None if self._lost_at is None else self._lost_at.isoformat(),
            "orders": {
                dedupe_id: batch_to_json(batch) for dedupe_id, batch in self._batches.items()
            },
        }
        try:
            await self._store.async_save(content)
        except OSError:
            # The folder cannot be created. The store itself handles only errors of the file.
            _LOGGER.exception("Could not write the record of transfers")

    @callback
    def _remove_old(self) -> None:
        """Remove transfers and batches that must no longer be kept."""
        now = self.clock.now()
        # The clock may have been ahead: no transfer was sent in the future.
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
        unfinished = {id_ for batch in self.batches for id_ in self._ids_if_half_done(batch)}
        self._transfers = {
            transfer.dedupe_id: transfer
            for place, transfer in enumerate(latest_first)
            if transfer.sent_at > now - DAY
            or (transfer.sent_at > now - KEPT_FOR and place < MAX_KEPT)
            or (transfer.sent_at > now - UNFINISHED_KEPT_FOR and transfer.dedupe_id in unfinished)
        }
        # A batch that has certainly moved nothing is planned anew when it is repeated.
        self._batches = {
            dedupe_id: batch
            for dedupe_id, batch in self._batches.items()
            if next(iter(batch.moves)) in self._transfers
        }

    def _ids_if_half_done(self, batch: TransferBatch) -> Collection[str]:
        """Return the ids of a batch's transfers, if some of them are done and others are not."""
        statuses = [
            self._transfers[id_].status if id_ in self._transfers else None for id_ in batch.moves
        ]
        is_half_done = TransferStatus.DONE in statuses and {*statuses} != {TransferStatus.DONE}
        return batch.moves.keys() if is_half_done else ()
