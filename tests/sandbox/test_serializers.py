"""The bank's JSON has the keys, types and empty values of the recordings."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox import serializers
from sandbox.bank import LONDON, Bank
from sandbox.models import Account, Person
from tests.api.recorded_answers import recorded_answer


def outline(value: Any, *, skipping: frozenset[str] = frozenset()) -> Any:
    """Return the keys of JSON, and the types of its values."""
    match value:
        case dict():
            return {key: outline(value[key]) for key in sorted(value.keys() - skipping)}
        case list():
            return [outline(value[0])] if value else []
        case Decimal():
            return float
        case _:
            return type(value)


RECORDED_ACCOUNTS = {
    account["type"]: account for account in recorded_answer("accounts")["accounts"]
}


@pytest.mark.parametrize("kind", RECORDED_ACCOUNTS)
def test_an_account_has_the_recorded_format_of_its_type(bank: Bank, ann: Person, kind: str) -> None:
    account = bank.open_account(ann, type=kind, closed=RECORDED_ACCOUNTS[kind]["closed"])
    data = serializers.account_json(account)
    recorded = RECORDED_ACCOUNTS[kind]
    assert outline(data) == outline(recorded)
    named = ("product_type", "owner_type", "is_flex", "currency", "sort_code", "closed")
    assert [data.get(key) for key in named] == [recorded.get(key) for key in named]


def test_descriptions_have_the_internal_format(bank: Bank, ann: Person) -> None:
    ben = bank.add_person("Ben Baker")
    joint = bank.open_account(ann, ben, type="uk_retail_joint")
    flex = bank.open_account(ann, type="uk_monzo_flex")
    business = bank.open_account(ann, type="uk_business", description="Archer & Co")
    assert joint.description == f"Joint account between {ann.user_id} and {ben.user_id}"
    assert flex.description.startswith("monzoflex_0000")
    assert business.description == "Archer & Co"
    assert bank.open_account(ann).description == ann.user_id


def test_an_unknown_type_has_the_newest_format_without_an_account_number(
    bank: Bank, ann: Person
) -> None:
    data = serializers.account_json(bank.open_account(ann, type="uk_moon_base"))
    assert data["product_type"] == "standard"
    assert "account_number" not in data


def test_a_balance_without_a_travel_currency(bank: Bank, current: Account) -> None:
    data = serializers.balance_json(bank.balance(current.id))
    assert outline(data) == outline(recorded_answer("balance_at_home"))
    assert data["local_currency"] == ""
    assert data["local_exchange_rate"] == 0


def test_a_balance_with_a_travel_currency(bank: Bank, current: Account) -> None:
    bank.go_abroad(current.id, "ISK", 139.676771)
    bank.pay(current.id, -494, local_amount=-690, local_currency="ISK")
    data = serializers.balance_json(bank.balance(current.id))
    # This key was added to the API after the recording.
    newer = frozenset({"balance_including_flexible_savings"})
    assert outline(data, skipping=newer) == outline(recorded_answer("balance_abroad"))
    assert data["local_spend"] == [{"spend_today": -690, "currency": "ISK"}]


def test_a_pot_without_a_goal_has_no_key_for_it(bank: Bank, current: Account) -> None:
    recorded = recorded_answer("pots")["pots"][0]
    with_goal = serializers.pot_json(bank.open_pot(current.id, "Holiday", goal=1_000))
    without = serializers.pot_json(bank.open_pot(current.id, "Holiday"))
    assert outline(with_goal) == outline(recorded)
    assert outline(without) == outline(recorded, skipping=frozenset({"goal_amount"}))


def test_a_savings_pot_can_be_an_isa(bank: Bank, current: Account, ann: Person) -> None:
    until = datetime(2027, 1, 1, tzinfo=UTC)
    pot = bank.open_pot(
        current.id, "ISA", type="flexible_savings", isa=True, locked=True, locked_until=until
    )
    data = serializers.pot_json(pot)
    assert (data["type"], data["isa_wrapper"]) == ("flexible_savings", "ISA")
    assert data["locked_until"] == "2027-01-01T00:00:00.000Z"
    assert serializers.pot_json(pot, account_id="acc_other")["current_account_id"] == "acc_other"


# Keys that were added or removed between the recordings, and keys that differ by transaction.
CHANGED = frozenset(
    {
        "can_add_to_tab",
        "can_match_transactions_in_categorization",
        "can_split_the_bill",
        "categories",
        "account_balance",
        "amount_is_pending",
        "atm_fees_detailed",
        "merchant_feedback_uri",
        "metadata",
        "parent_account_id",
        "attachments",
        "merchant",
    }
)


def test_a_card_payment(bank: Bank, current: Account) -> None:
    transaction = bank.pay(current.id, -2_775, pending=False)
    short = serializers.transaction_json(transaction, expand_merchant=False)
    recorded = recorded_answer("transactions_unexpanded")["transactions"][0]
    assert outline(short, skipping=CHANGED) == outline(recorded, skipping=CHANGED)
    assert short.keys() - recorded.keys() == {"merchant_feedback_uri"}
    assert transaction.merchant is not None
    assert short["merchant"] == transaction.merchant.id
    assert short["attachments"] is None
    expanded = serializers.transaction_json(transaction, expand_merchant=True)["merchant"]
    recorded_merchant = recorded_answer("transaction_expanded")["transaction"]["merchant"]
    # In recordings of current merchants, these keys are missing or have other contents.
    changed = frozenset({"created", "updated", "suggested_tags", "metadata"})
    assert outline(expanded, skipping=changed) == outline(recorded_merchant, skipping=changed)


def test_a_pending_payment_has_an_empty_settlement_time(bank: Bank, current: Account) -> None:
    data = serializers.transaction_json(bank.pay(current.id, -1), expand_merchant=False)
    assert (data["settled"], data["amount_is_pending"]) == ("", True)


def test_only_a_declined_payment_has_a_decline_reason(bank: Bank, current: Account) -> None:
    paid = serializers.transaction_json(bank.pay(current.id, -1), expand_merchant=False)
    declined = serializers.transaction_json(
        bank.decline(current.id, -1, reason="CARD_INACTIVE"), expand_merchant=False
    )
    assert declined.keys() - paid.keys() == {"decline_reason"}
    assert declined["decline_reason"] == "CARD_INACTIVE"


def test_an_incoming_bank_transfer(bank: Bank, current: Account) -> None:
    data = serializers.transaction_json(bank.receive(current.id, 100), expand_merchant=True)
    recorded = recorded_answer("faster_payment")
    assert outline(data, skipping=CHANGED) == outline(recorded, skipping=CHANGED)
    assert (data["merchant"], data["user_id"]) == (None, "")
    assert data["categories"] == {"transfers": 100}


def test_a_round_up(bank: Bank, current: Account) -> None:
    bank.open_pot(current.id, "Coins", round_up=True)
    bank.pay(current.id, -199)
    data = serializers.transaction_json(bank.transactions(current.id)[-1], expand_merchant=True)
    recorded = recorded_answer("round_up")
    assert outline(data, skipping=CHANGED) == outline(recorded, skipping=CHANGED)
    assert isinstance(data["metadata"], dict)
    assert recorded["metadata"].keys() <= data["metadata"].keys()
    assert data["settled"] == data["created"]
    assert data["categories"] is None


def test_a_split_payment_a_cash_fee_and_a_virtual_card(bank: Bank, current: Account) -> None:
    split = {"groceries": -600, "shopping": -400}
    transaction = bank.pay(current.id, -1_000, categories=split, virtual_card="Subscriptions")
    data = serializers.transaction_json(transaction, expand_merchant=False)
    assert data["categories"] == split
    assert isinstance(data["virtual_card"], dict)
    cash = bank.withdraw_cash(current.id, -1_030, fee=30)
    fee = serializers.transaction_json(cash, expand_merchant=False)["atm_fees_detailed"]
    assert isinstance(fee, dict)
    assert (fee["fee_amount"], fee["withdrawal_amount"]) == (30, 1_000)


def test_the_documented_webhook_has_only_the_documented_keys(bank: Bank, current: Account) -> None:
    data = serializers.documented_transaction_json(bank.pay(current.id, -350))
    assert data.keys() == recorded_answer("webhook_documented")["data"].keys()


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "00Z"), (80, "00.08Z"), (800, "00.8Z"), (328, "00.328Z")],
)
def test_transaction_times_have_no_trailing_zeros(milliseconds: int, text: str) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert serializers.timestamp(moment) == f"2026-01-01T00:00:{text}"


def test_times_of_another_time_zone_are_sent_in_utc() -> None:
    summer = datetime(2026, 7, 1, 9, 30, tzinfo=LONDON)
    assert serializers.timestamp(summer) == "2026-07-01T08:30:00Z"
    assert serializers.full_timestamp(summer) == "2026-07-01T08:30:00.000Z"


def test_a_receipt(bank: Bank, ann: Person, current: Account) -> None:
    transaction = bank.pay(current.id, -665)
    item = {
        "description": "testing receipts",
        "quantity": 1,
        "amount": 665,
        "currency": "GBP",
        "tax": 0,
        "sub_items": [],
    }
    body: dict[str, object] = {"total": 665, "currency": "GBP", "items": [item]}
    receipt = bank.put_receipt(ann, "mine", transaction.id, body)
    assert outline(serializers.receipt_json(receipt)) == outline(
        recorded_answer("receipt")["receipt"]
    )
