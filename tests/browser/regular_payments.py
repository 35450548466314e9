"""A household with regular payments: it is paid weekly, and pays weekly, on every day of a test."""

from datetime import UTC, date, datetime, time, timedelta

from sandbox.bank import LONDON
from sandbox.home_assistant.sign_in import add_credentials, sign_in
from sandbox.models import Account
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

from .ha_instance import HaInstance
from .ha_setup import add_budget

PAYEES = ("Threadnet Broadband", "Moorland Water", "Ironworks Gym", "Streamly")

_WEEKS = 16
_FRIDAY = 4


async def add_person_with_budgets(ha: HaInstance) -> Account:
    """Sign in a person with a weekly income and two budgets, and return her account.

    One of the budgets is exceeded.
    """
    bank = ha.bank
    now = datetime.now(LONDON)
    dora = bank.add_person("Dora Dent")
    account = bank.open_account(dora, balance=0, created=now - timedelta(days=400))
    friday = now.date() - timedelta(days=(now.weekday() - _FRIDAY) % 7 or 7)
    for week in range(_WEEKS, -1, -1):
        pay_day = friday - timedelta(weeks=week)
        at = _morning(pay_day)
        bank.receive(account.id, 62_000, sender="Harbour Design Ltd", notes="WAGES", at=at)
        for place, payee in enumerate(PAYEES):
            # From Saturday to Tuesday. A payment of today has not been made yet.
            day = pay_day + timedelta(days=1 + place)
            if day < now.date():
                price = -1_250 - place
                bank.pay(account.id, price, merchant=payee, pending=False, at=_morning(day))
    bank.open_pot(account.id, "Holiday", balance=12_000)
    account.balance = 84_321
    bank.pay(account.id, -6_000, merchant="Greens Market")
    await add_credentials(ha.admin, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET)
    await sign_in(ha.admin, dora, ha.server.approve)
    await ha.wait_until_loaded()
    await add_budget(ha, title="Food", limit=50, categories=["groceries"])
    await add_budget(ha, title="All of it", limit=5000)
    return account


def _morning(day: date) -> datetime:
    """Return a moment on a day in London, in summer and in winter."""
    return datetime.combine(day, time(9), LONDON).astimezone(UTC)
