"""Payees: transactions grouped by the other side of the payment."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from functools import lru_cache
import re
from sys import intern
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from ..const import BANK_TIME_ZONE
from ..transactions import TransactionKind
from .series import Occurrence

_LONDON: Final = ZoneInfo(BANK_TIME_ZONE)


class Row(Protocol):
    """A past transaction, such as a `TransactionRecord`."""

    @property
    def id(self) -> str:
        """The ID of the transaction."""

    @property
    def account(self) -> str:
        """The ID of the account."""

    @property
    def created(self) -> datetime:
        """The time of the transaction, in UTC."""

    @property
    def minor(self) -> int:
        """The amount in minor units; negative for outgoing payments."""

    @property
    def currency(self) -> str:
        """The account's currency."""

    @property
    def kind(self) -> str:
        """A `TransactionKind`."""

    @property
    def payee(self) -> str | None:
        """The name of the merchant or person."""

    @property
    def payee_id(self) -> str | None:
        """The ID of the person or organisation."""

    @property
    def merchant_group(self) -> str | None:
        """The ID that all shops of a chain share."""

    @property
    def description(self) -> str | None:
        """The bank's raw text."""


class Family(IntEnum):
    """Families of payments, each with its own rules."""

    CARD = 0
    DIRECT_DEBIT = 1
    PERSON = 2
    INCOME = 3
    POT = 4
    PROPOSAL = 5
    """Payments to people and into pots that may recur, but are too few or too irregular."""

    SHARE = 6
    """Income from another customer of the bank: a person who pays a share of the rent, perhaps."""


# The IDs of Monzo customers begin so. Those of other people begin with "anonuser_".
_CUSTOMER: Final = "user_"

# Kinds that are missing here never recur by agreement, such as refunds, cash and round-ups.
_OUTGOING: Final[dict[str, Family]] = {
    TransactionKind.CARD_PAYMENT: Family.CARD,
    TransactionKind.FEE_OR_INTEREST: Family.CARD,
    TransactionKind.DIRECT_DEBIT: Family.DIRECT_DEBIT,
    TransactionKind.OUTGOING_PAYMENT: Family.PERSON,
    TransactionKind.OTHER: Family.PERSON,
    TransactionKind.POT_DEPOSIT: Family.POT,
}
_INCOMING: Final[dict[str, Family]] = {TransactionKind.INCOMING_PAYMENT: Family.INCOME}


class Identity(NamedTuple):
    """The facts about the other side of a payment that a row contains."""

    account: str
    currency: str
    family: Family
    merchant_group: str | None
    payee_id: str | None
    name: str

    def ids(self) -> Iterator[tuple[object, ...]]:
        """Yield the values that identify a payee: rows that share one belong to the same payee."""
        side = self[:3]
        if self.merchant_group:
            yield *side, "group", self.merchant_group
        if self.payee_id:
            yield *side, "id", self.payee_id
        if self.name or not (self.merchant_group or self.payee_id):
            yield *side, "name", self.name

    @property
    def name_or_id(self) -> tuple[object, ...]:
        """The name, or an ID if it has none: all rows with the same one belong to one payee."""
        *_others, last = self.ids()
        return last


class Payment(NamedTuple):
    """A payment with the identity of its payee."""

    occurrence: Occurrence
    identity: Identity
    name: str
    """As the bank writes it."""

    kind: str
    """A `TransactionKind`."""


@dataclass(frozen=True, slots=True)
class Payee:
    """All payments between an account and a payee in one direction, oldest first."""

    payments: Sequence[Payment]

    @property
    def family(self) -> Family:
        """The family of the payments."""
        return self.payments[0].identity.family

    @property
    def rules(self) -> Family:
        """The family whose rules apply: income from a person comes as payments to a person do."""
        payee_id = self.payments[-1].identity.payee_id or ""
        is_share = self.family is Family.INCOME and payee_id.startswith(_CUSTOMER)
        return Family.SHARE if is_share else self.family

    @property
    def last(self) -> date:
        """The day of the newest payment."""
        return self.payments[-1].occurrence.day

    @property
    def key(self) -> str:
        """An ID of the payee: the value that is the least likely to change."""
        identities = [payment.identity for payment in self.payments]
        groups = {it.merchant_group for it in identities if it.merchant_group}
        ids = {it.payee_id for it in identities if it.payee_id}
        names = {it.name for it in identities}
        stable = next((found for found in (groups, ids, names) if len(found) == 1), names)
        first = identities[0]
        return "\n".join((first.account, first.currency, first.family.name, min(stable)))


def payment_of(row: Row) -> Payment | None:
    """Return a transaction as a payment; None if such a one never recurs by agreement."""
    family = (_OUTGOING if row.minor < 0 else _INCOMING).get(row.kind)
    if family is None or not row.minor:
        return None
    day = row.created.astimezone(_LONDON).date()
    return Payment(
        occurrence=Occurrence(_shared(day), row.minor, (row.id,)),
        identity=_shared(_identity(row, family)),
        name=intern(row.payee or row.description or ""),
        kind=_shared(row.kind),
    )


@lru_cache(maxsize=4096)
def _shared[Value: Hashable](value: Value) -> Value:
    """Return an equal value, the same object each time, because most values repeat."""
    return value


def _identity(row: Row, family: Family) -> Identity:
    if family is Family.POT:
        # The description of a transfer is the ID of its pot.
        name = row.description or ""
    else:
        name = _normalized(row.payee or row.description or "")
    return Identity(row.account, row.currency, family, row.merchant_group, row.payee_id, name)


_WORD: Final = re.compile(r"[^\W_]+")
_LONG_NUMBER: Final = 5


@lru_cache(maxsize=4096)
def _normalized(name: str) -> str:
    """Return a name without order numbers, which differ from payment to payment."""
    words: list[str] = _WORD.findall(name.casefold())
    kept = [word for word in words if not _is_order_number(word)]
    return " ".join(kept or words)


def _is_order_number(word: str) -> bool:
    return any(map(str.isdigit, word)) and (word.isdigit() or len(word) >= _LONG_NUMBER)


def merchant_of(row: Row) -> str:
    """Return a text that is the same for all payments to a merchant; empty if it is unknown."""
    return row.merchant_group or _normalized(row.payee or row.description or "")
