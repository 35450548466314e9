"""Somebody who pays at the sandbox bank, and watches Home Assistant until it shows.

All moments are by `time.perf_counter`.
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

# Many times what it takes, also for who asks the bank every ten seconds only.
_PATIENCE_SECONDS = 60.0

_SECONDS_BETWEEN_LOOKS = 0.01


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How long a payment took to be seen, in seconds since Monzo's delivery came in."""

    event: float
    balance: float


class Customer:
    """Pays from one account, and watches the account's event and balance."""

    def __init__(self, hass: HomeAssistant, bank: ClientSession, account_id: str) -> None:
        """Have an account whose entities are there."""
        entity_id = er.async_get(hass).async_get_entity_id
        self._hass = hass
        self._bank = bank
        self._account_id = account_id
        self._event = entity_id("event", "monzo", f"{account_id}_transaction")
        self._balance = entity_id("sensor", "monzo", f"{account_id}_balance")
        self.delivered: list[float] = []
        """When each delivery came in."""

        self.events: list[float] = []
        """When each event was told."""

        self._balances: list[tuple[float, Decimal]] = []

    async def is_expected(self) -> bool:
        """Return whether the bank knows where to call for every account."""
        state = await bank_state(self._bank)
        return len(state["webhooks"]) == len(state["accounts"])

    async def pay(self, amount: int) -> None:
        """Pay an amount in minor units."""
        wish = {"account_id": self._account_id, "amount": amount}
        async with self._bank.post("/control/pay", json=wish) as response:
            response.raise_for_status()

    async def see_payment(self, amount: int) -> Seen:
        """Pay, and wait until that can be seen."""
        paid = perf_counter()
        await self.pay(amount)
        delivered = await _soon(lambda: _first_after(paid, self.delivered))
        told = await _soon(lambda: _first_after(delivered, self.events))
        shown = await self.balance_shown(delivered)
        return Seen(event=told - delivered, balance=shown - delivered)

    async def balance_shown(self, since: float) -> float:
        """Wait until Home Assistant shows the balance that the bank has; return since when."""
        (account,) = [
            account
            for account in (await bank_state(self._bank))["accounts"]
            if account["id"] == self._account_id
        ]
        right = Decimal(account["balance"]) / account["units"]
        return await _soon(
            lambda: _first_after(since, (at for at, shown in self._balances if shown == right))
        )

    async def all_told(self, payments: int) -> float:
        """Wait until so many events were told in all; return when the last one was."""
        return await _soon(
            lambda: self.events[payments - 1] if len(self.events) >= payments else None
        )

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what comes in and what is shown."""
        handle = webhook.async_handle_webhook

        async def note_delivery(hass: HomeAssistant, webhook_id: str, request: Request) -> Response:
            self.delivered.append(perf_counter())
            return await handle(hass, webhook_id, request)

        stop = self._hass.bus.async_listen(EVENT_STATE_CHANGED, self._note_change)
        with patch.object(webhook, "async_handle_webhook", note_delivery):
            yield
        stop()

    @callback
    def _note_change(self, event: Event[EventStateChangedData]) -> None:
        now, state = perf_counter(), event.data["new_state"]
        if state is None:
            return
        if state.entity_id == self._event:
            self.events.append(now)
        elif state.entity_id == self._balance:
            self._balances.append((now, Decimal(state.state)))


@asynccontextmanager
async def customer_of(hass: HomeAssistant, bank_url: str) -> AsyncIterator[Customer]:
    """Provide somebody who pays from the first account of a sandbox bank."""
    async with ClientSession(bank_url) as bank:
        account_id = (await bank_state(bank))["accounts"][0]["id"]
        customer = Customer(hass, bank, account_id)
        with customer.watching():
            yield customer


async def bank_state(bank: ClientSession) -> Any:  # noqa: ANN401 - JSON
    """Return what the bank's control page shows."""
    async with bank.get("/control/state") as response:
        return await response.json()


def _first_after(moment: float, moments: Iterator[float] | list[float]) -> float | None:
    return next((at for at in moments if at >= moment), None)


async def _soon(find: Callable[[], float | None]) -> float:
    """Wait until there is a moment to be found, and return it."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (found := find()) is None:  # noqa: ASYNC110 - each looks for something else
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
    return found
