"""What counts as spending, and under which category."""

from typing import Any

import pytest

from custom_components.monzo.api import Transaction
from custom_components.monzo.transactions.spending import spending_by_category

CARD = {"scheme": "mastercard", "merchant": "merch_1", "category": "groceries"}

ROWS: dict[str, tuple[int, dict[str, Any], dict[str, int]]] = {
    "a card payment": (-1_000, CARD, {"groceries": 1_000}),
    "a refund": (1_000, CARD, {"groceries": -1_000}),
    "one without a category": (-1_000, {**CARD, "category": ""}, {"general": 1_000}),
    "a split one": (
        -1_000,
        {**CARD, "categories": {"groceries": -400, "gifts": -600}},
        {"groceries": 400, "gifts": 600},
    ),
    "one whose parts are not the whole": (
        -1_000,
        {**CARD, "categories": {"gifts": -600}},
        {"groceries": 1_000},
    ),
    "a check of the card": (0, CARD, {}),
    "a declined one": (-1_000, {**CARD, "decline_reason": "CARD_BLOCKED"}, {}),
    "one that the owner leaves out": (-1_000, {**CARD, "include_in_spending": False}, {}),
    "a transfer to somebody": (
        -1_000,
        {"scheme": "payport_faster_payments", "category": "transfers"},
        {"transfers": 1_000},
    ),
    "income": (1_000, {"scheme": "payport_faster_payments", "category": "income"}, {}),
    "into a pot": (-1_000, {"scheme": "uk_retail_pot", "category": "savings"}, {}),
    "out of a pot": (1_000, {"scheme": "uk_retail_pot", "category": "savings"}, {}),
    "spare change": (
        -50,
        {"scheme": "uk_retail_pot", "category": "savings", "metadata": {"trigger": "coin_jar"}},
        {},
    ),
    "a fee": (-150, {"scheme": "overdraft", "category": "bills"}, {"bills": 150}),
    "interest": (150, {"scheme": "account_interest", "category": "income"}, {}),
}


@pytest.mark.parametrize(("amount", "parts", "expected"), ROWS.values(), ids=ROWS)
def test_every_kind_of_money_counts_as_it_should(
    amount: int, parts: dict[str, Any], expected: dict[str, int]
) -> None:
    transaction = Transaction.from_json(
        {
            "id": "tx_1",
            "created": "2026-11-09T14:15:01.328Z",
            "amount": amount,
            "currency": "GBP",
            **parts,
        }
    )
    assert {
        category: part.minor for category, part in spending_by_category(transaction).items()
    } == expected
