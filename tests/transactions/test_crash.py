"""A Home Assistant that is killed at any moment has told of every transaction, once and in order.

Or twice of the last one before the end: it cannot be told and written down in the same moment.

    KILLS=50 SEED=7 scripts/test tests/test_stream_crash.py -s

kills it that often, at moments that the seed decides on, and says what came of it.
"""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
import json
import os
from pathlib import Path
from random import Random
import shutil
import socket

import pytest

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.home_assistant.process import seed_http
from sandbox.models import Account
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from tests.helpers import crash_recorder as scribe
from tests.test_core_compatibility import PYTHON, REPOSITORY, entry_of_core, store

KILLS = int(os.environ.get("KILLS", "5"))
SEED = os.environ.get("SEED", "1")

EXTERNAL_HOST = "home.example.test"

# Nothing here takes as long, even on a slow machine.
PATIENCE_SECONDS = 60

# What happens while Home Assistant is off, so that it has some catching up to do.
MISSED = 25

# An id of a transaction, and the end of the line.
LINE = len("tx_0000000000000000000000\n")


@pytest.fixture(autouse=True)
def _real_parts(socket_enabled: None) -> None:
    """Leave this process's own Home Assistant out."""


@pytest.fixture(autouse=True)
def _no_waiting() -> None:
    """Leave the other one as it is."""


class House:
    """A folder with what Home Assistant keeps, and the process that uses it while it runs."""

    def __init__(self, folder: Path, bank_url: str, accounts: Sequence[Account]) -> None:
        """Prepare to run in a folder where everything is in its place."""
        self.accounts = accounts
        self._folder = folder
        self._log = folder / "hass.log"
        self._bank_url = bank_url
        self._process: Process | None = None

    @property
    def written(self) -> int:
        """How many characters the scribe has written."""
        return sum(book.stat().st_size for book in self._folder.glob("acc_*"))

    def told(self, account: Account) -> list[list[str]]:
        """Return the ids that were told in each run of Home Assistant."""
        text = (self._folder / account.id).read_text(encoding="utf-8")
        return [run.split() for run in text.split(scribe.STARTED)[1:]]

    def knows_its_accounts(self) -> bool:
        """Return whether it has taken down what was there before it first started."""
        ledgers = self._folder / ".storage" / f"{DOMAIN}.transactions"
        if not ledgers.exists():
            return False
        return len(json.loads(ledgers.read_text(encoding="utf-8"))["data"]) == len(self.accounts)

    async def start(self) -> None:
        """Begin to start Home Assistant, which ends by itself when this process is gone."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(PYTHON, "-P", "-m", "sandbox.home_assistant.hass", self._bank_url),
                *("--config", str(self._folder), "--skip-pip"),
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(self._folder / "modules")},
                stdin=PIPE,
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def stop(self) -> None:
        """Let it end, with everything that it wants to write down before."""
        process = self._running()
        process.terminate()
        await process.wait()
        self._process = None

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something, and notice it at once."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._running()
                await asyncio.sleep(0.001)

    def _running(self) -> Process:
        assert self._process
        assert self._process.returncode is None, self._log.read_text(encoding="utf-8")
        return self._process


# What happens at the bank.
KINDS: tuple[Callable[[Bank, str], object], ...] = (
    lambda bank, account: bank.pay(account, -1_234),
    lambda bank, account: bank.pay(account, -560),
    lambda bank, account: bank.decline(account, -500),
    lambda bank, account: bank.receive(account, 10_001),
)


class Customers:
    """Whose money moves, and when."""

    def __init__(self, bank: Bank, accounts: Sequence[Account]) -> None:
        """Note every transaction from now on."""
        self.made: dict[str, list[str]] = {account.id: [] for account in accounts}
        self._bank = bank
        self._chance = Random(f"{SEED}: payments")  # noqa: S311 - nobody gains by guessing it
        bank.on_transaction(lambda row: self.made[row.account_id].append(row.id))

    def pay(self, times: int = 1) -> None:
        """Make so many payments, and what they bring along, in one moment."""
        for _time in range(times):
            self._chance.choice(KINDS)(self._bank, self._chance.choice([*self.made]))

    async def keep_paying(self) -> None:
        """Make one payment after the other until cancelled."""
        while True:
            self.pay()
            await asyncio.sleep(self._chance.uniform(0.02, 0.3))


async def while_starting(house: House, chance: Random) -> None:
    """Wait for any moment of the start."""
    await asyncio.sleep(chance.uniform(0, 5))


async def while_catching_up(house: House, chance: Random) -> None:
    """Wait until some of what was missed has been told, and a moment more."""
    enough = house.written + chance.randint(1, MISSED) * LINE
    await house.until(lambda: house.written >= enough)
    await asyncio.sleep(chance.uniform(0, 0.01))


async def while_living(house: House, chance: Random) -> None:
    """Wait until what was missed has been told, and payments are told as they are made."""
    enough = house.written + chance.randint(2 * MISSED, 3 * MISSED) * LINE
    await house.until(lambda: house.written >= enough)
    await asyncio.sleep(chance.uniform(0, 0.5))


MOMENTS = (while_starting, while_catching_up, while_catching_up, while_living)


def told_again(runs: list[list[str]], made: list[str]) -> int:
    """Return how often the last one told before an end was told again after it.

    But for that, what was made must have been told once and in order.
    """
    told: list[str] = []
    again = 0
    for run in runs:
        repeats = bool(run) and told[-1:] == run[:1]
        told += run[repeats:]
        again += repeats
    assert told == made
    return again


@pytest.fixture
def accounts(bank: Bank) -> list[Account]:
    """Return what Ann has at the bank."""
    ann, ben = bank.add_person("Ann Archer"), bank.add_person("Ben Baker")
    joint = bank.open_account(ann, ben, type="uk_retail_joint", balance=1_000_000)
    bank.open_pot(joint.id, "Coin jar", round_up=True)
    return [bank.open_account(ann, balance=1_000_000), joint]


@pytest.fixture
async def house(
    tmp_path: Path, server: BankServer, accounts: list[Account]
) -> AsyncIterator[House]:
    """Return a house where Ann has signed in, and which the bank can call."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = f"http://127.0.0.1:{port}"
    server.behaviour = replace(server.behaviour, webhook_hosts={EXTERNAL_HOST: here})
    furnish(tmp_path, server, accounts)
    seed_http(tmp_path, port)
    house = House(tmp_path, server.url, accounts)
    yield house
    await house.kill()


