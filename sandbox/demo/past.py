"""The past of the demo's household, from before its first start."""

from datetime import datetime, timedelta
from itertools import chain

from sandbox.bank import LONDON, Bank
from sandbox.household import Household, open_household
from sandbox.life import live

# More than a year, so that each month has the same month of the year before.
_DAYS_OF_PAST = 400


def build_household_with_past(bank: Bank) -> Household:
    """Add the household to an empty bank, with more than a year of transactions."""
    household = open_household(bank)
    now = bank.clock()
    live(household, _start_of_past(now), now)
    return household


def catch_up(household: Household) -> None:
    """Perform the events since the newest transaction, because the demo was stopped meanwhile."""
    bank = household.bank
    newest = max(
        transaction.created
        for transaction in chain.from_iterable(map(bank.transactions, bank.accounts))
    )
    live(household, newest, bank.clock())


def _start_of_past(now: datetime) -> datetime:
    """Return a day shortly before pay day, because the first rent needs the first salaries."""
    return (now.astimezone(LONDON) - timedelta(days=_DAYS_OF_PAST)).replace(
        day=22, hour=0, minute=0, second=0, microsecond=0
    )
