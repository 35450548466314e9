"""Saving when something happens at home."""

from datetime import timedelta
from typing import Any

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.transfers.journal import TransferJournal
from sandbox.server import Answer, LoseResponse
from tests.helpers.state_helpers import set_up
from tests.helpers.transfer_faults import break_transfers, change_options

from .blueprint_runner import POLL, BlueprintRunner

A_DAY = timedelta(days=1)


async def save(runner: BlueprintRunner, **inputs: Any) -> None:
    """Save 1 pound each time that the dishwasher is done, at most 3 pounds in a day."""
    await runner.create(
        "save_when_something_happens",
        **{
            "happenings": [{"trigger": "event", "event_type": "dishwasher_done"}],
            "reason": "the dishwasher was done",
            "pot": runner.device_id(runner.home.bills),
            "amount": 1,
            "most_per_day": 3,
            "dry_run": False,
            "then": [{"action": "test.record", "data": {"message": "{{ message }}"}}],
            **inputs,
        },
    )


async def happen(runner: BlueprintRunner, times: int = 1) -> None:
    """Let the dishwasher be done so many times, one right after the other."""
    for _ in range(times):
        runner.hass.bus.async_fire("dishwasher_done")
    await runner.hass.async_block_till_done(wait_background_tasks=True)


async def test_each_time_saves_the_amount_once(runner: BlueprintRunner) -> None:
    await save(runner)
    assert runner.sent == []
    await happen(runner)
    assert runner.amounts == [("Bills", 100)]
    assert [call["message"] for call in runner.action_calls] == [
        "Moved 1.00 GBP into Bills: the dishwasher was done."
    ]
    await happen(runner)
    assert runner.amounts == [("Bills", 100)] * 2
    assert runner.notifications == []


async def test_no_more_is_saved_than_fits_into_a_day(runner: BlueprintRunner) -> None:
    await save(runner)
    await happen(runner, times=5)
    assert runner.amounts == [("Bills", 100)] * 3
    assert len(runner.action_calls) == 3

    await runner.advance(A_DAY)
    await happen(runner)
    assert runner.amounts == [("Bills", 100)] * 4


async def test_what_was_saved_before_a_restart_counts(runner: BlueprintRunner) -> None:
    await save(runner)
    await happen(runner, times=2)
    await runner.hass.config_entries.async_unload(runner.entry.entry_id)
    # Only the file is left.
    async_get_memory(runner.hass).remove(TransferJournal, runner.entry.entry_id)
    await set_up(runner.hass, runner.entry)
    await happen(runner, times=2)
    assert runner.amounts == [("Bills", 100)] * 3


async def test_a_day_is_counted_in_whole_pence(runner: BlueprintRunner) -> None:
    # As floats, 0.3 / 0.1 is less than three.
    await save(runner, amount=0.1, most_per_day=0.3)
    await happen(runner, times=4)
    assert runner.amounts == [("Bills", 10)] * 3


async def test_an_amount_that_does_not_fit_into_a_day_is_never_saved(
    runner: BlueprintRunner,
) -> None:
    await save(runner, amount=4)
    await happen(runner)
    assert runner.runs == 0
    assert runner.sent == []


async def test_it_only_plans_until_it_is_told_otherwise(runner: BlueprintRunner) -> None:
    await save(runner, dry_run=True)
    await happen(runner, times=5)
    assert runner.sent == []
    assert runner.notifications == [
        (
            "Test: plan only",
            "Would move 1.00 GBP into Bills: the dishwasher was done.",
        )
    ]


async def test_a_condition_that_is_not_met_saves_nothing(runner: BlueprintRunner) -> None:
    await save(runner, conditions=[{"condition": "state", "entity_id": "sun.sun", "state": "up"}])
    runner.hass.states.async_set("sun.sun", "down")
    await happen(runner)
    assert runner.runs == 0
    assert runner.sent == []
    runner.hass.states.async_set("sun.sun", "up")
    await happen(runner)
    assert runner.amounts == [("Bills", 100)]


async def test_what_is_to_be_kept_in_the_account_is_kept(runner: BlueprintRunner) -> None:
    await save(runner, keep_at_least=runner.home.joint.balance / 100 - 1)
    await happen(runner, times=2)
    assert runner.amounts == [("Bills", 100)]
    assert runner.action_calls[-1]["message"].startswith(
        "Did not move 1.00 GBP into Bills: the dishw"
    )


async def test_what_the_options_do_not_allow_is_told(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 0.5})
    await save(runner)
    await happen(runner)
    assert runner.sent == []
    (call,) = runner.action_calls
    assert "1.00 GBP exceeds the limit of 0.50 GBP per transfer" in call["message"]


async def test_a_time_whose_answer_was_lost_is_not_saved_twice(runner: BlueprintRunner) -> None:
    await save(runner, most_per_day=1)
    # It is moved, but nobody hears of it.
    runner.server.fail("PUT", "/pots/*", LoseResponse(), times=None)
    runner.server.fail("GET", "/transactions", Answer.html(502), times=None)
    await happen(runner)
    assert runner.take_warnings()
    runner.server.clear_faults()
    await runner.advance(POLL)
    runner.take_warnings()
    await happen(runner, times=2)
    assert runner.amounts == [("Bills", 100)]


async def test_what_the_bank_refuses_is_told_and_does_not_count(runner: BlueprintRunner) -> None:
    await save(runner, most_per_day=1)
    break_transfers(runner.server, Answer.error("bad_request.not_allowed", "Not today"))
    await happen(runner)
    assert runner.moves == []
    told = (
        "Tried to move 1.00 GBP into Bills: the dishwasher was done. "
        "The transfer failed or could not be confirmed. See the Home Assistant log for details, "
        "and check the Monzo app before you try again."
    )
    assert runner.messages == [told]
    assert runner.notifications == [("Test: something went wrong", told)]
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())
    await happen(runner)
    assert runner.amounts == [("Bills", 100)]


async def test_while_monzo_is_not_there_nothing_is_saved_and_that_is_told(
    runner: BlueprintRunner,
) -> None:
    await save(runner)
    await runner.hass.config_entries.async_unload(runner.entry.entry_id)
    await happen(runner)
    assert runner.sent == []
    (call,) = runner.action_calls
    assert call["message"].startswith(
        "Tried to move 1.00 GBP into Bills: the dishwasher was done. "
    )
    assert runner.take_warnings()
