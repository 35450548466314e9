"""Registers one webhook per account at Monzo, at the current address of Home Assistant."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
import math
import time
from types import ModuleType
from typing import Any, Final, Self

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
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

from ..accounts import BalancesCoordinator
from ..api import (
    MonzoClient,
    MonzoError,
    MonzoNotFoundError,
    MonzoPermissionError,
    MonzoRejectedError,
)
from ..bank import (
    BLOCKING_ERRORS,
    Priority,
    RepairIssue,
    WebhookStatus,
    async_create_repair_issue,
    async_delete_repair_issues,
    error_code_for_log,
)
from ..clock import monotonic
from ..privacy import get_logger

_LOGGER = get_logger(__name__)

# The built-in integration also writes these keys of the config entry, and uses them to clean up.
CONF_CLOUDHOOK_URL: Final = "cloudhook_url"
CONF_WEBHOOK_URL: Final = "webhook_url"

# One request for the webhooks of an account, and usually at most one change.
_REQUESTS_PER_ACCOUNT: Final = 2

# The maximum delay of the removal of a config entry because of Monzo.
_REMOVAL_TIMEOUT: Final = timedelta(seconds=20)

# The wait for room in the request budget.
_BUDGET_DELAY: Final = timedelta(seconds=15)

# The delay after an error of Monzo or Home Assistant Cloud.
_RETRY_DELAY: Final = timedelta(minutes=10)

# If deliveries stop arriving, the registrations are checked at most this often. Refused addresses
# are tried again at the same interval.
_CHECK_INTERVAL: Final = timedelta(hours=1)


class _Outcome(Enum):
    """The outcome of an attempt to reconcile the webhooks of one account."""

    RECONCILED = auto()
    """The account has the right webhook, or none if it should have none."""

    NOT_SUPPORTED = auto()
    """Accounts of this kind can never have webhooks."""

    ADDRESS_REFUSED = auto()
    """Monzo refused to register the address."""

    FAILED = auto()
    """An attempt later may succeed."""


class WebhookRegistrations:
    """Keeps one webhook per account at the current address of Home Assistant."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        balances: BalancesCoordinator,
        status: WebhookStatus,
        is_new: bool,
    ) -> None:
        """Initialize the registrations of one config entry.

        `is_new` says that the user has just added the entry, so that no account has a webhook yet.
        """
        self._hass = hass
        self._entry = entry
        self._balances = balances
        self._status = status
        # The registered address of each reconciled account; None if it should have none.
        self._registered: dict[str, str | None] = {}
        self._outcomes: dict[str, _Outcome] = {}
        self._url: str | None = None
        # Accounts that certainly do not have a webhook of this entry yet.
        self._without_webhook = (
            {account.id for account in balances.open_accounts} if is_new else set[str]()
        )
        self._address_refused = False
        self._arriving = False
        self._checked_at = -math.inf
        self._reconciling = asyncio.Lock()
        self._cancel_timer: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> None:
        """Reconcile now, and whenever Home Assistant's address or the accounts change."""
        entry, bus = self._entry, self._hass.bus
        entry.async_on_unload(
            bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._async_address_changed)
        )
        entry.async_on_unload(self._balances.async_add_listener(self._async_on_balances_updated))
        entry.async_on_unload(self._async_cancel_timer)
        if (cloud := _cloud(self._hass)) is not None:
            self._async_listen_to_cloud(cloud)
        self._async_reconcile_soon()

    @callback
    def _async_listen_to_cloud(self, cloud: ModuleType) -> None:
        """Reconcile when Home Assistant Cloud connects, disconnects, or changes its address."""

        @callback
        def async_changed(_change: object) -> None:
            self._async_reconcile_soon()

        webhook_id = self._entry.data[CONF_WEBHOOK_ID]
        self._entry.async_on_unload(cloud.async_listen_connection_change(self._hass, async_changed))
        self._entry.async_on_unload(
            cloud.async_listen_cloudhook_change(self._hass, webhook_id, async_changed)
        )

    @callback
    def _async_on_balances_updated(self) -> None:
        """Reconcile if accounts have changed, or if deliveries no longer arrive."""
        if self._cancel_timer is not None or self._reconciling.locked():
            # A reconciliation is pending or running. If it misses an account, the next poll calls
            # this again.
            return
        arrived, self._arriving = self._arriving, self._status.arriving
        now = monotonic()
        is_check_due = now - self._checked_at > _CHECK_INTERVAL.total_seconds()
        if arrived and not self._arriving and is_check_due:
            # Monzo may have deleted a registration.
            self._checked_at = now
            self._registered = {}
            self._async_reconcile_soon()
        elif self._registered not in ({}, self._wanted()):
            self._async_reconcile_soon()

    def _wanted(self) -> dict[str, str | None]:
        """Return the address to register for each account; None for excluded accounts."""
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
        self._async_cancel_timer()
        self._entry.async_create_background_task(
            self._hass, self._async_reconcile(), "register the webhooks of Monzo"
        )

    @callback
    def _async_cancel_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    async def _async_reconcile(self) -> None:
        """Register the current address once for each account, and remove earlier ones."""
        async with self._reconciling:
            try:
                with self._balances.session.budget.asking_as(Priority.BACKGROUND):
                    delay = await self._async_reconcile_accounts()
            except (MonzoError, HomeAssistantError) as err:
                _LOGGER.debug("Could not register webhooks: %s", type(err).__name__)
                delay = _RETRY_DELAY
            except Exception:
                # A defect must not stop all future registrations.
                _LOGGER.exception("Unexpected error while registering webhooks")
                delay = _RETRY_DELAY
            if delay is not None:
                self._async_cancel_timer()
                self._cancel_timer = async_call_later(self._hass, delay, self._async_reconcile_soon)

    async def _async_reconcile_accounts(self) -> timedelta | None:
        """Reconcile one account after the other.

        Return the delay until the rest can be reconciled; None if all are done. Raises MonzoError,
        or Home Assistant's errors for a token that cannot be renewed.
        """
        entry = self._entry
        await self._async_find_url()
        wanted = self._wanted()
        done = self._registered = {
            account_id: url for account_id, url in self._registered.items() if account_id in wanted
        }
        for account_id, url in wanted.items():
            if account_id in done and done[account_id] == url:
                continue
            if CONF_WEBHOOK_URL not in entry.data:
                # This entry has never registered a webhook.
                done[account_id] = url
            elif (outcome := await self._async_reconcile_account(account_id, url)) is None:
                return _BUDGET_DELAY
            elif outcome is not _Outcome.FAILED:
                done[account_id] = url
                self._outcomes[account_id] = outcome
        if done != wanted:
            return _RETRY_DELAY
        _store(self._hass, entry, CONF_WEBHOOK_URL, self._url)
        await _async_delete_cloudhooks_of_ha_monzo(self._hass, entry)
        return self._async_check_refusals(wanted)

    async def _async_reconcile_account(self, account_id: str, url: str | None) -> _Outcome | None:
        """Reconcile the webhooks of an account; return None if the budget has no room.

        Raises errors that concern all accounts.
        """
        session = self._balances.session
        if url is None or account_id not in self._without_webhook:
            needed = _REQUESTS_PER_ACCOUNT
            if session.budget.grant(needed, Priority.BACKGROUND) < needed:
                return None
            return await _async_reconcile_account(self._hass, session, self._entry, account_id, url)
        if not session.budget.grant(1, Priority.REGISTRATION):
            return None
        # The registration may succeed even if its answer is lost.
        self._without_webhook.discard(account_id)
        with session.budget.asking_as(Priority.REGISTRATION):
            return await _async_outcome(_async_register(session, account_id, url))

    @callback
    def _async_check_refusals(self, wanted: Mapping[str, str | None]) -> timedelta | None:
        """Create or delete the repair issue about a refused address; return the retry delay.

        If Monzo accepts the address for one account, the address is valid, and the other accounts
        cannot have webhooks.
        """
        outcomes = [
            self._outcomes.get(account_id) for account_id, url in wanted.items() if url is not None
        ]
        was_refused, self._address_refused = (
            self._address_refused,
            _Outcome.ADDRESS_REFUSED in outcomes and _Outcome.RECONCILED not in outcomes,
        )
        if not self._address_refused:
            async_delete_repair_issues(self._hass, self._entry, (RepairIssue.ADDRESS_REFUSED,))
            return None
        if not was_refused:
            _LOGGER.warning("Monzo refuses to call the external URL of Home Assistant")
        async_create_repair_issue(self._hass, self._entry, RepairIssue.ADDRESS_REFUSED)
        self._registered = {}
        return _CHECK_INTERVAL

    async def _async_find_url(self) -> None:
        """Determine the address to register. If there is none, create a repair issue."""
        hass, entry = self._hass, self._entry
        self._url = await _async_url(hass, entry)
        if self._url is None:
            async_create_repair_issue(hass, entry, RepairIssue.NO_EXTERNAL_URL)
            async_delete_repair_issues(hass, entry, (RepairIssue.ADDRESS_REFUSED,))
            return
        async_delete_repair_issues(hass, entry, (RepairIssue.NO_EXTERNAL_URL,))
        if CONF_WEBHOOK_URL not in entry.data:
            # Store it before the first registration, so that it can be removed in any case.
            _store(hass, entry, CONF_WEBHOOK_URL, self._url)


