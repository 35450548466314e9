"""Records: the facts about transactions that the integration keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, Self

from ..api import Counterparty, Money, Private, Transaction
from .classification import (
    UNCATEGORISED,
    TransactionKind,
    amount_by_category,
    is_payee,
    rounded_up_payment_id,
    transaction_kind,
)
from .search_text import search_text
from .spending import income, spending_by_category
from .tags import tags_in


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TransactionRecord(Private):
    """A transaction in the archive: amounts, times, categories and names.

    It has no account numbers, sort codes, places, attachments or metadata. Amounts are integers in
    minor units, because the archive sums up many of them.
    """

    id: str

    account: str
    """The ID of the account."""

    created: datetime
    """The time of the transaction, in UTC."""

    settled: datetime | None = None
    """The time of the settlement, in UTC; None if it is pending. See `Transaction.settled`."""

    minor: int
    """The amount in minor units of `currency`; negative for outgoing money."""

    currency: str
    """The account's currency."""

    local_minor: int | None = None
    """The amount in minor units of `local_currency`, with the same sign; None without one."""

    local_currency: str | None = None
    """The currency of the payment; None if it is the account's currency."""

    kind: TransactionKind

    category: str | None = None
    """The category at the bank; None without a category, which counts as `UNCATEGORISED`."""

    split: Mapping[str, int]
    """The signed amounts by category. If the transaction is not split, there is only one."""

    spent: Mapping[str, int]
    """The spending by category, in minor units; see `spending_by_category`."""

    received: int = 0
    """The income, in minor units; see `income`."""

    merchant: str | None = None
    """The merchant's name."""

    merchant_id: str | None = None

    merchant_group: str | None = None
    """The ID that all shops of a chain share."""

    emoji: str | None = None
    logo: str | None = None
    """The address of the merchant's picture."""

    counterparty: str | None = None
    """The name of a person or an organisation other than a merchant."""

    preferred_name: str | None = None
    """Another name of the person, if it is a Monzo customer."""

    payee_id: str | None = None
    """An ID that is the same for all payments with a person, or all direct debits of a company."""

    description: str = ""
    notes: str | None = None
    scheme: str | None = None
    pot_id: str | None = None
    decline_reason: str | None = None
    """None if the payment was not declined."""

    round_up_of: str | None = None
    """The ID of the payment to which a round-up belongs; None for other transactions."""

    @classmethod
    def of(cls, transaction: Transaction, *, account_id: str, own_transfer: bool) -> Self:
        """Convert a transaction of an account into a record.

        `own_transfer` says whether the money moved between accounts of one person; see
        `is_own_transfer`.
        """
        abroad = transaction.local_amount
        if abroad is not None and abroad.currency == transaction.amount.currency:
            abroad = None
        merchant, counterparty = transaction.merchant, transaction.counterparty
        return cls(
            id=transaction.id,
            account=account_id,
            created=transaction.created,
            settled=transaction.settled,
            minor=transaction.amount.minor,
            currency=transaction.amount.currency,
            local_minor=abroad.minor if abroad else None,
            local_currency=abroad.currency if abroad else None,
            kind=transaction_kind(transaction),
            category=transaction.category,
            split=_minor(amount_by_category(transaction)),
            spent=_minor(spending_by_category(transaction, own_transfer=own_transfer)),
            received=income(transaction, own_transfer=own_transfer).minor,
            merchant=merchant.name if merchant else None,
            merchant_id=transaction.merchant_id,
            merchant_group=merchant.group_id if merchant else None,
            emoji=merchant.emoji if merchant else None,
            logo=merchant.logo if merchant else None,
            counterparty=counterparty.name if counterparty else None,
            preferred_name=counterparty.preferred_name if counterparty else None,
            payee_id=_payee_id(counterparty) if counterparty else None,
            description=transaction.description,
            notes=transaction.notes,
            scheme=transaction.scheme,
            pot_id=transaction.pot_id,
            decline_reason=transaction.decline_reason,
            round_up_of=rounded_up_payment_id(transaction),
        )

    @property
    def amount(self) -> Money:
        """The amount in the account's currency; negative for outgoing money."""
        return Money.from_minor(self.minor, self.currency)

    @property
    def local_amount(self) -> Money | None:
        """The amount in the currency of the payment; None if it is the account's currency."""
        if self.local_minor is None or self.local_currency is None:
            return None
        return Money.from_minor(self.local_minor, self.local_currency)

    @property
    def declined(self) -> bool:
        """Whether the payment was declined, and no money was moved."""
        return self.decline_reason is not None

    @property
    def payee(self) -> str | None:
        """The name of the merchant or person on the other side of the transaction."""
        return self.merchant or self.counterparty or None

    @property
    def parts(self) -> Mapping[str, Money]:
        """The signed amounts by category."""
        return {
            category: Money.from_minor(minor, self.currency)
            for category, minor in self.split.items()
        }

    @property
    def tags(self) -> frozenset[str]:
        """The tags in the notes; see `tags_in`."""
        return tags_in(self.notes)

    @property
    def searchable(self) -> str:
        """The text for searches: names, description and notes; see `search_text`."""
        names = (self.merchant, self.counterparty, self.preferred_name)
        return search_text("\n".join(filter(None, (*names, self.description, self.notes))))

    def without_details(self) -> TransactionRecord:
        """Return the record with only the facts that are required to sum up spending."""
        return replace(self, **NO_DETAILS)

    def is_of_category(self, category: str) -> bool:
        """Return whether the transaction, or a part of a split one, is in a category."""
        return category in (self.category or UNCATEGORISED, *self.split)

    def matches_text(self, wanted: str) -> bool:
        """Return whether a text is part of a name, the description or the notes."""
        return search_text(wanted) in self.searchable

    def matches_payee(self, wanted: str) -> bool:
        """Return whether a text identifies the payee; see `is_payee`."""
        names = (self.description, self.merchant, self.counterparty, self.preferred_name)
        return is_payee(wanted, names=names, ids=(self.merchant_id, self.merchant_group))


# Names, texts and references, which are kept only if the user wants them.
DETAILS: Final = frozenset(
    {
        "counterparty",
        "decline_reason",
        "description",
        "emoji",
        "local_currency",
        "local_minor",
        "logo",
        "merchant",
        "merchant_group",
        "merchant_id",
        "notes",
        "payee_id",
        "pot_id",
        "preferred_name",
        "round_up_of",
        "scheme",
    }
)
NO_DETAILS: Final[Mapping[str, Any]] = {
    field.name: field.default for field in fields(TransactionRecord) if field.name in DETAILS
}


def _minor(amounts: Mapping[str, Money]) -> Mapping[str, int]:
    return {category: amount.minor for category, amount in amounts.items()}


def _payee_id(counterparty: Counterparty) -> str | None:
    return counterparty.service_user_number or counterparty.user_id
