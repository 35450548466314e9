"""The blueprint pot_follows_card_debt: a pot holds the balance of a credit card."""

from datetime import timedelta
from typing import Any

from homeassistant.util import dt as dt_util

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from tests.helpers.transfer_faults import change_options

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

NAME = "pot_follows_card_debt"

CARD = "sensor.credit_card"
POT_BALANCE = 64_000
"""The balance of the pot at first, in pence."""

FIRST_RUN = timedelta(minutes=3)
SETTLED = timedelta(minutes=31)

FAILED = (
    "Tried to bring the pot to the credit card balance. The transfer failed or could not be "
    "confirmed. "
    "See the Home Assistant log for the kind of error, and check the Monzo app before you try "
    "again."
)


def inputs(runner: BlueprintRunner, **more: Any) -> dict[str, Any]:
    """Return inputs that move money; the daily run is almost a day away."""
    return {
        "debt": CARD,
        "sign": "positive",
        "pot": runner.device_id(runner.home.holiday),
        "time": (dt_util.now() - FIRST_RUN).strftime("%H:%M:%S"),
        "dry_run": False,
        "then": RECORD_MESSAGE,
        **more,
    }


def soon() -> dict[str, Any]:
    """Return the input for a daily run in a few minutes."""
    return {"time": (dt_util.now() + FIRST_RUN).strftime("%H:%M:%S")}


def set_debt(runner: BlueprintRunner, amount: str, unit: str | None = "GBP") -> None:
    """Set the state of the credit card's sensor."""
    runner.hass.states.async_set(CARD, amount, {"unit_of_measurement": unit} if unit else {})


async def test_money_spent_on_the_card_goes_into_the_pot(runner: BlueprintRunner) -> None:
    set_debt(runner, "640.00")
    await runner.create(NAME, **inputs(runner))
    set_debt(runner, "712.35")
    await runner.advance(SETTLED)
    assert runner.amounts == [("Holiday", 7_235)]
    assert runner.messages == ["Moved 72.35 GBP into Holiday."]
    assert runner.notifications == []


async def test_money_paid_to_the_card_comes_out_of_the_pot(runner: BlueprintRunner) -> None:
    set_debt(runner, "640.00")
    await runner.create(NAME, **inputs(runner))
    set_debt(runner, "500.00")
    await runner.advance(SETTLED)
    assert runner.amounts == [("Holiday", 50_000 - POT_BALANCE)]
    assert runner.messages == ["Moved 140.00 GBP out of Holiday."]


async def test_nothing_moves_before_the_debt_has_settled(runner: BlueprintRunner) -> None:
    set_debt(runner, "640.00")
    await runner.create(NAME, **inputs(runner))
    set_debt(runner, "700.00")
    await runner.advance(SETTLED / 2)
    set_debt(runner, "650.00")
    await runner.advance(SETTLED / 2)
    assert runner.runs == 0
    await runner.advance(SETTLED / 2)
    assert runner.amounts == [("Holiday", 1_000)]


async def test_an_unknown_debt_moves_nothing(runner: BlueprintRunner) -> None:
    set_debt(runner, "640.00")
    await runner.create(NAME, **inputs(runner, **soon()))
    for state in ("unknown", "unavailable", "soon"):
        set_debt(runner, state)
        await runner.advance(SETTLED)
    runner.hass.states.async_remove(CARD)
    await runner.advance(timedelta(days=1))
    assert runner.sent == []
    assert runner.action_calls == []
    set_debt(runner, "650.00")
    await runner.advance(SETTLED)
    assert runner.amounts == [("Holiday", 1_000)]


async def test_it_also_runs_once_a_day(runner: BlueprintRunner) -> None:
    set_debt(runner, "650.00")
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.amounts == [("Holiday", 1_000)]
    await runner.advance(timedelta(days=1))
    assert runner.runs == 2
    assert len(runner.moves) == 1


