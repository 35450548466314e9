"""Rounding payments up to a multiple."""

from datetime import timedelta
from typing import Any

from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.setup import async_setup_component
import pytest

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION
from sandbox.server import Answer, LoseResponse
from tests.helpers.transaction_listener import Listener
from tests.helpers.transfer_faults import break_transfers, change_options

from .stage import Stage

NAME = "round_up_to_multiple"

A_WHILE = timedelta(minutes=10)

TELL = [{"action": "test.hear", "data": {"message": "{{ message }}"}}]


def inputs(stage: Stage, **more: Any) -> dict[str, Any]:
    """Return what a user fills in who means it: to 5 pounds, from the joint account."""
    return {
        "account": stage.device(stage.home.joint),
        "pot": stage.device(stage.home.house),
        "dry_run": False,
        "then": TELL,
        **more,
    }


def pay(stage: Stage, amount: int) -> str:
    """Pay by card, and return the transaction's id."""
    return stage.bank.pay(stage.home.joint.id, -amount, merchant="Deli").id


async def test_a_payment_is_rounded_up(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    lunch = pay(stage, 1_230)
    await stage.let_pass()
    (move,) = stage.moves
    assert (move.pot, move.amount, move.dedupe_id) == (
        "House",
        270,
        f"round-up-{lunch}/{stage.device(stage.home.house)}",
    )
    assert stage.heard == [{"message": "Moved 2.70 GBP into House for Deli."}]
    assert stage.notifications == []


# Among them those that floats get wrong: 0.29 * 100 is 28.999999999999996, 1.1 + 2.2 is not 3.3.
@pytest.mark.parametrize(
    ("paid", "multiple", "times", "moved"),
    [
        (1, 5, 1, 499),
        (501, 5, 1, 499),
        (29, 1, 1, 71),
        (115, 1, 2, 170),
        (435, 5, 10, 650),
        (2_005, 0.1, 1, 5),
        (330, 1.1, 1, None),
        (100, 0.29, 1, 16),
        (99_999, 1000, 1, 1),
    ],
)
async def test_it_is_exact_to_the_penny(
    stage: Stage, paid: int, multiple: float, times: int, moved: int | None
) -> None:
    await stage.play(NAME, **inputs(stage, multiple=multiple, times=times))
    pay(stage, paid)
    await stage.let_pass()
    assert stage.amounts == ([("House", moved)] if moved else [])


async def test_what_is_a_multiple_already_is_left_alone(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    pay(stage, 1_500)
    await stage.let_pass()
    assert stage.runs == 0
    assert stage.sent == []


async def test_each_payment_is_rounded_up_once(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    break_transfers(stage.server, LoseResponse())
    for amount in (480, 480, 999):
        pay(stage, amount)
    await stage.let_pass()
    await stage.let_pass(A_WHILE)
    assert stage.amounts == [("House", 20), ("House", 20), ("House", 1)]


async def test_only_payments_by_card_from_this_account(stage: Stage) -> None:
    joint, current = stage.home.joint.id, stage.home.current.id
    await stage.play(NAME, **inputs(stage))
    stage.bank.direct_debit(joint, -101, payee="Gym")
    stage.bank.withdraw_cash(joint, -1_100)
    stage.bank.decline(joint, -101)
    stage.bank.refund(joint, 101)
    stage.bank.receive(joint, 101)
    stage.bank.pay(joint, 0)
    stage.bank.pay(current, -101)
    pay(stage, 100_001)
    await stage.let_pass(A_WHILE)
    assert stage.runs == 0
    pay(stage, 101)
    await stage.let_pass()
    assert stage.amounts == [("House", 399)]


async def test_a_payment_that_is_told_again_is_not_rounded_up_again(stage: Stage) -> None:
    ear = Listener(stage.hass, stage.home.joint)
    await stage.play(NAME, **inputs(stage))
    pay(stage, 1_230)
    await stage.let_pass()
    report = ear.reports[0]
    async_dispatcher_send(stage.hass, SIGNAL_NEW_TRANSACTION.format(stage.home.joint.id), report)
    await stage.let_pass()
    assert stage.runs == 2
    assert stage.amounts == [("House", 270)]
    assert len(stage.heard) == 1


async def test_nothing_that_would_leave_less_than_is_to_be_kept(stage: Stage) -> None:
    left = 50_000
    stage.bank.direct_debit(stage.home.joint.id, left + 101 - stage.home.joint.balance)
    await stage.let_pass(A_WHILE)
    await stage.play(NAME, **inputs(stage, keep_at_least=left / 100))
    pay(stage, 101)
    await stage.let_pass()
    stage.bank.receive(stage.home.joint.id, 498)
    pay(stage, 1)
    await stage.let_pass(A_WHILE)
    assert stage.runs == 2
    assert stage.sent == []
    assert stage.heard == []
    assert stage.notifications == []
    stage.bank.receive(stage.home.joint.id, 3)
    pay(stage, 1)
    await stage.let_pass()
    assert stage.amounts == [("House", 499)]
    assert stage.home.joint.balance == left


async def test_what_is_learned_of_late_only_if_that_is_wanted(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    await stage.miss(lambda: pay(stage, 101))
    assert stage.sent == []


async def test_what_is_learned_of_late_if_that_is_wanted(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, late=True))
    await stage.miss(lambda: pay(stage, 101))
    assert stage.amounts == [("House", 399)]


async def test_not_if_a_condition_is_not_met(stage: Stage) -> None:
    condition = {
        "condition": "template",
        "value_template": "{{ trigger.category != 'eating_out' }}",
    }
    await stage.play(NAME, **inputs(stage, conditions=[condition]))
    pay(stage, 101)
    stage.bank.pay(stage.home.joint.id, -102, merchant="City Trams")
    await stage.let_pass()
    assert stage.amounts == [("House", 398)]


async def test_at_first_it_only_plans(stage: Stage) -> None:
    chosen = inputs(stage)
    del chosen["dry_run"]
    await stage.play(NAME, **chosen)
    pay(stage, 1_230)
    await stage.let_pass()
    plan = "Would move 2.70 GBP into House for Deli."
    assert stage.notifications == [("The play: plan only", plan)]
    assert stage.heard == [{"message": plan}]
    assert stage.sent == []


async def test_a_plan_says_what_would_come_in_its_way(stage: Stage) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 2})
    await stage.play(NAME, **inputs(stage, dry_run=True))
    pay(stage, 1_230)
    await stage.let_pass()
    ((_title, plan),) = stage.notifications
    assert "exceeds the limit of 2.00 GBP per transfer" in plan


async def test_what_the_options_do_not_allow_is_told(stage: Stage) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 2})
    await stage.play(NAME, **inputs(stage))
    pay(stage, 1_230)
    await stage.let_pass()
    ((title, text),) = stage.notifications
    assert title == "The play: no money was moved"
    assert text.startswith(
        "Did not move 2.70 GBP into House for Deli. 2.70 GBP exceeds the limit of 2.00 GBP"
    )
    assert stage.heard == [{"message": text}]
    assert stage.sent == []


