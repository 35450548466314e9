"""Position: the money of an account, with the recurring payments of the same moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..api import Money, Private
from .account_payments import AccountPayments


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Position(Private):
    """The money of an account, and the recurring payments that were found in its transactions."""

    balance: Money

    pots: Mapping[str, Money]
    """The balances of its pots by their IDs."""

    found: AccountPayments

    is_consistent: bool
    """Whether the payments were found in all transactions of the balance, and in no others, and the
    pots are as new. If not, a bill that was paid could count twice."""
