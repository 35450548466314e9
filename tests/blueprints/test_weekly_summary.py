"""The blueprint weekly_summary: a notification about the spending of a week."""

from datetime import UTC, datetime, timedelta
import re
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from sandbox.household import Household
from sandbox.server import Answer
from tests.helpers.stopped_clock import StoppedClock

from .blueprint_runner import BlueprintRunner

pytestmark = pytest.mark.usefixtures("automations_end")

# In November, days begin at the same time in Home Assistant and at the bank.
NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)

AN_HOUR = timedelta(hours=1)
A_DAY = timedelta(days=1)
A_WEEK = timedelta(days=7)
A_MOMENT = timedelta(seconds=1)

TITLE = "Flex: £100.50 spent in a week"
SUMMARY = """\
£80.50 more than the week before.
• Groceries: £60.00
• Shopping: £25.00
• Eating out: £12.50
• Custom category: £3.00
Largest payments:
• Grocer: £40.00
• Bookworm: £30.00
• Baker: £20.00"""


@pytest.fixture(autouse=True)
async def _start_on_a_monday(freezer: StoppedClock, hass: HomeAssistant) -> None:
    """Start at noon on a Monday in London."""
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Europe/London")


@pytest.fixture(autouse=True)
def _transactions(home: Household, _start_on_a_monday: None) -> None:
    """Add two weeks of transactions to Flex."""
    rows: list[tuple[datetime, int, str, str]] = [
        (MIDNIGHT - 2 * A_WEEK - A_MOMENT, -70_000, "Landlord", "bills"),
        (MIDNIGHT - A_WEEK - A_MOMENT, -2_000, "Baker", "groceries"),
        (MIDNIGHT - A_WEEK, -4_000, "Grocer", "groceries"),
        (MIDNIGHT - 5 * A_DAY, -1_250, "Noodle Corner", "eating_out"),
        (MIDNIGHT - 4 * A_DAY, -3_000, "Bookworm", "shopping"),
        (MIDNIGHT - 3 * A_DAY, -300, "Barber", "category_0000A1b2C3d4"),
        (MIDNIGHT - A_MOMENT, -2_000, "Baker", "groceries"),
        (MIDNIGHT, -80_000, "Landlord", "bills"),
    ]
    for at, amount, merchant, category in rows:
        home.bank.pay(home.flex.id, amount, merchant=merchant, category=category, at=at)
    refunded = MIDNIGHT - 2 * A_DAY
    home.bank.refund(home.flex.id, 500, merchant="Bookworm", category="shopping", at=refunded)


async def summarise(runner: BlueprintRunner, **inputs: Any) -> None:
    """Summarise the spending of Flex on Mondays at 13:00, in an hour."""
    account = runner.device_id(runner.home.flex)
    await runner.create("weekly_summary", **{"account": account, "time": "13:00:00", **inputs})


async def test_it_summarises_the_last_seven_whole_days(runner: BlueprintRunner) -> None:
    await summarise(runner)
    assert runner.notifications == []
    await runner.advance(AN_HOUR)
    assert runner.notifications == [(TITLE, SUMMARY)]
    assert runner.sent == []


async def test_it_runs_only_on_the_chosen_day(runner: BlueprintRunner) -> None:
    await summarise(runner, weekday="wed")
    for _ in range(2):
        await runner.advance(AN_HOUR)
        await runner.advance(A_DAY - AN_HOUR)
    assert runner.runs == 0
    runner.take_warnings()
    await runner.advance(AN_HOUR)
    assert runner.runs == 1


async def test_it_shows_a_cheaper_week_and_balances(runner: BlueprintRunner) -> None:
    home = runner.home
    home.bank.pay(home.flex.id, -15_000, category="bills", at=MIDNIGHT - A_WEEK - A_DAY)
    await summarise(
        runner,
        biggest=1,
        balances=[
            runner.entity_id(home.joint, "balance"),
            runner.entity_id(home.holiday, "pot_balance"),
        ],
    )
    await runner.advance(AN_HOUR)
    ((title, message),) = runner.notifications
    assert title == TITLE
    assert message.splitlines() == [
        "£69.50 less than the week before.",
        *SUMMARY.splitlines()[1:7],
        "Balances:",
        f"• Joint account · Ann & Ben Balance: {home.joint.balance / 100:.2f} GBP",
        "• Holiday Balance: 640.00 GBP",
    ]


async def test_it_shows_a_week_without_spending(runner: BlueprintRunner) -> None:
    await summarise(runner, account=runner.device_id(runner.home.rewards))
    await runner.advance(AN_HOUR)
    ((title, message),) = runner.notifications
    assert title == "Cashback: £0.00 spent in a week"
    assert message == "The same as the week before."


async def test_only_payments_that_count_are_listed(runner: BlueprintRunner) -> None:
    home = runner.home
    home.bank.deposit(home.bills.id, home.joint.id, 50_000, "in")
    home.bank.p2p(home.joint.id, home.current.id, 48_000)
    excluded = home.bank.pay(home.joint.id, -45_000, merchant="Landlord")
    excluded.include_in_spending = False
    home.bank.pay(home.joint.id, -40_000, merchant="Gadget Shed")
    await runner.advance(A_DAY)
    runner.take_warnings()
    await summarise(runner, account=runner.device_id(home.joint), weekday="tue")
    await runner.advance(AN_HOUR)
    ((_title, message),) = runner.notifications
    lines = message.splitlines()
    assert lines[lines.index("Largest payments:") + 1] == "• Gadget Shed: £400.00"
    assert not re.search("Bills:|Ann|Landlord", message.partition("Largest payments:")[2])


async def test_it_says_that_payments_could_not_be_read(runner: BlueprintRunner) -> None:
    await summarise(runner)
    unreadable = Answer.json({"transactions": [{}]})
    runner.server.fail("GET", "/transactions", unreadable, times=None)
    await runner.advance(AN_HOUR)
    ((_title, message),) = runner.notifications
    assert message.splitlines()[-1] == "Some payments could not be read."
    runner.take_warnings()


async def test_it_says_that_monzo_could_not_be_reached(runner: BlueprintRunner) -> None:
    await summarise(runner)
    runner.server.fail("GET", "/transactions", Answer.html(502), times=None)
    await runner.advance(AN_HOUR)
    assert runner.notifications == [
        (
            "No weekly summary",
            "Monzo did not provide the data. See the Home Assistant log for the kind of error.",
        )
    ]
    assert runner.take_warnings()


async def test_recipients_are_notified_and_actions_are_run(runner: BlueprintRunner) -> None:
    await summarise(
        runner,
        recipients=[runner.entity_id(runner.home.joint, "feed", "notify")],
        then=[{"action": "test.record", "data": {"title": "{{ title }}", "said": "{{ message }}"}}],
    )
    await runner.advance(AN_HOUR)
    assert [(item.title, item.body) for item in runner.bank.feed] == [(TITLE, SUMMARY)]
    assert runner.action_calls == [{"title": TITLE, "said": SUMMARY}]
    assert runner.notifications == []


async def test_a_plan_is_shown_in_home_assistant_only(
    runner: BlueprintRunner,
) -> None:
    await summarise(
        runner,
        recipients=[runner.entity_id(runner.home.joint, "feed", "notify")],
        then=[{"action": "test.record"}],
        dry_run=True,
    )
    await runner.advance(AN_HOUR)
    assert runner.notifications == [(TITLE, SUMMARY)]
    assert runner.action_calls == []
    assert runner.bank.feed == []
