"""Repair issues: problems of a config entry that only the user can solve."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN, TROUBLESHOOTING_URL


class RepairIssue(StrEnum):
    """A problem that only the user can solve; the value is also its translation key."""

    ADDRESS_REFUSED = "address_refused"
    EVICTED = "evicted"
    HISTORY_INCOMPLETE = "history_incomplete"
    NOT_APPROVED = "not_approved"
    NOT_CONFIDENTIAL = "not_confidential"
    NO_EXTERNAL_URL = "no_external_url"


# These only delay payments, or hide older ones. Everything else works.
_WARNINGS: Final = frozenset(
    {RepairIssue.ADDRESS_REFUSED, RepairIssue.HISTORY_INCOMPLETE, RepairIssue.NO_EXTERNAL_URL}
)

# These can be solved without a new sign-in; see `repairs.py`.
FIXABLE_ISSUES: Final = frozenset({RepairIssue.NOT_APPROVED})


@callback
def async_create_repair_issue(
    hass: HomeAssistant, entry: ConfigEntry, issue: RepairIssue, **placeholders: str
) -> None:
    """Show a problem of this entry in Home Assistant's repairs."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(entry, issue),
        data={"entry_id": entry.entry_id},
        is_fixable=issue in FIXABLE_ISSUES,
        learn_more_url=TROUBLESHOOTING_URL,
        severity=ir.IssueSeverity.WARNING if issue in _WARNINGS else ir.IssueSeverity.ERROR,
        translation_key=issue,
        translation_placeholders={"name": entry.title, **placeholders},
    )


@callback
def async_delete_repair_issues(
    hass: HomeAssistant, entry: ConfigEntry, issues: Iterable[RepairIssue] = RepairIssue
) -> None:
    """Remove problems of this entry from the repairs, because they are solved."""
    for issue in issues:
        ir.async_delete_issue(hass, DOMAIN, _issue_id(entry, issue))


def _issue_id(entry: ConfigEntry, issue: RepairIssue) -> str:
    return f"{issue}_{entry.entry_id}"
