"""The blueprint answer_questions: sentences, answered by Home Assistant's own agent."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest

from sandbox.bank import LONDON, Bank
from sandbox.household import Household
from sandbox.server import Answer, Edited
from tests.conftest import START, SignIn
from tests.helpers.archive_filler import give_history
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.conversations import said_to
from tests.helpers.state_helpers import entity_id, set_up
from tests.recurring.households import following, monthly
from tests.recurring.payments import until

from .blueprint_runner import BlueprintRunner

BLUEPRINT = "answer_questions"


@pytest.fixture(autouse=True)
async def _in_london(hass: HomeAssistant) -> None:
    await hass.config.async_set_time_zone("Europe/London")


@pytest.fixture(autouse=True)
async def _agent(hass: HomeAssistant, runner: BlueprintRunner) -> None:
    """Set up Home Assistant's own agent."""
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})


async def ask(runner: BlueprintRunner, question: str, device_id: str | None = None) -> str:
    return await said_to(runner.hass, question, device_id)


async def answer(runner: BlueprintRunner, *accounts: Any, **inputs: Any) -> None:
    """Create the automation for some accounts."""
    await runner.create(BLUEPRINT, accounts=[*map(runner.device_id, accounts)], **inputs)


async def test_spending_of_a_period(runner: BlueprintRunner) -> None:
    home, bank = runner.home, runner.bank
    yesterday = START - timedelta(days=1)
    for account in (home.flex, home.rewards):
        bank.pay(account.id, -1_050, merchant="The Tea House", category="eating_out")
        bank.pay(account.id, -4_000, merchant="Corner Deli", category="groceries", at=yesterday)
        # A Sunday, and the month before.
        bank.pay(account.id, -100, category="bills", at=datetime(2026, 9, 13, 12, tzinfo=UTC))
        bank.pay(account.id, -200_000, category="bills", at=datetime(2026, 8, 31, 12, tzinfo=UTC))
    bank.pay(home.joint.id, -9_999, merchant="The Tea House", category="eating_out")
    await runner.advance(timedelta(minutes=6))
    await answer(runner, home.flex, home.rewards)
    for question, said in {
        "How much did we spend today?": "£21.00 today.",
        "how much did I spend yesterday": "£80.00 yesterday.",
        "How much have we spent this week?": "£101.00 this week.",
        "How much did we spend last week": "£2.00 last week.",
        "How much did we spend this month?": "£103.00 this month.",
        "How much did we spend last month?": "£4,000.00 last month.",
        "How much did we spend on groceries this month?": "£80.00 on groceries this month.",
        "How much did I spend on eating out this week?": "£21.00 on eating out this week.",
        "How much did we spend at the tea house today?": "£21.00 at the tea house today.",
        "How much did we spend at the deli yesterday?": "£80.00 at the deli yesterday.",
        "How much did we spend on Flex this month?": "£51.50 from flex this month.",
        "How much did we spend on holidays last month": "£0.00 on holidays last month.",
    }.items():
        assert await ask(runner, question) == said, question
    assert runner.sent == []


async def test_payments_that_could_not_be_read_are_said(runner: BlueprintRunner) -> None:
    await answer(runner, runner.home.flex)
    unknown = "I could not get all payments of that time."
    # Without a sign-in just before, the bank shows 89 days.
    assert await ask(runner, "How much did we spend this year?") == unknown
    runner.server.fail("GET", "/transactions", Answer.html(502), times=None)
    assert await ask(runner, "How much did we spend last month?") == unknown
    assert runner.take_warnings()


async def test_an_account_does_not_count_again_for_another_that_could_not_be_read(
    runner: BlueprintRunner,
) -> None:
    home = runner.home
    runner.bank.pay(home.flex.id, -1_050, merchant="The Tea House")
    await runner.advance(timedelta(minutes=6))
    await answer(runner, home.flex, home.rewards)
    assert await ask(runner, "How much did we spend today?") == "£10.50 today."
    runner.server.fail("GET", "/transactions", Answer.html(502), times=None, after=1)
    assert await ask(runner, "How much did we spend today?") == (
        "I could not get all payments of that time."
    )
    runner.take_warnings()


async def test_an_incomplete_sum_is_called_so(runner: BlueprintRunner) -> None:
    runner.bank.pay(runner.home.flex.id, -1_050, merchant="The Tea House")

    def with_an_unreadable_one(page: dict[str, Any]) -> object:
        return {"transactions": [*page["transactions"], {}]}

    await runner.advance(timedelta(minutes=6))
    await answer(runner, runner.home.flex)
    runner.server.fail("GET", "/transactions", Edited(with_an_unreadable_one), times=None)
    assert await ask(runner, "How much did we spend today?") == "At least £10.50 today."
    runner.take_warnings()


