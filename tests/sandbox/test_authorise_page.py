from aiohttp import ClientSession
import pytest
from yarl import URL

from sandbox.models import Person
from sandbox.server import DEFAULT_CLIENT_ID, BankServer

REDIRECT = "https://home.example.test/callback?mine=1"


def query(**changes: str | None) -> dict[str, str]:
    """Return the query with which a client sends a person to the page."""
    query = {
        "client_id": DEFAULT_CLIENT_ID,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "state": 'odd"state<&',
    }
    return {name: value for name, value in {**query, **changes}.items() if value is not None}


async def test_the_page_asks_for_the_person_and_says_that_it_is_not_monzo(
    session: ClientSession, server: BankServer, ann: Person
) -> None:
    async with session.get(server.url, params=query()) as response:
        page = await response.text()
    assert response.status == 200
    assert "not Monzo" in page
    for part in ('id="allow"', 'id="deny"', 'id="person"', "Home Assistant", "Ann Archer"):
        assert part in page
    assert 'value="odd&quot;state&lt;&amp;"' in page


async def test_without_parameters_the_page_names_the_control_page(
    session: ClientSession, server: BankServer
) -> None:
    async with session.get(server.url) as response:
        assert "/control" in await response.text()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"state": None}, "Badly formatted URL. Missing the state parameter"),
        ({"client_id": None}, "Missing the client_id parameter"),
        ({"client_id": "nobody"}, "Unknown client"),
        ({"response_type": "token"}, "response type"),
        ({"client_id": "strict"}, "not registered"),
    ],
)
async def test_the_page_shows_problems_of_the_url(
    session: ClientSession, server: BankServer, changes: dict[str, str | None], problem: str
) -> None:
    server.register_client("strict", "secret", ("https://elsewhere.test",))
    async with session.get(server.url, params=query(**changes)) as response:
        assert response.status == 400
        assert problem in await response.text()


async def test_allowing_redirects_with_a_code(
    session: ClientSession, server: BankServer, ann: Person
) -> None:
    form = query(person=ann.user_id, decision="allow", response_type=None)
    async with session.post(
        f"{server.url}/authorise", data=form, allow_redirects=False
    ) as response:
        back = URL(response.headers["Location"])
    assert response.status == 302
    assert back.host == "home.example.test"
    assert back.query["mine"] == "1"
    assert back.query["state"] == 'odd"state<&'
    assert len(back.query["code"]) >= 250


async def test_denying_redirects_with_the_usual_error(
    session: ClientSession, server: BankServer, ann: Person
) -> None:
    form = query(person=ann.user_id, decision="deny")
    async with session.post(
        f"{server.url}/authorise", data=form, allow_redirects=False
    ) as response:
        back = URL(response.headers["Location"])
    assert back.query["error"] == "access_denied"
    assert back.query["state"] == 'odd"state<&'
    assert "code" not in back.query


async def test_a_decision_without_a_client_is_refused(
    session: ClientSession, server: BankServer
) -> None:
    async with session.post(f"{server.url}/authorise", data={"decision": "allow"}) as response:
        assert response.status == 400
