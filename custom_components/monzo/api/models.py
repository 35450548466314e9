"""Models of Monzo's responses.

The facts in the docstrings come from docs.monzo.com. Facts that the documentation does not mention
come from recorded responses, and are marked as undocumented where a caller should know.

`from_json` reads a model from decoded JSON. It raises MonzoResponseError if an essential field (an
id, an amount, a currency) is missing or has the wrong type; other fields are then None. Types,
schemes, categories and decline reasons are texts, because Monzo adds to them. Unknown keys are
ignored. Times are in UTC. Every amount is `Money`, which the bank sends in minor units.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Self, overload, override

from .fields import Fields, read_each, read_money, read_optional
from .money import Money
from .private import Private


@dataclass(frozen=True, slots=True, repr=False)
class Records[T](Sequence[T]):
    """The records of a list from the bank, in the order of the bank."""

    _records: tuple[T, ...] = ()

    skipped: int = field(default=0, kw_only=True)
    """How many more records the list had that could not be read."""

    complete_from: int = field(default=0, kw_only=True)
    """The index of the first record after the last one that could not be read."""

    @classmethod
    def from_json(cls, data: object, key: str, read: Callable[[object], T]) -> Self:
        """Read the list with this key, and skip the records that `read` cannot read.

        Raises MonzoResponseError if there is no list.
        """
        fields = Fields(data)
        rows = fields.require(fields.rows, key)
        records: list[T] = []
        complete_from = 0
        for row in rows:
            if (record := read_optional(read, row)) is None:
                complete_from = len(records)
            else:
                records.append(record)
        return cls(tuple(records), skipped=len(rows) - len(records), complete_from=complete_from)

    @override
    def __len__(self) -> int:
        """Return the number of records that could be read."""
        return len(self._records)

    @override
    def __iter__(self) -> Iterator[T]:
        """Iterate over the records that could be read."""
        return iter(self._records)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...

    @override
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        """Return one record, or a tuple of several."""
        return self._records[index]

    @override
    def __repr__(self) -> str:
        return f"<Records: {len(self)} read, {self.skipped} skipped>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identity(Private):
    """The owner of an access token."""

    user_id: str
    """The person. The id stays the same for all sign-ins."""

    client_id: str
    """The API client that the person signed in to."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the response of `GET /ping/whoami`."""
        fields = Fields(data)
        return cls(
            user_id=fields.require(fields.text, "user_id"),
            client_id=fields.require(fields.text, "client_id"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Owner(Private):
    """A person who owns an account, alone or with another person."""

    user_id: str

    name: str
    """The preferred full name; may be empty."""

    first_name: str | None
    """The preferred first name."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `owners` in an account."""
        fields = Fields(data)
        return cls(
            user_id=fields.require(fields.text, "user_id"),
            name=fields.text("preferred_name") or "",
            first_name=fields.text("preferred_first_name"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Account(Private):
    """An account, open or closed."""

    id: str

    type: str
    """For example uk_retail, uk_retail_joint, uk_business, uk_monzo_flex, uk_rewards or uk_loan.

    The documentation names the first two only. Empty in a response of 2016.
    """

    closed: bool

    created: datetime | None

    description: str
    """The name of a business. For other accounts an internal id: do not show it to people."""

    currency: str
    """The ISO 4217 code. GBP if the response names none, as in responses before 2019."""

    country_code: str | None
    """The ISO 3166 code of two letters, such as GB."""

    owners: tuple[Owner, ...]
    """One person, or two people for a joint account."""

    owner_type: str | None
    """For example personal; the text `unknown` for loans. Undocumented."""

    product_type: str | None
    """For example standard, rewards, flex or loan. Undocumented."""

    business_id: str | None
    """Set for business accounts only."""

    account_number: str | None
    """Eight digits. Set for accounts that can receive bank transfers."""

    sort_code: str | None
    """Six digits. Set if `account_number` is."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `accounts` in the response of `GET /accounts`."""
        fields = Fields(data)
        return cls(
            id=fields.require(fields.text, "id"),
            type=fields.text("type") or "",
            closed=fields.flag("closed"),
            created=fields.timestamp("created"),
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
    """The balance of an account."""

    balance: Money
    """The money that can be spent. Pending payments are already subtracted."""

    total_balance: Money | None
    """The balance plus the money in the account's pots. None in responses of 2017."""

    balance_including_flexible_savings: Money | None
    """The total balance plus the pots that earn interest. Undocumented."""

    spend_today: Money
    """The sum of payments since about 4 a.m. in London. Negative if money was spent.

    The documentation says "approximately 4am"; it names neither the exact time nor the sign.
    """

    local_currency: str | None
    """The currency of the country where the owner is; None at home."""

    local_exchange_rate: Decimal | None
    """The amount of local currency for one pound (the account's currency); None at home."""

    local_spend: tuple[Money, ...]
    """The parts of `spend_today` in the currencies of the payments, with the same sign."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the response of `GET /balance`."""
        fields = Fields(data)
        return cls(
            balance=fields.require(fields.money, "balance"),
            total_balance=fields.money("total_balance"),
            balance_including_flexible_savings=fields.money("balance_including_flexible_savings"),
            spend_today=fields.require(fields.money, "spend_today"),
            local_currency=fields.text("local_currency"),
            local_exchange_rate=fields.number("local_exchange_rate") or None,
            local_spend=read_each(_read_local_spend, fields.rows("local_spend") or []),
        )


def _read_local_spend(data: object) -> Money:
    fields = Fields(data)
    return fields.require(fields.money, "spend_today")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pot(Private):
    """A pot: money that is set aside from an account."""

    id: str

    name: str

    balance: Money

    goal: Money | None
    """The balance that the owner wants to reach; None without a goal."""

    current_account_id: str | None
    """The account that deposits come from and withdrawals go to."""

    style: str | None
    """The picture of the pot in the Monzo app, such as piggy_bank."""

    type: str | None
    """For example default or flexible_savings. Undocumented."""

    product_id: str | None
    """The savings product and its bank; the text `default` for an ordinary pot. Undocumented."""

    isa_wrapper: str | None
    """The text `ISA` for tax-free savings. Undocumented."""

    round_up: bool
    """Whether payments are rounded up, and the difference is moved to this pot."""

    round_up_multiplier: Decimal | None
    """The factor for the rounding difference; None unless the owner set one."""

    locked: bool
    """Whether the owner has locked the pot, so that no money can be withdrawn."""

    locked_until: datetime | None
    """The end of the lock, if it has one."""

    deleted: bool
    """Whether the pot was deleted. Monzo keeps listing deleted pots."""

    is_tax_pot: bool

    available_for_bills: bool
    """Whether direct debits and standing orders can be paid from the pot."""

    has_virtual_cards: bool

    cover_image_url: str | None

    created: datetime | None

    updated: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `pots` in a list, or the response to a deposit or withdrawal."""
        fields = Fields(data)
        goal = fields.money("goal_amount")
        return cls(
            id=fields.require(fields.text, "id"),
            name=fields.text("name") or "",
            balance=fields.require(fields.money, "balance"),
            goal=goal if goal is not None and goal.amount else None,
            current_account_id=fields.text("current_account_id"),
            style=fields.text("style"),
            type=fields.text("type"),
            product_id=fields.text("product_id"),
            isa_wrapper=fields.text("isa_wrapper"),
            round_up=fields.flag("round_up"),
            round_up_multiplier=fields.number("round_up_multiplier"),
            locked=fields.flag("locked"),
            locked_until=fields.timestamp("locked_until"),
            deleted=fields.flag("deleted"),
            is_tax_pot=fields.flag("is_tax_pot"),
            available_for_bills=fields.flag("available_for_bills"),
            has_virtual_cards=fields.flag("has_virtual_cards"),
            cover_image_url=fields.text("cover_image_url"),
            created=fields.timestamp("created"),
            updated=fields.timestamp("updated"),
        )


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
class Attachment(Private):
    """A picture that is attached to a transaction."""

    id: str

    transaction_id: str | None
    """The transaction; `external_id` in the API."""

    user_id: str | None

    file_url: str | None
    """The URL of the picture."""

    file_type: str | None
    """The media type, such as image/png."""

    created: datetime | None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `attachments`, or `attachment` after registering one."""
        fields = Fields(data)
        return cls(
            id=fields.require(fields.text, "id"),
            transaction_id=fields.text("external_id"),
            user_id=fields.text("user_id"),
            file_url=fields.text("file_url") or fields.text("url"),
            file_type=fields.text("file_type") or fields.text("type"),
            created=fields.timestamp("created"),
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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UploadTarget(Private):
    """The place for the upload of a file."""

    file_url: str
    """The URL of the file after the upload. Register this one as the attachment."""

    upload_url: str
    """The URL for the upload. It is valid for a while, without an access token."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the response of `POST /attachment/upload`."""
        fields = Fields(data)
        return cls(
            file_url=fields.require(fields.text, "file_url"),
            upload_url=fields.require(fields.text, "upload_url"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Webhook(Private):
    """A URL that Monzo calls for every transaction of an account."""

    id: str

    account_id: str

    url: str

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read an element of `webhooks` in a list, or `webhook` after registering one."""
        fields = Fields(data)
        return cls(
            id=fields.require(fields.text, "id"),
            account_id=fields.require(fields.text, "account_id"),
            url=fields.require(fields.text, "url"),
        )
