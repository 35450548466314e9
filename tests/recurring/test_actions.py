"""Actions that list and correct recurring payments, and that forecast balances."""

from typing import Any

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.monzo.bank.errors import text_for_user
from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.models import Account
from tests.helpers.examples import ACCOUNT, Example, examples_in
from tests.helpers.state_helpers import device, set_up, value

type Payments = dict[str, dict[str, Any]]


class Client:
    """Calls the actions for one account."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, account: Account) -> None:
        """Initialize the client for an account of an entry."""
        self.hass = hass
        found = device(hass, entry, account.id)
        assert found
        self.device_id = found.id

    async def call(self, action: str, context: Context | None = None, **fields: Any) -> Any:
        """Call an action and return its response."""
        return await self.hass.services.async_call(
            DOMAIN,
            action,
            {"account": self.device_id, **fields},
            blocking=True,
            return_response=True,
            context=context,
        )

    async def payments(self) -> Payments:
        """Return the recurring payments by their names."""
        found = await self.call("get_recurring_payments")
        return {payment["name"]: payment for payment in found["payments"]}

    async def key(self, name: str) -> str:
        """Return the key of a payment."""
        key: str = (await self.payments())[name]["key"]
        return key

    async def refusal(self, **fields: Any) -> str:
        """Return the error of a correction, which must change nothing."""
        before = await self.payments()
        with pytest.raises(ServiceValidationError) as raised:
            await self.call("set_recurring_payment", **fields)
        assert await self.payments() == before
        return text_for_user(raised.value)


@pytest.fixture
def client(hass: HomeAssistant, entry: MockConfigEntry, account: Account) -> Client:
    """Return a client for the account, whose broadband costs £34 on the 18th."""
    return Client(hass, entry, account)


async def test_the_recurring_payments_are_listed_by_their_next_days(client: Client) -> None:
    payments = await client.payments()
    assert list(payments) == [
        "Threadnet Broadband",
        "Moorland Water",
        "Harbour Design",
        "Streamly",
        "Mill Street Lettings",
    ]
    key = payments["Moorland Water"].pop("key")
    assert len(key) == 16
    assert payments["Moorland Water"] == {
        "name": "Moorland Water",
        "direction": "out",
        "kind": "direct_debit",
        "cadence": "month",
        "amount": 31.0,
        "exact": True,
        "last": "2026-08-20",
        "next": "2026-09-21",
        "payment_count": 8,
        "pot": "Bills",
        "proposed": False,
        "confirmed": False,
        "dismissed": False,
        "corrected": False,
    }
    assert payments["Harbour Design"]["direction"] == "in"


async def test_a_payment_is_corrected_and_corrected_back(
    hass: HomeAssistant, client: Client, account: Account, entry: MockConfigEntry
) -> None:
    key = await client.key("Threadnet Broadband")
    renamed = await client.call(
        "set_recurring_payment", key=key, name="Internet", amount="39.99", day=24
    )
    assert (renamed["name"], renamed["amount"], renamed["next"]) == (
        "Internet",
        39.99,
        "2026-09-24",
    )
    assert renamed["corrected"]
    # Water costs the account £21.
    assert value(hass, account.id, "upcoming_payments") == "60.99"

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    dismissed = await client.call("set_recurring_payment", key=key, dismissed=True)
    assert dismissed["dismissed"]
    assert value(hass, account.id, "upcoming_payments") == "21.00"
    # It is still listed, so that this can be undone.
    assert (await client.payments())["Internet"]["dismissed"]

    await client.call("set_recurring_payment", key=key, dismissed=False)
    assert value(hass, account.id, "upcoming_payments") == "60.99"
    await client.call("set_recurring_payment", key=key, reset=True)
    assert value(hass, account.id, "upcoming_payments") == "55.00"
    assert not (await client.payments())["Threadnet Broadband"]["corrected"]


async def test_without_the_salary_nothing_is_left_to_spend_by_guess(
    hass: HomeAssistant, client: Client, account: Account
) -> None:
    await client.call(
        "set_recurring_payment", key=await client.key("Harbour Design"), dismissed=True
    )
    assert value(hass, account.id, "left_to_spend") == STATE_UNKNOWN


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"key": "0000"}, "0000"),
        ({"amount": "12.50 EUR"}, "12.50 EUR"),
        ({"amount": 0}, "GBP"),
        ({"amount": "1.999"}, "1.999"),
        ({"amount": "9" * 30}, "GBP"),
        ({"day": 32}, "Threadnet Broadband"),
        ({"day": 1.5}, "1.5"),
        ({"day": 10**5000}, "…"),
        ({"dismissed": True, "confirmed": True}, "Threadnet Broadband"),
        ({}, "Threadnet Broadband"),
        # One mistake among valid fields.
        ({"name": "Internet", "amount": 5, "day": "tomorrow"}, "tomorrow"),
    ],
)
async def test_a_mistake_is_named_and_changes_nothing(
    client: Client, fields: dict[str, Any], named: str
) -> None:
    key = await client.key("Threadnet Broadband")
    assert named in await client.refusal(**{"key": key, **fields})


async def test_a_payment_that_was_dismissed_twice_is_named(client: Client) -> None:
    key = await client.key("Streamly")
    await client.call("set_recurring_payment", key=key, dismissed=True)
    assert "Streamly" in await client.refusal(key=key, dismissed=True)


async def test_only_administrators_correct_payments(
    client: Client, hass_read_only_user: MockUser
) -> None:
    key = await client.key("Streamly")
    context = Context(user_id=hass_read_only_user.id)
    with pytest.raises(Unauthorized):
        await client.call("set_recurring_payment", context, key=key, dismissed=True)
    assert await client.call("get_recurring_payments", context)


async def test_the_forecast_has_each_day_and_what_changes_it(
    client: Client, account: Account
) -> None:
    forecast = await client.call("get_forecast", days=12)
    assert forecast["account_id"] == account.id
    assert forecast["currency"] == "GBP"
    assert forecast["exact"] is True
    # The pot pays £10 of the £31 for water, and the salary comes on the 25th.
    assert forecast["lowest"] == {"date": "2026-09-21", "balance": 945.0}
    days = forecast["days"]
    assert [day["date"] for day in days] == [f"2026-09-{day}" for day in range(16, 28)]
    balances = [day["balance"] for day in days]
    assert balances == [1000.0] * 2 + [966.0] * 3 + [945.0] * 4 + [3595.0] * 3
    assert days[5]["payments"] == [
        {
            "key": await client.key("Moorland Water"),
            "name": "Moorland Water",
            "amount": -21.0,
            "exact": True,
        }
    ]
    assert len((await client.call("get_forecast"))["days"]) == 31


async def test_while_the_history_is_too_short_the_actions_say_so(
    hass: HomeAssistant, bank: Bank, account: Account, dora: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(dora, options={})
    await set_up(hass, dora)
    client = Client(hass, dora, account)
    for action in ("get_recurring_payments", "get_forecast"):
        with pytest.raises(HomeAssistantError) as raised:
            await client.call(action)
        assert raised.value.translation_key == "history_too_short"
    with pytest.raises(HomeAssistantError, match="needs two months of transactions"):
        await client.call("set_recurring_payment", key="0000", dismissed=True)


# The examples of the documentation

EXAMPLES = {
    name: example
    for example in examples_in("docs/recurring-payments.md")
    for name in example.config.get("script", {})
}

RESULTS = {
    "bills_of_the_next_week": (
        "- 2026-09-18: Threadnet Broadband, £34.0\n- 2026-09-21: Moorland Water, £31.0"
    ),
    "broadband_gets_dearer": None,
    "is_the_money_there": "On 2026-09-21, £945.0 are left.",
}


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items(), ids=EXAMPLES)
async def test_an_example_works(
    hass: HomeAssistant, client: Client, name: str, example: Example
) -> None:
    assert await async_setup_component(hass, "persistent_notification", {})
    messages = []
    hass.bus.async_listen(
        "call_service",
        lambda event: (
            messages.append(event.data["service_data"]["message"])
            if event.data["domain"] == "persistent_notification"
            else None
        ),
    )
    config = example.with_devices({ACCOUNT: client.device_id})
    assert await async_setup_component(hass, "script", config)
    await hass.services.async_call("script", name, blocking=True)
    await hass.async_block_till_done()
    expected = RESULTS[name]
    assert messages == ([] if expected is None else [expected])
    if expected is None:
        assert (await client.payments())["Broadband"]["amount"] == 39.99
