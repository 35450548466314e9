"""The dashboard and the cards."""

from .assets import async_setup_dashboard
from .layout import async_setup_dashboard_strategy

__all__ = ["async_setup_dashboard", "async_setup_dashboard_strategy"]
