from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from custom_components.monzo.api import (
    Account,
    Attachment,
    Balance,
    Counterparty,
    Identity,
    Merchant,
    Money,
    MonzoResponseError,
    Owner,
    Pot,
    Records,
    Transaction,
    UploadTarget,
    Webhook,
)

from .recorded_answers import recorded_answer, recorded_payment


def gbp(minor: int) -> Money:
    """Return an amount in pounds, given in pence."""
    return Money.from_minor(minor, "GBP")


@pytest.fixture
def card_payment() -> dict[str, Any]:
    """Return the JSON of a card payment with its merchant."""
    payment: dict[str, Any] = recorded_answer("transaction_expanded")["transaction"]
    return payment


def test_whoami() -> None:
    identity = Identity.from_json(recorded_answer("whoami"))
    assert identity.user_id == "user_0000XXXXXXXXXXXXXXXXXX"
    assert identity.client_id == "oauth2client_0000XXXXXXXXXXXXXXXXXX"


def test_every_kind_of_account() -> None:
    accounts = Records.from_json(recorded_answer("accounts"), "accounts", Account.from_json)
    assert accounts.skipped == 0
    assert [(account.type, account.closed) for account in accounts] == [
        ("uk_retail", False),
        ("uk_retail_joint", False),
        ("uk_business", False),
        ("uk_rewards", False),
        ("uk_monzo_flex", False),
        ("uk_loan", False),
        ("uk_monzo_flex_backing_loan", True),
        ("uk_prepaid", True),
    ]
    first_last = Owner(user_id="user_XXXX", name="First Last", first_name="First")
    second_last = Owner(user_id="user_YYYY", name="Second Last", first_name="Second")
    current, joint, business, rewards, *_ = accounts
    assert current == Account(
        id="acc_00009AAAAAAAAAAAAAAAAA",
        type="uk_retail",
        closed=False,
        created=datetime(2021, 6, 12, tzinfo=UTC),
        description="user_00009AAAAAAAAAAAAAAAAA",
        currency="GBP",
        country_code="GB",
        owners=(
            Owner(user_id="user_00009AAAAAAAAAAAAAAAAA", name="First Last", first_name="First"),
        ),
        owner_type="personal",
        product_type="standard",
        business_id=None,
        account_number="12345678",
        sort_code="040004",
    )
    assert joint.owners == (first_last, second_last)
    assert joint.created == datetime(2019, 8, 1, 13, 46, 10, 41000, tzinfo=UTC)
    assert business.business_id == "business_XXXX"
    assert business.description == "Business Name"
    assert rewards.account_number is None
    assert rewards.product_type == "rewards"


def test_an_account_of_2016_lacks_most_fields() -> None:
    account = Account.from_json(
        {"id": "acc_1", "description": "Ann's", "created": "2015-11-13T12:17:42Z"}
    )
    assert account == Account(
        id="acc_1",
        type="",
        closed=False,
        created=datetime(2015, 11, 13, 12, 17, 42, tzinfo=UTC),
        description="Ann's",
        currency="GBP",
        country_code=None,
        owners=(),
        owner_type=None,
        product_type=None,
        business_id=None,
        account_number=None,
        sort_code=None,
    )


def test_an_unreadable_owner_does_not_hide_the_others() -> None:
    owners = ["no object", {"user_id": ""}, {"user_id": "user_1"}]
    account = Account.from_json({"id": "acc_1", "owners": owners})
    assert account.owners == (Owner(user_id="user_1", name="", first_name=None),)


def test_the_balance_at_home() -> None:
    assert Balance.from_json(recorded_answer("balance_at_home")) == Balance(
        balance=gbp(40000),
        total_balance=gbp(60000),
        balance_including_flexible_savings=gbp(60000),
        spend_today=gbp(0),
        local_currency=None,
        local_exchange_rate=None,
        local_spend=(),
    )


def test_the_balance_with_spending() -> None:
    data = recorded_answer("balance_at_home") | {
        "spend_today": -3000,
        "local_spend": [{"spend_today": -3000, "currency": "GBP"}],
    }
    balance = Balance.from_json(data)
    assert balance.spend_today == gbp(-3000)
    assert balance.local_spend == (gbp(-3000),)


