"""Refused access tokens: when to renew a token, and when to repeat a refused request."""

from datetime import timedelta
import math
from typing import Final

from ..api import MonzoUnreachableError
from ..clock import monotonic
from .request_budget import TIMER_TOLERANCE

# The delays before an endpoint that refused a renewed token is asked again. The last one repeats.
_ASK_AGAIN_AFTER: Final = (
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)

# A token that was never accepted is not renewed again for this long. While the bank refuses all
# tokens, a new one does not help, and the answer to each renewal may get lost.
_RENEW_AGAIN_AFTER: Final = timedelta(hours=1)

# After a renewal, parts of the bank may not know the new token for this long.
_NEW_FOR: Final = timedelta(seconds=10)


class MonzoTokenRefusedError(MonzoUnreachableError):
    """The bank refuses the access token although it was renewed, or cannot be renewed yet.

    This is temporary, because the sign-in has not ended. The bank did not carry out the request.
    """

    def __init__(self, message: str, *, code: str | None = None, retry_after: float) -> None:
        """Initialize the error with the seconds until the endpoint may be asked again."""
        super().__init__(message, code=code)
        self.retry_after = retry_after


class TokenRefusals:
    """Remembers renewals and refusals of the access tokens of a config entry.

    An endpoint is identified by any hashable value that includes the account, because the refusal
    of one endpoint says nothing about others. This object outlives the entry's session, because
    Home Assistant creates a new session each time that it tries to set up an entry.
    """

    def __init__(self) -> None:
        """Initialize without refusals."""
        self._token: str | None = None
        self._renewed_at = -math.inf
        self._accepted_since_renewal = True
        self._refusals: dict[object, tuple[int, float]] = {}

    def start_with(self, token: str) -> None:
        """Forget all refusals if this token comes from a new sign-in, not from a renewal."""
        if token != self._token:
            self._token = token
            self._accepted_since_renewal = True
            self._refusals.clear()

    @property
    def may_renew(self) -> bool:
        """Whether a refused token must be renewed, because the bank may accept a new one."""
        age = monotonic() - self._renewed_at
        return self._accepted_since_renewal or age >= _RENEW_AGAIN_AFTER.total_seconds()

    @property
    def token_is_new(self) -> bool:
        """Whether the token was renewed just now, so that the bank may not know it yet."""
        return monotonic() - self._renewed_at < _NEW_FOR.total_seconds()

    def wait(self, endpoint: object) -> float:
        """Return the seconds until an endpoint may be asked again; 0 if it may be asked now."""
        _count, until = self._refusals.get(endpoint, (0, -math.inf))
        return max(0.0, until - monotonic())

    def note_renewal(self, token: str) -> None:
        """Record a new token."""
        self._token = token
        self._renewed_at = monotonic()
        self._accepted_since_renewal = False

    def note_accepted(self, endpoint: object) -> None:
        """Record that an endpoint accepted the token."""
        self._accepted_since_renewal = True
        self._refusals.pop(endpoint, None)

    def note_refused(self, endpoint: object) -> float:
        """Record that an endpoint refused a new token, and return the seconds to wait.

        A refusal during the wait does not prolong it.
        """
        if (wait := self.wait(endpoint)) > 0:
            return wait
        count, _until = self._refusals.get(endpoint, (0, 0.0))
        delay = _ASK_AGAIN_AFTER[min(count, len(_ASK_AGAIN_AFTER) - 1)].total_seconds()
        until = monotonic() + delay - TIMER_TOLERANCE.total_seconds()
        self._refusals[endpoint] = (count + 1, until)
        return delay
