"""Classification of transactions: their kinds, categories and names."""

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
import re
from typing import Final

from ..api import Account, Money, Transaction
from .search_text import search_text


class TransactionKind(StrEnum):
    """The kinds of transactions; each is an event type of the transaction entities."""

    CARD_PAYMENT = "card_payment"
    INCOMING_PAYMENT = "incoming_payment"
    OUTGOING_PAYMENT = "outgoing_payment"
    DIRECT_DEBIT = "direct_debit"
    POT_DEPOSIT = "pot_deposit"
    POT_WITHDRAWAL = "pot_withdrawal"
    ROUND_UP = "round_up"
    REFUND = "refund"
    CASH_WITHDRAWAL = "cash_withdrawal"
    FEE_OR_INTEREST = "fee_or_interest"
    DECLINED = "declined"
    OTHER = "other"


# Money that moves between an account and its pots.
POT_KINDS: Final = frozenset(
    {TransactionKind.POT_DEPOSIT, TransactionKind.POT_WITHDRAWAL, TransactionKind.ROUND_UP}
)

# The category of transactions for which the bank has none.
UNCATEGORISED: Final = "general"

# The categories in the Monzo app for spending. Custom categories have no names in the API.
SPENDING_CATEGORIES: Final = (
    *("bills", "cash", "charity", "eating_out", "entertainment", "expenses", "family", "finances"),
    *(UNCATEGORISED, "gifts", "groceries", "holidays", "personal_care", "shopping", "transfers"),
    "transport",
)

# Also the categories for income, and for money that stays with the owner.
CATEGORIES: Final = (*SPENDING_CATEGORIES, "income", "savings")

# Payment schemes as in Monzo's Open Banking documentation and in recordings.
CARD_SCHEMES: Final = frozenset({"mastercard", "gps_mastercard"})
# Payments to merchants, among others. The documented webhook delivery has no scheme.
MERCHANT_SCHEMES: Final = frozenset({None, "monzo_flex"})
POT_SCHEMES: Final = frozenset({"uk_retail_pot", "uk_business_pot"})
DIRECT_DEBIT_SCHEMES: Final = frozenset({"bacs"})
# Cash for customers without a card. No recording is known, so this relies on the name.
CASH_SCHEMES: Final = frozenset({"emergency_cash"})
FEE_SCHEMES: Final = frozenset(
    {
        "account_interest",
        "card_delivery",
        "monzo_business_account_billing",
        "monzo_paid",
        "overdraft",
        "signup_referral",
    }
)
TRANSFER_SCHEMES: Final = frozenset(
    {
        "bacs",
        "chaps",
        "faster_payments",
        "monzo_to_monzo",
        "p2p_payment",
        "payport_faster_payments",
        "rbs_cheque",
        "sepa",
        "topup",
        "uk_cash_deposits_paypoint",
    }
)


def _is_card(transaction: Transaction) -> bool:
    if transaction.scheme in MERCHANT_SCHEMES:
        return transaction.merchant_id is not None
    return transaction.scheme in CARD_SCHEMES


def _is_cash(transaction: Transaction) -> bool:
    merchant = transaction.merchant
    return transaction.atm_fee is not None or (merchant is not None and merchant.atm)


def _is_round_up(transaction: Transaction) -> bool:
    return transaction.scheme in POT_SCHEMES and transaction.metadata.get("trigger") == "coin_jar"


def _goes_out(transaction: Transaction) -> bool:
    return transaction.amount.amount < 0


def _comes_in(transaction: Transaction) -> bool:
    return transaction.amount.amount > 0


