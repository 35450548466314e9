"""Errors of the client: one class for each reaction that a caller may need."""


class MonzoError(Exception):
    """A request to Monzo failed.

    Its text, which ends up in tracebacks, is Monzo's code, or else the client's own message. The
    bank's message is for the user only, because it may name an amount or a person.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        """Initialize the error with a message and, if known, Monzo's dotted error code."""
        super().__init__(message if code is None else code)
        self.message = message
        self.code = code


class MonzoAuthenticationError(MonzoError):
    """Monzo refused the access token. Refresh the token, or sign in again."""


class MonzoEvictedError(MonzoAuthenticationError):
    """Another program signed in with the same API client, which ended this token.

    Monzo allows one active token for each person and API client. Sign in again.
    """


class MonzoPermissionError(MonzoError):
    """The token has no permission to read this resource.

    Until the owner approves the sign-in in the Monzo app, every endpoint except `who_am_i` returns
    this error. After the approval it means that this account cannot be read, such as the loan
    account behind Flex, or that it belongs to another customer.
    """


class MonzoVerificationRequiredError(MonzoError):
    """The requested history is too old.

    Monzo shows the full history in the first five minutes after a sign-in is approved, and the last
    90 days after that. Request less, or ask the owner to sign in again.
    """


class MonzoRateLimitError(MonzoError):
    """Monzo received too many requests. Send nothing for a while."""

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        """Initialize the error with the number of seconds to wait, if Monzo sent it."""
        super().__init__(message, code=code)
        self.retry_after = retry_after


class MonzoRejectedError(MonzoError):
    """Monzo understood the request and refused it; `message` gives the reason.

    The same request would fail again.
    """


class MonzoNotFoundError(MonzoError):
    """The requested resource does not exist."""


class MonzoConnectionError(MonzoError):
    """Monzo could not be reached, or had an internal error. Try again later.

    Monzo may have received the request although the response was lost. After a transfer, send the
    same transfer again with the same `dedupe_id`, or read the account's transactions.
    """


class MonzoUnreachableError(MonzoConnectionError):
    """No connection to Monzo could be opened. Nothing was sent, so nothing has changed."""


class MonzoResponseError(MonzoError):
    """The client could not understand the response.

    Monzo may have carried out the request. After a transfer, proceed as for `MonzoConnectionError`.
    """
