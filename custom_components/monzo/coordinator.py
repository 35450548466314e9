"""Base coordinator: translates the bank's errors for all polls."""

from abc import abstractmethod
import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, override

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
)
from .bank import (
    MIN_POLL_INTERVAL,
    MonzoSession,
    MonzoTokenRefusedError,
    RepairIssue,
    async_create_repair_issue,
)
from .const import DOMAIN
from .privacy import get_logger

_LOGGER = get_logger(__name__)


class MonzoCoordinator[DataT](DataUpdateCoordinator[DataT]):
    """Polls the bank, and converts its errors into those of Home Assistant."""

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, session: MonzoSession, name: str
    ) -> None:
        """Initialize the coordinator of one config entry."""
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
        """Fetch the data; raises MonzoError, or an OAuth error of Home Assistant."""

    @override
    async def _async_update_data(self) -> DataT:
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
        except MonzoTokenRefusedError as err:
            raise _update_failed("token_refused") from err
        except (MonzoConnectionError, OAuth2TokenRequestBaseError) as err:
            raise _update_failed("cannot_connect") from err
        except MonzoError as err:
            raise _update_failed("unexpected_answer") from err
        except Exception:
            # Without the cause, because Home Assistant logs its text, which may hold private data.
            _LOGGER.exception("Unexpected error while fetching %s", self.name)
            raise _update_failed("unexpected_error") from None


def _auth_failed(translation_key: str) -> ConfigEntryAuthFailed:
    return ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key=translation_key)


def _update_failed(translation_key: str, retry_after: float | None = None) -> UpdateFailed:
    return UpdateFailed(
        translation_domain=DOMAIN, translation_key=translation_key, retry_after=retry_after
    )


async def gather_all[AnswerT](reads: Iterable[Coroutine[Any, Any, AnswerT]]) -> list[AnswerT]:
    """Run reads concurrently, and return their results in order.

    They start eagerly, so that all of their requests are counted before another caller checks the
    request budget.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(read, eager_start=True) for read in reads]
    return [task.result() for task in tasks]
