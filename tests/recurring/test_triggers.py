"""Triggers and conditions of recurring payments, pay days and possible duplicates."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConditionError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from sandbox.bank import LONDON, Bank
from sandbox.models import Account
from tests.conftest import START, AdvanceTime, SignIn
from tests.helpers.archive_filler import fill_archive
from tests.helpers.automations import (
    TriggerVariables,
    not_triggered_reasons,
    set_up_automation,
)
from tests.helpers.restart import restart
from tests.helpers.state_helpers import device, set_up
from tests.helpers.stopped_clock import StoppedClock
from tests.test_condition import above, check, unknown_reason

from .households import as_it_is, following, monthly, preceding
from .payments import until

BEGIN = date(2026, 1, 1)
TODAY = START.date()
SOON = timedelta(minutes=6)

KINDS = (
    "recurring_payment_due",
    "recurring_payment_changed",
    "recurring_payment_missed",
    "recurring_payment_started",
    "pay_day_arrived",
    "possible_duplicate",
)


def moments(days: Any) -> list[datetime]:
    """Return the moments of payments on days in London, early in the morning."""
    return [datetime.combine(day, time(5, 40), LONDON) for day in until(days, TODAY)]


@pytest.fixture
def account(bank: Bank) -> Account:
    """Return the account of a person with a salary on the 25th, two bills and two subscriptions.

    The bank was asked on Wednesday, 16 September 2026.
    """
    account = bank.open_account(
        bank.add_person("Dora Dent"), balance=0, created=START - timedelta(days=600)
    )
    for at in moments(monthly(BEGIN, 25, preceding)):
        bank.receive(account.id, 265_000, sender="Harbour Design", at=at)
    for at in moments(monthly(BEGIN, 18, following)):
        bank.direct_debit(account.id, -3_400, payee="Threadnet Broadband", at=at)
    for at in moments(monthly(BEGIN, 21, following)):
        bank.direct_debit(account.id, -3_100, payee="Moorland Water", at=at)
    for at in moments(monthly(BEGIN, 19, as_it_is)):
        bank.pay(account.id, -1_299, merchant="Streamly", pending=False, at=at)
    for at in moments(monthly(date(2026, 7, 1), 20, as_it_is)):
        bank.pay(account.id, -899, merchant="Playlisto", pending=False, at=at)
    account.balance = 4_000
    return account


@pytest.fixture
async def entry(
    hass: HomeAssistant, bank: Bank, account: Account, sign_in: SignIn, advance_time: AdvanceTime
) -> MockConfigEntry:
    """Return the entry of the person after eight months."""
    (person,) = bank.people.values()
    entry = sign_in(person, options={"keep_transactions": "everything"})
    await fill_archive(hass, bank, entry, [account])
    await set_up(hass, entry)
    await advance_time(SOON)
    return entry


type MoveTo = Callable[[str], Any]


@pytest.fixture
def move_to(freezer: StoppedClock, advance_time: AdvanceTime) -> MoveTo:
    """Return a function that turns the clock to a moment in London, and waits for all reads."""

    async def move_to(moment: str) -> None:
        freezer.move_to(datetime.fromisoformat(moment).replace(tzinfo=LONDON))
        for _read in range(3):
            await advance_time(timedelta(minutes=2))

    return move_to


def facts(runs: list[TriggerVariables], *keys: str) -> list[tuple[Any, ...]]:
    """Return the kind of each run, with some variables."""
    return [(run["id"], *(run.get(key) for key in keys)) for run in runs]


async def test_a_week_of_bills_is_announced_once_each_also_across_a_restart(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    move_to: MoveTo,
) -> None:
    runs = await set_up_automation(
        hass, *({"trigger": f"monzo.{kind}", "id": kind} for kind in KINDS)
    )
    await move_to("2026-09-17T07:50")
    assert runs == []
    await move_to("2026-09-17T08:00")
    (due,) = runs
    assert (due["id"], due["name"], due["amount"]) == (
        "recurring_payment_due",
        "Threadnet Broadband",
        -34.0,
    )
    assert (due["date"], due["days"], due["exact"], due["cadence"]) == (
        "2026-09-18",
        1,
        True,
        "month",
    )
    assert (due["missing"], due["currency"], due["device"]) == (0.0, "GBP", "Current account")

    # It is not collected. On its day, the subscription becomes dearer, and no money is left.
    await restart(hass, entry)
    await move_to("2026-09-18T12:00")
    assert facts(runs[1:], "name", "missing") == [
        ("recurring_payment_due", "Streamly", 12.99 - 6.0)
    ]
    await restart(hass, entry)
    bank.receive(account.id, 100_000, sender="Aunt")
    await move_to("2026-09-19T09:00")
    bank.pay(account.id, -1_399, merchant="Streamly", pending=False)
    await advance_time(SOON)
    assert facts(runs[2:], "name", "date") == [
        ("recurring_payment_missed", "Threadnet Broadband", "2026-09-18"),
        ("recurring_payment_changed", "Streamly", "2026-09-19"),
    ]
    changed = runs[-1]
    assert (changed["amount"], changed["amount_before"], changed["difference"]) == (
        -13.99,
        -12.99,
        -1.0,
    )

    # A new subscription is paid for the third time.
    await move_to("2026-09-20T09:00")
    bank.pay(account.id, -899, merchant="Playlisto", pending=False)
    await advance_time(SOON)
    await restart(hass, entry)
    await advance_time(SOON)
    assert facts(runs[4:], "name") == [
        ("recurring_payment_due", "Moorland Water"),
        ("recurring_payment_started", "Playlisto"),
    ]


async def test_pay_day_arrives_with_the_money(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    move_to: MoveTo,
) -> None:
    runs = await set_up_automation(hass, {"trigger": "monzo.pay_day_arrived"})
    assert await check(hass, "is_before_pay_day", days=9)
    assert not await check(hass, "is_before_pay_day", days=8)
    await move_to("2026-09-25T12:00")
    assert runs == []
    bank.receive(account.id, 265_000, sender="Harbour Design")
    await advance_time(SOON)
    await restart(hass, entry)
    await advance_time(SOON)
    (run,) = runs
    assert (run["date"], run["previous"], run["next"]) == (
        "2026-09-25",
        "2026-08-25",
        "2026-10-23",
    )
    assert run["device"] == "Dora Dent"
    assert (run["name"], run["amount"], run["currency"]) == ("Harbour Design", 2650.0, "GBP")


async def test_a_chosen_pay_day_arrives_in_the_morning(
    hass: HomeAssistant, entry: MockConfigEntry, move_to: MoveTo
) -> None:
    options = {**entry.options, "pay_day": "day_of_month", "pay_day_of_month": 20}
    hass.config_entries.async_update_entry(entry, options=options)
    await restart(hass, entry)
    runs = await set_up_automation(hass, {"trigger": "monzo.pay_day_arrived"})
    # The 20th is a Sunday.
    await move_to("2026-09-18T07:50")
    assert runs == []
    await move_to("2026-09-18T08:00")
    await restart(hass, entry)
    await move_to("2026-09-20T12:00")
    (run,) = runs
    assert (run["date"], run["previous"], run["next"]) == (
        "2026-09-18",
        "2026-08-20",
        "2026-10-20",
    )
    assert run["amount"] is None


async def test_a_merchant_that_charges_twice_triggers_unless_it_is_excepted(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    bank: Bank,
    account: Account,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    options = {"except_merchants": ["kettle"]}
    runs = await set_up_automation(
        hass, {"trigger": "monzo.possible_duplicate", "options": options}
    )
    payments = []
    for merchant in ("Bookworm", "Copper Kettle", "Bookworm", "Copper Kettle"):
        payments.append(bank.pay(account.id, -550, merchant=merchant))
        await advance_time(SOON)
        await restart(hass, entry)
    (run,) = runs
    assert (run["name"], run["amount"]) == ("Bookworm", -5.5)
    assert run["transaction_id"] == payments[2].id
    assert run["earlier_transaction_id"] == payments[0].id
    assert await not_triggered_reasons(hass, hass_ws_client) == ["excepted_merchant"]


async def test_options_limit_which_recurring_payments_trigger(
    hass: HomeAssistant,
    hass_ws_client: WebSocketGenerator,
    entry: MockConfigEntry,
    move_to: MoveTo,
) -> None:
    def due(**options: Any) -> dict[str, Any]:
        return {
            "trigger": "monzo.recurring_payment_due",
            "options": {"days_before": 2, **options},
        }

    runs = await set_up_automation(
        hass,
        due(direction="in"),
        due(merchant="water"),
        due(at_least=34.01),
        due(merchant="broadband", direction="any", at_least=34),
    )
    # Broadband is due on the 18th, so that the moment had passed at the first look.
    await move_to("2026-09-17T08:00")
    assert runs == []
    await move_to("2026-09-19T08:00")
    assert [(run["name"], run["idx"]) for run in runs] == [("Moorland Water", "1")]
    assert set(await not_triggered_reasons(hass, hass_ws_client)) == {
        "less_than_at_least",
        "other_direction",
        "other_merchant",
    }


async def test_what_is_left_to_spend_is_a_condition(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    found = device(hass, entry, account.id)
    assert found
    # £40, without broadband, water and two subscriptions.
    targets = {"device_id": [found.id]}
    assert await check(hass, "is_left_to_spend", **targets, threshold=above(-38))
    assert not await check(hass, "is_left_to_spend", **targets, threshold=above(-37.99))


async def test_conditions_fail_while_no_pay_day_is_known(
    hass: HomeAssistant, bank: Bank, sign_in: SignIn
) -> None:
    person = bank.add_person("Eve Elm")
    account = bank.open_account(person, balance=50_000)
    entry = sign_in(person)
    await set_up(hass, entry)
    found = device(hass, entry, account.id)
    assert found
    with pytest.raises(ConditionError):
        await check(hass, "is_before_pay_day", days=3)
    reason = await unknown_reason(
        hass, "is_left_to_spend", device_id=[found.id], threshold=above(0)
    )
    assert reason == "what is left to spend of an account is not known"
