"""Filters for transactions: each option by itself, without Home Assistant."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import voluptuous as vol

from custom_components.monzo.api import Transaction
from custom_components.monzo.automations.filters import (
    Mismatch,
    TransactionFilter,
    filter_schema,
    is_money_received,
    is_payment,
    matches_payee,
    validate_amount_range,
)
from sandbox import models
from sandbox.bank import Bank
from sandbox.serializers import transaction_json

type Act = Callable[[Bank, models.Account, models.Pot], object]


@pytest.fixture
def account(bank: Bank) -> models.Account:
    """Return an account with money and without round-ups."""
    return bank.open_account(bank.add_person("Ann Archer"), balance=100_000)


@pytest.fixture
def pot(bank: Bank, account: models.Account) -> models.Pot:
    """Return a pot of the account."""
    return bank.open_pot(account.id, "Holiday", balance=10_000)


def read(row: models.Transaction) -> Transaction:
    """Return a transaction of the sandbox as the API client reads it."""
    return Transaction.from_json(transaction_json(row, expand_merchant=True))


def filter_from(**options: Any) -> TransactionFilter:
    """Return the filter of these options, as a trigger creates it."""
    return TransactionFilter.from_options(vol.Schema(filter_schema(*options))(options))


# A card payment of £12.05 to Deli, in the category eating_out.
PAYMENT_OPTIONS: dict[str, tuple[dict[str, Any], Mismatch | None]] = {
    "no options": ({}, None),
    "at least less": ({"at_least": 12.04}, None),
    "at least as much": ({"at_least": 12.05}, None),
    "at least more": ({"at_least": 12.06}, Mismatch.LESS_THAN_AT_LEAST),
    "at least, as text": ({"at_least": "12.050"}, None),
    "at most less": ({"at_most": 12.04}, Mismatch.MORE_THAN_AT_MOST),
    "at most as much": ({"at_most": 12.05}, None),
    "within a range": ({"at_least": 12, "at_most": 13}, None),
    "exactly": ({"at_least": 12.05, "at_most": 12.05}, None),
    "the merchant": ({"merchant": "Deli"}, None),
    "part of the merchant's name": ({"merchant": " dEL "}, None),
    "another merchant": ({"merchant": "Copper"}, Mismatch.OTHER_MERCHANT),
    "an empty merchant": ({"merchant": ""}, None),
    "the category": ({"category": "eating_out"}, None),
    "several categories": ({"category": ["bills", "eating_out"]}, None),
    "another category": ({"category": ["bills"]}, Mismatch.OTHER_CATEGORY),
    "no category": ({"category": []}, None),
    "all options": (
        {
            "at_least": 1,
            "at_most": 20,
            "merchant": "deli",
            "category": ["eating_out"],
            "round_ups": False,
            "late": False,
        },
        None,
    ),
}


@pytest.mark.parametrize(("options", "mismatch"), PAYMENT_OPTIONS.values(), ids=PAYMENT_OPTIONS)
@pytest.mark.parametrize("act", [Bank.pay, Bank.decline], ids=["made", "declined"])
def test_a_payment_matches_each_option_or_not(
    bank: Bank,
    account: models.Account,
    act: Callable[..., models.Transaction],
    options: dict[str, Any],
    mismatch: Mismatch | None,
) -> None:
    payment = read(act(bank, account.id, -1_205, merchant="Deli", category="eating_out"))
    assert filter_from(**options).mismatch(payment) is mismatch


# A bank transfer of £1,600 from Ann Archer, in the category transfers.
INCOME_OPTIONS: dict[str, tuple[dict[str, Any], Mismatch | None]] = {
    "at least as much": ({"at_least": 1600}, None),
    "at least more": ({"at_least": 1600.01}, Mismatch.LESS_THAN_AT_LEAST),
    "at most less": ({"at_most": 1599.99}, Mismatch.MORE_THAN_AT_MOST),
    "the sender": ({"sender": "archer"}, None),
    "another sender": ({"sender": "baker"}, Mismatch.OTHER_SENDER),
    "the category": ({"category": "transfers"}, None),
    "another category": ({"category": "income"}, Mismatch.OTHER_CATEGORY),
}


@pytest.mark.parametrize(("options", "mismatch"), INCOME_OPTIONS.values(), ids=INCOME_OPTIONS)
def test_money_received_matches_each_option_or_not(
    bank: Bank, account: models.Account, options: dict[str, Any], mismatch: Mismatch | None
) -> None:
    transfer = read(bank.receive(account.id, 160_000, sender="Ann Archer"))
    assert filter_from(**options).mismatch(transfer) is mismatch


def test_a_split_payment_matches_each_of_its_categories(
    bank: Bank, account: models.Account
) -> None:
    parts = {"groceries": -300, "bills": -200}
    payment = read(bank.pay(account.id, -500, category="groceries", categories=parts))
    matching = {
        category
        for category in ("groceries", "bills", "cash")
        if filter_from(category=category).mismatch(payment) is None
    }
    assert matching == {"groceries", "bills"}


@pytest.mark.parametrize(
    ("options", "mismatch"),
    [({}, None), ({"round_ups": True}, None), ({"round_ups": False}, Mismatch.ROUND_UP)],
    ids=["not asked", "wanted", "not wanted"],
)
def test_a_round_up_matches_unless_round_ups_are_not_wanted(
    bank: Bank, account: models.Account, options: dict[str, Any], mismatch: Mismatch | None
) -> None:
    bank.open_pot(account.id, "Coin jar", round_up=True)
    bank.pay(account.id, -350)
    payment, round_up = map(read, bank.transactions(account.id)[-2:])

    assert filter_from(**options).mismatch(round_up) is mismatch
    assert filter_from(**options).mismatch(payment) is None


def test_a_late_transaction_matches_unless_late_ones_are_not_wanted(
    bank: Bank, account: models.Account
) -> None:
    payment = read(bank.pay(account.id, -350))
    assert filter_from().mismatch(payment, late=True) is None
    assert filter_from(late=True).mismatch(payment, late=True) is None
    assert filter_from(late=False).mismatch(payment, late=True) is Mismatch.LATE
    assert filter_from(late=False).mismatch(payment, late=False) is None


def test_of_several_mismatches_the_first_is_the_reason(bank: Bank, account: models.Account) -> None:
    payment = read(bank.pay(account.id, -1_205, merchant="Deli", category="eating_out"))
    options: dict[str, Any] = {
        "at_least": 13,
        "merchant": "Copper",
        "category": "bills",
        "late": False,
    }
    reasons = []
    while options:
        reasons.append(filter_from(**options).mismatch(payment, late=True))
        del options[next(iter(options))]

    assert reasons == [
        Mismatch.LESS_THAN_AT_LEAST,
        Mismatch.OTHER_MERCHANT,
        Mismatch.OTHER_CATEGORY,
        Mismatch.LATE,
    ]


# A payment to Pump & Go that changed from £1 to £49.99.
CHANGE_OPTIONS: dict[str, tuple[dict[str, Any], Mismatch | None]] = {
    "no options": ({}, None),
    "by less": ({"by_at_least": 48.98}, None),
    "by as much": ({"by_at_least": 48.99}, None),
    "by more": ({"by_at_least": 49}, Mismatch.LESS_THAN_BY_AT_LEAST),
    "the merchant": ({"merchant": "pump"}, None),
    "another merchant": ({"merchant": "deli"}, Mismatch.OTHER_MERCHANT),
    "by more, and another merchant": (
        {"by_at_least": 49, "merchant": "deli"},
        Mismatch.LESS_THAN_BY_AT_LEAST,
    ),
    "the category": ({"category": "transport"}, None),
    "another category": ({"category": "bills"}, Mismatch.OTHER_CATEGORY),
}


@pytest.mark.parametrize(("options", "mismatch"), CHANGE_OPTIONS.values(), ids=CHANGE_OPTIONS)
@pytest.mark.parametrize("difference", ["-48.99", "48.99"], ids=["more", "less"])
def test_a_changed_amount_matches_each_option_or_not(
    bank: Bank,
    account: models.Account,
    difference: str,
    options: dict[str, Any],
    mismatch: Mismatch | None,
) -> None:
    payment = read(bank.pay(account.id, -4_999, merchant="Pump & Go", category="transport"))
    change = filter_from(**options).mismatch_of_change(payment, Decimal(difference))
    assert change is mismatch


@pytest.mark.parametrize(
    "amount", [-1, "-0.01", "nan", "1e3", "1,000", "a lot", float("inf"), True, None, ""]
)
def test_an_option_that_is_no_amount_without_a_sign_is_invalid(amount: object) -> None:
    for option in ("at_least", "at_most", "by_at_least"):
        with pytest.raises(vol.Invalid, match=f"expected an amount .*'{option}'"):
            filter_from(**{option: amount})


def test_a_range_that_no_amount_is_in_is_invalid() -> None:
    with pytest.raises(vol.Invalid, match="at_least is more than at_most"):
        validate_amount_range({"at_least": Decimal(2), "at_most": Decimal("1.99")})
    for options in ({"at_least": Decimal(2), "at_most": Decimal(2)}, {"at_least": Decimal(2)}, {}):
        assert validate_amount_range(options) is options


# What happens, and whether it is a payment, or money received.
KINDS: dict[str, tuple[Act, bool, bool]] = {
    "a card payment": (lambda bank, account, _: bank.pay(account.id, -350), True, False),
    "a card check": (lambda bank, account, _: bank.pay(account.id, 0), False, False),
    "a declined payment": (lambda bank, account, _: bank.decline(account.id, -350), False, False),
    "cash": (lambda bank, account, _: bank.withdraw_cash(account.id, -5_000), True, False),
    "a direct debit": (lambda bank, account, _: bank.direct_debit(account.id, -1), True, False),
    "a fee": (lambda bank, account, _: bank.interest(account.id, -120), True, False),
    "a refund": (lambda bank, account, _: bank.refund(account.id, 350), False, True),
    "a salary": (lambda bank, account, _: bank.receive(account.id, 350), False, True),
    "interest": (lambda bank, account, _: bank.interest(account.id, 3), False, True),
    "a deposit into a pot": (
        lambda bank, account, pot: bank.deposit(pot.id, account.id, 100, "in"),
        False,
        False,
    ),
    "a withdrawal from a pot": (
        lambda bank, account, pot: bank.withdraw(pot.id, account.id, 100, "out"),
        False,
        False,
    ),
    "a payment to another person": (
        lambda bank, account, _: bank.p2p(
            account.id, bank.open_account(bank.add_person("Ben Baker")).id, 250
        ),
        True,
        False,
    ),
}


@pytest.mark.parametrize(("act", "paid", "received"), KINDS.values(), ids=KINDS)
def test_transactions_are_payments_or_money_received_by_their_kind(
    bank: Bank, account: models.Account, pot: models.Pot, act: Act, *, paid: bool, received: bool
) -> None:
    act(bank, account, pot)
    transaction = read(bank.transactions(account.id)[-1])
    assert (is_payment(transaction), is_money_received(transaction)) == (paid, received)


def test_a_round_up_belongs_to_a_payment(bank: Bank, account: models.Account) -> None:
    bank.open_pot(account.id, "Coin jar", round_up=True)
    bank.pay(account.id, -350)
    assert all(is_payment(read(row)) for row in bank.transactions(account.id)[-2:])


def test_a_payee_is_found_by_name_or_id(bank: Bank, account: models.Account) -> None:
    row = bank.pay(account.id, -350, merchant="Deli")
    assert row.merchant is not None
    payment = read(row)
    for wanted in ("Deli", "DELI", "el", payment.description, row.merchant.id):
        assert matches_payee(payment, wanted)
    assert matches_payee(payment, row.merchant.group_id)
    for other in ("Copper Kettle", row.merchant.id.upper(), row.merchant.id[:-1]):
        assert not matches_payee(payment, other)


def test_a_sender_is_found_by_any_of_their_names(bank: Bank, account: models.Account) -> None:
    data = transaction_json(bank.receive(account.id, 100), expand_merchant=True)
    data["counterparty"] = {"name": "B BAKER", "preferred_name": "Ben Straße"}
    transfer = Transaction.from_json(data)
    for wanted in ("b baker", "ben", "STRASSE"):
        assert matches_payee(transfer, wanted)
    assert not matches_payee(transfer, "Archer")
