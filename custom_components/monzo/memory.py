"""Process-wide memory: objects that outlive a reload of their config entry.

They are kept until Home Assistant stops or their config entry is removed. This is the only module
that stores anything in `hass.data`, so that one call forgets everything about an entry.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .clock import monotonic
from .const import DOMAIN


class MonzoMemory:
    """Objects by type and owner: the ID of a config entry, or None for all entries together."""

    def __init__(self) -> None:
        """Initialize an empty memory."""
        self.started_at = monotonic()
        """When the integration was first set up, by `clock.monotonic`.

        A reload of an entry is no absence.
        """
        self._objects: dict[tuple[type, str | None], object] = {}
        self._loading = asyncio.Lock()

    def find[T](self, kind: type[T], owner: str | None = None) -> T | None:
        """Return the owner's object of a type, if there is one."""
        return cast("T | None", self._objects.get((kind, owner)))

    def find_all[T](self, kind: type[T]) -> Iterator[T]:
        """Yield the objects of a type from all owners."""
        yield from (cast("T", it) for (type_, _owner), it in self._objects.items() if type_ is kind)

    def find_or_create[T](self, kind: type[T], owner: str | None, create: Callable[[], T]) -> T:
        """Return the owner's object of a type, which is created at the first call."""
        return cast("T", self._objects.setdefault((kind, owner), create()))

    async def async_find_or_load[T](
        self, kind: type[T], owner: str | None, load: Callable[[], Awaitable[T]]
    ) -> T:
        """Return the owner's object of a type, which is loaded at the first call.

        Callers at the same time get the same object.
        """
        async with self._loading:
            if (found := self.find(kind, owner)) is None:
                found = await load()
                self._objects[kind, owner] = found
            return found

    def remove[T](self, kind: type[T], owner: str) -> T | None:
        """Return the owner's object of a type, if there is one, after removing it."""
        return cast("T | None", self._objects.pop((kind, owner), None))

    def forget(self, owner: str) -> None:
        """Forget all objects of a config entry, because the entry was removed."""
        self._objects = {key: it for key, it in self._objects.items() if key[1] != owner}


DATA_MEMORY: HassKey[MonzoMemory] = HassKey(DOMAIN)


@callback
def async_get_memory(hass: HomeAssistant) -> MonzoMemory:
    """Return the memory of this Home Assistant."""
    if DATA_MEMORY not in hass.data:
        hass.data[DATA_MEMORY] = MonzoMemory()
    return hass.data[DATA_MEMORY]