def test_the_balance_abroad_in_a_currency_without_pence() -> None:
    assert Balance.from_json(recorded_answer("balance_abroad")) == Balance(
        balance=gbp(11339),
        total_balance=gbp(15948),
        balance_including_flexible_savings=None,
        spend_today=gbp(-1786),
        local_currency="ISK",
        local_exchange_rate=Decimal("139.676771"),
        local_spend=(
            gbp(-1298),
            Money(Decimal(-690), "ISK"),
            Money(Decimal("-10.90"), "USD"),
        ),
    )


def test_unreadable_local_spending_is_left_out() -> None:
    data = recorded_answer("balance_abroad") | {
        "local_spend": [None, {}, {"spend_today": "5", "currency": "GBP"}, {"spend_today": 5}],
        "local_exchange_rate": "lots",
    }
    balance = Balance.from_json(data)
    assert balance.local_spend == ()
    assert balance.local_exchange_rate is None


def test_a_deleted_pot_and_a_savings_pot() -> None:
    pots = Records.from_json(recorded_answer("pots"), "pots", Pot.from_json)
    assert pots.skipped == 0
    holiday, savings = pots
    assert holiday == Pot(
        id="pot_00009AAAAAAAAAAAAAAAAA",
        name="holiday",
        balance=gbp(0),
        goal=gbp(1000),
        current_account_id="acc_12345",
        style="piggy_bank",
        type="default",
        product_id="default",
        isa_wrapper=None,
        round_up=False,
        round_up_multiplier=None,
        locked=False,
        locked_until=None,
        deleted=True,
        is_tax_pot=False,
        available_for_bills=False,
        has_virtual_cards=False,
        cover_image_url=None,
        created=datetime(2019, 1, 1, 15, 14, 14, 144000, tzinfo=UTC),
        updated=datetime(2020, 1, 1, 15, 14, 14, 144000, tzinfo=UTC),
    )
    assert savings.isa_wrapper == "ISA"
    assert savings.type == "flexible_savings"
    assert savings.goal == gbp(1_000_000)
    assert savings.balance == gbp(10)
    assert not savings.deleted
    assert not savings.has_virtual_cards


@pytest.mark.parametrize("goal", [None, 0, "1000", -0, Decimal("1.5"), True, 10**15])
def test_an_impossible_goal_is_no_goal(goal: object) -> None:
    assert Pot.from_json(recorded_answer("pots")["pots"][0] | {"goal_amount": goal}).goal is None


def test_a_pot_may_lack_a_goal() -> None:
    data = recorded_answer("pots")["pots"][0]
    del data["goal_amount"]
    assert Pot.from_json(data).goal is None


def test_a_pot_that_rounds_up_and_is_locked_until_a_date() -> None:
    data = recorded_answer("pots")["pots"][0] | {
        "style": "",
        "round_up": True,
        "round_up_multiplier": Decimal("2.5"),
        "locked": True,
        "locked_until": "2030-01-01T00:00:00+01:00",
        "cover_image_url": "https://example.com/beach.png",
        "has_virtual_cards": True,
    }
    pot = Pot.from_json(data)
    assert pot.style is None
    assert pot.round_up
    assert pot.round_up_multiplier == Decimal("2.5")
    assert pot.locked
    assert pot.locked_until == datetime(2029, 12, 31, 23, tzinfo=UTC)
    assert pot.cover_image_url == "https://example.com/beach.png"
    assert pot.has_virtual_cards


def test_a_transaction_without_its_merchant() -> None:
    transactions = Records.from_json(
        recorded_answer("transactions_unexpanded"), "transactions", Transaction.from_json
    )
    assert transactions.skipped == 0
    (transaction,) = transactions
    assert transaction == Transaction(
        id="tx_123ABC1",
        account_id="acc_123ABC",
        created=datetime(2022, 8, 9, 14, 15, 1, 328000, tzinfo=UTC),
        updated=datetime(2022, 8, 10, 0, 30, 40, 449000, tzinfo=UTC),
        settled=datetime(2022, 8, 10, 0, 30, 40, 295000, tzinfo=UTC),
        is_pending=False,
        amount=gbp(-2775),
        local_amount=gbp(-2775),
        description="Company INTERNET GBR",
        notes=None,
        category="bills",
        categories={"bills": gbp(-2775)},
        scheme="mastercard",
        merchant=None,
        merchant_id="merch_123ABC",
        counterparty=None,
        decline_reason=None,
        include_in_spending=True,
        is_load=False,
        originator=False,
        atm_fee=None,
        attachments=(),
        metadata=recorded_answer("transactions_unexpanded")["transactions"][0]["metadata"],
        dedupe_id="123ABC",
        user_id="user_ABC123",
        parent_account_id=None,
    )
    assert not transaction.declined
    assert transaction.pot_id is None
    assert transaction.external_id is None