async def test_a_round_up_that_the_bank_refuses_is_told(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    break_transfers(stage.server, Answer.error("bad_request.not_allowed", "Not today"))
    pay(stage, 1_230)
    await stage.let_pass()
    assert stage.moves == []
    told = (
        "Tried to move 2.70 GBP into House for Deli. "
        "The transfer failed or could not be confirmed. See the Home Assistant log for details, "
        "and check the Monzo app before you try again."
    )
    assert stage.heard == [{"message": told}]
    assert stage.notifications == [("The play: something went wrong", told)]
    assert any("Monzo rejected the transfer" in text for text in stage.complaints())


async def test_a_payment_can_be_rounded_up_into_two_pots(stage: Stage) -> None:
    pots = [stage.home.house, stage.home.bills]
    automations = [
        {
            "id": pot.id,
            "alias": f"Round up into {pot.name}",
            "use_blueprint": {
                "path": f"monzo/{NAME}.yaml",
                "input": inputs(stage, pot=stage.device(pot)),
            },
        }
        for pot in pots
    ]
    assert await async_setup_component(stage.hass, "automation", {"automation": automations})
    pay(stage, 1_230)
    await stage.let_pass()
    assert sorted(stage.amounts) == [("Bills", 270), ("House", 270)]
    assert len(stage.heard) == 2
