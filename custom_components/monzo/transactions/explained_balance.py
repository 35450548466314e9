"""Explained balances: which balance of an account results from the known transactions.

The bank tells a balance and the list of transactions in two answers, so that a payment may be in
only one of them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..api import Balance, Money, Private


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExplainedBalance(Private):
    """A balance of which all transactions are known, and which contains all that are known.

    Each read makes another one, so that the same one shows that nothing was read meanwhile.
    """

    balance: Balance


class BalanceExplanation(Private):
    """Compares the balances of one account with its new transactions."""

    def __init__(self) -> None:
        """Initialize it without an explained balance."""
        self._newest: ExplainedBalance | None = None
        self._before: Money | None = None
        # The sum of the new transactions since the last explained balance; None without any.
        self._added: Money | None = None

    def suspend(self) -> None:
        """Explain nothing, because a transaction may not be known."""
        self._newest = None

    def add(self, amounts: Iterable[Money]) -> None:
        """Add the amounts of new transactions that have moved money."""
        for amount in amounts:
            self._added = amount if self._added is None else self._added + amount

    def adds_up_to(self, balance: Balance) -> bool:
        """Return whether new transactions explain the change since the last explained balance."""
        if self._before is None:
            return True
        return balance.balance == self._before + (self._added or Money.zero(self._before.currency))

    def has_news_of(self, balance: Balance) -> bool:
        """Return whether there are new transactions, and they explain a balance."""
        return self._added is not None and self.adds_up_to(balance)

    def note(self, balance: Balance) -> None:
        """Note that all transactions of a balance are known, and that it contains all of them."""
        self._newest = ExplainedBalance(balance)
        self._before, self._added = balance.balance, None

    def of(self, balance: Balance) -> ExplainedBalance | None:
        """Return a balance as an explained one; None if it is not known to be."""
        is_same = self._newest is not None and self._newest.balance == balance
        return self._newest if is_same else None


class BalanceExplanations(Private):
    """The explanations of the accounts of a config entry, which outlive a reload."""

    def __init__(self) -> None:
        """Initialize without any account."""
        self._by_account: dict[str, BalanceExplanation] = defaultdict(BalanceExplanation)

    def of(self, account_id: str) -> BalanceExplanation:
        """Return the explanation of an account."""
        return self._by_account[account_id]
