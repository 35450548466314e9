"""Saving when something happens at home."""

from datetime import timedelta
from typing import Any

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from custom_components.monzo.memory import async_get_memory
from custom_components.monzo.transfers.journal import TransferJournal
from sandbox.server import Answer, LoseResponse
from tests.helpers.state_helpers import set_up
from tests.helpers.transfer_faults import break_transfers, change_options

from .stage import A_POLL, Stage

A_DAY = timedelta(days=1)


async def save(stage: Stage, **inputs: Any) -> None:
    """Save 1 pound each time that the dishwasher is done, at most 3 pounds in a day."""
    await stage.play(
        "save_when_something_happens",
        **{
            "happenings": [{"trigger": "event", "event_type": "dishwasher_done"}],
            "reason": "the dishwasher was done",
            "pot": stage.device(stage.home.bills),
            "amount": 1,
            "most_per_day": 3,
            "dry_run": False,
            "then": [{"action": "test.hear", "data": {"message": "{{ message }}"}}],
            **inputs,
        },
    )


async def happen(stage: Stage, times: int = 1) -> None:
    """Let the dishwasher be done so many times, one right after the other."""
    for _ in range(times):
        stage.hass.bus.async_fire("dishwasher_done")
    await stage.hass.async_block_till_done(wait_background_tasks=True)


async def test_each_time_saves_the_amount_once(stage: Stage) -> None:
    await save(stage)
    assert stage.sent == []
    await happen(stage)
    assert stage.amounts == [("Bills", 100)]
    assert [call["message"] for call in stage.heard] == [
        "Moved 1.00 GBP into Bills: the dishwasher was done."
    ]
    await happen(stage)
    assert stage.amounts == [("Bills", 100)] * 2
    assert stage.notifications == []


async def test_no_more_is_saved_than_fits_into_a_day(stage: Stage) -> None:
    await save(stage)
    await happen(stage, times=5)
    assert stage.amounts == [("Bills", 100)] * 3
    assert len(stage.heard) == 3

    await stage.let_pass(A_DAY)
    await happen(stage)
    assert stage.amounts == [("Bills", 100)] * 4


async def test_what_was_saved_before_a_restart_counts(stage: Stage) -> None:
    await save(stage)
    await happen(stage, times=2)
    await stage.hass.config_entries.async_unload(stage.entry.entry_id)
    # Only the file is left.
    async_get_memory(stage.hass).remove(TransferJournal, stage.entry.entry_id)
    await set_up(stage.hass, stage.entry)
    await happen(stage, times=2)
    assert stage.amounts == [("Bills", 100)] * 3


async def test_a_day_is_counted_in_whole_pence(stage: Stage) -> None:
    # As floats, 0.3 / 0.1 is less than three.
    await save(stage, amount=0.1, most_per_day=0.3)
    await happen(stage, times=4)
    assert stage.amounts == [("Bills", 10)] * 3


async def test_an_amount_that_does_not_fit_into_a_day_is_never_saved(stage: Stage) -> None:
    await save(stage, amount=4)
    await happen(stage)
    assert stage.runs == 0
    assert stage.sent == []


async def test_it_only_plans_until_it_is_told_otherwise(stage: Stage) -> None:
    await save(stage, dry_run=True)
    await happen(stage, times=5)
    assert stage.sent == []
    assert stage.notifications == [
        (
            "The play: plan only",
            "Would move 1.00 GBP into Bills: the dishwasher was done.",
        )
    ]


async def test_a_condition_that_is_not_met_saves_nothing(stage: Stage) -> None:
    await save(stage, conditions=[{"condition": "state", "entity_id": "sun.sun", "state": "up"}])
    stage.hass.states.async_set("sun.sun", "down")
    await happen(stage)
    assert stage.runs == 0
    assert stage.sent == []
    stage.hass.states.async_set("sun.sun", "up")
    await happen(stage)
    assert stage.amounts == [("Bills", 100)]


async def test_what_is_to_be_kept_in_the_account_is_kept(stage: Stage) -> None:
    await save(stage, keep_at_least=stage.home.joint.balance / 100 - 1)
    await happen(stage, times=2)
    assert stage.amounts == [("Bills", 100)]
    assert stage.heard[-1]["message"].startswith("Did not move 1.00 GBP into Bills: the dishw")


async def test_what_the_options_do_not_allow_is_told(stage: Stage) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 0.5})
    await save(stage)
    await happen(stage)
    assert stage.sent == []
    (call,) = stage.heard
    assert "1.00 GBP exceeds the limit of 0.50 GBP per transfer" in call["message"]


async def test_a_time_whose_answer_was_lost_is_not_saved_twice(stage: Stage) -> None:
    await save(stage, most_per_day=1)
    # It is moved, but nobody hears of it.
    stage.server.fail("PUT", "/pots/*", LoseResponse(), times=None)
    stage.server.fail("GET", "/transactions", Answer.html(502), times=None)
    await happen(stage)
    assert stage.complaints()
    stage.server.clear_faults()
    await stage.let_pass(A_POLL)
    stage.complaints()
    await happen(stage, times=2)
    assert stage.amounts == [("Bills", 100)]


async def test_what_the_bank_refuses_is_told_and_does_not_count(stage: Stage) -> None:
    await save(stage, most_per_day=1)
    break_transfers(stage.server, Answer.error("bad_request.not_allowed", "Not today"))
    await happen(stage)
    assert stage.moves == []
    told = (
        "Tried to move 1.00 GBP into Bills: the dishwasher was done. "
        "The transfer failed or could not be confirmed. See the Home Assistant log for details, "
        "and check the Monzo app before you try again."
    )
    assert stage.heard == [{"message": told}]
    assert stage.notifications == [("The play: something went wrong", told)]
    assert any("Monzo rejected the transfer" in text for text in stage.complaints())
    await happen(stage)
    assert stage.amounts == [("Bills", 100)]


async def test_while_monzo_is_not_there_nothing_is_saved_and_that_is_told(stage: Stage) -> None:
    await save(stage)
    await stage.hass.config_entries.async_unload(stage.entry.entry_id)
    await happen(stage)
    assert stage.sent == []
    (call,) = stage.heard
    assert call["message"].startswith(
        "Tried to move 1.00 GBP into Bills: the dishwasher was done. "
    )
    assert stage.complaints()
