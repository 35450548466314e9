"""Webhooks: Monzo says that something has happened, and the polls come forward.

Deliveries are hints. Monzo does not sign them, so nothing that is in one is believed or shown: a
forged, repeated, late or lost one costs a look at the bank at most.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
import json
import logging
import time
from typing import Any, Final

from aiohttp import StreamReader
from aiohttp.hdrs import METH_POST
from aiohttp.web import Request, Response
from homeassistant.components import webhook
from homeassistant.const import CONF_WEBHOOK_ID, EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.network import NoURLAvailableError

from .api import MonzoClient, MonzoError, MonzoPermissionError
from .const import DOMAIN
from .coordinator import Issue, async_clear_issues, async_raise_issue
from .runtime import MonzoConfigEntry
from .transactions import Report

_LOGGER = logging.getLogger(__name__)

# The built-in integration writes them too, and cleans up by them.
CONF_CLOUDHOOK_URL: Final = "cloudhook_url"
CONF_WEBHOOK_URL: Final = "webhook_url"

# A delivery with everything that Monzo knows about a transaction has some four kilobytes.
LARGEST_BODY: Final = 64 * 1024

# Between two looks at the bank: long enough to answer two hundred deliveries within a second with
# a few requests, short enough for a payment that follows another a second later.
REST: Final = timedelta(seconds=0.5)

# More than can be on their way at once.
REMEMBERED_DELIVERIES: Final = 500

# So many looks in vain within so many seconds, and hints are left to the polls for a while.
MOST_IN_VAIN: Final = 5
IN_VAIN_WITHIN: Final = 300.0

# A delivery that has not come by then will not come, or has to be tried again by Monzo.
DELIVERED_WITHIN: Final = timedelta(minutes=2)

# To reconcile an account takes a look at what is registered, and mostly one change at most.
REQUESTS_PER_ACCOUNT: Final = 2

# How long to ask Monzo while somebody waits for a config entry to be removed.
CLEANED_UP_WITHIN: Final = timedelta(seconds=20)

# How long to wait for room in the request budget.
RECONCILE_ON_AFTER: Final = timedelta(seconds=15)

# How long to wait when Monzo could not be asked about its webhooks.
RECONCILE_AGAIN_AFTER: Final = timedelta(minutes=10)


class Hints:
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
        self._transactions.on_report = self._async_reported
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
            self._stop_resting = async_call_later(self._hass, REST, self._async_rested)
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
    def _async_reported(self, report: Report) -> None:
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


class Registrations:
    """Keeps Monzo calling the right address once for each account."""

    def __init__(self, hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
        """Know nothing of what is registered."""
        self._hass = hass
        self._entry = entry
        self._balances = entry.runtime_data.balances
        # The address that Monzo is to call for each account, None for none, as far as reconciled.
        self._registered: dict[str, str | None] = {}
        self._url: str | None = None
        self._reconciling = asyncio.Lock()
        self._again: CALLBACK_TYPE | None = None

    @callback
    def async_begin(self) -> None:
        """Reconcile now, and whenever Home Assistant's address or the accounts change."""
        entry, bus = self._entry, self._hass.bus
        entry.async_on_unload(
            bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._async_address_changed)
        )
        entry.async_on_unload(self._balances.async_add_listener(self._async_accounts_changed))
        entry.async_on_unload(self._async_stop_waiting)
        if "cloud" in self._hass.config.components:
            self._async_follow_cloud()
        self._async_reconcile_soon()

    @callback
    def _async_follow_cloud(self) -> None:
        """Reconcile when Home Assistant Cloud comes, goes, or has another address."""
        # Not at the top: it brings half of Home Assistant along, for those who do not have it.
        from homeassistant.components import cloud  # noqa: PLC0415

        @callback
        def async_changed(_change: object) -> None:
            self._async_reconcile_soon()

        webhook_id = self._entry.data[CONF_WEBHOOK_ID]
        self._entry.async_on_unload(cloud.async_listen_connection_change(self._hass, async_changed))
        self._entry.async_on_unload(
            cloud.async_listen_cloudhook_change(self._hass, webhook_id, async_changed)
        )

    @callback
    def _async_accounts_changed(self) -> None:
        """Reconcile if there are other accounts than before."""
        if self._again is not None or self._reconciling.locked():
            # It will see to them as well, or this is called again after it.
            return
        if self._registered not in ({}, self._wanted()):
            self._async_reconcile_soon()

    def _wanted(self) -> dict[str, str | None]:
        """Return the address that Monzo should call for each account, None for those left out."""
        included = self._balances.included_ids
        return {
            account.id: self._url if account.id in included else None
            for account in self._balances.open_accounts
        }

    @callback
    def _async_address_changed(self, event: Event[Any]) -> None:
        if "external_url" in event.data:
            self._async_reconcile_soon()

    @callback
    def _async_reconcile_soon(self, now: datetime | None = None) -> None:
        """Reconcile in the background."""
        self._async_stop_waiting()
        self._entry.async_create_background_task(
            self._hass, self._async_reconcile(), "register the webhooks of Monzo"
        )

    @callback
    def _async_stop_waiting(self) -> None:
        if self._again is not None:
            self._again()
            self._again = None

    async def _async_reconcile(self) -> None:
        """Have Monzo call the right address once for each account, and no old one of ours."""
        async with self._reconciling:
            try:
                finished = await self._async_reconcile_accounts()
                pause = RECONCILE_ON_AFTER
            except (MonzoError, HomeAssistantError) as err:
                _LOGGER.debug("Webhooks cannot be registered now: %s", type(err).__name__)
                finished, pause = False, RECONCILE_AGAIN_AFTER
            if not finished:
                self._async_stop_waiting()
                self._again = async_call_later(self._hass, pause, self._async_reconcile_soon)

    async def _async_reconcile_accounts(self) -> bool:
        """Do so for one account after the other, and return whether that was all of them.

        Raises MonzoError, or Home Assistant's errors for a token that cannot be renewed.
        """
        hass, entry, session = self._hass, self._entry, self._balances.session
        self._url = await _async_url(hass, entry)
        if self._url is None:
            async_raise_issue(hass, entry, Issue.NO_EXTERNAL_URL)
        else:
            async_clear_issues(hass, entry, (Issue.NO_EXTERNAL_URL,))
            if CONF_WEBHOOK_URL not in entry.data:
                # Before it is registered anywhere, for whoever has to clean up.
                _keep(hass, entry, CONF_WEBHOOK_URL, self._url)
        wanted = self._wanted()
        for account_id, url in wanted.items():
            if account_id in self._registered and self._registered[account_id] == url:
                continue
            if CONF_WEBHOOK_URL in entry.data:
                if session.requests_left < REQUESTS_PER_ACCOUNT:
                    return False
                with suppress(MonzoPermissionError):
                    await _async_reconcile_account(session, entry, account_id, url)
            self._registered[account_id] = url
        self._registered = wanted
        _keep(hass, entry, CONF_WEBHOOK_URL, self._url)
        return True


