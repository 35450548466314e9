"""The repair issue for money that left one pot and has not reached the other one."""

from hashlib import sha256
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..amounts import format_amount
from ..const import DOMAIN, TROUBLESHOOTING_URL
from .journal import TransferJournal
from .models import TransferBatch
from .names import TransferNames

ISSUE_BETWEEN_POTS: Final = "money_between_pots"


@callback
def async_update_issue(
    journal: TransferJournal, names: TransferNames, batch: TransferBatch
) -> None:
    """Create the issue of a batch if its money is between pots; otherwise delete it."""
    # Diagnostics show the ID of an issue, so it has a hash instead of the user's own ID.
    digest = sha256(batch.dedupe_id.encode()).hexdigest()
    issue_id = f"{_issue_id_prefix(journal.entry_id)}{digest}"
    if not journal.has_money_between_pots(batch):
        ir.async_delete_issue(journal.hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        journal.hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        learn_more_url=TROUBLESHOOTING_URL,
        severity=ir.IssueSeverity.ERROR,
        translation_key=ISSUE_BETWEEN_POTS,
        translation_placeholders=placeholders_between_pots(names, batch),
    )


@callback
def placeholders_between_pots(names: TransferNames, batch: TransferBatch) -> dict[str, str]:
    """Return the placeholders of messages about a batch from one pot to another one."""
    withdrawal, deposit = batch.moves.values()
    return {
        "amount": format_amount(withdrawal.amount),
        "source": names.name_of(withdrawal.pot_id),
        "destination": names.name_of(deposit.pot_id),
        "account": names.name_of(withdrawal.account_id),
        "dedupe_id": batch.dedupe_id,
    }


@callback
def async_delete_issues(hass: HomeAssistant, entry_id: str) -> None:
    """Delete the issues of a config entry that is removed."""
    prefix = _issue_id_prefix(entry_id)
    for domain, issue_id in tuple(ir.async_get(hass).issues):
        if domain == DOMAIN and issue_id.startswith(prefix):
            ir.async_delete_issue(hass, domain, issue_id)


def _issue_id_prefix(entry_id: str) -> str:
    return f"{ISSUE_BETWEEN_POTS}_{entry_id}_"
