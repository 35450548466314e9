"""Keeping what is owed on a credit card in a pot."""

from datetime import timedelta
from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from tests.helpers.transfer_faults import change_options

from .stage import Stage

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

TELL = [{"action": "test.hear", "data": {"message": "{{ message }}"}}]


def inputs(stage: Stage, **more: Any) -> dict[str, Any]:
    """Return what a user fills in who means it; what comes once a day is hours away."""
    return {
        "debt": CARD,
        "sign": "positive",
        "pot": stage.device(stage.home.holiday),
        "time": (dt_util.now() - A_MOMENT).strftime("%H:%M:%S"),
        "dry_run": False,
        "then": TELL,
        **more,
    }


def soon() -> dict[str, Any]:
    """Return the input for once a day, in a few minutes."""
    return {"time": (dt_util.now() + A_MOMENT).strftime("%H:%M:%S")}


def owe(stage: Stage, amount: str, unit: str | None = "GBP") -> None:
    """Have the card's sensor show something."""
    stage.hass.states.async_set(CARD, amount, {"unit_of_measurement": unit} if unit else {})


async def test_what_is_spent_on_the_card_goes_into_the_pot(stage: Stage) -> None:
    owe(stage, "640.00")
    await stage.play(NAME, **inputs(stage))
    owe(stage, "712.35")
    await stage.let_pass(SETTLED)
    assert stage.amounts == [("Holiday", 7_235)]
    assert stage.heard == [{"message": "Moved 72.35 GBP into Holiday."}]
    assert stage.notifications == []


async def test_what_is_paid_off_comes_back(stage: Stage) -> None:
    owe(stage, "640.00")
    await stage.play(NAME, **inputs(stage))
    owe(stage, "500.00")
    await stage.let_pass(SETTLED)
    assert stage.amounts == [("Holiday", 50_000 - HAS)]
    assert stage.heard == [{"message": "Moved 140.00 GBP out of Holiday."}]


async def test_nothing_is_moved_before_it_has_settled(stage: Stage) -> None:
    owe(stage, "640.00")
    await stage.play(NAME, **inputs(stage))
    owe(stage, "700.00")
    await stage.let_pass(SETTLED / 2)
    owe(stage, "650.00")
    await stage.let_pass(SETTLED / 2)
    assert stage.runs == 0
    await stage.let_pass(SETTLED / 2)
    assert stage.amounts == [("Holiday", 1_000)]


async def test_a_card_that_shows_nothing_moves_nothing(stage: Stage) -> None:
    owe(stage, "640.00")
    await stage.play(NAME, **inputs(stage, **soon()))
    for state in ("unknown", "unavailable", "soon"):
        owe(stage, state)
        await stage.let_pass(SETTLED)
    stage.hass.states.async_remove(CARD)
    await stage.let_pass(timedelta(days=1))
    assert stage.sent == []
    assert stage.heard == []
    owe(stage, "650.00")
    await stage.let_pass(SETTLED)
    assert stage.amounts == [("Holiday", 1_000)]


async def test_it_looks_once_a_day_as_well(stage: Stage) -> None:
    owe(stage, "650.00")
    await stage.play(NAME, **inputs(stage, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.amounts == [("Holiday", 1_000)]
    await stage.let_pass(timedelta(days=1))
    assert stage.runs == 2
    assert len(stage.moves) == 1


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
    stage: Stage, sign: str, shown: str, moved: int
) -> None:
    owe(stage, shown)
    await stage.play(NAME, **inputs(stage, sign=sign, most=1_000, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.amounts == [("Holiday", moved)]


async def test_no_more_than_the_most_at_once_and_the_rest_the_next_day(stage: Stage) -> None:
    owe(stage, "720.00")
    await stage.play(NAME, **inputs(stage, most=50, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.heard == [
        {
            "message": "Moved 50.00 GBP into Holiday. "
            "30.00 GBP more would bring the pot to the credit card balance."
        }
    ]
    await stage.let_pass(timedelta(days=1))
    assert stage.amounts == [("Holiday", 5_000), ("Holiday", 3_000)]


async def test_the_account_keeps_what_it_is_to_keep(stage: Stage) -> None:
    owe(stage, "2000.00")
    spare = 2_500
    keep = (stage.home.current.balance - spare) / 100
    await stage.play(NAME, **inputs(stage, keep_at_least=keep, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.amounts == [("Holiday", spare)]
    await stage.let_pass(timedelta(days=1))
    assert stage.runs == 2
    assert len(stage.sent) == 1


async def test_not_if_a_condition_is_not_met(stage: Stage) -> None:
    owe(stage, "650.00")
    stage.hass.states.async_set("input_boolean.saving", "off")
    condition = {"condition": "state", "entity_id": "input_boolean.saving", "state": "on"}
    await stage.play(NAME, **inputs(stage, conditions=[condition], **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.sent == []
    stage.hass.states.async_set("input_boolean.saving", "on")
    await stage.let_pass(timedelta(days=1))
    assert stage.amounts == [("Holiday", 1_000)]


async def test_at_first_it_only_plans(stage: Stage) -> None:
    owe(stage, "650.00")
    chosen = inputs(stage, **soon())
    del chosen["dry_run"]
    await stage.play(NAME, **chosen)
    await stage.let_pass(A_MOMENT)
    plan = "Would move 10.00 GBP into Holiday."
    assert stage.notifications == [("The play: plan only", plan)]
    assert stage.heard == [{"message": plan}]
    owe(stage, "640.00")
    await stage.let_pass(SETTLED)
    plan = "Would move nothing: the pot matches the credit card balance."
    assert stage.notifications == [("The play: plan only", plan)]
    assert len(stage.heard) == 1
    assert stage.sent == []


async def test_a_plan_says_what_would_come_in_its_way(stage: Stage) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 5})
    owe(stage, "650.00")
    await stage.play(NAME, **inputs(stage, dry_run=True, **soon()))
    await stage.let_pass(A_MOMENT)
    ((_title, plan),) = stage.notifications
    assert "exceeds the limit of 5.00 GBP per transfer" in plan


async def test_a_debt_in_another_currency_moves_nothing(stage: Stage) -> None:
    owe(stage, "650.00", "EUR")
    await stage.play(NAME, **inputs(stage, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.sent == []
    assert stage.heard == [{"message": FAILED}]
    assert any("does not show an exact amount in GBP" in text for text in stage.complaints())


async def test_a_transfer_that_is_refused_is_told(stage: Stage) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 5})
    owe(stage, "650.00")
    await stage.play(NAME, **inputs(stage, **soon()))
    await stage.let_pass(A_MOMENT)
    assert stage.sent == []
    assert stage.heard == [{"message": FAILED}]
    assert stage.notifications == [("The play: something went wrong", FAILED)]
    assert any("exceeds the limit of … per transfer" in text for text in stage.complaints())
