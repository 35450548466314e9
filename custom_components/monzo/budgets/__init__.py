"""Budgets: limits for the spending of a period."""

__all__: list[str] = []