def test_a_transaction_with_its_merchant(card_payment: dict[str, Any]) -> None:
    transaction = Transaction.from_json(card_payment)
    assert transaction.amount == gbp(-5000)
    assert transaction.local_amount == gbp(-3900)
    assert transaction.notes == "Subscription to online service"
    assert transaction.merchant_id == "merch_000000AAAAAAAAAAAAAAAA"
    merchant = transaction.merchant
    assert merchant
    assert merchant.id == transaction.merchant_id
    assert merchant.group_id == "grp_000000AAAAAAAAAAAAAAAA"
    assert merchant.name == "Online Service"
    assert merchant.logo == "https://mondo-logo-cache.appspot.com/twitter/ServiceUk/?size=large"
    assert merchant.emoji == "💻"
    assert merchant.category == "entertainment"
    assert merchant.online
    assert not merchant.atm
    assert merchant.suggested_tags == "#subscription #personal"
    assert merchant.website == "service.co.uk"
    address = merchant.address
    assert address
    assert address.short_formatted == "Somewhere in the world"
    assert address.formatted == "world"
    assert address.address is None
    assert address.city is None
    assert address.country == "GLO"
    assert address.latitude == Decimal("50.99999999999999")
    assert address.longitude == Decimal("5.111111111111111")
    assert address.approximate


def test_a_newer_merchant_with_a_shop(card_payment: dict[str, Any]) -> None:
    merchant = Merchant.from_json(
        {
            "id": "merch_1",
            "group_id": "grp_1",
            "name": "Shop",
            "logo": "",
            "emoji": "",
            "category": "groceries",
            "online": False,
            "atm": True,
            "address": card_payment["merchant"]["address"]
            | {
                "address": "95-101 Some Street",
                "city": "Sheffield",
                "postcode": "S1 4GE",
                "latitude": 53,
            },
            "disable_feedback": False,
            "suggested_tags": "#food",
            "metadata": {},
        }
    )
    assert merchant.logo is None
    assert merchant.emoji is None
    assert merchant.atm
    assert merchant.suggested_tags == "#food"
    assert merchant.website is None
    assert merchant.address
    assert merchant.address.address == "95-101 Some Street"
    assert merchant.address.city == "Sheffield"
    assert merchant.address.postcode == "S1 4GE"
    assert merchant.address.latitude == 53


def test_a_declined_payment_keeps_an_unknown_reason() -> None:
    transaction = Transaction.from_json(recorded_payment("declined"))
    assert transaction.declined
    assert transaction.decline_reason == "SCA_NOT_AUTHENTICATED_CARD_NOT_PRESENT"
    assert transaction.amount == gbp(-5000)


def test_a_pending_payment(card_payment: dict[str, Any]) -> None:
    transaction = Transaction.from_json(card_payment | {"settled": "", "amount_is_pending": True})
    assert transaction.settled is None
    assert transaction.is_pending


def test_an_incoming_bank_transfer() -> None:
    transaction = Transaction.from_json(recorded_answer("faster_payment"))
    assert transaction.amount == gbp(100)
    assert transaction.settled == datetime(2022, 2, 2, 7, tzinfo=UTC)
    assert transaction.user_id is None
    assert transaction.parent_account_id is None
    assert transaction.merchant is None
    assert transaction.merchant_id is None
    assert not transaction.include_in_spending
    assert transaction.counterparty == Counterparty(
        name="A N Other",
        preferred_name=None,
        account_number="00000000",
        sort_code="000000",
        account_id=None,
        user_id="anonuser_0000000000000000000000",
        beneficiary_account_type=None,
        service_user_number=None,
    )


def test_a_round_up_into_a_pot() -> None:
    transaction = Transaction.from_json(recorded_answer("round_up"))
    assert transaction.pot_id == "pot_000000000002"
    assert transaction.external_id == "CoinJarRule:tx_000000000003:pot_000000000002"
    assert transaction.metadata["trigger"] == "coin_jar"
    assert transaction.scheme == "uk_retail_pot"
    assert transaction.counterparty is None
    assert transaction.originator
    assert transaction.settled == transaction.created


