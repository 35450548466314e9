"""The blueprint pay_from_pot: a pot pays certain payments back to the account."""

from datetime import timedelta
from typing import Any

from homeassistant.helpers.dispatcher import async_dispatcher_connect, async_dispatcher_send

from custom_components.monzo.const import CONF_MAX_PER_TRANSFER
from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION, NewTransaction
from sandbox.server import Answer, LoseResponse
from tests.helpers.transaction_listener import Listener
from tests.helpers.transfer_faults import break_transfers, change_options

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

NAME = "pay_from_pot"

TEN_MINUTES = timedelta(minutes=10)

FAILED = (
    "Tried to move 3.00 GBP out of {} for Deli. The transfer failed or could not be confirmed. See "
    "the Home Assistant log for the kind of error, and check the Monzo app before you try again."
)


def inputs(runner: BlueprintRunner, **more: Any) -> dict[str, Any]:
    """Return inputs that move money: payments to the deli, from the holiday pot."""
    return {
        "account": runner.device_id(runner.home.current),
        "merchant": "deli",
        "pot": runner.device_id(runner.home.holiday),
        "dry_run": False,
        "then": RECORD_MESSAGE,
        **more,
    }


def pay(runner: BlueprintRunner, amount: int, merchant: str = "Deli") -> str:
    """Pay by card from the current account, and return the transaction's id."""
    return runner.bank.pay(runner.home.current.id, -amount, merchant=merchant).id


async def test_the_exact_amount_of_a_payment_comes_out_of_the_pot(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    lunch = pay(runner, 1_205)
    await runner.advance()
    (move,) = runner.moves
    assert (move.pot, move.amount, move.dedupe_id) == ("Holiday", -1_205, f"pay-from-pot-{lunch}")
    assert runner.messages == ["Moved 12.05 GBP out of Holiday for Deli."]
    assert runner.notifications == []


async def test_each_payment_is_paid_back_once(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    break_transfers(runner.server, LoseResponse())
    for amount in (335, 335, 1):
        pay(runner, amount)
    await runner.advance()
    await runner.advance(TEN_MINUTES)
    assert runner.amounts == [("Holiday", -335), ("Holiday", -335), ("Holiday", -1)]


async def test_a_payment_that_is_reported_twice_is_paid_back_once(runner: BlueprintRunner) -> None:
    listener = Listener(runner.hass, runner.home.current)
    await runner.create(NAME, **inputs(runner))
    lunch = pay(runner, 1_205)
    await runner.advance()
    report = next(each for each in listener.reports if each.transaction.id == lunch)
    async_dispatcher_send(
        runner.hass, SIGNAL_NEW_TRANSACTION.format(runner.home.current.id), report
    )
    await runner.advance()
    assert runner.runs == 2
    assert runner.amounts == [("Holiday", -1_205)]
    assert len(runner.action_calls) == 1


async def test_a_payment_that_settles_at_another_amount_causes_no_other_transfer(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner))
    lunch = pay(runner, 1_000)
    await runner.advance()
    runner.bank.settle(lunch, -1_200)
    await runner.advance(timedelta(hours=2))
    assert runner.amounts == [("Holiday", -1_000)]


async def test_payments_that_do_not_match_are_ignored(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    pay(runner, 500, "Copper Kettle")
    pay(runner, 10_001)
    runner.bank.decline(runner.home.current.id, -500, merchant="Deli")
    runner.bank.refund(runner.home.current.id, 500, merchant="Deli")
    runner.bank.pay(runner.home.joint.id, -500, merchant="Deli")
    await runner.advance(TEN_MINUTES)
    assert runner.runs == 0
    pay(runner, 10_000)
    await runner.advance()
    assert runner.amounts == [("Holiday", -10_000)]


async def test_payments_can_be_chosen_by_category(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, merchant="", category=["transport", "eating_out"]))
    pay(runner, 300, "Greens Market")
    pay(runner, 200, "City Trams")
    pay(runner, 100, "Copper Kettle")
    await runner.advance()
    assert runner.amounts == [("Holiday", -200), ("Holiday", -100)]


async def test_with_a_merchant_and_a_category_both_must_match(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, category=["eating_out"], merchant="e"))
    # The first has only the category, the second only the letter.
    pay(runner, 100, "Sushi Bar")
    pay(runner, 200, "Greens Market")
    pay(runner, 300, "Copper Kettle")
    await runner.advance()
    assert runner.amounts == [("Holiday", -300)]


