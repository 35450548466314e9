"""Lights that flash when money moves."""

from datetime import timedelta
from functools import partial
from typing import Any

from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
import pytest

from .conftest import A_WHILE
from .stage import AUTOMATION, Stage
from .waiting import Clock

BLUE, GREEN, RED = (0, 120, 255), (0, 255, 60), (255, 0, 0)

LAMP, SHELF = "light.lamp", "light.shelf"

# More than any test lets the lamp make.
MOST_CHANGES = 30

type Look = tuple[str, tuple[int, int, int] | None, int | None]


class Watcher:
    """Watches the lamp: whether it is on, in which color, and how bright."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Look from now on."""
        self._hass = hass
        self.seen: list[Look] = []
        """How the lamp has looked, each time that it changed."""

        @callback
        def look(_event: Event[EventStateChangedData]) -> None:
            if (now := self.now) not in self.seen[-1:]:
                self.seen.append(now)

        async_track_state_change_event(hass, LAMP, look)

    @property
    def now(self) -> Look:
        """How the lamp looks."""
        state = self._hass.states.get(LAMP)
        assert state
        return state.state, state.attributes["rgb_color"], state.attributes["brightness"]

    @property
    def colors(self) -> list[tuple[int, int, int]]:
        """The colors that the lamp has had while it was on, without repetition."""
        return list(
            dict.fromkeys(color for state, color, _ in self.seen if state == "on" and color)
        )


@pytest.fixture
async def lamp(hass: HomeAssistant, stage: Stage) -> Watcher:
    """Return who watches a lamp, next to which there is one on a shelf."""
    settings: dict[str, Any] = {"turn_on": [], "turn_off": [], "set_level": [], "set_rgb": []}
    lights = [{"name": name, **settings} for name in ("Lamp", "Shelf")]
    assert await async_setup_component(hass, "template", {"template": {"light": lights}})
    assert await async_setup_component(hass, "scene", {})
    await hass.async_block_till_done()
    await hass.services.async_call("light", "turn_off", {"entity_id": [LAMP, SHELF]}, blocking=True)
    return Watcher(hass)


async def turn_on(stage: Stage, light: str, **how: Any) -> None:
    """Turn a light on."""
    await stage.hass.services.async_call(
        "light", "turn_on", {"entity_id": light, **how}, blocking=True
    )


async def flash(stage: Stage, **inputs: Any) -> None:
    """Let the lamp flash for money of all accounts, twice for a second."""
    await stage.play("light_on_payment", **{"lights": [LAMP], **inputs})


def is_over(stage: Stage) -> bool:
    """Return whether the automation is done."""
    state = stage.hass.states.get(AUTOMATION)
    return state is not None and state.attributes["current"] == 0


async def see_it_through(stage: Stage, clock: Clock, lamp: Watcher) -> None:
    """Let what has happened at the bank be noticed, and the lights flash until they are done."""
    # A declined payment changes no balance, so it takes its time.
    await clock.let_pass(A_WHILE, until=lambda: lamp.seen)
    for _ in range(MOST_CHANGES):
        if is_over(stage):
            return
        looks = len(lamp.seen)
        await clock.let_pass(
            timedelta(seconds=1), until=partial(is_next, stage=stage, lamp=lamp, looks=looks)
        )
    message = "it never ends"
    raise AssertionError(message)


def is_next(*, stage: Stage, lamp: Watcher, looks: int) -> bool:
    """Return whether the lamp has changed since it had had so many looks, or will no more."""
    return is_over(stage) or len(lamp.seen) > looks


