"""Retention: the user's choice of how long transactions are kept, for each config entry."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from homeassistant.config_entries import ConfigEntry

from ..const import CONF_KEEP_TRANSACTIONS
from .record import TransactionRecord
from .transaction_log import KEPT_FOR


class Retention(StrEnum):
    """How long the transactions of a config entry are kept."""

    EVERYTHING = "everything"

    THIRTEEN_MONTHS = "thirteen_months"
    """So that a month can be compared with the same month of the previous year."""

    NEEDED = "needed"
    """The last month, without names and notes. The integration requires this much."""

    @property
    def keeps_history(self) -> bool:
        """Whether more is kept than the integration requires."""
        return self is not Retention.NEEDED

    def horizon(self, now: datetime) -> datetime | None:
        """Return the moment before which transactions are deleted; None if all are kept."""
        match self:
            case Retention.EVERYTHING:
                return None
            case Retention.THIRTEEN_MONTHS:
                return now - timedelta(days=397)
            case Retention.NEEDED:
                return now - KEPT_FOR

    def record_to_keep(self, record: TransactionRecord) -> TransactionRecord:
        """Return the facts of a transaction that are kept."""
        return record if self.keeps_history else record.without_details()


def retention_of(entry: ConfigEntry) -> Retention:
    """Return the user's choice for a config entry. The default is as little as possible."""
    return retention_in(entry.options)


def retention_in(options: Mapping[str, Any]) -> Retention:
    """Return the user's choice in the options of a config entry."""
    return Retention(options.get(CONF_KEEP_TRANSACTIONS, Retention.NEEDED))
