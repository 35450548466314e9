"""Transaction kinds and template variables, for recorded and sandbox transactions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from custom_components.monzo.api import Account, Transaction
from custom_components.monzo.transactions.classification import (
    TransactionKind,
    is_own_transfer,
    transaction_kind,
)
from custom_components.monzo.transactions.variables import template_variables
from sandbox import models
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.serializers import account_json, documented_transaction_json, transaction_json
from tests.api.recorded_answers import recorded_answer, recorded_payment

# Fields of recorded transactions that decide the kind.
CARD = {"scheme": "mastercard", "metadata": {"mcc": "5812"}, "merchant": "merch_1"}
FASTER_PAYMENT = {"scheme": "payport_faster_payments", "counterparty": {"name": "A N Other"}}
POT = {"scheme": "uk_retail_pot", "metadata": {"pot_id": "pot_1", "trigger": "user"}}
ROUND_UP = {"scheme": "uk_retail_pot", "metadata": {"pot_id": "pot_1", "trigger": "coin_jar"}}

CASES: dict[str, tuple[TransactionKind, int, dict[str, Any]]] = {
    "a card payment": (TransactionKind.CARD_PAYMENT, -2_775, CARD),
    "a declined payment": (
        TransactionKind.DECLINED,
        -5_000,
        {**CARD, "decline_reason": "SCA_NOT_AUTHENTICATED_CARD_NOT_PRESENT"},
    ),
    "a card check": (TransactionKind.OTHER, 0, CARD),
    "a refund": (TransactionKind.REFUND, 899, CARD),
    "a faster payment in": (TransactionKind.INCOMING_PAYMENT, 100, FASTER_PAYMENT),
    "a faster payment out": (TransactionKind.OUTGOING_PAYMENT, -100, FASTER_PAYMENT),
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
    "an instalment of Flex": (TransactionKind.OTHER, 4_000, {"scheme": "monzo_flex"}),
    "an unknown scheme": (TransactionKind.OTHER, -1, {"scheme": "barter"}),
    "no scheme": (TransactionKind.OTHER, -1, {}),
}


def transaction_with(amount: int, **fields: Any) -> Transaction:
    """Return a transaction parsed from the bank's JSON format, with the given fields."""
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
            **fields,
        }
    )


# Complete recorded transactions.
RECORDINGS: dict[str, tuple[TransactionKind, Any]] = {
    "a faster payment": (TransactionKind.INCOMING_PAYMENT, recorded_answer("faster_payment")),
    "a round-up": (TransactionKind.ROUND_UP, recorded_answer("round_up")),
    "a pot deposit of 2024": (TransactionKind.POT_DEPOSIT, recorded_answer("pot_deposit")),
    "a top-up of 2017": (TransactionKind.INCOMING_PAYMENT, recorded_answer("top_up")),
    "a merchant": (
        TransactionKind.CARD_PAYMENT,
        recorded_answer("transaction_expanded")["transaction"],
    ),
    "only the merchant's ID": (
        TransactionKind.CARD_PAYMENT,
        recorded_answer("transactions_unexpanded")["transactions"][0],
    ),
    "the documented delivery": (
        TransactionKind.CARD_PAYMENT,
        recorded_answer("webhook_documented")["data"],
    ),
    "baht, on a trip, with a virtual card": (
        TransactionKind.CARD_PAYMENT,
        recorded_payment("abroad_thb"),
    ),
    "dollars in 2018": (TransactionKind.CARD_PAYMENT, recorded_payment("abroad_usd")),
    "declined": (TransactionKind.DECLINED, recorded_payment("declined")),
}


@pytest.mark.parametrize(("kind", "recorded"), RECORDINGS.values(), ids=RECORDINGS)
def test_recorded_transactions_have_the_right_kind(kind: TransactionKind, recorded: Any) -> None:
    assert transaction_kind(Transaction.from_json(recorded)) is kind


