"""The request budget: how many requests may be sent to the bank, and who may send them first."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from enum import IntEnum
import math
from typing import Final

from ..clock import monotonic

# Monzo publishes no limit. About thirty requests within five minutes have been refused, so ours
# stay below twenty-four. The rest is for requests that people make by hand.
_WINDOW: Final = timedelta(minutes=5)
_REQUESTS_PER_WINDOW: Final = 23

# Current enough for a dashboard, and with three accounts still within the budget.
MIN_POLL_INTERVAL: Final = timedelta(seconds=60)

# While deliveries arrive, polls only find payments that Monzo did not announce.
_POLL_INTERVAL_WITH_WEBHOOKS: Final = timedelta(minutes=5)

# Home Assistant's timers may fire up to a second early, at the start and at the end of an interval.
TIMER_TOLERANCE: Final = timedelta(seconds=2)

# However many accounts are polled, so many requests per window stay for deliveries and the rest.
_NEVER_RESERVED: Final = 5

# A failed read is repeated this often, even if other requests have used up the budget.
_RETRY_INTERVAL: Final = timedelta(minutes=1)

# Applies if the bank refuses a request as one too many and does not say how long to wait.
_DEFAULT_PAUSE: Final = 60.0


class Priority(IntEnum):
    """Why the bank is asked; the smallest value goes first."""

    PERSON = 1
    """A transfer, set-up, or another request that a person or an automation waits for."""

    RETRY = 2
    """A read that failed and is due again."""

    POLL = 3
    """A read that is due by the clock."""

    HINT = 4
    """A read that a webhook delivery asked for. Deliveries can be forged."""

    BACKGROUND = 5
    """A request that can wait, such as registering a webhook."""


_PRIORITY: ContextVar[Priority] = ContextVar("monzo_request_priority", default=Priority.PERSON)


class RequestBudget:
    """Counts the requests of a config entry, and grants the remaining ones by priority.

    It also knows when the bank has asked for a pause. It outlives the entry's session, because Home
    Assistant starts a new session each time that it tries to set up an entry.
    """

    def __init__(self) -> None:
        """Initialize a budget of which nothing is used."""
        self._sent: deque[tuple[float, Priority]] = deque()
        self._paused_until = -math.inf
        self._retry_granted_at = -math.inf
        self._polls_per_window = 0

    def start_session(self) -> None:
        """Count from zero, because set-up needs its requests; a pause continues."""
        self._sent.clear()

    @property
    def left(self) -> int:
        """How many more requests fit into the current five minutes."""
        return max(0, _REQUESTS_PER_WINDOW - len(self._current()))

    @property
    def pause(self) -> float:
        """For how many seconds no request may be sent; 0 if one may be sent now."""
        return max(0.0, self._paused_until - monotonic())

    def start_pause(self, seconds: float | None) -> float:
        """Start a pause as long as the bank asked for, and return its seconds.

        With None, because the bank did not say how long, the pause takes a minute.
        """
        seconds = seconds or _DEFAULT_PAUSE
        self._paused_until = monotonic() + seconds
        return seconds

    def count_request(self) -> None:
        """Count a request that is sent now, with the priority of `asking_as`."""
        self._sent.append((monotonic(), _PRIORITY.get()))

    @contextmanager
    def asking_as(self, priority: Priority) -> Iterator[None]:
        """Give all requests within the block a priority, including those of tasks started in it."""
        token = _PRIORITY.set(priority)
        try:
            yield
        finally:
            _PRIORITY.reset(token)

    def grant(self, wanted: int, priority: Priority) -> int:
        """Return how many of the wanted requests may be sent now.

        Send them before the next `await`, so that the next caller sees them counted.
        """
        match priority:
            case Priority.PERSON:
                return wanted
            case Priority.RETRY:
                return self._grant_retries(wanted)
            case Priority.POLL:
                return min(wanted, self.left)
            case _:
                return min(wanted, max(0, self.left - self._reserved_for_polls()))

    def reserve_polls(self, accounts: int, interval: timedelta) -> None:
        """Keep room for the polls of so many accounts from requests that are less important."""
        rounds = max(1, int(_WINDOW / interval))
        self._polls_per_window = min(accounts * rounds + 1, _REQUESTS_PER_WINDOW - _NEVER_RESERVED)

    @staticmethod
    def interval_for(accounts: int, *, webhooks_arrive: bool) -> timedelta:
        """Return how often the balances of so many accounts can be polled.

        Every five minutes have room for the list of accounts, the pots of each account once, and
        as many rounds of balances as still fit.
        """
        rounds = (_REQUESTS_PER_WINDOW - 1 - accounts) // max(accounts, 1)
        fastest = _WINDOW / max(rounds, 1) + TIMER_TOLERANCE
        return max(fastest, _POLL_INTERVAL_WITH_WEBHOOKS if webhooks_arrive else MIN_POLL_INTERVAL)

    @staticmethod
    def max_unprompted_reads(accounts: int) -> int:
        """Return of how many accounts the transactions may be read at once without a hint.

        All of them; with very many accounts only so many that their balances stay current.
        """
        return max(1, min(accounts, _REQUESTS_PER_WINDOW - 1 - 2 * accounts))

    def grant_poll(self, wanted: int, *, accounts: int, sent: int) -> int:
        """Return how many of the wanted requests a poll of the balances may send now.

        A poll that has sent so many already leaves room for the transactions of the accounts.
        """
        share = _REQUESTS_PER_WINDOW - self.max_unprompted_reads(accounts) - sent
        return self.grant(min(wanted, max(0, share)), Priority.POLL)

    def _current(self) -> deque[tuple[float, Priority]]:
        """Return the requests of the last five minutes."""
        window_start = monotonic() - _WINDOW.total_seconds()
        while self._sent and self._sent[0][0] <= window_start:
            self._sent.popleft()
        return self._sent

    def _grant_retries(self, wanted: int) -> int:
        now = monotonic()
        granted = min(wanted, self.left)
        if granted == 0 and now - self._retry_granted_at >= _RETRY_INTERVAL.total_seconds():
            granted = min(wanted, 1)
        if granted:
            self._retry_granted_at = now
        return granted

    def _reserved_for_polls(self) -> int:
        polls = sum(
            priority in {Priority.RETRY, Priority.POLL} for _at, priority in self._current()
        )
        return max(0, self._polls_per_window - polls)
