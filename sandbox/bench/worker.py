"""Measures one integration in a new Home Assistant; `comparison` runs this module as a process.

Reads its task from standard input, and writes its result to standard output, both as JSON.
"""

import asyncio
from collections import deque
from dataclasses import asdict, dataclass, field
import importlib
import json
from pathlib import Path
from statistics import median
import sys
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
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

from sandbox.home_assistant.process import EXTERNAL_HOST, seed_http
from sandbox.redirect import redirected
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

from .payment_timer import PaymentTimer, PaymentTimes, payment_timer

type Integration = Literal["ours", "core"]

PACKAGES: dict[Integration, str] = {
    "ours": "custom_components.monzo",
    "core": "homeassistant.components.monzo",
}

# Loaded in every Home Assistant, so their import time does not count.
_ALWAYS_LOADED = (
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

# Number of seconds without a poll from which Home Assistant's base load is computed.
_IDLE_SECONDS = 30

# Minor units: a payment of whole pounds has no round-up, the other one has a round-up of 60 pence.
_WITHOUT_ROUND_UP = 300
_WITH_ROUND_UP = 340

_SECONDS_BETWEEN_PAYMENTS = 1.0

# Minutes of the accelerated clock in which the webhooks and the first event have to appear.
_PREPARATION_MINUTES = 24 * 60

# Both integrations poll at most once a minute. Requests that belong to a poll follow within the
# first duration; requests that a payment causes follow within the second one.
_AFTER_POLL_SECONDS = 5
_AFTER_PAYMENT_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Task:
    """A measurement to run."""

    measurement: Literal["import", "polls", "hour", "payments", "burst"]
    integration: Integration
    folder: str
    """An empty folder for Home Assistant's configuration."""

    bank_url: str = ""
    token: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    """The port of Home Assistant."""

    repetitions: int = 0
    """Number of polls or payments to measure."""

    latency: float = 0.0
    """Round trip time of the bank, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Polls:
    """Cost of polling."""

    until_loaded: int
    """Requests until the config entry was loaded that had to wait for an earlier response.

    Requests in the background afterwards do not count.
    """

    round_trips: float
    """Median duration of a poll, in round trips."""

    cpu: float
    """Median CPU time of a poll, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Hour:
    """Number of requests while no money moves."""

    polling: int
    """Requests in the second hour, before any webhook delivery has arrived."""

    with_deliveries: int
    """The same after a webhook delivery has arrived."""

    most_in_five_minutes: int
    """Most requests in any five minutes since the start."""


@dataclass(frozen=True, kw_only=True)
class Payments:
    """Response to payments; seconds since the arrival of the payment's webhook delivery."""

    event: float
    """Median for separate payments, until the event."""

    balance: float
    """Median for separate payments, until the balance."""

    next_event: float
    """For a payment one second after another, until the event."""

    next_balance: float
    """For a payment one second after another, until the balance."""

    requests: int
    """Median for separate payments."""

    requests_with_round_up: int


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Response to many payments within a second."""

    requests: int
    events: int

    lasted: float
    """Seconds from the first delivery to the last."""

    event: float
    """Seconds from the first delivery to the last event."""

    balance: float
    """Seconds from the first delivery to the balance after all of them."""


class FastClock:
    """A monotonic clock that can be turned forward, together with the event loop's timers."""

    def __init__(self) -> None:
        """Initialize the clock with the real time."""
        self._real = time.monotonic
        self._ahead = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self._real() + self._ahead

    def forward(self, seconds: float) -> None:
        """Turn the clock forward."""
        self._ahead += seconds


class RequestTrace:
    """Records the times of all requests and responses of a session."""

    def __init__(self, session: ClientSession, clock: FastClock) -> None:
        """Initialize the trace, and attach it to a session."""
        self.spans: list[tuple[float, float]] = []
        self._clock = clock
        trace = TraceConfig()
        trace.on_request_start.append(self._sent)
        trace.on_request_end.append(self._received)
        trace.freeze()
        session.trace_configs.append(trace)

    async def _sent(self, _session: ClientSession, context: Any, _request: Any) -> None:  # noqa: ANN401
        context.sent = self._clock()

    async def _received(self, _session: ClientSession, context: Any, _response: Any) -> None:  # noqa: ANN401
        self.spans.append((context.sent, self._clock()))

    def longest_sequence(self) -> int:
        """Return the length of the longest sequence of requests, each sent after a response."""
        length, free = 0, 0.0
        for sent, received in sorted(self.spans, key=lambda span: span[1]):
            if sent >= free:
                length, free = length + 1, received
        return length

    def most_within(self, seconds: float) -> int:
        """Return the highest number of requests within any period of this length."""
        times = sorted(sent for sent, _ in self.spans)
        return max(sum(begin <= sent < begin + seconds for sent in times) for begin in times)


class AcceleratedHomeAssistant:
    """A Home Assistant with one config entry, whose clock can be turned forward."""

    def __init__(self, hass: HomeAssistant, requests: RequestTrace, clock: FastClock) -> None:
        """Initialize with a Home Assistant whose config entry has just been set up."""
        self.until_loaded = requests.longest_sequence()
        self._hass = hass
        self._clock = clock
        self._idle: deque[float] = deque(maxlen=_IDLE_SECONDS)
        self.requests = requests

    async def forward(self, seconds: int) -> None:
        """Turn the clock forward in steps of a second, and finish the work that is due at each."""
        for _ in range(seconds):
            self._clock.forward(1)
            await self._settle()

    async def poll(self) -> tuple[float, float]:
        """Wait for the next poll; return its real duration and its CPU time in seconds.

        The CPU time that Home Assistant needs in a second without a poll is deducted.
        """
        for _ in range(_HOUR):
            requests_before = len(self.requests.spans)
            time_before, cpu_before = time.perf_counter(), time.process_time()
            await self.forward(1)
            duration = time.perf_counter() - time_before
            cpu = time.process_time() - cpu_before
            if len(self.requests.spans) == requests_before:
                self._idle.append(cpu)
            elif self._idle:
                return duration, cpu - median(self._idle)
        sys.exit("The integration did not poll within an hour.")

    async def move_past_poll(self) -> None:
        """Move to a time shortly after a poll, far from the next one."""
        await self.poll()
        await self.forward(_AFTER_POLL_SECONDS)

    async def _settle(self) -> None:
        await asyncio.sleep(0)
        await self._hass.async_block_till_done(wait_background_tasks=True)


async def _polls(task: Task, home_assistant: AcceleratedHomeAssistant) -> Polls:
    polls = [await home_assistant.poll() for _ in range(task.repetitions)]
    return Polls(
        until_loaded=home_assistant.until_loaded,
        round_trips=median(seconds for seconds, _ in polls) / task.latency,
        cpu=median(cpu for _, cpu in polls),
    )


async def _hour(home_assistant: AcceleratedHomeAssistant, timer: PaymentTimer) -> Hour:
    polling = await _second_hour(home_assistant)
    most_in_five_minutes = home_assistant.requests.most_within(5 * _MINUTE)
    await timer.time_payment(_WITHOUT_ROUND_UP)
    return Hour(
        polling=polling,
        with_deliveries=await _second_hour(home_assistant),
        most_in_five_minutes=most_in_five_minutes,
    )


async def _second_hour(home_assistant: AcceleratedHomeAssistant) -> int:
    """Return the number of requests in the second hour from now."""
    await home_assistant.forward(_HOUR)
    requests_before = len(home_assistant.requests.spans)
    await home_assistant.forward(_HOUR)
    return len(home_assistant.requests.spans) - requests_before


async def _payments(
    task: Task, home_assistant: AcceleratedHomeAssistant, timer: PaymentTimer
) -> Payments:
    await _prepare_payments(home_assistant, timer)
    payments = [
        await _payment(home_assistant, timer, _WITHOUT_ROUND_UP) for _ in range(task.repetitions)
    ]
    _, requests_with_round_up = await _payment(home_assistant, timer, _WITH_ROUND_UP)
    await home_assistant.move_past_poll()
    await timer.pay(_WITHOUT_ROUND_UP)
    await asyncio.sleep(_SECONDS_BETWEEN_PAYMENTS)
    following = await timer.time_payment(_WITHOUT_ROUND_UP)
    return Payments(
        event=median(times.event for times, _ in payments),
        balance=median(times.balance for times, _ in payments),
        next_event=following.event,
        next_balance=following.balance,
        requests=round(median(requests for _, requests in payments)),
        requests_with_round_up=requests_with_round_up,
    )


async def _payment(
    home_assistant: AcceleratedHomeAssistant, timer: PaymentTimer, amount: int
) -> tuple[PaymentTimes, int]:
    """Make a separate payment; return its times, and the number of requests that it caused."""
    await home_assistant.move_past_poll()
    requests_before = len(home_assistant.requests.spans)
    times = await timer.time_payment(amount)
    await home_assistant.forward(_AFTER_PAYMENT_SECONDS)
    return times, len(home_assistant.requests.spans) - requests_before


async def _prepare_payments(home_assistant: AcceleratedHomeAssistant, timer: PaymentTimer) -> None:
    """Turn the clock forward until all webhooks are registered and an event has occurred."""
    for _ in range(_PREPARATION_MINUTES):
        if timer.events:
            return
        if await timer.has_webhooks():
            await timer.pay(_WITHOUT_ROUND_UP)
        await home_assistant.forward(_MINUTE)
    sys.exit("The integration reported no payment in time.")


async def _burst(
    task: Task, home_assistant: AcceleratedHomeAssistant, timer: PaymentTimer
) -> Burst:
    await _prepare_payments(home_assistant, timer)
    await home_assistant.move_past_poll()
    requests_before, events_before = len(home_assistant.requests.spans), len(timer.events)
    deliveries_before = len(timer.deliveries)

    async def pay(number: int) -> None:
        await asyncio.sleep(number / task.repetitions)
        await timer.pay(_WITHOUT_ROUND_UP)

    await asyncio.gather(*(pay(number) for number in range(task.repetitions)))
    event = await timer.wait_for_events(events_before + task.repetitions)
    began = timer.deliveries[deliveries_before]
    balance = await timer.wait_for_balance(began)
    await home_assistant.forward(_AFTER_PAYMENT_SECONDS)
    return Burst(
        requests=len(home_assistant.requests.spans) - requests_before,
        events=len(timer.events) - events_before,
        lasted=timer.deliveries[-1] - began,
        event=event - began,
        balance=balance - began,
    )


async def _figures(
    task: Task, home_assistant: AcceleratedHomeAssistant, timer: PaymentTimer
) -> Polls | Hour | Payments | Burst:
    """Run the measurement of a task."""
    match task.measurement:
        case "polls":
            return await _polls(task, home_assistant)
        case "hour":
            return await _hour(home_assistant, timer)
        case "payments":
            return await _payments(task, home_assistant, timer)
        case _:
            return await _burst(task, home_assistant, timer)


async def _run(task: Task) -> Polls | Hour | Payments | Burst:
    """Set up Home Assistant with the integration, and run the measurement."""
    clock = FastClock()
    hass = await start_home_assistant(task.folder)
    with redirected(task.bank_url), patch.object(time, "monotonic", clock):
        requests = RequestTrace(async_get_clientsession(hass), clock)
        entry = config_entry(task.token)
        await hass.config_entries.async_add(entry)
        home_assistant = AcceleratedHomeAssistant(hass, requests, clock)
        await hass.async_block_till_done(wait_background_tasks=True)
        if entry.state is not ConfigEntryState.LOADED:
            sys.exit(f"The integration could not be set up: {entry.reason}")
        async with payment_timer(hass, task.bank_url) as timer:
            figures = await _figures(task, home_assistant, timer)
        await hass.async_stop(force=True)
    return figures


async def start_home_assistant(folder: str) -> HomeAssistant:
    """Start Home Assistant with as little as the integration needs."""
    hass = HomeAssistant(folder)
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
    return hass


async def start_recorder(hass: HomeAssistant) -> None:
    """Start the recorder with a database in the configuration folder."""
    async_initialize_recorder(hass)
    url = f"sqlite:///{hass.config.path('home-assistant_v2.db')}"
    await async_setup_component(hass, "recorder", {"recorder": {"db_url": url}})


def config_entry(token: dict[str, Any], **options: object) -> ConfigEntry[Any]:
    """Return a config entry that both integrations can load."""
    return ConfigEntry(
        data={
            "auth_implementation": "bench",
            "token": {**token, "expires_at": time.time() + token["expires_in"]},
            "webhook_id": "bench",
        },
        discovery_keys=MappingProxyType({}),
        domain="monzo",
        minor_version=3,
        options=options,
        source="user",
        subentries_data=(),
        title="Ann Archer",
        unique_id=token["user_id"],
        version=1,
    )


def _seconds_to_import(integration: Integration) -> float:
    """Return the duration of importing an integration with its platforms."""
    for component in _ALWAYS_LOADED:
        importlib.import_module(f"homeassistant.components.{component}")
    began = time.perf_counter()
    package = importlib.import_module(PACKAGES[integration])
    for module in ("application_credentials", "config_flow", *package.PLATFORMS):
        importlib.import_module(f"{PACKAGES[integration]}.{module}")
    return time.perf_counter() - began


def main() -> None:
    """Run the task from standard input, and print the result."""
    task = Task(**json.load(sys.stdin))
    if task.measurement == "import":
        print(json.dumps(_seconds_to_import(task.integration)))
        return
    folder = Path(task.folder)
    seed_http(folder, task.port)
    components = folder / "custom_components"
    if task.integration == "ours":
        components.symlink_to(_REPOSITORY / "custom_components")
    else:
        # An empty package hides the repository's own integration, which is on the module path.
        components.mkdir()
        (components / "__init__.py").touch()
    print(json.dumps(asdict(asyncio.run(_run(task)))))


if __name__ == "__main__":
    main()