# All schemes that Monzo documents and one of prepaid cards: the kinds of outgoing and incoming
# transactions without a merchant or metadata.
BY_SCHEME: dict[str, tuple[TransactionKind, TransactionKind]] = {
    "3dsecure": (TransactionKind.OTHER, TransactionKind.OTHER),
    "account_interest": (TransactionKind.FEE_OR_INTEREST, TransactionKind.FEE_OR_INTEREST),
    "bacs": (TransactionKind.DIRECT_DEBIT, TransactionKind.INCOMING_PAYMENT),
    "card_delivery": (TransactionKind.FEE_OR_INTEREST, TransactionKind.FEE_OR_INTEREST),
    "chaps": (TransactionKind.OUTGOING_PAYMENT, TransactionKind.INCOMING_PAYMENT),
    "collections_settlement": (TransactionKind.OTHER, TransactionKind.OTHER),
    "emergency_cash": (TransactionKind.CASH_WITHDRAWAL, TransactionKind.OTHER),
    "faster_payments": (TransactionKind.OUTGOING_PAYMENT, TransactionKind.INCOMING_PAYMENT),
    "gps_mastercard": (TransactionKind.CARD_PAYMENT, TransactionKind.REFUND),
    "instalment_loan": (TransactionKind.OTHER, TransactionKind.OTHER),
    "ledger_adjustment": (TransactionKind.OTHER, TransactionKind.OTHER),
    "locked_money": (TransactionKind.OTHER, TransactionKind.OTHER),
    "mastercard": (TransactionKind.CARD_PAYMENT, TransactionKind.REFUND),
    "monzo_business_account_billing": (
        TransactionKind.FEE_OR_INTEREST,
        TransactionKind.FEE_OR_INTEREST,
    ),
    "monzo_flex": (TransactionKind.OTHER, TransactionKind.OTHER),
    "monzo_paid": (TransactionKind.FEE_OR_INTEREST, TransactionKind.FEE_OR_INTEREST),
    "overdraft": (TransactionKind.FEE_OR_INTEREST, TransactionKind.FEE_OR_INTEREST),
    "p2p_payment": (TransactionKind.OUTGOING_PAYMENT, TransactionKind.INCOMING_PAYMENT),
    "payport_faster_payments": (
        TransactionKind.OUTGOING_PAYMENT,
        TransactionKind.INCOMING_PAYMENT,
    ),
    "rbs_cheque": (TransactionKind.OUTGOING_PAYMENT, TransactionKind.INCOMING_PAYMENT),
    "sepa": (TransactionKind.OUTGOING_PAYMENT, TransactionKind.INCOMING_PAYMENT),
    "signup_referral": (TransactionKind.FEE_OR_INTEREST, TransactionKind.FEE_OR_INTEREST),
    "spread_the_cost": (TransactionKind.OTHER, TransactionKind.OTHER),
    "monzo_to_monzo": (TransactionKind.OUTGOING_PAYMENT, TransactionKind.INCOMING_PAYMENT),
    "topup": (TransactionKind.OUTGOING_PAYMENT, TransactionKind.INCOMING_PAYMENT),
    "uk_business_pot": (TransactionKind.POT_DEPOSIT, TransactionKind.POT_WITHDRAWAL),
    "uk_cash_deposits_paypoint": (
        TransactionKind.OUTGOING_PAYMENT,
        TransactionKind.INCOMING_PAYMENT,
    ),
    "uk_retail_pot": (TransactionKind.POT_DEPOSIT, TransactionKind.POT_WITHDRAWAL),
}


@pytest.mark.parametrize(("scheme", "kinds"), BY_SCHEME.items(), ids=BY_SCHEME)
def test_the_scheme_and_sign_of_the_amount_decide_the_kind(
    scheme: str, kinds: tuple[TransactionKind, TransactionKind]
) -> None:
    assert (
        transaction_kind(transaction_with(-500, scheme=scheme)),
        transaction_kind(transaction_with(500, scheme=scheme)),
    ) == kinds


@pytest.mark.parametrize(("kind", "amount", "fields"), CASES.values(), ids=CASES)
def test_recorded_fields_decide_the_kind(
    kind: TransactionKind, amount: int, fields: dict[str, Any]
) -> None:
    assert transaction_kind(transaction_with(amount, **fields)) is kind


def test_sandbox_transactions_have_the_right_kind(home: Household, bank: Bank) -> None:
    account, pot = home.current.id, home.holiday.id
    transactions: list[Any] = []
    bank.on_transaction(transactions.append)
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
        transaction_kind(Transaction.from_json(transaction_json(transaction, expand_merchant=True)))
        for transaction in transactions
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


def test_the_documented_example_is_a_card_payment(home: Household, bank: Bank) -> None:
    payment = bank.pay(home.joint.id, -350)
    documented = Transaction.from_json(documented_transaction_json(payment))
    assert transaction_kind(documented) is TransactionKind.CARD_PAYMENT


def test_amounts_are_signed_and_foreign_payments_have_a_local_amount() -> None:
    abroad = transaction_with(-8_438, local_amount=-382_685, local_currency="THB", **CARD)
    variables = template_variables(abroad, pot=None, own_transfer=False)
    assert (variables["amount"], variables["currency"]) == (-84.38, "GBP")
    assert (variables["local_amount"], variables["local_currency"]) == (-3_826.85, "THB")
    at_home = template_variables(transaction_with(-350, **CARD), pot=None, own_transfer=False)
    assert (at_home["local_amount"], at_home["local_currency"]) == (None, None)


def variables_of(transaction: Any, pot: str | None = None) -> dict[str, Any]:
    """Return the template variables of a sandbox transaction."""
    data = transaction_json(transaction, expand_merchant=True)
    return template_variables(Transaction.from_json(data), pot=pot, own_transfer=False)


