"""With an option, only administrators can read transactions."""

from collections.abc import Mapping
from datetime import timedelta
import json
from typing import Any

from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_USER
from homeassistant.auth.models import User
from homeassistant.components.llm import async_get_tools
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.llm import LLMContext, ToolInput, ToolResult
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_mock_service
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.monzo.administrators_only import (
    async_may_read_transactions,
    transactions_are_limited,
)
from custom_components.monzo.bank.errors import text_for_user
from custom_components.monzo.const import CONF_ALLOW_ANSWERS, CONF_ONLY_ADMINISTRATORS, DOMAIN
from custom_components.monzo.transactions.last_reported import async_last_reported
from sandbox.bank import Bank
from sandbox.models import Account
from tests.conftest import START, AdvanceTime, SignIn
from tests.helpers.archive_filler import fill_archive
from tests.helpers.conversations import expose
from tests.helpers.state_helpers import device, entity_id, set_up, shown, value
from tests.recurring.conftest import BEGIN, moments
from tests.recurring.households import following, monthly, preceding

READING = (
    "get_transactions",
    "get_spending",
    "compare_spending",
    "get_recurring_payments",
    "get_forecast",
)

NAMING_PAYMENTS = ("find_transactions", "get_spending", "get_upcoming_payments")

# The names and the note of single transactions.
PRIVATE = ("Deli", "lunch", "Mill Street Lettings", "Harbour Design")

AUTOMATION: Mapping[str, Any] = {
    "triggers": {"trigger": "monzo.payment_made"},
    "actions": [
        {
            "action": "monzo.get_transactions",
            "data": {"account": "{{ trigger.device_id }}"},
            "response_variable": "found",
        },
        {
            "action": "test.record",
            "data": {
                "payee": "{{ trigger.name }}",
                "newest": "{{ found.transactions[0].name }}",
            },
        },
    ],
}


async def _a_user(hass: HomeAssistant, group: str) -> User:
    return await hass.auth.async_create_user("A user", group_ids=[group])


@pytest.fixture
def account(bank: Bank) -> Account:
    """Return the account of a person with a salary and a rent."""
    account = bank.open_account(
        bank.add_person("Dora Dent"), balance=0, created=START - timedelta(days=600)
    )
    for at in moments(monthly(BEGIN, 25, preceding)):
        bank.receive(account.id, 265_000, sender="Harbour Design", at=at)
    for at in moments(monthly(BEGIN, 1, following)):
        bank.direct_debit(account.id, -90_000, payee="Mill Street Lettings", at=at)
    account.balance = 100_000
    return account


@pytest.fixture
async def entry(
    hass: HomeAssistant, bank: Bank, account: Account, sign_in: SignIn
) -> MockConfigEntry:
    """Return the entry of the person, whose transactions all users can read."""
    (person,) = bank.people.values()
    entry = sign_in(person, options={"keep_transactions": "everything", CONF_ALLOW_ANSWERS: True})
    await fill_archive(hass, bank, entry, [account])
    await set_up(hass, entry)
    return entry


