"""What people are told when something they asked for cannot be done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import math
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    OAuth2TokenRequestBaseError,
    ServiceValidationError,
)

from ..api import (
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRateLimitError,
    MonzoRejectedError,
    MonzoUnreachableError,
    MonzoVerificationRequiredError,
)
from ..const import DOMAIN


def validation_error(translation_key: str, **placeholders: str) -> ServiceValidationError:
    """Return what to raise when the user has to ask for something else."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


def action_error(translation_key: str, **placeholders: str) -> HomeAssistantError:
    """Return what to raise when the bank does not do what it was asked for."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )


@asynccontextmanager
async def bank_errors(hass: HomeAssistant, entry: ConfigEntry[Any]) -> AsyncIterator[None]:
    """Turn what can go wrong with the bank into what Home Assistant tells the user."""
    try:
        yield
    except MonzoAuthenticationError as err:
        entry.async_start_reauth(hass)
        raise action_error("action_needs_sign_in") from err
    except MonzoPermissionError as err:
        raise action_error("not_permitted") from err
    except MonzoVerificationRequiredError as err:
        raise action_error("history_too_old") from err
    except MonzoRateLimitError as err:
        # The session always knows for how long.
        raise action_error("asked_to_wait", seconds=str(math.ceil(err.retry_after or 0))) from err
    except MonzoNotFoundError as err:
        raise action_error("not_found") from err
    except MonzoRejectedError as err:
        raise action_error("rejected", reason=err.message) from err
    except (
        MonzoUnreachableError,
        OAuth2TokenRequestBaseError,
    ) as err:
        raise action_error("cannot_connect") from err
    except MonzoConnectionError as err:
        raise action_error("no_answer") from err
    except MonzoError as err:
        raise action_error("unexpected_answer") from err
