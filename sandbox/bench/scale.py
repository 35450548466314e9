"""Measures the cost of a payment by the number of transactions of its account.

The bank runs in a thread of its own, and only the CPU time of Home Assistant's threads counts, so
that other programs disturb little.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import cycle, product
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
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from custom_components.monzo.api import Transaction
from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS
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
        self._thread = Thread(target=self._loop.run_forever)

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


def _customer(per_month: int, random: Random) -> tuple[Bank, Person, Account]:
    """Return a bank with a person who has made so many payments in the last month."""
    bank = Bank()
    person, now = bank.add_person("Ann Archer"), bank.clock()
    account = bank.open_account(person, balance=100_000_000, created=now - MONTHS * _MONTH)
    for at in sorted(now - random.random() * _MONTH for _ in range(per_month)):
        amount, shop = _payment(random)
        bank.pay(account.id, amount, merchant=shop, pending=False, at=at)
    return bank, person, account


def _payment(random: Random) -> tuple[int, Shop]:
    return -random.randint(100, 9_999), random.choice(_SHOPS)


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
    for month in range(1, MONTHS):
        bills, others = newest[:_BILLS], newest[_BILLS:]
        times = [it.created for it in bills] + random.sample(
            [it.created for it in others], len(others)
        )
        yield [
            replace(it, id=f"{it.id}_{month}", created=created - month * _MONTH)
            for it, created in zip(newest, times, strict=True)
        ]


def _fill_archive(
    folder: Path, bank: Bank, account: Account, entry_id: str, random: Random
) -> None:
    now = bank.clock()
    file = ArchiveFile(folder / ".storage" / "monzo.archive.db")
    for records in _past(bank, account, random):
        change = ArchiveChange(
            account_id=account.id,
            state=ReadState(entry_id=entry_id, currency="GBP", read_until=now),
            spans=Spans([(account.created, now)]),
            records=records,
        )
        file.run([partial(ArchiveFile.write, change=change)])
    file.close()


async def measure_payment(per_month: int, payments: int = PAYMENTS) -> PaymentCost:
    """Return the median cost of a payment of an account with so many transactions a month."""
    random, port = Random(1), free_port()  # noqa: S311 - not used for security
    bank, person, account = _customer(per_month, random)
    clock, executor = FastClock(), ExecutorTime()
    with TemporaryDirectory() as folder:
        seed_http(Path(folder), port)
        (Path(folder) / "custom_components").symlink_to(_REPOSITORY / "custom_components")
        hass = await start_home_assistant(folder)
        await start_recorder(hass)
        async with BankThread(bank, port) as bank_thread:
            token = bank_thread.server.sign_in(person)
            entry = config_entry(token, **{CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING})
            _fill_archive(Path(folder), bank, account, entry.entry_id, random)
            with (
                redirected(bank_thread.server.url),
                patch.object(time, "monotonic", clock),
                executor.observe(),
            ):
                requests = RequestTrace(async_get_clientsession(hass), clock)
                await hass.config_entries.async_add(entry)
                home_assistant = AcceleratedHomeAssistant(hass, requests, clock)
                await home_assistant.forward(_PREPARED_SECONDS)
                costs = []
                for _time in range(payments):
                    await home_assistant.move_past_poll()
                    pay = partial(bank_thread.pay, account.id, *_payment(random))
                    costs.append(await _cost(hass, home_assistant, executor, pay))
                await hass.async_stop(force=True)
    return PaymentCost(
        loop=median(it.loop for it in costs), executor=median(it.executor for it in costs)
    )


async def _cost(
    hass: HomeAssistant,
    home_assistant: AcceleratedHomeAssistant,
    executor: ExecutorTime,
    pay: Callable[[], None],
) -> PaymentCost:
    """Pay, and return the cost; that of the same time without a payment is deducted."""
    reported = asyncio.Event()

    @callback
    def on_change(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"].startswith("event."):
            reported.set()

    idle_since = time.thread_time()
    await home_assistant.forward(_SETTLED_SECONDS)
    idle = time.thread_time() - idle_since
    stop = hass.bus.async_listen(EVENT_STATE_CHANGED, on_change)
    began, executor_before = time.thread_time(), executor.seconds
    pay()
    await reported.wait()
    await home_assistant.forward(_SETTLED_SECONDS)
    loop = time.thread_time() - began - idle
    stop()
    return PaymentCost(loop=loop * 1000, executor=(executor.seconds - executor_before) * 1000)
