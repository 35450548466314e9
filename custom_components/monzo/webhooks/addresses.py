"""The addresses of Home Assistant that Monzo calls: the current one, and earlier ones to remove."""

from dataclasses import dataclass
from types import ModuleType
from typing import Final, Self

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.network import NoURLAvailableError

# The built-in integration also writes these keys of the config entry, and uses them to clean up.
CONF_CLOUDHOOK_URL: Final = "cloudhook_url"
CONF_WEBHOOK_URL: Final = "webhook_url"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The current and earlier addresses of a config entry."""

    known: frozenset[str]
    """Complete addresses."""

    own_path: str
    """The end of each address that this integration or the built-in one has registered."""

    path_of_ha_monzo: str
    """A part of each address of Home Assistant that *ha-monzo* has registered."""

    @classmethod
    def of(cls, hass: HomeAssistant, entry: ConfigEntry) -> Self:
        """Return the addresses of a config entry."""
        stored = (entry.data.get(key, "") for key in (CONF_CLOUDHOOK_URL, CONF_WEBHOOK_URL))
        return cls(
            known=frozenset([*stored, *_cloudhooks_of_ha_monzo(hass, entry).values()]),
            own_path=webhook.async_generate_path(entry.data.get(CONF_WEBHOOK_ID, entry.entry_id)),
            path_of_ha_monzo=path_of_ha_monzo(entry),
        )

    def contain(self, url: str) -> bool:
        """Return whether a registered address belongs to the config entry."""
        return url in self.known or url.endswith(self.own_path) or self.path_of_ha_monzo in url


def path_of_ha_monzo(entry: ConfigEntry) -> str:
    """Return the start of the paths that the HACS integration *ha-monzo* registered at Monzo.

    It had a webhook for each account. The webhook's ID consisted of the IDs of the entry and the
    account.
    """
    return webhook.async_generate_path(entry.entry_id)


def _cloudhooks_of_ha_monzo(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Return the addresses in Home Assistant Cloud that *ha-monzo* has left, by webhook ID."""
    if (cloud := find_cloud(hass)) is None:
        return {}
    return {
        webhook_id: hook["cloudhook_url"]
        for webhook_id, hook in hass.data[cloud.DATA_CLOUD].client.cloudhooks.items()
        if webhook_id.startswith(entry.entry_id)
    }


async def async_delete_cloudhooks_of_ha_monzo(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the addresses in Home Assistant Cloud that *ha-monzo* has left behind.

    Raises HomeAssistantError if that fails.
    """
    if (cloud := find_cloud(hass)) is None:
        return
    for webhook_id in _cloudhooks_of_ha_monzo(hass, entry):
        try:
            await cloud.async_delete_cloudhook(hass, webhook_id)
        except Exception as err:  # as in `async_url`
            raise HomeAssistantError from err


async def async_url(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return the address to register; None if Home Assistant is not reachable from outside."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]
    cloud = find_cloud(hass)
    if cloud is not None and cloud.async_active_subscription(hass):
        try:
            cloudhook_url: str = await cloud.async_get_or_create_cloudhook(hass, webhook_id)
        except Exception as err:  # the cloud's client raises many, and any may pass
            raise HomeAssistantError from err
        store_address(hass, entry, CONF_CLOUDHOOK_URL, cloudhook_url)
        return cloudhook_url
    try:
        return webhook.async_generate_url(hass, webhook_id, allow_internal=False)
    except NoURLAvailableError:
        return None


def find_cloud(hass: HomeAssistant) -> ModuleType | None:
    """Return the module of Home Assistant Cloud, if it is set up."""
    if "cloud" not in hass.config.components:
        return None
    # Imported here, because the import takes long, and most homes do not have it.
    from homeassistant.components import cloud  # noqa: PLC0415

    return cloud


def store_address(hass: HomeAssistant, entry: ConfigEntry, key: str, value: str | None) -> None:
    """Store an address in the config entry, or remove it if it is None."""
    data = {other: stored for other, stored in entry.data.items() if other != key}
    if value is not None:
        data[key] = value
    hass.config_entries.async_update_entry(entry, data=data)
