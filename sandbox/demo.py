"""The demo: a real Home Assistant, signed in to the sandbox bank, with money that moves."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
import fcntl
from pathlib import Path
import shutil
import signal
import socket
import sys
import time

from .bank import Bank
from .behaviour import AS_ASSUMED
from .home import Home, build_home
from .home_assistant import Frontend, HomeAssistant, HomeAssistantError
from .life import SECONDS_BETWEEN, keep_living
from .past import import_past
from .server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from .sign_in import add_credentials, sign_in
from .vault import Vault

_STATE = Path(__file__).parents[1] / ".demo"
_HOME_ASSISTANT = _STATE / "home-assistant"
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
    """Run everything until cancelled. Raises HomeAssistantError if Home Assistant ends before."""
    progress = Progress()
    async with _opened_bank(options, progress) as (home, server):
        progress.say("Starting Home Assistant ...")
        async with (
            HomeAssistant(
                _HOME_ASSISTANT, port=options.port, bank_url=server.url
            ) as home_assistant,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(home_assistant.run())
            tasks.create_task(keep_living(home, options.speed))
            await _set_up(options, home_assistant.url, home, server, progress)


@asynccontextmanager
async def _opened_bank(
    options: Options, progress: Progress
) -> AsyncIterator[tuple[Home, BankServer]]:
    """Open the bank where it closed, or a new one; keep it while it is open and when it closes."""
    vault = Vault(_STATE / "bank")
    bank = Bank()
    kept = None if options.fresh else vault.open(bank)
    if kept is None:
        progress.say("Founding a household and its bank ...")
        shutil.rmtree(_HOME_ASSISTANT, ignore_errors=True)
    home, sign_ins = kept or (build_home(bank), {})
    here = f"http://127.0.0.1:{options.port}"
    behaviour = replace(AS_ASSUMED, webhook_hosts={_EXTERNAL_HOST: here})
    async with BankServer(bank, port=options.bank_port, behaviour=behaviour) as server:
        vars(server.sign_ins).update(sign_ins)

        async def keep() -> None:
            while True:
                vault.keep(home, server)
                await asyncio.sleep(_SECONDS_BETWEEN_SAVES)

        keeping = asyncio.create_task(keep())
        try:
            yield home, server
        finally:
            keeping.cancel()
            vault.keep(home, server)


async def _set_up(
    options: Options, url: str, home: Home, server: BankServer, progress: Progress
) -> None:
    """Bring Home Assistant to where a visitor begins, and say where that is."""
    control_page = f"http://localhost:{options.bank_port}/control"
    async with Frontend(url) as frontend:
        if await frontend.is_new():
            progress.say("Creating the user ...")
            await frontend.onboard("Demo", _USER, _USER)
            await _configure(frontend)
        else:
            await frontend.log_in(_USER, _USER)
        progress.say("Waiting for Home Assistant to be up ...")
        await frontend.started()
        await _greet(frontend, control_page)
        connected = bool(await frontend.command("config_entries/get", **_MONZO))
        if not connected and not options.by_hand:
            progress.say("Connecting the bank: sign-in, approval in the app ...")
            await _connect(frontend, home, server)
            connected = True
        if connected:
            await _show(frontend, server.bank)
    progress.say("Ready.")
    print(_welcome(options, url, control_page))
    if not connected:
        print(_BY_HAND)
        await _signed_in(server)
        async with Frontend(url) as frontend:
            await frontend.log_in(_USER, _USER)
            await _show(frontend, server.bank)


async def _configure(frontend: Frontend) -> None:
    """Say where this home is, and how the bank would call it."""
    await frontend.command(
        "config/core/update",
        location_name="Mill Street",
        country="GB",
        currency="GBP",
        time_zone="Europe/London",
        unit_system="metric",
        external_url=f"https://{_EXTERNAL_HOST}",
    )


async def _connect(frontend: Frontend, home: Home, server: BankServer) -> None:
    """Do what a visitor would do by hand."""
    credentials = await frontend.command("application_credentials/list")
    if not any(known["domain"] == "monzo" for known in credentials):
        await add_credentials(frontend, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
    await sign_in(frontend, home.ann, server.approve)


async def _signed_in(server: BankServer) -> None:
    """Wait until somebody has approved a sign-in at the bank."""
    while not any(grant.approval == "approved" for grant in server.sign_ins.live()):  # noqa: ASYNC110 - not ours
        await asyncio.sleep(1)


async def _greet(frontend: Frontend, control_page: str) -> None:
    """Say in Home Assistant what this is; it forgets that when it stops."""
    await frontend.post(
        "/api/services/persistent_notification/create",
        {
            "notification_id": "demo",
            "title": "A bank that is not real",
            "message": _GREETING.format(control=control_page),
        },
    )


async def _show(frontend: Frontend, bank: Bank) -> None:
    """Wait until the bank's entities are there, and see that there is a dashboard for them.

    It comes after the past, and whoever logs in begins there.
    """
    dashboards = await frontend.command("lovelace/dashboards/list")
    if any(dashboard["url_path"] == _DASHBOARD for dashboard in dashboards):
        return
    while not await _is_loaded(frontend):  # noqa: ASYNC110 - far away
        await asyncio.sleep(0.2)
    await import_past(frontend, bank)
    await frontend.command(
        "lovelace/dashboards/create", url_path=_DASHBOARD, title="Money", icon="mdi:wallet"
    )
    await frontend.command(
        "lovelace/config/save", url_path=_DASHBOARD, config={"strategy": {"type": "custom:monzo"}}
    )
    await frontend.command(
        "frontend/set_system_data", key="core", value={"default_panel": _DASHBOARD}
    )


async def _is_loaded(frontend: Frontend) -> bool:
    """Return whether the integration is set up. Raises HomeAssistantError if it never will be."""
    entries = await frontend.command("config_entries/get", **_MONZO)
    for entry in entries:
        if entry["state"] == "setup_error":
            msg = f"The integration could not be set up: {entry['reason']}"
            raise HomeAssistantError(msg)
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


def _expect_free(port: int, option: str) -> None:
    """End the program if somebody else listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as err:
            sys.exit(f"Port {port} cannot be used ({err}). Choose another with {option}.")


def _speed(text: str) -> float:
    """Return a factor that time can be multiplied by."""
    speed = float(text)
    if speed <= 0:
        msg = "the speed must be above zero"
        raise argparse.ArgumentTypeError(msg)
    return speed


def _options() -> Options:
    """Read the command line; `scripts/demo --help` explains it."""
    parser = argparse.ArgumentParser(prog="scripts/demo", add_help=False)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--bank-port", type=int, default=8124)
    parser.add_argument("--speed", type=_speed, default=1.0)
    parser.add_argument("--by-hand", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    return Options(**vars(parser.parse_args()))


async def _run(options: Options) -> None:
    """Run the demo until a signal asks to stop; a second one is less patient."""
    running = asyncio.current_task()

    def stop() -> None:
        print("\nStopping ...", flush=True)
        if running is not None:
            running.cancel()

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await demonstrate(options)


def main() -> None:
    """Show the demo."""
    options = _options()
    _STATE.mkdir(exist_ok=True)
    with (_STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("The demo is running already, in another terminal.")
        _expect_free(options.port, "--port")
        _expect_free(options.bank_port, "--bank-port")
        try:
            asyncio.run(_run(options))
        except* HomeAssistantError as errors:
            sys.exit("\n".join(str(error) for error in errors.exceptions))


if __name__ == "__main__":
    main()
