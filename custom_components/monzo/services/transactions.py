"""Reading transactions, adding up what was spent, and writing notes, by actions."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
import math
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..api import Money, Records, Transaction
from ..automations import matches_payee
from ..bank import bank_errors, validation_error
from ..transactions import (
    counterparty_name,
    is_of_category,
    spending_by_category,
    template_variables,
    transaction_kind,
)
from .action import ATTR_ACCOUNT, ATTR_TRANSACTION_ID, AccountTarget, Action, async_account
from .amounts import ANY_AMOUNT, number, positive_amount
from .fields import MONZO_ID, TEXT

ATTR_BEFORE: Final = "before"
ATTR_BY: Final = "by"
ATTR_CATEGORY: Final = "category"
ATTR_DIRECTION: Final = "direction"
ATTR_INCLUDE_DECLINED: Final = "include_declined"
ATTR_LIMIT: Final = "limit"
ATTR_MAXIMUM_AMOUNT: Final = "maximum_amount"
ATTR_MERCHANT: Final = "merchant"
ATTR_METADATA: Final = "metadata"
ATTR_MINIMUM_AMOUNT: Final = "minimum_amount"
ATTR_NOTES: Final = "notes"
ATTR_SINCE: Final = "since"

SERVICE_ANNOTATE_TRANSACTION: Final = "annotate_transaction"
SERVICE_GET_SPENDING: Final = "get_spending"
SERVICE_GET_TRANSACTIONS: Final = "get_transactions"

# What the bank shows when it is not told since when.
DEFAULT_SPAN: Final = timedelta(days=30)

# A year, also one with a day more, and the moment that passes between a template and the call.
LONGEST_SPAN: Final = timedelta(days=366, minutes=1)

# The bank refuses to list more than 365 days at once.
LONGEST_PART: Final = timedelta(days=360)

# Nobody knows for sure whether the bank counts what was made at the very moment of `since`.
EDGE: Final = timedelta(seconds=1)

DEFAULT_LIMIT: Final = 100
HIGHEST_LIMIT: Final = 1000


class Flow(StrEnum):
    """Which way money goes, seen from the account."""

    IN = "in"
    OUT = "out"


class Grouping(StrEnum):
    """What spending can be told by."""

    CATEGORY = "category"
    MERCHANT = "merchant"
    DAY = "day"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when transactions are asked for."""

    since: datetime

    before: datetime | None
    """None for all until now, whatever the clocks here and at the bank say."""

    asked_at: datetime

    @property
    def end(self) -> datetime:
        """The moment before which everything is looked at."""
        return self.before or self.asked_at

    def as_dict(self) -> dict[str, Any]:
        """Return what templates see of it."""
        return {"since": self.since.isoformat(), "before": self.end.isoformat()}


def moment(value: object) -> datetime:
    """Validate a moment; without a time zone it is in Home Assistant's."""
    try:
        return dt_util.as_utc(cv.datetime(value))
    except OverflowError as err:
        message = "Invalid datetime specified"
        raise vol.Invalid(message) from err


SPAN_FIELDS: Final = {
    vol.Required(ATTR_ACCOUNT): cv.string,
    vol.Optional(ATTR_SINCE): moment,
    vol.Optional(ATTR_BEFORE): moment,
}

GET_TRANSACTIONS_SCHEMA: Final = vol.Schema(
    {
        **SPAN_FIELDS,
        vol.Optional(ATTR_LIMIT, default=DEFAULT_LIMIT): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=HIGHEST_LIMIT)
        ),
        vol.Optional(ATTR_CATEGORY): TEXT,
        vol.Optional(ATTR_MERCHANT): TEXT,
        # Whether these are amounts depends on the account's currency, so the handler decides.
        vol.Optional(ATTR_MINIMUM_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_MAXIMUM_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_DIRECTION): vol.Coerce(Flow),
        vol.Optional(ATTR_INCLUDE_DECLINED, default=False): cv.boolean,
    }
)

