"""The actions for one transfer: their callers, fields, devices and responses."""

from datetime import timedelta
from decimal import Decimal
import logging
import math
from typing import Any
from unittest.mock import ANY

from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import intent, llm
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from custom_components.monzo.const import DOMAIN
from custom_components.monzo.services.moves import MAX_DEDUPE_ID_LENGTH
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.transfer_client import Move, TransferClient, refused

ACTIONS = ("deposit_into_pot", "withdraw_from_pot")


# Responses


async def test_a_deposit_moves_exactly_the_amount(
    transfer_client: TransferClient, home: Household
) -> None:
    before = home.current.balance
    response = await transfer_client.deposit(home.holiday, 12.34, dedupe_id="november")
    assert transfer_client.moves == [Move("Holiday", 1234, "november")]
    assert home.current.balance == before - 1234
    assert response == {
        "result": "moved",
        "dedupe_id": "november",
        "amount": 12.34,
        "currency": "GBP",
        "pot": "Holiday",
        "pot_id": home.holiday.id,
        "pot_balance": 652.34,
        "account_id": home.current.id,
        "account_balance": (before - 1234) / 100,
        "reason": None,
        "short_by": 0,
        "moves": [
            {
                "direction": "deposit",
                "pot": "Holiday",
                "pot_id": home.holiday.id,
                "amount": 12.34,
                "currency": "GBP",
                "result": "moved",
                "reason": None,
                "message": None,
            }
        ],
    }
    # The sensors have the new balances already.
    assert transfer_client.shown(home.holiday) == "652.34"
    assert transfer_client.shown(home.current) == str(Decimal(before - 1234) / 100)


async def test_a_withdrawal_moves_exactly_the_amount_back(
    transfer_client: TransferClient, home: Household
) -> None:
    before = home.current.balance
    response = await transfer_client.withdraw(home.holiday, "640.00")
    assert transfer_client.moves == [Move("Holiday", -64_000, ANY)]
    assert home.current.balance == before + 64_000
    assert response["result"] == "moved"
    assert response["pot_balance"] == 0
    assert response["account_balance"] == home.current.balance / 100


async def test_each_call_without_an_id_is_a_new_transfer(
    transfer_client: TransferClient, home: Household
) -> None:
    first = await transfer_client.deposit(home.holiday, 1)
    second = await transfer_client.deposit(home.holiday, 1)
    assert first["dedupe_id"] != second["dedupe_id"]
    assert home.holiday.balance == 64_200


async def test_calls_for_the_built_in_integration_work(
    transfer_client: TransferClient, home: Household
) -> None:
    for action in ACTIONS:
        await transfer_client.call_without_response(
            action,
            account=transfer_client.device(home.joint),
            pot=transfer_client.device(home.bills),
            amount=5.25,
        )
        supports = transfer_client.hass.services.supports_response(DOMAIN, action)
        assert supports is SupportsResponse.OPTIONAL
    assert [move.amount for move in transfer_client.moves] == [525, -525]


async def test_an_account_in_yen_moves_whole_yen(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn, server: BankServer
) -> None:
    account = bank.open_account(home.ann, currency="JPY", balance=100_000)
    pot = bank.open_pot(account.id, "Abroad")
    entry = sign_in(home.ann)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    client = TransferClient(hass, entry, bank, server)
    with refused() as refusal:
        await client.deposit(pot, 12.5)
    assert refusal.key == "invalid_amount"
    assert "a number in JPY greater than zero, with at most 0 decimal places" in refusal.text
    await client.deposit(pot, 1500)
    assert pot.balance == 1500


@pytest.mark.parametrize("fault", [Answer.html(502), Answer.rate_limited()], ids=["502", "429"])
async def test_a_transfer_succeeds_even_if_the_balances_cannot_be_read_afterwards(
    transfer_client: TransferClient, home: Household, server: BankServer, fault: Answer
) -> None:
    server.fail("GET", "*", fault, times=None)
    response = await transfer_client.deposit(home.holiday, 1)
    assert response["result"] == "moved"
    # The balances from before the transfer would be wrong.
    assert response["pot_balance"] is None
    assert response["account_balance"] is None
    assert home.holiday.balance == 64_100


