"""The bank's errors: their groups, their form in logs, and their translations for users."""

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

# These may pass in a moment: the bank did not answer, or its answer makes no sense.
TRANSIENT_ERRORS: Final = (MonzoConnectionError, MonzoResponseError)

# These concern every request, because the bank would not answer any of them.
BLOCKING_ERRORS: Final = (
    MonzoAuthenticationError,
    MonzoRateLimitError,
    OAuth2TokenRequestBaseError,
)

# The translation keys of an action's errors; the first match applies.
_ACTION_ERRORS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (MonzoVerificationRequiredError, "history_too_old"),
    (MonzoTokenRefusedError, "token_refused"),
    (MonzoUnreachableError, "cannot_connect"),
    (OAuth2TokenRequestBaseError, "cannot_connect"),
    (MonzoConnectionError, "no_answer"),
    (MonzoError, "unexpected_answer"),
)

# The other placeholders of errors contain people, accounts, pots, amounts or transactions.
_LOGGABLE_PLACEHOLDERS: Final = frozenset(
    {"currency", "days", "decimals", "field", "fields", "megabytes", "place", "seconds"}
)


def error_code_for_log(error: Exception) -> str:
    """Return Monzo's code of an error, or else its type. Its message may contain private data."""
    return (isinstance(error, MonzoError) and error.code) or type(error).__name__


class _RedactedError(HomeAssistantError):
    """A translated error whose text, which Home Assistant logs, has no private placeholders.

    The translation for the user has all of them; see `text_for_user`.
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
    """A mistake in a call, which the user can correct."""


class _ActionError(_RedactedError):
    """A call that the bank did not carry out."""


def validation_error(translation_key: str, **placeholders: str) -> ServiceValidationError:
    """Return the translated error for a mistake in a call."""
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
    """Return the complete text of an error for the answer of an action. It must not be logged.

    It is in the language of Home Assistant, whose own function only supports English.
    """
    domain, key = error.translation_domain, error.translation_key
    if domain is None or key is None:
        return str(error)
    placeholders = error.translation_placeholders
    english = async_get_exception_message(domain, key, placeholders)
    if domain != DOMAIN:
        return english
    path = f"exceptions.{key}.message"
    # As in Home Assistant, there is no full stop, because the text may end another sentence.
    return async_text(async_get_hass(), path, placeholders or {}, fallback=english).rstrip(".")


@asynccontextmanager
async def bank_errors(
    hass: HomeAssistant, entry: ConfigEntry[Any], subject: str
) -> AsyncIterator[None]:
    """Convert errors of the bank within the block into translated errors of an action.

    The subject is the ID or the name of the item in the action. After a refused sign-in, the user
    is also asked to sign in again.
    """
    try:
        yield
    except MonzoAuthenticationError as err:
        entry.async_start_reauth(hass)
        raise action_error("action_needs_sign_in", name=entry.title) from err
    except MonzoRateLimitError as err:
        # The session sets the time to wait on each error of this kind.
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
    """Decorate a function that Home Assistant calls, so that a defect raises a translated error.

    Home Assistant logs the text of each error, and the text of a defect may contain private data.
    `part` is the name of the function in the log.
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
