"""Monzo's endpoints: each takes what was asked and returns what to answer, or refuses. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
import json
import re
from typing import Literal

from .bank import Bank
from .behaviour import Behaviour
from .oauth import Grant, SignIns, missing
from .records import Account, BankError, JsonObject, Person, Pot, Receipt, Transaction, id_time
from .shapes import (
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
class Call:
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
class Ask:
    """One request, taken apart."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    body: bytes
    grant: Grant | None

    @property
    def by(self) -> Grant:
        """The grant of a request that came this far with one."""
        if self.grant is None:
            msg = "This endpoint needs no sign-in"
            raise TypeError(msg)
        return self.grant

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.by.person

    def queried(self, name: str) -> str:
        """Return a query parameter, or refuse."""
        if not self.query.get(name):
            raise missing(name)
        return self.query[name]

    def sent(self, name: str) -> str:
        """Return a form field, or refuse."""
        if not self.form.get(name):
            raise missing(name)
        return self.form[name]

    def amount(self) -> int:
        """Return the form's amount in minor units, or refuse."""
        text = self.sent("amount")
        if not re.fullmatch(r"-?[0-9]+", text):
            raise _bad("amount")
        return int(text)


def _bad(name: str) -> BankError:
    return BankError(f"bad_request.bad_param.{name}", f"The field '{name}' is invalid")


def _check_lines(lines: JsonObject) -> None:
    """Refuse a receipt, or an item with sub-items, if one of its lines lacks what it needs."""
    for kind, needed in _LINE_FIELDS.items():
        rows = lines.get(kind) or []
        if not isinstance(rows, list):
            raise _bad(kind)
        for row in rows:
            if not isinstance(row, dict):
                raise _bad(kind)
            for name in needed:
                if row.get(name) in (None, ""):
                    raise missing(name)
            for name in row.keys() & {"amount", "tax"}:
                _check_amount(row, name)
            _check_lines(row)


