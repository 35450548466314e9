"""The actions that add a receipt to a transaction, and remove a receipt."""

from decimal import Decimal
import logging
from pathlib import Path
from typing import Any

from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized
import pytest
from pytest_homeassistant_custom_component.common import MockUser
import voluptuous as vol
import yaml

import custom_components.monzo
from custom_components.monzo.api import Receipt
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.services.receipts import (
    ADD_RECEIPT_SCHEMA,
    ITEM_SCHEMA,
    MERCHANT_SCHEMA,
    PAYMENT_SCHEMA,
    TAX_SCHEMA,
    ReceiptInput,
    build_receipt,
)
from sandbox.bank import Bank
from sandbox.behaviour import ServerBehaviour
from sandbox.faults import Answer, LoseResponse
from sandbox.household import Household
from sandbox.models import Transaction
from sandbox.server import BankServer
from tests.conftest import SignIn
from tests.helpers.state_helpers import set_up
from tests.helpers.texts import TEXTS
from tests.helpers.transfer_client import TransferClient, refused

ADD = "add_receipt"
REMOVE = "remove_receipt"

type Fields = dict[str, Any]

SANDWICH: Fields = {"description": "Sandwich", "amount": 4.5}
TEA: Fields = {"description": "Tea", "amount": 2.25}

# A receipt with all fields that a call needs.
VALID: Fields = {
    "account": "device",
    "transaction_id": "tx_1",
    "total": 6.75,
    "items": [SANDWICH, TEA],
}


def receipt_of(**changes: object) -> Receipt:
    """Return the receipt that a call with these fields sends to the bank."""
    fields = ADD_RECEIPT_SCHEMA({**VALID, **changes})
    return build_receipt(ReceiptInput(fields=fields, currency="GBP"))


def refusal_of(**changes: object) -> tuple[str | None, dict[str, str]]:
    """Return the key and the placeholders of the error for a call with these fields."""
    with pytest.raises(ServiceValidationError) as error:
        receipt_of(**changes)
    return error.value.translation_key, dict(error.value.translation_placeholders or {})


class PaymentReceipts:
    """Adds receipts to one payment of Ann's, and removes them."""

    def __init__(
        self,
        transfer_client: TransferClient,
        home: Household,
        payment: Transaction,
        bank: Bank,
        server: BankServer,
    ) -> None:
        """Initialize the receipts of a payment."""
        self.hass = transfer_client.hass
        self.transfer_client = transfer_client
        self.account = transfer_client.device(home.current)
        self.payment = payment
        self._bank = bank
        self._server = server

    async def add(self, **changes: object) -> Fields:
        """Add a valid receipt with some other fields, and return the response."""
        fields = {**VALID, "account": self.account, "transaction_id": self.payment.id, **changes}
        return await self.transfer_client.call(ADD, **fields)

    async def remove(self, receipt_id: str) -> None:
        """Remove a receipt."""
        fields = {"account": self.account, "receipt_id": receipt_id}
        await self.hass.services.async_call(DOMAIN, REMOVE, fields, blocking=True)

    @property
    def stored(self) -> dict[str, Fields]:
        """The receipts that the bank has, by their ids."""
        return {
            external_id: dict(receipt.body)
            for (_person, external_id), receipt in self._bank.receipts.items()
        }

    @property
    def requests(self) -> int:
        """How many receipts have been sent to the bank."""
        return len(self._server.requests_to("PUT", "/transaction-receipts"))


