"""The bank's day, of which a balance shows the spending: it starts at about 4:00 in London."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

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
    """The part of a balance that shows whether a later one is of the same day, and its day."""

    spent: int
    """The spending of the day in minor units, negative if money was spent."""

    money: int
    """All money of the account in minor units, so that transfers with its pots change nothing."""

    at: datetime
    """When it arrived, by the bank's clock."""

    day_began: datetime
    """When the day began. A new value means that the spending started again from zero."""

    def after(self, before: Self) -> Self:
        """Return the same balance, with its day in view of an earlier balance."""
        return replace(self, day_began=_day_of(self.spent, self.money, self.at, before))

    def to_json(self) -> dict[str, Any]:
        """Return the form in which a sensor stores it for the time after a restart."""
        return {
            "spent": self.spent,
            "money": self.money,
            "at": self.at.isoformat(),
            "day_began": self.day_began.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return it from its stored form. Raises KeyError, TypeError or ValueError for others."""
        return cls(
            spent=int(stored["spent"]),
            money=int(stored["money"]),
            at=datetime.fromisoformat(stored["at"]),
            day_began=datetime.fromisoformat(stored["day_began"]),
        )


def date_balance(balance: Balance, now: datetime, before: DatedBalance | None) -> DatedBalance:
    """Return a balance with its day. `now` is the time at the bank, and `before` the last balance.

    Near 4:00 the clock does not say whether the bank has started the new day: its own moment is not
    documented, and an answer may have been under way. The balances do, because spending that falls
    while no money comes back was reset.
    """
    spent = balance.spend_today.minor
    total = balance.balance_including_flexible_savings or balance.total_balance or balance.balance
    day_began = _day_of(spent, total.minor, now, before)
    return DatedBalance(spent=spent, money=total.minor, at=now, day_began=day_began)


def _day_of(spent: int, money: int, now: datetime, before: DatedBalance | None) -> datetime:
    if before is None or before.at > now + _UNCERTAINTY:
        return start_of_bank_day(now)
    spent_more, money_more = spent - before.spent, money - before.money
    # Payments and refunds explain the difference.
    is_explained = money_more == spent_more
    start = start_of_bank_day(now + _UNCERTAINTY)
    if now - start <= _UNCERTAINTY:
        if not is_explained and (spent_more > 0 or money_more == spent):
            # The bank may seem to start a day twice if it starts late.
            return start if before.day_began < start else now
        # If the spending goes on from the balance before, a new start would count it again.
        goes_on = before.spent != 0 and (spent_more == 0 or is_explained)
        if now >= start > before.day_began and not goes_on:
            return start
        start = start_of_bank_day(now - _UNCERTAINTY)
    # No start was missed if there was a balance since then. An early one may have been unnoticed,
    # because nothing had been spent; a later one would count the spending twice.
    return before.day_began if before.at >= start else start
