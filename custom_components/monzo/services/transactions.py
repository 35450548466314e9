"""Actions that read transactions, add up spending, and annotate a transaction."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
import voluptuous as vol

from ..accounts import MonzoData
from ..amounts import format_amount
from ..api import Money, Transaction
from ..automations import matches_payee
from ..bank import bank_errors, validation_error
from ..transactions import (
    counterparty_name,
    has_happened,
    is_of_category,
    is_own_transfer,
    rounded_up_payment_id,
    spending_by_category,
    template_variables,
    transaction_kind,
)
from .action import ATTR_ACCOUNT, ATTR_TRANSACTION_ID, Action, async_account
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
ATTR_REFRESH: Final = "refresh"
ATTR_SINCE: Final = "since"

SERVICE_ANNOTATE_TRANSACTION: Final = "annotate_transaction"
SERVICE_GET_SPENDING: Final = "get_spending"
SERVICE_GET_TRANSACTIONS: Final = "get_transactions"

# The bank's own default if a request has no `since`.
DEFAULT_SPAN: Final = timedelta(days=30)

# A leap year, and a minute for the time between the rendering of a template and the call.
MAX_SPAN: Final = timedelta(days=366, minutes=1)

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000


class Direction(StrEnum):
    """The direction of a payment, as seen from the account."""

    IN = "in"
    OUT = "out"


class Grouping(StrEnum):
    """The criterion by which spending is grouped."""

    CATEGORY = "category"
    MERCHANT = "merchant"
    DAY = "day"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time from which transactions are read."""

    since: datetime

    before: datetime | None
    """The exclusive end; None for everything up to now, by whichever clock is ahead."""

    asked_at: datetime

    @property
    def end(self) -> datetime:
        """The end as the response shows it."""
        return self.before or self.asked_at

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of the response."""
        return {"since": self.since.isoformat(), "before": self.end.isoformat()}


def point_in_time(value: object) -> datetime:
    """Validate a date and time. Without a time zone it is in Home Assistant's."""
    try:
        return dt_util.as_utc(cv.datetime(value))
    except OverflowError as err:
        message = "Invalid datetime specified"
        raise vol.Invalid(message) from err


SPAN_FIELDS: Final = {
    vol.Required(ATTR_ACCOUNT): cv.string,
    vol.Optional(ATTR_SINCE): point_in_time,
    vol.Optional(ATTR_BEFORE): point_in_time,
}

GET_TRANSACTIONS_SCHEMA: Final = vol.Schema(
    {
        **SPAN_FIELDS,
        vol.Optional(ATTR_LIMIT, default=DEFAULT_LIMIT): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=MAX_LIMIT)
        ),
        vol.Optional(ATTR_CATEGORY): TEXT,
        vol.Optional(ATTR_MERCHANT): TEXT,
        # The handler validates the amounts, because their decimals depend on the currency.
        vol.Optional(ATTR_MINIMUM_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_MAXIMUM_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_DIRECTION): vol.Coerce(Direction),
        vol.Optional(ATTR_INCLUDE_DECLINED, default=False): cv.boolean,
        vol.Optional(ATTR_REFRESH, default=True): cv.boolean,
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
    """Return the newest transactions that match the filters."""
    target = async_account(call)
    span = requested_span(call.data, now=target.runtime.session.clock.now())
    limit: int = call.data[ATTR_LIMIT]
    matches = transaction_filter(call.data, target.account.currency)
    found: list[Transaction] = []
    complete = True
    # Most people make about one payment a day, so one small request is usually enough.
    parts = target.history.async_newest_first(
        span.since,
        span.before,
        first_part=timedelta(days=limit),
        refresh=call.data[ATTR_REFRESH],
    )
    async with bank_errors(call.hass, target.entry, target.name), aclosing(parts):
        async for part in parts:
            found += filter(matches, part.transactions)
            complete = complete and part.complete
            if len(found) > limit:
                break
    data = target.runtime.balances.data
    return {
        "account_id": target.account.id,
        "currency": target.account.currency,
        **span.as_dict(),
        "complete": complete and len(found) <= limit,
        "transactions": [_as_dict(transaction, data) for transaction in found[:limit]],
    }


