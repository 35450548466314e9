"""Monzo is given one address for each account, and what arrives there is only a hint."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
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
from sandbox.server import DEFAULT_CLIENT_ID, Answer, BankServer, Delay, Edited, Silence
from tests.accounts.test_coordinator import ByAccount
from tests.conftest import WEBHOOK_ID, LetPass, SignIn
from tests.helpers.state_helpers import complaints, device, set_up, value
from tests.helpers.transaction_listener import ADDRESS, Listener, open_door
from tests.helpers.transfer_client import Meanwhile

PATH = f"/api/webhook/{WEBHOOK_ID}"
URL = ADDRESS + PATH
A_POLL = timedelta(minutes=2)


@pytest.fixture
async def door(
    hass: HomeAssistant,
    server: BankServer,
    credentials: None,
    hass_client_no_auth: ClientSessionGenerator,
) -> Any:
    """Return who knocks at Home Assistant's address, as anybody may."""
    return await open_door(hass, server, hass_client_no_auth)


@pytest.fixture
async def entry(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    door: Any,
    home: Household,
    sign_in: SignIn,
    let_pass: LetPass,
) -> MockConfigEntry:
    """Return Ann's entry, set up and registered at an address that the bank can call."""
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await let_pass_until_registered(let_pass)
    return entry


@pytest.fixture
def joint(hass: HomeAssistant, home: Household, entry: MockConfigEntry) -> Listener:
    """Return who listens to the joint account."""
    return Listener(hass, home.joint)


async def let_pass_until_registered(let_pass: LetPass) -> None:
    """Let so much time pass that the request budget has room for five accounts."""
    for _quarter in range(40):
        await let_pass(timedelta(seconds=16))


def registered(home: Household) -> Counter[tuple[str, str]]:
    """Return which addresses the bank calls for which account."""
    return Counter((hook.account_id, hook.url) for hook in home.bank.webhooks.values())


def once_each(home: Household, url: str = URL) -> dict[tuple[str, str], int]:
    mine = (home.current, home.joint, home.flex, home.rewards, home.loan)
    return {(account.id, url): 1 for account in mine}


def issue(hass: HomeAssistant, entry: MockConfigEntry) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(
        DOMAIN, f"{RepairIssue.NO_EXTERNAL_URL}_{entry.entry_id}"
    )


def body(account_id: str, transaction_id: str = "tx_forged") -> dict[str, Any]:
    return {
        "type": "transaction.created",
        "data": {"account_id": account_id, "id": transaction_id, "amount": -99_999_999},
    }


async def settle(server: BankServer, let_pass: LetPass) -> None:
    """Wait until everything that is on its way has arrived and was heeded."""
    await server.delivered()
    for _second in range(3):
        await let_pass(timedelta(seconds=1))


# Registering