@pytest.fixture
def receipts(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> PaymentReceipts:
    """Return the receipts of a payment in the Deli."""
    payment = bank.pay(home.current.id, -675, merchant="Deli")
    return PaymentReceipts(transfer_client, home, payment, bank, server)


# Adding


async def test_a_receipt_is_stored_with_all_its_fields(receipts: PaymentReceipts) -> None:
    response = await receipts.add(
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
    assert response == {
        "receipt_id": "order-1",
        "transaction_id": receipts.payment.id,
        "total": 10.0,
        "currency": "GBP",
    }
    gbp = {"currency": "GBP"}
    assert receipts.stored == {
        "order-1": {
            "transaction_id": receipts.payment.id,
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


async def test_a_total_and_one_item_are_enough(receipts: PaymentReceipts) -> None:
    await receipts.add(total=4.5, items=SANDWICH)
    (receipt,) = receipts.stored.values()
    assert receipt["items"] == [{"description": "Sandwich", "amount": 450, "currency": "GBP"}]
    assert receipt["taxes"] == receipt["payments"] == []
    assert "merchant" not in receipt


async def test_the_content_of_the_banks_response_does_not_matter(
    receipts: PaymentReceipts, server: BankServer
) -> None:
    server.behaviour = ServerBehaviour(receipt_answer="empty")
    assert (await receipts.add())["receipt_id"] == receipts.payment.id
    server.behaviour = ServerBehaviour(receipt_answer="id")
    assert (await receipts.add())["receipt_id"] == receipts.payment.id
    server.behaviour = ServerBehaviour(receipt_answer="receipt")
    assert (await receipts.add())["receipt_id"] == receipts.payment.id


async def test_the_response_is_optional(receipts: PaymentReceipts) -> None:
    services = receipts.hass.services
    assert services.supports_response(DOMAIN, ADD) is SupportsResponse.OPTIONAL
    assert services.supports_response(DOMAIN, REMOVE) is SupportsResponse.NONE
    fields = {**VALID, "account": receipts.account, "transaction_id": receipts.payment.id}
    await services.async_call(DOMAIN, ADD, fields, blocking=True)
    assert len(receipts.stored) == 1


async def test_a_repeated_call_replaces_the_receipt(
    receipts: PaymentReceipts, server: BankServer
) -> None:
    server.fail("PUT", "/transaction-receipts", LoseResponse())
    with refused() as refusal:
        await receipts.add()
    assert refusal.key == "no_answer"
    assert (await receipts.add())["receipt_id"] == receipts.payment.id
    await receipts.add(total=4.5, items=[SANDWICH])
    assert receipts.stored.keys() == {receipts.payment.id}
    assert receipts.stored[receipts.payment.id]["total"] == 450


async def test_a_transaction_can_have_several_receipts_with_different_ids(
    receipts: PaymentReceipts,
) -> None:
    for receipt_id in ("order-1", "order-2", "order-1", 20_261_123, " order-2 "):
        await receipts.add(receipt_id=receipt_id)
    assert receipts.stored.keys() == {"order-1", "order-2", "20261123"}


# Sums


def test_amounts_add_up_exactly(subtests: pytest.Subtests) -> None:
    cases: tuple[tuple[object, list[object]], ...] = (
        (0.3, [0.1, 0.2]),
        ("0.30", ["0.1", " .2 "]),
        (1, [0.1] * 10),
        (Decimal("4.35"), [4.35]),
        (4, [5, -1]),
        (4, [4, 0]),
        ("999999999.99", ["999999999.98", "0.01"]),
    )
    for total, amounts in cases:
        with subtests.test(total=str(total)):
            items = [{"description": "Tea", "amount": amount} for amount in amounts]
            receipt = receipt_of(total=total, items=items)
            assert receipt.total.amount == Decimal(str(total))


def test_items_and_taxes_must_add_up_to_the_total(subtests: pytest.Subtests) -> None:
    vat = {"description": "VAT", "amount": 0.04}
    cases: tuple[tuple[Fields, str, str], ...] = (
        ({"total": 6.74}, "6.75 GBP", "6.74 GBP"),
        ({"total": 6.76}, "6.75 GBP", "6.76 GBP"),
        ({"taxes": [vat]}, "6.79 GBP", "6.75 GBP"),
        ({"total": 6.8, "taxes": [vat]}, "6.79 GBP", "6.80 GBP"),
        # The tax of an item is part of its amount.
        ({"total": 5, "items": [{**SANDWICH, "tax": 0.5}]}, "4.50 GBP", "5.00 GBP"),
    )
    assert receipt_of(total=6.79, taxes=[vat]).total.minor == 679
    for fields, items, total in cases:
        with subtests.test(fields=fields):
            assert refusal_of(**fields) == (
                "receipt_items_do_not_add_up",
                {"sum": items, "total": total},
            )


def test_payments_must_add_up_to_the_total() -> None:
    card = {"type": "card", "amount": 6.74}
    penny = {"type": "cash", "amount": 0.01}
    assert len(receipt_of(payments=[card, penny]).payments) == 2
    assert refusal_of(payments=[card]) == (
        "receipt_payments_do_not_add_up",
        {"sum": "6.74 GBP", "total": "6.75 GBP"},
    )


def test_sub_items_must_add_up_to_their_item() -> None:
    half = {"description": "Half", "amount": 1.12}
    halves = [half, {**half, "amount": 1.13}]
    assert receipt_of(items=[SANDWICH, {**TEA, "sub_items": halves}]).items[1].sub_items
    assert refusal_of(items=[SANDWICH, {**TEA, "sub_items": [half, half]}]) == (
        "receipt_sub_items_do_not_add_up",
        {"place": "items 2", "sum": "2.24 GBP", "amount": "2.25 GBP"},
    )


def test_a_sub_item_can_be_negative() -> None:
    extras = [
        {"description": "Sandwich", "amount": 4.5},
        {"description": "Extra cheese", "amount": 1},
        {"description": "Discount", "amount": -1},
    ]
    (item,) = receipt_of(total=4.5, items=[{**SANDWICH, "sub_items": extras}]).items
    assert item.amount.minor == 450


# Amounts


def test_an_invalid_amount_is_refused_with_its_position(subtests: pytest.Subtests) -> None:
    invalid: tuple[object, ...] = (
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
        [],
        {},
    )
    for amount in invalid:
        with subtests.test(amount=amount):
            assert refusal_of(items=[SANDWICH, {**TEA, "amount": amount}]) == (
                "invalid_receipt_amount",
                {
                    "place": "items 2 amount",
                    "value": str(amount),
                    "currency": "GBP",
                    "decimals": "2",
                },
            )
    key, placeholders = refusal_of(items=[{**TEA, "amount": 10**5000}])
    assert (key, placeholders["value"]) == ("invalid_receipt_amount", "…")


def test_every_amount_of_a_receipt_has_a_position(subtests: pytest.Subtests) -> None:
    penny = {"type": "cash", "amount": 0.01}
    cases: tuple[tuple[Fields, str], ...] = (
        ({"items": [{**SANDWICH, "tax": "x"}]}, "items 1 tax"),
        (
            {"items": [SANDWICH, {**TEA, "sub_items": [SANDWICH, {**TEA, "amount": "x"}]}]},
            "items 2 sub_items 2 amount",
        ),
        ({"items": [{**TEA, "sub_items": [{**TEA, "tax": "x"}]}]}, "items 1 sub_items 1 tax"),
        ({"taxes": [{"description": "VAT", "amount": "x"}]}, "taxes 1 amount"),
        ({"payments": [penny, {**penny, "amount": "x"}]}, "payments 2 amount"),
    )
    for fields, place in cases:
        with subtests.test(place=place):
            key, placeholders = refusal_of(**fields)
            assert key == "invalid_receipt_amount"
            assert placeholders["place"] == place


def test_the_total_must_be_greater_than_zero(subtests: pytest.Subtests) -> None:
    for total in (0, -6.75, "0.00", "x", None, 6.755):
        with subtests.test(total=total):
            assert refusal_of(total=total)[0] == "invalid_amount"


# Currencies


async def test_the_currency_is_that_of_the_account(
    hass: HomeAssistant, home: Household, bank: Bank, server: BankServer, sign_in: SignIn
) -> None:
    account = bank.open_account(home.ann, currency="JPY", balance=100_000)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    transfer_client = TransferClient(hass, entry, bank, server)
    receipts = PaymentReceipts(transfer_client, home, bank.pay(account.id, -1500), bank, server)
    receipts.account = transfer_client.device(account)
    response = await receipts.add(total=1500, items=[{"description": "Ramen", "amount": "1500"}])
    assert (response["currency"], response["total"]) == ("JPY", 1500.0)
    (receipt,) = receipts.stored.values()
    assert receipt["total"] == receipt["items"][0]["amount"] == 1500
    assert receipt["currency"] == receipt["items"][0]["currency"] == "JPY"


async def test_a_receipt_can_be_in_another_currency(receipts: PaymentReceipts) -> None:
    for currency, amount, minor in (
        ("GBP", 12.5, 1250),
        ("jpy", 1500, 1500),
        (" KWD ", "1.234", 1234),
    ):
        item = {"description": "Souvenir", "amount": amount}
        response = await receipts.add(total=amount, items=[item], currency=currency)
        assert response["currency"] == currency.strip().upper()
        (receipt,) = receipts.stored.values()
        assert receipt["total"] == receipt["items"][0]["amount"] == minor
        assert receipt["items"][0]["currency"] == currency.strip().upper()


# Invalid calls


def test_an_invalid_field_is_named(subtests: pytest.Subtests) -> None:
    assert ADD_RECEIPT_SCHEMA(VALID) == VALID
    cases: tuple[tuple[str, object], ...] = (
        ("transaction_id", ""),
        ("transaction_id", None),
        ("account", None),
        ("receipt_id", "  "),
        ("currency", "£"),
        ("currency", "POUNDS"),
        ("items", []),
        ("items", "Sandwich"),
        ("items", [{"description": "Sandwich"}]),
        ("items", [{"amount": 1}]),
        ("items", [{**SANDWICH, "description": ""}]),
        ("items", [{**SANDWICH, "quantity": 0}]),
        ("items", [{**SANDWICH, "quantity": -1}]),
        ("items", [{**SANDWICH, "quantity": "many"}]),
        ("items", [{**SANDWICH, "quantity": "NaN"}]),
        ("items", [{**SANDWICH, "quantity": "inf"}]),
        ("items", [{**SANDWICH, "price": 1}]),
        ("items", [{**SANDWICH, "sub_items": [{**TEA, "sub_items": [TEA]}]}]),
        ("taxes", [{"amount": 1}]),
        ("payments", [{"amount": 1}]),
        ("payments", [{"type": "shells", "amount": 1}]),
        ("payments", [{"type": "card", "amount": 1, "last_four": "1234567890123456"}]),
        ("merchant", {"shop": "Deli"}),
        ("merchant", "Deli"),
        ("unknown", 1),
    )
    for field, value in cases:
        with subtests.test(field=field, value=value), pytest.raises(vol.Invalid, match=field):
            ADD_RECEIPT_SCHEMA({**VALID, field: value})


async def test_a_pot_has_no_receipts(receipts: PaymentReceipts, home: Household) -> None:
    receipts.account = receipts.transfer_client.device(home.holiday)
    with refused() as refusal:
        await receipts.add()
    assert refusal.key == "not_an_account"
    with refused() as refusal:
        await receipts.remove("order-1")
    assert refusal.key == "not_an_account"
    assert receipts.requests == 0


async def test_a_user_must_be_an_administrator_to_add_and_remove(
    receipts: PaymentReceipts, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    async def call(user: MockUser, action: str, **fields: object) -> None:
        await receipts.hass.services.async_call(
            DOMAIN,
            action,
            {**fields, "account": receipts.account},
            blocking=True,
            context=Context(user_id=user.id),
        )

    receipt = {**VALID, "transaction_id": receipts.payment.id}
    with pytest.raises(Unauthorized):
        await call(hass_read_only_user, ADD, **receipt)
    assert receipts.requests == 0
    await call(hass_admin_user, ADD, **receipt)
    with pytest.raises(Unauthorized):
        await call(hass_read_only_user, REMOVE, receipt_id=receipts.payment.id)
    assert len(receipts.stored) == 1
    await call(hass_admin_user, REMOVE, receipt_id=receipts.payment.id)
    assert receipts.stored == {}


# Errors of the bank


async def test_an_error_of_the_bank_is_reported(
    receipts: PaymentReceipts, server: BankServer
) -> None:
    server.fail(
        "PUT", "/transaction-receipts", Answer.error("bad_request.bad_param.total", "Wrong total")
    )
    with refused() as refusal:
        await receipts.add()
    assert refusal.key == "rejected"
    assert "Wrong total" in refusal.text
    assert receipts.stored == {}

    server.fail("DELETE", "/transaction-receipts", Answer.html(502))
    with refused() as refusal:
        await receipts.remove("order-1")
    assert refusal.key == "no_answer"


async def test_a_transaction_of_another_person_gets_no_receipt(
    receipts: PaymentReceipts, bank: Bank, home: Household
) -> None:
    for transaction_id in ("tx_nothing", bank.pay(home.bens.id, -1).id):
        with refused() as refusal:
            await receipts.add(transaction_id=transaction_id)
        assert refusal.key == "not_found"
        assert transaction_id in refusal.text
    assert receipts.stored == {}


# Removing


async def test_a_receipt_is_removed_by_its_id(receipts: PaymentReceipts) -> None:
    for receipt_id in ("order-1", "50% & more/?#"):
        await receipts.add(receipt_id=receipt_id)
    await receipts.remove("50% & more/?#")
    assert receipts.stored.keys() == {"order-1"}
    with refused() as refusal:
        await receipts.remove("50% & more/?#")
    assert refusal.key == "not_found"


async def test_a_receipt_without_an_id_has_that_of_its_transaction(
    receipts: PaymentReceipts,
) -> None:
    await receipts.add()
    await receipts.remove(receipts.payment.id)
    assert receipts.stored == {}


# Privacy


async def test_the_logs_contain_no_items_and_no_amounts(
    receipts: PaymentReceipts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.monzo")
    secret = {"description": "Treasure", "amount": "987.65"}
    await receipts.add(total="987.65", items=[secret], merchant={"name": "Treasure Island"})
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
            await receipts.add(**fields)
        assert refusal.error.__cause__ is None
        assert refusal.error.__context__ is None
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    assert ours
    log = "".join(record.getMessage() for record in ours)
    assert not [private for private in ("987.6", "98765", "Treasure") if private in log]


# The form


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
def test_a_nested_form_has_all_fields_and_their_texts(field: str, schema: vol.Schema) -> None:
    form = FORMS[ADD]["fields"][field]["selector"]["object"]
    required = {name: each.get("required", False) for name, each in form["fields"].items()}
    assert required == {str(key): isinstance(key, vol.Required) for key in schema.schema}
    assert {form["label_field"], form["description_field"]} <= form["fields"].keys()
    texts = TEXTS["selector"][form["translation_key"]]["fields"]
    assert texts.keys() == form["fields"].keys()
    for text in texts.values():
        assert text.keys() == {"name", "description"}


async def test_the_examples_in_the_form_work(receipts: PaymentReceipts) -> None:
    # The user interface shows them as they are, and reads them as YAML.
    example = {
        name: yaml.safe_load(str(field["example"]))
        for name, field in FORMS[ADD]["fields"].items()
        if name != "account"
    }
    response = await receipts.add(**{**example, "transaction_id": receipts.payment.id})
    assert response["receipt_id"] == example["receipt_id"]
    assert FORMS[REMOVE]["fields"]["receipt_id"]["example"] == example["receipt_id"]
    await receipts.remove(example["receipt_id"])
    assert receipts.stored == {}
