"""Transactions, with the merchant or the other person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from .attachments import Attachment
from .fields import Fields, read_each, read_money, read_optional
from .money import Money
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Address(Private):
    """The address of a merchant."""

    short_formatted: str | None
    """The address on one line, without the country."""

    formatted: str | None
    """The address on one line."""

    address: str | None
    """The street and house number."""

    city: str | None

    region: str | None

    postcode: str | None

    country: str | None
    """The ISO 3166 code of three letters, or GLO for a merchant without a place."""

    latitude: Decimal | None
    """In degrees."""

    longitude: Decimal | None
    """In degrees."""

    approximate: bool
    """Whether the coordinates are those of the area rather than of the shop."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the `address` of a merchant."""
        fields = Fields(data)
        return cls(
            short_formatted=fields.text("short_formatted"),
            formatted=fields.text("formatted"),
            address=fields.text("address"),
            city=fields.text("city"),
            region=fields.text("region"),
            postcode=fields.text("postcode"),
            country=fields.text("country"),
            latitude=fields.number("latitude"),
            longitude=fields.number("longitude"),
            approximate=fields.flag("approximate"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Merchant(Private):
    """The merchant of a card payment."""

    id: str

    group_id: str | None
    """The id that all shops of a chain share."""

    name: str

    logo: str | None
    """The URL of a picture."""

    emoji: str | None

    category: str | None

    online: bool

    atm: bool
    """Whether the merchant is a cash machine."""

    address: Address | None

    suggested_tags: str | None
    """For example `#subscription #personal`."""

    website: str | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the `merchant` of a transaction, if the request expanded it."""
        fields = Fields(data)
        metadata = fields.texts("metadata")
        return cls(
            id=fields.require(fields.text, "id"),
            group_id=fields.text("group_id"),
            name=fields.text("name") or "",
            logo=fields.text("logo"),
            emoji=fields.text("emoji"),
            category=fields.text("category"),
            online=fields.flag("online"),
            atm=fields.flag("atm"),
            address=read_optional(Address.from_json, fields.value("address")),
            suggested_tags=fields.text("suggested_tags") or metadata.get("suggested_tags"),
            website=metadata.get("website"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Counterparty(Private):
    """The other side of a transaction that is not a card payment."""

    name: str | None

    preferred_name: str | None
    """The preferred name of another Monzo customer."""

    account_number: str | None

    sort_code: str | None

    account_id: str | None
    """The account of another Monzo customer."""

    user_id: str | None
    """Another Monzo customer, or an id with the prefix `anonuser_`.

    An `anonuser_` id is the same for all payments with one person at another bank.
    """

    beneficiary_account_type: str | None
    """For example Personal or Business."""

    service_user_number: str | None
    """The number of the organization that collects a direct debit."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the `counterparty` of a transaction."""
        fields = Fields(data)
        return cls(
            name=fields.text("name"),
            preferred_name=fields.text("preferred_name"),
            account_number=fields.text("account_number"),
            sort_code=fields.text("sort_code"),
            account_id=fields.text("account_id"),
            user_id=fields.text("user_id"),
            beneficiary_account_type=fields.text("beneficiary_account_type"),
            service_user_number=fields.text("service_user_number"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Transaction(Private):
    """A transaction: money that moved, or would have moved if it had not been declined."""

    id: str

    account_id: str | None

    created: datetime

    updated: datetime | None

    settled: datetime | None
    """The time of the settlement; None while the transaction is pending.

    It may be in the future: an incoming bank transfer can be spent before it settles (recorded).
    """

    is_pending: bool
    """Whether the amount may still change, as at petrol pumps, with tips or abroad."""

    amount: Money
    """The amount in the account's currency. Negative if money leaves the account."""

    local_amount: Money | None
    """The amount in the currency of the payment, with the same sign."""

    description: str
    """The text of the payment scheme, without its padding.

    For a transfer with a pot it is the pot's id, or the text `pot` in newer responses (recorded).
    """

    notes: str | None
    """The owner's note, or the reference of a bank transfer."""

    category: str | None
    """For example groceries; an id for a category that the owner created."""

    categories: Mapping[str, Money]
    """The amount by category, with the same sign. Empty if the field is missing."""

    scheme: str | None
    """The payment scheme: mastercard, payport_faster_payments, bacs, uk_retail_pot, …"""

    merchant: Merchant | None
    """The merchant of a card payment, if the request expanded it."""

    merchant_id: str | None

    counterparty: Counterparty | None

    decline_reason: str | None
    """For example INSUFFICIENT_FUNDS. None unless the payment was declined; see `declined`."""

    include_in_spending: bool | None
    """Whether Monzo counts the transaction as spending; None if the field is missing."""

    is_load: bool
    """Whether the transaction is a top-up of a prepaid card."""

    originator: bool
    """Whether the owner of the account started the transaction."""

    atm_fee: Money | None
    """The bank's fee for a cash withdrawal. Undocumented, and so is its sign."""

    attachments: tuple[Attachment, ...]

    metadata: Mapping[str, str]
    """Further facts by key: `pot_id`, `mcc`, `trigger`, …. Booleans are the text `true`."""

    dedupe_id: str | None
    """The key by which the bank recognizes a repeated request."""

    user_id: str | None
    """The owner who made the payment, on a joint account."""

    parent_account_id: str | None

    @property
    def declined(self) -> bool:
        """Whether the payment was declined.

        No money moved then, although `amount` still has the attempted amount.
        """
        return self.decline_reason is not None

    @property
    def pot_id(self) -> str | None:
        """The pot of a deposit or withdrawal."""
        return self.metadata.get("pot_id")

    @property
    def external_id(self) -> str | None:
        """The `dedupe_id` of the request, for a transfer with a pot."""
        return self.metadata.get("external_id")

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read a transaction from a response, or the `data` of a webhook delivery."""
        fields = Fields(data)
        amount = fields.require(fields.money, "amount")
        merchant = read_optional(Merchant.from_json, fields.value("merchant"))
        return cls(
            id=fields.require(fields.text, "id"),
            account_id=fields.text("account_id"),
            created=fields.require(fields.timestamp, "created"),
            updated=fields.timestamp("updated"),
            settled=fields.timestamp("settled"),
            is_pending=fields.flag("amount_is_pending"),
            amount=amount,
            local_amount=fields.money("local_amount", "local_currency"),
            description=" ".join((fields.text("description") or "").split()),
            notes=fields.text("notes"),
            category=fields.text("category"),
            categories=_read_categories(fields, amount.currency),
            scheme=fields.text("scheme"),
            merchant=merchant,
            merchant_id=merchant.id if merchant else fields.text("merchant"),
            # An empty object for card payments.
            counterparty=read_optional(
                Counterparty.from_json, fields.value("counterparty") or None
            ),
            decline_reason=fields.text("decline_reason"),
            include_in_spending=fields.optional_flag("include_in_spending"),
            is_load=fields.flag("is_load"),
            originator=fields.flag("originator"),
            atm_fee=read_optional(_read_atm_fee, fields.value("atm_fees_detailed")),
            attachments=read_each(Attachment.from_json, fields.rows("attachments") or []),
            metadata=fields.texts("metadata"),
            dedupe_id=fields.text("dedupe_id"),
            user_id=fields.text("user_id"),
            parent_account_id=fields.text("parent_account_id"),
        )


def _read_categories(fields: Fields, currency: str) -> dict[str, Money]:
    return {
        category: money
        for category, minor in fields.items("categories")
        if (money := read_money(minor, currency)) is not None
    }


def _read_atm_fee(data: object) -> Money:
    fields = Fields(data)
    return fields.require(lambda key: fields.money(key, "fee_currency"), "fee_amount")
