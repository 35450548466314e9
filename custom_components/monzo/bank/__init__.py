"""How the integration may ask the bank: session, request budget, errors, repair issues."""

from .errors import action_error, bank_errors, validation_error
from .repair_issues import RepairIssue, async_create_repair_issue, async_delete_repair_issues
from .session import MonzoSession

__all__ = [
    "MonzoSession",
    "RepairIssue",
    "action_error",
    "async_create_repair_issue",
    "async_delete_repair_issues",
    "bank_errors",
    "validation_error",
]