def test_template_variables_are_flat(home: Household, bank: Bank) -> None:
    payment = bank.pay(home.joint.id, -350, merchant="Deli", notes="lunch", pending=False)
    variables = variables_of(payment)
    assert variables["transaction_id"] == payment.id
    assert (variables["merchant"], variables["notes"], variables["category"]) == (
        "Deli",
        "lunch",
        payment.category,
    )
    assert payment.merchant is not None
    assert (
        variables["merchant_id"],
        variables["merchant_group_id"],
        variables["logo"],
        variables["emoji"],
    ) == (
        payment.merchant.id,
        payment.merchant.group_id,
        payment.merchant.logo or None,
        payment.merchant.emoji,
    )
    assert variables["settled"] is not None
    assert abs(payment.created - bank.clock()) < timedelta(minutes=1)
    assert [name for name, value in variables.items() if isinstance(value, (dict, list))] == [
        "categories",
        "tags",
    ]


def test_variables_contain_whether_and_in_which_categories_a_transaction_counts() -> None:
    split = {"category": "groceries", "categories": {"groceries": -300, "gifts": -50}}
    payment = transaction_with(-350, **CARD, **split)
    income = transaction_with(350, scheme="bacs")
    for transaction, own_transfer, counts, categories in (
        (payment, False, True, {"groceries": -3.0, "gifts": -0.5}),
        (payment, True, False, {"groceries": -3.0, "gifts": -0.5}),
        (income, False, False, {"general": 3.5}),
    ):
        variables = template_variables(transaction, pot=None, own_transfer=own_transfer)
        assert variables["counts_as_spending"] is counts
        assert variables["categories"] == categories


# Transfers between accounts of one person


def own_transfers(bank: Bank, home: Household) -> Iterator[tuple[models.Transaction, bool]]:
    """Yield transactions of Ann, and whether each is a transfer between her own accounts."""
    yield from ((row, True) for row in bank.p2p(home.current.id, home.joint.id, 5_000))
    yield from ((row, True) for row in bank.repay_flex(home.current.id, home.flex.id, 5_000))
    yield bank.p2p(home.current.id, home.bens.id, 5_000)[0], False
    yield bank.pay(home.current.id, -500), False
    yield bank.receive(home.current.id, 500), False


def test_internal_transfers_and_repayments_of_flex_are_own_transfers(
    home: Household, bank: Bank
) -> None:
    for row, expected in own_transfers(bank, home):
        data = transaction_json(row, expand_merchant=True)
        assert is_own_transfer(Transaction.from_json(data), ()) is expected


@pytest.mark.parametrize("known_by", ["account_id", "account_number"])
def test_a_transfer_with_a_known_account_of_the_person_is_an_own_transfer(
    home: Household, known_by: str
) -> None:
    account = Account.from_json(account_json(home.joint))
    known: dict[str, dict[str, Any]] = {
        "account_id": {"account_id": account.id},
        "account_number": {
            "sort_code": account.sort_code,
            "account_number": account.account_number,
        },
    }
    for amount in (-500, 500):
        transfer = transaction_with(
            amount, scheme="monzo_to_monzo", counterparty={"name": "Ann", **known[known_by]}
        )
        assert is_own_transfer(transfer, [account])
        assert not is_own_transfer(transfer, [Account.from_json(account_json(home.bens))])


def test_the_name_is_the_merchant_person_pot_or_description(home: Household, bank: Bank) -> None:
    account, pot = home.joint.id, home.house
    assert variables_of(bank.pay(account, -350, merchant="Deli"))["name"] == "Deli"
    assert variables_of(bank.receive(account, 100, sender="Ann Archer"))["name"] == "Ann Archer"
    assert variables_of(bank.interest(account, 3))["name"] == "Interest"
    bank.deposit(pot.id, account, 100, "in")
    moved = bank.transactions(account)[-1]
    assert (variables_of(moved, pot.name)["name"], variables_of(moved, pot.name)["pot"]) == (
        "House",
        "House",
    )
    assert variables_of(moved)["name"] == moved.description


def test_a_payment_is_pending_until_it_settles_and_a_declined_payment_is_not_pending(
    home: Household, bank: Bank
) -> None:
    payment = bank.pay(home.joint.id, -350)
    assert (variables_of(payment)["pending"], variables_of(payment)["declined"]) == (True, False)
    bank.settle(payment.id)
    assert variables_of(payment)["pending"] is False
    declined = variables_of(bank.decline(home.joint.id, -350, reason="CARD_BLOCKED"))
    assert (declined["pending"], declined["declined"]) == (False, True)
    assert declined["decline_reason"] == "CARD_BLOCKED"
