"""Where Monzo calls: one registered webhook for each account, at the address that there is now."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
import logging
import math
import time
from types import ModuleType
from typing import Any, Final

from homeassistant.components import webhook
from homeassistant.const import (
    CONF_ACCESS_TOKEN,
    CONF_TOKEN,
    CONF_WEBHOOK_ID,
    EVENT_CORE_CONFIG_UPDATE,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.network import NoURLAvailableError

from .api import (
    MonzoClient,
    MonzoError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRejectedError,
)
from .coordinator import BLOCKING_ERRORS
from .issues import Issue, async_clear_issues, async_raise_issue
from .runtime import MonzoConfigEntry

_LOGGER = logging.getLogger(__name__)

# The built-in integration writes them too, and cleans up by them.
CONF_CLOUDHOOK_URL: Final = "cloudhook_url"
CONF_WEBHOOK_URL: Final = "webhook_url"

# To reconcile an account takes a look at what is registered, and mostly one change at most.
REQUESTS_PER_ACCOUNT: Final = 2

# How long to ask Monzo while somebody waits for a config entry to be removed.
CLEANED_UP_WITHIN: Final = timedelta(seconds=20)

# How long to wait for room in the request budget.
RECONCILE_ON_AFTER: Final = timedelta(seconds=15)

# How long to wait when Monzo could not be asked about its webhooks.
RECONCILE_AGAIN_AFTER: Final = timedelta(minutes=10)

# When deliveries stay away, what is registered is looked at, but no more often than this (seconds).
DOUBTED_AGAIN_AFTER: Final = 3600.0


class WebhookRegistrations:
    """Keeps Monzo calling the right address once for each account."""

    def __init__(self, hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
        """Know nothing of what is registered."""
        self._hass = hass
        self._entry = entry
        self._balances = entry.runtime_data.balances
        # The address that Monzo is to call for each account, None for none, as far as reconciled.
        self._registered: dict[str, str | None] = {}
        self._url: str | None = None
        self._arrived = False
        self._doubted_at = -math.inf
        self._reconciling = asyncio.Lock()
        self._again: CALLBACK_TYPE | None = None

    @callback
    def async_begin(self) -> None:
        """Reconcile now, and whenever Home Assistant's address or the accounts change."""
        entry, bus = self._entry, self._hass.bus
        entry.async_on_unload(
            bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._async_address_changed)
        )
        entry.async_on_unload(self._balances.async_add_listener(self._async_balances_read))
        entry.async_on_unload(self._async_stop_waiting)
        if (cloud := _cloud(self._hass)) is not None:
            self._async_follow(cloud)
        self._async_reconcile_soon()

    @callback
    def _async_follow(self, cloud: ModuleType) -> None:
        """Reconcile when Home Assistant Cloud comes, goes, or has another address."""

        @callback
        def async_changed(_change: object) -> None:
            self._async_reconcile_soon()

        webhook_id = self._entry.data[CONF_WEBHOOK_ID]
        self._entry.async_on_unload(cloud.async_listen_connection_change(self._hass, async_changed))
        self._entry.async_on_unload(
            cloud.async_listen_cloudhook_change(self._hass, webhook_id, async_changed)
        )

    @callback
    def _async_balances_read(self) -> None:
        """Reconcile if there are other accounts than before, or if deliveries no longer arrive."""
        if self._again is not None or self._reconciling.locked():
            # It will see to them as well, or this is called again after it.
            return
        arrived, self._arrived = self._arrived, self._balances.session.webhooks_arrive
        now = time.monotonic()
        if arrived and not self._arrived and now - self._doubted_at > DOUBTED_AGAIN_AFTER:
            # Monzo may have dropped one.
            self._doubted_at = now
            self._registered = {}
            self._async_reconcile_soon()
        elif self._registered not in ({}, self._wanted()):
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
                pause = await self._async_reconcile_accounts()
            except (MonzoError, HomeAssistantError) as err:
                _LOGGER.debug("Webhooks cannot be registered now: %s", type(err).__name__)
                pause = RECONCILE_AGAIN_AFTER
            if pause is not None:
                self._async_stop_waiting()
                self._again = async_call_later(self._hass, pause, self._async_reconcile_soon)

    async def _async_reconcile_accounts(self) -> timedelta | None:
        """Do so for one account after the other, and return when to go on; None if that was all.

        Raises MonzoError, or Home Assistant's errors for a token that cannot be renewed.
        """
        entry, session = self._entry, self._balances.session
        await self._async_find_url()
        wanted = self._wanted()
        done = self._registered = {
            account_id: url for account_id, url in self._registered.items() if account_id in wanted
        }
        for account_id, url in wanted.items():
            if account_id in done and done[account_id] == url:
                continue
            if CONF_WEBHOOK_URL not in entry.data:
                # None was ever registered.
                done[account_id] = url
            elif session.requests_left < REQUESTS_PER_ACCOUNT:
                return RECONCILE_ON_AFTER
            elif await _async_reconcile_account(session, entry, account_id, url):
                done[account_id] = url
        if done != wanted:
            return RECONCILE_AGAIN_AFTER
        _keep(self._hass, entry, CONF_WEBHOOK_URL, self._url)
        return None

    async def _async_find_url(self) -> None:
        """Find out the address that Monzo is to call, and tell the user if there is none."""
        hass, entry = self._hass, self._entry
        self._url = await _async_url(hass, entry)
        if self._url is None:
            async_raise_issue(hass, entry, Issue.NO_EXTERNAL_URL)
            return
        async_clear_issues(hass, entry, (Issue.NO_EXTERNAL_URL,))
        if CONF_WEBHOOK_URL not in entry.data:
            # Before it is registered anywhere, for whoever has to clean up.
            _keep(hass, entry, CONF_WEBHOOK_URL, self._url)


