"""Monzo's endpoints: each takes what was asked and returns what to answer, or refuses. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
import json
import re
from typing import Literal

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

# Documented.
DEFAULT_LIMIT = 30
HIGHEST_LIMIT = 100

_RECEIPT_FIELDS = ("transaction_id", "external_id", "total", "currency", "items")

# What each line of a receipt needs, by the list it is in.
_LINE_FIELDS = {
    "items": ("description", "amount", "currency"),
    "sub_items": ("description", "amount", "currency"),
    "taxes": ("description", "amount", "currency"),
    "payments": ("type", "amount", "currency"),
}
_COLOURS = ("background_color", "title_color", "body_color")


@dataclass(kw_only=True, eq=False)
class LoggedRequest:
    """One request that reached the bank's API, answered or not."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    body: bytes
    at: datetime
    """By the bank's clock."""

    status: int = 0
    """What it was answered; 0 while, or if, it never was."""


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """One request, taken apart."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    body: bytes
    signed_in: Grant | None

    @property
    def grant(self) -> Grant:
        """The grant of a request that came this far with one."""
        if self.signed_in is None:
            msg = "This endpoint needs no sign-in"
            raise TypeError(msg)
        return self.signed_in

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.grant.person

    def query_value(self, name: str) -> str:
        """Return a query parameter, or refuse."""
        if not self.query.get(name):
            raise missing_parameter(name)
        return self.query[name]

    def form_value(self, name: str) -> str:
        """Return a form field, or refuse."""
        if not self.form.get(name):
            raise missing_parameter(name)
        return self.form[name]

    def amount(self) -> int:
        """Return the form's amount in minor units, or refuse."""
        text = self.form_value("amount")
        if not re.fullmatch(r"-?[0-9]+", text):
            raise _bad_parameter("amount")
        return int(text)


def _bad_parameter(name: str) -> BankError:
    return BankError(f"bad_request.bad_param.{name}", f"The field '{name}' is invalid")


def _check_lines(lines: JsonObject) -> None:
    """Refuse a receipt, or an item with sub-items, if one of its lines lacks what it needs."""
    for kind, needed in _LINE_FIELDS.items():
        transactions = lines.get(kind) or []
        if not isinstance(transactions, list):
            raise _bad_parameter(kind)
        for transaction in transactions:
            if not isinstance(transaction, dict):
                raise _bad_parameter(kind)
            for name in needed:
                if transaction.get(name) in (None, ""):
                    raise missing_parameter(name)
            for name in transaction.keys() & {"amount", "tax"}:
                _check_amount(transaction, name)
            _check_lines(transaction)


def _check_amount(line: JsonObject, name: str) -> None:
    """Refuse what is no whole number of minor units."""
    if type(line[name]) is not int:
        raise _bad_parameter(name)


def forbidden(grant: Grant) -> BankError:
    """Return the refusal of what this grant may not see or do (yet), as recorded."""
    return BankError(
        "forbidden.insufficient_permissions",
        "Access forbidden due to insufficient permissions",
        client_id=grant.client.client_id,
        user_id=grant.person.user_id,
    )


