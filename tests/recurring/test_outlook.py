"""The outlook of accounts: pots that pay bills, and the pay days of people and joint accounts."""

from dataclasses import replace
from datetime import date, timedelta

from custom_components.monzo.api import Money
from custom_components.monzo.recurring.corrections import Correction
from custom_components.monzo.recurring.outlook import (
    AccountOutlook,
    account_outlook,
    person_outlook,
)
from custom_components.monzo.recurring.pay_day import PayDayBasis, PayDayRule
from custom_components.monzo.recurring.position import Position
from custom_components.monzo.transactions import TransactionKind, TransactionRecord

from .households import Row, following, monthly, preceding
from .payments import DEBIT, INCOME, OUT, POT, find_payments, record_of, rows, same, until

BEGIN = date(2025, 1, 1)
TODAY = date(2026, 1, 20)
DETECTED = PayDayRule()


def records(
    rows: list[Row], *, received: bool = True, pot: str | None = None
) -> list[TransactionRecord]:
    """Return rows as the archive keeps them."""
    return [record_of(row, received=received, pot=pot) for row in rows]


def salary(*, received: bool = True) -> list[TransactionRecord]:
    days = until(monthly(BEGIN, 28, preceding), TODAY)
    return records(rows(days, same(265_000), INCOME, "Employer"), received=received)


def shares() -> list[TransactionRecord]:
    """Return what the owners of a joint account pay into it from their own accounts."""
    days = until(monthly(BEGIN, 26, following), TODAY)
    return records(rows(days, same(105_000), INCOME, "Ann Archer"), received=False)


def position(past: list[TransactionRecord], *, pots: dict[str, Money] | None = None) -> Position:
    """Return the position of an account with £1,000."""
    found = find_payments(past, TODAY)
    assert found is not None
    balance = Money.from_minor(100_000, "GBP")
    return Position(balance=balance, pots=pots or {}, found=found, is_consistent=True)


def outlook(
    first: Position,
    *others: Position,
    rule: PayDayRule = DETECTED,
    is_joint: bool = False,
) -> AccountOutlook:
    """Return the outlook of the first account of a person."""
    accounts = {f"acc_{number}": each for number, each in enumerate((first, *others))}
    person = person_outlook(accounts, rule, TODAY)
    return account_outlook(first, person=person, is_joint=is_joint)


def test_a_salary_in_one_account_sets_the_pay_day_of_all() -> None:
    bills = records(rows(until(monthly(BEGIN, 5, following), TODAY), same(-3_000), DEBIT, "Water"))
    assert outlook(position(bills), position(salary())).pay_day == date(2026, 1, 28)


def test_a_joint_account_has_the_day_on_which_its_owners_pay_into_it() -> None:
    assert outlook(position(shares()), position(salary()), is_joint=True).pay_day == date(
        2026, 1, 26
    )
    # In an account of one person, such transfers are no income.
    assert outlook(position(shares()), position(salary())).pay_day == date(2026, 1, 28)


def test_nothing_is_foreseen_while_a_bill_or_the_pay_may_be_among_unknown_transactions() -> None:
    bills = records(rows(until(monthly(BEGIN, 5, following), TODAY), same(-3_000), DEBIT, "Water"))
    known, unknown = position(bills), replace(position(salary()), is_consistent=False)
    uncertain = outlook(unknown, known)
    assert (uncertain.pay_day, uncertain.left, uncertain.lowest) == (None, None, None)
    # The pay may have come into the other account.
    assert outlook(known, unknown).pay_day is None
    # Later payments are still expected.
    assert uncertain.expected_from == TODAY + timedelta(days=1)
    chosen = PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=22)
    assert outlook(known, unknown, rule=chosen).pay_day == date(2026, 1, 22)
    # An account without pay says nothing about the pay day.
    assert outlook(position(salary()), replace(known, is_consistent=False)).pay_day is not None


def test_a_pay_day_that_was_chosen_counts_for_all_accounts() -> None:
    rule = PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=22)
    assert outlook(
        position(shares()), position(salary()), rule=rule, is_joint=True
    ).pay_day == date(2026, 1, 22)


def test_transfers_between_own_accounts_are_no_pay() -> None:
    result = outlook(position(salary(received=False)))
    assert result.pay_day is None
    assert result.left is None
    assert result.lowest is None
    assert result.shortfall is None


def test_a_pot_pays_a_bill_if_the_amount_left_it_at_the_same_time() -> None:
    bills = rows(until(monthly(BEGIN, 21, following), TODAY), same(-3_100), DEBIT, "Water")
    paid = [
        replace(
            row,
            id=f"{row.id}_pot",
            minor=-row.minor,
            kind=TransactionKind.POT_WITHDRAWAL,
            created=row.created - timedelta(seconds=1),
            payee=None,
        )
        for row in bills
    ]
    past = [*salary(), *records(bills), *records(paid, pot="pot_bills")]
    pots = {"pot_bills": Money.from_minor(1_000, "GBP")}
    with_pot = outlook(position(past, pots=pots))
    assert with_pot.left is not None
    # The pot holds £10 of the £31.
    assert with_pot.left.amount == Money.from_minor(97_900, "GBP")
    without_pot = outlook(position([*salary(), *records(bills)], pots=pots))
    assert without_pot.left is not None
    assert without_pot.left.amount == Money.from_minor(96_900, "GBP")


def test_a_standing_order_into_a_pot_costs_the_account_its_amount() -> None:
    deposits = rows(until(monthly(BEGIN, 26, following), TODAY), same(-15_000), POT, None)
    result = outlook(position([*salary(), *records(deposits, pot="pot_holiday")]))
    assert result.left is not None
    assert result.left.upcoming == Money.from_minor(15_000, "GBP")


def test_a_standing_order_into_a_pot_has_the_name_of_the_pot() -> None:
    deposits = rows(until(monthly(BEGIN, 26, following), TODAY), same(-15_000), POT, None)
    found = find_payments([*salary(), *records(deposits, pot="pot_holiday")], TODAY)
    assert found
    names = {"pot_holiday": "Holiday", "pot_bills": "Bills"}
    assert {payment.payee for payment in found.named(names).payments} == {"Employer", "Holiday"}


def test_the_forecast_ends_below_zero_if_the_bills_are_too_high() -> None:
    rent = rows(until(monthly(BEGIN, 22, following), TODAY), same(-110_000), DEBIT, "Rent")
    result = outlook(position([*salary(), *records(rent)]))
    assert result.shortfall is not None
    assert result.shortfall.day == date(2026, 1, 22)


def test_a_short_history_has_no_outlook() -> None:
    days = until(monthly(date(2025, 12, 1), 5, following), TODAY)
    assert find_payments(records(rows(days, same(-3_000), DEBIT, "Water")), TODAY) is None
    assert find_payments([], TODAY) is None


def test_a_proposal_counts_when_it_is_confirmed() -> None:
    days = until(monthly(date(2025, 11, 1), 3, following), TODAY)
    rent = records(rows(days, same(-95_000), OUT, "Lena Landlord"))
    found = find_payments([*salary(), *rent], TODAY)
    assert found
    (proposal,) = found.proposals
    assert [it.payee for it in found.corrected({}, TODAY).payments] == ["Employer"]
    for confirmed, count in ((False, 1), (True, 2)):
        correction = replace(Correction.of(proposal), name="Rent", confirmed=confirmed)
        payments = found.corrected({proposal.key: correction}, TODAY).payments
        assert len(payments) == count