def test_the_documented_webhook_delivery() -> None:
    transaction = Transaction.from_json(recorded_answer("webhook_documented")["data"])
    assert transaction.account_id == "acc_00008gju41AHyfLUzBUk8A"
    assert transaction.amount == gbp(-350)
    assert transaction.local_amount is None
    assert transaction.metadata == {}
    assert transaction.categories == {}
    assert transaction.scheme is None
    assert transaction.notes is None
    assert transaction.include_in_spending is None
    assert transaction.merchant
    assert transaction.merchant.name == "The De Beauvoir Deli Co."


def test_payments_in_foreign_currencies() -> None:
    in_baht = Transaction.from_json(recorded_payment("abroad_thb"))
    assert in_baht.amount == gbp(-8438)
    assert in_baht.local_amount == Money(Decimal("-3826.85"), "THB")
    assert in_baht.metadata["trip_id"] == "trip_000000000001"
    in_dollars = Transaction.from_json(recorded_payment("abroad_usd"))
    assert in_dollars.amount == gbp(-883)
    assert in_dollars.local_amount == Money(Decimal("-12.00"), "USD")


def test_a_pot_deposit_without_metadata() -> None:
    transaction = Transaction.from_json(recorded_answer("pot_deposit"))
    assert transaction.description == "pot"
    assert transaction.pot_id is None
    assert transaction.originator
    assert transaction.settled == transaction.created


def test_a_top_up_of_a_prepaid_card() -> None:
    transaction = Transaction.from_json(recorded_answer("top_up"))
    assert transaction.is_load
    assert transaction.metadata["is_topup"] == "true"
    assert not transaction.include_in_spending


def test_cash_with_a_fee(card_payment: dict[str, Any]) -> None:
    fee = {"fee_amount": -150, "fee_currency": "GBP", "withdrawal_amount": -5000}
    transaction = Transaction.from_json(card_payment | {"atm_fees_detailed": fee})
    assert transaction.atm_fee == gbp(-150)


@pytest.mark.parametrize("fee", [None, [], {}, {"fee_amount": 5}, {"fee_amount": "5"}])
def test_cash_without_a_fee(card_payment: dict[str, Any], fee: object) -> None:
    assert Transaction.from_json(card_payment | {"atm_fees_detailed": fee}).atm_fee is None


def test_a_payment_split_over_categories(card_payment: dict[str, Any]) -> None:
    split = {"bills": -3000, "category_0000AAAA": -2000, "odd": "-1", "odder": None}
    transaction = Transaction.from_json(card_payment | {"categories": split})
    assert transaction.categories == {"bills": gbp(-3000), "category_0000AAAA": gbp(-2000)}


def test_a_payment_with_attachments(card_payment: dict[str, Any]) -> None:
    picture = {
        "id": "attach_1",
        "user_id": "user_1",
        "external_id": "tx_1",
        "file_url": "https://example.com/1.png",
        "file_type": "image/png",
        "created": "2015-11-12T18:37:02Z",
    }
    older = {"id": "attach_2", "type": "image/jpeg", "url": "https://example.com/2.jpg"}
    transaction = Transaction.from_json(card_payment | {"attachments": [picture, None, older]})
    assert transaction.attachments == (
        Attachment(
            id="attach_1",
            transaction_id="tx_1",
            user_id="user_1",
            file_url="https://example.com/1.png",
            file_type="image/png",
            created=datetime(2015, 11, 12, 18, 37, 2, tzinfo=UTC),
        ),
        Attachment(
            id="attach_2",
            transaction_id=None,
            user_id=None,
            file_url="https://example.com/2.jpg",
            file_type="image/jpeg",
            created=None,
        ),
    )


def test_metadata_values_that_are_not_texts_are_left_out(card_payment: dict[str, Any]) -> None:
    metadata = {"mcc": "1234", "empty": "", "odd": 5, "odder": None}
    transaction = Transaction.from_json(card_payment | {"metadata": metadata})
    assert transaction.metadata == {"mcc": "1234", "empty": ""}


@pytest.mark.parametrize(
    "empty",
    [
        {"merchant": None, "attachments": [], "categories": None, "metadata": None},
        {"merchant": "", "attachments": None, "categories": {}, "metadata": {}},
        {"merchant": {}, "attachments": {}, "categories": [], "metadata": []},
        {"merchant": 5, "attachments": 5, "categories": 5, "metadata": 5},
    ],
)
def test_all_forms_of_an_empty_field_read_the_same(
    card_payment: dict[str, Any],
    empty: dict[str, object],
) -> None:
    transaction = Transaction.from_json(card_payment | empty)
    assert transaction.merchant is None
    assert transaction.merchant_id is None
    assert transaction.attachments == ()
    assert transaction.categories == {}
    assert transaction.metadata == {}


