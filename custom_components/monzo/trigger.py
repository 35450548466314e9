"""Triggers for automations.

They subscribe to signals that are keyed by the IDs of accounts and pots, and never use a config
entry. So they can be attached before the entry is loaded, and keep working when it reloads.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final, override

from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.selector import NumericThresholdMode
from homeassistant.helpers.trigger import (
    NotTriggeredInfo,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .accounts import (
    SIGNAL_ACCOUNT_OR_POT_CHANGED,
    AccountOrPotChange,
    PotState,
    async_last_published,
)
from .api import Money
from .automations import (
    CONF_AT_LEAST,
    CONF_AT_MOST,
    CONF_BY_AT_LEAST,
    CONF_CATEGORY,
    CONF_LATE,
    CONF_MERCHANT,
    CONF_ROUND_UPS,
    CONF_SENDER,
    OPTIONAL_TARGETS,
    REQUIRED_TARGETS,
    Mismatch,
    TargetType,
    Threshold,
    ThresholdCrossing,
    TransactionFilter,
    async_get_targets,
    async_track_targets,
    async_validate_targets,
    filter_schema,
    is_money_received,
    is_payment,
    threshold_schema,
    validate_amount_range,
)
from .budgets import (
    SIGNAL_BUDGET_PERIOD_ENDED,
    SIGNAL_BUDGET_USED,
    BudgetPeriodEnded,
    BudgetUsed,
    budget_variables,
)
from .privacy import async_subscribe
from .transactions import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
    template_variables,
    transaction_kind,
)
from .transfers import EARLIER_MOVE_FAILED, SIGNAL_TRANSFER_RESULT, TransferResult, TransferStatus

CONF_DIRECTION: Final = "direction"
CONF_PERCENT: Final = "percent"
CONF_THRESHOLD: Final = "threshold"

# Ten times the limit, so that also a budget that is far exceeded can trigger.
MAX_PERCENT: Final = 1000

# Automation traces show this code, beside those of `Mismatch`.
THRESHOLD_UNKNOWN: Final = "threshold_unknown"


class Direction(StrEnum):
    """The direction in which a budget crosses a percentage."""

    REACHED = "reached"
    FALLEN_BELOW = "fallen_below"


def _schema(*parts: Mapping[Any, Any]) -> vol.Schema:
    """Return the schema of a trigger whose options are in these parts."""
    options: dict[Any, Any] = {}
    for part in parts:
        options |= part
    return vol.Schema(
        {vol.Required(CONF_OPTIONS, default=dict): vol.All(options, validate_amount_range)}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRunner:
    """Runs an automation for one account or pot."""

    hass: HomeAssistant
    monzo_id: str
    device_id: str
    description: str
    run_action: TriggerActionRunner
    did_not_trigger: TriggerNotTriggeredReporter | None

    @callback
    def async_run(self, variables: Mapping[str, Any]) -> None:
        """Run the automation with these variables in `trigger`."""
        self.run_action(self._payload(variables), self.description)

    @callback
    def async_report_not_triggered(self, reason: str, variables: Mapping[str, Any]) -> None:
        """Add a trace to the automation that says why it did not run."""
        if self.did_not_trigger is not None:
            self.did_not_trigger(NotTriggeredInfo(reason, self._payload(variables)))

    @callback
    def async_run_unless(self, mismatch: Mismatch | None, variables: Mapping[str, Any]) -> None:
        """Run the automation, or report the mismatch if there is one."""
        if mismatch is None:
            self.async_run(variables)
        else:
            self.async_report_not_triggered(mismatch.value, variables)

    def _payload(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables with the device, under its current name."""
        device = dr.async_get(self.hass).async_get(self.device_id)
        name = (device.name_by_user or device.name) if device else None
        return {ATTR_DEVICE_ID: self.device_id, "device": name, **variables}


