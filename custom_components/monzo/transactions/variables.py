"""Variables of a transaction for automations and templates."""

from typing import Any

from ..api import Transaction
from .record import TransactionRecord


def template_variables(
    transaction: Transaction, *, pot: str | None, own_transfer: bool
) -> dict[str, Any]:
    """Return the data of a transaction; see `record_variables`."""
    record = TransactionRecord.of(
        transaction, account_id=transaction.account_id or "", own_transfer=own_transfer
    )
    return record_variables(record, pot=pot)


def record_variables(record: TransactionRecord, *, pot: str | None) -> dict[str, Any]:
    """Return the data of a transaction for automations and templates, without nesting.

    Amounts are numbers in major units whose shortest form is exact; outgoing ones are negative.
    `pot` is the name of the pot on the other side of a transfer, if it is known.
    """
    abroad = record.local_amount
    return {
        "transaction_id": record.id,
        "name": record.payee or pot or record.description,
        "amount": float(record.amount.amount),
        "currency": record.currency,
        "local_amount": float(abroad.amount) if abroad else None,
        "local_currency": abroad.currency if abroad else None,
        "description": record.description,
        "merchant": record.merchant,
        "merchant_id": record.merchant_id,
        "merchant_group_id": record.merchant_group,
        "emoji": record.emoji,
        "logo": record.logo,
        "category": record.category,
        "categories": {category: float(part.amount) for category, part in record.parts.items()},
        "counts_as_spending": bool(record.spent),
        "notes": record.notes,
        "tags": sorted(record.tags),
        "counterparty": record.counterparty,
        "pot": pot,
        "pending": record.settled is None and not record.declined,
        "declined": record.declined,
        "decline_reason": record.decline_reason,
        "created": record.created.isoformat(),
        "settled": record.settled.isoformat() if record.settled else None,
    }
