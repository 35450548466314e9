"""Shared by triggers and conditions: targets, filters, thresholds and periods."""

from .filters import (
    CONF_AT_LEAST,
    CONF_AT_MOST,
    CONF_BY_AT_LEAST,
    CONF_CATEGORY,
    CONF_EXCEPT_MERCHANTS,
    CONF_LATE,
    CONF_MERCHANT,
    CONF_ROUND_UPS,
    CONF_SENDER,
    Mismatch,
    TransactionFilter,
    filter_schema,
    is_money_received,
    is_payment,
    validate_amount_range,
)
from .periods import Period, start_of_period
from .targets import (
    OPTIONAL_TARGETS,
    REQUIRED_TARGETS,
    TargetType,
    async_get_targets,
    async_track_targets,
    async_validate_targets,
)
from .threshold import Threshold, ThresholdCrossing, async_state_in_currency, threshold_schema

__all__ = [
    "CONF_AT_LEAST",
    "CONF_AT_MOST",
    "CONF_BY_AT_LEAST",
    "CONF_CATEGORY",
    "CONF_EXCEPT_MERCHANTS",
    "CONF_LATE",
    "CONF_MERCHANT",
    "CONF_ROUND_UPS",
    "CONF_SENDER",
    "OPTIONAL_TARGETS",
    "REQUIRED_TARGETS",
    "Mismatch",
    "Period",
    "TargetType",
    "Threshold",
    "ThresholdCrossing",
    "TransactionFilter",
    "async_get_targets",
    "async_state_in_currency",
    "async_track_targets",
    "async_validate_targets",
    "filter_schema",
    "is_money_received",
    "is_payment",
    "start_of_period",
    "threshold_schema",
    "validate_amount_range",
]