async def test_the_account_balance_is_known_even_if_the_pots_cannot_be_read(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/pots", Answer.html(502), times=None)
    response = await transfer_client.deposit(home.holiday, 1)
    assert response["pot_balance"] is None
    assert response["account_balance"] == home.current.balance / 100


async def test_a_sign_in_that_ends_after_the_transfer_is_noticed(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    evicted = Answer.error("unauthorized.bad_access_token.evicted")
    server.fail("GET", "*", evicted, times=None)
    response = await transfer_client.deposit(home.holiday, 1)
    assert response["result"] == "moved"
    assert transfer_client.asked_to_sign_in


# Fields

INVALID_FIELDS: tuple[dict[str, object], ...] = (
    {"pot": None},
    {"pot": []},
    {"pot": {}},
    {"account": None},
    {"account": ["a"]},
    {"dedupe_id": None},
    {"dedupe_id": ""},
    {"dedupe_id": "   "},
    {"dedupe_id": {}},
    {"dedupe_id": "x" * (MAX_DEDUPE_ID_LENGTH + 1)},
    {"percentage": 101, "amount": None},
    {"unknown": 1},
)


async def test_an_error_names_the_invalid_field(
    transfer_client: TransferClient, home: Household
) -> None:
    for action in ACTIONS:
        with pytest.raises(vol.Invalid, match="pot"):
            await transfer_client.call(action, amount=1)
        for fields in INVALID_FIELDS:
            valid = {"pot": transfer_client.device(home.holiday), "amount": 1}
            with pytest.raises(vol.Invalid, match=next(iter(fields))):
                await transfer_client.call(action, **{**valid, **fields})
    assert transfer_client.sent == []


async def test_an_invalid_amount_moves_nothing(
    transfer_client: TransferClient, home: Household
) -> None:
    pot = transfer_client.device(home.holiday)
    for action in ACTIONS:
        with refused() as refusal:
            await transfer_client.call(action, pot=pot, amount="1,000")
        assert refusal.key == "invalid_amount"
        assert "The field amount must be a number in GBP" in refusal.text
        assert "it is 1,000." in f"{refusal.text}."
        with refused() as refusal:
            await transfer_client.call(action, pot=pot, amount=1, keep_at_least=-1)
        assert refusal.key == "invalid_amount_in_field"
        with refused() as refusal:
            await transfer_client.call(action, pot=pot)
        assert refusal.key == "one_of_these"
    assert transfer_client.sent == []


async def test_an_id_can_be_long_and_in_any_script(
    transfer_client: TransferClient, home: Household
) -> None:
    for dedupe_id in ("x" * MAX_DEDUPE_ID_LENGTH, "Päckchen & 猫/?#%:;=+", "20261101"):
        response = await transfer_client.deposit(home.holiday, 1, dedupe_id=dedupe_id)
        assert response["result"] == "moved"
        assert transfer_client.moves[-1].dedupe_id == dedupe_id
    # A template can turn an ID into a number.
    response = await transfer_client.deposit(home.holiday, 1, dedupe_id=20_261_101)
    assert response["result"] == "already_moved"


async def test_spaces_around_an_id_do_not_count(
    transfer_client: TransferClient, home: Household
) -> None:
    await transfer_client.deposit(home.holiday, 1, dedupe_id="pay day")
    response = await transfer_client.deposit(home.holiday, 1, dedupe_id=" pay day\n")
    assert response["result"] == "already_moved"
    await transfer_client.deposit(home.holiday, 1, dedupe_id="pay  day")
    assert len(transfer_client.moves) == 2


# Devices


async def test_only_a_pot_can_be_chosen_as_the_pot(
    transfer_client: TransferClient, home: Household, ann: MockConfigEntry
) -> None:
    person = dr.async_get(transfer_client.hass).async_get_device_by_identifier(
        (DOMAIN, home.ann.user_id), ann.entry_id
    )
    assert person is not None
    devices = {
        transfer_client.device(home.current): "Current account is not a pot",
        person.id: "Ann Archer is not a pot",
    }
    for action in ACTIONS:
        for device_id, text in devices.items():
            with refused() as refusal:
                await transfer_client.call(action, pot=device_id, amount=1)
            assert refusal.key == "not_a_pot"
            assert text in refusal.text
    assert transfer_client.sent == []


async def test_only_the_account_of_the_pot_can_be_chosen_as_the_account(
    transfer_client: TransferClient, home: Household
) -> None:
    for action in ACTIONS:
        for chosen in (home.bills, home.holiday, home.joint, home.flex):
            with refused() as refusal:
                await transfer_client.call(
                    action,
                    pot=transfer_client.device(home.holiday),
                    account=transfer_client.device(chosen),
                    amount=1,
                )
            assert refusal.key == "not_the_pots_account"
            assert "Holiday belongs to Current account, not to" in refusal.text
    assert transfer_client.sent == []


async def test_the_account_of_another_entry_is_refused(
    transfer_client: TransferClient,
    hass: HomeAssistant,
    home: Household,
    sign_in: SignIn,
    bank: Bank,
    server: BankServer,
) -> None:
    entry = sign_in(home.ben)
    assert await hass.config_entries.async_setup(entry.entry_id)
    pot = bank.open_pot(home.bens.id, "Ben's")
    await entry.runtime_data.balances.async_refresh_account(home.bens.id, since=math.inf)
    bens = TransferClient(hass, entry, bank, server)
    for mine, theirs in (
        (transfer_client.device(home.current), bens.device(pot)),
        (bens.device(home.bens), transfer_client.device(home.holiday)),
    ):
        with refused() as refusal:
            await transfer_client.call("deposit_into_pot", account=mine, pot=theirs, amount=1)
        assert refusal.key == "not_the_pots_account"
    assert transfer_client.sent == []


async def test_a_device_of_another_integration_or_none_is_refused(
    transfer_client: TransferClient, home: Household
) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(transfer_client.hass)
    lamp = dr.async_get(transfer_client.hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", home.holiday.id)}, name="Lamp"
    )
    pot = transfer_client.device(home.holiday)
    for device_id, key in {
        lamp.id: "service_device_wrong_domain",
        "": "service_device_not_found",
        "no such device": "service_device_not_found",
        "sensor.holiday_balance": "service_device_not_found",
    }.items():
        for fields in ({"pot": device_id}, {"pot": pot, "account": device_id}):
            with refused() as refusal:
                await transfer_client.call("deposit_into_pot", amount=1, **fields)
            assert refusal.key == key
    assert transfer_client.sent == []


async def test_a_renamed_device_is_named_as_the_user_calls_it(
    transfer_client: TransferClient, home: Household
) -> None:
    registry = dr.async_get(transfer_client.hass)
    registry.async_update_device(transfer_client.device(home.rainy_day), name_by_user="Umbrella")
    with refused() as refusal:
        await transfer_client.withdraw(home.rainy_day, 1)
    assert "Umbrella is locked" in refusal.text


async def test_a_closed_pot_is_refused_by_the_bank_and_then_unknown(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    pot = transfer_client.device(home.holiday)
    bank.close_pot(home.holiday.id)
    with refused() as refusal:
        await transfer_client.call("deposit_into_pot", pot=pot, amount=1)
    assert refusal.key == "transfer_rejected"
    assert "deleted" in refusal.text
    await transfer_client.entry.runtime_data.balances.async_refresh()
    with refused() as refusal:
        await transfer_client.call("deposit_into_pot", pot=pot, amount=1)
    assert refusal.key == "service_device_not_found"
    assert len(transfer_client.sent) == 1


async def test_a_pot_that_cannot_be_read_is_refused(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/pots", DropBefore(), times=None)
    balances = transfer_client.entry.runtime_data.balances
    await balances.async_refresh_account(home.current.id, since=math.inf)
    with refused() as refusal:
        await transfer_client.deposit(home.holiday, 1)
    assert refusal.key == "cannot_be_read"
    assert "Monzo does not show Holiday" in refusal.text
    assert transfer_client.sent == []


async def test_an_entry_that_is_not_loaded_moves_nothing(
    transfer_client: TransferClient, home: Household
) -> None:
    assert await transfer_client.hass.config_entries.async_unload(transfer_client.entry.entry_id)
    for action in ACTIONS:
        with refused() as refusal:
            await transfer_client.call(action, pot=transfer_client.device(home.holiday), amount=1)
        assert refusal.key == "service_config_entry_not_loaded"
    assert transfer_client.sent == []


# Locked pots


async def test_money_goes_into_a_locked_pot_but_not_out_of_it(
    transfer_client: TransferClient, home: Household
) -> None:
    with refused() as refusal:
        await transfer_client.withdraw(home.rainy_day, 1)
    assert refusal.key == "pot_locked"
    assert "Rainy day is locked" in refusal.text
    assert transfer_client.sent == []
    await transfer_client.deposit(home.rainy_day, 1)
    assert home.rainy_day.balance == 210_100


async def test_a_pot_that_was_unlocked_after_the_last_poll_is_open(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    bank.set_locked(home.rainy_day.id, locked=False)
    await transfer_client.withdraw(home.rainy_day, 1)
    assert home.rainy_day.balance == 209_900


async def test_the_bank_refuses_a_pot_that_was_locked_after_the_last_poll(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    await transfer_client.withdraw(home.holiday, 1, dedupe_id="a treat")
    bank.set_locked(home.holiday.id, locked=True)
    with refused() as refusal:
        await transfer_client.withdraw(home.holiday, 1)
    assert refusal.key == "transfer_rejected"
    assert len(transfer_client.moves) == 1
    # A transfer from before stays done.
    response = await transfer_client.withdraw(home.holiday, 1, dedupe_id="a treat")
    assert response["result"] == "already_moved"


async def test_a_locked_pot_that_was_closed_after_the_last_poll_cannot_be_read(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    bank.close_pot(home.rainy_day.id)
    with refused() as refusal:
        await transfer_client.withdraw(home.rainy_day, 1)
    assert refusal.key == "cannot_be_read"
    assert "Rainy day" in refusal.text
    assert transfer_client.sent == []


async def test_nothing_is_sent_if_it_is_unknown_whether_a_pot_is_still_locked(
    advance_time: AdvanceTime, transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.fail("GET", "*", Answer.html(502), times=None)
    with refused() as refusal:
        await transfer_client.withdraw(home.rainy_day, 1)
    assert refusal.key == "cannot_be_read"
    server.clear_faults()
    await advance_time(timedelta(minutes=6))
    server.evict(home.ann)
    with refused() as refusal:
        await transfer_client.withdraw(home.rainy_day, 1)
    assert refusal.key == "cannot_be_read"
    assert transfer_client.sent == []
    assert transfer_client.asked_to_sign_in


# Callers


async def test_only_administrators_move_money(
    transfer_client: TransferClient,
    home: Household,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
) -> None:
    async def call(action: str, user: MockUser) -> None:
        await transfer_client.hass.services.async_call(
            DOMAIN,
            action,
            {"pot": transfer_client.device(home.holiday), "amount": 1},
            blocking=True,
            context=Context(user_id=user.id),
        )

    for action in ACTIONS:
        with pytest.raises(Unauthorized):
            await call(action, hass_read_only_user)
    assert transfer_client.sent == []
    for action in ACTIONS:
        await call(action, hass_admin_user)
    assert len(transfer_client.moves) == 2


async def test_automations_move_money_without_a_user(
    transfer_client: TransferClient, home: Household
) -> None:
    assert await async_setup_component(
        transfer_client.hass,
        "automation",
        {
            "automation": {
                "triggers": {"trigger": "event", "event_type": "pay_day"},
                "actions": {
                    "action": "monzo.deposit_into_pot",
                    "data": {
                        "pot": transfer_client.device(home.holiday),
                        "amount": "{{ 0.1 + trigger.event.data.bonus }}",
                        "dedupe_id": "pay-day-{{ trigger.event.data.month }}",
                    },
                },
            }
        },
    )
    for _ in range(2):
        transfer_client.hass.bus.async_fire("pay_day", {"bonus": 99.9, "month": "2026-11"})
        await transfer_client.hass.async_block_till_done()
    assert transfer_client.moves == [Move("Holiday", 10_000, "pay-day-2026-11")]


async def test_language_models_are_offered_nothing(transfer_client: TransferClient) -> None:
    hass = transfer_client.hass
    for component in ("homeassistant", "intent", "llm"):
        assert await async_setup_component(hass, component, {})
    assert [api.id for api in llm.async_get_apis(hass)] == [llm.LLM_API_ASSIST]
    api = await llm.async_get_api(
        hass,
        llm.LLM_API_ASSIST,
        llm.LLMContext(
            platform="test", context=None, language="en", assistant="conversation", device_id=None
        ),
    )
    offered = [tool.name for tool in api.tools]
    offered += [handler.intent_type for handler in intent.async_get(hass)]
    assert not [name for name in offered if DOMAIN in name.lower() or "pot" in name.lower()]


# Privacy


async def test_logs_have_no_names_amounts_or_tokens(
    transfer_client: TransferClient,
    home: Household,
    server: BankServer,
    bank: Bank,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    token = transfer_client.entry.data["token"]
    await transfer_client.deposit(home.holiday, "123.45", dedupe_id="coffee-run")
    server.expire_access_token(home.ann)
    server.fail("PUT", "/pots/*", Answer.html(502))
    await transfer_client.withdraw(home.holiday, "67.89", dedupe_id="coffee-run-2")
    server.fail("PUT", "/pots/*", DropBefore(), times=None)
    with refused():
        await transfer_client.deposit(home.holiday, "123.45")
    server.clear_faults()
    with refused():
        await transfer_client.deposit(home.holiday, "99999.99")
    with refused():
        await transfer_client.withdraw(home.house, "123.45")
    private = {"coffee-run", *private_data(home, bank)}
    for kept in (token, transfer_client.entry.data["token"]):
        private |= {kept["access_token"], kept["refresh_token"]}
    messages = logged_messages(caplog)
    assert any("PUT pots/{pot_id}/deposit" in message for message in messages)
    assert not [message for message in messages if any(it in message for it in private)]


async def test_home_assistant_logs_errors_of_automations_without_names_and_amounts(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hass = transfer_client.hass
    data: dict[str, Any] = {"amount": "123.45", "keep_at_least": 1_000_000}
    failing = [
        ("deposit_into_pot", {"pot": transfer_client.device(home.holiday), **data}),
        ("withdraw_from_pot", {"pot": transfer_client.device(home.rainy_day), "amount": "123.45"}),
        ("withdraw_from_pot", {"pot": transfer_client.device(home.house), "amount": "123.45"}),
        ("withdraw_from_pot", {"pot": transfer_client.device(home.house), "amount": "12345x"}),
        ("deposit_into_pot", {"pot": transfer_client.device(home.current), "amount": 1}),
    ]
    sequences = {
        f"failing_{number}": {"sequence": {"action": f"{DOMAIN}.{action}", "data": fields}}
        for number, (action, fields) in enumerate(failing)
    }
    assert await async_setup_component(hass, "script", {"script": sequences})
    caplog.clear()
    for script in sequences:
        with refused():
            await hass.services.async_call("script", script, blocking=True)
    messages = logged_messages(caplog)
    errors = [message for message in messages if "Error executing script" in message]
    assert len(errors) == len(failing)
    assert any("… is locked in the Monzo app, so no money was moved" in error for error in errors)
    private = private_data(home, bank)
    assert not [message for message in messages if any(it in message for it in private)]


def private_data(home: Household, bank: Bank) -> set[str]:
    """Return names, amounts and ids that must not be logged."""
    names = {"Holiday", "House", "Rainy day", "Current account", "Ann", "Archer"}
    amounts = {"123.45", "12345", "67.89", "6789", "1000000"}
    amounts |= {f"{pot.balance / 100:.2f}" for pot in bank.pots.values()}
    amounts |= {f"{account.balance / 100:.2f}" for account in bank.accounts.values()} - {"0.00"}
    return {*names, *amounts, *bank.accounts, *bank.pots, home.ann.user_id}


def logged_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log, without Home Assistant's own of actions and states at the level debug.

    The test helpers also log the content of stored files.
    """
    return [
        record.getMessage() + (record.exc_text or "")
        for record in caplog.records
        if record.name != "homeassistant.core"
        and not record.name.startswith("pytest_homeassistant_custom_component")
    ]
