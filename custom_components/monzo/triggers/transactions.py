"""Triggers for transactions: payments, money received, and changes of amounts."""

from abc import abstractmethod
from typing import Any, override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.trigger import TriggerConfig

from ..api import Money
from ..automations import (
    CONF_AT_LEAST,
    CONF_AT_MOST,
    CONF_BY_AT_LEAST,
    CONF_CATEGORY,
    CONF_EXCEPT_MERCHANTS,
    CONF_LATE,
    CONF_MERCHANT,
    CONF_ROUND_UPS,
    CONF_SENDER,
    CONF_TAG,
    OPTIONAL_TARGETS,
    TransactionFilter,
    filter_schema,
    is_money_received,
    is_payment,
)
from ..privacy import async_subscribe
from ..recurring import SIGNAL_POSSIBLE_DUPLICATE, PossibleDuplicate
from ..transactions import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
    template_variables,
    transaction_kind,
)
from .base import MonzoTrigger, TargetRunner, trigger_schema


def transaction_variables(report: NewTransaction | TransactionChanged) -> dict[str, Any]:
    """Return the variables of a transaction for templates."""
    variables = template_variables(
        report.transaction, pot=report.pot, own_transfer=report.own_transfer
    )
    # Home Assistant uses and records `trigger.description`.
    variables["statement"] = variables.pop("description")
    return {"kind": transaction_kind(report.transaction).value, **variables}


class TransactionTrigger(MonzoTrigger):
    """Base class of the triggers for transactions: creates their filter."""

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger with its filter."""
        super().__init__(hass, config)
        self._filter = TransactionFilter.from_options(self._options)


class NewTransactionTrigger(TransactionTrigger):
    """Triggers on new transactions of certain kinds that match the options."""

    @abstractmethod
    def _is_relevant(self, report: NewTransaction) -> bool:
        """Return whether the trigger applies to a kind of transaction; others leave no trace."""

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_new_transaction(report: NewTransaction) -> None:
            if self._is_relevant(report):
                runner.async_run_unless(
                    self._filter.mismatch(report.transaction, late=report.late),
                    {**transaction_variables(report), "late": report.late},
                )

        return async_subscribe(
            self._hass, SIGNAL_NEW_TRANSACTION.format(runner.monzo_id), on_new_transaction
        )


class PaymentMade(NewTransactionTrigger):
    """Triggers when money is spent or sent."""

    schema = trigger_schema(
        OPTIONAL_TARGETS,
        filter_schema(
            *(CONF_AT_LEAST, CONF_AT_MOST, CONF_MERCHANT, CONF_CATEGORY, CONF_TAG),
            *(CONF_ROUND_UPS, CONF_LATE),
        ),
    )
    description = "a payment"

    @override
    def _is_relevant(self, report: NewTransaction) -> bool:
        return is_payment(report.transaction) and not report.own_transfer


class MoneyReceived(NewTransactionTrigger):
    """Triggers when money comes in."""

    schema = trigger_schema(
        OPTIONAL_TARGETS,
        filter_schema(CONF_AT_LEAST, CONF_AT_MOST, CONF_SENDER, CONF_CATEGORY, CONF_TAG, CONF_LATE),
    )
    description = "money received"

    @override
    def _is_relevant(self, report: NewTransaction) -> bool:
        return is_money_received(report.transaction) and not report.own_transfer


class PaymentDeclined(NewTransactionTrigger):
    """Triggers when a payment is declined."""

    schema = trigger_schema(
        OPTIONAL_TARGETS,
        filter_schema(CONF_AT_LEAST, CONF_AT_MOST, CONF_MERCHANT, CONF_CATEGORY, CONF_LATE),
    )
    description = "a declined payment"

    @override
    def _is_relevant(self, report: NewTransaction) -> bool:
        return report.transaction.declined


class TransactionAmountChanged(TransactionTrigger):
    """Triggers when the amount of a known transaction changes, for example when it settles."""

    schema = trigger_schema(
        OPTIONAL_TARGETS,
        filter_schema(CONF_BY_AT_LEAST, CONF_MERCHANT, CONF_CATEGORY, CONF_TAG),
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
                    **transaction_variables(report),
                    "amount_before": float(before.amount),
                    "difference": float(difference),
                },
            )

        return async_subscribe(
            self._hass, SIGNAL_TRANSACTION_CHANGED.format(runner.monzo_id), on_transaction_changed
        )


class ChargedTwice(TransactionTrigger):
    """Triggers when a merchant charges the same amount twice within hours."""

    schema = trigger_schema(OPTIONAL_TARGETS, filter_schema(CONF_AT_LEAST, CONF_EXCEPT_MERCHANTS))
    description = "a possible duplicate"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        @callback
        def on_possible_duplicate(duplicate: PossibleDuplicate) -> None:
            new, earlier = duplicate.new, duplicate.earlier
            runner.async_run_unless(
                self._filter.mismatch(new.transaction),
                {
                    **transaction_variables(new),
                    "late": new.late,
                    "earlier_transaction_id": earlier.id,
                    "earlier_created": earlier.created.isoformat(),
                },
            )

        return async_subscribe(
            self._hass, SIGNAL_POSSIBLE_DUPLICATE.format(runner.monzo_id), on_possible_duplicate
        )
