"""Adding receipts to transactions by actions: exact, adding up, and never twice."""

from decimal import Decimal
import logging
from pathlib import Path
import re
from typing import Any

from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized
import pytest
from pytest_homeassistant_custom_component.common import MockUser
import voluptuous as vol
import yaml

import custom_components.monzo
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.services.receipts import (
    ITEM_SCHEMA,
    MERCHANT_SCHEMA,
    PAYMENT_SCHEMA,
    TAX_SCHEMA,
)
from sandbox.bank import Bank
from sandbox.behaviour import ServerBehaviour
from sandbox.faults import Answer, DropBefore, Fault, LoseResponse
from sandbox.household import Household
from sandbox.models import Transaction
from sandbox.server import BankServer
from tests.conftest import SignIn
from tests.helpers.config_dialogs import TEXTS
from tests.helpers.state_helpers import set_up
from tests.helpers.transfer_client import Teller, refused

ADD = "add_receipt"
REMOVE = "remove_receipt"

type Fields = dict[str, Any]

SANDWICH: Fields = {"description": "Sandwich", "amount": 4.5}
TEA: Fields = {"description": "Tea", "amount": 2.25}


class Clerk:
    """Adds receipts to one payment of Ann's."""

    def __init__(
        self, teller: Teller, home: Household, row: Transaction, bank: Bank, server: BankServer
    ) -> None:
        """Have what a call needs at hand."""
        self.hass = teller.hass
        self.teller = teller
        self.account = teller.device(home.current)
        self.row = row
        self._bank = bank
        self._server = server

    async def add(self, **fields: object) -> Fields:
        """Add a receipt: for a sandwich and a tea, unless the fields say otherwise."""
        good = {
            "account": self.account,
            "transaction_id": self.row.id,
            "total": 6.75,
            "items": [SANDWICH, TEA],
        }
        return await self.teller.call(ADD, **{**good, **fields})

    async def remove(self, receipt_id: str) -> None:
        """Remove a receipt."""
        fields = {"account": self.account, "receipt_id": receipt_id}
        await self.hass.services.async_call(DOMAIN, REMOVE, fields, blocking=True)

    @property
    def kept(self) -> dict[str, Fields]:
        """The receipts that the bank has, by their ids."""
        return {
            external_id: dict(receipt.body)
            for (_person, external_id), receipt in self._bank.receipts.items()
        }

    @property
    def sent(self) -> int:
        """How many receipts have reached the bank."""
        return len(self._server.requests_to("PUT", "/transaction-receipts"))


@pytest.fixture
def clerk(teller: Teller, home: Household, bank: Bank, server: BankServer) -> Clerk:
    """Return who adds receipts."""
    row = bank.pay(home.current.id, -675, merchant="Deli")
    return Clerk(teller, home, row, bank, server)


# What becomes of a receipt


async def test_a_receipt_is_kept_as_it_was_given(clerk: Clerk) -> None:
    answer = await clerk.add(
        receipt_id="order-1",
        total=10,
        items=[
            {
                "description": "Burger",
                "amount": 5.5,
                "quantity": 1,
                "tax": 0.92,
                "sub_items": [
                    {"description": "Burger", "amount": 4.5, "quantity": 2, "unit": "patties"},
                    {"description": "Extra cheese", "amount": 1, "tax": 0},
                ],
            },
            {"description": "Bananas", "amount": 3.98, "quantity": 0.3, "unit": "kg"},
        ],
        taxes=[{"description": "VAT", "amount": 0.52, "tax_number": "945719291"}],
        payments=[
            {"type": "gift_card", "amount": 2, "gift_card_type": "One4all"},
            {"type": "cash", "amount": 1},
            {"type": "card", "amount": 7, "last_four": "0987"},
        ],
        merchant={
            "name": "Burger Bar",
            "online": False,
            "phone": "020 7946 0000",
            "email": "bar@example.com",
            "store_name": "Old Street",
            "store_address": "1 Old Street, London",
            "store_postcode": "EC1V 9NR",
        },
    )
    assert answer == {
        "receipt_id": "order-1",
        "transaction_id": clerk.row.id,
        "total": 10.0,
        "currency": "GBP",
    }
    gbp = {"currency": "GBP"}
    assert clerk.kept == {
        "order-1": {
            "transaction_id": clerk.row.id,
            "external_id": "order-1",
            "total": 1000,
            "currency": "GBP",
            "items": [
                {
                    "description": "Burger",
                    "amount": 550,
                    "quantity": 1,
                    "tax": 92,
                    "sub_items": [
                        {
                            "description": "Burger",
                            "amount": 450,
                            "quantity": 2,
                            "unit": "patties",
                            **gbp,
                        },
                        {"description": "Extra cheese", "amount": 100, "tax": 0, **gbp},
                    ],
                    **gbp,
                },
                {"description": "Bananas", "amount": 398, "quantity": 0.3, "unit": "kg", **gbp},
            ],
            "taxes": [{"description": "VAT", "amount": 52, "tax_number": "945719291", **gbp}],
            "payments": [
                {"type": "gift_card", "amount": 200, "gift_card_type": "One4all", **gbp},
                {"type": "cash", "amount": 100, **gbp},
                {"type": "card", "amount": 700, "last_four": "0987", **gbp},
            ],
            "merchant": {
                "name": "Burger Bar",
                "online": False,
                "phone": "020 7946 0000",
                "email": "bar@example.com",
                "store_name": "Old Street",
                "store_address": "1 Old Street, London",
                "store_postcode": "EC1V 9NR",
            },
        }
    }


