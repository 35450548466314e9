"""The websocket command that returns the dashboard.

Each time a user opens the dashboard, the strategy in the browser requests its configuration. It
contains the accounts and pots that have entities, and the graphs that have data.
"""

from collections.abc import Callable
from typing import Any

from homeassistant.auth.models import User
from homeassistant.components.websocket_api import async_register_command
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.components.websocket_api.decorators import async_response, websocket_command
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.translation import async_get_translations
import voluptuous as vol

from ..const import DOMAIN
from .devices import (
    async_dashboard_devices,
    async_entities_with_statistics,
    async_has_outlook,
    async_recorded_hours,
    entities_with,
)
from .history_view import async_with_history_view
from .layout import TREND_TIME, Card, DashboardLayout


@callback
def async_register_dashboard_command(hass: HomeAssistant) -> None:
    """Register the websocket command that returns the dashboard. Call once per start."""
    async_register_command(hass, _async_get_dashboard)


@websocket_command(
    {
        vol.Required("type"): f"{DOMAIN}/dashboard",
        vol.Required("language"): str,
        vol.Optional("accounts", default=list): vol.All(cv.ensure_list, [str]),
        vol.Optional("hide_amounts", default=False): vol.Coerce(bool),
        # Strategies accept other options, such as `title`.
        vol.Extra: object,
    }
)
@async_response
async def _async_get_dashboard(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Send the configuration of the dashboard."""
    translations = await async_get_translations(hass, msg["language"], "common", {DOMAIN})

    def text(key: str) -> str:
        return translations.get(f"component.{DOMAIN}.common.{key}", key)

    devices = async_dashboard_devices(hass)
    selected, hide_amounts = msg["accounts"], msg["hide_amounts"]
    accounts = [
        device
        for device in devices
        if "balance" in device.entities and (not selected or device.id in selected)
    ]
    if accounts:
        spending = entities_with(accounts, "spend_today")
        balances = entities_with(accounts, "balance")
        layout = DashboardLayout(
            text=text,
            devices=devices,
            accounts=accounts,
            selected=selected,
            hide_amounts=hide_amounts,
            charted=() if hide_amounts else await async_entities_with_statistics(hass, spending),
            recorded_hours=await async_recorded_hours(hass, balances, at_most=TREND_TIME),
            has_outlook=any(async_has_outlook(hass, account) for account in accounts),
        )
        view = layout.view()
    else:
        view = {"type": "panel", "cards": [_no_accounts_card(text, connection.user)]}
    views = [view]
    if not hide_amounts:
        views = await async_with_history_view(hass, view, accounts, msg["language"])
    connection.send_result(msg["id"], {"title": text("dashboard_title"), "views": views})


def _no_accounts_card(text: Callable[[str], str], user: User) -> Card:
    """Return the card for a dashboard without accounts.

    Only administrators see the button, because only they can add the integration.
    """
    tap_action = {"action": "navigate", "navigation_path": "/config/integrations"}
    button = {"text": text("dashboard_set_up"), "tap_action": tap_action}
    return {
        "type": "empty-state",
        "title": text("dashboard_nothing"),
        "content": text("dashboard_nothing_why"),
        "buttons": [button] if user.is_admin else [],
    }
