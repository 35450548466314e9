"""The first minutes after a start stay within the request budget."""

from dataclasses import replace
from datetime import timedelta

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from sandbox.behaviour import RateLimit
from sandbox.household import Household
from sandbox.server import BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import set_up
from tests.helpers.transaction_listener import Listener, make_reachable
from tests.transactions.test_busy_accounts import (
    BUDGET,
    most_in_five_minutes,
    refusals,
)
from tests.transactions.test_history import MORE, Card

A_MINUTE = timedelta(minutes=1)


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
