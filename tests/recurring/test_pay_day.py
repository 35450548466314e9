"""Pay day, by detected income or by choice."""

from datetime import date

import pytest

from custom_components.monzo.recurring.detection import RecurringPayment, detect
from custom_components.monzo.recurring.pay_day import (
    PayDayBasis,
    PayDayRule,
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


def test_people_live_on_their_salaries_and_not_on_child_benefit() -> None:
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
