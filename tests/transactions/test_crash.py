"""Home Assistant reports each transaction once and in order, even if it is killed at any moment.

The last transaction before a kill may be reported twice, because reporting and storing it are
separate steps. Kills and payments follow the progress of Home Assistant, so that a slow machine
changes nothing. This command kills it 50 times, and prints a summary:

    KILLS=50 SEED=7 scripts/test tests/transactions/test_crash.py -s
"""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, islice
import json
import os
from pathlib import Path
from random import Random
import shutil
import socket

import pytest

from custom_components.monzo.const import DOMAIN
from custom_components.monzo.transactions.archive_file import ArchiveFile
from sandbox.bank import Bank
from sandbox.home_assistant.process import seed_http
from sandbox.models import Account
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from tests.helpers import crash_recorder
from tests.helpers.newest_home_assistant import PYTHON, needs_newest_home_assistant
from tests.test_core_compatibility import REPOSITORY, entry_of_core, store

KILLS = int(os.environ.get("KILLS", "3"))
SEED = os.environ.get("SEED", "1")

EXTERNAL_HOST = "home.example.test"

# Longer than any step takes on a slow machine.
TIMEOUT_SECONDS = 150

# The number of payments while Home Assistant is off.
MISSED_PAYMENTS = 25

# The requests at each start: the list of accounts, then the balance, the pots and the
# transactions of both accounts.
REQUESTS_AT_START = 7

# How often payments are made after the others are reported.
LIVE_PAYMENTS = 3

# Home Assistant would wait for up to a minute until it may ask the bank again.
NO_REQUEST_BUDGET = {
    f"bank.request_budget.{name}": 10_000
    for name in ("_REQUESTS_PER_WINDOW", "_REQUESTS_PER_WINDOW_IN_ALL")
}


@pytest.fixture(autouse=True)
def _fixed_start() -> None:
    """Keep the real time, because Home Assistant runs in another process."""


@pytest.fixture(autouse=True)
def _real_parts(socket_enabled: None) -> None:
    """Allow sockets, because Home Assistant runs in another process."""


@pytest.fixture(autouse=True)
def _no_pauses() -> None:
    """Override the fixture of `conftest.py`, which affects only this process."""


class HomeAssistantProcess:
    """A Home Assistant process and its configuration folder."""

    def __init__(self, folder: Path, bank_url: str, accounts: Sequence[Account]) -> None:
        """Initialize the process with a prepared configuration folder."""
        self.accounts = accounts
        self._folder = folder
        self._log = folder / "hass.log"
        self._bank_url = bank_url
        self._subprocess: Process | None = None

    @property
    def number_reported(self) -> int:
        """The number of reports in all runs, repeated ones included."""
        return sum(file.read_bytes().count(b"tx_") for file in self._folder.glob("acc_*"))

    def reported(self, account: Account) -> list[list[str]]:
        """Return the IDs of reported transactions, one list per run of Home Assistant."""
        text = (self._folder / account.id).read_text(encoding="utf-8")
        return [run.split() for run in text.split(crash_recorder.STARTED)[1:]]

    def known(self, account: Account) -> set[str]:
        """Return the IDs of the transactions that the archive has as reported."""
        archive = ArchiveFile(self._folder / ".storage" / f"{DOMAIN}.archive.db")
        logs = archive.load_logs(datetime.min.replace(tzinfo=UTC))
        archive.close()
        return set(logs[account.id].known)

    async def start(self) -> None:
        """Launch Home Assistant, which stops by itself when this process ends."""
        with self._log.open("ab") as log:
            self._subprocess = await asyncio.create_subprocess_exec(
                *(PYTHON, "-P", "-m", "sandbox.home_assistant.hass", self._bank_url),
                *("--config", str(self._folder), "--skip-pip"),
                *("--constants", json.dumps(NO_REQUEST_BUDGET)),
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(self._folder / "modules")},
                stdin=PIPE,
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        """Kill Home Assistant."""
        if self._subprocess is not None:
            self._subprocess.kill()
            await self._subprocess.wait()
            self._subprocess = None

    async def stop(self) -> None:
        """Stop Home Assistant normally, so that it can write its files."""
        running = self._running()
        running.terminate()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await running.wait()
        self._subprocess = None

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true, checking every millisecond."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not condition():
                self._running()
                await asyncio.sleep(0.001)

    def _running(self) -> Process:
        assert self._subprocess
        assert self._subprocess.returncode is None, self._log.read_text(encoding="utf-8")
        return self._subprocess


# Transactions at the bank.
PAYMENT_KINDS: tuple[Callable[[Bank, str], object], ...] = (
    lambda bank, account: bank.pay(account, -1_234),
    lambda bank, account: bank.pay(account, -560),
    lambda bank, account: bank.decline(account, -500),
    lambda bank, account: bank.receive(account, 10_001),
)


class PaymentMaker:
    """Makes random transactions and records the IDs of all new transactions."""

    def __init__(self, bank: Bank, accounts: Sequence[Account]) -> None:
        """Initialize the payment maker, and record all new transactions."""
        self.made_ids: dict[str, list[str]] = {account.id: [] for account in accounts}
        self._bank = bank
        self._random = Random(f"{SEED}: payments")  # noqa: S311 - not used for security
        bank.on_transaction(lambda row: self.made_ids[row.account_id].append(row.id))

    def pay(self, times: int = 1) -> None:
        """Make payments, which may cause round-ups, without waiting between them."""
        for _time in range(times):
            self._random.choice(PAYMENT_KINDS)(self._bank, self._random.choice([*self.made_ids]))


