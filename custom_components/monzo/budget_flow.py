"""Subentry flow: creates and changes budgets."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import WEEKDAYS
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .accounts import async_account_names
from .amounts import parse_amount
from .api import Money
from .budgets import (
    CONF_ACCOUNTS,
    CONF_CARRY_OVER,
    CONF_CARRY_SINCE,
    CONF_CATEGORIES,
    CONF_CURRENCY,
    CONF_DAY,
    CONF_LIMIT,
    CONF_MERCHANT,
    CONF_PERIOD,
    CONF_TAG,
    CONF_TITLE,
    CONF_WEEKDAY,
    PeriodType,
    Scope,
    with_limit,
)
from .const import ENTRY_REMOVED
from .runtime import MonzoConfigEntry
from .texts import async_category_name
from .transactions import (
    CATEGORIES,
    Retention,
    TransactionRecord,
    async_get_archive,
    parse_tag,
    retention_of,
)

_DAYS: Final = [str(day) for day in range(1, 32)]

_EVER: Final = datetime.min.replace(tzinfo=UTC)

_SUGGESTED: Final = {
    CONF_PERIOD: PeriodType.MONTH,
    CONF_DAY: _DAYS[0],
    CONF_WEEKDAY: WEEKDAYS[0],
    CONF_CARRY_OVER: False,
}


class BudgetFlow(ConfigSubentryFlow):
    """Creates a new budget, or changes an existing one."""

    _input: dict[str, Any]
    """The valid input of the form."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the settings of a new budget."""
        return await self._async_step_settings("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for other settings of a budget."""
        return await self._async_step_settings("reconfigure", user_input)

    async def async_step_no_match(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Warn that no transaction matches so far. If the user continues, the budget is stored."""
        if user_input is None:
            return self.async_show_form(step_id="no_match")
        return self._async_store()

    async def _async_step_settings(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        if (reason := self._abort_reason()) is not None:
            return self.async_abort(reason=reason)
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = self._errors(user_input)
            if not errors:
                self._input = user_input
                if await self._async_matches_nothing():
                    return await self.async_step_no_match()
                return self._async_store()
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                self._schema(), user_input or self._current_values()
            ),
            errors=errors,
        )

    # The entry and the budget

    def _abort_reason(self) -> str | None:
        """Return the reason why the dialog cannot continue; None if it can."""
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None:
            return ENTRY_REMOVED
        if entry.state is not ConfigEntryState.LOADED:
            # The accounts are unknown.
            return "not_loaded"
        is_known = self.source != SOURCE_RECONFIGURE or self._subentry is not None
        return None if is_known else "budget_removed"

    @property
    def _entry(self) -> MonzoConfigEntry:
        return self._get_entry()

    @property
    def _subentry(self) -> ConfigSubentry | None:
        """The budget to change; None for a new one, or if the user has removed it."""
        if self.source != SOURCE_RECONFIGURE:
            return None
        return self._entry.subentries.get(self._reconfigure_subentry_id)

    @property
    def _stored(self) -> Mapping[str, Any]:
        """The stored settings; empty for a new budget."""
        return self._subentry.data if self._subentry else {}

    # The form

    def _schema(self) -> vol.Schema:
        states = self._entry.runtime_data.balances.data.accounts
        names = async_account_names(self.hass, [state.account for state in states.values()])
        # An account that is no longer available is kept, unless the user removes it.
        names = {id_: id_ for id_ in self._stored.get(CONF_ACCOUNTS, ())} | names
        return vol.Schema(
            {
                vol.Required(CONF_TITLE): TextSelector(),
                vol.Required(CONF_LIMIT): NumberSelector(
                    NumberSelectorConfig(step="any", mode=NumberSelectorMode.BOX)
                ),
                vol.Required(CONF_ACCOUNTS): SelectSelector(
                    SelectSelectorConfig(
                        options=[SelectOptionDict(value=it, label=names[it]) for it in names],
                        multiple=True,
                        mode=SelectSelectorMode.LIST,
                    )
                ),
                vol.Optional(CONF_CATEGORIES): SelectSelector(
                    SelectSelectorConfig(
                        options=[
                            SelectOptionDict(value=it, label=async_category_name(self.hass, it))
                            for it in sorted(CATEGORIES)
                        ],
                        translation_key="category",
                        multiple=True,
                        custom_value=True,
                        mode=SelectSelectorMode.DROPDOWN,
                    )
                ),
                vol.Optional(CONF_MERCHANT): TextSelector(),
                vol.Optional(CONF_TAG): TextSelector(),
                vol.Required(CONF_PERIOD): _dropdown(list(PeriodType), "budget_period"),
                vol.Required(CONF_DAY): _dropdown(_DAYS),
                vol.Required(CONF_WEEKDAY): _dropdown(WEEKDAYS, "weekday"),
                vol.Required(CONF_CARRY_OVER): BooleanSelector(),
            }
        )

    def _current_values(self) -> dict[str, Any]:
        """Return the initial values of the form."""
        if (subentry := self._subentry) is None:
            return _SUGGESTED
        stored = subentry.data
        return {
            **stored,
            CONF_TITLE: subentry.title,
            CONF_LIMIT: float(stored[CONF_LIMIT]),
            CONF_DAY: str(stored[CONF_DAY]),
            CONF_CARRY_OVER: stored[CONF_CARRY_SINCE] is not None,
        }

    def _errors(self, user_input: Mapping[str, Any]) -> dict[str, str]:
        """Return the error keys of the fields with errors."""
        errors: dict[str, str] = {}
        if not user_input[CONF_TITLE].strip():
            errors[CONF_TITLE] = "no_title"
        currencies = self._currencies(user_input)
        if len(currencies) != 1:
            errors[CONF_ACCOUNTS] = "mixed_currencies" if currencies else "no_account"
        elif (limit := parse_amount(user_input[CONF_LIMIT], *currencies)) is None:
            errors[CONF_LIMIT] = "too_many_decimals"
        elif limit <= Money.zero(limit.currency):
            errors[CONF_LIMIT] = "limit_not_positive"
        tag = user_input.get(CONF_TAG, "").strip()
        if tag and parse_tag(tag) is None:
            errors[CONF_TAG] = "invalid_tag"
        return errors

    def _currencies(self, user_input: Mapping[str, Any]) -> set[str]:
        states = self._entry.runtime_data.balances.data.accounts
        return {
            states[id_].currency if id_ in states else self._stored[CONF_CURRENCY]
            for id_ in user_input[CONF_ACCOUNTS]
        }

    # The result

    def _data(self) -> dict[str, Any]:
        """Return the settings to store."""
        since = None
        if self._input[CONF_CARRY_OVER]:
            since = self._stored.get(CONF_CARRY_SINCE) or dt_util.now().date().isoformat()
        (currency,) = self._currencies(self._input)
        limit = parse_amount(self._input[CONF_LIMIT], currency)
        assert limit is not None  # noqa: S101 - the input was validated
        data = {
            CONF_LIMIT: str(limit.amount),
            **self._stored,
            CONF_ACCOUNTS: self._input[CONF_ACCOUNTS],
            CONF_CURRENCY: currency,
            CONF_CATEGORIES: self._input.get(CONF_CATEGORIES, []),
            CONF_MERCHANT: self._input.get(CONF_MERCHANT, "").strip(),
            CONF_TAG: parse_tag(self._input.get(CONF_TAG, "")) or "",
            CONF_PERIOD: self._input[CONF_PERIOD],
            CONF_DAY: int(self._input[CONF_DAY]),
            CONF_WEEKDAY: self._input[CONF_WEEKDAY],
            CONF_CARRY_SINCE: since,
        }
        if (subentry := self._subentry) is None:
            return data
        period = self._entry.runtime_data.budgets.period(subentry.subentry_id)
        return with_limit(data, limit, period)

    def _async_store(self) -> SubentryFlowResult:
        title = self._input[CONF_TITLE].strip()
        if (reason := self._abort_reason()) is not None:
            return self.async_abort(reason=reason)
        if (subentry := self._subentry) is None:
            return self.async_create_entry(title=title, data=self._data())
        return self.async_update_and_abort(self._entry, subentry, title=title, data=self._data())

    async def _async_matches_nothing(self) -> bool:
        """Return whether no known transaction has the merchant or tag."""
        data = self._data()
        scope = Scope(
            categories=frozenset(data[CONF_CATEGORIES]),
            merchant=data[CONF_MERCHANT],
            tag=data[CONF_TAG],
        )
        if not scope.needs_details or retention_of(self._entry) is Retention.NEEDED:
            return False
        archive = await async_get_archive(self.hass, dt_util.utcnow())
        found: set[bool] = set()

        def note(record: TransactionRecord) -> None:
            found.add(bool(scope.minor_of(record)))

        for account_id in data[CONF_ACCOUNTS]:
            newest = await archive.async_changed_records(account_id, _EVER, 0, note)
            if newest is None or True in found:
                return False
        return True


def _dropdown(options: list[str], translation_key: str | None = None) -> SelectSelector:
    config = SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN)
    if translation_key is not None:
        config["translation_key"] = translation_key
    return SelectSelector(config)
