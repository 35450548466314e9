"""Compares this integration with Home Assistant's own: what they ask the bank, and what it takes.

Both run in turn in a real Home Assistant core of their own process, against the same sandbox.
"""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import dataclass
import json
import sys
from typing import Any

from .bank import Bank
from .measure import Hour, Integration, Polls
from .records import Person
from .server import BankServer

ACCOUNTS = (1, 3, 10)
POTS = 5
LATENCY = 0.05
POLLS = 15
IMPORTS = 3

type Pick[T] = Callable[[T], float]

_SIDES: tuple[Integration, ...] = ("core", "ours")


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure of either integration, for each number of accounts."""

    name: str
    digits: int
    core: list[float]
    ours: list[float]


def _household(accounts: int) -> tuple[Bank, Person]:
    """Return a bank with so many accounts of one person."""
    bank = Bank()
    ann = bank.add_person("Ann Archer")
    for _ in range(accounts):
        account = bank.open_account(ann, balance=100_000)
        for number in range(POTS):
            bank.open_pot(account.id, f"Pot {number + 1}", balance=10_000, goal=50_000)
    return bank, ann


async def _measure(**task: object) -> Any:  # noqa: ANN401 - JSON
    """Have one thing measured in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.measure"), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    answer, complaints = await process.communicate(json.dumps(task).encode())
    if process.returncode:
        sys.exit(complaints.decode())
    return json.loads(answer)


async def _with_bank(
    integration: Integration, accounts: int, latency: float, **task: object
) -> Any:  # noqa: ANN401 - JSON
    bank, ann = _household(accounts)
    async with BankServer(bank, latency=latency) as server:
        return await _measure(
            integration=integration,
            bank_url=server.url,
            token=server.sign_in(ann),
            latency=latency,
            **task,
        )


async def _seconds_to_import(integration: Integration) -> float:
    tries: list[float] = [
        await _measure(what="import", integration=integration) for _ in range(IMPORTS)
    ]
    return min(tries)


async def compare() -> list[Row]:
    """Measure everything, one after the other so that nothing disturbs."""
    polls: dict[Integration, list[Polls]] = {side: [] for side in _SIDES}
    hours: dict[Integration, list[Hour]] = {side: [] for side in _SIDES}
    for accounts in ACCOUNTS:
        for side in _SIDES:
            _say(f"Measuring {side} with {accounts} account(s) ...")
            polled = await _with_bank(side, accounts, LATENCY, what="polls", polls=POLLS)
            polls[side].append(Polls(**polled))
            hours[side].append(Hour(**await _with_bank(side, accounts, 0, what="hour")))
    _say("Measuring imports ...")
    imports = {side: [await _seconds_to_import(side)] * len(ACCOUNTS) for side in _SIDES}

    def row[T](name: str, digits: int, of: dict[Integration, list[T]], pick: Pick[T]) -> Row:
        return Row(name, digits, *([pick(measured) for measured in of[side]] for side in _SIDES))

    return [
        row("round trips per poll", 2, polls, lambda measured: measured.round_trips),
        row("round trips until loaded", 0, polls, lambda measured: measured.until_loaded),
        row("requests per hour at rest", 0, hours, lambda measured: measured.requests),
        row("most requests in 5 min", 0, hours, lambda measured: measured.most_in_five_minutes),
        row("CPU per poll, ms", 1, polls, lambda measured: measured.cpu * 1000),
        row("seconds to import", 2, imports, lambda measured: measured),
    ]


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


_EXPLANATION = f"""
{POTS} pots in each account; the bank takes {LATENCY * 1000:.0f} ms to answer. A poll's round trips
are its time divided by that, the median of {POLLS}; those until loaded are requests that had to
wait for one another. Requests are counted in the second hour of a clock that is turned forward, the
most in five minutes since the start. The import is the quickest of {IMPORTS}, with everything
loaded before that any Home Assistant has loaded, but not its cloud. Nothing is encrypted here,
so that a connection is opened more cheaply than to the real bank.
"""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Print the comparison."""
    print(table(asyncio.run(compare())))
    print(_EXPLANATION)


if __name__ == "__main__":
    main()
