"""Compares this integration with the built-in one: requests, response times, CPU time.

Each measurement runs in a separate process, in a real Home Assistant core, with a sandbox bank.
"""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import dataclass, replace
import json
from pathlib import Path
import socket
import sys
from tempfile import TemporaryDirectory
from typing import Any

from sandbox.bank import Bank
from sandbox.behaviour import DEFAULT_SERVER_BEHAVIOUR
from sandbox.home_assistant.process import EXTERNAL_HOST
from sandbox.models import Person
from sandbox.server import BankServer

from .worker import Burst, Hour, Integration, Payments, Polls

ACCOUNTS = (1, 3, 10)
POTS = 5
LATENCY = 0.05
POLLS = 15
PAYMENTS = 5
BURST = 200
IMPORTS = 3

_REPOSITORY = Path(__file__).parents[2]

type Pick = Callable[[Figures], float]

_INTEGRATIONS: tuple[Integration, ...] = ("core", "ours")


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure of both integrations, for each number of accounts."""

    name: str
    digits: int
    core: list[float]
    ours: list[float]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The figures of one integration with one number of accounts."""

    polls: Polls
    hour: Hour
    payments: Payments
    burst: Burst
    seconds_to_import: float


def _household(accounts: int) -> tuple[Bank, Person]:
    """Return a bank with a number of accounts of one person; the first account has round-ups."""
    bank = Bank()
    ann = bank.add_person("Ann Archer")
    for _ in range(accounts):
        account = bank.open_account(ann, balance=100_000)
        for number in range(POTS):
            bank.open_pot(account.id, f"Pot {number + 1}", balance=10_000, goal=50_000)
    bank.set_round_up(next(iter(bank.pots)), on=True)
    return bank, ann


async def measure(  # noqa: PLR0913 - one parameter for each setting
    integration: Integration,
    accounts: int,
    measurement: str,
    *,
    latency: float = LATENCY,
    repetitions: int = 0,
    python: str | Path = sys.executable,
) -> Any:  # noqa: ANN401 - JSON
    """Run one measurement with a new bank; return its figures."""
    bank, ann = _household(accounts)
    port = free_port()
    behaviour = replace(
        DEFAULT_SERVER_BEHAVIOUR, webhook_hosts={EXTERNAL_HOST: f"http://127.0.0.1:{port}"}
    )
    async with BankServer(bank, behaviour=behaviour, latency=latency) as server:
        return await _run_worker(
            python,
            measurement=measurement,
            integration=integration,
            bank_url=server.url,
            token=server.sign_in(ann),
            port=port,
            latency=latency,
            repetitions=repetitions,
        )


async def _run_worker(python: str | Path, **task: object) -> Any:  # noqa: ANN401 - JSON
    """Run a task in a worker process, and return its result."""
    with TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(python, "-m", "sandbox.bench.worker"),
            cwd=_REPOSITORY,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            result, errors = await process.communicate(
                json.dumps({**task, "folder": folder}).encode()
            )
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        sys.exit(errors.decode())
    return json.loads(result)