def test_a_transaction_without_an_essential_field_cannot_be_read(
    card_payment: dict[str, Any],
) -> None:
    unreadable: tuple[object, ...] = (None, "", [], {}, True, Decimal("1.5"), 10**15)
    for field in ("id", "amount", "currency", "created"):
        for value in unreadable:
            with pytest.raises(MonzoResponseError, match="no readable"):
                Transaction.from_json(card_payment | {field: value})


@pytest.mark.parametrize("currency", ["gbp", "GB", "GBPX", "G8P", "€", "GBP\n", "ÄÖÜ"])
def test_an_impossible_currency_cannot_be_read(currency: str) -> None:
    with pytest.raises(MonzoResponseError, match="no readable"):
        Balance.from_json(recorded_answer("balance_at_home") | {"currency": currency})


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2021-06-29T13:10:49.8Z", datetime(2021, 6, 29, 13, 10, 49, 800000, tzinfo=UTC)),
        ("2021-06-29T13:10:14.08Z", datetime(2021, 6, 29, 13, 10, 14, 80000, tzinfo=UTC)),
        ("2021-06-29T13:10:00Z", datetime(2021, 6, 29, 13, 10, tzinfo=UTC)),
        ("2021-06-29T13:10:00", datetime(2021, 6, 29, 13, 10, tzinfo=UTC)),
        ("2021-06-29T15:10:00+02:00", datetime(2021, 6, 29, 13, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("yesterday", None),
        ("", None),
        (1624972249, None),
    ],
)
def test_times_are_read_in_utc(text: object, time: datetime | None) -> None:
    assert Account.from_json({"id": "acc_1", "created": text}).created == time


def test_an_unpaired_surrogate_is_replaced() -> None:
    pot = Pot.from_json(recorded_answer("pots")["pots"][0] | {"name": "Rainy \ud83d day"})
    assert pot.name == "Rainy ? day"


@pytest.mark.parametrize("number", [10**15, Decimal("1e999999999"), Decimal("-1e15"), True, "2"])
def test_impossible_numbers_are_left_out(number: object) -> None:
    data = recorded_answer("pots")["pots"][0] | {"round_up_multiplier": number}
    assert Pot.from_json(data).round_up_multiplier is None


def test_long_decimals_are_rounded() -> None:
    data = recorded_answer("pots")["pots"][0] | {
        "round_up_multiplier": Decimal("0." + "3" * 100_000)
    }
    assert Pot.from_json(data).round_up_multiplier == Decimal("0." + "3" * 28)


def test_unreadable_records_are_skipped_and_counted() -> None:
    pots = [None, 5, {}, recorded_answer("pots")["pots"][0], {"id": "pot_1"}, []]
    records = Records.from_json({"pots": pots}, "pots", Pot.from_json)
    assert [pot.name for pot in records] == ["holiday"]
    assert records.skipped == 5


@pytest.mark.parametrize(
    "data", [None, [], "pots", 5, {}, {"pots": None}, {"pots": {}}, {"accounts": []}]
)
def test_a_response_without_the_list_cannot_be_read(data: object) -> None:
    with pytest.raises(MonzoResponseError):
        Records.from_json(data, "pots", Pot.from_json)


def test_records_are_a_sequence() -> None:
    records = Records(("a", "b", "c"), skipped=1)
    assert list(records) == ["a", "b", "c"]
    assert list(reversed(records)) == ["c", "b", "a"]
    assert (len(records), records[0], records[-1], records[1:]) == (3, "a", "c", ("b", "c"))
    assert "b" in records
    assert not Records(skipped=1)
    assert records == Records(("a", "b", "c"), skipped=1)
    assert records != Records(("a", "b", "c"))


def test_webhooks_and_upload_targets() -> None:
    webhook = {"id": "webhook_1", "account_id": "acc_1", "url": "https://example.com/hook"}
    assert Webhook.from_json(webhook) == Webhook(
        id="webhook_1", account_id="acc_1", url="https://example.com/hook"
    )
    target = {"file_url": "https://example.com/1", "upload_url": "https://example.com/2"}
    assert UploadTarget.from_json(target) == UploadTarget(
        file_url="https://example.com/1", upload_url="https://example.com/2"
    )
