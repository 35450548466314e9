"""Tags in notes: every action, condition, trigger and budget finds the same payments."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConditionError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Account
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.automations import not_triggered_reasons, set_up_automation
from tests.helpers.budgets import budget, budget_ids, with_budgets
from tests.helpers.state_helpers import device, set_up, set_up_and_import, value
from tests.helpers.stopped_clock import StoppedClock
from tests.test_condition import check, exactly

SOON = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def _in_the_middle_of_a_month(freezer: StoppedClock) -> None:
    freezer.move_to(datetime(2027, 6, 16, 10, tzinfo=UTC))


async def call(
    hass: HomeAssistant, entry: MockConfigEntry, account: Account, action: str, **fields: Any
) -> dict[str, Any]:
    """Call an action for an account, and return its response."""
    found = device(hass, entry, account.id)
    assert found
    response = await hass.services.async_call(
        DOMAIN, action, {"account": found.id, **fields}, blocking=True, return_response=True
    )
    assert response
    return response


async def test_a_tag_finds_the_same_payments_everywhere(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    tmp_path: Path,
) -> None:
    old = bank.pay(home.joint.id, -500, pending=False, at=bank.clock() - timedelta(days=40))
    bank.annotate(old.id, {"notes": "#holiday deposit"})
    entry = sign_in(home.ann, **with_budgets(budget(home.joint, tag="holiday")))
    await set_up_and_import(hass, entry, advance_time, polls=6, every=SOON)
    ferry = bank.pay(home.joint.id, -1_250, merchant="Ferry", category="transport")
    hotel = bank.pay(home.joint.id, -8_000, merchant="Hotel", category="holidays")
    bank.pay(home.joint.id, -300, merchant="Holiday Books")
    await advance_time(SOON)

    # The tags are written at the bank, and in Home Assistant, where they count at once.
    bank.annotate(ferry.id, {"notes": "With Ben (#Holiday!)"})
    await advance_time(timedelta(hours=2))
    await call(
        hass,
        entry,
        home.joint,
        "annotate_transaction",
        transaction_id=hotel.id,
        notes="#holiday #work",
    )
    await hass.async_block_till_done(wait_background_tasks=True)

    since = bank.clock() - timedelta(days=45)
    for fields in ({"refresh": False}, {}):
        found = await call(
            hass, entry, home.joint, "get_transactions", since=since, tag="#HOLIDAY", **fields
        )
        assert [it["name"] for it in found["transactions"]] == ["Hotel", "Ferry", "Deli"]
        assert [it["tags"] for it in found["transactions"]] == [
            ["holiday", "work"],
            ["holiday"],
            ["holiday"],
        ]
    spending = await call(
        hass, entry, home.joint, "get_spending", since=since, tag="holiday", by="merchant"
    )
    assert spending["complete"]
    assert spending["total"] == 97.5
    assert [group["merchant"] for group in spending["groups"]] == ["Hotel", "Ferry", "Deli"]
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    path = tmp_path / "holiday.csv"
    exported = await call(
        hass,
        entry,
        home.joint,
        "export_transactions",
        path=str(path),
        format="csv",
        since=since,
        tag="holiday",
    )
    assert (exported["count"], exported["sums"]) == (3, {"GBP": -97.5})
    assert len(list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))) == 3
    joint = device(hass, entry, home.joint.id)
    assert joint
    for tag, amount in (("holiday", 92.5), ("#Work", 80), ("nothing", 0)):
        options = {"device_id": joint.id, "period": "this_month", "tag": tag}
        assert await check(hass, "is_spending", **options, threshold=exactly(amount))
    of_hotels = {"tag": "holiday", "category": ["holidays"], "threshold": exactly(80)}
    assert await check(hass, "is_spending", device_id=joint.id, period="this_month", **of_hotels)
    assert value(hass, budget_ids(entry)[0], "budget_spent") == "92.50"

    with pytest.raises(ServiceValidationError) as caught:
        await call(hass, entry, home.joint, "get_spending", tag="two words")
    assert caught.value.translation_key == "invalid_tag"


async def test_a_transfer_with_a_tag_in_its_reference_triggers(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    hass_ws_client: WebSocketGenerator,
) -> None:
    entry = sign_in(home.ann)
    await set_up(hass, entry)
    await advance_time(SOON)
    runs = await set_up_automation(
        hass,
        {"trigger": "monzo.money_received", "options": {"tag": "#Rent"}},
        {"trigger": "monzo.payment_made", "options": {"tag": "rent"}},
    )
    bank.receive(home.current.id, 60_000, sender="Lodger", notes="#rent November")
    bank.receive(home.current.id, 10_000, sender="Lodger", notes="rent")
    bank.send(home.current.id, 90_000, payee="Landlord", notes="Flat, #RENT")
    await advance_time(SOON)
    assert [(run["name"], run["tags"]) for run in runs] == [
        ("Lodger", ["rent"]),
        ("Landlord", ["rent"]),
    ]
    assert await not_triggered_reasons(hass, hass_ws_client) == ["other_tag"]

    # Without names and notes on disk, the tags of the month are not known.
    options = {"period": "this_month", "tag": "rent", "threshold": exactly(900)}
    with pytest.raises(ConditionError, match="notes of all payments of the period are not kept"):
        await check(hass, "is_spending", **options)
