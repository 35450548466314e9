"""Webhooks: deliveries from Monzo, and their registration."""

from .deliveries import WebhookDeliveries, async_close, async_open
from .registration import WebhookRegistrations, async_clean_up

__all__ = [
    "WebhookDeliveries",
    "WebhookRegistrations",
    "async_clean_up",
    "async_close",
    "async_open",
]
