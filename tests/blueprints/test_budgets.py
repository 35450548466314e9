"""The blueprints of budgets: an alert, and a pot that gets what is left."""

from datetime import timedelta
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_send
import pytest

from custom_components.monzo.budgets import SIGNAL_BUDGET_PERIOD_ENDED, BudgetPeriodEnded
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.privacy import async_subscribe
from sandbox.server import LoseResponse
from tests.helpers.budgets import budget
from tests.helpers.transfer_faults import break_transfers

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

# A week that ends at midnight in London, and a quarter of an hour, begins on Thursday.
WEEK_ENDED = timedelta(hours=7, minutes=20)

TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture
async def fun(runner: BlueprintRunner) -> str:
    """Return the device of a budget of 100 pounds a week for gifts, with its ID."""
    await runner.hass.config.async_set_time_zone("Europe/London")
    data = budget(
        runner.home.joint,
        limit="100",
        categories=["gifts"],
        period="week",
        weekday="thu",
    )["data"]
    subentry = ConfigSubentry(
        data=MappingProxyType(data), subentry_type="budget", title="Fun", unique_id=None
    )
    runner.hass.config_entries.async_add_subentry(runner.entry, subentry)
    await runner.advance()
    device = dr.async_get(runner.hass).async_get_device_by_identifier(
        (DOMAIN, subentry.subentry_id), runner.entry.entry_id
    )
    assert device
    runner.take_warnings()
    return device.id


async def spend(runner: BlueprintRunner, amount: int) -> None:
    """Pay from the joint account for gifts."""
    runner.bank.pay(runner.home.joint.id, -amount, merchant="Cinema").category = "gifts"
    await runner.settle()


async def test_an_alert_of_a_percentage_and_of_all_of_it(runner: BlueprintRunner, fun: str) -> None:
    await runner.create("budget_alert", budgets=[fun], percent=75, then=RECORD_MESSAGE)
    await spend(runner, 7_400)
    assert runner.runs == 0
    await spend(runner, 1_250)
    await spend(runner, 350)
    assert runner.notifications == [("Fun: 86 % used", "£86.50 spent. £13.50 left.")]
    await spend(runner, 2_000)
    assert runner.notifications[1:] == [
        ("Fun: 110 % used", "£110.00 spent. That is £10.00 more than there was.")
    ]
    assert len(runner.messages) == 2


async def test_a_payment_that_crosses_both_percentages_is_reported_once(
    runner: BlueprintRunner, fun: str
) -> None:
    await runner.create("budget_alert")
    await spend(runner, 10_000)
    assert runner.notifications == [("Fun: 100 % used", "£100.00 spent. £0.00 left.")]


def inputs(runner: BlueprintRunner, fun: str, **more: Any) -> dict[str, Any]:
    """Return inputs that move what is left into the pot *House* of the joint account."""
    return {
        "budget": fun,
        "pot": runner.device_id(runner.home.house),
        "dry_run": False,
        "then": RECORD_MESSAGE,
        **more,
    }


async def test_the_rest_is_saved_once_per_period(runner: BlueprintRunner, fun: str) -> None:
    reports: list[BudgetPeriodEnded] = []
    (budget_id,) = runner.entry.subentries
    signal = SIGNAL_BUDGET_PERIOD_ENDED.format(budget_id)
    async_subscribe(runner.hass, signal, reports.append)
    await runner.create("save_rest_of_budget", **inputs(runner, fun))
    await spend(runner, 7_301)
    break_transfers(runner.server, LoseResponse())
    await runner.advance(WEEK_ENDED)
    await runner.advance(TEN_MINUTES)
    assert runner.amounts == [("House", 2_699)]
    assert runner.messages == ["Fun has 26.99 GBP left. Moved 26.99 GBP into House."]
    assert runner.notifications == []

    # Another report of the same period moves nothing.
    (report,) = reports
    async_dispatcher_send(runner.hass, signal, report)
    await runner.advance()
    assert runner.runs == 2
    assert runner.amounts == [("House", 2_699)]
    assert len(runner.messages) == 1


async def test_the_pot_gets_no_more_than_the_account_has(runner: BlueprintRunner, fun: str) -> None:
    await runner.create("save_rest_of_budget", **inputs(runner, fun, keep_at_least=20))
    joint = runner.home.joint
    runner.bank.direct_debit(joint.id, 7_000 - joint.balance)
    await runner.advance(WEEK_ENDED)
    await runner.advance(TEN_MINUTES)
    assert runner.amounts == [("House", 5_000)]
    assert joint.balance == 2_000
    text = (
        "Fun has 100.00 GBP left. Moved 50.00 GBP into House. "
        "That is 50.00 GBP less, because the account holds no more."
    )
    assert runner.messages == [text]
    assert runner.notifications == [("Test: not everything was saved", text)]


async def test_by_default_it_only_plans(runner: BlueprintRunner, fun: str) -> None:
    chosen = inputs(runner, fun, at_most=40)
    del chosen["dry_run"]
    await runner.create("save_rest_of_budget", **chosen)
    await runner.advance(WEEK_ENDED)
    assert runner.sent == []
    plan = "Fun has 100.00 GBP left. Would move 40.00 GBP into House."
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]


async def test_nothing_is_saved_if_nothing_is_left(runner: BlueprintRunner, fun: str) -> None:
    await runner.create("save_rest_of_budget", **inputs(runner, fun))
    await spend(runner, 10_000)
    await runner.advance(WEEK_ENDED)
    assert runner.runs == 0
    assert runner.sent == []