GET_SPENDING_SCHEMA: Final = vol.Schema(
    {**SPAN_FIELDS, vol.Optional(ATTR_BY, default=Grouping.CATEGORY): vol.Coerce(Grouping)}
)

ANNOTATE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): cv.string,
        vol.Required(ATTR_TRANSACTION_ID): MONZO_ID,
        vol.Optional(ATTR_NOTES): cv.string,
        vol.Optional(ATTR_METADATA): {TEXT: cv.string},
    }
)


async def _async_get_transactions(call: ServiceCall) -> ServiceResponse:
    """Answer with the newest transactions that fit."""
    target = async_account(call)
    span = _span(call)
    limit: int = call.data[ATTR_LIMIT]
    wanted = _filter(call, target.account.currency)
    found: list[Transaction] = []
    complete = True
    # People pay something about every day: most often the first part is enough, and small.
    parts = _parts(target, span, timedelta(days=limit))
    async with bank_errors(call.hass, target.entry), aclosing(parts):
        async for part in parts:
            found += [item for item in part if wanted(item)]
            complete = complete and not part.skipped
            if len(found) > limit:
                break
    data = target.runtime.balances.data
    return {
        "account_id": target.account.id,
        "currency": target.account.currency,
        **span.as_dict(),
        "complete": complete and len(found) <= limit,
        "transactions": [_as_dict(item, data.pot_of(item)) for item in found[:limit]],
    }


async def _async_get_spending(call: ServiceCall) -> ServiceResponse:
    """Answer with what was spent, in all and by what was asked for."""
    target = async_account(call)
    span = _span(call)
    by: Grouping = call.data[ATTR_BY]
    currency = target.account.currency
    sums: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    complete = True
    async with bank_errors(call.hass, target.entry):
        async for part in _parts(target, span, LONGEST_PART):
            complete = complete and not part.skipped
            for item in part:
                parts = spending_by_category(item)
                counts.update({GROUP_OF[by](item, category) for category in parts})
                for category, amount in parts.items():
                    sums[GROUP_OF[by](item, category)] += amount.minor
    in_order = sorted(sums.items()) if by is Grouping.DAY else sums.most_common()
    groups = [
        {
            by.value: group,
            "amount": number(Money.from_minor(minor, currency)),
            "transactions": counts[group],
        }
        for group, minor in in_order
    ]
    return {
        "account_id": target.account.id,
        "currency": currency,
        **span.as_dict(),
        "complete": complete,
        "total": number(Money.from_minor(sums.total(), currency)),
        "groups": [] if by is Grouping.NONE else groups,
    }


async def _async_annotate_transaction(call: ServiceCall) -> ServiceResponse:
    """Write notes or metadata, and answer with what the bank has kept of it."""
    target = async_account(call)
    texts: dict[str, str] = {**call.data.get(ATTR_METADATA, {})}
    if ATTR_NOTES in call.data:
        texts[ATTR_NOTES] = call.data[ATTR_NOTES]
    if not texts:
        raise validation_error("nothing_to_annotate")
    session = target.runtime.session
    async with bank_errors(call.hass, target.entry):
        transaction = await session.transaction(call.data[ATTR_TRANSACTION_ID])
        if transaction.account_id not in (target.account.id, None):
            raise validation_error("not_the_accounts_transaction")
        kept = await session.annotate_transaction(transaction.id, texts)
    return {
        "transaction_id": kept.id,
        "account_id": target.account.id,
        "notes": kept.notes,
        "metadata": {key: kept.metadata[key] for key in texts if key in kept.metadata},
    }


def _span(call: ServiceCall) -> Span:
    """Return from when to when transactions are asked for.

    Raises ServiceValidationError if the bank would not show that much, or nothing.
    """
    now = dt_util.utcnow()
    before: datetime | None = call.data.get(ATTR_BEFORE)
    end = before or now
    since: datetime = call.data.get(ATTR_SINCE) or end - DEFAULT_SPAN
    if since >= end:
        raise validation_error("since_not_before")
    if end - since > LONGEST_SPAN:
        raise validation_error("span_too_long")
    return Span(since=since, before=before, asked_at=now)


