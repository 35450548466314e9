"""Triggers and the condition of budgets, also across restarts and the end of a period."""

from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConditionError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from sandbox.bank import Bank
from sandbox.household import Household
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.automations import TriggerVariables, set_up_automation
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.restart import restart
from tests.helpers.state_helpers import device, set_up
from tests.helpers.stopped_clock import StoppedClock
from tests.test_condition import check

SOON = timedelta(minutes=6)


@pytest.fixture
async def entry(hass: HomeAssistant, home: Household, sign_in: SignIn) -> MockConfigEntry:
    """Return Ann's entry with a budget of 50 pounds for tea, and one for the year."""
    await hass.config.async_set_time_zone("Europe/London")
    tea: dict[str, Any] = {"merchant": "Tea House", "limit": "50"}
    entry = sign_in(home.ann, **with_budgets(budget(home.current, title="Tea", **tea)))
    await set_up(hass, entry)
    return entry


def crossed(percent: int, **options: Any) -> dict[str, Any]:
    return {"trigger": "monzo.budget_crossed", "options": {"percent": percent, **options}}


def used(runs: list[TriggerVariables]) -> list[float]:
    return [run["used"] for run in runs]


async def test_a_percentage_is_reached_once_per_period_also_across_restarts(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    freezer: StoppedClock,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, crossed(80))
    bank.pay(home.current.id, -3_999, merchant="Tea House")
    await advance_time(SOON)
    assert runs == []
    bank.pay(home.current.id, -101, merchant="Tea House")
    await advance_time(SOON)
    (run,) = runs
    assert (run["percent"], run["used"], run["used_before"]) == (80, 82.0, 79.9)
    assert (run["spent"], run["left"], run["limit"]) == (41.0, 9.0, 50.0)
    assert (run["device"], run["currency"]) == ("Tea", "GBP")

    bank.refund(home.current.id, 500, merchant="Tea House")
    await advance_time(SOON)
    await restart(hass, entry)
    bank.pay(home.current.id, -600, merchant="Tea House")
    await advance_time(SOON)
    await restart(hass, entry)
    assert used(runs) == [82.0]

    # The next period begins while Home Assistant is off.
    assert await hass.config_entries.async_unload(entry.entry_id)
    freezer.move_to("2026-10-01T10:00")
    bank.pay(home.current.id, -4_500, merchant="Tea House")
    await set_up(hass, entry)
    await advance_time(SOON)
    assert used(runs)[1:] == [90.0]


async def test_a_refund_falls_below_a_percentage_once(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, crossed(50, direction="fallen_below"))
    for _again in range(2):
        bank.pay(home.current.id, -3_000, merchant="Tea House")
        await advance_time(SOON)
        bank.refund(home.current.id, 3_000, merchant="Tea House")
        await advance_time(SOON)
    assert used(runs) == [0.0]


async def test_a_budget_that_was_exceeded_before_it_was_made_does_not_trigger(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    runs = await set_up_automation(hass, crossed(80))
    entry = sign_in(home.ann, **with_budgets(budget(home.current, limit="1")))
    await set_up(hass, entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert runs == []


async def test_the_end_of_a_period_is_reported_once_with_its_last_payment(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    freezer: StoppedClock,
    advance_time: AdvanceTime,
) -> None:
    runs = await set_up_automation(hass, {"trigger": "monzo.budget_period_ended"})
    for moment in ("2026-09-21", "2026-09-26", "2026-09-30T22:58:30"):
        freezer.move_to(moment)
        await advance_time(timedelta(seconds=30))
    # A minute before midnight in London, and found after it.
    bank.pay(home.current.id, -2_000, merchant="Tea House")
    await advance_time(timedelta(minutes=5))
    bank.pay(home.current.id, -700, merchant="Tea House")
    await advance_time(SOON)
    assert runs == []
    await advance_time(timedelta(minutes=15))
    await restart(hass, entry)
    (run,) = runs
    assert (run["spent"], run["left"], run["limit"]) == (20.0, 30.0, 50.0)
    assert (run["period"], run["device"]) == ("2026-09-01", "Tea")


async def test_a_budget_is_on_track_until_the_pace_is_too_high(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    assert await check(hass, "is_budget_on_track")
    # The 16th of 30 days: 26.66 becomes 49.99, and 26.67 becomes 50.01.
    bank.pay(home.current.id, -2_666, merchant="Tea House")
    await advance_time(SOON)
    assert await check(hass, "is_budget_on_track")
    bank.pay(home.current.id, -1, merchant="Tea House")
    await advance_time(SOON)
    assert not await check(hass, "is_budget_on_track")


async def test_the_condition_fails_while_the_numbers_are_unknown_and_matter(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(
        home.ann,
        **with_budgets(
            budget(home.current, title="Known", limit="9000"),
            budget(home.current, title="Gone", accounts=["acc_gone"]),
        ),
    )
    await set_up(hass, entry)
    known, gone = (device(hass, entry, id_) for id_ in entry.subentries)
    assert known
    assert gone
    assert await check(hass, "is_budget_on_track", device_id=[known.id])
    assert await check(hass, "is_budget_on_track", behavior="any")
    with pytest.raises(ConditionError):
        await check(hass, "is_budget_on_track", behavior="all")
    with pytest.raises(ConditionError):
        await check(hass, "is_budget_on_track", device_id=[gone.id])
