"""What one entry knows of its person, their accounts and pots."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from homeassistant.util import dt as dt_util

from ..api import Account, Balance, Money, Pot, Transaction
from ..const import BANK_DAY_STARTS, BANK_TIME_ZONE


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonState:
    """The person who signed in, with all their money that this entry looks after."""

    id: str

    currencies: frozenset[str]
    """Of all accounts and pots; nothing while none of them could be read."""

    total: Money | None
    """The sum over accounts and pots; None if they cannot be added, or one cannot be read."""

    @property
    def currency(self) -> str | None:
        """The one currency of everything, if there is just one."""
        return next(iter(self.currencies)) if len(self.currencies) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """An account and its balance."""

    account: Account
    balance: Balance

    day_began: datetime
    """When the bank's day began for which `balance` tells what was spent."""

    @property
    def id(self) -> str:
        """Monzo's id."""
        return self.account.id

    @property
    def currency(self) -> str:
        """The currency of the account and its pots."""
        return self.money.currency

    @property
    def money(self) -> Money:
        """What can be spent."""
        return self.balance.balance


@dataclass(frozen=True, slots=True, kw_only=True)
class PotState:
    """A pot and the account it belongs to."""

    pot: Pot

    account_id: str
    """The account that lists the pot, which is the one to move money from and to.

    Joint pots name another as their `current_account_id`, as recorded.
    """

    @property
    def id(self) -> str:
        """Monzo's id."""
        return self.pot.id

    @property
    def currency(self) -> str:
        """The currency of the pot."""
        return self.money.currency

    @property
    def money(self) -> Money:
        """What is in it."""
        return self.pot.balance

    @property
    def has_reached_goal(self) -> bool:
        """Whether there is a goal, and all of it is there."""
        return self.pot.goal is not None and self.pot.balance.amount >= self.pot.goal.amount

    @property
    def progress(self) -> Decimal | None:
        """How much of the goal is there, in percent; 100 not before all of it is."""
        if self.pot.goal is None:
            return None
        share = 100 * self.pot.balance.amount / self.pot.goal.amount
        return share.quantize(Decimal("0.1"), rounding=ROUND_DOWN)

    @property
    def left_to_goal(self) -> Money | None:
        """How much is missing; nothing when there is more than the goal."""
        if self.pot.goal is None:
            return None
        missing = self.pot.goal - self.pot.balance
        return max(missing, Money.from_minor(0, self.currency), key=lambda money: money.amount)


# What holds money of its own.
type AccountOrPot = AccountState | PotState

type DeviceState = PersonState | AccountOrPot


@dataclass(frozen=True, slots=True, kw_only=True)
class MonzoData:
    """Everything that one entry shows."""

    person: PersonState
    accounts: Mapping[str, AccountState]
    pots: Mapping[str, PotState]

    pot_names: Mapping[str, str]
    """What pots are called, by their ids; also deleted ones, of which transactions still tell."""

    gone: frozenset[str]
    """Ids of accounts and pots that are closed, deleted or left out by the user.

    Whatever is only missing from an answer is not among them.
    """

    def find(self, monzo_id: str) -> DeviceState | None:
        """Return the person, account or pot with this id, if it could be read."""
        if monzo_id == self.person.id:
            return self.person
        return self.accounts.get(monzo_id) or self.pots.get(monzo_id)

    def pot_of(self, transaction: Transaction) -> str | None:
        """Return the name of the pot that the money went into or came from, if it is known."""
        return self.pot_names.get(transaction.pot_id or "")


def bank_day_began(now: datetime) -> datetime:
    """Return when the bank's current day began: at four in the morning in London."""
    local = now.astimezone(dt_util.get_time_zone(BANK_TIME_ZONE))
    began = local.replace(
        hour=BANK_DAY_STARTS.hour, minute=BANK_DAY_STARTS.minute, second=0, microsecond=0
    )
    return began if began <= local else began - timedelta(days=1)
