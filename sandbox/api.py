"""Monzo's endpoints: each takes a request, and returns a response or raises BankError. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
import json
import re
from typing import Literal

from yarl import URL

from .bank import Bank
from .behaviour import ServerBehaviour
from .models import Account, BankError, JsonObject, Person, Pot, Receipt, Transaction, id_time
from .oauth import Grant, SignIns, missing_parameter
from .serializers import (
    account_json,
    attachment_json,
    balance_json,
    pot_json,
    receipt_json,
    transaction_json,
    webhook_json,
)

# Limits of lists (documented).
DEFAULT_LIMIT = 30
HIGHEST_LIMIT = 100

_RECEIPT_FIELDS = ("transaction_id", "external_id", "total", "currency", "items")

# Required fields of a receipt's lines, by the list that holds them.
_LINE_FIELDS = {
    "items": ("description", "amount", "currency"),
    "sub_items": ("description", "amount", "currency"),
    "taxes": ("description", "amount", "currency"),
    "payments": ("type", "amount", "currency"),
}
_COLOURS = ("background_color", "title_color", "body_color")


@dataclass(kw_only=True, eq=False)
class LoggedRequest:
    """A request that reached the bank's API."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    body: bytes
    at: datetime
    """By the bank's clock."""

    status: int = 0
    """HTTP status of the response; 0 as long as there is none."""


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """A parsed request to an endpoint."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    body: bytes
    signed_in: Grant | None
    """The grant of the access token; None for an endpoint that needs no sign-in."""

    @property
    def grant(self) -> Grant:
        """The grant of the access token. Raises TypeError if the endpoint needs no sign-in."""
        if self.signed_in is None:
            msg = "This endpoint needs no sign-in"
            raise TypeError(msg)
        return self.signed_in

    @property
    def person(self) -> Person:
        """The person whose access token was sent."""
        return self.grant.person

    def query_value(self, name: str) -> str:
        """Return a query parameter. Raises BankError if it is missing."""
        if not self.query.get(name):
            raise missing_parameter(name)
        return self.query[name]

    def form_value(self, name: str) -> str:
        """Return a form field. Raises BankError if it is missing."""
        if not self.form.get(name):
            raise missing_parameter(name)
        return self.form[name]

    def amount(self) -> int:
        """Return the form's amount in minor units. Raises BankError if it is not an integer."""
        text = self.form_value("amount")
        if not re.fullmatch(r"-?[0-9]+", text):
            raise _bad_parameter("amount")
        return int(text)


def _bad_parameter(name: str) -> BankError:
    return BankError(f"bad_request.bad_param.{name}", f"The field '{name}' is invalid")


def _check_lines(parent: JsonObject) -> None:
    """Check the lines of a receipt or of an item. Raises BankError if one is incomplete."""
    for kind, needed in _LINE_FIELDS.items():
        lines = parent.get(kind) or []
        if not isinstance(lines, list):
            raise _bad_parameter(kind)
        for line in lines:
            if not isinstance(line, dict):
                raise _bad_parameter(kind)
            for name in needed:
                if line.get(name) in (None, ""):
                    raise missing_parameter(name)
            for name in line.keys() & {"amount", "tax"}:
                _check_amount(line, name)
            _check_lines(line)


def _check_amount(line: JsonObject, name: str) -> None:
    """Raise BankError unless a field is an integer of minor units."""
    if type(line[name]) is not int:
        raise _bad_parameter(name)


def forbidden(grant: Grant) -> BankError:
    """Return the error for a request that a grant does not permit, or not yet (recorded)."""
    return BankError(
        "forbidden.insufficient_permissions",
        "Access forbidden due to insufficient permissions",
        client_id=grant.client.client_id,
        user_id=grant.person.user_id,
    )


