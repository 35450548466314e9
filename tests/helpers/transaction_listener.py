"""Records the reported transactions of an account, and lets the bank deliver webhooks."""

import dataclasses
from typing import Any

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.transactions import (
    SIGNAL_NEW_TRANSACTION,
    SIGNAL_TRANSACTION_CHANGED,
    NewTransaction,
    TransactionChanged,
)
from sandbox.models import Account
from sandbox.server import BankServer
from tests.helpers.state_helpers import shown

ADDRESS = "https://ha.example.test"


class Listener:
    """Records all reports about an account, by signal and by event entities."""

    def __init__(self, hass: HomeAssistant, account: Account) -> None:
        """Initialize the listener; the account's event entities must exist."""
        self.reports: list[NewTransaction] = []
        self.changes: list[TransactionChanged] = []
        self.events: list[str] = []
        """The transaction ids of the event entities, oldest first."""

        self.balances: list[str] = []
        """The state of the balance sensor at each report."""

        entities = [shown(hass, account.id, key, "event") for key in ("transaction", "round_up")]
        last = {entity.entity_id: entity.state for entity in entities}

        @callback
        def record_report(report: NewTransaction) -> None:
            self.reports.append(report)
            self.balances.append(shown(hass, account.id, "balance").state)

        @callback
        def record_change(change: TransactionChanged) -> None:
            self.changes.append(change)

        @callback
        def record_event(event: Event[Any]) -> None:
            after = event.data["new_state"]
            if after is None:
                # The entity was removed with its config entry.
                return
            # The entity is unavailable while the entry is unloaded, and then restores its state.
            if after.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN, last[after.entity_id]):
                last[after.entity_id] = after.state
                self.events.append(after.attributes["transaction_id"])

        async_dispatcher_connect(hass, SIGNAL_NEW_TRANSACTION.format(account.id), record_report)
        async_dispatcher_connect(hass, SIGNAL_TRANSACTION_CHANGED.format(account.id), record_change)
        async_track_state_change_event(hass, list(last), record_event)

    @property
    def heard(self) -> list[str]:
        """The ids of the reported transactions, oldest first."""
        return [report.transaction.id for report in self.reports]


async def make_reachable(
    hass: HomeAssistant, server: BankServer, hass_client_no_auth: ClientSessionGenerator
) -> Any:
    """Give Home Assistant a URL that the bank can reach, and return an HTTP client for it."""
    # These must register their views before the HTTP server starts.
    for component in ("calendar", "notify", "webhook"):
        assert await async_setup_component(hass, component, {})
    client = await hass_client_no_auth()
    server.behaviour = dataclasses.replace(
        server.behaviour,
        webhook_hosts={"ha.example.test": str(client.make_url("")).rstrip("/")},
    )
    hass.config.external_url = ADDRESS
    return client
