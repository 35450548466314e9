"""The log contains no private data, whatever fails: no name, amount, ID or token."""

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
import logging
from typing import Never

from homeassistant.core import HomeAssistant
from homeassistant.helpers import translation
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components import monzo as integration
from custom_components.monzo import entity, event
from custom_components.monzo.accounts import coordinator as accounts
from custom_components.monzo.automations import TransactionFilter
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.entity import EntityTables
from custom_components.monzo.privacy import get_logger
from custom_components.monzo.sensors import balances as balance_sensors
from custom_components.monzo.services import pot_transfers
from custom_components.monzo.transactions import coordinator as transactions
from custom_components.monzo.transfers.models import Transfer
from custom_components.monzo.triggers import balances as balance_triggers
from custom_components.monzo.triggers import transactions as transaction_triggers
from custom_components.monzo.webhooks import registration
from sandbox.bank import Bank
from sandbox.faults import Fault
from sandbox.household import Household
from sandbox.server import Answer, BankServer, DropBefore
from tests.helpers.automations import set_up_automation
from tests.helpers.languages import WITHOUT_FILE
from tests.helpers.private_data import leaks, logged
from tests.helpers.state_helpers import set_up
from tests.helpers.transaction_listener import Listener, make_reachable
from tests.helpers.transfer_client import TransferClient, refused

from .conftest import WEBHOOK_ID, AdvanceTime, SignIn

A_POLL = timedelta(minutes=2)

# In every text of the story that a person writes.
SECRET = "Hush"

# Amounts that only this story has, in all formats.
AMOUNTS = ("187.65", "18765", "132.19", "13219", "165.43", "16543")


