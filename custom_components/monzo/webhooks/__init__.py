"""Webhooks: registering an address at Monzo, receiving deliveries, and reading their accounts."""

from .addresses import CONF_WEBHOOK_URL, path_of_ha_monzo
from .deliveries import WebhookDeliveries
from .receiver import WebhookReceiver, async_register_webhook, async_unregister_webhook
from .registration import WebhookRegistrations
from .removal import async_remove_registrations

__all__ = [
    "CONF_WEBHOOK_URL",
    "WebhookDeliveries",
    "WebhookReceiver",
    "WebhookRegistrations",
    "async_register_webhook",
    "async_remove_registrations",
    "async_unregister_webhook",
    "path_of_ha_monzo",
]
