"""Paying for something from a pot."""

from datetime import timedelta
from typing import Any

from homeassistant.helpers.dispatcher import async_dispatcher_connect, async_dispatcher_send
from homeassistant.setup import async_setup_component

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION, NewTransaction
from sandbox.server import Answer, LoseResponse
from tests.helpers.transaction_listener import Listener
from tests.helpers.transfer_faults import break_transfers, change_options

from .stage import Stage

NAME = "pay_from_pot"

A_WHILE = timedelta(minutes=10)

FAILED = (
    "Tried to move 3.00 GBP out of {} for Deli. The transfer failed or could not be confirmed. See "
    "the Home Assistant log for details, and check the Monzo app before you try again."
)

TELL = [{"action": "test.hear", "data": {"message": "{{ message }}"}}]


def inputs(stage: Stage, **more: Any) -> dict[str, Any]:
    """Return what a user fills in who means it: the deli, from the holiday pot."""
    return {
        "account": stage.device(stage.home.current),
        "merchant": "deli",
        "pot": stage.device(stage.home.holiday),
        "dry_run": False,
        "then": TELL,
        **more,
    }


def pay(stage: Stage, amount: int, merchant: str = "Deli") -> str:
    """Pay by card, and return the transaction's id."""
    return stage.bank.pay(stage.home.current.id, -amount, merchant=merchant).id


async def test_a_payment_is_taken_from_the_pot_to_the_penny(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    lunch = pay(stage, 1_205)
    await stage.let_pass()
    (move,) = stage.moves
    assert (move.pot, move.amount, move.dedupe_id) == ("Holiday", -1_205, f"pay-from-pot-{lunch}")
    assert stage.heard == [{"message": "Moved 12.05 GBP out of Holiday for Deli."}]
    assert stage.notifications == []


async def test_each_payment_is_taken_once(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    break_transfers(stage.server, LoseResponse())
    for amount in (335, 335, 1):
        pay(stage, amount)
    await stage.let_pass()
    await stage.let_pass(A_WHILE)
    assert stage.amounts == [("Holiday", -335), ("Holiday", -335), ("Holiday", -1)]


async def test_a_payment_that_is_told_again_is_not_taken_again(stage: Stage) -> None:
    ear = Listener(stage.hass, stage.home.current)
    await stage.play(NAME, **inputs(stage))
    lunch = pay(stage, 1_205)
    await stage.let_pass()
    report = next(each for each in ear.reports if each.transaction.id == lunch)
    async_dispatcher_send(stage.hass, SIGNAL_NEW_TRANSACTION.format(stage.home.current.id), report)
    await stage.let_pass()
    assert stage.runs == 2
    assert stage.amounts == [("Holiday", -1_205)]
    assert len(stage.heard) == 1


async def test_a_payment_that_settles_at_another_amount_is_left_as_it_is(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    lunch = pay(stage, 1_000)
    await stage.let_pass()
    stage.bank.settle(lunch, -1_200)
    await stage.let_pass(timedelta(hours=2))
    assert stage.amounts == [("Holiday", -1_000)]


async def test_only_what_is_meant_is_taken(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    pay(stage, 500, "Copper Kettle")
    pay(stage, 10_001)
    stage.bank.decline(stage.home.current.id, -500, merchant="Deli")
    stage.bank.refund(stage.home.current.id, 500, merchant="Deli")
    stage.bank.pay(stage.home.joint.id, -500, merchant="Deli")
    await stage.let_pass(A_WHILE)
    assert stage.runs == 0
    pay(stage, 10_000)
    await stage.let_pass()
    assert stage.amounts == [("Holiday", -10_000)]


async def test_a_category_instead_of_a_merchant(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, merchant="", category=["transport", "eating_out"]))
    pay(stage, 300, "Greens Market")
    pay(stage, 200, "City Trams")
    pay(stage, 100, "Copper Kettle")
    await stage.let_pass()
    assert stage.amounts == [("Holiday", -200), ("Holiday", -100)]


async def test_a_merchant_and_a_category_have_to_be_both(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, category=["eating_out"], merchant="e"))
    # Of the category, but not with this letter; and the other way round.
    pay(stage, 100, "Sushi Bar")
    pay(stage, 200, "Greens Market")
    pay(stage, 300, "Copper Kettle")
    await stage.let_pass()
    assert stage.amounts == [("Holiday", -300)]


async def test_neither_merchant_nor_category_is_nothing_and_not_everything(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, merchant=" "))
    pay(stage, 300)
    await stage.let_pass()
    assert stage.runs == 0
    assert stage.sent == []


async def test_other_kinds_only_if_they_are_chosen(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, merchant="mill street", kinds=["direct_debit"]))
    pay(stage, 300, "Mill Street Lettings")
    await stage.let_pass()
    assert stage.sent == []
    stage.bank.direct_debit(stage.home.current.id, -400, payee="Mill Street Lettings")
    await stage.let_pass()
    assert stage.amounts == [("Holiday", -400)]


