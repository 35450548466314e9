"""OAuth over HTTP: codes, tokens, approval in the app."""

from datetime import timedelta
from typing import Any, Literal

from aiohttp import ClientSession
import pytest

from sandbox.behaviour import ServerBehaviour
from sandbox.models import Account, Person
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer

from .api_client import ApiClient, Response, exchange, sign_in
from .clock import ManualClock

REDIRECT = "https://home.example.test/auth/external/callback"


async def exchange_code(session: ClientSession, server: BankServer, code: str) -> Response:
    return await exchange(
        session, server, grant_type="authorization_code", code=code, redirect_uri=REDIRECT
    )


@pytest.fixture
def code(server: BankServer, ann: Person) -> str:
    """Return a new authorization code of Ann."""
    return server.issue_code(ann, REDIRECT)


async def test_a_code_is_exchanged_for_the_recorded_tokens(
    session: ClientSession, server: BankServer, ann: Person, code: str
) -> None:
    response = await exchange_code(session, server, code)
    assert response.status == 200
    assert set(response.data) == {
        "access_token",
        "client_id",
        "expires_in",
        "refresh_token",
        "scope",
        "token_type",
        "user_id",
    }
    assert response.data["expires_in"] == 107_999
    assert response.data["scope"] == "third_party_developer_app.pre_verification"
    assert response.data["user_id"] == ann.user_id
    assert len(response.data["access_token"]) >= 250
    assert len(response.data["refresh_token"]) >= 250


async def test_the_lifetime_of_a_token_can_be_changed(
    session: ClientSession, server: BankServer, code: str
) -> None:
    server.behaviour = ServerBehaviour(token_lifetime=timedelta(seconds=21_600))
    assert (await exchange_code(session, server, code)).data["expires_in"] == 21_600


async def test_a_code_is_valid_once(session: ClientSession, server: BankServer, code: str) -> None:
    await exchange_code(session, server, code)
    response = await exchange_code(session, server, code)
    assert response.error == (401, "unauthorized.bad_authorization_code.used")


async def test_a_code_expires(
    session: ClientSession, server: BankServer, clock: ManualClock, code: str
) -> None:
    clock.forward(minutes=10)
    response = await exchange_code(session, server, code)
    assert response.error == (401, "unauthorized.bad_authorization_code.expired")


async def test_an_unknown_code_is_refused(session: ClientSession, server: BankServer) -> None:
    response = await exchange_code(session, server, "invented")
    assert response.error == (401, "unauthorized.bad_authorization_code")


async def test_a_code_is_valid_only_with_its_redirect_uri(
    session: ClientSession, server: BankServer, code: str
) -> None:
    response = await exchange(
        session, server, grant_type="authorization_code", code=code, redirect_uri="https://x.test"
    )
    assert response.error == (400, "bad_request.bad_param.redirect_uri")


async def test_the_wrong_secret_is_refused(server: BankServer, session: ClientSession) -> None:
    response = await exchange(session, server, grant_type="refresh_token", client_secret="wrong")
    assert response.error == (401, "unauthorized.bad_client")


async def test_the_token_url_refuses_json(server: BankServer, session: ClientSession) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": DEFAULT_CLIENT_ID,
        "client_secret": DEFAULT_CLIENT_SECRET,
    }
    async with session.post(f"{server.url}/oauth2/token", json=form) as response:
        assert response.status == 400
        assert (await response.json())["code"] == "bad_request.missing_param.grant_type"


async def test_an_unknown_grant_type_is_refused(server: BankServer, session: ClientSession) -> None:
    response = await exchange(session, server, grant_type="password")
    assert response.error == (400, "bad_request.bad_param.grant_type")


async def test_a_public_client_gets_no_refresh_token(server: BankServer, ann: Person) -> None:
    server.register_client("open", "secret", confidential=False)
    assert "refresh_token" not in server.sign_in(ann, client_id="open")


async def test_refreshing_replaces_both_tokens(client: ApiClient) -> None:
    old = client.token
    response = await client.refresh()
    assert response.data["scope"] == "third_party_developer_app.verified.ext"
    assert response.data["access_token"] != old["access_token"]
    assert response.data["refresh_token"] != old["refresh_token"]
    refused = await client.get("/ping/whoami")
    assert refused.error == (401, "unauthorized.bad_access_token.evicted")
    client.token = response.data
    assert (await client.get("/accounts")).status == 200


async def test_a_refresh_token_is_valid_once(client: ApiClient) -> None:
    await client.refresh()
    assert (await client.refresh()).error == (401, "unauthorized.bad_refresh_token")


async def test_an_access_token_expires_and_can_be_refreshed(
    client: ApiClient, clock: ManualClock
) -> None:
    clock.forward(seconds=107_998)
    assert (await client.get("/accounts")).status == 200
    clock.forward(seconds=1)
    response = await client.get("/accounts")
    assert response.error == (401, "unauthorized.bad_access_token.expired")
    assert response.data == {
        "code": "unauthorized.bad_access_token.expired",
        "error": "invalid_token",
        "error_description": "Access token has expired",
        "message": "Access token has expired",
    }
    assert (await client.refresh()).status == 200


async def test_an_access_token_can_be_expired(
    client: ApiClient, server: BankServer, ann: Person
) -> None:
    server.expire_access_token(ann)
    response = await client.get("/accounts")
    assert response.error == (401, "unauthorized.bad_access_token.expired")