async def test_a_total_and_an_item_are_enough(clerk: Clerk) -> None:
    await clerk.add(total=4.5, items=SANDWICH)
    (receipt,) = clerk.kept.values()
    assert receipt["items"] == [{"description": "Sandwich", "amount": 450, "currency": "GBP"}]
    assert receipt["taxes"] == receipt["payments"] == []
    assert "merchant" not in receipt


@pytest.mark.parametrize("answer", ["empty", "id", "receipt"])
async def test_whatever_the_bank_answers_the_receipt_is_kept(
    clerk: Clerk, server: BankServer, answer: Any
) -> None:
    server.behaviour = ServerBehaviour(receipt_answer=answer)
    assert (await clerk.add())["receipt_id"] == clerk.row.id


async def test_an_answer_is_optional(clerk: Clerk) -> None:
    assert clerk.hass.services.supports_response(DOMAIN, ADD) is SupportsResponse.OPTIONAL
    assert clerk.hass.services.supports_response(DOMAIN, REMOVE) is SupportsResponse.NONE
    fields = {
        "account": clerk.account,
        "transaction_id": clerk.row.id,
        "total": 4.5,
        "items": [SANDWICH],
    }
    await clerk.hass.services.async_call(DOMAIN, ADD, fields, blocking=True)
    assert len(clerk.kept) == 1


# Never twice


async def test_a_repeated_call_replaces_the_receipt(clerk: Clerk) -> None:
    first = await clerk.add()
    assert first["receipt_id"] == clerk.row.id
    await clerk.add(total=4.5, items=[SANDWICH])
    assert clerk.kept.keys() == {clerk.row.id}
    assert clerk.kept[clerk.row.id]["total"] == 450


async def test_receipts_with_ids_of_their_own_stand_side_by_side(clerk: Clerk) -> None:
    for receipt_id in ("order-1", "order-2", "order-1", 20_261_123, " order-2 "):
        await clerk.add(receipt_id=receipt_id)
    assert clerk.kept.keys() == {"order-1", "order-2", "20261123"}


async def test_the_same_again_after_a_lost_answer_is_still_one(
    clerk: Clerk, server: BankServer
) -> None:
    server.fail("PUT", "/transaction-receipts", LoseResponse())
    with refused() as refusal:
        await clerk.add()
    assert refusal.key == "no_answer"
    await clerk.add()
    assert len(clerk.kept) == 1


# Adding up


