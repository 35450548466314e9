"""The summary of a week."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from sandbox.household import Household
from sandbox.server import Answer

from .stage import Stage

# In November, the house and the bank agree on when a day begins.
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
async def _on_a_monday(freezer: FrozenDateTimeFactory, hass: HomeAssistant) -> None:
    """Have it noon on a Monday in London, before anything happens."""
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Europe/London")


@pytest.fixture(autouse=True)
async def _off_in_the_end(hass: HomeAssistant) -> AsyncIterator[None]:
    """Have nothing wait for next Monday when the test is over."""
    yield
    await hass.services.async_call("automation", "turn_off", {"entity_id": "all"}, blocking=True)


@pytest.fixture(autouse=True)
def _weeks(home: Household, _on_a_monday: None) -> None:
    """Have lived for two weeks on Flex."""
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


async def summarise(stage: Stage, **inputs: Any) -> None:
    """Have Flex summed up on Mondays at one, which it will soon be."""
    account = stage.device(stage.home.flex)
    await stage.play("weekly_summary", **{"account": account, "time": "13:00:00", **inputs})


async def test_the_last_seven_whole_days_are_told(stage: Stage) -> None:
    await summarise(stage)
    assert stage.notifications == []
    await stage.let_pass(AN_HOUR)
    assert stage.notifications == [(TITLE, SUMMARY)]
    assert stage.sent == []


async def test_it_is_told_on_the_chosen_day_only(stage: Stage) -> None:
    await summarise(stage, weekday="wed")
    for _ in range(2):
        await stage.let_pass(AN_HOUR)
        await stage.let_pass(A_DAY - AN_HOUR)
    assert stage.runs == 0
    stage.complaints()
    await stage.let_pass(AN_HOUR)
    assert stage.runs == 1


async def test_a_cheaper_week_and_balances_are_told(stage: Stage) -> None:
    home = stage.home
    home.bank.pay(home.flex.id, -15_000, category="bills", at=MIDNIGHT - A_WEEK - A_DAY)
    await summarise(
        stage,
        biggest=1,
        balances=[
            stage.entity(home.joint, "balance"),
            stage.entity(home.holiday, "pot_balance"),
        ],
    )
    await stage.let_pass(AN_HOUR)
    ((title, message),) = stage.notifications
    assert title == TITLE
    assert message.splitlines() == [
        "£69.50 less than the week before.",
        *SUMMARY.splitlines()[1:7],
        "Balances:",
        f"• Joint account · Ann & Ben Balance: {home.joint.balance / 100:.2f} GBP",
        "• Holiday Balance: 640.00 GBP",
    ]


async def test_a_week_in_which_nothing_happened_is_told(stage: Stage) -> None:
    await summarise(stage, account=stage.device(stage.home.rewards))
    await stage.let_pass(AN_HOUR)
    ((title, message),) = stage.notifications
    assert title == "Cashback: £0.00 spent in a week"
    assert message == "The same as the week before."


async def test_what_goes_into_a_pot_is_no_payment(stage: Stage) -> None:
    home = stage.home
    home.bank.deposit(home.bills.id, home.joint.id, 50_000, "in")
    home.bank.pay(home.joint.id, -40_000, merchant="Gadget Shed")
    await stage.let_pass(A_DAY)
    stage.complaints()
    await summarise(stage, account=stage.device(home.joint), weekday="tue")
    await stage.let_pass(AN_HOUR)
    ((_title, message),) = stage.notifications
    lines = message.splitlines()
    assert lines[lines.index("Largest payments:") + 1] == "• Gadget Shed: £400.00"
    assert "Bills:" not in message.partition("Largest payments:")[2]


async def test_it_is_told_that_something_could_not_be_read(stage: Stage) -> None:
    await summarise(stage)
    unreadable = Answer.json({"transactions": [{}]})
    stage.server.fail("GET", "/transactions", unreadable, times=None)
    await stage.let_pass(AN_HOUR)
    ((_title, message),) = stage.notifications
    assert message.splitlines()[-1] == "Some payments could not be read."
    stage.complaints()


async def test_it_is_told_that_the_bank_could_not_be_asked(stage: Stage) -> None:
    await summarise(stage)
    stage.server.fail("GET", "/transactions", Answer.html(502), times=None)
    await stage.let_pass(AN_HOUR)
    assert stage.notifications == [
        (
            "No weekly summary",
            "Monzo did not provide the data. See the Home Assistant log for details.",
        )
    ]
    assert stage.complaints()


async def test_recipients_are_told_and_actions_are_run(stage: Stage) -> None:
    await summarise(
        stage,
        recipients=[stage.entity(stage.home.joint, "feed", "notify")],
        then=[{"action": "test.hear", "data": {"title": "{{ title }}", "said": "{{ message }}"}}],
    )
    await stage.let_pass(AN_HOUR)
    assert [(item.title, item.body) for item in stage.bank.feed] == [(TITLE, SUMMARY)]
    assert stage.heard == [{"title": TITLE, "said": SUMMARY}]
    assert stage.notifications == []


async def test_a_plan_is_shown_to_nobody_else(stage: Stage) -> None:
    await summarise(
        stage,
        recipients=[stage.entity(stage.home.joint, "feed", "notify")],
        then=[{"action": "test.hear"}],
        dry_run=True,
    )
    await stage.let_pass(AN_HOUR)
    assert stage.notifications == [(TITLE, SUMMARY)]
    assert stage.heard == []
    assert stage.bank.feed == []
