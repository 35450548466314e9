"""Webhooks: receiving and following deliveries from Monzo, and registering the address."""

from .deliveries import WebhookDeliveries
from .receiver import WebhookReceiver, async_register_webhook, async_unregister_webhook
from .registration import WebhookRegistrations, async_remove_registrations

__all__ = [
    "WebhookDeliveries",
    "WebhookReceiver",
    "WebhookRegistrations",
    "async_register_webhook",
    "async_remove_registrations",
    "async_unregister_webhook",
]
