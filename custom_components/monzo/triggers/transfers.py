"""The trigger for failed transfers."""

from collections.abc import Callable
from typing import override

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import CALLBACK_TYPE, callback

from ..accounts import PotState, async_last_published
from ..automations import OPTIONAL_TARGETS, TargetType, async_get_targets, async_track_targets
from ..privacy import async_subscribe
from ..transfers import EARLIER_MOVE_FAILED, SIGNAL_TRANSFER_RESULT, TransferResult, TransferStatus
from .base import MonzoTrigger, TargetRunner, trigger_schema


class TransferFailed(MonzoTrigger):
    """Triggers when a transfer fails, or cannot be confirmed."""

    schema = trigger_schema(OPTIONAL_TARGETS)
    target_type = TargetType.ACCOUNT_OR_POT
    description = "a failed transfer"

    @callback
    @override
    def _async_track_targets(self, subscribe: Callable[[str, str], CALLBACK_TYPE]) -> CALLBACK_TYPE:
        """Subscribe to all accounts, because transfers of a pot are published for its account."""
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
        """Return whether the account or pot of a transfer was chosen."""
        affected = {result.transfer.move.pot_id}
        # The account has already triggered on the earlier transfer that failed, but this pot has
        # not.
        if result.reason != EARLIER_MOVE_FAILED:
            affected.add(result.transfer.move.account_id)
        device_ids = self._options[ATTR_DEVICE_ID]
        # If no devices are chosen, a disabled account also excludes its pots.
        target_type = self.target_type if device_ids else TargetType.ACCOUNT
        targets = async_get_targets(self._hass, device_ids, target_type)
        return not targets.keys().isdisjoint(affected)