def _store(hass: HomeAssistant, entry: ConfigEntry, key: str, value: str | None) -> None:
    """Store an address in the config entry, or remove it if it is None."""
    data = {other: stored for other, stored in entry.data.items() if other != key}
    if value is not None:
        data[key] = value
    hass.config_entries.async_update_entry(entry, data=data)


async def _async_reconcile_account(
    hass: HomeAssistant, client: MonzoClient, entry: ConfigEntry, account_id: str, url: str | None
) -> _Outcome:
    """Register an address for an account, and remove other addresses of ours.

    With None, all are removed. Raises errors that concern all accounts.
    """

    async def reconcile() -> _Outcome:
        is_registered = await _async_remove_webhooks(hass, client, entry, account_id, keep=url)
        if url is None or is_registered:
            return _Outcome.RECONCILED
        return await _async_register(client, account_id, url)

    return await _async_outcome(reconcile())


async def _async_outcome(attempt: Awaitable[_Outcome]) -> _Outcome:
    """Return the outcome of an attempt, including failures because of the account."""
    try:
        return await attempt
    except BLOCKING_ERRORS:
        raise
    except MonzoNotFoundError, MonzoPermissionError, MonzoRejectedError:
        return _Outcome.NOT_SUPPORTED
    except MonzoError:
        return _Outcome.FAILED


