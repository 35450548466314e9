"""OAuth: clients, codes, tokens, and the approval in the app. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import secrets
from typing import Literal

from .behaviour import ServerBehaviour
from .models import BankError, JsonObject, Person

_SCOPE = "third_party_developer_app"

type Approval = Literal["pending", "approved", "denied"]


@dataclass(frozen=True, kw_only=True)
class Client:
    """An OAuth client, as registered in Monzo's developer portal."""

    client_id: str
    secret: str
    redirect_uris: tuple[str, ...] | None
    """None allows every redirect URI."""

    confidential: bool
    """Only confidential clients receive refresh tokens (documented)."""

    name: str


@dataclass(kw_only=True, eq=False)
class Grant:
    """One sign-in of a person with a client. A refresh replaces only the tokens."""

    client: Client
    person: Person
    access_token: str
    refresh_token: str
    renewed_at: datetime
    """When the access token was issued."""

    expires: datetime
    approval: Approval
    approved_at: datetime | None
    """Start of the time in which the full history can be read."""

    ended: Literal["", "evicted", "revoked"] = ""


@dataclass(kw_only=True, eq=False)
class _AuthorizationCode:
    client: Client
    person: Person
    redirect_uri: str
    expires: datetime
    used: bool = False


def missing_parameter(name: str) -> BankError:
    """Return the error for a missing field (recorded)."""
    return BankError(f"bad_request.missing_param.{name}", f"The field '{name}' is required")


class SignIns:
    """Issues and checks tokens. A new grant for a person and client evicts the earlier one."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        behaviour: Callable[[], ServerBehaviour],
        on_end: Callable[[Grant], None],
    ) -> None:
        """Initialize without clients; `on_end` is called for each grant that ends."""
        self.clients: dict[str, Client] = {}
        self.grants: list[Grant] = []
        self._clock = clock
        self._behaviour = behaviour
        self._on_end = on_end
        self._codes: dict[str, _AuthorizationCode] = {}
        self._by_access: dict[str, Grant] = {}
        self._by_refresh: dict[str, Grant] = {}

    def active(self, person: Person | None = None) -> list[Grant]:
        """Return the grants that have not ended, of all people or of one person."""
        return [
            grant
            for grant in self.grants
            if not grant.ended and (person is None or grant.person == person)
        ]

    def issue_code(self, client_id: str, person: Person, redirect_uri: str) -> str:
        """Return an authorization code that can be exchanged once."""
        code = _token("azc")
        self._codes[code] = _AuthorizationCode(
            client=self.clients[client_id],
            person=person,
            redirect_uri=redirect_uri,
            expires=self._clock() + self._behaviour().code_lifetime,
        )
        return code

    def token(self, form: Mapping[str, str]) -> JsonObject:
        """Handle a request to the token URL: exchange a code or a refresh token."""
        grant_type = _required(form, "grant_type")
        client = self._client(form)
        if grant_type == "authorization_code":
            return self._token_response(self._exchange(client, form))
        if grant_type == "refresh_token":
            grant = self._refresh(client, _required(form, "refresh_token"))
            return self._renewal_response(grant)
        raise BankError("bad_request.bad_param.grant_type", "Unknown grant type")

    def sign_in(self, person: Person, client_id: str, *, approved: bool) -> JsonObject:
        """Sign a person in without page and code; return the token URL's response."""
        grant = self._grant(self.clients[client_id], person)
        if approved:
            self._approve(grant)
        return self._token_response(grant)

    def approve(self, person: Person) -> None:
        """Approve all sign-ins of a person in the app; this opens the full history."""
        for grant in self.active(person):
            if grant.approval != "approved":
                self._approve(grant)

    def deny(self, person: Person) -> None:
        """Deny all pending sign-ins of a person in the app."""
        for grant in self.active(person):
            if grant.approval == "pending":
                grant.approval = "denied"
                if self._behaviour().denied_is_revoked:
                    self.end(grant, "revoked")

    def evict(self, person: Person) -> None:
        """Replace a person's sign-ins by new ones of the same clients."""
        for grant in self.active(person):
            self._grant(grant.client, person)

    def expire(self, person: Person) -> None:
        """Expire a person's access tokens now; the refresh tokens stay valid."""
        for grant in self.active(person):
            grant.expires = self._clock()

    def end(self, grant: Grant, reason: Literal["evicted", "revoked"]) -> None:
        """End a grant, which invalidates both tokens."""
        grant.ended = reason
        self._on_end(grant)

    def authenticate(self, authorization: str) -> Grant:
        """Return the grant of an Authorization header. Raises BankError if it is not valid."""
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
        age = self._clock() - grant.renewed_at
        if timedelta(0) <= age < self._behaviour().new_token_known_after:
            raise BankError("unauthorized.bad_access_token", "Bad access token")
        return grant

    def _client(self, form: Mapping[str, str]) -> Client:
        client = self.clients.get(_required(form, "client_id"))
        if client is None or _required(form, "client_secret") != client.secret:
            raise BankError(self._behaviour().wrong_secret, "Bad client credentials")
        return client

    def _exchange(self, client: Client, form: Mapping[str, str]) -> Grant:
        code = self._codes.get(_required(form, "code"))
        if code is None or code.client != client:
            raise BankError("unauthorized.bad_authorization_code", "Bad authorization code")
        if _required(form, "redirect_uri") != code.redirect_uri:
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
        self._renew(grant, replace_refresh_token=self._behaviour().renewal_keeps_grant == "no")
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
            renewed_at=self._clock(),
            approval="pending",
            approved_at=None,
        )
        self.grants.append(grant)
        self._renew(grant, replace_refresh_token=True)
        if self._behaviour().approve_at_once:
            self._approve(grant)
        return grant

    def _approve(self, grant: Grant) -> None:
        grant.approval = "approved"
        grant.approved_at = self._clock()

    def _renew(self, grant: Grant, *, replace_refresh_token: bool) -> None:
        """Issue new tokens, which invalidates the earlier ones."""
        grant.access_token = _token("at")
        grant.renewed_at = self._clock()
        grant.expires = self._clock() + self._behaviour().token_lifetime
        self._by_access[grant.access_token] = grant
        if grant.client.confidential and replace_refresh_token:
            grant.refresh_token = _token("rt")
            self._by_refresh[grant.refresh_token] = grant

    def _token_response(self, grant: Grant) -> JsonObject:
        """Return the token URL's response; it has no key for a missing refresh token."""
        approved = grant.approval == "approved"
        response: JsonObject = {
            "access_token": grant.access_token,
            "client_id": grant.client.client_id,
            "expires_in": int(self._behaviour().token_lifetime.total_seconds()),
            "scope": f"{_SCOPE}.verified.ext" if approved else f"{_SCOPE}.pre_verification",
            "token_type": "Bearer",
            "user_id": grant.person.user_id,
        }
        if grant.refresh_token:
            response["refresh_token"] = grant.refresh_token
        return response

    def _renewal_response(self, grant: Grant) -> JsonObject:
        """Return the response to a renewal; some have no refresh token if the old one stays."""
        response = self._token_response(grant)
        match self._behaviour().renewal_keeps_grant:
            case "null":
                response["refresh_token"] = None
            case "empty":
                response["refresh_token"] = ""
            case "absent":
                del response["refresh_token"]
        return response


def _required(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise missing_parameter(name)
    return form[name]


def _token(kind: str) -> str:
    """Return a random token with the length of Monzo's signed tokens."""
    return f"eyJhbGciOiJFUzI1NiIs{kind}.{secrets.token_urlsafe(150)}.{secrets.token_urlsafe(64)}"
