"""Budgets of a household, over the sandbox bank."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.restart import restart
from tests.helpers.state_helpers import set_up, shown, value
from tests.helpers.stopped_clock import StoppedClock

SOON = timedelta(minutes=2)


@pytest.fixture(autouse=True)
async def _in_london(hass: HomeAssistant) -> None:
    await hass.config.async_set_time_zone("Europe/London")


def ids(entry: ConfigEntry) -> list[str]:
    return list(entry.subentries)


async def spending(
    hass: HomeAssistant, entry: ConfigEntry, account_id: str, since: datetime
) -> float:
    """Return the total that the action get_spending returns."""
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, account_id), entry.entry_id)
    assert device
    response = await hass.services.async_call(
        DOMAIN,
        "get_spending",
        {"account": device.id, "since": since},
        blocking=True,
        return_response=True,
    )
    assert response
    total = response["total"]
    assert isinstance(total, float)
    return total


async def test_a_budget_follows_payments_refunds_and_corrections_to_the_penny(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(
        home.ann, **with_budgets(budget(home.current, merchant="Tea House", limit="50"))
    )
    await set_up(hass, entry)
    (tea,) = ids(entry)
    assert value(hass, tea, "budget_spent") == "0.00"
    assert value(hass, tea, "budget_limit", "number") == "50.0"

    payment = bank.pay(home.current.id, -1_050, merchant="The Tea House")
    bank.pay(home.current.id, -2_000, merchant="Deli")
    await advance_time(SOON)
    assert value(hass, tea, "budget_spent") == "10.50"
    assert value(hass, tea, "budget_left") == "39.50"
    assert value(hass, tea, "budget_used") == "21.0"
    # 15 days are left of September, with today.
    assert value(hass, tea, "budget_left_per_day") == "2.63"
    # 10.50 in 16 days becomes 19.69 in 30.
    assert value(hass, tea, "budget_projected") == "19.69"
    assert value(hass, tea, "over_budget", "binary_sensor") == "off"

    bank.settle(payment.id, -1_100)
    bank.pay(home.current.id, -3_901, merchant="Tea House")
    await advance_time(timedelta(hours=1))
    assert value(hass, tea, "budget_spent") == "50.01"
    assert value(hass, tea, "budget_left") == "-0.01"
    assert value(hass, tea, "over_budget", "binary_sensor") == "on"

    bank.refund(home.current.id, 901, merchant="Tea House")
    await advance_time(SOON)
    assert value(hass, tea, "budget_spent") == "41.00"
    assert value(hass, tea, "over_budget", "binary_sensor") == "off"


async def test_budgets_of_all_categories_add_up_to_get_spending(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    categories = ("bills", "eating_out", "groceries", "general", "holidays", "transport")
    others = ("cash", "entertainment", "expenses", "shopping", "transfers", "savings", "income")
    entry = sign_in(
        home.ann,
        **with_budgets(
            *(budget(home.current, title=it, categories=[it]) for it in (*categories, *others)),
            budget(home.current, title="Everything"),
        ),
    )
    await set_up(hass, entry)
    *by_category, everything = ids(entry)

    async def agree() -> None:
        total = float(value(hass, everything, "budget_spent"))
        of_budgets = sum(round(100 * float(value(hass, it, "budget_spent"))) for it in by_category)
        assert of_budgets == round(100 * total)
        september = datetime(2026, 8, 31, 23, tzinfo=UTC)
        assert total == await spending(hass, entry, home.current.id, september)

    await agree()
    hotel = bank.pay(home.current.id, -12_000, merchant="Grand Hotel")
    bank.direct_debit(home.current.id, -4_599)
    bank.decline(home.current.id, -9_900, merchant="Deli")
    bank.p2p(home.current.id, home.joint.id, 5_000)
    bank.receive(home.current.id, 1_500, include_in_spending=True)
    bank.refund(home.current.id, 350, merchant="Deli")
    bank.deposit(home.holiday.id, home.current.id, 2_000, dedupe_id="pots")
    await advance_time(SOON)
    await agree()
    assert float(value(hass, everything, "budget_spent")) > 0

    bank.transaction(hotel.id).category = "holidays"
    bank.pay(home.current.id, -1_000, merchant="Deli").categories = {
        "groceries": -400,
        "eating_out": -600,
    }
    await advance_time(timedelta(hours=1, minutes=2))
    await agree()
    bank.release(hotel.id)
    await advance_time(timedelta(hours=1, minutes=2))
    await agree()


async def test_the_rest_of_a_month_is_carried_over(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    sign_in: SignIn,
    freezer: StoppedClock,
    advance_time: AdvanceTime,
) -> None:
    tea: dict[str, Any] = {"merchant": "Tea House", "limit": "50"}
    entry = sign_in(
        home.ann,
        **with_budgets(
            budget(home.current, title="Tea", **tea),
            budget(home.current, title="Tea", **tea, carry_since="2026-09-16"),
        ),
    )
    await set_up(hass, entry)
    plain, carrying = ids(entry)
    bank.pay(home.current.id, -2_000, merchant="Tea House")
    await advance_time(SOON)
    assert value(hass, plain, "budget_left") == value(hass, carrying, "budget_left") == "30.00"

    for moment in ("2026-09-21", "2026-09-26", "2026-09-30T22:59"):
        freezer.move_to(moment)
        await advance_time(timedelta(seconds=30))
    assert value(hass, plain, "budget_left") == "30.00"
    assert shown(hass, plain, "budget_spent").attributes["last_reset"] == (
        "2026-08-31T23:00:00+00:00"
    )
    # Midnight in London, where summer time has not ended yet.
    await advance_time(timedelta(seconds=32))
    assert value(hass, plain, "budget_spent") == value(hass, carrying, "budget_spent") == "0.00"
    assert value(hass, plain, "budget_left") == "50.00"
    assert value(hass, carrying, "budget_left") == "80.00"
    assert shown(hass, plain, "budget_spent").attributes["last_reset"] == (
        "2026-09-30T23:00:00+00:00"
    )

    # A lower limit counts from this month on, and leaves what September left over.
    await hass.services.async_call(
        "number",
        "set_value",
        {"entity_id": shown(hass, carrying, "budget_limit", "number").entity_id, "value": 10},
        blocking=True,
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert value(hass, carrying, "budget_left") == "40.00"

    # A later correction of September changes what October has.
    payment = bank.transactions(home.current.id)[-1]
    bank.settle(payment.id, -1_500)
    await advance_time(timedelta(hours=2))
    assert value(hass, carrying, "budget_left") == "45.00"
    assert value(hass, plain, "budget_left") == "50.00"


async def test_budgets_cost_no_request_to_the_bank(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    """A hundred budgets of different kinds, of which one is as good as another."""
    many = [
        budget(home.current, home.joint, merchant=f"Shop {number}", period=period, limit="1")
        for number in range(25)
        for period in ("month", "week", "year", "month")
    ]
    entry = sign_in(home.ann, **with_budgets(*many))
    await set_up(hass, entry)
    requests = len(server.requests)
    limit = shown(hass, ids(entry)[0], "budget_limit", "number").entity_id
    await hass.services.async_call(
        "number", "set_value", {"entity_id": limit, "value": 2}, blocking=True
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    assert value(hass, ids(entry)[0], "budget_left") == "2.00"
    assert len(server.requests) == requests

    bank.pay(home.joint.id, -250, merchant="Shop 24")
    await advance_time(SOON)
    *_others, month, week, _year, again = ids(entry)
    for budget_id in (month, week, again):
        assert value(hass, budget_id, "budget_spent") == "2.50"
    assert value(hass, ids(entry)[0], "budget_spent") == "0.00"


# Unknown


async def test_an_unknown_budget_shows_the_reason(
    hass: HomeAssistant, home: Household, sign_in: SignIn
) -> None:
    entry = sign_in(
        home.ann,
        **with_budgets(
            budget(home.current, title="Month"),
            budget(home.current, title="Merchant", merchant="Deli"),
            budget(home.current, title="Tag", tag="lunch"),
            budget(home.current, title="Year", period="year"),
            budget(home.current, title="Gone", accounts=["acc_gone"]),
            keep_transactions="needed",
        ),
    )
    await set_up(hass, entry)
    reasons = {
        shown(hass, it, "budget_spent").name: shown(hass, it, "budget_spent").attributes["reason"]
        for it in ids(entry)
    }
    assert reasons == {
        "Month Spent": None,
        "Merchant Spent": "no_details",
        "Tag Spent": "no_details",
        "Year Spent": "not_covered",
        "Gone Spent": "account_missing",
    }
    month, *others = ids(entry)
    assert float(value(hass, month, "budget_spent")) > 0
    for budget_id in others:
        assert value(hass, budget_id, "budget_spent") == "unknown"
        assert value(hass, budget_id, "over_budget", "binary_sensor") == "unknown"
        assert value(hass, budget_id, "budget_limit", "number") == "300.0"


async def test_an_account_that_was_closed_leaves_the_budget_with_its_settings(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    entry = sign_in(home.ann, **with_budgets(budget(home.current, home.joint)))
    await set_up(hass, entry)
    (both,) = ids(entry)
    settings = dict(entry.subentries[both].data)
    assert value(hass, both, "budget_spent") != "unknown"
    bank.close_account(home.joint.id)
    await advance_time(timedelta(hours=1, minutes=2))
    assert value(hass, both, "budget_spent") == "unknown"
    assert shown(hass, both, "budget_left").attributes["reason"] == "account_missing"
    assert dict(entry.subentries[both].data) == settings


async def test_a_restart_shows_the_same_numbers(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann, **with_budgets(budget(home.current, merchant="Deli")))
    await set_up(hass, entry)
    (deli,) = ids(entry)
    before = float(value(hass, deli, "budget_spent"))
    bank.pay(home.current.id, -500, merchant="Deli")
    await restart(hass, entry)
    assert float(value(hass, deli, "budget_spent")) == pytest.approx(before + 5)