def free_port() -> int:
    """Return a port of this machine that no program uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def _seconds_to_import(integration: Integration) -> float:
    durations: list[float] = [
        await _run_worker(sys.executable, measurement="import", integration=integration)
        for _ in range(IMPORTS)
    ]
    return min(durations)


async def _figures(integration: Integration, accounts: int, seconds_to_import: float) -> Figures:
    """Run all measurements, one after the other, because parallel ones would disturb each other."""
    _say(f"Measuring {integration} with {accounts} account(s) ...")
    return Figures(
        polls=Polls(**await measure(integration, accounts, "polls", repetitions=POLLS)),
        hour=Hour(**await measure(integration, accounts, "hour", latency=0)),
        payments=Payments(**await measure(integration, accounts, "payments", repetitions=PAYMENTS)),
        burst=Burst(**await measure(integration, accounts, "burst", repetitions=BURST)),
        seconds_to_import=seconds_to_import,
    )


async def compare() -> list[Row]:
    """Measure both integrations."""
    _say("Measuring imports ...")
    imports = {each: await _seconds_to_import(each) for each in _INTEGRATIONS}
    figures: dict[Integration, list[Figures]] = {each: [] for each in _INTEGRATIONS}
    for accounts in ACCOUNTS:
        for integration in _INTEGRATIONS:
            figures[integration].append(await _figures(integration, accounts, imports[integration]))
    return [
        Row(name, digits, *([pick(each) for each in figures[which]] for which in _INTEGRATIONS))
        for name, digits, pick in _TABLE
    ]


def _ms(seconds: float) -> float:
    return seconds * 1000


def _trips(seconds: float) -> float:
    return seconds / LATENCY


# Lines of the table: name, number of decimals, figure.
_TABLE: tuple[tuple[str, int, Pick], ...] = (
    ("round trips per poll", 2, lambda figures: figures.polls.round_trips),
    ("round trips until loaded", 0, lambda figures: figures.polls.until_loaded),
    ("requests an hour, polling", 0, lambda figures: figures.hour.polling),
    ("  with deliveries", 0, lambda figures: figures.hour.with_deliveries),
    ("most requests in 5 min", 0, lambda figures: figures.hour.most_in_five_minutes),
    ("requests for a payment", 0, lambda figures: figures.payments.requests),
    ("  with a round-up", 0, lambda figures: figures.payments.requests_with_round_up),
    ("a payment's event, ms", 1, lambda figures: _ms(figures.payments.event)),
    ("  round trips", 2, lambda figures: _trips(figures.payments.event)),
    ("  a second later, ms", 1, lambda figures: _ms(figures.payments.next_event)),
    ("  round trips", 2, lambda figures: _trips(figures.payments.next_event)),
    ("a payment's balance, ms", 0, lambda figures: _ms(figures.payments.balance)),
    ("  round trips", 2, lambda figures: _trips(figures.payments.balance)),
    ("  a second later, ms", 0, lambda figures: _ms(figures.payments.next_balance)),
    ("  round trips", 2, lambda figures: _trips(figures.payments.next_balance)),
    (f"{BURST} payments, lasting ms", 0, lambda figures: _ms(figures.burst.lasted)),
    ("  requests", 0, lambda figures: figures.burst.requests),
    ("  events", 0, lambda figures: figures.burst.events),
    ("  last event, ms", 0, lambda figures: _ms(figures.burst.event)),
    ("  right balance, ms", 0, lambda figures: _ms(figures.burst.balance)),
    ("CPU per poll, ms", 1, lambda figures: _ms(figures.polls.cpu)),
    ("seconds to import", 2, lambda figures: figures.seconds_to_import),
)


def table(rows: list[Row]) -> str:
    """Return the rows as a table for a terminal."""
    head = "".join(f"{f'accounts: {accounts}':>24}" for accounts in ACCOUNTS)
    lines = [f"{'':26}{head}", f"{'':26}" + f"{'core':>8}{'ours':>8}{'ratio':>8}" * len(ACCOUNTS)]
    for row in rows:
        figures = "".join(
            f"{core:8.{row.digits}f}{ours:8.{row.digits}f}{ours / core:8.2f}"
            for core, ours in zip(row.core, row.ours, strict=True)
        )
        lines.append(f"{row.name:26}{figures}")
    return "\n".join(lines)


EXPLANATION = f"""
Each account has {POTS} pots. The bank responds after {LATENCY * 1000:.0f} ms: the duration of a
round trip.

Round trips per poll: duration of a poll, divided by that of a round trip; median of {POLLS}.
Round trips until loaded: requests that had to wait for an earlier response.
Requests an hour: in the second hour of an accelerated clock, first before any webhook delivery has
arrived, then after one has. Most requests in 5 min: since the start.

Payments are timed from the arrival of the bank's webhook delivery: separate payments (median of
{PAYMENTS}), and a payment one second after another. The built-in integration's event repeats the
delivery; the event of ours shows the bank's response to a request, because deliveries are not
signed.
{BURST} payments are spread over a second, and timed from the first delivery.

Seconds to import: the shortest of {IMPORTS} imports, after importing everything that every Home
Assistant imports, except its cloud integration. Connections are not encrypted, so opening one costs
less than it does with the real bank.
"""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
