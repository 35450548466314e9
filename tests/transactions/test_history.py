"""Actions and cards read past transactions within the request budget."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.api import Transaction
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.transactions.recent import RecentTransactions
from sandbox.bank import Bank
from sandbox.behaviour import RateLimit
from sandbox.household import Household
from sandbox.models import Account
from sandbox.serializers import transaction_json
from sandbox.server import Answer, BankServer, Edited
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import set_up, value
from tests.helpers.transaction_listener import Listener
from tests.transactions.test_busy_accounts import (
    BUDGET,
    BUDGET_WITH_PAYMENTS,
    BusyCustomer,
    most_in_five_minutes,
    refusals,
)

type Response = dict[str, Any]

A_MINUTE = timedelta(minutes=1)

# The card shows so many more rows after each click.
MORE = 20


@pytest.fixture
def limited(server: BankServer) -> BankServer:
    """Return the bank, which refuses more than thirty requests in five minutes."""
    server.behaviour = replace(server.behaviour, rate_limit=RateLimit(requests=30))
    return server


def device_id(hass: HomeAssistant, entry: ConfigEntry, account: Account) -> str:
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, account.id), entry.entry_id)
    assert device
    return device.id


class Card:
    """Calls the action as the transactions card does."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, account: Account) -> None:
        """Open a card for an account."""
        self._hass = hass
        self._device = device_id(hass, entry, account)

    async def show(self, rows: int, **fields: object) -> Response:
        """Return the newest rows of the last 89 days."""
        data = {
            "account": self._device,
            "limit": rows,
            "since": datetime.now(UTC) - timedelta(days=89),
            "include_declined": True,
            "refresh": False,
            **fields,
        }
        response = await self._hass.services.async_call(
            DOMAIN, "get_transactions", data, blocking=True, return_response=True
        )
        assert response is not None
        return response


def ids(response: Response) -> list[str]:
    return [row["transaction_id"] for row in response["transactions"]]


def newest(bank: Bank, account: Account, rows: int) -> list[str]:
    """Return the IDs of the bank's newest transactions of an account, newest first."""
    return [row.id for row in reversed(bank.transactions(account.id)[-rows:])]


# Cards


