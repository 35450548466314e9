"""Filters for transactions, which report why a transaction does not match."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..api import Transaction
from ..transactions import (
    TransactionKind,
    is_of_category,
    is_payee,
    parse_tag,
    tags_in,
    transaction_kind,
)
from .threshold import unsigned_amount

CONF_AT_LEAST: Final = "at_least"
CONF_AT_MOST: Final = "at_most"
CONF_BY_AT_LEAST: Final = "by_at_least"
CONF_CATEGORY: Final = "category"
CONF_EXCEPT_MERCHANTS: Final = "except_merchants"
CONF_LATE: Final = "late"
CONF_MERCHANT: Final = "merchant"
CONF_ROUND_UPS: Final = "round_ups"
CONF_SENDER: Final = "sender"
CONF_TAG: Final = "tag"


def _tag(value: object) -> str:
    """Validate a tag with or without its #. An empty text means no tag. Raises vol.Invalid."""
    text = cv.string(value).strip()
    if (tag := parse_tag(text) if text else "") is None:
        message = "expected one word, with or without a # before it"
        raise vol.Invalid(message)
    return tag


# Each trigger uses only some of these options.
_SCHEMAS: Final[Mapping[str, Mapping[Any, Any]]] = {
    CONF_AT_LEAST: {vol.Optional(CONF_AT_LEAST): unsigned_amount},
    CONF_AT_MOST: {vol.Optional(CONF_AT_MOST): unsigned_amount},
    CONF_BY_AT_LEAST: {vol.Optional(CONF_BY_AT_LEAST): unsigned_amount},
    CONF_CATEGORY: {
        vol.Optional(CONF_CATEGORY, default=list): vol.All(cv.ensure_list, [cv.string])
    },
    CONF_EXCEPT_MERCHANTS: {
        vol.Optional(CONF_EXCEPT_MERCHANTS, default=list): vol.All(
            cv.ensure_list, [vol.All(cv.string, vol.Strip, vol.Length(min=1))]
        )
    },
    CONF_LATE: {vol.Optional(CONF_LATE, default=False): cv.boolean},
    CONF_MERCHANT: {vol.Optional(CONF_MERCHANT, default=""): vol.All(cv.string, vol.Strip)},
    CONF_ROUND_UPS: {vol.Optional(CONF_ROUND_UPS, default=False): cv.boolean},
    CONF_SENDER: {vol.Optional(CONF_SENDER, default=""): vol.All(cv.string, vol.Strip)},
    CONF_TAG: {vol.Optional(CONF_TAG, default=""): _tag},
}

# Money that goes to other people or companies. Money in a pot still belongs to the owner.
OUTGOING_KINDS: Final = frozenset(
    {
        TransactionKind.CARD_PAYMENT,
        TransactionKind.CASH_WITHDRAWAL,
        TransactionKind.DIRECT_DEBIT,
        TransactionKind.FEE_OR_INTEREST,
        TransactionKind.OTHER,
        TransactionKind.OUTGOING_PAYMENT,
    }
)

# Money that comes from other people or companies.
INCOMING_KINDS: Final = frozenset(
    {
        TransactionKind.FEE_OR_INTEREST,
        TransactionKind.INCOMING_PAYMENT,
        TransactionKind.OTHER,
        TransactionKind.REFUND,
    }
)


