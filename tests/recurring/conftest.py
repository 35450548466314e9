"""Fixtures: a person with eight months of recurring payments, over the sandbox."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from sandbox.bank import LONDON, Bank
from sandbox.models import Account
from tests.conftest import START, SignIn
from tests.helpers.archive_filler import fill_archive
from tests.helpers.state_helpers import set_up

from .households import as_it_is, following, monthly, preceding
from .payments import until

TODAY = START.date()
BEGIN = date(2026, 1, 1)


def moments(days: Any) -> list[datetime]:
    """Return the moments of payments on days in London, early in the morning."""
    return [
        datetime.combine(day, time(5, 40), LONDON).astimezone(UTC) for day in until(days, TODAY)
    ]


@pytest.fixture
def account(bank: Bank) -> Account:
    """Return the account of a person with a salary on the 25th, a rent, bills and a subscription.

    It holds £1,000, and its pot £10. The bank was asked on Wednesday, 16 September 2026.
    """
    account = bank.open_account(
        bank.add_person("Dora Dent"), balance=0, created=START - timedelta(days=600)
    )
    pot = bank.open_pot(account.id, "Bills", balance=100_000)
    for at in moments(monthly(BEGIN, 25, preceding)):
        bank.receive(account.id, 265_000, sender="Harbour Design", at=at)
    for at in moments(monthly(BEGIN, 1, following)):
        bank.direct_debit(account.id, -90_000, payee="Mill Street Lettings", at=at)
    for at in moments(monthly(BEGIN, 18, following)):
        bank.direct_debit(account.id, -3_400, payee="Threadnet Broadband", at=at)
    for at in moments(monthly(BEGIN, 20, following)):
        bank.direct_debit(account.id, -3_100, payee="Moorland Water", pot_id=pot.id, at=at)
    for at in moments(monthly(BEGIN, 28, as_it_is)):
        bank.pay(account.id, -1_299, merchant="Streamly", pending=False, at=at)
    account.balance, pot.balance = 100_000, 1_000
    return account


@pytest.fixture
def dora(bank: Bank, account: Account, sign_in: SignIn) -> MockConfigEntry:
    """Return the entry of the person, which is not set up."""
    (person,) = bank.people.values()
    return sign_in(person, options={"keep_transactions": "everything"})


@pytest.fixture
async def entry(
    hass: HomeAssistant, bank: Bank, account: Account, dora: MockConfigEntry
) -> MockConfigEntry:
    """Return the entry of the person after eight months."""
    await fill_archive(hass, bank, dora, [account])
    await set_up(hass, dora)
    return dora
