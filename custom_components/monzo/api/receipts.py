"""Models of receipts, which are the only requests that Monzo takes as JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from .fields import Fields, read_optional
from .money import Money
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReceiptItem(Private):
    """A line of a receipt."""

    description: str

    amount: Money
    """The amount of the whole line rather than of one piece; includes the sub-items.

    Positive; negative for a discount.
    """

    quantity: Decimal | None = None
    """The number of pieces, or the quantity in `unit`."""

    unit: str | None = None
    """The unit of the quantity, such as kg."""

    tax: Money | None = None
    """The tax that the amount includes."""

    sub_items: tuple[ReceiptItem, ...] = ()
    """Parts of this line, such as a topping. They have no sub-items of their own."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `items`."""
        return cls._read(data, _read_all(ReceiptItem._read, data, "sub_items"))

    @classmethod
    def _read(cls, data: object, sub_items: tuple[ReceiptItem, ...] = ()) -> Self:
        fields = Fields(data)
        return cls(
            description=fields.require(fields.text, "description"),
            amount=fields.require(fields.money, "amount"),
            quantity=fields.number("quantity"),
            unit=fields.text("unit"),
            tax=fields.money("tax"),
            sub_items=sub_items,
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON for Monzo. Raises ValueError if an amount is not exact."""
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
    """A tax that is added to the items of a receipt."""

    description: str
    """For example VAT."""

    amount: Money

    tax_number: str | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `taxes`."""
        fields = Fields(data)
        return cls(
            description=fields.require(fields.text, "description"),
            amount=fields.require(fields.money, "amount"),
            tax_number=fields.text("tax_number"),
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON for Monzo. Raises ValueError if an amount is not exact."""
        return _without_none(
            description=self.description,
            amount=self.amount.minor,
            currency=self.amount.currency,
            tax_number=self.tax_number,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReceiptPayment(Private):
    """A payment of a receipt, or of a part of it."""

    type: str
    """One of card, cash and gift_card."""

    amount: Money

    last_four: str | None = None
    """The last four digits of the card."""

    gift_card_type: str | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `payments`."""
        fields = Fields(data)
        return cls(
            type=fields.require(fields.text, "type"),
            amount=fields.require(fields.money, "amount"),
            last_four=fields.text("last_four"),
            gift_card_type=fields.text("gift_card_type"),
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON for Monzo. Raises ValueError if an amount is not exact."""
        return _without_none(
            type=self.type,
            amount=self.amount.minor,
            currency=self.amount.currency,
            last_four=self.last_four,
            gift_card_type=self.gift_card_type,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReceiptMerchant(Private):
    """The shop on a receipt."""

    name: str | None = None

    online: bool = False

    phone: str | None = None

    email: str | None = None

    store_name: str | None = None
    """The branch, such as Old Street."""

    store_address: str | None = None

    store_postcode: str | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the `merchant` of a receipt."""
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
        """Return the JSON for Monzo."""
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
    """The receipt of a transaction, line by line."""

    transaction_id: str

    external_id: str
    """An id that the sender chooses. Sending it again replaces the receipt."""

    total: Money
    """The amount that was paid, as a positive amount. Items and taxes should add up to it."""

    items: tuple[ReceiptItem, ...]

    taxes: tuple[ReceiptTax, ...] = ()

    payments: tuple[ReceiptPayment, ...] = ()
    """Payments should add up to the total too."""

    merchant: ReceiptMerchant | None = None

    id: str | None = None
    """The id that Monzo assigns. It is not sent."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read `receipt` in the response of `GET /transaction-receipts`.

        Raises MonzoResponseError if one line cannot be read, because the rest would not add up.
        """
        fields = Fields(data)
        return cls(
            transaction_id=fields.require(fields.text, "transaction_id"),
            external_id=fields.require(fields.text, "external_id"),
            total=fields.require(fields.money, "total"),
            items=_read_all(ReceiptItem.from_json, data, "items"),
            taxes=_read_all(ReceiptTax.from_json, data, "taxes"),
            payments=_read_all(ReceiptPayment.from_json, data, "payments"),
            merchant=read_optional(ReceiptMerchant.from_json, fields.value("merchant")),
            id=fields.text("id"),
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON for Monzo. Raises ValueError if an amount is not exact."""
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
    """Return a quantity as a JSON number. Money never passes through here."""
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)
