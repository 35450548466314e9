"""What was asked of the bank about accounts, balances and pots, and what it has answered."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
import math
import time
from typing import Final, NamedTuple

from homeassistant.util import dt as dt_util

from .api import Account, Balance, Money, MonzoError, Pot
from .const import ACCOUNTS_OUTDATED_AFTER, ASK_AGAIN_AFTER, POTS_OUTDATED_AFTER
from .coordinator import BLOCKING_ERRORS, TRANSIENT_ERRORS, async_at_once
from .models import bank_day_began
from .session import MonzoSession


class Endpoint(StrEnum):
    """What a poll asks for, as a text for the log."""

    ACCOUNTS = "the list of accounts"
    BALANCE = "the balance of an account"
    POTS = "the pots of an account"


class PollRequest(NamedTuple):
    """One request of a poll."""

    endpoint: Endpoint
    account_id: str = ""


# How old an answer may get. A balance is asked for at every poll.
OUTDATED_AFTER: Final = {
    Endpoint.ACCOUNTS: ACCOUNTS_OUTDATED_AFTER,
    Endpoint.BALANCE: timedelta(0),
    Endpoint.POTS: POTS_OUTDATED_AFTER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """How a request went when it was last sent."""

    at: float
    """When it was sent, by `time.monotonic`."""

    error: Exception | None = None

    skipped: int = 0
    """How many records of the answer could not be read."""

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return self.at > -math.inf and self.error is None

    @property
    def transient(self) -> bool:
        """Whether it failed in a way that may be over in a moment."""
        return isinstance(self.error, TRANSIENT_ERRORS)

    @property
    def refused(self) -> bool:
        """Whether the bank does not tell this, so that there is no use in asking soon."""
        return not (
            self.error is None or isinstance(self.error, (*TRANSIENT_ERRORS, *BLOCKING_ERRORS))
        )


NEVER_ASKED: Final = PollResult(at=-math.inf)


class BalanceReader:
    """Asks the bank, and keeps the last answer to each question.

    An answer outlives later failures: `outcome` says whether it still holds.
    """

    def __init__(self, session: MonzoSession) -> None:
        """Have asked nothing yet."""
        self._session = session
        self._outcomes: dict[PollRequest, PollResult] = {}
        self.accounts: dict[str, Account] = {}
        self.balances: dict[str, tuple[Balance, datetime]] = {}
        """By account, with when the bank's day began for which it tells what was spent."""
        self.pots: dict[str, tuple[Pot, ...]] = {}
        """By the account that lists them."""
        self.pots_seen: set[str] = set()
        """The ids of all pots that were ever listed."""
        self.pots_changed: set[str] = set()
        """The accounts whose pots, it seems, are not what they were when last asked for."""

    def outcome(self, read: PollRequest) -> PollResult:
        """Return how a request went when it was last sent."""
        return self._outcomes.get(read, NEVER_ASKED)

    async def async_ask(self, reads: Collection[PollRequest]) -> None:
        """Ask for all of this at once, and once more for what fails in passing.

        What has failed before is no passing failure any more.
        """
        outcomes = await self._async_try(reads)
        again = [
            read
            for read, outcome in outcomes.items()
            if outcome.transient and self.outcome(read).error is None
        ]
        if again := again[: self._session.requests_left]:
            await asyncio.sleep(ASK_AGAIN_AFTER.total_seconds())
            outcomes |= await self._async_try(again)
        self._outcomes |= outcomes

    async def _async_try(self, reads: Collection[PollRequest]) -> dict[PollRequest, PollResult]:
        """Ask for all of this at once, and return how it went."""
        results = await async_at_once(map(self._async_read, reads))
        return dict(zip(reads, results, strict=True))

    async def _async_read(self, read: PollRequest) -> PollResult:
        """Send one request and keep its answer."""
        at = time.monotonic()
        skipped = 0
        try:
            match read.endpoint:
                case Endpoint.ACCOUNTS:
                    skipped = await self._async_read_accounts()
                case Endpoint.BALANCE:
                    await self._async_read_balance(read.account_id)
                case Endpoint.POTS:
                    skipped = await self._async_read_pots(read.account_id)
        except (MonzoError, *BLOCKING_ERRORS) as err:
            return PollResult(at=at, error=err)
        return PollResult(at=at, skipped=skipped)

    async def _async_read_accounts(self) -> int:
        """Ask for the accounts, and return how many records could not be read."""
        accounts = await self._session.accounts()
        # One missing from the list was never closed, so the balance decides about it.
        self.accounts |= {account.id: account for account in accounts}
        return accounts.skipped

    async def _async_read_balance(self, account_id: str) -> None:
        """Ask for a balance, and see whether it tells of money moving in the account's pots."""
        # Before asking, for the bank may answer with what was spent until a moment ago.
        day_began = bank_day_began(dt_util.utcnow())
        balance = await self._session.balance(account_id)
        if account_id in self.balances:
            before, _day = self.balances[account_id]
            if _money_in_pots(before) != _money_in_pots(balance):
                self.pots_changed.add(account_id)
        self.balances[account_id] = balance, day_began

    async def _async_read_pots(self, account_id: str) -> int:
        """Ask for an account's pots, and return how many records could not be read."""
        # Before asking, for what moves meanwhile may not be in the answer.
        self.pots_changed.discard(account_id)
        pots = await self._session.pots(account_id)
        before = {pot.id for pot in self.pots.get(account_id, ())}
        listed = {pot.id for pot in pots}
        if before - listed:
            # Even deleted pots stay in the list, so this one is too short; perhaps not the next.
            self.pots_changed.add(account_id)
        self.pots[account_id] = tuple(pots)
        self.pots_seen |= listed
        return pots.skipped


def _money_in_pots(balance: Balance) -> tuple[Money | None, ...]:
    """Return what an account's balance says to be in its pots, without and with savings."""
    totals = (balance.total_balance, balance.balance_including_flexible_savings)
    return tuple(total and total - balance.balance for total in totals)
