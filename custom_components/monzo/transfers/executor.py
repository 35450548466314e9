"""The executor: makes the transfers of a batch one after the other, each exactly once.

Every transfer is recorded before it is sent. The bank makes a transfer only once, however often it
is sent with the same `dedupe_id`. So after a lost answer, the executor sends the same transfer
again, and finally looks for it in the account's transactions.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError, OAuth2TokenRequestBaseError
from homeassistant.util import dt as dt_util

from ..api import (
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoRateLimitError,
    MonzoResponseError,
    MonzoUnreachableError,
)
from ..bank import MonzoSession, action_error, validation_error
from .between_pots import async_update_issue
from .confirmation import TransferConfirmation
from .journal import TransferJournal
from .limits import TransferLimits
from .models import Direction, Move, Transfer, TransferBatch, TransferStatus
from .names import TransferNames
from .results import EARLIER_MOVE_FAILED, STOPPED, UNCONFIRMED, TransferResult, async_publish

# The delays before a transfer is sent again. Together with the timeouts of the requests, they stay
# within about a minute, which an automation can wait.
RETRY_DELAYS: Final = (timedelta(seconds=1), timedelta(seconds=4), timedelta(seconds=10))

# The most to wait in total, including the time that the bank asks for after too many requests.
MAX_WAIT: Final = timedelta(seconds=30)

# There was no connection, or no valid token: the bank did not receive the transfer.
NOT_SENT: Final = (MonzoUnreachableError, OAuth2TokenRequestBaseError)

# The answer does not say whether the money moved.
ANSWER_LOST: Final = (MonzoConnectionError, MonzoResponseError)


class TransferExecutor:
    """Makes the transfers of one config entry."""

    def __init__(
        self,
        session: MonzoSession,
        journal: TransferJournal,
        limits: TransferLimits,
        names: TransferNames,
        entry: ConfigEntry[Any],
    ) -> None:
        """Initialize the executor."""
        self._session = session
        self._journal = journal
        self._limits = limits
        self._names = names
        self._entry = entry
        self._confirmation = TransferConfirmation(session, names)

    async def async_carry_out(self, batch: TransferBatch) -> tuple[TransferResult, ...]:
        """Make the transfers of a batch that are not done yet, and return the result of each.

        It stops at the first transfer that fails. Another call continues there. Each new result is
        published, also those of transfers that were not attempted.
        """
        results: list[TransferResult] = []
        moves = iter(batch.moves.items())
        try:
            with self._journal.reserve(batch):
                for dedupe_id, move in moves:
                    results.append(await self._async_make(dedupe_id, move, batch))
                    if results[-1].error:
                        break
        except asyncio.CancelledError:
            self._skip_remaining(moves, STOPPED)
            raise
        finally:
            async_update_issue(self._journal, self._names, batch)
        return (*results, *self._skip_remaining(moves, EARLIER_MOVE_FAILED))

    async def async_missing(self, batch: TransferBatch) -> list[Move]:
        """Return the moves of a batch that did not happen, according to the account's transactions.

        A transfer in doubt is one of them if the transactions cannot be read.
        """
        return [
            move
            for dedupe_id, move in self._journal.remaining(batch).items()
            if not await self._async_is_shown(self._journal.current(dedupe_id, move), batch)
        ]

    async def _async_is_shown(self, transfer: Transfer, batch: TransferBatch) -> bool:
        """Return whether the account's transactions show a transfer."""
        if transfer.status is not TransferStatus.IN_DOUBT:
            return False
        try:
            await self._confirmation.async_confirm(transfer, batch.dedupe_id, None)
        except HomeAssistantError:
            return False
        return True

    @callback
    def async_refuse(self, moves: Mapping[str, Move], error: HomeAssistantError) -> None:
        """Publish that moves are not attempted: the first because of an error."""
        self._skip_remaining(moves.items(), str(error.translation_key))

    @callback
    def _skip_remaining(
        self, moves: Iterable[tuple[str, Move]], reason: str
    ) -> list[TransferResult]:
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
            results.append(self._publish(TransferResult(transfer=transfer, reason=reason)))
            reason = EARLIER_MOVE_FAILED
        return results

    @callback
    def _publish(self, result: TransferResult) -> TransferResult:
        """Publish a result, and return it."""
        async_publish(self._journal.hass, result)
        return result

    async def _async_make(self, dedupe_id: str, move: Move, batch: TransferBatch) -> TransferResult:
        """Make one transfer, unless it is done, and publish and return its result."""
        async with self._journal.locks.transfer(dedupe_id):
            transfer = self._journal.current(dedupe_id, move)
            if transfer.status is TransferStatus.DONE:
                return TransferResult(transfer=transfer)
            transfer = replace(transfer, sent_at=dt_util.utcnow())
            try:
                await self._check_and_record(transfer, batch)
                transfer, refusal = await self._send_with_retries(transfer)
                if transfer.status is not TransferStatus.DONE:
                    transfer = await self._confirm_or_discard(transfer, batch, refusal)
            except HomeAssistantError as err:
                return self._publish(
                    TransferResult(transfer=transfer, reason=str(err.translation_key), error=err)
                )
            except BaseException:
                # As a rule, the caller was stopped.
                transfer = self._journal.async_doubt(transfer)
                self._publish(TransferResult(transfer=transfer, reason=UNCONFIRMED))
                raise
            # Published before the write, during which the caller can be stopped.
            result = self._publish(TransferResult(transfer=transfer, moved_now=True))
            await self._journal.async_update(transfer)
            return result

    async def _check_and_record(self, transfer: Transfer, batch: TransferBatch) -> None:
        """Record a transfer before it is sent. Raises HomeAssistantError if it must not be sent."""
        recorded = self._journal.find(transfer.dedupe_id)
        if recorded is not None and recorded.move != transfer.move:
            raise validation_error("dedupe_id_reused", dedupe_id=batch.dedupe_id)
        # No await between these two, because a recorded transfer counts towards the limits.
        # Otherwise two transfers at once could exceed a limit together.
        for violation in self._limits.violations({transfer.dedupe_id: transfer.move}):
            raise violation
        if not await self._journal.async_record(transfer, batch):
            placeholders = self._names.placeholders(transfer.move)
            raise action_error("transfer_not_recorded", **placeholders)

    async def _send_with_retries(self, transfer: Transfer) -> tuple[Transfer, MonzoError | None]:
        """Send a transfer until the bank accepts or refuses it, or MAX_WAIT has passed.

        Return it with its new status, and the error with which the bank refused it, if it did. The
        status is in doubt if any answer was lost, now or in an earlier call.
        """
        wait_left = MAX_WAIT.total_seconds()
        requested_wait = 0.0
        for delay in (timedelta(0), *RETRY_DELAYS):
            wait = max(delay.total_seconds(), requested_wait)
            if wait > wait_left:
                break
            await asyncio.sleep(wait)
            wait_left -= wait
            requested_wait = 0.0
            try:
                await self._send(transfer)
            except NOT_SENT:
                continue
            except ANSWER_LOST:
                transfer = replace(transfer, status=TransferStatus.IN_DOUBT)
            except MonzoRateLimitError as err:
                requested_wait = err.retry_after or 0
            except MonzoError as err:
                return transfer, err
            else:
                return replace(transfer, status=TransferStatus.DONE), None
        return transfer, None

    async def _send(self, transfer: Transfer) -> None:
        """Send a transfer once."""
        move = transfer.move
        send = (
            self._session.deposit_into_pot
            if move.direction is Direction.DEPOSIT
            else self._session.withdraw_from_pot
        )
        pot = await send(
            move.pot_id,
            account_id=move.account_id,
            amount=move.amount,
            dedupe_id=transfer.dedupe_id,
        )
        if pot.id != move.pot_id:
            # Perhaps another program used the same ID before, for a transfer to that pot.
            message = "the response is about another pot"
            raise MonzoResponseError(message)

    async def _confirm_or_discard(
        self, transfer: Transfer, batch: TransferBatch, refusal: MonzoError | None
    ) -> Transfer:
        """Return a transfer as done if it happened all the same. Raise HomeAssistantError if not.

        A transfer that certainly did not happen is discarded. Another one stays in doubt.
        """
        if transfer.status is TransferStatus.IN_DOUBT:
            try:
                await self._confirmation.async_confirm(transfer, batch.dedupe_id, refusal)
            except HomeAssistantError:
                await self._journal.async_update(transfer)
                raise
            return replace(transfer, status=TransferStatus.DONE)
        await self._journal.async_discard(transfer)
        placeholders = self._names.placeholders(transfer.move)
        if refusal is None:
            raise action_error("transfer_not_sent", **placeholders)
        if isinstance(refusal, MonzoAuthenticationError):
            self._entry.async_start_reauth(self._journal.hass)
            raise action_error("action_needs_sign_in", name=self._entry.title) from refusal
        raise action_error("transfer_rejected", reason=refusal.message, **placeholders) from refusal