async def test_a_light_flashes_and_is_as_it_was_before(
    stage: Stage, clock: Clock, lamp: Watcher
) -> None:
    await turn_on(stage, LAMP, rgb_color=(255, 200, 10), brightness=80)
    before = lamp.now
    await flash(stage)
    lamp.seen.clear()
    stage.bank.pay(stage.home.joint.id, -350)
    await see_it_through(stage, clock, lamp)
    assert lamp.seen == [
        ("on", BLUE, 255),
        ("off", None, None),
        ("on", BLUE, 255),
        ("off", None, None),
        before,
    ]
    # What it was is remembered no longer than that.
    assert stage.hass.states.async_entity_ids("scene") == []


async def test_a_light_that_was_off_is_off_again(stage: Stage, clock: Clock, lamp: Watcher) -> None:
    await flash(stage, flashes=1, brightness=50)
    stage.bank.pay(stage.home.joint.id, -350)
    await see_it_through(stage, clock, lamp)
    assert lamp.seen[0] == ("on", BLUE, 128)
    assert lamp.now == ("off", None, None)


@pytest.mark.parametrize(
    ("act", "color"),
    [("pay", BLUE), ("receive", GREEN), ("decline", RED)],
    ids=["paid", "received", "declined"],
)
async def test_what_happened_is_told_by_the_color(
    stage: Stage, clock: Clock, lamp: Watcher, act: str, color: tuple[int, int, int]
) -> None:
    await flash(stage)
    getattr(stage.bank, act)(stage.home.joint.id, 350 if act == "receive" else -350)
    await see_it_through(stage, clock, lamp)
    assert lamp.colors == [color]


async def test_payments_in_a_row_flash_one_after_the_other(
    stage: Stage, clock: Clock, lamp: Watcher
) -> None:
    await turn_on(stage, LAMP, rgb_color=(255, 200, 10), brightness=80)
    before = lamp.now
    await flash(stage, flashes=1)
    lamp.seen.clear()
    stage.bank.pay(stage.home.joint.id, -350)
    stage.bank.receive(stage.home.joint.id, 350)
    await see_it_through(stage, clock, lamp)
    assert lamp.seen == [
        ("on", BLUE, 255),
        ("off", None, None),
        before,
        ("on", GREEN, 255),
        ("off", None, None),
        before,
    ]


@pytest.mark.parametrize(
    "inputs",
    [
        {"smallest": 3.51},
        {"flashes_for": ["received", "declined"]},
        {"conditions": [{"condition": "state", "entity_id": SHELF, "state": "on"}]},
    ],
    ids=["too small", "not for payments", "a condition that is not met"],
)
async def test_it_does_not_flash_for_what_is_not_chosen(
    stage: Stage, lamp: Watcher, inputs: dict[str, Any]
) -> None:
    await flash(stage, **inputs)
    stage.bank.pay(stage.home.joint.id, -350)
    await stage.let_pass(A_WHILE)
    assert lamp.seen == []


@pytest.mark.parametrize(
    ("act", "text"),
    [("pay", "a payment"), ("receive", "money received"), ("decline", "a declined payment")],
    ids=["paid", "received", "declined"],
)
async def test_it_can_only_say_what_it_would_flash_for(
    stage: Stage, lamp: Watcher, act: str, text: str
) -> None:
    await flash(stage, dry_run=True)
    getattr(stage.bank, act)(stage.home.joint.id, 350 if act == "receive" else -350)
    await stage.let_pass(A_WHILE)
    assert stage.notifications == [("The play: plan only", f"The lights would flash for {text}.")]
    assert lamp.seen == []


async def test_it_flashes_for_chosen_accounts_only(stage: Stage, lamp: Watcher) -> None:
    await flash(stage, accounts=[stage.device(stage.home.current)])
    stage.bank.pay(stage.home.joint.id, -350)
    await stage.let_pass(A_WHILE)
    assert lamp.seen == []


async def test_it_does_not_flash_for_what_was_while_monzo_was_away(
    stage: Stage, lamp: Watcher
) -> None:
    await flash(stage)
    await stage.miss(lambda: stage.bank.pay(stage.home.joint.id, -350))
    assert stage.runs == 0
    assert lamp.seen == []
