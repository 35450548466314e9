"""What the page on moving money shows works as it is shown there."""

from datetime import timedelta
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
import yaml

from custom_components.monzo.services import planned_transfers as autopilot
from custom_components.monzo.services import pot_transfers
from sandbox.household import Household
from tests.helpers.transfer_client import Teller

from .conftest import LetPass

PAGE = (Path(__file__).parents[1] / "docs/moving-money.md").read_text(encoding="utf-8")

EXAMPLES: list[Any] = [
    yaml.safe_load(block)
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
]
STEPS = [example for example in EXAMPLES if isinstance(example, list)]

# What each of them moves, in pence, when 1,500 pounds are in the account, 640 in the holiday pot,
# 18 in the coin jar, and 125.50 are owed on a credit card.
MOVES: list[list[tuple[str, int]]] = [
    [("Holiday", 13_000)],
    [("Coin jar", -1_800)],
    [("Holiday", -50_000)],
    [("Holiday", 100_000)],
    [("Holiday", -2_500), ("Coin jar", 2_500)],
    [],
    [("Rainy day", 2_000), ("Holiday", 1_000)],
]


@pytest.fixture(autouse=True)
async def _amounts(teller: Teller, home: Household) -> None:
    """Have in the purses what the examples were written for."""
    bank = home.bank
    bank.set_round_up(home.coin_jar.id, on=False)
    bank.withdraw(home.coin_jar.id, home.current.id, home.coin_jar.balance - 1_800, "before")
    bank.pay(home.current.id, 150_000 - home.current.balance)
    teller.hass.states.async_set("sensor.credit_card_debt", "125.50")
    teller.forget()


@pytest.mark.parametrize(("steps", "moves"), zip(STEPS, MOVES, strict=True), ids=range(len(STEPS)))
async def test_the_steps_move_what_the_text_says(
    teller: Teller, steps: list[dict[str, Any]], moves: list[tuple[str, int]]
) -> None:
    assert await async_setup_component(teller.hass, "persistent_notification", {})
    assert await async_setup_component(
        teller.hass, "script", {"script": {"example": {"sequence": steps}}}
    )
    await teller.hass.services.async_call("script", "example", blocking=True)
    assert [(move.pot, move.amount) for move in teller.moves] == moves


async def test_a_salary_is_handed_out_as_the_automation_says(
    hass: HomeAssistant, let_pass: LetPass, teller: Teller, home: Household
) -> None:
    (example,) = (example for example in EXAMPLES if isinstance(example, dict))
    await let_pass(timedelta(minutes=6))
    assert await async_setup_component(hass, "automation", example)
    await hass.async_block_till_done()
    row = home.bank.receive(home.current.id, 200_000, sender="Harbour Design Ltd")
    await let_pass(timedelta(minutes=6))
    # An income that is no salary.
    home.bank.receive(home.current.id, 99_999, sender="Ben Baker")
    await let_pass(timedelta(minutes=6))
    assert [(move.pot, move.amount) for move in teller.moves] == [
        ("Rainy day", 30_000),
        ("Holiday", 40_000),
        ("Coin jar", 130_000),
    ]
    assert teller.moves[0].dedupe_id == f"{row.id}/1"


def test_every_action_that_moves_money_is_shown() -> None:
    shown = set(re.findall(r"monzo\.(\w+)", "".join(map(str, EXAMPLES))))
    assert shown == {action.name for action in (*autopilot.ACTIONS, *pot_transfers.ACTIONS)}


def test_every_field_is_explained() -> None:
    for action in (*autopilot.ACTIONS, *pot_transfers.ACTIONS):
        for field in action.schema.schema:
            assert f"`{field}`" in PAGE, (action.name, field)
