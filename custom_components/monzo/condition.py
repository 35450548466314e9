"""Conditions: what automations can ask before they act.

What cannot be known at the moment is an error, not a no: turned around by "not", a no would let an
automation move money because the bank was out of reach.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Unpack, override

from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConditionError, ConditionErrorMessage
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import (
    ATTR_BEHAVIOR,
    BEHAVIOR_ALL,
    BEHAVIOR_ANY,
    Condition,
    ConditionCheckParams,
    ConditionConfig,
)
from homeassistant.helpers.selector import NumericThresholdMode
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .accounts import AccountOrPot, AccountState, PotState, bank_day_began
from .api import Money
from .automations import (
    ANY_NUMBER,
    AT_LEAST_ONE,
    TargetType,
    Threshold,
    async_check,
    async_chosen,
    threshold_schema,
)
from .const import DOMAIN
from .runtime import MonzoRuntimeData

CONF_CATEGORY: Final = "category"
CONF_PERIOD: Final = "period"
CONF_THRESHOLD: Final = "threshold"


class Period(StrEnum):
    """A time in which money is spent, until now."""

    TODAY = "today"
    THIS_WEEK = "this_week"
    THIS_MONTH = "this_month"


def _week_began(now: datetime) -> datetime:
    today = dt_util.as_local(now).date()
    return dt_util.start_of_local_day(today - timedelta(days=today.weekday()))


def _month_began(now: datetime) -> datetime:
    return dt_util.start_of_local_day(dt_util.as_local(now).date().replace(day=1))


# The day is the bank's, as it is for the sensor of what was spent today.
BEGAN: Final[dict[Period, Callable[[datetime], datetime]]] = {
    Period.TODAY: bank_day_began,
    Period.THIS_WEEK: _week_began,
    Period.THIS_MONTH: _month_began,
}

BEHAVIOR: Final = {
    vol.Optional(ATTR_BEHAVIOR, default=BEHAVIOR_ANY): vol.In([BEHAVIOR_ANY, BEHAVIOR_ALL])
}
THRESHOLD: Final = {vol.Required(CONF_THRESHOLD): threshold_schema(NumericThresholdMode.IS)}


def _schema(*parts: Mapping[Any, Any]) -> vol.Schema:
    """Return the schema of a condition with these options."""
    options: dict[Any, Any] = {}
    for part in parts:
        options |= part
    return vol.Schema({vol.Required(CONF_OPTIONS): options})


class UnknownReason(StrEnum):
    """Why nobody can tell, as a text for traces and the log."""

    GONE = "an account or a pot that was chosen is no longer there"
    NO_ANSWER = "the bank does not tell at the moment"
    NO_LIMIT = "an entity that is to show a limit does not show an amount in the right currency"
    NO_SUM = "what has been spent cannot be added up, or is not known yet"


def _unknown(obstacle: UnknownReason) -> ConditionErrorMessage:
    """Return what to raise when nobody can tell."""
    return ConditionErrorMessage(DOMAIN, obstacle)


class MonzoCondition(Condition):
    """Asks about accounts or pots."""

    schema: ClassVar[vol.Schema]

    holders: ClassVar[TargetType]
    """What the user chooses from."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options, and that the devices exist; nothing has to be loaded for that."""
        valid: ConfigType = cls.schema(config)
        async_check(hass, valid[CONF_OPTIONS][ATTR_DEVICE_ID], cls.holders)
        return valid

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Keep what was validated."""
        super().__init__(hass, config)
        self._options: dict[str, Any] = config.options or {}

    @callback
    def _async_chosen(self) -> Collection[str]:
        """Return the ids of the accounts and pots that were chosen; raise if there are none."""
        chosen = async_chosen(self._hass, self._options[ATTR_DEVICE_ID], self.holders)
        if not chosen or len(chosen) < len(set(self._options[ATTR_DEVICE_ID])):
            raise _unknown(UnknownReason.GONE)
        return chosen.keys()


@callback
def _async_state(hass: HomeAssistant, monzo_id: str) -> tuple[MonzoRuntimeData, AccountOrPot]:
    """Return what is known of an account or a pot, with the config entry that knows it.

    Raises ConditionError if nobody knows it at the moment.
    """
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        runtime: MonzoRuntimeData = entry.runtime_data
        found = runtime.balances.data.find(monzo_id)
        if runtime.balances.last_update_success and isinstance(found, (AccountState, PotState)):
            return runtime, found
    raise _unknown(UnknownReason.NO_ANSWER)


class AccountOrPotCondition(MonzoCondition):
    """Asks something about any, or all, of several accounts or pots."""

    @abstractmethod
    @callback
    def _async_holds(self, holder: AccountOrPot) -> bool:
        """Return the answer for one account or pot; raises ConditionError if unknown."""

    @callback
    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Return the answer, as soon as what is not known could not change it."""
        # A single yes decides about any of them, and a single no about all of them.
        decisive = self._options[ATTR_BEHAVIOR] == BEHAVIOR_ANY
        obstacle = None
        for monzo_id in self._async_chosen():
            try:
                _runtime, holder = _async_state(self._hass, monzo_id)
                if self._async_holds(holder) is decisive:
                    return decisive
            except ConditionError as err:
                obstacle = err
        if obstacle is not None:
            raise obstacle
        return not decisive