async def _async_get_spending(call: ServiceCall) -> ServiceResponse:
    """Return the total spending, and the spending of each group."""
    target = async_account(call)
    clock = target.runtime.session.clock
    span = requested_span(call.data, now=clock.now())
    spending = GroupedSpending(by=call.data[ATTR_BY], currency=target.account.currency)
    own_accounts = target.runtime.balances.data.own_accounts
    complete = True
    async with bank_errors(call.hass, target.entry, target.name):
        async for part in target.history.async_all(span.since, span.before):
            complete = complete and part.complete
            for transaction in part.transactions:
                if has_happened(transaction.created, clock.now()):
                    own_transfer = is_own_transfer(transaction, own_accounts)
                    spending.add(transaction, own_transfer=own_transfer)
    return {
        "account_id": target.account.id,
        "currency": target.account.currency,
        **span.as_dict(),
        "complete": complete,
        "total": spending.total,
        "groups": spending.groups(),
    }


async def _async_annotate_transaction(call: ServiceCall) -> ServiceResponse:
    """Write notes and metadata. Return the values that the bank has stored."""
    target = async_account(call)
    texts: dict[str, str] = {**call.data.get(ATTR_METADATA, {})}
    if ATTR_NOTES in call.data:
        texts[ATTR_NOTES] = call.data[ATTR_NOTES]
    if not texts:
        raise validation_error("nothing_to_annotate")
    session = target.runtime.session
    async with bank_errors(call.hass, target.entry, call.data[ATTR_TRANSACTION_ID]):
        transaction = await session.transaction(call.data[ATTR_TRANSACTION_ID])
        if transaction.account_id not in (target.account.id, None):
            raise validation_error(
                "not_the_accounts_transaction",
                transaction_id=transaction.id,
                account=target.name,
            )
        stored = await session.annotate_transaction(transaction.id, texts)
    target.runtime.transactions.async_note_notes(target.account.id, stored.id, stored.notes)
    return {
        "transaction_id": stored.id,
        "account_id": target.account.id,
        "notes": stored.notes,
        "metadata": {key: stored.metadata[key] for key in texts if key in stored.metadata},
    }


