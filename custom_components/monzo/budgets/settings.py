"""Settings of a budget, as stored in its config subentry."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, Self

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import WEEKDAYS

from ..amounts import parse_amount
from ..api import Money, Private
from ..recurring import PayDays
from .budget import Limits
from .periods import Months, PayCycles, Period, PeriodRule, Weeks, Years
from .scope import Scope

SUBENTRY_BUDGET: Final = "budget"

CONF_ACCOUNTS: Final = "accounts"
CONF_CARRY_OVER: Final = "carry_over"
CONF_CATEGORIES: Final = "categories"
CONF_DAY: Final = "day"
CONF_LIMIT: Final = "limit"
CONF_MERCHANT: Final = "merchant"
CONF_PERIOD: Final = "period"
CONF_TAG: Final = "tag"
CONF_TITLE: Final = "title"
CONF_WEEKDAY: Final = "weekday"

# These are not in the form: the currency of the accounts, the first day of carrying over, and
# earlier limits as pairs of a day and an amount.
CONF_CARRY_SINCE: Final = "carry_since"
CONF_CURRENCY: Final = "currency"
CONF_PAST_LIMITS: Final = "past_limits"

# A change of one of these does not reload the config entry.
LIMIT_KEYS: Final = frozenset({CONF_LIMIT, CONF_PAST_LIMITS})


class PeriodType(StrEnum):
    """The types of periods that the user can choose."""

    MONTH = "month"
    WEEK = "week"
    PAY_CYCLE = "pay_cycle"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BudgetSettings(Private):
    """The settings of a budget."""

    id: str
    """The ID of the subentry."""

    title: str
    accounts: tuple[str, ...]
    currency: str
    scope: Scope
    limits: Limits
    period: PeriodType

    day: int
    """The first day of each month."""

    weekday: int
    """The first day of each week; 0 for Mondays."""

    carry_since: date | None
    """Money is carried over from the period that contains this day on; None for never."""

    @classmethod
    def of(cls, subentry: ConfigSubentry) -> Self:
        """Return the settings that a subentry stores."""
        data = subentry.data
        currency = data[CONF_CURRENCY]
        since = data.get(CONF_CARRY_SINCE)
        return cls(
            id=subentry.subentry_id,
            title=subentry.title,
            accounts=tuple(data[CONF_ACCOUNTS]),
            currency=currency,
            scope=Scope(
                categories=frozenset(data.get(CONF_CATEGORIES, ())),
                merchant=data.get(CONF_MERCHANT, ""),
                tag=data.get(CONF_TAG, ""),
            ),
            limits=limits_of(data),
            period=PeriodType(data[CONF_PERIOD]),
            day=int(data[CONF_DAY]),
            weekday=WEEKDAYS.index(data[CONF_WEEKDAY]),
            carry_since=None if since is None else date.fromisoformat(since),
        )

    def rule(self, pay_days: PayDays) -> PeriodRule:
        """Return the rule for the days on which the periods begin."""
        match self.period:
            case PeriodType.MONTH:
                return Months(self.day)
            case PeriodType.WEEK:
                return Weeks(self.weekday)
            case PeriodType.PAY_CYCLE:
                return PayCycles(pay_days.after)
            case PeriodType.YEAR:
                return Years()


def limits_of(data: Mapping[str, Any]) -> Limits:
    """Return the limits that a subentry stores."""
    currency = data[CONF_CURRENCY]
    return Limits(
        current=_money(data[CONF_LIMIT], currency),
        past=tuple(
            (date.fromisoformat(before), _money(limit, currency))
            for before, limit in data.get(CONF_PAST_LIMITS, ())
        ),
    )


def with_limit(data: Mapping[str, Any], limit: Money, period: Period | None) -> dict[str, Any]:
    """Return the data of a subentry with a new limit.

    The limit applies from the current period on. If that is unknown, it also applies to earlier
    ones.
    """
    limits = limits_of(data)
    if limit == limits.current:
        return dict(data)
    limits = replace(limits, current=limit) if period is None else limits.changed_to(limit, period)
    past = [[before.isoformat(), str(limit.amount)] for before, limit in limits.past]
    return {**data, CONF_LIMIT: str(limit.amount), CONF_PAST_LIMITS: past}


def _money(stored: object, currency: str) -> Money:
    if (money := parse_amount(stored, currency)) is None:
        message = "a stored limit is no amount of money"
        raise ValueError(message)
    return money
