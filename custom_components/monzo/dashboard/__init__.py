"""The dashboard: its layout, and the cards that browsers load."""

from .assets import async_serve_cards
from .layout import async_register_dashboard_command

__all__ = ["async_register_dashboard_command", "async_serve_cards"]
