"""Data of one config entry: the person who signed in, their accounts and pots."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Final

from ..api import Account, Balance, Money, Pot, Private, Transaction

# The types of accounts at Monzo that people do not pay from. They have no pots.
FLEX: Final = "uk_monzo_flex"
LOAN: Final = "uk_loan"
CASHBACK: Final = "uk_rewards"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PersonState(Private):
    """The person who signed in, with the sum of all accounts and pots of this entry."""

    id: str

    currencies: frozenset[str]
    """The currencies of all accounts and pots; empty if none of them could be read."""

    total: Money | None
    """The sum of all accounts and pots; None if currencies differ, or if one cannot be read."""

    @property
    def currency(self) -> str | None:
        """The currency of all accounts and pots, if it is the same."""
        return next(iter(self.currencies)) if len(self.currencies) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccountState(Private):
    """An account and its balance."""

    account: Account
    balance: Balance

    day_began: datetime
    """The start of the bank's day to which `balance.spend_today` belongs."""

    @property
    def id(self) -> str:
        """Monzo's ID."""
        return self.account.id

    @property
    def currency(self) -> str:
        """The currency of the account and its pots."""
        return self.money.currency

    @property
    def is_current_account(self) -> bool:
        """Whether it is an account for payments. Flex, loans and cashback are not."""
        return self.account.type not in {FLEX, LOAN, CASHBACK}

    @property
    def has_transactions(self) -> bool:
        """Whether Monzo lists its transactions. The list of a loan is always empty."""
        return self.account.type != LOAN

    @property
    def money(self) -> Money:
        """The available money; negative if the account is overdrawn."""
        return self.balance.balance


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PotState(Private):
    """A pot and the account that it belongs to."""

    pot: Pot

    account_id: str
    """The account that lists the pot, and that money moves from and to.

    Recorded joint pots have another account as their `current_account_id`.
    """

    @property
    def id(self) -> str:
        """Monzo's ID."""
        return self.pot.id

    @property
    def currency(self) -> str:
        """The currency of the pot."""
        return self.money.currency

    @property
    def money(self) -> Money:
        """The money in the pot."""
        return self.pot.balance

    @property
    def has_reached_goal(self) -> bool:
        """Whether the pot has a goal, and its balance is at or above the goal."""
        return self.pot.goal is not None and self.pot.balance >= self.pot.goal

    @property
    def progress(self) -> Decimal | None:
        """Percentage of the goal, rounded down so that 100 means reached; None without a goal."""
        if self.pot.goal is None:
            return None
        share = 100 * self.pot.balance.amount / self.pot.goal.amount
        return share.quantize(Decimal("0.1"), rounding=ROUND_DOWN)

    @property
    def left_to_goal(self) -> Money | None:
        """The money that is missing to the goal, zero or more; None without a goal."""
        if self.pot.goal is None:
            return None
        return max(self.pot.goal - self.pot.balance, Money.zero(self.currency))


type AccountOrPot = AccountState | PotState

# Each of these has a device.
type DeviceState = PersonState | AccountOrPot


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MonzoData(Private):
    """Everything that one config entry shows."""

    person: PersonState
    accounts: Mapping[str, AccountState]
    pots: Mapping[str, PotState]

    own_accounts: tuple[Account, ...]
    """All accounts of the person, including closed and excluded ones."""

    pot_names: Mapping[str, str]
    """The names of pots by ID, including deleted ones, because transactions still refer to them."""

    removed_ids: frozenset[str]
    """IDs of accounts and pots that are closed, deleted, or excluded by the user.

    Accounts and pots that are only missing from an answer are not removed.
    """

    complete: bool
    """Whether the bank returned every account and pot that it has returned before."""

    def find(self, monzo_id: str) -> DeviceState | None:
        """Return the person, account or pot with this ID, if it could be read."""
        if monzo_id == self.person.id:
            return self.person
        return self.accounts.get(monzo_id) or self.pots.get(monzo_id)

    def pot_of(self, transaction: Transaction) -> str | None:
        """Return the name of the pot that the money went into or came from, if it is known."""
        return self.pot_names.get(transaction.pot_id or "")