class IsBalance(AccountOrPotCondition):
    """Asks whether a balance is above, below, between or outside limits."""

    schema = _schema(AT_LEAST_ONE, BEHAVIOR, THRESHOLD)
    holders = TargetType.BOTH

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Keep the threshold."""
        super().__init__(hass, config)
        self._threshold = Threshold.from_config(self._options[CONF_THRESHOLD])

    @override
    @callback
    def _async_holds(self, holder: AccountOrPot) -> bool:
        return _async_compare(self._hass, self._threshold, holder.money)


class IsPotGoalReached(AccountOrPotCondition):
    """Asks whether a pot has all that its owner wants in it."""

    schema = _schema(AT_LEAST_ONE, BEHAVIOR)
    holders = TargetType.POTS

    @override
    @callback
    def _async_holds(self, holder: AccountOrPot) -> bool:
        return isinstance(holder, PotState) and holder.has_reached_goal


class IsSpending(MonzoCondition):
    """Asks whether what has been spent is above, below, between or outside limits."""

    schema = _schema(
        ANY_NUMBER,
        {vol.Required(CONF_PERIOD): vol.Coerce(Period)},
        {vol.Optional(CONF_CATEGORY, default=list): vol.All(cv.ensure_list, [cv.string])},
        THRESHOLD,
    )
    holders = TargetType.ACCOUNTS

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Keep the threshold."""
        super().__init__(hass, config)
        self._threshold = Threshold.from_config(self._options[CONF_THRESHOLD])

    @callback
    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Return whether the sum over the chosen accounts is where it is asked for."""
        sums = list(self._async_sums())
        if not sums or len({each.currency for each in sums}) > 1:
            raise _unknown(UnknownReason.NO_SUM)
        return _async_compare(self._hass, self._threshold, sum(sums[1:], sums[0]))

    @callback
    def _async_sums(self) -> Iterator[Money]:
        """Yield what has been spent by each account in each category."""
        since = BEGAN[self._options[CONF_PERIOD]](dt_util.utcnow())
        for monzo_id in self._async_chosen():
            runtime, _account = _async_state(self._hass, monzo_id)
            transactions = runtime.transactions
            for category in self._options[CONF_CATEGORY] or (None,):
                spent = transactions.spent(monzo_id, since, category)
                if spent is not None and transactions.is_current(monzo_id):
                    yield spent
                elif spent is not None or self._options[ATTR_DEVICE_ID]:
                    raise _unknown(UnknownReason.NO_SUM)


@callback
def _async_compare(hass: HomeAssistant, threshold: Threshold, money: Money) -> bool:
    """Return whether an amount is where a threshold wants it; raises ConditionError if unknown."""
    holds = threshold.async_holds(hass, money.amount, money.currency)
    if holds is None:
        raise _unknown(UnknownReason.NO_LIMIT)
    return holds


CONDITIONS: Final[dict[str, type[Condition]]] = {
    "is_balance": IsBalance,
    "is_pot_goal_reached": IsPotGoalReached,
    "is_spending": IsSpending,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return what automations can ask."""
    return CONDITIONS
