"""A client for the Monzo API (https://docs.monzo.com)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
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
)
from yarl import URL

from .accounts import Account, Identity
from .attachments import Attachment, UploadTarget
from .balance import Balance
from .exceptions import MonzoConnectionError, MonzoResponseError, MonzoUnreachableError
from .fields import Fields
from .money import Money
from .pots import Pot
from .receipts import Receipt
from .records import Records
from .response import Response
from .server_clock import ServerClock
from .transactions import Transaction
from .webhooks import Webhook

API_URL: Final = "https://api.monzo.com"

# Seconds. Long enough for a slow day of the bank, short enough for a person who waits for a button.
DEFAULT_TIMEOUT: Final = 10.0

# The bank's limit for one page. Without a limit in the request, a page has 30 transactions.
MAX_PAGE_SIZE: Final = 100

# Seconds. A photo needs longer than other requests on a slow line.
_UPLOAD_TIMEOUT: Final = 60.0

# Bytes. A page of 100 transactions with all their details has about 300 kB.
_MAX_BODY: Final = 8_000_000

# 100,000 transactions: ten an hour in a span of a year, which is the longest that the bank allows.
_MAX_PAGES: Final = 1000

_EXPAND_MERCHANT: Final = {"expand[]": "merchant"}

_LOGGER: Final = logging.getLogger(__name__)


class MonzoClient:
    """Client for one person's accounts.

    Every method that sends a request raises a MonzoError if the request fails. Errors raised by
    `access_token` reach the caller unchanged. The client repeats no request, because only the
    caller knows which requests are safe to repeat.
    """

    def __init__(
        self,
        session: ClientSession,
        access_token: Callable[[], Awaitable[str]],
        *,
        base_url: str | URL = API_URL,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """Initialize the client.

        The caller keeps the ownership of the session, and closes it. `access_token` is awaited
        before every request, and returns a token that is valid at that time. `base_url` is the
        address of the API, without the path of an endpoint.
        """
        self.timeout = timeout
        """The number of seconds for one request, from connecting to the end of the response.

        Waiting for `access_token` is not included. An upload has 60 seconds, or more if this is
        more. A change takes effect with the next request.
        """
        self.clock = ServerClock()
        """The time of day at the bank."""
        self._session = session
        self._access_token = access_token
        self._base_url = str(base_url).rstrip("/")

    async def request(  # noqa: PLR0913 - one parameter for each part of an HTTP request
        self,
        method: str,
        path: str,
        *,
        ids: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> object:
        """Send one request, and return the decoded JSON of the response.

        `ids` fill the placeholders of the path, such as `pots/{pot_id}/deposit`. Errors and logs
        show the path with its placeholders.

        All other methods send their requests through this one. Override it in a subclass to count,
        delay or repeat requests.
        """
        segments = {name: _path_segment(value) for name, value in (ids or {}).items()}
        url = URL(f"{self._base_url}/{path.format_map(segments)}", encoded=True)
        # Not inside _exchange, which turns every ClientError into a MonzoError: if the caller
        # cannot refresh the token, its own error must reach it, even if that is a ClientError.
        token = await self._access_token()
        response = await _exchange(
            f"{method} {path}",
            self._session.request(
                method,
                url,
                params=params,
                data=form,
                json=json,
                headers={ACCEPT: "application/json", AUTHORIZATION: f"Bearer {token}"},
                allow_redirects=False,
                middlewares=[_send_once],
            ),
            seconds=self.timeout,
        )
        if (date := response.date) is not None:
            self.clock.observe(date)
        return response.json()

    async def who_am_i(self) -> Identity:
        """Return the owner of the access token. Works before the owner approves the sign-in."""
        return Identity.from_json(await self.request(METH_GET, "ping/whoami"))

    async def log_out(self) -> None:
        """End the sign-in. Neither the access token nor the refresh token work afterwards."""
        await self.request(METH_POST, "oauth2/logout")

    async def accounts(self, account_type: str | None = None) -> Records[Account]:
        """Return all accounts, or those of one type, such as uk_retail. Includes closed ones."""
        data = await self.request(
            METH_GET, "accounts", params=_without_none(account_type=account_type)
        )
        return Records.from_json(data, "accounts", Account.from_json)

    async def balance(self, account_id: str) -> Balance:
        """Return the balance of an account.

        Loans, and the account behind Flex, have none: Monzo answers with MonzoPermissionError or
        another error (not documented).
        """
        data = await self.request(METH_GET, "balance", params={"account_id": account_id})
        return Balance.from_json(data)

    async def pots(self, account_id: str) -> Records[Pot]:
        """Return the pots of an account, including deleted ones."""
        data = await self.request(METH_GET, "pots", params={"current_account_id": account_id})
        return Records.from_json(data, "pots", Pot.from_json)

    async def deposit_into_pot(
        self, pot_id: str, *, account_id: str, amount: Money, dedupe_id: str
    ) -> Pot:
        """Move money from an account into one of its pots, and return the pot with its new balance.

        The money moves once, even if the same transfer is sent several times with the same
        `dedupe_id`. After a MonzoConnectionError or a MonzoResponseError it is unknown whether the
        money moved.

        The amount is positive. Raises ValueError, and sends nothing, if it is not, or if it is not
        a whole number of minor units.
        """
        form = {
            "source_account_id": account_id,
            "amount": _positive_minor_units(amount),
            "dedupe_id": dedupe_id,
        }
        data = await self.request(
            METH_PUT, "pots/{pot_id}/deposit", ids={"pot_id": pot_id}, form=form
        )
        return Pot.from_json(data)

    async def withdraw_from_pot(
        self, pot_id: str, *, account_id: str, amount: Money, dedupe_id: str
    ) -> Pot:
        """Move money from a pot into its account, and return the pot with its new balance.

        The bank refuses this for a pot with added security. The amount, `dedupe_id` and errors are
        as for `deposit_into_pot`.
        """
        form = {
            "destination_account_id": account_id,
            "amount": _positive_minor_units(amount),
            "dedupe_id": dedupe_id,
        }
        data = await self.request(
            METH_PUT, "pots/{pot_id}/withdraw", ids={"pot_id": pot_id}, form=form
        )
        return Pot.from_json(data)

    async def transactions(  # noqa: PLR0913 - one parameter for each of the endpoint's
        self,
        account_id: str,
        *,
        since: datetime | None = None,
        after_id: str | None = None,
        before: datetime | None = None,
        limit: int = MAX_PAGE_SIZE,
        expand_merchant: bool = True,
    ) -> Records[Transaction]:
        """Return one page: the oldest transactions of a span, oldest first.

        The span begins at `since` or after the transaction `after_id`; Monzo has one parameter for
        both, so giving both raises ValueError. Without either, Monzo returns the last 30 days. The
        span ends before `before`. The limit is 1 to 100 transactions; others raise ValueError.

        A span of more than a year raises MonzoRejectedError. A span that begins more than 90 days
        ago raises MonzoVerificationRequiredError, except in the first five minutes after the owner
        approved the sign-in.
        """
        if since is not None and after_id is not None:
            message = "give either since or after_id"
            raise ValueError(message)
        if not 1 <= limit <= MAX_PAGE_SIZE:
            message = f"a page has 1 to {MAX_PAGE_SIZE} transactions"
            raise ValueError(message)
        params = _without_none(
            account_id=account_id,
            since=after_id if since is None else _rfc3339(since),
            before=None if before is None else _rfc3339(before),
            limit=str(limit),
        )
        if expand_merchant:
            params |= _EXPAND_MERCHANT
        data = await self.request(METH_GET, "transactions", params=params)
        return Records.from_json(data, "transactions", Transaction.from_json)

    async def transaction_pages(
        self,
        account_id: str,
        *,
        since: datetime | None = None,
        after_id: str | None = None,
        before: datetime | None = None,
        page_size: int = MAX_PAGE_SIZE,
    ) -> AsyncIterator[Records[Transaction]]:
        """Yield all transactions of a span page by page, oldest first, and each of them once.

        Every page is one request, and may be empty. The span and the errors are as for
        `transactions`. To resume after a page, begin again with `after_id`, the id of its last
        transaction.

        A record at the end of a page that cannot be read is also on the next page, and counted in
        `skipped` twice. Raises MonzoResponseError if there are more than 1,000 pages.
        """
        seen: set[str] = set()
        for _ in range(_MAX_PAGES):
            page = await self.transactions(
                account_id, since=since, after_id=after_id, before=before, limit=page_size
            )
            # Whether the borders of a span belong to it is not documented, so pages may overlap.
            new = {item.id: item for item in page if item.id not in seen}
            seen |= new.keys()
            yield Records(
                tuple(new.values()),
                skipped=page.skipped,
                complete_from=sum(item.id in new for item in page[: page.complete_from]),
            )
            # A full page without a new transaction is the end too: the next request would return
            # the same page again.
            if not new or len(page) + page.skipped < page_size:
                return
            since, after_id = None, page[-1].id
        message = "GET transactions returned too many pages"
        raise MonzoResponseError(message)

    async def all_transactions(
        self, account_id: str, *, since: datetime, before: datetime | None = None
    ) -> Records[Transaction]:
        """Return all transactions of a span, oldest first, with one request for each page.

        The span, `skipped` and the errors are as for `transaction_pages`.
        """
        found: list[Transaction] = []
        skipped = complete_from = 0
        async for page in self.transaction_pages(account_id, since=since, before=before):
            if page.skipped:
                complete_from = len(found) + page.complete_from
            found += page
            skipped += page.skipped
        return Records(tuple(found), skipped=skipped, complete_from=complete_from)

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
        """Write to the metadata of a transaction, and return the transaction.

        An empty value deletes a key. The key `notes` sets the note that the owner sees in the app.
        Other keys are documented, but the bank does not seem to keep them
        (github.com/monzo/docs/issues/129).
        """
        form = {f"metadata[{key}]": value for key, value in metadata.items()}
        data = await self.request(
            METH_PATCH,
            "transactions/{transaction_id}",
            ids={"transaction_id": transaction_id},
            form=form,
        )
        return Transaction.from_json(Fields(data).value("transaction"))

    async def create_feed_item(  # noqa: PLR0913 - one parameter for each of the endpoint's
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
        """Add an item to the feed in the Monzo app. The API cannot remove it again.

        Colors are texts such as #RRGGBB. The app opens `url` when the owner taps the item.
        """
        params = _without_none(
            title=title,
            image_url=image_url,
            body=body,
            background_color=background_color,
            title_color=title_color,
            body_color=body_color,
        )
        form = _without_none(account_id=account_id, type="basic", url=url)
        form |= {f"params[{key}]": value for key, value in params.items()}
        await self.request(METH_POST, "feed", form=form)

    async def upload_attachment(self, file_name: str, file_type: str, content: bytes) -> str:
        """Upload a file, and return the URL to register as an attachment.

        `file_type` is a media type, such as image/png.
        """
        form = {
            "file_name": file_name,
            "file_type": file_type,
            "content_length": str(len(content)),
        }
        data = await self.request(METH_POST, "attachment/upload", form=form)
        target = UploadTarget.from_json(data)
        upload_url = _web_url(target.upload_url)
        # The documentation says POST. But the URL is signed for an upload to Amazon S3, which takes
        # POST for forms only. The signature is the permission, so the token is not sent.
        response = await _exchange(
            "PUT file",
            self._session.put(
                upload_url,
                data=content,
                headers={CONTENT_TYPE: file_type},
                allow_redirects=False,
                middlewares=[_send_once],
            ),
            seconds=max(self.timeout, _UPLOAD_TIMEOUT),
        )
        response.raise_for_status()
        return target.file_url

    async def register_attachment(
        self, transaction_id: str, *, file_url: str, file_type: str
    ) -> Attachment:
        """Attach a picture to a transaction: an uploaded file, or any picture on the internet."""
        form = {"external_id": transaction_id, "file_url": file_url, "file_type": file_type}
        data = await self.request(METH_POST, "attachment/register", form=form)
        return Attachment.from_json(Fields(data).value("attachment"))

    async def deregister_attachment(self, attachment_id: str) -> None:
        """Remove a picture from its transaction."""
        await self.request(METH_POST, "attachment/deregister", form={"id": attachment_id})

    async def put_receipt(self, receipt: Receipt) -> None:
        """Add a receipt to a transaction, or replace the receipt with the same external id.

        Raises ValueError, and sends nothing, if an amount is not a whole number of minor units.
        """
        await self.request(METH_PUT, "transaction-receipts", json=receipt.to_json())

    async def receipt(self, external_id: str) -> Receipt:
        """Return a receipt that the same API client added."""
        data = await self.request(
            METH_GET, "transaction-receipts", params={"external_id": external_id}
        )
        return Receipt.from_json(Fields(data).value("receipt"))

    async def delete_receipt(self, external_id: str) -> None:
        """Remove a receipt from its transaction."""
        await self.request(METH_DELETE, "transaction-receipts", params={"external_id": external_id})

    async def webhooks(self, account_id: str) -> Records[Webhook]:
        """Return the webhooks that this API client registered for an account."""
        data = await self.request(METH_GET, "webhooks", params={"account_id": account_id})
        return Records.from_json(data, "webhooks", Webhook.from_json)

    async def register_webhook(self, account_id: str, url: str) -> Webhook:
        """Register a URL that Monzo calls for every transaction of an account.

        Monzo calls a URL twice if it is registered twice.
        """
        form = {"account_id": account_id, "url": url}
        data = await self.request(METH_POST, "webhooks", form=form)
        return Webhook.from_json(Fields(data).value("webhook"))

    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook, so that Monzo no longer calls its URL."""
        await self.request(METH_DELETE, "webhooks/{webhook_id}", ids={"webhook_id": webhook_id})