async def test_bills_and_what_is_left(
    hass: HomeAssistant, bank: Bank, home: Household, runner: BlueprintRunner
) -> None:
    assert await async_setup_component(hass, "persistent_notification", {})
    await answer(runner, home.current)
    assert await ask(runner, "When is the next bill?") == (
        "I do not know of any bill that is to come."
    )
    assert runner.take_warnings()
    assert await ask(runner, "What is left until pay day?") == (
        "No account is set up for that question."
    )
    days = until(monthly(date(2026, 1, 1), 18, following), START.date())
    for day in days:
        at = datetime.combine(day, time(5, 40), LONDON).astimezone(UTC)
        bank.direct_debit(home.current.id, -3_400, payee="Threadnet Broadband", at=at)
    home.current.balance = 100_000
    await give_history(hass, home, runner.entry)
    await runner.advance(timedelta(minutes=6))
    runner.take_warnings()
    left = runner.entity_id(home.current, "left_to_spend")
    await answer(runner, home.current, left_to_spend=[left])
    assert await ask(runner, "When is the next bill?") == (
        "Threadnet Broadband: £34.00 on Friday, 18 September."
    )
    shown = hass.states.get(left)
    assert shown
    expected = float(shown.state)
    said = f"£{expected:,.2f} until pay day on Wednesday, 30 September."
    for question in ("What is left until payday?", "How much can we still spend before pay day"):
        assert await ask(runner, question) == said
    estimated = {**shown.attributes, "exact": False}
    hass.states.async_set(left, str(expected), estimated)
    assert await ask(runner, "What is left until pay day?") == f"About {said}"
    await runner.advance(timedelta(days=1))
    assert await ask(runner, "What is the next payment?") == "Threadnet Broadband: £34.00 tomorrow."
    runner.take_warnings()


async def test_balances_by_name(runner: BlueprintRunner) -> None:
    home = runner.home
    await answer(
        runner,
        home.current,
        balances=[
            runner.entity_id(home.current, "balance"),
            runner.entity_id(home.flex, "balance"),
            runner.entity_id(home.holiday, "pot_balance"),
        ],
    )
    assert await ask(runner, "How much is in the holiday pot?") == "Holiday: £640.00."
    assert await ask(runner, "What is the balance of my flex?") == "Flex: -£125.00."
    current = f"Current account: £{home.current.balance / 100:,.2f}."
    assert await ask(runner, "what's the balance of the current account") == current
    assert await ask(runner, "How much money is in the bicycle pot?") == (
        "I do not know that account or pot. I know: Current account, Flex, Holiday."
    )
    await answer(runner, home.current)
    assert await ask(runner, "How much money is in the holiday pot?") == (
        "I do not know that account or pot. I know: none."
    )


async def test_budgets_by_name(
    hass: HomeAssistant, home: Household, sign_in: SignIn, runner: BlueprintRunner
) -> None:
    entry = sign_in(
        home.ben,
        **with_budgets(
            budget(home.bens, title="Eating out", merchant="Nowhere"),
            budget(home.bens, title="Gone", accounts=["acc_gone"]),
        ),
    )
    await set_up(hass, entry)
    left = [entity_id(hass, budget_id, "budget_left") for budget_id in entry.subentries]
    await answer(runner, home.current, budgets=left)
    assert await ask(runner, "How much is left of the eating out budget?") == (
        "Eating out: £300.00 left."
    )
    assert await ask(runner, "What is left in our gone budget") == "Gone: unknown at the moment."


async def test_only_those_who_may_ask_get_an_answer(
    hass: HomeAssistant, runner: BlueprintRunner
) -> None:
    kitchen, bedroom = (
        dr.async_get(hass).async_get_or_create(
            config_entry_id=runner.entry.entry_id, identifiers={("test", name)}
        )
        for name in ("kitchen", "bedroom")
    )
    question = "How much did we spend today?"
    await answer(runner, runner.home.flex, devices=[bedroom.id])
    assert await ask(runner, question, device_id=kitchen.id) == "That is private."
    assert await ask(runner, question) == "That is private."
    assert await ask(runner, question, device_id=bedroom.id) == "£0.00 today."

    at_home = {"condition": "state", "entity_id": "person.ann", "state": "home"}
    await answer(runner, runner.home.flex, only_if=[at_home])
    hass.states.async_set("person.ann", "not_home")
    assert await ask(runner, question) == "That is private."
    hass.states.async_set("person.ann", "home")
    assert await ask(runner, question) == "£0.00 today."
