"""The blueprint monthly_review: a notification about the spending of a month."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from custom_components.monzo.const import (
    CONF_KEEP_TRANSACTIONS,
    CONF_PAY_DAY,
    CONF_PAY_DAY_OF_MONTH,
)
from sandbox.household import Household
from tests.conftest import AdvanceTime
from tests.helpers.archive_filler import fill_archive
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import set_up
from tests.helpers.stopped_clock import StoppedClock

from .blueprint_runner import BlueprintRunner

pytestmark = pytest.mark.usefixtures("automations_end")

# In winter, days begin at the same time in Home Assistant and at the bank.
NOW = datetime(2027, 2, 28, 12, tzinfo=UTC)

AN_HOUR = timedelta(hours=1)
UNTIL_THE_FIRST = datetime(2027, 3, 1, 7, 30, tzinfo=UTC) - NOW

TITLE = "Flex: £100.00 spent in February"
REVIEW = """\
This is £192.00 less than the mean of 2 months before (-66 %).
• Groceries: £80.00, £50.00 more than usual
• Eating out: £12.00, as much as usual
• Custom category: £8.00, £8.00 more than usual
Home Assistant does not have all payments of the other months."""


@pytest.fixture(autouse=True)
async def _at_the_end_of_february(freezer: StoppedClock, hass: HomeAssistant) -> None:
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Europe/London")


@pytest.fixture(autouse=True)
def _payments(home: Household, _at_the_end_of_february: None) -> None:
    """Add three months of payments to Flex, which was opened in November."""
    home.flex.created = datetime(2026, 11, 20, tzinfo=UTC)
    rows: list[tuple[datetime, int, str]] = [
        (datetime(2026, 11, 21, 12, tzinfo=UTC), -99_900, "groceries"),
        (datetime(2026, 12, 3, 12, tzinfo=UTC), -1_200, "eating_out"),
        (datetime(2026, 12, 23, 12, tzinfo=UTC), -50_000, "gifts"),
        (datetime(2027, 1, 1, tzinfo=UTC), -6_000, "groceries"),
        (datetime(2027, 1, 31, 23, 59, tzinfo=UTC), -1_200, "eating_out"),
        (datetime(2027, 2, 1, tzinfo=UTC), -8_000, "groceries"),
        (datetime(2027, 2, 2, 12, tzinfo=UTC), -1_200, "eating_out"),
        (datetime(2027, 2, 27, 12, tzinfo=UTC), -800, "category_0000A1b2C3d4"),
    ]
    for at, amount, category in rows:
        home.bank.pay(home.flex.id, amount, category=category, pending=False, at=at)


@pytest.fixture
async def keeping(runner: BlueprintRunner, advance_time: AdvanceTime) -> BlueprintRunner:
    """Return a runner whose Home Assistant keeps all transactions."""
    hass, entry = runner.hass, runner.entry
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_update_entry(entry, options={CONF_KEEP_TRANSACTIONS: "everything"})
    await fill_archive(hass, runner.bank, entry, [runner.home.flex])
    forget_process_memory(hass)
    await set_up(hass, entry)
    for _poll in range(3):
        await advance_time(timedelta(minutes=2))
    runner.take_warnings()
    return runner


async def review(runner: BlueprintRunner, **inputs: Any) -> None:
    """Review Flex from half an hour before the review on the first of the month."""
    await runner.create(
        "monthly_review", **{"account": runner.device_id(runner.home.flex), **inputs}
    )
    await runner.advance(UNTIL_THE_FIRST)
    await runner.advance(timedelta(minutes=10))
    runner.take_warnings()
    assert runner.runs == 0


async def test_it_compares_the_last_month_with_those_before(keeping: BlueprintRunner) -> None:
    await review(keeping)
    await keeping.advance(AN_HOUR)
    assert keeping.notifications == [(TITLE, REVIEW)]
    assert keeping.sent == []


async def test_it_runs_on_the_first_only_and_lists_as_many_categories_as_chosen(
    keeping: BlueprintRunner,
) -> None:
    feed = keeping.entity_id(keeping.home.joint, "feed", "notify")
    then = [{"action": "test.record", "data": {"title": "{{ title }}", "said": "{{ message }}"}}]
    await review(keeping, biggest=1, months=1, recipients=[feed], then=then)
    await keeping.advance(AN_HOUR)
    summary = (
        "This is £28.00 more than the mean of the month before (+39 %).\n"
        "• Groceries: £80.00, £20.00 more than usual"
    )
    assert [(item.title, item.body) for item in keeping.bank.feed] == [(TITLE, summary)]
    assert keeping.action_calls == [{"title": TITLE, "said": summary}]
    assert keeping.notifications == []
    await keeping.advance(timedelta(days=1))
    keeping.take_warnings()
    assert len(keeping.bank.feed) == 1


async def test_on_pay_day_it_reviews_the_last_pay_cycle(keeping: BlueprintRunner) -> None:
    hass, entry = keeping.hass, keeping.entry
    options = {**entry.options, CONF_PAY_DAY: "day_of_month", CONF_PAY_DAY_OF_MONTH: 2}
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await review(keeping, when="pay_day", months=1, biggest=1)
    await keeping.advance(AN_HOUR)
    assert keeping.notifications == []
    # The pay day is the 2nd, and before that it was the 2nd of February, after the £80.
    await keeping.advance(timedelta(days=1))
    keeping.take_warnings()
    assert keeping.notifications == [
        (
            "Flex: £20.00 spent in the last pay cycle",
            """\
This is £132.00 less than the mean of the pay cycle before (-87 %).
• Eating out: £12.00, as much as usual""",
        )
    ]


async def test_a_plan_is_shown_in_home_assistant_only(keeping: BlueprintRunner) -> None:
    keeping.home.flex.created = datetime(2027, 1, 20, tzinfo=UTC)
    await keeping.hass.config_entries.async_reload(keeping.entry.entry_id)
    feed = keeping.entity_id(keeping.home.joint, "feed", "notify")
    await review(
        keeping, biggest=0, recipients=[feed], then=[{"action": "test.record"}], dry_run=True
    )
    await keeping.advance(AN_HOUR)
    assert keeping.notifications == [(TITLE, "There is no earlier month to compare with.")]
    assert keeping.bank.feed == []
    assert keeping.action_calls == []


async def test_it_says_that_there_is_nothing_to_compare(runner: BlueprintRunner) -> None:
    await review(runner)
    await runner.advance(AN_HOUR)
    assert runner.notifications == [
        (
            "No monthly review",
            "Home Assistant does not have all payments of February. Its log tells the reason.",
        )
    ]
    (warning,) = runner.take_warnings()
    assert "keeps no past transactions" in warning
