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

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

NAME = "pay_from_pot"

A_WHILE = timedelta(minutes=10)

FAILED = (
    "Tried to move 3.00 GBP out of {} for Deli. The transfer failed or could not be confirmed. See "
    "the Home Assistant log for details, and check the Monzo app before you try again."
)


def inputs(runner: BlueprintRunner, **more: Any) -> dict[str, Any]:
    """Return what a user fills in who means it: the deli, from the holiday pot."""
    return {
        "account": runner.device_id(runner.home.current),
        "merchant": "deli",
        "pot": runner.device_id(runner.home.holiday),
        "dry_run": False,
        "then": RECORD_MESSAGE,
        **more,
    }


def pay(runner: BlueprintRunner, amount: int, merchant: str = "Deli") -> str:
    """Pay by card, and return the transaction's id."""
    return runner.bank.pay(runner.home.current.id, -amount, merchant=merchant).id


async def test_a_payment_is_taken_from_the_pot_to_the_penny(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    lunch = pay(runner, 1_205)
    await runner.advance()
    (move,) = runner.moves
    assert (move.pot, move.amount, move.dedupe_id) == ("Holiday", -1_205, f"pay-from-pot-{lunch}")
    assert runner.messages == ["Moved 12.05 GBP out of Holiday for Deli."]
    assert runner.notifications == []


async def test_each_payment_is_taken_once(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    break_transfers(runner.server, LoseResponse())
    for amount in (335, 335, 1):
        pay(runner, amount)
    await runner.advance()
    await runner.advance(A_WHILE)
    assert runner.amounts == [("Holiday", -335), ("Holiday", -335), ("Holiday", -1)]


async def test_a_payment_that_is_told_again_is_not_taken_again(runner: BlueprintRunner) -> None:
    ear = Listener(runner.hass, runner.home.current)
    await runner.create(NAME, **inputs(runner))
    lunch = pay(runner, 1_205)
    await runner.advance()
    report = next(each for each in ear.reports if each.transaction.id == lunch)
    async_dispatcher_send(
        runner.hass, SIGNAL_NEW_TRANSACTION.format(runner.home.current.id), report
    )
    await runner.advance()
    assert runner.runs == 2
    assert runner.amounts == [("Holiday", -1_205)]
    assert len(runner.action_calls) == 1


async def test_a_payment_that_settles_at_another_amount_is_left_as_it_is(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner))
    lunch = pay(runner, 1_000)
    await runner.advance()
    runner.bank.settle(lunch, -1_200)
    await runner.advance(timedelta(hours=2))
    assert runner.amounts == [("Holiday", -1_000)]


async def test_only_what_is_meant_is_taken(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    pay(runner, 500, "Copper Kettle")
    pay(runner, 10_001)
    runner.bank.decline(runner.home.current.id, -500, merchant="Deli")
    runner.bank.refund(runner.home.current.id, 500, merchant="Deli")
    runner.bank.pay(runner.home.joint.id, -500, merchant="Deli")
    await runner.advance(A_WHILE)
    assert runner.runs == 0
    pay(runner, 10_000)
    await runner.advance()
    assert runner.amounts == [("Holiday", -10_000)]


async def test_a_category_instead_of_a_merchant(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, merchant="", category=["transport", "eating_out"]))
    pay(runner, 300, "Greens Market")
    pay(runner, 200, "City Trams")
    pay(runner, 100, "Copper Kettle")
    await runner.advance()
    assert runner.amounts == [("Holiday", -200), ("Holiday", -100)]


async def test_a_merchant_and_a_category_have_to_be_both(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, category=["eating_out"], merchant="e"))
    # Of the category, but not with this letter; and the other way round.
    pay(runner, 100, "Sushi Bar")
    pay(runner, 200, "Greens Market")
    pay(runner, 300, "Copper Kettle")
    await runner.advance()
    assert runner.amounts == [("Holiday", -300)]


async def test_neither_merchant_nor_category_is_nothing_and_not_everything(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner, merchant=" "))
    pay(runner, 300)
    await runner.advance()
    assert runner.runs == 0
    assert runner.sent == []


async def test_other_kinds_only_if_they_are_chosen(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, merchant="mill street", kinds=["direct_debit"]))
    pay(runner, 300, "Mill Street Lettings")
    await runner.advance()
    assert runner.sent == []
    runner.bank.direct_debit(runner.home.current.id, -400, payee="Mill Street Lettings")
    await runner.advance()
    assert runner.amounts == [("Holiday", -400)]


