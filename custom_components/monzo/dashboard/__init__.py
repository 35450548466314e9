"""The dashboard: its layout, and the cards that browsers load."""

from .command import async_register_dashboard_command
from .serve_cards import async_serve_cards

__all__ = ["async_register_dashboard_command", "async_serve_cards"]
