"""Budgets of a config entry in tests."""

from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData

from custom_components.monzo.budgets.settings import BudgetSettings
from sandbox.models import Account


def budget(
    *accounts: Account, title: str = "Groceries", limit: str = "300", **settings: Any
) -> ConfigSubentryData:
    """Return a budget as the dialog stores it: a calendar month, unless the settings differ."""
    return ConfigSubentryData(
        data={
            "accounts": [account.id for account in accounts],
            "currency": "GBP",
            "limit": limit,
            "categories": [],
            "merchant": "",
            "tag": "",
            "period": "month",
            "day": 1,
            "weekday": "mon",
            "carry_since": None,
            **settings,
        },
        subentry_type="budget",
        title=title,
        unique_id=None,
    )


def with_budgets(*budgets: ConfigSubentryData, **options: Any) -> dict[str, Any]:
    """Return the properties of a config entry with budgets that keeps all transactions."""
    return {"options": {"keep_transactions": "everything", **options}, "subentries_data": budgets}


def budget_ids(entry: Any) -> list[str]:
    """Return the IDs of the budgets of an entry, in order."""
    return list(entry.subentries)


def settings_of(**settings: Any) -> BudgetSettings:
    """Return the settings of a budget, which is a calendar month unless they differ."""
    data = budget(**settings)
    return BudgetSettings.of(
        ConfigSubentry(
            data=MappingProxyType(data["data"]),
            subentry_type=data["subentry_type"],
            title=data["title"],
            unique_id=None,
        )
    )
