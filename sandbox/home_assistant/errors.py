"""Errors."""


class HomeAssistantFailedError(Exception):
    """Home Assistant did not do what it was asked; the message is for a person to read."""
