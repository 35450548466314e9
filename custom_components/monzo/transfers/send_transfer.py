"""Sends one transfer so that it is made exactly once, and determines its result.

The transfer is recorded before it is sent. The bank makes it only once, however often it is sent
with the same `dedupe_id`. So after a lost answer, the same transfer is sent again. Finally, it is
looked up in the account's transactions.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.exceptions import HomeAssistantError, OAuth2TokenRequestBaseError

from ..api import (
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoRateLimitError,
    MonzoResponseError,
    MonzoUnreachableError,
    Transaction,
)
from ..bank import MonzoSession, action_error, validation_error
from .confirm_transfer import TransferConfirmer
from .journal import TransferJournal
from .limits import TransferLimits
from .models import MoveDirection, Transfer, TransferBatch, TransferStatus
from .names import TransferNames
from .results import TransferResult

# The delays before a transfer is sent again. Together with the timeouts of the requests, they add
# up to about a minute, which is acceptable for an automation.
RETRY_DELAYS: Final = (timedelta(seconds=1), timedelta(seconds=4), timedelta(seconds=10))

# The longest total wait, including the time that the bank asks for after too many requests.
MAX_WAIT: Final = timedelta(seconds=30)

# The precision for comparing our times with the bank's, whose headers have whole seconds.
CLOCK_PRECISION: Final = timedelta(seconds=1)

# Without a connection or a valid token, the bank did not receive the transfer.
NOT_SENT: Final = (MonzoUnreachableError, OAuth2TokenRequestBaseError)

# The answer does not say whether the money moved.
ANSWER_LOST: Final = (MonzoConnectionError, MonzoResponseError)


class TransferSender:
    """Makes single transfers of one config entry."""

    def __init__(
        self,
        session: MonzoSession,
        journal: TransferJournal,
        limits: TransferLimits,
        names: TransferNames,
        entry: ConfigEntry[Any],
    ) -> None:
        """Initialize the sender."""
        self._session = session
        self._journal = journal
        self._limits = limits
        self._names = names
        self._entry = entry
        self._confirmer = TransferConfirmer(session, names)

    async def async_make(
        self, dedupe_id: str, batch: TransferBatch, *, stopped: asyncio.Event, max_pause: timedelta
    ) -> TransferResult | timedelta:
        """Make one transfer of a batch, unless it is done; publish and return its result.

        If it was not sent, return the time to wait instead. This happens because of the bank's rate
        limit, if the caller can wait for its end, or because the caller was cancelled, in which
        case `stopped` is set.
        """
        move = batch.moves[dedupe_id]
        async with self._journal.locks.transfer(dedupe_id, move.account_id):
            transfer = self._journal.current(dedupe_id, move)
            if transfer.status is TransferStatus.DONE:
                return TransferResult(transfer=transfer)
            try:
                earlier = await self._async_read_earlier(transfer, batch)
                if earlier:
                    done = await self._async_record_earlier(transfer, earlier[0], batch)
                    return TransferResult(transfer=done)
                is_unused = earlier is not None
                transfer = await self._check_and_record(transfer, batch)
                transfer, refusal = await self._send_with_retries(transfer, stopped)
                if transfer.status is TransferStatus.PENDING:
                    return await self._async_postpone_or_fail(
                        transfer, refusal, stopped=stopped, max_pause=max_pause
                    )
                moved_now = await self._async_prove(transfer, refusal, batch, is_unused=is_unused)
            except HomeAssistantError as err:
                if transfer.status is TransferStatus.DONE:
                    transfer = replace(transfer, status=TransferStatus.IN_DOUBT)
                return await self._async_end(TransferResult.of_failure(transfer, err))
            except BaseException:
                # Home Assistant is stopping. It publishes the result at its next start.
                self._journal.async_doubt(transfer)
                raise
            done = replace(transfer, status=TransferStatus.DONE)
            return await self._async_end(TransferResult(transfer=done, moved_now=moved_now))

    async def _async_read_earlier(
        self, transfer: Transfer, batch: TransferBatch
    ) -> Sequence[Transaction] | None:
        """Return the transaction of a transfer that was already made; empty if there is none.

        Return None if that is unknown. This matters only for an ID that the caller gave and the
        journal does not have, because the journal may have been lost. Raises ServiceValidationError
        if another transfer was made with the ID.
        """
        if batch.is_id_new or self._journal.find(transfer.dedupe_id) is not None:
            return None
        try:
            earlier = await self._confirmer.async_find_earlier(transfer, batch.dedupe_id)
        except MonzoError, OAuth2TokenRequestBaseError:
            return None
        return () if earlier is None else (earlier,)

    async def _async_record_earlier(
        self, transfer: Transfer, earlier: Transaction, batch: TransferBatch
    ) -> Transfer:
        """Record and return a transfer as done, because there is a transaction of it."""
        done = replace(
            transfer,
            asked_at=earlier.created,
            sent_at=earlier.created,
            status=TransferStatus.DONE,
            published=True,
        )
        await self._journal.async_record(done, batch)
        return done

    async def _async_prove(
        self,
        transfer: Transfer,
        refusal: MonzoError | None,
        batch: TransferBatch,
        *,
        is_unused: bool,
    ) -> bool:
        """Return whether a transfer was made by this call, and not by an earlier one.

        `is_unused` says that no transaction had the ID before the transfer was sent. Raises
        HomeAssistantError if it is uncertain whether the transfer was made. For a new ID, the
        bank's answer is enough. Otherwise there must be a transaction, perhaps after a moment.
        """
        if transfer.status is TransferStatus.IN_DOUBT:
            shown = await self._confirmer.async_confirm(transfer, batch.dedupe_id, refusal)
        elif batch.is_id_new:
            return True
        else:
            proof = await self._confirmer.async_prove(transfer, batch.dedupe_id, RETRY_DELAYS)
            if proof is None and is_unused:
                # No transaction had the ID a moment ago, and the bank has accepted it.
                return True
            if proof is None:
                raise self._confirmer.unconfirmed(transfer, batch.dedupe_id)
            shown = proof
        moved_now = (
            batch.is_id_new or is_unused or shown.created > transfer.asked_at - CLOCK_PRECISION
        )
        if moved_now:
            self._journal.async_update_batch(replace(batch, is_id_new=True))
        return moved_now

    async def async_publish_missed_result(self, transfer: Transfer, batch_id: str) -> bool:
        """Publish the result of a transfer that is no longer being sent, unless it was published.

        If the transfer is in doubt, the account's transactions are read first. Return False if the
        result was published in the meantime.
        """
        async with self._journal.locks.transfer(transfer.dedupe_id, transfer.move.account_id):
            current = self._journal.find(transfer.dedupe_id)
            if current is None or current.published:
                return False
            result = TransferResult(transfer=replace(current, status=TransferStatus.DONE))
            if current.status is not TransferStatus.DONE:
                try:
                    await self._confirmer.async_confirm(current, batch_id, None)
                except HomeAssistantError as err:
                    result = TransferResult.of_failure(current, err)
            await self._async_end(result)
            return True

    async def async_is_shown(self, transfer: Transfer, batch_id: str) -> bool:
        """Return whether there is a transaction of a transfer that is in doubt."""
        if transfer.status is not TransferStatus.IN_DOUBT:
            return False
        try:
            await self._confirmer.async_confirm(transfer, batch_id, None)
        except HomeAssistantError:
            return False
        return True

    async def _async_end(self, result: TransferResult) -> TransferResult:
        """Record the end of a transfer, then publish and return its result.

        If the result was published first, it would be published again after a crash.
        """
        if await self._journal.async_end(result.transfer):
            self._journal.results.publish(result)
        return result

    async def _check_and_record(self, transfer: Transfer, batch: TransferBatch) -> Transfer:
        """Record a transfer before it is sent. Raises HomeAssistantError if it must not be sent."""
        recorded = self._journal.find(transfer.dedupe_id)
        if recorded is not None and recorded.move != transfer.move:
            raise validation_error("dedupe_id_reused", dedupe_id=batch.dedupe_id)
        # No await between these two, because a recorded transfer counts towards the limits.
        # Otherwise two transfers at once could exceed a limit together.
        for violation in self._limits.violations({transfer.dedupe_id: transfer.move}):
            raise violation
        transfer = replace(transfer, sent_at=self._journal.clock.now(), published=False)
        if not await self._journal.async_record(transfer, batch):
            placeholders = self._names.placeholders(transfer.move)
            raise action_error("transfer_not_recorded", **placeholders)
        return transfer

    async def _send_with_retries(
        self, transfer: Transfer, stopped: asyncio.Event
    ) -> tuple[Transfer, MonzoError | None]:
        """Send a transfer until the bank accepts or refuses it, or MAX_WAIT has passed.

        Return it with its new status, and the error with which the bank refused it, if it did. It
        is in doubt if any answer was lost, now or in an earlier call. If `stopped` is set, because
        the caller was cancelled, it is sent again only if an answer was lost.
        """
        wait_left = MAX_WAIT.total_seconds()
        requested_wait = 0.0
        for delay in (timedelta(0), *RETRY_DELAYS):
            wait = max(delay.total_seconds(), requested_wait)
            if wait > wait_left:
                break
            await asyncio.sleep(wait)
            if stopped.is_set() and transfer.status is TransferStatus.PENDING:
                break
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
            if move.direction is MoveDirection.DEPOSIT
            else self._session.withdraw_from_pot
        )
        pot = await send(
            move.pot_id,
            account_id=move.account_id,
            amount=move.amount,
            dedupe_id=transfer.dedupe_id,
        )
        if pot.id != move.pot_id:
            # Another program may have used the same ID before, for a transfer with that pot.
            message = "the response is about another pot"
            raise MonzoResponseError(message)

    async def _async_postpone_or_fail(
        self,
        transfer: Transfer,
        refusal: MonzoError | None,
        *,
        stopped: asyncio.Event,
        max_pause: timedelta,
    ) -> timedelta:
        """Discard a transfer that certainly did not happen; return the time until it can be sent.

        Raises HomeAssistantError if the caller cannot wait, or if the bank refused the transfer.
        After the caller was cancelled, the transfer is left.
        """
        await self._journal.async_discard(transfer)
        pause = timedelta(seconds=self._session.budget.pause)
        if refusal is None and (stopped.is_set() or timedelta(0) < pause <= max_pause):
            return pause
        placeholders = self._names.placeholders(transfer.move)
        if refusal is None:
            raise action_error("transfer_not_sent", **placeholders)
        if isinstance(refusal, MonzoAuthenticationError):
            self._entry.async_start_reauth(self._journal.hass)
            raise action_error("action_needs_sign_in", name=self._entry.title) from refusal
        raise action_error("transfer_rejected", reason=refusal.message, **placeholders) from refusal
