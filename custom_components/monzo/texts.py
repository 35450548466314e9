"""Translated texts that the integration looks up itself. A missing text never raises an error."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from homeassistant.const import EVENT_CORE_CONFIG_UPDATE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations, async_get_translations

from .const import DOMAIN


@callback
def async_follow_language(hass: HomeAssistant) -> None:
    """Reload the texts whenever the user changes the language of Home Assistant.

    Home Assistant 2026.10 and 2026.11 load them into a cache that they do not read. Until a
    restart, new devices would be named by their translation keys.
    """

    async def async_load(_event: Event[Any]) -> None:
        # This loads all categories.
        await async_get_translations(hass, hass.config.language, "device", {DOMAIN})

    hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, async_load, event_filter=_changes_language)


@callback
def _changes_language(event_data: Mapping[str, Any]) -> bool:
    return "language" in event_data


@callback
def async_text(
    hass: HomeAssistant, key: str, placeholders: Mapping[str, str], *, fallback: str
) -> str:
    """Return the text with a key such as `device.flex.name` in Home Assistant's language.

    If that language is not loaded, the text is in English. If English is not loaded either, it is
    the fallback.
    """
    category = key.partition(".")[0]
    for language in (hass.config.language, "en"):
        texts = async_get_cached_translations(hass, language, category, DOMAIN)
        # The text may be missing, or may have other placeholders.
        with suppress(LookupError, ValueError):
            return texts[f"component.{DOMAIN}.{key}"].format_map(placeholders)
    return fallback


@callback
def async_category_name(hass: HomeAssistant, category: str) -> str:
    """Return the name of a category at the bank, in Home Assistant's language."""

    def text(key: str, fallback: str) -> str:
        return async_text(hass, key, {}, fallback=fallback)

    return category_name(category, text)


def category_name(category: str, text: Callable[[str, str], str]) -> str:
    """Return the name of a category at the bank; custom categories have no name.

    `text` returns the text with a key, or a fallback.
    """
    fallback = category.replace("_", " ").capitalize()
    return text(f"common.transactions_category_{category}", fallback)
