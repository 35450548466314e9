"""The blueprint save_when_something_happens: an event at home moves money into a pot."""

from datetime import timedelta
from typing import Any

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.transfers.journal import TransferJournal
from sandbox.server import Answer, LoseResponse
from tests.helpers.state_helpers import set_up
from tests.helpers.transfer_faults import break_transfers, change_options

from .blueprint_runner import POLL, RECORD_MESSAGE, BlueprintRunner

A_DAY = timedelta(days=1)


async def save(runner: BlueprintRunner, **inputs: Any) -> None:
    """Save 1 pound each time that the dishwasher has finished, at most 3 pounds a day."""
    await runner.create(
        "save_when_something_happens",
        **{
            "happenings": [{"trigger": "event", "event_type": "dishwasher_done"}],
            "reason": "the dishwasher was done",
            "pot": runner.device_id(runner.home.bills),
            "amount": 1,
            "most_per_day": 3,
            "dry_run": False,
            "then": RECORD_MESSAGE,
            **inputs,
        },
    )


async def finish_dishwasher(runner: BlueprintRunner, times: int = 1) -> None:
    """Let the dishwasher finish several times, one immediately after the other."""
    for _ in range(times):
        runner.hass.bus.async_fire("dishwasher_done")
    await runner.hass.async_block_till_done(wait_background_tasks=True)


async def test_each_event_saves_the_amount_once(runner: BlueprintRunner) -> None:
    await save(runner)
    assert runner.sent == []
    await finish_dishwasher(runner)
    assert runner.amounts == [("Bills", 100)]
    assert runner.messages == ["Moved 1.00 GBP into Bills: the dishwasher was done."]
    await finish_dishwasher(runner)
    assert runner.amounts == [("Bills", 100)] * 2
    assert runner.notifications == []


async def test_no_more_than_the_daily_maximum_is_saved(runner: BlueprintRunner) -> None:
    await save(runner)
    await finish_dishwasher(runner, times=5)
    assert runner.amounts == [("Bills", 100)] * 3
    assert len(runner.action_calls) == 3

    await runner.advance(A_DAY)
    await finish_dishwasher(runner)
    assert runner.amounts == [("Bills", 100)] * 4


async def test_amounts_saved_before_a_restart_count_toward_the_daily_maximum(
    runner: BlueprintRunner,
) -> None:
    await save(runner)
    await finish_dishwasher(runner, times=2)
    await runner.hass.config_entries.async_unload(runner.entry.entry_id)
    # Only the file is left.
    async_get_memory(runner.hass).remove(TransferJournal, runner.entry.entry_id)
    await set_up(runner.hass, runner.entry)
    await finish_dishwasher(runner, times=2)
    assert runner.amounts == [("Bills", 100)] * 3


async def test_the_daily_maximum_is_exact_to_the_penny(runner: BlueprintRunner) -> None:
    # As floats, 0.3 / 0.1 is less than three.
    await save(runner, amount=0.1, most_per_day=0.3)
    await finish_dishwasher(runner, times=4)
    assert runner.amounts == [("Bills", 10)] * 3


async def test_an_amount_above_the_daily_maximum_is_never_saved(
    runner: BlueprintRunner,
) -> None:
    await save(runner, amount=4)
    await finish_dishwasher(runner)
    assert runner.runs == 0
    assert runner.sent == []


async def test_with_plan_only_it_shows_a_plan_and_moves_nothing(runner: BlueprintRunner) -> None:
    await save(runner, dry_run=True)
    await finish_dishwasher(runner, times=5)
    assert runner.sent == []
    assert runner.notifications == [
        (
            "Test: plan only",
            "Would move 1.00 GBP into Bills: the dishwasher was done.",
        )
    ]


async def test_it_runs_only_if_the_conditions_pass(runner: BlueprintRunner) -> None:
    await save(runner, conditions=[{"condition": "state", "entity_id": "sun.sun", "state": "up"}])
    runner.hass.states.async_set("sun.sun", "down")
    await finish_dishwasher(runner)
    assert runner.runs == 0
    assert runner.sent == []
    runner.hass.states.async_set("sun.sun", "up")
    await finish_dishwasher(runner)
    assert runner.amounts == [("Bills", 100)]


async def test_the_minimum_to_keep_stays_in_the_account(runner: BlueprintRunner) -> None:
    await save(runner, keep_at_least=runner.home.joint.balance / 100 - 1)
    await finish_dishwasher(runner, times=2)
    assert runner.amounts == [("Bills", 100)]
    assert runner.messages[-1].startswith("Did not move 1.00 GBP into Bills: the dishw")


async def test_a_transfer_above_the_limit_is_reported(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 0.5})
    await save(runner)
    await finish_dishwasher(runner)
    assert runner.sent == []
    (message,) = runner.messages
    assert "1.00 GBP exceeds the limit of 0.50 GBP per transfer" in message


async def test_an_event_whose_answer_was_lost_is_not_saved_twice(runner: BlueprintRunner) -> None:
    await save(runner, most_per_day=1)
    # The money is moved, but all answers are lost.
    runner.server.fail("PUT", "/pots/*", LoseResponse(), times=None)
    runner.server.fail("GET", "/transactions", Answer.html(502), times=None)
    await finish_dishwasher(runner)
    assert runner.take_warnings()
    runner.server.clear_faults()
    await runner.advance(POLL)
    runner.take_warnings()
    await finish_dishwasher(runner, times=2)
    assert runner.amounts == [("Bills", 100)]


async def test_a_rejected_transfer_is_reported_and_does_not_count_toward_the_maximum(
    runner: BlueprintRunner,
) -> None:
    await save(runner, most_per_day=1)
    break_transfers(runner.server, Answer.error("bad_request.not_allowed", "Not today"))
    await finish_dishwasher(runner)
    assert runner.moves == []
    report = (
        "Tried to move 1.00 GBP into Bills: the dishwasher was done. "
        "The transfer failed or could not be confirmed. "
        "See the Home Assistant log for the kind of error, "
        "and check the Monzo app before you try again."
    )
    assert runner.messages == [report]
    assert runner.notifications == [("Test: something went wrong", report)]
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())
    await finish_dishwasher(runner)
    assert runner.amounts == [("Bills", 100)]


async def test_without_a_loaded_integration_nothing_is_saved_and_that_is_reported(
    runner: BlueprintRunner,
) -> None:
    await save(runner)
    await runner.hass.config_entries.async_unload(runner.entry.entry_id)
    await finish_dishwasher(runner)
    assert runner.sent == []
    (message,) = runner.messages
    assert message.startswith("Tried to move 1.00 GBP into Bills: the dishwasher was done. ")
    assert runner.take_warnings()
