"""A changed budget reloads its config entry once; a renewed token or a new limit never does."""

from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.const import CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.const import DOMAIN
from sandbox.household import Household
from tests.conftest import SignIn
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.state_helpers import device, set_up, shown, value


@pytest.fixture
async def entry(hass: HomeAssistant, home: Household, sign_in: SignIn) -> MockConfigEntry:
    """Return Ann's entry with two budgets of one name."""
    entry = sign_in(home.ann, **with_budgets(budget(home.current), budget(home.current)))
    await set_up(hass, entry)
    return entry


class Loads:
    """Counts how often a config entry is loaded from now on."""

    def __init__(self, entry: ConfigEntry) -> None:
        """Begin to count."""
        self.count = 0
        self._entry = entry
        entry.async_on_state_change(self._on_state)

    def _on_state(self) -> None:
        self.count += self._entry.state is ConfigEntryState.LOADED


async def set_limit(hass: HomeAssistant, budget_id: str, limit: float) -> None:
    entity_id = shown(hass, budget_id, "budget_limit", "number").entity_id
    data = {"entity_id": entity_id, "value": limit}
    await hass.services.async_call("number", "set_value", data, blocking=True)
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_two_budgets_may_have_one_name(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    first, second = entry.subentries
    names = {shown(hass, it, "budget_left").name for it in (first, second)}
    assert names == {"Groceries Left"}
    assert (
        shown(hass, first, "budget_left").entity_id != shown(hass, second, "budget_left").entity_id
    )
    found = device(hass, entry, first)
    person = device(hass, entry, str(entry.unique_id))
    assert found
    assert person
    assert (found.model, found.config_subentry_id) == ("Budget", first)
    assert found.via_device_id == person.id


async def test_a_new_limit_applies_without_a_reload(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    first, second = entry.subentries
    spent = float(value(hass, first, "budget_spent"))
    loads = Loads(entry)
    await set_limit(hass, first, 1234.56)
    assert loads.count == 0
    assert float(value(hass, first, "budget_left")) == pytest.approx(1234.56 - spent)
    assert value(hass, first, "budget_limit", "number") == "1234.56"
    assert value(hass, second, "budget_limit", "number") == "300.0"


@pytest.mark.parametrize("limit", [0, -5, 1e12])
async def test_a_limit_outside_of_its_range_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry, limit: float
) -> None:
    first, _second = entry.subentries
    with pytest.raises(ServiceValidationError):
        await set_limit(hass, first, limit)
    assert value(hass, first, "budget_limit", "number") == "300.0"


async def test_a_limit_with_fractions_of_a_penny_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    first, _second = entry.subentries
    with pytest.raises(ServiceValidationError) as refused:
        await set_limit(hass, first, 10.005)
    assert refused.value.translation_key == "invalid_limit"
    assert value(hass, first, "budget_limit", "number") == "300.0"


async def test_a_renewed_token_reloads_nothing(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    loads = Loads(entry)
    token: dict[str, Any] = {**entry.data[CONF_TOKEN], "access_token": "renewed"}
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TOKEN: token})
    await hass.async_block_till_done(wait_background_tasks=True)
    assert loads.count == 0


async def test_a_changed_budget_reloads_once(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    first, _second = entry.subentries
    loads = Loads(entry)
    subentry = entry.subentries[first]
    data = {**subentry.data, "categories": ["holidays"], "limit": "50"}
    hass.config_entries.async_update_subentry(entry, subentry, title="Food", data=data)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert loads.count == 1
    assert shown(hass, first, "budget_left").name == "Food Left"
    assert value(hass, first, "budget_left") == "50.00"


async def test_a_token_that_is_renewed_while_a_new_budget_waits_for_the_reload_is_no_error(
    hass: HomeAssistant,
    home: Household,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loads = Loads(entry)
    new = budget(home.joint)
    added = ConfigSubentry(
        data=MappingProxyType(dict(new["data"])),
        subentry_type=new["subentry_type"],
        title=new["title"],
        unique_id=None,
    )
    hass.config_entries.async_add_subentry(entry, added)
    token: dict[str, Any] = {**entry.data[CONF_TOKEN], "access_token": "renewed"}
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_TOKEN: token})
    await hass.async_block_till_done(wait_background_tasks=True)
    assert loads.count == 1
    assert "error" not in caplog.text.lower()


async def test_a_removed_budget_takes_its_device_along(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    first, second = entry.subentries
    loads = Loads(entry)
    hass.config_entries.async_remove_subentry(entry, first)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert loads.count == 1
    assert device(hass, entry, first) is None
    assert device(hass, entry, second) is not None
    registry = er.async_get(hass)
    assert registry.async_get_entity_id("sensor", DOMAIN, f"{first}_budget_left") is None
    assert registry.async_get_entity_id("sensor", DOMAIN, f"{second}_budget_left") is not None


async def test_budgets_are_no_accounts_for_actions_and_the_dashboard(
    hass: HomeAssistant, home: Household, entry: MockConfigEntry
) -> None:
    first, _second = entry.subentries
    found = device(hass, entry, first)
    assert found
    with pytest.raises(ServiceValidationError):
        await hass.services.async_call(
            DOMAIN, "get_spending", {"account": found.id}, blocking=True, return_response=True
        )
    assert dr.async_get(hass).async_get(found.id) is not None
