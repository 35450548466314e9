"""The action that searches the transactions of an account."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..accounts import MonzoData
from ..amounts import format_amount
from ..api import Attachment
from ..bank import bank_errors, validation_error
from ..transactions import TAG_SIGN, TransactionHistory, TransactionRecord, record_variables
from .action import AccountTarget, Action, async_account
from .amounts import ANY_AMOUNT, positive_amount
from .fields import ATTR_CATEGORY, ATTR_MERCHANT, ATTR_TAG, MONZO_ID, TEXT, tag_of
from .requested_span import SPAN_FIELDS, RequestedSpan, requested_span

ATTR_AFTER: Final = "after"
ATTR_DIRECTION: Final = "direction"
ATTR_INCLUDE_DECLINED: Final = "include_declined"
ATTR_LIMIT: Final = "limit"
ATTR_MAXIMUM_AMOUNT: Final = "maximum_amount"
ATTR_MINIMUM_AMOUNT: Final = "minimum_amount"
ATTR_REFRESH: Final = "refresh"
ATTR_TEXT: Final = "text"

SERVICE_GET_TRANSACTIONS: Final = "get_transactions"

# The precision of the bank's times.
_MOMENT: Final = timedelta(milliseconds=1)

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000


type _Found = tuple[TransactionRecord, Iterable[Attachment]]
"""A transaction and its attachments."""


class Direction(StrEnum):
    """The direction of a payment, as seen from the account."""

    IN = "in"
    OUT = "out"


GET_TRANSACTIONS_SCHEMA: Final = vol.Schema(
    {
        **SPAN_FIELDS,
        vol.Optional(ATTR_LIMIT, default=DEFAULT_LIMIT): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=MAX_LIMIT)
        ),
        vol.Optional(ATTR_AFTER): MONZO_ID,
        vol.Optional(ATTR_TEXT): TEXT,
        vol.Optional(ATTR_CATEGORY): TEXT,
        vol.Optional(ATTR_MERCHANT): TEXT,
        vol.Optional(ATTR_TAG): TEXT,
        # The handler validates the amounts, because their decimals depend on the currency.
        vol.Optional(ATTR_MINIMUM_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_MAXIMUM_AMOUNT): ANY_AMOUNT,
        vol.Optional(ATTR_DIRECTION): vol.Coerce(Direction),
        vol.Optional(ATTR_INCLUDE_DECLINED, default=False): cv.boolean,
        vol.Optional(ATTR_REFRESH, default=True): cv.boolean,
    }
)


async def _async_get_transactions(call: ServiceCall) -> ServiceResponse:
    """Return the newest transactions that match the filters."""
    target = await async_account(call)
    span = requested_span(call.data, now=target.runtime.session.clock.now())
    limit: int = call.data[ATTR_LIMIT]
    async with bank_errors(call.hass, target.entry, target.name):
        search = await _async_search_of(call, target, span)
        found, complete = await search.async_run(limit + 1)
    data = target.runtime.balances.data
    return {
        "account_id": target.account.id,
        "currency": target.account.currency,
        **span.as_dict(),
        "complete": complete and len(found) <= limit,
        "transactions": [_as_dict(record, files, data) for record, files in found[:limit]],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """The search for the transactions of a call."""

    history: TransactionHistory
    since: datetime
    before: datetime | None
    text: str
    matches: Callable[[TransactionRecord], bool]

    refresh: bool
    """Whether to read all transactions that the bank shows from the bank."""

    first_part: timedelta
    """The length of the part that is requested from the bank first."""

    async def async_run(self, limit: int) -> tuple[list[_Found], bool]:
        """Return the newest matching transactions, and whether all could be read."""
        if not self.refresh:
            found = await self._async_kept(self.since, self.before, limit)
            if found is not None:
                return found, True
            kept_since = self.history.kept_since(self.before) if self.text else None
            if kept_since is not None:
                # Search only the kept transactions, because the rest would need many requests.
                found = await self._async_kept(max(self.since, kept_since), self.before, limit)
                return found or [], False
        since = self.history.since_not_kept(self.since)
        found, complete = await self._async_read(since, limit)
        if len(found) < limit and since > self.since:
            end = since if self.before is None else min(since, self.before)
            older = await self._async_kept(self.since, end, limit - len(found))
            return found + (older or []), complete and older is not None
        return found, complete

    async def _async_kept(
        self, since: datetime, before: datetime | None, limit: int
    ) -> list[_Found] | None:
        """Return matching transactions from the archive; None if not all are kept."""
        records = await self.history.async_find_kept(
            since, before, text=self.text, matches=self.matches, limit=limit
        )
        if records is None:
            return None
        return [(record, self.history.attachments(record.id)) for record in records]

    async def _async_read(self, since: datetime, limit: int) -> tuple[list[_Found], bool]:
        """Return matching transactions from memory or from the bank."""
        found: list[_Found] = []
        complete = True
        if self.before is not None and since >= self.before:
            return found, complete
        parts = self.history.bank.async_newest_first(
            since, self.before, first_part=self.first_part, refresh=self.refresh
        )
        async with aclosing(parts):
            async for part in parts:
                complete = complete and part.complete
                records = ((self.history.record(it), it.attachments) for it in part.transactions)
                found += islice(
                    ((record, files) for record, files in records if self.matches(record)),
                    limit - len(found),
                )
                if len(found) == limit:
                    break
        return found, complete


async def _async_search_of(
    call: ServiceCall, target: AccountTarget, span: RequestedSpan
) -> _Search:
    """Return the search of a call.

    Raises ServiceValidationError if the transaction in `after` is unknown.
    """
    matches = record_filter(call.data, target.account.currency)
    before = span.before
    if (after := call.data.get(ATTR_AFTER)) is not None:
        created = await target.history.async_created(after)
        if created is None:
            raise validation_error("unknown_transaction", transaction_id=after)
        before = min(before or created + _MOMENT, created + _MOMENT)
        matches = _following((created, after), matches)
    return _Search(
        history=target.history,
        since=span.since,
        before=before,
        # The archive searches for texts faster than for tags.
        text=call.data.get(ATTR_TEXT, TAG_SIGN if ATTR_TAG in call.data else ""),
        matches=matches,
        refresh=call.data[ATTR_REFRESH],
        # Most people make about one payment a day, so one small request is usually enough.
        first_part=timedelta(days=call.data[ATTR_LIMIT]),
    )


def _following(
    position: tuple[datetime, str], matches: Callable[[TransactionRecord], bool]
) -> Callable[[TransactionRecord], bool]:
    """Return a predicate that also requires that a record is older than another one."""
    return lambda record: (record.created, record.id) < position and matches(record)


def record_filter(fields: Mapping[str, Any], currency: str) -> Callable[[TransactionRecord], bool]:
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
    values = {**fields, **limits, ATTR_TAG: tag_of(fields)}
    active = [(matches, values[field]) for field, matches in FILTERS.items() if field in values]
    return lambda record: all(matches(record, value) for matches, value in active)


def _has_direction(record: TransactionRecord, direction: Direction) -> bool:
    return record.minor > 0 if direction is Direction.IN else record.minor < 0


# The filters of `get_transactions`, by field. Each gets a record and the value of the field.
FILTERS: Final[Mapping[str, Callable[[TransactionRecord, Any], bool]]] = {
    ATTR_TEXT: lambda record, text: record.matches_text(text),
    ATTR_CATEGORY: TransactionRecord.is_of_category,
    ATTR_MERCHANT: TransactionRecord.matches_payee,
    ATTR_TAG: lambda record, tag: tag is None or tag in record.tags,
    ATTR_MINIMUM_AMOUNT: lambda record, minimum: abs(record.minor) >= minimum.minor,
    ATTR_MAXIMUM_AMOUNT: lambda record, maximum: abs(record.minor) <= maximum.minor,
    ATTR_DIRECTION: _has_direction,
    ATTR_INCLUDE_DECLINED: lambda record, included: included or not record.declined,
}


def _as_dict(
    record: TransactionRecord, attachments: Iterable[Attachment], data: MonzoData
) -> dict[str, Any]:
    """Return a transaction for the response."""
    return {
        "kind": record.kind.value,
        **record_variables(record, pot=data.pot_names.get(record.pot_id or "")),
        "round_up_of": record.round_up_of,
        "attachments": [
            {
                "attachment_id": attachment.id,
                "url": attachment.file_url,
                "file_type": attachment.file_type,
            }
            for attachment in attachments
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
)
