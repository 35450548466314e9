"""The facts about a transaction that are kept."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.monzo.api import Money, Transaction
from custom_components.monzo.transactions.classification import TransactionKind
from custom_components.monzo.transactions.record import TransactionRecord


def record(*, own_transfer: bool = False, **changes: Any) -> TransactionRecord:
    """Return the record of a card payment with some changed fields."""
    transaction = Transaction.from_json(
        {
            "id": "tx_1",
            "created": "2026-11-09T14:15:01.328Z",
            "amount": -1_000,
            "currency": "GBP",
            "local_amount": -1_000,
            "local_currency": "GBP",
            "scheme": "mastercard",
            "merchant": {"id": "merch_1", "name": "Deli", "group_id": "grp_1", "emoji": "🥪"},
            "category": "groceries",
            "description": "DELI  LONDON",
            "notes": "lunch",
            "counterparty": {},
            "settled": "",
            **changes,
        }
    )
    return TransactionRecord.of(transaction, account_id="acc_1", own_transfer=own_transfer)


def test_a_record_has_the_payee_the_amount_and_the_spending_of_a_payment() -> None:
    payment = record()
    assert (payment.id, payment.account) == ("tx_1", "acc_1")
    assert payment.created == datetime(2026, 11, 9, 14, 15, 1, 328_000, UTC)
    assert payment.settled is None
    assert payment.amount == Money.from_minor(-1_000, "GBP")
    assert payment.local_amount is None
    assert payment.kind is TransactionKind.CARD_PAYMENT
    assert payment.split == {"groceries": -1_000}
    assert payment.spent == {"groceries": 1_000}
    assert payment.received == 0
    assert (payment.payee, payment.merchant_group, payment.emoji) == ("Deli", "grp_1", "🥪")
    assert (payment.description, payment.notes) == ("DELI LONDON", "lunch")
    assert not payment.declined


def test_a_payment_abroad_keeps_its_own_currency() -> None:
    abroad = record(local_amount=-150_000, local_currency="JPY")
    assert abroad.local_amount == Money.from_minor(-150_000, "JPY")


def test_a_split_payment_keeps_its_parts() -> None:
    parts = {"groceries": -400, "gifts": -600}
    split = record(categories=parts)
    assert split.split == parts
    assert split.spent == {"groceries": 400, "gifts": 600}


def test_a_declined_payment_is_kept_with_its_reason_and_counts_as_nothing() -> None:
    declined = record(decline_reason="INSUFFICIENT_FUNDS")
    assert declined.declined
    assert declined.decline_reason == "INSUFFICIENT_FUNDS"
    assert declined.kind is TransactionKind.DECLINED
    assert (declined.spent, declined.received) == ({}, 0)


def test_a_transfer_keeps_names_but_no_account_number() -> None:
    number, sort_code = "12345678", "040004"
    person = {
        "name": "Ben Baker",
        "user_id": "anonuser_1",
        "account_number": number,
        "sort_code": sort_code,
    }
    transfer = record(
        merchant="", scheme="payport_faster_payments", counterparty=person, metadata={"x": number}
    )
    assert (transfer.payee, transfer.payee_id) == ("Ben Baker", "anonuser_1")
    values = [str(getattr(transfer, field.name)) for field in fields(transfer)]
    assert not [value for value in values if number in value or sort_code in value]


def test_direct_debits_of_an_organisation_have_the_same_payee_id() -> None:
    collector = {"name": "Energy", "user_id": "anonuser_1", "service_user_number": "123456"}
    assert record(merchant="", scheme="bacs", counterparty=collector).payee_id == "123456"


def test_a_round_up_names_its_payment_and_its_pot() -> None:
    round_up = record(
        merchant="",
        scheme="uk_retail_pot",
        metadata={
            "external_id": "CoinJarRule:tx_0:pot_1",
            "pot_id": "pot_1",
            "trigger": "coin_jar",
        },
    )
    assert (round_up.round_up_of, round_up.pot_id) == ("tx_0", "pot_1")


TRANSFER: dict[str, Any] = {"merchant": "", "scheme": "payport_faster_payments"}

INCOME: dict[str, tuple[dict[str, Any], int]] = {
    "a salary": ({**TRANSFER, "include_in_spending": False}, 1_000),
    "interest": ({"merchant": "", "scheme": "account_interest"}, 1_000),
    "a refund": ({}, 0),
    "a shared bill paid back": ({**TRANSFER, "include_in_spending": True}, 0),
    "a pot withdrawal": ({"merchant": "", "scheme": "uk_retail_pot"}, 0),
    "a declined payment": ({**TRANSFER, "decline_reason": "OTHER"}, 0),
}


@pytest.mark.parametrize(("changes", "expected"), INCOME.values(), ids=INCOME)
def test_income_is_money_from_other_people(changes: dict[str, Any], expected: int) -> None:
    incoming = record(amount=1_000, **changes)
    assert incoming.received == expected


def test_income_is_neither_a_payment_nor_a_transfer_of_ones_own_money() -> None:
    assert record(**TRANSFER).received == 0
    own = record(amount=1_000, own_transfer=True, **TRANSFER)
    assert (own.received, own.spent) == (0, {})


def test_a_record_hides_its_contents_from_logs() -> None:
    assert repr(record()) == "<TransactionRecord>"
