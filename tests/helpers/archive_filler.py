"""Fills the archive with the past of accounts, which the bank no longer shows to programs."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.monzo.api import Transaction
from custom_components.monzo.transactions import (
    KEPT_FOR,
    TransactionRecord,
    async_get_archive,
)
from custom_components.monzo.transactions.archive_change import ArchiveChange
from custom_components.monzo.transactions.spans import Spans
from custom_components.monzo.transactions.transaction_log import ReadState
from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.models import Account
from sandbox.serializers import transaction_json


def records_of(bank: Bank, account: Account) -> list[TransactionRecord]:
    """Return the records of all transactions of an account."""
    return [
        TransactionRecord.of(
            Transaction.from_json(transaction_json(transaction, expand_merchant=True)),
            account_id=account.id,
            own_transfer=False,
        )
        for transaction in bank.transactions(account.id)
    ]


async def fill_archive(
    hass: HomeAssistant,
    bank: Bank,
    entry: ConfigEntry,
    accounts: Iterable[Account],
    *,
    since: datetime | None = None,
) -> None:
    """Write the transactions of accounts into the archive: all, or those since a moment."""
    now = dt_util.utcnow()
    archive = await async_get_archive(hass, now)
    for account in accounts:
        state = ReadState(entry_id=entry.entry_id, currency=account.currency, read_until=now)
        await archive.async_write(
            ArchiveChange(
                account_id=account.id,
                state=state,
                spans=Spans([(since or account.created, now)]),
                records=[
                    it for it in records_of(bank, account) if since is None or it.created >= since
                ],
            )
        )
    loaded = await hass.async_add_executor_job(archive.file.load_logs, now - KEPT_FOR)
    for account in accounts:
        archive.logs[account.id] = loaded[account.id]


async def give_history(hass: HomeAssistant, home: Household, entry: ConfigEntry) -> None:
    """Reload an entry with more than two months of history, and a pay day."""
    long_ago = dt_util.utcnow() - timedelta(days=70)
    home.bank.pay(home.current.id, -500, pending=False, at=long_ago)
    # The balance that was read already contains it.
    home.current.balance += 500
    options = {"keep_transactions": "everything", "pay_day": "last_working_day"}
    hass.config_entries.async_update_entry(entry, options=options)
    await fill_archive(hass, home.bank, entry, [home.current])
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
