"""A client for the Monzo API (https://docs.monzo.com)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
import logging
from typing import Final
from urllib.parse import quote

from aiohttp import (
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ServerDisconnectedError,
)
from aiohttp.hdrs import (
    ACCEPT,
    AUTHORIZATION,
    CONTENT_TYPE,
    METH_DELETE,
    METH_GET,
    METH_PATCH,
    METH_POST,
    METH_PUT,
    RETRY_AFTER,
)
from yarl import URL

from .answer import Answer
from .exceptions import MonzoConnectionError, MonzoResponseError, MonzoUnreachableError
from .fields import Fields
from .models import (
    Account,
    Attachment,
    Balance,
    Identity,
    Pot,
    Records,
    Transaction,
    UploadTarget,
    Webhook,
)
from .money import Money
from .receipts import Receipt

API_URL: Final = "https://api.monzo.com"

# The bank lists no more transactions than this at once, and 30 unless asked.
PAGE_SIZE: Final = 100

# For all of a request: connecting, waiting, reading. Long enough for a bank that has a bad day,
# short enough for somebody who watches a button.
_TIMEOUT: Final = 10.0

# A photo over a slow line.
_UPLOAD_TIMEOUT: Final = 60.0

# A hundred transactions with everything Monzo knows about them are some 300 kB.
_MAX_BODY: Final = 8_000_000

# Ten transactions an hour for as long as the bank shows in one go, a year.
_MAX_PAGES: Final = 1000

_LOGGER: Final = logging.getLogger(__name__)


class MonzoClient:
    """Talks to the bank for one person.

    Every method raises a MonzoError when it fails, or whatever `access_token` raises. Nothing is
    ever tried twice: who calls knows what may be repeated.
    """

    def __init__(self, session: ClientSession, access_token: Callable[[], Awaitable[str]]) -> None:
        """Take an HTTP session, and what gives a valid access token for every request."""
        self._session = session
        self._access_token = access_token

    async def request(  # noqa: PLR0913 - HTTP has so many places to put something
        self,
        method: str,
        path: str,
        *,
        ids: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> object:
        """Ask the bank, and return what it answers, decoded.

        The ids take their places in the path, such as `pots/{pot_id}/deposit`; only the path as it
        is given here is ever shown or logged.

        Every other method comes through here: a subclass that counts, delays or repeats requests
        overrides this one.
        """
        segments = {name: _quoted(value) for name, value in (ids or {}).items()}
        url = URL(f"{API_URL}/{path.format_map(segments)}", encoded=True)
        # Outside of what catches a ClientError: the caller's token may have to be renewed first,
        # and how that fails is the caller's affair.
        token = await self._access_token()
        answer = await _exchange(
            f"{method} {path}",
            self._session.request(
                method,
                url,
                params=params,
                data=form,
                json=json,
                headers={ACCEPT: "application/json", AUTHORIZATION: f"Bearer {token}"},
                allow_redirects=False,
                middlewares=[_only_once],
            ),
            seconds=_TIMEOUT,
        )
        return answer.json()

    async def who_am_i(self) -> Identity:
        """Return whose token this is. Works before the owner has approved the sign-in."""
        return Identity.from_json(await self.request(METH_GET, "ping/whoami"))

    async def log_out(self) -> None:
        """End this sign-in: neither the access token nor the refresh token work afterwards."""
        await self.request(METH_POST, "oauth2/logout")

    async def accounts(self, account_type: str | None = None) -> Records[Account]:
        """Return all accounts, closed ones as well, or those of a type such as uk_retail."""
        data = await self.request(METH_GET, "accounts", params=_given(account_type=account_type))
        return Records.from_json(data, "accounts", Account.from_json)

    async def balance(self, account_id: str) -> Balance:
        """Return the balance of an account."""
        data = await self.request(METH_GET, "balance", params={"account_id": account_id})
        return Balance.from_json(data)

    async def pots(self, account_id: str) -> Records[Pot]:
        """Return the pots of an account, deleted ones as well."""
        data = await self.request(METH_GET, "pots", params={"current_account_id": account_id})
        return Records.from_json(data, "pots", Pot.from_json)

    async def deposit_into_pot(
        self, pot_id: str, *, account_id: str, amount: Money, dedupe_id: str
    ) -> Pot:
        """Move money from an account into one of its pots, and return the pot as it is then.

        However often the same transfer is sent with the same `dedupe_id`, the money moves once.
        After a MonzoConnectionError or a MonzoResponseError it may have moved, or not. An amount
        that is not above zero, or not a whole number of pence, is a ValueError and never sent.
        """
        form = {
            "source_account_id": account_id,
            "amount": _positive_minor(amount),
            "dedupe_id": dedupe_id,
        }
        data = await self.request(
            METH_PUT, "pots/{pot_id}/deposit", ids={"pot_id": pot_id}, form=form
        )
        return Pot.from_json(data)

    async def withdraw_from_pot(
        self, pot_id: str, *, account_id: str, amount: Money, dedupe_id: str
    ) -> Pot:
        """Move money from a pot back into its account, and return the pot as it is then.

        The bank refuses that for a pot with added security. The rest is as for a deposit.
        """
        form = {
            "destination_account_id": account_id,
            "amount": _positive_minor(amount),
            "dedupe_id": dedupe_id,
        }
        data = await self.request(
            METH_PUT, "pots/{pot_id}/withdraw", ids={"pot_id": pot_id}, form=form
        )
        return Pot.from_json(data)

    async def transactions(
        self,
        account_id: str,
        *,
        since: datetime | str | None = None,
        before: datetime | None = None,
        limit: int = PAGE_SIZE,
        expand_merchant: bool = True,
    ) -> Records[Transaction]:
        """Return the oldest transactions of a span, at most 100, oldest first.

        The span begins with a moment, or after the transaction with an id; without `since` the bank
        shows the last 30 days. It ends before a moment. It may not be longer than a year
        (MonzoRejectedError), nor reach back more than 90 days, except in the first five minutes
        after a sign-in (MonzoVerificationRequiredError).
        """
        params = _given(
            account_id=account_id,
            since=_timestamp(since) if isinstance(since, datetime) else since,
            before=_timestamp(before) if before else None,
            limit=str(limit),
        )
        if expand_merchant:
            params |= _EXPAND_MERCHANT
        data = await self.request(METH_GET, "transactions", params=params)
        return Records.from_json(data, "transactions", Transaction.from_json)

    async def all_transactions(
        self, account_id: str, *, since: datetime | str, before: datetime | None = None
    ) -> Records[Transaction]:
        """Return every transaction of a span once, oldest first, however many requests it takes.

        An odd one at the end of a page is on the next one too, and is then counted twice.
        """
        found: dict[str, Transaction] = {}
        skipped = 0
        for _ in range(_MAX_PAGES):
            page = await self.transactions(account_id, since=since, before=before)
            new = {item.id: item for item in page.items if item.id not in found}
            found |= new
            skipped += page.skipped
            # A full page without news ends it as well: what follows it would be the same again.
            if not new or len(page.items) + page.skipped < PAGE_SIZE:
                return Records(items=tuple(found.values()), skipped=skipped)
            since = page.items[-1].id
        message = "GET transactions never comes to an end"
        raise MonzoResponseError(message)

    async def transaction(self, transaction_id: str) -> Transaction:
        """Return one transaction with its merchant."""
        data = await self.request(
            METH_GET,
            "transactions/{transaction_id}",
            ids={"transaction_id": transaction_id},
            params=_EXPAND_MERCHANT,
        )
        return Transaction.from_json(Fields(data).value("transaction"))

    async def annotate_transaction(
        self, transaction_id: str, metadata: Mapping[str, str]
    ) -> Transaction:
        """Write to a transaction's metadata, where an empty value deletes a key.

        The key `notes` writes the notes that the owner sees. Others are documented, but do not seem
        to be kept (github.com/monzo/docs/issues/129).
        """
        form = {f"metadata[{key}]": value for key, value in metadata.items()}
        data = await self.request(
            METH_PATCH,
            "transactions/{transaction_id}",
            ids={"transaction_id": transaction_id},
            form=form,
        )
        return Transaction.from_json(Fields(data).value("transaction"))

    async def create_feed_item(  # noqa: PLR0913 - Monzo has so many fields
        self,
        account_id: str,
        *,
        title: str,
        image_url: str,
        body: str | None = None,
        background_color: str | None = None,
        title_color: str | None = None,
        body_color: str | None = None,
        url: str | None = None,
    ) -> None:
        """Show something in the feed of the Monzo app. Nothing takes it away again.

        Colours are #RRGGBB; the URL is opened when the item is tapped.
        """
        params = _given(
            title=title,
            image_url=image_url,
            body=body,
            background_color=background_color,
            title_color=title_color,
            body_color=body_color,
        )
        form = _given(account_id=account_id, type="basic", url=url)
        form |= {f"params[{key}]": value for key, value in params.items()}
        await self.request(METH_POST, "feed", form=form)

    async def upload_attachment(self, file_name: str, file_type: str, content: bytes) -> str:
        """Hand a file to the bank, and return the URL to register it with."""
        form = {
            "file_name": file_name,
            "file_type": file_type,
            "content_length": str(len(content)),
        }
        data = await self.request(METH_POST, "attachment/upload", form=form)
        target = UploadTarget.from_json(data)
        upload_url = _web_address(target.upload_url)
        # The documentation says POST, but the URL is one that Amazon S3 has signed for uploading,
        # and S3 takes POST for forms only. The signature is the permission: no token goes there.
        answer = await _exchange(
            "PUT file",
            self._session.put(
                upload_url,
                data=content,
                headers={CONTENT_TYPE: file_type},
                allow_redirects=False,
                middlewares=[_only_once],
            ),
            seconds=_UPLOAD_TIMEOUT,
        )
        answer.check()
        return target.file_url

    async def register_attachment(
        self, transaction_id: str, *, file_url: str, file_type: str
    ) -> Attachment:
        """Show a picture with a transaction: an uploaded one, or any that is on the internet."""
        form = {"external_id": transaction_id, "file_url": file_url, "file_type": file_type}
        data = await self.request(METH_POST, "attachment/register", form=form)
        return Attachment.from_json(Fields(data).value("attachment"))

    async def deregister_attachment(self, attachment_id: str) -> None:
        """Take a picture off its transaction."""
        await self.request(METH_POST, "attachment/deregister", form={"id": attachment_id})

    async def put_receipt(self, receipt: Receipt) -> None:
        """Add a receipt to a transaction, or replace the one with the same external id."""
        await self.request(METH_PUT, "transaction-receipts", json=receipt.to_json())

    async def receipt(self, external_id: str) -> Receipt:
        """Return a receipt that was added with the same API client."""
        data = await self.request(
            METH_GET, "transaction-receipts", params={"external_id": external_id}
        )
        return Receipt.from_json(Fields(data).value("receipt"))

    async def delete_receipt(self, external_id: str) -> None:
        """Take a receipt off its transaction."""
        await self.request(METH_DELETE, "transaction-receipts", params={"external_id": external_id})

    async def webhooks(self, account_id: str) -> Records[Webhook]:
        """Return the webhooks that this API client has registered on an account."""
        data = await self.request(METH_GET, "webhooks", params={"account_id": account_id})
        return Records.from_json(data, "webhooks", Webhook.from_json)

    async def register_webhook(self, account_id: str, url: str) -> Webhook:
        """Have the bank call a URL for every transaction; twice if it is registered twice."""
        form = {"account_id": account_id, "url": url}
        data = await self.request(METH_POST, "webhooks", form=form)
        return Webhook.from_json(Fields(data).value("webhook"))

    async def delete_webhook(self, webhook_id: str) -> None:
        """Have the bank no longer call a URL."""
        await self.request(METH_DELETE, "webhooks/{webhook_id}", ids={"webhook_id": webhook_id})


_EXPAND_MERCHANT: Final = {"expand[]": "merchant"}


async def _only_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Keep aiohttp from sending a request again.

    When a connection breaks, it does so on its own for all but POST and PATCH, and moving money is
    PUT. It does not after any other error than these two. (This middleware replaces those of the
    session. Home Assistant's has to do with redirects, and none are followed.)
    """
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as err:
        raise ClientConnectionError from err


