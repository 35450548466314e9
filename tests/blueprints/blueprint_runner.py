"""Runs automations that are made from the blueprints, and records what they do."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from homeassistant.config import YAML_CONFIG_FILE
from homeassistant.core import Event, HomeAssistant, ServiceCall, callback
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_get_persistent_notifications,
)

from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Account, Pot
from sandbox.server import BankServer
from tests.conftest import AdvanceTime
from tests.helpers.state_helpers import entity_id, is_complaint, set_up
from tests.helpers.transfer_client import Move, TransferClient

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "blueprints" / "automation" / "monzo"

NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

# Within this time all balances are polled, and new transactions are reported.
POLL: Final = timedelta(minutes=2)

# Until transactions are read again because of the transfers that an automation made.
AFTER_TRANSFERS: Final = timedelta(seconds=2)

# After a transfer, the polling is back at its usual interval within this time.
SETTLED: Final = timedelta(minutes=6)

# Transactions that Home Assistant learns of after this time are late.
LATE: Final = timedelta(hours=2)

ALIAS: Final = "Test"
AUTOMATION: Final = "automation.test"

# An action for the blueprints' input for additional actions.
RECORD_MESSAGE: Final = [{"action": "test.record", "data": {"message": "{{ message }}"}}]

WARNING_LEVELS: Final = ("WARNING", "ERROR", "CRITICAL")

# The phases of a test for which pytest keeps separate log records.
PHASES: Final = ("setup", "call", "teardown")


class BlueprintRunner:
    """Creates an automation from a blueprint, and records its transfers, messages and warnings.

    The integration is set up for Ann, and her earlier transactions have been read. A test fails if
    a warning is logged, unless the test takes it with `take_warnings`.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        home: Household,
        server: BankServer,
        advance_time: AdvanceTime,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Record everything from now on."""
        self.hass = hass
        self.entry = entry
        self.home = home
        self.server = server
        self.client = TransferClient(hass, entry, home.bank, server)

        self.action_calls: list[dict[str, Any]] = []
        """The data of each call of the action `test.record`, oldest first."""

        self.runs = 0
        """The number of runs, which begin when a trigger fires and the conditions pass."""

        self._sent_before = 0
        self._advance_time = advance_time
        self._caplog = caplog

        @callback
        def record(call: ServiceCall) -> None:
            self.action_calls.append(dict(call.data))

        @callback
        def count(_event: Event[Any]) -> None:
            self.runs += 1

        hass.services.async_register("test", "record", record)
        hass.bus.async_listen("automation_triggered", count)

    @property
    def bank(self) -> Bank:
        """The bank of all people in the tests."""
        return self.home.bank

    async def create(self, blueprint: str, **inputs: Any) -> None:
        """Create an automation in place of any earlier one, and forget what that one did."""
        await self.create_several(blueprint, {ALIAS: inputs})

    async def create_several(self, blueprint: str, inputs: dict[str, dict[str, Any]]) -> None:
        """Create automations with these aliases and inputs in place of any earlier ones."""
        automations = [
            {
                "id": alias,
                "alias": alias,
                "use_blueprint": {"path": f"monzo/{blueprint}.yaml", "input": each},
            }
            for alias, each in inputs.items()
        ]
        if "automation" in self.hass.config.components:
            file = Path(self.hass.config.path(YAML_CONFIG_FILE))
            content = yaml.dump({"automation": automations})
            await self.hass.async_add_executor_job(file.write_text, content)
            await self.hass.services.async_call("automation", "reload", blocking=True)
        else:
            config = {"automation": automations}
            assert await async_setup_component(self.hass, "automation", config)
        await self.hass.async_block_till_done()
        states = self.hass.states.async_all("automation")
        assert [state.state for state in states] == ["on"] * len(automations)
        await self.forget()

    async def forget(self) -> None:
        """Forget all transfers, messages, runs and notifications so far."""
        self.client.forget()
        self._sent_before += len(self.sent)
        self.action_calls.clear()
        self.runs = 0
        for notification_id in list(async_get_persistent_notifications(self.hass)):
            await self.hass.services.async_call(
                "persistent_notification",
                "dismiss",
                {"notification_id": notification_id},
                blocking=True,
            )

    async def happen_while_unloaded(
        self, event: Callable[[], object], duration: timedelta = LATE
    ) -> None:
        """Let something happen while the integration is unloaded for some time."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        event()
        await self._advance_time(duration)
        await set_up(self.hass, self.entry)
        await self._advance_time(POLL)

    async def turn_off(self) -> None:
        """Turn the automations off, so that they no longer wait for anything."""
        if self.hass.states.async_all("automation"):
            await self.hass.services.async_call(
                "automation", "turn_off", {"entity_id": "all"}, blocking=True
            )

    async def advance(self, time: timedelta = POLL) -> None:
        """Advance the time, by default by one poll, and let all consequences happen."""
        await self._advance_time(time)
        await self._advance_time(AFTER_TRANSFERS)

    async def settle(self) -> None:
        """Let the polling return to its usual interval, which transfers have changed."""
        await self.advance(SETTLED)

    def device_id(self, account_or_pot: Account | Pot) -> str:
        """Return the id of the device of an account or a pot."""
        return self.client.device(account_or_pot)

    def entity_id(self, account_or_pot: Account | Pot, key: str, platform: str = "sensor") -> str:
        """Return the id of an entity of an account or a pot, such as its `balance`."""
        found = entity_id(self.hass, account_or_pot.id, key, platform)
        assert found, f"There is no {key}"
        return found

    @property
    def moves(self) -> list[Move]:
        """The transfers between accounts and pots in the bank's ledger, oldest first."""
        return self.client.moves

    @property
    def amounts(self) -> list[tuple[str, int]]:
        """The name of the pot and the pence it gained for each transfer, oldest first."""
        return [(move.pot, move.amount) for move in self.moves]

    @property
    def sent(self) -> list[dict[str, str]]:
        """The requests for transfers that the bank received, whether it accepted them or not."""
        return self.client.sent[self._sent_before :]

    @property
    def messages(self) -> list[str]:
        """The messages that the automation passed to its additional actions, oldest first."""
        return [call["message"] for call in self.action_calls]

    @property
    def notifications(self) -> list[tuple[str | None, str]]:
        """The titles and messages of the persistent notifications, oldest first."""
        found = async_get_persistent_notifications(self.hass).values()
        return [(each["title"], each["message"]) for each in found]

    @property
    def titles(self) -> list[str | None]:
        """The titles of the persistent notifications, oldest first."""
        return [title for title, _message in self.notifications]

    def take_warnings(self) -> list[str]:
        """Return the warnings and errors logged so far, and forget them.

        In the teardown of a fixture, caplog.records has only the records since the test ended.
        """
        messages: list[str] = []
        for phase in PHASES:
            records = self._caplog.get_records(phase)
            messages += [
                each.getMessage() for each in records if is_complaint(each, *WARNING_LEVELS)
            ]
            records.clear()
        return messages