class MonzoTrigger(Trigger):
    """Base trigger: validates the targets and subscribes to each of them."""

    schema: ClassVar[vol.Schema]

    target_type: ClassVar[TargetType] = TargetType.ACCOUNT
    """The devices that the user can choose."""

    description: ClassVar[str]
    """The cause of a run in traces and the logbook. It is recorded, so it contains no names."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Validate the options and the devices. The config entry need not be loaded."""
        valid: ConfigType = cls.schema(config)
        async_validate_targets(hass, valid[CONF_OPTIONS][ATTR_DEVICE_ID], cls.target_type)
        return valid

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger with its validated options."""
        super().__init__(hass, config)
        self._options = config.options or {}

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Subscribe to every chosen account or pot."""

        @callback
        def async_subscribe(monzo_id: str, device_id: str) -> CALLBACK_TYPE:
            return self._async_subscribe(
                TargetRunner(
                    hass=self._hass,
                    monzo_id=monzo_id,
                    device_id=device_id,
                    description=self.description,
                    run_action=run_action,
                    did_not_trigger=did_not_trigger,
                )
            )

        return self._async_track_targets(async_subscribe)

    @callback
    def _async_track_targets(self, subscribe: Callable[[str, str], CALLBACK_TYPE]) -> CALLBACK_TYPE:
        """Keep subscribed to the targets while devices are added and removed."""
        return async_track_targets(
            self._hass, self._options[ATTR_DEVICE_ID], self.target_type, subscribe
        )

    @abstractmethod
    @callback
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        """Subscribe to the runner's account or pot; return the function to unsubscribe."""


def _transaction_variables(report: NewTransaction | TransactionChanged) -> dict[str, Any]:
    """Return the variables of a transaction for templates."""
    variables = template_variables(
        report.transaction, pot=report.pot, own_transfer=report.own_transfer
    )
    # `trigger.description` belongs to Home Assistant, which records it.
    variables["statement"] = variables.pop("description")
    return {"kind": transaction_kind(report.transaction).value, **variables}


class TransactionTrigger(MonzoTrigger):
    """Base of the triggers for transactions: creates their filter."""

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger with its filter."""
        super().__init__(hass, config)
        self._filter = TransactionFilter.from_options(self._options)


class NewTransactionTrigger(TransactionTrigger):
    """Triggers on new transactions of some kinds that match the options."""

    @abstractmethod
    def _is_relevant(self, report: NewTransaction) -> bool:
        """Return whether a transaction is of the trigger's kinds. Others leave no trace."""

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_new_transaction(report: NewTransaction) -> None:
            if self._is_relevant(report):
                runner.async_run_unless(
                    self._filter.mismatch(report.transaction, late=report.late),
                    {**_transaction_variables(report), "late": report.late},
                )

        return async_subscribe(
            self._hass, SIGNAL_NEW_TRANSACTION.format(runner.monzo_id), on_new_transaction
        )


class PaymentMade(NewTransactionTrigger):
    """Triggers when money is spent or sent."""

    schema = _schema(
        OPTIONAL_TARGETS,
        filter_schema(
            CONF_AT_LEAST, CONF_AT_MOST, CONF_MERCHANT, CONF_CATEGORY, CONF_ROUND_UPS, CONF_LATE
        ),
    )
    description = "a payment"

    @override
    def _is_relevant(self, report: NewTransaction) -> bool:
        return is_payment(report.transaction) and not report.own_transfer


class MoneyReceived(NewTransactionTrigger):
    """Triggers when money comes in."""

    schema = _schema(
        OPTIONAL_TARGETS,
        filter_schema(CONF_AT_LEAST, CONF_AT_MOST, CONF_SENDER, CONF_CATEGORY, CONF_LATE),
    )
    description = "money received"

    @override
    def _is_relevant(self, report: NewTransaction) -> bool:
        return is_money_received(report.transaction) and not report.own_transfer


class PaymentDeclined(NewTransactionTrigger):
    """Triggers when a payment is declined."""

    schema = _schema(
        OPTIONAL_TARGETS,
        filter_schema(CONF_AT_LEAST, CONF_AT_MOST, CONF_MERCHANT, CONF_CATEGORY, CONF_LATE),
    )
    description = "a declined payment"

    @override
    def _is_relevant(self, report: NewTransaction) -> bool:
        return report.transaction.declined


class TransactionAmountChanged(TransactionTrigger):
    """Triggers when the amount of a known transaction changes, for example as it settles."""

    schema = _schema(
        OPTIONAL_TARGETS, filter_schema(CONF_BY_AT_LEAST, CONF_MERCHANT, CONF_CATEGORY)
    )
    description = "a changed transaction amount"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_transaction_changed(report: TransactionChanged) -> None:
            after = report.transaction.amount
            before = Money.from_minor(report.before.amount, after.currency)
            difference = (after - before).amount
            if not difference:
                return
            runner.async_run_unless(
                self._filter.mismatch_of_change(report.transaction, difference),
                {
                    **_transaction_variables(report),
                    "amount_before": float(before.amount),
                    "difference": float(difference),
                },
            )

        return async_subscribe(
            self._hass, SIGNAL_TRANSACTION_CHANGED.format(runner.monzo_id), on_transaction_changed
        )


