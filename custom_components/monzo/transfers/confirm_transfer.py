"""Confirms by the transactions of an account that a transfer was made."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from homeassistant.exceptions import HomeAssistantError, OAuth2TokenRequestBaseError

from ..api import MonzoError, Records, Transaction
from ..bank import MonzoSession, action_error, validation_error
from .models import Transfer
from .names import TransferNames

# How far the time of a recorded transfer may be ahead of the bank's clock: hours, if an earlier
# version dated it by a clock that was wrong. Reading a day of transactions costs no more requests
# than reading an hour.
CLOCK_TOLERANCE: Final = timedelta(days=1)


class TransferConfirmer:
    """Looks for transfers in the transactions of their accounts."""

    def __init__(self, session: MonzoSession, names: TransferNames) -> None:
        """Initialize the confirmer."""
        self._session = session
        self._names = names

    async def async_find_earlier(self, transfer: Transfer, batch_id: str) -> Transaction | None:
        """Return the transaction that shows a transfer which the journal does not know.

        Return None if there is none within the last day. Raises ServiceValidationError if another
        transfer was made with the same ID, and MonzoError or an OAuth error of Home Assistant if
        the transactions cannot be read.
        """
        transactions = await self._async_read(transfer)
        with_this_id = [each for each in transactions if transfer.has_id_of(each)]
        shown = next(filter(transfer.matches, with_this_id), None)
        if with_this_id and shown is None:
            raise validation_error("dedupe_id_reused", dedupe_id=batch_id)
        return shown

    async def async_prove(
        self, transfer: Transfer, batch_id: str, delays: Iterable[timedelta]
    ) -> Transaction | None:
        """Return the transaction that shows a transfer which the bank has accepted.

        If it is not there, the transactions are read again after each of the delays. Return None if
        they cannot be read. Raises HomeAssistantError if it is not there in the end, because the
        bank also accepts an ID that was used before, and moves nothing then.
        """
        for delay in (timedelta(0), *delays):
            await asyncio.sleep(delay.total_seconds())
            try:
                transactions = await self._async_read(transfer)
            except MonzoError, OAuth2TokenRequestBaseError:
                return None
            if (shown := next(filter(transfer.matches, transactions), None)) is not None:
                return shown
        raise action_error(
            "transfer_not_shown",
            **self._names.placeholders(transfer.move),
            account=self._names.name_of(transfer.move.account_id),
            dedupe_id=batch_id,
        )

    async def async_confirm(
        self, transfer: Transfer, batch_id: str, refusal: MonzoError | None = None
    ) -> Transaction:
        """Return the transaction that shows a transfer which is in doubt.

        Raises HomeAssistantError if there is none, or if the transactions cannot be read. The
        transfer stays in doubt then, because the bank may list it later. `refusal` is the bank's
        answer to the last attempt, if it refused that; `batch_id` is the ID with which the user can
        repeat the call.
        """
        try:
            transactions = await self._async_read(transfer)
        except (MonzoError, OAuth2TokenRequestBaseError) as err:
            raise self.unconfirmed(transfer, batch_id) from refusal or err
        if (shown := next(filter(transfer.matches, transactions), None)) is not None:
            return shown
        if transactions.skipped:
            # The transfer may be the transaction that cannot be read.
            raise self.unconfirmed(transfer, batch_id) from refusal
        placeholders = {**self._names.placeholders(transfer.move), "dedupe_id": batch_id}
        placeholders["account"] = self._names.name_of(transfer.move.account_id)
        if refusal is None:
            raise action_error("transfer_not_found", **placeholders)
        placeholders["reason"] = refusal.message
        raise action_error("transfer_rejected_later", **placeholders) from refusal

    def unconfirmed(self, transfer: Transfer, batch_id: str) -> HomeAssistantError:
        """Return the error for a transfer whose account could not be read."""
        placeholders = self._names.placeholders(transfer.move)
        return action_error("transfer_unconfirmed", **placeholders, dedupe_id=batch_id)

    async def _async_read(self, transfer: Transfer) -> Records[Transaction]:
        """Return the transactions of the account from before the transfer was requested on."""
        since = min(transfer.asked_at, self._session.clock.now()) - CLOCK_TOLERANCE
        return await self._session.all_transactions(transfer.move.account_id, since=since)
