"""Webhooks: Monzo says that something has happened, and the polls come forward.

Deliveries are hints. Monzo does not sign them, so nothing that is in one is believed or shown: a
forged, repeated, late or lost one costs a look at the bank at most.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator
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
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..runtime import MonzoConfigEntry
from ..transactions import NewTransaction

_LOGGER = logging.getLogger(__name__)

# A delivery with everything that Monzo knows about a transaction has some four kilobytes.
LARGEST_BODY: Final = 64 * 1024

# How long a delivery may take to arrive in full.
READ_WITHIN: Final = timedelta(seconds=10)

# Between two looks at the bank: long enough to answer two hundred deliveries within a second with
# a few requests, short enough for a payment that follows another a second later.
DELIVERY_COOLDOWN: Final = timedelta(seconds=0.5)

# More than can be on their way at once.
REMEMBERED_DELIVERIES: Final = 500

# A payment may be announced a little before it is in the list.
LOOK_AGAIN_AFTER: Final = (timedelta(seconds=1), timedelta(seconds=4), timedelta(seconds=15))

# After so many looks in vain within so many seconds, hints are left to the polls for a while.
MOST_IN_VAIN: Final = 5
IN_VAIN_WITHIN: Final = 300.0

# A delivery that has not come by then will not come, or has to be tried again by Monzo.
DELIVERED_WITHIN: Final = timedelta(minutes=2)


type Hint = tuple[str, str]
"""The ids of an account, and of a transaction that it is said to have."""

# Who takes deliveries, by the id of the webhook; None while the config entry is not loaded.
TAKERS: HassKey[dict[str, WebhookDeliveries | None]] = HassKey(f"{DOMAIN}_webhooks")


@callback
def async_open(hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
    """Answer Monzo from now on, whether or not the config entry is loaded."""
    takers = hass.data.setdefault(TAKERS, {})
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    if webhook_id not in takers:
        takers[webhook_id] = None
        webhook.async_register(
            hass, DOMAIN, "Monzo", webhook_id, _async_answer, allowed_methods=[METH_POST]
        )


@callback
def async_close(hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
    """Answer no more, for the config entry is removed."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    hass.data.get(TAKERS, {}).pop(webhook_id, None)
    webhook.async_unregister(hass, webhook_id)


async def _async_answer(hass: HomeAssistant, webhook_id: str, request: Request) -> Response:
    """Take a delivery; Monzo sends it again unless that is answered with success."""
    taker = hass.data[TAKERS][webhook_id]
    if taker is None or hass.is_stopping:
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
    try:
        async with asyncio.timeout(READ_WITHIN.total_seconds()):
            body = await _async_read(request.content)
    except TimeoutError:
        return Response(status=HTTPStatus.REQUEST_TIMEOUT)
    if body is None:
        return Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if (hint := _hint(body)) is None:
        return Response(status=HTTPStatus.BAD_REQUEST)
    taker.async_take(hint)
    return Response(status=HTTPStatus.OK)


async def _async_read(content: StreamReader) -> bytes | None:
    """Return a body, or None as soon as it is longer than a delivery can be."""
    body = b""
    while chunk := await content.read(LARGEST_BODY + 1 - len(body)):
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return body


def _hint(body: bytes) -> Hint | None:
    """Return what a delivery hints at, if it is one."""
    try:
        data = json.loads(body)["data"]
        account_id, transaction_id = data["account_id"], data["id"]
    except LookupError, RecursionError, TypeError, ValueError:
        return None
    if isinstance(account_id, str) and isinstance(transaction_id, str):
        return account_id, transaction_id
    return None


