"""Measures the cost of payments and of the cards by the number of transactions that are kept.

The bank runs in a thread of its own, and only the CPU time of Home Assistant's threads counts, so
that other programs disturb little.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import batched, cycle, product
from pathlib import Path
from random import Random
from statistics import median
from string import ascii_uppercase
from tempfile import TemporaryDirectory
from threading import Thread
import time
from typing import Any, Self
from unittest.mock import patch

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.util import dt as dt_util

from custom_components.monzo.api import MAX_PAGE_SIZE, Transaction
from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, CONF_STATISTICS
from custom_components.monzo.transactions import Retention
from custom_components.monzo.transactions.archive_change import ArchiveChange
from custom_components.monzo.transactions.archive_file import ArchiveFile
from custom_components.monzo.transactions.record import TransactionRecord
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import ReadState
from sandbox.bank import Bank
from sandbox.behaviour import DEFAULT_SERVER_BEHAVIOUR
from sandbox.home_assistant.process import EXTERNAL_HOST, seed_http
from sandbox.models import Account, Person
from sandbox.redirect import redirected
from sandbox.serializers import transaction_json
from sandbox.server import BankServer
from sandbox.shops import Shop

from .comparison import free_port
from .limits import Figure, figures_table
from .worker import (
    AcceleratedHomeAssistant,
    FastClock,
    RequestTrace,
    config_entry,
    start_home_assistant,
    start_recorder,
)

# Transactions a month of a person, and of a business.
QUIET = 100
BUSY = 20_000

MONTHS = 13
PAYMENTS = 15

# Current accounts, and the rows that a card first asks for.
ACCOUNTS = 5
_ROWS = 20
_SHOWN = timedelta(days=89)

_MONTH = timedelta(days=30)
_SHOPS = [
    Shop(f"{first}{second} Stores", category)
    for (first, second), category in zip(
        product(ascii_uppercase[:20], repeat=2),
        cycle(("bills", "eating_out", "entertainment", "groceries", "shopping", "transport")),
        strict=False,
    )
]
_BILLS = 20
_REPOSITORY = Path(__file__).parents[2]

# By then, the last week was read again, which happens once an hour.
_PREPARED_SECONDS = 20 * 60

# By then, everything is done that follows from a payment.
_SETTLED_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class PaymentCost:
    """The CPU time of a payment in milliseconds."""

    loop: float
    """In the event loop, with the requests to the bank and the states of all entities."""

    executor: float
    """In the executor."""


class BankThread:
    """A sandbox bank that runs in a thread of its own; an async context manager."""

    def __init__(self, bank: Bank, port: int) -> None:
        """Initialize the server, which delivers to a port of this machine."""
        behaviour = replace(
            DEFAULT_SERVER_BEHAVIOUR, webhook_hosts={EXTERNAL_HOST: f"http://127.0.0.1:{port}"}
        )
        self.server = BankServer(bank, behaviour=behaviour)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    async def __aenter__(self) -> Self:
        """Start."""
        self._thread.start()
        await self._run(self.server.start())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Stop."""
        await self._run(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def pay(self, account_id: str, amount: int, shop: Shop) -> None:
        """Pay by card."""
        pay = partial(self.server.bank.pay, account_id, amount, merchant=shop)
        self._loop.call_soon_threadsafe(pay)


class ExecutorTime:
    """Adds up the CPU time of the integration's work in the executor."""

    def __init__(self) -> None:
        """Initialize without any work."""
        self.seconds = 0.0

    @contextmanager
    def observe(self) -> Iterator[None]:
        """Measure from now on."""
        add_job = HomeAssistant.async_add_executor_job

        def measured[**Parameters, Result](
            hass: HomeAssistant,
            target: Callable[Parameters, Result],
            *args: Parameters.args,
            **kwargs: Parameters.kwargs,
        ) -> asyncio.Future[Result]:
            if not target.__module__.startswith("custom_components.monzo"):
                return add_job(hass, target, *args, **kwargs)
            return add_job(hass, self._run, partial(target, *args, **kwargs))

        with patch.object(HomeAssistant, "async_add_executor_job", measured):
            yield

    def _run[Result](self, work: Callable[[], Result]) -> Result:
        began = time.thread_time()
        try:
            return work()
        finally:
            self.seconds += time.thread_time() - began


@dataclass(frozen=True, kw_only=True)
class Household:
    """A person in a Home Assistant whose archive has all transactions of their accounts."""

    hass: HomeAssistant
    clock: AcceleratedHomeAssistant
    bank: BankThread
    accounts: list[Account]


@asynccontextmanager
async def household(per_month: int, accounts: int, random: Random) -> AsyncIterator[Household]:
    """Provide a household of so many accounts, each with so many transactions a month."""
    bank, port, clock = Bank(), free_port(), FastClock()
    person = bank.add_person("Ann Archer")
    opened = [_open_account(bank, person, per_month, random) for _account in range(accounts)]
    with TemporaryDirectory() as folder:
        seed_http(Path(folder), port)
        (Path(folder) / "custom_components").symlink_to(_REPOSITORY / "custom_components")
        hass = await start_home_assistant(folder)
        await start_recorder(hass)
        async with BankThread(bank, port) as bank_thread:
            options = {CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING, CONF_STATISTICS: True}
            entry = config_entry(bank_thread.server.sign_in(person), **options)
            file = ArchiveFile(Path(folder) / STORAGE_DIR / "monzo.archive.db")
            for account in opened:
                _fill(file, bank, account, entry.entry_id, random)
            file.close()
            with redirected(bank_thread.server.url), patch.object(time, "monotonic", clock):
                requests = RequestTrace(async_get_clientsession(hass), clock)
                await hass.config_entries.async_add(entry)
                yield Household(
                    hass=hass,
                    clock=AcceleratedHomeAssistant(hass, requests, clock),
                    bank=bank_thread,
                    accounts=opened,
                )
                await hass.async_stop(force=True)


def _open_account(bank: Bank, person: Person, per_month: int, random: Random) -> Account:
    """Open an account from which so many payments were made in the last month."""
    now = bank.clock()
    account = bank.open_account(person, balance=100_000_000, created=now - MONTHS * _MONTH)
    for at in sorted(now - random.random() * _MONTH for _ in range(per_month)):
        amount, shop = _payment(random)
        bank.pay(account.id, amount, merchant=shop, pending=False, at=at)
    return account


def _payment(random: Random) -> tuple[int, Shop]:
    return -random.randint(100, 9_999), random.choice(_SHOPS)


def _fill(file: ArchiveFile, bank: Bank, account: Account, entry_id: str, random: Random) -> None:
    """Write all months of an account."""
    now = bank.clock()
    for records in _past(bank, account, random):
        for page in batched(records, MAX_PAGE_SIZE, strict=False):
            change = ArchiveChange(
                account_id=account.id,
                state=ReadState(entry_id=entry_id, currency="GBP", read_until=now),
                spans=Spans([(account.created, now)]),
                records=page,
            )
            file.run([partial(ArchiveFile.write, change=change)])


def _past(bank: Bank, account: Account, random: Random) -> Iterator[list[TransactionRecord]]:
    """Yield the transactions of each month, newest first; the bank lists those of the last one.

    Bills come each month on the same day, and other payments at any time.
    """
    newest = [
        TransactionRecord.of(
            Transaction.from_json(transaction_json(it, expand_merchant=True)),
            account_id=account.id,
            own_transfer=False,
        )
        for it in bank.transactions(account.id)
    ]
    yield newest
    moments = [it.created for it in newest]
    for month in range(1, MONTHS):
        bills, others = moments[:_BILLS], moments[_BILLS:]
        random.shuffle(others)
        yield [
            replace(it, id=f"{it.id}_{month}", created=created - month * _MONTH)
            for it, created in zip(newest, bills + others, strict=True)
        ]


async def measure_payment(per_month: int, payments: int = PAYMENTS) -> PaymentCost:
    """Return the median cost of a payment of an account with so many transactions a month."""
    random, executor = Random(1), ExecutorTime()  # noqa: S311 - not used for security
    async with household(per_month, 1, random) as home:
        with executor.observe():
            await home.clock.forward(_PREPARED_SECONDS)
            costs = []
            for _time in range(payments):
                await home.clock.move_past_poll()
                pay = partial(home.bank.pay, home.accounts[0].id, *_payment(random))
                costs.append(await _cost(home, executor, pay))
    return PaymentCost(
        loop=median(it.loop for it in costs), executor=median(it.executor for it in costs)
    )


async def _cost(home: Household, executor: ExecutorTime, pay: Callable[[], None]) -> PaymentCost:
    """Pay, and return the cost; that of the same time without a payment is deducted."""
    reported = asyncio.Event()

    @callback
    def on_change(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"].startswith("event."):
            reported.set()

    idle_since = time.thread_time()
    await home.clock.forward(_SETTLED_SECONDS)
    idle = time.thread_time() - idle_since
    stop = home.hass.bus.async_listen(EVENT_STATE_CHANGED, on_change)
    began, executor_before = time.thread_time(), executor.seconds
    pay()
    await reported.wait()
    await home.clock.forward(_SETTLED_SECONDS)
    loop = time.thread_time() - began - idle
    stop()
    return PaymentCost(loop=loop * 1000, executor=(executor.seconds - executor_before) * 1000)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What it costs to open the dashboard."""

    first: float
    """Seconds until the transactions of the first account are there."""

    all: float
    """Seconds until those of all accounts are there."""

    requests: int
    """The number of requests to the bank."""


async def measure_opening(accounts: int = ACCOUNTS, per_month: int = QUIET) -> Opening:
    """Ask for the newest transactions of all accounts, as the cards of the dashboard do."""
    random = Random(1)  # noqa: S311 - not used for security
    async with household(per_month, accounts, random) as home:
        await home.clock.forward(_PREPARED_SECONDS)
        devices = dr.async_get(home.hass)
        requests, began = len(home.clock.requests.spans), time.perf_counter()
        answers: list[float] = []

        async def ask(account: Account) -> None:
            (device,) = devices.async_get_devices(identifiers={("monzo", account.id)})
            data = {
                "account": device.id,
                "limit": _ROWS,
                "since": (dt_util.utcnow() - _SHOWN).isoformat(),
                "include_declined": True,
                "refresh": False,
            }
            await home.hass.services.async_call(
                "monzo", "get_transactions", data, blocking=True, return_response=True
            )
            answers.append(time.perf_counter() - began)

        await asyncio.gather(*map(ask, home.accounts))
        requests = len(home.clock.requests.spans) - requests
    return Opening(first=min(answers), all=max(answers), requests=requests)


async def scale_table() -> str:
    """Return the figures of both as lines for a terminal."""
    quiet, busy = await measure_payment(QUIET), await measure_payment(BUSY)
    opening = await measure_opening()
    ratio = busy.loop / quiet.loop
    return figures_table(
        f"A payment, and the dashboard of {ACCOUNTS} accounts:",
        [
            Figure(name=f"event loop, {QUIET} a month", value=quiet.loop, unit="ms"),
            Figure(name=f"event loop, {BUSY} a month", value=busy.loop, unit="ms"),
            Figure(name="  the ratio", value=ratio, unit=""),
            Figure(
                name="  because of the archive", value=busy.loop - quiet.loop, unit="ms", limit=1
            ),
            Figure(name=f"executor, {QUIET} a month", value=quiet.executor, unit="ms", limit=10),
            Figure(name=f"executor, {BUSY} a month", value=busy.executor, unit="ms", limit=10),
            Figure(
                name="dashboard, requests to the bank", value=opening.requests, unit="", limit=0
            ),
            Figure(name="dashboard, first account", value=opening.first, unit="s", limit=1),
            Figure(name="dashboard, all accounts", value=opening.all, unit="s", limit=1),
        ],
    )