def _keep(hass: HomeAssistant, entry: MonzoConfigEntry, key: str, value: str | None) -> None:
    """Keep an address in the config entry, or keep none."""
    data = {other: known for other, known in entry.data.items() if other != key}
    if value is not None:
        data[key] = value
    hass.config_entries.async_update_entry(entry, data=data)


async def _async_reconcile_account(
    client: MonzoClient, entry: MonzoConfigEntry, account_id: str, url: str | None
) -> bool:
    """Have Monzo call this address once for an account, and no other of ours; None for none.

    Return whether that is how it is now, or as near to it as the bank allows. Raises what stands in
    the way of every account.
    """
    try:
        await _async_move_webhooks(client, entry, account_id, url)
    except BLOCKING_ERRORS:
        raise
    except MonzoNotFoundError, MonzoPermissionError, MonzoRejectedError:
        # There are none for accounts like this, neither now nor later.
        return True
    except MonzoError:
        return False
    return True


async def _async_move_webhooks(
    client: MonzoClient, entry: MonzoConfigEntry, account_id: str, url: str | None
) -> None:
    """Remove all webhooks of ours but one at this address, which is registered if need be."""
    registered = await client.webhooks(account_id)
    ours = [known for known in registered if _is_ours(entry, known.url)]
    right = next((known for known in ours if known.url == url), None)
    for known in ours:
        if known is not right:
            await client.delete_webhook(known.id)
    if right is None and url is not None:
        await client.register_webhook(account_id, url)


async def async_clean_up(hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
    """Leave no webhook of a removed config entry behind, as far as Monzo can be asked."""
    if CONF_CLOUDHOOK_URL in entry.data and (cloud := _cloud(hass)) is not None:
        # Whatever is wrong with the cloud, the entry goes.
        with suppress(Exception):
            await cloud.async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])
    if CONF_WEBHOOK_URL not in entry.data:
        return
    try:
        async with asyncio.timeout(CLEANED_UP_WITHIN.total_seconds()):
            finished = await _async_unregister(hass, entry)
    except MonzoError, HomeAssistantError, TimeoutError, ValueError:
        finished = False
    if not finished:
        _LOGGER.warning("Webhooks of a removed entry may be left at Monzo")


async def _async_unregister(hass: HomeAssistant, entry: MonzoConfigEntry) -> bool:
    """Remove the webhooks of all accounts, also closed ones, and return whether none are left."""
    if (token := await _async_last_token(hass, entry)) is None:
        return False

    async def access_token() -> str:
        return token

    client = MonzoClient(async_get_clientsession(hass), access_token)
    done = [
        await _async_reconcile_account(client, entry, account.id, None)
        for account in await client.accounts()
    ]
    return all(done)


async def _async_last_token(hass: HomeAssistant, entry: MonzoConfigEntry) -> str | None:
    """Return the access token of a removed config entry; a new one if it has expired.

    That can be had only once, for it is kept nowhere; and not at all from a client that is not
    confidential.
    """
    token = entry.data[CONF_TOKEN]
    if token["expires_at"] > time.time():
        return str(token[CONF_ACCESS_TOKEN])
    if "refresh_token" not in token:
        return None
    implementation = await async_get_config_entry_implementation(hass, entry)
    return str((await implementation.async_refresh_token(token))[CONF_ACCESS_TOKEN])


def _is_ours(entry: MonzoConfigEntry, url: str) -> bool:
    """Return whether a registered address is this entry's, now or earlier."""
    known = (entry.data.get(CONF_CLOUDHOOK_URL), entry.data.get(CONF_WEBHOOK_URL))
    return url in known or url.endswith(webhook.async_generate_path(entry.data[CONF_WEBHOOK_ID]))


async def _async_url(hass: HomeAssistant, entry: MonzoConfigEntry) -> str | None:
    """Return the address that Monzo is to call, if Home Assistant can be reached at one."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    cloud = _cloud(hass)
    if cloud is not None and cloud.async_active_subscription(hass):
        try:
            cloudhook_url: str = await cloud.async_get_or_create_cloudhook(hass, webhook_id)
        except Exception as err:  # whatever the cloud's client raises, it may work later
            raise HomeAssistantError from err
        _keep(hass, entry, CONF_CLOUDHOOK_URL, cloudhook_url)
        return cloudhook_url
    try:
        return webhook.async_generate_url(hass, webhook_id, allow_internal=False)
    except NoURLAvailableError:
        return None


def _cloud(hass: HomeAssistant) -> ModuleType | None:
    """Return Home Assistant Cloud's component, if it is there."""
    if "cloud" not in hass.config.components:
        return None
    # Not at the top: it brings half of Home Assistant along, for those who do not have it.
    from homeassistant.components import cloud  # noqa: PLC0415

    return cloud