async def test_a_payment_that_the_pot_has_too_little_for_is_told_of(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, keep_at_least=639))
    pay(stage, 101)
    await stage.let_pass()
    told = (
        "Did not move 1.01 GBP out of Holiday for Deli. "
        "Holiday holds 640.00 GBP. Moving 1.01 GBP out of it would leave less than the minimum of "
        "639.00 GBP to keep. This call moved no money."
    )
    assert stage.heard == [{"message": told}]
    assert stage.notifications == [("The play: no money was moved", told)]
    assert stage.sent == []
    pay(stage, 100)
    await stage.let_pass(A_WHILE)
    assert stage.amounts == [("Holiday", -100)]


async def test_what_is_learned_of_late_only_if_that_is_wanted(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    await stage.miss(lambda: pay(stage, 300))
    assert stage.sent == []


async def test_what_is_learned_of_late_if_that_is_wanted(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, late=True))
    await stage.miss(lambda: pay(stage, 300))
    assert stage.amounts == [("Holiday", -300)]


async def test_not_if_a_condition_is_not_met(stage: Stage) -> None:
    condition = {"condition": "template", "value_template": "{{ trigger.amount < -5 }}"}
    await stage.play(NAME, **inputs(stage, conditions=[condition]))
    pay(stage, 500)
    pay(stage, 501)
    await stage.let_pass()
    assert stage.amounts == [("Holiday", -501)]


async def test_at_first_it_only_plans(stage: Stage) -> None:
    chosen = inputs(stage)
    del chosen["dry_run"]
    await stage.play(NAME, **chosen)
    pay(stage, 1_205)
    await stage.let_pass()
    plan = "Would move 12.05 GBP out of Holiday for Deli."
    assert stage.notifications == [("The play: plan only", plan)]
    assert stage.heard == [{"message": plan}]
    assert stage.sent == []


async def test_a_plan_says_what_would_come_in_its_way(stage: Stage) -> None:
    await change_options(stage.teller, **{CONF_MAX_PER_TRANSFER: 5})
    await stage.play(NAME, **inputs(stage, dry_run=True))
    pay(stage, 501)
    await stage.let_pass()
    ((_title, plan),) = stage.notifications
    assert "exceeds the limit of 5.00 GBP per transfer" in plan


async def test_a_pot_of_another_account_is_refused(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage, pot=stage.device(stage.home.house)))
    pay(stage, 300)
    await stage.let_pass()
    assert stage.sent == []
    assert any(
        "… belongs to …, not to …, so no money was moved" in text for text in stage.complaints()
    )


async def test_a_payment_that_something_else_takes_is_left_alone(stage: Stage) -> None:
    taken: list[str] = []

    async def take(report: NewTransaction) -> None:
        if report.transaction.pot_id is not None:
            return
        taken.append(report.transaction.id)
        dedupe_id = f"pay-from-pot-{report.transaction.id}"
        await stage.teller.withdraw(stage.home.coin_jar, 3, dedupe_id=dedupe_id)

    account = stage.home.current.id
    stop = async_dispatcher_connect(stage.hass, SIGNAL_NEW_TRANSACTION.format(account), take)
    await stage.play(NAME, **inputs(stage))
    lunch = pay(stage, 300)
    await stage.let_pass()
    stop()
    assert taken == [lunch]
    assert len(stage.amounts) == 1
    assert len(stage.heard) <= 1


async def test_a_transfer_that_the_bank_refuses_is_told(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    break_transfers(stage.server, Answer.error("bad_request.not_allowed", "Not today"))
    pay(stage, 300)
    await stage.let_pass()
    assert stage.moves == []
    told = FAILED.format("Holiday")
    assert stage.heard == [{"message": told}]
    assert stage.notifications == [("The play: something went wrong", told)]
    assert any("Monzo rejected the transfer" in text for text in stage.complaints())
    pay(stage, 301)
    await stage.let_pass(A_WHILE)
    assert stage.amounts == [("Holiday", -301)]


async def test_a_transfer_that_nobody_knows_of_whether_it_was_made_is_told(stage: Stage) -> None:
    await stage.play(NAME, **inputs(stage))
    break_transfers(stage.server, LoseResponse(), times=None)
    stage.server.fail("GET", "/transactions", Answer.html(502), after=1, times=None)
    pay(stage, 300)
    await stage.let_pass()
    stage.server.clear_faults()
    assert stage.amounts == [("Holiday", -300)]
    assert stage.heard == [{"message": FAILED.format("Holiday")}]
    assert any("may or may not have been moved" in text for text in stage.complaints())


async def test_a_payment_is_taken_from_one_pot_only_and_from_the_other_without_a_word(
    stage: Stage,
) -> None:
    pots = {"The play": stage.home.holiday, "Another": stage.home.coin_jar}
    automations = [
        {
            "id": name,
            "alias": name,
            "use_blueprint": {
                "path": f"monzo/{NAME}.yaml",
                "input": inputs(stage, pot=stage.device(pot)),
            },
        }
        for name, pot in pots.items()
    ]
    assert await async_setup_component(stage.hass, "automation", {"automation": automations})
    pay(stage, 300)
    await stage.let_pass()
    assert stage.runs == 2
    assert len(stage.moves) == 1
    assert len(stage.heard) == 1
    assert stage.notifications == []
    # Both of them at the same moment, so that one was refused.
    assert all("was already used for a different transfer" in text for text in stage.complaints())
