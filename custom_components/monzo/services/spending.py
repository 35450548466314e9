"""Actions that sum up spending, and compare it with past periods."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..bank import bank_errors, validation_error
from ..budgets import Scope
from ..insight import (
    ComparedPeriod,
    Comparison,
    PartOfPeriod,
    compare_groups,
    parts_to_compare,
)
from ..transactions import retention_of
from .action import ATTR_ACCOUNT, AccountTarget, Action, async_account
from .amounts import number
from .fields import ATTR_CATEGORY, ATTR_MERCHANT, ATTR_TAG, TEXT, tag_of
from .grouped_spending import GroupedSpending, Grouping, async_add_up
from .requested_span import (
    ATTR_BEFORE,
    SPAN_FIELDS,
    local_time,
    missing_period,
    point_in_time,
    requested_span,
)

ATTR_BY: Final = "by"
ATTR_PERIOD: Final = "period"
ATTR_PERIODS: Final = "periods"

SERVICE_COMPARE_SPENDING: Final = "compare_spending"
SERVICE_GET_SPENDING: Final = "get_spending"

DEFAULT_PERIODS: Final = 3
MAX_PERIODS: Final = 60


class Missing(StrEnum):
    """The reason why the spending of a past period is unknown."""

    ACCOUNT_NOT_OPEN = "account_not_open"
    """The account was opened after the start of the period."""

    NOT_KEPT = "not_kept"
    """Home Assistant does not keep all transactions of the period."""


_SCOPE_FIELDS: Final = {
    vol.Optional(ATTR_CATEGORY): TEXT,
    vol.Optional(ATTR_MERCHANT): TEXT,
    vol.Optional(ATTR_TAG): TEXT,
}

GET_SPENDING_SCHEMA: Final = vol.Schema(
    {
        **SPAN_FIELDS,
        vol.Optional(ATTR_BY, default=Grouping.CATEGORY): vol.Coerce(Grouping),
        **_SCOPE_FIELDS,
    }
)

COMPARE_SPENDING_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): TEXT,
        vol.Optional(ATTR_PERIOD, default=ComparedPeriod.MONTH): vol.Coerce(ComparedPeriod),
        vol.Optional(ATTR_PERIODS, default=DEFAULT_PERIODS): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=MAX_PERIODS)
        ),
        vol.Optional(ATTR_BEFORE): point_in_time,
        vol.Optional(ATTR_BY, default=Grouping.CATEGORY): vol.All(
            vol.Coerce(Grouping), vol.In([Grouping.CATEGORY, Grouping.MERCHANT, Grouping.NONE])
        ),
        **_SCOPE_FIELDS,
    }
)


async def _async_get_spending(call: ServiceCall) -> ServiceResponse:
    """Return the total spending, and the spending of each group."""
    target = await async_account(call)
    span = requested_span(call.data, now=target.runtime.session.clock.now())
    spending = await _async_spending(call, target, span.since, span.before)
    return {
        "account_id": target.account.id,
        "currency": target.account.currency,
        **span.as_dict(),
        "complete": spending.complete,
        "missing": [missing_period(*period) for period in spending.missing],
        "total": spending.total,
        "groups": spending.groups(),
    }


async def _async_compare_spending(call: ServiceCall) -> ServiceResponse:
    """Return the spending of a period so far, and the mean of past periods up to the same point."""
    target = await async_account(call)
    if not retention_of(target.entry).keeps_history:
        raise validation_error("no_history_to_compare", account=target.name)
    now = target.runtime.session.clock.now()
    before = call.data.get(ATTR_BEFORE)
    count: int = call.data[ATTR_PERIODS]
    parts = parts_to_compare(
        call.data[ATTR_PERIOD],
        min(before or now, now),
        count,
        dt_util.get_default_time_zone(),
        target.runtime.recurring.pay_days.after,
    )
    if not parts:
        raise validation_error("pay_day_unknown", name=target.entry.title)
    current, *past = parts
    if not target.history.is_kept(current.since, before):
        since = local_time(current.since)
        raise validation_error("period_not_kept", account=target.name, since=since)
    spending = await _async_spending(call, target, current.since, before)
    earlier = [(part, await _async_past_spending(call, target, part)) for part in past]
    known = [it.minor_units for _part, it in earlier if isinstance(it, GroupedSpending)]
    currency = target.account.currency
    groups = compare_groups(spending.minor_units, known, currency)
    return {
        "account_id": target.account.id,
        "currency": currency,
        "since": current.since.isoformat(),
        "before": current.until.isoformat(),
        "complete": spending.complete and len(known) == count,
        **_comparison_dict(Comparison.of_sums(spending.minor_units, known, currency)),
        "groups": []
        if spending.by is Grouping.NONE
        else [{spending.by.value: name, **_comparison_dict(it)} for name, it in groups.items()],
        "periods": [_period_dict(part, it) for part, it in earlier],
    }


async def _async_past_spending(
    call: ServiceCall, target: AccountTarget, part: PartOfPeriod
) -> GroupedSpending | Missing:
    """Return the spending in a part of a past period, or the reason why it is unknown."""
    opened = target.account.account.created
    if opened is not None and part.since < opened:
        return Missing.ACCOUNT_NOT_OPEN
    if not target.history.is_kept(part.since, part.until):
        return Missing.NOT_KEPT
    return await _async_spending(call, target, part.since, part.until)


async def _async_spending(
    call: ServiceCall, target: AccountTarget, since: datetime, before: datetime | None
) -> GroupedSpending:
    """Return the spending within a span, limited and grouped by the fields of a call."""
    spending = _spending_of(call, target)
    async with bank_errors(call.hass, target.entry, target.name):
        await async_add_up(
            spending, target.history, since, before, target.runtime.session.clock.now
        )
    return spending


def _spending_of(call: ServiceCall, target: AccountTarget) -> GroupedSpending:
    """Return an empty sum of spending, with the filters and groups of a call.

    Raises ServiceValidationError if the tag is invalid.
    """
    fields: Mapping[str, Any] = call.data
    category = fields.get(ATTR_CATEGORY)
    return GroupedSpending(
        by=fields[ATTR_BY],
        currency=target.account.currency,
        scope=Scope(
            categories=frozenset({category} if category else ()),
            merchant=fields.get(ATTR_MERCHANT, ""),
            tag=tag_of(fields) or "",
        ),
    )


def _period_dict(part: PartOfPeriod, spending: GroupedSpending | Missing) -> dict[str, Any]:
    """Return a part of a past period for the response."""
    span = {"since": part.since.isoformat(), "before": part.until.isoformat()}
    if isinstance(spending, Missing):
        return {**span, "amount": None, "missing": spending.value}
    return {**span, "amount": spending.total, "missing": None}


def _comparison_dict(comparison: Comparison) -> dict[str, float | None]:
    """Return a comparison for the response."""
    mean, difference, percent = comparison.mean, comparison.difference, comparison.percent
    return {
        "amount": number(comparison.amount),
        "mean": None if mean is None else number(mean),
        "difference": None if difference is None else number(difference),
        "percent": None if percent is None else float(percent),
    }


ACTIONS: Final = (
    Action(
        name=SERVICE_GET_SPENDING,
        handler=_async_get_spending,
        schema=GET_SPENDING_SCHEMA,
        admin=False,
        supports_response=SupportsResponse.ONLY,
    ),
    Action(
        name=SERVICE_COMPARE_SPENDING,
        handler=_async_compare_spending,
        schema=COMPARE_SPENDING_SCHEMA,
        admin=False,
        supports_response=SupportsResponse.ONLY,
    ),
)
