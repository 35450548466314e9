from decimal import Decimal

import pytest

from custom_components.monzo.api import (
    Money,
    MonzoResponseError,
    Receipt,
    ReceiptItem,
    ReceiptMerchant,
    ReceiptPayment,
    ReceiptTax,
)

from .recorded_answers import recorded_answer


def gbp(minor: int) -> Money:
    """Return an amount in pounds, given in pence."""
    return Money.from_minor(minor, "GBP")


def test_a_recorded_receipt() -> None:
    receipt = Receipt.from_json(recorded_answer("receipt")["receipt"])
    assert receipt == Receipt(
        id="receipt_123ABC",
        external_id="123ABC",
        transaction_id="tx_123ABC",
        total=gbp(665),
        merchant=ReceiptMerchant(),
        items=(
            ReceiptItem(
                description="testing receipts",
                quantity=Decimal(1),
                amount=gbp(665),
                tax=gbp(0),
            ),
        ),
    )


BURGER = ReceiptItem(
    description="Burger",
    quantity=Decimal(1),
    amount=gbp(539),
    tax=gbp(77),
    sub_items=(
        ReceiptItem(description="Extra cheese", quantity=Decimal(1), amount=gbp(100), tax=gbp(0)),
        ReceiptItem(description="Promotion", amount=gbp(-100)),
    ),
)
RECEIPT = Receipt(
    transaction_id="tx_1",
    external_id="Order-12345678",
    total=gbp(579),
    items=(
        BURGER,
        ReceiptItem(description="Bananas", quantity=Decimal("0.3"), unit="kg", amount=gbp(30)),
    ),
    taxes=(ReceiptTax(description="VAT", amount=gbp(10), tax_number="945719291"),),
    payments=(
        ReceiptPayment(type="card", amount=gbp(500), last_four="0987"),
        ReceiptPayment(type="gift_card", amount=gbp(79), gift_card_type="One4all"),
    ),
    merchant=ReceiptMerchant(name="Diner", store_name="Old Street", phone="0", email="a@b.c"),
)


def test_the_json_of_a_receipt() -> None:
    assert RECEIPT.to_json() == {
        "transaction_id": "tx_1",
        "external_id": "Order-12345678",
        "total": 579,
        "currency": "GBP",
        "items": [
            {
                "description": "Burger",
                "quantity": 1,
                "amount": 539,
                "currency": "GBP",
                "tax": 77,
                "sub_items": [
                    {
                        "description": "Extra cheese",
                        "quantity": 1,
                        "amount": 100,
                        "currency": "GBP",
                        "tax": 0,
                    },
                    {"description": "Promotion", "amount": -100, "currency": "GBP"},
                ],
            },
            {
                "description": "Bananas",
                "quantity": 0.3,
                "unit": "kg",
                "amount": 30,
                "currency": "GBP",
            },
        ],
        "taxes": [
            {"description": "VAT", "amount": 10, "currency": "GBP", "tax_number": "945719291"}
        ],
        "payments": [
            {"type": "card", "amount": 500, "currency": "GBP", "last_four": "0987"},
            {"type": "gift_card", "amount": 79, "currency": "GBP", "gift_card_type": "One4all"},
        ],
        "merchant": {
            "name": "Diner",
            "online": False,
            "phone": "0",
            "email": "a@b.c",
            "store_name": "Old Street",
        },
    }


def test_a_receipt_may_lack_a_merchant() -> None:
    receipt = Receipt(transaction_id="tx_1", external_id="1", total=gbp(0), items=())
    assert receipt.to_json() == {
        "transaction_id": "tx_1",
        "external_id": "1",
        "total": 0,
        "currency": "GBP",
        "items": [],
        "taxes": [],
        "payments": [],
    }


def test_a_receipt_survives_sending_and_reading() -> None:
    assert Receipt.from_json(RECEIPT.to_json() | {"items": [BURGER.to_json()]}) == Receipt(
        transaction_id=RECEIPT.transaction_id,
        external_id=RECEIPT.external_id,
        total=RECEIPT.total,
        items=(BURGER,),
        taxes=RECEIPT.taxes,
        payments=RECEIPT.payments,
        merchant=RECEIPT.merchant,
    )


def test_sub_items_have_no_sub_items() -> None:
    nested: dict[str, object] = BURGER.to_json()
    for _ in range(5000):
        nested = BURGER.to_json() | {"sub_items": [nested]}
    item = ReceiptItem.from_json(nested)
    assert item.sub_items[0].sub_items == ()


@pytest.mark.parametrize("part", ["items", "taxes", "payments"])
def test_a_receipt_with_an_unreadable_line_cannot_be_read(part: str) -> None:
    with pytest.raises(MonzoResponseError):
        Receipt.from_json(RECEIPT.to_json() | {part: [{"description": "?"}]})
