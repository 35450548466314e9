"""The blueprint keep_account_at_level: an account keeps a set balance, with the help of a pot."""

from datetime import timedelta
from typing import Any

from homeassistant.util import dt as dt_util

from tests.helpers.transfer_faults import change_options

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

NAME = "keep_account_at_level"

LEVEL = 500
PENCE = LEVEL * 100

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

FIRST_RUN = timedelta(minutes=3)
SETTLED = timedelta(minutes=11)


def inputs(runner: BlueprintRunner, **more: Any) -> dict[str, Any]:
    """Return inputs for Ann's current account that move money, but never start a run."""
    return {
        "pot": runner.device_id(runner.home.holiday),
        "level": LEVEL,
        "most": 10_000,
        "days": [],
        "dry_run": False,
        "then": RECORD_MESSAGE,
        **more,
    }


def soon() -> dict[str, Any]:
    """Return inputs that start a run every day, the first one in a few minutes."""
    return {"days": DAYS, "time": (dt_util.now() + FIRST_RUN).strftime("%H:%M:%S")}


def on_change(runner: BlueprintRunner) -> dict[str, Any]:
    """Return inputs that start a run after a change of the balance."""
    return {"balance": runner.entity_id(runner.home.current, "balance")}


def set_balance(runner: BlueprintRunner, pence: int) -> None:
    """Bring the current account to a balance, by a payment or an income."""
    missing = pence - runner.home.current.balance
    if missing > 0:
        runner.bank.receive(runner.home.current.id, missing)
    else:
        runner.bank.direct_debit(runner.home.current.id, missing)


async def test_at_the_set_time_a_surplus_goes_into_the_pot(runner: BlueprintRunner) -> None:
    surplus = runner.home.current.balance - PENCE
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(FIRST_RUN / 2)
    assert runner.moves == []
    await runner.advance(FIRST_RUN / 2)
    assert runner.amounts == [("Holiday", surplus)]
    assert runner.home.current.balance == PENCE
    assert runner.messages == [f"Moved {surplus / 100:.2f} GBP into Holiday."]
    assert runner.notifications == []


async def test_at_the_set_time_a_shortfall_comes_out_of_the_pot(runner: BlueprintRunner) -> None:
    set_balance(runner, 12_345)
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.amounts == [("Holiday", 12_345 - PENCE)]
    assert runner.home.current.balance == PENCE
    assert runner.messages == ["Moved 376.55 GBP out of Holiday."]


async def test_it_runs_again_the_next_day(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(FIRST_RUN)
    set_balance(runner, PENCE + 2_000)
    await runner.advance(timedelta(hours=23))
    assert len(runner.moves) == 1
    await runner.advance(timedelta(hours=1))
    assert runner.amounts[1:] == [("Holiday", 2_000)]


async def test_it_runs_only_on_the_chosen_days(runner: BlueprintRunner) -> None:
    today = DAYS[(dt_util.now() + FIRST_RUN).weekday()]
    await runner.create(
        NAME, **inputs(runner, **soon() | {"days": [day for day in DAYS if day != today]})
    )
    await runner.advance(FIRST_RUN)
    assert runner.sent == []
    await runner.advance(timedelta(days=1))
    assert runner.home.current.balance == PENCE


async def test_a_changed_balance_is_corrected_after_it_has_settled(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner, **on_change(runner)))
    set_balance(runner, 60_000)
    await runner.advance()
    await runner.advance(SETTLED / 2)
    # The balance changes again before it has settled.
    set_balance(runner, 30_000)
    await runner.advance()
    await runner.advance(SETTLED / 2)
    assert runner.sent == []
    await runner.advance(SETTLED / 2)
    assert runner.amounts == [("Holiday", -20_000)]
    # The transfer itself changes the balance, but starts no other transfer.
    await runner.advance(SETTLED)
    await runner.advance(SETTLED)
    assert len(runner.moves) == 1


async def test_an_unavailable_balance_is_not_a_change(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, **on_change(runner)))
    runner.hass.states.async_set(runner.entity_id(runner.home.current, "balance"), "unavailable")
    await runner.advance(SETTLED)
    assert runner.runs == 0


