"""Where blueprints are played: an automation made of one, and what comes of it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from homeassistant.core import Event, HomeAssistant, ServiceCall, callback
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_get_persistent_notifications,
)

from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Account, Pot
from sandbox.server import BankServer
from tests.conftest import LetPass
from tests.helpers.state_helpers import entity_id, is_complaint, set_up
from tests.helpers.transfer_client import Move, Teller

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "blueprints" / "automation" / "monzo"

NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))

A_POLL = timedelta(minutes=2)

# Until what has moved while transactions were read is looked for.
A_MOMENT = timedelta(seconds=2)

# So long that what happens meanwhile is late.
TWO_HOURS = timedelta(hours=2)

AUTOMATION = "automation.the_play"

COMPLAINTS: Final = ("WARNING", "ERROR", "CRITICAL")

# In which pytest keeps what was logged, each apart.
PHASES: Final = ("setup", "call", "teardown")


class Stage:
    """Makes one automation of a blueprint, and watches what it does.

    The integration is set up for Ann, and her history has been read: what happens from now on is
    news. Whatever is logged as a warning or an error makes the test fail, unless it was expected.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        home: Household,
        server: BankServer,
        let_pass: LetPass,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Watch from now on."""
        self.hass = hass
        self.entry = entry
        self.home = home
        self.server = server
        self.teller = Teller(hass, entry, home.bank, server)

        self.heard: list[dict[str, Any]] = []
        """What the action `test.hear` was called with, oldest first."""

        self.runs = 0
        """How often it was run: something has triggered it, and its conditions were met."""

        self._let_pass = let_pass
        self._caplog = caplog

        @callback
        def hear(call: ServiceCall) -> None:
            self.heard.append(dict(call.data))

        @callback
        def count(_event: Event[Any]) -> None:
            self.runs += 1

        hass.services.async_register("test", "hear", hear)
        hass.bus.async_listen("automation_triggered", count)

    @property
    def bank(self) -> Bank:
        """The bank that everybody is with."""
        return self.home.bank

    async def play(self, name: str, **inputs: Any) -> None:
        """Make the automation: of this blueprint, with these inputs."""
        automation = {
            "id": "the-play",
            "alias": "The play",
            "use_blueprint": {"path": f"monzo/{name}.yaml", "input": inputs},
        }
        assert await async_setup_component(self.hass, "automation", {"automation": automation})
        await self.hass.async_block_till_done()
        state = self.hass.states.get(AUTOMATION)
        assert state, "there is no such automation"
        assert state.state == "on", f"the automation is {state.state}"

    async def miss(self, happens: Callable[[], object], time: timedelta = TWO_HOURS) -> None:
        """Let something happen while Monzo is not set up, and learn of it that much later."""
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        happens()
        await self._let_pass(time)
        await set_up(self.hass, self.entry)
        await self._let_pass(A_POLL)

    async def end(self) -> None:
        """Have the automation wait for nothing any more."""
        if self.hass.states.get(AUTOMATION):
            await self.hass.services.async_call(
                "automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True
            )

    async def let_pass(self, time: timedelta = A_POLL) -> None:
        """Let time pass, until all that follows from it is done; two minutes are a poll."""
        await self._let_pass(time)
        await self._let_pass(A_MOMENT)

    def device(self, subject: Account | Pot) -> str:
        """Return the id of the device of an account or a pot."""
        return self.teller.device(subject)

    def entity(self, subject: Account | Pot, key: str, platform: str = "sensor") -> str:
        """Return the id of an entity of an account or a pot, such as its `balance`."""
        found = entity_id(self.hass, subject.id, key, platform)
        assert found, f"no {key}"
        return found

    @property
    def moves(self) -> list[Move]:
        """What has moved between accounts and pots, by the bank's ledger, oldest first."""
        return self.teller.moves

    @property
    def amounts(self) -> list[tuple[str, int]]:
        """The same without ids: pots, and the pence that they gained."""
        return [(move.pot, move.amount) for move in self.moves]

    @property
    def sent(self) -> list[dict[str, str]]:
        """The requests to move money that have reached the bank, whatever came of them."""
        return self.teller.sent

    @property
    def notifications(self) -> list[tuple[str | None, str]]:
        """Titles and texts of Home Assistant's persistent notifications, oldest first."""
        found = async_get_persistent_notifications(self.hass).values()
        return [(each["title"], each["message"]) for each in found]

    def complaints(self) -> list[str]:
        """Return what was complained of in the log so far, and no more after that.

        A fixture that looks after its test would only see what was logged since the test ended.
        """
        texts: list[str] = []
        for phase in PHASES:
            records = self._caplog.get_records(phase)
            texts += [each.getMessage() for each in records if is_complaint(each, *COMPLAINTS)]
            records.clear()
        return texts