async def _limit(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Turn the option on."""
    options = {**entry.options, CONF_ONLY_ADMINISTRATORS: True}
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_the_option_lets_administrators_and_automations_read(hass: HomeAssistant) -> None:
    free = MockConfigEntry(domain=DOMAIN)
    limited = MockConfigEntry(domain=DOMAIN, options={CONF_ONLY_ADMINISTRATORS: True})
    assert not transactions_are_limited(free)
    assert transactions_are_limited(limited)

    administrator = Context(user_id=(await _a_user(hass, GROUP_ID_ADMIN)).id)
    other = Context(user_id=(await _a_user(hass, GROUP_ID_USER)).id)
    removed = Context(user_id="removed")
    automation = Context(parent_id=other.id)

    async def readers(entry: MockConfigEntry) -> list[Context]:
        callers = (administrator, other, removed, automation)
        return [it for it in callers if await async_may_read_transactions(hass, entry, it)]

    assert await readers(free) == [administrator, other, removed, automation]
    assert await readers(limited) == [administrator, automation]


async def test_other_users_read_only_sums(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    entry: MockConfigEntry,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    user = await _a_user(hass, GROUP_ID_USER)
    session = await hass.auth.async_create_refresh_token(user, "https://home.example")
    client = await hass_ws_client(hass, hass.auth.async_create_access_token(session))
    found = device(hass, entry, account.id)
    assert found

    async def sent(kind: str, **message: object) -> dict[str, Any]:
        await client.send_json_auto_id({"type": kind, **message})
        answer: dict[str, Any] = await client.receive_json()
        return answer

    async def private_texts() -> set[str]:
        """Return the private texts in all states, as the user gets them."""
        states = json.dumps((await sent("get_states"))["result"])
        return {text for text in PRIVATE if text in states}

    recorded = async_mock_service(hass, "test", "record")
    trigger = {**AUTOMATION["triggers"], "options": {"device_id": [found.id]}}
    automation = {**AUTOMATION, "triggers": trigger}
    assert await async_setup_component(hass, "automation", {"automation": automation})
    payment = bank.pay(account.id, -1_234, merchant="Deli", notes="lunch")
    await advance_time(timedelta(minutes=2))
    assert await private_texts() == set(PRIVATE)
    time_of_payment = value(hass, account.id, "transaction", "event")

    await _limit(hass, entry)

    # The last event stays, without its transaction, and so do the sums.
    assert await private_texts() == set()
    event = shown(hass, account.id, "transaction", "event")
    assert event.state == time_of_payment
    assert event.attributes["event_type"] == "card_payment"
    assert "amount" not in event.attributes
    assert async_last_reported(hass, account.id) == payment.created
    assert value(hass, account.id, "spend_today") == "12.34"
    assert float(value(hass, account.id, "upcoming_payments")) == 0
    assert shown(hass, account.id, "lowest_balance_ahead").attributes["payment_count"] > 0
    assert entity_id(hass, account.id, "recurring_payments", "calendar") is None
    assert not hass.states.async_all("calendar")

    # The automation gets a new payment.
    bank.pay(account.id, -1_234, merchant="Deli", notes="lunch")
    await advance_time(timedelta(minutes=2))
    assert value(hass, account.id, "transaction", "event") > time_of_payment
    assert await private_texts() == set()
    assert [call.data for call in recorded] == [{"payee": "Deli", "newest": "Deli"}] * 2

    # Administrators can still call the actions, but other users cannot.
    administrator = Context(user_id=(await _a_user(hass, GROUP_ID_ADMIN)).id)
    for action in READING:
        call = {"service_data": {"account": found.id}, "return_response": True}
        refused = await sent("call_service", domain=DOMAIN, service=action, **call)
        assert refused["error"]["translation_key"] == "only_administrators", action
        response = await hass.services.async_call(
            DOMAIN,
            action,
            {"account": found.id},
            blocking=True,
            context=administrator,
            return_response=True,
        )
        assert response
    with pytest.raises(ServiceValidationError) as raised:
        await hass.services.async_call(
            DOMAIN,
            "get_transactions",
            {"account": found.id},
            blocking=True,
            context=Context(user_id=user.id),
            return_response=True,
        )
    assert text_for_user(raised.value) == (
        "Only administrators can read the transactions of Dora Dent, because the option "
        '"Transactions for administrators only" is on'
    )

    # Home Assistant itself does not let users subscribe to triggers, as automations do.
    trigger_of_user = await sent("subscribe_trigger", trigger=trigger)
    assert trigger_of_user["error"]["code"] == "unauthorized"


async def test_language_models_read_for_the_user_who_asks(
    hass: HomeAssistant, account: Account, entry: MockConfigEntry
) -> None:
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    expose(hass, account.id)
    await _limit(hass, entry)
    administrator = Context(user_id=(await _a_user(hass, GROUP_ID_ADMIN)).id)
    other = Context(user_id=(await _a_user(hass, GROUP_ID_USER)).id)

    async def ask(question: str, context: Context | None, device_id: str | None) -> ToolResult:
        asked = LLMContext("test", context, "en", "conversation", device_id)
        tools = (await async_get_tools(hass, asked, "assist")).tools
        (tool,) = (tool for tool in tools if tool.name == f"monzo__{question}")
        result = await tool.async_call(hass, ToolInput(tool.name, {}), asked)
        assert isinstance(result, ToolResult)
        return result

    for question in NAMING_PAYMENTS:
        assert not (await ask(question, administrator, "tablet")).error
        assert not (await ask(question, Context(), None)).error, "an automation asks"
        for context, device_id in ((other, None), (Context(), "satellite"), (None, None)):
            answer = await ask(question, context, device_id)
            assert answer.error
            assert "administrators" in str(answer.data)
    for question in ("get_balances", "get_budgets"):
        assert not (await ask(question, other, None)).error
