"""Receives webhook deliveries from Monzo over HTTP."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from http import HTTPStatus
import json
from typing import Final, NamedTuple

from aiohttp import StreamReader
from aiohttp.hdrs import METH_POST
from aiohttp.web import Request, RequestPayloadError, Response
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ..const import DOMAIN
from ..memory import async_get_memory

# A delivery with all facts that Monzo has about a transaction takes about four kilobytes.
_MAX_BODY: Final = 64 * 1024

# The maximum time for receiving the body of a delivery.
_READ_TIMEOUT: Final = timedelta(seconds=10)


class Delivery(NamedTuple):
    """The IDs in a delivery. Monzo does not sign deliveries, so nothing else in it is used."""

    account_id: str
    transaction_id: str


class WebhookReceiver:
    """Answers the deliveries to one config entry, even while the entry is not loaded.

    Monzo repeats a delivery until the answer is a success.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Initialize the receiver, which refuses deliveries until it is connected."""
        self._hass = hass
        self._entry = entry
        self._on_delivery: Callable[[Delivery], None] | None = None

    @callback
    def async_connect(self, on_delivery: Callable[[Delivery], None]) -> CALLBACK_TYPE:
        """Call a function for each delivery; return the function that stops this."""
        self._on_delivery = on_delivery

        @callback
        def async_disconnect() -> None:
            self._on_delivery = None

        return async_disconnect

    @property
    def _on_delivery_now(self) -> Callable[[Delivery], None] | None:
        """The function to call; None if its task would soon be cancelled."""
        is_unloading = self._entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS
        return None if is_unloading or self._hass.is_stopping else self._on_delivery

    async def async_handle(
        self, _hass: HomeAssistant, _webhook_id: str, request: Request
    ) -> Response:
        """Answer a delivery."""
        if self._on_delivery_now is None:
            return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(status=await self._async_receive(request.content))

    async def _async_receive(self, content: StreamReader) -> HTTPStatus:
        """Read a delivery and pass it on; return the status of the answer."""
        try:
            async with asyncio.timeout(_READ_TIMEOUT.total_seconds()):
                body = await _async_read(content)
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT
        except RequestPayloadError:
            # For example, the compression differs from the header.
            return HTTPStatus.BAD_REQUEST
        if body is None:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if (delivery := _parse(body)) is None:
            return HTTPStatus.BAD_REQUEST
        # Check again, because receiving the body takes time.
        if (on_delivery := self._on_delivery_now) is None:
            return HTTPStatus.SERVICE_UNAVAILABLE
        on_delivery(delivery)
        return HTTPStatus.OK


@callback
def async_register_webhook(hass: HomeAssistant, entry: ConfigEntry) -> WebhookReceiver:
    """Answer deliveries to a config entry until it is removed; return its receiver."""
    memory = async_get_memory(hass)
    if (receiver := memory.find(WebhookReceiver, entry.entry_id)) is None:
        receiver = memory.find_or_create(
            WebhookReceiver, entry.entry_id, partial(WebhookReceiver, hass, entry)
        )
        webhook.async_register(
            hass,
            DOMAIN,
            "Monzo",
            entry.data[CONF_WEBHOOK_ID],
            receiver.async_handle,
            allowed_methods=[METH_POST],
        )
    return receiver


@callback
def async_unregister_webhook(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Stop answering deliveries, because the config entry was removed."""
    if CONF_WEBHOOK_ID in entry.data:
        webhook.async_unregister(hass, entry.data[CONF_WEBHOOK_ID])


async def _async_read(content: StreamReader) -> bytes | None:
    """Return the body; None if it is longer than a delivery can be."""
    body = b""
    while chunk := await content.read(_MAX_BODY + 1 - len(body)):
        body += chunk
        if len(body) > _MAX_BODY:
            return None
    return body


def _parse(body: bytes) -> Delivery | None:
    """Return the IDs in a body; None if it is not a delivery."""
    try:
        data = json.loads(body)["data"]
        account_id, transaction_id = data["account_id"], data["id"]
    except LookupError, RecursionError, TypeError, ValueError:
        return None
    if isinstance(account_id, str) and isinstance(transaction_id, str):
        return Delivery(account_id, transaction_id)
    return None
