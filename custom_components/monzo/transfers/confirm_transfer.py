"""Confirmation of transfers by the transactions of their account."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from homeassistant.exceptions import HomeAssistantError, OAuth2TokenRequestBaseError

from ..api import MonzoError, Records, Transaction
from ..bank import MonzoSession, action_error, validation_error
from .models import Transfer
from .names import TransferNames

# A recorded transfer may be dated this far ahead of the bank's clock, because earlier versions used
# a local clock that may have been wrong. Reading a day of transactions takes no more requests than
# reading an hour.
CLOCK_TOLERANCE: Final = timedelta(days=1)


class TransferConfirmer:
    """Looks for transfers in the transactions of their accounts."""

    def __init__(self, session: MonzoSession, names: TransferNames) -> None:
        """Initialize the confirmer."""
        self._session = session
        self._names = names

    async def async_find_earlier(self, transfer: Transfer, batch_id: str) -> Transaction | None:
        """Return the transaction of a transfer that the journal does not have.

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
        """Return the transaction of a transfer that the bank has accepted.

        If it is missing, the transactions are read again after each of the delays. Return None if
        they cannot be read. Raises HomeAssistantError if it is still missing in the end, because
        the bank also accepts an ID that was used before, without moving money.
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
        """Return the transaction of a transfer that is in doubt.

        Raises HomeAssistantError if there is none, or if the transactions cannot be read. In that
        case, the transfer stays in doubt, because the bank may list it later. `refusal` is the
        bank's answer to the last attempt, if it refused it; `batch_id` is the ID with which the
        user can repeat the call.
        """
        try:
            transactions = await self._async_read(transfer)
        except (MonzoError, OAuth2TokenRequestBaseError) as err:
            raise self.unconfirmed(transfer, batch_id) from refusal or err
        if (shown := next(filter(transfer.matches, transactions), None)) is not None:
            return shown
        if transactions.skipped:
            # The transaction that cannot be read may be the transfer.
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
        """Return the transactions of the account since just before the transfer was requested."""
        since = min(transfer.asked_at, self._session.clock.now()) - CLOCK_TOLERANCE
        return await self._session.all_transactions(transfer.move.account_id, since=since)
