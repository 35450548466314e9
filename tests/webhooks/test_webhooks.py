"""Webhooks: registration per account, and deliveries, which only trigger a refresh."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus
import json
import sys
import time
from types import SimpleNamespace
from typing import Any

from aiohttp import ClientError
from homeassistant import components
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.aiohttp import MockRequest
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.bank.repair_issues import RepairIssue
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.webhooks import receiver
from sandbox.household import Household
from sandbox.server import DEFAULT_CLIENT_ID, Answer, BankServer, Delay, Edited
from tests.conftest import WEBHOOK_ID, AdvanceTime, SignIn
from tests.helpers.held_answers import BALANCE, hold_both_answers
from tests.helpers.state_helpers import (
    ByAccount,
    Together,
    complaints,
    device,
    set_up,
    value,
)
from tests.helpers.transaction_listener import ADDRESS, Listener, make_reachable
from tests.helpers.transfer_client import Meanwhile

PATH = f"/api/webhook/{WEBHOOK_ID}"
URL = ADDRESS + PATH
ONE_POLL = timedelta(minutes=2)


@pytest.fixture
async def webhook_client(
    hass: HomeAssistant,
    server: BankServer,
    credentials: None,
    hass_client_no_auth: ClientSessionGenerator,
) -> Any:
    """Return an unauthenticated HTTP client for Home Assistant's external URL."""
    return await make_reachable(hass, server, hass_client_no_auth)


