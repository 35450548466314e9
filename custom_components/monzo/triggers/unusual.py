"""The trigger for payments that are far above the usual amount."""

import asyncio
from typing import Any, Final, override

from homeassistant.core import CALLBACK_TYPE, callback
import voluptuous as vol

from ..api import Money
from ..automations import (
    CONF_AT_LEAST,
    CONF_CATEGORY,
    CONF_EXCEPT_MERCHANTS,
    CONF_LATE,
    CONF_MERCHANT,
    OPTIONAL_TARGETS,
    filter_schema,
    is_payment,
)
from ..insight import Basis, async_usual_amount, compared_amount
from ..privacy import async_subscribe
from ..runtime import async_find_runtime
from ..transactions import SIGNAL_NEW_TRANSACTION, NewTransaction, TransactionHistory
from .base import TargetRunner, trigger_schema
from .transactions import TransactionTrigger, transaction_variables

CONF_COMPARE_WITH: Final = "compare_with"

# Automation traces show these codes, like those of `Mismatch`.
NOT_UNUSUAL: Final = "not_unusual"
TOO_FEW_PAYMENTS: Final = "too_few_payments"


class UnusualAmount(TransactionTrigger):
    """Triggers when a payment is far above the usual amount at its merchant or in its category."""

    schema = trigger_schema(
        OPTIONAL_TARGETS,
        {vol.Optional(CONF_COMPARE_WITH, default=Basis.MERCHANT): vol.Coerce(Basis)},
        filter_schema(
            CONF_AT_LEAST, CONF_MERCHANT, CONF_EXCEPT_MERCHANTS, CONF_CATEGORY, CONF_LATE
        ),
    )
    description = "an unusual amount"

    @callback
    @override
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        comparing: set[asyncio.Task[None]] = set()

        @callback
        def on_new_transaction(report: NewTransaction) -> None:
            if not is_payment(report.transaction) or report.own_transfer:
                return
            variables = {**transaction_variables(report), "late": report.late}
            mismatch = self._filter.mismatch(report.transaction, late=report.late)
            if mismatch is not None:
                runner.async_report_not_triggered(mismatch.value, variables)
                return
            # The past payments are read from the disk.
            task = self._hass.async_create_task(
                self._async_compare(runner, report, variables), "compare a payment of Monzo"
            )
            comparing.add(task)
            task.add_done_callback(comparing.discard)

        unsubscribe = async_subscribe(
            self._hass, SIGNAL_NEW_TRANSACTION.format(runner.monzo_id), on_new_transaction
        )

        @callback
        def async_stop() -> None:
            unsubscribe()
            for task in tuple(comparing):
                task.cancel()

        return async_stop

    async def _async_compare(
        self, runner: TargetRunner, report: NewTransaction, variables: dict[str, Any]
    ) -> None:
        """Run the automation if a payment is unusual, or report why not."""
        history = self._async_history(runner.monzo_id)
        if history is None:
            return
        basis: Basis = self._options[CONF_COMPARE_WITH]
        payment = history.record(report.transaction)
        amount = compared_amount(payment, payment, basis)
        if amount <= 0:
            # The payment does not count as spending.
            return
        usual = await async_usual_amount(history, payment, basis)
        if usual is None:
            runner.async_report_not_triggered(TOO_FEW_PAYMENTS, variables)
            return
        variables |= {
            "usual_amount": float(Money.from_minor(usual.minor, payment.currency).amount),
            "usual_of_payments": usual.payments,
        }
        if usual.is_exceeded_by(amount):
            runner.async_run(variables)
        else:
            runner.async_report_not_triggered(NOT_UNUSUAL, variables)

    @callback
    def _async_history(self, account_id: str) -> TransactionHistory | None:
        """Return the past transactions of an account; None if its entry is no longer loaded."""
        runtime = async_find_runtime(self._hass, account_id)
        return None if runtime is None else runtime.transactions.history(account_id)