class Killer:
    """Waits for a moment to kill Home Assistant, and makes payments meanwhile."""

    def __init__(
        self, process: HomeAssistantProcess, payments: PaymentMaker, server: BankServer
    ) -> None:
        """Initialize the killer."""
        self._process = process
        self._payments = payments
        self._server = server
        self._random = Random(SEED)  # noqa: S311 - not used for security
        self.moments: Sequence[Callable[[], Awaitable[None]]] = (
            self.wait_during_live_payments,
            self.wait_during_start,
            self.wait_during_catch_up,
        )

    async def wait_during_start(self) -> None:
        """Wait for one of the requests at the start."""
        requests = len(self._server.requests) + self._random.randint(1, REQUESTS_AT_START)
        await self._process.wait_until(lambda: len(self._server.requests) >= requests)
        self._payments.pay()
        await self._wait_milliseconds()

    async def wait_during_catch_up(self) -> None:
        """Wait until some of the missed transactions are reported."""
        await self._wait_for_reports(1)
        self._payments.pay()
        await self._wait_for_reports(self._random.randint(0, MISSED_PAYMENTS - 2))

    async def wait_during_live_payments(self) -> None:
        """Wait until all transactions are reported, and some that are made afterwards."""
        await wait_until_all_reported(self._process, self._payments)
        for _time in range(LIVE_PAYMENTS):
            number = self._random.randint(1, 5)
            self._payments.pay(number)
            await self._wait_for_reports(self._random.randint(1, number))

    async def _wait_for_reports(self, number: int) -> None:
        """Wait until so many more transactions are reported."""
        target = self._process.number_reported + number
        await self._process.wait_until(lambda: self._process.number_reported >= target)
        await self._wait_milliseconds()

    async def _wait_milliseconds(self) -> None:
        await asyncio.sleep(self._random.uniform(0, 0.01))


def count_repeats(runs: list[list[str]], made_ids: list[str]) -> int:
    """Return how often a run repeated the last report of the previous run.

    Assert that, apart from these repeats, each transaction is reported once and in order.
    """
    reported: list[str] = []
    repeats = 0
    for run in runs:
        repeated = bool(run) and reported[-1:] == run[:1]
        reported += run[repeated:]
        repeats += repeated
    assert reported == made_ids
    return repeats


@pytest.fixture
def accounts(bank: Bank) -> list[Account]:
    """Return Ann's accounts."""
    ann, ben = bank.add_person("Ann Archer"), bank.add_person("Ben Baker")
    joint = bank.open_account(ann, ben, type="uk_retail_joint", balance=1_000_000)
    bank.open_pot(joint.id, "Coin jar", round_up=True)
    return [bank.open_account(ann, balance=1_000_000), joint]


@pytest.fixture
async def process(
    tmp_path: Path, server: BankServer, accounts: list[Account]
) -> AsyncIterator[HomeAssistantProcess]:
    """Return a process, not started, that has Ann's sign-in and an address for webhooks."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    local_url = f"http://127.0.0.1:{port}"
    server.behaviour = replace(server.behaviour, webhook_hosts={EXTERNAL_HOST: local_url})
    write_configuration(tmp_path, server, accounts)
    seed_http(tmp_path, port)
    process = HomeAssistantProcess(tmp_path, server.url, accounts)
    yield process
    await process.kill()


def write_configuration(folder: Path, server: BankServer, accounts: list[Account]) -> None:
    """Write the configuration folder of Home Assistant."""
    custom, modules, storage = (
        folder / name for name in ("custom_components", "modules", ".storage")
    )
    shutil.copytree(REPOSITORY / "custom_components", custom)
    (custom / crash_recorder.DOMAIN).mkdir()
    shutil.copy(crash_recorder.__file__, custom / crash_recorder.DOMAIN / "__init__.py")
    manifest = {"domain": crash_recorder.DOMAIN, "name": "Crash recorder", "version": "1.0.0"}
    (custom / crash_recorder.DOMAIN / "manifest.json").write_text(
        json.dumps(manifest), encoding="utf-8"
    )
    # JSON is valid YAML.
    configuration = {
        "homeassistant": {"external_url": f"https://{EXTERNAL_HOST}"},
        crash_recorder.DOMAIN: {"accounts": [account.id for account in accounts]},
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


@needs_newest_home_assistant
@pytest.mark.timeout((KILLS + 3) * TIMEOUT_SECONDS)
async def test_killing_home_assistant_repeatedly_loses_no_transaction(
    process: HomeAssistantProcess, bank: Bank, server: BankServer
) -> None:
    await process.start()
    await process.wait_until(lambda: len(bank.webhooks) == len(process.accounts))
    payments = PaymentMaker(bank, process.accounts)
    killer = Killer(process, payments, server)
    for account in process.accounts:
        bank.pay(account.id, -1_000)
    for wait in islice(cycle(killer.moments), KILLS):
        await wait()
        await process.kill()
        payments.pay(MISSED_PAYMENTS)
        await process.start()
    await wait_until_all_reported(process, payments)
    await process.stop()

    repeats = 0
    for account in process.accounts:
        repeats += count_repeats(process.reported(account), payments.made_ids[account.id])
        # So the next start repeats nothing.
        assert process.known(account) >= {*payments.made_ids[account.id]}
    made = sum(map(len, payments.made_ids.values()))
    print(f"seed {SEED}: {KILLS} kills, {made} transactions, none lost, {repeats} repeated")  # noqa: T201


async def wait_until_all_reported(process: HomeAssistantProcess, payments: PaymentMaker) -> None:
    """Wait until all transactions are reported, or until the timeout."""

    def all_reported() -> bool:
        return all(
            {*made_ids} <= {known for run in process.reported(account) for known in run}
            for account, made_ids in zip(process.accounts, payments.made_ids.values(), strict=True)
        )

    with suppress(TimeoutError):
        await process.wait_until(all_reported)
