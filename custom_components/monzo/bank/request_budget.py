"""The request budget: the number of requests to the bank, and their priorities."""

from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from enum import IntEnum
import math
from typing import Final

from ..api import MonzoRateLimitError
from ..clock import monotonic

# Monzo publishes no limit. About thirty requests within five minutes have been refused, so we send
# fewer than twenty-four. Only payments and answers of actions may exceed this by a few. The last
# three are for a transfer, with the balance and the pots after it.
REQUEST_WINDOW: Final = timedelta(minutes=5)
_REQUESTS_PER_WINDOW: Final = 23
_REQUESTS_PER_WINDOW_IN_ALL: Final = 27

# So many requests may be reads for deliveries that had to wait, if none was forged recently: two
# payments, or the transactions of four accounts.
_MAX_DELAYED_HINTS: Final = 4

# So many requests may be reads for answers of actions, and so many of these may displace polls.
_MAX_ANSWERS: Final = 13
_MAX_ANSWERS_FOR_POLLS: Final = 9

# Current enough for a dashboard. With three accounts, it is still within the budget.
MIN_POLL_INTERVAL: Final = timedelta(seconds=60)

# While deliveries arrive, polls are only required for payments that Monzo did not announce.
_POLL_INTERVAL_WITH_WEBHOOKS: Final = timedelta(minutes=5)

# Home Assistant's timers may fire up to a second early, at the start and the end of an interval.
TIMER_TOLERANCE: Final = timedelta(seconds=2)

# So many requests per window stay for deliveries and others, however many accounts are polled.
_NEVER_RESERVED: Final = 5

# While deliveries arrive, polls leave room for two payments, each with a balance and a list of
# transactions. So do the first registrations of webhooks. Less important requests leave room for
# one.
_LEFT_BY_POLLS: Final = 4
_LEFT_BY_BACKGROUND: Final = 2

# Deliveries leave so many requests to cards that had to wait, however many deliveries arrive.
_LEFT_BY_HINTS: Final = 2

# After a webhook delivery, more deliveries are expected for this long.
_HINTS_EXPECTED: Final = timedelta(hours=1)

# A failed read is repeated at this interval, even if other requests have used up the budget.
_RETRY_INTERVAL: Final = timedelta(minutes=1)

# Applies if the bank refuses a request because of its rate limit, and names no time to wait.
_DEFAULT_PAUSE: Final = 60.0

PAUSED: Final = "Monzo has asked for a pause"


class Priority(IntEnum):
    """The reasons for requests. Smaller values go first."""

    PERSON = 1
    """A transfer, or another request that a person or an automation waits for."""

    SET_UP = 2
    """A read during set-up, for the first states of all entities."""

    NEWS = 3
    """A read of transactions because a balance has changed, or because none are known yet.

    Unlike webhook deliveries, these reasons cannot be forged.
    """

    REGISTRATION = 4
    """The first registration of a webhook, which makes frequent polls unnecessary."""

    RETRY = 5
    """A read that is repeated after a failure."""

    POLL = 6
    """A regular read."""

    DELAYED_HINT = 7
    """A read for webhook deliveries that had to wait, while none was forged recently."""

    HINT = 8
    """A read for a webhook delivery, which may be forged."""

    ANSWER = 9
    """A read of past transactions for the answer of an action. It may take many requests."""

    BACKGROUND = 10
    """A request that can wait, such as checking a webhook or filling a card."""

    HISTORY = 11
    """A read of old transactions in the minutes after a sign-in, while the bank shows them.

    It is counted separately, because it would use up the shares of all others in these minutes.
    """

    @property
    def is_awaited(self) -> bool:
        """Whether a person or an automation waits for the answer."""
        return self in {Priority.PERSON, Priority.ANSWER}


_PRIORITY: ContextVar[Priority] = ContextVar("monzo_request_priority", default=Priority.PERSON)


