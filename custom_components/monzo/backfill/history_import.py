"""Reads the whole history of all accounts, as far as the bank shows it.

In the first five minutes after a sign-in, the bank shows all transactions to programs, and later
only those of the last 89 days. Only a request for an older transaction shows whether the five
minutes are over. So an import continues after a restart, and starts at each set-up that finds a
missing part.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..accounts import BalancesCoordinator
from ..api import MonzoError, MonzoRateLimitError, MonzoVerificationRequiredError
from ..bank import (
    BLOCKING_ERRORS,
    REQUEST_WINDOW,
    TRANSIENT_ERRORS,
    Priority,
    RepairIssue,
    async_create_repair_issue,
    async_delete_repair_issues,
    error_code_for_log,
)
from ..clock import monotonic
from ..coordinator import gather_all
from ..privacy import get_logger
from ..transactions import Archive, Retention, Span, TransactionsCoordinator
from .account_history import AccountHistory
from .progress import HistoryProgress, gaps_after, gaps_before

_LOGGER = get_logger(__name__)

# The bank always shows the last 89 days. An import may take minutes before it reads them.
_ALWAYS_VISIBLE: Final = timedelta(days=89) - timedelta(minutes=15)

# The length of the first part, and the longest part of accounts with few transactions.
_PART: Final = timedelta(days=90)
_LONGEST_PART: Final = timedelta(days=360)

# When the bank answers again after a rate limit, polls go first.
_AFTER_PAUSE: Final = timedelta(seconds=5)

# The delays before an interrupted import continues: after errors that may pass, and if the request
# budget had no room.
RETRY_DELAYS: Final = (timedelta(seconds=5), timedelta(seconds=15), timedelta(minutes=1))
_NO_ROOM_DELAY: Final = timedelta(minutes=1)


class ImportResult(IntEnum):
    """The result of an import. If accounts have different results, the largest value counts."""

    COMPLETE = 0

    REFUSED = 1
    """The bank refuses the transactions of this account."""

    WINDOW_CLOSED = 2
    """The bank no longer shows the older transactions."""

    NO_ROOM = 3
    """The request budget had no room for the rest."""

    FAILED = 4
    """The bank did not answer, or the account has never been read."""

    RATE_LIMITED = 5
    """The bank refused a request because of its rate limit."""

    NOT_WRITABLE = 6
    """The archive cannot be written to."""

    DEFECT = 7
    """A defect of the integration. Details are in the log."""


class HistoryImport:
    """Imports the history of a config entry's accounts, with one request at a time per account.

    While the bank shows the whole history, these requests do not count towards the request budget.
    Otherwise they would leave nothing for the polls for five minutes.
    """

    def __init__(  # noqa: PLR0913 - the parts that it connects
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        *,
        balances: BalancesCoordinator,
        transactions: TransactionsCoordinator,
        archive: Archive,
        retention: Retention,
    ) -> None:
        """Initialize the import, which does not run before it is started."""
        self._hass = hass
        self._entry = entry
        self._balances = balances
        self._transactions = transactions
        self._archive = archive
        self._retention = retention
        self._budget = balances.session.budget
        self._began_at = balances.session.clock.now()
        self._running = False
        self._result: ImportResult | None = None
        self._window_open = self._window_closed = False
        self._rate_limits = 0
        self._failures = 0
        self._listeners: list[Callable[[], None]] = []
        self._published_percent = -1
        self._cancel_timer: CALLBACK_TYPE | None = None

    @property
    def keeps_history(self) -> bool:
        """Whether the user keeps more transactions than the integration requires."""
        return self._retention.keeps_history

    @callback
    def async_start(self) -> None:
        """Start to import missing parts in the background, if the user wants to keep them."""
        if not self.keeps_history:
            async_delete_repair_issues(self._hass, self._entry, (RepairIssue.HISTORY_INCOMPLETE,))
            return
        self._entry.async_on_unload(self._async_cancel_timer)
        self._async_run_soon()

    @callback
    def async_add_listener(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call a function when the import starts, ends, or has read another percent."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def progress(self) -> HistoryProgress:
        """Return how much of the history is in the archive."""
        return HistoryProgress.of(
            (history.span(), history.unread_parts())
            for history in self._histories()
            if history.is_known
        )

    @property
    def running(self) -> bool:
        """Whether the import is in progress."""
        return self._running

    @property
    def health(self) -> dict[str, Any]:
        """The progress and state for diagnostics."""
        if not self.keeps_history:
            return {"kept": False}
        progress = self.progress()
        return {
            "kept": True,
            "running": self._running,
            "percent": progress.percent,
            "years": progress.years,
            "years_read": progress.years_read,
            "ended": None if self._result is None else self._result.name.lower(),
            "requests": self._budget.history_requests,
            "rate_limits": self._rate_limits,
        }

    # Running

    @callback
    def _async_run_soon(self, _now: datetime | None = None) -> None:
        self._cancel_timer = None
        self._entry.async_create_background_task(
            self._hass, self._async_run(), "import the history of Monzo"
        )

    @callback
    def _async_cancel_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    async def _async_run(self) -> None:
        """Import the missing parts of all accounts, then continue later or report the result."""
        self._began_at = self._balances.session.clock.now()
        self._running = True
        self._async_publish()
        try:
            # Read the newest transactions first, because they are not part of the history.
            await self._transactions.async_refresh()
            results = await self._async_read_all(self._async_read_older)
            results += await self._async_read_all(self._async_read_visible)
            if not all(history.is_known for history in self._histories()):
                results.append(ImportResult.FAILED)
            self._result = max(results, default=ImportResult.COMPLETE)
            self._rate_limits += self._result is ImportResult.RATE_LIMITED
        except Exception:
            # After a defect, the import must not seem to be in progress.
            _LOGGER.exception("Unexpected error while importing the history")
            self._result = ImportResult.DEFECT
        finally:
            self._running = False
            self._async_publish()
        self._async_go_on()

    @callback
    def _async_go_on(self) -> None:
        """Continue later, or create a repair issue if a part of the history is missing."""
        if (delay := self._delay()) is not None:
            self._cancel_timer = async_call_later(
                self._hass, delay, HassJob(self._async_run_soon, cancel_on_shutdown=True)
            )
            return
        progress = self.progress()
        if self._is_older_part_missing():
            async_create_repair_issue(
                self._hass,
                self._entry,
                RepairIssue.HISTORY_INCOMPLETE,
                read=f"{progress.years_read:g}",
                years=f"{progress.years:g}",
            )
        else:
            async_delete_repair_issues(self._hass, self._entry, (RepairIssue.HISTORY_INCOMPLETE,))
        _LOGGER.info("The import of the history has ended at %s %%", progress.percent)

    def _delay(self) -> timedelta | None:
        """Return the delay until the import continues; None if waiting does not help."""
        if self._result is ImportResult.RATE_LIMITED:
            pause = timedelta(seconds=self._budget.pause) + _AFTER_PAUSE
            # Another request in this window would make the polls pause again. After it, the bank no
            # longer shows the older parts, and the others are read.
            return pause if self._rate_limits == 1 else max(pause, REQUEST_WINDOW)
        if self._result is ImportResult.FAILED and self._failures < len(RETRY_DELAYS):
            self._failures += 1
            return RETRY_DELAYS[self._failures - 1]
        # Another program may release the file, or space may become free on the disk.
        passes = self._result in {ImportResult.NO_ROOM, ImportResult.NOT_WRITABLE}
        return _NO_ROOM_DELAY if passes else None

    def _is_older_part_missing(self) -> bool:
        return any(
            gaps_before(history.unread_parts(), self._visible_since)
            for history in self._histories()
            if history.is_known
        )

    @property
    def _visible_since(self) -> datetime:
        return self._began_at - _ALWAYS_VISIBLE

    def _histories(self) -> list[AccountHistory]:
        return [
            AccountHistory(
                state.account,
                session=self._balances.session,
                archive=self._archive,
                retention=self._retention,
                own_accounts=lambda: self._balances.data.own_accounts,
                now=self._began_at,
            )
            for state in self._balances.data.accounts.values()
        ]

    # Reading

    async def _async_read_all(
        self, read: Callable[[AccountHistory], Awaitable[None]]
    ) -> list[ImportResult]:
        """Read parts of all accounts at the same time, and return the result."""
        return await gather_all(
            self._async_read(read(history)) for history in self._histories() if history.is_known
        )

    async def _async_read(self, read: Awaitable[None]) -> ImportResult:
        """Run a read, and return its result."""
        try:
            await read
        except _ImportEnd as end:
            return end.result
        except MonzoRateLimitError:
            # The session has started a pause. It ends the reads of the other accounts as well.
            return ImportResult.RATE_LIMITED
        except (*TRANSIENT_ERRORS, *BLOCKING_ERRORS) as err:
            _LOGGER.debug("Could not import the history: %s", error_code_for_log(err))
            return ImportResult.FAILED
        except MonzoError as err:
            _LOGGER.warning("Could not import the history: %s", error_code_for_log(err))
            return ImportResult.REFUSED
        return ImportResult.COMPLETE

    async def _async_read_older(self, history: AccountHistory) -> None:
        """Read the part that the bank shows only in the first minutes after a sign-in."""
        gaps = gaps_before(history.gaps(), self._visible_since)
        if gaps and self._window_closed:
            raise _ImportEnd(ImportResult.WINDOW_CLOSED)
        try:
            await self._async_read_gaps(history, gaps, Priority.HISTORY)
        except MonzoVerificationRequiredError:
            self._window_closed = True
            raise _ImportEnd(ImportResult.WINDOW_CLOSED) from None

    async def _async_read_visible(self, history: AccountHistory) -> None:
        """Read the part that the bank always shows. It comes last, because there is no hurry."""
        gaps = gaps_after(history.gaps(), self._visible_since)
        # Only an answer to a request for older transactions shows that the window is open.
        is_open = self._window_open and not self._window_closed
        priority = Priority.HISTORY if is_open else Priority.BACKGROUND
        await self._async_read_gaps(history, gaps, priority)

    async def _async_read_gaps(
        self, history: AccountHistory, gaps: Sequence[Span], priority: Priority
    ) -> None:
        """Read the missing parts; the newest come first, because they matter most."""
        length = _PART
        for since, until in reversed(gaps):
            end = until
            while end > since:
                begin = max(since, end - length)
                pages = await self._async_read_part(history, (begin, end), priority)
                length = min(2 * length, _LONGEST_PART) if pages == 1 else _PART
                end = begin

    async def _async_read_part(
        self, history: AccountHistory, part: Span, priority: Priority
    ) -> int:
        """Read a part page by page, oldest first like the bank; return the number of pages."""
        pages = history.pages(part)
        count = 0
        while not pages.finished:
            if self._archive.state == "failing":
                # Further pages would only accumulate in memory.
                raise _ImportEnd(ImportResult.NOT_WRITABLE)
            if priority is not Priority.HISTORY and not self._budget.grant(1, priority):
                raise _ImportEnd(ImportResult.NO_ROOM)
            began = monotonic()
            with self._budget.asking_as(priority):
                page = await pages.async_next()
            took = monotonic() - began
            self._window_open |= priority is Priority.HISTORY
            await history.async_keep(part, page)
            pages.move_past(page)
            count += 1
            self._async_publish_progress()
            if self._rate_limits:
                # Continue at half the speed.
                await asyncio.sleep(took)
        return count

    # Publishing

    @callback
    def _async_publish_progress(self) -> None:
        percent = self.progress().percent
        if percent != self._published_percent:
            self._published_percent = percent
            self._async_publish()

    @callback
    def _async_publish(self) -> None:
        for listener in tuple(self._listeners):
            listener()


class _ImportEnd(Exception):  # noqa: N818 - an end that is expected
    """The import of an account has to stop for now."""

    def __init__(self, result: ImportResult) -> None:
        """Initialize with the result."""
        super().__init__(result)
        self.result = result
