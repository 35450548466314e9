"""Actions that add a receipt to a transaction, and remove a receipt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..amounts import format_amount, parse_amount
from ..api import (
    Money,
    Receipt,
    ReceiptItem,
    ReceiptMerchant,
    ReceiptPayment,
    ReceiptTax,
    currency_exponent,
)
from ..bank import bank_errors, validation_error
from .action import ATTR_ACCOUNT, ATTR_TRANSACTION_ID, Action, async_account
from .amounts import ANY_AMOUNT, ATTR_AMOUNT, number, positive_amount
from .fields import ATTR_MERCHANT, MONZO_ID, TEXT, shown_value

ATTR_CURRENCY: Final = "currency"
ATTR_DESCRIPTION: Final = "description"
ATTR_ITEMS: Final = "items"
ATTR_PAYMENTS: Final = "payments"
ATTR_QUANTITY: Final = "quantity"
ATTR_RECEIPT_ID: Final = "receipt_id"
ATTR_SUB_ITEMS: Final = "sub_items"
ATTR_TAX: Final = "tax"
ATTR_TAXES: Final = "taxes"
ATTR_TOTAL: Final = "total"
ATTR_TYPE: Final = "type"
ATTR_UNIT: Final = "unit"

SERVICE_ADD_RECEIPT: Final = "add_receipt"
SERVICE_REMOVE_RECEIPT: Final = "remove_receipt"

# From Monzo's documentation.
PAYMENT_TYPES: Final = ("card", "cash", "gift_card")

# Far more than a receipt ever lists, in any unit.
MAX_QUANTITY: Final = 1_000_000

SUB_ITEM_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_DESCRIPTION): TEXT,
        vol.Required(ATTR_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_QUANTITY): vol.All(
            vol.Coerce(float), vol.Range(min=0, min_included=False, max=MAX_QUANTITY)
        ),
        vol.Optional(ATTR_UNIT): TEXT,
        vol.Optional(ATTR_TAX): ANY_AMOUNT,
    }
)

ITEM_SCHEMA: Final = SUB_ITEM_SCHEMA.extend(
    {vol.Optional(ATTR_SUB_ITEMS): vol.All(cv.ensure_list, [SUB_ITEM_SCHEMA])}
)

TAX_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_DESCRIPTION): TEXT,
        vol.Required(ATTR_AMOUNT): ANY_AMOUNT,
        vol.Optional("tax_number"): TEXT,
    }
)

PAYMENT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_TYPE): vol.In(PAYMENT_TYPES),
        vol.Required(ATTR_AMOUNT): ANY_AMOUNT,
        vol.Optional("last_four"): vol.All(cv.string, vol.Match(r"[0-9]{4}\Z")),
        vol.Optional("gift_card_type"): TEXT,
    }
)

# The fields of ReceiptMerchant.
MERCHANT_SCHEMA: Final = vol.Schema(
    {
        vol.Optional("name"): TEXT,
        vol.Optional("online"): cv.boolean,
        vol.Optional("phone"): TEXT,
        vol.Optional("email"): TEXT,
        vol.Optional("store_name"): TEXT,
        vol.Optional("store_address"): TEXT,
        vol.Optional("store_postcode"): TEXT,
    }
)

ADD_RECEIPT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): cv.string,
        vol.Required(ATTR_TRANSACTION_ID): MONZO_ID,
        vol.Required(ATTR_TOTAL): ANY_AMOUNT,
        vol.Required(ATTR_ITEMS): vol.All(cv.ensure_list, [ITEM_SCHEMA], vol.Length(min=1)),
        vol.Optional(ATTR_TAXES): vol.All(cv.ensure_list, [TAX_SCHEMA]),
        vol.Optional(ATTR_PAYMENTS): vol.All(cv.ensure_list, [PAYMENT_SCHEMA]),
        vol.Optional(ATTR_MERCHANT): MERCHANT_SCHEMA,
        vol.Optional(ATTR_CURRENCY): vol.All(
            cv.string, vol.Strip, vol.Upper, vol.Match(r"[A-Z]{3}\Z")
        ),
        vol.Optional(ATTR_RECEIPT_ID): TEXT,
    }
)

REMOVE_RECEIPT_SCHEMA: Final = vol.Schema(
    {vol.Required(ATTR_ACCOUNT): cv.string, vol.Required(ATTR_RECEIPT_ID): TEXT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptInput:
    """The fields of a call for a receipt, or for one line of the receipt."""

    fields: Mapping[str, Any]

    currency: str

    place: str = ""
    """The position in the receipt, such as "items 2"; empty for the receipt itself."""

    def lines(self, field: str) -> Iterator[ReceiptInput]:
        """Yield the lines in a field. Their positions count from one."""
        for number_of_line, fields in enumerate(self.fields.get(field, ()), start=1):
            yield ReceiptInput(
                fields=fields,
                currency=self.currency,
                place=f"{self.place} {field} {number_of_line}".strip(),
            )

    def money(self, field: str) -> Money:
        """Return the amount in a field. A discount is negative, and a free item zero.

        Raises ServiceValidationError if it is not an amount with whole minor units.
        """
        amount = parse_amount(self.fields[field], self.currency)
        if amount is not None:
            return amount
        raise validation_error(
            "invalid_receipt_amount",
            place=f"{self.place} {field}",
            value=shown_value(self.fields[field]),
            currency=self.currency,
            decimals=str(currency_exponent(self.currency)),
        )


async def _async_add_receipt(call: ServiceCall) -> ServiceResponse:
    """Add or replace a receipt. The response contains the id to remove it with."""
    target = await async_account(call)
    currency = call.data.get(ATTR_CURRENCY, target.account.currency)
    receipt = build_receipt(ReceiptInput(fields=call.data, currency=currency))
    async with bank_errors(call.hass, target.entry, receipt.transaction_id):
        await target.runtime.session.put_receipt(receipt)
    return {
        "receipt_id": receipt.external_id,
        "transaction_id": receipt.transaction_id,
        "total": number(receipt.total),
        "currency": receipt.total.currency,
    }


async def _async_remove_receipt(call: ServiceCall) -> None:
    """Remove a receipt from its transaction."""
    target = await async_account(call)
    async with bank_errors(call.hass, target.entry, call.data[ATTR_RECEIPT_ID]):
        await target.runtime.session.delete_receipt(call.data[ATTR_RECEIPT_ID])


def build_receipt(call: ReceiptInput) -> Receipt:
    """Return the receipt that a call describes.

    Raises ServiceValidationError if an amount is invalid, or if the amounts do not add up.
    """
    fields = call.fields
    receipt = Receipt(
        transaction_id=fields[ATTR_TRANSACTION_ID],
        # A receipt with the same id is replaced, so a repeated call does not add a second one.
        external_id=fields.get(ATTR_RECEIPT_ID, fields[ATTR_TRANSACTION_ID]),
        total=positive_amount(fields, ATTR_TOTAL, call.currency),
        items=tuple(map(_item, call.lines(ATTR_ITEMS))),
        taxes=tuple(
            ReceiptTax(**{**tax.fields, ATTR_AMOUNT: tax.money(ATTR_AMOUNT)})
            for tax in call.lines(ATTR_TAXES)
        ),
        payments=tuple(
            ReceiptPayment(**{**payment.fields, ATTR_AMOUNT: payment.money(ATTR_AMOUNT)})
            for payment in call.lines(ATTR_PAYMENTS)
        ),
        merchant=ReceiptMerchant(**fields[ATTR_MERCHANT]) if ATTR_MERCHANT in fields else None,
    )
    total = receipt.total
    if (items := _sum((*receipt.items, *receipt.taxes))) != total:
        raise validation_error(
            "receipt_items_do_not_add_up", sum=format_amount(items), total=format_amount(total)
        )
    if receipt.payments and (payments := _sum(receipt.payments)) != total:
        raise validation_error(
            "receipt_payments_do_not_add_up",
            sum=format_amount(payments),
            total=format_amount(total),
        )
    return receipt


def _item(line: ReceiptInput) -> ReceiptItem:
    """Return an item or a sub-item. Raises the same errors as `build_receipt`."""
    fields = line.fields
    item = ReceiptItem(
        description=fields[ATTR_DESCRIPTION],
        amount=line.money(ATTR_AMOUNT),
        # Through text: 0.1 as a binary fraction is another number.
        quantity=Decimal(str(fields[ATTR_QUANTITY])) if ATTR_QUANTITY in fields else None,
        unit=fields.get(ATTR_UNIT),
        tax=line.money(ATTR_TAX) if ATTR_TAX in fields else None,
        sub_items=tuple(map(_item, line.lines(ATTR_SUB_ITEMS))),
    )
    if item.sub_items and (sub_items := _sum(item.sub_items)) != item.amount:
        raise validation_error(
            "receipt_sub_items_do_not_add_up",
            place=line.place,
            sum=format_amount(sub_items),
            amount=format_amount(item.amount),
        )
    return item


def _sum(lines: Sequence[ReceiptItem | ReceiptPayment | ReceiptTax]) -> Money:
    """Return the sum of at least one line."""
    first, *others = (line.amount for line in lines)
    return sum(others, first)


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        name=SERVICE_ADD_RECEIPT,
        handler=_async_add_receipt,
        schema=ADD_RECEIPT_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    ),
    Action(
        name=SERVICE_REMOVE_RECEIPT,
        handler=_async_remove_receipt,
        schema=REMOVE_RECEIPT_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.NONE,
    ),
)
