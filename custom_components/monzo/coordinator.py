"""What the polls have in common: how errors are told, and the share of the request budget."""

from abc import abstractmethod
import asyncio
from collections.abc import Coroutine, Iterable
from datetime import timedelta
import logging
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed, OAuth2TokenRequestBaseError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .api import (
    MonzoAuthenticationError,
    MonzoConnectionError,
    MonzoError,
    MonzoEvictedError,
    MonzoPermissionError,
    MonzoRateLimitError,
    MonzoResponseError,
)
from .bank import MonzoSession, RepairIssue, async_create_repair_issue
from .const import DOMAIN, MIN_POLL_INTERVAL, REQUEST_WINDOW, REQUESTS_PER_WINDOW

_LOGGER = logging.getLogger(__name__)

# May be over in a moment: no answer, or none that makes sense.
TRANSIENT_ERRORS: Final = (MonzoConnectionError, MonzoResponseError)

# Concern every request: nothing else would be answered either.
BLOCKING_ERRORS: Final = (
    MonzoAuthenticationError,
    MonzoRateLimitError,
    OAuth2TokenRequestBaseError,
)


class MonzoCoordinator[DataT](DataUpdateCoordinator[DataT]):
    """Polls the bank, and turns what can go wrong into what Home Assistant understands."""

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, session: MonzoSession, name: str
    ) -> None:
        """Prepare polling for one config entry."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{DOMAIN} {name}",
            update_interval=MIN_POLL_INTERVAL,
            always_update=False,
        )
        self.session = session

    @abstractmethod
    async def _async_fetch(self) -> DataT:
        """Ask the bank."""

    @override
    async def _async_update_data(self) -> DataT:
        """Ask the bank; the one place where its errors become Home Assistant's."""
        try:
            return await self._async_fetch()
        except MonzoEvictedError as err:
            async_create_repair_issue(self.hass, self.config_entry, RepairIssue.EVICTED)
            raise _auth_failed("evicted") from err
        except MonzoAuthenticationError as err:
            raise _auth_failed("sign_in_expired") from err
        except MonzoPermissionError as err:
            async_create_repair_issue(self.hass, self.config_entry, RepairIssue.NOT_APPROVED)
            raise _update_failed("not_approved") from err
        except MonzoRateLimitError as err:
            raise _update_failed("rate_limited", retry_after=err.retry_after) from err
        except (MonzoConnectionError, OAuth2TokenRequestBaseError) as err:
            raise _update_failed("cannot_connect") from err
        except MonzoError as err:
            raise _update_failed("unexpected_answer") from err


def _auth_failed(translation_key: str) -> ConfigEntryAuthFailed:
    return ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key=translation_key)


def _update_failed(translation_key: str, retry_after: float | None = None) -> UpdateFailed:
    return UpdateFailed(
        translation_domain=DOMAIN, translation_key=translation_key, retry_after=retry_after
    )


async def gather_all[AnswerT](reads: Iterable[Coroutine[Any, Any, AnswerT]]) -> list[AnswerT]:
    """Return what comes of all these reads.

    They are sent before anybody else looks at what is left of the request budget.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read, eager_start=True) for read in reads]
    return [task.result() for task in tasks]


def error_code_for_log(error: Exception) -> str:
    """Return what a log may say of an error: not the bank's own words, which may say more."""
    return getattr(error, "code", None) or type(error).__name__


def poll_interval(accounts: int) -> timedelta:
    """Return how often so many accounts can be polled within the request budget.

    Any five minutes have room for the list of accounts, the pots of each once, and as many
    rounds of balances as still fit.
    """
    rounds = (REQUESTS_PER_WINDOW - 1 - accounts) // max(accounts, 1)
    # Home Assistant's timers may be a second early.
    return max(MIN_POLL_INTERVAL, REQUEST_WINDOW / max(rounds, 1) + timedelta(seconds=2))


def max_unprompted_reads(accounts: int) -> int:
    """Return how many accounts' transactions may be asked for at once without a hint of news.

    All of them, but with very many accounts just so many that the balances keep coming.
    """
    return max(1, min(accounts, REQUESTS_PER_WINDOW - 1 - 2 * accounts))
