"""The bank's day, whose spending a balance shows. It starts at about 4:00 in London."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from homeassistant.util import dt as dt_util

from ..api import Balance, Private
from ..const import BANK_DAY_STARTS, BANK_TIME_ZONE

# Monzo documents "approximately 4am". This also covers a bank that ignores summer time.
_UNCERTAINTY: Final = timedelta(minutes=90)


def start_of_bank_day(now: datetime) -> datetime:
    """Return the start of the bank's current day: 4:00 in London."""
    local = now.astimezone(dt_util.get_time_zone(BANK_TIME_ZONE))
    start = local.replace(
        hour=BANK_DAY_STARTS.hour, minute=BANK_DAY_STARTS.minute, second=0, microsecond=0
    )
    return start if start <= local else start - timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DatedBalance(Private):
    """The part of a balance that shows to which day a later balance belongs."""

    spent: int
    """The spending of the day in minor units, negative if money was spent."""

    money: int
    """All money of the account in minor units, so that transfers with its pots change nothing."""

    at: datetime
    """The time when the balance arrived, by the bank's clock."""

    day_began: datetime
    """The start of the day. A new value means that the spending was reset to zero."""

    def after(self, before: Self) -> Self:
        """Return the balance with the day that follows from an earlier balance."""
        return replace(self, day_began=_day_of(self.spent, self.money, self.at, before))

    def to_json(self) -> dict[str, Any]:
        """Return the form that a sensor stores over a restart."""
        return {
            "spent": self.spent,
            "money": self.money,
            "at": self.at.isoformat(),
            "day_began": self.day_began.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Create the balance from its stored form.

        Raises KeyError, TypeError or ValueError if that is invalid.
        """
        return cls(
            spent=int(stored["spent"]),
            money=int(stored["money"]),
            at=datetime.fromisoformat(stored["at"]),
            day_began=datetime.fromisoformat(stored["day_began"]),
        )


def date_balance(balance: Balance, now: datetime, before: DatedBalance | None) -> DatedBalance:
    """Return a balance with its day. `now` is the time at the bank, and `before` the last balance.

    Near 4:00 the clock does not show whether the bank has started the new day, because the exact
    moment is not documented, and an answer takes time to arrive. The balances show it: if the
    spending falls and no money came back, it was reset.
    """
    spent = balance.spend_today.minor
    total = balance.balance_including_flexible_savings or balance.total_balance or balance.balance
    day_began = _day_of(spent, total.minor, now, before)
    return DatedBalance(spent=spent, money=total.minor, at=now, day_began=day_began)


def _day_of(spent: int, money: int, now: datetime, before: DatedBalance | None) -> datetime:
    if before is None or before.at > now + _UNCERTAINTY:
        return start_of_bank_day(now)
    spent_more, money_more = spent - before.spent, money - before.money
    # Payments and refunds account for the difference.
    is_explained = money_more == spent_more
    start = start_of_bank_day(now + _UNCERTAINTY)
    if now - start <= _UNCERTAINTY:
        if not is_explained and (spent_more > 0 or money_more == spent):
            # If the bank starts its day late, it may seem to start twice.
            return start if before.day_began < start else now
        # If the spending continues from the previous balance, a new day would count it again.
        goes_on = before.spent != 0 and (spent_more == 0 or is_explained)
        if now >= start > before.day_began and not goes_on:
            return start
        start = start_of_bank_day(now - _UNCERTAINTY)
    # Without a balance since then, a start was missed. With one, an early start may have been
    # unnoticed because nothing had been spent, and a later start would count the spending twice.
    return before.day_began if before.at >= start else start
