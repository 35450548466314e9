"""The blueprint light_on_payment: lights flash when money moves."""

from datetime import timedelta
from functools import partial
from typing import Any

from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
import pytest

from .blueprint_runner import AUTOMATION, BlueprintRunner
from .clock import Clock
from .conftest import ALL_TRANSACTIONS_READ

BLUE, GREEN, RED = (0, 120, 255), (0, 255, 60), (255, 0, 0)

LAMP, SHELF = "light.lamp", "light.shelf"

# More changes of the lamp than any test causes.
MOST_CHANGES = 30

type Look = tuple[str, tuple[int, int, int] | None, int | None]


class LampRecorder:
    """Records how the lamp looks: whether it is on, its color and its brightness."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Record changes from now on."""
        self._hass = hass
        self.looks: list[Look] = []
        """The look of the lamp after each change."""

        @callback
        def record(_event: Event[EventStateChangedData]) -> None:
            if (now := self.now) not in self.looks[-1:]:
                self.looks.append(now)

        async_track_state_change_event(hass, LAMP, record)

    @property
    def now(self) -> Look:
        """The current look of the lamp."""
        state = self._hass.states.get(LAMP)
        assert state
        return state.state, state.attributes["rgb_color"], state.attributes["brightness"]

    @property
    def colors(self) -> list[tuple[int, int, int]]:
        """The different colors of the lamp while it was on."""
        return list(
            dict.fromkeys(color for state, color, _ in self.looks if state == "on" and color)
        )


@pytest.fixture
async def lamp(hass: HomeAssistant, runner: BlueprintRunner) -> LampRecorder:
    """Create two lights, and return a recorder for the first one."""
    settings: dict[str, Any] = {"turn_on": [], "turn_off": [], "set_level": [], "set_rgb": []}
    lights = [{"name": name, **settings} for name in ("Lamp", "Shelf")]
    assert await async_setup_component(hass, "template", {"template": {"light": lights}})
    assert await async_setup_component(hass, "scene", {})
    await hass.async_block_till_done()
    await hass.services.async_call("light", "turn_off", {"entity_id": [LAMP, SHELF]}, blocking=True)
    return LampRecorder(hass)


async def turn_on(runner: BlueprintRunner, light: str, **how: Any) -> None:
    """Turn on a light."""
    await runner.hass.services.async_call(
        "light", "turn_on", {"entity_id": light, **how}, blocking=True
    )


async def flash(runner: BlueprintRunner, **inputs: Any) -> None:
    """Make the lamp flash for transactions of all accounts, twice for a second."""
    await runner.create("light_on_payment", **{"lights": [LAMP], **inputs})


def runs(runner: BlueprintRunner) -> int:
    """Return how many runs of the automation are under way or wait."""
    state = runner.hass.states.get(AUTOMATION)
    return state.attributes["current"] if state else 0


async def wait_for_flashes(
    runner: BlueprintRunner, clock: Clock, lamp: LampRecorder, *, transactions: int = 1
) -> None:
    """Let Home Assistant read the transactions, and advance the time until the flashes end."""
    # A declined payment changes no balance, so it is read later than others. Each transaction is
    # written to the disk before the next one is reported.
    await clock.advance(
        ALL_TRANSACTIONS_READ, until=lambda: lamp.looks and runs(runner) == transactions
    )
    for _ in range(MOST_CHANGES):
        if not runs(runner):
            await runner.hass.async_block_till_done()
            return
        changed = partial(has_changed, runner=runner, lamp=lamp, looks=len(lamp.looks))
        await clock.advance(timedelta(seconds=1), until=changed)
    message = f"The lamp still flashes after {MOST_CHANGES} changes"
    raise AssertionError(message)


def has_changed(*, runner: BlueprintRunner, lamp: LampRecorder, looks: int) -> bool:
    """Return whether the lamp has had more looks than these, or the automation has finished."""
    return not runs(runner) or len(lamp.looks) > looks


