"""Budgets on a disk that fails, after the loss of the archive, and without the bank."""

from datetime import timedelta
from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR
import pytest

from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import Answer, BankServer
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.budgets import budget, with_budgets
from tests.helpers.restart import forget_process_memory
from tests.helpers.state_helpers import set_up, shown, value

A_POLL = timedelta(minutes=6)


def archive_path(hass: HomeAssistant) -> Path:
    return Path(hass.config.path(STORAGE_DIR, "monzo.archive.db"))


async def test_a_budget_is_unknown_while_the_disk_fails_and_right_afterwards(
    hass: HomeAssistant, home: Household, bank: Bank, sign_in: SignIn, advance_time: AdvanceTime
) -> None:
    entry = sign_in(home.ann, **with_budgets(budget(home.current, merchant="Tea House")))
    await set_up(hass, entry)
    (tea,) = entry.subentries
    bank.pay(home.current.id, -1_000, merchant="Tea House")
    await advance_time(A_POLL)
    assert value(hass, tea, "budget_spent") == "10.00"
    # SQLite cannot write without its journal, which cannot replace a folder.
    journal = archive_path(hass).with_name("monzo.archive.db-journal")
    journal.mkdir()
    bank.pay(home.current.id, -500, merchant="Tea House")
    await advance_time(A_POLL)
    assert value(hass, tea, "budget_spent") == "unknown"
    assert shown(hass, tea, "budget_left").attributes["reason"] == "archive_unreadable"
    assert value(hass, tea, "budget_limit", "number") == "300.0"
    journal.rmdir()
    await advance_time(A_POLL)
    await advance_time(A_POLL)
    assert value(hass, tea, "budget_spent") == "15.00"
    assert shown(hass, tea, "budget_left").attributes["reason"] is None


@pytest.mark.parametrize("lost", ["damaged while it is used", "damaged", "deleted"])
async def test_a_budget_counts_the_same_after_the_archive_was_replaced(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    lost: str,
) -> None:
    entry = sign_in(
        home.ann,
        **with_budgets(
            budget(home.current, title="Everything"),
            budget(home.current, title="Tea", merchant="Tea House"),
        ),
    )
    await set_up(hass, entry)
    everything, tea = entry.subentries
    bank.pay(home.current.id, -1_000, merchant="Tea House")
    await advance_time(A_POLL)
    before = float(value(hass, everything, "budget_spent"))

    if lost == "damaged while it is used":
        archive_path(hass).write_bytes(b"<html>" * 1_000)
    else:
        assert await hass.config_entries.async_unload(entry.entry_id)
        forget_process_memory(hass)
        if lost == "damaged":
            archive_path(hass).write_bytes(b"<html>" * 1_000)
        else:
            archive_path(hass).unlink()
        await set_up(hass, entry)
    bank.pay(home.current.id, -700, merchant="Tea House")
    for _poll in range(3):
        await advance_time(A_POLL)
    assert float(value(hass, everything, "budget_spent")) == pytest.approx(before + 7)
    # At night, the names are read again from the bank.
    await advance_time(timedelta(hours=10))
    await advance_time(A_POLL)
    assert value(hass, tea, "budget_spent") == "17.00"


async def test_a_budget_is_unknown_while_the_transactions_cannot_be_read(
    hass: HomeAssistant,
    home: Household,
    bank: Bank,
    server: BankServer,
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> None:
    entry = sign_in(home.ann, **with_budgets(budget(home.current, merchant="Tea House")))
    await set_up(hass, entry)
    (tea,) = entry.subentries
    assert value(hass, tea, "budget_spent") == "0.00"
    outage = server.fail("GET", "/transactions", Answer.html(502), times=None)
    bank.pay(home.current.id, -1_000, merchant="Tea House")
    for _poll in range(3):
        await advance_time(A_POLL)
    assert value(hass, tea, "budget_spent") == "unknown"
    assert shown(hass, tea, "budget_left").attributes["reason"] == "not_read"
    outage.clear()
    await advance_time(A_POLL)
    assert value(hass, tea, "budget_spent") == "10.00"
