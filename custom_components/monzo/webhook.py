"""Webhooks: Monzo says that something has happened, and the polls come forward.

Deliveries are hints. Monzo does not sign them, so nothing that is in one is believed or shown: a
forged, repeated, late or lost one costs a look at the bank at most.
"""

from collections import deque
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
import json
import logging
import time
from typing import Final

from aiohttp import StreamReader
from aiohttp.hdrs import METH_POST
from aiohttp.web import Request, Response
from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .const import DOMAIN
from .runtime import MonzoConfigEntry
from .transactions import Report

_LOGGER = logging.getLogger(__name__)

# A delivery with everything that Monzo knows about a transaction has some four kilobytes.
LARGEST_BODY: Final = 64 * 1024

# Between two looks at the bank: long enough to answer two hundred deliveries within a second with
# a few requests, short enough for a payment that follows another a second later.
DELIVERY_COOLDOWN: Final = timedelta(seconds=0.5)

# More than can be on their way at once.
REMEMBERED_DELIVERIES: Final = 500

# So many looks in vain within so many seconds, and hints are left to the polls for a while.
MOST_IN_VAIN: Final = 5
IN_VAIN_WITHIN: Final = 300.0

# A delivery that has not come by then will not come, or has to be tried again by Monzo.
DELIVERED_WITHIN: Final = timedelta(minutes=2)


class WebhookDeliveries:
    """Takes deliveries, has their accounts looked at, and knows whether they arrive at all."""

    def __init__(self, hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
        """Know of no delivery yet."""
        self._hass = hass
        self._entry = entry
        self._runtime = entry.runtime_data
        self._transactions = self._runtime.transactions
        self._hinted: set[tuple[str, str]] = set()
        self._in_vain: deque[float] = deque(maxlen=MOST_IN_VAIN)
        # While Home Assistant looks at the bank, and rests from that, hints are collected.
        self._busy = False
        self._stop_resting: CALLBACK_TYPE | None = None
        self._announced: deque[str] = deque(maxlen=REMEMBERED_DELIVERIES)
        self._waiting: dict[str, CALLBACK_TYPE] = {}

    @callback
    def async_begin(self) -> None:
        """Take deliveries as long as the config entry is loaded."""
        webhook_id = self._entry.data[CONF_WEBHOOK_ID]
        webhook.async_register(
            self._hass,
            DOMAIN,
            "Monzo",
            webhook_id,
            self._async_handle,
            allowed_methods=[METH_POST],
        )
        self._entry.async_on_unload(partial(webhook.async_unregister, self._hass, webhook_id))
        self._entry.async_on_unload(self._async_stop_waiting)

    async def _async_handle(
        self, hass: HomeAssistant, webhook_id: str, request: Request
    ) -> Response:
        """Take a delivery; Monzo sends it again unless that is answered with success."""
        if hass.is_stopping:
            return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        if (body := await _async_read(request.content)) is None:
            return Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            data = json.loads(body)["data"]
            account_id, transaction_id = data["account_id"], data["id"]
        except LookupError, RecursionError, TypeError, ValueError:
            return Response(status=HTTPStatus.BAD_REQUEST)
        if not isinstance(account_id, str) or not isinstance(transaction_id, str):
            return Response(status=HTTPStatus.BAD_REQUEST)
        self._async_take(account_id, transaction_id)
        return Response(status=HTTPStatus.OK)

    @callback
    def _async_take(self, account_id: str, transaction_id: str) -> None:
        """Have an account looked at: at once, but many deliveries with one look."""
        if account_id not in self._runtime.balances.included_ids:
            return
        self._announced.append(transaction_id)
        self._hinted.add((account_id, transaction_id))
        if not self._busy:
            self._async_follow_now()

    @callback
    def _async_follow_now(self) -> None:
        """Follow the hints that there are."""
        self._busy = True
        self._entry.async_create_background_task(
            self._hass, self._async_follow(), "follow hints of Monzo"
        )

    async def _async_follow(self) -> None:
        """Look at what is not known yet, and rest before looking at what is hinted at meanwhile."""
        hinted, self._hinted = self._hinted, set()
        if news := {hint for hint in hinted if not self._transactions.knows(*hint)}:
            await self._async_look_at(news)
            self._stop_resting = async_call_later(self._hass, DELIVERY_COOLDOWN, self._async_rested)
        else:
            self._async_rested()

    @callback
    def _async_rested(self, _now: datetime | None = None) -> None:
        """Go on with what was hinted at meanwhile."""
        self._stop_resting = None
        self._busy = False
        if self._hinted:
            self._async_follow_now()

    async def _async_look_at(self, news: Collection[tuple[str, str]]) -> None:
        """Look at the accounts of transactions that are not known, unless that is in vain.

        Whoever has found out the address could otherwise have Home Assistant ask all the time.
        """
        now = time.monotonic()
        if len(self._in_vain) == MOST_IN_VAIN and now - self._in_vain[0] < IN_VAIN_WITHIN:
            # The polls have to find what is true among them.
            self._async_note(arrive=False)
            return
        told = await self._transactions.async_look_at({account_id for account_id, _ in news})
        if told and not any(self._transactions.knows(*hint) for hint in news):
            self._in_vain.append(now)

    @callback
    def async_reported(self, report: Report) -> None:
        """Compare what has just happened with the deliveries."""
        transaction_id = report.transaction.id
        if transaction_id in self._announced:
            self._async_note(arrive=True)
        elif not report.late:
            self._waiting[transaction_id] = async_call_later(
                self._hass, DELIVERED_WITHIN, partial(self._async_decide, transaction_id)
            )

    @callback
    def _async_decide(self, transaction_id: str, now: datetime) -> None:
        """Take a delivery for lost that has not come in time."""
        del self._waiting[transaction_id]
        self._async_note(arrive=transaction_id in self._announced)

    @callback
    def _async_note(self, *, arrive: bool) -> None:
        """Note whether deliveries arrive, and tell everybody if that has changed."""
        runtime = self._runtime
        if runtime.session.webhooks_arrive is not arrive:
            runtime.session.webhooks_arrive = arrive
            runtime.balances.async_update_listeners()

    @callback
    def _async_stop_waiting(self) -> None:
        for stop in (*self._waiting.values(), self._stop_resting):
            if stop is not None:
                stop()


async def _async_read(content: StreamReader) -> bytes | None:
    """Return a body, or None as soon as it is longer than a delivery can be."""
    body = b""
    while chunk := await content.read(LARGEST_BODY + 1 - len(body)):
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body
