"""Signing in to Monzo, and the options."""

import asyncio
from collections.abc import Mapping
import logging
from typing import Any, Final, override

from homeassistant.components import webhook
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlowResult,
    OptionsFlow,
    OptionsFlowWithReload,
)
from homeassistant.const import CONF_ACCESS_TOKEN, CONF_TOKEN, CONF_WEBHOOK_ID
from homeassistant.core import callback
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.config_entry_oauth2_flow import AbstractOAuth2FlowHandler
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import voluptuous as vol

from .accounts import async_account_name, owner_name
from .api import (
    Account,
    MonzoAuthenticationError,
    MonzoClient,
    MonzoError,
    MonzoPermissionError,
    MonzoRateLimitError,
)
from .const import (
    CONF_ALLOW_TRANSFERS,
    CONF_EXCLUDED_ACCOUNTS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    DEVELOPER_PORTAL_URL,
    DOMAIN,
    ENTRY_MINOR_VERSION,
    ENTRY_VERSION,
)
from .runtime import MonzoConfigEntry

_LOGGER = logging.getLogger(__name__)

CONF_ACCOUNTS: Final = "accounts"
CONF_AUTH_IMPLEMENTATION: Final = "auth_implementation"
CONF_REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - a key, no secret

# Dialogs that are about an entry which exists already.
SOURCES_WITH_ENTRY: Final = (SOURCE_REAUTH, SOURCE_RECONFIGURE)

# Seconds between looking whether the sign-in is approved: quick for those who have their phone in
# hand, and in all two minutes with fewer requests than the bank has refused.
APPROVAL_PAUSES: Final = (*[2] * 5, *[5] * 10, *[10] * 6)

# Failures in a row until waiting for the approval stops to tell the user about it.
APPROVAL_PATIENCE: Final = 3