async def test_another_sign_in_with_the_same_client_evicts_this_one(
    client: ApiClient, server: BankServer, ann: Person
) -> None:
    server.evict(ann)
    response = await client.get("/accounts")
    assert response.error == (401, "unauthorized.bad_access_token.evicted")
    assert (await client.refresh()).error == (401, "unauthorized.bad_refresh_token.evicted")


async def test_a_sign_in_does_not_affect_other_clients_and_people(
    session: ClientSession, server: BankServer, client: ApiClient
) -> None:
    ben = server.bank.add_person("Ben")
    server.register_client("other", "secret")
    sign_in(session, server, ben)
    server.sign_in(ben, client_id="other")
    assert (await client.get("/accounts")).status == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}, {"Authorization": ""}],
)
async def test_a_missing_or_unknown_token_gives_the_recorded_error(
    session: ClientSession, server: BankServer, headers: dict[str, str]
) -> None:
    async with session.get(f"{server.url}/ping/whoami", headers=headers) as response:
        assert response.status == 401
        assert response.headers["Terror"] == "1"
        assert await response.json() == {
            "code": "unauthorized.bad_access_token",
            "error": "invalid_token",
            "error_description": "Bad access token",
            "message": "Bad access token",
        }


async def test_signing_out_ends_both_tokens(client: ApiClient) -> None:
    assert (await client.post("/oauth2/logout")).status == 200
    assert (await client.get("/accounts")).error == (401, "unauthorized.bad_access_token")
    assert (await client.refresh()).error == (401, "unauthorized.bad_refresh_token")


async def test_only_whoami_works_before_approval(
    session: ClientSession, server: BankServer, ann: Person, current: Account
) -> None:
    token: dict[str, Any] = server.sign_in(ann, approved=False)
    client = ApiClient(session, server, token)
    assert (await client.get("/ping/whoami")).data == {
        "authenticated": True,
        "client_id": DEFAULT_CLIENT_ID,
        "user_id": ann.user_id,
    }
    for path in ("/accounts", f"/balance?account_id={current.id}", "/pots", "/transactions"):
        response = await client.get(path)
        assert response.status == 403
        assert response.data == {
            "code": "forbidden.insufficient_permissions",
            "message": "Access forbidden due to insufficient permissions",
            "params": {"client_id": DEFAULT_CLIENT_ID, "user_id": ann.user_id},
        }
    server.approve(ann)
    assert (await client.get("/accounts")).status == 200


async def test_refreshing_does_not_approve(
    session: ClientSession, server: BankServer, ann: Person
) -> None:
    client = ApiClient(session, server, server.sign_in(ann, approved=False))
    client.token = (await client.refresh()).data
    assert (await client.get("/accounts")).status == 403


async def test_a_denied_sign_in_can_still_be_approved(
    session: ClientSession, server: BankServer, ann: Person
) -> None:
    client = ApiClient(session, server, server.sign_in(ann, approved=False))
    server.deny(ann)
    assert (await client.get("/accounts")).status == 403
    server.approve(ann)
    assert (await client.get("/accounts")).status == 200


async def test_a_denial_can_end_the_sign_in(
    session: ClientSession, server: BankServer, ann: Person
) -> None:
    server.behaviour = ServerBehaviour(denied_is_revoked=True)
    client = ApiClient(session, server, server.sign_in(ann, approved=False))
    server.deny(ann)
    assert (await client.get("/ping/whoami")).error == (401, "unauthorized.bad_access_token")


async def test_approval_can_be_automatic(
    session: ClientSession, server: BankServer, ann: Person
) -> None:
    server.behaviour = ServerBehaviour(approve_at_once=True)
    client = ApiClient(session, server, server.sign_in(ann, approved=False))
    assert (await client.get("/accounts")).status == 200


async def test_webhooks_can_end_with_the_sign_in(
    client: ApiClient, server: BankServer, ann: Person, current: Account
) -> None:
    await client.post("/webhooks", account_id=current.id, url="https://home.example.test/x")
    server.evict(ann)
    assert len(server.bank.webhooks) == 1
    server.behaviour = ServerBehaviour(webhooks_end_with_sign_in=True)
    server.evict(ann)
    assert server.bank.webhooks == {}


# Behaviour that was never observed


async def renew(session: ClientSession, server: BankServer, refresh_token: str) -> Response:
    return await exchange(session, server, grant_type="refresh_token", refresh_token=refresh_token)


async def test_a_new_token_can_become_known_later(
    server: BankServer, ann: Person, session: ClientSession, clock: ManualClock
) -> None:
    server.behaviour = ServerBehaviour(new_token_known_after=timedelta(seconds=2))
    client = ApiClient(session, server, server.sign_in(ann))
    assert (await client.get("/accounts")).error == (401, "unauthorized.bad_access_token")
    clock.forward(seconds=2)
    assert (await client.get("/accounts")).status == 200


@pytest.mark.parametrize(
    ("keeps", "parts"),
    [("null", {"refresh_token": None}), ("empty", {"refresh_token": ""}), ("absent", {})],
)
async def test_a_renewal_can_keep_the_refresh_token(
    server: BankServer,
    ann: Person,
    session: ClientSession,
    keeps: Literal["null", "empty", "absent"],
    parts: dict[str, Any],
) -> None:
    server.behaviour = ServerBehaviour(renewal_keeps_grant=keeps)
    refresh_token = server.sign_in(ann)["refresh_token"]
    for _ in range(2):
        answer = await renew(session, server, refresh_token)
        assert answer.status == 200
        assert answer.data.items() >= parts.items()
        assert answer.data.get("refresh_token") in {None, ""}