@pytest.fixture
async def client(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    credentials: None,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> TransferClient:
    """Return a client of Ann's entry, whose title is not her name, with everything logged."""
    caplog.set_level(logging.DEBUG)
    await make_reachable(hass, server, hass_client_no_auth)
    # Home Assistant itself logs the titles of entries that cannot be set up.
    entry = sign_in(home.ann, title="Bank")
    await set_up(hass, entry)
    await advance_time(timedelta(minutes=6))
    client = TransferClient(hass, entry, bank, server)
    threshold = {"type": "below", "value": {"number": 1, "unit_of_measurement": "GBP"}}
    below = {"device_id": [client.device(home.joint)], "threshold": threshold}
    await set_up_automation(
        hass,
        {"trigger": "monzo.payment_made"},
        {"trigger": "monzo.transaction_amount_changed"},
        {"trigger": "monzo.transfer_failed"},
        {"trigger": "monzo.balance_crossed", "options": below},
    )
    return client


def assert_nothing_leaked(caplog: pytest.LogCaptureFixture, server: BankServer, *more: str) -> None:
    """Assert that the log contains neither private data of the story nor a token."""
    tokens = [
        token
        for grant in server.sign_ins.grants
        for token in (grant.access_token, grant.refresh_token)
        if token
    ]
    assert leaks(caplog, server.bank, SECRET, *AMOUNTS, *tokens, *more) == []


# Failures


def failing(*_arguments: object, **_named: object) -> Never:
    """Fail with an error that says everything."""
    message = f"{SECRET}: " + " ".join(map(repr, _arguments))
    raise KeyError(message, AMOUNTS)


# Without the entity in the message, because its repr reads the property.
FAILING_PROPERTY = property(lambda _entity: failing())


async def test_nothing_private_is_logged_when_listeners_fail(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    client: TransferClient,
    advance_time: AdvanceTime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    joint = Listener(hass, home.joint)
    monkeypatch.setattr(event, "template_variables", failing)
    monkeypatch.setattr(transaction_triggers, "transaction_kind", failing)
    monkeypatch.setattr(balance_triggers.BalanceWatcher, "_on_balance_changed", failing)
    monkeypatch.setattr(TransactionFilter, "mismatch_of_change", failing)
    monkeypatch.setattr(Transfer, "template_variables", failing)
    monkeypatch.setattr(balance_sensors.MonzoSensor, "native_value", FAILING_PROPERTY)
    client.entry.runtime_data.transactions.async_add_listener(failing)

    row = bank.pay(home.joint.id, -187_65, merchant=f"{SECRET} Deli", notes=SECRET)
    while not joint.heard:
        await advance_time(A_POLL)
    bank.settle(row.id, -132_19)
    while not joint.changes:
        await advance_time(timedelta(minutes=6))
    await client.deposit(home.house, "165.43", dedupe_id=SECRET)
    with refused():
        await client.deposit(home.house, "18765.43")
    await advance_time(A_POLL)

    assert joint.heard == [row.id, *(it.transaction.id for it in joint.reports[1:])]
    assert [change.transaction.id for change in joint.changes] == [row.id]
    failures = [line for line in logged(caplog) if "in a listener" in line]
    assert len(failures) >= 4
    assert all("KeyError" in line and "failing" in line for line in failures)
    assert_nothing_leaked(caplog, server)


FAULTS: dict[str, Fault] = {
    "bad gateway": Answer.html(502),
    "internal error": Answer.error("internal_service", SECRET),
    "garbage": Answer.garbage(),
    "dropped": DropBefore(),
    "forbidden": Answer.error("forbidden.insufficient_permissions", SECRET),
    "rejected": Answer.error("bad_request.bad_param", SECRET),
    "not found": Answer.error("not_found", SECRET),
    "list": Answer.json([SECRET, 18765]),
    "wrong types": Answer.json({"accounts": SECRET, "transactions": 18765, "balance": SECRET}),
    "unauthorized": Answer.error("unauthorized.bad_access_token", SECRET),
    "evicted": Answer.error("unauthorized.bad_access_token.evicted", SECRET),
}


async def use_everything(client: TransferClient, home: Household, row_id: str) -> None:
    """Call actions that read, write and move money; each may be refused."""
    joint = client.device(home.joint)
    calls: dict[str, dict[str, object]] = {
        "get_transactions": {"account": joint},
        "get_spending": {"account": joint},
        "set_recurring_payment": {"account": joint, "key": SECRET, "name": SECRET},
        "export_transactions": {"account": joint, "format": "csv", "path": f"/{SECRET}/{SECRET}"},
        "annotate_transaction": {"account": joint, "transaction_id": row_id, "notes": SECRET},
        "create_feed_item": {"account": joint, "title": SECRET, "message": SECRET},
        "deposit_into_pot": {"pot": client.device(home.house), "amount": "132.19"},
        "withdraw_from_pot": {"pot": client.device(home.rainy_day), "amount": "18765"},
        "move_between_pots": {
            "from_pot": client.device(home.house),
            "to_pot": client.device(home.bills),
            "amount": "165.43",
        },
    }
    script = {
        f"{action}_in_script": {"sequence": {"action": f"{DOMAIN}.{action}", "data": fields}}
        for action, fields in calls.items()
    }
    assert await async_setup_component(client.hass, "script", {"script": script})
    for name in script:
        # A script that is not waited for logs its errors itself.
        await client.hass.services.async_call("script", name, blocking=False)
        await client.hass.async_block_till_done(wait_background_tasks=True)


async def test_nothing_private_is_logged_when_the_bank_fails(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    client: TransferClient,
    advance_time: AdvanceTime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = bank.pay(home.joint.id, -187_65, merchant=f"{SECRET} Deli", notes=SECRET)
    await use_everything(client, home, row.id)
    for fault in FAULTS.values():
        server.fail("*", "*", fault, times=None)
        row = bank.pay(home.joint.id, -132_19, merchant=f"{SECRET} Shop", notes=SECRET)
        await advance_time(A_POLL)
        await use_everything(client, home, row.id)
        await hass.config_entries.async_reload(client.entry.entry_id)
        server.clear_faults()
        await advance_time(timedelta(minutes=6))
    server.fail("*", "*", Answer.rate_limited("1"), times=None)
    await advance_time(A_POLL)

    assert any("502" in line for line in logged(caplog))
    assert_nothing_leaked(caplog, server)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (accounts, "build_data"),
        (transactions, "NewTransaction"),
        (registration, "async_reconcile_account"),
    ],
    ids=["balances", "transactions", "webhooks"],
)
async def test_nothing_private_is_logged_after_a_defect(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    client: TransferClient,
    advance_time: AdvanceTime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    module: object,
    name: str,
) -> None:
    # The other address does not exist.
    server.behaviour = replace(server.behaviour, webhook_lost=1)
    with monkeypatch.context() as defect:
        defect.setattr(module, name, failing)
        bank.pay(home.joint.id, -187_65, merchant=f"{SECRET} Deli", notes=SECRET)
        await hass.config.async_update(external_url="https://other.example.test")
        await advance_time(A_POLL)
        await advance_time(timedelta(minutes=6))
        await hass.config_entries.async_reload(client.entry.entry_id)

    assert any("Unexpected" in line and "KeyError" in line for line in logged(caplog))
    assert_nothing_leaked(caplog, server, "example.test")

    # A defect that passes ends nothing.
    await advance_time(timedelta(minutes=6))
    joint = Listener(hass, home.joint)
    row = bank.pay(home.joint.id, -1_00)
    await advance_time(timedelta(minutes=6))
    assert row.id in joint.heard


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (integration, "async_open_journal"),
        (EntityTables, "pairs"),
        (entity, "_async_take_over"),
        (entity.MonzoEntity, "device_state"),
    ],
    ids=["entry", "platforms", "entities", "states"],
)
async def test_nothing_private_is_logged_after_a_defect_in_a_set_up(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    client: TransferClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: object,
    name: str,
) -> None:
    bank.pay(home.joint.id, -187_65, merchant=f"{SECRET} Deli", notes=SECRET)
    is_property = isinstance(getattr(owner, name), property)
    monkeypatch.setattr(owner, name, FAILING_PROPERTY if is_property else failing)
    await hass.config_entries.async_reload(client.entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)

    assert any("Unexpected" in line for line in logged(caplog))
    assert_nothing_leaked(caplog, server)


