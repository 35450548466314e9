"""The history of an account: all transactions from before the integration was set up."""

from .history_import import HistoryImport
from .statistics import (
    HistoryStatistics,
    async_clear_statistics,
    async_known_statistics,
    database_errors,
    statistic_id,
)

__all__ = [
    "HistoryImport",
    "HistoryStatistics",
    "async_clear_statistics",
    "async_known_statistics",
    "database_errors",
    "statistic_id",
]
