"""Long-term statistics of spending and income for Home Assistant's own graphs.

They are computed from the transactions in the archive alone. They are never read back from the
recorder, because it writes rows later than it receives them.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from functools import partial
from itertools import batched
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from homeassistant.util import slugify

from ..accounts import AccountState, BalancesCoordinator, async_device_id, device_name
from ..api import Money
from ..const import DOMAIN, MANUFACTURER
from ..privacy import get_logger
from ..transactions import DISK_ERRORS, Archive
from .history_import import HistoryImport
from .past_balances import async_add_past_balances
from .statistics_names import async_statistics_name
from .statistics_rows import ROWS_AT_ONCE, StatisticsRow
from .statistics_table import (
    StatisticsUpdate,
    find_update,
    forget_sent,
    note_sent,
    sent_series,
)

_LOGGER = get_logger(__name__)

# Home Assistant also writes its own statistics at this interval.
_INTERVAL: Final = timedelta(minutes=5)

# If the recorder has not written the rows by then, it is stopping, or waiting for its database.
_WRITTEN_WITHIN: Final = timedelta(minutes=10)


class HistoryStatistics:
    """Keeps the statistics of a config entry's accounts up to date, if the user enabled them."""

    def __init__(  # noqa: PLR0913 - the parts that it connects
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        balances: BalancesCoordinator,
        archive: Archive,
        history: HistoryImport,
        enabled: bool,
    ) -> None:
        """Initialize the statistics, which do not change before they are started."""
        self._hass = hass
        self._entry = entry
        self._balances = balances
        self._archive = archive
        self._history = history
        self._enabled = enabled
        self._refreshing = asyncio.Lock()
        self._checked: set[str] = set()
        self._past_added: set[str] = set()

    @callback
    def async_start(self) -> None:
        """Keep the statistics up to date, or remove them if the user has disabled them."""
        if not _has_recorder(self._hass):
            return
        if not self._enabled:
            self._run(self._async_clear())
            return
        self._entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._async_refresh_soon, _INTERVAL, cancel_on_shutdown=True
            )
        )
        self._entry.async_on_unload(self._history.async_add_listener(self._async_refresh_soon))
        self._async_refresh_soon()

    @callback
    def _async_refresh_soon(self, _now: datetime | None = None) -> None:
        # The import starts with the newest transactions, so each older one would change all rows.
        if not self._history.running and not self._refreshing.locked():
            self._run(self._async_refresh())

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._entry.async_create_background_task(
            self._hass, coroutine, "update the statistics of Monzo"
        )

    async def _async_refresh(self) -> None:
        """Send new and changed rows to the recorder."""
        errors: tuple[type[Exception], ...] = (*DISK_ERRORS, *database_errors())
        async with self._refreshing:
            for account_id, state in tuple(self._balances.data.accounts.items()):
                if account_id not in self._archive.logs or self._archive.state == "paused":
                    continue
                try:
                    await self._async_refresh_account(account_id, state.currency)
                    await self._async_add_past(state)
                except errors as err:
                    _LOGGER.debug("Could not update the statistics: %s", type(err).__name__)

    async def _async_refresh_account(self, account_id: str, currency: str) -> None:
        if account_id not in self._checked:
            await self._async_compare(account_id)
            self._checked.add(account_id)
        update = await self._archive.async_use(
            find_update, account_id, self._balances.session.clock.now(), async_time_zone()
        )
        if update is not None and await self._async_send(currency, update):
            await self._archive.async_use(note_sent, update)

    async def _async_add_past(self, account: AccountState) -> None:
        """Add the past balances of an account once, after the import of its history."""
        if account.id in self._past_added or not account.is_current_account:
            return
        if await async_add_past_balances(self._hass, self._archive, account, async_time_zone()):
            self._past_added.add(account.id)

    async def _async_compare(self, account_id: str) -> None:
        """Start again if the recorder and the archive have different series.

        In that case, one of them has lost its database, and sums that continue earlier ones would
        be wrong.
        """
        series = await self._archive.async_use(sent_series, account_id)
        sent = {statistic_id(account_id, each) for each in series}
        if sent != await async_known_statistics(self._hass, (account_id,)):
            await async_clear_statistics(self._hass, (account_id,))
            await self._archive.async_use(forget_sent, (account_id,))

    async def _async_send(self, currency: str, update: StatisticsUpdate) -> bool:
        """Send rows to the recorder; return whether it has written them."""
        account_id = update.account_id
        id_of_device = async_device_id(self._hass, self._entry, account_id)
        device = dr.async_get(self._hass).async_get(id_of_device)
        account_name = device_name(device) if device else MANUFACTURER
        for series, rows in update.rows.items():
            id_ = statistic_id(account_id, series)
            name = async_statistics_name(self._hass, account_name, series)
            for piece in batched(rows, ROWS_AT_ONCE, strict=False):
                _add_rows(self._hass, id_, name, currency, piece)
        return await _async_wait_for_recorder(self._hass)

    async def _async_clear(self) -> None:
        """Remove the statistics of the accounts, because the user has disabled them."""
        accounts = tuple(self._balances.data.accounts)
        if await async_clear_statistics(self._hass, accounts):
            with suppress(*DISK_ERRORS):
                await self._archive.async_use(forget_sent, accounts)


