"""Access to the bank: session, request budget, errors and repair issues."""

from .approval import async_wait_for_approval
from .errors import (
    BLOCKING_ERRORS,
    TRANSIENT_ERRORS,
    action_error,
    bank_errors,
    error_code_for_log,
    text_for_user,
    translating_defects,
    validation_error,
)
from .repair_issues import RepairIssue, async_create_repair_issue, async_delete_repair_issues
from .request_budget import (
    MIN_POLL_INTERVAL,
    REQUEST_WINDOW,
    TIMER_TOLERANCE,
    Priority,
    RequestBudget,
)
from .session import MonzoSession
from .token_refusals import MonzoTokenRefusedError, TokenRefusals
from .webhook_status import WebhookStatus

__all__ = [
    "BLOCKING_ERRORS",
    "MIN_POLL_INTERVAL",
    "REQUEST_WINDOW",
    "TIMER_TOLERANCE",
    "TRANSIENT_ERRORS",
    "MonzoSession",
    "MonzoTokenRefusedError",
    "Priority",
    "RepairIssue",
    "RequestBudget",
    "TokenRefusals",
    "WebhookStatus",
    "action_error",
    "async_create_repair_issue",
    "async_delete_repair_issues",
    "async_wait_for_approval",
    "bank_errors",
    "error_code_for_log",
    "text_for_user",
    "translating_defects",
    "validation_error",
]
