"""Errors of the bank: how the code groups them, logs them, and reports them to users."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
import math
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, async_get_hass
from homeassistant.exceptions import (
    HomeAssistantError,
    OAuth2TokenRequestBaseError,
    ServiceValidationError,
)
from homeassistant.helpers.translation import async_get_exception_message

from ..api import (
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRateLimitError,
    MonzoRejectedError,
    MonzoResponseError,
    MonzoUnreachableError,
    MonzoVerificationRequiredError,
)
from ..const import DOMAIN
from ..privacy import get_logger
from ..texts import async_text
from .token_refusals import MonzoTokenRefusedError

_LOGGER = get_logger(__name__)

# May be over in a moment: no answer, or one that makes no sense.
TRANSIENT_ERRORS: Final = (MonzoConnectionError, MonzoResponseError)

# Concern every request: the bank would answer none of them.
BLOCKING_ERRORS: Final = (
    MonzoAuthenticationError,
    MonzoRateLimitError,
    OAuth2TokenRequestBaseError,
)

# The translation keys of errors of an action; the first match counts.
_ACTION_ERRORS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (MonzoVerificationRequiredError, "history_too_old"),
    (MonzoTokenRefusedError, "token_refused"),
    (MonzoUnreachableError, "cannot_connect"),
    (OAuth2TokenRequestBaseError, "cannot_connect"),
    (MonzoConnectionError, "no_answer"),
    (MonzoError, "unexpected_answer"),
)

# The other placeholders of errors name people, accounts, pots, amounts or transactions.
_LOGGABLE_PLACEHOLDERS: Final = frozenset(
    {"currency", "days", "decimals", "field", "fields", "megabytes", "place", "seconds"}
)


def error_code_for_log(error: Exception) -> str:
    """Return Monzo's code of an error, or else its type; the message may hold private data."""
    return (isinstance(error, MonzoError) and error.code) or type(error).__name__


class _RedactedError(HomeAssistantError):
    """A translated error whose text, which Home Assistant logs, leaves out private placeholders.

    The translation that the user reads has all of them; see `text_for_user`.
    """

    @override
    def __str__(self) -> str:
        return async_get_exception_message(
            DOMAIN,
            self.translation_key or "",
            {
                name: value if name in _LOGGABLE_PLACEHOLDERS else "…"
                for name, value in (self.translation_placeholders or {}).items()
            },
        )


class _ValidationError(_RedactedError, ServiceValidationError):
    """A call that the user has to correct."""


class _ActionError(_RedactedError):
    """A call that the bank did not carry out."""


def validation_error(translation_key: str, **placeholders: str) -> ServiceValidationError:
    """Return the translated error for a call that the user has to correct."""
    return _ValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


def action_error(translation_key: str, **placeholders: str) -> HomeAssistantError:
    """Return the translated error for a call that the bank did not carry out."""
    return _ActionError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


def text_for_user(error: HomeAssistantError) -> str:
    """Return the whole text of an error, for the answer of an action; it must not be logged.

    It is in the language of Home Assistant, whose own function knows only English.
    """
    domain, key = error.translation_domain, error.translation_key
    if domain is None or key is None:
        return str(error)
    placeholders = error.translation_placeholders
    english = async_get_exception_message(domain, key, placeholders)
    if domain != DOMAIN:
        return english
    path = f"exceptions.{key}.message"
    # Without a full stop, as Home Assistant does it, because the text may end another sentence.
    return async_text(async_get_hass(), path, placeholders or {}, fallback=english).rstrip(".")


@asynccontextmanager
async def bank_errors(
    hass: HomeAssistant, entry: ConfigEntry[Any], subject: str
) -> AsyncIterator[None]:
    """Turn errors of the bank within the block into translated errors of an action.

    The subject is the ID or the name of the item that the action is about. A refused sign-in also
    asks the user to sign in again.
    """
    try:
        yield
    except MonzoAuthenticationError as err:
        entry.async_start_reauth(hass)
        raise action_error("action_needs_sign_in", name=entry.title) from err
    except MonzoRateLimitError as err:
        # The session sets how long to wait on every error of this kind.
        raise action_error("asked_to_wait", seconds=str(math.ceil(err.retry_after or 0))) from err
    except MonzoPermissionError as err:
        raise action_error("not_permitted", name=entry.title) from err
    except MonzoNotFoundError as err:
        raise action_error("not_found", id=subject) from err
    except MonzoRejectedError as err:
        raise action_error("rejected", reason=err.message) from err
    except (MonzoError, OAuth2TokenRequestBaseError) as err:
        key = next(key for error_type, key in _ACTION_ERRORS if isinstance(err, error_type))
        raise action_error(key) from err


def translating_defects[**Parameters, Result](
    part: str,
) -> Callable[
    [Callable[Parameters, Awaitable[Result]]],
    Callable[Parameters, Coroutine[Any, Any, Result]],
]:
    """Decorate a function that Home Assistant calls: it raises a translated error after a defect.

    Home Assistant logs the text of every error, and that of a defect may hold private data. `part`
    names the function in the log.
    """

    def decorate(
        function: Callable[Parameters, Awaitable[Result]],
    ) -> Callable[Parameters, Coroutine[Any, Any, Result]]:
        @wraps(function)
        async def async_call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            try:
                return await function(*args, **kwargs)
            except HomeAssistantError:
                raise
            except Exception:
                _LOGGER.exception("Unexpected error in %s", part)
                raise action_error("unexpected_error") from None

        return async_call

    return decorate
