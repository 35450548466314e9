"""Recurring payments: detected in the past, and what they leave to spend until pay day."""

__all__: list[str] = []
