"""Registers one webhook per account at Monzo, at the current address of Home Assistant."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
import math
from types import ModuleType
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    CONF_WEBHOOK_ID,
    EVENT_CORE_CONFIG_UPDATE,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later

from ..accounts import BalancesCoordinator
from ..api import (
    MonzoError,
)
from ..bank import (
    Priority,
    RepairIssue,
    WebhookStatus,
    async_create_repair_issue,
    async_delete_repair_issues,
)
from ..clock import monotonic
from ..privacy import get_logger
from .addresses import (
    CONF_WEBHOOK_URL,
    async_delete_cloudhooks_of_ha_monzo,
    async_url,
    find_cloud,
    store_address,
)
from .reconcile import Outcome, async_reconcile_account, async_register_account

_LOGGER = get_logger(__name__)

# One request for the webhooks of an account, and usually at most one change.
_REQUESTS_PER_ACCOUNT: Final = 2

# The wait for room in the request budget.
_BUDGET_DELAY: Final = timedelta(seconds=15)

# The delay after an error of Monzo or Home Assistant Cloud.
_RETRY_DELAY: Final = timedelta(minutes=10)

# If deliveries stop arriving, the registrations are checked at most this often. Refused addresses
# are tried again at the same interval.
_CHECK_INTERVAL: Final = timedelta(hours=1)


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
        self._outcomes: dict[str, Outcome] = {}
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
        if (cloud := find_cloud(self._hass)) is not None:
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
            elif outcome is not Outcome.FAILED:
                done[account_id] = url
                self._outcomes[account_id] = outcome
        if done != wanted:
            return _RETRY_DELAY
        store_address(self._hass, entry, CONF_WEBHOOK_URL, self._url)
        await async_delete_cloudhooks_of_ha_monzo(self._hass, entry)
        return self._async_check_refusals(wanted)

    async def _async_reconcile_account(self, account_id: str, url: str | None) -> Outcome | None:
        """Reconcile the webhooks of an account; return None if the budget has no room.

        Raises errors that concern all accounts.
        """
        session = self._balances.session
        if url is None or account_id not in self._without_webhook:
            needed = _REQUESTS_PER_ACCOUNT
            if session.budget.grant(needed, Priority.BACKGROUND) < needed:
                return None
            return await async_reconcile_account(self._hass, session, self._entry, account_id, url)
        if not session.budget.grant(1, Priority.REGISTRATION):
            return None
        # The registration may succeed even if its answer is lost.
        self._without_webhook.discard(account_id)
        with session.budget.asking_as(Priority.REGISTRATION):
            return await async_register_account(session, account_id, url)

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
            Outcome.ADDRESS_REFUSED in outcomes and Outcome.RECONCILED not in outcomes,
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
        self._url = await async_url(hass, entry)
        if self._url is None:
            async_create_repair_issue(hass, entry, RepairIssue.NO_EXTERNAL_URL)
            async_delete_repair_issues(hass, entry, (RepairIssue.ADDRESS_REFUSED,))
            return
        async_delete_repair_issues(hass, entry, (RepairIssue.NO_EXTERNAL_URL,))
        if CONF_WEBHOOK_URL not in entry.data:
            # Store it before the first registration, so that it can be removed in any case.
            store_address(hass, entry, CONF_WEBHOOK_URL, self._url)
