"""What is left to spend until pay day, by examples in pounds."""

from datetime import date

from custom_components.monzo.api import Money
from custom_components.monzo.recurring.detection import RecurringPayment, detect
from custom_components.monzo.recurring.forecast import forecast
from custom_components.monzo.recurring.left_to_spend import (
    LeftToSpend,
    left_to_spend,
    subscriptions_of,
)
from custom_components.monzo.recurring.upcoming import Pots

from .households import as_it_is, following, monthly, preceding
from .payments import DEBIT, INCOME, OUT, POT, rows, same, until

BEGIN = date(2024, 1, 1)
TODAY = date(2026, 1, 20)
PAY_DAY = date(2026, 1, 28)
NO_POTS = Pots(balances={}, by_payment={})


def pounds(amount: int) -> Money:
    return Money.from_minor(amount * 100, "GBP")


def payments(today: date = TODAY) -> list[RecurringPayment]:
    """Return a salary on the 28th, and payments around it."""

    def monthly_rows(day: int) -> list[date]:
        return until(monthly(BEGIN, day, following), today)

    return detect(
        rows(until(monthly(BEGIN, 28, preceding), today), same(265_000), INCOME, "Employer")
        + rows(monthly_rows(21), same(-4_000), DEBIT, "Broadband")
        + rows(monthly_rows(22), same(-30_000), OUT, "Landlord")
        + rows(monthly_rows(23), same(-10_000), POT, None, description="pot_bills")
        + rows(monthly_rows(26), same(-14_000), DEBIT, "Council Tax")
        + rows(monthly_rows(28), same(-5_000), DEBIT, "Gym")
        + rows(until(monthly(BEGIN, 27, as_it_is), today), same(-1_000)),
        today,
    )


def key_of(payee: str) -> str:
    return next(it.key for it in payments() if it.payee == payee)


def left(balance: int, pots: Pots = NO_POTS, pay_day: date | None = PAY_DAY) -> LeftToSpend:
    result = left_to_spend(pounds(balance), payments(), pay_day=pay_day, today=TODAY, pots=pots)
    assert result is not None
    return result


def test_payments_until_pay_day_are_not_left_to_spend() -> None:
    result = left(1_000)
    # Broadband, landlord, pot, council tax and Streamly; the gym is paid from the new salary.
    assert result.upcoming == pounds(40 + 300 + 100 + 140 + 10)
    assert result.amount == pounds(410)
    assert result.per_day == Money.from_minor(51_25, "GBP")
    assert result.is_exact
    assert [it.day.day for it in result.payments] == [21, 22, 23, 26, 27]


def test_the_amount_is_negative_if_payments_exceed_the_balance() -> None:
    result = left(500)
    assert result.amount == pounds(-90)
    assert result.per_day == pounds(0)


def test_a_pot_pays_its_bills_as_long_as_its_money_lasts() -> None:
    pots = Pots(
        balances={"pot_bills": pounds(15)},
        by_payment={key_of("Council Tax"): "pot_bills", key_of("pot_bills"): "pot_bills"},
    )
    # The pot holds £15, and the standing order adds £100. The account pays the other £25.
    assert left(1_000, pots).upcoming == pounds(40 + 300 + 100 + 25 + 10)


def test_a_pot_with_enough_money_costs_the_account_nothing() -> None:
    pots = Pots(
        balances={"pot_bills": pounds(500)}, by_payment={key_of("Council Tax"): "pot_bills"}
    )
    assert left(1_000, pots).upcoming == pounds(40 + 300 + 100 + 10)


def test_without_a_pay_day_the_amount_is_unknown() -> None:
    assert left_to_spend(pounds(1_000), payments(), pay_day=None, today=TODAY, pots=NO_POTS) is None


def test_on_a_late_pay_day_the_whole_amount_is_for_one_day() -> None:
    result = left(1_000, pay_day=TODAY)
    assert (result.amount, result.per_day) == (pounds(1_000), pounds(1_000))


def test_an_estimated_bill_makes_the_amount_inexact() -> None:
    days = until(monthly(BEGIN, 21, following), TODAY)
    energy = detect(
        rows(days, [-9_000 - 500 * (day.month % 5) for day in days], DEBIT, "Energy"), TODAY
    )
    result = left_to_spend(pounds(1_000), energy, pay_day=PAY_DAY, today=TODAY, pots=NO_POTS)
    assert result is not None
    assert not result.is_exact


def test_subscriptions_are_regular_card_payments() -> None:
    assert subscriptions_of(payments(), "GBP").per_month == pounds(10)
    assert subscriptions_of([], "GBP").per_month == pounds(0)


# Forecast


def test_a_forecast_has_the_balance_of_each_day() -> None:
    result = forecast(pounds(1_000), payments(), today=TODAY, days=10, pots=NO_POTS)
    assert [(it.day.day, it.balance) for it in result.days] == [
        (20, pounds(1_000)),
        (21, pounds(960)),
        (22, pounds(660)),
        (23, pounds(560)),
        (24, pounds(560)),
        (25, pounds(560)),
        (26, pounds(420)),
        (27, pounds(410)),
        (28, pounds(410 + 2_650 - 50)),
        (29, pounds(410 + 2_650 - 50)),
    ]
    assert (result.lowest.day, result.lowest.balance) == (date(2026, 1, 27), pounds(410))
    assert [it.payment.payee for it in result.days[6].payments] == ["Council Tax"]


def test_a_shortfall_is_the_first_day_below_a_limit() -> None:
    result = forecast(pounds(600), payments(), today=TODAY, days=10, pots=NO_POTS)
    assert result.shortfall(pounds(0)) is None
    day = result.shortfall(pounds(25))
    assert day is not None
    assert (day.day, day.balance) == (date(2026, 1, 26), pounds(20))
    with_overdraft = forecast(pounds(100), payments(), today=TODAY, days=10, pots=NO_POTS)
    assert with_overdraft.shortfall(pounds(-1_000)) is None


def test_a_forecast_repeats_payments_each_month() -> None:
    result = forecast(pounds(0), payments(), today=TODAY, days=365, pots=NO_POTS)
    rent = [it for day in result.days for it in day.payments if it.payment.payee == "Landlord"]
    assert len(rent) == 12
