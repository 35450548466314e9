"""The first minutes after a start stay within the request budget."""

from dataclasses import replace
from datetime import timedelta

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.bank import approval
from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.behaviour import RateLimit
from sandbox.household import Household
from sandbox.server import Answer, BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.config_dialogs import Dialogs
from tests.helpers.state_helpers import set_up
from tests.helpers.transaction_listener import Listener, make_reachable
from tests.transactions.test_busy_accounts import (
    BUDGET,
    BUDGET_WITH_PAYMENTS,
    most_in_five_minutes,
    refusals,
)
from tests.transactions.test_history import MORE, Card

A_MINUTE = timedelta(minutes=1)

NOT_APPROVED = Answer.error("forbidden.insufficient_permissions")


@pytest.fixture
def limited(server: BankServer) -> BankServer:
    """Return the bank, which refuses more than thirty requests in five minutes."""
    server.behaviour = replace(server.behaviour, rate_limit=RateLimit(requests=30))
    return server


async def test_polls_and_payments_go_on_in_the_first_minutes_after_a_start(
    hass: HomeAssistant,
    home: Household,
    limited: BankServer,
    hass_client_no_auth: ClientSessionGenerator,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    await make_reachable(hass, limited, hass_client_no_auth)
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    listener = Listener(hass, home.joint)
    before = len(limited.requests_to("GET", "/balance"))
    card = Card(hass, entry, home.joint)
    for click in range(5):
        await card.show(MORE * (click + 1))
    row = home.bank.pay(home.joint.id, -350)
    for _minute in range(4):
        await advance_time(A_MINUTE)

    assert len(limited.requests_to("GET", "/balance")) - before >= 5
    assert listener.heard == [row.id]
    for _minute in range(11):
        await advance_time(A_MINUTE)
    assert refusals(limited) == 0
    assert most_in_five_minutes(limited) <= BUDGET


@pytest.mark.parametrize(
    ("checks", "registered_at_once"), [(1, 5), (6, 1)], ids=["approved at once", "approved later"]
)
async def test_webhooks_are_registered_early_after_signing_in_with_five_accounts(
    hass: HomeAssistant,
    bank: Bank,
    limited: BankServer,
    credentials: None,
    current_request_with_host: None,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
    advance_time: AdvanceTime,
    checks: int,
    registered_at_once: int,
) -> None:
    """With an open dashboard, and a payment in every minute of which the bank tells."""
    monkeypatch.setattr(approval, "APPROVAL_PAUSES", [0] * 10)
    browser = await make_reachable(hass, limited, hass_client_no_auth)
    dialogs = Dialogs(hass, browser)
    person = bank.add_person("Eve Evans")
    accounts = [bank.open_account(person, balance=100_000) for _ in range(5)]
    limited.behaviour = replace(limited.behaviour, approve_at_once=True)
    for _check in range(checks - 1):
        limited.fail("GET", "/accounts", NOT_APPROVED)
    await dialogs.wait(await dialogs.sign_in(await dialogs.open(), person))
    await hass.async_block_till_done(wait_background_tasks=True)

    assert len(bank.webhooks) == registered_at_once

    (entry,) = hass.config_entries.async_entries(DOMAIN)
    listener = Listener(hass, accounts[0])
    cards = [Card(hass, entry, account) for account in accounts]
    rows: list[str] = []
    for minute in range(15):
        if minute % 2:
            rows.append(bank.pay(accounts[0].id, -350).id)
        await limited.delivered()
        await advance_time(timedelta(seconds=1))
        for card in cards:
            await card.show(MORE)
        await advance_time(timedelta(seconds=30))
        assert listener.heard == rows
        await advance_time(timedelta(seconds=29))
        if minute == 5:
            assert {webhook.account_id for webhook in bank.webhooks.values()} == {
                account.id for account in accounts
            }
    assert refusals(limited) == 0
    # The token was requested before there was a budget.
    assert most_in_five_minutes(limited) <= 1 + BUDGET_WITH_PAYMENTS