class Api:
    """The endpoints of one bank."""

    def __init__(
        self,
        bank: Bank,
        sign_ins: SignIns,
        behaviour: Callable[[], ServerBehaviour],
        upload_url: Callable[[str], str],
    ) -> None:
        """Initialize the endpoints; `upload_url` returns the URL for uploading a named file."""
        self._bank = bank
        self._sign_ins = sign_ins
        self._behaviour = behaviour
        self._upload_url = upload_url
        self._uploads = 0

    # Signing in

    def token(self, request: ApiRequest) -> JsonObject:
        """Exchange a code or a refresh token; accepts forms only."""
        return self._sign_ins.token(request.form)

    def logout(self, request: ApiRequest) -> JsonObject:
        """End the sign-in. The body of the response is not documented."""
        self._sign_ins.end(request.grant, "revoked")
        return {}

    def whoami(self, request: ApiRequest) -> JsonObject:
        """Identify the owner of the token; works before approval."""
        return {
            "authenticated": True,
            "client_id": request.grant.client.client_id,
            "user_id": request.person.user_id,
        }

    # Accounts and pots

    def accounts(self, request: ApiRequest) -> JsonObject:
        """List the person's accounts, including closed ones; `account_type` filters by type."""
        account_type = request.query.get("account_type")
        return {
            "accounts": [
                account_json(account)
                for account in self._bank.accounts_of(request.person)
                if account_type is None or account.type == account_type
            ]
        }

    def balance(self, request: ApiRequest) -> JsonObject:
        """Return one account's balance."""
        account = self._own_account(request, request.query_value("account_id"))
        data = balance_json(self._bank.balance(account.id))
        if account.type not in self._behaviour().unreadable_balance:
            return data
        match self._behaviour().unreadable_balance_answer:
            case "forbidden":
                raise forbidden(request.grant)
            case "error":
                raise BankError("internal_service", "Something went wrong")
            case "empty":
                return {}
            case "no spend_today":
                return {name: value for name, value in data.items() if name != "spend_today"}

    def pots(self, request: ApiRequest) -> JsonObject:
        """List one account's pots, including deleted ones."""
        account = self._readable(request, "current_account_id", self._behaviour().unreadable_pots)
        return {"pots": [self._pot_json(request, pot) for pot in self._bank.pots_of(account.id)]}

    def pot(self, request: ApiRequest) -> JsonObject:
        """Return one pot without a wrapper; undocumented, but it works at Monzo."""
        return self._pot_json(request, self._own_pot(request))

    def deposit(self, request: ApiRequest) -> JsonObject:
        """Move money into a pot; return the pot without a wrapper."""
        pot = self._own_pot(request)
        account = self._own_account(request, request.form_value("source_account_id"))
        return self._pot_json(
            request,
            self._bank.deposit(
                pot.id, account.id, request.amount(), request.form_value("dedupe_id")
            ),
        )

    def withdraw(self, request: ApiRequest) -> JsonObject:
        """Move money out of a pot; return the pot without a wrapper."""
        pot = self._own_pot(request)
        account = self._own_account(request, request.form_value("destination_account_id"))
        return self._pot_json(
            request,
            self._bank.withdraw(
                pot.id, account.id, request.amount(), request.form_value("dedupe_id")
            ),
        )

    # Transactions

    def transactions(self, request: ApiRequest) -> JsonObject:
        """Return a page of an account's transactions, oldest first.

        `since` is a time (inclusive) or an id (exclusive); `before` is a time (exclusive).
        """
        account = self._readable(request, "account_id", self._behaviour().unreadable_transactions)
        in_range = self._time_filter(request)
        limit = self._limit(request)
        transactions = [] if account.type == "uk_loan" else self._bank.transactions(account.id)
        page = [transaction for transaction in transactions if in_range(transaction)][:limit]
        return {
            "transactions": [self._transaction_json(request, transaction) for transaction in page]
        }

    def transaction(self, request: ApiRequest) -> JsonObject:
        """Return one transaction."""
        return {
            "transaction": self._transaction_json(
                request, self._own_transaction(request, request.path["id"])
            )
        }

    def annotate(self, request: ApiRequest) -> JsonObject:
        """Change a transaction's metadata; an empty value deletes a key."""
        transaction = self._own_transaction(request, request.path["id"])
        metadata = {
            name.removeprefix("metadata[").removesuffix("]"): value
            for name, value in request.form.items()
            if name.startswith("metadata[")
        }
        self._bank.annotate(transaction.id, metadata)
        return {"transaction": self._transaction_json(request, transaction)}

    # Feed items, attachments and receipts
    def feed(self, request: ApiRequest) -> JsonObject:
        """Add an item to the person's feed."""
        account = self._own_account(request, request.form_value("account_id"))
        if request.form_value("type") != "basic":
            raise _bad_parameter("type")
        colours = {
            name: request.form[f"params[{name}]"]
            for name in _COLOURS
            if f"params[{name}]" in request.form
        }
        self._bank.add_feed_item(
            account.id,
            title=request.form_value("params[title]"),
            image_url=request.form_value("params[image_url]"),
            body=request.form.get("params[body]", ""),
            url=request.form.get("url", ""),
            **colours,
        )
        return {}

    def upload(self, request: ApiRequest) -> JsonObject:
        """Return the URL for uploading a file, and the URL of the uploaded file."""
        name = request.form_value("file_name")
        for required in ("file_type", "content_length"):
            request.form_value(required)
        self._uploads += 1
        url = self._upload_url(f"{request.person.user_id}/{self._uploads}/{name}")
        return {"file_url": url, "upload_url": f"{url}?signature=sandbox"}

    def attach(self, request: ApiRequest) -> JsonObject:
        """Attach an uploaded file to a transaction."""
        transaction = self._own_transaction(request, request.form_value("external_id"))
        attachment = self._bank.attach(
            transaction.id,
            request.person,
            request.form_value("file_url"),
            request.form_value("file_type"),
        )
        return {"attachment": attachment_json(attachment)}

    def detach(self, request: ApiRequest) -> JsonObject:
        """Remove an attachment from its transaction."""
        attachment_id = request.form_value("id")
        attachment = self._bank.attachments.get(attachment_id)
        if attachment is not None and attachment.user_id != request.person.user_id:
            raise forbidden(request.grant)
        self._bank.detach(attachment_id)
        return {}

    def put_receipt(self, request: ApiRequest) -> JsonObject | None:
        """Store a receipt; the only endpoint that accepts JSON."""
        try:
            body = json.loads(request.body)
        except ValueError as err:
            raise BankError("bad_request.bad_body", "The body is not JSON") from err
        for name in _RECEIPT_FIELDS:
            if not isinstance(body, dict) or body.get(name) in (None, "", []):
                raise missing_parameter(name)
        _check_amount(body, "total")
        _check_lines(body)
        transaction = self._own_transaction(request, str(body["transaction_id"]))
        receipt = self._bank.put_receipt(
            request.person, str(body["external_id"]), transaction.id, body
        )
        return self._receipt_response(receipt)

    def receipt(self, request: ApiRequest) -> JsonObject:
        """Return a receipt by the client's own id."""
        receipt = self._bank.receipt(request.person, request.query_value("external_id"))
        return {"receipt": receipt_json(receipt)}

    def delete_receipt(self, request: ApiRequest) -> JsonObject:
        """Delete a receipt."""
        receipt = self._bank.receipt(request.person, request.query_value("external_id"))
        del self._bank.receipts[request.person.user_id, receipt.external_id]
        return {}

    # Webhooks

    def register_webhook(self, request: ApiRequest) -> JsonObject:
        """Register a webhook for an account; Monzo allows duplicates, and calls each of them."""
        account = self._own_account(request, request.form_value("account_id"))
        url = request.form_value("url")
        is_refused = self._behaviour().webhook_urls == "https on port 443" and (
            (URL(url).scheme, URL(url).port) != ("https", 443)
        )
        if is_refused:
            raise BankError("bad_request.bad_param.url", "Bad parameter: url")
        webhook = self._bank.register_webhook(account.id, request.grant.client.client_id, url)
        return {"webhook": webhook_json(webhook)}

    def webhooks(self, request: ApiRequest) -> JsonObject:
        """List the webhooks that this client registered for an account."""
        account = self._own_account(request, request.query_value("account_id"))
        return {
            "webhooks": [
                webhook_json(webhook)
                for webhook in self._bank.webhooks.values()
                if webhook.account_id == account.id
                and webhook.client_id == request.grant.client.client_id
            ]
        }

    def delete_webhook(self, request: ApiRequest) -> JsonObject:
        """Delete a webhook of this client."""
        webhook = self._bank.webhooks.get(request.path["id"])
        if webhook is None or webhook.client_id != request.grant.client.client_id:
            raise BankError("not_found.webhook_not_found", "Webhook not found")
        self._own_account(request, webhook.account_id)
        del self._bank.webhooks[webhook.id]
        return {}

    # Internals
    def _own_account(self, request: ApiRequest, account_id: str) -> Account:
        """Return an account of the person. Raises BankError for any other id."""
        account = self._bank.accounts.get(account_id)
        if account is None or request.person not in account.owners:
            raise forbidden(request.grant)
        return account

    def _readable(self, request: ApiRequest, parameter: str, unreadable: frozenset[str]) -> Account:
        account = self._own_account(request, request.query_value(parameter))
        if account.type in unreadable:
            raise forbidden(request.grant)
        return account

    def _own_pot(self, request: ApiRequest) -> Pot:
        pot = self._bank.pot(request.path["id"])
        if request.person not in self._bank.account(pot.account_id).owners:
            raise BankError("not_found.pot_not_found", "Pot not found")
        return pot

    def _own_transaction(self, request: ApiRequest, transaction_id: str) -> Transaction:
        transaction = self._bank.transaction(transaction_id)
        if request.person not in self._bank.account(transaction.account_id).owners:
            raise BankError("not_found.transaction_not_found", "Transaction not found")
        return transaction

    def _pot_json(self, request: ApiRequest, pot: Pot) -> JsonObject:
        account = self._bank.account(pot.account_id)
        if account.type == "uk_retail_joint" and self._behaviour().joint_pots_name_own_account:
            own = self._bank.accounts_of(request.person)
            retail = next((other.id for other in own if other.type == "uk_retail"), account.id)
            return pot_json(pot, account_id=retail)
        return pot_json(pot)

    def _transaction_json(self, request: ApiRequest, transaction: Transaction) -> JsonObject:
        return transaction_json(
            transaction, expand_merchant=request.query.get("expand[]") == "merchant"
        )

    def _limit(self, request: ApiRequest) -> int:
        text = request.query.get("limit", str(DEFAULT_LIMIT))
        limit = int(text) if text.isdecimal() else 0
        too_high = limit > HIGHEST_LIMIT and self._behaviour().limit_above_100 == "refuse"
        if limit < 1 or too_high:
            raise _bad_parameter("limit")
        return min(limit, HIGHEST_LIMIT)

    def _time_filter(self, request: ApiRequest) -> Callable[[Transaction], bool]:
        """Return a predicate for `since` and `before`. Raises BankError if they are not allowed."""
        behaviour = self._behaviour()
        now = self._bank.clock()
        before = _query_time(request, "before") if "before" in request.query else None
        end = before or now
        since = request.query.get("since", "")
        start = self._start_time(request, since, end)
        if end - start > behaviour.longest_span:
            raise BankError(
                "bad_request.invalid_time_range",
                "The time range you have requested is too large, please use the `since` and "
                "`before` parameters to request smaller ranges.",
            )
        approved_at = request.grant.approved_at
        full_history_closed = approved_at is None or now - approved_at > behaviour.full_history
        if full_history_closed and now - start > behaviour.later_history:
            raise BankError("forbidden.verification_required", "Verification required")
        after_id = since.partition("_")[2] if _is_id(since) else ""

        def in_range(transaction: Transaction) -> bool:
            if before is not None and transaction.created >= before:
                return False
            return (
                transaction.id.partition("_")[2] > after_id
                if after_id
                else transaction.created >= start
            )

        return in_range

    def _start_time(self, request: ApiRequest, since: str, end: datetime) -> datetime:
        """Return the start of the time range of a list request."""
        without_since = self._behaviour().without_since
        if not since:
            return end - (
                self._behaviour().longest_span if without_since is None else without_since
            )
        if not _is_id(since):
            return _query_time(request, "since")
        try:
            return id_time(since)
        except ValueError as err:
            raise _bad_parameter("since") from err

    def _receipt_response(self, receipt: Receipt) -> JsonObject | None:
        match self._behaviour().receipt_answer:
            case "empty":
                return None
            case "id":
                return {"receipt_id": receipt.id}
            case "receipt":
                return {"receipt": receipt_json(receipt)}