class BalanceCrossed(MonzoTrigger):
    """Triggers when a balance crosses a threshold."""

    schema = _schema(
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
    """Runs an automation when the balance of one account or pot crosses a threshold."""

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
        """Watch the balance and the threshold's entities; return the function to stop."""
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
        """Compare the current balance with the threshold, and run if it has crossed it."""
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

    schema = _schema(OPTIONAL_TARGETS)
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
                # A first goal at or below the balance was not reached just now.
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


class TransferFailed(MonzoTrigger):
    """Triggers when a transfer failed, or could not be confirmed."""

    schema = _schema(OPTIONAL_TARGETS)
    target_type = TargetType.ACCOUNT_OR_POT
    description = "a failed transfer"

    @callback
    @override
    def _async_track_targets(self, subscribe: Callable[[str, str], CALLBACK_TYPE]) -> CALLBACK_TYPE:
        """Subscribe to all accounts, because a pot's transfers are published for its account."""
        return async_track_targets(
            self._hass, (), TargetType.ACCOUNT, subscribe, include_disabled=True
        )

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_transfer_result(result: TransferResult) -> None:
            transfer = result.transfer
            if transfer.status is TransferStatus.DONE or not self._async_is_chosen(result):
                return
            pot = async_last_published(self._hass, transfer.move.pot_id)
            pot_name = pot.pot.name if isinstance(pot, PotState) else None
            runner.async_run(
                {
                    "outcome": result.outcome,
                    "reason": result.reason,
                    **transfer.template_variables(pot_name),
                }
            )

        return async_subscribe(
            self._hass, SIGNAL_TRANSFER_RESULT.format(runner.monzo_id), on_transfer_result
        )

    @callback
    def _async_is_chosen(self, result: TransferResult) -> bool:
        """Return whether the user chose the account or the pot of a transfer."""
        affected = {result.transfer.move.pot_id}
        # The account has triggered for the earlier transfer that failed; this pot has not.
        if result.reason != EARLIER_MOVE_FAILED:
            affected.add(result.transfer.move.account_id)
        device_ids = self._options[ATTR_DEVICE_ID]
        # Without a choice, a disabled account excludes its pots as well.
        target_type = self.target_type if device_ids else TargetType.ACCOUNT
        targets = async_get_targets(self._hass, device_ids, target_type)
        return not targets.keys().isdisjoint(affected)


class BudgetCrossed(MonzoTrigger):
    """Triggers when a percentage of a budget is used, or no longer used because of a refund."""

    schema = _schema(
        OPTIONAL_TARGETS,
        {
            vol.Required(CONF_PERCENT): vol.All(vol.Coerce(int), vol.Range(min=1, max=MAX_PERCENT)),
            vol.Optional(CONF_DIRECTION, default=Direction.REACHED): vol.Coerce(Direction),
        },
    )
    target_type = TargetType.BUDGET
    description = "a budget crossing a percentage"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        percent = Decimal(self._options[CONF_PERCENT])
        is_reached = self._options[CONF_DIRECTION] is Direction.REACHED

        @callback
        def on_budget_used(used: BudgetUsed) -> None:
            change = used.change
            if change.has_reached(percent) if is_reached else change.has_fallen_below(percent):
                runner.async_run(
                    {
                        "percent": int(percent),
                        "used_before": float(change.before.last),
                        **budget_variables(used.status),
                    }
                )

        return async_subscribe(
            self._hass, SIGNAL_BUDGET_USED.format(runner.monzo_id), on_budget_used
        )


class BudgetPeriodHasEnded(MonzoTrigger):
    """Triggers when a period of a budget has ended."""

    schema = _schema(OPTIONAL_TARGETS)
    target_type = TargetType.BUDGET
    description = "the end of a budget's period"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_period_ended(ended: BudgetPeriodEnded) -> None:
            runner.async_run(
                {
                    "limit": float(ended.limit.amount),
                    "spent": float(ended.spent.amount),
                    "left": float(ended.left.amount),
                    "currency": ended.limit.currency,
                    "period": ended.period.first.isoformat(),
                }
            )

        return async_subscribe(
            self._hass, SIGNAL_BUDGET_PERIOD_ENDED.format(runner.monzo_id), on_period_ended
        )


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "balance_crossed": BalanceCrossed,
    "budget_crossed": BudgetCrossed,
    "budget_period_ended": BudgetPeriodHasEnded,
    "money_received": MoneyReceived,
    "payment_declined": PaymentDeclined,
    "payment_made": PaymentMade,
    "pot_goal_reached": PotGoalReached,
    "transaction_amount_changed": TransactionAmountChanged,
    "transfer_failed": TransferFailed,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of this integration."""
    return TRIGGERS
