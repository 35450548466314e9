"""Models of the ledger: people, accounts, pots, transactions and everything attached to them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import string

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_TIME_DIGITS = 8
_COUNT_DIGITS = 10


class BankError(Exception):
    """The bank refuses a request; holds the error as the API would report it."""

    def __init__(self, code: str, message: str, **params: str) -> None:
        """Initialize the error; the first part of the dotted code determines the HTTP status."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.params = params


def _base62(number: int, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits.rjust(width, _DIGITS[0])


class IdGenerator:
    """Generates ids in Monzo's format: a prefix, four zeros, 18 more letters and digits.

    Like Monzo's ids, they sort by the time for which they were generated.
    """

    def __init__(self) -> None:
        """Initialize the generator."""
        self._count = 0

    def next(self, prefix: str, at: datetime) -> str:
        """Return a new id for a time."""
        self._count += 1
        milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
        when, which = _base62(milliseconds, _TIME_DIGITS), _base62(self._count, _COUNT_DIGITS)
        return f"{prefix}_0000{when}{which}"


def id_time(identifier: str) -> datetime:
    """Return the time encoded in an id. Raises ValueError if this bank did not generate the id."""
    digits = identifier.partition("_")[2]
    if len(digits) != len("0000") + _TIME_DIGITS + _COUNT_DIGITS:
        msg = f"{identifier!r} is not an id of this bank"
        raise ValueError(msg)
    milliseconds = 0
    for digit in digits[4 : 4 + _TIME_DIGITS]:
        milliseconds = milliseconds * len(_DIGITS) + _DIGITS.index(digit)
    return _EPOCH + timedelta(milliseconds=milliseconds)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A customer."""

    user_id: str
    name: str

    @property
    def first_name(self) -> str:
        """The first name."""
        return self.name.partition(" ")[0]


@dataclass(frozen=True, kw_only=True)
class Abroad:
    """The currency in which a travelling account owner spends."""

    currency: str
    rate: float
    """Units of this currency for one unit of the account's currency."""


@dataclass(kw_only=True, eq=False)
class Outside:
    """The outside world (shops, employers, strangers), for one currency.

    Its balance is what has left the bank less what has come in: all balances of a currency add up
    to zero.
    """

    currency: str
    balance: int = 0


@dataclass(kw_only=True, eq=False)
class Account:
    """An account; any text is allowed as its type."""

    id: str
    type: str
    owners: tuple[Person, ...]
    currency: str
    created: datetime
    description: str
    """Monzo's internal description, which is not meant for people."""

    number: str = ""
    """Eight digits; empty for account types that cannot receive bank transfers."""

    business_id: str = ""
    balance: int = 0
    """Available balance in minor units; pending payments are already deducted."""

    closed: bool = False
    abroad: Abroad | None = None


@dataclass(kw_only=True, eq=False)
class Pot:
    """A pot of an account."""

    id: str
    account_id: str
    name: str
    currency: str
    created: datetime
    updated: datetime
    style: str
    type: str
    goal: int | None
    locked: bool
    locked_until: datetime | None
    added_security: bool
    """Whether withdrawals need the app. The API refuses them, but does not show this property."""

    round_up: bool
    round_up_multiplier: int | None
    isa: bool
    balance: int = 0
    deleted: bool = False


type Purse = Account | Pot | Outside
"""A holder of money: one side of every movement."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Address of a merchant; the default is the address recorded for an online shop."""

    street: str = ""
    city: str = ""
    postcode: str = ""
    country: str = "GLO"
    """ISO 3166 alpha-3 code, or GLO for no particular country."""

    country_name: str = "world"
    latitude: float = 50.99999999999999
    longitude: float = 5.111111111111111


NOWHERE = Address()


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """A merchant that accepts cards."""

    id: str
    group_id: str
    name: str
    category: str
    emoji: str = ""
    logo: str = ""
    online: bool = False
    atm: bool = False
    address: Address = NOWHERE


@dataclass(frozen=True, kw_only=True)
class AtmFee:
    """Fee of a cash machine abroad; both amounts are positive minor units of the account."""

    fee: int
    withdrawal: int
    """The withdrawn cash without the fee."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """An image attached to a transaction."""

    id: str
    user_id: str
    transaction_id: str
    file_url: str
    file_type: str
    created: datetime


@dataclass(kw_only=True, eq=False)
class Transaction:
    """A transaction of an account; amounts are minor units, negative for money out."""

    id: str
    account_id: str
    created: datetime
    updated: datetime
    amount: int
    """Change of the balance. A declined payment has the attempted amount, but changes nothing."""

    currency: str
    local_amount: int
    """The amount in minor units of the local currency."""

    local_currency: str
    description: str = ""
    scheme: str = ""
    category: str = "general"
    settled: datetime | None = None
    """None while pending. Can be in the future: bank transfers settle the next morning."""

    dedupe_id: str = ""
    merchant: Merchant | None = None
    decline_reason: str = ""
    counterparty: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    notes: str = ""
    user_id: str = ""
    originator: bool = False
    include_in_spending: bool = False
    is_load: bool = False
    amount_is_pending: bool = False
    categories: dict[str, int] | None = None
    """Amount per category of a split payment."""

    atm_fee: AtmFee | None = None
    virtual_card: str = ""
    """Name of the virtual card that was used, or empty."""

    attachments: list[Attachment] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Balance of an account; amounts are minor units of its currency unless stated otherwise."""

    balance: int
    total_balance: int
    """Balance including pots; savings pots depend on `BankBehaviour.savings_in_total`."""

    with_savings: int
    """Balance including all pots."""
    currency: str
    spend_today: int
    """Change by spending since 04:00 in London; negative for money out."""

    local_spend: dict[str, int]
    """The same per local currency, each in its own minor units."""

    abroad: Abroad | None


@dataclass(frozen=True, kw_only=True)
class FeedItem:
    """An item that a client added to a customer's feed."""

    account_id: str
    title: str
    image_url: str
    body: str
    url: str
    colours: dict[str, str]
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A URL that the bank calls for every new transaction of an account."""

    id: str
    account_id: str
    client_id: str
    url: str


type JsonObject = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """An itemized receipt that a client stored for a transaction."""

    id: str
    external_id: str
    transaction_id: str
    user_id: str
    body: JsonObject