def _keep(hass: HomeAssistant, entry: MonzoConfigEntry, key: str, value: str | None) -> None:
    """Keep an address in the config entry, or keep none."""
    data = {other: known for other, known in entry.data.items() if other != key}
    if value is not None:
        data[key] = value
    hass.config_entries.async_update_entry(entry, data=data)


async def _async_reconcile_account(
    client: MonzoClient, entry: MonzoConfigEntry, account_id: str, url: str | None
) -> None:
    """Have Monzo call this address once for an account, and no other of ours; None for none."""
    registered = (await client.webhooks(account_id)).items
    ours = [known for known in registered if _is_ours(entry, known.url)]
    right = next((known for known in ours if known.url == url), None)
    for known in ours:
        if known is not right:
            await client.delete_webhook(known.id)
    if right is None and url is not None:
        await client.register_webhook(account_id, url)


async def async_clean_up(hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
    """Leave no webhook of a removed config entry behind, as far as Monzo can be asked."""
    if CONF_CLOUDHOOK_URL in entry.data and "cloud" in hass.config.components:
        # Not at the top: it brings half of Home Assistant along, for those who do not have it.
        from homeassistant.components import cloud  # noqa: PLC0415

        with suppress(cloud.CloudNotAvailable, ValueError):
            await cloud.async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])
    if CONF_WEBHOOK_URL not in entry.data:
        return
    try:
        async with asyncio.timeout(CLEANED_UP_WITHIN.total_seconds()):
            token = await _async_last_token(hass, entry)

            async def access_token() -> str:
                return token

            client = MonzoClient(async_get_clientsession(hass), access_token)
            for account in (await client.accounts()).items:
                with suppress(MonzoPermissionError):
                    await _async_reconcile_account(client, entry, account.id, None)
    except (MonzoError, HomeAssistantError, TimeoutError, ValueError) as err:
        _LOGGER.warning("Webhooks of a removed entry may be left at Monzo: %s", type(err).__name__)


async def _async_last_token(hass: HomeAssistant, entry: MonzoConfigEntry) -> str:
    """Return the access token of a removed config entry; a new one if it has expired.

    That can be had only once, for it is kept nowhere.
    """
    token = entry.data["token"]
    if token["expires_at"] <= time.time():
        implementation = await async_get_config_entry_implementation(hass, entry)
        token = await implementation.async_refresh_token(token)
    return str(token["access_token"])


def _is_ours(entry: MonzoConfigEntry, url: str) -> bool:
    """Return whether a registered address is this entry's, now or earlier."""
    known = (entry.data.get(CONF_CLOUDHOOK_URL), entry.data.get(CONF_WEBHOOK_URL))
    return url in known or url.endswith(webhook.async_generate_path(entry.data[CONF_WEBHOOK_ID]))


async def _async_url(hass: HomeAssistant, entry: MonzoConfigEntry) -> str | None:
    """Return the address that Monzo is to call, if Home Assistant can be reached at one."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    if "cloud" in hass.config.components:
        # As above.
        from homeassistant.components import cloud  # noqa: PLC0415

        if cloud.async_active_subscription(hass):
            url = await cloud.async_get_or_create_cloudhook(hass, webhook_id)
            _keep(hass, entry, CONF_CLOUDHOOK_URL, url)
            return url
    try:
        return webhook.async_generate_url(hass, webhook_id, allow_internal=False, allow_ip=False)
    except NoURLAvailableError:
        return None
