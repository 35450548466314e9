"""The blueprint expected_payment: a confirmation when money comes, and else a reminder."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from sandbox.server import Answer
from tests.helpers.stopped_clock import StoppedClock

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

pytestmark = pytest.mark.usefixtures("automations_end")

# The payment is due on the last day of February, because that is shorter than 30 days.
NOW = datetime(2027, 2, 28, 12, tzinfo=UTC)

A_DAY = timedelta(days=1)
BEFORE_SIX = timedelta(hours=5, minutes=30)
AN_HOUR = timedelta(hours=1)

COME = ("Rent has come", "£950.00 from Tim Tenant, into Current account.")
MISSING = (
    "No payment of £900.00 or more from “tim tenant” has come into Current account since "
    "14 February."
)


@pytest.fixture(autouse=True)
async def _in_february(freezer: StoppedClock, hass: HomeAssistant) -> None:
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Europe/London")


async def expect(runner: BlueprintRunner, **inputs: Any) -> None:
    """Expect the rent by the 30th."""
    await runner.create(
        "expected_payment",
        **{
            "name": "Rent",
            "account": runner.device_id(runner.home.current),
            "sender": "tim tenant",
            "at_least": 900,
            "day": 30,
            "then": RECORD_MESSAGE,
            **inputs,
        },
    )


async def wait_for_reminder(runner: BlueprintRunner) -> None:
    """Advance the time past six o'clock."""
    await runner.advance(BEFORE_SIX)
    runner.take_warnings()
    await runner.advance(AN_HOUR)


async def test_a_payment_is_confirmed_and_ends_the_wait(runner: BlueprintRunner) -> None:
    await expect(runner)
    runner.bank.receive(runner.home.current.id, 40_000, sender="Tim Tenant")
    runner.bank.receive(runner.home.current.id, 95_000, sender="Employer")
    runner.bank.receive(runner.home.joint.id, 95_000, sender="Tim Tenant")
    await runner.advance()
    assert runner.notifications == []
    runner.bank.receive(runner.home.current.id, 95_000, sender="Tim Tenant")
    await runner.advance()
    assert runner.notifications == [COME]
    assert runner.messages == [COME[1]]
    await runner.forget()
    await wait_for_reminder(runner)
    assert runner.notifications == []


async def test_a_payment_that_has_not_come_is_missed_on_the_day_and_later(
    runner: BlueprintRunner,
) -> None:
    await expect(runner, again=1, confirm=False)
    # Too early to be the one of this month, and too little.
    early = NOW - timedelta(days=15)
    runner.bank.receive(runner.home.current.id, 95_000, sender="Tim Tenant", at=early)
    runner.bank.receive(runner.home.current.id, 40_000, sender="Tim Tenant")
    await wait_for_reminder(runner)
    assert runner.notifications == [("Rent has not come", f"{MISSING}\n• Tim Tenant: £400.00")]
    await runner.forget()
    await runner.advance(A_DAY)
    runner.take_warnings()
    assert runner.titles == ["Rent has not come"]
    await runner.forget()
    await runner.advance(A_DAY)
    runner.take_warnings()
    assert runner.notifications == []
    # Late, but it does not need to be confirmed.
    runner.bank.receive(runner.home.current.id, 95_000, sender="Tim Tenant")
    await runner.advance()
    assert runner.notifications == []


async def test_a_payment_while_home_assistant_was_off_is_found(runner: BlueprintRunner) -> None:
    feed = runner.entity_id(runner.home.joint, "feed", "notify")
    await expect(runner, recipients=[feed])
    await runner.happen_while_unloaded(
        lambda: runner.bank.receive(runner.home.current.id, 95_000, sender="Tim Tenant")
    )
    assert [(item.title, item.body) for item in runner.bank.feed] == [COME]
    await runner.advance(A_DAY)
    runner.take_warnings()
    assert len(runner.bank.feed) == 1
    assert runner.notifications == []


async def test_it_says_that_monzo_could_not_be_asked(runner: BlueprintRunner) -> None:
    await expect(runner, dry_run=True)
    await runner.advance(BEFORE_SIX)
    runner.take_warnings()
    runner.server.fail("GET", "/transactions", Answer.html(502), times=None)
    await runner.advance(AN_HOUR)
    assert runner.titles == ["Rent: not known"]
    assert runner.messages == []
    assert runner.take_warnings()
