"""Config flow: the settings of a new entry, and the sign-in.

A sign-in has two parts: the user allows the access on the bank's website (OAuth2), and then
approves it in the Monzo app. The access token is valid after the first part, but until the second
part the bank refuses every request for data with it.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
import logging
from typing import Any, Final, override

from homeassistant.components import webhook
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_ACCESS_TOKEN, CONF_TOKEN, CONF_WEBHOOK_ID
from homeassistant.core import HassJob, callback
from homeassistant.data_entry_flow import AbortFlow, UnknownFlow
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2FlowHandler
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.selector import BooleanSelector
from homeassistant.helpers.typing import UNDEFINED
import voluptuous as vol

from .accounts import owner_name
from .api import Account, MonzoAuthenticationError, MonzoError
from .bank import REQUEST_WINDOW, TIMER_TOLERANCE, RequestBudget, async_wait_for_approval
from .budget_flow import BudgetFlow
from .budgets import SUBENTRY_BUDGET
from .const import (
    CONF_ALLOW_TRANSFERS,
    CONF_KEEP_TRANSACTIONS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DEVELOPER_PORTAL_URL,
    DOMAIN,
    ENTRY_MINOR_VERSION,
    ENTRY_REMOVED,
    ENTRY_VERSION,
)
from .memory import async_get_memory
from .options_flow import AMOUNT_SELECTOR, RETENTION_SELECTOR, MonzoOptionsFlow
from .privacy import get_logger
from .runtime import MonzoConfigEntry
from .transactions import Retention, retention_in, retention_of

_LOGGER = get_logger(__name__)

CONF_AUTH_IMPLEMENTATION: Final = "auth_implementation"
CONF_REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - a key, no secret

DEFAULT_TITLE: Final = "Monzo"

# An HTML link with a target, because the frontend would open a Markdown link without reloading the
# page. The dashboard is only offered after a reload.
DASHBOARDS_LINK: Final = {
    "link_start": '<a href="/config/lovelace/dashboards" target="_top">',
    "link_end": "</a>",
}

# The dialog asks for these before the first sign-in, and the new entry stores them as its options.
SETTINGS_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_ALLOW_TRANSFERS): BooleanSelector(),
        vol.Optional(CONF_MAX_PER_TRANSFER): AMOUNT_SELECTOR,
        vol.Optional(CONF_MAX_PER_DAY): AMOUNT_SELECTOR,
        vol.Required(CONF_KEEP_TRANSACTIONS): RETENTION_SELECTOR,
    }
)

# Suggested limits, because a faulty automation can move a lot of money quickly.
SUGGESTED_SETTINGS: Final = {
    CONF_ALLOW_TRANSFERS: True,
    CONF_MAX_PER_TRANSFER: 100,
    CONF_MAX_PER_DAY: 250,
    CONF_KEEP_TRANSACTIONS: Retention.EVERYTHING,
}

# A new sign-in makes older transactions readable for a few minutes, so the user decides before.
RECONFIGURE_SCHEMA: Final = vol.Schema({vol.Optional(CONF_KEEP_TRANSACTIONS): RETENTION_SELECTOR})

# The flows that sign in again for an entry that exists.
SOURCES_WITH_ENTRY: Final = (SOURCE_REAUTH, SOURCE_RECONFIGURE)


class MonzoFlowHandler(AbstractOAuth2FlowHandler, domain=DOMAIN):
    """Config flow: adds a person, and signs a known person in again."""

    DOMAIN = DOMAIN
    VERSION = ENTRY_VERSION
    MINOR_VERSION = ENTRY_MINOR_VERSION

    _settings: dict[str, Any] | None = None
    """The options of the entry that the user has submitted."""

    _sign_in: dict[str, Any]
    """The auth implementation and the token, as the config entry stores them."""

    _approval_task: asyncio.Task[tuple[Account, ...]] | None = None
    _accounts: tuple[Account, ...] = ()
    _is_finishing = False

    _entry_with_new_token: MonzoConfigEntry | None = None
    """The entry that has the new token already, because this sign-in has ended its old one."""

    @property
    @override
    def logger(self) -> logging.Logger:
        """Return the logger."""
        return _LOGGER

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: MonzoConfigEntry) -> OptionsFlow:
        """Return the options flow."""
        return MonzoOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the flow of budgets."""
        return {SUBENTRY_BUDGET: BudgetFlow}

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Start a new sign-in after the bank has ended the old one."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Explain the reason before the bank's website opens."""
        if user_input is None:
            return self.async_show_form(step_id="reauth_confirm")
        return await self.async_step_user()

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Start a new sign-in at the user's request, for example with another API client."""
        if user_input is None:
            current = {CONF_KEEP_TRANSACTIONS: retention_of(self._entry)}
            return self.async_show_form(
                step_id="reconfigure",
                data_schema=self.add_suggested_values_to_schema(RECONFIGURE_SCHEMA, current),
            )
        self._settings = user_input
        return await self.async_step_user()

    @override
    async def async_step_pick_implementation(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user choose an API client, and suggest the one that the entry uses."""
        result = await super().async_step_pick_implementation(user_input)
        schema = result.get("data_schema")
        if schema is not None and self.source in SOURCES_WITH_ENTRY:
            current = {"implementation": self._entry.data[CONF_AUTH_IMPLEMENTATION]}
            result["data_schema"] = self.add_suggested_values_to_schema(schema, current)
        return result

    @override
    async def async_step_auth(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Open the bank's website, for a new entry after asking for its settings."""
        if self._settings is None and self.source not in SOURCES_WITH_ENTRY:
            return await self.async_step_settings()
        return await super().async_step_auth(user_input)

    async def async_step_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the settings of a new entry, before the bank's website opens."""
        if user_input is None:
            return self.async_show_form(
                step_id="settings",
                data_schema=self.add_suggested_values_to_schema(
                    SETTINGS_SCHEMA, SUGGESTED_SETTINGS
                ),
            )
        self._settings = user_input
        return await self.async_step_auth()

    @override
    async def async_oauth_create_entry(self, data: dict[str, Any]) -> ConfigFlowResult:
        """Check whose sign-in it was on the bank's website, then wait for the approval."""
        self._sign_in = data
        token = data[CONF_TOKEN]
        # The same person may have left another dialog open. It must not block this one.
        await self.async_set_unique_id(token["user_id"], raise_on_progress=False)
        if not token.get(CONF_REFRESH_TOKEN):
            return self.async_abort(
                reason="not_confidential",
                description_placeholders={"developer_portal": DEVELOPER_PORTAL_URL},
            )
        existing = self.hass.config_entries.async_entry_for_domain_unique_id(
            DOMAIN, token["user_id"]
        )
        has_new_token = existing is not None and self._async_store_new_token(existing)
        if self.source in SOURCES_WITH_ENTRY:
            if self._entry.unique_id != self.unique_id:
                return self.async_abort(reason="wrong_account")
        elif existing is not None:
            if has_new_token:
                self.hass.config_entries.async_schedule_reload(existing.entry_id)
            return self.async_abort(reason="already_configured")
        return await self.async_step_wait_for_approval()

    @property
    def _entry(self) -> ConfigEntry:
        """The entry that a reauth or reconfigure flow belongs to.

        Ends the dialog if the user has removed the entry meanwhile.
        """
        entry = self.hass.config_entries.async_get_entry(self.context["entry_id"])
        if entry is None:
            raise AbortFlow(ENTRY_REMOVED)
        return entry

    @callback
    def _async_store_new_token(self, entry: ConfigEntry) -> bool:
        """Store the new token in the person's entry if this sign-in has ended the entry's own.

        Monzo keeps one token per person and API client. If the entry uses the same client, the new
        token is the only valid one from now on, even if the user closes this dialog. Return whether
        the entry has changed.
        """
        if entry.data[CONF_AUTH_IMPLEMENTATION] != self._sign_in[CONF_AUTH_IMPLEMENTATION]:
            return False
        self._entry_with_new_token = entry
        return self.hass.config_entries.async_update_entry(
            entry, data={**entry.data, **self._sign_in}
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Clean up after a dialog that the user has closed.

        An entry that has stopped but has a new token is reloaded, and waits for the approval on its
        own.
        """
        if self._is_finishing:
            return
        self._async_forget_request_budget_later()
        entry = self._entry_with_new_token
        if entry is None:
            return
        if entry.state is ConfigEntryState.SETUP_ERROR or (
            entry.state is ConfigEntryState.LOADED and entry.runtime_data.balances.sign_in_ended
        ):
            self.hass.config_entries.async_schedule_reload(entry.entry_id)

    async def async_step_wait_for_approval(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show progress until the user has approved the sign-in in the Monzo app."""
        if self._approval_task is None:
            # Home Assistant cancels background tasks when it stops.
            self._approval_task = self.hass.async_create_background_task(
                async_wait_for_approval(
                    self.hass, self._sign_in[CONF_TOKEN][CONF_ACCESS_TOKEN], self._request_budget
                ),
                "Monzo sign-in approval",
            )
            # A dialog that is closed never asks for the result, and asyncio would log the error.
            self._approval_task.add_done_callback(_retrieve_error)
        if not self._approval_task.done():
            return self.async_show_progress(
                step_id="wait_for_approval",
                progress_action="wait_for_approval",
                progress_task=self._approval_task,
            )
        finished, self._approval_task = self._approval_task, None
        try:
            self._accounts = await finished
        except TimeoutError:
            return self.async_show_progress_done(next_step_id="approval_timeout")
        except MonzoAuthenticationError:
            return self.async_show_progress_done(next_step_id="sign_in_ended")
        except MonzoError:
            return self.async_show_progress_done(next_step_id="connection_error")
        return self.async_show_progress_done(next_step_id="finish")

    @property
    def _request_budget(self) -> RequestBudget:
        """The budget of the person's entry, which set-up takes over if there is none yet."""
        user_id = str(self.unique_id)
        entry = self.hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, user_id)
        owner = user_id if entry is None else entry.entry_id
        return async_get_memory(self.hass).find_or_create(RequestBudget, owner, RequestBudget)

    @callback
    def _async_forget_request_budget_later(self) -> None:
        """Forget the budget of a person without an entry, unless they sign in again soon.

        For a few minutes, the bank still counts the requests of this sign-in.
        """
        if self.unique_id is None:
            return
        user_id, memory = self.unique_id, async_get_memory(self.hass)

        @callback
        def forget(_now: datetime) -> None:
            budget = memory.find(RequestBudget, user_id)
            if budget is not None and budget.is_unused:
                memory.remove(RequestBudget, user_id)

        async_call_later(
            self.hass,
            REQUEST_WINDOW + TIMER_TOLERANCE,
            HassJob(forget, cancel_on_shutdown=True),
        )

    async def async_step_approval_timeout(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer to keep waiting when the approval takes long."""
        if user_input is None:
            return self.async_show_form(step_id="approval_timeout")
        return await self.async_step_wait_for_approval()

    async def async_step_connection_error(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer to keep waiting when the bank could not be reached."""
        if user_input is None:
            return self.async_show_form(step_id="connection_error")
        return await self.async_step_wait_for_approval()

    async def async_step_sign_in_ended(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Abort when the bank has ended this sign-in."""
        return self.async_abort(reason="sign_in_ended")

    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Create or update the entry with the approved sign-in."""
        if self._is_finishing:
            # Home Assistant calls this step by itself, and every open browser calls it as well.
            # While the new entry is set up, a second call would create another entry.
            raise UnknownFlow
        self._is_finishing = True
        if self.source in SOURCES_WITH_ENTRY:
            entry = self._entry
            options = {**entry.options, **(self._settings or {})}
            return self.async_update_reload_and_abort(
                entry,
                data_updates=self._sign_in,
                options=options,
                reason="reading_history" if _reads_history(options) else UNDEFINED,
            )
        return self.async_create_entry(
            title=owner_name(self._accounts, self.unique_id) or DEFAULT_TITLE,
            data={**self._sign_in, CONF_WEBHOOK_ID: webhook.async_generate_id()},
            options=self._settings,
            description="history" if _reads_history(self._settings or {}) else None,
            description_placeholders=DASHBOARDS_LINK,
        )


def _reads_history(options: Mapping[str, Any]) -> bool:
    """Return whether the history of the accounts is read after a sign-in."""
    return retention_in(options).keeps_history


def _retrieve_error(task: asyncio.Task[Any]) -> None:
    """Mark the error of a task as handled."""
    if not task.cancelled():
        task.exception()
