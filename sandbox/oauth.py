"""Who may ask the bank: clients, codes, tokens, and approval in the app. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
import secrets
from typing import Literal

from .behaviour import ServerBehaviour
from .models import BankError, JsonObject, Person

_SCOPE = "third_party_developer_app"

type Approval = Literal["pending", "approved", "denied"]


@dataclass(frozen=True, kw_only=True)
class Client:
    """A program, as registered on the developers' page."""

    client_id: str
    secret: str
    redirect_uris: tuple[str, ...] | None
    """None allows any."""

    confidential: bool
    """Only these are given refresh tokens (documented)."""

    name: str


@dataclass(kw_only=True, eq=False)
class Grant:
    """One sign-in of a person in a program; refreshing changes its tokens and nothing else."""

    client: Client
    person: Person
    access_token: str
    refresh_token: str
    expires: datetime
    approval: Approval
    approved_at: datetime | None
    """When the five minutes of full history began."""

    ended: Literal["", "evicted", "revoked"] = ""


@dataclass(kw_only=True, eq=False)
class _AuthorizationCode:
    client: Client
    person: Person
    redirect_uri: str
    expires: datetime
    used: bool = False


def missing_parameter(name: str) -> BankError:
    """Return the refusal of a request that lacks a field, as recorded."""
    return BankError(f"bad_request.missing_param.{name}", f"The field '{name}' is required")