def _check_amount(line: JsonObject, name: str) -> None:
    """Refuse what is no whole number of minor units."""
    if type(line[name]) is not int:
        raise _bad(name)


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
        behaviour: Callable[[], Behaviour],
        upload_url: Callable[[str], str],
    ) -> None:
        """Serve a bank; `upload_url` says where a file of that name can be put."""
        self._bank = bank
        self._sign_ins = sign_ins
        self._behaviour = behaviour
        self._upload_url = upload_url
        self._uploads = 0

    # Signing in

    def token(self, ask: Ask) -> JsonObject:
        """Exchange a code or a refresh token; form-encoded only."""
        return self._sign_ins.token(ask.form)

    def logout(self, ask: Ask) -> JsonObject:
        """End the sign-in. The answer's body is not documented."""
        self._sign_ins.end(ask.by, "revoked")
        return {}

    def whoami(self, ask: Ask) -> JsonObject:
        """Say whose token this is; works before approval."""
        return {
            "authenticated": True,
            "client_id": ask.by.client.client_id,
            "user_id": ask.person.user_id,
        }

    # Accounts and pots

    def accounts(self, ask: Ask) -> JsonObject:
        """List the person's accounts, closed ones too; `account_type` picks one type."""
        kind = ask.query.get("account_type")
        return {
            "accounts": [
                account_json(account)
                for account in self._bank.accounts_of(ask.person)
                if kind is None or account.type == kind
            ]
        }

    def balance(self, ask: Ask) -> JsonObject:
        """Return one account's balance."""
        account = self._readable(ask, "account_id", self._behaviour().unreadable_balance)
        return balance_json(self._bank.balance(account.id))

    def pots(self, ask: Ask) -> JsonObject:
        """List one account's pots, deleted ones too."""
        account = self._readable(ask, "current_account_id", self._behaviour().unreadable_pots)
        return {"pots": [self._pot_json(ask, pot) for pot in self._bank.pots_of(account.id)]}

    def pot(self, ask: Ask) -> JsonObject:
        """Return one pot without a wrapper: undocumented, but works."""
        return self._pot_json(ask, self._own_pot(ask))

    def deposit(self, ask: Ask) -> JsonObject:
        """Move money into a pot; answers the pot without a wrapper."""
        pot = self._own_pot(ask)
        account = self._own_account(ask, ask.sent("source_account_id"))
        return self._pot_json(
            ask, self._bank.deposit(pot.id, account.id, ask.amount(), ask.sent("dedupe_id"))
        )

    def withdraw(self, ask: Ask) -> JsonObject:
        """Move money out of a pot; answers the pot without a wrapper."""
        pot = self._own_pot(ask)
        account = self._own_account(ask, ask.sent("destination_account_id"))
        return self._pot_json(
            ask, self._bank.withdraw(pot.id, account.id, ask.amount(), ask.sent("dedupe_id"))
        )

    # Transactions

    def transactions(self, ask: Ask) -> JsonObject:
        """List a page of an account's history, oldest first.

        `since` is a time (that moment included) or an id (that one left out), `before` a time
        (left out).
        """
        account = self._readable(ask, "account_id", self._behaviour().unreadable_transactions)
        wanted = self._span(ask)
        limit = self._limit(ask)
        rows = [] if account.type == "uk_loan" else self._bank.transactions(account.id)
        page = [row for row in rows if wanted(row)][:limit]
        return {"transactions": [self._row_json(ask, row) for row in page]}

    def transaction(self, ask: Ask) -> JsonObject:
        """Return one transaction."""
        return {"transaction": self._row_json(ask, self._own_row(ask, ask.path["id"]))}

    def annotate(self, ask: Ask) -> JsonObject:
        """Write a transaction's metadata; an empty value deletes."""
        row = self._own_row(ask, ask.path["id"])
        metadata = {
            name.removeprefix("metadata[").removesuffix("]"): value
            for name, value in ask.form.items()
            if name.startswith("metadata[")
        }
        self._bank.annotate(row.id, metadata)
        return {"transaction": self._row_json(ask, row)}

    # What programs attach

    def feed(self, ask: Ask) -> JsonObject:
        """Put a card into the person's feed."""
        account = self._own_account(ask, ask.sent("account_id"))
        if ask.sent("type") != "basic":
            raise _bad("type")
        colours = {
            name: ask.form[f"params[{name}]"] for name in _COLOURS if f"params[{name}]" in ask.form
        }
        self._bank.add_feed_item(
            account.id,
            title=ask.sent("params[title]"),
            image_url=ask.sent("params[image_url]"),
            body=ask.form.get("params[body]", ""),
            url=ask.form.get("url", ""),
            **colours,
        )
        return {}

    def upload(self, ask: Ask) -> JsonObject:
        """Say where a file can be put, and where it will be found."""
        name = ask.sent("file_name")
        for needed in ("file_type", "content_length"):
            ask.sent(needed)
        self._uploads += 1
        url = self._upload_url(f"{ask.person.user_id}/{self._uploads}/{name}")
        return {"file_url": url, "upload_url": f"{url}?signature=sandbox"}

    def attach(self, ask: Ask) -> JsonObject:
        """Hang a picture on a transaction."""
        row = self._own_row(ask, ask.sent("external_id"))
        attachment = self._bank.attach(
            row.id, ask.person, ask.sent("file_url"), ask.sent("file_type")
        )
        return {"attachment": attachment_json(attachment)}

    def detach(self, ask: Ask) -> JsonObject:
        """Take a picture off its transaction."""
        attachment_id = ask.sent("id")
        attachment = self._bank.attachments.get(attachment_id)
        if attachment is not None and attachment.user_id != ask.person.user_id:
            raise forbidden(ask.by)
        self._bank.detach(attachment_id)
        return {}

    def put_receipt(self, ask: Ask) -> JsonObject | None:
        """Keep a receipt: the one endpoint that takes JSON."""
        try:
            body = json.loads(ask.body)
        except ValueError as err:
            raise BankError("bad_request.bad_body", "The body is not JSON") from err
        for name in _RECEIPT_FIELDS:
            if not isinstance(body, dict) or body.get(name) in (None, "", []):
                raise missing(name)
        _check_amount(body, "total")
        _check_lines(body)
        row = self._own_row(ask, str(body["transaction_id"]))
        receipt = self._bank.put_receipt(ask.person, str(body["external_id"]), row.id, body)
        return self._receipt_answer(receipt)

    def receipt(self, ask: Ask) -> JsonObject:
        """Return a receipt by the program's own id."""
        receipt = self._bank.receipt(ask.person, ask.queried("external_id"))
        return {"receipt": receipt_json(receipt)}

    def delete_receipt(self, ask: Ask) -> JsonObject:
        """Forget a receipt."""
        receipt = self._bank.receipt(ask.person, ask.queried("external_id"))
        del self._bank.receipts[ask.person.user_id, receipt.external_id]
        return {}

    # Webhooks

    def register_webhook(self, ask: Ask) -> JsonObject:
        """Register an address for an account; duplicates are allowed, and each is called."""
        account = self._own_account(ask, ask.sent("account_id"))
        webhook = self._bank.register_webhook(account.id, ask.by.client.client_id, ask.sent("url"))
        return {"webhook": webhook_json(webhook)}

    def webhooks(self, ask: Ask) -> JsonObject:
        """List what this program registered for an account."""
        account = self._own_account(ask, ask.queried("account_id"))
        return {
            "webhooks": [
                webhook_json(webhook)
                for webhook in self._bank.webhooks.values()
                if webhook.account_id == account.id and webhook.client_id == ask.by.client.client_id
            ]
        }

    def delete_webhook(self, ask: Ask) -> JsonObject:
        """Forget a webhook of this program."""
        webhook = self._bank.webhooks.get(ask.path["id"])
        if webhook is None or webhook.client_id != ask.by.client.client_id:
            raise BankError("not_found.webhook_not_found", "Webhook not found")
        self._own_account(ask, webhook.account_id)
        del self._bank.webhooks[webhook.id]
        return {}

    # Within

    def _own_account(self, ask: Ask, account_id: str) -> Account:
        """Return an account of the person's; a foreign and a malformed id are both forbidden."""
        account = self._bank.accounts.get(account_id)
        if account is None or ask.person not in account.owners:
            raise forbidden(ask.by)
        return account

    def _readable(self, ask: Ask, parameter: str, unreadable: frozenset[str]) -> Account:
        account = self._own_account(ask, ask.queried(parameter))
        if account.type in unreadable:
            raise forbidden(ask.by)
        return account

    def _own_pot(self, ask: Ask) -> Pot:
        pot = self._bank.pot(ask.path["id"])
        if ask.person not in self._bank.account(pot.account_id).owners:
            raise BankError("not_found.pot_not_found", "Pot not found")
        return pot

    def _own_row(self, ask: Ask, transaction_id: str) -> Transaction:
        row = self._bank.transaction(transaction_id)
        if ask.person not in self._bank.account(row.account_id).owners:
            raise BankError("not_found.transaction_not_found", "Transaction not found")
        return row

    def _pot_json(self, ask: Ask, pot: Pot) -> JsonObject:
        account = self._bank.account(pot.account_id)
        if account.type == "uk_retail_joint" and self._behaviour().joint_pots_name_own_account:
            own = self._bank.accounts_of(ask.person)
            retail = next((other.id for other in own if other.type == "uk_retail"), account.id)
            return pot_json(pot, account_id=retail)
        return pot_json(pot)

    def _row_json(self, ask: Ask, row: Transaction) -> JsonObject:
        return transaction_json(row, expand_merchant=ask.query.get("expand[]") == "merchant")

    def _limit(self, ask: Ask) -> int:
        text = ask.query.get("limit", str(DEFAULT_LIMIT))
        limit = int(text) if text.isdecimal() else 0
        too_high = limit > HIGHEST_LIMIT and self._behaviour().limit_above_100 == "refuse"
        if limit < 1 or too_high:
            raise _bad("limit")
        return min(limit, HIGHEST_LIMIT)

    def _span(self, ask: Ask) -> Callable[[Transaction], bool]:
        """Return what picks the rows between `since` and `before`, if they may be seen."""
        behaviour = self._behaviour()
        now = self._bank.clock()
        before = _moment(ask, "before") if "before" in ask.query else None
        end = before or now
        since = ask.query.get("since", "")
        start = self._start(ask, since, end)
        if end - start > behaviour.longest_span:
            raise BankError(
                "bad_request.invalid_time_range",
                "The time range you have requested is too large, please use the `since` and "
                "`before` parameters to request smaller ranges.",
            )
        approved_at = ask.by.approved_at
        gated = approved_at is None or now - approved_at > behaviour.full_history
        if gated and now - start > behaviour.gated_history:
            raise BankError("forbidden.verification_required", "Verification required")
        after_id = since.partition("_")[2] if _is_id(since) else ""

        def wanted(row: Transaction) -> bool:
            if before is not None and row.created >= before:
                return False
            return row.id.partition("_")[2] > after_id if after_id else row.created >= start

        return wanted

    def _start(self, ask: Ask, since: str, end: datetime) -> datetime:
        """Return when a listing begins."""
        without = self._behaviour().without_since
        if not since:
            return end - (self._behaviour().longest_span if without is None else without)
        if not _is_id(since):
            return _moment(ask, "since")
        try:
            return id_time(since)
        except ValueError as err:
            raise _bad("since") from err

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


def _moment(ask: Ask, name: str) -> datetime:
    """Return a query parameter as the aware time that it has to be."""
    try:
        moment = datetime.fromisoformat(ask.query[name])
    except ValueError as err:
        raise _bad(name) from err
    if moment.tzinfo is None:
        raise _bad(name)
    return moment


type Needs = Literal["nothing", "sign-in", "approval"]


@dataclass(frozen=True)
class Endpoint:
    """Where a method of the API answers, and to whom."""

    method: str
    path: str
    handler: Callable[[Api, Ask], JsonObject | None]
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