async def test_cards_cost_no_request_however_many_browsers_show_them(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    limited: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(timedelta(minutes=6))
    accounts = (home.current, home.joint, home.flex, home.rewards)
    # Accounts with few transactions are read further back, once.
    for account in accounts:
        await Card(hass, entry, account).show(MORE)
    requests = len(limited.requests)
    for _browser in range(4):
        for account in accounts:
            card = Card(hass, entry, account)
            assert ids(await card.show(MORE)) == newest(bank, account, MORE)
    assert len(limited.requests) == requests

    # A payment is on the cards as soon as it is reported.
    row = bank.pay(home.joint.id, -350)
    await advance_time(timedelta(minutes=2))
    requests = len(limited.requests)
    card = Card(hass, entry, home.joint)
    assert ids(await card.show(MORE))[0] == row.id
    assert len(limited.requests) == requests


@pytest.mark.parametrize(
    ("accounts", "refresh"),
    [(11, False), (5, True), (11, True)],
    ids=["11 from memory", "5 from the bank", "11 from the bank"],
)
async def test_many_clicks_on_more_delay_neither_balances_nor_payments(
    hass: HomeAssistant,
    bank: Bank,
    limited: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    accounts: int,
    refresh: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    customer = BusyCustomer(bank, per_month=500, accounts=accounts)
    person, account = customer.person, customer.account
    entry = sign_in(person)
    await set_up(hass, entry)
    # With eleven accounts, the first reads take a while.
    for _minute in range(60):
        await advance_time(A_MINUTE)
    limited.requests.clear()
    cards = {each.id: Card(hass, entry, each) for each in bank.accounts_of(person)}
    listener = Listener(hass, account)
    for click in range(14):
        rows = MORE * (click + 1)
        responses = {id_: await card.show(rows, refresh=refresh) for id_, card in cards.items()}
        shown = ids(responses[account.id])
        assert len(shown) >= MORE
        assert shown == newest(bank, account, len(shown))
        await advance_time(timedelta(seconds=1))

    row = bank.pay(account.id, -350)
    for _minute in range(6):
        await advance_time(A_MINUTE)

    assert listener.heard == [row.id]
    assert value(hass, account.id, "balance") == f"{account.balance / 100:.2f}"
    assert refusals(limited) == 0
    assert most_in_five_minutes(limited) <= (BUDGET_WITH_PAYMENTS if refresh else BUDGET)


async def test_older_transactions_are_read_once_page_by_page(
    hass: HomeAssistant, bank: Bank, server: BankServer, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    customer = BusyCustomer(bank, per_month=3_000)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    for _minute in range(60):
        await advance_time(A_MINUTE)
    await hass.config_entries.async_reload(entry.entry_id)
    for _minute in range(2):
        await advance_time(A_MINUTE)
    card = Card(hass, entry, customer.account)
    requests = len(server.requests)
    for rows in range(MORE, 801, MORE):
        response = await card.show(rows)
        assert ids(response) == newest(bank, customer.account, rows)
        assert not response["complete"]
        await advance_time(timedelta(seconds=20))
    pages = [call for call in server.requests[requests:] if "before" in call.query]
    assert len(pages) <= 14

    requests = len(server.requests)
    for rows in range(MORE, 801, MORE):
        assert ids(await card.show(rows)) == newest(bank, customer.account, rows)
    assert len(server.requests) == requests


async def test_a_card_shows_the_known_transactions_when_there_is_no_room_for_older_ones(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    old = bank.pay(home.current.id, -100, at=bank.clock() - timedelta(days=60))
    while entry.runtime_data.session.budget.left:
        await hass.services.async_call(
            DOMAIN,
            "get_spending",
            {"account": device_id(hass, entry, home.joint)},
            blocking=True,
            return_response=True,
        )
    card = Card(hass, entry, home.current)

    response = await card.show(1000)
    assert old.id not in ids(response)
    assert response["transactions"]
    assert response["complete"] is False

    await advance_time(timedelta(minutes=6))
    response = await card.show(1000)
    assert old.id in ids(response)
    assert response["complete"] is True


async def test_after_a_restart_cards_show_a_month_without_a_request(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    home: Household,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    forget_process_memory(hass)
    await advance_time(timedelta(hours=1))
    await set_up(hass, entry)
    requests = len(server.requests)
    response = await Card(hass, entry, home.joint).show(30)
    assert ids(response) == newest(bank, home.joint, 30)
    assert len(server.requests) == requests


async def test_a_card_shows_changes_within_the_hour_and_own_notes_at_once(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    row = bank.pay(home.joint.id, -500)
    await advance_time(timedelta(minutes=6))
    card = Card(hass, entry, home.joint)
    shown = (await card.show(1))["transactions"][0]
    assert (shown["pending"], shown["notes"]) == (True, None)

    await hass.services.async_call(
        DOMAIN,
        "annotate_transaction",
        {
            "account": device_id(hass, entry, home.joint),
            "transaction_id": row.id,
            "notes": "Lunch",
        },
        blocking=True,
    )
    shown = (await card.show(1))["transactions"][0]
    assert (shown["name"], shown["notes"]) == (row.merchant.name if row.merchant else None, "Lunch")

    bank.settle(row.id)
    await advance_time(timedelta(minutes=61))
    assert not (await card.show(1))["transactions"][0]["pending"]


async def test_calls_at_the_same_time_share_one_request(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(timedelta(minutes=6))
    card = Card(hass, entry, home.joint)
    requests = len(server.requests)
    await card.show(2, refresh=True)
    requests_for_one_call = len(server.requests) - requests
    row = bank.pay(home.joint.id, -350)
    requests = len(server.requests)

    answers = await asyncio.gather(*(card.show(2, refresh=True) for _browser in range(4)))

    assert {ids(answer)[0] for answer in answers} == {row.id}
    assert len(server.requests) - requests <= requests_for_one_call


async def test_an_unreadable_transaction_makes_the_list_incomplete_until_it_is_readable(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    def break_newest(data: dict[str, Any]) -> dict[str, Any]:
        return {"transactions": [*data["transactions"], {"id": 7}]}

    server.fail("GET", "/transactions", Edited(break_newest), times=None)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(timedelta(minutes=6))
    card = Card(hass, entry, home.current)
    assert (await card.show(1000))["complete"] is False

    server.clear_faults()
    bank.pay(home.current.id, -350)
    for _minute in range(62):
        await advance_time(A_MINUTE)
    week = datetime.now(UTC) - timedelta(days=6)
    assert (await card.show(1000, since=week))["complete"] is True


# Spending


def ask_for_spending(
    hass: HomeAssistant, entry: MockConfigEntry, account: Account, since: datetime
) -> asyncio.Task[Any]:
    """Call the action in a task, during which the test turns the clock."""
    # The clock also turns during a request.
    entry.runtime_data.session.timeout = timedelta(hours=1).total_seconds()
    return asyncio.create_task(
        hass.services.async_call(
            DOMAIN,
            "get_spending",
            {"account": device_id(hass, entry, account), "since": since},
            blocking=True,
            return_response=True,
        )
    )


@pytest.mark.parametrize("per_month", [500, 1_500])
async def test_spending_over_a_long_time_is_answered_beside_polls(
    hass: HomeAssistant,
    bank: Bank,
    limited: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    per_month: int,
) -> None:
    customer = BusyCustomer(bank, per_month=per_month, accounts=3)
    now = bank.clock()
    for number in range(2 * per_month):
        at = now - timedelta(days=31) - timedelta(days=57) * number / (2 * per_month)
        bank.pay(customer.account.id, -200, pending=False, at=at)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    for _minute in range(20):
        await advance_time(A_MINUTE)
    limited.requests.clear()
    since = now - timedelta(days=88)
    expected = customer.spent_since(since)
    call = ask_for_spending(hass, entry, customer.account, since)

    for _wait in range(12 * 30):
        if call.done():
            break
        await advance_time(timedelta(seconds=5))

    response = await call
    assert response
    assert response["total"] == expected / 100
    assert response["complete"] is True
    assert refusals(limited) == 0
    # Polls go on, although the action may take most of their share.
    times = sorted(request.at for request in limited.requests_to("GET", "/balance"))
    gaps = [later - earlier for earlier, later in pairwise([*times, bank.clock()])]
    assert max(gaps) <= timedelta(minutes=6)


@pytest.mark.parametrize("fault", [Answer.html(502), Answer.rate_limited("30")])
async def test_spending_continues_after_a_failed_page(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    fault: Answer,
) -> None:
    customer = BusyCustomer(bank, per_month=350)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    await advance_time(timedelta(minutes=6))
    server.fail("GET", "/transactions", fault, after=2)
    since = bank.clock() - timedelta(days=31)
    call = ask_for_spending(hass, entry, customer.account, since)
    while not call.done():
        await advance_time(timedelta(seconds=5))

    response = await call
    assert response
    assert response["total"] == customer.spent_since(since) / 100
    # Four pages, and one of them twice.
    pages = [each for each in server.requests_to("GET", "/transactions") if each.at > since]
    assert sum(len(each.query["since"]) > 0 for each in pages[-5:]) == 5


# The memory


@pytest.fixture
def bank_rows(bank: Bank) -> list[Transaction]:
    """Return ten transactions of an account, one a day, oldest first."""
    account = bank.open_account(bank.add_person("Cleo"), balance=100_000)
    rows = [
        bank.pay(account.id, -100 * day, at=datetime(2026, 9, day, 12, tzinfo=UTC))
        for day in range(1, 11)
    ]
    return [Transaction.from_json(transaction_json(row, expand_merchant=True)) for row in rows]


def day(number: int) -> datetime:
    return datetime(2026, 9, number, tzinfo=UTC)


def add(
    recent: RecentTransactions,
    rows: list[Transaction],
    since: datetime,
    until: datetime,
    *,
    up_to_now: bool = False,
    has_unreadable: bool = False,
) -> None:
    """Add those of the rows that are between two moments."""
    listed = [row for row in rows if since <= row.created < until]
    recent.add(listed, since=since, until=until, up_to_now=up_to_now, has_unreadable=has_unreadable)


def test_the_memory_grows_in_both_directions(bank_rows: list[Transaction]) -> None:
    recent = RecentTransactions()
    add(recent, bank_rows, day(5), day(8), up_to_now=True)
    add(recent, bank_rows, day(7), day(11), up_to_now=True)
    add(recent, bank_rows, day(2), day(5))
    assert recent.since == day(2)
    assert recent.newest_first(day(2), None) == tuple(reversed(bank_rows[1:]))
    assert recent.newest_first(day(4), day(6)) == tuple(reversed(bank_rows[3:5]))


def test_the_memory_has_no_gap(bank_rows: list[Transaction]) -> None:
    recent = RecentTransactions()
    add(recent, bank_rows, day(1), day(3))
    assert recent.since is None
    add(recent, bank_rows, day(4), day(6), up_to_now=True)
    assert recent.since == day(4)
    add(recent, bank_rows, day(7), day(9))
    assert recent.since == day(4)
    add(recent, bank_rows, day(10), day(11), up_to_now=True)
    assert recent.since == day(10)
    add(recent, bank_rows, day(9), day(10))
    assert recent.since == day(7)
    add(recent, bank_rows, day(6), day(7))
    assert recent.since == day(4)
    assert recent.newest_first(day(4), None) == tuple(reversed(bank_rows[3:]))


def test_a_transaction_that_the_bank_no_longer_lists_is_forgotten(
    bank_rows: list[Transaction],
) -> None:
    recent = RecentTransactions()
    add(recent, bank_rows, day(1), day(11), up_to_now=True)
    del bank_rows[4]
    add(recent, bank_rows, day(3), day(9))
    assert recent.newest_first(day(1), None) == tuple(reversed(bank_rows))


def test_an_unreadable_transaction_concerns_only_its_time(bank_rows: list[Transaction]) -> None:
    recent = RecentTransactions()
    add(recent, bank_rows, day(1), day(4), up_to_now=True, has_unreadable=True)
    add(recent, bank_rows, day(4), day(11), up_to_now=True)
    assert not recent.is_readable(day(1))
    assert recent.is_readable(day(4))
    add(recent, bank_rows, day(1), day(11), up_to_now=True)
    assert recent.is_readable(day(1))
