from datetime import timedelta

from sandbox.bank import Bank
from sandbox.household import DAYS_OF_HISTORY, build_household
from sandbox.models import Account

from .clock import ManualClock


def test_the_household_has_accounts_of_every_type(bank: Bank) -> None:
    household = build_household(bank)
    assert [account.type for account in bank.accounts_of(household.ann)] == [
        "uk_retail",
        "uk_retail_joint",
        "uk_monzo_flex",
        "uk_rewards",
        "uk_prepaid",
        "uk_loan",
        "uk_monzo_flex_backing_loan",
    ]
    assert bank.accounts_of(household.ben) == [household.joint, household.bens]
    assert household.isa.isa
    assert household.rainy_day.locked
    assert household.coin_jar.round_up
    assert household.holiday.goal


def test_the_history_covers_the_last_two_months(bank: Bank, clock: ManualClock) -> None:
    household = build_household(bank)
    for account in (household.current, household.joint):
        transactions = bank.transactions(account.id)
        assert len(transactions) > DAYS_OF_HISTORY
        assert transactions[0].created > clock.now - timedelta(days=DAYS_OF_HISTORY + 1)
        assert transactions[-1].created <= clock.now
    schemes = {transaction.scheme for transaction in bank.transactions(household.current.id)}
    assert schemes == {"mastercard", "payport_faster_payments", "uk_retail_pot"}


def test_no_balance_was_ever_negative(bank: Bank) -> None:
    household = build_household(bank)

    def poorest(account: Account) -> int:
        transactions = [
            transaction
            for transaction in bank.transactions(account.id)
            if not transaction.decline_reason
        ]
        balance = lowest = account.balance
        for transaction in reversed(transactions):
            balance -= transaction.amount
            lowest = min(lowest, balance)
        return lowest

    assert all(
        poorest(account) > 0 for account in (household.current, household.joint, household.bens)
    )
    assert all(pot.balance >= 0 for pot in bank.pots.values())
