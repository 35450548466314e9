"""Keeping what is owed on a credit card in a pot."""

from datetime import timedelta
from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from tests.helpers.transfer_faults import change_options

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

NAME = "pot_follows_card_debt"

CARD = "sensor.credit_card"
HAS = 64_000
"""What is in the pot at first."""

A_MOMENT = timedelta(minutes=3)
SETTLED = timedelta(minutes=31)

FAILED = (
    "Tried to bring the pot to the credit card balance. The transfer failed or could not be "
    "confirmed. See the Home Assistant log for details, and check the Monzo app before you try "
    "again."
)


def inputs(runner: BlueprintRunner, **more: Any) -> dict[str, Any]:
    """Return what a user fills in who means it; what comes once a day is hours away."""
    return {
        "debt": CARD,
        "sign": "positive",
        "pot": runner.device_id(runner.home.holiday),
        "time": (dt_util.now() - A_MOMENT).strftime("%H:%M:%S"),
        "dry_run": False,
        "then": RECORD_MESSAGE,
        **more,
    }


def soon() -> dict[str, Any]:
    """Return the input for once a day, in a few minutes."""
    return {"time": (dt_util.now() + A_MOMENT).strftime("%H:%M:%S")}


def owe(runner: BlueprintRunner, amount: str, unit: str | None = "GBP") -> None:
    """Have the card's sensor show something."""
    runner.hass.states.async_set(CARD, amount, {"unit_of_measurement": unit} if unit else {})


async def test_what_is_spent_on_the_card_goes_into_the_pot(runner: BlueprintRunner) -> None:
    owe(runner, "640.00")
    await runner.create(NAME, **inputs(runner))
    owe(runner, "712.35")
    await runner.advance(SETTLED)
    assert runner.amounts == [("Holiday", 7_235)]
    assert runner.messages == ["Moved 72.35 GBP into Holiday."]
    assert runner.notifications == []


async def test_what_is_paid_off_comes_back(runner: BlueprintRunner) -> None:
    owe(runner, "640.00")
    await runner.create(NAME, **inputs(runner))
    owe(runner, "500.00")
    await runner.advance(SETTLED)
    assert runner.amounts == [("Holiday", 50_000 - HAS)]
    assert runner.messages == ["Moved 140.00 GBP out of Holiday."]


async def test_nothing_is_moved_before_it_has_settled(runner: BlueprintRunner) -> None:
    owe(runner, "640.00")
    await runner.create(NAME, **inputs(runner))
    owe(runner, "700.00")
    await runner.advance(SETTLED / 2)
    owe(runner, "650.00")
    await runner.advance(SETTLED / 2)
    assert runner.runs == 0
    await runner.advance(SETTLED / 2)
    assert runner.amounts == [("Holiday", 1_000)]


async def test_a_card_that_shows_nothing_moves_nothing(runner: BlueprintRunner) -> None:
    owe(runner, "640.00")
    await runner.create(NAME, **inputs(runner, **soon()))
    for state in ("unknown", "unavailable", "soon"):
        owe(runner, state)
        await runner.advance(SETTLED)
    runner.hass.states.async_remove(CARD)
    await runner.advance(timedelta(days=1))
    assert runner.sent == []
    assert runner.action_calls == []
    owe(runner, "650.00")
    await runner.advance(SETTLED)
    assert runner.amounts == [("Holiday", 1_000)]


async def test_it_looks_once_a_day_as_well(runner: BlueprintRunner) -> None:
    owe(runner, "650.00")
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(A_MOMENT)
    assert runner.amounts == [("Holiday", 1_000)]
    await runner.advance(timedelta(days=1))
    assert runner.runs == 2
    assert len(runner.moves) == 1


