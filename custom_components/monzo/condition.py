"""Conditions for automations.

A condition whose answer is unknown raises an error instead of returning False. Inside a "not"
condition, False would let an automation move money just because the bank could not be reached.
"""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Final, Unpack, override

from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConditionError, ConditionErrorMessage
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
import voluptuous as vol

from .accounts import AccountOrPot, PotState
from .api import Money
from .automations import (
    CONF_CATEGORY,
    CONF_TAG,
    OPTIONAL_TARGETS,
    REQUIRED_TARGETS,
    Period,
    TargetType,
    Threshold,
    async_get_targets,
    async_validate_config,
    filter_schema,
    start_of_period,
    threshold_schema,
)
from .budgets import BudgetStatus
from .const import DOMAIN
from .runtime import MonzoRuntimeData, async_find_runtime, async_find_runtime_if

CONF_DAYS: Final = "days"
CONF_PERIOD: Final = "period"
CONF_THRESHOLD: Final = "threshold"

# A chosen pay day is at most a month away, but a detected one may be less frequent.
MAX_DAYS: Final = 366

BEHAVIOR: Final[Mapping[Any, Any]] = {
    vol.Optional(ATTR_BEHAVIOR, default=BEHAVIOR_ANY): vol.In([BEHAVIOR_ANY, BEHAVIOR_ALL])
}
PERIOD: Final[Mapping[Any, Any]] = {vol.Required(CONF_PERIOD): vol.Coerce(Period)}
DAYS: Final[Mapping[Any, Any]] = {
    vol.Required(CONF_DAYS): vol.All(vol.Coerce(int), vol.Range(min=0, max=MAX_DAYS))
}
THRESHOLD: Final[Mapping[Any, Any]] = {
    vol.Required(CONF_THRESHOLD): threshold_schema(NumericThresholdMode.IS)
}


def _schema(*parts: Mapping[Any, Any]) -> vol.Schema:
    """Return the schema of a condition whose options are in these parts."""
    options: dict[Any, Any] = {}
    for part in parts:
        options |= part
    return vol.Schema({vol.Required(CONF_OPTIONS): options})


class UnknownReason(StrEnum):
    """The reason why the answer of a condition is unknown, as shown in traces and in the log."""

    TARGET_REMOVED = "an account or pot to test no longer exists"
    TARGET_UNAVAILABLE = "an account or pot to test could not be read from Monzo"
    LIMIT_UNKNOWN = "an entity of the threshold does not show an amount in the right currency"
    NOTES_UNKNOWN = "the notes of all payments of the period are not kept, so tags are unknown"
    MIXED_CURRENCIES = "the spending of accounts in different currencies cannot be added up"
    BUDGET_UNKNOWN = "the spending of a budget is not known"
    LEFT_TO_SPEND_UNKNOWN = "what is left to spend of an account is not known"
    PAY_DAY_UNKNOWN = "the next pay day of a person is not known"
    SPENDING_UNKNOWN = "the spending of an account could not be read from Monzo"


def _unknown(reason: UnknownReason) -> ConditionErrorMessage:
    """Return the error to raise when the answer is unknown."""
    return ConditionErrorMessage(DOMAIN, reason)


class MonzoCondition(Condition):
    """Base condition: validates and finds the targets."""

    schema: ClassVar[vol.Schema]

    target_type: ClassVar[TargetType]
    """The devices that the user can choose."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        return async_validate_config(hass, cls.schema, config, cls.target_type)

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Initialize the condition with its validated options."""
        super().__init__(hass, config)
        self._options: dict[str, Any] = config.options or {}

    @callback
    def _async_target_ids(self) -> Collection[str]:
        """Return Monzo's IDs of the chosen accounts and pots.

        Raises ConditionError if a chosen one was removed, or if there is none to choose.
        """
        device_ids = self._options[ATTR_DEVICE_ID]
        targets = async_get_targets(self._hass, device_ids, self.target_type)
        if not targets or len(targets) < len(set(device_ids)):
            raise _unknown(UnknownReason.TARGET_REMOVED)
        return targets.keys()


class AnyOrAllCondition(MonzoCondition):
    """Tests any or all of several accounts, pots, budgets or people."""

    @abstractmethod
    @callback
    def _async_is_met_by(self, target_id: str) -> bool:
        """Return the answer for one of them; raises ConditionError if it is unknown."""

    @callback
    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Return the answer. An unknown one matters only if it could change the result."""
        # One True decides "any", and one False decides "all".
        decisive = self._options[ATTR_BEHAVIOR] == BEHAVIOR_ANY
        error = None
        for target_id in self._async_target_ids():
            try:
                if self._async_is_met_by(target_id) is decisive:
                    return decisive
            except ConditionError as err:
                error = err
        if error is not None:
            raise error
        return not decisive


class AmountCondition(AnyOrAllCondition):
    """Tests whether an amount of each of them meets a threshold."""

    schema = _schema(REQUIRED_TARGETS, BEHAVIOR, THRESHOLD)

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Initialize the condition with its threshold."""
        super().__init__(hass, config)
        self._threshold = Threshold.from_config(self._options[CONF_THRESHOLD])

    @abstractmethod
    @callback
    def _async_amount(self, target_id: str) -> Money:
        """Return the amount of one of them; raises ConditionError if it is unknown."""

    @callback
    @override
    def _async_is_met_by(self, target_id: str) -> bool:
        return _async_is_met(self._hass, self._threshold, self._async_amount(target_id))


class IsBalance(AmountCondition):
    """Tests whether a balance meets a threshold."""

    target_type = TargetType.ACCOUNT_OR_POT

    @callback
    @override
    def _async_amount(self, target_id: str) -> Money:
        return _async_state(self._hass, target_id).money


