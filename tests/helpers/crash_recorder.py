"""A custom integration that records each reported transaction in a file immediately.

Its file lists exactly the reported transactions, even if Home Assistant is killed.
"""

import os
from pathlib import Path

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.typing import ConfigType

from custom_components.monzo.transactions import SIGNAL_NEW_TRANSACTION, NewTransaction

DOMAIN = "scribe"

# The line that marks a start of Home Assistant; all other lines are ids of transactions.
STARTED = "started"


class RecordFile:
    """A file whose lines survive a crash."""

    def __init__(self, path: Path) -> None:
        """Open the file to append lines."""
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, line: str) -> None:
        """Write a line to the disk."""
        os.write(self._file, f"{line}\n".encode())
        os.fsync(self._file)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Record the transactions of each account in the configuration in a file of its own."""
    for account_id in config[DOMAIN]["accounts"]:
        path = Path(hass.config.path(account_id))
        file = await hass.async_add_executor_job(RecordFile, path)
        file.write(STARTED)

        @callback
        def record(report: NewTransaction, file: RecordFile = file) -> None:
            file.write(report.transaction.id)

        async_dispatcher_connect(hass, SIGNAL_NEW_TRANSACTION.format(account_id), record)
    return True