async def _async_remove_webhooks(
    hass: HomeAssistant, client: MonzoClient, entry: ConfigEntry, account_id: str, keep: str | None
) -> bool:
    """Remove all webhooks of ours except one at this address; return whether there is one."""
    addresses = _Addresses.of(hass, entry)
    ours = [each for each in await client.webhooks(account_id) if addresses.contain(each.url)]
    kept = next((each for each in ours if each.url == keep), None)
    for each in ours:
        if each is not kept:
            await client.delete_webhook(each.id)
    return kept is not None


async def _async_register(client: MonzoClient, account_id: str, url: str) -> _Outcome:
    """Register an address for an account. Raises MonzoError, except if Monzo refuses it."""
    try:
        await client.register_webhook(account_id, url)
    except MonzoRejectedError as err:
        _LOGGER.debug("Could not register a webhook: %s", error_code_for_log(err))
        return _Outcome.ADDRESS_REFUSED
    return _Outcome.RECONCILED


async def async_remove_registrations(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remove the webhooks of a removed config entry at Monzo, if Monzo is reachable."""
    # An entry of *ha-monzo* that was never set up has no webhook.
    if CONF_WEBHOOK_URL in entry.data or CONF_WEBHOOK_ID not in entry.data:
        try:
            async with asyncio.timeout(_REMOVAL_TIMEOUT.total_seconds()):
                finished = await _async_unregister(hass, entry)
        except MonzoError, HomeAssistantError, TimeoutError, ValueError:
            finished = False
        if not finished:
            _LOGGER.warning("Could not remove all webhooks of a removed entry at Monzo")
    # An error of the cloud must not prevent the removal of the entry.
    with suppress(Exception):
        await _async_delete_cloudhooks_of_ha_monzo(hass, entry)
    if CONF_CLOUDHOOK_URL in entry.data and (cloud := _cloud(hass)) is not None:
        with suppress(Exception):
            await cloud.async_delete_cloudhook(hass, entry.data[CONF_WEBHOOK_ID])


async def _async_unregister(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Remove the webhooks of all accounts, including closed ones; return whether none is left."""
    if (token := await _async_last_token(hass, entry)) is None:
        return False

    async def access_token() -> str:
        return token

    client = MonzoClient(async_get_clientsession(hass), access_token)
    outcomes = [
        await _async_reconcile_account(hass, client, entry, account.id, None)
        for account in await client.accounts()
    ]
    return _Outcome.FAILED not in outcomes


async def _async_last_token(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return the access token of a removed config entry, after renewing an expired one.

    Return None if it cannot be renewed, because the client is not confidential. The new token is
    not stored.
    """
    token = entry.data[CONF_TOKEN]
    if token["expires_at"] > time.time():
        return str(token[CONF_ACCESS_TOKEN])
    if "refresh_token" not in token:
        return None
    implementation = await async_get_config_entry_implementation(hass, entry)
    return str((await implementation.async_refresh_token(token))[CONF_ACCESS_TOKEN])


@dataclass(frozen=True, slots=True)
class _Addresses:
    """The current and earlier addresses of a config entry."""

    known: frozenset[str]
    """Complete addresses."""

    own_path: str
    """The end of each address that this integration or the built-in one has registered."""

    path_of_ha_monzo: str
    """A part of each address of Home Assistant that *ha-monzo* has registered."""

    @classmethod
    def of(cls, hass: HomeAssistant, entry: ConfigEntry) -> Self:
        """Return the addresses of a config entry."""
        stored = (entry.data.get(key, "") for key in (CONF_CLOUDHOOK_URL, CONF_WEBHOOK_URL))
        return cls(
            known=frozenset([*stored, *_cloudhooks_of_ha_monzo(hass, entry).values()]),
            own_path=webhook.async_generate_path(entry.data.get(CONF_WEBHOOK_ID, entry.entry_id)),
            path_of_ha_monzo=path_of_ha_monzo(entry),
        )

    def contain(self, url: str) -> bool:
        """Return whether a registered address belongs to the config entry."""
        return url in self.known or url.endswith(self.own_path) or self.path_of_ha_monzo in url


def path_of_ha_monzo(entry: ConfigEntry) -> str:
    """Return the start of the paths that the HACS integration *ha-monzo* registered at Monzo.

    It had a webhook for each account. The webhook's ID consisted of the IDs of the entry and the
    account.
    """
    return webhook.async_generate_path(entry.entry_id)


def _cloudhooks_of_ha_monzo(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Return the addresses in Home Assistant Cloud that *ha-monzo* has left, by webhook ID."""
    if (cloud := _cloud(hass)) is None:
        return {}
    return {
        webhook_id: hook["cloudhook_url"]
        for webhook_id, hook in hass.data[cloud.DATA_CLOUD].client.cloudhooks.items()
        if webhook_id.startswith(entry.entry_id)
    }


async def _async_delete_cloudhooks_of_ha_monzo(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the addresses in Home Assistant Cloud that *ha-monzo* has left behind.

    Raises HomeAssistantError if that fails.
    """
    if (cloud := _cloud(hass)) is None:
        return
    for webhook_id in _cloudhooks_of_ha_monzo(hass, entry):
        try:
            await cloud.async_delete_cloudhook(hass, webhook_id)
        except Exception as err:  # as in `_async_url`
            raise HomeAssistantError from err


async def _async_url(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return the address to register; None if Home Assistant is not reachable from outside."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    cloud = _cloud(hass)
    if cloud is not None and cloud.async_active_subscription(hass):
        try:
            cloudhook_url: str = await cloud.async_get_or_create_cloudhook(hass, webhook_id)
        except Exception as err:  # the cloud's client raises many, and any may pass
            raise HomeAssistantError from err
        _store(hass, entry, CONF_CLOUDHOOK_URL, cloudhook_url)
        return cloudhook_url
    try:
        return webhook.async_generate_url(hass, webhook_id, allow_internal=False)
    except NoURLAvailableError:
        return None


def _cloud(hass: HomeAssistant) -> ModuleType | None:
    """Return the module of Home Assistant Cloud, if it is set up."""
    if "cloud" not in hass.config.components:
        return None
    # Imported here, because the import takes long, and most homes do not have it.
    from homeassistant.components import cloud  # noqa: PLC0415

    return cloud
