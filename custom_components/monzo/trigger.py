"""Triggers: what automations can wait for.

They listen to signals that are keyed by the ids of accounts and pots, so they work whether or not
the config entry was loaded first, and go on when it reloads. None of them reads anything of it.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, override

from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
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
from .api import Money, Transaction
from .automations import (
    ANY_NUMBER,
    AT_LEAST_ONE,
    TargetType,
    Threshold,
    async_check,
    async_chosen,
    async_follow,
    threshold_schema,
    unsigned_amount,
)
from .transactions import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
    TransactionKind,
    is_of_category,
    matches_payee,
    template_variables,
    transaction_kind,
)
from .transfers import EARLIER_MOVE_FAILED, SIGNAL_TRANSFER_RESULT, TransferOutcome, TransferResult

CONF_AT_LEAST: Final = "at_least"
CONF_AT_MOST: Final = "at_most"
CONF_BY_AT_LEAST: Final = "by_at_least"
CONF_CATEGORY: Final = "category"
CONF_LATE: Final = "late"
CONF_MERCHANT: Final = "merchant"
CONF_ROUND_UPS: Final = "round_ups"
CONF_SENDER: Final = "sender"
CONF_THRESHOLD: Final = "threshold"

# Money that leaves for somebody else. Money that goes into a pot stays the owner's.
OUTGOING_KINDS: Final = frozenset(
    {
        TransactionKind.CARD_PAYMENT,
        TransactionKind.CASH_WITHDRAWAL,
        TransactionKind.DIRECT_DEBIT,
        TransactionKind.FEE_OR_INTEREST,
        TransactionKind.OTHER,
        TransactionKind.OUTGOING_PAYMENT,
    }
)

# Money that comes from somebody else.
INCOMING_KINDS: Final = frozenset(
    {
        TransactionKind.FEE_OR_INTEREST,
        TransactionKind.INCOMING_PAYMENT,
        TransactionKind.OTHER,
        TransactionKind.REFUND,
    }
)


def _schema(*parts: Mapping[Any, Any]) -> vol.Schema:
    """Return the schema of a trigger with these options."""
    options: dict[Any, Any] = {}
    for part in parts:
        options |= part
    return vol.Schema({vol.Required(CONF_OPTIONS, default=dict): vol.All(options, _in_order)})


def _in_order(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse a span of amounts that nothing can be within."""
    if options.get(CONF_AT_LEAST, 0) > options.get(CONF_AT_MOST, options.get(CONF_AT_LEAST, 0)):
        message = f"{CONF_AT_LEAST} must not be more than {CONF_AT_MOST}"
        raise vol.Invalid(message)
    return options


