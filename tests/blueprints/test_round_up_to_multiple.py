"""The blueprint round_up_to_multiple: payments are rounded up into a pot."""

from datetime import timedelta
from typing import Any

from homeassistant.helpers.dispatcher import async_dispatcher_send

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION
from sandbox.server import Answer, LoseResponse
from tests.helpers.transaction_listener import Listener
from tests.helpers.transfer_faults import break_transfers, change_options

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

NAME = "round_up_to_multiple"

TEN_MINUTES = timedelta(minutes=10)


def inputs(runner: BlueprintRunner, **more: Any) -> dict[str, Any]:
    """Return inputs that move money: round up to 5 pounds, from the joint account."""
    return {
        "account": runner.device_id(runner.home.joint),
        "pot": runner.device_id(runner.home.house),
        "dry_run": False,
        "then": RECORD_MESSAGE,
        **more,
    }


def pay(runner: BlueprintRunner, amount: int) -> str:
    """Pay by card from the joint account, and return the transaction's id."""
    return runner.bank.pay(runner.home.joint.id, -amount, merchant="Deli").id


async def test_a_payment_is_rounded_up(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    lunch = pay(runner, 1_230)
    await runner.advance()
    (move,) = runner.moves
    assert (move.pot, move.amount, move.dedupe_id) == (
        "House",
        270,
        f"round-up-{lunch}/{runner.device_id(runner.home.house)}",
    )
    assert runner.messages == ["Moved 2.70 GBP into House for Deli."]
    assert runner.notifications == []


async def test_a_round_up_is_exact_to_the_penny(runner: BlueprintRunner) -> None:
    runner.bank.receive(runner.home.joint.id, 1_000_000)
    await runner.advance()
    # Some of these are wrong with floats: 0.29 * 100 is 28.999999999999996, 1.1 + 2.2 is not 3.3.
    for paid, multiple, times, expected in (
        (1, 5, 1, [499]),
        (501, 5, 1, [499]),
        (29, 1, 1, [71]),
        (115, 1, 2, [170]),
        (435, 5, 10, [650]),
        (2_005, 0.1, 1, [5]),
        (330, 1.1, 1, []),
        (100, 0.29, 1, [16]),
        (99_999, 1000, 1, [1]),
    ):
        await runner.create(NAME, **inputs(runner, multiple=multiple, times=times))
        pay(runner, paid)
        await runner.advance()
        assert [move.amount for move in runner.moves] == expected, (paid, multiple, times)
        await runner.settle()


async def test_a_payment_of_a_multiple_is_ignored(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    pay(runner, 1_500)
    await runner.advance()
    assert runner.runs == 0
    assert runner.sent == []


async def test_each_payment_is_rounded_up_once(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    break_transfers(runner.server, LoseResponse())
    for amount in (480, 480, 999):
        pay(runner, amount)
    await runner.advance()
    await runner.advance(TEN_MINUTES)
    assert runner.amounts == [("House", 20), ("House", 20), ("House", 1)]


async def test_only_card_payments_from_the_account_are_rounded_up(runner: BlueprintRunner) -> None:
    joint, current = runner.home.joint.id, runner.home.current.id
    await runner.create(NAME, **inputs(runner))
    runner.bank.direct_debit(joint, -101, payee="Gym")
    runner.bank.withdraw_cash(joint, -1_100)
    runner.bank.decline(joint, -101)
    runner.bank.refund(joint, 101)
    runner.bank.receive(joint, 101)
    runner.bank.pay(joint, 0)
    runner.bank.pay(current, -101)
    pay(runner, 100_001)
    await runner.advance(TEN_MINUTES)
    assert runner.runs == 0
    pay(runner, 101)
    await runner.advance()
    assert runner.amounts == [("House", 399)]


async def test_a_payment_that_is_reported_twice_is_rounded_up_once(
    runner: BlueprintRunner,
) -> None:
    listener = Listener(runner.hass, runner.home.joint)
    await runner.create(NAME, **inputs(runner))
    pay(runner, 1_230)
    await runner.advance()
    report = listener.reports[0]
    async_dispatcher_send(runner.hass, SIGNAL_NEW_TRANSACTION.format(runner.home.joint.id), report)
    await runner.advance()
    assert runner.runs == 2
    assert runner.amounts == [("House", 270)]
    assert len(runner.action_calls) == 1


async def test_the_minimum_to_keep_stays_in_the_account(runner: BlueprintRunner) -> None:
    left = 50_000
    runner.bank.direct_debit(runner.home.joint.id, left + 101 - runner.home.joint.balance)
    await runner.advance(TEN_MINUTES)
    await runner.create(NAME, **inputs(runner, keep_at_least=left / 100))
    pay(runner, 101)
    await runner.advance()
    runner.bank.receive(runner.home.joint.id, 498)
    pay(runner, 1)
    await runner.advance(TEN_MINUTES)
    assert runner.runs == 2
    assert runner.sent == []
    assert runner.action_calls == []
    assert runner.notifications == []
    runner.bank.receive(runner.home.joint.id, 3)
    pay(runner, 1)
    await runner.advance()
    assert runner.amounts == [("House", 499)]
    assert runner.home.joint.balance == left


async def test_late_payments_are_rounded_up_only_if_they_are_included(
    runner: BlueprintRunner,
) -> None:
    for late, expected in ((False, []), (True, [("House", 399)])):
        await runner.create(NAME, **inputs(runner, late=late))
        await runner.happen_while_unloaded(lambda: pay(runner, 101))
        assert runner.amounts == expected


async def test_it_runs_only_if_the_conditions_pass(runner: BlueprintRunner) -> None:
    condition = {
        "condition": "template",
        "value_template": "{{ trigger.category != 'eating_out' }}",
    }
    await runner.create(NAME, **inputs(runner, conditions=[condition]))
    pay(runner, 101)
    runner.bank.pay(runner.home.joint.id, -102, merchant="City Trams")
    await runner.advance()
    assert runner.amounts == [("House", 398)]


async def test_by_default_it_only_plans(runner: BlueprintRunner) -> None:
    chosen = inputs(runner)
    del chosen["dry_run"]
    await runner.create(NAME, **chosen)
    pay(runner, 1_230)
    await runner.advance()
    plan = "Would move 2.70 GBP into House for Deli."
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]
    assert runner.sent == []


async def test_a_plan_shows_the_error_of_the_transfer(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 2})
    await runner.settle()
    await runner.create(NAME, **inputs(runner, dry_run=True))
    pay(runner, 1_230)
    await runner.advance()
    ((_title, plan),) = runner.notifications
    assert "exceeds the limit of 2.00 GBP per transfer" in plan


async def test_a_transfer_above_the_limit_is_reported(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 2})
    await runner.settle()
    await runner.create(NAME, **inputs(runner))
    pay(runner, 1_230)
    await runner.advance()
    ((title, text),) = runner.notifications
    assert title == "Test: no money was moved"
    assert text.startswith(
        "Did not move 2.70 GBP into House for Deli. 2.70 GBP exceeds the limit of 2.00 GBP"
    )
    assert runner.messages == [text]
    assert runner.sent == []


async def test_a_rejected_transfer_is_reported(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    break_transfers(runner.server, Answer.error("bad_request.not_allowed", "Not today"))
    pay(runner, 1_230)
    await runner.advance()
    assert runner.moves == []
    message = (
        "Tried to move 2.70 GBP into House for Deli. "
        "The transfer failed or could not be confirmed. "
        "See the Home Assistant log for the kind of error, "
        "and check the Monzo app before you try again."
    )
    assert runner.messages == [message]
    assert runner.notifications == [("Test: something went wrong", message)]
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())


async def test_two_automations_round_up_into_two_pots(runner: BlueprintRunner) -> None:
    await runner.create_several(
        NAME,
        {
            pot.name: inputs(runner, pot=runner.device_id(pot))
            for pot in (runner.home.house, runner.home.bills)
        },
    )
    pay(runner, 1_230)
    await runner.advance()
    assert sorted(runner.amounts) == [("Bills", 270), ("House", 270)]
    assert len(runner.action_calls) == 2
