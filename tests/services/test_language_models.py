"""Language models move no money unless the options allow it, and automations still do."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from aiohttp.test_utils import make_mocked_request
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.chat_session import ChatSession, current_session
from homeassistant.helpers.http import current_request
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.monzo.const import CONF_ALLOW_LANGUAGE_MODELS, DOMAIN
from sandbox.household import Household
from tests.helpers.transfer_client import TransferClient, refused, results_of
from tests.helpers.transfer_faults import change_options


@contextmanager
def conversation() -> Iterator[None]:
    """Hold a conversation, in which a model calls its tools."""
    token = current_session.set(ChatSession("conversation"))
    try:
        yield
    finally:
        current_session.reset(token)


@contextmanager
def request_to(path: str) -> Iterator[None]:
    """Serve a request to Home Assistant."""
    token = current_request.set(make_mocked_request("POST", path))
    try:
        yield
    finally:
        current_request.reset(token)


def mcp() -> AbstractContextManager[None]:
    return request_to("/api/mcp/homeassistant")


def older_mcp() -> AbstractContextManager[None]:
    return request_to("/mcp_server/sse")


def user_interface() -> AbstractContextManager[None]:
    return request_to("/api/websocket")


@pytest.fixture
def administrator(hass: HomeAssistant, hass_admin_user: MockUser) -> Context:
    """Return the context of a person, or of a model that acts for this person."""
    return Context(user_id=hass_admin_user.id)


async def deposit(
    client: TransferClient, home: Household, context: Context, **fields: object
) -> dict[str, Any]:
    """Move five pounds, as `homeassistant__call_action` does."""
    response = await client.hass.services.async_call(
        DOMAIN,
        "deposit_into_pot",
        {"pot": client.device(home.holiday), "amount": 5, **fields},
        blocking=True,
        context=context,
        return_response=True,
    )
    assert isinstance(response, dict)
    return response


@pytest.mark.parametrize("call", [conversation, mcp, older_mcp])
async def test_a_language_model_of_an_administrator_moves_no_money(
    transfer_client: TransferClient,
    home: Household,
    administrator: Context,
    call: Callable[[], AbstractContextManager[None]],
) -> None:
    with call(), refused() as refusal:
        await deposit(transfer_client, home, administrator)
    assert refusal.key == "language_models_not_allowed"
    assert "Ann Archer" in refusal.text
    assert transfer_client.sent == []


async def test_a_voice_assistant_without_a_user_moves_no_money(
    transfer_client: TransferClient, home: Household
) -> None:
    with conversation(), refused() as refusal:
        await deposit(transfer_client, home, Context())
    assert refusal.key == "language_models_not_allowed"


@pytest.mark.parametrize("call", [conversation, mcp])
async def test_a_language_model_can_plan(
    transfer_client: TransferClient,
    home: Household,
    administrator: Context,
    call: Callable[[], AbstractContextManager[None]],
) -> None:
    with call():
        response = await deposit(transfer_client, home, administrator, dry_run=True)
    assert results_of(response) == ["planned"]
    assert [problem["reason"] for problem in response["problems"]] == [
        "language_models_not_allowed"
    ]


@pytest.mark.parametrize("call", [conversation, mcp])
async def test_a_language_model_moves_money_if_the_options_allow_it(
    transfer_client: TransferClient,
    home: Household,
    administrator: Context,
    call: Callable[[], AbstractContextManager[None]],
) -> None:
    await change_options(transfer_client, **{CONF_ALLOW_LANGUAGE_MODELS: True})
    with call():
        assert (await deposit(transfer_client, home, administrator))["result"] == "moved"


async def test_a_person_moves_money(
    transfer_client: TransferClient, home: Household, administrator: Context
) -> None:
    with user_interface():
        assert (await deposit(transfer_client, home, administrator))["result"] == "moved"


def save_by_script(client: TransferClient, home: Household) -> dict[str, Any]:
    """Return the configuration of a script that moves money."""
    return {
        "action": "monzo.deposit_into_pot",
        "data": {"pot": client.device(home.holiday), "amount": 5},
    }


@pytest.mark.parametrize(("talks", "moves"), [(False, 1), (True, 0)], ids=["person", "model"])
async def test_a_script_moves_money_for_a_person_and_not_for_a_model(
    hass: HomeAssistant,
    transfer_client: TransferClient,
    home: Household,
    administrator: Context,
    *,
    talks: bool,
    moves: int,
) -> None:
    sequence = [{"delay": {"milliseconds": 1}}, save_by_script(transfer_client, home)]
    assert await async_setup_component(hass, "script", {"script": {"save": {"sequence": sequence}}})

    async def run() -> None:
        await hass.services.async_call("script", "save", blocking=True, context=administrator)

    if talks:
        with conversation(), refused() as refusal:
            await run()
        assert refusal.key == "language_models_not_allowed"
    else:
        await run()
    assert len(transfer_client.moves) == moves


async def test_an_automation_that_a_conversation_triggers_moves_money(
    hass: HomeAssistant, transfer_client: TransferClient, home: Household, administrator: Context
) -> None:
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": {"trigger": "event", "event_type": "said"},
                "actions": save_by_script(transfer_client, home),
            }
        },
    )
    with conversation():
        hass.bus.async_fire("said", context=administrator)
        await hass.async_block_till_done()
    assert len(transfer_client.moves) == 1
