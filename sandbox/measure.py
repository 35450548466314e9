"""Runs one integration in a Home Assistant of its own, and measures it; the bench starts this.

Reads what to do as JSON from standard input, and answers with JSON.
"""

import asyncio
from dataclasses import asdict, dataclass, field
import importlib
import json
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
import time
from types import MappingProxyType
from typing import Any, Literal
from unittest.mock import patch

from aiohttp import ClientSession, TraceConfig
from homeassistant import bootstrap, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.components.application_credentials import (
    ClientCredential,
    async_import_client_credential,
)
from homeassistant.config_entries import ConfigEntries, ConfigEntry, ConfigEntryState
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component

from .home_assistant import seed_http
from .redirect import redirected
from .server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

type Integration = Literal["ours", "core"]

PACKAGES: dict[Integration, str] = {
    "ours": "custom_components.monzo",
    "core": "homeassistant.components.monzo",
}

# What every Home Assistant has loaded anyway, so that no integration is charged for it.
_IN_EVERY_HOME = (
    "binary_sensor",
    "diagnostics",
    "event",
    "frontend",
    "repairs",
    "sensor",
    "system_health",
    "webhook",
)

_REPOSITORY = Path(__file__).parents[1]

_MINUTE = 60
_HOUR = 60 * _MINUTE


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to measure."""

    what: Literal["import", "polls", "hour"]
    integration: Integration
    bank_url: str = ""
    token: dict[str, Any] = field(default_factory=dict)
    polls: int = 0
    """How many polls to measure."""

    latency: float = 0.0
    """What the bank makes every request wait, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Polls:
    """What polling takes."""

    until_loaded: int
    """Requests that had to wait for one another until the config entry was loaded."""

    round_trips: float
    """The time that a poll takes, in waits for the bank; the median."""

    cpu: float
    """Seconds of computing per poll; the median."""


@dataclass(frozen=True, kw_only=True)
class Hour:
    """What the bank is asked while nobody does anything."""

    requests: int
    """In the second hour."""

    most_in_five_minutes: int
    """In any five minutes since the start."""


class FastClock:
    """A monotonic clock that can be turned forward, and the event loop's timers with it."""

    def __init__(self) -> None:
        """Begin with the real time."""
        self._real = time.monotonic
        self._ahead = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self._real() + self._ahead

    def forward(self, seconds: float) -> None:
        """Turn forward."""
        self._ahead += seconds


class Requests:
    """When each request of a session was sent and answered."""

    def __init__(self, session: ClientSession, clock: FastClock) -> None:
        """Watch a session."""
        self.spans: list[tuple[float, float]] = []
        self._clock = clock
        watch = TraceConfig()
        watch.on_request_start.append(self._sent)
        watch.on_request_end.append(self._answered)
        watch.freeze()
        session.trace_configs.append(watch)

    async def _sent(self, _session: ClientSession, context: Any, _request: Any) -> None:  # noqa: ANN401
        context.sent = self._clock()

    async def _answered(self, _session: ClientSession, context: Any, _response: Any) -> None:  # noqa: ANN401
        self.spans.append((context.sent, self._clock()))

    def in_a_row(self) -> int:
        """Return how many requests at most were each sent after the one before was answered."""
        row, free = 0, 0.0
        for sent, answered in sorted(self.spans, key=lambda span: span[1]):
            if sent >= free:
                row, free = row + 1, answered
        return row

    def most_within(self, seconds: float) -> int:
        """Return the most requests that were sent within any span of so many seconds."""
        times = sorted(sent for sent, _ in self.spans)
        return max(sum(begin <= sent < begin + seconds for sent in times) for begin in times)