def requested_span(fields: Mapping[str, Any], *, now: datetime) -> Span:
    """Return the time from which a call reads transactions.

    Raises ServiceValidationError if it is empty, or longer than the bank allows.
    """
    before: datetime | None = fields.get(ATTR_BEFORE)
    end = before or now
    since: datetime = fields.get(ATTR_SINCE) or end - DEFAULT_SPAN
    if since >= end:
        raise validation_error(
            "since_not_before", since=_local_time(since), before=_local_time(end)
        )
    if end - since > MAX_SPAN:
        raise validation_error("span_too_long", days=str(-((since - end) // timedelta(days=1))))
    return Span(since=since, before=before, asked_at=now)


def _local_time(time: datetime) -> str:
    """Return a time as an error shows it."""
    return f"{dt_util.as_local(time):%Y-%m-%d %H:%M}"


def transaction_filter(fields: Mapping[str, Any], currency: str) -> Callable[[Transaction], bool]:
    """Return a predicate for the filters of a call.

    Raises ServiceValidationError if an amount is invalid, or if no amount can match.
    """
    limits = {
        field: positive_amount(fields, field, currency)
        for field in (ATTR_MINIMUM_AMOUNT, ATTR_MAXIMUM_AMOUNT)
        if field in fields
    }
    minimum, maximum = limits.get(ATTR_MINIMUM_AMOUNT), limits.get(ATTR_MAXIMUM_AMOUNT)
    if minimum and maximum and minimum > maximum:
        raise validation_error(
            "minimum_above_maximum",
            minimum=format_amount(minimum),
            maximum=format_amount(maximum),
        )
    values = {**fields, **limits}
    active = [(matches, values[field]) for field, matches in FILTERS.items() if field in values]
    return lambda transaction: all(matches(transaction, value) for matches, value in active)


def _has_direction(transaction: Transaction, direction: Direction) -> bool:
    minor = transaction.amount.minor
    return minor > 0 if direction is Direction.IN else minor < 0


# The filters of `get_transactions`, by field. Each gets a transaction and the value of the field.
FILTERS: Final[Mapping[str, Callable[[Transaction, Any], bool]]] = {
    ATTR_CATEGORY: is_of_category,
    ATTR_MERCHANT: matches_payee,
    ATTR_MINIMUM_AMOUNT: lambda transaction, minimum: (
        abs(transaction.amount.minor) >= minimum.minor
    ),
    ATTR_MAXIMUM_AMOUNT: lambda transaction, maximum: (
        abs(transaction.amount.minor) <= maximum.minor
    ),
    ATTR_DIRECTION: _has_direction,
    ATTR_INCLUDE_DECLINED: lambda transaction, included: included or not transaction.declined,
}


@dataclass(slots=True, kw_only=True)
class GroupedSpending:
    """Adds up spending in groups."""

    by: Grouping
    currency: str

    _minor_units: Counter[str] = field(default_factory=Counter)
    _transactions: Counter[str] = field(default_factory=Counter)

    def add(self, transaction: Transaction, *, own_transfer: bool) -> None:
        """Add a transaction to its group, or the parts of a split one to the group of each."""
        group_of = partial(GROUP_NAMES[self.by], transaction)
        amounts = spending_by_category(transaction, own_transfer=own_transfer)
        for category, amount in amounts.items():
            self._minor_units[group_of(category)] += amount.minor
        # Once per group, even if several parts are in it.
        self._transactions.update(set(map(group_of, amounts)))

    @property
    def total(self) -> float:
        """The spending of all groups together, in major units."""
        return self._in_major_units(self._minor_units.total())

    def groups(self) -> list[dict[str, Any]]:
        """Return the groups of the response: days in order, others by amount, the highest first."""
        if self.by is Grouping.NONE:
            return []
        ordered = (
            sorted(self._minor_units.items())
            if self.by is Grouping.DAY
            else self._minor_units.most_common()
        )
        return [
            {
                self.by.value: group,
                "amount": self._in_major_units(minor),
                "transactions": self._transactions[group],
            }
            for group, minor in ordered
        ]

    def _in_major_units(self, minor: int) -> float:
        return number(Money.from_minor(minor, self.currency))


# The name of the group of a transaction, or of the part of a split transaction in a category.
GROUP_NAMES: Final[Mapping[Grouping, Callable[[Transaction, str], str]]] = {
    Grouping.CATEGORY: lambda _transaction, category: category,
    Grouping.MERCHANT: lambda transaction, _category: (
        counterparty_name(transaction) or transaction.description
    ),
    Grouping.DAY: lambda transaction, _category: (
        dt_util.as_local(transaction.created).date().isoformat()
    ),
    Grouping.NONE: lambda _transaction, _category: "",
}


def _as_dict(transaction: Transaction, data: MonzoData) -> dict[str, Any]:
    """Return a transaction as the response contains it."""
    return {
        "kind": transaction_kind(transaction).value,
        **template_variables(
            transaction,
            pot=data.pot_of(transaction),
            own_transfer=is_own_transfer(transaction, data.own_accounts),
        ),
        "round_up_of": rounded_up_payment_id(transaction),
        "attachments": [
            {
                "attachment_id": attachment.id,
                "url": attachment.file_url,
                "file_type": attachment.file_type,
            }
            for attachment in transaction.attachments
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
