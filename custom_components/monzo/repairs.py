"""Repair flow for a sign-in that the user has not approved in the Monzo app."""

from collections.abc import Mapping
from typing import Any, cast

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .bank import RepairIssue
from .const import ENTRY_REMOVED


class NotApprovedRepairFlow(RepairsFlow):
    """Asks the user to approve the sign-in, then reloads the config entry to check it."""

    def __init__(self, entry_id: str) -> None:
        """Initialize the flow for one config entry."""
        super().__init__()
        self._entry_id = entry_id

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Start with the confirmation form."""
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Show the instructions, and finish once the config entry loads."""
        errors: dict[str, str] = {}
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None:
            return self.async_abort(reason=ENTRY_REMOVED)
        if user_input is not None:
            await self.hass.config_entries.async_reload(self._entry_id)
            if entry.state is ConfigEntryState.LOADED:
                return self.async_create_entry(data={})
            not_approved = entry.error_reason_translation_key == RepairIssue.NOT_APPROVED
            errors["base"] = "not_approved" if not_approved else "no_answer"
        return self.async_show_form(step_id="confirm", errors=errors)


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: Mapping[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow for NOT_APPROVED, the only fixable issue."""
    return NotApprovedRepairFlow(cast("dict[str, str]", data)["entry_id"])
