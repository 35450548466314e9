"""The bank's day, of which a balance shows the spending: it starts at about 4:00 in London."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from homeassistant.util import dt as dt_util

from ..api import Balance, Private
from ..const import BANK_DAY_STARTS, BANK_TIME_ZONE

# Monzo documents "approximately 4am". Even a bank that forgets summer time stays within this.
_UNCERTAINTY: Final = timedelta(minutes=90)


def start_of_bank_day(now: datetime) -> datetime:
    """Return when the bank's current day started: at 4:00 in London."""
    local = now.astimezone(dt_util.get_time_zone(BANK_TIME_ZONE))
    start = local.replace(
        hour=BANK_DAY_STARTS.hour, minute=BANK_DAY_STARTS.minute, second=0, microsecond=0
    )
    return start if start <= local else start - timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DatedBalance(Private):
    """A balance, and the day of which it shows the spending."""

    balance: Balance

    at: datetime
    """When it arrived, by the bank's clock."""

    day_began: datetime
    """When the day began. A new value means that the spending started again from zero."""


class DatedBalances(dict[str, DatedBalance]):
    """The last balance of each account by its ID; they outlive a reload of the config entry."""


def date_balance(balance: Balance, now: datetime, before: DatedBalance | None) -> DatedBalance:
    """Return a balance with its day. `now` is the time at the bank, and `before` the last balance.

    Near 4:00 the clock does not say whether the bank has started the new day: its own moment is not
    documented, and an answer may have been under way. The balances do, because spending that falls
    while no money comes back was reset.
    """
    return DatedBalance(balance=balance, at=now, day_began=_day_of(balance, now, before))


def _day_of(balance: Balance, now: datetime, before: DatedBalance | None) -> datetime:
    if before is None or before.at > now + _UNCERTAINTY:
        return start_of_bank_day(now)
    start = start_of_bank_day(now + _UNCERTAINTY)
    if now - start <= _UNCERTAINTY:
        if _was_reset(before.balance, balance):
            # The bank may seem to start a day twice if it starts late.
            return start if before.day_began < start else now
        if now >= start > before.day_began and not _continues(before.balance, balance):
            return start
        start = start_of_bank_day(now - _UNCERTAINTY)
    # No start was missed if there was a balance since then. An early one may have been unnoticed,
    # because nothing had been spent; a later one would count the spending twice.
    return before.day_began if before.at >= start else start


def _was_reset(before: Balance, after: Balance) -> bool:
    """Return whether spending started from zero between two balances."""
    spent_before, spent = before.spend_today.minor, after.spend_today.minor
    change = _money(after) - _money(before)
    if change == spent - spent_before:
        # Payments and refunds explain the difference.
        return False
    return spent > spent_before or change == spent


def _continues(before: Balance, after: Balance) -> bool:
    """Return whether spending goes on from the balance before, so that a new start would add it."""
    spent_before, spent = before.spend_today.minor, after.spend_today.minor
    change = _money(after) - _money(before)
    return spent_before != 0 and (spent == spent_before or change == spent - spent_before)


def _money(balance: Balance) -> int:
    """Return all money of an account, so that transfers with its pots make no difference."""
    total = balance.balance_including_flexible_savings or balance.total_balance or balance.balance
    return total.minor
