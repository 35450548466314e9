"""What the bank writes down: people, accounts, pots, transactions, and what hangs on them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import string

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_TIME_DIGITS = 8
_COUNT_DIGITS = 10


class BankError(Exception):
    """The bank says no, in the words that the API would use."""

    def __init__(self, code: str, message: str, **params: str) -> None:
        """Keep the dotted code, whose first part fixes the HTTP status, and what it is about."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.params = params


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


class IdGenerator:
    """Makes ids of Monzo's form: a prefix, four zeros, 18 more letters and digits.

    As with Monzo's own, sorting the ids of one kind sorts them by the time they were made for.
    """

    def __init__(self) -> None:
        """Begin at one."""
        self._count = 0

    def next(self, prefix: str, at: datetime) -> str:
        """Return an id that was never given out before."""
        self._count += 1
        milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
        when, which = _base62(milliseconds, _TIME_DIGITS), _base62(self._count, _COUNT_DIGITS)
        return f"{prefix}_0000{when}{which}"


def id_time(identifier: str) -> datetime:
    """Return the time that an id was made for; ValueError if it is not one of ours."""
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
    """Somebody who banks here."""

    user_id: str
    name: str

    @property
    def first_name(self) -> str:
        """The name that the app would greet them with."""
        return self.name.partition(" ")[0]


@dataclass(frozen=True, kw_only=True)
class Abroad:
    """Where an account's owner is travelling."""

    currency: str
    rate: float
    """Units of that currency for one unit of the account's."""


@dataclass(kw_only=True, eq=False)
class Outside:
    """The rest of the world: every shop, employer and stranger, for one currency.

    Its balance is what has left the bank less what has come in: all balances of a currency add up
    to zero.
    """

    currency: str
    balance: int = 0


@dataclass(kw_only=True, eq=False)
class Account:
    """An account of any type, known or not."""

    id: str
    type: str
    owners: tuple[Person, ...]
    currency: str
    created: datetime
    description: str
    """An internal name as Monzo has it, no name for people."""

    number: str = ""
    """Eight digits; empty for the types that cannot be paid into by bank transfer."""

    business_id: str = ""
    balance: int = 0
    """What can be spent, pending payments already taken off; minor units."""

    closed: bool = False
    abroad: Abroad | None = None


@dataclass(kw_only=True, eq=False)
class Pot:
    """Money set aside from an account."""

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
    """Withdrawing needs the app: the API refuses. Nothing in a pot's data tells."""

    round_up: bool
    round_up_multiplier: int | None
    isa: bool
    balance: int = 0
    deleted: bool = False


type Purse = Account | Pot | Outside
"""Anything that money can be in."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a merchant is; the default is a shop on the internet, as recorded."""

    street: str = ""
    city: str = ""
    postcode: str = ""
    country: str = "GLO"
    """ISO 3166 alpha-3, or GLO for nowhere in particular."""

    country_name: str = "world"
    latitude: float = 50.99999999999999
    longitude: float = 5.111111111111111


NOWHERE = Address()


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """Somebody who takes cards."""

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
    """What a cash machine abroad cost beyond the cash."""

    fee: int
    withdrawal: int
    """The cash alone, in minor units of the account; both are positive."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A picture that belongs to a transaction."""

    id: str
    user_id: str
    transaction_id: str
    file_url: str
    file_type: str
    created: datetime


@dataclass(kw_only=True, eq=False)
class Transaction:
    """One row of an account's history. Money in is positive, money out negative; minor units."""

    id: str
    account_id: str
    created: datetime
    updated: datetime
    amount: int
    """What the balance changed by; of a declined payment what was tried, though nothing changed."""

    currency: str
    local_amount: int
    """The same in the currency that was spent, by that currency's own minor units."""

    local_currency: str
    description: str = ""
    scheme: str = ""
    category: str = "general"
    settled: datetime | None = None
    """None while pending. May lie ahead: incoming bank transfers settle the next morning."""

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
    """How a split payment divides; None where Monzo says null."""

    atm_fee: AtmFee | None = None
    virtual_card: str = ""
    """The name of the virtual card that was used, if one was."""

    attachments: list[Attachment] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What an account holds at this moment; minor units of its currency unless said otherwise."""

    balance: int
    total_balance: int
    """Pots included."""

    with_savings: int
    currency: str
    spend_today: int
    """Negative or zero: money out since four in the morning."""

    local_spend: dict[str, int]
    """The same by the currency spent in, each in its own minor units."""

    abroad: Abroad | None


@dataclass(frozen=True, kw_only=True)
class FeedItem:
    """A card that a program put into somebody's app."""

    account_id: str
    title: str
    image_url: str
    body: str
    url: str
    colours: dict[str, str]
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An address that a program wants to be called at when an account has a new transaction."""

    id: str
    account_id: str
    client_id: str
    url: str


type JsonObject = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was bought, item by item, as a program told the bank."""

    id: str
    external_id: str
    transaction_id: str
    user_id: str
    body: JsonObject
