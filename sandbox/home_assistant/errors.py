"""Errors of a controlled Home Assistant."""


class HomeAssistantFailedError(Exception):
    """Home Assistant ended or refused a request; the message explains it to the user."""