@pytest.mark.parametrize(
    ("total", "amounts"),
    [
        (0.3, [0.1, 0.2]),
        ("0.30", ["0.1", " .2 "]),
        (1, [0.1] * 10),
        (Decimal("4.35"), [4.35]),
        (4, [5, -1]),
        (4, [4, 0]),
        ("999999999.99", ["999999999.98", "0.01"]),
    ],
    ids=str,
)
async def test_amounts_add_up_to_the_penny(
    clerk: Clerk, total: object, amounts: list[object]
) -> None:
    items = [{"description": "Tea", "amount": amount} for amount in amounts]
    await clerk.add(total=total, items=items)
    (receipt,) = clerk.kept.values()
    assert sum(item["amount"] for item in receipt["items"]) == receipt["total"]
    assert receipt["total"] == Decimal(str(total)) * 100


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"total": 6.74}, "receipt_items_do_not_add_up"),
        ({"total": 6.76}, "receipt_items_do_not_add_up"),
        ({"taxes": [{"description": "VAT", "amount": 0.01}]}, "receipt_items_do_not_add_up"),
        (
            {"total": 6.8, "taxes": [{"description": "VAT", "amount": 0.04}]},
            "receipt_items_do_not_add_up",
        ),
        ({"payments": [{"type": "card", "amount": 6.74}]}, "receipt_payments_do_not_add_up"),
        (
            {"payments": [{"type": "card", "amount": 6.75}, {"type": "cash", "amount": 0.01}]},
            "receipt_payments_do_not_add_up",
        ),
        # The tax of an item is part of its amount.
        (
            {"total": 5, "items": [{**SANDWICH, "tax": 0.5}]},
            "receipt_items_do_not_add_up",
        ),
    ],
    ids=str,
)
async def test_what_does_not_add_up_is_not_sent(clerk: Clerk, fields: Fields, key: str) -> None:
    with refused() as refusal:
        await clerk.add(**fields)
    assert refusal.key == key
    assert isinstance(refusal.error, ServiceValidationError)
    assert clerk.sent == 0


async def test_sub_items_must_add_up_to_their_item(clerk: Clerk) -> None:
    half = {"description": "Half", "amount": 1.12}
    tea = {**TEA, "sub_items": [half, {**half, "amount": 1.13}]}
    await clerk.add(items=[SANDWICH, tea])
    assert clerk.sent == 1
    # The second line is the one to look at.
    with refused() as refusal:
        await clerk.add(items=[SANDWICH, {**TEA, "sub_items": [half, half]}])
    assert refusal.key == "receipt_sub_items_do_not_add_up"
    assert refusal.error.translation_placeholders == {"place": "items 2"}
    assert clerk.sent == 1


async def test_sub_items_may_cancel_each_other_out(clerk: Clerk) -> None:
    extras = [
        {"description": "Sandwich", "amount": 4.5},
        {"description": "Extra cheese", "amount": 1},
        {"description": "Free extra", "amount": -1},
    ]
    await clerk.add(total=4.5, items=[{**SANDWICH, "sub_items": extras}])
    assert clerk.sent == 1


# Amounts


NO_AMOUNTS: tuple[object, ...] = (
    "a few",
    "",
    None,
    True,
    0.001,
    "1.005",
    0.1 + 0.2,
    "1e2",
    "NaN",
    float("inf"),
    "+1",
    "--1",
    "- 1",
    "-",
    "£1",
    "1,50",
    "9" * 40,
    10**5000,
    [],
    {},
)


async def test_what_is_no_amount_is_not_sent_and_its_place_is_named(clerk: Clerk) -> None:
    for amount in NO_AMOUNTS:
        with refused() as refusal:
            await clerk.add(items=[SANDWICH, {**TEA, "amount": amount}])
        assert refusal.key == "invalid_receipt_amount", amount
        assert refusal.error.translation_placeholders == {
            "place": "items 2 amount",
            "currency": "GBP",
            "decimals": "2",
        }
    assert clerk.sent == 0


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"items": [{**SANDWICH, "tax": "x"}]}, "items 1 tax"),
        (
            {"items": [SANDWICH, {**TEA, "sub_items": [SANDWICH, {**TEA, "amount": "x"}]}]},
            "items 2 sub_items 2 amount",
        ),
        (
            {"items": [{**TEA, "sub_items": [{**TEA, "tax": "x"}]}]},
            "items 1 sub_items 1 tax",
        ),
        ({"taxes": [{"description": "VAT", "amount": "x"}]}, "taxes 1 amount"),
        (
            {"payments": [{"type": "cash", "amount": 1}, {"type": "cash", "amount": "x"}]},
            "payments 2 amount",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_place_of_an_amount_has_its_name(
    clerk: Clerk, fields: Fields, place: str
) -> None:
    with refused() as refusal:
        await clerk.add(**fields)
    assert refusal.key == "invalid_receipt_amount"
    assert refusal.error.translation_placeholders is not None
    assert refusal.error.translation_placeholders["place"] == place
    assert clerk.sent == 0


@pytest.mark.parametrize("total", [0, -6.75, "0.00", "x", None, 6.755])
async def test_a_total_is_more_than_nothing(clerk: Clerk, total: object) -> None:
    with refused() as refusal:
        await clerk.add(total=total, items=[{**TEA, "amount": 0}])
    assert refusal.key == "invalid_amount"
    assert clerk.sent == 0


# Currencies


async def test_the_currency_is_the_accounts(
    hass: HomeAssistant, home: Household, bank: Bank, server: BankServer, sign_in: SignIn
) -> None:
    account = bank.open_account(home.ann, currency="JPY", balance=100_000)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    teller = Teller(hass, entry, bank, server)
    clerk = Clerk(teller, home, bank.pay(account.id, -1500), bank, server)
    clerk.account = teller.device(account)
    answer = await clerk.add(total=1500, items=[{"description": "Ramen", "amount": "1500"}])
    assert (answer["currency"], answer["total"]) == ("JPY", 1500.0)
    (receipt,) = clerk.kept.values()
    assert receipt["total"] == receipt["items"][0]["amount"] == 1500
    assert receipt["currency"] == receipt["items"][0]["currency"] == "JPY"


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("GBP", 12.5, 1250), ("jpy", 1500, 1500), (" KWD ", "1.234", 1234)],
)
async def test_a_receipt_may_be_in_another_currency(
    clerk: Clerk, currency: str, amount: object, minor: int
) -> None:
    item = {"description": "Souvenir", "amount": amount}
    answer = await clerk.add(total=amount, items=[item], currency=currency)
    assert answer["currency"] == currency.strip().upper()
    (receipt,) = clerk.kept.values()
    assert receipt["total"] == receipt["items"][0]["amount"] == minor
    assert receipt["items"][0]["currency"] == currency.strip().upper()


