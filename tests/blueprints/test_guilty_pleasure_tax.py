"""A tax on guilty pleasures."""

from typing import Any

from homeassistant.helpers.dispatcher import async_dispatcher_send
import pytest

from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION
from sandbox.server import Answer
from tests.helpers.transaction_listener import Listener
from tests.helpers.transfer_faults import break_transfers

from .conftest import A_WHILE
from .stage import Stage


async def tax(stage: Stage, **inputs: Any) -> None:
    """Tax kebabs with 10 percent, which go into a pot of the joint account."""
    await stage.play(
        "guilty_pleasure_tax",
        **{
            "merchants": ["kebab"],
            "pot": stage.device(stage.home.bills),
            "dry_run": False,
            "then": [{"action": "test.hear", "data": {"message": "{{ message }}"}}],
            **inputs,
        },
    )


async def pay(stage: Stage, amount: int, merchant: str = "Kebab Corner", **more: Any) -> str:
    """Pay by the card of the joint account, and have that noticed; return the transaction's id."""
    row = stage.bank.pay(stage.home.joint.id, amount, merchant=merchant, **more)
    await stage.let_pass()
    return row.id


async def test_a_guilty_pleasure_is_taxed_once(stage: Stage) -> None:
    await tax(stage)
    transaction_id = await pay(stage, -850)
    (move,) = stage.moves
    assert (move.pot, move.amount) == ("Bills", 85)
    assert transaction_id in move.dedupe_id
    assert [call["message"] for call in stage.heard] == [
        "Moved 0.85 GBP into Bills for a payment of 8.50 to Kebab Corner."
    ]
    assert stage.notifications == []


async def test_a_payment_that_is_told_again_is_not_taxed_again(stage: Stage) -> None:
    ear = Listener(stage.hass, stage.home.joint)
    await tax(stage)
    await pay(stage, -850)
    report = ear.reports[0]
    async_dispatcher_send(stage.hass, SIGNAL_NEW_TRANSACTION.format(stage.home.joint.id), report)
    await stage.let_pass()
    assert stage.runs == 2
    assert stage.amounts == [("Bills", 85)]
    assert len(stage.heard) == 1


async def test_other_payments_are_not_taxed(stage: Stage) -> None:
    await tax(stage)
    await pay(stage, -850, "Greengrocer")
    stage.bank.decline(stage.home.joint.id, -850, merchant="Kebab Corner")
    stage.bank.refund(stage.home.joint.id, 850, merchant="Kebab Corner")
    await stage.let_pass(A_WHILE)
    assert stage.runs == 0
    assert stage.sent == []


@pytest.mark.parametrize(
    "inputs",
    [
        {"merchants": ["pizza", " KEBAB "]},
        {"merchants": [], "categories": ["shopping", "eating_out"]},
        {"merchants": ["pizza"], "categories": ["eating_out"]},
        {"merchants": ["kebab"], "categories": ["shopping"]},
    ],
    ids=["one of several texts", "one of several categories", "the category", "the text"],
)
async def test_one_that_fits_is_enough(stage: Stage, inputs: dict[str, Any]) -> None:
    await tax(stage, **inputs)
    await pay(stage, -1_000, category="eating_out")
    assert stage.amounts == [("Bills", 100)]


@pytest.mark.parametrize(
    "inputs",
    [
        {"merchants": []},
        {"merchants": ["", "  "]},
        {"merchants": ["pizza"], "categories": ["cash"]},
    ],
    ids=["nothing chosen", "empty texts", "others chosen"],
)
async def test_what_is_not_chosen_is_not_taxed(stage: Stage, inputs: dict[str, Any]) -> None:
    await tax(stage, **inputs)
    await pay(stage, -1_000, category="eating_out")
    assert stage.runs == 0
    assert stage.sent == []


