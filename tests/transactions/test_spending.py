"""Spending by category, for each kind of transaction."""

from itertools import product
from typing import Any

import pytest

from custom_components.monzo.api import Transaction
from custom_components.monzo.transactions.spending import spending_by_category

CARD = {"scheme": "mastercard", "merchant": "merch_1", "category": "groceries"}

CASES: dict[str, tuple[int, dict[str, Any], dict[str, int]]] = {
    "a card payment": (-1_000, CARD, {"groceries": 1_000}),
    "a refund": (1_000, CARD, {"groceries": -1_000}),
    "a payment without a category": (-1_000, {**CARD, "category": ""}, {"general": 1_000}),
    "a split payment": (
        -1_000,
        {**CARD, "categories": {"groceries": -400, "gifts": -600}},
        {"groceries": 400, "gifts": 600},
    ),
    "a split payment with a wrong sum": (
        -1_000,
        {**CARD, "categories": {"gifts": -600}},
        {"groceries": 1_000},
    ),
    "a card check": (0, CARD, {}),
    "a declined payment": (-1_000, {**CARD, "decline_reason": "CARD_BLOCKED"}, {}),
    "a payment excluded by the user": (-1_000, {**CARD, "include_in_spending": False}, {}),
    "a bank transfer to a person": (
        -1_000,
        {"scheme": "payport_faster_payments", "category": "transfers"},
        {"transfers": 1_000},
    ),
    "an unmarked credit": (1_000, {"scheme": "bacs", "category": "bills"}, {}),
    "a refunded direct debit": (
        1_000,
        {"scheme": "bacs", "category": "bills", "include_in_spending": True},
        {"bills": -1_000},
    ),
    "a shared bill paid back": (
        1_000,
        {
            "scheme": "monzo_to_monzo",
            "category": "eating_out",
            "categories": {"eating_out": 700, "entertainment": 300},
            "include_in_spending": True,
        },
        {"eating_out": -700, "entertainment": -300},
    ),
    "a refund excluded by the user": (1_000, {**CARD, "include_in_spending": False}, {}),
    "a marked pot withdrawal": (
        1_000,
        {"scheme": "uk_retail_pot", "category": "savings", "include_in_spending": True},
        {},
    ),
    "income": (1_000, {"scheme": "payport_faster_payments", "category": "income"}, {}),
    "a pot deposit": (-1_000, {"scheme": "uk_retail_pot", "category": "savings"}, {}),
    "a pot withdrawal": (1_000, {"scheme": "uk_retail_pot", "category": "savings"}, {}),
    "a round-up": (
        -50,
        {"scheme": "uk_retail_pot", "category": "savings", "metadata": {"trigger": "coin_jar"}},
        {},
    ),
    "a fee": (-150, {"scheme": "overdraft", "category": "bills"}, {"bills": 150}),
    "interest": (150, {"scheme": "account_interest", "category": "income"}, {}),
}


@pytest.mark.parametrize(("amount", "fields", "expected"), CASES.values(), ids=CASES)
def test_spending_of_each_kind_of_transaction(
    amount: int, fields: dict[str, Any], expected: dict[str, int]
) -> None:
    transaction = Transaction.from_json(
        {
            "id": "tx_1",
            "created": "2026-11-09T14:15:01.328Z",
            "amount": amount,
            "currency": "GBP",
            **fields,
        }
    )
    spending = spending_by_category(transaction, own_transfer=False)
    assert {category: spent.minor for category, spent in spending.items()} == expected


def test_a_transfer_between_accounts_of_one_person_is_never_spending() -> None:
    for amount, include in product((-1_000, 1_000), (True, False)):
        transaction = Transaction.from_json(
            {
                "id": "tx_1",
                "created": "2026-11-09T14:15:01.328Z",
                "amount": amount,
                "currency": "GBP",
                "scheme": "p2p_payment",
                "include_in_spending": include,
            }
        )
        assert spending_by_category(transaction, own_transfer=True) == {}
