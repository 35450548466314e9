"""Backup platform: the archive of transactions does not change while a backup copies it."""

from homeassistant.core import HomeAssistant

from .memory import async_get_memory
from .transactions import Archive


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Pause writing before a backup. No error is raised, because it would end the whole backup."""
    if (archive := async_get_memory(hass).find(Archive)) is not None:
        await archive.async_hold()


async def async_post_backup(hass: HomeAssistant) -> None:
    """Write again after a backup, whether it succeeded or not."""
    if (archive := async_get_memory(hass).find(Archive)) is not None:
        await archive.async_release()