class MonzoFlowHandler(AbstractOAuth2FlowHandler, domain=DOMAIN):
    """Signs a person in: at the bank's website, and then in the Monzo app."""

    DOMAIN = DOMAIN
    VERSION = ENTRY_VERSION
    MINOR_VERSION = ENTRY_MINOR_VERSION

    _sign_in: dict[str, Any]
    _approval: asyncio.Task[tuple[Account, ...]] | None = None
    _accounts: tuple[Account, ...] = ()
    _is_finishing = False

    @property
    @override
    def logger(self) -> logging.Logger:
        """Return the logger."""
        return _LOGGER

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: MonzoConfigEntry) -> OptionsFlow:
        """Return the options' flow."""
        return MonzoOptionsFlow()

    @override
    async def async_step_pick_implementation(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user choose among several Monzo clients, at first the one in use."""
        result = await super().async_step_pick_implementation(user_input)
        schema = result.get("data_schema")
        if schema is not None and self.source in SOURCES_WITH_ENTRY:
            current = {"implementation": self._entry.data[CONF_AUTH_IMPLEMENTATION]}
            result["data_schema"] = self.add_suggested_values_to_schema(schema, current)
        return result

    @override
    async def async_oauth_create_entry(self, data: dict[str, Any]) -> ConfigFlowResult:
        """Go on after the bank's website: check who signed in, then wait for the approval."""
        token = data[CONF_TOKEN]
        # A dialog that the same person has left open somewhere must not stand in the way.
        await self.async_set_unique_id(token["user_id"], raise_on_progress=False)
        if not token.get(CONF_REFRESH_TOKEN):
            return self.async_abort(
                reason="not_confidential",
                description_placeholders={"developer_portal": DEVELOPER_PORTAL_URL},
            )
        self._sign_in = data
        known = self.hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, token["user_id"])
        handed_over = known is not None and self._hand_over(known)
        if self.source in SOURCES_WITH_ENTRY:
            self._abort_if_unique_id_mismatch(reason="wrong_account")
        elif known is not None:
            if handed_over:
                self.hass.config_entries.async_schedule_reload(known.entry_id)
            return self.async_abort(reason="already_configured")
        return await self.async_step_wait_for_approval()

    @property
    def _entry(self) -> ConfigEntry:
        """The entry that this dialog was opened for."""
        if self.source == SOURCE_REAUTH:
            return self._get_reauth_entry()
        return self._get_reconfigure_entry()

    @callback
    def _hand_over(self, entry: ConfigEntry) -> bool:
        """Have this person's entry go on with this sign-in at once if its own has just ended.

        Monzo keeps one token per person and client: if the entry uses the same client, the new
        token is the only one left, whatever becomes of this dialog.
        """
        if entry.data[CONF_AUTH_IMPLEMENTATION] != self._sign_in[CONF_AUTH_IMPLEMENTATION]:
            return False
        return self.hass.config_entries.async_update_entry(
            entry, data={**entry.data, **self._sign_in}
        )

    async def async_step_wait_for_approval(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Wait until the sign-in is approved in the Monzo app, and go on by itself."""
        if self._approval is None:
            # A background task ends with Home Assistant.
            self._approval = self.hass.async_create_background_task(
                self._async_wait_for_approval(), "Monzo sign-in approval"
            )
        if not self._approval.done():
            return self.async_show_progress(
                step_id="wait_for_approval",
                progress_action="wait_for_approval",
                progress_task=self._approval,
            )
        approval, self._approval = self._approval, None
        try:
            self._accounts = await approval
        except TimeoutError:
            return self.async_show_progress_done(next_step_id="approval_timeout")
        except MonzoAuthenticationError:
            return self.async_show_progress_done(next_step_id="sign_in_ended")
        except MonzoError:
            return self.async_show_progress_done(next_step_id="connection_error")
        return self.async_show_progress_done(next_step_id="finish")

    async def _async_wait_for_approval(self) -> tuple[Account, ...]:
        """Return the accounts as soon as they may be read.

        Raises TimeoutError if that takes too long, and MonzoError if the bank cannot be asked or
        says no for good.
        """
        client = MonzoClient(async_get_clientsession(self.hass), self._async_access_token)
        failures = 0
        for pause in APPROVAL_PAUSES:
            wait: float = pause
            try:
                return tuple(await client.accounts())
            except MonzoPermissionError:
                failures = 0
            except MonzoAuthenticationError:
                raise
            except MonzoRateLimitError as err:
                # Somebody is waiting: if the bank does not say for how long, ask as rarely as ever.
                wait = err.retry_after or APPROVAL_PAUSES[-1]
            except MonzoError:
                failures += 1
                if failures == APPROVAL_PATIENCE:
                    raise
            await asyncio.sleep(wait)
        raise TimeoutError

    async def _async_access_token(self) -> str:
        """Return the token of this sign-in."""
        token: str = self._sign_in[CONF_TOKEN][CONF_ACCESS_TOKEN]
        return token

    async def async_step_approval_timeout(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer to go on waiting when nobody has approved the sign-in so far."""
        if user_input is None:
            return self.async_show_form(step_id="approval_timeout")
        return await self.async_step_wait_for_approval()

    async def async_step_connection_error(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer to go on waiting when the bank could not be asked."""
        if user_input is None:
            return self.async_show_form(step_id="connection_error")
        return await self.async_step_wait_for_approval()

    async def async_step_sign_in_ended(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Stop when the bank no longer accepts this sign-in."""
        return self.async_abort(reason="sign_in_ended")

    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Keep the approved sign-in."""
        if self._is_finishing:
            # Home Assistant comes here by itself, and so does each browser that looks on. While
            # the new entry is set up, a second one would make another of it.
            raise UnknownFlow
        self._is_finishing = True
        if self.source in SOURCES_WITH_ENTRY:
            return self.async_update_reload_and_abort(self._entry, data_updates=self._sign_in)
        return self.async_create_entry(
            title=owner_name(self._accounts, self.unique_id) or "Monzo",
            data={**self._sign_in, CONF_WEBHOOK_ID: webhook.async_generate_id()},
        )

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin when the bank no longer accepts what it gave us."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Tell the user what happened before sending them to the bank."""
        if user_input is None:
            return self.async_show_form(step_id="reauth_confirm")
        return await self.async_step_user()

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Sign in anew, perhaps with another Monzo client."""
        if user_input is None:
            return self.async_show_form(step_id="reconfigure")
        return await self.async_step_user()


class MonzoOptionsFlow(OptionsFlowWithReload):
    """Which accounts to show, and how much money may be moved."""

    config_entry: MonzoConfigEntry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options and keep them."""
        if self.config_entry.state is not ConfigEntryState.LOADED:
            # Without the bank nobody knows which accounts there are.
            return self.async_abort(reason="not_loaded")
        accounts = self.config_entry.runtime_data.balances.open_accounts
        errors: dict[str, str] = {}
        if user_input is not None:
            if not (included := user_input[CONF_ACCOUNTS]):
                errors[CONF_ACCOUNTS] = "no_account"
            else:
                excluded = self._still_excluded(accounts, included)
                return self.async_create_entry(data=_options(user_input, excluded))
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                self._schema(accounts), user_input or self._current(accounts)
            ),
            errors=errors,
        )

    def _schema(self, accounts: tuple[Account, ...]) -> vol.Schema:
        """Return the form."""
        names = [
            SelectOptionDict(value=account.id, label=async_account_name(self.hass, account))
            for account in accounts
        ]
        # No upper end: whoever needs a high limit has a reason for it.
        amount = NumberSelector(
            NumberSelectorConfig(min=0.01, step=0.01, mode=NumberSelectorMode.BOX)
        )
        return vol.Schema(
            {
                vol.Required(CONF_ACCOUNTS): SelectSelector(
                    SelectSelectorConfig(options=names, multiple=True, mode=SelectSelectorMode.LIST)
                ),
                vol.Required(CONF_ALLOW_TRANSFERS): BooleanSelector(),
                vol.Optional(CONF_MAX_PER_TRANSFER): amount,
                vol.Optional(CONF_MAX_PER_DAY): amount,
            }
        )

    def _current(self, accounts: tuple[Account, ...]) -> dict[str, Any]:
        """Return the form's values as they are now."""
        options = self.config_entry.options
        excluded = options.get(CONF_EXCLUDED_ACCOUNTS, ())
        return {
            CONF_ALLOW_TRANSFERS: True,
            **options,
            CONF_ACCOUNTS: [account.id for account in accounts if account.id not in excluded],
        }

    def _still_excluded(self, accounts: tuple[Account, ...], included: list[str]) -> list[str]:
        """Return the accounts to leave out: those not ticked, and those not shown this time."""
        shown = [account.id for account in accounts]
        before = self.config_entry.options.get(CONF_EXCLUDED_ACCOUNTS, ())
        hidden = [account_id for account_id in before if account_id not in shown]
        return hidden + [account_id for account_id in shown if account_id not in included]


def _options(user_input: Mapping[str, Any], excluded: list[str]) -> dict[str, Any]:
    """Return the options to keep.

    They name the accounts to leave out, so that a new one is shown without being asked for.
    """
    options = {key: value for key, value in user_input.items() if key != CONF_ACCOUNTS}
    return options | {CONF_EXCLUDED_ACCOUNTS: excluded}
