"""The trigger for unusual amounts, over the sandbox bank."""

from datetime import UTC, datetime, timedelta

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS
from sandbox.bank import Bank
from sandbox.models import Account
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.automations import not_triggered_reasons, set_up_automation
from tests.helpers.state_helpers import set_up, set_up_and_import
from tests.helpers.stopped_clock import StoppedClock

NOW = datetime(2027, 6, 16, 10, tzinfo=UTC)

SOON = timedelta(minutes=2)


@pytest.fixture
def account(bank: Bank, freezer: StoppedClock) -> Account:
    """Return an account from which a market and a café were paid in each of the last ten weeks."""
    freezer.move_to(NOW)
    account = bank.open_account(
        bank.add_person("Cleo Clark"), balance=500_000, created=NOW - timedelta(days=200)
    )
    for week in range(10, 0, -1):
        at = NOW - timedelta(weeks=week)
        bank.pay(
            account.id,
            -2_000 - 10 * week,
            merchant="Greens Market",
            category="groceries",
            pending=False,
            at=at,
        )
        bank.pay(
            account.id,
            -300,
            merchant="Copper Kettle",
            category="eating_out",
            pending=False,
            at=at,
        )
    return account


@pytest.fixture
async def _with_history(
    hass: HomeAssistant, account: Account, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    entry = sign_in(account.owners[0], options={CONF_KEEP_TRANSACTIONS: "everything"})
    await set_up_and_import(hass, entry, advance_time, polls=6)


@pytest.mark.usefixtures("_with_history")
async def test_an_unusual_payment_triggers_once_with_the_usual_amount(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    runs = await set_up_automation(hass, {"trigger": "monzo.unusual_amount"})

    usual = bank.pay(account.id, -2_500, merchant="Greens Market", category="groceries")
    await advance_time(SOON)
    feast = bank.pay(account.id, -9_000, merchant="Greens Market", category="groceries")
    await advance_time(SOON)
    assert [
        (run["transaction_id"], run["amount"], run["usual_amount"], run["usual_of_payments"])
        for run in runs
    ] == [(feast.id, -90.0, 20.6, 11)]
    assert (runs[0]["name"], runs[0]["kind"]) == ("Greens Market", "card_payment")

    # A higher amount when it settles is the same payment.
    bank.settle(feast.id, -9_900)
    bank.settle(usual.id)
    # A new merchant, and a transfer to the own pot.
    bank.pay(account.id, -9_000, merchant="Boat Yard", category="holidays")
    pot = bank.open_pot(account.id, "Holiday")
    bank.deposit(pot.id, account.id, 90_000, "in")
    await advance_time(SOON)
    await advance_time(timedelta(hours=2))
    assert len(runs) == 1
    assert await not_triggered_reasons(hass, hass_ws_client) == ["not_unusual", "too_few_payments"]


@pytest.mark.usefixtures("_with_history")
async def test_a_payment_can_be_compared_with_its_category(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    advance_time: AdvanceTime,
) -> None:
    options = {"compare_with": "category", "at_least": 10, "except_merchants": ["Noodle"]}
    runs = await set_up_automation(hass, {"trigger": "monzo.unusual_amount", "options": options})
    for amount, merchant in ((-900, "Bakery"), (-1_500, "Noodle Corner"), (-1_400, "Pizzeria")):
        bank.pay(account.id, amount, merchant=merchant, category="eating_out")
    await advance_time(SOON)
    assert [(run["name"], run["usual_amount"]) for run in runs] == [("Pizzeria", 3.0)]


async def test_without_history_nothing_is_usual(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    entry = sign_in(account.owners[0])
    await set_up(hass, entry)
    await advance_time(SOON)
    runs = await set_up_automation(hass, {"trigger": "monzo.unusual_amount"})
    bank.pay(account.id, -9_000, merchant="Greens Market", category="groceries")
    await advance_time(SOON)
    assert runs == []
    assert await not_triggered_reasons(hass, hass_ws_client) == ["too_few_payments"]