class SignIns:
    """Issues and checks tokens. One grant for a person and a client: a new one evicts the old."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        behaviour: Callable[[], ServerBehaviour],
        on_end: Callable[[Grant], None],
    ) -> None:
        """Begin without clients; `ended` is told when a grant is no longer good."""
        self.clients: dict[str, Client] = {}
        self.grants: list[Grant] = []
        self._clock = clock
        self._behaviour = behaviour
        self._on_end = on_end
        self._codes: dict[str, _AuthorizationCode] = {}
        self._by_access: dict[str, Grant] = {}
        self._by_refresh: dict[str, Grant] = {}

    def active(self, person: Person | None = None) -> list[Grant]:
        """Return the grants that are still good, of everybody or of one person."""
        return [
            grant
            for grant in self.grants
            if not grant.ended and (person is None or grant.person == person)
        ]

    def issue_code(self, client_id: str, person: Person, redirect_uri: str) -> str:
        """Return a code that can be exchanged once."""
        code = _token("azc")
        self._codes[code] = _AuthorizationCode(
            client=self.clients[client_id],
            person=person,
            redirect_uri=redirect_uri,
            expires=self._clock() + self._behaviour().code_life,
        )
        return code

    def token(self, form: Mapping[str, str]) -> JsonObject:
        """Answer the token URL: exchange a code or a refresh token."""
        kind = _field(form, "grant_type")
        client = self._client(form)
        if kind == "authorization_code":
            return self._answer(self._exchange(client, form))
        if kind == "refresh_token":
            return self._answer(self._refresh(client, _field(form, "refresh_token")))
        raise BankError("bad_request.bad_param.grant_type", "Unknown grant type")

    def sign_in(self, person: Person, client_id: str, *, approved: bool) -> JsonObject:
        """Grant without the page and the code, and answer as the token URL would."""
        grant = self._grant(self.clients[client_id], person)
        if approved:
            self._approve(grant)
        return self._answer(grant)

    def approve(self, person: Person) -> None:
        """Approve in the app whatever of this person's waits; the full history opens."""
        for grant in self.active(person):
            if grant.approval != "approved":
                self._approve(grant)

    def deny(self, person: Person) -> None:
        """Turn down in the app whatever of this person's waits for approval."""
        for grant in self.active(person):
            if grant.approval == "pending":
                grant.approval = "denied"
                if self._behaviour().denied_is_revoked:
                    self.end(grant, "revoked")

    def evict(self, person: Person) -> None:
        """Have other programs sign this person in with the same clients."""
        for grant in self.active(person):
            self._grant(grant.client, person)

    def expire(self, person: Person) -> None:
        """Let this person's access tokens run out now; refreshing still works."""
        for grant in self.active(person):
            grant.expires = self._clock()

    def end(self, grant: Grant, how: Literal["evicted", "revoked"]) -> None:
        """Make both tokens useless."""
        grant.ended = how
        self._on_end(grant)

    def authenticate(self, authorization: str) -> Grant:
        """Return whose Authorization header this is, or refuse."""
        scheme, _, token = authorization.partition(" ")
        grant = self._by_access.get(token)
        if scheme.lower() != "bearer" or grant is None or grant.ended == "revoked":
            raise BankError("unauthorized.bad_access_token", "Bad access token")
        if grant.ended or grant.access_token != token:
            raise BankError(
                "unauthorized.bad_access_token.evicted",
                "Access token has been evicted due to a login elsewhere",
            )
        if self._clock() >= grant.expires:
            raise BankError("unauthorized.bad_access_token.expired", "Access token has expired")
        return grant

    def _client(self, form: Mapping[str, str]) -> Client:
        client = self.clients.get(_field(form, "client_id"))
        if client is None or _field(form, "client_secret") != client.secret:
            raise BankError(self._behaviour().wrong_secret, "Bad client credentials")
        return client

    def _exchange(self, client: Client, form: Mapping[str, str]) -> Grant:
        code = self._codes.get(_field(form, "code"))
        if code is None or code.client != client:
            raise BankError("unauthorized.bad_authorization_code", "Bad authorization code")
        if _field(form, "redirect_uri") != code.redirect_uri:
            raise BankError("bad_request.bad_param.redirect_uri", "Bad redirect URI")
        if code.used:
            raise BankError(
                "unauthorized.bad_authorization_code.used", "Authorization code has been used"
            )
        if self._clock() >= code.expires:
            raise BankError(
                "unauthorized.bad_authorization_code.expired", "Authorization code has expired"
            )
        code.used = True
        return self._grant(client, code.person)

    def _refresh(self, client: Client, token: str) -> Grant:
        grant = self._by_refresh.get(token)
        if grant is not None and grant.ended == "evicted":
            raise BankError(
                "unauthorized.bad_refresh_token.evicted",
                "Refresh token has been evicted due to a login elsewhere",
            )
        if grant is None or grant.ended or grant.client != client or grant.refresh_token != token:
            raise BankError("unauthorized.bad_refresh_token", "Bad refresh token")
        self._renew(grant)
        return grant

    def _grant(self, client: Client, person: Person) -> Grant:
        for earlier in self.active(person):
            if earlier.client == client:
                self.end(earlier, "evicted")
        grant = Grant(
            client=client,
            person=person,
            access_token="",
            refresh_token="",
            expires=self._clock(),
            approval="pending",
            approved_at=None,
        )
        self.grants.append(grant)
        self._renew(grant)
        if self._behaviour().approve_at_once:
            self._approve(grant)
        return grant

    def _approve(self, grant: Grant) -> None:
        grant.approval = "approved"
        grant.approved_at = self._clock()

    def _renew(self, grant: Grant) -> None:
        """Give new tokens; those before them are worth nothing from now on."""
        grant.access_token = _token("at")
        grant.expires = self._clock() + self._behaviour().token_life
        self._by_access[grant.access_token] = grant
        if grant.client.confidential:
            grant.refresh_token = _token("rt")
            self._by_refresh[grant.refresh_token] = grant

    def _answer(self, grant: Grant) -> JsonObject:
        """Return what the token URL answers; without a refresh token there is no such key."""
        approved = grant.approval == "approved"
        answer: JsonObject = {
            "access_token": grant.access_token,
            "client_id": grant.client.client_id,
            "expires_in": int(self._behaviour().token_life.total_seconds()),
            "scope": f"{_SCOPE}.verified.ext" if approved else f"{_SCOPE}.pre_verification",
            "token_type": "Bearer",
            "user_id": grant.person.user_id,
        }
        if grant.refresh_token:
            answer["refresh_token"] = grant.refresh_token
        return answer


def _field(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise missing_parameter(name)
    return form[name]


def _token(kind: str) -> str:
    """Return a token as long as Monzo's, which are signed JSON; it means nothing."""
    return f"eyJhbGciOiJFUzI1NiIs{kind}.{secrets.token_urlsafe(150)}.{secrets.token_urlsafe(64)}"
