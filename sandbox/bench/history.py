"""Measures the import of ten years in the minutes after a sign-in."""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
import sqlite3
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from homeassistant.core import HomeAssistant

from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, CONF_STATISTICS
from custom_components.monzo.transactions import Retention
from sandbox.bank import Bank
from sandbox.home_assistant.process import seed_http
from sandbox.models import Person
from sandbox.redirect import redirected
from sandbox.server import BankServer

from .limits import Figure, figures_table
from .worker import config_entry, start_home_assistant, start_recorder

TRANSACTIONS = 36_500
LATENCY = 0.2

_TEN_YEARS = timedelta(days=3_650)
_CATEGORIES = ("bills", "eating_out", "entertainment", "groceries", "shopping", "transport")
_PAGE_BYTES = 4_096

# The bank shows the history for so long.
_AT_MOST_SECONDS = 300

# The recorder writes a piece of the statistics within so many seconds.
_WRITTEN_WITHIN_SECONDS = 5
_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class HistoryFigures:
    """The figures of one import."""

    seconds: float

    cpu: float
    """Seconds of CPU time of the process, also for the sandbox bank."""

    requests: int
    megabytes: float
    """By how much the memory of the process grew, which is also that of the sandbox bank."""

    percent: int
    """How much of the history was read."""

    recorder_rows: int
    """The rows of long-term statistics that the recorder got."""


def _customer(transactions: int) -> tuple[Bank, Person]:
    """Return a bank with a person whose account has ten years of payments."""
    bank, random = Bank(), Random(1)  # noqa: S311 - not used for security
    person, now = bank.add_person("Ann Archer"), bank.clock()
    opened = now - _TEN_YEARS
    account = bank.open_account(person, balance=10_000_000, created=opened)
    for at in sorted(opened + _TEN_YEARS * random.random() for _ in range(transactions)):
        category = random.choice(_CATEGORIES)
        bank.pay(account.id, -random.randint(100, 9_999), pending=False, category=category, at=at)
    return bank, person


async def measure_history(
    transactions: int = TRANSACTIONS, latency: float = LATENCY
) -> HistoryFigures:
    """Import the history of a person in a new Home Assistant."""
    bank, person = _customer(transactions)
    with TemporaryDirectory() as folder:
        seed_http(Path(folder), 0)
        (Path(folder) / "custom_components").symlink_to(_REPOSITORY / "custom_components")
        hass = await start_home_assistant(folder)
        await start_recorder(hass)
        async with BankServer(bank, latency=latency) as server:
            with redirected(server.url):
                options = {
                    CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING,
                    CONF_STATISTICS: True,
                }
                entry = config_entry(server.sign_in(person), **options)
                await hass.config_entries.async_add(entry)
                history = entry.runtime_data.history
                memory, began, cpu = _memory(), perf_counter(), process_time()
                ended = asyncio.Event()
                history.async_add_listener(lambda: None if history.running else ended.set())
                async with asyncio.timeout(_AT_MOST_SECONDS):
                    await ended.wait()
                seconds, megabytes = perf_counter() - began, _memory() - memory
                cpu = process_time() - cpu
                requests = len(server.requests_to("GET", "/transactions"))
                rows = await _recorder_rows(hass)
                percent = history.progress().percent
                await hass.async_stop(force=True)
    return HistoryFigures(
        seconds=seconds,
        cpu=cpu,
        requests=requests,
        megabytes=megabytes,
        percent=percent,
        recorder_rows=rows,
    )


async def _recorder_rows(hass: HomeAssistant) -> int:
    """Return the number of rows of statistics once no more are written."""
    database = hass.config.path("home-assistant_v2.db")

    def count() -> int:
        with closing(sqlite3.connect(database)) as connection:
            (rows,) = connection.execute(
                """
                SELECT count(*) FROM statistics JOIN statistics_meta
                ON statistics_meta.id = metadata_id WHERE statistic_id LIKE 'monzo:%'
                """
            ).fetchone()
        return int(rows)

    before, rows = -1, 0
    while not rows or rows != before:
        await asyncio.sleep(_WRITTEN_WITHIN_SECONDS)
        before, rows = rows, await hass.async_add_executor_job(count)
    return rows


def _memory() -> float:
    """Return the memory that this process uses, in megabytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * _PAGE_BYTES / 1e6


def history_table(figures: HistoryFigures) -> str:
    """Return the figures as lines for a terminal."""
    return figures_table(
        f"The history of {TRANSACTIONS} transactions at {LATENCY:.1f} s latency:",
        [
            Figure(name="not read", value=100 - figures.percent, unit="%", limit=0),
            Figure(name="duration", value=figures.seconds, unit="s", limit=120),
            Figure(name="  CPU time", value=figures.cpu, unit="s"),
            Figure(name="requests", value=figures.requests, unit="", limit=400),
            Figure(name="more memory", value=figures.megabytes, unit="MB", limit=30),
            Figure(
                name="rows for the recorder", value=figures.recorder_rows, unit="", limit=40_000
            ),
        ],
    )
