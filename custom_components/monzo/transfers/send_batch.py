"""Batches: the transfers of one call, made one after the other."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError

from ..bank import REQUEST_WINDOW, MonzoSession
from ..privacy import get_logger
from .journal import TransferJournal
from .limits import TransferLimits
from .models import Move, TransferBatch, TransferStatus
from .names import TransferNames
from .repair_issue import async_update_issue
from .results import EARLIER_MOVE_FAILED, STOPPED, TransferResult
from .send_transfer import TransferSender

_LOGGER = get_logger(__name__)

# The most that a batch waits additionally for the end of the bank's rate limit. It is long, because
# a batch that stops half-way is worse than a slow one.
MAX_WAIT_OF_BATCH: Final = 2 * REQUEST_WINDOW


class BatchSender:
    """Makes the batches of one config entry."""

    def __init__(
        self,
        session: MonzoSession,
        journal: TransferJournal,
        limits: TransferLimits,
        names: TransferNames,
        entry: ConfigEntry[Any],
    ) -> None:
        """Initialize the sender of batches."""
        self._journal = journal
        self._names = names
        self._sender = TransferSender(session, journal, limits, names, entry)

    async def async_carry_out(self, batch: TransferBatch) -> tuple[TransferResult, ...]:
        """Make the remaining transfers of a batch, and return the result of each.

        It stops at the first transfer that fails. If the caller is cancelled, it stops after the
        transfer that is being sent. Another call continues from there. Each new result is
        published, including those of transfers that were not attempted.
        """
        left = dict(batch.moves)
        wait_left = MAX_WAIT_OF_BATCH if batch.kind.is_multi_step else timedelta(0)
        results: list[TransferResult] = []
        with self._journal.reserve(batch):
            while left and not (results and results[-1].error):
                dedupe_id = next(iter(left))
                result = await self._async_make(batch, left, wait_left)
                if isinstance(result, timedelta):
                    wait_left -= result
                else:
                    del left[dedupe_id]
                    results.append(result)
        async_update_issue(self._journal, self._names, batch)
        return (*results, *self._skip(left.items(), EARLIER_MOVE_FAILED))

    async def _async_make(
        self, batch: TransferBatch, left: Mapping[str, Move], max_pause: timedelta
    ) -> TransferResult | timedelta:
        """Make the first of the remaining moves, and return its result.

        If it was not sent because of the bank's rate limit, wait for its end, and return the time
        that this took. If the caller is cancelled, a transfer that is being sent continues, and the
        remaining moves are left.
        """
        stopped = asyncio.Event()
        # Use the record, because an earlier transfer may have shown that the ID is new.
        batch = self._journal.find_batch(batch.dedupe_id) or batch
        sending = self._journal.hass.async_create_task(
            self._sender.async_make(next(iter(left)), batch, stopped=stopped, max_pause=max_pause),
            "transfer of Monzo",
        )
        try:
            await asyncio.wait({sending})
            result = sending.result()
            if isinstance(result, timedelta):
                await asyncio.sleep(result.total_seconds())
        except asyncio.CancelledError:
            stopped.set()
            sending.add_done_callback(partial(self._leave_rest, batch, left))
            raise
        return result

    @callback
    def _leave_rest(
        self,
        batch: TransferBatch,
        left: Mapping[str, Move],
        ended: asyncio.Task[TransferResult | timedelta],
    ) -> None:
        """Leave the moves of a cancelled caller when the transfer that was being sent has ended."""
        defect = None if ended.cancelled() else ended.exception()
        if defect is not None:
            _LOGGER.error("Unexpected error in a transfer", exc_info=defect)
        # If Home Assistant is stopping, the result of the first move is published at its next
        # start.
        has_ended = ended.cancelled() or defect or isinstance(ended.result(), TransferResult)
        self._skip([*left.items()][1 if has_ended else 0 :], STOPPED)
        async_update_issue(self._journal, self._names, batch)

    async def async_missing(self, batch: TransferBatch) -> list[Move]:
        """Return the moves of a batch that the account's transactions do not show.

        If the transactions cannot be read, this includes a transfer in doubt.
        """
        return [
            move
            for dedupe_id, move in self._journal.remaining(batch).items()
            if not await self._sender.async_is_shown(
                self._journal.current(dedupe_id, move), batch.dedupe_id
            )
        ]

    async def async_publish_missed(self) -> None:
        """Publish the recorded results from while the entry was not loaded.

        If Home Assistant stopped while a transfer was being sent, its result is determined first.
        """
        for transfer in self._journal.unpublished:
            batch = self._journal.batch_of(transfer)
            batch_id = transfer.dedupe_id if batch is None else batch.dedupe_id
            is_settled = await self._sender.async_publish_missed_result(transfer, batch_id)
            if batch is None:
                continue
            if is_settled and self._journal.was_interrupted(transfer):
                later = [*batch.moves].index(transfer.dedupe_id) + 1
                self._skip([*batch.moves.items()][later:], STOPPED)
            async_update_issue(self._journal, self._names, batch)

    @callback
    def async_refuse(self, moves: Mapping[str, Move], error: HomeAssistantError) -> None:
        """Publish that moves are not attempted. The error applies to the first one."""
        self._skip(moves.items(), str(error.translation_key))

    @callback
    def _skip(self, moves: Iterable[tuple[str, Move]], reason: str) -> list[TransferResult]:
        """Publish and return the results of moves that are not attempted.

        The reason applies to the first move that is not done. The moves after it are not attempted
        because of that one.
        """
        results: list[TransferResult] = []
        for dedupe_id, move in moves:
            transfer = self._journal.current(dedupe_id, move)
            if transfer.status is TransferStatus.DONE:
                results.append(TransferResult(transfer=transfer))
                continue
            results.append(TransferResult(transfer=transfer, reason=reason))
            self._journal.results.publish(results[-1])
            reason = EARLIER_MOVE_FAILED
        return results