async def test_without_a_merchant_and_a_category_nothing_matches(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner, merchant=" "))
    pay(runner, 300)
    await runner.advance()
    assert runner.runs == 0
    assert runner.sent == []


async def test_direct_debits_are_paid_back_only_if_they_are_chosen(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner, merchant="mill street", kinds=["direct_debit"]))
    pay(runner, 300, "Mill Street Lettings")
    await runner.advance()
    assert runner.sent == []
    await runner.settle()
    runner.bank.direct_debit(runner.home.current.id, -400, payee="Mill Street Lettings")
    await runner.advance()
    assert runner.amounts == [("Holiday", -400)]


async def test_a_payment_above_the_money_to_spare_in_the_pot_is_reported(
    runner: BlueprintRunner,
) -> None:
    await runner.create(NAME, **inputs(runner, keep_at_least=639))
    pay(runner, 101)
    await runner.advance()
    message = (
        "Did not move 1.01 GBP out of Holiday for Deli. "
        "Holiday holds 640.00 GBP. Moving 1.01 GBP out of it would leave less than the minimum of "
        "639.00 GBP to keep, so this transfer was not made."
    )
    assert runner.messages == [message]
    assert runner.notifications == [("Test: no money was moved", message)]
    assert runner.sent == []
    pay(runner, 100)
    await runner.advance(TEN_MINUTES)
    assert runner.amounts == [("Holiday", -100)]


async def test_late_payments_are_paid_back_only_if_they_are_included(
    runner: BlueprintRunner,
) -> None:
    for late, expected in ((False, []), (True, [("Holiday", -300)])):
        await runner.create(NAME, **inputs(runner, late=late))
        await runner.happen_while_unloaded(lambda: pay(runner, 300))
        assert runner.amounts == expected


async def test_it_runs_only_if_the_conditions_pass(runner: BlueprintRunner) -> None:
    condition = {"condition": "template", "value_template": "{{ trigger.amount < -5 }}"}
    await runner.create(NAME, **inputs(runner, conditions=[condition]))
    pay(runner, 500)
    pay(runner, 501)
    await runner.advance()
    assert runner.amounts == [("Holiday", -501)]


async def test_by_default_it_only_plans(runner: BlueprintRunner) -> None:
    chosen = inputs(runner)
    del chosen["dry_run"]
    await runner.create(NAME, **chosen)
    pay(runner, 1_205)
    await runner.advance()
    plan = "Would move 12.05 GBP out of Holiday for Deli."
    assert runner.notifications == [("Test: plan only", plan)]
    assert runner.messages == [plan]
    assert runner.sent == []


async def test_a_plan_shows_the_error_of_the_transfer(runner: BlueprintRunner) -> None:
    await change_options(runner.client, **{CONF_MAX_PER_TRANSFER: 5})
    await runner.settle()
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


async def test_a_payment_that_another_automation_pays_back_is_not_paid_back_again(
    runner: BlueprintRunner,
) -> None:
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
    # The blueprint may have asked for the transfer at the same time as the other automation.
    assert len(runner.action_calls) <= 1
    assert len(runner.take_warnings()) <= 1


async def test_a_rejected_transfer_is_reported(runner: BlueprintRunner) -> None:
    await runner.create(NAME, **inputs(runner))
    break_transfers(runner.server, Answer.error("bad_request.not_allowed", "Not today"))
    pay(runner, 300)
    await runner.advance()
    assert runner.moves == []
    message = FAILED.format("Holiday")
    assert runner.messages == [message]
    assert runner.notifications == [("Test: something went wrong", message)]
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())
    pay(runner, 301)
    await runner.advance(TEN_MINUTES)
    assert runner.amounts == [("Holiday", -301)]


async def test_a_transfer_that_cannot_be_confirmed_is_reported(
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


async def test_of_two_automations_only_one_pays_back_and_only_that_one_reports_it(
    runner: BlueprintRunner,
) -> None:
    await runner.create_several(
        NAME,
        {
            pot.name: inputs(runner, pot=runner.device_id(pot))
            for pot in (runner.home.holiday, runner.home.coin_jar)
        },
    )
    pay(runner, 300)
    await runner.advance()
    assert runner.runs == 2
    assert len(runner.moves) == 1
    assert len(runner.action_calls) == 1
    assert runner.notifications == []
    # Both ran at the same time, so one transfer was refused.
    assert all(
        "was already used for a different transfer" in text for text in runner.take_warnings()
    )