async def test_nothing_private_is_logged_after_a_defect_of_an_action(
    home: Household,
    bank: Bank,
    server: BankServer,
    client: TransferClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(pot_transfers, "async_pot_target", failing)
    row = bank.pay(home.joint.id, -187_65, merchant=f"{SECRET} Deli", notes=SECRET)
    await use_everything(client, home, row.id)

    with refused() as refusal:
        await client.deposit(home.house, "165.43", dedupe_id=SECRET)
    assert refusal.key == "unexpected_error"
    assert any("Unexpected error in the action" in line for line in logged(caplog))
    assert_nothing_leaked(caplog, server)


async def test_nothing_private_is_logged_after_a_change_of_language_without_texts(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    client: TransferClient,
    advance_time: AdvanceTime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = hass.data[translation.TRANSLATION_FLATTEN_CACHE]
    monkeypatch.setattr(cache, "cache_data", type(cache.cache_data)({}, {}))
    hass.config.language = WITHOUT_FILE

    row = bank.pay(home.joint.id, -187_65, merchant=f"{SECRET} Deli", notes=SECRET)
    await advance_time(A_POLL)
    await use_everything(client, home, row.id)
    await hass.config_entries.options.async_init(client.entry.entry_id)
    await hass.config_entries.async_reload(client.entry.entry_id)
    await advance_time(A_POLL)

    assert_nothing_leaked(caplog, server)


async def test_nothing_private_is_logged_about_deliveries(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    client: TransferClient,
    advance_time: AdvanceTime,
    hass_client_no_auth: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.behaviour = replace(server.behaviour, webhook_copies=2)
    bank.pay(home.joint.id, -187_65, merchant=f"{SECRET} Deli", notes=SECRET)
    await server.delivered()
    door = await hass_client_no_auth()
    for body in (b"{", b'{"data": "Hush"}', b'{"data": {"account_id": "acc_0000", "id": 18765}}'):
        answer = await door.post(f"/api/webhook/{WEBHOOK_ID}", data=body)
        assert answer.status == HTTPStatus.BAD_REQUEST
    await advance_time(A_POLL)
    await hass.config_entries.async_remove(client.entry.entry_id)

    assert_nothing_leaked(caplog, server)


# The parts


async def test_a_traceback_shows_types_and_lines_but_no_messages(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail_in_group() -> Never:
        raise ExceptionGroup(SECRET, [KeyError(SECRET)])

    def fail() -> Never:
        try:
            fail_in_group()
        except ExceptionGroup as err:
            raise ValueError(SECRET) from err

    try:
        fail()
    except ValueError:
        get_logger("custom_components.monzo.test").exception("Unexpected %s", "error")

    (line,) = logged(caplog)
    assert line.startswith("Unexpected error\n")
    assert [it for it in line.splitlines() if it.endswith(("Error", "Group"))] == [
        "KeyError",
        "ExceptionGroup",
        "ValueError",
    ]
    assert "in fail" in line
    assert SECRET not in line


def test_the_objects_that_signals_carry_hide_their_contents(
    hass: HomeAssistant, home: Household, client: TransferClient
) -> None:
    data = client.entry.runtime_data.balances.data
    shown = [repr(it) for it in (data, data.person, *data.accounts.values(), *data.pots.values())]
    assert set(shown) == {"<MonzoData>", "<PersonState>", "<AccountState>", "<PotState>"}
