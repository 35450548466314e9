"""Runs the demo: the bank, its activity, and a Home Assistant that is connected to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
import shutil
import time

from sandbox.bank import Bank
from sandbox.behaviour import DEFAULT_BANK_BEHAVIOUR, DEFAULT_SERVER_BEHAVIOUR
from sandbox.home_assistant.client import HomeAssistantClient
from sandbox.home_assistant.process import EXTERNAL_HOST, HomeAssistantProcess
from sandbox.household import Household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer

from .activity import SECONDS_BETWEEN, run_activity
from .bank_store import BankStore
from .home_assistant_setup import (
    PASSWORD,
    USERNAME,
    connect,
    furnish,
    greet,
    is_connected,
    log_in,
)
from .past import build_household_with_past, catch_up

STATE_FOLDER = Path(__file__).parents[2] / ".demo"
_HOME_ASSISTANT_FOLDER = STATE_FOLDER / "home-assistant"

_SECONDS_BETWEEN_SAVES = 10.0

# The bank has a transaction every few seconds. Home Assistant could not keep up with the requests
# that are enough for a real household.
_CONSTANTS = {
    "bank.request_budget._REQUESTS_PER_WINDOW": 1_000,
    "bank.request_budget._REQUESTS_PER_WINDOW_IN_ALL": 1_000,
}

_BY_HAND = f"""
To connect the bank yourself:
  1. Log in. Go to Settings > Devices & services > Add integration, and select Monzo.
  2. Enter the credentials of the client that the sandbox bank already knows:
       Name                 any
       OAuth client ID      {DEFAULT_CLIENT_ID}
       OAuth client secret  {DEFAULT_CLIENT_SECRET}
  3. Decide whether Home Assistant may move money, and select Submit.
  4. Select a person in the bank's window, and allow access.
  5. Approve the sign-in on the bank's control page, which stands in for the app on your phone.
  6. Select Skip and finish.
The dashboard "Money" appears afterwards.
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the command line."""

    port: int
    bank_port: int
    speed: float
    by_hand: bool
    fresh: bool

    @property
    def control_page(self) -> str:
        """URL of the bank's control page."""
        return f"http://localhost:{self.bank_port}/control"


class Progress:
    """Prints the steps of the start, with the time since the beginning."""

    def __init__(self) -> None:
        """Initialize the progress with the current time."""
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print the next step."""
        print(f"[{time.monotonic() - self._began:4.0f} s] {text}", flush=True)


async def run_demo(options: Options) -> None:
    """Run the demo until it is cancelled.

    Raises HomeAssistantFailedError if Home Assistant ends by itself.
    """
    progress = Progress()
    async with _open_bank(options, progress) as (household, server):
        progress.say("Starting Home Assistant ...")
        async with (
            HomeAssistantProcess(
                _HOME_ASSISTANT_FOLDER,
                port=options.port,
                bank_url=server.url,
                constants=_CONSTANTS,
            ) as home_assistant,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(home_assistant.run())
            tasks.create_task(run_activity(household, options.speed))
            await _set_up(options, home_assistant.url, household, server, progress)


@asynccontextmanager
async def _open_bank(
    options: Options, progress: Progress
) -> AsyncIterator[tuple[Household, BankServer]]:
    """Serve the stored bank, or a new one, and store it regularly and at the end."""
    store = BankStore(STATE_FOLDER / "bank")
    # Otherwise the household's own transfers would appear in the charts of past spending.
    bank = Bank(behaviour=replace(DEFAULT_BANK_BEHAVIOUR, own_transfers_in_spending=False))
    stored = None if options.fresh else store.load(bank)
    if stored is None:
        progress.say("Creating a household and its bank ...")
        shutil.rmtree(_HOME_ASSISTANT_FOLDER, ignore_errors=True)
    household, sign_ins = stored or (build_household_with_past(bank), {})
    catch_up(household)
    home_assistant_url = f"http://127.0.0.1:{options.port}"
    behaviour = replace(DEFAULT_SERVER_BEHAVIOUR, webhook_hosts={EXTERNAL_HOST: home_assistant_url})
    async with BankServer(bank, port=options.bank_port, behaviour=behaviour) as server:
        vars(server.sign_ins).update(sign_ins)

        async def save_regularly() -> None:
            while True:
                store.save(household, server)
                await asyncio.sleep(_SECONDS_BETWEEN_SAVES)

        saving = asyncio.create_task(save_regularly())
        try:
            yield household, server
        finally:
            saving.cancel()
            store.save(household, server)


async def _set_up(
    options: Options, url: str, household: Household, server: BankServer, progress: Progress
) -> None:
    """Prepare Home Assistant for its user, and print how to use the demo."""
    async with HomeAssistantClient(url) as home_assistant:
        progress.say("Logging in ...")
        await log_in(home_assistant)
        progress.say("Waiting for Home Assistant to finish its start ...")
        await home_assistant.wait_until_started()
        await greet(home_assistant, options.control_page)
        connected = await is_connected(home_assistant)
        if not connected and not options.by_hand:
            progress.say("Connecting the bank: sign-in, approval in the app ...")
            await connect(home_assistant, household, server)
            connected = True
        if connected:
            await furnish(home_assistant, household, _HOME_ASSISTANT_FOLDER)
    progress.say("Ready.")
    print(_welcome(options, url), flush=True)
    if not connected:
        print(_BY_HAND, flush=True)
        await _approval(server)
        async with HomeAssistantClient(url) as home_assistant:
            await log_in(home_assistant)
            # The user completes the sign-in, which may take any time.
            await furnish(home_assistant, household, _HOME_ASSISTANT_FOLDER, limit=None)


async def _approval(server: BankServer) -> None:
    """Wait until the user has approved a sign-in."""
    while not any(grant.approval == "approved" for grant in server.sign_ins.active()):  # noqa: ASYNC110 - the sign-ins have no event
        await asyncio.sleep(1)


def _welcome(options: Options, url: str) -> str:
    seconds = round(SECONDS_BETWEEN / options.speed, 2)
    return f"""
Monzo in Home Assistant, with a sandbox bank. No real money.

  Home Assistant           {url}     log in as {USERNAME}, password {PASSWORD}
  The bank's control page  {options.control_page}

The bank has a new transaction every {seconds:g} seconds. Home Assistant shows it within a second.
Press Ctrl-C to stop. The next start continues with the same bank.
"""
