"""What kind of thing each transaction is, by every shape that is on record."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.monzo.api import Transaction
from custom_components.monzo.kinds import (
    FEE_SCHEMES,
    TransactionKind,
    transaction_as_dict,
    transaction_kind,
)
from sandbox.bank import Bank
from sandbox.home import Home
from sandbox.shapes import documented_transaction_json, transaction_json

# Parts of recorded transactions that say what they are.
CARD = {"scheme": "mastercard", "metadata": {"mcc": "5812"}, "merchant": "merch_1"}
FASTER = {"scheme": "payport_faster_payments", "counterparty": {"name": "A N Other"}}
POT = {"scheme": "uk_retail_pot", "metadata": {"pot_id": "pot_1", "trigger": "user"}}
ROUND_UP = {"scheme": "uk_retail_pot", "metadata": {"pot_id": "pot_1", "trigger": "coin_jar"}}

SHAPES: dict[str, tuple[TransactionKind, int, dict[str, Any]]] = {
    "a card payment": (TransactionKind.CARD_PAYMENT, -2_775, CARD),
    "a declined one": (
        TransactionKind.DECLINED,
        -5_000,
        {**CARD, "decline_reason": "SCA_NOT_AUTHENTICATED_CARD_NOT_PRESENT"},
    ),
    "a check of the card": (TransactionKind.OTHER, 0, CARD),
    "a refund": (TransactionKind.REFUND, 899, CARD),
    "a faster payment in": (TransactionKind.INCOMING_PAYMENT, 100, FASTER),
    "a faster payment out": (TransactionKind.OUTGOING_PAYMENT, -100, FASTER),
    "a round-up": (TransactionKind.ROUND_UP, -1, ROUND_UP),
    "a pot deposit": (TransactionKind.POT_DEPOSIT, -1_480, POT),
    "a pot withdrawal": (TransactionKind.POT_WITHDRAWAL, 1_480, POT),
    "a direct debit": (TransactionKind.DIRECT_DEBIT, -8_450, {"scheme": "bacs"}),
    "a salary by Bacs": (TransactionKind.INCOMING_PAYMENT, 265_000, {"scheme": "bacs"}),
    "interest": (TransactionKind.FEE_OR_INTEREST, 12, {"scheme": "account_interest"}),
    "a top-up": (TransactionKind.INCOMING_PAYMENT, 10_000, {"scheme": "topup", "is_load": True}),
    "a top-up of a prepaid card": (
        TransactionKind.INCOMING_PAYMENT,
        10_000,
        {"scheme": "gps_mastercard", "is_load": True, "category": "mondo"},
    ),
    "a business's pot deposit": (
        TransactionKind.POT_DEPOSIT,
        -1_480,
        {**POT, "scheme": "uk_business_pot"},
    ),
    "a purchase with Flex": (
        TransactionKind.CARD_PAYMENT,
        -12_000,
        {"scheme": "monzo_flex", "merchant": "merch_1"},
    ),
    "a payment of Flex's instalments": (TransactionKind.OTHER, 4_000, {"scheme": "monzo_flex"}),
    "an unknown scheme": (TransactionKind.OTHER, -1, {"scheme": "barter"}),
    "nothing to go by": (TransactionKind.OTHER, -1, {}),
}


def row(amount: int, **parts: Any) -> Transaction:
    """Return a transaction as the bank writes it, with these parts."""
    return Transaction.from_json(
        {
            "id": "tx_1",
            "account_id": "acc_1",
            "created": "2022-08-09T14:15:01.328Z",
            "description": "Something",
            "amount": amount,
            "currency": "GBP",
            "local_amount": amount,
            "local_currency": "GBP",
            "category": "general",
            "merchant": None,
            "notes": "",
            "metadata": {},
            "settled": "",
            **parts,
        }
    )


RECORDED = Path(__file__).parent / "api/shapes"

# By the file of the recording, the kind of each transaction in it.
RECORDINGS = {
    "faster_payment": [TransactionKind.INCOMING_PAYMENT],
    "round_up": [TransactionKind.ROUND_UP],
    "transaction_expanded": [TransactionKind.CARD_PAYMENT],
    "transactions_unexpanded": [TransactionKind.CARD_PAYMENT],
    "webhook_documented": [TransactionKind.CARD_PAYMENT],
}


@pytest.mark.parametrize(("name", "kinds"), RECORDINGS.items(), ids=RECORDINGS)
def test_every_recording_has_its_kind(name: str, kinds: list[TransactionKind]) -> None:
    recording = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    rows = recording.get("transactions") or [
        recording.get("transaction") or recording.get("data") or recording
    ]
    assert [transaction_kind(Transaction.from_json(row)) for row in rows] == kinds


@pytest.mark.parametrize("scheme", sorted(FEE_SCHEMES))
def test_what_the_bank_takes_or_gives_is_a_fee_or_interest(scheme: str) -> None:
    for amount in (-500, 500):
        assert transaction_kind(row(amount, scheme=scheme)) is TransactionKind.FEE_OR_INTEREST


@pytest.mark.parametrize(("kind", "amount", "parts"), SHAPES.values(), ids=SHAPES)
def test_every_recorded_shape_has_its_kind(
    kind: TransactionKind, amount: int, parts: dict[str, Any]
) -> None:
    assert transaction_kind(row(amount, **parts)) is kind


def test_everything_that_the_sandbox_does_has_its_kind(home: Home, bank: Bank) -> None:
    account, pot = home.current.id, home.holiday.id
    seen: list[Any] = []
    bank.on_transaction(seen.append)
    bank.pay(account, -350)
    bank.decline(account, -350)
    bank.refund(account, 350)
    bank.withdraw_cash(account, -5_000)
    bank.withdraw_cash(account, -5_150, fee=150)
    bank.receive(account, 100)
    bank.direct_debit(account, -100)
    bank.interest(account, 3)
    bank.p2p(account, home.bens.id, 250)
    bank.deposit(pot, account, 100, "in")
    bank.withdraw(pot, account, 100, "out")

    kinds = [
        transaction_kind(Transaction.from_json(transaction_json(it, expand_merchant=True)))
        for it in seen
    ]
    assert kinds == [
        TransactionKind.CARD_PAYMENT,
        TransactionKind.ROUND_UP,
        TransactionKind.DECLINED,
        TransactionKind.REFUND,
        TransactionKind.CASH_WITHDRAWAL,
        TransactionKind.CASH_WITHDRAWAL,
        TransactionKind.INCOMING_PAYMENT,
        TransactionKind.DIRECT_DEBIT,
        TransactionKind.FEE_OR_INTEREST,
        TransactionKind.OUTGOING_PAYMENT,
        TransactionKind.INCOMING_PAYMENT,
        TransactionKind.POT_DEPOSIT,
        TransactionKind.POT_WITHDRAWAL,
    ]


def test_the_documented_example_is_a_card_payment(home: Home, bank: Bank) -> None:
    paid = bank.pay(home.joint.id, -350)
    short = Transaction.from_json(documented_transaction_json(paid))
    assert transaction_kind(short) is TransactionKind.CARD_PAYMENT


def test_amounts_are_signed_numbers_and_those_abroad_have_their_own_currency() -> None:
    abroad = row(-8_438, local_amount=-382_685, local_currency="THB", **CARD)
    told = transaction_as_dict(abroad, None)
    assert (told["amount"], told["currency"]) == (-84.38, "GBP")
    assert (told["local_amount"], told["local_currency"]) == (-3_826.85, "THB")
    at_home = transaction_as_dict(row(-350, **CARD), None)
    assert (at_home["local_amount"], at_home["local_currency"]) == (None, None)


def told_of(made: Any, pot: str | None = None) -> dict[str, Any]:
    """Return what is told of a row of the bank."""
    data = transaction_json(made, expand_merchant=True)
    return transaction_as_dict(Transaction.from_json(data), pot)


def test_what_there_is_to_tell_is_flat_and_has_plain_names(home: Home, bank: Bank) -> None:
    paid = bank.pay(home.joint.id, -350, merchant="Deli", notes="lunch", pending=False)
    told = told_of(paid)
    assert told["transaction_id"] == paid.id
    assert (told["merchant"], told["notes"], told["category"]) == ("Deli", "lunch", paid.category)
    assert paid.merchant is not None
    assert (told["merchant_id"], told["merchant_group_id"], told["logo"], told["emoji"]) == (
        paid.merchant.id,
        paid.merchant.group_id,
        paid.merchant.logo or None,
        paid.merchant.emoji,
    )
    assert told["settled"] is not None
    assert abs(paid.created - bank.clock()) < timedelta(minutes=1)
    assert not [value for value in told.values() if isinstance(value, (dict, list))]


def test_a_name_says_who_or_what_it_was_with(home: Home, bank: Bank) -> None:
    account, pot = home.joint.id, home.house
    assert told_of(bank.pay(account, -350, merchant="Deli"))["name"] == "Deli"
    assert told_of(bank.receive(account, 100, sender="Ann Archer"))["name"] == "Ann Archer"
    assert told_of(bank.interest(account, 3))["name"] == "Interest"
    bank.deposit(pot.id, account, 100, "in")
    moved = bank.transactions(account)[-1]
    assert (told_of(moved, pot.name)["name"], told_of(moved, pot.name)["pot"]) == ("House", "House")
    assert told_of(moved)["name"] == moved.description


def test_a_payment_is_pending_until_it_settles_and_never_when_declined(
    home: Home, bank: Bank
) -> None:
    waiting = bank.pay(home.joint.id, -350)
    assert (told_of(waiting)["pending"], told_of(waiting)["declined"]) == (True, False)
    bank.settle(waiting.id)
    assert told_of(waiting)["pending"] is False
    tried = told_of(bank.decline(home.joint.id, -350, reason="CARD_BLOCKED"))
    assert (tried["pending"], tried["declined"]) == (False, True)
    assert tried["decline_reason"] == "CARD_BLOCKED"
