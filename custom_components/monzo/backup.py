"""Backup platform: pauses writing to the archive of transactions while a backup copies it."""

from homeassistant.core import HomeAssistant

from .memory import async_get_memory
from .transactions import Archive


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Pause writing before a backup. It raises no error, which would end the whole backup."""
    if (archive := async_get_memory(hass).find(Archive)) is not None:
        await archive.async_hold()


async def async_post_backup(hass: HomeAssistant) -> None:
    """Resume writing after a backup, whether or not it succeeded."""
    if (archive := async_get_memory(hass).find(Archive)) is not None:
        await archive.async_release()