async def _send_once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Prevent aiohttp from repeating a request.

    If a connection breaks, aiohttp repeats every request except POST and PATCH, and a transfer is a
    PUT. It does so for these two errors only. As a middleware of the request, this one replaces the
    middlewares of the session; Home Assistant's handle redirects, which the client never follows.
    """
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as err:
        raise ClientConnectionError from err


async def _exchange(
    endpoint: str, request: AbstractAsyncContextManager[ClientResponse], *, seconds: float
) -> Response:
    """Send a request, and read the complete response within this number of seconds."""
    try:
        async with asyncio.timeout(seconds), request as response:
            complete = Response(
                endpoint=endpoint,
                status=response.status,
                headers=response.headers,
                body=await _read_body(response, endpoint),
            )
    except (ClientError, TimeoutError) as err:
        # The type of the error only: aiohttp's texts contain the URL, and that contains ids.
        kind = type(err.__cause__ if isinstance(err.__cause__, ClientError) else err)
        message = f"{endpoint} failed: {kind.__name__}"
        if issubclass(kind, ClientConnectorError):
            raise MonzoUnreachableError(message) from None
        raise MonzoConnectionError(message) from None
    _LOGGER.debug("%s → %s", endpoint, complete.status)
    return complete


async def _read_body(response: ClientResponse, endpoint: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_BODY:
            message = f"{endpoint} returned a body that is too long"
            raise MonzoResponseError(message)
    return bytes(body)


def _path_segment(id_: str) -> str:
    """Return a Monzo id, quoted so that it stays one segment of the path.

    Raises ValueError for an empty id, and for `.` and `..`, which would traverse the path.
    """
    if id_ in {"", ".", ".."}:
        message = "not an id"
        raise ValueError(message)
    return quote(id_, safe="")


def _web_url(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        message = "Monzo's response has no readable URL"
        raise MonzoResponseError(message)
    return url


def _without_none(**fields: str | None) -> dict[str, str]:
    return {key: value for key, value in fields.items() if value is not None}


def _positive_minor_units(amount: Money) -> str:
    if (minor := amount.minor) <= 0:
        message = "the amount of a transfer must be greater than zero"
        raise ValueError(message)
    return str(minor)


def _rfc3339(time: datetime) -> str:
    """Return a time in UTC with milliseconds, the format of the bank."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