class Api:
    """The endpoints over one bank."""

    def __init__(
        self,
        bank: Bank,
        sign_ins: SignIns,
        behaviour: Callable[[], ServerBehaviour],
        upload_url: Callable[[str], str],
    ) -> None:
        """Serve a bank; `upload_url` says where a file of that name can be put."""
        self._bank = bank
        self._sign_ins = sign_ins
        self._behaviour = behaviour
        self._upload_url = upload_url
        self._uploads = 0

    # Signing in

    def token(self, request: ApiRequest) -> JsonObject:
        """Exchange a code or a refresh token; form-encoded only."""
        return self._sign_ins.token(request.form)

    def logout(self, request: ApiRequest) -> JsonObject:
        """End the sign-in. The answer's body is not documented."""
        self._sign_ins.end(request.grant, "revoked")
        return {}

    def whoami(self, request: ApiRequest) -> JsonObject:
        """Say whose token this is; works before approval."""
        return {
            "authenticated": True,
            "client_id": request.grant.client.client_id,
            "user_id": request.person.user_id,
        }

    # Accounts and pots

    def accounts(self, request: ApiRequest) -> JsonObject:
        """List the person's accounts, closed ones too; `account_type` picks one type."""
        kind = request.query.get("account_type")
        return {
            "accounts": [
                account_json(account)
                for account in self._bank.accounts_of(request.person)
                if kind is None or account.type == kind
            ]
        }

    def balance(self, request: ApiRequest) -> JsonObject:
        """Return one account's balance."""
        account = self._readable(request, "account_id", self._behaviour().unreadable_balance)
        return balance_json(self._bank.balance(account.id))

    def pots(self, request: ApiRequest) -> JsonObject:
        """List one account's pots, deleted ones too."""
        account = self._readable(request, "current_account_id", self._behaviour().unreadable_pots)
        return {"pots": [self._pot_json(request, pot) for pot in self._bank.pots_of(account.id)]}

    def pot(self, request: ApiRequest) -> JsonObject:
        """Return one pot without a wrapper: undocumented, but works."""
        return self._pot_json(request, self._own_pot(request))

    def deposit(self, request: ApiRequest) -> JsonObject:
        """Move money into a pot; answers the pot without a wrapper."""
        pot = self._own_pot(request)
        account = self._own_account(request, request.form_value("source_account_id"))
        return self._pot_json(
            request,
            self._bank.deposit(
                pot.id, account.id, request.amount(), request.form_value("dedupe_id")
            ),
        )

    def withdraw(self, request: ApiRequest) -> JsonObject:
        """Move money out of a pot; answers the pot without a wrapper."""
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
        """List a page of an account's history, oldest first.

        `since` is a time (that moment included) or an id (that one left out), `before` a time
        (left out).
        """
        account = self._readable(request, "account_id", self._behaviour().unreadable_transactions)
        wanted = self._time_filter(request)
        limit = self._limit(request)
        transactions = [] if account.type == "uk_loan" else self._bank.transactions(account.id)
        page = [transaction for transaction in transactions if wanted(transaction)][:limit]
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
        """Write a transaction's metadata; an empty value deletes."""
        transaction = self._own_transaction(request, request.path["id"])
        metadata = {
            name.removeprefix("metadata[").removesuffix("]"): value
            for name, value in request.form.items()
            if name.startswith("metadata[")
        }
        self._bank.annotate(transaction.id, metadata)
        return {"transaction": self._transaction_json(request, transaction)}

    # What programs attach

    def feed(self, request: ApiRequest) -> JsonObject:
        """Put a card into the person's feed."""
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
        """Say where a file can be put, and where it will be found."""
        name = request.form_value("file_name")
        for needed in ("file_type", "content_length"):
            request.form_value(needed)
        self._uploads += 1
        url = self._upload_url(f"{request.person.user_id}/{self._uploads}/{name}")
        return {"file_url": url, "upload_url": f"{url}?signature=sandbox"}

    def attach(self, request: ApiRequest) -> JsonObject:
        """Hang a picture on a transaction."""
        transaction = self._own_transaction(request, request.form_value("external_id"))
        attachment = self._bank.attach(
            transaction.id,
            request.person,
            request.form_value("file_url"),
            request.form_value("file_type"),
        )
        return {"attachment": attachment_json(attachment)}

    def detach(self, request: ApiRequest) -> JsonObject:
        """Take a picture off its transaction."""
        attachment_id = request.form_value("id")
        attachment = self._bank.attachments.get(attachment_id)
        if attachment is not None and attachment.user_id != request.person.user_id:
            raise forbidden(request.grant)
        self._bank.detach(attachment_id)
        return {}

    def put_receipt(self, request: ApiRequest) -> JsonObject | None:
        """Keep a receipt: the one endpoint that takes JSON."""
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
        return self._receipt_answer(receipt)

    def receipt(self, request: ApiRequest) -> JsonObject:
        """Return a receipt by the program's own id."""
        receipt = self._bank.receipt(request.person, request.query_value("external_id"))
        return {"receipt": receipt_json(receipt)}

    def delete_receipt(self, request: ApiRequest) -> JsonObject:
        """Forget a receipt."""
        receipt = self._bank.receipt(request.person, request.query_value("external_id"))
        del self._bank.receipts[request.person.user_id, receipt.external_id]
        return {}

    # Webhooks

    def register_webhook(self, request: ApiRequest) -> JsonObject:
        """Register an address for an account; duplicates are allowed, and each is called."""
        account = self._own_account(request, request.form_value("account_id"))
        webhook = self._bank.register_webhook(
            account.id, request.grant.client.client_id, request.form_value("url")
        )
        return {"webhook": webhook_json(webhook)}

    def webhooks(self, request: ApiRequest) -> JsonObject:
        """List what this program registered for an account."""
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
        """Forget a webhook of this program."""
        webhook = self._bank.webhooks.get(request.path["id"])
        if webhook is None or webhook.client_id != request.grant.client.client_id:
            raise BankError("not_found.webhook_not_found", "Webhook not found")
        self._own_account(request, webhook.account_id)
        del self._bank.webhooks[webhook.id]
        return {}

    # Within

    def _own_account(self, request: ApiRequest, account_id: str) -> Account:
        """Return an account of the person's; a foreign and a malformed id are both forbidden."""
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
        """Return what picks the transactions between `since` and `before`, if they may be seen."""
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
        gated = approved_at is None or now - approved_at > behaviour.full_history
        if gated and now - start > behaviour.gated_history:
            raise BankError("forbidden.verification_required", "Verification required")
        after_id = since.partition("_")[2] if _is_id(since) else ""

        def wanted(transaction: Transaction) -> bool:
            if before is not None and transaction.created >= before:
                return False
            return (
                transaction.id.partition("_")[2] > after_id
                if after_id
                else transaction.created >= start
            )

        return wanted

    def _start_time(self, request: ApiRequest, since: str, end: datetime) -> datetime:
        """Return when a listing begins."""
        without = self._behaviour().without_since
        if not since:
            return end - (self._behaviour().longest_span if without is None else without)
        if not _is_id(since):
            return _query_time(request, "since")
        try:
            return id_time(since)
        except ValueError as err:
            raise _bad_parameter("since") from err

    def _receipt_answer(self, receipt: Receipt) -> JsonObject | None:
        match self._behaviour().receipt_answer:
            case "empty":
                return None
            case "id":
                return {"receipt_id": receipt.id}
            case "receipt":
                return {"receipt": receipt_json(receipt)}


def _is_id(since: str) -> bool:
    """Whether `since` is an object's id and no time."""
    return since.partition("_")[0].isalpha() and "_" in since


def _query_time(request: ApiRequest, name: str) -> datetime:
    """Return a query parameter as the aware time that it has to be."""
    try:
        moment = datetime.fromisoformat(request.query[name])
    except ValueError as err:
        raise _bad_parameter(name) from err
    if moment.tzinfo is None:
        raise _bad_parameter(name)
    return moment


type Needs = Literal["nothing", "sign-in", "approval"]


@dataclass(frozen=True)
class Endpoint:
    """Where a method of the API answers, and to whom."""

    method: str
    path: str
    handler: Callable[[Api, ApiRequest], JsonObject | None]
    needs: Needs = "approval"


ENDPOINTS = (
    Endpoint("POST", "/oauth2/token", Api.token, "nothing"),
    Endpoint("POST", "/oauth2/logout", Api.logout, "sign-in"),
    Endpoint("GET", "/ping/whoami", Api.whoami, "sign-in"),
    Endpoint("GET", "/accounts", Api.accounts),
    Endpoint("GET", "/balance", Api.balance),
    # Any method reaches the list, and a wrong one misses its parameter, as recorded.
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
