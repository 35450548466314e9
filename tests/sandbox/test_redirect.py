"""Redirecting the requests of a process to the sandbox."""

from aiohttp import ClientSession
from homeassistant.core import HomeAssistant
from homeassistant.helpers.config_entry_oauth2_flow import LocalOAuth2Implementation
import pytest
from yarl import URL

from sandbox.models import Person
from sandbox.redirect import redirect, redirected
from sandbox.server import BankServer

SANDBOX = "http://127.0.0.1:8124"


@pytest.mark.parametrize(
    ("asked", "really"),
    [
        ("https://api.monzo.com/ping/whoami", f"{SANDBOX}/ping/whoami"),
        ("https://api.monzo.com/balance?account_id=a%2Bb", f"{SANDBOX}/balance?account_id=a%2Bb"),
        ("https://auth.monzo.com/?state=1", f"{SANDBOX}/?state=1"),
    ],
)
def test_the_hosts_of_the_bank_are_redirected(asked: str, really: str) -> None:
    assert redirect(asked, SANDBOX) == URL(really)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.test/api.monzo.com",
        "https://api.monzo.com.example.test/ping/whoami",
        "http://127.0.0.1:8123/api/",
        "/relative",
    ],
)
def test_other_hosts_are_not_redirected(url: str) -> None:
    assert redirect(url, SANDBOX) == URL(url)


def test_percent_encoding_in_a_path_is_preserved() -> None:
    url = URL("https://api.monzo.com/pots/a%2Fb/deposit", encoded=True)
    assert str(redirect(url, SANDBOX)) == f"{SANDBOX}/pots/a%2Fb/deposit"


async def test_requests_of_every_session_reach_the_sandbox(
    session: ClientSession, server: BankServer, ann: Person
) -> None:
    token = server.sign_in(ann)["access_token"]
    with redirected(server.url):
        async with session.get(
            "https://api.monzo.com/ping/whoami", headers={"Authorization": f"Bearer {token}"}
        ) as answer:
            assert (await answer.json())["user_id"] == ann.user_id


async def test_the_sign_in_uses_the_authorise_page_of_the_sandbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    back = "http://localhost:8123/auth/external/callback"
    monkeypatch.setattr(LocalOAuth2Implementation, "redirect_uri", back)
    implementation = _implementation()
    with redirected(SANDBOX):
        there = URL(await implementation.async_generate_authorize_url("flow"))
    assert there.origin() == URL(SANDBOX)
    assert there.query["redirect_uri"] == back


async def test_afterwards_everything_goes_to_the_bank_again() -> None:
    sending = ClientSession._request  # noqa: SLF001 - the patched method
    with redirected(SANDBOX):
        assert ClientSession._request is not sending  # noqa: SLF001
    assert ClientSession._request is sending  # noqa: SLF001


def _implementation() -> LocalOAuth2Implementation:
    hass = HomeAssistant("")
    hass.data["oauth2_jwt_secret"] = "as long as a key should be at least"
    return LocalOAuth2Implementation(
        hass, "monzo", "client", "secret", "https://auth.monzo.com", "https://api.monzo.com/token"
    )
