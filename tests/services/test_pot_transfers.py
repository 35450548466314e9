"""Moving money by actions: what can be asked for, by whom, and what comes of it."""

from datetime import timedelta
from decimal import Decimal
import logging
import math
from unittest.mock import ANY

from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import intent, llm
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from custom_components.monzo.const import DOMAIN
from custom_components.monzo.services.moves import LONGEST_DEDUPE_ID
from custom_components.monzo.services.pot_transfers import (
    SERVICE_DEPOSIT_INTO_POT,
    SERVICE_WITHDRAW_FROM_POT,
)
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore
from tests.conftest import LetPass, SignIn
from tests.helpers.transfer_client import Move, Teller, refused

ACTIONS = (SERVICE_DEPOSIT_INTO_POT, SERVICE_WITHDRAW_FROM_POT)

# In pounds, and how many pence that is.
AMOUNTS: dict[str, tuple[object, int]] = {
    "a text": ("12.50", 1250),
    "a text with blanks around it": (" 12.50\n", 1250),
    "a text without pounds": (".5", 50),
    "a text with leading zeros": ("007", 700),
    "an integer": (12, 1200),
    "a float": (12.5, 1250),
    "a float that no binary fraction is": (0.29, 29),
    "a decimal": (Decimal("12.5"), 1250),
    "a decimal with zeros": (Decimal("12.5000"), 1250),
    "a penny": (0.01, 1),
}

NO_AMOUNTS: dict[str, object] = {
    "zero": 0,
    "zero with decimals": "0.00",
    "negative": -1,
    "a negative text": "-1",
    "with a plus": "+1",
    "a tenth of a penny": 0.001,
    "a penny and a bit": "1.005",
    "a sum of floats": 0.1 + 0.2,
    "NaN": float("nan"),
    "the text NaN": "NaN",
    "infinity": float("inf"),
    "the text inf": "inf",
    "decimal NaN": Decimal("NaN"),
    "decimal infinity": Decimal("Infinity"),
    "a word": "ten",
    "huge": 1e20,
    "a huge text": "1e20",
    "huge in digits": "9" * 40,
    "too huge for a text": 10**5000,
    "digits without end, and a letter": "1" * 200_000 + "x",
    "nothing": None,
    "an empty text": "",
    "blanks": "  ",
    "yes": True,
    "no": False,
    "a list": [],
    "a list of one": [5],
    "a mapping": {},
    "underscores": "1_000",
    "thousands": "1,000",
    "a decimal comma": "12,50",
    "other digits": "١٢",
    "wide digits": "\uff11\uff12",
    "a currency sign": "£5",
    "an exponent": "1e2",
    "hexadecimal": "0x10",
    "a fraction": "1/2",
    "two amounts": "1 2",
    "only a point": ".",
    "nothing after the point": "1.",
    "a template that was not rendered": "{{ amount }}",
}