def _is_id(since: str) -> bool:
    """Return whether `since` is an id, not a time."""
    return since.partition("_")[0].isalpha() and "_" in since


def _query_time(request: ApiRequest, name: str) -> datetime:
    """Return a query parameter as a time. Raises BankError unless it is one with a time zone."""
    try:
        moment = datetime.fromisoformat(request.query[name])
    except ValueError as err:
        raise _bad_parameter(name) from err
    if moment.tzinfo is None:
        raise _bad_parameter(name)
    return moment


type Requirement = Literal["nothing", "sign-in", "approval"]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint: method, path, handler and required sign-in."""

    method: str
    path: str
    handler: Callable[[Api, ApiRequest], JsonObject | None]
    requires: Requirement = "approval"


ENDPOINTS = (
    Endpoint("POST", "/oauth2/token", Api.token, "nothing"),
    Endpoint("POST", "/oauth2/logout", Api.logout, "sign-in"),
    Endpoint("GET", "/ping/whoami", Api.whoami, "sign-in"),
    Endpoint("GET", "/accounts", Api.accounts),
    Endpoint("GET", "/balance", Api.balance),
    # Monzo accepts every method here, and complains about the missing parameter (recorded).
    Endpoint("*", "/pots", Api.pots),
    Endpoint("GET", "/pots/{id}", Api.pot),
    Endpoint("PUT", "/pots/{id}/deposit", Api.deposit),
    Endpoint("PUT", "/pots/{id}/withdraw", Api.withdraw),
    Endpoint("GET", "/transactions", Api.transactions),
    Endpoint("GET", "/transactions/{id}", Api.transaction),
    Endpoint("PATCH", "/transactions/{id}", Api.annotate),
    Endpoint("POST", "/feed", Api.feed),
    Endpoint("POST", "/attachment/upload", Api.upload),
    Endpoint("POST", "/attachment/register", Api.attach),
    Endpoint("POST", "/attachment/deregister", Api.detach),
    Endpoint("PUT", "/transaction-receipts", Api.put_receipt),
    Endpoint("GET", "/transaction-receipts", Api.receipt),
    Endpoint("DELETE", "/transaction-receipts", Api.delete_receipt),
    Endpoint("POST", "/webhooks", Api.register_webhook),
    Endpoint("GET", "/webhooks", Api.webhooks),
    Endpoint("DELETE", "/webhooks/{id}", Api.delete_webhook),
)