async def test_the_sign_of_a_debt_can_be_chosen_and_a_credit_is_no_debt(
    runner: BlueprintRunner,
) -> None:
    for sign, debt, pot_balance in (
        ("any", "650.00", 65_000),
        ("any", "-650.00", 65_000),
        ("any", "0", 0),
        ("positive", "650.00", 65_000),
        ("positive", "-650.00", 0),
        ("negative", "-650.00", 65_000),
        ("negative", "650.00", 0),
        ("negative", "0.00", 0),
    ):
        before = runner.home.holiday.balance
        set_debt(runner, debt)
        await runner.create(NAME, **inputs(runner, sign=sign, most=1_000, **soon()))
        await runner.advance(FIRST_RUN)
        moved = [("Holiday", pot_balance - before)] if pot_balance != before else []
        assert runner.amounts == moved, (sign, debt)
        await runner.settle()


async def test_a_transfer_has_a_maximum_and_the_rest_follows_the_next_day(
    runner: BlueprintRunner,
) -> None:
    set_debt(runner, "720.00")
    await runner.create(NAME, **inputs(runner, most=50, **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.action_calls == [
        {
            "message": "Moved 50.00 GBP into Holiday. "
            "30.00 GBP more would bring the pot to the credit card balance."
        }
    ]
    await runner.advance(timedelta(days=1))
    assert runner.amounts == [("Holiday", 5_000), ("Holiday", 3_000)]


async def test_the_minimum_to_keep_stays_in_the_account(runner: BlueprintRunner) -> None:
    set_debt(runner, "2000.00")
    spare = 2_500
    keep = (runner.home.current.balance - spare) / 100
    await runner.create(NAME, **inputs(runner, keep_at_least=keep, **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.amounts == [("Holiday", spare)]
    await runner.advance(timedelta(days=1))
    assert runner.runs == 2
    assert len(runner.sent) == 1


async def test_it_runs_only_if_the_conditions_pass(runner: BlueprintRunner) -> None:
    set_debt(runner, "650.00")
    runner.hass.states.async_set("input_boolean.saving", "off")
    condition = {"condition": "state", "entity_id": "input_boolean.saving", "state": "on"}
    await runner.create(NAME, **inputs(runner, conditions=[condition], **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.sent == []
    runner.hass.states.async_set("input_boolean.saving", "on")
    await runner.advance(timedelta(days=1))
    assert runner.amounts == [("Holiday", 1_000)]


async def test_by_default_it_only_plans(runner: BlueprintRunner) -> None:
    set_debt(runner, "650.00")
    chosen = inputs(runner, **soon())
    del chosen["dry_run"]
    await runner.create(NAME, **chosen)
    await runner.advance(FIRST_RUN)
    plan = "Would move 10.00 GBP into Holiday."
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]
    set_debt(runner, "640.00")
    await runner.advance(SETTLED)
    plan = "Would move nothing: the pot matches the credit card balance."
    assert runner.notifications == [("Test: plan only", plan)]
    assert len(runner.action_calls) == 1
    assert runner.sent == []


async def test_a_plan_shows_the_error_of_the_transfer(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 5})
    set_debt(runner, "650.00")
    await runner.create(NAME, **inputs(runner, dry_run=True, **soon()))
    await runner.advance(FIRST_RUN)
    ((_title, plan),) = runner.notifications
    assert "exceeds the limit of 5.00 GBP per transfer" in plan


async def test_a_debt_in_another_currency_moves_nothing(runner: BlueprintRunner) -> None:
    set_debt(runner, "650.00", "EUR")
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.sent == []
    assert runner.messages == [FAILED]
    assert any("does not show an exact amount in GBP" in text for text in runner.take_warnings())


async def test_a_refused_transfer_is_reported(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 5})
    set_debt(runner, "650.00")
    await runner.create(NAME, **inputs(runner, **soon()))
    await runner.advance(FIRST_RUN)
    assert runner.sent == []
    assert runner.messages == [FAILED]
    assert runner.notifications == [("Test: something went wrong", FAILED)]
    assert any("exceeds the limit of … per transfer" in text for text in runner.take_warnings())
