"""Calls the registered webhooks when something happens, again and again if nobody answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import ClientError, ClientSession
from yarl import URL

from .bank import Bank
from .behaviour import ServerBehaviour
from .models import JsonObject, Transaction, Webhook
from .serializers import documented_transaction_json, transaction_json

_OK = range(200, 300)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt to call a webhook."""

    webhook: Webhook
    transaction_id: str
    attempt: int
    """Counted from 1; 0 if it was lost on purpose."""

    status: int | None
    """None if nobody answered."""

    at: datetime


class WebhookSender:
    """What is on its way to programs. Begins and ends with the server."""

    def __init__(
        self, bank: Bank, behaviour: Callable[[], ServerBehaviour], transit_seconds: float
    ) -> None:
        """Listen to a bank once started; a delivery is `transit_seconds` for so many real seconds."""
        self.attempts: list[Delivery] = []
        self._bank = bank
        self._behaviour = behaviour
        self._transit_seconds = transit_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[tuple[Webhook, JsonObject]] = []
        self._count = 0
        self._session: ClientSession | None = None
        self._stop_listening: Callable[[], None] | None = None

    async def start(self) -> None:
        """Call webhooks from now on."""
        self._session = ClientSession()
        self._stop_listening = self._bank.on_transaction(self._on_transaction)

    async def stop(self) -> None:
        """Call none any more, not even those that wait for another attempt."""
        if self._session is None or self._stop_listening is None:
            return
        self._stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        self._session = None

    async def wait_until_idle(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._tasks or self._held:
            await asyncio.gather(*self._tasks)
            # Those that have just finished are among them until the loop has gone round once.
            await asyncio.sleep(0)
            if self._held:
                self._send(self._held.pop())

    def _on_transaction(self, transaction: Transaction) -> None:
        behaviour = self._behaviour()
        shorter = behaviour.webhook_body == "documented"
        data = (
            documented_transaction_json(transaction)
            if shorter
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
        """Send these one after the other, in the background."""
        task = asyncio.get_running_loop().create_task(self._deliver_in_order(payloads))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_in_order(self, payloads: tuple[tuple[Webhook, JsonObject], ...]) -> None:
        for webhook, payload in payloads:
            await self._deliver_with_retries(webhook, payload)

    async def _deliver_with_retries(self, webhook: Webhook, payload: JsonObject) -> None:
        delays = self._behaviour().webhook_retry_delays
        for attempt, delay in enumerate((0, *delays), start=1):
            await asyncio.sleep(delay + self._transit_seconds)
            if await self._deliver_once(webhook, payload, attempt) in _OK:
                return

    async def _deliver_once(self, webhook: Webhook, payload: JsonObject, attempt: int) -> int:
        """Call once; returns the status, or 0 if nobody answered."""
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

    def _resolve(self, address: str) -> URL:
        """Return an address with its host replaced where the sandbox knows better."""
        url = URL(address)
        really = self._behaviour().webhook_hosts.get(url.host or "")
        if really is None:
            return url
        origin = URL(really)
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
