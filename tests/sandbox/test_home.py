from datetime import timedelta

from sandbox.bank import Bank
from sandbox.home import DAYS_OF_HISTORY, build_home
from sandbox.records import Account

from .program import Clock


def test_a_household_with_accounts_of_every_type(bank: Bank) -> None:
    home = build_home(bank)
    assert [account.type for account in bank.accounts_of(home.ann)] == [
        "uk_retail",
        "uk_retail_joint",
        "uk_monzo_flex",
        "uk_rewards",
        "uk_prepaid",
        "uk_loan",
        "uk_monzo_flex_backing_loan",
    ]
    assert bank.accounts_of(home.ben) == [home.joint, home.bens]
    assert home.isa.isa
    assert home.rainy_day.locked
    assert home.coin_jar.round_up
    assert home.holiday.goal


def test_two_months_lie_behind_it_and_none_ahead(bank: Bank, clock: Clock) -> None:
    home = build_home(bank)
    for account in (home.current, home.joint):
        rows = bank.transactions(account.id)
        assert len(rows) > DAYS_OF_HISTORY
        assert rows[0].created > clock.now - timedelta(days=DAYS_OF_HISTORY + 1)
        assert rows[-1].created <= clock.now
    schemes = {row.scheme for row in bank.transactions(home.current.id)}
    assert schemes == {"mastercard", "payport_faster_payments", "uk_retail_pot"}


def test_nobody_has_less_than_nothing(bank: Bank) -> None:
    home = build_home(bank)

    def poorest(account: Account) -> int:
        rows = [row for row in bank.transactions(account.id) if not row.decline_reason]
        balance = lowest = account.balance
        for row in reversed(rows):
            balance -= row.amount
            lowest = min(lowest, balance)
        return lowest

    assert all(poorest(account) > 0 for account in (home.current, home.joint, home.bens))
    assert all(pot.balance >= 0 for pot in bank.pots.values())
