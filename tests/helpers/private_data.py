"""Find private data in the log."""

from collections.abc import Iterable
import logging
import re

import pytest

from sandbox.bank import Bank

# Every ID of the bank: of people, accounts, pots, transactions, merchants and webhooks.
MONZO_ID = re.compile(r"\b(?:acc|grp|merch|p2p|pot|receipt|tx|user|webhook)_0000\w+")


def leaks(caplog: pytest.LogCaptureFixture, bank: Bank, *private: str) -> list[str]:
    """Return the lines of the log with an ID, a name or an amount of the bank, or other texts."""
    texts = {*_names(bank), *_balances(bank), *private}
    return [
        line
        for line in logged(caplog)
        if MONZO_ID.search(line) or any(text in line for text in texts)
    ]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log with tracebacks.

    At the level debug, Home Assistant itself logs actions and states, and its test helpers log the
    content of stored files.
    """
    formatter = logging.Formatter()
    return [
        formatter.format(record)
        for record in caplog.records
        if record.levelno > logging.DEBUG
        or not record.name.startswith(("homeassistant.core", "pytest_homeassistant"))
    ]


def _names(bank: Bank) -> Iterable[str]:
    for person in bank.people.values():
        yield from (person.name, person.first_name)
    for pot in bank.pots.values():
        yield pot.name


def _balances(bank: Bank) -> Iterable[str]:
    for balance in (it.balance for its in (bank.accounts, bank.pots) for it in its.values()):
        # Shorter numbers are also parts of times.
        if balance > 99_99:
            yield from (f"{balance / 100:.2f}", str(balance))
