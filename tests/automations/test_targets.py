"""Accounts and pots as targets, with devices that no config entry has to be loaded for."""

from collections.abc import Collection

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.monzo.automations.targets import (
    TargetType,
    async_get_targets,
    async_track_targets,
    async_validate_targets,
)
from custom_components.monzo.const import DOMAIN

USER = dr.DeviceEntryDisabler.USER


class Devices:
    """The devices of a person with two accounts and two pots."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Register the devices of a config entry that is not loaded."""
        self.registry = dr.async_get(hass)
        self._entry = MockConfigEntry(domain=DOMAIN, unique_id="user_1")
        self._entry.add_to_hass(hass)
        self.person = self.add("user_1", "Person")
        self.current = self.add("acc_current", "Account")
        self.flex = self.add("acc_flex", "Flex")
        self.holiday = self.add("pot_holiday", "Pot")
        self.house = self.add("pot_house", "Pot")

    def add(self, monzo_id: str, model: str) -> str:
        """Register a device and return its ID."""
        return self.registry.async_get_or_create(
            config_entry_id=self._entry.entry_id, identifiers={(DOMAIN, monzo_id)}, model=model
        ).id


@pytest.fixture
def devices(hass: HomeAssistant) -> Devices:
    """Return the registered devices."""
    return Devices(hass)


def test_devices_of_the_right_type_are_valid(hass: HomeAssistant, devices: Devices) -> None:
    accounts, pots = [devices.current, devices.flex], [devices.holiday, devices.house]
    async_validate_targets(hass, accounts, TargetType.ACCOUNT)
    async_validate_targets(hass, pots, TargetType.POT)
    async_validate_targets(hass, accounts + pots, TargetType.ACCOUNT_OR_POT)
    async_validate_targets(hass, [], TargetType.ACCOUNT)


@pytest.mark.parametrize(
    ("target_type", "valid", "invalid", "expected"),
    [
        (TargetType.ACCOUNT, "current", ["holiday", "person"], "a Monzo account"),
        (TargetType.POT, "holiday", ["current", "person"], "a Monzo pot"),
        (TargetType.ACCOUNT_OR_POT, "current", ["person"], "a Monzo account or pot"),
    ],
)
def test_an_error_names_the_device_and_the_expected_type(
    hass: HomeAssistant,
    devices: Devices,
    target_type: TargetType,
    valid: str,
    invalid: list[str],
    expected: str,
) -> None:
    other_integration = MockConfigEntry(domain="other")
    other_integration.add_to_hass(hass)
    other_device = devices.registry.async_get_or_create(
        config_entry_id=other_integration.entry_id, identifiers={("other", "1")}
    )
    wrong = [getattr(devices, name) for name in invalid]
    for device_id in [*wrong, other_device.id, "no-device"]:
        with pytest.raises(vol.Invalid) as caught:
            async_validate_targets(hass, [getattr(devices, valid), device_id], target_type)
        assert str(caught.value) == f"Device {device_id} is not {expected}"


def test_chosen_devices_are_found_by_monzos_ids(hass: HomeAssistant, devices: Devices) -> None:
    chosen = [devices.current, devices.holiday, "removed-since"]
    assert async_get_targets(hass, chosen, TargetType.ACCOUNT_OR_POT) == {
        "acc_current": devices.current,
        "pot_holiday": devices.holiday,
    }


def test_without_a_choice_all_enabled_devices_are_targets(
    hass: HomeAssistant, devices: Devices
) -> None:
    devices.registry.async_update_device(devices.flex, disabled_by=USER)

    everything = {"acc_current": devices.current, "acc_flex": devices.flex}
    assert async_get_targets(hass, [], TargetType.ACCOUNT) == {"acc_current": devices.current}
    assert async_get_targets(hass, [devices.flex], TargetType.ACCOUNT) == {"acc_flex": devices.flex}
    assert async_get_targets(hass, [], TargetType.ACCOUNT, include_disabled=True) == everything
    assert async_get_targets(hass, [], TargetType.POT) == {
        "pot_holiday": devices.holiday,
        "pot_house": devices.house,
    }


class Subscriptions:
    """Tracks targets, and counts the subscriptions to each of them."""

    def __init__(
        self, hass: HomeAssistant, device_ids: Collection[str], target_type: TargetType
    ) -> None:
        """Start to track."""
        self.active: list[tuple[str, str]] = []
        self.total = 0
        self.stop = async_track_targets(hass, device_ids, target_type, self._subscribe)

    def _subscribe(self, monzo_id: str, device_id: str) -> CALLBACK_TYPE:
        target = monzo_id, device_id
        self.active.append(target)
        self.total += 1

        @callback
        def unsubscribe() -> None:
            self.active.remove(target)

        return unsubscribe


async def test_subscriptions_follow_devices_that_are_added_and_removed(
    hass: HomeAssistant, devices: Devices
) -> None:
    subscriptions = Subscriptions(hass, [], TargetType.POT)
    holiday, house = ("pot_holiday", devices.holiday), ("pot_house", devices.house)
    assert sorted(subscriptions.active) == [holiday, house]

    bills = ("pot_bills", devices.add("pot_bills", "Pot"))
    devices.add("acc_joint", "Account")
    await hass.async_block_till_done()
    assert sorted(subscriptions.active) == [bills, holiday, house]

    devices.registry.async_remove_device(devices.house)
    await hass.async_block_till_done()
    assert sorted(subscriptions.active) == [bills, holiday]

    subscriptions.stop()
    assert subscriptions.active == []
    devices.add("pot_new", "Pot")
    await hass.async_block_till_done()
    assert subscriptions.total == 3


async def test_a_disabled_device_is_subscribed_to_only_if_it_is_chosen(
    hass: HomeAssistant, devices: Devices
) -> None:
    all_accounts = Subscriptions(hass, [], TargetType.ACCOUNT)
    chosen = Subscriptions(hass, [devices.flex], TargetType.ACCOUNT)
    flex = ("acc_flex", devices.flex)

    devices.registry.async_update_device(devices.flex, disabled_by=USER)
    await hass.async_block_till_done()
    assert flex not in all_accounts.active
    assert chosen.active == [flex]

    devices.registry.async_update_device(devices.flex, disabled_by=None)
    await hass.async_block_till_done()
    assert flex in all_accounts.active
    assert chosen.active == [flex]
    assert chosen.total == 1


async def test_a_new_name_of_a_device_keeps_its_subscription(
    hass: HomeAssistant, devices: Devices
) -> None:
    subscriptions = Subscriptions(hass, [devices.holiday], TargetType.POT)
    devices.registry.async_update_device(devices.holiday, name_by_user="Lisbon")
    await hass.async_block_till_done()

    assert subscriptions.active == [("pot_holiday", devices.holiday)]
    assert subscriptions.total == 1