async def test_a_deposit_moves_exactly_the_amount(teller: Teller, home: Household) -> None:
    before = home.current.balance
    answer = await teller.deposit(home.holiday, 12.34, dedupe_id="november")
    assert teller.moves == [Move("Holiday", 1234, "november")]
    assert home.current.balance == before - 1234
    assert answer == {
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


async def test_a_withdrawal_moves_exactly_the_amount_back(teller: Teller, home: Household) -> None:
    before = home.current.balance
    answer = await teller.withdraw(home.holiday, "640.00")
    assert teller.moves == [Move("Holiday", -64_000, ANY)]
    assert home.current.balance == before + 64_000
    assert answer["result"] == "moved"
    assert answer["pot_balance"] == 0
    assert answer["account_balance"] == home.current.balance / 100


async def test_the_sensors_show_the_new_balances_right_after_the_call(
    teller: Teller, home: Household
) -> None:
    before = home.current.balance
    await teller.deposit(home.holiday, 10)
    assert teller.shown(home.holiday) == "650.00"
    assert teller.shown(home.current) == str(Decimal(before - 1000) / 100)


async def test_each_call_is_a_transfer_of_its_own(teller: Teller, home: Household) -> None:
    first = await teller.deposit(home.holiday, 1)
    second = await teller.deposit(home.holiday, 1)
    assert first["dedupe_id"] != second["dedupe_id"]
    assert home.holiday.balance == 64_200


@pytest.mark.parametrize("action", ACTIONS)
async def test_calls_written_for_the_built_in_integration_work(
    teller: Teller, home: Household, action: str
) -> None:
    await teller.hass.services.async_call(
        DOMAIN,
        action,
        {
            "account": teller.device(home.joint),
            "pot": teller.device(home.bills),
            "amount": 5.25,
        },
        blocking=True,
    )
    assert [abs(move.amount) for move in teller.moves] == [525]


async def test_an_answer_is_optional(teller: Teller) -> None:
    for action in ACTIONS:
        supports = teller.hass.services.supports_response(DOMAIN, action)
        assert supports is SupportsResponse.OPTIONAL


@pytest.mark.parametrize(("amount", "pence"), AMOUNTS.values(), ids=AMOUNTS.keys())
async def test_an_amount_may_be_written_in_many_ways(
    teller: Teller, home: Household, amount: object, pence: int
) -> None:
    await teller.deposit(home.holiday, amount)
    assert [move.amount for move in teller.moves] == [pence]


@pytest.mark.parametrize("action", ACTIONS)
async def test_what_is_no_amount_moves_nothing(
    teller: Teller, home: Household, action: str
) -> None:
    pot = teller.device(home.holiday)
    for what, amount in NO_AMOUNTS.items():
        with refused() as refusal:
            await teller.call(action, pot=pot, amount=amount)
        assert refusal.key == "invalid_amount", what
        assert isinstance(refusal.error, ServiceValidationError)
        assert "GBP" in refusal.text
        assert "2 decimal places" in refusal.text
    assert teller.sent == []


@pytest.mark.parametrize(
    ("currency", "amount", "minor", "one_too_exact", "decimals"),
    [("JPY", 1500, 1500, 12.5, "0"), ("KWD", "1.234", 1234, "1.2345", "3")],
)
async def test_the_currency_decides_about_decimals(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    sign_in: SignIn,
    server: BankServer,
    currency: str,
    amount: object,
    minor: int,
    one_too_exact: object,
    decimals: str,
) -> None:
    account = bank.open_account(home.ann, currency=currency, balance=100_000)
    pot = bank.open_pot(account.id, "Abroad")
    entry = sign_in(home.ann)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    teller = Teller(hass, entry, bank, server)
    with refused() as refusal:
        await teller.deposit(pot, one_too_exact)
    assert refusal.key == "invalid_amount"
    assert refusal.error.translation_placeholders == {"currency": currency, "decimals": decimals}
    await teller.deposit(pot, amount)
    assert pot.balance == minor


async def test_a_missing_pot_is_named(teller: Teller, home: Household) -> None:
    for action in ACTIONS:
        with pytest.raises(vol.Invalid, match="pot"):
            await teller.call(action, amount=1)
    assert teller.sent == []


@pytest.mark.parametrize(
    "fields",
    [
        {"pot": None},
        {"pot": []},
        {"pot": {}},
        {"account": None},
        {"account": ["a"]},
        {"dedupe_id": None},
        {"dedupe_id": ""},
        {"dedupe_id": "   "},
        {"dedupe_id": {}},
        {"dedupe_id": "x" * (LONGEST_DEDUPE_ID + 1)},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_field_that_makes_no_sense_is_named(
    teller: Teller, home: Household, fields: dict[str, object]
) -> None:
    good = {"pot": teller.device(home.holiday), "amount": 1}
    with pytest.raises(vol.Invalid, match=next(iter(fields))):
        await teller.call(SERVICE_DEPOSIT_INTO_POT, **{**good, **fields})
    assert teller.sent == []


async def test_a_dedupe_id_may_be_long_and_in_any_script(teller: Teller, home: Household) -> None:
    for dedupe_id in ("x" * LONGEST_DEDUPE_ID, "Päckchen & 猫/?#%:;=+", "20261101"):
        assert (await teller.deposit(home.holiday, 1, dedupe_id=dedupe_id))["result"] == "moved"
        assert teller.moves[-1].dedupe_id == dedupe_id


async def test_a_template_may_make_a_number_of_a_dedupe_id(teller: Teller, home: Household) -> None:
    await teller.deposit(home.holiday, 1, dedupe_id=20_261_101)
    answer = await teller.deposit(home.holiday, 1, dedupe_id="20261101")
    assert answer["result"] == "already_moved"


async def test_blanks_around_a_dedupe_id_do_not_count(teller: Teller, home: Household) -> None:
    await teller.deposit(home.holiday, 1, dedupe_id="pay day")
    answer = await teller.deposit(home.holiday, 1, dedupe_id=" pay day\n")
    assert answer["result"] == "already_moved"
    await teller.deposit(home.holiday, 1, dedupe_id="pay  day")
    assert len(teller.moves) == 2


async def test_an_account_for_a_pot_is_refused(teller: Teller, home: Household) -> None:
    for action in ACTIONS:
        with refused() as refusal:
            await teller.call(action, pot=teller.device(home.current), amount=1)
        assert refusal.key == "not_a_pot"
    assert teller.sent == []


async def test_the_person_for_a_pot_is_refused(
    teller: Teller, home: Household, ann: MockConfigEntry
) -> None:
    device = dr.async_get(teller.hass).async_get_device_by_identifier(
        (DOMAIN, home.ann.user_id), ann.entry_id
    )
    assert device is not None
    with refused() as refusal:
        await teller.call(SERVICE_DEPOSIT_INTO_POT, pot=device.id, amount=1)
    assert refusal.key == "not_a_pot"
    assert teller.sent == []


@pytest.mark.parametrize("chosen", ["bills", "holiday", "joint", "flex"])
async def test_the_account_given_must_be_the_pots(
    teller: Teller, home: Household, chosen: str
) -> None:
    for action in ACTIONS:
        with refused() as refusal:
            await teller.call(
                action,
                pot=teller.device(home.holiday),
                account=teller.device(getattr(home, chosen)),
                amount=1,
            )
        assert refusal.key == "not_the_pots_account"
    assert teller.sent == []


async def test_the_account_of_another_entry_is_refused(
    teller: Teller,
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
    bens = Teller(hass, entry, bank, server)
    for mine, theirs in (
        (teller.device(home.current), bens.device(pot)),
        (bens.device(home.bens), teller.device(home.holiday)),
    ):
        with refused() as refusal:
            await teller.call(SERVICE_DEPOSIT_INTO_POT, account=mine, pot=theirs, amount=1)
        assert refusal.key == "not_the_pots_account"
    assert teller.sent == []


async def test_a_device_of_another_integration_is_refused(teller: Teller, home: Household) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(teller.hass)
    device = dr.async_get(teller.hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", home.holiday.id)}, name="Lamp"
    )
    for fields in (
        {"pot": device.id},
        {"pot": teller.device(home.holiday), "account": device.id},
    ):
        with refused() as refusal:
            await teller.call(SERVICE_DEPOSIT_INTO_POT, amount=1, **fields)
        assert refusal.key == "service_device_wrong_domain"
    assert teller.sent == []


@pytest.mark.parametrize("device_id", ["", "no such device", "sensor.holiday_balance"])
async def test_a_device_that_does_not_exist_is_refused(
    teller: Teller, home: Household, device_id: str
) -> None:
    for fields in (
        {"pot": device_id},
        {"pot": teller.device(home.holiday), "account": device_id},
    ):
        with refused() as refusal:
            await teller.call(SERVICE_DEPOSIT_INTO_POT, amount=1, **fields)
        assert refusal.key == "service_device_not_found"
    assert teller.sent == []


async def test_a_closed_pot_is_refused(teller: Teller, home: Household, bank: Bank) -> None:
    pot = teller.device(home.holiday)
    bank.close_pot(home.holiday.id)
    with refused() as refusal:
        await teller.call(SERVICE_DEPOSIT_INTO_POT, pot=pot, amount=1)
    assert refusal.key == "transfer_rejected"
    assert "deleted" in refusal.text
    await teller.entry.runtime_data.balances.async_refresh()
    with refused() as refusal:
        await teller.call(SERVICE_DEPOSIT_INTO_POT, pot=pot, amount=1)
    assert refusal.key == "service_device_not_found"
    assert len(teller.sent) == 1


async def test_a_pot_that_cannot_be_read_is_refused(
    teller: Teller, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/pots", DropBefore(), times=None)
    await teller.entry.runtime_data.balances.async_refresh_account(home.current.id, since=math.inf)
    with refused() as refusal:
        await teller.deposit(home.holiday, 1)
    assert refusal.key == "cannot_be_read"
    assert teller.sent == []


async def test_an_entry_that_is_not_loaded_moves_nothing(teller: Teller, home: Household) -> None:
    assert await teller.hass.config_entries.async_unload(teller.entry.entry_id)
    for action in ACTIONS:
        with refused() as refusal:
            await teller.call(action, pot=teller.device(home.holiday), amount=1)
        assert refusal.key == "service_config_entry_not_loaded"
    assert teller.sent == []


async def test_nothing_is_taken_out_of_a_locked_pot(teller: Teller, home: Household) -> None:
    with refused() as refusal:
        await teller.withdraw(home.rainy_day, 1)
    assert refusal.key == "pot_locked"
    assert teller.sent == []


async def test_money_can_be_put_into_a_locked_pot(teller: Teller, home: Household) -> None:
    await teller.deposit(home.rainy_day, 1)
    assert home.rainy_day.balance == 210_100


async def test_a_pot_unlocked_since_the_last_poll_is_open(
    teller: Teller, home: Household, bank: Bank
) -> None:
    bank.set_locked(home.rainy_day.id, locked=False)
    await teller.withdraw(home.rainy_day, 1)
    assert home.rainy_day.balance == 209_900


async def test_a_pot_locked_since_the_last_poll_is_closed(
    teller: Teller, home: Household, bank: Bank
) -> None:
    bank.set_locked(home.holiday.id, locked=True)
    with refused() as refusal:
        await teller.withdraw(home.holiday, 1)
    assert refusal.key == "transfer_rejected"
    assert teller.moves == []


async def test_a_locked_pot_closed_since_the_last_poll_cannot_be_read(
    teller: Teller, home: Household, bank: Bank
) -> None:
    bank.close_pot(home.rainy_day.id)
    with refused() as refusal:
        await teller.withdraw(home.rainy_day, 1)
    assert refusal.key == "cannot_be_read"
    assert teller.sent == []


async def test_while_nobody_knows_whether_a_pot_is_still_locked_nothing_is_sent(
    let_pass: LetPass, teller: Teller, home: Household, server: BankServer
) -> None:
    server.fail("GET", "*", Answer.html(502), times=None)
    with refused() as refusal:
        await teller.withdraw(home.rainy_day, 1)
    assert refusal.key == "cannot_be_read"
    server.clear_faults()
    await let_pass(timedelta(minutes=6))
    server.evict(home.ann)
    with refused() as refusal:
        await teller.withdraw(home.rainy_day, 1)
    assert refusal.key == "cannot_be_read"
    assert teller.sent == []
    assert teller.asked_to_sign_in


async def test_what_was_moved_before_the_pot_was_locked_was_moved(
    teller: Teller, home: Household, bank: Bank
) -> None:
    await teller.withdraw(home.holiday, 1, dedupe_id="a treat")
    bank.set_locked(home.holiday.id, locked=True)
    await teller.entry.runtime_data.balances.async_refresh_account(home.current.id, since=math.inf)
    answer = await teller.withdraw(home.holiday, 1, dedupe_id="a treat")
    assert answer["result"] == "already_moved"


@pytest.mark.parametrize("fault", [Answer.html(502), Answer.rate_limited()], ids=["502", "429"])
async def test_balances_that_cannot_be_read_do_not_make_a_failure_of_it(
    teller: Teller, home: Household, server: BankServer, fault: Answer
) -> None:
    server.fail("GET", "*", fault, times=None)
    answer = await teller.deposit(home.holiday, 1)
    assert answer["result"] == "moved"
    # Those from before the transfer would be wrong.
    assert answer["pot_balance"] is None
    assert answer["account_balance"] is None
    assert home.holiday.balance == 64_100


async def test_pots_that_cannot_be_read_do_not_hide_the_accounts_balance(
    teller: Teller, home: Household, server: BankServer
) -> None:
    server.fail("GET", "/pots", Answer.html(502), times=None)
    answer = await teller.deposit(home.holiday, 1)
    assert answer["pot_balance"] is None
    assert answer["account_balance"] == home.current.balance / 100


async def test_a_sign_in_that_ends_after_the_transfer_is_noticed(
    teller: Teller, home: Household, server: BankServer
) -> None:
    server.fail("GET", "*", Answer.error("unauthorized.bad_access_token"), times=None)
    answer = await teller.deposit(home.holiday, 1)
    assert answer["result"] == "moved"
    assert teller.asked_to_sign_in


async def test_only_administrators_move_money(
    teller: Teller, home: Household, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    async def call(action: str, user: MockUser) -> None:
        await teller.hass.services.async_call(
            DOMAIN,
            action,
            {"pot": teller.device(home.holiday), "amount": 1},
            blocking=True,
            context=Context(user_id=user.id),
        )

    for action in ACTIONS:
        with pytest.raises(Unauthorized):
            await call(action, hass_read_only_user)
    assert teller.sent == []
    for action in ACTIONS:
        await call(action, hass_admin_user)
    assert len(teller.moves) == 2


async def test_automations_move_money_without_a_user(teller: Teller, home: Household) -> None:
    assert await async_setup_component(
        teller.hass,
        "automation",
        {
            "automation": {
                "triggers": {"trigger": "event", "event_type": "pay_day"},
                "actions": {
                    "action": f"{DOMAIN}.{SERVICE_DEPOSIT_INTO_POT}",
                    "data": {
                        "pot": teller.device(home.holiday),
                        "amount": "{{ 0.1 + trigger.event.data.bonus }}",
                        "dedupe_id": "pay-day-{{ trigger.event.data.month }}",
                    },
                },
            }
        },
    )
    for _ in range(2):
        teller.hass.bus.async_fire("pay_day", {"bonus": 99.9, "month": "2026-11"})
        await teller.hass.async_block_till_done()
    assert teller.moves == [Move("Holiday", 10_000, "pay-day-2026-11")]


async def test_nothing_is_offered_to_language_models(teller: Teller) -> None:
    assert await async_setup_component(teller.hass, "homeassistant", {})
    assert await async_setup_component(teller.hass, "intent", {})
    assert await async_setup_component(teller.hass, "llm", {})
    assert [api.id for api in llm.async_get_apis(teller.hass)] == [llm.LLM_API_ASSIST]
    api = await llm.async_get_api(
        teller.hass,
        llm.LLM_API_ASSIST,
        llm.LLMContext(
            platform="test", context=None, language="en", assistant="conversation", device_id=None
        ),
    )
    offered = [tool.name for tool in api.tools]
    offered += [handler.intent_type for handler in intent.async_get(teller.hass)]
    assert not [name for name in offered if DOMAIN in name.lower() or "pot" in name.lower()]


async def test_the_logs_tell_nothing_private(
    teller: Teller,
    home: Household,
    server: BankServer,
    bank: Bank,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    token = teller.entry.data["token"]
    await teller.deposit(home.holiday, "123.45", dedupe_id="coffee-run")
    server.expire_access_token(home.ann)
    server.fail("PUT", "/pots/*", Answer.html(502))
    await teller.withdraw(home.holiday, "67.89", dedupe_id="coffee-run-2")
    server.fail("PUT", "/pots/*", DropBefore(), times=None)
    with refused():
        await teller.deposit(home.holiday, "123.45")
    server.clear_faults()
    with refused():
        await teller.deposit(home.holiday, "99999.99")
    with refused():
        await teller.withdraw(home.house, "123.45")
    secrets = {
        "123.45",
        "12345",
        "67.89",
        "6789",
        "coffee-run",
        "Holiday",
        "House",
        "Ann",
        "Archer",
    }
    secrets |= {f"{pot.balance / 100:.2f}" for pot in bank.pots.values()}
    secrets |= {*bank.accounts, *bank.pots, home.ann.user_id}
    for kept in (token, teller.entry.data["token"]):
        secrets |= {kept["access_token"], kept["refresh_token"]}
    said = [
        record.getMessage() + (record.exc_text or "")
        for record in caplog.records
        # Home Assistant itself logs which actions are called and what state things have, if it is
        # told to log everything; and the test helpers log what is stored.
        if record.name != "homeassistant.core"
        and not record.name.startswith("pytest_homeassistant_custom_component")
    ]
    assert any("PUT pots/{pot_id}/deposit" in line for line in said)
    assert not [line for line in said if any(secret in line for secret in secrets)]
