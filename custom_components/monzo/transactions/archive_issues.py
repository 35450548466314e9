"""Repair issues of the archive, which do not belong to a config entry."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN, TROUBLESHOOTING_URL


class ArchiveIssue(StrEnum):
    """A problem of the archive; the value is also its translation key."""

    NOT_WRITABLE = "archive_not_writable"
    SET_ASIDE = "archive_set_aside"


@callback
def async_create_archive_issue(hass: HomeAssistant, issue: ArchiveIssue, path: Path) -> None:
    """Show a problem of the archive in Home Assistant's repairs. `path` is the path of the file."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue,
        is_fixable=False,
        learn_more_url=TROUBLESHOOTING_URL,
        severity=ir.IssueSeverity.WARNING,
        translation_key=issue,
        translation_placeholders={"path": str(path)},
    )


@callback
def async_delete_archive_issues(
    hass: HomeAssistant, issues: Iterable[ArchiveIssue] = ArchiveIssue
) -> None:
    """Remove problems of the archive from the repairs, because they are solved."""
    for issue in issues:
        ir.async_delete_issue(hass, DOMAIN, issue)
