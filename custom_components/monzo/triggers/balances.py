"""Triggers for the balances of accounts and pots."""

from typing import Final, override

from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.selector import NumericThresholdMode
from homeassistant.helpers.trigger import TriggerConfig
import voluptuous as vol

from ..accounts import (
    SIGNAL_ACCOUNT_OR_POT_CHANGED,
    AccountOrPotChange,
    PotState,
    async_last_published,
)
from ..api import Money
from ..automations import (
    OPTIONAL_TARGETS,
    REQUIRED_TARGETS,
    TargetType,
    Threshold,
    ThresholdCrossing,
    threshold_schema,
)
from ..privacy import async_subscribe
from .base import MonzoTrigger, TargetRunner, trigger_schema

CONF_THRESHOLD: Final = "threshold"

# Automation traces show this code, like those of `Mismatch`.
THRESHOLD_UNKNOWN: Final = "threshold_unknown"


class BalanceCrossed(MonzoTrigger):
    """Triggers when a balance crosses a threshold."""

    schema = trigger_schema(
        REQUIRED_TARGETS,
        {vol.Required(CONF_THRESHOLD): threshold_schema(NumericThresholdMode.CROSSED)},
    )
    target_type = TargetType.ACCOUNT_OR_POT
    description = "a balance crossing a threshold"

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger with its threshold."""
        super().__init__(hass, config)
        self._threshold = Threshold.from_config(self._options[CONF_THRESHOLD])

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        return BalanceWatcher(runner, self._threshold).async_start()


class BalanceWatcher:
    """Runs an automation when the balance of an account or pot crosses a threshold."""

    def __init__(self, runner: TargetRunner, threshold: Threshold) -> None:
        """Initialize the watcher with the last published balance, if there is one."""
        self._hass = runner.hass
        self._runner = runner
        self._threshold = threshold
        self._crossing = ThresholdCrossing()
        if (published := async_last_published(self._hass, runner.monzo_id)) is not None:
            self._crossing.start_from(is_met=self._async_is_met(published.money))

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Watch the balance and the threshold; return the function that stops this."""
        stop_watching_balance = async_subscribe(
            self._hass,
            SIGNAL_ACCOUNT_OR_POT_CHANGED.format(self._runner.monzo_id),
            self._on_balance_changed,
        )
        stop_watching_entities = async_track_state_change_event(
            self._hass, self._threshold.entity_ids, self._on_limit_changed
        )

        @callback
        def async_stop() -> None:
            stop_watching_balance()
            stop_watching_entities()

        return async_stop

    @callback
    def _on_balance_changed(self, change: AccountOrPotChange) -> None:
        self._crossing.start_from(is_met=self._async_is_met(change.before.money))
        self._async_compare(change.after.money, change.before.money)

    @callback
    def _on_limit_changed(self, _event: Event[EventStateChangedData]) -> None:
        if (published := async_last_published(self._hass, self._runner.monzo_id)) is not None:
            self._async_compare(published.money, published.money)

    @callback
    def _async_compare(self, after: Money, before: Money) -> None:
        """Compare the balance with the threshold, and run the automation after a crossing."""
        variables = {
            "balance": float(after.amount),
            "balance_before": float(before.amount),
            "currency": after.currency,
        }
        is_met = self._async_is_met(after)
        if is_met is None:
            self._runner.async_report_not_triggered(THRESHOLD_UNKNOWN, variables)
        elif self._crossing.update(is_met=is_met):
            self._runner.async_run(variables)

    @callback
    def _async_is_met(self, balance: Money) -> bool | None:
        return self._threshold.async_is_met(self._hass, balance)


class PotGoalReached(MonzoTrigger):
    """Triggers when the balance of a pot reaches its goal."""

    schema = trigger_schema(OPTIONAL_TARGETS)
    target_type = TargetType.POT
    description = "a pot reaching its goal"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_pot_changed(change: AccountOrPotChange) -> None:
            before, after = change.before, change.after
            if (
                isinstance(before, PotState)
                and isinstance(after, PotState)
                # A new goal at or below the balance has not been reached by a change of the
                # balance.
                and before.pot.goal is not None
                and after.pot.goal is not None
                and after.has_reached_goal
                and not before.has_reached_goal
            ):
                runner.async_run(
                    {
                        "balance": float(after.money.amount),
                        "goal": float(after.pot.goal.amount),
                        "currency": after.currency,
                    }
                )

        return async_subscribe(
            self._hass, SIGNAL_ACCOUNT_OR_POT_CHANGED.format(runner.monzo_id), on_pot_changed
        )