async def _parts(
    target: AccountTarget, span: Span, length: timedelta
) -> AsyncGenerator[Records[Transaction]]:
    """Yield the transactions of a span in parts, the newest first.

    The bank lists the oldest first. So a span is read from its end, in parts that grow: who only
    wants a few of the newest can stop.
    """
    end, before = span.end, span.before
    while end > span.since:
        begin = max(span.since, end - min(length, LONGEST_PART))
        records = await target.runtime.session.all_transactions(
            target.account.id, since=begin - EDGE, before=before
        )
        items = [
            item
            for item in reversed(records)
            if begin <= item.created and (before is None or item.created < before)
        ]
        items.sort(key=lambda item: item.created, reverse=True)
        yield Records(tuple(items), skipped=records.skipped)
        end = before = begin
        length *= 2


def _filter(call: ServiceCall, currency: str) -> Callable[[Transaction], bool]:
    """Return what tells whether a transaction is wanted.

    Raises ServiceValidationError if none can be.
    """
    asked: dict[str, Any] = dict(call.data)
    for field in (ATTR_MINIMUM_AMOUNT, ATTR_MAXIMUM_AMOUNT):
        if field in asked:
            asked[field] = positive_amount(asked[field], currency).minor
    if asked.get(ATTR_MINIMUM_AMOUNT, 0) > asked.get(ATTR_MAXIMUM_AMOUNT, math.inf):
        raise validation_error("minimum_above_maximum")
    rules = [(rule, asked[field]) for field, rule in RULES.items() if field in asked]
    return lambda item: all(rule(item, value) for rule, value in rules)


def _flows(item: Transaction, flow: Flow) -> bool:
    return item.amount.minor > 0 if flow is Flow.IN else item.amount.minor < 0


# What each field of `get_transactions` wants of a transaction.
RULES: Final[Mapping[str, Callable[[Transaction, Any], bool]]] = {
    ATTR_CATEGORY: is_of_category,
    ATTR_MERCHANT: matches_payee,
    ATTR_MINIMUM_AMOUNT: lambda item, minor: abs(item.amount.minor) >= minor,
    ATTR_MAXIMUM_AMOUNT: lambda item, minor: abs(item.amount.minor) <= minor,
    ATTR_DIRECTION: _flows,
    ATTR_INCLUDE_DECLINED: lambda item, included: included or not item.declined,
}

# The name of the group that a part of a transaction belongs to.
GROUP_OF: Final[Mapping[Grouping, Callable[[Transaction, str], str]]] = {
    Grouping.CATEGORY: lambda _item, category: category,
    Grouping.MERCHANT: lambda item, _category: counterparty_name(item) or item.description,
    Grouping.DAY: lambda item, _category: dt_util.as_local(item.created).date().isoformat(),
    Grouping.NONE: lambda _item, _category: "",
}


def _as_dict(item: Transaction, pot: str | None) -> dict[str, Any]:
    """Return what templates see of a transaction."""
    return {
        "kind": transaction_kind(item).value,
        **template_variables(item, pot),
        "attachments": [
            {
                "attachment_id": attachment.id,
                "url": attachment.file_url,
                "file_type": attachment.file_type,
            }
            for attachment in item.attachments
        ],
    }


ACTIONS: Final = (
    Action(
        name=SERVICE_GET_TRANSACTIONS,
        handler=_async_get_transactions,
        schema=GET_TRANSACTIONS_SCHEMA,
        admin=False,
        supports_response=SupportsResponse.ONLY,
    ),
    Action(
        name=SERVICE_GET_SPENDING,
        handler=_async_get_spending,
        schema=GET_SPENDING_SCHEMA,
        admin=False,
        supports_response=SupportsResponse.ONLY,
    ),
    Action(
        name=SERVICE_ANNOTATE_TRANSACTION,
        handler=_async_annotate_transaction,
        schema=ANNOTATE_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    ),
)
