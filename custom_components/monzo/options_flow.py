"""Options flow: accounts, limits for moving money, language models, history, and pay day."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult, OptionsFlowWithReload
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

from .accounts import async_account_names
from .api import Account
from .const import (
    CONF_ALLOW_ANSWERS,
    CONF_ALLOW_LANGUAGE_MODELS,
    CONF_ALLOW_TRANSFERS,
    CONF_EXCLUDED_ACCOUNTS,
    CONF_KEEP_TRANSACTIONS,
    CONF_MAX_PER_DAY,
    CONF_MAX_PER_TRANSFER,
    CONF_ONLY_ADMINISTRATORS,
    CONF_PAY_DAY,
    CONF_PAY_DAY_OF_MONTH,
    CONF_STATISTICS,
    ENTRY_REMOVED,
)
from .recurring import PayDayBasis
from .runtime import MonzoConfigEntry
from .transactions import Retention

CONF_ACCOUNTS: Final = "accounts"

RETENTION_SELECTOR: Final = SelectSelector(
    SelectSelectorConfig(
        options=list(Retention),
        mode=SelectSelectorMode.LIST,
        translation_key=CONF_KEEP_TRANSACTIONS,
    )
)

# No maximum: users choose how much money their automations may move.
AMOUNT_SELECTOR: Final = NumberSelector(
    NumberSelectorConfig(min=0.01, step=0.01, mode=NumberSelectorMode.BOX)
)

PAY_DAY_SELECTOR: Final = SelectSelector(
    SelectSelectorConfig(
        options=list(PayDayBasis), translation_key=CONF_PAY_DAY, mode=SelectSelectorMode.DROPDOWN
    )
)
DAY_OF_MONTH_SELECTOR: Final = NumberSelector(
    NumberSelectorConfig(min=1, max=31, step=1, mode=NumberSelectorMode.BOX)
)


class MonzoOptionsFlow(OptionsFlowWithReload):
    """Options flow: the accounts to include, limits for moving money, and the pay day."""

    config_entry: MonzoConfigEntry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options and store them."""
        if self.hass.config_entries.async_get_entry(self.handler) is None:
            return self.async_abort(reason=ENTRY_REMOVED)
        if self.config_entry.state is not ConfigEntryState.LOADED:
            # The accounts are unknown.
            return self.async_abort(reason="not_loaded")
        accounts = self.config_entry.runtime_data.balances.open_accounts
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = _errors(user_input)
            if not errors:
                return self.async_create_entry(
                    data=_options(user_input, accounts, self._excluded_accounts)
                )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(
                self._schema(accounts), user_input or self._current_values(accounts)
            ),
            errors=errors,
        )

    @property
    def _excluded_accounts(self) -> Collection[str]:
        """The ids of the accounts that are excluded now."""
        excluded: list[str] = self.config_entry.options.get(CONF_EXCLUDED_ACCOUNTS, [])
        return excluded

    def _schema(self, accounts: Collection[Account]) -> vol.Schema:
        """Return the form."""
        names = async_account_names(self.hass, accounts)
        choices = [SelectOptionDict(value=id_, label=name) for id_, name in names.items()]
        return vol.Schema(
            {
                vol.Required(CONF_ACCOUNTS): SelectSelector(
                    SelectSelectorConfig(
                        options=choices, multiple=True, mode=SelectSelectorMode.LIST
                    )
                ),
                vol.Required(CONF_ALLOW_TRANSFERS): BooleanSelector(),
                vol.Optional(CONF_ALLOW_LANGUAGE_MODELS): BooleanSelector(),
                vol.Optional(CONF_MAX_PER_TRANSFER): AMOUNT_SELECTOR,
                vol.Optional(CONF_MAX_PER_DAY): AMOUNT_SELECTOR,
                vol.Optional(CONF_ALLOW_ANSWERS): BooleanSelector(),
                vol.Required(CONF_KEEP_TRANSACTIONS): RETENTION_SELECTOR,
                vol.Optional(CONF_ONLY_ADMINISTRATORS): BooleanSelector(),
                vol.Optional(CONF_STATISTICS): BooleanSelector(),
                vol.Optional(CONF_PAY_DAY): PAY_DAY_SELECTOR,
                vol.Optional(CONF_PAY_DAY_OF_MONTH): DAY_OF_MONTH_SELECTOR,
            }
        )

    def _current_values(self, accounts: Iterable[Account]) -> dict[str, Any]:
        """Return the initial values of the form."""
        excluded = self._excluded_accounts
        return {
            CONF_ALLOW_TRANSFERS: True,
            CONF_KEEP_TRANSACTIONS: Retention.NEEDED,
            CONF_PAY_DAY: PayDayBasis.DETECTED,
            **self.config_entry.options,
            CONF_ACCOUNTS: [account.id for account in accounts if account.id not in excluded],
        }


def _errors(user_input: Mapping[str, Any]) -> dict[str, str]:
    """Return the error keys of the fields with errors."""
    errors = {}
    if not user_input[CONF_ACCOUNTS]:
        errors[CONF_ACCOUNTS] = "no_account"
    if (
        user_input.get(CONF_PAY_DAY) == PayDayBasis.DAY_OF_MONTH
        and CONF_PAY_DAY_OF_MONTH not in user_input
    ):
        errors[CONF_PAY_DAY_OF_MONTH] = "no_day"
    return errors


def _options(
    user_input: Mapping[str, Any], accounts: Iterable[Account], excluded_before: Iterable[str]
) -> dict[str, Any]:
    """Return the options to store.

    They list the excluded accounts rather than the included ones, so that a new account is
    included. An account that was excluded before and is not in the form stays excluded.
    """
    shown = [account.id for account in accounts]
    not_shown = [account_id for account_id in excluded_before if account_id not in shown]
    not_ticked = [account_id for account_id in shown if account_id not in user_input[CONF_ACCOUNTS]]
    options = {key: value for key, value in user_input.items() if key != CONF_ACCOUNTS}
    return options | {CONF_EXCLUDED_ACCOUNTS: not_shown + not_ticked}
