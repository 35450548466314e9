"""Budgets of a person with a salary and bills: pay cycles, and recurring payments."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from sandbox.bank import LONDON, Bank
from sandbox.models import Account, Person
from tests.conftest import START, AdvanceTime, SignIn
from tests.helpers.archive_filler import fill_archive
from tests.helpers.automations import set_up_automation
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.restart import restart
from tests.helpers.state_helpers import set_up, shown, value
from tests.helpers.stopped_clock import StoppedClock
from tests.recurring.households import following, monthly, preceding
from tests.recurring.payments import until

SOON = timedelta(minutes=6)
BEGIN = date(2026, 1, 1)


def moments(days: Any) -> list[datetime]:
    """Return the moments of payments on days in London, early in the morning."""
    return [
        datetime.combine(day, time(5, 40), LONDON).astimezone(UTC)
        for day in until(days, START.date())
    ]


@pytest.fixture
async def dora(hass: HomeAssistant, bank: Bank) -> Person:
    """Return a person who lives in London, and has no account yet."""
    await hass.config.async_set_time_zone("Europe/London")
    return bank.add_person("Dora Dent")


@pytest.fixture
def account(bank: Bank, dora: Person) -> Account:
    """Return her account: a salary on the 25th, a rent on the 1st, and broadband on the 18th.

    It is Wednesday, 16 September 2026. Nothing else was ever paid.
    """
    account = bank.open_account(dora, balance=0, created=START - timedelta(days=600))
    for at in moments(monthly(BEGIN, 25, preceding)):
        bank.receive(account.id, 265_000, sender="Harbour Design", at=at)
    for at in moments(monthly(BEGIN, 1, following)):
        bank.direct_debit(account.id, -90_000, payee="Mill Street Lettings", at=at)
    for at in moments(monthly(BEGIN, 18, following)):
        bank.direct_debit(account.id, -30_000, payee="Threadnet Broadband", at=at)
    account.balance = 500_000
    return account


async def loaded(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    entry: MockConfigEntry,
) -> list[str]:
    """Set up the entry with the whole past of the account; return the IDs of its budgets."""
    await fill_archive(hass, bank, entry, [account])
    await set_up(hass, entry)
    return list(entry.subentries)


async def test_a_rent_is_not_extrapolated_and_a_bill_that_is_due_is_included(
    hass: HomeAssistant,
    bank: Bank,
    dora: Person,
    account: Account,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(dora, **with_budgets(budget(account, limit="1500")))
    (everything,) = await loaded(hass, bank, account, entry)
    # The rent of 900, and the broadband of 300 on the 18th.
    assert value(hass, everything, "budget_spent") == "900.00"
    assert value(hass, everything, "budget_projected") == "1200.00"

    # A bill that was paid just now is a bill already when the percentage is reported.
    runs = await set_up_automation(
        hass,
        {"trigger": "monzo.budget_crossed", "options": {"percent": 80}},
        conditions=[{"condition": "monzo.is_budget_on_track", "options": {}}],
    )
    await advance_time(timedelta(days=1, hours=14))
    bank.direct_debit(account.id, -30_000, payee="Threadnet Broadband")
    await advance_time(SOON)
    assert [run["used"] for run in runs] == [80.0]
    assert value(hass, everything, "budget_projected") == "1200.00"

    # On the 18th of 30 days, 108 become 180.
    bank.pay(account.id, -10_800, merchant="Deli")
    await advance_time(SOON)
    assert value(hass, everything, "budget_projected") == "1380.00"


async def test_a_pay_cycle_lasts_until_the_money_comes(
    hass: HomeAssistant,
    bank: Bank,
    dora: Person,
    account: Account,
    sign_in: SignIn,
    freezer: StoppedClock,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(dora, **with_budgets(budget(account, period="pay_cycle", limit="1500")))
    (cycle,) = await loaded(hass, bank, account, entry)
    runs = await set_up_automation(hass, {"trigger": "monzo.budget_period_ended"})
    august = "2026-08-24T23:00:00+00:00"
    assert shown(hass, cycle, "budget_spent").attributes["last_reset"] == august
    # 600 for the nine days from the 16th to the 24th.
    assert value(hass, cycle, "budget_left_per_day") == "66.66"
    assert value(hass, cycle, "budget_projected") == "1200.00"

    for moment in ("2026-09-18T05:00", "2026-09-22", "2026-09-25T09:00"):
        if moment.startswith("2026-09-22"):
            bank.direct_debit(account.id, -30_000, payee="Threadnet Broadband")
        freezer.move_to(moment)
        await advance_time(SOON)
    # It is pay day. The money may still come today.
    assert shown(hass, cycle, "budget_spent").attributes["last_reset"] == august
    assert value(hass, cycle, "budget_left_per_day") == "300.00"
    bank.pay(account.id, -1_000, merchant="Deli")
    await advance_time(SOON)
    assert value(hass, cycle, "budget_spent") == "1210.00"
    assert runs == []

    bank.receive(account.id, 265_000, sender="Harbour Design")
    await advance_time(timedelta(minutes=20))
    assert shown(hass, cycle, "budget_spent").attributes["last_reset"] == (
        "2026-09-24T23:00:00+00:00"
    )
    # The purchase of this morning is one of the new cycle.
    assert value(hass, cycle, "budget_spent") == "10.00"
    await restart(hass, entry)
    await advance_time(SOON)
    (run,) = runs
    assert (run["period"], run["spent"], run["left"]) == ("2026-08-25", 1200.0, 300.0)


async def test_a_pay_cycle_waits_for_the_money_also_where_the_day_begins_earlier(
    hass: HomeAssistant,
    bank: Bank,
    dora: Person,
    account: Account,
    sign_in: SignIn,
    freezer: StoppedClock,
    advance_time: AdvanceTime,
) -> None:
    await hass.config.async_set_time_zone("Asia/Tokyo")
    entry = sign_in(dora, **with_budgets(budget(account, period="pay_cycle")))
    (cycle,) = await loaded(hass, bank, account, entry)
    # The 25th in London, and already the 26th in Tokyo.
    freezer.move_to("2026-09-25T16:00")
    await advance_time(SOON)
    assert shown(hass, cycle, "budget_spent").attributes["last_reset"] == (
        "2026-08-24T15:00:00+00:00"
    )


async def test_a_chosen_pay_day_begins_a_pay_cycle_on_the_working_day_before(
    hass: HomeAssistant, bank: Bank, dora: Person, sign_in: SignIn
) -> None:
    account = bank.open_account(dora, balance=10_000, created=START - timedelta(days=30))
    bank.pay(account.id, -300, merchant="Deli")
    entry = sign_in(
        dora,
        **with_budgets(budget(account, period="pay_cycle"), pay_day="last_working_day"),
    )
    await set_up(hass, entry)
    (cycle,) = entry.subentries
    # Monday, 31 August 2026 was a bank holiday.
    assert shown(hass, cycle, "budget_spent").attributes["last_reset"] == (
        "2026-08-27T23:00:00+00:00"
    )
    # 297 pounds for the 14 days from the 16th to the 29th of September.
    assert value(hass, cycle, "budget_left_per_day") == "21.21"


async def test_a_pay_cycle_is_unknown_while_no_pay_day_is_known(
    hass: HomeAssistant, bank: Bank, dora: Person, sign_in: SignIn
) -> None:
    account = bank.open_account(dora, balance=10_000)
    entry = sign_in(
        dora,
        **with_budgets(
            budget(account, period="pay_cycle"),
            budget(account, period="pay_cycle", accounts=["acc_gone"]),
        ),
    )
    await set_up(hass, entry)
    cycle, gone = entry.subentries
    assert value(hass, cycle, "budget_spent") == "unknown"
    assert shown(hass, cycle, "budget_left").attributes["reason"] == "no_pay_day"
    assert shown(hass, gone, "budget_left").attributes["reason"] == "account_missing"
    assert value(hass, cycle, "budget_limit", "number") == "300.0"
