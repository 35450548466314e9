"""Repairs: a trouble that ends with a tap in the Monzo app and a click here."""

from collections.abc import Mapping
from typing import Any, cast

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .bank import RepairIssue


class NotApprovedRepairFlow(RepairsFlow):
    """Has the user approve the sign-in in the Monzo app, and looks whether that worked."""

    def __init__(self, entry_id: str) -> None:
        """Keep which config entry it is about."""
        super().__init__()
        self._entry_id = entry_id

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Say what to do, and see whether the bank answers now."""
        errors: dict[str, str] = {}
        if user_input is not None:
            await self.hass.config_entries.async_reload(self._entry_id)
            entry = self.hass.config_entries.async_get_known_entry(self._entry_id)
            if entry.state is ConfigEntryState.LOADED:
                return self.async_create_entry(data={})
            not_approved = entry.error_reason_translation_key == RepairIssue.NOT_APPROVED
            errors["base"] = "not_approved" if not_approved else "no_answer"
        return self.async_show_form(step_id="confirm", errors=errors)


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: Mapping[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow for the one issue that has one."""
    return NotApprovedRepairFlow(cast("dict[str, str]", data)["entry_id"])
