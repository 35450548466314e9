"""Keeping a bank from one start of the demo to the next."""

from pathlib import Path

import pytest

from sandbox.bank import Bank
from sandbox.demo import bank_store
from sandbox.demo.bank_store import BankStore
from sandbox.household import build_household
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from tests.sandbox.api_client import ManualClock


@pytest.fixture
def store(tmp_path: Path) -> BankStore:
    """Return a store with nothing in it."""
    return BankStore(tmp_path / "bank")


def test_a_new_vault_is_empty(store: BankStore, bank: Bank) -> None:
    assert store.load(bank) is None


def test_a_bank_opens_with_what_it_had_and_goes_on(
    store: BankStore, bank: Bank, clock: ManualClock
) -> None:
    household = build_household(bank)
    payment = bank.pay(household.current.id, -450, merchant="Copper Kettle")
    store.save(household, BankServer(bank))

    again = Bank(clock)
    opened = store.load(again)
    assert opened is not None
    assert opened[0].current is again.accounts[household.current.id]
    assert again.balance(household.current.id) == bank.balance(household.current.id)
    assert again.transactions(household.current.id)[-1].amount in {payment.amount, -50}
    assert again.pay(household.current.id, -100).id not in {
        transaction.id for transaction in bank.transactions(household.current.id)
    }


def test_a_sign_in_is_still_good(store: BankStore, bank: Bank, clock: ManualClock) -> None:
    household, server = build_household(bank), BankServer(bank)
    tokens = server.sign_in(household.ann)
    store.save(household, server)

    again = Bank(clock)
    opened = store.load(again)
    assert opened is not None
    later = BankServer(again)
    vars(later.sign_ins).update(opened[1])
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


def test_what_another_version_kept_is_not_opened(
    store: BankStore, bank: Bank, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(build_household(bank), BankServer(bank))
    monkeypatch.setattr(bank_store, "_STORED_MODULES", ("faults.py",))
    assert store.load(Bank(clock)) is None
