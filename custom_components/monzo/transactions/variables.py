"""Variables of a transaction for automations and templates."""

from typing import Any

from ..api import Transaction
from .classification import amount_by_category, counterparty_name
from .spending import spending_by_category


def template_variables(
    transaction: Transaction, *, pot: str | None, own_transfer: bool
) -> dict[str, Any]:
    """Return the data of a transaction for automations and templates: flat, with plain names.

    Amounts are numbers in major units whose shortest form is exact; negative when money goes out.
    `pot` is the name of the pot that the money went into or came from, if it is known.
    """
    abroad = transaction.local_amount
    if abroad is not None and abroad.currency == transaction.amount.currency:
        abroad = None
    merchant, counterparty = transaction.merchant, transaction.counterparty
    return {
        "transaction_id": transaction.id,
        "name": counterparty_name(transaction) or pot or transaction.description,
        "amount": float(transaction.amount.amount),
        "currency": transaction.amount.currency,
        "local_amount": float(abroad.amount) if abroad else None,
        "local_currency": abroad.currency if abroad else None,
        "description": transaction.description,
        "merchant": merchant.name if merchant else None,
        "merchant_id": transaction.merchant_id,
        "merchant_group_id": merchant.group_id if merchant else None,
        "emoji": merchant.emoji if merchant else None,
        "logo": merchant.logo if merchant else None,
        "category": transaction.category,
        "categories": {
            category: float(part.amount)
            for category, part in amount_by_category(transaction).items()
        },
        "counts_as_spending": bool(spending_by_category(transaction, own_transfer=own_transfer)),
        "notes": transaction.notes,
        "counterparty": counterparty.name if counterparty else None,
        "pot": pot,
        "pending": transaction.settled is None and not transaction.declined,
        "declined": transaction.declined,
        "decline_reason": transaction.decline_reason,
        "created": transaction.created.isoformat(),
        "settled": transaction.settled.isoformat() if transaction.settled else None,
    }