def happen(runner: BlueprintRunner, transaction: str) -> None:
    """Let a transaction happen in the joint account."""
    amount = 350 if transaction == "receive" else -350
    getattr(runner.bank, transaction)(runner.home.joint.id, amount)


async def test_a_light_flashes_and_then_returns_to_its_state(
    runner: BlueprintRunner, clock: Clock, lamp: LampRecorder
) -> None:
    await turn_on(runner, LAMP, rgb_color=(255, 200, 10), brightness=80)
    before = lamp.now
    await flash(runner)
    lamp.looks.clear()
    runner.bank.pay(runner.home.joint.id, -350)
    await wait_for_flashes(runner, clock, lamp)
    assert lamp.looks == [
        ("on", BLUE, 255),
        ("off", None, None),
        ("on", BLUE, 255),
        ("off", None, None),
        before,
    ]
    # The saved state of the lights is deleted afterwards.
    assert runner.hass.states.async_entity_ids("scene") == []


async def test_a_light_that_was_off_is_turned_off_again(
    runner: BlueprintRunner, clock: Clock, lamp: LampRecorder
) -> None:
    await flash(runner, flashes=1, brightness=50)
    runner.bank.pay(runner.home.joint.id, -350)
    await wait_for_flashes(runner, clock, lamp)
    assert lamp.looks[0] == ("on", BLUE, 128)
    assert lamp.now == ("off", None, None)


async def test_the_color_shows_the_type_of_transaction(
    runner: BlueprintRunner, clock: Clock, lamp: LampRecorder
) -> None:
    await flash(runner)
    for transaction, color in (("pay", BLUE), ("receive", GREEN), ("decline", RED)):
        lamp.looks.clear()
        happen(runner, transaction)
        await wait_for_flashes(runner, clock, lamp)
        assert lamp.colors == [color], transaction


async def test_simultaneous_transactions_flash_one_after_the_other(
    runner: BlueprintRunner, clock: Clock, lamp: LampRecorder
) -> None:
    await turn_on(runner, LAMP, rgb_color=(255, 200, 10), brightness=80)
    before = lamp.now
    await flash(runner, flashes=1)
    lamp.looks.clear()
    runner.bank.pay(runner.home.joint.id, -350)
    runner.bank.receive(runner.home.joint.id, 350)
    await wait_for_flashes(runner, clock, lamp, transactions=2)
    assert lamp.looks == [
        ("on", BLUE, 255),
        ("off", None, None),
        before,
        ("on", GREEN, 255),
        ("off", None, None),
        before,
    ]


async def test_it_does_not_flash_for_transactions_that_are_not_chosen(
    runner: BlueprintRunner, lamp: LampRecorder
) -> None:
    inputs: dict[str, Any]
    for inputs in (
        {"smallest": 3.51},
        {"flashes_for": ["received", "declined"]},
        {"conditions": [{"condition": "state", "entity_id": SHELF, "state": "on"}]},
        {"accounts": [runner.device_id(runner.home.current)]},
    ):
        await flash(runner, **inputs)
        happen(runner, "pay")
        await runner.advance(ALL_TRANSACTIONS_READ)
        assert lamp.looks == [], inputs


async def test_with_plan_only_it_names_the_transaction_and_does_not_flash(
    runner: BlueprintRunner, lamp: LampRecorder
) -> None:
    for transaction, name in (
        ("pay", "a payment"),
        ("receive", "money received"),
        ("decline", "a declined payment"),
    ):
        await flash(runner, dry_run=True)
        happen(runner, transaction)
        await runner.advance(ALL_TRANSACTIONS_READ)
        plan = f"The lights would flash for {name}."
        assert runner.notifications == [("Test: plan only", plan)]
        assert lamp.looks == []


async def test_it_does_not_flash_for_late_transactions(
    runner: BlueprintRunner, lamp: LampRecorder
) -> None:
    await flash(runner)
    await runner.happen_while_unloaded(lambda: happen(runner, "pay"))
    assert runner.runs == 0
    assert lamp.looks == []