@pytest.mark.parametrize(
    ("inputs", "paid", "expected"),
    [
        ({"percentage": 10}, -1_999, 199),
        ({"percentage": 100}, -1_999, 1_999),
        ({"percentage": 0.29}, -100_000, 290),
        ({"percentage": 17.5, "fixed": 0.1}, -333, 68),
        ({"percentage": 0, "fixed": 1.1}, -1, 110),
        ({"percentage": 50, "most": 2.3}, -50_000, 230),
        ({"percentage": 50, "fixed": 1, "most": 2.3}, -200, 200),
    ],
    ids=[
        "fractions are left out",
        "all of it",
        "a small percentage",
        "both",
        "a fixed sum",
        "at most",
        "less than at most",
    ],
)
async def test_the_tax_is_exact_to_the_penny(
    stage: Stage, inputs: dict[str, Any], paid: int, expected: int
) -> None:
    await tax(stage, **{"most": 1_000, **inputs})
    await pay(stage, paid)
    assert stage.amounts == [("Bills", expected)]


async def test_a_tax_of_less_than_a_penny_is_none(stage: Stage) -> None:
    await tax(stage)
    await pay(stage, -9)
    assert stage.runs == 0


async def test_it_only_plans_until_it_is_told_otherwise(stage: Stage) -> None:
    await tax(stage, dry_run=True)
    await pay(stage, -850)
    assert stage.sent == []
    assert stage.notifications == [
        (
            "The play: plan only",
            "Would move 0.85 GBP into Bills for a payment of 8.50 to Kebab Corner.",
        )
    ]


async def test_a_condition_that_is_not_met_taxes_nothing(stage: Stage) -> None:
    await tax(stage, conditions=[{"condition": "template", "value_template": "{{ false }}"}])
    await pay(stage, -850)
    assert stage.runs == 0
    assert stage.sent == []


@pytest.mark.parametrize(
    ("inputs", "moved"), [({}, []), ({"late": True}, [("Bills", 85)])], ids=["not", "if wanted"]
)
async def test_what_is_learned_of_late_is_taxed_if_that_is_wanted(
    stage: Stage, inputs: dict[str, Any], moved: list[tuple[str, int]]
) -> None:
    await tax(stage, **inputs)
    await stage.miss(lambda: stage.bank.pay(stage.home.joint.id, -850, merchant="Kebab Corner"))
    assert stage.amounts == moved


async def test_only_the_chosen_accounts_are_taxed(stage: Stage) -> None:
    await tax(stage, accounts=[stage.device(stage.home.current)])
    await pay(stage, -850)
    assert stage.runs == 0
    assert stage.sent == []


async def test_what_is_to_be_kept_in_the_account_is_kept(stage: Stage) -> None:
    await tax(stage, keep_at_least=stage.home.joint.balance / 100)
    await pay(stage, -850)
    assert stage.sent == []
    (call,) = stage.heard
    assert call["message"].startswith("Did not move 0.85 GBP into Bills for a payment of 8.50 to")


async def test_several_payments_are_taxed_each_for_itself(stage: Stage) -> None:
    await tax(stage)
    for amount in (-100, -200, -200):
        stage.bank.pay(stage.home.joint.id, amount, merchant="Kebab Corner")
    await stage.let_pass()
    assert stage.amounts == [("Bills", 10), ("Bills", 20), ("Bills", 20)]


async def test_a_tax_that_the_bank_refuses_is_told(stage: Stage) -> None:
    await tax(stage)
    break_transfers(stage.server, Answer.error("bad_request.not_allowed", "Not today"))
    await pay(stage, -850)
    assert stage.moves == []
    told = (
        "Tried to move 0.85 GBP into Bills for a payment of 8.50 to Kebab Corner. "
        "The transfer failed or could not be confirmed. See the Home Assistant log for details, "
        "and check the Monzo app before you try again."
    )
    assert stage.heard == [{"message": told}]
    assert stage.notifications == [("The play: something went wrong", told)]
    assert any("Monzo rejected the transfer" in text for text in stage.complaints())
