"""Stores the demo's bank and its sign-ins in a file, so that the next start continues with them."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
import pickle
from typing import Any

from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import BankServer

# The file holds objects of these modules. It is ignored once one of the modules has changed.
_STORED_MODULES = ("bank.py", "behaviour.py", "household.py", "models.py", "oauth.py", "shops.py")

# Attributes that belong to the running process, so they are not stored.
_PROCESS_ATTRIBUTES = frozenset({"clock", "_listeners", "_clock", "_behaviour", "_on_end"})


class BankStore:
    """A file that holds a household, its bank and the sign-ins."""

    def __init__(self, file: Path) -> None:
        """Initialize the store with its file."""
        self._file = file

    def load(self, bank: Bank) -> tuple[Household, Mapping[str, Any]] | None:
        """Load the stored data into an empty bank; return the household and the sign-ins.

        Returns None if there is no file, or if another version of the sandbox wrote it.
        """
        if not self._file.exists():
            return None
        version, _, content = self._file.read_bytes().partition(b"\n")
        if version != _version():
            return None
        # Safe to unpickle, because only `save` writes this file.
        ledger, household, sign_ins = pickle.loads(content)  # noqa: S301
        vars(bank).update(ledger)
        return Household(bank=bank, **household), sign_ins

    def save(self, household: Household, server: BankServer) -> None:
        """Store everything; the earlier file stays until the new one is complete."""
        members = {name: value for name, value in vars(household).items() if name != "bank"}
        content = pickle.dumps(
            (_stored_attributes(server.bank), members, _stored_attributes(server.sign_ins))
        )
        new_file = self._file.with_suffix(".new")
        new_file.write_bytes(_version() + b"\n" + content)
        new_file.replace(self._file)


def _stored_attributes(instance: object) -> dict[str, Any]:
    return {
        name: value for name, value in vars(instance).items() if name not in _PROCESS_ATTRIBUTES
    }


def _version() -> bytes:
    folder = Path(__file__).parents[1]
    modules = b"".join((folder / name).read_bytes() for name in _STORED_MODULES)
    return sha256(modules).hexdigest().encode()
