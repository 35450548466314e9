"""Runs one integration in a Home Assistant of its own, and measures it; the bench starts this.

Reads what to do as JSON from standard input, and answers with JSON.
"""

import asyncio
from collections import deque
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
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component

from sandbox.home_assistant.process import seed_http
from sandbox.redirect import redirected
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

from .payment_timer import Customer, Seen, customer_of

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

_REPOSITORY = Path(__file__).parents[2]

_MINUTE = 60
_HOUR = 60 * _MINUTE

# How many seconds without a poll tell what Home Assistant computes anyway.
_IDLE_SECONDS = 30

# Minor units: whole pounds are not rounded up, and this is by sixty pence.
_WHOLE = 300
_ROUNDED_UP = 340

_SECONDS_BETWEEN_PAYMENTS = 1.0

# Everybody polls once a minute at most. What is due with a poll follows within this, and what
# comes of a payment within the other.
_AFTER_A_POLL_SECONDS = 5
_AFTERMATH_SECONDS = 20

# An address as the bank would call it from outside; the sandbox knows that it is this machine.
EXTERNAL_HOST = "home.example.test"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to measure."""

    what: Literal["import", "polls", "hour", "payments", "burst"]
    integration: Integration
    bank_url: str = ""
    token: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    """Where Home Assistant listens."""

    repetitions: int = 0
    """How many polls or payments to measure."""

    latency: float = 0.0
    """What the bank makes every request wait, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Polls:
    """What polling takes."""

    until_loaded: int
    """Requests that had to wait for one another until the config entry was loaded.

    What goes on in the background then is not among them.
    """

    round_trips: float
    """The time that a poll takes, in waits for the bank; the median."""

    cpu: float
    """Seconds of computing per poll; the median."""


@dataclass(frozen=True, kw_only=True)
class Hour:
    """What the bank is asked while nobody does anything."""

    polling: int
    """Requests in the second hour of a bank whose deliveries have not been seen to arrive."""

    with_deliveries: int
    """The same, two hours after a delivery has arrived."""

    most_in_five_minutes: int
    """Requests in any five minutes since the start."""


