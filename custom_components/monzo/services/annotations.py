"""The action that writes notes and metadata on a transaction."""

from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..bank import bank_errors, validation_error
from .action import ATTR_ACCOUNT, ATTR_TRANSACTION_ID, Action, async_account
from .fields import MONZO_ID, TEXT

ATTR_METADATA: Final = "metadata"
ATTR_NOTES: Final = "notes"

SERVICE_ANNOTATE_TRANSACTION: Final = "annotate_transaction"

ANNOTATE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): cv.string,
        vol.Required(ATTR_TRANSACTION_ID): MONZO_ID,
        vol.Optional(ATTR_NOTES): cv.string,
        vol.Optional(ATTR_METADATA): {TEXT: cv.string},
    }
)


async def _async_annotate_transaction(call: ServiceCall) -> ServiceResponse:
    """Write notes and metadata. Return the values that the bank has stored."""
    target = await async_account(call)
    texts: dict[str, str] = {**call.data.get(ATTR_METADATA, {})}
    if ATTR_NOTES in call.data:
        texts[ATTR_NOTES] = call.data[ATTR_NOTES]
    if not texts:
        raise validation_error("nothing_to_annotate")
    session = target.runtime.session
    async with bank_errors(call.hass, target.entry, call.data[ATTR_TRANSACTION_ID]):
        transaction = await session.transaction(call.data[ATTR_TRANSACTION_ID])
        if transaction.account_id not in (target.account.id, None):
            raise validation_error(
                "not_the_accounts_transaction",
                transaction_id=transaction.id,
                account=target.name,
            )
        stored = await session.annotate_transaction(transaction.id, texts)
    await target.runtime.transactions.async_note_notes(target.account.id, stored.id, stored.notes)
    return {
        "transaction_id": stored.id,
        "account_id": target.account.id,
        "notes": stored.notes,
        "metadata": {key: stored.metadata[key] for key in texts if key in stored.metadata},
    }


ACTIONS: Final = (
    Action(
        name=SERVICE_ANNOTATE_TRANSACTION,
        handler=_async_annotate_transaction,
        schema=ANNOTATE_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    ),
)
