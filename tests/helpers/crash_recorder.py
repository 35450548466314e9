"""A custom integration that writes down every transaction that is reported, there and then.

What is in its file has been reported, and what has been reported is in its file, however suddenly
Home Assistant ends.
"""

import os
from pathlib import Path

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.typing import ConfigType

from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION, NewTransaction

DOMAIN = "scribe"

# What a line says when Home Assistant has started; all others are ids of transactions.
STARTED = "started"


class Book:
    """A file that no line is lost from."""

    def __init__(self, path: Path) -> None:
        """Open it, and go on at its end."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, line: str) -> None:
        """Write a line, and wait until it is on the disk."""
        os.write(self._file, f"{line}\n".encode())
        os.fsync(self._file)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Listen to the accounts that the configuration lists, each with a book of its own."""
    for account_id in config[DOMAIN]["accounts"]:
        book = await hass.async_add_executor_job(Book, Path(hass.config.path(account_id)))
        book.write(STARTED)

        @callback
        def hear(report: NewTransaction, book: Book = book) -> None:
            book.write(report.transaction.id)

        async_dispatcher_connect(hass, SIGNAL_NEW_TRANSACTION.format(account_id), hear)
    return True
