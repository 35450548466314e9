"""The history of an account: everything from before the integration was set up."""

from .history_import import HistoryImport

__all__ = ["HistoryImport"]
