"""Explained balances: which balance of an account results from the known transactions.

The bank tells a balance and the list of transactions in two answers, so that a payment may be in
only one of them. It may also list a payment some time after the balance has changed. That payment
would count twice: as made, and as expected. So if a change that no transaction explains equals the
sum of payments that are due, it is attributed to them until the list shows them, or until they are
no longer due.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from ..api import Balance, Money, Private

# The number of due payments that are considered, because each one doubles the number of sums.
_MOST_DUE: Final = 10


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
        # The sums of some or all due payments, in minor units.
        self._due: frozenset[int] = frozenset()

    def expect(self, due: Iterable[Money]) -> None:
        """Set the amounts of the payments that are due now."""
        sums = {0}
        for amount in islice(due, _MOST_DUE):
            sums |= {earlier + amount.minor for earlier in sums}
        self._due = frozenset(sums - {0})

    def suspend(self) -> None:
        """Explain nothing, because a transaction may not be known."""
        self._newest = None

    def add(self, amounts: Iterable[Money]) -> None:
        """Add the amounts of new transactions that have moved money."""
        for amount in amounts:
            self._added = amount if self._added is None else self._added + amount

    def adds_up_to(self, balance: Balance) -> bool:
        """Return whether new transactions explain the change since the last explained balance."""
        unexplained = self._unexplained(balance)
        return unexplained is None or unexplained.minor == 0

    def has_news_of(self, balance: Balance) -> bool:
        """Return whether there are new transactions, and they explain a balance."""
        return self._added is not None and self.adds_up_to(balance)

    def note(self, balance: Balance) -> None:
        """Note that a balance contains all known transactions, and that all of its own are known.

        The list may still lack payments that are due.
        """
        self._newest = ExplainedBalance(balance)
        if self.unlisted is None:
            self._before, self._added = balance.balance, None

    @property
    def unlisted(self) -> Money | None:
        """The sum of due payments that the explained balance contains, but the list does not.

        It is negative for outgoing ones; None if there are none, also once they are no longer due.
        """
        if self._newest is None:
            return None
        unexplained = self._unexplained(self._newest.balance)
        is_due = unexplained is not None and unexplained.minor in self._due
        return unexplained if is_due else None

    def _unexplained(self, balance: Balance) -> Money | None:
        """Return the unexplained change since the last explained balance; None if that is unknown.

        It is negative if the balance is lower than the transactions explain.
        """
        if self._before is None:
            return None
        added = self._added or Money.zero(self._before.currency)
        return balance.balance - self._before - added

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
