"""Pay day, by detected income or by choice."""

from datetime import date, timedelta

import pytest

from custom_components.monzo.recurring.detection import RecurringPayment, detect
from custom_components.monzo.recurring.pay_day import (
    PayDayBasis,
    PayDayRule,
    PayDays,
    days_to,
    main_incomes,
    monthly_minor,
    next_pay_day,
)

from .households import following, monthly, preceding, weekly
from .payments import CARD, DEBIT, INCOME, only, rows, same, until

BEGIN = date(2024, 1, 1)
TODAY = date(2026, 1, 20)
DETECTED = PayDayRule()


def incomes() -> list[RecurringPayment]:
    """Return two salaries and child benefit."""
    return detect(
        rows(until(monthly(BEGIN, 28, preceding), TODAY), same(265_000), INCOME, "Harbour Design")
        + rows(until(monthly(BEGIN, 24, preceding), TODAY), same(231_500), INCOME, "City Trams")
        + rows(
            until(weekly(date(2024, 1, 2), 4, preceding), TODAY),
            same(10_240),
            INCOME,
            "Child Benefit",
        ),
        TODAY,
    )


def test_salaries_are_main_incomes_and_child_benefit_is_not() -> None:
    assert {it.payee for it in main_incomes(incomes())} == {"Harbour Design", "City Trams"}


def test_the_next_of_two_salaries_is_the_pay_day() -> None:
    # The 24th is a Saturday.
    assert next_pay_day(DETECTED, incomes(), TODAY) == date(2026, 1, 23)


def test_without_income_the_pay_day_is_unknown() -> None:
    bill = only(rows(until(monthly(BEGIN, 1, following), TODAY), same(-900), DEBIT, "Water"), TODAY)
    assert next_pay_day(DETECTED, [bill], TODAY) is None
    assert days_to(None, TODAY) is None


@pytest.mark.parametrize(
    ("rule", "today", "pay_day"),
    [
        # The 25th of January 2026 is a Sunday.
        (PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=25), TODAY, date(2026, 1, 23)),
        # On the pay day itself, the money has come.
        (PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=25), date(2026, 1, 23), date(2026, 2, 25)),
        (PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=25), date(2026, 1, 24), date(2026, 2, 25)),
        (PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=31), date(2026, 2, 1), date(2026, 2, 27)),
        # The 1st of February is a Sunday, so the money comes in January.
        (PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=1), TODAY, date(2026, 1, 30)),
        (PayDayRule(basis=PayDayBasis.LAST_WORKING_DAY), TODAY, date(2026, 1, 30)),
        (PayDayRule(basis=PayDayBasis.LAST_WORKING_DAY), date(2026, 1, 31), date(2026, 2, 27)),
    ],
)
def test_a_person_may_choose_the_pay_day(rule: PayDayRule, today: date, pay_day: date) -> None:
    assert next_pay_day(rule, [], today) == pay_day


@pytest.mark.parametrize("day", [None, 0, 32])
def test_a_day_that_no_month_has_is_refused(day: int | None) -> None:
    with pytest.raises(ValueError, match="1 to 31"):
        PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=day)


def test_the_days_to_pay_day_are_counted() -> None:
    assert days_to(date(2026, 1, 23), TODAY) == 3


def test_amounts_are_compared_by_month() -> None:
    weeks = rows(until(weekly(date(2024, 1, 5), 1, preceding), TODAY), same(-1_200), CARD)
    quarters = rows(until(monthly(BEGIN, 9, following, step=3), TODAY), same(-9_000), DEBIT, "Q")
    assert {it.payee: monthly_minor(it) for it in detect(weeks + quarters, TODAY)} == {
        # 365.25 days a year, so 4.35 weeks a month
        "Streamly": -5_218,
        "Q": -3_000,
    }


# Pay days, also of the past


def test_a_detected_pay_day_is_the_day_on_which_the_money_came() -> None:
    pay_days = PayDays.of(DETECTED, incomes(), TODAY)
    # Both salaries came on Christmas Eve.
    assert pay_days.after(date(2025, 12, 1)) == date(2025, 12, 24)
    assert pay_days.after(TODAY) == date(2026, 1, 23)


def test_a_pay_day_without_money_is_a_day_away_until_it_comes() -> None:
    paid = rows(until(monthly(BEGIN, 28, preceding), date(2026, 1, 20)), same(265_000), INCOME)

    def pay_days(today: date) -> PayDays:
        return PayDays.of(DETECTED, detect(paid, today), today)

    for overdue in (date(2026, 1, 27), date(2026, 1, 28)):
        assert pay_days(overdue).after(overdue - timedelta(days=1)) == max(
            date(2026, 1, 28), overdue + timedelta(days=1)
        )


def test_a_chosen_pay_day_needs_no_income() -> None:
    rule = PayDayRule(basis=PayDayBasis.LAST_WORKING_DAY)
    pay_days = PayDays.of(rule, (), TODAY)
    assert pay_days.after(date(2025, 12, 30)) == date(2025, 12, 31)
    assert pay_days.after(date(2025, 12, 31)) == date(2026, 1, 30)


def test_without_income_no_pay_day_is_known() -> None:
    assert PayDays.of(DETECTED, (), TODAY).after(TODAY) is None