@dataclass(frozen=True, kw_only=True)
class Payments:
    """What happens when the bank tells of a payment; seconds are since its delivery came in."""

    event: float
    """Seconds until the event, at rest; the median, as for the balance."""

    balance: float

    next_event: float
    """Seconds until the event of a payment that was made a second after another."""

    next_balance: float

    requests: int
    """For a payment at rest; the median."""

    requests_with_round_up: int


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What happens when the bank tells of many payments within a second."""

    requests: int
    events: int

    lasted: float
    """Seconds from the first delivery to the last."""

    event: float
    """Seconds from the first delivery to the last event."""

    balance: float
    """Seconds from the first delivery to the balance after all of them."""


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


class RequestTrace:
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


class HomeAssistantOnFastClock:
    """A Home Assistant with one config entry, living on a fast clock."""

    def __init__(self, hass: HomeAssistant, requests: RequestTrace, clock: FastClock) -> None:
        """Take over one whose config entry has just been set up."""
        self.until_loaded = requests.in_a_row()
        self._hass = hass
        self._clock = clock
        self._idle: deque[float] = deque(maxlen=_IDLE_SECONDS)
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
        while True:
            asked = len(self.requests.spans)
            began, computed = time.perf_counter(), time.process_time()
            await self.live(1)
            passed, computing = time.perf_counter() - began, time.process_time() - computed
            if len(self.requests.spans) == asked:
                self._idle.append(computing)
            elif self._idle:
                return passed, computing - median(self._idle)

    async def rest(self) -> None:
        """Wait for a moment at which no poll is near."""
        await self.poll()
        await self.live(_AFTER_A_POLL_SECONDS)

    async def _settle(self) -> None:
        await asyncio.sleep(0)
        await self._hass.async_block_till_done(wait_background_tasks=True)


async def _polls(task: Task, home: HomeAssistantOnFastClock) -> Polls:
    taken = [await home.poll() for _ in range(task.repetitions)]
    return Polls(
        until_loaded=home.until_loaded,
        round_trips=median(seconds for seconds, _ in taken) / task.latency,
        cpu=median(cpu for _, cpu in taken),
    )


async def _hour(home: HomeAssistantOnFastClock, customer: Customer) -> Hour:
    polling = await _second_hour(home)
    most_in_five_minutes = home.requests.most_within(5 * _MINUTE)
    await customer.see_payment(_WHOLE)
    return Hour(
        polling=polling,
        with_deliveries=await _second_hour(home),
        most_in_five_minutes=most_in_five_minutes,
    )


async def _second_hour(home: HomeAssistantOnFastClock) -> int:
    """Return how many requests are sent in the second hour from now."""
    await home.live(_HOUR)
    asked = len(home.requests.spans)
    await home.live(_HOUR)
    return len(home.requests.spans) - asked


async def _payments(task: Task, home: HomeAssistantOnFastClock, customer: Customer) -> Payments:
    await _until_told(home, customer)
    alone = [await _payment(home, customer, _WHOLE) for _ in range(task.repetitions)]
    _, requests_with_round_up = await _payment(home, customer, _ROUNDED_UP)
    await home.rest()
    await customer.pay(_WHOLE)
    await asyncio.sleep(_SECONDS_BETWEEN_PAYMENTS)
    following = await customer.see_payment(_WHOLE)
    return Payments(
        event=median(seen.event for seen, _ in alone),
        balance=median(seen.balance for seen, _ in alone),
        next_event=following.event,
        next_balance=following.balance,
        requests=round(median(requests for _, requests in alone)),
        requests_with_round_up=requests_with_round_up,
    )


async def _payment(
    home: HomeAssistantOnFastClock, customer: Customer, amount: int
) -> tuple[Seen, int]:
    """Make a payment at rest; return how it was seen, and how many requests came of it."""
    await home.rest()
    asked = len(home.requests.spans)
    seen = await customer.see_payment(amount)
    await home.live(_AFTERMATH_SECONDS)
    return seen, len(home.requests.spans) - asked


async def _until_told(home: HomeAssistantOnFastClock, customer: Customer) -> None:
    """Let time pass until the bank knows where to call for every account, and a payment is told."""
    while not await customer.is_expected():
        await home.live(_MINUTE)
    while not customer.events:
        await customer.pay(_WHOLE)
        await home.live(_MINUTE)


async def _burst(task: Task, home: HomeAssistantOnFastClock, customer: Customer) -> Burst:
    await _until_told(home, customer)
    await home.rest()
    asked, told = len(home.requests.spans), len(customer.events)
    delivered = len(customer.delivered)

    async def pay(number: int) -> None:
        await asyncio.sleep(number / task.repetitions)
        await customer.pay(_WHOLE)

    await asyncio.gather(*(pay(number) for number in range(task.repetitions)))
    event = await customer.all_told(told + task.repetitions)
    began = customer.delivered[delivered]
    balance = await customer.balance_shown(began)
    await home.live(_AFTERMATH_SECONDS)
    return Burst(
        requests=len(home.requests.spans) - asked,
        events=len(customer.events) - told,
        lasted=customer.delivered[-1] - began,
        event=event - began,
        balance=balance - began,
    )


async def _figures(
    task: Task, home: HomeAssistantOnFastClock, customer: Customer
) -> Polls | Hour | Payments | Burst:
    """Measure what was asked for."""
    match task.what:
        case "polls":
            return await _polls(task, home)
        case "hour":
            return await _hour(home, customer)
        case "payments":
            return await _payments(task, home, customer)
        case _:
            return await _burst(task, home, customer)


async def _at_home(task: Task, folder: Path) -> Polls | Hour | Payments | Burst:
    """Set up Home Assistant with the integration, and measure."""
    clock = FastClock()
    hass = HomeAssistant(str(folder))
    hass.config.skip_pip = True
    hass.config_entries = ConfigEntries(hass, {})
    loader.async_setup(hass)
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    await hass.config.async_update(external_url=f"https://{EXTERNAL_HOST}", currency="GBP")
    for component in ("application_credentials", "webhook"):
        await async_setup_component(hass, component, {})
    await async_import_client_credential(
        hass, "monzo", ClientCredential(DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET), "bench"
    )
    await hass.async_start()
    with redirected(task.bank_url), patch.object(time, "monotonic", clock):
        requests = RequestTrace(async_get_clientsession(hass), clock)
        entry = _entry(task.token)
        await hass.config_entries.async_add(entry)
        home = HomeAssistantOnFastClock(hass, requests, clock)
        await hass.async_block_till_done(wait_background_tasks=True)
        if entry.state is not ConfigEntryState.LOADED:
            sys.exit(f"The integration could not be set up: {entry.reason}")
        async with customer_of(hass, task.bank_url) as customer:
            measured = await _figures(task, home, customer)
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
        seed_http(folder, task.port)
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