class RequestBudget:
    """Counts the requests of a config entry, and grants the remaining ones by priority.

    It also stores the pauses that the bank has asked for. It outlives the entry's session, because
    the bank also counts the requests from before a reload.
    """

    def __init__(self) -> None:
        """Initialize an unused budget."""
        self._sent: deque[tuple[float, Priority]] = deque()
        self._paused_until = -math.inf
        self._retry_granted_at = -math.inf
        self._polls_per_window = 0
        # The time when a request with this priority was last refused.
        self._refused_at: dict[Priority, float] = {}
        self._delivered_at = -math.inf

        self.history_requests = 0
        """The number of requests with `Priority.HISTORY`, which no limit counts."""

    @property
    def left(self) -> int:
        """The number of requests that still fit into the current five minutes."""
        return self._left_of(_REQUESTS_PER_WINDOW)

    @property
    def is_unused(self) -> bool:
        """Whether there is neither a request of the last five minutes nor a pause."""
        return not self._current() and not self.pause

    @property
    def pause(self) -> float:
        """The seconds until the next request may be sent; 0 if it may be sent now."""
        return max(0.0, self._paused_until - monotonic())

    def start_pause(self, seconds: float | None) -> float:
        """Start a pause as long as the bank has asked for, and return its seconds.

        With None, because the bank named no time, the pause takes a minute.
        """
        seconds = seconds or _DEFAULT_PAUSE
        self._paused_until = monotonic() + seconds
        return seconds

    @contextmanager
    def respecting_pauses(self) -> Iterator[None]:
        """Raise MonzoRateLimitError during a pause, and start one when the bank asks for it."""
        if (pause := self.pause) > 0:
            raise MonzoRateLimitError(PAUSED, retry_after=pause)
        try:
            yield
        except MonzoRateLimitError as err:
            err.retry_after = self.start_pause(err.retry_after)
            raise

    @property
    def priority(self) -> Priority:
        """The priority of the requests that the current task sends; see `asking_as`."""
        return _PRIORITY.get()

    def count_request(self) -> None:
        """Count a request that is sent now, with the priority from `asking_as`."""
        priority = _PRIORITY.get()
        if priority is Priority.HISTORY:
            self.history_requests += 1
        else:
            self._sent.append((monotonic(), priority))

    @contextmanager
    def asking_as(self, priority: Priority) -> Iterator[None]:
        """Give all requests within the block a priority, including those of tasks started in it."""
        token = _PRIORITY.set(priority)
        try:
            yield
        finally:
            _PRIORITY.reset(token)

    def note_delivery(self) -> None:
        """Note that a webhook delivery has arrived, so that polls leave room for further ones."""
        self._delivered_at = monotonic()

    def grant(self, wanted: int, priority: Priority) -> int:
        """Return how many of the wanted requests may be sent now.

        Send them before the next `await`, so that the next caller finds them counted. If less
        important requests are refused, the polls of the next five minutes leave room for them.
        """
        match priority:
            case Priority.PERSON | Priority.SET_UP | Priority.HISTORY:
                granted = wanted
            case Priority.RETRY:
                granted = self._grant_retries(wanted)
            case Priority.NEWS:
                granted = min(wanted, self._left_of(_REQUESTS_PER_WINDOW_IN_ALL))
            case Priority.REGISTRATION:
                left = self._left_of(_REQUESTS_PER_WINDOW_IN_ALL - _LEFT_BY_POLLS)
                granted = min(wanted, left)
            case Priority.POLL:
                granted = min(wanted, self._room_for_polls())
            case Priority.DELAYED_HINT:
                granted = max(self._grant_delayed_hints(wanted), self._grant_hints(wanted))
            case Priority.HINT:
                granted = self._grant_hints(wanted)
            case Priority.ANSWER:
                granted = max(self._grant_answers(wanted), self._grant_background(wanted))
            case Priority.BACKGROUND:
                granted = self._grant_background(wanted)
        return granted

    def reserve_polls(self, accounts: int, interval: timedelta) -> None:
        """Reserve room for the polls of some accounts, which less important requests cannot use."""
        rounds = max(1, int(REQUEST_WINDOW / interval))
        self._polls_per_window = min(accounts * rounds + 1, _REQUESTS_PER_WINDOW - _NEVER_RESERVED)

    @staticmethod
    def interval_for(accounts: int, *, webhooks_arrive: bool) -> timedelta:
        """Return the shortest interval of polls for some accounts.

        Each five minutes have room for the list of accounts, the pots of each account once, and as
        many rounds of balances as still fit.
        """
        rounds = (_REQUESTS_PER_WINDOW - 1 - accounts) // max(accounts, 1)
        fastest = REQUEST_WINDOW / max(rounds, 1) + TIMER_TOLERANCE
        return max(fastest, _POLL_INTERVAL_WITH_WEBHOOKS if webhooks_arrive else MIN_POLL_INTERVAL)

    @staticmethod
    def max_unprompted_reads(accounts: int) -> int:
        """Return the number of accounts whose transactions may be read at once without a hint.

        With very many accounts it is reduced, so that their balances stay current.
        """
        return max(1, min(accounts, _REQUESTS_PER_WINDOW - 1 - 2 * accounts))

    def grant_poll(
        self, wanted: int, *, accounts: int, sent: int, priority: Priority = Priority.POLL
    ) -> int:
        """Return how many of the wanted requests a poll of the balances may send now.

        A poll that has already sent some leaves room for the transactions of the accounts.
        """
        share = _REQUESTS_PER_WINDOW - self.max_unprompted_reads(accounts) - sent
        return self.grant(min(wanted, max(0, share)), priority)

    def _left_of(self, requests: int) -> int:
        """Return how many of some requests are left after those of the last five minutes."""
        return max(0, requests - len(self._current()))

    def _current(self) -> deque[tuple[float, Priority]]:
        """Return the requests of the last five minutes."""
        window_start = monotonic() - REQUEST_WINDOW.total_seconds()
        while self._sent and self._sent[0][0] <= window_start:
            self._sent.popleft()
        return self._sent

    def _grant_retries(self, wanted: int) -> int:
        if granted := min(wanted, self.left):
            return granted
        now = monotonic()
        if now - self._retry_granted_at < _RETRY_INTERVAL.total_seconds():
            return 0
        self._retry_granted_at = now
        return min(wanted, 1)

    def _grant_answers(self, wanted: int) -> int:
        left = self._left_of(_REQUESTS_PER_WINDOW_IN_ALL)
        return max(0, min(wanted, left, _MAX_ANSWERS - self._count({Priority.ANSWER})))

    def _grant_delayed_hints(self, wanted: int) -> int:
        left = self._left_of(_REQUESTS_PER_WINDOW_IN_ALL)
        return max(0, min(wanted, left, _MAX_DELAYED_HINTS - self._count({Priority.DELAYED_HINT})))

    def _grant_hints(self, wanted: int) -> int:
        return self._grant_others(wanted, Priority.HINT, self._reserved_for_cards())

    def _grant_background(self, wanted: int) -> int:
        for_hints = self._reserved_for_hints(_LEFT_BY_BACKGROUND)
        return self._grant_others(wanted, Priority.BACKGROUND, for_hints)

    def _grant_others(self, wanted: int, priority: Priority, reserved: int) -> int:
        granted = min(wanted, max(0, self.left - self._reserved_for_polls() - reserved))
        if granted < wanted:
            self._refused_at[priority] = monotonic()
        return granted

    def _room_for_polls(self) -> int:
        # These have shares of their own.
        answers = max(0, self._count({Priority.ANSWER}) - _MAX_ANSWERS_FOR_POLLS)
        delayed = min(self._count({Priority.DELAYED_HINT}), _MAX_DELAYED_HINTS)
        others = answers + delayed + self._count({Priority.REGISTRATION})
        sent = len(self._current()) - others
        left = min(max(0, _REQUESTS_PER_WINDOW - sent), self._left_of(_REQUESTS_PER_WINDOW_IN_ALL))
        # The reserve of the polls takes precedence over the room that they leave to other requests.
        return max(left - self._reserved_for_others(), min(left, self._reserved_for_polls()))

    def _reserved_for_polls(self) -> int:
        return max(0, self._polls_per_window - self._count({Priority.RETRY, Priority.POLL}))

    def _reserved_for_hints(self, requests: int) -> int:
        if monotonic() - self._delivered_at >= _HINTS_EXPECTED.total_seconds():
            return 0
        return max(0, requests - self._count({Priority.DELAYED_HINT, Priority.HINT}))

    def _reserved_for_cards(self) -> int:
        if not self._was_refused({Priority.BACKGROUND}):
            return 0
        return max(0, _LEFT_BY_HINTS - self._count({Priority.BACKGROUND}))

    def _was_refused(self, priorities: Collection[Priority]) -> bool:
        """Return whether a request with one of these priorities was refused in this window."""
        last = max(self._refused_at.get(each, -math.inf) for each in priorities)
        return monotonic() - last < REQUEST_WINDOW.total_seconds()

    def _reserved_for_others(self) -> int:
        """Return how many requests polls must leave for payments and for those that had to wait."""
        for_hints = self._reserved_for_hints(_LEFT_BY_POLLS)
        if not self._was_refused({Priority.HINT, Priority.BACKGROUND}):
            return for_hints
        # The other priorities have their own share, or are always granted.
        others = self._count({Priority.HINT, Priority.ANSWER, Priority.BACKGROUND})
        return max(for_hints, _NEVER_RESERVED - others)

    def _count(self, priorities: Collection[Priority]) -> int:
        return sum(priority in priorities for _at, priority in self._current())
