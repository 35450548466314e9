"""The demo: a real Home Assistant, signed in to the sandbox bank, with money that moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
import shutil
import time

from sandbox.bank import Bank
from sandbox.behaviour import DEFAULT_SERVER_BEHAVIOUR
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.home_assistant.errors import HomeAssistantFailedError
from sandbox.home_assistant.process import HomeAssistantProcess
from sandbox.home_assistant.sign_in import add_credentials, sign_in
from sandbox.household import Household, build_household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer

from .activity import SECONDS_BETWEEN, run_activity
from .bank_store import BankStore
from .past_statistics import import_past_statistics

STATE = Path(__file__).parents[2] / ".demo"
_HOME_ASSISTANT = STATE / "home-assistant"
_USER = "demo"
_MONZO = {"domain": "monzo"}
_DASHBOARD = "demo-bank"

# An address as the bank would call it from outside; the sandbox knows that it is this machine.
_EXTERNAL_HOST = "home.example.test"

_SECONDS_BETWEEN_SAVES = 10.0

_BY_HAND = f"""
To connect the bank yourself:
  1. Log in, and go to Settings, Devices & services, Add integration, Monzo.
  2. Type the client that the sandbox bank knows, so there is none to create:
       Name                 any
       OAuth client ID      {DEFAULT_CLIENT_ID}
       OAuth client secret  {DEFAULT_CLIENT_SECRET}
  3. Say who you are in the bank's window, and allow the access.
  4. Approve it on the bank's control page, which stands for the app on your phone.
The dashboard "Money" appears when that is done.
"""

_GREETING = (
    "Everything at the bank comes from a sandbox on this computer. "
    "On [its control page]({control}) you can pay, receive, decline, close a pot, and break the "
    "bank. What happens there shows up here within a second."
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for on the command line."""

    port: int
    bank_port: int
    speed: float
    by_hand: bool
    fresh: bool


