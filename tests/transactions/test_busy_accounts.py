"""Accounts with thousands of transactions a month, at a bank that limits requests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
import json
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.const import DOMAIN
from custom_components.monzo.transactions.page_publisher import LOOKBACK
from sandbox.bank import Bank
from sandbox.behaviour import RateLimit
from sandbox.models import Account
from sandbox.server import BankServer
from tests.conftest import WEBHOOK_ID, AdvanceTime, SignIn
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import device, set_up
from tests.helpers.transaction_listener import Listener, make_reachable

A_MINUTE = timedelta(minutes=1)
FIVE_MINUTES = timedelta(minutes=5)
A_MONTH = timedelta(days=31)

# Our own limit for any five minutes.
BUDGET = 23
# Payments may add a few requests.
BUDGET_WITH_PAYMENTS = 27


class BusyCustomer:
    """A shop keeper with one busy account, and others."""

    def __init__(self, bank: Bank, *, per_month: int, accounts: int = 1) -> None:
        """Open the accounts, and make the transactions of the last month."""
        self.bank = bank
        self.person = bank.add_person("Cleo Cooper")
        self.account = bank.open_account(self.person, type="uk_business", balance=10_000_000)
        for _account in range(accounts - 1):
            bank.open_account(self.person, balance=1_000)
        now = bank.clock()
        for number in range(per_month):
            at = now - A_MONTH * (per_month - number) / per_month
            bank.pay(self.account.id, -100 - number % 50, pending=False, at=at)

    def spent_since(self, since: datetime) -> int:
        """Return what the busy account has spent since a moment, in pence."""
        rows = self.bank.transactions(self.account.id)
        return -sum(row.amount for row in rows if row.created >= since)


class PaymentLog:
    """Makes payments from an account, and notes how long Home Assistant took to report each."""

    def __init__(self, hass: HomeAssistant, bank: Bank, account: Account) -> None:
        """Initialize without a payment."""
        self._bank = bank
        self._account = account
        self.listener = Listener(hass, account)
        self.made: list[str] = []
        self.delays: list[timedelta] = []

    def pay(self) -> None:
        """Make a payment."""
        self.made.append(self._bank.pay(self._account.id, -500, pending=False).id)

    def note_reports(self) -> None:
        """Note the payments that were reported by now."""
        created = {row.id: row.created for row in self._bank.transactions(self._account.id)}
        for transaction_id in self.listener.heard[len(self.delays) :]:
            self.delays.append(self._bank.clock() - created[transaction_id])

    async def advance_time(
        self, advance_time: AdvanceTime, minutes: int, *, pay_every: int
    ) -> None:
        """Let minutes pass, and make a payment in some."""
        for minute in range(minutes):
            if minute % pay_every == pay_every // 2:
                self.pay()
            await advance_time(A_MINUTE)
            self.note_reports()


def most_in_five_minutes(server: BankServer) -> int:
    """Return the highest number of requests within any five minutes."""
    times = [request.at for request in server.requests]
    return max(sum(start <= at < start + FIVE_MINUTES for at in times) for start in times)


def refusals(server: BankServer) -> int:
    """Return how many requests the bank refused because there were too many."""
    return sum(request.status == 429 for request in server.requests)


@pytest.fixture
def limited(server: BankServer) -> BankServer:
    """Return the bank, which refuses more than thirty requests in five minutes."""
    server.behaviour = replace(server.behaviour, rate_limit=RateLimit(requests=30))
    return server


@pytest.mark.parametrize("per_month", [300, 5_000])
async def test_payments_of_a_busy_account_are_reported_from_the_start(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    bank: Bank,
    limited: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    per_month: int,
) -> None:
    customer = BusyCustomer(bank, per_month=per_month)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    payments = PaymentLog(hass, bank, customer.account)

    await payments.advance_time(advance_time, 60, pay_every=5)

    assert payments.listener.heard == payments.made
    # The first read leaves the polls their share, which is less than they use without it.
    assert max(payments.delays) <= timedelta(minutes=4)
    assert refusals(limited) == 0
    assert most_in_five_minutes(limited) <= BUDGET_WITH_PAYMENTS
    # The whole month is known by now, so the spending is too.
    since = bank.clock() - timedelta(days=30)
    spent = entry.runtime_data.transactions.sums.spent(customer.account.id, since)
    assert spent.minor == customer.spent_since(since)


async def test_payments_of_a_busy_account_are_reported_after_a_restart(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    customer = BusyCustomer(bank, per_month=3_000, accounts=3)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    for _minute in range(90):
        await advance_time(A_MINUTE)
    await hass.config_entries.async_unload(entry.entry_id)
    forget_process_memory(hass)
    await advance_time(timedelta(minutes=10))
    server.requests.clear()
    await set_up(hass, entry)
    payments = PaymentLog(hass, bank, customer.account)
    backdated = bank.pay(customer.account.id, -700, at=bank.clock() - LOOKBACK / 2, pending=False)

    await payments.advance_time(advance_time, 150, pay_every=10)

    assert sorted(payments.listener.heard) == sorted([*payments.made, backdated.id])
    payments.delays.remove(max(payments.delays))
    assert max(payments.delays) <= timedelta(minutes=4)
    assert most_in_five_minutes(server) <= BUDGET_WITH_PAYMENTS


@pytest.mark.parametrize("stops_after", [timedelta(0), timedelta(minutes=9)])
async def test_a_first_read_that_a_restart_interrupts_continues_and_reports_nothing_old(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    bank: Bank,
    limited: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    stops_after: timedelta,
) -> None:
    customer = BusyCustomer(bank, per_month=4_000)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    payments = PaymentLog(hass, bank, customer.account)
    await payments.advance_time(advance_time, stops_after // A_MINUTE, pay_every=3)
    read_before = len(limited.requests_to("GET", "/transactions"))
    await hass.config_entries.async_unload(entry.entry_id)
    forget_process_memory(hass)
    await advance_time(A_MINUTE)
    payments.pay()
    await advance_time(FIVE_MINUTES)
    await set_up(hass, entry)

    await payments.advance_time(advance_time, 30, pay_every=5)

    assert payments.listener.heard == payments.made
    assert refusals(limited) == 0
    since = bank.clock() - timedelta(days=30)
    spent = entry.runtime_data.transactions.sums.spent(customer.account.id, since)
    assert spent.minor == customer.spent_since(since)
    # Forty pages and a poll every five minutes, but no page of the month twice.
    assert len(limited.requests_to("GET", "/transactions")) <= 40 + 40 + read_before


async def test_thousands_of_missed_payments_are_reported_once_and_in_order(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    bank: Bank,
    limited: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    customer = BusyCustomer(bank, per_month=0)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    listener = Listener(hass, customer.account)
    await hass.config_entries.async_unload(entry.entry_id)
    forget_process_memory(hass)
    await advance_time(timedelta(days=2))
    missed = []
    for number in range(2_150):
        at = bank.clock() - timedelta(seconds=60 * (2_150 - number))
        missed.append(bank.pay(customer.account.id, -100, pending=False, at=at).id)
    await set_up(hass, entry)

    for _minute in range(20):
        await advance_time(A_MINUTE)

    assert listener.heard == missed
    assert refusals(limited) == 0


async def test_the_spending_of_a_busy_month_is_added_up_without_a_request(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    bank: Bank,
    limited: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    customer = BusyCustomer(bank, per_month=2_000)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    for _minute in range(15):
        await advance_time(A_MINUTE)
    found = device(hass, entry, customer.account.id)
    assert found
    limited.requests.clear()
    since = bank.clock() - timedelta(days=30)

    for by in ("category", "day", "none"):
        fields = {"account": found.id, "since": since, "by": by}
        answer = await hass.services.async_call(
            DOMAIN, "get_spending", fields, blocking=True, return_response=True
        )
        assert answer
        assert answer["complete"]
        assert answer["total"] == customer.spent_since(since) / 100
    assert limited.requests == []


# Forged deliveries


def forged_ids(known: str) -> dict[str, Iterator[str]]:
    return {
        "new": (f"tx_forged{number}" for number in range(10**6)),
        "replayed": (known for _ in range(10**6)),
    }


@pytest.mark.parametrize(("per_month", "ids"), [(100, "new"), (100, "replayed"), (6_000, "new")])
async def test_forged_deliveries_stay_within_the_request_budget(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    hass_client_no_auth: ClientSessionGenerator,
    per_month: int,
    ids: str,
) -> None:
    webhook_client = await make_reachable(hass, server, hass_client_no_auth)
    customer = BusyCustomer(bank, per_month=per_month)
    entry = sign_in(customer.person)
    await set_up(hass, entry)
    for _minute in range(45):
        await advance_time(A_MINUTE)
    payments = PaymentLog(hass, bank, customer.account)
    payments.pay()
    await server.delivered()
    await advance_time(timedelta(minutes=6))
    server.requests.clear()
    forged = forged_ids(payments.made[0])[ids]

    for second in range(0, 400, 2):
        for _delivery in range(4):
            data = {"account_id": customer.account.id, "id": next(forged)}
            await webhook_client.post(
                f"/api/webhook/{WEBHOOK_ID}",
                data=json.dumps({"type": "transaction.created", "data": data}),
            )
        if second in (50, 150, 350):
            payments.pay()
            await server.delivered()
        await advance_time(timedelta(seconds=2))
        payments.note_reports()

    await advance_time(timedelta(minutes=2))
    # The first forged delivery may wait like a genuine one, which has a share of four requests.
    assert most_in_five_minutes(server) <= BUDGET + 4
    assert payments.listener.heard == payments.made


async def test_the_pages_of_a_backlog_do_not_wait_for_the_share_of_deliveries(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    """With five accounts, deliveries have a small share, because anyone could forge them."""
    customer = BusyCustomer(bank, per_month=0, accounts=5)
    await set_up(hass, sign_in(customer.person))
    payments = PaymentLog(hass, bank, customer.account)
    for _minute in range(10):
        await advance_time(A_MINUTE)
    for _payment in range(250):
        payments.pay()
    for _minute in range(3):
        await advance_time(A_MINUTE)
    assert payments.listener.heard == payments.made
    assert most_in_five_minutes(server) <= BUDGET_WITH_PAYMENTS
