"""Makes payments at the sandbox bank, and measures the time until Home Assistant shows them.

All times are from `time.perf_counter`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter
from typing import Any
from unittest.mock import patch

from aiohttp import ClientSession
from aiohttp.web import Request, Response
from homeassistant.components import webhook
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

# Many times the usual duration, also for an integration that only polls, every ten seconds.
_WAIT_SECONDS = 60.0

_POLL_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class PaymentTimes:
    """Seconds from the webhook delivery of a payment until Home Assistant shows it."""

    event: float
    balance: float


class PaymentTimer:
    """Pays from one account, and observes the account's event and balance entities."""

    def __init__(self, hass: HomeAssistant, bank: ClientSession, account_id: str) -> None:
        """Initialize the timer for an account that has entities."""
        entity_id = er.async_get(hass).async_get_entity_id
        self._hass = hass
        self._bank = bank
        self._account_id = account_id
        self._event = entity_id("event", "monzo", f"{account_id}_transaction")
        self._balance = entity_id("sensor", "monzo", f"{account_id}_balance")
        self.deliveries: list[float] = []
        """Time of each webhook delivery."""

        self.events: list[float] = []
        """Time of each event."""

        self._balances: list[tuple[float, Decimal]] = []

    async def has_webhooks(self) -> bool:
        """Return whether the bank has a webhook for every account."""
        state = await bank_state(self._bank)
        return len(state["webhooks"]) == len(state["accounts"])

    async def pay(self, amount: int) -> None:
        """Pay an amount in minor units."""
        data = {"account_id": self._account_id, "amount": amount}
        async with self._bank.post("/control/pay", json=data) as response:
            response.raise_for_status()

    async def time_payment(self, amount: int) -> PaymentTimes:
        """Pay, and wait until the event and the balance show the payment."""
        paid = perf_counter()
        await self.pay(amount)
        delivery = await _wait_for_time(lambda: _first_after(paid, self.deliveries))
        event = await _wait_for_time(lambda: _first_after(delivery, self.events))
        balance = await self.wait_for_balance(delivery)
        return PaymentTimes(event=event - delivery, balance=balance - delivery)

    async def wait_for_balance(self, since: float) -> float:
        """Wait until Home Assistant has shown the bank's balance; return the time."""
        (account,) = [
            account
            for account in (await bank_state(self._bank))["accounts"]
            if account["id"] == self._account_id
        ]
        expected = Decimal(account["balance"]) / account["units"]
        return await _wait_for_time(
            lambda: _first_after(
                since, (time for time, balance in self._balances if balance == expected)
            )
        )

    async def wait_for_events(self, count: int) -> float:
        """Wait until there were `count` events in total; return the time of the last one."""
        return await _wait_for_time(
            lambda: self.events[count - 1] if len(self.events) >= count else None
        )

    @contextmanager
    def observe(self) -> Iterator[None]:
        """Record webhook deliveries and state changes."""
        handle = webhook.async_handle_webhook

        async def record_delivery(
            hass: HomeAssistant, webhook_id: str, request: Request
        ) -> Response:
            self.deliveries.append(perf_counter())
            return await handle(hass, webhook_id, request)

        stop = self._hass.bus.async_listen(EVENT_STATE_CHANGED, self._record_change)
        with patch.object(webhook, "async_handle_webhook", record_delivery):
            yield
        stop()

    @callback
    def _record_change(self, event: Event[EventStateChangedData]) -> None:
        now, state = perf_counter(), event.data["new_state"]
        if state is None:
            return
        if state.entity_id == self._event:
            self.events.append(now)
        elif state.entity_id == self._balance:
            self._balances.append((now, Decimal(state.state)))


@asynccontextmanager
async def payment_timer(hass: HomeAssistant, bank_url: str) -> AsyncIterator[PaymentTimer]:
    """Provide a timer for payments from the first account of a sandbox bank."""
    async with ClientSession(bank_url) as bank:
        account_id = (await bank_state(bank))["accounts"][0]["id"]
        timer = PaymentTimer(hass, bank, account_id)
        with timer.observe():
            yield timer


async def bank_state(bank: ClientSession) -> Any:  # noqa: ANN401 - JSON
    """Return the data of the bank's control page."""
    async with bank.get("/control/state") as response:
        return await response.json()


def _first_after(start: float, times: Iterator[float] | list[float]) -> float | None:
    return next((time for time in times if time >= start), None)


async def _wait_for_time(find: Callable[[], float | None]) -> float:
    """Wait until a function returns a time, and return this time."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while (found := find()) is None:  # noqa: ASYNC110 - callers wait for different conditions
            await asyncio.sleep(_POLL_SECONDS)
    return found
