"""The action that writes transactions to a file for other programs."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from ..bank import bank_errors
from ..export import (
    ExportedAccount,
    ExportedPeriod,
    FileFormatName,
    RecordPage,
    Statement,
    async_export,
    check_destination,
)
from .action import ATTR_ACCOUNT, AccountTarget, Action, async_account_of
from .amounts import number
from .fields import ATTR_TAG, TEXT, tag_of
from .requested_span import (
    ATTR_BEFORE,
    ATTR_SINCE,
    RequestedSpan,
    missing_period,
    point_in_time,
    requested_span,
)

ATTR_FORMAT: Final = "format"
ATTR_OVERWRITE: Final = "overwrite"
ATTR_PATH: Final = "path"

SERVICE_EXPORT_TRANSACTIONS: Final = "export_transactions"

EXPORT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_ACCOUNT): vol.All(cv.ensure_list, [cv.string], vol.Length(min=1)),
        vol.Required(ATTR_FORMAT): vol.Coerce(FileFormatName),
        vol.Required(ATTR_PATH): TEXT,
        vol.Optional(ATTR_TAG): TEXT,
        vol.Optional(ATTR_SINCE): point_in_time,
        vol.Optional(ATTR_BEFORE): point_in_time,
        vol.Optional(ATTR_OVERWRITE, default=False): cv.boolean,
    }
)

# So many characters of the ID distinguish accounts with the same name.
_ID_LENGTH: Final = 4


async def _async_export_transactions(call: ServiceCall) -> ServiceResponse:
    """Write the transactions of accounts to a file. Return its path and totals."""
    devices = [*dict.fromkeys(call.data[ATTR_ACCOUNT])]
    targets = [async_account_of(call.hass, device) for device in devices]
    now = max(target.runtime.session.clock.now() for target in targets)
    span, tag = requested_span(call.data, now=now), tag_of(call.data)
    destination = await call.hass.async_add_executor_job(
        partial(
            check_destination,
            call.hass,
            call.data[ATTR_PATH],
            overwrite=call.data[ATTR_OVERWRITE],
        )
    )
    result = await async_export(
        call.hass,
        [
            Statement(account=account, pages=_async_pages(call, target, span, tag))
            for account, target in zip(_exported_accounts(targets), targets, strict=True)
        ],
        ExportedPeriod(since=span.since, before=span.end, made=now),
        format_name=call.data[ATTR_FORMAT],
        destination=destination,
    )
    return {
        "path": str(destination.path),
        **span.as_dict(),
        "complete": result.complete,
        "missing": [
            {"account": device, **missing_period(*period)}
            for device, target in zip(devices, targets, strict=True)
            for period in sorted(result.missing.get(target.account.id, ()))
        ],
        "count": result.count,
        "sums": {currency: number(money) for currency, money in result.sums.items()},
    }


async def _async_pages(
    call: ServiceCall, target: AccountTarget, span: RequestedSpan, tag: str | None
) -> AsyncGenerator[RecordPage]:
    """Yield the transactions of an account; with a tag, only those that have it."""
    async with (
        bank_errors(call.hass, target.entry, target.name),
        aclosing(target.history.async_records(span.since, span.before, tag=tag)) as parts,
    ):
        async for part in parts:
            yield RecordPage(records=part.records, complete=part.complete, missing=part.missing)


def _exported_accounts(targets: Sequence[AccountTarget]) -> Iterable[ExportedAccount]:
    """Return the accounts with unique names, because the programs identify accounts by name."""
    times_used = Counter(target.name for target in targets)
    for target in targets:
        unique = times_used[target.name] == 1
        yield ExportedAccount(
            id=target.account.id,
            name=target.name if unique else f"{target.name} {target.account.id[-_ID_LENGTH:]}",
            balance=target.account.money,
            pot_names=target.runtime.balances.data.pot_names,
        )


ACTIONS: Final = (
    Action(
        name=SERVICE_EXPORT_TRANSACTIONS,
        handler=_async_export_transactions,
        schema=EXPORT_SCHEMA,
        admin=True,
        supports_response=SupportsResponse.OPTIONAL,
    ),
)
