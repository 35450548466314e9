"""Keeping an account at a level: what is too much goes into a pot, what is missing comes back."""

from datetime import timedelta
from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from tests.helpers.transfer_faults import change_options

from .stage import Stage

NAME = "keep_account_at_level"

LEVEL = 500
PENCE = LEVEL * 100

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

A_MOMENT = timedelta(minutes=3)
SETTLED = timedelta(minutes=11)

TELL = [{"action": "test.hear", "data": {"message": "{{ message }}"}}]


def inputs(stage: Stage, **more: Any) -> dict[str, Any]:
    """Return what a user fills in who means it, for Ann's current account; nothing is due yet."""
    return {
        "pot": stage.device(stage.home.holiday),
        "level": LEVEL,
        "most": 10_000,
        "days": [],
        "dry_run": False,
        "then": TELL,
        **more,
    }


def soon() -> dict[str, Any]:
    """Return the inputs for every day, the next time in a few minutes."""
    return {"days": DAYS, "time": (dt_util.now() + A_MOMENT).strftime("%H:%M:%S")}


def on_change(stage: Stage) -> dict[str, Any]:
    """Return the input for whenever the balance has changed."""
    return {"balance": stage.entity(stage.home.current, "balance")}


def leave(stage: Stage, pence: int) -> None:
    """Have so much left in the current account after a payment or an income."""
    missing = pence - stage.home.current.balance
    if missing > 0:
        stage.bank.receive(stage.home.current.id, missing)
    else:
        stage.bank.direct_debit(stage.home.current.id, missing)


async def test_what_is_too_much_is_swept_at_the_time(stage: Stage) -> None:
    too_much = stage.home.current.balance - PENCE
    await stage.play(NAME, **inputs(stage, **soon()))
    await stage.let_pass(A_MOMENT / 2)
    assert stage.moves == []
    await stage.let_pass(A_MOMENT / 2)
    assert stage.amounts == [("Holiday", too_much)]
    assert stage.home.current.balance == PENCE
    assert stage.heard == [{"message": f"Moved {too_much / 100:.2f} GBP into Holiday."}]
    assert stage.notifications == []


async def test_what_is_missing_comes_back_at_the_time(stage: Stage) -> None:
    leave(stage, 12_345)
    await stage.play(NAME, **inputs(stage, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.amounts == [("Holiday", 12_345 - PENCE)]
    assert stage.home.current.balance == PENCE
    assert stage.heard == [{"message": "Moved 376.55 GBP out of Holiday."}]


async def test_it_happens_again_the_next_day(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, **soon()))
    await stage.let_pass(A_MOMENT)
    leave(stage, PENCE + 2_000)
    await stage.let_pass(timedelta(hours=23))
    assert len(stage.moves) == 1
    await stage.let_pass(timedelta(hours=1))
    assert stage.amounts[1:] == [("Holiday", 2_000)]


async def test_only_on_the_days(stage: Stage) -> None:
    today = DAYS[(dt_util.now() + A_MOMENT).weekday()]
    await stage.play(
        NAME, **inputs(stage, **soon() | {"days": [day for day in DAYS if day != today]})
    )
    await stage.let_pass(A_MOMENT)
    assert stage.sent == []
    await stage.let_pass(timedelta(days=1))
    assert stage.home.current.balance == PENCE


async def test_a_balance_that_has_changed_is_brought_back_once_it_has_settled(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, **on_change(stage)))
    leave(stage, 60_000)
    await stage.let_pass()
    await stage.let_pass(SETTLED / 2)
    # Not settled: it changes again.
    leave(stage, 30_000)
    await stage.let_pass()
    await stage.let_pass(SETTLED / 2)
    assert stage.sent == []
    await stage.let_pass(SETTLED / 2)
    assert stage.amounts == [("Holiday", -20_000)]
    # What was moved changes the balance as well, and ends there.
    await stage.let_pass(SETTLED)
    await stage.let_pass(SETTLED)
    assert len(stage.moves) == 1


async def test_a_bank_that_cannot_be_reached_is_no_change(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, **on_change(stage)))
    stage.hass.states.async_set(stage.entity(stage.home.current, "balance"), "unavailable")
    await stage.let_pass(SETTLED)
    assert stage.runs == 0


