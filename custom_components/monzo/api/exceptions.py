"""What can go wrong with a call to Monzo: one error for each reaction that a caller can have."""


class MonzoError(Exception):
    """A call to Monzo failed.

    The text holds the bank's message and code and nothing else: no body, token, id or address.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        """Keep the message, and the bank's dotted code if there was one."""
        super().__init__(message if code is None else f"{message} ({code})")
        self.message = message
        self.code = code


class MonzoAuthenticationError(MonzoError):
    """The access token is not accepted: renew it, or sign in again."""


class MonzoEvictedError(MonzoAuthenticationError):
    """Another program signed in with the same Monzo client, which ended this token.

    A client has one active token per person.
    """


class MonzoPermissionError(MonzoError):
    """The token may not read this yet, or not at all.

    Until the owner approves the sign-in in the Monzo app, this is the answer to everything but
    `who_am_i`. Later it is the answer for an account that cannot be read (a loan behind Flex) or
    that belongs to somebody else.
    """


class MonzoVerificationRequiredError(MonzoError):
    """The history asked for is too old: ask for less than 90 days, or let the owner sign in again.

    Only in the first five minutes after a sign-in does the bank show everything.
    """


class MonzoRateLimitError(MonzoError):
    """Too many requests: send nothing for a while."""

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        """Keep how many seconds the bank wants to be left alone, if it said so."""
        super().__init__(message, code=code)
        self.retry_after = retry_after


class MonzoRejectedError(MonzoError):
    """The bank understood and says no; its message says why. The same request fails again."""


class MonzoNotFoundError(MonzoError):
    """There is no such thing."""


class MonzoConnectionError(MonzoError):
    """The bank could not be reached, or failed: try later.

    Only the answer may be lost. Whether a request that moves money has moved it is then unknown
    until it is sent again with the same `dedupe_id`, or read back.
    """


class MonzoUnreachableError(MonzoConnectionError):
    """There was no connection to the bank at all, so that nothing was sent and nothing happened."""


class MonzoResponseError(MonzoError):
    """The answer makes no sense to this client; a request that moves money may have moved it."""