def furnish(folder: Path, server: BankServer, accounts: list[Account]) -> None:
    """Put everything where Home Assistant looks for it."""
    custom, modules, storage = (
        folder / name for name in ("custom_components", "modules", ".storage")
    )
    shutil.copytree(REPOSITORY / "custom_components", custom)
    (custom / scribe.DOMAIN).mkdir()
    shutil.copy(scribe.__file__, custom / scribe.DOMAIN / "__init__.py")
    manifest = {"domain": scribe.DOMAIN, "name": "Scribe", "version": "1.0.0"}
    (custom / scribe.DOMAIN / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    # JSON is YAML as well.
    configuration = {
        "homeassistant": {"external_url": f"https://{EXTERNAL_HOST}"},
        scribe.DOMAIN: {"accounts": [account.id for account in accounts]},
    }
    (folder / "configuration.yaml").write_text(json.dumps(configuration), encoding="utf-8")
    modules.mkdir()
    (modules / "sandbox").symlink_to(REPOSITORY / "sandbox")
    storage.mkdir()
    entry = entry_of_core(server, accounts[0].owners[0], "2026-01-01T00:00:00+00:00")
    store(folder, "core.config_entries", {"entries": [entry]}, minor_version=5)
    credentials = {
        "id": "monzo_sandbox",
        "domain": DOMAIN,
        "client_id": DEFAULT_CLIENT_ID,
        "client_secret": DEFAULT_CLIENT_SECRET,
        "auth_domain": "monzo_sandbox",
        "name": "Sandbox",
    }
    store(folder, "application_credentials", {"items": [credentials]})


async def test_nothing_is_lost_however_often_home_assistant_is_killed(
    house: House, bank: Bank, server: BankServer
) -> None:
    # It would note a stack for everything that the bank does.
    asyncio.get_running_loop().set_debug(False)
    chance = Random(SEED)  # noqa: S311 - nobody gains by guessing it
    customers = Customers(bank, house.accounts)
    await house.start()
    await house.until(house.knows_its_accounts)

    paying = asyncio.create_task(customers.keep_paying())
    for _kill in range(KILLS):
        await chance.choice(MOMENTS)(house, chance)
        await house.kill()
        customers.pay(MISSED)
        await house.start()
    paying.cancel()
    customers.pay()
    await told_all(house, customers)
    await house.stop()
    asked = len(server.requests_to("GET", "/transactions"))
    await house.start()
    await house.until(lambda: len(server.requests_to("GET", "/transactions")) >= asked + 2)
    await house.stop()

    again = 0
    for account in house.accounts:
        *runs, last = house.told(account)
        again += told_again(runs, customers.made[account.id])
        assert not last
    made = sum(map(len, customers.made.values()))
    print(f"seed {SEED}: {KILLS} kills, {made} transactions, none lost, {again} told twice")  # noqa: T201


async def told_all(house: House, customers: Customers) -> None:
    """Wait until everything has been told, or until there is no more hope of that."""

    def everything() -> bool:
        return all(
            {*made} <= {known for run in house.told(account) for known in run}
            for account, made in zip(house.accounts, customers.made.values(), strict=True)
        )

    with suppress(TimeoutError):
        await house.until(everything)