# What a call needs


@pytest.mark.parametrize(
    "fields",
    [
        {"transaction_id": ""},
        {"transaction_id": None},
        {"account": None},
        {"receipt_id": "  "},
        {"currency": "£"},
        {"currency": "POUNDS"},
        {"items": []},
        {"items": "Sandwich"},
        {"items": [{"description": "Sandwich"}]},
        {"items": [{"amount": 1}]},
        {"items": [{**SANDWICH, "description": ""}]},
        {"items": [{**SANDWICH, "quantity": 0}]},
        {"items": [{**SANDWICH, "quantity": -1}]},
        {"items": [{**SANDWICH, "quantity": "many"}]},
        {"items": [{**SANDWICH, "quantity": "NaN"}]},
        {"items": [{**SANDWICH, "quantity": "inf"}]},
        {"items": [{**SANDWICH, "price": 1}]},
        {"items": [{**SANDWICH, "sub_items": [{**TEA, "sub_items": [TEA]}]}]},
        {"taxes": [{"amount": 1}]},
        {"payments": [{"amount": 1}]},
        {"payments": [{"type": "shells", "amount": 1}]},
        {"payments": [{"type": "card", "amount": 1, "last_four": "1234567890123456"}]},
        {"merchant": {"shop": "Deli"}},
        {"merchant": "Deli"},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_field_that_makes_no_sense_is_named(clerk: Clerk, fields: Fields) -> None:
    with pytest.raises(vol.Invalid, match=next(iter(fields))):
        await clerk.add(**fields)
    assert clerk.sent == 0


async def test_a_pot_has_no_receipts(clerk: Clerk, home: Household) -> None:
    clerk.account = clerk.teller.device(home.holiday)
    with refused() as refusal:
        await clerk.add()
    assert refusal.key == "not_an_account"
    with refused() as refusal:
        await clerk.remove("order-1")
    assert refusal.key == "not_an_account"
    assert clerk.sent == 0


async def test_only_administrators_add_and_remove(
    clerk: Clerk, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    account = {"account": clerk.account}
    receipt = {**account, "transaction_id": clerk.row.id, "total": 4.5, "items": [SANDWICH]}

    async def call(action: str, fields: Fields, user: MockUser) -> None:
        await clerk.hass.services.async_call(
            DOMAIN, action, fields, blocking=True, context=Context(user_id=user.id)
        )

    with pytest.raises(Unauthorized):
        await call(ADD, receipt, hass_read_only_user)
    assert clerk.sent == 0
    await call(ADD, receipt, hass_admin_user)
    with pytest.raises(Unauthorized):
        await call(REMOVE, {**account, "receipt_id": clerk.row.id}, hass_read_only_user)
    assert len(clerk.kept) == 1
    await call(REMOVE, {**account, "receipt_id": clerk.row.id}, hass_admin_user)
    assert clerk.kept == {}


# When the bank does not


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Answer.error("bad_request.bad_param.total", "Wrong total"), "rejected"),
        (Answer.error("forbidden.insufficient_permissions"), "not_permitted"),
        (Answer.rate_limited("5"), "asked_to_wait"),
        (DropBefore(), "no_answer"),
        (Answer.html(502), "no_answer"),
    ],
    ids=["refused", "forbidden", "too many requests", "dropped", "proxy"],
)
async def test_a_receipt_that_the_bank_does_not_take_is_told_of(
    clerk: Clerk, server: BankServer, fault: Fault, key: str
) -> None:
    server.fail("PUT", "/transaction-receipts", fault)
    with refused() as refusal:
        await clerk.add()
    assert refusal.key == key
    assert clerk.kept == {}


