"""A Home Assistant with its frontend, in a separate process, connected to a sandbox bank."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from inspect import isawaitable
from pathlib import Path
from shutil import copytree
import socket
from typing import Final

from sandbox.bank import Bank
from sandbox.behaviour import DEFAULT_SERVER_BEHAVIOUR
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.home_assistant.process import EXTERNAL_HOST, HomeAssistantProcess
from sandbox.home_assistant.sign_in import add_credentials, sign_in
from sandbox.household import Household, build_household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from tests.helpers.newest_home_assistant import PYTHON

_BLUEPRINTS: Final = Path(__file__).parents[2] / "blueprints/automation/monzo"

# All tests together send far more requests than a household does, and approve many sign-ins.
_CONSTANTS: Final = {
    "bank.request_budget._REQUESTS_PER_WINDOW": 10_000,
    "bank.request_budget._REQUESTS_PER_WINDOW_IN_ALL": 10_000,
    "bank.approval.APPROVAL_PAUSES": [0.2] * 600,
}

# Limit of each wait, with a margin for a busy machine.
MAX_WAIT_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True)
class HaInstance:
    """A running Home Assistant and the bank of its residents.

    The bank lives in the test's event loop: tests change it and read its ledger directly.
    `admin` is the API client of an administrator, for preparations and checks without clicks.
    """

    home: Household
    server: BankServer
    process: HomeAssistantProcess
    admin: HomeAssistantClient

    @property
    def moment(self) -> datetime | None:
        """The time at which the clocks of Home Assistant and its browsers are stopped, if any."""
        return self.process.moment

    async def set_clock(self, moment: datetime) -> None:
        """Move the stopped clock of Home Assistant, and of browsers opened from now on."""
        await self.process.set_clock(moment)

        async def is_set() -> bool:
            return await self.admin.now() == moment

        await wait_until(is_set, f"Home Assistant's clock shows {moment}")

    @property
    def url(self) -> str:
        """The address of the frontend."""
        return self.process.url

    @property
    def bank(self) -> Bank:
        """The bank's ledger."""
        return self.home.bank

    async def connect(self) -> None:
        """Add the integration for Ann through the API, and wait until it is loaded."""
        await add_credentials(self.admin, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
        await sign_in(self.admin, self.home.ann, self.server.approve)
        await self.wait_until_loaded()

    def replace_anns_token(self) -> None:
        """Let another program take over Ann's sign-in.

        The bank refuses the old token as soon as Home Assistant reads the payment.
        """
        self.server.evict(self.home.ann)
        self.bank.pay(self.home.current.id, -240, merchant="City Trams")

    async def wait_until_loaded(self) -> None:
        """Wait until the config entries are loaded and their webhooks are registered."""

        async def is_loaded() -> bool:
            return all(entry["state"] == "loaded" for entry in await self.entries())

        await wait_until(is_loaded, "the config entries are loaded")
        await wait_until(lambda: self.bank.webhooks, "the webhooks are registered")

    async def remove_everything(self) -> None:
        """Remove the dashboards, flows, config entries and credentials that a test created."""
        for dashboard in await self.admin.command("lovelace/dashboards/list"):
            await self.admin.command("lovelace/dashboards/delete", dashboard_id=dashboard["id"])
        for flow in await self.admin.command("config_entries/flow/progress"):
            await self.admin.delete(f"/api/config/config_entries/flow/{flow['flow_id']}")
        for entry in await self.entries():
            await self.admin.delete(f"/api/config/config_entries/entry/{entry['entry_id']}")
        for credentials in await self.admin.command("application_credentials/list"):
            await self.admin.command(
                "application_credentials/delete", application_credentials_id=credentials["id"]
            )

    async def entries(self) -> list[dict[str, object]]:
        """Return the integration's config entries."""
        entries: list[dict[str, object]] = await self.admin.command(
            "config_entries/get", domain="monzo"
        )
        return entries


@asynccontextmanager
async def run_home_assistant(
    folder: Path,
    moment: datetime | None = None,
    home: Household | None = None,
) -> AsyncIterator[HaInstance]:
    """Start a bank and a Home Assistant without the integration, in an empty folder.

    The blueprints are there, as if they had been imported. With a moment, Home Assistant's clock is
    stopped there. The caller sets the bank's clock. The household is that of the tests, unless it
    is given.
    """
    copytree(_BLUEPRINTS, folder / "blueprints/automation/monzo-for-home-assistant")
    port = _free_port()
    behaviour = replace(
        DEFAULT_SERVER_BEHAVIOUR, webhook_hosts={EXTERNAL_HOST: f"http://127.0.0.1:{port}"}
    )
    home = home or build_household(Bank())
    async with (
        BankServer(home.bank, behaviour=behaviour) as server,
        HomeAssistantProcess(
            folder,
            port=port,
            bank_url=server.url,
            python=PYTHON,
            moment=moment,
            constants=_CONSTANTS,
        ) as process,
        HomeAssistantClient(process.url) as admin,
    ):
        await admin.onboard("Ann", "ann", "ann")
        await admin.command(
            "config/core/update",
            location_name="Mill Street",
            country="GB",
            currency="GBP",
            time_zone="Europe/London",
            unit_system="metric",
            external_url=f"https://{EXTERNAL_HOST}",
        )
        await admin.wait_until_started()
        yield HaInstance(home=home, server=server, process=process, admin=admin)


async def wait_until(condition: Callable[[], object], description: str) -> None:
    """Poll a condition, which may be a coroutine function, until it holds.

    Raises TimeoutError with the description of the condition.
    """
    try:
        async with asyncio.timeout(MAX_WAIT_SECONDS):
            while True:
                result = condition()
                if await result if isawaitable(result) else result:
                    return
                await asyncio.sleep(0.05)
    except TimeoutError as err:
        msg = f"Not true within {MAX_WAIT_SECONDS} s: {description}"
        raise TimeoutError(msg) from err


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
