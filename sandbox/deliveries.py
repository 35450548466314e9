"""Delivers new transactions to the registered webhooks, with retries."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import ClientError, ClientSession
from yarl import URL

from .bank import Bank
from .behaviour import ServerBehaviour
from .models import JsonObject, Transaction, Webhook
from .serializers import documented_transaction_json, transaction_json

_OK = range(200, 300)

type Sleep = Callable[[float], Awaitable[object]]
"""Waits for a number of seconds, like `asyncio.sleep`."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt to deliver a transaction to a webhook."""

    webhook: Webhook
    transaction_id: str
    attempt: int
    """Number of the attempt, from 1; 0 for a delivery that was lost on purpose."""

    status: int | None
    """HTTP status of the response; None if there was none."""

    at: datetime


class WebhookSender:
    """Sends deliveries in background tasks. The server starts and stops it."""

    def __init__(
        self,
        bank: Bank,
        behaviour: Callable[[], ServerBehaviour],
        *,
        transit_seconds: float,
        sleep: Sleep,
    ) -> None:
        """Initialize the sender; each delivery takes `transit_seconds` of real time."""
        self.attempts: list[Delivery] = []
        self._bank = bank
        self._behaviour = behaviour
        self._transit_seconds = transit_seconds
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[tuple[Webhook, JsonObject]] = []
        self._count = 0
        self._session: ClientSession | None = None
        self._stop_listening: Callable[[], None] | None = None

    async def start(self) -> None:
        """Start to call webhooks."""
        self._session = ClientSession()
        self._stop_listening = self._bank.on_transaction(self._on_transaction)

    async def stop(self) -> None:
        """Stop, and cancel all deliveries that are under way or wait for another attempt."""
        if self._session is None or self._stop_listening is None:
            return
        self._stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        self._session = None

    async def wait_until_idle(self) -> None:
        """Wait until no delivery is under way."""
        while self._tasks or self._held:
            await asyncio.gather(*self._tasks)
            # Finished tasks remove themselves in the next iteration of the event loop.
            await asyncio.sleep(0)
            if self._held:
                self._send(self._held.pop())

    def _on_transaction(self, transaction: Transaction) -> None:
        behaviour = self._behaviour()
        documented_only = behaviour.webhook_body == "documented"
        data = (
            documented_transaction_json(transaction)
            if documented_only
            else transaction_json(transaction, expand_merchant=True)
        )
        payload: JsonObject = {"type": "transaction.created", "data": data}
        for webhook in list(self._bank.webhooks.values()):
            if webhook.account_id != transaction.account_id:
                continue
            self._count += 1
            if behaviour.webhook_lost and self._count % behaviour.webhook_lost == 0:
                self._log(webhook, transaction.id, 0, None)
                continue
            for _ in range(behaviour.webhook_copies):
                self._queue(webhook, payload)

    def _queue(self, webhook: Webhook, payload: JsonObject) -> None:
        if self._behaviour().webhook_order == "swapped" and not self._held:
            self._held.append((webhook, payload))
            return
        held, self._held = self._held, []
        self._send((webhook, payload), *held)

    def _send(self, *payloads: tuple[Webhook, JsonObject]) -> None:
        """Send payloads one after the other, in a background task."""
        task = asyncio.get_running_loop().create_task(self._deliver_in_order(payloads))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_in_order(self, payloads: tuple[tuple[Webhook, JsonObject], ...]) -> None:
        for webhook, payload in payloads:
            await self._deliver_with_retries(webhook, payload)

    async def _deliver_with_retries(self, webhook: Webhook, payload: JsonObject) -> None:
        delays = self._behaviour().webhook_retry_delays
        for attempt, delay in enumerate((0, *delays), start=1):
            await self._sleep(delay + self._transit_seconds)
            if await self._deliver_once(webhook, payload, attempt) in _OK:
                return

    async def _deliver_once(self, webhook: Webhook, payload: JsonObject, attempt: int) -> int:
        """Call a webhook once; return the HTTP status, or 0 without a response."""
        if self._session is None:
            return 0
        data = payload["data"]
        transaction_id = str(data["id"]) if isinstance(data, dict) else ""
        try:
            url = self._resolve(webhook.url)
            async with self._session.post(url, json=payload) as response:
                status = response.status
        except ClientError, TimeoutError, ValueError:
            status = 0
        self._log(webhook, transaction_id, attempt, status or None)
        return status

    def _resolve(self, webhook_url: str) -> URL:
        """Return a webhook's URL, with the real address of its host if one is configured."""
        url = URL(webhook_url)
        real_address = self._behaviour().webhook_hosts.get(url.host or "")
        if real_address is None:
            return url
        origin = URL(real_address)
        return url.with_scheme(origin.scheme).with_host(origin.host or "").with_port(origin.port)

    def _log(self, webhook: Webhook, transaction_id: str, attempt: int, status: int | None) -> None:
        self.attempts.append(
            Delivery(
                webhook=webhook,
                transaction_id=transaction_id,
                attempt=attempt,
                status=status,
                at=self._bank.clock(),
            )
        )