class IsPotGoalReached(AnyOrAllCondition):
    """Tests whether a pot has reached its goal."""

    schema = _schema(REQUIRED_TARGETS, BEHAVIOR)
    target_type = TargetType.POT

    @callback
    @override
    def _async_is_met_by(self, target_id: str) -> bool:
        state = _async_state(self._hass, target_id)
        return isinstance(state, PotState) and state.has_reached_goal


class IsSpending(MonzoCondition):
    """Tests whether the spending of a period meets a threshold."""

    schema = _schema(OPTIONAL_TARGETS, PERIOD, filter_schema(CONF_CATEGORY, CONF_TAG), THRESHOLD)
    target_type = TargetType.ACCOUNT

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Initialize the condition with its threshold."""
        super().__init__(hass, config)
        self._threshold = Threshold.from_config(self._options[CONF_THRESHOLD])

    @callback
    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Return whether the sum over the chosen accounts meets the threshold."""
        amounts = list(self._async_amounts())
        if not amounts:
            raise _unknown(UnknownReason.SPENDING_UNKNOWN)
        if len({amount.currency for amount in amounts}) > 1:
            raise _unknown(UnknownReason.MIXED_CURRENCIES)
        return _async_is_met(self._hass, self._threshold, sum(amounts[1:], amounts[0]))

    @callback
    def _async_amounts(self) -> Iterator[Money]:
        """Yield the spending of each account in each category; positive if money was spent.

        Raises ConditionError if one is unknown.
        """
        tag = self._options[CONF_TAG] or None
        for monzo_id in self._async_target_ids():
            runtime = _async_runtime_data(self._hass, monzo_id)
            sums = runtime.transactions.sums
            start = start_of_period(self._options[CONF_PERIOD], runtime.session.clock.now())
            for category in self._options[CONF_CATEGORY] or (None,):
                amount = sums.spent(monzo_id, start, category, tag)
                if amount is None and not self._options[ATTR_DEVICE_ID]:
                    # "All accounts" does not include one that Monzo has never let us read.
                    continue
                if amount is None or not sums.are_complete(monzo_id, start):
                    raise _unknown(UnknownReason.SPENDING_UNKNOWN)
                if tag and not sums.is_kept(monzo_id, start, with_details=True):
                    raise _unknown(UnknownReason.NOTES_UNKNOWN)
                yield amount


@callback
def _async_runtime_data(hass: HomeAssistant, monzo_id: str) -> MonzoRuntimeData:
    """Return the runtime data of the config entry that has read an account or pot.

    Raises ConditionError if there is none, or if its last poll failed.
    """
    runtime = async_find_runtime(hass, monzo_id)
    if runtime is None or not runtime.balances.last_update_success:
        raise _unknown(UnknownReason.TARGET_UNAVAILABLE)
    return runtime


@callback
def _async_state(hass: HomeAssistant, monzo_id: str) -> AccountOrPot:
    """Return the state of an account or pot; raises ConditionError if it is unknown."""
    data = _async_runtime_data(hass, monzo_id).balances.data
    return data.accounts.get(monzo_id) or data.pots[monzo_id]


@callback
def _async_is_met(hass: HomeAssistant, threshold: Threshold, money: Money) -> bool:
    """Return whether an amount meets a threshold; raises ConditionError if a limit is unknown."""
    is_met = threshold.async_is_met(hass, money)
    if is_met is None:
        raise _unknown(UnknownReason.LIMIT_UNKNOWN)
    return is_met


class IsBudgetOnTrack(AnyOrAllCondition):
    """Tests whether the money of a budget suffices until the end of its period."""

    schema = _schema(OPTIONAL_TARGETS, BEHAVIOR)
    target_type = TargetType.BUDGET

    @callback
    @override
    def _async_is_met_by(self, target_id: str) -> bool:
        runtime = async_find_runtime_if(self._hass, lambda entry: target_id in entry.subentries)
        status = runtime.budgets.state(target_id) if runtime else None
        if not isinstance(status, BudgetStatus):
            raise _unknown(UnknownReason.BUDGET_UNKNOWN)
        return status.is_on_track


class IsLeftToSpend(AmountCondition):
    """Tests whether the money that is left to spend until pay day meets a threshold."""

    target_type = TargetType.ACCOUNT

    @callback
    @override
    def _async_amount(self, target_id: str) -> Money:
        recurring = _async_runtime_data(self._hass, target_id).recurring
        outlook = recurring.accounts.get(target_id)
        if outlook is None or outlook.left is None:
            raise _unknown(UnknownReason.LEFT_TO_SPEND_UNKNOWN)
        return outlook.left.amount


class IsBeforePayDay(AnyOrAllCondition):
    """Tests whether the next pay day of a person is at most some days away."""

    schema = _schema(OPTIONAL_TARGETS, BEHAVIOR, DAYS)
    target_type = TargetType.PERSON

    @callback
    @override
    def _async_is_met_by(self, target_id: str) -> bool:
        runtime = async_find_runtime_if(self._hass, lambda entry: entry.unique_id == target_id)
        person = runtime.recurring.person if runtime else None
        days_left = person.days_to_pay_day if person else None
        if days_left is None:
            raise _unknown(UnknownReason.PAY_DAY_UNKNOWN)
        return days_left <= int(self._options[CONF_DAYS])


CONDITIONS: Final[dict[str, type[Condition]]] = {
    "is_balance": IsBalance,
    "is_before_pay_day": IsBeforePayDay,
    "is_budget_on_track": IsBudgetOnTrack,
    "is_left_to_spend": IsLeftToSpend,
    "is_pot_goal_reached": IsPotGoalReached,
    "is_spending": IsSpending,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions of this integration."""
    return CONDITIONS