@pytest.fixture
async def entry(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    webhook_client: Any,
    home: Household,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> MockConfigEntry:
    """Return Ann's entry, set up and with a webhook for each account."""
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await wait_for_registration(advance_time)
    return entry


@pytest.fixture
def joint(hass: HomeAssistant, home: Household, entry: MockConfigEntry) -> Listener:
    """Return a listener for the joint account."""
    return Listener(hass, home.joint)


async def wait_for_registration(advance_time: AdvanceTime) -> None:
    """Let time pass until the request budget allows registering five accounts."""
    for _quarter in range(40):
        await advance_time(timedelta(seconds=16))


def registrations(home: Household) -> Counter[tuple[str, str]]:
    """Return the number of webhooks at the bank by account ID and URL."""
    return Counter((hook.account_id, hook.url) for hook in home.bank.webhooks.values())


def expected_registrations(home: Household, url: str = URL) -> dict[tuple[str, str], int]:
    mine = (home.current, home.joint, home.flex, home.rewards, home.loan)
    return {(account.id, url): 1 for account in mine}


def no_url_issue(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(
        DOMAIN, f"{RepairIssue.NO_EXTERNAL_URL}_{entry.entry_id}"
    )


def delivery_body(account_id: str, transaction_id: str = "tx_forged") -> dict[str, Any]:
    return {
        "type": "transaction.created",
        "data": {"account_id": account_id, "id": transaction_id, "amount": -99_999_999},
    }


async def wait_for_deliveries(server: BankServer, advance_time: AdvanceTime) -> None:
    """Wait until Home Assistant has processed all deliveries."""
    await server.delivered()
    for _second in range(3):
        await advance_time(timedelta(seconds=1))


# Registration


async def test_every_account_is_registered_once(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    assert registrations(home) == expected_registrations(home)
    assert entry.data["webhook_url"] == URL
    assert no_url_issue(hass, entry) is None

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert registrations(home) == expected_registrations(home)


async def test_duplicate_and_outdated_webhooks_are_removed_and_others_are_kept(
    hass: HomeAssistant,
    webhook_client: Any,
    home: Household,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    other_url = "https://other.example/webhook"
    for url in (URL, URL, f"https://old.example{PATH}", other_url):
        home.bank.register_webhook(home.current.id, DEFAULT_CLIENT_ID, url)

    await set_up(hass, sign_in(home.ann))
    await wait_for_registration(advance_time)

    assert registrations(home) == {**expected_registrations(home), (home.current.id, other_url): 1}


async def test_a_new_external_url_replaces_the_webhooks(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    await hass.config.async_update(external_url="https://new.example.test")
    await hass.async_block_till_done(wait_background_tasks=True)
    for _quarter in range(40):
        await advance_time(timedelta(seconds=16))

    assert registrations(home) == expected_registrations(home, f"https://new.example.test{PATH}")
    assert entry.data["webhook_url"] == f"https://new.example.test{PATH}"


async def test_removing_the_external_url_creates_an_issue_and_removes_the_webhooks(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    await hass.config.async_update(external_url=None)
    await hass.async_block_till_done(wait_background_tasks=True)
    for _quarter in range(40):
        await advance_time(timedelta(seconds=16))

    assert registrations(home) == {}
    assert "webhook_url" not in entry.data
    issue = no_url_issue(hass, entry)
    assert issue
    assert issue.severity is ir.IssueSeverity.WARNING

    await hass.config.async_update(external_url=ADDRESS)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert no_url_issue(hass, entry) is None


async def test_set_up_without_an_external_url_leaves_the_entry_data_unchanged(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann)
    before = dict(entry.data)

    await set_up(hass, entry)

    assert entry.data == before
    assert not server.requests_to("*", "/webhooks*")
    assert no_url_issue(hass, entry)


async def test_a_new_account_is_registered(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    account = home.bank.open_account(home.ann, type="uk_business", balance=100)
    await advance_time(timedelta(minutes=61))
    await advance_time(timedelta(minutes=11))

    assert registrations(home) == {**expected_registrations(home), (account.id, URL): 1}


async def test_the_webhook_of_an_excluded_account_is_removed(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, advance_time: AdvanceTime
) -> None:
    await advance_time(timedelta(minutes=6))
    hass.config_entries.async_update_entry(entry, options={"excluded_accounts": [home.loan.id]})
    await hass.config_entries.async_reload(entry.entry_id)
    for _quarter in range(40):
        await advance_time(timedelta(seconds=16))

    assert registrations(home) == Counter(expected_registrations(home)) - Counter(
        {(home.loan.id, URL): 1}
    )


async def test_set_up_does_not_wait_for_webhook_registration(
    hass: HomeAssistant,
    webhook_client: Any,
    home: Household,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    assert await hass.config_entries.async_setup(sign_in(home.ann).entry_id)
    assert value(hass, home.joint.id, "balance") != "unknown"
    assert registrations(home) == {}

    await wait_for_registration(advance_time)
    assert registrations(home) == expected_registrations(home)


# Error codes that the bank can return for the webhooks of an account.
WEBHOOK_ERRORS = {
    "not found": "not_found",
    "bad account ID": "bad_request.bad_param.account_id",
    "insufficient permissions": "forbidden.insufficient_permissions",
    "forbidden": "forbidden.something",
    "internal error": "internal_service",
}


@pytest.mark.parametrize("code", WEBHOOK_ERRORS.values(), ids=WEBHOOK_ERRORS)
async def test_a_webhook_error_of_one_account_does_not_affect_others(
    hass: HomeAssistant,
    advance_time: AdvanceTime,
    webhook_client: Any,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    code: str,
) -> None:
    faults = {home.current.id: Answer.error(code), home.prepaid.id: Answer.error(code)}
    server.fail("GET", "/webhooks", ByAccount(faults), times=None)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await wait_for_registration(advance_time)

    assert registrations(home) == Counter(expected_registrations(home)) - Counter(
        {(home.current.id, URL): 1}
    )

    await hass.config_entries.async_remove(entry.entry_id)
    assert registrations(home) == {}


def refused_address_issue(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(
        DOMAIN, f"{RepairIssue.ADDRESS_REFUSED}_{entry.entry_id}"
    )


async def test_an_address_that_monzo_refuses_creates_an_issue_until_monzo_accepts_one(
    hass: HomeAssistant,
    webhook_client: Any,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.behaviour = replace(server.behaviour, webhook_urls="https on port 443")
    hass.config.external_url = "https://ha.example.test:8123"
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await wait_for_registration(advance_time)

    issue = refused_address_issue(hass, entry)
    assert issue
    assert issue.severity is ir.IssueSeverity.WARNING
    refusal = "Monzo refuses to call the external URL of Home Assistant"
    await advance_time(timedelta(hours=2))
    await wait_for_registration(advance_time)
    assert refused_address_issue(hass, entry)
    assert [r.levelname for r in caplog.records if r.getMessage() == refusal] == ["WARNING"]
    assert "ha.example.test" not in "".join(complaint.message for complaint in caplog.records)

    await hass.config.async_update(external_url=ADDRESS)
    await wait_for_registration(advance_time)
    assert registrations(home) == expected_registrations(home)
    assert refused_address_issue(hass, entry) is None


async def test_a_refused_address_is_registered_within_the_hour_after_monzo_accepts_it(
    hass: HomeAssistant,
    webhook_client: Any,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    server.fail("POST", "/webhooks", Answer.error("bad_request.bad_param.url"), times=None)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await wait_for_registration(advance_time)
    assert refused_address_issue(hass, entry)

    server.clear_faults()
    await advance_time(timedelta(hours=1))
    await wait_for_registration(advance_time)
    assert registrations(home) == expected_registrations(home)
    assert refused_address_issue(hass, entry) is None


async def test_without_an_external_url_the_issue_is_about_the_missing_one_only(
    hass: HomeAssistant,
    webhook_client: Any,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    server.fail("POST", "/webhooks", Answer.error("bad_request.bad_param.url"), times=None)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await wait_for_registration(advance_time)

    await hass.config.async_update(external_url=None)
    await wait_for_registration(advance_time)
    assert no_url_issue(hass, entry)
    assert refused_address_issue(hass, entry) is None


async def test_an_address_that_monzo_refuses_for_one_kind_of_account_is_no_issue(
    hass: HomeAssistant,
    webhook_client: Any,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    refusal = Answer.error("bad_request.webhooks_not_supported")
    server.fail("POST", "/webhooks", ByAccount({home.current.id: refusal}), times=None)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await wait_for_registration(advance_time)

    assert registrations(home) == Counter(expected_registrations(home)) - Counter(
        {(home.current.id, URL): 1}
    )
    assert refused_address_issue(hass, entry) is None


async def test_a_failed_registration_is_repeated(
    hass: HomeAssistant,
    advance_time: AdvanceTime,
    webhook_client: Any,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
) -> None:
    server.fail("POST", "/webhooks", Answer.html(502), times=None)
    await set_up(hass, sign_in(home.ann))
    await wait_for_registration(advance_time)
    assert registrations(home) == {}

    server.clear_faults()
    await advance_time(timedelta(minutes=11))
    await wait_for_registration(advance_time)

    assert registrations(home) == expected_registrations(home)


async def test_a_webhook_dropped_by_monzo_is_registered_again_after_a_missed_delivery(
    hass: HomeAssistant,
    advance_time: AdvanceTime,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    home.bank.pay(home.joint.id, -100)
    await wait_for_deliveries(server, advance_time)
    home.bank.webhooks.clear()

    home.bank.pay(home.joint.id, -100)
    for _minute in range(20):
        await advance_time(timedelta(minutes=1))

    assert registrations(home) == expected_registrations(home)


async def test_an_external_url_with_an_ip_address_is_registered(
    hass: HomeAssistant,
    webhook_client: Any,
    home: Household,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    await hass.config.async_update(external_url="https://203.0.113.5:8123")
    await set_up(hass, sign_in(home.ann))
    await wait_for_registration(advance_time)

    assert registrations(home) == expected_registrations(home, f"https://203.0.113.5:8123{PATH}")


async def test_removing_an_entry_removes_its_webhooks(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    other_webhook = home.bank.register_webhook(
        home.current.id, DEFAULT_CLIENT_ID, "https://a.example/b"
    )

    await hass.config_entries.async_remove(entry.entry_id)

    assert list(home.bank.webhooks.values()) == [other_webhook]


async def test_removing_an_entry_with_an_expired_token_removes_its_webhooks(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, server: BankServer
) -> None:
    token = {**entry.data["token"], "expires_at": time.time() - 1}
    hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})
    server.expire_access_token(home.ann)

    await hass.config_entries.async_remove(entry.entry_id)

    assert registrations(home) == {}


async def test_an_entry_without_a_refresh_token_can_be_removed(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    sign_in: SignIn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bens_entry = sign_in(home.ben)
    await set_up(hass, bens_entry)
    token = {key: part for key, part in entry.data["token"].items() if key != "refresh_token"}
    token["expires_at"] = time.time() - 1
    hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert complaints(caplog, "ERROR") == []
    assert "Could not remove all webhooks" in caplog.text
    assert home.joint.id in bens_entry.runtime_data.balances.data.accounts


async def test_an_entry_with_a_revoked_sign_in_can_be_removed(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, server: BankServer
) -> None:
    server.evict(home.ann)

    await hass.config_entries.async_remove(entry.entry_id)

    assert not hass.config_entries.async_entries(DOMAIN)
    assert registrations(home) == expected_registrations(home)


# Deliveries


async def test_a_payment_is_reported_as_soon_as_it_is_delivered(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    before = len(server.requests)
    # Date the payment earlier, because the frozen clock hides the delay before its delivery.
    a_moment_ago = home.bank.clock() - timedelta(seconds=1)
    row = home.bank.pay(home.joint.id, -350, at=a_moment_ago)
    await server.delivered()
    await hass.async_block_till_done(wait_background_tasks=True)

    assert joint.heard == joint.events == [row.id]
    assert joint.balances == [f"{home.joint.balance / 100:.2f}"]
    assert len(server.requests) - before <= 3


async def test_balance_and_transactions_of_a_delivered_payment_are_requested_together(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    await advance_time(timedelta(minutes=6))
    await advance_time(timedelta(seconds=1))
    for _payment in range(2):
        before = len(server.requests)
        # The bank answers neither request before it has both.
        together = Together(asyncio.Barrier(2))
        for path in ("/balance", "/transactions"):
            server.fail("GET", path, together)
        home.bank.pay(home.joint.id, -350, at=home.bank.clock() - timedelta(seconds=1))
        await server.delivered()
        await hass.async_block_till_done(wait_background_tasks=True)
        await advance_time(timedelta(seconds=1))
        assert joint.balances[-1] == f"{home.joint.balance / 100:.2f}"
        assert len(server.requests) - before == 2
    assert len(joint.heard) == 2


async def test_two_payments_in_the_same_answers_about_balance_and_list_are_read_once(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    await advance_time(timedelta(minutes=6))
    await advance_time(timedelta(seconds=1))
    before = len(server.requests)
    pay = partial(home.bank.pay, home.joint.id, at=home.bank.clock() - timedelta(seconds=1))
    first, second = await hold_both_answers(server, partial(pay, -350), partial(pay, -200))
    await wait_for_deliveries(server, advance_time)

    assert joint.heard == [first.id, second.id]
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"
    assert len(server.requests) - before == 2


async def test_a_payment_between_the_answers_about_balance_and_list_updates_the_balance(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    before = len(server.requests)
    pay = partial(home.bank.pay, home.joint.id, at=home.bank.clock() - timedelta(seconds=1))
    first, second = await hold_both_answers(
        server, partial(pay, -350), partial(pay, -200), executed=[BALANCE]
    )
    await wait_for_deliveries(server, advance_time)

    assert joint.heard == [first.id, second.id]
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"
    # Balance, list and pots; then the balance again, and the list because the balance has changed.
    assert len(server.requests) - before == 5


async def test_a_closed_pot_is_removed_after_the_delivery_of_its_last_withdrawal(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    home.bank.close_pot(home.house.id)
    await wait_for_deliveries(server, advance_time)

    assert len(joint.heard) == 1
    assert device(hass, entry, home.house.id) is None
    assert device(hass, entry, home.bills.id)


async def test_two_hundred_deliveries_at_once_cause_few_requests(
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    before = len(server.requests)
    rows = [home.bank.pay(home.joint.id, -100 - number) for number in range(200)]
    await wait_for_deliveries(server, advance_time)

    assert joint.heard == joint.events == [row.id for row in rows]
    assert len(server.requests) - before <= 20


async def test_a_declined_payment_with_a_lost_delivery_is_reported_within_the_hour(
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    home.bank.pay(home.joint.id, -100)
    await wait_for_deliveries(server, advance_time)
    assert entry.runtime_data.webhook_status.arriving

    server.behaviour = replace(server.behaviour, webhook_lost=1)
    await advance_time(timedelta(minutes=10))
    row = home.bank.decline(home.joint.id, -200)
    for _ in range(12):
        await advance_time(timedelta(minutes=5))

    # The report is not marked as late, because automations should still act on it.
    assert joint.heard[1:] == [row.id]
    assert not joint.reports[-1].late


async def test_continuous_payments_do_not_cause_continuous_requests(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    advance_time: AdvanceTime,
) -> None:
    rows = [home.bank.pay(home.joint.id, -100)]
    one_more = Meanwhile(lambda: rows.append(home.bank.pay(home.joint.id, -100)), Delay(0))
    for path in ("/balance", "/transactions"):
        server.fail("GET", path, one_more, times=None)
    before = len(server.requests)
    await server.delivered()
    await hass.async_block_till_done(wait_background_tasks=True)
    # One refresh, because the clock is frozen.
    assert len(server.requests) - before <= 4

    server.clear_faults()
    await wait_for_deliveries(server, advance_time)
    assert joint.heard == joint.events == [row.id for row in rows]


@pytest.mark.parametrize(
    "deliveries_arrive", [True, False], ids=["deliveries arrive", "no earlier delivery"]
)
@pytest.mark.parametrize("seconds", [0.2, 3, 30])
async def test_a_payment_delivered_before_it_is_listed_is_reported_soon_after_it_is_listed(
    advance_time: AdvanceTime,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    deliveries_arrive: bool,  # noqa: FBT001 - a parameter of the test
    seconds: float,
) -> None:
    if deliveries_arrive:
        home.bank.pay(home.joint.id, -100)
        await wait_for_deliveries(server, advance_time)
    await advance_time(timedelta(minutes=11))
    await advance_time(timedelta(minutes=1))
    before, made = home.joint.balance, home.bank.clock()
    # The balance that is requested at the delivery is requested after the payment.
    row = home.bank.pay(home.joint.id, -350, at=made - timedelta(seconds=1))

    def list_late(page: Any) -> Any:
        if home.bank.clock() - made >= timedelta(seconds=seconds):
            return page
        return {"transactions": [known for known in page["transactions"] if known["id"] != row.id]}

    def change_late(balance: Any) -> Any:
        is_late = home.bank.clock() - made >= timedelta(seconds=seconds)
        return balance if is_late else {**balance, "balance": before}

    server.fail("GET", "/transactions", Edited(list_late), times=None)
    server.fail("GET", "/balance", ByAccount({home.joint.id: Edited(change_late)}), times=None)
    await server.delivered()
    while row.id not in joint.heard:
        await advance_time(timedelta(seconds=0.5))
        assert home.bank.clock() - made < timedelta(seconds=max(10 * seconds, 3))
    assert joint.balances[-1] == f"{home.joint.balance / 100:.2f}"


async def test_a_delivered_payment_with_an_earlier_date_is_reported_soon(
    advance_time: AdvanceTime,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    home.bank.pay(home.joint.id, -100)
    await wait_for_deliveries(server, advance_time)
    half_an_hour_ago = home.bank.clock() - timedelta(minutes=30)
    row = home.bank.pay(home.joint.id, -350, at=half_an_hour_ago)
    await wait_for_deliveries(server, advance_time)
    await advance_time(timedelta(seconds=2))

    assert row.id in joint.heard


async def test_a_payment_dated_tomorrow_does_not_delay_payments_of_today(
    advance_time: AdvanceTime,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    await advance_time(timedelta(minutes=11))
    tomorrow = home.bank.clock() + timedelta(days=1)
    rows = [home.bank.pay(home.joint.id, -100, at=tomorrow)]
    await wait_for_deliveries(server, advance_time)
    rows.append(home.bank.pay(home.joint.id, -200))
    await wait_for_deliveries(server, advance_time)

    assert joint.heard == [row.id for row in rows]


async def cause_outage_after_a_delivery(
    hass: HomeAssistant, advance_time: AdvanceTime, home: Household, server: BankServer
) -> None:
    """Deliver a payment, then make requests fail until the balance is unavailable."""
    home.bank.pay(home.joint.id, -100)
    await wait_for_deliveries(server, advance_time)
    server.fail("GET", "*", Answer.html(502), times=None)
    while value(hass, home.joint.id, "balance") != "unavailable":
        await advance_time(timedelta(minutes=1))

    server.clear_faults()


async def test_a_delivery_after_an_outage_updates_the_balance(
    hass: HomeAssistant,
    advance_time: AdvanceTime,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    await cause_outage_after_a_delivery(hass, advance_time, home, server)

    row = home.bank.pay(home.joint.id, -350)
    await wait_for_deliveries(server, advance_time)

    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"
    # The outage may have used up the request budget, which then grants one request a minute.
    await advance_time(timedelta(minutes=1))
    assert row.id in joint.heard


async def test_deliveries_during_an_outage_delay_no_update_after_it(
    hass: HomeAssistant,
    advance_time: AdvanceTime,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    rows = [home.bank.pay(home.joint.id, -100)]
    await wait_for_deliveries(server, advance_time)
    await advance_time(timedelta(minutes=6))
    server.fail("GET", "*", Answer.html(502), times=None)
    for _second in range(12):
        rows.append(home.bank.pay(home.joint.id, -100))
        await server.delivered()
        await advance_time(timedelta(seconds=1))
    server.clear_faults()

    rows.append(home.bank.pay(home.joint.id, -350))
    await server.delivered()
    # The request budget grants one repeated read a minute.
    for _second in range(30):
        await advance_time(timedelta(seconds=5))

    assert joint.heard == [row.id for row in rows]
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"
    assert entry.runtime_data.webhook_status.arriving


async def test_a_poll_after_an_outage_updates_the_balance_without_a_delivery(
    hass: HomeAssistant,
    advance_time: AdvanceTime,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    await cause_outage_after_a_delivery(hass, advance_time, home, server)

    await advance_time(ONE_POLL)

    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"


async def test_a_delivery_through_home_assistant_cloud_is_reported(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    server.behaviour = replace(server.behaviour, webhook_lost=1)
    row = home.bank.pay(home.joint.id, -350)
    content = json.dumps(delivery_body(home.joint.id, row.id)).encode()
    request = MockRequest(content=content, mock_source="test", method="POST")

    answer = await webhook.async_handle_webhook(hass, WEBHOOK_ID, request)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert answer.status == HTTPStatus.OK
    assert joint.heard == [row.id]


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"<html>",
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "no data": b"{}",
    "data is a string": b'{"data": "acc_1"}',
    "account ID is a list": b'{"data": {"account_id": ["acc"], "id": "tx"}}',
    "transaction ID is a number": b'{"data": {"account_id": "acc", "id": 7}}',
    "nested a thousand deep": b"[" * 1_000 + b"]" * 1_000,
    "nested very deep": b'{"data":' * 8_000,
    "a very long number": b"9" * 60_000,
    "five megabytes": b'{"data": "' + b"x" * 5 * 2**20 + b'"}',
}


async def test_an_invalid_body_is_refused_and_causes_no_request(
    hass: HomeAssistant,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    subtests: pytest.Subtests,
) -> None:
    before = len(server.requests)
    for name, content in BAD_BODIES.items():
        with subtests.test(name):
            answer = await webhook_client.post(PATH, data=content)
            assert answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
            await hass.async_block_till_done(wait_background_tasks=True)
            assert len(server.requests) == before
            assert not joint.heard


async def test_a_delivery_for_an_unknown_account_causes_no_request(
    hass: HomeAssistant,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    server: BankServer,
) -> None:
    before = len(server.requests)
    for account_id in ("acc_unknown", home.bens.id, ""):
        answer = await webhook_client.post(PATH, json=delivery_body(account_id))
        assert answer.status == HTTPStatus.OK
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(server.requests) == before


async def test_a_forged_delivery_changes_no_state_and_reports_nothing(
    hass: HomeAssistant,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    joint: Listener,
) -> None:
    balance = value(hass, home.joint.id, "balance")
    answer = await webhook_client.post(PATH, json=delivery_body(home.joint.id))
    assert answer.status == HTTPStatus.OK
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not joint.heard
    assert value(hass, home.joint.id, "balance") == balance
    assert value(hass, home.ann.user_id, "instant_updates", "binary_sensor") == "off"


@pytest.mark.parametrize("refused", [False, True], ids=["readable", "refused"])
async def test_many_forged_deliveries_cause_few_requests(
    hass: HomeAssistant,
    advance_time: AdvanceTime,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    refused: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    await advance_time(timedelta(minutes=6))
    if refused:
        refusal = Answer.error("forbidden.insufficient_permissions")
        server.fail("GET", "/transactions", ByAccount({home.joint.id: refusal}), times=None)
    before = len(server.requests)
    for number in range(30):
        await webhook_client.post(PATH, json=delivery_body(home.joint.id, f"tx_{number}"))
        await hass.async_block_till_done(wait_background_tasks=True)
    assert len(server.requests) - before <= 15

    # Polls find the genuine transactions.
    server.clear_faults()
    server.behaviour = replace(server.behaviour, webhook_lost=1)
    row = home.bank.pay(home.joint.id, -100)
    await advance_time(ONE_POLL)
    assert joint.heard == [row.id]


async def test_continuous_forged_deliveries_cause_few_requests_and_polls_continue(
    advance_time: AdvanceTime,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    home.bank.pay(home.joint.id, -100)
    await wait_for_deliveries(server, advance_time)
    assert entry.runtime_data.webhook_status.arriving

    before = len(server.requests_to("GET", "/transactions"))
    for number in range(30):
        await webhook_client.post(PATH, json=delivery_body(home.joint.id, f"tx_{number}"))
        await advance_time(timedelta(seconds=1))
    assert len(server.requests_to("GET", "/transactions")) - before <= 10
    # Many forged deliveries make it unknown whether genuine ones arrive.
    assert not entry.runtime_data.webhook_status.arriving

    row = home.bank.pay(home.joint.id, -200)
    for _ in range(5):
        await advance_time(timedelta(minutes=1))
    assert joint.heard[1:] == [row.id]


async def test_a_delivery_while_home_assistant_stops_is_answered_with_503(
    hass: HomeAssistant, home: Household, webhook_client: Any, entry: MockConfigEntry
) -> None:
    state = hass.state
    hass.set_state(CoreState.stopping)
    answer = await webhook_client.post(PATH, json=delivery_body(home.joint.id))
    hass.set_state(state)
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_a_delivery_while_set_up_is_retried_is_answered_with_503(
    hass: HomeAssistant,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    server: BankServer,
) -> None:
    server.fail("GET", "*", Answer.html(502), times=None)
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    answer = await webhook_client.post(PATH, json=delivery_body(home.joint.id))

    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_a_delivery_whose_body_arrives_while_the_entry_unloads_is_answered_with_503(
    hass: HomeAssistant,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Monzo sends a delivery again after a 503, and the reloaded entry follows it."""
    unload_platforms = hass.config_entries.async_unload_platforms
    has_begun, unloading = asyncio.Event(), asyncio.Event()

    async def unload_slowly(*arguments: Any) -> bool:
        unloading.set()
        await has_begun.wait()
        return await unload_platforms(*arguments)

    async def body() -> AsyncIterator[bytes]:
        content = json.dumps(delivery_body(home.joint.id)).encode()
        yield content[:5]
        monkeypatch.setattr(hass.config_entries, "async_unload_platforms", unload_slowly)
        hass.async_create_task(hass.config_entries.async_unload(entry.entry_id))
        await unloading.wait()
        yield content[5:]

    answer = await webhook_client.post(PATH, data=body())
    has_begun.set()
    await hass.async_block_till_done()

    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert entry.state is ConfigEntryState.NOT_LOADED


async def test_a_delivery_whose_body_arrives_while_home_assistant_stops_is_answered_with_503(
    hass: HomeAssistant, home: Household, webhook_client: Any, entry: MockConfigEntry
) -> None:
    state = hass.state

    async def body() -> AsyncIterator[bytes]:
        content = json.dumps(delivery_body(home.joint.id)).encode()
        yield content[:5]
        # Time for Home Assistant to begin. If it needs longer, the answer is the same.
        for _ in range(100):
            await asyncio.sleep(0)
        hass.set_state(CoreState.stopping)
        yield content[5:]

    answer = await webhook_client.post(PATH, data=body())
    hass.set_state(state)

    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_a_body_that_cannot_be_decompressed_is_refused_without_a_log_of_the_address(
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await webhook_client.post(
        PATH, json=delivery_body(home.joint.id), headers={"Content-Encoding": "gzip"}
    )

    assert answer.status == HTTPStatus.BAD_REQUEST
    assert not [r for r in complaints(caplog, "WARNING", "ERROR") if WEBHOOK_ID in r.getMessage()]


async def test_an_incomplete_delivery_times_out(
    hass: HomeAssistant,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receiver, "_READ_TIMEOUT", timedelta(0))

    async def incomplete_body() -> AsyncIterator[bytes]:
        yield b'{"data": '
        await asyncio.Event().wait()

    answer = await webhook_client.post(PATH, data=incomplete_body())

    assert answer.status == HTTPStatus.REQUEST_TIMEOUT


# Polling while deliveries arrive


async def test_polling_is_slower_while_deliveries_arrive_and_normal_again_when_they_stop(
    hass: HomeAssistant,
    advance_time: AdvanceTime,
    home: Household,
    webhook_client: Any,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    def instant_updates_state() -> str:
        return value(hass, home.ann.user_id, "instant_updates", "binary_sensor")

    rows = [home.bank.pay(home.joint.id, -100)]
    assert instant_updates_state() == "off"
    await wait_for_deliveries(server, advance_time)
    assert instant_updates_state() == "on"

    await advance_time(timedelta(minutes=11))
    server.requests.clear()
    for _minute in range(60):
        await advance_time(timedelta(minutes=1))
    # Balances of five accounts every five minutes, their pots every ten minutes, the rest once.
    assert len(server.requests) <= 5 * 12 + 5 * 6 + 1 + 5 + 1

    server.behaviour = replace(server.behaviour, webhook_lost=1)
    rows.append(home.bank.pay(home.joint.id, -200))
    await advance_time(timedelta(minutes=6))
    assert joint.heard == [row.id for row in rows]
    await advance_time(timedelta(minutes=3))
    assert instant_updates_state() == "off"
    rows.append(home.bank.pay(home.joint.id, -300))
    await advance_time(timedelta(minutes=6))
    rows.append(home.bank.pay(home.joint.id, -400))
    await advance_time(ONE_POLL)
    assert joint.heard == [row.id for row in rows]


# Home Assistant Cloud


class FakeCloud(SimpleNamespace):
    """A fake of the Home Assistant Cloud functions that the integration uses."""


@pytest.fixture
def cloud(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """Return a fake Home Assistant Cloud with an active subscription."""
    fake = FakeCloud(hooks={}, active=True, listeners=[], deleted=[], DATA_CLOUD="cloud")

    async def get_or_create(_hass: HomeAssistant, webhook_id: str) -> str:
        url: str = fake.hooks.setdefault(webhook_id, f"https://hooks.nabu.casa/{webhook_id[-3:]}")
        return url

    async def delete(_hass: HomeAssistant, webhook_id: str) -> None:
        fake.deleted.append(webhook_id)
        del fake.hooks[webhook_id]

    def listen(*arguments: Any) -> Any:
        fake.listeners.append(arguments[-1])
        return lambda: fake.listeners.remove(arguments[-1])

    @dataclass
    class Client:
        @property
        def cloudhooks(self) -> dict[str, dict[str, str]]:
            return {hook: {"cloudhook_url": url} for hook, url in fake.hooks.items()}

    hass.data[fake.DATA_CLOUD] = SimpleNamespace(client=Client())
    fake.CloudNotAvailable = HomeAssistantError
    fake.async_active_subscription = lambda _hass: fake.active
    fake.async_get_or_create_cloudhook = get_or_create
    fake.async_delete_cloudhook = delete
    fake.async_listen_connection_change = listen
    fake.async_listen_cloudhook_change = listen
    monkeypatch.setitem(sys.modules, "homeassistant.components.cloud", fake)
    monkeypatch.setattr(components, "cloud", fake, raising=False)
    hass.config.components.add("cloud")
    return fake


async def test_a_cloudhook_is_preferred_updated_and_removed(
    hass: HomeAssistant,
    cloud: FakeCloud,
    home: Household,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await wait_for_registration(advance_time)
    url = cloud.hooks[WEBHOOK_ID]
    assert registrations(home) == expected_registrations(home, url)
    assert entry.data["cloudhook_url"] == entry.data["webhook_url"] == url
    assert no_url_issue(hass, entry) is None

    moved = cloud.hooks[WEBHOOK_ID] = "https://hooks.nabu.casa/another"
    cloud.listeners[-1]({"cloudhook_url": moved})
    await hass.async_block_till_done(wait_background_tasks=True)
    await wait_for_registration(advance_time)
    assert registrations(home) == expected_registrations(home, moved)

    await hass.config_entries.async_remove(entry.entry_id)
    assert registrations(home) == {}
    assert cloud.deleted == [WEBHOOK_ID]
    assert not cloud.listeners


@pytest.mark.parametrize("error", [TimeoutError, ValueError, HomeAssistantError, ClientError])
async def test_a_failed_cloudhook_request_is_repeated(
    hass: HomeAssistant,
    cloud: FakeCloud,
    home: Household,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    error: type[Exception],
) -> None:
    working_function = cloud.async_get_or_create_cloudhook

    async def fail(_hass: HomeAssistant, _webhook_id: str) -> str:
        raise error

    cloud.async_get_or_create_cloudhook = fail
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    assert registrations(home) == {}

    cloud.async_get_or_create_cloudhook = working_function
    await advance_time(timedelta(minutes=11))
    await wait_for_registration(advance_time)
    assert registrations(home) == expected_registrations(home, cloud.hooks[WEBHOOK_ID])

    cloud.async_delete_cloudhook = fail
    await hass.config_entries.async_remove(entry.entry_id)
    assert registrations(home) == {}


# The HACS integration ha-monzo


@pytest.fixture
def entry_of_ha_monzo(hass: HomeAssistant, home: Household, sign_in: SignIn) -> MockConfigEntry:
    """Return Ann's entry as *ha-monzo* stored it: without a webhook."""
    entry = sign_in(home.ann, minor_version=1)
    data = {key: stored for key, stored in entry.data.items() if key != "webhook_id"}
    hass.config_entries.async_update_entry(entry, data=data)
    return entry


def register_as_ha_monzo(home: Household, entry: MockConfigEntry, base: str) -> None:
    """Register the address of each account for every account, as *ha-monzo* does."""
    mine = (home.current, home.joint)
    for account in mine:
        for address_of in mine:
            home.bank.register_webhook(
                account.id, DEFAULT_CLIENT_ID, f"{base}{entry.entry_id}{address_of.id}"
            )


def addresses(home: Household) -> set[str]:
    return {webhook.url for webhook in home.bank.webhooks.values()}


@pytest.mark.parametrize("external_url", [ADDRESS, None], ids=["external URL", "no external URL"])
async def test_the_webhooks_of_ha_monzo_are_removed(
    hass: HomeAssistant,
    webhook_client: Any,
    home: Household,
    entry_of_ha_monzo: MockConfigEntry,
    advance_time: AdvanceTime,
    external_url: str | None,
) -> None:
    hass.config.external_url = external_url
    register_as_ha_monzo(home, entry_of_ha_monzo, "https://old.example/api/webhook/")
    other = home.bank.register_webhook(home.current.id, DEFAULT_CLIENT_ID, "https://a.example/b")

    await set_up(hass, entry_of_ha_monzo)
    await wait_for_registration(advance_time)

    path = webhook.async_generate_path(entry_of_ha_monzo.data["webhook_id"])
    own = {external_url + path} if external_url else set()
    assert addresses(home) == {other.url} | own
    assert {entry_of_ha_monzo.data.get("webhook_url")} - {None} == own


async def test_the_cloudhooks_of_ha_monzo_are_removed(
    hass: HomeAssistant,
    webhook_client: Any,
    cloud: FakeCloud,
    home: Household,
    entry_of_ha_monzo: MockConfigEntry,
    advance_time: AdvanceTime,
) -> None:
    register_as_ha_monzo(home, entry_of_ha_monzo, "https://hooks.nabu.casa/")
    of_ha_monzo = [f"{entry_of_ha_monzo.entry_id}{it.id}" for it in (home.current, home.joint)]
    cloud.hooks |= {hook: f"https://hooks.nabu.casa/{hook}" for hook in of_ha_monzo}
    cloud.hooks["of another integration"] = "https://hooks.nabu.casa/other"

    await set_up(hass, entry_of_ha_monzo)
    await wait_for_registration(advance_time)

    webhook_id = entry_of_ha_monzo.data["webhook_id"]
    assert addresses(home) == {cloud.hooks[webhook_id]}
    assert cloud.hooks.keys() == {webhook_id, "of another integration"}
    assert sorted(cloud.deleted) == sorted(of_ha_monzo)


@pytest.mark.parametrize("migrated", [True, False], ids=["not ready", "disabled"])
async def test_removing_an_entry_of_ha_monzo_before_it_was_set_up_removes_its_webhooks(
    hass: HomeAssistant,
    home: Household,
    server: BankServer,
    cloud: FakeCloud,
    entry_of_ha_monzo: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
    migrated: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    register_as_ha_monzo(home, entry_of_ha_monzo, "https://hooks.nabu.casa/")
    hooks = [f"{entry_of_ha_monzo.entry_id}{it.id}" for it in (home.current, home.joint)]
    cloud.hooks |= {hook: f"https://hooks.nabu.casa/{hook}" for hook in hooks}
    if migrated:
        server.fail("GET", "/accounts", Answer.html(502), times=None)
        await set_up(hass, entry_of_ha_monzo)
        server.clear_faults()

    await hass.config_entries.async_remove(entry_of_ha_monzo.entry_id)

    assert addresses(home) == set()
    assert cloud.hooks == {}
    assert complaints(caplog, "ERROR") == []