@pytest.mark.parametrize(
    ("sign", "shown", "moved"),
    [
        ("any", "650.00", 1_000),
        ("any", "-650.00", 1_000),
        ("any", "0", -HAS),
        ("positive", "650.00", 1_000),
        ("positive", "-650.00", -HAS),
        ("negative", "-650.00", 1_000),
        ("negative", "650.00", -HAS),
        ("negative", "0.00", -HAS),
    ],
)
async def test_nothing_is_owed_on_a_card_that_is_paid_too_much(
    runner: BlueprintRunner, sign: str, shown: str, moved: int
) -> None:
    owe(runner, shown)
    await runner.create(NAME, **inputs(runner, sign=sign, most=1_000, **soon()))
    await runner.advance(A_MOMENT)
    assert runner.amounts == [("Holiday", moved)]


async def test_no_more_than_the_most_at_once_and_the_rest_the_next_day(
    runner: BlueprintRunner,
) -> None:
    owe(runner, "720.00")
    await runner.create(NAME, **inputs(runner, most=50, **soon()))
    await runner.advance(A_MOMENT)
    assert runner.action_calls == [
        {
            "message": "Moved 50.00 GBP into Holiday. "
            "30.00 GBP more would bring the pot to the credit card balance."
        }
    ]
    await runner.advance(timedelta(days=1))
    assert runner.amounts == [("Holiday", 5_000), ("Holiday", 3_000)]


async def test_the_account_keeps_what_it_is_to_keep(runner: BlueprintRunner) -> None:
    owe(runner, "2000.00")
    spare = 2_500
    keep = (runner.home.current.balance - spare) / 100
    await runner.create(NAME, **inputs(runner, keep_at_least=keep, **soon()))
    await runner.advance(A_MOMENT)
    assert runner.amounts == [("Holiday", spare)]
    await runner.advance(timedelta(days=1))
    assert runner.runs == 2
    assert len(runner.sent) == 1


async def test_not_if_a_condition_is_not_met(runner: BlueprintRunner) -> None:
    owe(runner, "650.00")
    runner.hass.states.async_set("input_boolean.saving", "off")
    condition = {"condition": "state", "entity_id": "input_boolean.saving", "state": "on"}
    await runner.create(NAME, **inputs(runner, conditions=[condition], **soon()))
    await runner.advance(A_MOMENT)
    assert runner.sent == []
    runner.hass.states.async_set("input_boolean.saving", "on")
    await runner.advance(timedelta(days=1))
    assert runner.amounts == [("Holiday", 1_000)]


async def test_at_first_it_only_plans(runner: BlueprintRunner) -> None:
    owe(runner, "650.00")
    chosen = inputs(runner, **soon())
    del chosen["dry_run"]
    await runner.create(NAME, **chosen)
    await runner.advance(A_MOMENT)
    plan = "Would move 10.00 GBP into Holiday."
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]
    owe(runner, "640.00")
    await runner.advance(SETTLED)
    plan = "Would move nothing: the pot matches the credit card balance."
    assert runner.notifications == [("Test: plan only", plan)]
    assert len(runner.action_calls) == 1
    assert runner.sent == []


async def test_a_plan_says_what_would_come_in_its_way(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 5})
    owe(runner, "650.00")
    await runner.create(NAME, **inputs(runner, dry_run=True, **soon()))
    await runner.advance(A_MOMENT)
    ((_title, plan),) = runner.notifications
    assert "exceeds the limit of 5.00 GBP per transfer" in plan


async def test_a_debt_in_another_currency_moves_nothing(runner: BlueprintRunner) -> None:
    owe(runner, "650.00", "EUR")
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(A_MOMENT)
    assert runner.sent == []
    assert runner.messages == [FAILED]
    assert any("does not show an exact amount in GBP" in text for text in runner.take_warnings())


async def test_a_transfer_that_is_refused_is_told(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 5})
    owe(runner, "650.00")
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(A_MOMENT)
    assert runner.sent == []
    assert runner.messages == [FAILED]
    assert runner.notifications == [("Test: something went wrong", FAILED)]
    assert any("exceeds the limit of … per transfer" in text for text in runner.take_warnings())
