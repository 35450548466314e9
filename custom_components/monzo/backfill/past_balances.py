"""Long-term statistics of balances from the time before Home Assistant knew them.

The recorder creates the statistics of the sensors itself. Only days before its first row are added,
because other rows would interfere with those that the recorder writes.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from itertools import batched
import sqlite3
from typing import Final, NamedTuple

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util

from ..accounts import AccountState
from ..api import currency_exponent
from ..const import DOMAIN
from ..transactions import POT_KINDS, Archive, TransactionKind
from .statistics_rows import ROWS_AT_ONCE, midnight
from .statistics_table import from_number, to_number

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)

# Longer than any month.
_MONTH: Final = timedelta(days=32)

# Monzo was founded later.
_LONG_AGO: Final = datetime(2010, 1, 1, tzinfo=dt_util.UTC)

# The balance sensors of an account, with the kinds of transactions that do not affect them.
_SENSORS: Final = {
    "balance": (TransactionKind.DECLINED,),
    "total_balance": (TransactionKind.DECLINED, *sorted(POT_KINDS)),
}


class _FirstRow(NamedTuple):
    """The oldest row of a series, in major units."""

    start: datetime
    state: float
    sum: float


async def async_add_past_balances(
    hass: HomeAssistant, archive: Archive, account: AccountState, zone: tzinfo
) -> bool:
    """Add days before the first row of each sensor; return whether all sensors have a first row.

    A new sensor gets its first row at the end of the hour. Raises one of DISK_ERRORS if the archive
    cannot be read.
    """
    complete = True
    registry = er.async_get(hass)
    for key, unmoved in _SENSORS.items():
        entity_id = registry.async_get_entity_id(Platform.SENSOR, DOMAIN, f"{account.id}_{key}")
        entity = entity_id and registry.async_get(entity_id)
        if not entity or entity.disabled:
            continue
        first = await get_instance(hass).async_add_executor_job(_first_row, hass, entity.entity_id)
        if first is None:
            complete = False
            continue
        since = archive.logs[account.id].spans.start_of(first.start)
        if since is None:
            continue
        changes = await archive.async_use(
            find_changes, account.id, since, first.start + _HOUR, unmoved
        )
        days = past_days(changes, since, first.start, zone)
        _add_rows(hass, entity.entity_id, account.currency, first, days)
    return complete


def find_changes(
    sql: sqlite3.Connection,
    account_id: str,
    since: datetime,
    before: datetime,
    unmoved: tuple[TransactionKind, ...],
) -> list[tuple[datetime, int]]:
    """Return the times and amounts, in minor units, of changes of the balance, oldest first.

    The given kinds of transactions are excluded, because they do not move money, or move it only
    into pots that belong to the balance.
    """
    rows = sql.execute(
        f"""
        SELECT created, minor FROM transactions
        WHERE account = ? AND created >= ? AND created < ? AND NOT taken_back AND minor != 0
            AND kind NOT IN ({", ".join("?" * len(unmoved))})
        ORDER BY created
        """,  # noqa: S608 - placeholders
        (account_id, to_number(since), to_number(before), *unmoved),
    )
    return [(from_number(created), minor) for created, minor in rows]


def past_days(
    changes: list[tuple[datetime, int]], since: datetime, first: datetime, zone: tzinfo
) -> list[tuple[datetime, int]]:
    """Return a row for each local day from a moment until the day before the first row.

    A row starts at the last hour of its day. It has the balance at the end of the day, relative to
    the balance at the end of the first row.
    """
    rows: list[tuple[datetime, int]] = []
    difference, position = 0, len(changes)
    day = first.astimezone(zone).date()
    while True:
        start = (midnight(day, zone) - _HOUR).replace(minute=0)
        if start < since:
            return rows
        while position and changes[position - 1][0] >= start + _HOUR:
            position -= 1
            difference -= changes[position][1]
        rows.append((start, difference))
        day -= _DAY


def _first_row(hass: HomeAssistant, entity_id: str) -> _FirstRow | None:
    """Return the oldest row of a sensor, if there is one."""
    from homeassistant.components.recorder.statistics import (  # noqa: PLC0415 - not always loaded
        statistics_during_period,
    )

    # First find the month, which takes few rows, and then the oldest hour in it.
    months = statistics_during_period(
        hass, _LONG_AGO, None, {entity_id}, "month", None, {"sum"}
    ).get(entity_id)
    if not months:
        return None
    month = dt_util.utc_from_timestamp(months[0]["start"])
    hours = statistics_during_period(
        hass, month, month + _MONTH, {entity_id}, "hour", None, {"state", "sum"}
    ).get(entity_id)
    for row in hours or ():
        state, total = row.get("state"), row.get("sum")
        if state is not None and total is not None:
            return _FirstRow(dt_util.utc_from_timestamp(row["start"]), state, total)
    return None


@callback
def _add_rows(
    hass: HomeAssistant,
    entity_id: str,
    currency: str,
    first: _FirstRow,
    rows: Iterable[tuple[datetime, int]],
) -> None:
    """Add rows before the first row. Their sums end at the sum of the first row."""
    from homeassistant.components.recorder.models import (  # noqa: PLC0415 - not always loaded
        StatisticData,
        StatisticMeanType,
        StatisticMetaData,
    )
    from homeassistant.components.recorder.statistics import (  # noqa: PLC0415 - not always loaded
        async_import_statistics,
    )

    decimals = currency_exponent(currency)
    metadata = StatisticMetaData(
        has_sum=True,
        mean_type=StatisticMeanType.NONE,
        name=None,
        source="recorder",
        statistic_id=entity_id,
        unit_class=None,
        unit_of_measurement=currency,
    )
    for piece in batched(rows, ROWS_AT_ONCE, strict=False):
        async_import_statistics(
            hass,
            metadata,
            [
                StatisticData(
                    start=start,
                    state=round(first.state + difference / 10**decimals, decimals),
                    sum=round(first.sum + difference / 10**decimals, decimals),
                )
                for start, difference in piece
            ],
        )
