"""Reads the archive on the disk, as another program would."""

from contextlib import closing
from pathlib import Path
import sqlite3
from typing import Any

from homeassistant.core import HomeAssistant

from sandbox.models import Account


def archive_path(hass: HomeAssistant) -> Path:
    """Return the path of the file."""
    return Path(hass.config.path(".storage", "monzo.archive.db"))


def archived_rows(path: Path, account: Account) -> list[dict[str, Any]]:
    """Return the transactions of an account, oldest first, with all columns."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(
            "SELECT * FROM transactions WHERE account = ? ORDER BY created, id", (account.id,)
        )
        return [dict(row) for row in rows]


def archived_ids(hass: HomeAssistant, account: Account) -> list[str]:
    """Return the IDs of the transactions of an account, oldest first."""
    return [row["id"] for row in archived_rows(archive_path(hass), account)]


def archive_files(hass: HomeAssistant) -> list[Path]:
    """Return the files of the archive, and all that belong to it."""
    return [*archive_path(hass).parent.glob("monzo.archive*")]