async def test_a_receipt_for_a_transaction_of_another_is_refused(
    clerk: Clerk, bank: Bank, home: Household
) -> None:
    for transaction_id in ("tx_nothing", bank.pay(home.bens.id, -1).id):
        with refused() as refusal:
            await clerk.add(transaction_id=transaction_id)
        assert refusal.key == "not_found"
    assert clerk.kept == {}


async def test_a_sign_in_that_has_ended_is_noticed(
    clerk: Clerk, home: Household, server: BankServer
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await clerk.add()
    assert refusal.key == "action_needs_sign_in"
    assert clerk.teller.asked_to_sign_in


# Removing


async def test_a_receipt_is_removed(clerk: Clerk) -> None:
    for receipt_id in ("order-1", "50% & more/?#"):
        await clerk.add(receipt_id=receipt_id)
    await clerk.remove("50% & more/?#")
    assert clerk.kept.keys() == {"order-1"}
    with refused() as refusal:
        await clerk.remove("50% & more/?#")
    assert refusal.key == "not_found"


async def test_a_receipt_that_was_added_without_an_id_goes_by_that_of_the_transaction(
    clerk: Clerk,
) -> None:
    await clerk.add()
    await clerk.remove(clerk.row.id)
    assert clerk.kept == {}


# Privacy


async def test_neither_log_nor_errors_say_what_was_bought_and_for_how_much(
    clerk: Clerk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.monzo")
    secret = {"description": "Treasure", "amount": "987.65"}
    await clerk.add(total="987.65", items=[secret], merchant={"name": "Treasure Island"})
    for fields in (
        {"total": "987.64", "items": [secret]},
        {"total": "987.65", "items": [{**secret, "sub_items": [TEA]}]},
        {
            "total": "987.65",
            "items": [secret],
            "payments": [{"type": "card", "amount": "987.64", "last_four": "9876"}],
        },
        {"items": [{**secret, "amount": "987.651"}]},
    ):
        with refused() as refusal:
            await clerk.add(**fields)
        assert not re.search(r"98[67]|Treasure", refusal.text)
        assert refusal.error.__cause__ is None
        assert refusal.error.__context__ is None
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    assert ours
    log = "".join(record.getMessage() for record in ours)
    assert not re.search(r"987\.6|98765|Treasure", log)


# The forms


ROOT = Path(custom_components.monzo.__file__).parent
FORMS = yaml.safe_load((ROOT / "services.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("items", ITEM_SCHEMA),
        ("taxes", TAX_SCHEMA),
        ("payments", PAYMENT_SCHEMA),
        ("merchant", MERCHANT_SCHEMA),
    ],
)
def test_a_form_within_the_form_has_every_field_with_its_text(
    field: str, schema: vol.Schema
) -> None:
    form = FORMS[ADD]["fields"][field]["selector"]["object"]
    required = {name: each.get("required", False) for name, each in form["fields"].items()}
    assert required == {str(key): isinstance(key, vol.Required) for key in schema.schema}
    assert {form["label_field"], form["description_field"]} <= form["fields"].keys()
    texts = TEXTS["selector"][form["translation_key"]]["fields"]
    assert texts.keys() == form["fields"].keys()
    for text in texts.values():
        assert text.keys() == {"name", "description"}


async def test_every_example_works(clerk: Clerk) -> None:
    fields = FORMS[ADD]["fields"]
    # The user interface shows them as they are, and reads them as YAML.
    example = {
        name: yaml.safe_load(str(field["example"]))
        for name, field in fields.items()
        if name != "account"
    }
    answer = await clerk.add(**{**example, "transaction_id": clerk.row.id})
    assert answer["receipt_id"] == example["receipt_id"]
    assert FORMS[REMOVE]["fields"]["receipt_id"]["example"] == example["receipt_id"]
    await clerk.remove(example["receipt_id"])
    assert clerk.kept == {}
