"""Batches: the transfers of one call, made one after the other."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError

from ..bank import MonzoSession
from .journal import TransferJournal
from .limits import TransferLimits
from .models import Move, TransferBatch, TransferStatus
from .names import TransferNames
from .repair_issue import async_update_issue
from .results import EARLIER_MOVE_FAILED, STOPPED, TransferResult
from .send_transfer import BatchRun, TransferSender


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
        """Make the transfers of a batch that are not done yet, and return the result of each.

        It stops at the first transfer that fails, and after the one that is being sent if the
        caller is cancelled. Another call continues there. Each new result is published, also those
        of transfers that were not attempted.
        """
        run = BatchRun(batch)
        results: list[TransferResult] = []
        try:
            with self._journal.reserve(batch):
                for dedupe_id in batch.moves:
                    results.append(await self._async_make(run, dedupe_id))
                    if results[-1].error:
                        break
        except asyncio.CancelledError:
            self._stop(run)
            raise
        async_update_issue(self._journal, self._names, batch)
        return (*results, *self._skip(run.left.items(), EARLIER_MOVE_FAILED))

    async def _async_make(self, run: BatchRun, dedupe_id: str) -> TransferResult:
        """Make one transfer, after the end of the bank's rate limit if the batch can wait for it.

        If the caller is cancelled, a transfer that is being sent continues to its end.
        """
        while True:
            run.transfer = self._journal.hass.async_create_task(
                self._sender.async_make(run, dedupe_id), "transfer of Monzo"
            )
            await asyncio.wait({run.transfer})
            if (result := run.transfer.result()) is not None:
                return result
            await asyncio.sleep(run.pause)

    @callback
    def _stop(self, run: BatchRun) -> None:
        """Leave the rest of a batch when the transfer that is being sent has ended."""
        run.stopped = True

        @callback
        def leave_rest(_transfer: object) -> None:
            self._skip(run.left.items(), STOPPED)
            async_update_issue(self._journal, self._names, run.batch)

        if run.transfer is None or run.transfer.done():
            leave_rest(None)
        else:
            run.transfer.add_done_callback(leave_rest)

    async def async_missing(self, batch: TransferBatch) -> list[Move]:
        """Return the moves of a batch that did not happen, according to the account's transactions.

        A transfer in doubt is one of them if the transactions cannot be read.
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

        If Home Assistant ended while a transfer was being sent, its result is found out first.
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
        """Publish that moves are not attempted: the first because of an error."""
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