class WebhookDeliveries:
    """Has the accounts of deliveries looked at, and knows whether deliveries arrive at all."""

    def __init__(self, hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
        """Know of no delivery yet."""
        self._hass = hass
        self._entry = entry
        self._runtime = entry.runtime_data
        self._transactions = self._runtime.transactions
        self._hinted: set[Hint] = set()
        # How long to wait before each further look for what is hinted at and not listed yet.
        self._pauses: dict[Hint, Iterator[timedelta]] = {}
        self._in_vain: deque[float] = deque(maxlen=MOST_IN_VAIN)
        # While Home Assistant looks at the bank, and rests from that, hints are collected.
        self._busy = False
        self._announced: deque[str] = deque(maxlen=REMEMBERED_DELIVERIES)
        self._timers: dict[object, CALLBACK_TYPE] = {}

    @callback
    def async_begin(self) -> None:
        """Take deliveries as long as the config entry is loaded."""
        self._hass.data[TAKERS][self._entry.data[CONF_WEBHOOK_ID]] = self
        self._entry.async_on_unload(self._async_end)

    @callback
    def _async_end(self) -> None:
        """Take no more deliveries."""
        self._hass.data[TAKERS][self._entry.data[CONF_WEBHOOK_ID]] = None
        for stop in self._timers.values():
            stop()

    @callback
    def _async_later(self, what: object, pause: timedelta, go_on: Callable[[], None]) -> None:
        """Go on after a pause, unless the config entry is unloaded; one timer for each thing."""

        @callback
        def async_elapsed(_now: datetime) -> None:
            del self._timers[what]
            go_on()

        if (stop := self._timers.get(what)) is not None:
            stop()
        self._timers[what] = async_call_later(self._hass, pause, async_elapsed)

    @callback
    def async_take(self, hint: Hint) -> None:
        """Have an account looked at: at once, but many deliveries with one look."""
        account_id, transaction_id = hint
        if account_id in self._runtime.balances.included_ids:
            self._announced.append(transaction_id)
            self._async_follow_soon(hint)

    @callback
    def _async_follow_soon(self, *hints: Hint) -> None:
        """Follow hints now, or as soon as Home Assistant has rested from the last look."""
        self._hinted.update(hints)
        if self._hinted and not self._busy:
            self._busy = True
            self._entry.async_create_background_task(
                self._hass, self._async_follow(), "follow hints of Monzo"
            )

    async def _async_follow(self) -> None:
        """Look at what is not known yet, and rest before looking at what is hinted at meanwhile."""
        hinted, self._hinted = self._hinted, set()
        news = self._unknown(hinted)
        if news:
            await self._async_look_for(news)
        self._async_later(self._async_rested, DELIVERY_COOLDOWN, self._async_rested)

    @callback
    def _async_rested(self) -> None:
        """Go on with what was hinted at meanwhile."""
        self._busy = False
        self._async_follow_soon()

    async def _async_look_for(self, news: set[Hint]) -> None:
        """Look at the accounts of transactions that are not known, unless that is in vain.

        Whoever has found out the address could otherwise have Home Assistant ask all the time.
        """
        now = time.monotonic()
        if len(self._in_vain) == MOST_IN_VAIN and now - self._in_vain[0] < IN_VAIN_WITHIN:
            # The polls have to find what is true among them.
            self._pauses.clear()
            self._async_note(arrive=False)
            return
        await self._transactions.async_look_at({account_id for account_id, _ in news})
        unknown = self._unknown(news)
        if unknown == news:
            self._in_vain.append(now)
        else:
            self._in_vain.clear()
        for hint in news - unknown:
            self._pauses.pop(hint, None)
        for hint in unknown:
            self._async_look_again(hint)

    def _unknown(self, hints: Collection[Hint]) -> set[Hint]:
        """Return those hints whose transactions have not been found."""
        return {hint for hint in hints if not self._transactions.knows(*hint)}

    @callback
    def _async_look_again(self, hint: Hint) -> None:
        """Have a transaction looked for again that is announced and not listed yet."""
        pauses = self._pauses.setdefault(hint, iter(LOOK_AGAIN_AFTER))
        if (pause := next(pauses, None)) is None:
            del self._pauses[hint]
        else:
            self._async_later(hint, pause, partial(self._async_follow_soon, hint))

    @callback
    def async_reported(self, report: NewTransaction) -> None:
        """Compare what has just happened with the deliveries."""
        transaction_id = report.transaction.id
        if transaction_id in self._announced:
            self._async_note(arrive=True)
        elif not report.late:
            self._async_later(
                transaction_id, DELIVERED_WITHIN, partial(self._async_decide, transaction_id)
            )

    @callback
    def _async_decide(self, transaction_id: str) -> None:
        """Take a delivery for lost that has not come in time."""
        self._async_note(arrive=transaction_id in self._announced)

    @callback
    def _async_note(self, *, arrive: bool) -> None:
        """Note whether deliveries arrive, and tell everybody if that has changed."""
        runtime = self._runtime
        if runtime.session.webhooks_arrive is not arrive:
            runtime.session.webhooks_arrive = arrive
            runtime.balances.async_update_listeners()
