"""Compares this integration with Home Assistant's own: what they ask the bank, and what it takes.

Both run in turn in a real Home Assistant core of their own process, against the same sandbox.
"""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import dataclass, replace
import json
import socket
import sys
from typing import Any

from sandbox.bank import Bank
from sandbox.behaviour import DEFAULT_SERVER_BEHAVIOUR
from sandbox.models import Person
from sandbox.server import BankServer

from .worker import EXTERNAL_HOST, Burst, Hour, Integration, Payments, Polls

ACCOUNTS = (1, 3, 10)
POTS = 5
LATENCY = 0.05
POLLS = 15
PAYMENTS = 5
BURST = 200
IMPORTS = 3

type Pick = Callable[[Figures], float]

_SIDES: tuple[Integration, ...] = ("core", "ours")


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure of either integration, for each number of accounts."""

    name: str
    digits: int
    core: list[float]
    ours: list[float]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured of one integration with one number of accounts."""

    polls: Polls
    hour: Hour
    payments: Payments
    burst: Burst
    seconds_to_import: float


def _household(accounts: int) -> tuple[Bank, Person]:
    """Return a bank with so many accounts of one person, the first with round-ups."""
    bank = Bank()
    ann = bank.add_person("Ann Archer")
    for _ in range(accounts):
        account = bank.open_account(ann, balance=100_000)
        for number in range(POTS):
            bank.open_pot(account.id, f"Pot {number + 1}", balance=10_000, goal=50_000)
    bank.set_round_up(next(iter(bank.pots)), on=True)
    return bank, ann


async def _measure(**task: object) -> Any:  # noqa: ANN401 - JSON
    """Have one thing measured in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.bench.worker"), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    answer, complaints = await process.communicate(json.dumps(task).encode())
    if process.returncode:
        sys.exit(complaints.decode())
    return json.loads(answer)


async def measured(
    side: Integration,
    accounts: int,
    what: str,
    *,
    latency: float = LATENCY,
    repetitions: int = 0,
) -> Any:  # noqa: ANN401 - JSON
    """Have one thing measured with a bank of its own, which knows where Home Assistant is."""
    bank, ann = _household(accounts)
    port = _free_port()
    behaviour = replace(
        DEFAULT_SERVER_BEHAVIOUR, webhook_hosts={EXTERNAL_HOST: f"http://127.0.0.1:{port}"}
    )
    async with BankServer(bank, behaviour=behaviour, latency=latency) as server:
        return await _measure(
            what=what,
            integration=side,
            bank_url=server.url,
            token=server.sign_in(ann),
            port=port,
            latency=latency,
            repetitions=repetitions,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def _seconds_to_import(integration: Integration) -> float:
    tries: list[float] = [
        await _measure(what="import", integration=integration) for _ in range(IMPORTS)
    ]
    return min(tries)


async def _figures(side: Integration, accounts: int, seconds_to_import: float) -> Figures:
    """Measure everything, one after the other so that nothing disturbs."""
    _say(f"Measuring {side} with {accounts} account(s) ...")
    return Figures(
        polls=Polls(**await measured(side, accounts, "polls", repetitions=POLLS)),
        hour=Hour(**await measured(side, accounts, "hour", latency=0)),
        payments=Payments(**await measured(side, accounts, "payments", repetitions=PAYMENTS)),
        burst=Burst(**await measured(side, accounts, "burst", repetitions=BURST)),
        seconds_to_import=seconds_to_import,
    )


async def compare() -> list[Row]:
    """Measure both integrations."""
    _say("Measuring imports ...")
    imports = {side: await _seconds_to_import(side) for side in _SIDES}
    figures: dict[Integration, list[Figures]] = {side: [] for side in _SIDES}
    for accounts in ACCOUNTS:
        for side in _SIDES:
            figures[side].append(await _figures(side, accounts, imports[side]))
    return [
        Row(name, digits, *([pick(each) for each in figures[side]] for side in _SIDES))
        for name, digits, pick in _TABLE
    ]


def _ms(seconds: float) -> float:
    return seconds * 1000


def _trips(seconds: float) -> float:
    return seconds / LATENCY


# What is printed of the figures, and with how many digits.
_TABLE: tuple[tuple[str, int, Pick], ...] = (
    ("round trips per poll", 2, lambda it: it.polls.round_trips),
    ("round trips until loaded", 0, lambda it: it.polls.until_loaded),
    ("requests an hour, polling", 0, lambda it: it.hour.polling),
    ("  with deliveries", 0, lambda it: it.hour.with_deliveries),
    ("most requests in 5 min", 0, lambda it: it.hour.most_in_five_minutes),
    ("requests for a payment", 0, lambda it: it.payments.requests),
    ("  with a round-up", 0, lambda it: it.payments.requests_with_round_up),
    ("a payment's event, ms", 1, lambda it: _ms(it.payments.event)),
    ("  round trips", 2, lambda it: _trips(it.payments.event)),
    ("  a second later, ms", 1, lambda it: _ms(it.payments.next_event)),
    ("  round trips", 2, lambda it: _trips(it.payments.next_event)),
    ("a payment's balance, ms", 0, lambda it: _ms(it.payments.balance)),
    ("  round trips", 2, lambda it: _trips(it.payments.balance)),
    ("  a second later, ms", 0, lambda it: _ms(it.payments.next_balance)),
    ("  round trips", 2, lambda it: _trips(it.payments.next_balance)),
    (f"{BURST} payments, lasting ms", 0, lambda it: _ms(it.burst.lasted)),
    ("  requests", 0, lambda it: it.burst.requests),
    ("  events", 0, lambda it: it.burst.events),
    ("  last event, ms", 0, lambda it: _ms(it.burst.event)),
    ("  right balance, ms", 0, lambda it: _ms(it.burst.balance)),
    ("CPU per poll, ms", 1, lambda it: _ms(it.polls.cpu)),
    ("seconds to import", 2, lambda it: it.seconds_to_import),
)


def table(rows: list[Row]) -> str:
    """Lay the rows out for a terminal."""
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
{POTS} pots in each account; the bank takes {LATENCY * 1000:.0f} ms to answer, which makes a round
trip. Those of a poll are its time divided by that, the median of {POLLS}; those until loaded are
requests that had to wait for one another. Requests are counted in the second hour of a clock that
is turned forward: while nobody knows whether the bank's deliveries arrive, and after one has. The
most in five minutes is since the start.

A payment is timed from when the bank's delivery of it comes in: at rest, the median of {PAYMENTS},
and once a second after another payment. The event of the built-in integration is what the delivery
says; ours is what the bank says when it is asked, because deliveries are not signed.
{BURST} payments are spread over a second, and timed from the first delivery.

The import is the quickest of {IMPORTS}, with everything loaded before that any Home Assistant has
loaded, but not its cloud. Nothing is encrypted here, so that a connection is opened more cheaply
than to the real bank.
"""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
