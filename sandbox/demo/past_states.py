"""Adds the balances of the last days before the demo's first start to Home Assistant's history.

Home Assistant has no command for this, so it is written into the recorder's database.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
import sqlite3
from typing import Final

from sandbox.bank import Bank
from sandbox.home_assistant.client import HomeAssistantClient

from .past_statistics import HourlyValues, hourly_values

_DATABASE: Final = "home-assistant_v2.db"

# The time of the graphs of the dashboard.
_TIME: Final = timedelta(days=14)

# Home Assistant writes at the same time.
_LOCK_SECONDS: Final = 30

_LATEST: Final = """
    SELECT states.metadata_id, states.attributes_id FROM states
    JOIN states_meta ON states_meta.metadata_id = states.metadata_id
    WHERE states_meta.entity_id = ? ORDER BY states.last_updated_ts DESC LIMIT 1
"""
_INSERT: Final = """
    INSERT INTO states (state, last_updated_ts, metadata_id, attributes_id, origin_idx)
    VALUES (?, ?, ?, ?, 0)
"""


async def add_past_states(home_assistant: HomeAssistantClient, folder: Path, bank: Bank) -> None:
    """Add the states that the balances of accounts would have had in the last days.

    `folder` is Home Assistant's configuration folder.
    """
    balances = {f"{account_id}_balance" for account_id in bank.accounts}
    entities = {
        entity["unique_id"]: entity["entity_id"]
        for entity in await home_assistant.command("config/entity_registry/list")
        if entity["platform"] == "monzo" and entity["unique_id"] in balances
    }
    past = hourly_values(bank)
    changes = {
        entity_id: list(recent_changes(past[unique_id], bank.clock()))
        for unique_id, entity_id in entities.items()
    }
    database = folder / _DATABASE

    async def are_recorded() -> bool:
        return await asyncio.to_thread(_are_recorded, database, changes)

    await home_assistant.wait_until(are_recorded, "The balances were not recorded in time.")
    await asyncio.to_thread(_add, database, changes)


def recent_changes(balances: HourlyValues, now: datetime) -> Iterator[tuple[float, str]]:
    """Yield the timestamp and the state of each change of a balance in the last days."""
    before: int | None = None
    for begin, pence in sorted(balances.items()):
        end = begin + timedelta(hours=1)
        if end > now - _TIME and pence != before:
            yield end.timestamp(), f"{pence / 100:.2f}"
            before = pence


def _are_recorded(database: Path, entities: Iterable[str]) -> bool:
    """Return whether the recorder knows all entities."""
    with closing(sqlite3.connect(database, timeout=_LOCK_SECONDS)) as connection:
        return all(connection.execute(_LATEST, (entity,)).fetchone() for entity in entities)


def _add(database: Path, changes: dict[str, list[tuple[float, str]]]) -> None:
    with closing(sqlite3.connect(database, timeout=_LOCK_SECONDS)) as connection, connection:
        for entity, rows in changes.items():
            metadata_id, attributes_id = connection.execute(_LATEST, (entity,)).fetchone()
            connection.executemany(
                _INSERT,
                [(state, moment, metadata_id, attributes_id) for moment, state in rows],
            )
