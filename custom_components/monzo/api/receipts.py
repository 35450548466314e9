"""Receipts: what a transaction paid for, line by line. The only thing that is sent as JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from .fields import Fields, read_optional
from .money import Money
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReceiptItem(Private):
    """One line of a receipt."""

    description: str

    amount: Money
    """For the whole line, not for one piece. Of the sub-items, if any, the sum."""

    quantity: Decimal | None = None
    """How many, or how much."""

    unit: str | None = None
    """What the quantity is in, such as kg."""

    tax: Money | None = None
    """The tax that is part of the amount."""

    sub_items: tuple[ReceiptItem, ...] = ()
    """What belongs to this line, such as a topping. Sub-items have no sub-items."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read one of a receipt's `items`."""
        return cls._read(data, _read_all(ReceiptItem._read, data, "sub_items"))

    @classmethod
    def _read(cls, data: object, sub_items: tuple[ReceiptItem, ...] = ()) -> Self:
        fields = Fields(data)
        return cls(
            description=fields.need(fields.text, "description"),
            amount=fields.need(fields.money, "amount"),
            quantity=fields.number("quantity"),
            unit=fields.text("unit"),
            tax=fields.money("tax"),
            sub_items=sub_items,
        )

    def to_json(self) -> dict[str, object]:
        """Return what Monzo wants to see."""
        return _without_none(
            description=self.description,
            amount=self.amount.minor,
            currency=self.amount.currency,
            quantity=_to_json_number(self.quantity),
            unit=self.unit,
            tax=self.tax and self.tax.minor,
            sub_items=[item.to_json() for item in self.sub_items] or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReceiptTax(Private):
    """A tax that comes on top of a receipt's items."""

    description: str
    """Such as VAT."""

    amount: Money

    tax_number: str | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read one of a receipt's `taxes`."""
        fields = Fields(data)
        return cls(
            description=fields.need(fields.text, "description"),
            amount=fields.need(fields.money, "amount"),
            tax_number=fields.text("tax_number"),
        )

    def to_json(self) -> dict[str, object]:
        """Return what Monzo wants to see."""
        return _without_none(
            description=self.description,
            amount=self.amount.minor,
            currency=self.amount.currency,
            tax_number=self.tax_number,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReceiptPayment(Private):
    """One of the ways a receipt was paid."""

    type: str
    """One of card, cash, gift_card."""

    amount: Money

    last_four: str | None = None
    """The last digits of the card."""

    gift_card_type: str | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read one of a receipt's `payments`."""
        fields = Fields(data)
        return cls(
            type=fields.need(fields.text, "type"),
            amount=fields.need(fields.money, "amount"),
            last_four=fields.text("last_four"),
            gift_card_type=fields.text("gift_card_type"),
        )

    def to_json(self) -> dict[str, object]:
        """Return what Monzo wants to see."""
        return _without_none(
            type=self.type,
            amount=self.amount.minor,
            currency=self.amount.currency,
            last_four=self.last_four,
            gift_card_type=self.gift_card_type,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReceiptMerchant(Private):
    """The shop, as it stands on a receipt."""

    name: str | None = None

    online: bool = False

    phone: str | None = None

    email: str | None = None

    store_name: str | None = None
    """Which of the shops, such as Old Street."""

    store_address: str | None = None

    store_postcode: str | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read a receipt's `merchant`."""
        fields = Fields(data)
        return cls(
            name=fields.text("name"),
            online=fields.flag("online"),
            phone=fields.text("phone"),
            email=fields.text("email"),
            store_name=fields.text("store_name"),
            store_address=fields.text("store_address"),
            store_postcode=fields.text("store_postcode"),
        )

    def to_json(self) -> dict[str, object]:
        """Return what Monzo wants to see."""
        return _without_none(
            name=self.name,
            online=self.online,
            phone=self.phone,
            email=self.email,
            store_name=self.store_name,
            store_address=self.store_address,
            store_postcode=self.store_postcode,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Receipt(Private):
    """What a transaction paid for, line by line."""

    transaction_id: str

    external_id: str
    """Made up by the sender. Sending it again replaces the receipt."""

    total: Money
    """What was paid; positive. Items and taxes should add up to it."""

    items: tuple[ReceiptItem, ...]

    taxes: tuple[ReceiptTax, ...] = ()

    payments: tuple[ReceiptPayment, ...] = ()
    """Should add up to the total as well."""

    merchant: ReceiptMerchant | None = None

    id: str | None = None
    """Given by Monzo; not sent."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the `receipt` of `GET /transaction-receipts`.

        All of it or nothing: a receipt without one of its lines would not add up.
        """
        fields = Fields(data)
        return cls(
            transaction_id=fields.need(fields.text, "transaction_id"),
            external_id=fields.need(fields.text, "external_id"),
            total=fields.need(fields.money, "total"),
            items=_read_all(ReceiptItem.from_json, data, "items"),
            taxes=_read_all(ReceiptTax.from_json, data, "taxes"),
            payments=_read_all(ReceiptPayment.from_json, data, "payments"),
            merchant=read_optional(ReceiptMerchant.from_json, fields.value("merchant")),
            id=fields.text("id"),
        )

    def to_json(self) -> dict[str, object]:
        """Return what Monzo wants to see; ValueError if an amount is not exact."""
        return _without_none(
            transaction_id=self.transaction_id,
            external_id=self.external_id,
            total=self.total.minor,
            currency=self.total.currency,
            items=[item.to_json() for item in self.items],
            taxes=[tax.to_json() for tax in self.taxes],
            payments=[payment.to_json() for payment in self.payments],
            merchant=self.merchant and self.merchant.to_json(),
        )


def _read_all[T](read: Callable[[object], T], data: object, key: str) -> tuple[T, ...]:
    return tuple(read(row) for row in Fields(data).rows(key) or ())


def _without_none(**fields: object) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}


def _to_json_number(number: Decimal | None) -> float | None:
    """Return a quantity as JSON knows it; never used for money."""
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)
