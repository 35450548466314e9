"""Confirmation of a transfer whose answer was lost, by the transactions of its account."""

from datetime import timedelta
from typing import Final

from homeassistant.exceptions import OAuth2TokenRequestBaseError

from ..api import MonzoError
from ..bank import MonzoSession, action_error
from .models import Transfer
from .names import TransferNames

# How far the time of a recorded transfer may be ahead of the bank's clock: hours, if an earlier
# version dated it by a clock that was wrong. Reading a day of transactions costs no more requests
# than reading an hour.
CLOCK_TOLERANCE: Final = timedelta(days=1)


class TransferConfirmation:
    """Looks for transfers in the transactions of their accounts."""

    def __init__(self, session: MonzoSession, names: TransferNames) -> None:
        """Initialize the confirmation."""
        self._session = session
        self._names = names

    async def async_confirm(
        self, transfer: Transfer, batch_id: str, refusal: MonzoError | None
    ) -> None:
        """Return if the transactions show a transfer that is in doubt.

        Raises HomeAssistantError if they do not, or if they cannot be read. The transfer stays in
        doubt then, because the bank may list it later. `refusal` is the bank's answer to the last
        attempt, if it refused that; `batch_id` is the ID with which the user can repeat the call.
        """
        placeholders = {**self._names.placeholders(transfer.move), "dedupe_id": batch_id}
        since = min(transfer.asked_at, self._session.clock.now()) - CLOCK_TOLERANCE
        try:
            transactions = await self._session.all_transactions(
                transfer.move.account_id, since=since
            )
        except (MonzoError, OAuth2TokenRequestBaseError) as err:
            raise action_error("transfer_unconfirmed", **placeholders) from refusal or err
        if any(transfer.matches(transaction) for transaction in transactions):
            return
        if transactions.skipped:
            # The transfer may be the transaction that cannot be read.
            raise action_error("transfer_unconfirmed", **placeholders) from refusal
        placeholders["account"] = self._names.name_of(transfer.move.account_id)
        if refusal is None:
            raise action_error("transfer_not_found", **placeholders)
        placeholders["reason"] = refusal.message
        raise action_error("transfer_rejected_later", **placeholders) from refusal
