"""Keeping a bank from one start of the demo to the next."""

from pathlib import Path

import pytest

from sandbox import vault as keeping
from sandbox.bank import Bank
from sandbox.home import build_home
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, BankServer
from sandbox.vault import Vault

from .program import Clock


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Return a vault with nothing in it."""
    return Vault(tmp_path / "bank")


def test_a_new_vault_is_empty(vault: Vault, bank: Bank) -> None:
    assert vault.open(bank) is None


def test_a_bank_opens_with_what_it_had_and_goes_on(vault: Vault, bank: Bank, clock: Clock) -> None:
    home = build_home(bank)
    payment = bank.pay(home.current.id, -450, merchant="Copper Kettle")
    vault.keep(home, BankServer(bank))

    again = Bank(clock)
    opened = vault.open(again)
    assert opened is not None
    assert opened[0].current is again.accounts[home.current.id]
    assert again.balance(home.current.id) == bank.balance(home.current.id)
    assert again.transactions(home.current.id)[-1].amount in {payment.amount, -50}
    assert again.pay(home.current.id, -100).id not in {
        row.id for row in bank.transactions(home.current.id)
    }


def test_a_sign_in_is_still_good(vault: Vault, bank: Bank, clock: Clock) -> None:
    home, server = build_home(bank), BankServer(bank)
    tokens = server.sign_in(home.ann)
    vault.keep(home, server)

    again = Bank(clock)
    opened = vault.open(again)
    assert opened is not None
    later = BankServer(again)
    vars(later.sign_ins).update(opened[1])
    grant = later.sign_ins.whose(f"Bearer {tokens['access_token']}")
    assert grant.person == home.ann
    refreshed = later.sign_ins.token(
        {
            "grant_type": "refresh_token",
            "client_id": DEFAULT_CLIENT_ID,
            "client_secret": DEFAULT_CLIENT_SECRET,
            "refresh_token": str(tokens["refresh_token"]),
        }
    )
    assert refreshed["user_id"] == home.ann.user_id


def test_what_another_version_kept_is_not_opened(
    vault: Vault, bank: Bank, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.keep(build_home(bank), BankServer(bank))
    monkeypatch.setattr(keeping, "_SHAPES", ("life.py",))
    assert vault.open(Bank(clock)) is None
