"""Polling: asks the bank about accounts, balances and pots, and keeps the latest answers."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from itertools import chain
import math
from typing import Final, NamedTuple

from ..api import Account, Balance, Money, MonzoError, MonzoRateLimitError, Pot
from ..bank import (
    BLOCKING_ERRORS,
    TRANSIENT_ERRORS,
    MonzoSession,
    MonzoTokenRefusedError,
    Priority,
)
from ..clock import monotonic
from ..coordinator import gather_all
from .bank_day import DatedBalance, date_balance

# Repairs a hiccup: long enough for a proxy to recover, too short for anyone to notice.
RETRY_DELAY: Final = timedelta(seconds=2)

# The delay before a failed request is sent again, because Monzo announces no end of an outage.
FAILED_DELAY: Final = timedelta(minutes=1)

# The same for a request that the bank refuses, or that never worked, such as the balance of a loan:
# it may work soon or never. The last one repeats.
_REFUSED_DELAYS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)


class Endpoint(StrEnum):
    """An endpoint that a poll reads; the value is its name in the log."""

    ACCOUNTS = "the list of accounts"
    BALANCE = "the balance of an account"
    POTS = "the pots of an account"


# The age from which a poll requests an answer again. New accounts are rare. Every poll requests the
# balances. Pots change when money moves, which shows in the balances,
# or in the app, which does not.
MAX_AGE: Final[Mapping[Endpoint, timedelta]] = {
    Endpoint.ACCOUNTS: timedelta(hours=1),
    Endpoint.BALANCE: timedelta.max,
    Endpoint.POTS: timedelta(minutes=10),
}


class PollRequest(NamedTuple):
    """One request of a poll."""

    endpoint: Endpoint
    account_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """The result of a request when it was last sent."""

    at: float
    """When it was sent, by `clock.monotonic`; minus infinity if it never was."""

    error: Exception | None = None

    failures: int = 0
    """The number of failures since the last answer."""

    skipped: int = 0
    """How many records of the answer were unreadable."""

    @property
    def was_sent(self) -> bool:
        """Whether the request has been sent."""
        return self.at > -math.inf

    @property
    def answered(self) -> bool:
        """Whether the bank answered."""
        return self.was_sent and self.error is None

    @property
    def is_transient(self) -> bool:
        """Whether it failed, and the next request may succeed."""
        return isinstance(self.error, TRANSIENT_ERRORS)

    @property
    def is_repeatable(self) -> bool:
        """Whether the request failed, and a repetition within seconds can succeed."""
        return self.is_transient and not isinstance(self.error, MonzoTokenRefusedError)

    @property
    def is_refused(self) -> bool:
        """Whether the bank refuses this request, so that asking again soon is pointless."""
        return not (
            self.error is None or isinstance(self.error, (*TRANSIENT_ERRORS, *BLOCKING_ERRORS))
        )

    def retry_delay(self, *, was_answered: bool) -> float:
        """Return how many seconds after it was sent a failed request is sent again.

        `was_answered` says whether this request has ever worked.
        """
        if isinstance(self.error, (MonzoTokenRefusedError, MonzoRateLimitError)):
            # The session sets it on every error of these kinds.
            return self.error.retry_after or 0.0
        if self.is_refused or (self.is_transient and not was_answered):
            index = min(self.failures, len(_REFUSED_DELAYS)) - 1
            return _REFUSED_DELAYS[index].total_seconds()
        return FAILED_DELAY.total_seconds()


_NEVER_SENT: Final = PollResult(at=-math.inf)


@dataclass(slots=True, kw_only=True)
class Answers:
    """The latest answer of the bank to each request.

    An answer stays when a later request fails; `result` says whether it is still current.
    """

    results: dict[PollRequest, PollResult] = field(default_factory=dict)

    accounts: dict[str, Account] = field(default_factory=dict)
    """All accounts that were ever listed, also closed ones, by ID."""

    balances: dict[str, Balance] = field(default_factory=dict)
    """By account ID."""

    dated_balances: dict[str, DatedBalance] = field(default_factory=dict)
    """The same balances with their days, by account ID."""

    pots: dict[str, tuple[Pot, ...]] = field(default_factory=dict)
    """By the ID of the account that lists them; deleted ones included."""

    pots_ever_listed: set[str] = field(default_factory=set)

    def result(self, request: PollRequest) -> PollResult:
        """Return the result of a request when it was last sent."""
        return self.results.get(request, _NEVER_SENT)

    def forget(self, account_id: str) -> None:
        """Forget how the requests about an account went, so that its answers are not current."""
        for endpoint in (Endpoint.BALANCE, Endpoint.POTS):
            self.results.pop(PollRequest(endpoint, account_id), None)

    @property
    def open_accounts(self) -> tuple[Account, ...]:
        """The accounts that are not closed."""
        return tuple(account for account in self.accounts.values() if not account.closed)

    def listed_pots(self) -> Iterator[Pot]:
        """Yield the pots of the latest answers, deleted ones included."""
        return chain.from_iterable(self.pots.values())

    def errors(self, accounts: Collection[Account]) -> dict[PollRequest, Exception]:
        """Return the failed requests about these accounts, most important first."""
        return {
            request: error
            for request in self.requests_for(accounts)
            if (error := self.result(request).error)
        }

    def requests_for(self, accounts: Collection[Account]) -> Iterator[PollRequest]:
        """Yield every request that these accounts need, most important first."""
        yield PollRequest(Endpoint.ACCOUNTS)
        balances = [PollRequest(Endpoint.BALANCE, account.id) for account in accounts]
        yield from balances
        for request in balances:
            # The pots of an account are shown only if its balance can be read.
            if self.result(request).error is None:
                yield PollRequest(Endpoint.POTS, request.account_id)


class BalancePoller:
    """Sends the requests of a poll, and stores their answers."""

    def __init__(self, session: MonzoSession) -> None:
        """Initialize the poller without an answer."""
        self.answers = Answers()
        self.outdated: set[PollRequest] = set()
        """Requests to send at the next poll although their answers are not old."""
        self._session = session

    async def async_ask(self, requests: Collection[PollRequest]) -> None:
        """Send these requests at the same time; repeat once those that fail for a moment.

        A request that failed the time before is not repeated, because that is an outage.
        """
        results = await self._async_send(requests)
        repeatable = [
            request
            for request, result in results.items()
            if result.is_repeatable and self.answers.result(request).error is None
        ]
        budget = self._session.budget
        if repeatable := repeatable[: budget.grant(len(repeatable), Priority.RETRY)]:
            await asyncio.sleep(RETRY_DELAY.total_seconds())
            results |= await self._async_send(repeatable)
        self.answers.results |= results

    async def _async_send(self, requests: Collection[PollRequest]) -> dict[PollRequest, PollResult]:
        results = await gather_all(map(self._async_read, requests))
        return dict(zip(requests, results, strict=True))

    async def _async_read(self, request: PollRequest) -> PollResult:
        """Send one request and store its answer."""
        # Before the request, because the answer may miss a change that is made during it.
        self.outdated.discard(request)
        at = monotonic()
        skipped = 0
        try:
            match request.endpoint:
                case Endpoint.ACCOUNTS:
                    skipped = await self._async_read_accounts()
                case Endpoint.BALANCE:
                    await self._async_read_balance(request.account_id)
                case Endpoint.POTS:
                    skipped = await self._async_read_pots(request.account_id)
        except (MonzoError, *BLOCKING_ERRORS) as err:
            failures = self.answers.result(request).failures + 1
            return PollResult(at=at, error=err, failures=failures)
        return PollResult(at=at, skipped=skipped)

    async def _async_read_accounts(self) -> int:
        """Read the list of accounts; return how many records were unreadable."""
        accounts = await self._session.accounts()
        # An account that is missing from the list was not closed, so it stays.
        self.answers.accounts |= {account.id: account for account in accounts}
        return accounts.skipped

    async def _async_read_balance(self, account_id: str) -> None:
        """Read a balance, and notice if money moved in or out of the account's pots."""
        balance = await self._session.balance(account_id)
        before = self.answers.balances.get(account_id)
        if before is not None and _money_in_pots(before) != _money_in_pots(balance):
            self.outdated.add(PollRequest(Endpoint.POTS, account_id))
        self.answers.balances[account_id] = balance
        dated = self.answers.dated_balances
        dated[account_id] = date_balance(balance, self._session.clock.now(), dated.get(account_id))

    async def _async_read_pots(self, account_id: str) -> int:
        """Read an account's pots; return how many records were unreadable."""
        pots = await self._session.pots(account_id)
        before = {pot.id for pot in self.answers.pots.get(account_id, ())}
        listed = {pot.id for pot in pots}
        if before - listed:
            # Deleted pots stay in the list, so this answer is incomplete. The next may not be.
            self.outdated.add(PollRequest(Endpoint.POTS, account_id))
        self.answers.pots[account_id] = tuple(pots)
        self.answers.pots_ever_listed |= listed
        return pots.skipped


def _money_in_pots(balance: Balance) -> tuple[Money | None, ...]:
    """Return the money in an account's pots, without and with savings, as its balance says."""
    totals = (balance.total_balance, balance.balance_including_flexible_savings)
    return tuple(total and total - balance.balance for total in totals)