async def test_money_moves_only_in_the_chosen_direction(runner: BlueprintRunner) -> None:
    for direction, balance, moved in (
        ("both", 40_000, [("Holiday", -10_000)]),
        ("both", 60_000, [("Holiday", 10_000)]),
        ("sweep", 40_000, []),
        ("sweep", 60_000, [("Holiday", 10_000)]),
        ("top_up", 40_000, [("Holiday", -10_000)]),
        ("top_up", 60_000, []),
    ):
        await runner.create(NAME, **inputs(runner, direction=direction, **soon()))
        set_balance(runner, balance)
        await runner.advance(FIRST_RUN)
        assert runner.runs == 1
        assert runner.amounts == moved, (direction, balance)
        assert len(runner.messages) == len(moved)
        await runner.settle()


async def test_transfers_below_the_minimum_are_not_made(runner: BlueprintRunner) -> None:
    for surplus, moved in ((999, []), (1_000, [("Holiday", 1_000)])):
        await runner.create(NAME, **inputs(runner, **soon()))
        set_balance(runner, PENCE + surplus)
        await runner.advance(FIRST_RUN)
        assert runner.amounts == moved


async def test_a_pot_is_emptied_but_never_overdrawn(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, level=100_000, **soon()))
    set_balance(runner, 0)
    await runner.advance(FIRST_RUN)
    assert runner.amounts == [("Holiday", -64_000)]
    assert runner.home.holiday.balance == 0


async def test_it_runs_only_if_the_conditions_pass(runner: BlueprintRunner) -> None:
    nobody_home = {"condition": "state", "entity_id": "group.home", "state": "on"}
    runner.hass.states.async_set("group.home", "off")
    await runner.create(NAME, **inputs(runner, conditions=[nobody_home], **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.sent == []
    runner.hass.states.async_set("group.home", "on")
    await runner.advance(timedelta(days=1))
    assert runner.home.current.balance == PENCE


async def test_by_default_it_only_plans(runner: BlueprintRunner) -> None:
    surplus = runner.home.current.balance - PENCE
    chosen = inputs(runner, **soon())
    del chosen["dry_run"]
    await runner.create(NAME, **chosen)
    await runner.advance(FIRST_RUN)
    plan = f"Would move {surplus / 100:.2f} GBP into Holiday."
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]
    # The next plan replaces the notification.
    set_balance(runner, PENCE)
    await runner.advance(timedelta(days=1))
    plan = "Would move nothing: the account has the set balance."
    assert runner.notifications == [("Test: plan only", plan)]
    assert len(runner.action_calls) == 1
    assert runner.sent == []


async def test_a_plan_shows_the_error_of_the_transfer(runner: BlueprintRunner) -> None:
    await change_options(runner.client, max_per_transfer=5)
    await runner.create(NAME, **inputs(runner, dry_run=True, **soon()))
    await runner.advance(FIRST_RUN)
    ((_title, plan),) = runner.notifications
    assert "exceeds the limit of 5.00 GBP per transfer" in plan


async def test_a_refused_transfer_is_reported(runner: BlueprintRunner) -> None:
    await change_options(runner.client, max_per_transfer=5)
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.sent == []
    report = (
        "Tried to bring the account to the set balance. The transfer failed or could not be "
        "confirmed. "
        "See the Home Assistant log for the kind of error, and check the Monzo app before you "
        "try again."
    )
    assert runner.messages == [report]
    assert runner.notifications == [("Test: something went wrong", report)]
    assert any("exceeds the limit of … per transfer" in text for text in runner.take_warnings())


async def test_a_transfer_has_a_maximum_and_the_rest_follows_the_next_day(
    runner: BlueprintRunner,
) -> None:
    set_balance(runner, PENCE + 7_000)
    await runner.create(NAME, **inputs(runner, most=50, **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.action_calls == [
        {
            "message": "Moved 50.00 GBP into Holiday. "
            "20.00 GBP more would bring the account to the set balance."
        }
    ]
    await runner.advance(timedelta(days=1))
    assert runner.amounts == [("Holiday", 5_000), ("Holiday", 2_000)]
    set_balance(runner, PENCE - 7_000)
    await runner.advance(timedelta(days=1))
    assert runner.amounts[2:] == [("Holiday", -5_000)]
