"""Keeps a bank and its sign-ins on disk, so that it opens where it closed."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
import pickle
from typing import Any

from sandbox.bank import Bank
from sandbox.household import Household
from sandbox.server import BankServer

# What is kept are objects of these modules, so it is worth nothing once one of them has changed.
_STORED_MODULES = ("bank.py", "behaviour.py", "household.py", "models.py", "oauth.py", "shops.py")

# What a bank and its sign-ins were given by the process they live in.
_PROCESS_ATTRIBUTES = frozenset({"clock", "_listeners", "_clock", "_behaviour", "_on_end"})


class BankStore:
    """A file that holds a household, its bank, and who is signed in."""

    def __init__(self, file: Path) -> None:
        """Keep things in this file."""
        self._file = file

    def load(self, bank: Bank) -> tuple[Household, Mapping[str, Any]] | None:
        """Fill an empty bank with what was kept; return its household and the sign-ins.

        None if nothing was kept, or by a version of the sandbox that is not this one.
        """
        if not self._file.exists():
            return None
        version, _, content = self._file.read_bytes().partition(b"\n")
        if version != _version():
            return None
        # Nobody writes this file but `keep`.
        ledger, household, sign_ins = pickle.loads(content)  # noqa: S301
        vars(bank).update(ledger)
        return Household(bank=bank, **household), sign_ins

    def save(self, household: Household, server: BankServer) -> None:
        """Write everything down; whatever was kept before stays until that is done."""
        members = {name: value for name, value in vars(household).items() if name != "bank"}
        content = pickle.dumps((_own(server.bank), members, _own(server.sign_ins)))
        draft = self._file.with_suffix(".new")
        draft.write_bytes(_version() + b"\n" + content)
        draft.replace(self._file)


def _own(thing: object) -> dict[str, Any]:
    return {name: value for name, value in vars(thing).items() if name not in _PROCESS_ATTRIBUTES}


def _version() -> bytes:
    folder = Path(__file__).parents[1]
    shapes = b"".join((folder / name).read_bytes() for name in _STORED_MODULES)
    return sha256(shapes).hexdigest().encode()