async def _exchange(
    endpoint: str, request: AbstractAsyncContextManager[ClientResponse], *, seconds: float
) -> Answer:
    """Send a request and read all of the answer within so many seconds."""
    try:
        async with asyncio.timeout(seconds), request as response:
            answer = Answer(
                endpoint=endpoint,
                status=response.status,
                body=await _read_body(response, endpoint),
                retry_after=response.headers.get(RETRY_AFTER),
            )
    except (ClientError, TimeoutError) as err:
        # Only what kind of error it is: aiohttp's texts hold the address, and that holds ids.
        kind = type(err.__cause__ if isinstance(err.__cause__, ClientError) else err)
        message = f"{endpoint} failed: {kind.__name__}"
        if issubclass(kind, ClientConnectorError):
            raise MonzoUnreachableError(message) from None
        raise MonzoConnectionError(message) from None
    _LOGGER.debug("%s → %s", endpoint, answer.status)
    return answer


async def _read_body(response: ClientResponse, endpoint: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_BODY:
            message = f"{endpoint} was answered with too much"
            raise MonzoResponseError(message)
    return bytes(body)


def _quoted(path_segment: str) -> str:
    """Return an id so that it stays one segment of a path, whatever is in it."""
    if path_segment in {"", ".", ".."}:
        message = "not an id"
        raise ValueError(message)
    return quote(path_segment, safe="")


def _web_address(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        message = "Monzo's answer has no readable address"
        raise MonzoResponseError(message)
    return url


def _given(**fields: str | None) -> dict[str, str]:
    return {key: value for key, value in fields.items() if value is not None}


def _positive_minor(amount: Money) -> str:
    if (minor := amount.minor) <= 0:
        message = "only amounts above zero can be moved"
        raise ValueError(message)
    return str(minor)


def _timestamp(moment: datetime) -> str:
    """Return a moment as RFC 3339, in UTC and to the millisecond, as the bank writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
