"""Shared by triggers and conditions: targets and thresholds."""

from .targets import ANY_NUMBER, AT_LEAST_ONE, TargetType, async_check, async_chosen, async_follow
from .threshold import Threshold, async_text_shown, threshold_schema, unsigned_amount

__all__ = [
    "ANY_NUMBER",
    "AT_LEAST_ONE",
    "TargetType",
    "Threshold",
    "async_check",
    "async_chosen",
    "async_follow",
    "async_text_shown",
    "threshold_schema",
    "unsigned_amount",
]