class Home:
    """A Home Assistant with one config entry, living on a fast clock."""

    def __init__(self, hass: HomeAssistant, requests: Requests, clock: FastClock) -> None:
        """Take over one that is loaded."""
        self._hass = hass
        self._clock = clock
        self.requests = requests

    async def live(self, seconds: int) -> None:
        """Let time pass, a second at once, with all that is to be done then."""
        for _ in range(seconds):
            self._clock.forward(1)
            await self._settle()

    async def poll(self) -> tuple[float, float]:
        """Wait for the next poll; return the real seconds that it and its computing took.

        What Home Assistant computes in a second without a poll is not counted.
        """
        asked = len(self.requests.spans)
        idle: list[float] = []
        while True:
            began, computed = time.perf_counter(), time.process_time()
            await self.live(1)
            passed, computing = time.perf_counter() - began, time.process_time() - computed
            if len(self.requests.spans) > asked:
                return passed, computing - median(idle)
            idle.append(computing)

    async def _settle(self) -> None:
        await asyncio.sleep(0)
        await self._hass.async_block_till_done(wait_background_tasks=True)


async def _polls(task: Task, home: Home) -> Polls:
    until_loaded = home.requests.in_a_row()
    taken = [await home.poll() for _ in range(task.polls)]
    return Polls(
        until_loaded=until_loaded,
        round_trips=median(seconds for seconds, _ in taken) / task.latency,
        cpu=median(cpu for _, cpu in taken),
    )


async def _hour(home: Home) -> Hour:
    await home.live(_HOUR)
    first_hour = len(home.requests.spans)
    await home.live(_HOUR)
    return Hour(
        requests=len(home.requests.spans) - first_hour,
        most_in_five_minutes=home.requests.most_within(5 * _MINUTE),
    )


async def _at_home(task: Task, folder: Path) -> Polls | Hour:
    """Set up Home Assistant with the integration, and measure."""
    clock = FastClock()
    hass = HomeAssistant(str(folder))
    hass.config.skip_pip = True
    hass.config_entries = ConfigEntries(hass, {})
    loader.async_setup(hass)
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    await hass.config.async_update(external_url="https://home.example.test", currency="GBP")
    for component in ("application_credentials", "webhook"):
        await async_setup_component(hass, component, {})
    await async_import_client_credential(
        hass, "monzo", ClientCredential(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET), "bench"
    )
    hass.set_state(CoreState.running)
    with redirected(task.bank_url), patch.object(time, "monotonic", clock):
        requests = Requests(async_get_clientsession(hass), clock)
        entry = _entry(task.token)
        await hass.config_entries.async_add(entry)
        await hass.async_block_till_done(wait_background_tasks=True)
        if entry.state is not ConfigEntryState.LOADED:
            sys.exit(f"The integration could not be set up: {entry.reason}")
        home = Home(hass, requests, clock)
        measured = await _polls(task, home) if task.what == "polls" else await _hour(home)
        await hass.async_stop(force=True)
    return measured


def _entry(token: dict[str, Any]) -> ConfigEntry[Any]:
    """Return a config entry as either integration writes it."""
    return ConfigEntry(
        data={
            "auth_implementation": "bench",
            "token": {**token, "expires_at": time.time() + token["expires_in"]},
            "webhook_id": "bench",
        },
        discovery_keys=MappingProxyType({}),
        domain="monzo",
        minor_version=3,
        options={},
        source="user",
        subentries_data=(),
        title="Ann Archer",
        unique_id=token["user_id"],
        version=1,
    )


def _seconds_to_import(integration: Integration) -> float:
    """Return how long an integration takes to import, with what a start needs of it."""
    for component in _IN_EVERY_HOME:
        importlib.import_module(f"homeassistant.components.{component}")
    began = time.perf_counter()
    package = importlib.import_module(PACKAGES[integration])
    for module in ("application_credentials", "config_flow", *package.PLATFORMS):
        importlib.import_module(f"{PACKAGES[integration]}.{module}")
    return time.perf_counter() - began


def main() -> None:
    """Measure what standard input says."""
    task = Task(**json.load(sys.stdin))
    if task.what == "import":
        print(json.dumps(_seconds_to_import(task.integration)))
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        seed_http(folder, port=0)
        components = folder / "custom_components"
        if task.integration == "ours":
            components.symlink_to(_REPOSITORY / "custom_components")
        else:
            # Otherwise the repository's own would be found on the path.
            components.mkdir()
            (components / "__init__.py").touch()
        print(json.dumps(asdict(asyncio.run(_at_home(task, folder)))))


if __name__ == "__main__":
    main()