@pytest.mark.parametrize(
    ("direction", "left", "moved"),
    [
        ("both", 40_000, [("Holiday", -10_000)]),
        ("both", 60_000, [("Holiday", 10_000)]),
        ("sweep", 40_000, []),
        ("sweep", 60_000, [("Holiday", 10_000)]),
        ("top_up", 40_000, [("Holiday", -10_000)]),
        ("top_up", 60_000, []),
    ],
)
async def test_only_in_the_direction(
    stage: Stage, direction: str, left: int, moved: list[tuple[str, int]]
) -> None:
    await stage.play(NAME, **inputs(stage, direction=direction, **soon()))
    leave(stage, left)
    await stage.let_pass(A_MOMENT)
    assert stage.runs == 1
    assert stage.amounts == moved
    assert len(stage.heard) == len(moved)


@pytest.mark.parametrize(
    ("left", "moved"), [(PENCE + 999, []), (PENCE + 1_000, [("Holiday", 1_000)])], ids=str
)
async def test_nothing_that_is_too_small(
    stage: Stage, left: int, moved: list[tuple[str, int]]
) -> None:
    await stage.play(NAME, **inputs(stage, **soon()))
    leave(stage, left)
    await stage.let_pass(A_MOMENT)
    assert stage.amounts == moved


async def test_a_pot_is_emptied_but_never_overdrawn(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, level=100_000, **soon()))
    leave(stage, 0)
    await stage.let_pass(A_MOMENT)
    assert stage.amounts == [("Holiday", -64_000)]
    assert stage.home.holiday.balance == 0


async def test_not_if_a_condition_is_not_met(stage: Stage) -> None:
    nobody_home = {"condition": "state", "entity_id": "group.home", "state": "on"}
    stage.hass.states.async_set("group.home", "off")
    await stage.play(NAME, **inputs(stage, conditions=[nobody_home], **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.sent == []
    stage.hass.states.async_set("group.home", "on")
    await stage.let_pass(timedelta(days=1))
    assert stage.home.current.balance == PENCE


async def test_at_first_it_only_plans(stage: Stage) -> None:
    too_much = stage.home.current.balance - PENCE
    chosen = inputs(stage, **soon())
    del chosen["dry_run"]
    await stage.play(NAME, **chosen)
    await stage.let_pass(A_MOMENT)
    plan = f"Would move {too_much / 100:.2f} GBP into Holiday."
    assert stage.notifications == [("The play: plan only", plan)]
    assert stage.heard == [{"message": plan}]
    # Another one takes its place.
    leave(stage, PENCE)
    await stage.let_pass(timedelta(days=1))
    plan = "Would move nothing: the account has the set balance."
    assert stage.notifications == [("The play: plan only", plan)]
    assert len(stage.heard) == 1
    assert stage.sent == []


async def test_a_plan_says_what_would_come_in_its_way(stage: Stage) -> None:
    await change_options(stage.teller, max_per_transfer=5)
    await stage.play(NAME, **inputs(stage, dry_run=True, **soon()))
    await stage.let_pass(A_MOMENT)
    ((_title, plan),) = stage.notifications
    assert "exceeds the limit of 5.00 GBP per transfer" in plan


async def test_a_transfer_that_is_refused_is_told(stage: Stage) -> None:
    await change_options(stage.teller, max_per_transfer=5)
    await stage.play(NAME, **inputs(stage, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.sent == []
    told = (
        "Tried to bring the account to the set balance. The transfer failed or could not be "
        "confirmed. See the Home Assistant log for details, and check the Monzo app before you "
        "try again."
    )
    assert stage.heard == [{"message": told}]
    assert stage.notifications == [("The play: something went wrong", told)]
    assert any("exceeds the limit of … per transfer" in text for text in stage.complaints())


async def test_no_more_than_the_most_at_once_and_the_rest_the_next_time(stage: Stage) -> None:
    leave(stage, PENCE + 7_000)
    await stage.play(NAME, **inputs(stage, most=50, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.heard == [
        {
            "message": "Moved 50.00 GBP into Holiday. "
            "20.00 GBP more would bring the account to the set balance."
        }
    ]
    await stage.let_pass(timedelta(days=1))
    assert stage.amounts == [("Holiday", 5_000), ("Holiday", 2_000)]
    leave(stage, PENCE - 7_000)
    await stage.let_pass(timedelta(days=1))
    assert stage.amounts[2:] == [("Holiday", -5_000)]
