"""The blueprint guilty_pleasure_tax: a part of certain payments goes into a pot."""

from typing import Any

from homeassistant.helpers.dispatcher import async_dispatcher_send

from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION
from sandbox.server import Answer
from tests.helpers.transaction_listener import Listener
from tests.helpers.transfer_faults import break_transfers

from .blueprint_runner import BlueprintRunner
from .conftest import ALL_TRANSACTIONS_READ


async def tax(runner: BlueprintRunner, **inputs: Any) -> None:
    """Tax kebabs with 10 percent, which go into a pot of the joint account."""
    await runner.create(
        "guilty_pleasure_tax",
        **{
            "merchants": ["kebab"],
            "pot": runner.device_id(runner.home.bills),
            "dry_run": False,
            "then": [{"action": "test.record", "data": {"message": "{{ message }}"}}],
            **inputs,
        },
    )


async def pay(
    runner: BlueprintRunner, amount: int, merchant: str = "Kebab Corner", **more: Any
) -> str:
    """Pay by card from the joint account, poll, and return the transaction's id."""
    row = runner.bank.pay(runner.home.joint.id, amount, merchant=merchant, **more)
    await runner.advance()
    return row.id


async def test_a_matching_payment_is_taxed_once(runner: BlueprintRunner) -> None:
    await tax(runner)
    transaction_id = await pay(runner, -850)
    (move,) = runner.moves
    assert (move.pot, move.amount) == ("Bills", 85)
    assert transaction_id in move.dedupe_id
    assert [call["message"] for call in runner.action_calls] == [
        "Moved 0.85 GBP into Bills for a payment of 8.50 to Kebab Corner."
    ]
    assert runner.notifications == []


async def test_a_payment_that_is_reported_twice_is_taxed_once(runner: BlueprintRunner) -> None:
    ear = Listener(runner.hass, runner.home.joint)
    await tax(runner)
    await pay(runner, -850)
    report = ear.reports[0]
    async_dispatcher_send(runner.hass, SIGNAL_NEW_TRANSACTION.format(runner.home.joint.id), report)
    await runner.advance()
    assert runner.runs == 2
    assert runner.amounts == [("Bills", 85)]
    assert len(runner.action_calls) == 1


async def test_other_merchants_declined_payments_and_refunds_are_not_taxed(
    runner: BlueprintRunner,
) -> None:
    await tax(runner)
    await pay(runner, -850, "Greengrocer")
    runner.bank.decline(runner.home.joint.id, -850, merchant="Kebab Corner")
    runner.bank.refund(runner.home.joint.id, 850, merchant="Kebab Corner")
    await runner.advance(ALL_TRANSACTIONS_READ)
    assert runner.runs == 0
    assert runner.sent == []


async def test_one_matching_text_or_category_is_enough(runner: BlueprintRunner) -> None:
    inputs: dict[str, Any]
    for inputs in (
        {"merchants": ["pizza", " KEBAB "]},
        {"merchants": [], "categories": ["shopping", "eating_out"]},
        {"merchants": ["pizza"], "categories": ["eating_out"]},
        {"merchants": ["kebab"], "categories": ["shopping"]},
    ):
        await tax(runner, **inputs)
        await pay(runner, -1_000, category="eating_out")
        assert runner.amounts == [("Bills", 100)], inputs
        await runner.settle()


async def test_payments_that_are_not_chosen_are_not_taxed(runner: BlueprintRunner) -> None:
    inputs: dict[str, Any]
    for inputs in (
        {"merchants": []},
        {"merchants": ["", "  "]},
        {"merchants": ["pizza"], "categories": ["cash"]},
        {"conditions": [{"condition": "template", "value_template": "{{ false }}"}]},
        {"accounts": [runner.device_id(runner.home.current)]},
    ):
        await tax(runner, **inputs)
        await pay(runner, -1_000, category="eating_out")
        assert (runner.runs, runner.sent) == (0, []), inputs


async def test_the_tax_is_exact_to_the_penny(runner: BlueprintRunner) -> None:
    runner.bank.receive(runner.home.joint.id, 1_000_000)
    await runner.advance()
    inputs: dict[str, Any]
    for inputs, paid, expected in (
        # Fractions of a penny are rounded down.
        ({}, -9, []),
        ({"percentage": 10}, -1_999, [199]),
        ({"percentage": 100}, -1_999, [1_999]),
        ({"percentage": 0.29}, -100_000, [290]),
        ({"percentage": 17.5, "fixed": 0.1}, -333, [68]),
        ({"percentage": 0, "fixed": 1.1}, -1, [110]),
        # At most a maximum.
        ({"percentage": 50, "most": 2.3}, -50_000, [230]),
        ({"percentage": 50, "fixed": 1, "most": 2.3}, -200, [200]),
    ):
        await tax(runner, **{"most": 1_000, **inputs})
        await pay(runner, paid)
        assert [move.amount for move in runner.moves] == expected, (inputs, paid)
        assert runner.runs == len(expected)
        await runner.settle()


async def test_with_plan_only_it_shows_a_plan_and_moves_nothing(runner: BlueprintRunner) -> None:
    await tax(runner, dry_run=True)
    await pay(runner, -850)
    assert runner.sent == []
    assert runner.notifications == [
        (
            "Test: plan only",
            "Would move 0.85 GBP into Bills for a payment of 8.50 to Kebab Corner.",
        )
    ]


async def test_late_payments_are_taxed_only_if_they_are_included(runner: BlueprintRunner) -> None:
    for late, expected in ((False, []), (True, [("Bills", 85)])):
        await tax(runner, late=late)
        await runner.happen_while_unloaded(
            lambda: runner.bank.pay(runner.home.joint.id, -850, merchant="Kebab Corner")
        )
        assert runner.amounts == expected


async def test_the_minimum_to_keep_stays_in_the_account(runner: BlueprintRunner) -> None:
    await tax(runner, keep_at_least=runner.home.joint.balance / 100)
    await pay(runner, -850)
    assert runner.sent == []
    (call,) = runner.action_calls
    assert call["message"].startswith("Did not move 0.85 GBP into Bills for a payment of 8.50 to")


async def test_several_payments_are_taxed_separately(runner: BlueprintRunner) -> None:
    await tax(runner)
    for amount in (-100, -200, -200):
        runner.bank.pay(runner.home.joint.id, amount, merchant="Kebab Corner")
    await runner.advance()
    assert runner.amounts == [("Bills", 10), ("Bills", 20), ("Bills", 20)]


async def test_a_rejected_transfer_is_reported(runner: BlueprintRunner) -> None:
    await tax(runner)
    break_transfers(runner.server, Answer.error("bad_request.not_allowed", "Not today"))
    await pay(runner, -850)
    assert runner.moves == []
    told = (
        "Tried to move 0.85 GBP into Bills for a payment of 8.50 to Kebab Corner. "
        "The transfer failed or could not be confirmed. "
        "See the Home Assistant log for the kind of error, "
        "and check the Monzo app before you try again."
    )
    assert runner.messages == [told]
    assert runner.notifications == [("Test: something went wrong", told)]
    assert any("Monzo rejected the transfer" in text for text in runner.take_warnings())
