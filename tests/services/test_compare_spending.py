"""The action that compares the spending of a period so far with past periods."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import yaml

from custom_components.monzo.const import CONF_KEEP_TRANSACTIONS, CONF_PAY_DAY, DOMAIN
from sandbox.bank import LONDON, Bank
from sandbox.models import Account
from sandbox.server import BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.archive_filler import fill_archive
from tests.helpers.examples import ACCOUNT, FENCE
from tests.helpers.state_helpers import device, set_up, set_up_and_import
from tests.helpers.stopped_clock import StoppedClock
from tests.test_docs import PAGES

SOON = timedelta(minutes=2)

# A Monday.
NOW = datetime(2027, 3, 29, 10, tzinfo=LONDON)


@pytest.fixture(autouse=True)
async def _in_london(hass: HomeAssistant, freezer: StoppedClock) -> None:
    freezer.move_to(NOW.astimezone(UTC))
    await hass.config.async_set_time_zone("Europe/London")


@pytest.fixture
def account(bank: Bank) -> Account:
    """Return an account that was opened in December, with regular payments."""
    account = bank.open_account(
        bank.add_person("Cleo Clark"),
        balance=500_000,
        created=datetime(2026, 12, 20, tzinfo=LONDON),
    )
    for year, month, groceries in ((2026, 12, 999), (2027, 1, 20_000), (2027, 2, 10_000)):
        _pay(bank, account, groceries, "Greens Market", "groceries", year, month, 28)
    # After the same point of January, and before that of February, which counts as a whole.
    _pay(bank, account, 7_700, "Greens Market", "groceries", 2027, 1, 29, hour=12)
    _pay(bank, account, 1_000, "Picture House", "entertainment", 2027, 2, 28, hour=23)
    _pay(bank, account, 22_505, "Greens Market", "groceries", 2027, 3, 2)
    _pay(bank, account, 4_000, "Picture House", "entertainment", 2027, 3, 29, hour=9)
    return account


def _pay(
    bank: Bank,
    account: Account,
    pence: int,
    merchant: str,
    category: str,
    year: int,
    month: int,
    day: int,
    *,
    hour: int = 12,
) -> None:
    at = datetime(year, month, day, hour, tzinfo=LONDON)
    bank.pay(account.id, -pence, merchant=merchant, category=category, pending=False, at=at)


async def compare(
    hass: HomeAssistant, entry: MockConfigEntry, account: Account, **fields: Any
) -> dict[str, Any]:
    """Call the action, and return its response."""
    found = device(hass, entry, account.id)
    assert found
    response = await hass.services.async_call(
        DOMAIN,
        "compare_spending",
        {"account": found.id, **fields},
        blocking=True,
        return_response=True,
    )
    assert response
    return response


async def test_a_month_so_far_is_compared_with_the_same_part_of_past_months(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    account: Account,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    options = {CONF_KEEP_TRANSACTIONS: "everything", CONF_PAY_DAY: "last_working_day"}
    entry = sign_in(account.owners[0], options=options)
    await fill_archive(hass, bank, entry, [account])
    await set_up(hass, entry)
    await advance_time(SOON)
    bank.pay(account.id, -495, merchant="Greens Market", category="groceries")
    await advance_time(SOON)
    server.requests.clear()

    month = await compare(hass, entry, account)
    assert month["since"] == "2027-03-01T00:00:00+00:00"
    assert not month["complete"]
    # The mean of January until the 29th at ten, and of all of February.
    assert {key: month[key] for key in ("amount", "mean", "difference", "percent")} == {
        "amount": 270.0,
        "mean": 155.0,
        "difference": 115.0,
        "percent": 74.2,
    }
    assert month["groups"] == [
        {
            "category": "groceries",
            "amount": 230.0,
            "mean": 150.0,
            "difference": 80.0,
            "percent": 53.3,
        },
        {
            "category": "entertainment",
            "amount": 40.0,
            "mean": 5.0,
            "difference": 35.0,
            "percent": 700.0,
        },
    ]
    assert [(it["before"], it["amount"], it["missing"]) for it in month["periods"]] == [
        ("2027-03-01T00:00:00+00:00", 110.0, None),
        ("2027-01-29T10:04:00+00:00", 200.0, None),
        ("2026-12-29T10:04:00+00:00", None, "account_not_open"),
    ]

    merchants = await compare(
        hass, entry, account, periods=2, by="merchant", category="entertainment"
    )
    assert merchants["complete"]
    assert [group["merchant"] for group in merchants["groups"]] == ["Picture House"]
    assert (merchants["amount"], merchants["mean"]) == (40.0, 5.0)
    week = await compare(hass, entry, account, period="week", periods=4, by="none")
    assert week["groups"] == []
    assert (week["amount"], week["mean"], week["percent"]) == (44.95, 0.0, None)
    tagged = await compare(hass, entry, account, tag="holiday")
    assert (tagged["amount"], tagged["groups"]) == (0.0, [])
    february = await compare(hass, entry, account, periods=1, before="2027-03-01 00:00:00")
    assert (february["amount"], february["mean"]) == (110.0, 277.0)
    assert february["periods"][0]["before"] == "2027-02-01T00:00:00+00:00"
    later = await compare(hass, entry, account, before="2028-01-01 00:00:00")
    assert (later["amount"], later["mean"]) == (270.0, 155.0)
    since_pay_day = await compare(hass, entry, account, period="pay_cycle", periods=1)
    assert since_pay_day["since"] == "2027-02-26T00:00:00+00:00"
    assert (since_pay_day["amount"], since_pay_day["mean"]) == (380.0, 77.0)
    year = await compare(hass, entry, account, period="year", periods=1)
    assert (year["mean"], year["difference"], year["percent"]) == (None, None, None)
    assert not server.requests


async def test_the_example_names_what_costs_more_than_usual(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(account.owners[0], options={CONF_KEEP_TRANSACTIONS: "everything"})
    await set_up_and_import(hass, entry, advance_time, polls=3)
    found = device(hass, entry, account.id)
    assert found
    assert await async_setup_component(hass, "persistent_notification", {})
    ((_language, text),) = FENCE.findall(PAGES["actions.md"].section("Compare spending"))
    sequence = yaml.safe_load(text.replace(ACCOUNT, found.id))
    assert await async_setup_component(
        hass, "script", {"script": {"example": {"sequence": sequence}}}
    )
    await hass.services.async_call("script", "example", blocking=True)
    (notification,) = hass.data["persistent_notification"].values()
    assert [line.strip() for line in notification["message"].splitlines() if line.strip()] == [
        "- groceries: 225.05 instead of 150.0 GBP",
        "- entertainment: 40.0 instead of 5.0 GBP",
    ]


async def test_periods_that_are_not_kept_are_named_and_not_part_of_the_mean(
    hass: HomeAssistant,
    account: Account,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    account.created = NOW - timedelta(days=900)
    entry = sign_in(account.owners[0], options={CONF_KEEP_TRANSACTIONS: "thirteen_months"})
    await set_up_and_import(hass, entry, advance_time, polls=3)
    # These are 397 days, of which the last belong to February of last year.
    month = await compare(hass, entry, account, periods=14)
    assert [it["missing"] for it in month["periods"]] == [None] * 12 + ["not_kept"] * 2
    assert [it["amount"] for it in month["periods"]][:4] == [110.0, 200.0, 9.99, 0.0]
    assert month["periods"][-1]["amount"] is None
    assert month["mean"] == 26.67
    assert not month["complete"]
    with pytest.raises(ServiceValidationError) as caught:
        await compare(hass, entry, account, period="pay_cycle")
    assert caught.value.translation_key == "pay_day_unknown"


async def test_without_history_there_is_nothing_to_compare_with(
    hass: HomeAssistant, account: Account, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    entry = sign_in(account.owners[0])
    await set_up(hass, entry)
    await advance_time(SOON)
    with pytest.raises(ServiceValidationError) as caught:
        await compare(hass, entry, account)
    assert caught.value.translation_key == "no_history_to_compare"