async def test_a_payment_that_the_pot_has_too_little_for_is_told_of(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner, keep_at_least=639))
    pay(runner, 101)
    await runner.advance()
    told = (
        "Did not move 1.01 GBP out of Holiday for Deli. "
        "Holiday holds 640.00 GBP. Moving 1.01 GBP out of it would leave less than the minimum of "
        "639.00 GBP to keep. This call moved no money."
    )
    assert runner.messages == [told]
    assert runner.notifications == [("Test: no money was moved", told)]
    assert runner.sent == []
    pay(runner, 100)
    await runner.advance(A_WHILE)
    assert runner.amounts == [("Holiday", -100)]


async def test_what_is_learned_of_late_only_if_that_is_wanted(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    await runner.happen_while_unloaded(lambda: pay(runner, 300))
    assert runner.sent == []


async def test_what_is_learned_of_late_if_that_is_wanted(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, late=True))
    await runner.happen_while_unloaded(lambda: pay(runner, 300))
    assert runner.amounts == [("Holiday", -300)]


async def test_not_if_a_condition_is_not_met(runner: BlueprintRunner) -> None:
    condition = {"condition": "template", "value_template": "{{ trigger.amount < -5 }}"}
    await runner.create(NAME, **inputs(runner, conditions=[condition]))
    pay(runner, 500)
    pay(runner, 501)
    await runner.advance()
    assert runner.amounts == [("Holiday", -501)]


async def test_at_first_it_only_plans(runner: BlueprintRunner) -> None:
    chosen = inputs(runner)
    del chosen["dry_run"]
    await runner.create(NAME, **chosen)
    pay(runner, 1_205)
    await runner.advance()
    plan = "Would move 12.05 GBP out of Holiday for Deli."
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]
    assert runner.sent == []


async def test_a_plan_says_what_would_come_in_its_way(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 5})
    await runner.create(NAME, **inputs(runner, dry_run=True))
    pay(runner, 501)
    await runner.advance()
    ((_title, plan),) = runner.notifications
    assert "exceeds the limit of 5.00 GBP per transfer" in plan


async def test_a_pot_of_another_account_is_refused(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, pot=runner.device_id(runner.home.house)))
    pay(runner, 300)
    await runner.advance()
    assert runner.sent == []
    assert any(
        "… belongs to …, not to …, so no money was moved" in text for text in runner.take_warnings()
    )


async def test_a_payment_that_something_else_takes_is_left_alone(runner: BlueprintRunner) -> None:
    taken: list[str] = []

    async def take(report: NewTransaction) -> None:
        if report.transaction.pot_id is not None:
            return
        taken.append(report.transaction.id)
        dedupe_id = f"pay-from-pot-{report.transaction.id}"
        await runner.client.withdraw(runner.home.coin_jar, 3, dedupe_id=dedupe_id)

    account = runner.home.current.id
    stop = async_dispatcher_connect(runner.hass, SIGNAL_NEW_TRANSACTION.format(account), take)
    await runner.create(NAME, **inputs(runner))
    lunch = pay(runner, 300)
    await runner.advance()
    stop()
    assert taken == [lunch]
    assert len(runner.amounts) == 1
    assert len(runner.action_calls) <= 1


async def test_a_transfer_that_the_bank_refuses_is_told(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    break_transfers(runner.server, Answer.error("bad_request.not_allowed", "Not today"))
    pay(runner, 300)
    await runner.advance()
    assert runner.moves == []
    told = FAILED.format("Holiday")
    assert runner.messages == [told]
    assert runner.notifications == [("Test: something went wrong", told)]
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())
    pay(runner, 301)
    await runner.advance(A_WHILE)
    assert runner.amounts == [("Holiday", -301)]


async def test_a_transfer_that_nobody_knows_of_whether_it_was_made_is_told(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner))
    break_transfers(runner.server, LoseResponse(), times=None)
    runner.server.fail("GET", "/transactions", Answer.html(502), after=1, times=None)
    pay(runner, 300)
    await runner.advance()
    runner.server.clear_faults()
    assert runner.amounts == [("Holiday", -300)]
    assert runner.messages == [FAILED.format("Holiday")]
    assert any("may or may not have been moved" in text for text in runner.take_warnings())


async def test_a_payment_is_taken_from_one_pot_only_and_from_the_other_without_a_word(
    runner: BlueprintRunner,
) -> None:
    pots = {"The play": runner.home.holiday, "Another": runner.home.coin_jar}
    automations = [
        {
            "id": name,
            "alias": name,
            "use_blueprint": {
                "path": f"monzo/{NAME}.yaml",
                "input": inputs(runner, pot=runner.device_id(pot)),
            },
        }
        for name, pot in pots.items()
    ]
    assert await async_setup_component(runner.hass, "automation", {"automation": automations})
    pay(runner, 300)
    await runner.advance()
    assert runner.runs == 2
    assert len(runner.moves) == 1
    assert len(runner.action_calls) == 1
    assert runner.notifications == []
    # Both of them at the same moment, so that one was refused.
    assert all(
        "was already used for a different transfer" in text for text in runner.take_warnings()
    )