class Mismatch(StrEnum):
    """The reason why a transaction or a recurring payment does not match the options of a trigger.

    Automation traces show these codes and the documentation lists them, so they must not change.
    """

    EXCEPTED_MERCHANT = "excepted_merchant"
    LATE = "late"
    LESS_THAN_AT_LEAST = "less_than_at_least"
    LESS_THAN_BY_AT_LEAST = "less_than_by_at_least"
    MORE_THAN_AT_MOST = "more_than_at_most"
    OTHER_CATEGORY = "other_category"
    OTHER_DIRECTION = "other_direction"
    OTHER_MERCHANT = "other_merchant"
    OTHER_SENDER = "other_sender"
    OTHER_TAG = "other_tag"
    ROUND_UP = "round_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter:
    """Options that a transaction must match. The defaults match every transaction.

    The fields are named like the options. Amounts are in major units of the account's currency,
    without a sign.
    """

    at_least: Decimal = Decimal(0)
    """The smallest amount that matches."""

    at_most: Decimal = Decimal("Infinity")
    """The largest amount that matches."""

    by_at_least: Decimal = Decimal(0)
    """The smallest change of an amount that matches, in either direction."""

    merchant: str = ""
    """Part of the payee's name, or an ID; see `matches_payee`. Empty for all payees."""

    sender: str = ""
    """Part of the sender's name, or an ID; see `matches_payee`. Empty for all senders."""

    category: Collection[str] = ()
    """Categories, one of which the transaction must have. Empty for all categories."""

    except_merchants: Collection[str] = ()
    """Parts of the names, or IDs, of payees that are excluded; see `matches_payee`."""

    tag: str = ""
    """A tag that the notes must contain; see `tags_in`. Empty for all transactions."""

    round_ups: bool = True
    """Whether round-ups match."""

    late: bool = True
    """Whether transactions that were reported late match; see `NewTransaction.late`."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Create the filter from the validated options of a trigger."""
        return cls(**{option: options[option] for option in _SCHEMAS if option in options})

    def mismatch(self, transaction: Transaction, *, late: bool = False) -> Mismatch | None:
        """Return the reason why a transaction does not match; None if it matches.

        If there are several reasons, this is the first one in a fixed order.
        """
        amount = abs(transaction.amount.amount)
        is_round_up = transaction_kind(transaction) is TransactionKind.ROUND_UP
        checks = (
            (Mismatch.ROUND_UP, self.round_ups or not is_round_up),
            (Mismatch.LESS_THAN_AT_LEAST, amount >= self.at_least),
            (Mismatch.MORE_THAN_AT_MOST, amount <= self.at_most),
            (Mismatch.OTHER_MERCHANT, matches_payee(transaction, self.merchant)),
            (Mismatch.OTHER_SENDER, matches_payee(transaction, self.sender)),
            (Mismatch.EXCEPTED_MERCHANT, not self._is_excepted(transaction)),
            (Mismatch.OTHER_CATEGORY, self._matches_category(transaction)),
            (Mismatch.OTHER_TAG, not self.tag or self.tag in tags_in(transaction.notes)),
            (Mismatch.LATE, self.late or not late),
        )
        return next((mismatch for mismatch, matches in checks if not matches), None)

    def mismatch_of_change(self, transaction: Transaction, difference: Decimal) -> Mismatch | None:
        """Return the reason why a change of an amount does not match; None if it matches.

        The difference is the new amount minus the old one, with its sign.
        """
        if abs(difference) < self.by_at_least:
            return Mismatch.LESS_THAN_BY_AT_LEAST
        return self.mismatch(transaction)

    def _is_excepted(self, transaction: Transaction) -> bool:
        return any(matches_payee(transaction, merchant) for merchant in self.except_merchants)

    def _matches_category(self, transaction: Transaction) -> bool:
        return not self.category or any(
            is_of_category(transaction, category) for category in self.category
        )


def filter_schema(*options: str) -> dict[Any, Any]:
    """Return the part of a trigger's schema that validates these filter options."""
    schema: dict[Any, Any] = {}
    for option in options:
        schema |= _SCHEMAS[option]
    return schema


def validate_amount_range(options: dict[str, Any]) -> dict[str, Any]:
    """Validate that the smallest amount is not above the largest; raises vol.Invalid."""
    if CONF_AT_LEAST in options and CONF_AT_MOST in options:
        at_least, at_most = options[CONF_AT_LEAST], options[CONF_AT_MOST]
        if at_least > at_most:
            message = f"{CONF_AT_LEAST} is more than {CONF_AT_MOST}, so no amount matches both"
            raise vol.Invalid(message)
    return options


def is_payment(transaction: Transaction) -> bool:
    """Return whether money was spent or sent, including round-ups of payments."""
    kind = transaction_kind(transaction)
    return kind is TransactionKind.ROUND_UP or (
        kind in OUTGOING_KINDS and transaction.amount.amount < 0
    )


def is_money_received(transaction: Transaction) -> bool:
    """Return whether money was received from another person or company."""
    return transaction_kind(transaction) in INCOMING_KINDS and transaction.amount.amount > 0


def matches_payee(transaction: Transaction, wanted: str) -> bool:
    """Return whether a text identifies the merchant or person on the other side of a transaction.

    The text may be part of the name or of the statement's description, in upper or lower case, or
    the ID of the merchant or of the merchant's group.
    """
    merchant, counterparty = transaction.merchant, transaction.counterparty
    names: list[str | None] = [transaction.description]
    ids = [transaction.merchant_id]
    if merchant is not None:
        names.append(merchant.name)
        ids.append(merchant.group_id)
    if counterparty is not None:
        names += (counterparty.name, counterparty.preferred_name)
    return is_payee(wanted, names=names, ids=ids)