# The first rule that matches applies.
RULES: Final[tuple[tuple[TransactionKind, Callable[[Transaction], bool]], ...]] = (
    (TransactionKind.DECLINED, lambda it: it.declined),
    (TransactionKind.ROUND_UP, _is_round_up),
    (TransactionKind.POT_DEPOSIT, lambda it: it.scheme in POT_SCHEMES and _goes_out(it)),
    (TransactionKind.POT_WITHDRAWAL, lambda it: it.scheme in POT_SCHEMES and _comes_in(it)),
    (TransactionKind.FEE_OR_INTEREST, lambda it: it.scheme in FEE_SCHEMES),
    (TransactionKind.INCOMING_PAYMENT, lambda it: it.is_load),
    (TransactionKind.CASH_WITHDRAWAL, lambda it: it.scheme in CASH_SCHEMES and _goes_out(it)),
    (TransactionKind.CASH_WITHDRAWAL, lambda it: _is_card(it) and _is_cash(it) and _goes_out(it)),
    (TransactionKind.REFUND, lambda it: _is_card(it) and _comes_in(it)),
    # A payment of zero is a card check and matches no rule.
    (TransactionKind.CARD_PAYMENT, lambda it: _is_card(it) and _goes_out(it)),
    (TransactionKind.DIRECT_DEBIT, lambda it: it.scheme in DIRECT_DEBIT_SCHEMES and _goes_out(it)),
    (TransactionKind.INCOMING_PAYMENT, lambda it: it.scheme in TRANSFER_SCHEMES and _comes_in(it)),
    (TransactionKind.OUTGOING_PAYMENT, lambda it: it.scheme in TRANSFER_SCHEMES and _goes_out(it)),
)


# A round-up names its rule, the payment and the pot.
_ROUND_UP: Final = re.compile(r"CoinJarRule:(?P<payment>[^:]+):")


def rounded_up_payment_id(transaction: Transaction) -> str | None:
    """Return the id of the payment that a round-up belongs to; None for other transactions."""
    match = _ROUND_UP.match(transaction.external_id or "")
    return match and match["payment"]


def transaction_kind(transaction: Transaction) -> TransactionKind:
    """Return the kind of a transaction."""
    return next((kind for kind, matches in RULES if matches(transaction)), TransactionKind.OTHER)


def is_own_transfer(transaction: Transaction, own_accounts: Collection[Account]) -> bool:
    """Return whether money moved between accounts of one person: neither spent nor received.

    Recorded transfers to a joint account are marked as internal, and their counterparty is the
    couple. A repayment of Flex would count a purchase twice.
    """
    metadata, other = transaction.metadata, transaction.counterparty
    if metadata.get("p2p_initiator") == "internal":
        return True
    if metadata.get("flex_transaction_type") == "repayment":
        return True
    if other is None:
        return False
    number = (other.sort_code, other.account_number)
    return any(
        other.account_id == account.id
        or (account.account_number and number == (account.sort_code, account.account_number))
        for account in own_accounts
    )


def amount_by_category(transaction: Transaction) -> Mapping[str, Money]:
    """Return the parts of a transaction by category, with its sign; only one if it is not split."""
    amount, parts = transaction.amount, transaction.categories
    if parts and sum(part.minor for part in parts.values()) == amount.minor:
        return parts
    # Not split, or the parts do not make up the amount.
    return {transaction.category or UNCATEGORISED: amount}


def is_of_category(transaction: Transaction, category: str) -> bool:
    """Return whether a transaction, or a part of a split one, is in a category."""
    return category in (transaction.category or UNCATEGORISED, *transaction.categories)


def is_payee(wanted: str, *, names: Iterable[str | None], ids: Collection[str | None]) -> bool:
    """Return whether a text identifies a payee with these names and IDs.

    It may be part of a name, see `search_text`, or one of the IDs.
    """
    return wanted in ids or any(name and search_text(wanted) in search_text(name) for name in names)


def counterparty_name(transaction: Transaction) -> str | None:
    """Return the name of the merchant or person on the other side of the transaction."""
    merchant, counterparty = transaction.merchant, transaction.counterparty
    return (merchant and merchant.name) or (counterparty and counterparty.name) or None
