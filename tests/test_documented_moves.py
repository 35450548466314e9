"""The page about moving money: every example moves the documented amounts."""

from datetime import timedelta
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from custom_components.monzo.services import planned_transfers, pot_transfers
from sandbox.household import Household
from tests.helpers.examples import ROOT, examples_in
from tests.helpers.transfer_client import TransferClient

from .conftest import AdvanceTime

PAGE = (ROOT / "docs/moving-money.md").read_text(encoding="utf-8")

EXAMPLES = [example.config for example in examples_in("docs/moving-money.md")]
STEPS = [example for example in EXAMPLES if isinstance(example, list)]

# The transfers of each example, in pence. At first the account holds 1,500 pounds, the holiday pot
# 640 and the coin jar 18, and the credit card balance is 125.50 pounds.
MOVES: list[list[tuple[str, int]]] = [
    [],
    [("Holiday", 13_000)],
    [("Coin jar", -1_800)],
    [("Holiday", -50_000)],
    [("Holiday", 100_000)],
    [("Holiday", -2_500), ("Coin jar", 2_500)],
    [("Rainy day", 2_000), ("Holiday", 1_000)],
]


@pytest.fixture(autouse=True)
async def _balances(transfer_client: TransferClient, home: Household) -> None:
    """Set the balances that the examples assume."""
    bank = home.bank
    bank.set_round_up(home.coin_jar.id, on=False)
    bank.withdraw(home.coin_jar.id, home.current.id, home.coin_jar.balance - 1_800, "before")
    bank.pay(home.current.id, 150_000 - home.current.balance)
    transfer_client.hass.states.async_set("sensor.credit_card_debt", "125.50")
    transfer_client.forget()


@pytest.mark.parametrize(("steps", "moves"), zip(STEPS, MOVES, strict=True), ids=range(len(STEPS)))
async def test_an_example_moves_the_documented_amounts(
    transfer_client: TransferClient, steps: list[dict[str, Any]], moves: list[tuple[str, int]]
) -> None:
    assert await async_setup_component(transfer_client.hass, "persistent_notification", {})
    assert await async_setup_component(
        transfer_client.hass, "script", {"script": {"example": {"sequence": steps}}}
    )
    await transfer_client.hass.services.async_call("script", "example", blocking=True)
    assert [(move.pot, move.amount) for move in transfer_client.moves] == moves


async def test_the_automation_distributes_a_salary(
    hass: HomeAssistant, advance_time: AdvanceTime, transfer_client: TransferClient, home: Household
) -> None:
    (example,) = (example for example in EXAMPLES if isinstance(example, dict))
    await advance_time(timedelta(minutes=6))
    assert await async_setup_component(hass, "automation", example)
    await hass.async_block_till_done()
    row = home.bank.receive(home.current.id, 200_000, sender="Harbour Design Ltd")
    await advance_time(timedelta(minutes=6))
    # Other income is not distributed.
    home.bank.receive(home.current.id, 99_999, sender="Ben Baker")
    await advance_time(timedelta(minutes=6))
    assert [(move.pot, move.amount) for move in transfer_client.moves] == [
        ("Rainy day", 30_000),
        ("Holiday", 40_000),
        ("Coin jar", 130_000),
    ]
    assert transfer_client.moves[0].dedupe_id == f"{row.id}/1"


def test_every_action_that_moves_money_has_an_example() -> None:
    shown = set(re.findall(r"monzo\.(\w+)", "".join(map(str, EXAMPLES))))
    assert shown == {action.name for action in (*planned_transfers.ACTIONS, *pot_transfers.ACTIONS)}


def test_every_field_is_explained() -> None:
    for action in (*planned_transfers.ACTIONS, *pot_transfers.ACTIONS):
        for field in action.schema.schema:
            assert f"`{field}`" in PAGE, (action.name, field)