class Progress:
    """Tells whoever waits what is going on, and how long it has taken so far."""

    def __init__(self) -> None:
        """Begin to count."""
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Say what comes next."""
        print(f"[{time.monotonic() - self._began:4.0f} s] {text}", flush=True)


async def demonstrate(options: Options) -> None:
    """Run everything until cancelled. Raises HomeAssistantFailedError if Home Assistant ends before."""
    progress = Progress()
    async with _opened_bank(options, progress) as (household, server):
        progress.say("Starting Home Assistant ...")
        async with (
            HomeAssistantProcess(
                _HOME_ASSISTANT, port=options.port, bank_url=server.url
            ) as home_assistant,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(home_assistant.run())
            tasks.create_task(run_activity(household, options.speed))
            await _set_up(options, home_assistant.url, household, server, progress)


@asynccontextmanager
async def _opened_bank(
    options: Options, progress: Progress
) -> AsyncIterator[tuple[Household, BankServer]]:
    """Open the bank where it closed, or a new one; keep it while it is open and when it closes."""
    store = BankStore(STATE / "bank")
    bank = Bank()
    kept = None if options.fresh else store.load(bank)
    if kept is None:
        progress.say("Founding a household and its bank ...")
        shutil.rmtree(_HOME_ASSISTANT, ignore_errors=True)
    household, sign_ins = kept or (build_household(bank), {})
    here = f"http://127.0.0.1:{options.port}"
    behaviour = replace(DEFAULT_SERVER_BEHAVIOUR, webhook_hosts={_EXTERNAL_HOST: here})
    async with BankServer(bank, port=options.bank_port, behaviour=behaviour) as server:
        vars(server.sign_ins).update(sign_ins)

        async def keep() -> None:
            while True:
                store.save(household, server)
                await asyncio.sleep(_SECONDS_BETWEEN_SAVES)

        keeping = asyncio.create_task(keep())
        try:
            yield household, server
        finally:
            keeping.cancel()
            store.save(household, server)


async def _set_up(
    options: Options, url: str, household: Household, server: BankServer, progress: Progress
) -> None:
    """Bring Home Assistant to where a visitor begins, and say where that is."""
    control_page = f"http://localhost:{options.bank_port}/control"
    async with HomeAssistantClient(url) as home_assistant:
        if await home_assistant.needs_onboarding():
            progress.say("Creating the user ...")
            await home_assistant.onboard("Demo", _USER, _USER)
            await _configure(home_assistant)
        else:
            await home_assistant.log_in(_USER, _USER)
        progress.say("Waiting for Home Assistant to be up ...")
        await home_assistant.wait_until_started()
        await _greet(home_assistant, control_page)
        connected = bool(await home_assistant.command("config_entries/get", **_MONZO))
        if not connected and not options.by_hand:
            progress.say("Connecting the bank: sign-in, approval in the app ...")
            await _connect(home_assistant, household, server)
            connected = True
        if connected:
            await _show(home_assistant, server.bank)
    progress.say("Ready.")
    print(_welcome(options, url, control_page))
    if not connected:
        print(_BY_HAND)
        await _signed_in(server)
        async with HomeAssistantClient(url) as home_assistant:
            await home_assistant.log_in(_USER, _USER)
            await _show(home_assistant, server.bank)


async def _configure(home_assistant: HomeAssistantClient) -> None:
    """Say where this household is, and how the bank would call it."""
    await home_assistant.command(
        "config/core/update",
        location_name="Mill Street",
        country="GB",
        currency="GBP",
        time_zone="Europe/London",
        unit_system="metric",
        external_url=f"https://{_EXTERNAL_HOST}",
    )


async def _connect(
    home_assistant: HomeAssistantClient, household: Household, server: BankServer
) -> None:
    """Do what a visitor would do by hand."""
    credentials = await home_assistant.command("application_credentials/list")
    if not any(known["domain"] == "monzo" for known in credentials):
        await add_credentials(home_assistant, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
    await sign_in(home_assistant, household.ann, server.approve)


async def _signed_in(server: BankServer) -> None:
    """Wait until somebody has approved a sign-in at the bank."""
    while not any(grant.approval == "approved" for grant in server.sign_ins.active()):  # noqa: ASYNC110 - not ours
        await asyncio.sleep(1)


async def _greet(home_assistant: HomeAssistantClient, control_page: str) -> None:
    """Say in Home Assistant what this is; it forgets that when it stops."""
    await home_assistant.post(
        "/api/services/persistent_notification/create",
        {
            "notification_id": "demo",
            "title": "A bank that is not real",
            "message": _GREETING.format(control=control_page),
        },
    )


async def _show(home_assistant: HomeAssistantClient, bank: Bank) -> None:
    """Wait until the bank's entities are there, and see that there is a dashboard for them.

    It comes after the past, and whoever logs in begins there.
    """
    dashboards = await home_assistant.command("lovelace/dashboards/list")
    if any(dashboard["url_path"] == _DASHBOARD for dashboard in dashboards):
        return
    while not await _is_loaded(home_assistant):  # noqa: ASYNC110 - far away
        await asyncio.sleep(0.2)
    await import_past_statistics(home_assistant, bank)
    await home_assistant.command(
        "lovelace/dashboards/create", url_path=_DASHBOARD, title="Money", icon="mdi:wallet"
    )
    await home_assistant.command(
        "lovelace/config/save", url_path=_DASHBOARD, config={"strategy": {"type": "custom:monzo"}}
    )
    await home_assistant.command(
        "frontend/set_system_data", key="core", value={"default_panel": _DASHBOARD}
    )


async def _is_loaded(home_assistant: HomeAssistantClient) -> bool:
    """Return whether the integration is set up. Raises HomeAssistantFailedError if it never will be."""
    entries = await home_assistant.command("config_entries/get", **_MONZO)
    for entry in entries:
        if entry["state"] == "setup_error":
            msg = f"The integration could not be set up: {entry['reason']}"
            raise HomeAssistantFailedError(msg)
    return any(entry["state"] == "loaded" for entry in entries)


def _welcome(options: Options, url: str, control_page: str) -> str:
    seconds = round(SECONDS_BETWEEN / options.speed, 2)
    return f"""
Monzo in Home Assistant, with a sandbox for a bank. No real money.

  Home Assistant        {url}     log in as {_USER}, password {_USER}
  The bank's controls   {control_page}

Something happens at the bank every {seconds:g} seconds, and shows up within one.
Ctrl-C ends everything, and the next start goes on from there.
"""
