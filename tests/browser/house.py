"""A Home Assistant with its frontend, in a process of its own, and the bank that it knows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
import socket
from typing import override

from sandbox.bank import Bank
from sandbox.behaviour import DEFAULT_SERVER_BEHAVIOUR
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.home_assistant.process import HomeAssistantProcess
from sandbox.home_assistant.sign_in import add_credentials, sign_in
from sandbox.household import Household, build_household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer

# The newest Home Assistant; the tests themselves run beside the oldest supported one.
PYTHON = Path(__file__).parents[2] / ".venv-demo/bin/python"

# An address as the bank would call it from outside; the sandbox knows that it is this machine.
EXTERNAL_HOST = "home.example.test"

# Until what should happen at the bank is missed, also on a slow machine.
_PATIENCE_SECONDS = 20

# How long the integration waits for an approval, and how long here: nobody wants to sit through it.
_PAUSES = "APPROVAL_PAUSES: Final = (*[2] * 5, *[5] * 10, *[10] * 6)"
_SHORT_PAUSES = "APPROVAL_PAUSES: Final = (*[0.5] * 12,)"


@dataclass(frozen=True, kw_only=True)
class House:
    """Where a test takes place.

    The bank lives in the test's event loop: change it, and read its ledger, as you like.
    `owner` is logged in over the API, for what a test wants to arrange or check without clicks.
    """

    home: Household
    server: BankServer
    home_assistant: HomeAssistantProcess
    owner: HomeAssistantClient

    @property
    def moment(self) -> datetime | None:
        """When the clocks of Home Assistant and of its browsers stand still; None: they go."""
        return self.home_assistant.moment

    async def set_clock(self, moment: datetime) -> None:
        """Have Home Assistant, and browsers opened from now on, be at another moment."""
        await self.home_assistant.set_clock(moment)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await self.owner.now() != moment:  # noqa: ASYNC110 - far away
                await asyncio.sleep(0.05)

    @property
    def url(self) -> str:
        """Where the frontend is."""
        return self.home_assistant.url

    @property
    def bank(self) -> Bank:
        """The ledger."""
        return self.home.bank

    async def connect(self) -> None:
        """Sign Ann in without clicks, and wait until her entities are there."""
        await add_credentials(self.owner, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
        await sign_in(self.owner, self.home.ann, self.server.approve)
        await self.loaded()

    def evict_ann(self) -> None:
        """Have another program take Ann's sign-in over; a payment lets the house find out."""
        self.server.evict(self.home.ann)
        self.bank.pay(self.home.current.id, -240, merchant="City Trams")

    async def loaded(self) -> None:
        """Wait until every entry of the integration is set up, and the bank knows its webhooks."""
        while any(entry["state"] != "loaded" for entry in await self.entries()):  # noqa: ASYNC110 - far away
            await asyncio.sleep(0.1)
        await until(lambda: self.bank.webhooks)

    async def forget(self) -> None:
        """Have Home Assistant no longer know the bank: all that people made for it goes."""
        for dashboard in await self.owner.command("lovelace/dashboards/list"):
            await self.owner.command("lovelace/dashboards/delete", dashboard_id=dashboard["id"])
        for flow in await self.owner.command("config_entries/flow/progress"):
            await self.owner.delete(f"/api/config/config_entries/flow/{flow['flow_id']}")
        for entry in await self.entries():
            await self.owner.delete(f"/api/config/config_entries/entry/{entry['entry_id']}")
        for credentials in await self.owner.command("application_credentials/list"):
            await self.owner.command(
                "application_credentials/delete", application_credentials_id=credentials["id"]
            )

    async def entries(self) -> list[dict[str, object]]:
        """Return the integration's config entries."""
        entries: list[dict[str, object]] = await self.owner.command(
            "config_entries/get", domain="monzo"
        )
        return entries


class Hasty(HomeAssistantProcess):
    """Waits for an approval as in life, but not as long."""

    @override
    def prepare(self) -> None:
        """Shorten the pauses in the copy of the integration."""
        super().prepare()
        config_flow = self.folder / "custom_components/monzo/config_flow.py"
        source = config_flow.read_text(encoding="utf-8")
        assert _PAUSES in source
        config_flow.write_text(source.replace(_PAUSES, _SHORT_PAUSES), encoding="utf-8")


@asynccontextmanager
async def opened(folder: Path, moment: datetime | None = None) -> AsyncIterator[House]:
    """Start everything in an empty folder: Ann's bank, and a Home Assistant that is new to it.

    Home Assistant's clock stands still at the moment, if there is one; the bank's is the caller's.
    Without one, waiting for an approval is cut short; with one there has to be time for a picture.
    """
    home_assistant_in = HomeAssistantProcess if moment else Hasty
    port = _free_port()
    behaviour = replace(
        DEFAULT_SERVER_BEHAVIOUR, webhook_hosts={EXTERNAL_HOST: f"http://127.0.0.1:{port}"}
    )
    home = build_household(Bank())
    async with (
        BankServer(home.bank, behaviour=behaviour) as server,
        home_assistant_in(
            folder, port=port, bank_url=server.url, python=PYTHON, moment=moment
        ) as home_assistant,
        HomeAssistantClient(home_assistant.url) as owner,
    ):
        await owner.onboard("Ann", "ann", "ann")
        await owner.command(
            "config/core/update",
            location_name="Mill Street",
            country="GB",
            currency="GBP",
            time_zone="Europe/London",
            unit_system="metric",
            external_url=f"https://{EXTERNAL_HOST}",
        )
        await owner.wait_until_started()
        yield House(home=home, server=server, home_assistant=home_assistant, owner=owner)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something at the bank, of which nobody tells. Raises TimeoutError if it fails to."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the bank has no such event
            await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
