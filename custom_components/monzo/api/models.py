"""What Monzo's answers say. The last place where JSON is seen.

The facts are from docs.monzo.com, and from recorded answers where the bank says more than that.

Every model reads itself with `from_json`, which raises MonzoResponseError when something essential
(an id, an amount, a currency) is missing or wrong, and lets the rest be None. Texts that Monzo may
add to (types, schemes, categories, reasons) stay texts. Keys that are not known are ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from .fields import Fields, read_each, read_money, read_optional
from .money import Money
from .private import Private


@dataclass(frozen=True, slots=True, kw_only=True)
class Records[T]:
    """A list from the bank."""

    items: tuple[T, ...]
    """In the order of the bank."""

    skipped: int = 0
    """How many more there were that could not be read."""

    @classmethod
    def from_json(cls, data: object, key: str, read: Callable[[object], T]) -> Self:
        """Read the list under a key; only the list itself has to be there."""
        fields = Fields(data)
        rows = fields.need(fields.rows, key)
        items = read_each(read, rows)
        return cls(items=items, skipped=len(rows) - len(items))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identity(Private):
    """Whose access token this is."""

    user_id: str
    """The person; stays the same over sign-ins."""

    client_id: str
    """The API client that the person signed in with."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read `GET /ping/whoami`."""
        fields = Fields(data)
        return cls(
            user_id=fields.need(fields.text, "user_id"),
            client_id=fields.need(fields.text, "client_id"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Owner(Private):
    """One of the people that an account belongs to."""

    user_id: str

    name: str
    """As the person likes to be called in full; may be empty."""

    first_name: str | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read one of an account's `owners`."""
        fields = Fields(data)
        return cls(
            user_id=fields.need(fields.text, "user_id"),
            name=fields.text("preferred_name") or "",
            first_name=fields.text("preferred_first_name"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Account(Private):
    """An account, open or closed."""

    id: str

    type: str
    """Such as uk_retail, uk_retail_joint, uk_business, uk_monzo_flex, uk_rewards, uk_loan.

    The list is open; empty in recordings of 2016.
    """

    closed: bool

    created: datetime | None

    description: str
    """An internal id for all but businesses: nothing to show to people."""

    currency: str
    """Old accounts do not say; they are in GBP."""

    country_code: str | None
    """Two letters (ISO 3166)."""

    owners: tuple[Owner, ...]
    """One person, or two for a joint account."""

    owner_type: str | None
    """Such as personal; unknown for loans."""

    product_type: str | None
    """Such as standard, rewards, flex, loan."""

    business_id: str | None
    """Only for business accounts."""

    account_number: str | None
    """Eight digits; only for what money can be sent to."""

    sort_code: str | None
    """Six digits."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read one of `GET /accounts`."""
        fields = Fields(data)
        return cls(
            id=fields.need(fields.text, "id"),
            type=fields.text("type") or "",
            closed=fields.flag("closed"),
            created=fields.moment("created"),
            description=fields.text("description") or "",
            currency=fields.text("currency") or "GBP",
            country_code=fields.text("country_code"),
            owners=read_each(Owner.from_json, fields.rows("owners") or []),
            owner_type=fields.text("owner_type"),
            product_type=fields.text("product_type"),
            business_id=fields.text("business_id"),
            account_number=fields.text("account_number"),
            sort_code=fields.text("sort_code"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Balance(Private):
    """What is in an account."""

    balance: Money
    """What can be spent. Pending payments are already taken off."""

    total_balance: Money | None
    """The balance and everything in the account's pots; None before there were pots."""

    balance_including_flexible_savings: Money | None
    """The total and pots that bear interest as well; not documented by the bank."""

    spend_today: Money
    """Since about four in the morning, London time. Negative when money went out."""

    local_currency: str | None
    """The currency of the country the owner is in; None at home."""

    local_exchange_rate: Decimal | None
    """How much of the local currency one of the account's currency buys; None at home."""

    local_spend: tuple[Money, ...]
    """What `spend_today` is made of, in the currencies it was spent in; same sign."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read `GET /balance`."""
        fields = Fields(data)
        return cls(
            balance=fields.need(fields.money, "balance"),
            total_balance=fields.money("total_balance"),
            balance_including_flexible_savings=fields.money("balance_including_flexible_savings"),
            spend_today=fields.need(fields.money, "spend_today"),
            local_currency=fields.text("local_currency"),
            local_exchange_rate=fields.number("local_exchange_rate") or None,
            local_spend=read_each(_read_local_spend, fields.rows("local_spend") or []),
        )


def _read_local_spend(data: object) -> Money:
    fields = Fields(data)
    return fields.need(fields.money, "spend_today")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pot(Private):
    """Money put aside, in use or deleted."""

    id: str

    name: str

    balance: Money

    goal: Money | None
    """What the owner wants to have in it; None if there is no goal."""

    current_account_id: str | None
    """The account that money comes from and goes back to."""

    style: str | None
    """The look of it, such as piggy_bank."""

    type: str | None
    """Such as default or flexible_savings."""

    product_id: str | None
    """Which bank's savings product it is; default for an ordinary pot."""

    isa_wrapper: str | None
    """ISA for tax-free savings."""

    round_up: bool
    """Whether payments are rounded up, with the difference going here."""

    round_up_multiplier: Decimal | None
    """How many times the difference; None unless the owner set it."""

    locked: bool
    """Whether the owner has locked it against taking money out."""

    locked_until: datetime | None

    deleted: bool
    """Deleted pots stay in the list for good."""

    is_tax_pot: bool

    available_for_bills: bool
    """Whether direct debits and standing orders can be paid from it."""

    has_virtual_cards: bool

    cover_image_url: str | None

    created: datetime | None

    updated: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read one of `GET /pots`, or the answer to a deposit or withdrawal."""
        fields = Fields(data)
        goal = fields.money("goal_amount")
        return cls(
            id=fields.need(fields.text, "id"),
            name=fields.text("name") or "",
            balance=fields.need(fields.money, "balance"),
            goal=goal if goal is not None and goal.amount else None,
            current_account_id=fields.text("current_account_id"),
            style=fields.text("style"),
            type=fields.text("type"),
            product_id=fields.text("product_id"),
            isa_wrapper=fields.text("isa_wrapper"),
            round_up=fields.flag("round_up"),
            round_up_multiplier=fields.number("round_up_multiplier"),
            locked=fields.flag("locked"),
            locked_until=fields.moment("locked_until"),
            deleted=fields.flag("deleted"),
            is_tax_pot=fields.flag("is_tax_pot"),
            available_for_bills=fields.flag("available_for_bills"),
            has_virtual_cards=fields.flag("has_virtual_cards"),
            cover_image_url=fields.text("cover_image_url"),
            created=fields.moment("created"),
            updated=fields.moment("updated"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Address(Private):
    """Where a merchant is."""

    short_formatted: str | None
    """On one line, without the country."""

    formatted: str | None
    """On one line."""

    address: str | None
    """Street and number."""

    city: str | None

    region: str | None

    postcode: str | None

    country: str | None
    """Three letters (ISO 3166), or GLO for a merchant that is nowhere."""

    latitude: Decimal | None

    longitude: Decimal | None

    approximate: bool
    """Whether the coordinates only show the area."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read a merchant's `address`."""
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
    """Who took a card payment."""

    id: str

    group_id: str | None
    """The same for all shops of a chain."""

    name: str

    logo: str | None
    """The address of a picture."""

    emoji: str | None

    category: str | None

    online: bool

    atm: bool
    """Whether this is a cash machine."""

    address: Address | None

    suggested_tags: str | None
    """Such as `#subscription #personal`."""

    website: str | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the `merchant` of a transaction that was asked for with it."""
        fields = Fields(data)
        metadata = fields.texts("metadata")
        return cls(
            id=fields.need(fields.text, "id"),
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
    """Whom money was sent to or came from, other than by card."""

    name: str | None

    preferred_name: str | None
    """What another customer of the bank likes to be called."""

    account_number: str | None

    sort_code: str | None

    account_id: str | None
    """The account of another customer of the bank."""

    user_id: str | None
    """Another customer, or an anonuser_ id that is the same for every payment with them."""

    beneficiary_account_type: str | None
    """Such as Personal or Business."""

    service_user_number: str | None
    """Who collects a direct debit."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read a transaction's `counterparty`."""
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
class Attachment(Private):
    """A picture that belongs to a transaction."""

    id: str

    transaction_id: str | None
    """What Monzo calls `external_id` here."""

    user_id: str | None

    file_url: str | None
    """Where the picture is."""

    file_type: str | None
    """Its media type, such as image/png."""

    created: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read one of a transaction's `attachments`, or the answer to registering one."""
        fields = Fields(data)
        return cls(
            id=fields.need(fields.text, "id"),
            transaction_id=fields.text("external_id"),
            user_id=fields.text("user_id"),
            file_url=fields.text("file_url") or fields.text("url"),
            file_type=fields.text("file_type") or fields.text("type"),
            created=fields.moment("created"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Transaction(Private):
    """Money that moved, is about to move, or (declined) did not."""

    id: str

    account_id: str | None

    created: datetime

    updated: datetime | None

    settled: datetime | None
    """When the money really changes hands; None while pending. May lie in the future."""

    is_pending: bool
    """Whether the amount may still change, as at petrol pumps, with tips, or abroad."""

    amount: Money
    """In the account's currency. Negative when money goes out."""

    local_amount: Money | None
    """In the currency it was paid in; same sign."""

    description: str
    """As the payment scheme has it, without its padding; for a pot its id, or just `pot`."""

    notes: str | None
    """What the owner wrote about it, or for a bank transfer its reference."""

    category: str | None
    """Such as groceries; an id for categories that the owner made."""

    categories: Mapping[str, Money]
    """How the amount is split over categories; empty if the bank does not say."""

    scheme: str | None
    """How the money moved: mastercard, payport_faster_payments, bacs, uk_retail_pot, …"""

    merchant: Merchant | None
    """Who took a card payment, if that was asked for."""

    merchant_id: str | None

    counterparty: Counterparty | None

    decline_reason: str | None
    """Why no money moved, such as INSUFFICIENT_FUNDS; None if it did. The amount stays."""

    include_in_spending: bool
    """Whether the bank counts it as spending; True if it does not say."""

    is_load: bool
    """Whether it topped up a prepaid card."""

    originator: bool
    """Whether the owner of the account started it."""

    atm_fee: Money | None
    """What the bank charged for taking out cash."""

    attachments: tuple[Attachment, ...]

    metadata: Mapping[str, str]
    """What the bank keeps beside it: `pot_id`, `mcc`, `trigger`, …; booleans are `true`."""

    dedupe_id: str | None
    """What kept it from being made twice."""

    user_id: str | None
    """Who made the payment, on a joint account."""

    parent_account_id: str | None

    @property
    def declined(self) -> bool:
        """Whether the payment was refused, so that no money moved."""
        return self.decline_reason is not None

    @property
    def pot_id(self) -> str | None:
        """The pot that money went into or came from."""
        return self.metadata.get("pot_id")

    @property
    def external_id(self) -> str | None:
        """The `dedupe_id` that a transfer with a pot was ordered with."""
        return self.metadata.get("external_id")

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read a transaction from a list, alone, or as `data` of a webhook's delivery."""
        fields = Fields(data)
        amount = fields.need(fields.money, "amount")
        merchant = read_optional(Merchant.from_json, fields.value("merchant"))
        return cls(
            id=fields.need(fields.text, "id"),
            account_id=fields.text("account_id"),
            created=fields.need(fields.moment, "created"),
            updated=fields.moment("updated"),
            settled=fields.moment("settled"),
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
            # For card payments it is there, and empty.
            counterparty=read_optional(
                Counterparty.from_json, fields.value("counterparty") or None
            ),
            decline_reason=fields.text("decline_reason"),
            include_in_spending=fields.flag("include_in_spending", default=True),
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
    return fields.need(lambda key: fields.money(key, "fee_currency"), "fee_amount")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UploadTarget(Private):
    """Where to put a file that is to be attached."""

    file_url: str
    """Where the file will be; what to register."""

    upload_url: str
    """Where to send the bytes. Whoever knows it may, for a while."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read `POST /attachment/upload`."""
        fields = Fields(data)
        return cls(
            file_url=fields.need(fields.text, "file_url"),
            upload_url=fields.need(fields.text, "upload_url"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Webhook(Private):
    """An address that Monzo calls for every transaction of an account."""

    id: str

    account_id: str

    url: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read one of `GET /webhooks`, or the `webhook` of `POST /webhooks`."""
        fields = Fields(data)
        return cls(
            id=fields.need(fields.text, "id"),
            account_id=fields.need(fields.text, "account_id"),
            url=fields.need(fields.text, "url"),
        )