async def test_every_account_is_registered_once(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    assert registered(home) == once_each(home)
    assert entry.data["webhook_url"] == URL
    assert issue(hass, entry) is None

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert registered(home) == once_each(home)


async def test_what_is_there_twice_or_at_an_old_address_of_ours_goes_and_the_rest_stays(
    hass: HomeAssistant, door: Any, home: Household, sign_in: SignIn, let_pass: LetPass
) -> None:
    others = "https://somebody.example/else"
    for url in (URL, URL, f"https://old.example{PATH}", others):
        home.bank.register_webhook(home.current.id, DEFAULT_CLIENT_ID, url)

    await set_up(hass, sign_in(home.ann))
    await let_pass_until_registered(let_pass)

    assert registered(home) == {**once_each(home), (home.current.id, others): 1}


async def test_a_new_address_moves_them(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    await hass.config.async_update(external_url="https://new.example.test")
    await hass.async_block_till_done(wait_background_tasks=True)
    for _quarter in range(40):
        await let_pass(timedelta(seconds=16))

    assert registered(home) == once_each(home, f"https://new.example.test{PATH}")
    assert entry.data["webhook_url"] == f"https://new.example.test{PATH}"


async def test_without_an_address_there_is_an_issue_and_ours_are_removed(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    await hass.config.async_update(external_url=None)
    await hass.async_block_till_done(wait_background_tasks=True)
    for _quarter in range(40):
        await let_pass(timedelta(seconds=16))

    assert registered(home) == {}
    assert "webhook_url" not in entry.data
    told = issue(hass, entry)
    assert told
    assert told.severity is ir.IssueSeverity.WARNING

    await hass.config.async_update(external_url=ADDRESS)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert issue(hass, entry) is None


async def test_without_an_address_the_entry_stays_as_it_is(
    hass: HomeAssistant, home: Household, server: BankServer, sign_in: SignIn
) -> None:
    entry = sign_in(home.ann)
    before = dict(entry.data)

    await set_up(hass, entry)

    assert entry.data == before
    assert not server.requests_to("*", "/webhooks*")
    assert issue(hass, entry)


async def test_a_new_account_is_registered_too(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    account = home.bank.open_account(home.ann, type="uk_business", balance=100)
    await let_pass(timedelta(minutes=61))
    await let_pass(timedelta(minutes=11))

    assert registered(home) == {**once_each(home), (account.id, URL): 1}


async def test_an_account_that_is_left_out_is_no_longer_called_for(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, let_pass: LetPass
) -> None:
    await let_pass(timedelta(minutes=6))
    hass.config_entries.async_update_entry(entry, options={"excluded_accounts": [home.loan.id]})
    await hass.config_entries.async_reload(entry.entry_id)
    for _quarter in range(40):
        await let_pass(timedelta(seconds=16))

    assert registered(home) == Counter(once_each(home)) - Counter({(home.loan.id, URL): 1})


async def test_set_up_does_not_wait_for_the_banks_webhooks(
    hass: HomeAssistant, door: Any, home: Household, server: BankServer, sign_in: SignIn
) -> None:
    server.fail("*", "/webhooks", Silence(), times=None)
    entry = sign_in(home.ann)

    async with asyncio.timeout(5):
        assert await hass.config_entries.async_setup(entry.entry_id)
    assert value(hass, home.joint.id, "balance") != "unknown"
    assert await hass.config_entries.async_unload(entry.entry_id)


# What the bank may say about the webhooks of an account that is not like the others.
ODD_ANSWERS = {
    "none of that kind": "not_found",
    "no such account": "bad_request.bad_param.account_id",
    "not yours": "forbidden.insufficient_permissions",
    "not allowed": "forbidden.something",
    "an error": "internal_service",
}


@pytest.mark.parametrize("code", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
async def test_an_odd_account_leaves_the_others_alone(
    hass: HomeAssistant,
    let_pass: LetPass,
    door: Any,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
    code: str,
) -> None:
    odd = {home.current.id: Answer.error(code), home.prepaid.id: Answer.error(code)}
    server.fail("GET", "/webhooks", ByAccount(odd), times=None)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await let_pass_until_registered(let_pass)

    assert registered(home) == Counter(once_each(home)) - Counter({(home.current.id, URL): 1})

    await hass.config_entries.async_remove(entry.entry_id)
    assert registered(home) == {}


async def test_what_cannot_be_registered_now_is_tried_again(
    hass: HomeAssistant,
    let_pass: LetPass,
    door: Any,
    home: Household,
    server: BankServer,
    sign_in: SignIn,
) -> None:
    server.fail("POST", "/webhooks", Answer.html(502), times=None)
    await set_up(hass, sign_in(home.ann))
    await let_pass_until_registered(let_pass)
    assert registered(home) == {}

    server.clear_faults()
    await let_pass(timedelta(minutes=11))
    await let_pass_until_registered(let_pass)

    assert registered(home) == once_each(home)


async def test_one_that_monzo_drops_is_registered_again_when_it_is_missed(
    hass: HomeAssistant,
    let_pass: LetPass,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    home.bank.pay(home.joint.id, -100)
    await settle(server, let_pass)
    home.bank.webhooks.clear()

    home.bank.pay(home.joint.id, -100)
    for _minute in range(20):
        await let_pass(timedelta(minutes=1))

    assert registered(home) == once_each(home)


async def test_an_address_without_a_name_will_do(
    hass: HomeAssistant, door: Any, home: Household, sign_in: SignIn, let_pass: LetPass
) -> None:
    await hass.config.async_update(external_url="https://203.0.113.5:8123")
    await set_up(hass, sign_in(home.ann))
    await let_pass_until_registered(let_pass)

    assert registered(home) == once_each(home, f"https://203.0.113.5:8123{PATH}")


async def test_a_removed_entry_leaves_none_behind(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    others = home.bank.register_webhook(home.current.id, DEFAULT_CLIENT_ID, "https://a.example/b")

    await hass.config_entries.async_remove(entry.entry_id)

    assert list(home.bank.webhooks.values()) == [others]


async def test_a_removed_entry_leaves_none_behind_though_its_token_has_expired(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, server: BankServer
) -> None:
    token = {**entry.data["token"], "expires_at": time.time() - 1}
    hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})
    server.expire_access_token(home.ann)

    await hass.config_entries.async_remove(entry.entry_id)

    assert registered(home) == {}


async def test_an_entry_can_be_removed_though_its_token_cannot_be_renewed(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    sign_in: SignIn,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bens = sign_in(home.ben)
    await set_up(hass, bens)
    token = {key: part for key, part in entry.data["token"].items() if key != "refresh_token"}
    token["expires_at"] = time.time() - 1
    hass.config_entries.async_update_entry(entry, data={**entry.data, "token": token})

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert complaints(caplog, "ERROR") == []
    assert "Could not remove all webhooks" in caplog.text
    assert home.joint.id in bens.runtime_data.balances.data.accounts


async def test_an_entry_can_be_removed_though_the_bank_lets_nobody_in(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry, server: BankServer
) -> None:
    server.evict(home.ann)

    await hass.config_entries.async_remove(entry.entry_id)

    assert not hass.config_entries.async_entries(DOMAIN)
    assert registered(home) == once_each(home)


# Deliveries


async def test_a_payment_is_reported_as_soon_as_it_is_delivered(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    before = len(server.requests)
    # Here no time passes; elsewhere it takes a moment until a payment is delivered.
    a_moment_ago = home.bank.clock() - timedelta(seconds=1)
    row = home.bank.pay(home.joint.id, -350, at=a_moment_ago)
    await server.delivered()
    await hass.async_block_till_done(wait_background_tasks=True)

    assert joint.heard == joint.events == [row.id]
    assert joint.balances == [f"{home.joint.balance / 100:.2f}"]
    assert len(server.requests) - before <= 3


async def test_a_pot_that_is_closed_is_gone_with_the_delivery_of_its_last_money(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    let_pass: LetPass,
) -> None:
    home.bank.close_pot(home.house.id)
    await settle(server, let_pass)

    assert len(joint.heard) == 1
    assert device(hass, entry, home.house.id) is None
    assert device(hass, entry, home.bills.id)


async def test_two_hundred_deliveries_at_once_cost_few_requests(
    home: Household, entry: MockConfigEntry, server: BankServer, joint: Listener, let_pass: LetPass
) -> None:
    before = len(server.requests)
    rows = [home.bank.pay(home.joint.id, -100 - number) for number in range(200)]
    await settle(server, let_pass)

    assert joint.heard == joint.events == [row.id for row in rows]
    assert len(server.requests) - before <= 20


async def test_a_declined_payment_whose_delivery_is_lost_is_found_within_the_hour(
    home: Household, entry: MockConfigEntry, server: BankServer, joint: Listener, let_pass: LetPass
) -> None:
    home.bank.pay(home.joint.id, -100)
    await settle(server, let_pass)
    assert entry.runtime_data.webhook_status.arriving

    server.behaviour = replace(server.behaviour, webhook_lost=1)
    await let_pass(timedelta(minutes=10))
    row = home.bank.decline(home.joint.id, -200)
    for _ in range(12):
        await let_pass(timedelta(minutes=5))

    # As automations want to hear of it all the same.
    assert joint.heard[1:] == [row.id]
    assert not joint.reports[-1].late


async def test_payments_that_do_not_end_are_not_looked_for_without_end(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    let_pass: LetPass,
) -> None:
    rows = [home.bank.pay(home.joint.id, -100)]
    one_more = Meanwhile(lambda: rows.append(home.bank.pay(home.joint.id, -100)), Delay(0))
    for path in ("/balance", "/transactions"):
        server.fail("GET", path, one_more, times=None)
    before = len(server.requests)
    await server.delivered()
    await hass.async_block_till_done(wait_background_tasks=True)
    # One look, as long as no time passes.
    assert len(server.requests) - before <= 4

    server.clear_faults()
    await settle(server, let_pass)
    assert joint.heard == joint.events == [row.id for row in rows]


@pytest.mark.parametrize("calm", [True, False], ids=["calm", "not calm"])
@pytest.mark.parametrize("seconds", [0.2, 1, 3, 15, 30])
async def test_what_is_announced_before_it_is_listed_is_found_as_soon_as_it_is(
    let_pass: LetPass,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    calm: bool,  # noqa: FBT001 - a parameter of the test
    seconds: float,
) -> None:
    if calm:
        home.bank.pay(home.joint.id, -100)
        await settle(server, let_pass)
    await let_pass(timedelta(minutes=11))
    await let_pass(timedelta(minutes=1))
    row = home.bank.pay(home.joint.id, -350)
    made = home.bank.clock()

    def list_late(page: Any) -> Any:
        if home.bank.clock() - made >= timedelta(seconds=seconds):
            return page
        return {"transactions": [known for known in page["transactions"] if known["id"] != row.id]}

    server.fail("GET", "/transactions", Edited(list_late), times=None)
    await server.delivered()
    while row.id not in joint.heard:
        await let_pass(timedelta(seconds=0.5))
        assert home.bank.clock() - made < timedelta(seconds=max(10 * seconds, 3))


async def test_what_is_announced_and_listed_among_older_ones_is_found_soon(
    let_pass: LetPass, home: Household, entry: MockConfigEntry, server: BankServer, joint: Listener
) -> None:
    home.bank.pay(home.joint.id, -100)
    await settle(server, let_pass)
    half_an_hour_ago = home.bank.clock() - timedelta(minutes=30)
    row = home.bank.pay(home.joint.id, -350, at=half_an_hour_ago)
    await settle(server, let_pass)
    await let_pass(timedelta(seconds=2))

    assert row.id in joint.heard


async def test_what_is_listed_for_tomorrow_keeps_nothing_of_today_back(
    let_pass: LetPass, home: Household, entry: MockConfigEntry, server: BankServer, joint: Listener
) -> None:
    await let_pass(timedelta(minutes=11))
    tomorrow = home.bank.clock() + timedelta(days=1)
    rows = [home.bank.pay(home.joint.id, -100, at=tomorrow)]
    await settle(server, let_pass)
    rows.append(home.bank.pay(home.joint.id, -200))
    await settle(server, let_pass)

    assert joint.heard == [row.id for row in rows]


async def outage_after_a_delivery(
    hass: HomeAssistant, let_pass: LetPass, home: Household, server: BankServer
) -> None:
    """Have a delivery arrive, and then the bank be gone until the balance is unavailable."""
    home.bank.pay(home.joint.id, -100)
    await settle(server, let_pass)
    server.fail("GET", "*", Answer.html(502), times=None)
    while value(hass, home.joint.id, "balance") != "unavailable":
        await let_pass(timedelta(minutes=1))

    server.clear_faults()


async def test_a_delivery_shows_that_the_bank_is_there_again(
    hass: HomeAssistant,
    let_pass: LetPass,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    await outage_after_a_delivery(hass, let_pass, home, server)

    row = home.bank.pay(home.joint.id, -350)
    await settle(server, let_pass)

    assert row.id in joint.heard
    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"


async def test_after_an_outage_polls_find_the_bank_though_deliveries_used_to_arrive(
    hass: HomeAssistant,
    let_pass: LetPass,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    await outage_after_a_delivery(hass, let_pass, home, server)

    await let_pass(A_POLL)

    assert value(hass, home.joint.id, "balance") == f"{home.joint.balance / 100:.2f}"


async def test_a_delivery_by_home_assistant_cloud_is_taken_as_well(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    server.behaviour = replace(server.behaviour, webhook_lost=1)
    row = home.bank.pay(home.joint.id, -350)
    content = json.dumps(body(home.joint.id, row.id)).encode()
    request = MockRequest(content=content, mock_source="test", method="POST")

    answer = await webhook.async_handle_webhook(hass, WEBHOOK_ID, request)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert answer.status == HTTPStatus.OK
    assert joint.heard == [row.id]


BAD_BODIES = {
    "nothing": b"",
    "no JSON": b"<html>",
    "not even text": b"\xff\xfe\x00",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "no data": b"{}",
    "data is a text": b'{"data": "acc_1"}',
    "an account that is a list": b'{"data": {"account_id": ["acc"], "id": "tx"}}',
    "an id that is a number": b'{"data": {"account_id": "acc", "id": 7}}',
    "nested a thousand deep": b"[" * 1_000 + b"]" * 1_000,
    "nested very deep": b'{"data":' * 8_000,
    "a number too long": b"9" * 60_000,
    "five megabytes": b'{"data": "' + b"x" * 5 * 2**20 + b'"}',
}


@pytest.mark.parametrize("content", BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_bad_body_is_refused_and_changes_nothing(
    hass: HomeAssistant,
    home: Household,
    door: Any,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    content: bytes,
) -> None:
    before = len(server.requests)
    answer = await door.post(PATH, data=content)
    assert answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(server.requests) == before
    assert not joint.heard


async def test_an_unknown_account_is_nobodys_business(
    hass: HomeAssistant, home: Household, door: Any, entry: MockConfigEntry, server: BankServer
) -> None:
    before = len(server.requests)
    for account_id in ("acc_unknown", home.bens.id, ""):
        answer = await door.post(PATH, json=body(account_id))
        assert answer.status == HTTPStatus.OK
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(server.requests) == before


async def test_a_forged_delivery_is_looked_up_and_nothing_in_it_is_believed(
    hass: HomeAssistant, home: Household, door: Any, entry: MockConfigEntry, joint: Listener
) -> None:
    balance = value(hass, home.joint.id, "balance")
    answer = await door.post(PATH, json=body(home.joint.id))
    assert answer.status == HTTPStatus.OK
    await hass.async_block_till_done(wait_background_tasks=True)

    assert not joint.heard
    assert value(hass, home.joint.id, "balance") == balance
    assert value(hass, home.ann.user_id, "instant_updates", "binary_sensor") == "off"


@pytest.mark.parametrize("refused", [False, True], ids=["readable", "refused"])
async def test_a_flood_of_forged_deliveries_does_not_keep_home_assistant_asking(
    hass: HomeAssistant,
    let_pass: LetPass,
    home: Household,
    door: Any,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
    refused: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    await let_pass(timedelta(minutes=6))
    if refused:
        refusal = Answer.error("forbidden.insufficient_permissions")
        server.fail("GET", "/transactions", ByAccount({home.joint.id: refusal}), times=None)
    before = len(server.requests)
    for number in range(30):
        await door.post(PATH, json=body(home.joint.id, f"tx_{number}"))
        await hass.async_block_till_done(wait_background_tasks=True)
    assert len(server.requests) - before <= 15

    # What is true among them is found by the polls.
    server.clear_faults()
    server.behaviour = replace(server.behaviour, webhook_lost=1)
    row = home.bank.pay(home.joint.id, -100)
    await let_pass(A_POLL)
    assert joint.heard == [row.id]


async def test_forged_deliveries_that_do_not_end_are_left_to_the_polls(
    let_pass: LetPass,
    home: Household,
    door: Any,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    home.bank.pay(home.joint.id, -100)
    await settle(server, let_pass)
    assert entry.runtime_data.webhook_status.arriving

    before = len(server.requests_to("GET", "/transactions"))
    for number in range(30):
        await door.post(PATH, json=body(home.joint.id, f"tx_{number}"))
        await let_pass(timedelta(seconds=1))
    assert len(server.requests_to("GET", "/transactions")) - before <= 10
    # Nobody can tell any more whether what is true arrives.
    assert not entry.runtime_data.webhook_status.arriving

    row = home.bank.pay(home.joint.id, -200)
    for _ in range(5):
        await let_pass(timedelta(minutes=1))
    assert joint.heard[1:] == [row.id]


async def test_while_home_assistant_stops_monzo_is_asked_to_come_again(
    hass: HomeAssistant, home: Household, door: Any, entry: MockConfigEntry
) -> None:
    state = hass.state
    hass.set_state(CoreState.stopping)
    answer = await door.post(PATH, json=body(home.joint.id))
    hass.set_state(state)
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_while_an_entry_cannot_be_set_up_monzo_is_asked_to_come_again(
    hass: HomeAssistant, home: Household, door: Any, entry: MockConfigEntry, server: BankServer
) -> None:
    server.fail("GET", "*", Answer.html(502), times=None)
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    answer = await door.post(PATH, json=body(home.joint.id))

    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_a_delivery_that_does_not_arrive_in_full_is_not_waited_for(
    hass: HomeAssistant,
    home: Household,
    door: Any,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receiver, "_READ_TIMEOUT", timedelta(0))

    async def half() -> AsyncIterator[bytes]:
        yield b'{"data": '
        await asyncio.Event().wait()

    answer = await door.post(PATH, data=half())

    assert answer.status == HTTPStatus.REQUEST_TIMEOUT


# Whether deliveries arrive


async def test_while_deliveries_arrive_polling_is_calm_and_returns_when_they_stop(
    hass: HomeAssistant,
    let_pass: LetPass,
    home: Household,
    door: Any,
    entry: MockConfigEntry,
    server: BankServer,
    joint: Listener,
) -> None:
    def instant() -> str:
        return value(hass, home.ann.user_id, "instant_updates", "binary_sensor")

    rows = [home.bank.pay(home.joint.id, -100)]
    assert instant() == "off"
    await settle(server, let_pass)
    assert instant() == "on"

    await let_pass(timedelta(minutes=11))
    server.requests.clear()
    for _minute in range(60):
        await let_pass(timedelta(minutes=1))
    # The balances of five accounts every five minutes, pots every ten, the rest once.
    assert len(server.requests) <= 5 * 12 + 5 * 6 + 1 + 5 + 1

    server.behaviour = replace(server.behaviour, webhook_lost=1)
    rows.append(home.bank.pay(home.joint.id, -200))
    await let_pass(timedelta(minutes=6))
    assert joint.heard == [row.id for row in rows]
    await let_pass(timedelta(minutes=3))
    assert instant() == "off"
    rows.append(home.bank.pay(home.joint.id, -300))
    await let_pass(timedelta(minutes=6))
    rows.append(home.bank.pay(home.joint.id, -400))
    await let_pass(A_POLL)
    assert joint.heard == [row.id for row in rows]


# Home Assistant Cloud


class FakeCloud(SimpleNamespace):
    """As much of Home Assistant Cloud as matters here."""


@pytest.fixture
def cloud(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """Subscribe to Home Assistant Cloud."""
    fake = FakeCloud(hooks={}, active=True, listeners=[], deleted=[])

    async def get_or_create(_hass: HomeAssistant, webhook_id: str) -> str:
        url: str = fake.hooks.setdefault(webhook_id, f"https://hooks.nabu.casa/{webhook_id[-3:]}")
        return url

    async def delete(_hass: HomeAssistant, webhook_id: str) -> None:
        fake.deleted.append(webhook_id)
        del fake.hooks[webhook_id]

    def listen(*arguments: Any) -> Any:
        fake.listeners.append(arguments[-1])
        return lambda: fake.listeners.remove(arguments[-1])

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


async def test_a_cloudhook_is_preferred_moved_and_removed(
    hass: HomeAssistant,
    cloud: FakeCloud,
    home: Household,
    sign_in: SignIn,
    let_pass: LetPass,
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await let_pass_until_registered(let_pass)
    url = cloud.hooks[WEBHOOK_ID]
    assert registered(home) == once_each(home, url)
    assert entry.data["cloudhook_url"] == entry.data["webhook_url"] == url
    assert issue(hass, entry) is None

    moved = cloud.hooks[WEBHOOK_ID] = "https://hooks.nabu.casa/another"
    cloud.listeners[-1]({"cloudhook_url": moved})
    await hass.async_block_till_done(wait_background_tasks=True)
    await let_pass_until_registered(let_pass)
    assert registered(home) == once_each(home, moved)

    await hass.config_entries.async_remove(entry.entry_id)
    assert registered(home) == {}
    assert cloud.deleted == [WEBHOOK_ID]
    assert not cloud.listeners


@pytest.mark.parametrize("trouble", [TimeoutError, ValueError, HomeAssistantError, ClientError])
async def test_a_cloud_in_trouble_is_asked_again(
    hass: HomeAssistant,
    cloud: FakeCloud,
    home: Household,
    sign_in: SignIn,
    let_pass: LetPass,
    trouble: type[Exception],
) -> None:
    works = cloud.async_get_or_create_cloudhook

    async def fail(_hass: HomeAssistant, _webhook_id: str) -> str:
        raise trouble

    cloud.async_get_or_create_cloudhook = fail
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    assert registered(home) == {}

    cloud.async_get_or_create_cloudhook = works
    await let_pass(timedelta(minutes=11))
    await let_pass_until_registered(let_pass)
    assert registered(home) == once_each(home, cloud.hooks[WEBHOOK_ID])

    cloud.async_delete_cloudhook = fail
    await hass.config_entries.async_remove(entry.entry_id)
    assert registered(home) == {}