async def async_clear_statistics(hass: HomeAssistant, account_ids: Collection[str]) -> bool:
    """Remove the statistics of these accounts; return whether there were any.

    If the recorder's database is broken, the statistics are already lost.
    """
    known: set[str] = set()
    if _has_recorder(hass):
        with suppress(*database_errors()):
            known = await async_known_statistics(hass, account_ids)
    if known:
        get_instance(hass).async_clear_statistics(sorted(known))
    return bool(known)


def statistic_id(account_id: str, series: str) -> str:
    """Return the ID of a series of an account, such as `monzo:acc_0000a1_spending_groceries`."""
    return f"{DOMAIN}:{slugify(account_id)}_{series}"


@callback
def async_time_zone() -> tzinfo:
    """Return the time zone of local days."""
    return dt_util.get_default_time_zone()


def _has_recorder(hass: HomeAssistant) -> bool:
    return "recorder" in hass.config.components


@callback
def _add_rows(
    hass: HomeAssistant, id_: str, name: str, currency: str, rows: Iterable[StatisticsRow]
) -> None:
    from homeassistant.components.recorder.models import (  # noqa: PLC0415 - not always loaded
        StatisticData,
        StatisticMeanType,
        StatisticMetaData,
    )
    from homeassistant.components.recorder.statistics import (  # noqa: PLC0415 - not always loaded
        async_add_external_statistics,
    )

    async_add_external_statistics(
        hass,
        StatisticMetaData(
            has_sum=True,
            mean_type=StatisticMeanType.NONE,
            name=name,
            source=DOMAIN,
            statistic_id=id_,
            unit_class=None,
            unit_of_measurement=currency,
        ),
        [
            StatisticData(
                start=row.start,
                state=_major(row.change, currency),
                sum=_major(row.total, currency),
            )
            for row in rows
        ],
    )


def _major(minor: int, currency: str) -> float:
    return float(Money.from_minor(minor, currency).amount)


async def async_known_statistics(hass: HomeAssistant, account_ids: Collection[str]) -> set[str]:
    """Return the IDs of these accounts' series in the recorder.

    Without a recorder there are none. Raises one of `database_errors` if its database is broken.
    """
    if not _has_recorder(hass):
        return set()
    from homeassistant.components.recorder.statistics import (  # noqa: PLC0415 - not always loaded
        get_metadata,
    )

    found = await get_instance(hass).async_add_executor_job(
        partial(get_metadata, hass, statistic_source=DOMAIN)
    )
    prefixes = tuple(statistic_id(account_id, "") for account_id in account_ids)
    return {id_ for id_ in found if id_.startswith(prefixes)}


def database_errors() -> tuple[type[Exception], ...]:
    """Return the types of errors from a broken database or a recorder that is stopping."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - only the recorder loads it

    return SQLAlchemyError, RuntimeError


async def _async_wait_for_recorder(hass: HomeAssistant) -> bool:
    """Wait until the recorder has completed its queue; return whether it has."""
    done = asyncio.Event()

    def on_done() -> None:
        hass.loop.call_soon_threadsafe(done.set)

    # The recorder processes its queue in order, and calls back only for tasks of this kind.
    get_instance(hass).async_clear_statistics([], on_done=on_done)
    try:
        async with asyncio.timeout(_WRITTEN_WITHIN.total_seconds()):
            await done.wait()
    except TimeoutError:
        return False
    return True
