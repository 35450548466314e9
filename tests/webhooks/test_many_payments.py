"""Payments without a pause share the request budget with polls, transfers and cards."""

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from itertools import pairwise

from homeassistant.core import HomeAssistant, ServiceResponse
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.behaviour import RateLimit
from sandbox.models import Account, Transaction
from sandbox.server import BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import device, set_up
from tests.helpers.transaction_listener import Listener, make_reachable

FIVE_SECONDS = timedelta(seconds=5)
A_MINUTE = timedelta(minutes=1)
SIX_MINUTES = timedelta(minutes=6)


def refused(server: BankServer) -> int:
    """Return how many requests the bank refused because there were too many."""
    return sum(request.status == HTTPStatus.TOO_MANY_REQUESTS for request in server.requests)


def longest_time_without_balance(server: BankServer, account: Account) -> timedelta:
    """Return the longest time between two requests for the balance of an account."""
    polls = server.requests_to("GET", "/balance")
    times = [each.at for each in polls if each.query["account_id"] == account.id]
    return max(later - earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize("busy_accounts", [1, 3])
async def test_payments_without_a_pause_leave_requests_to_polls_transfers_and_cards(
    hass: HomeAssistant,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    hass_client_no_auth: ClientSessionGenerator,
    busy_accounts: int,
) -> None:
    await make_reachable(hass, server, hass_client_no_auth)
    cleo = bank.add_person("Cleo Cooper")
    quiet = bank.open_account(cleo, balance=100_000)
    pot = bank.open_pot(quiet.id, name="Taxes")
    busy = [bank.open_account(cleo, balance=10_000_000) for _ in range(busy_accounts)]
    for account in busy:
        # Each payment also changes a pot.
        bank.open_pot(account.id, name="Coin jar", round_up=True)
    entry = sign_in(cleo)
    await set_up(hass, entry)
    for _minute in range(20):
        await advance_time(A_MINUTE)
    server.behaviour = replace(server.behaviour, rate_limit=RateLimit(requests=30))
    server.requests.clear()
    listeners = [Listener(hass, account) for account in busy]
    made: list[str] = []

    def record(row: Transaction) -> None:
        if row.account_id != quiet.id:
            made.append(row.id)

    bank.on_transaction(record)

    async def call(action: str, **fields: object) -> ServiceResponse:
        return await hass.services.async_call(
            DOMAIN, action, fields, blocking=True, return_response=True
        )

    quiet_device, pot_device = (device(hass, entry, each.id) for each in (quiet, pot))
    assert quiet_device
    assert pot_device
    for step in range(120):
        a_second_ago = bank.clock() - timedelta(seconds=1)
        bank.pay(busy[step % busy_accounts].id, -150, at=a_second_ago)
        if step % 60 == 30:
            assert await call("get_transactions", account=quiet_device.id)
            assert await call("deposit_into_pot", pot=pot_device.id, amount=1)
        await server.delivered()
        await advance_time(FIVE_SECONDS)
        if step == 0:
            assert listeners[0].heard == made
    assert pot.balance == 200
    for _minute in range(6):
        await advance_time(A_MINUTE)

    assert refused(server) == 0
    assert longest_time_without_balance(server, quiet) <= SIX_MINUTES
    assert sorted(id_ for listener in listeners for id_ in listener.heard) == sorted(made)
