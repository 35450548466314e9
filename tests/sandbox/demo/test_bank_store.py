"""Storing a bank between two starts of the demo."""

from pathlib import Path

import pytest

from sandbox.bank import Bank
from sandbox.demo import bank_store
from sandbox.demo.bank_store import BankStore
from sandbox.household import build_household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from tests.sandbox.clock import ManualClock


@pytest.fixture
def store(tmp_path: Path) -> BankStore:
    """Return an empty store."""
    return BankStore(tmp_path / "bank")


def test_a_new_store_is_empty(store: BankStore, bank: Bank) -> None:
    assert store.load(bank) is None


def test_a_loaded_bank_continues_with_the_stored_data(
    store: BankStore, bank: Bank, clock: ManualClock
) -> None:
    household = build_household(bank)
    payment = bank.pay(household.current.id, -450, merchant="Copper Kettle")
    store.save(household, BankServer(bank))

    loaded_bank = Bank(clock)
    loaded = store.load(loaded_bank)
    assert loaded is not None
    assert loaded[0].current is loaded_bank.accounts[household.current.id]
    assert loaded_bank.balance(household.current.id) == bank.balance(household.current.id)
    assert loaded_bank.transactions(household.current.id)[-1].amount in {payment.amount, -50}
    assert loaded_bank.pay(household.current.id, -100).id not in {
        transaction.id for transaction in bank.transactions(household.current.id)
    }


def test_a_loaded_sign_in_is_still_valid(store: BankStore, bank: Bank, clock: ManualClock) -> None:
    household, server = build_household(bank), BankServer(bank)
    tokens = server.sign_in(household.ann)
    store.save(household, server)

    loaded_bank = Bank(clock)
    loaded = store.load(loaded_bank)
    assert loaded is not None
    later = BankServer(loaded_bank)
    vars(later.sign_ins).update(loaded[1])
    grant = later.sign_ins.authenticate(f"Bearer {tokens['access_token']}")
    assert grant.person == household.ann
    refreshed = later.sign_ins.token(
        {
            "grant_type": "refresh_token",
            "client_id": DEFAULT_CLIENT_ID,
            "client_secret": DEFAULT_CLIENT_SECRET,
            "refresh_token": str(tokens["refresh_token"]),
        }
    )
    assert refreshed["user_id"] == household.ann.user_id


def test_a_file_of_another_version_is_ignored(
    store: BankStore, bank: Bank, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(build_household(bank), BankServer(bank))
    monkeypatch.setattr(bank_store, "_STORED_MODULES", ("faults.py",))
    assert store.load(Bank(clock)) is None
