"""The archive: the kept transactions of all accounts, in one file.

It does not belong to a config entry, so a joint account continues where it was when another entry
takes it over. Transactions are also reported if the disk fails: changes then wait, and are written
together with the next one.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
import math
from pathlib import Path
import sqlite3
from typing import Any, Final, Self

from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import STORAGE_DIR

from ..clock import monotonic
from ..const import DOMAIN
from ..memory import async_get_memory
from ..privacy import get_logger
from .archive_change import ArchiveChange
from .archive_database import DISK_ERRORS, ArchiveReplaced
from .archive_file import ArchiveFile
from .archive_issues import ArchiveIssue, async_create_archive_issue, async_delete_archive_issues
from .archive_query import ArchiveQuery, SpendingGroup
from .archive_schema import SetAside
from .old_store import OldStore
from .past_spending import PastSpending
from .record import TransactionRecord
from .retention import Retention
from .spans import Span, Spans
from .transaction_log import KEPT_FOR, TransactionLog

_LOGGER = get_logger(__name__)

# The maximum wait of a backup for the end of a write, and of writes for the end of a backup.
_HOLD_WITHIN: Final = timedelta(seconds=5)
_HELD_AT_MOST: Final = timedelta(hours=1)

# The delay before another attempt after a failed write.
_RETRY_AFTER: Final = timedelta(minutes=1)

type _Operation = Callable[[ArchiveFile], None]


class Archive:
    """The archive of all accounts."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize the archive, which is empty until it is loaded."""
        self._hass = hass
        self.file = ArchiveFile(Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.archive.db")))
        """Use this in the executor only."""
        self._old_store = OldStore(hass)
        self._using_file = asyncio.Lock()
        self._loading = asyncio.Lock()
        self._load_since = datetime.min.replace(tzinfo=UTC)
        self._reported_before_load: set[str] = set()
        # Operations that have not been written yet, in order. Each of them can be repeated.
        self._waiting: list[_Operation] = []
        self._released = asyncio.Event()
        self._released.set()
        self._cancel_hold: CALLBACK_TYPE | None = None
        self._failing = False
        self._failed_at = -math.inf
        self._listeners: list[Callable[[], None]] = []
        self.logs: dict[str, TransactionLog] = {}
        """The log of each account: its transactions of the last month."""

        self._unreadable: dict[str, Spans] = {}

        self.loaded = False
        """Whether the logs in the file have been loaded.

        If the file is locked at the start, they are loaded later. Nothing is written before,
        because an account without its log would look like a new one.
        """

    # Loading and closing

    async def async_load(self, now: datetime) -> Self:
        """Load the logs from the file and from the store of earlier versions; return this."""
        self._hass.bus.async_listen_once(EVENT_HOMEASSISTANT_CLOSE, self._async_close)
        self._load_since = now - KEPT_FOR
        await self._async_flush()
        return self

    async def _async_load_logs(self) -> None:
        """Load the logs, unless they have been loaded. Raises one of DISK_ERRORS."""
        async with self._loading:
            if self.loaded:
                return
            stored = await self._async_use_file(self.file.load_logs, self._load_since)
            self._unreadable = await self._async_use_file(self.file.load_unreadable)
            old_logs = await self._old_store.async_load()
            for account_id, log in old_logs.items():
                stored[account_id] = log.merged_with(stored.get(account_id))
            for account_id in self.logs.keys() & stored.keys():
                self.logs[account_id].continue_from(
                    stored[account_id], reported=self._reported_before_load
                )
            self._reported_before_load.clear()
            to_write = self.logs.keys() | old_logs.keys()
            self.logs = stored | self.logs
            imports = [_importing(account_id, self.logs[account_id]) for account_id in to_write]
            self._waiting = [*imports, *self._waiting]
            self.loaded = True
            await self._async_use_file(self._write_waiting)
            await self._old_store.async_remove()

    async def _async_close(self, _event: Event) -> None:
        await self.async_wait_for_write()
        if self.loaded:
            await self._old_store.async_save(self.logs)
        await self._hass.async_add_executor_job(self.file.close)

    async def _async_use_file[*Arguments, Result](
        self, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        """Use the file in the executor. Raises one of DISK_ERRORS."""
        # The file has its own lock, but waiting for that would occupy a thread for each caller.
        async with self._using_file:
            try:
                return await self._hass.async_add_executor_job(function, *arguments)
            except ArchiveReplaced as err:
                self._note_replaced(err.reason)
                return await self._hass.async_add_executor_job(function, *arguments)

    async def async_use[*Arguments, Result](
        self,
        function: Callable[[sqlite3.Connection, *Arguments], Result],
        *arguments: *Arguments,
    ) -> Result:
        """Call a function with the connection in the executor, and return its result.

        Its changes are written together or not at all. Waits for the end of a backup. Raises one of
        DISK_ERRORS.
        """
        await self._released.wait()
        return await self._async_use_file(self.file.use, function, *arguments)

    async def async_past_spending(
        self, account_id: str, since: datetime, before: datetime
    ) -> PastSpending | None:
        """Return the spending of an account in a period; None if not all of it is kept."""
        log = self.logs.get(account_id)
        known_since = log.spans.start_of(before) if log else None
        if log is None or known_since is None or known_since > since:
            return None
        try:
            spent = await self._async_use_file(self.file.spent_between, account_id, since, before)
        except DISK_ERRORS as err:
            self._note_failure(err)
            return None
        return PastSpending(log.state.currency, spent)

    # Writing

    async def async_write(self, change: ArchiveChange) -> None:
        """Write a change of an account, even if the caller is cancelled in the meantime."""
        if self.loaded:
            self._waiting.append(partial(ArchiveFile.write, change=change))
        elif change.reported is not None:
            self._reported_before_load.add(change.reported)
        await self._async_flush_now()

    async def async_write_notes(
        self, account_id: str, transaction_id: str, notes: str | None
    ) -> None:
        """Write notes that the user has changed; see `ArchiveFile.write_notes`."""
        self._waiting.append(
            partial(
                ArchiveFile.write_notes,
                account_id=account_id,
                transaction_id=transaction_id,
                notes=notes,
            )
        )
        await self._async_flush_now()

    async def _async_flush_now(self) -> None:
        """Write all waiting operations, even if the caller is cancelled in the meantime."""
        await asyncio.shield(self._hass.async_create_task(self._async_flush()))

    async def async_note_unreadable(self, account_id: str, span: Span) -> None:
        """Record that a span was read, but contains a transaction that could not be read.

        Reading it again helps only after a correction by the bank, or by a newer version.
        """
        self._unreadable[account_id] = self.unreadable_spans(account_id).with_span(*span)
        self._waiting.append(partial(ArchiveFile.note_unreadable, account_id=account_id, span=span))
        await self._async_flush()

    async def async_wait_for_write(self) -> None:
        """Write all waiting operations, because Home Assistant is stopping."""
        self._async_end_hold()
        self._failed_at = -math.inf
        await self._async_flush()

    async def async_forget(self, entry_id: str, keep: Collection[str]) -> list[str]:
        """Forget the accounts that a removed config entry read last; return their IDs.

        The accounts in `keep` are kept. If no account is left, the file is deleted.
        """
        forgotten = [
            account_id
            for account_id, log in self.logs.items()
            if log.state.entry_id == entry_id and account_id not in keep
        ]
        for account_id in forgotten:
            del self.logs[account_id]
            self._unreadable.pop(account_id, None)
            self._waiting.append(partial(ArchiveFile.forget_account, account_id=account_id))
        # A file that has not been loaded may contain accounts of other entries.
        if self.logs or (keep and not self.loaded):
            await self._async_flush()
            return forgotten
        async_delete_archive_issues(self._hass)
        self._failing = False
        self._waiting = []
        await self._old_store.async_remove()
        try:
            await self._hass.async_add_executor_job(self.file.delete)
        except OSError as err:
            _LOGGER.warning("Could not delete the archive of transactions: %s", err.strerror)
        return forgotten

    async def _async_flush(self) -> None:
        """Write all waiting operations, unless a backup is copying the file."""
        if (self.loaded and not self._waiting) or not self._released.is_set():
            return
        # Waiting for a locked file takes time, and must not delay each report.
        if monotonic() - self._failed_at < _RETRY_AFTER.total_seconds():
            return
        try:
            await self._async_load_logs()
            if self._waiting:
                await self._async_use_file(self._write_waiting)
        except DISK_ERRORS as err:
            self._note_failure(err)
        except Exception:
            # A defect must not stop all reads. Repeating the operation would only repeat the
            # defect.
            _LOGGER.exception("Unexpected error while writing the archive of transactions")
            self._waiting = []
        else:
            self._note_success()
            for listener in tuple(self._listeners):
                listener()

    def _write_waiting(self) -> None:
        self.file.run(self._waiting)

    def _note_replaced(self, reason: SetAside) -> None:
        """Write the known transactions to the new file, so that none of them is reported again."""
        _LOGGER.error("The archive of transactions was set aside, because it is %s", reason)
        async_create_archive_issue(self._hass, ArchiveIssue.SET_ASIDE, self.file.path_aside)
        imports = (_importing(id_, log) for id_, log in self.logs.items())
        self._waiting = [*imports, *self._waiting]
        self._unreadable.clear()
        for log in self.logs.values():
            log.spans = Spans()

    def _note_failure(self, err: Exception) -> None:
        self._failed_at = monotonic()
        if self._failing:
            return
        self._failing = True
        reason = getattr(err, "sqlite_errorname", None) or type(err).__name__
        _LOGGER.error("Could not write the archive of transactions: %s", reason)
        async_create_archive_issue(self._hass, ArchiveIssue.NOT_WRITABLE, self.file.path)

    def _note_success(self) -> None:
        if self._failing:
            self._failing = False
            _LOGGER.info("The archive of transactions can be written again")
            async_delete_archive_issues(self._hass, (ArchiveIssue.NOT_WRITABLE,))

    async def async_shorten(self, entry_id: str, retention: Retention, now: datetime) -> None:
        """Delete transactions of a config entry that the user no longer wants to keep."""
        logs = {id_: log for id_, log in self.logs.items() if log.state.entry_id == entry_id}
        horizon = retention.horizon(now)
        for log in logs.values():
            if not retention.keeps_history:
                log.spans = Spans()
            elif horizon is not None:
                log.spans = log.spans.since(horizon)
        self._waiting.append(
            partial(ArchiveFile.shorten, account_ids=tuple(logs), retention=retention, now=now)
        )
        await self._async_flush()

    # Reading

    def kept_spans(self, account_id: str) -> Spans:
        """Return the spans that the archive covers completely, if it can be read now.

        Transactions are as the bank listed them when their time was last read.
        """
        log = self.logs.get(account_id)
        return Spans() if log is None or self.state != "ok" else log.spans

    def unreadable_spans(self, account_id: str) -> Spans:
        """Return the spans that were read, but contain a transaction that could not be read."""
        return self._unreadable.get(account_id, Spans())

    def kept_since(self, account_id: str, until: datetime | None) -> datetime | None:
        """Return the start of the time that the archive covers until a moment, or the last read.

        Return None if it does not cover the time just before the end.
        """
        spans = self.kept_spans(account_id)
        end = spans.end
        return spans.start_of(end if until is None or end is None else min(end, until))

    async def async_find(
        self,
        query: ArchiveQuery,
        matches: Callable[[TransactionRecord], bool] = lambda _record: True,
        limit: int | None = None,
    ) -> list[TransactionRecord]:
        """Return transactions, newest first. Raises one of DISK_ERRORS."""
        await self._async_flush()
        return await self._async_use_file(self.file.find, query, matches, limit)

    async def async_spending(
        self, query: ArchiveQuery, by: SpendingGroup
    ) -> list[tuple[str, int, int]]:
        """Return the spending by group; see `ArchiveFile.spending`. Raises one of DISK_ERRORS."""
        await self._async_flush()
        return await self._async_use_file(self.file.spending, query, by)

    async def async_read[*Arguments, Result](
        self, function: Callable[[ArchiveFile, *Arguments], Result], *arguments: *Arguments
    ) -> Result:
        """Call a function that reads the file in the executor; raises one of DISK_ERRORS."""
        await self._async_flush()
        return await self._async_use_file(function, self.file, *arguments)

    async def async_created(self, account_id: str, transaction_id: str) -> datetime | None:
        """Return the time of a transaction, if it is kept. Raises one of DISK_ERRORS."""
        return await self._async_use_file(self.file.created, account_id, transaction_id)

    @callback
    def async_add_listener(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call a function after each write; return the function that stops this."""
        self._listeners.append(listener)
        return partial(self._listeners.remove, listener)

    async def async_changed_records(
        self,
        account_id: str,
        since: datetime,
        revision: int,
        use: Callable[[TransactionRecord], object],
    ) -> int | None:
        """Pass on changed transactions in the executor, and return the newest revision.

        See `ArchiveFile.changed_records`. None if reading fails.
        """
        await self._async_flush()
        try:
            return await self._async_use_file(
                self.file.changed_records, account_id, since, revision, use
            )
        except DISK_ERRORS as err:
            self._note_failure(err)
            return None

    async def async_revisions(self, account_ids: Iterable[str]) -> dict[str, int]:
        """Return the newest revision of each account's transactions. Raises one of DISK_ERRORS.

        Each write that changes transactions creates a new revision.
        """
        return await self._async_use_file(self.file.revisions, account_ids)

    # Backups

    async def async_hold(self) -> None:
        """Write nothing to the file until `async_release`, because a backup copies it.

        Transactions are still reported. If a write takes too long, this does not wait for its end,
        because the backup is more important.
        """
        self._released.clear()
        self._cancel_hold = async_call_later(
            self._hass,
            _HELD_AT_MOST,
            HassJob(self._async_release_late, cancel_on_shutdown=True),
        )
        try:
            async with asyncio.timeout(_HOLD_WITHIN.total_seconds()):
                await self._hass.async_add_executor_job(self.file.wait_until_idle)
        except TimeoutError:
            _LOGGER.warning("A backup begins while the archive of transactions is being written")

    async def async_release(self) -> None:
        """Resume writing, because the backup has ended."""
        self._async_end_hold()
        await self._async_flush()

    async def _async_release_late(self, _now: datetime) -> None:
        await self.async_release()

    @callback
    def _async_end_hold(self) -> None:
        self._released.set()
        if self._cancel_hold is not None:
            self._cancel_hold()
            self._cancel_hold = None

    # Health

    async def async_health(self) -> dict[str, Any]:
        """Return counts, the size and the state for diagnostics and system health."""
        counts: dict[str, float] = {}
        with suppress(*DISK_ERRORS):
            # Without accounts there is no file, and a query would create it.
            counts = await self._async_use_file(self.file.counts) if self.logs else {}
        return {**counts, "state": self.state, "waiting": len(self._waiting)}

    @property
    def state(self) -> str:
        """Whether the file can be written: `ok`, `failing`, or `paused` during a backup."""
        if not self._released.is_set():
            return "paused"
        return "failing" if self._failing else "ok"


def _importing(account_id: str, log: TransactionLog) -> _Operation:
    """Return the operation that writes all known transactions of an account."""
    return partial(
        ArchiveFile.write_known,
        account_id=account_id,
        state=log.state,
        known=tuple(log.known.items()),
    )


async def async_get_archive(hass: HomeAssistant, now: datetime) -> Archive:
    """Return the archive, which is the same object until Home Assistant stops.

    Therefore a transaction is known as soon as it is published, even if its config entry is
    reloaded before the transaction is written. `now` is the time at the bank.
    """

    async def load() -> Archive:
        return await Archive(hass).async_load(now)

    return await async_get_memory(hass).async_find_or_load(Archive, None, load)