AMOUNTS: Final = {
    vol.Optional(CONF_AT_LEAST): unsigned_amount,
    vol.Optional(CONF_AT_MOST): unsigned_amount,
}
CATEGORIES: Final = {
    vol.Optional(CONF_CATEGORY, default=list): vol.All(cv.ensure_list, [cv.string])
}
MERCHANT: Final = {vol.Optional(CONF_MERCHANT, default=""): vol.All(cv.string, vol.Strip)}
SENDER: Final = {vol.Optional(CONF_SENDER, default=""): vol.All(cv.string, vol.Strip)}
LATE: Final = {vol.Optional(CONF_LATE, default=False): cv.boolean}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Runs one automation for one account or pot."""

    hass: HomeAssistant
    monzo_id: str
    device_id: str
    description: str
    run_action: TriggerActionRunner
    did_not_trigger: TriggerNotTriggeredReporter | None

    @callback
    def async_run(self, variables: Mapping[str, Any]) -> None:
        """Run the automation."""
        self.run_action(self._payload(variables), self.description)

    @callback
    def async_explain(self, reason: str, variables: Mapping[str, Any]) -> None:
        """Let the automation's traces say why it was not run."""
        if self.did_not_trigger is not None:
            self.did_not_trigger(NotTriggeredInfo(reason, self._payload(variables)))

    def _payload(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return what templates find in `trigger`, beside what Home Assistant puts there."""
        device = dr.async_get(self.hass).async_get(self.device_id)
        name = (device.name_by_user or device.name) if device else None
        return {ATTR_DEVICE_ID: self.device_id, "device": name, **variables}


class MonzoTrigger(Trigger):
    """Waits for something to happen to accounts or pots."""

    schema: ClassVar[vol.Schema]

    holders: ClassVar[TargetType] = TargetType.ACCOUNTS
    """What the user chooses from."""

    description: ClassVar[str]
    """What has triggered, for the traces. It is recorded, so it names nobody."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options, and that the devices exist; nothing has to be loaded for that."""
        valid: ConfigType = cls.schema(config)
        async_check(hass, valid[CONF_OPTIONS][ATTR_DEVICE_ID], cls.holders)
        return valid

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Keep what was validated."""
        super().__init__(hass, config)
        self._options = config.options or {}

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Listen to every account or pot that was chosen."""

        @callback
        def listen(monzo_id: str, device_id: str) -> CALLBACK_TYPE:
            return self._async_listen(
                Listener(
                    hass=self._hass,
                    monzo_id=monzo_id,
                    device_id=device_id,
                    description=self.description,
                    run_action=run_action,
                    did_not_trigger=did_not_trigger,
                )
            )

        return self._async_follow(listen)

    @callback
    def _async_follow(self, listen: Callable[[str, str], CALLBACK_TYPE]) -> CALLBACK_TYPE:
        """Listen to what was chosen, as it comes and goes."""
        return async_follow(self._hass, self._options[ATTR_DEVICE_ID], self.holders, listen)

    @abstractmethod
    @callback
    def _async_listen(self, listener: Listener) -> CALLBACK_TYPE:
        """Listen to one account or pot, and return what ends that."""

    def _objection(self, transaction: Transaction) -> str | None:
        """Return why a transaction is not the user's choice, by the options there are."""
        options = self._options
        amount = abs(transaction.amount.amount)
        if amount < options.get(CONF_AT_LEAST, amount):
            return "less_than_at_least"
        if amount > options.get(CONF_AT_MOST, amount):
            return "more_than_at_most"
        for key, reason in ((CONF_MERCHANT, "other_merchant"), (CONF_SENDER, "other_sender")):
            if not matches_payee(transaction, options.get(key, "")):
                return reason
        wanted = options[CONF_CATEGORY]
        if wanted and not any(is_of_category(transaction, category) for category in wanted):
            return "other_category"
        return None


def _variables_of(told: NewTransaction | TransactionChanged) -> dict[str, Any]:
    """Return what templates see of a transaction."""
    variables = template_variables(told.transaction, told.pot)
    # Home Assistant has a `description` of its own, which it records.
    variables["statement"] = variables.pop("description")
    return {"kind": transaction_kind(told.transaction).value, **variables}


class TransactionTrigger(MonzoTrigger):
    """Waits for transactions of some kind."""

    @abstractmethod
    def _is_meant(self, transaction: Transaction) -> bool:
        """Return whether this is what the trigger is for, whatever the user has chosen."""

    @override
    @callback
    def _async_listen(self, listener: Listener) -> CALLBACK_TYPE:
        @callback
        def hear(report: NewTransaction) -> None:
            transaction = report.transaction
            if not self._is_meant(transaction):
                return
            variables = {**_variables_of(report), "late": report.late}
            objection = self._objection(transaction)
            if objection is None and report.late and not self._options[CONF_LATE]:
                objection = "late"
            if objection is None:
                listener.async_run(variables)
            else:
                listener.async_explain(objection, variables)

        return async_dispatcher_connect(
            self._hass, SIGNAL_NEW_TRANSACTION.format(listener.monzo_id), hear
        )


class PaymentMade(TransactionTrigger):
    """Waits for money to be spent or sent."""

    schema = _schema(
        ANY_NUMBER,
        AMOUNTS,
        MERCHANT,
        CATEGORIES,
        {vol.Optional(CONF_ROUND_UPS, default=False): cv.boolean},
        LATE,
    )
    description = "a payment"

    @override
    def _is_meant(self, transaction: Transaction) -> bool:
        kind = transaction_kind(transaction)
        return kind is TransactionKind.ROUND_UP or (
            kind in OUTGOING_KINDS and transaction.amount.amount < 0
        )

    @override
    def _objection(self, transaction: Transaction) -> str | None:
        kind = transaction_kind(transaction)
        if kind is TransactionKind.ROUND_UP and not self._options[CONF_ROUND_UPS]:
            return "round_up"
        return super()._objection(transaction)


class MoneyReceived(TransactionTrigger):
    """Waits for money to come in."""

    schema = _schema(ANY_NUMBER, AMOUNTS, SENDER, CATEGORIES, LATE)
    description = "money received"

    @override
    def _is_meant(self, transaction: Transaction) -> bool:
        return transaction_kind(transaction) in INCOMING_KINDS and transaction.amount.amount > 0


class PaymentDeclined(TransactionTrigger):
    """Waits for a payment to be refused."""

    schema = _schema(ANY_NUMBER, AMOUNTS, MERCHANT, CATEGORIES, LATE)
    description = "a declined payment"

    @override
    def _is_meant(self, transaction: Transaction) -> bool:
        return transaction.declined


class TransactionAmountChanged(MonzoTrigger):
    """Waits for a transaction to turn out to be of another amount."""

    schema = _schema(
        ANY_NUMBER, {vol.Optional(CONF_BY_AT_LEAST): unsigned_amount}, MERCHANT, CATEGORIES
    )
    description = "another amount of a transaction"

    @override
    @callback
    def _async_listen(self, listener: Listener) -> CALLBACK_TYPE:
        @callback
        def hear(change: TransactionChanged) -> None:
            transaction = change.transaction
            now = transaction.amount
            before = Money.from_minor(change.before.amount, now.currency)
            difference = (now - before).amount
            if not difference:
                return
            variables = {
                **_variables_of(change),
                "amount_before": float(before.amount),
                "difference": float(difference),
            }
            objection = self._objection(transaction)
            if abs(difference) < self._options.get(CONF_BY_AT_LEAST, 0):
                objection = "less_than_by_at_least"
            if objection is None:
                listener.async_run(variables)
            else:
                listener.async_explain(objection, variables)

        return async_dispatcher_connect(
            self._hass, SIGNAL_TRANSACTION_CHANGED.format(listener.monzo_id), hear
        )


class BalanceCrossed(MonzoTrigger):
    """Waits for a balance to get to the other side of a threshold.

    Which side it was on is remembered while nobody can tell where the threshold is.
    """

    schema = _schema(
        AT_LEAST_ONE,
        {vol.Required(CONF_THRESHOLD): threshold_schema(NumericThresholdMode.CROSSED)},
    )
    holders = TargetType.BOTH
    description = "a balance"

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Keep the threshold."""
        super().__init__(hass, config)
        self._threshold = Threshold.from_config(self._options[CONF_THRESHOLD])

    @override
    @callback
    def _async_listen(self, listener: Listener) -> CALLBACK_TYPE:
        told = async_last_published(self._hass, listener.monzo_id)
        held = self._async_holds(told.money) if told else None

        @callback
        def look(now: Money, before: Money) -> None:
            nonlocal held
            variables = {
                "balance": float(now.amount),
                "balance_before": float(before.amount),
                "currency": now.currency,
            }
            holds = self._async_holds(now)
            if holds is None:
                listener.async_explain("threshold_unknown", variables)
                return
            crossed = holds and held is False
            held = holds
            if crossed:
                listener.async_run(variables)

        @callback
        def hear(change: AccountOrPotChange) -> None:
            nonlocal held
            if held is None:
                held = self._async_holds(change.before.money)
            look(change.after.money, change.before.money)

        @callback
        def hear_threshold(_event: Event[EventStateChangedData]) -> None:
            if told := async_last_published(self._hass, listener.monzo_id):
                look(told.money, told.money)

        stop_hearing = async_dispatcher_connect(
            self._hass, SIGNAL_ACCOUNT_OR_POT_CHANGED.format(listener.monzo_id), hear
        )
        stop_tracking = async_track_state_change_event(
            self._hass, self._threshold.entity_ids, hear_threshold
        )

        @callback
        def stop() -> None:
            stop_hearing()
            stop_tracking()

        return stop

    @callback
    def _async_holds(self, balance: Money) -> bool | None:
        return self._threshold.async_holds(self._hass, balance.amount, balance.currency)


class PotGoalReached(MonzoTrigger):
    """Waits for a pot to have all that its owner wants in it."""

    schema = _schema(ANY_NUMBER)
    holders = TargetType.POTS
    description = "a pot's goal"

    @override
    @callback
    def _async_listen(self, listener: Listener) -> CALLBACK_TYPE:
        @callback
        def hear(change: AccountOrPotChange) -> None:
            before, pot = change.before, change.after
            if (
                isinstance(before, PotState)
                and isinstance(pot, PotState)
                # Nothing is reached when a goal is set that has been there all along.
                and before.pot.goal is not None
                and not before.has_reached_goal
                and pot.has_reached_goal
                and pot.pot.goal is not None
            ):
                listener.async_run(
                    {
                        "balance": float(pot.money.amount),
                        "goal": float(pot.pot.goal.amount),
                        "currency": pot.currency,
                    }
                )

        return async_dispatcher_connect(
            self._hass, SIGNAL_ACCOUNT_OR_POT_CHANGED.format(listener.monzo_id), hear
        )


class TransferFailed(MonzoTrigger):
    """Waits for a transfer that failed, or of which nobody knows whether it did."""

    schema = _schema(ANY_NUMBER)
    holders = TargetType.BOTH
    description = "a transfer that failed"

    @override
    @callback
    def _async_follow(self, listen: Callable[[str, str], CALLBACK_TYPE]) -> CALLBACK_TYPE:
        """Listen to all accounts: who waits for a pot hears of it from its account."""
        return async_follow(self._hass, (), TargetType.ACCOUNTS, listen, also_disabled=True)

    @override
    @callback
    def _async_listen(self, listener: Listener) -> CALLBACK_TYPE:
        @callback
        def hear(report: TransferResult) -> None:
            transfer = report.transfer
            if report.outcome is TransferOutcome.DONE or not self._is_chosen(report):
                return
            pot = async_last_published(self._hass, transfer.pot_id)
            listener.async_run(
                {
                    "outcome": report.outcome.value,
                    "reason": report.reason,
                    **transfer.as_dict(pot.pot.name if isinstance(pot, PotState) else None),
                }
            )

        return async_dispatcher_connect(
            self._hass, SIGNAL_TRANSFER_RESULT.format(listener.monzo_id), hear
        )

    @callback
    def _is_chosen(self, report: TransferResult) -> bool:
        concerned = {report.transfer.pot_id}
        # Who waits for the account has heard of the first one that failed.
        if report.reason != EARLIER_MOVE_FAILED:
            concerned.add(report.transfer.account_id)
        device_ids = self._options[ATTR_DEVICE_ID]
        # Where nothing is chosen, an account whose device is disabled is left out with its pots.
        holders = self.holders if device_ids else TargetType.ACCOUNTS
        chosen = async_chosen(self._hass, device_ids, holders)
        return not chosen.keys().isdisjoint(concerned)


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "balance_crossed": BalanceCrossed,
    "money_received": MoneyReceived,
    "payment_declined": PaymentDeclined,
    "payment_made": PaymentMade,
    "pot_goal_reached": PotGoalReached,
    "transaction_amount_changed": TransactionAmountChanged,
    "transfer_failed": TransferFailed,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return what automations can wait for."""
    return TRIGGERS
