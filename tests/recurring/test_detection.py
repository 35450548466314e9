"""Detection of recurring payments: stories, and households with a known truth."""

from collections.abc import Iterable
from datetime import date, time, timedelta
from itertools import islice
from random import Random

import pytest

from custom_components.monzo.recurring.detection import RecurringPayment, detect
from custom_components.monzo.transactions import TransactionKind

from .households import (
    Expected,
    HouseholdBuilder,
    Row,
    as_it_is,
    following,
    monthly,
    preceding,
    weekly,
)
from .payments import CARD, DEBIT, INCOME, OUT, POT, only, rows, same, until


def found(rows: list[Row], today: date) -> list[tuple[str, str, int, date]]:
    return [(it.payee, it.cadence, it.minor, it.next) for it in detect(rows, today)]


BEGIN = date(2024, 1, 1)
TODAY = date(2026, 1, 20)


# Days


def test_a_direct_debit_is_taken_on_the_next_working_day() -> None:
    days = until(monthly(BEGIN, 1, following), date(2026, 7, 10))
    payment = only(rows(days, same(-3_000), DEBIT, "Water"), date(2026, 7, 10))
    # The 1st of August is a Saturday.
    assert payment.next == date(2026, 8, 3)
    assert payment.cadence == "month"
    assert payment.direction == "out"
    assert payment.last == date(2026, 7, 1)
    assert payment.is_exact


def test_a_salary_is_paid_on_the_working_day_before() -> None:
    days = until(monthly(BEGIN, 25, preceding), date(2026, 10, 1))
    payment = only(rows(days, same(265_000), INCOME, "Employer"), date(2026, 10, 1))
    # The 25th of October is a Sunday.
    assert payment.next == date(2026, 10, 23)
    assert payment.direction == "in"
    assert payment.minor == 265_000


def test_a_salary_may_be_paid_on_the_last_working_day() -> None:
    days = until(monthly(BEGIN, 31, preceding), date(2026, 2, 1))
    payment = only(rows(days, same(265_000), INCOME, "Employer"), date(2026, 2, 1))
    assert payment.next == date(2026, 2, 27)


def test_a_salary_may_be_paid_on_the_last_friday() -> None:
    ends = until(monthly(BEGIN, 31, as_it_is), date(2026, 2, 1))
    days = [end - timedelta(days=(end.weekday() - 4) % 7) for end in ends]
    payment = only(rows(days, same(265_000), INCOME, "Employer"), date(2026, 2, 1))
    assert (payment.cadence, payment.next) == ("month", date(2026, 2, 27))


def test_a_person_who_always_paid_on_a_working_day_pays_on_the_next_one() -> None:
    # The 26th of April is a Sunday.
    days = until(monthly(date(2026, 1, 22), 26, following), date(2026, 4, 1))
    pay = only(
        rows(days, same(105_000), INCOME, "Harbour Design", payee_id="anonuser_1"), date(2026, 4, 1)
    )
    share = only(
        rows(days, same(105_000), INCOME, "Ann Archer", payee_id="user_1"), date(2026, 4, 1)
    )
    assert (pay.next, share.next) == (date(2026, 4, 24), date(2026, 4, 27))


def test_a_subscription_of_the_31st_is_charged_on_the_last_day_of_short_months() -> None:
    days = until(monthly(BEGIN, 31, as_it_is), date(2026, 1, 31))
    payment = only(rows(days, same(-1_299)), date(2026, 2, 1))
    assert payment.next == date(2026, 2, 28)


@pytest.mark.parametrize(("weeks", "cadence"), [(1, "week"), (2, "fortnight"), (4, "four_weeks")])
def test_wages_and_benefits_come_after_weeks(weeks: int, cadence: str) -> None:
    days = until(weekly(date(2024, 1, 5), weeks, preceding), TODAY)
    payment = only(rows(days, same(41_250), INCOME, "Employer"), TODAY)
    assert payment.cadence == cadence
    assert payment.next.weekday() == 4
    assert 0 < (payment.next - payment.last).days <= weeks * 7


@pytest.mark.parametrize("length", [30, 31])
def test_a_subscription_may_be_for_a_number_of_days(length: int) -> None:
    days = [date(2026, 6, 3) + timedelta(days=length * number) for number in range(5)]
    payment = only(rows(days, same(-1_499)), days[-1] + timedelta(days=5))
    assert payment.cadence == "month"
    assert payment.next == days[-1] + timedelta(days=length)


def test_three_payments_after_four_weeks_each_are_enough() -> None:
    days = [date(2026, 8, 20), date(2026, 9, 17), date(2026, 10, 15)]
    benefit = rows(days, same(10_240), INCOME, "Child Benefit")
    box = rows(days, same(-4_799), payee="Meal Box")
    assert found(benefit + box, date(2026, 10, 20)) == [
        ("Child Benefit", "four_weeks", 10_240, date(2026, 11, 12)),
        ("Meal Box", "four_weeks", -4_799, date(2026, 11, 12)),
    ]


def test_a_meter_is_read_some_days_earlier_or_later() -> None:
    days = [
        date(2025, 1, 22),
        date(2025, 4, 17),
        date(2025, 7, 18),
        date(2025, 10, 22),
        date(2026, 1, 21),
        date(2026, 4, 17),
        date(2026, 7, 20),
    ]
    amounts = (-8_190, -7_740, -9_915, -8_820, -8_105, -7_690, -9_640)
    payment = only(rows(days, amounts, DEBIT, "Water"), date(2026, 8, 1))
    assert payment.cadence == "quarter"
    assert abs((payment.next - date(2026, 10, 20)).days) <= 3


def test_quarterly_and_yearly_debits_are_found() -> None:
    quarterly = until(monthly(BEGIN, 14, following, step=3), TODAY)
    yearly = until(monthly(date(2024, 3, 1), 14, following, step=12), TODAY)
    assert found(
        rows(quarterly, same(-9_900), DEBIT, "Service Charge")
        + rows(yearly, (-18_640, -19_760), DEBIT, "Hearth Insurance"),
        TODAY,
    ) == [
        # The 14th of March is a Saturday.
        ("Hearth Insurance", "year", -19_760, date(2026, 3, 16)),
        ("Service Charge", "quarter", -9_900, date(2026, 4, 14)),
    ]


def test_days_are_dates_in_london() -> None:
    # Half past midnight in British summer time is still the day before in UTC.
    days = until(monthly(date(2025, 4, 1), 1, as_it_is), date(2025, 9, 1))
    payment = only(rows(days, same(-999), at=time(0, 30)), date(2025, 9, 2))
    assert (payment.last, payment.next) == (date(2025, 9, 1), date(2025, 10, 1))


def test_a_debit_moves_to_another_day_when_the_customer_chooses_one() -> None:
    days = [
        *until(monthly(BEGIN, 3, following), date(2025, 8, 30)),
        *until(monthly(date(2025, 9, 1), 20, following), TODAY),
    ]
    payment = only(rows(days, same(-2_500), DEBIT, "Gym"), TODAY)
    assert payment.next == date(2026, 2, 20)
    assert len(payment.occurrences) == len(days)


# Interruptions and ends


@pytest.mark.parametrize("today", [date(2026, 2, 10), date(2026, 3, 20), date(2026, 4, 1)])
def test_council_tax_skips_two_months_a_year(today: date) -> None:
    days = monthly(BEGIN, 1, following, months=(*range(4, 13), 1))
    payment = only(rows(until(days, date(2026, 3, 31)), same(-14_200), DEBIT, "Instalments"), today)
    assert payment.next == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("name", "begin", "last", "today", "due"),
    [
        pytest.param(
            "LEEDS CITY COUNCIL",
            date(2025, 4, 1),
            date(2026, 1, 2),
            date(2026, 1, 10),
            date(2026, 4, 1),
            id="all ten instalments are paid",
        ),
        pytest.param(
            "LB Camden",
            date(2025, 4, 1),
            date(2026, 1, 2),
            date(2026, 1, 10),
            date(2026, 4, 1),
            id="a council by another word",
        ),
        pytest.param(
            "Local Taxes",
            date(2025, 4, 1),
            date(2026, 1, 2),
            date(2026, 3, 10),
            date(2026, 4, 1),
            id="no council by name, but it pauses after ten",
        ),
        pytest.param(
            "LEEDS CITY COUNCIL",
            date(2025, 5, 1),
            date(2026, 1, 2),
            date(2026, 2, 20),
            date(2026, 4, 1),
            id="a council that pauses after fewer",
        ),
        pytest.param(
            "Camden Council",
            date(2025, 6, 1),
            date(2026, 1, 2),
            date(2026, 1, 27),
            date(2026, 2, 2),
            id="it may be twelve instalments, or a gym",
        ),
        pytest.param(
            "Camden Council",
            date(2025, 4, 1),
            date(2026, 2, 2),
            date(2026, 2, 24),
            date(2026, 3, 2),
            id="twelve instalments: February is paid",
        ),
    ],
)
def test_the_first_year_of_council_tax(
    name: str, begin: date, last: date, today: date, due: date
) -> None:
    days = until(monthly(begin, 1, following), last)
    assert only(rows(days, same(-14_200), DEBIT, name), today).next == due


def test_a_direct_debit_that_ends_in_january_is_no_council_tax() -> None:
    days = until(monthly(date(2024, 4, 1), 1, following), date(2026, 1, 10))
    assert detect(rows(days, same(-14_200), DEBIT, "Gym"), date(2026, 3, 10)) == []


def test_insurance_is_paid_in_eleven_instalments() -> None:
    days = monthly(BEGIN, 16, following, months=(*range(1, 10), 11, 12))
    debits = rows(until(days, date(2026, 9, 20)), same(-3_709), DEBIT, "Insurance")
    assert only(debits, date(2026, 9, 23)).next == date(2026, 11, 16)


def test_a_month_without_a_payment_may_have_one_next_year() -> None:
    days = monthly(BEGIN, 16, following)
    card = [
        day
        for day in until(days, date(2026, 9, 20))
        if (day.year, day.month) not in {(2024, 10), (2025, 3), (2025, 10)}
    ]
    random = Random(10)  # noqa: S311
    amounts = [-random.randint(9_000, 99_000) for _ in card]
    payment = only(rows(card, amounts, DEBIT, "Credit Card"), date(2026, 9, 23))
    assert payment.next == date(2026, 10, 16)


def test_a_cancelled_subscription_has_ended() -> None:
    days = until(monthly(BEGIN, 5, as_it_is), date(2025, 12, 20))
    assert only(rows(days, same(-799)), date(2026, 1, 10)).due == date(2026, 1, 5)
    assert detect(rows(days, same(-799)), date(2026, 1, 11)) == []


def test_a_debit_that_is_not_taken_is_skipped_and_then_has_ended() -> None:
    days = until(monthly(BEGIN, 5, following), date(2025, 12, 20))
    debits = rows(days, same(-799), DEBIT, "Gym")
    assert only(debits, date(2026, 1, 5)).next == date(2026, 1, 5)
    missed = only(debits, date(2026, 1, 8))
    assert (missed.due, missed.next) == (date(2026, 1, 5), date(2026, 2, 5))
    assert detect(debits, date(2026, 1, 20)) == []


def test_a_subscription_that_starts_again_keeps_its_past() -> None:
    days = [
        *until(monthly(BEGIN, 5, as_it_is), date(2025, 3, 30)),
        *until(monthly(date(2025, 9, 1), 17, as_it_is), TODAY),
    ]
    payment = only(rows(days, same(-799)), TODAY)
    assert payment.next == date(2026, 2, 17)
    assert len(payment.transaction_ids) == len(days)


@pytest.mark.parametrize(
    "today", [date(2025, 12, 22), date(2026, 1, 10), date(2026, 1, 29)], ids=str
)
def test_a_salary_before_christmas_counts_for_december(today: date) -> None:
    days = [
        preceding(day.replace(day=19)) if day.month == 12 else day
        for day in until(monthly(BEGIN, 31, preceding), date(2026, 1, 29))
    ]
    payment = only(rows(days, same(210_000), INCOME, "Employer"), today)
    assert (payment.last, payment.next) == (date(2025, 12, 19), date(2026, 1, 30))


@pytest.mark.parametrize(
    ("kind", "old", "paid", "due"),
    [
        pytest.param(DEBIT, 3, date(2026, 10, 19), date(2026, 11, 3), id="later"),
        pytest.param(DEBIT, 20, date(2026, 10, 5), date(2026, 11, 20), id="earlier"),
        pytest.param(CARD, 5, date(2026, 10, 16), date(2026, 11, 5), id="with a new card"),
    ],
)
def test_a_bill_on_another_day_counts_for_its_month(
    kind: TransactionKind, old: int, paid: date, due: date
) -> None:
    shift = following if kind is DEBIT else as_it_is
    days = [*until(monthly(BEGIN, old, shift), date(2026, 9, 25)), paid]
    bills = rows(days, same(-9_000), kind, "Energy")
    payment = only(bills, date(2026, 10, 20))
    assert (payment.last, payment.next) == (paid, due)
    assert payment.due == due
    # It is expected until the new day.
    assert only(bills, max(due, following(paid.replace(month=11)))).due == due


def test_a_purchase_from_the_collector_of_a_bill_is_not_part_of_the_bill() -> None:
    days = until(monthly(BEGIN, 5, following), TODAY)
    phone = rows(days, same(-1_800), DEBIT, "Mobile")
    handset = rows([date(2026, 1, 16)], same(-19_900), DEBIT, "Mobile")
    again = rows([date(2026, 1, 12)], same(-1_800), DEBIT, "Mobile")
    for other in (handset, again):
        payment = only(phone + other, TODAY)
        assert (payment.last, payment.next) == (date(2026, 1, 5), date(2026, 2, 5))


def test_too_little_history_shows_nothing() -> None:
    two = until(monthly(date(2025, 12, 1), 5, following), TODAY)
    assert detect(rows(two, same(-799), DEBIT, "Gym"), TODAY) == []
    assert detect([], TODAY) == []


# Amounts


def test_a_price_rise_continues_a_subscription() -> None:
    days = until(monthly(BEGIN, 16, as_it_is), TODAY)
    payment = only(rows(days, [-1_299] * 20 + [-1_399] * 20), TODAY)
    assert (payment.minor, payment.is_exact) == (-1_399, True)
    assert len(payment.occurrences) == len(days)


def test_an_amount_by_use_is_expected_and_not_exact() -> None:
    days = until(monthly(BEGIN, 9, following), TODAY)
    random = Random(1)  # noqa: S311
    amounts = [-random.randint(6_000, 12_000) for _ in days]
    payment = only(rows(days, amounts, DEBIT, "Energy"), TODAY)
    assert payment.minor == sorted(amounts[-3:])[1]
    assert not payment.is_exact


def _energy(days: Iterable[date], least: int = 6_140) -> list[int]:
    """Return amounts that are higher in winter."""
    return [-(least + abs(day.month - 7) * 1_290) for day in days]


@pytest.mark.parametrize(("months", "step"), [(15, 1), (24, 1), (24, 3)])
def test_an_amount_by_season_is_expected_as_a_year_ago(months: int, step: int) -> None:
    days = list(islice(monthly(BEGIN, 9, as_it_is, step=step), months // step + 1))
    payment = only(rows(days[:-1], _energy(days), DEBIT, "Energy"), days[-2])
    assert (payment.next, payment.minor) == (days[-1], _energy(days)[-1])
    assert not payment.is_exact


@pytest.mark.parametrize(("months", "least"), [(13, 6_140), (23, 26_140)])
def test_amounts_of_the_first_year_and_of_earlier_prices_are_not_expected(
    months: int, least: int
) -> None:
    days = list(islice(monthly(BEGIN, 9, as_it_is), months))
    amounts = [*_energy(days[:12]), *_energy(days[12:], least)]
    payment = only(rows(days, amounts, DEBIT, "Energy"), days[-1])
    assert payment.minor == sorted(amounts[-3:])[1]


def test_a_price_in_dollars_is_not_exact() -> None:
    days = until(monthly(BEGIN, 9, as_it_is), TODAY)
    random = Random(2)  # noqa: S311
    payment = only(rows(days, [-random.randint(770, 830) for _ in days]), TODAY)
    assert payment.next == date(2026, 2, 9)
    assert not payment.is_exact


# Several payments to one payee


def test_a_shop_with_a_subscription_is_also_used_for_purchases() -> None:
    random = Random(3)  # noqa: S311
    bought = [BEGIN + timedelta(days=random.randrange(740)) for _ in range(120)]
    subscription = until(monthly(BEGIN, 12, as_it_is), TODAY)
    payment = only(
        rows(bought, [-random.randint(299, 8_999) for _ in bought], merchant_group="grp_jungle")
        + rows(subscription, [-799] * 14 + [-899] * 20, merchant_group="grp_jungle"),
        TODAY,
    )
    assert (payment.minor, payment.next) == (-899, date(2026, 2, 12))
    assert len(payment.occurrences) == len(subscription)


def test_a_merchant_charges_for_two_subscriptions() -> None:
    first = rows(until(monthly(BEGIN, 5, as_it_is), TODAY), same(-249), payee="Orchard")
    second = rows(until(monthly(BEGIN, 21, as_it_is), TODAY), same(-999), payee="Orchard")
    assert found(first + second, TODAY) == [
        ("Orchard", "month", -999, date(2026, 1, 21)),
        ("Orchard", "month", -249, date(2026, 2, 5)),
    ]


def test_a_collector_takes_two_debits_on_one_day() -> None:
    days = until(monthly(BEGIN, 5, following), TODAY)
    debits = rows(days, same(-1_200), DEBIT, "Mobile") + rows(days, same(-2_500), DEBIT, "Mobile")
    assert sorted(it.minor for it in detect(debits, TODAY)) == [-2_500, -1_200]


def test_a_collector_takes_equal_debits_on_two_days() -> None:
    debits = [
        row
        for day in (4, 18)
        for row in rows(until(monthly(BEGIN, day, following), TODAY), same(-900), DEBIT, "Mobile")
    ]
    assert [it.next for it in detect(debits, TODAY)] == [date(2026, 2, 4), date(2026, 2, 18)]


def test_two_credit_cards_of_one_bank_are_paid_on_two_days() -> None:
    random = Random(4)  # noqa: S311
    debits = []
    for day in (7, 22):
        days = until(monthly(BEGIN, day, following), TODAY)
        debits += rows(days, [-random.randint(9_000, 99_000) for _ in days], DEBIT, "Bank Cards")
    assert [it.next for it in detect(debits, TODAY)] == [date(2026, 1, 22), date(2026, 2, 9)]


def test_collectors_that_share_an_id_are_told_apart_by_name() -> None:
    gym = rows(until(monthly(BEGIN, 3, following), TODAY), same(-2_000), DEBIT, "Gym", payee_id="1")
    charity = rows(
        until(monthly(BEGIN, 6, following), TODAY), same(-1_000), DEBIT, "Charity", payee_id="1"
    )
    assert {it.payee for it in detect(gym + charity, TODAY)} == {"Gym", "Charity"}


@pytest.mark.parametrize("by", ["merchant_group", "payee"])
def test_a_merchant_changes_its_id(by: str) -> None:
    days = until(monthly(BEGIN, 12, as_it_is), TODAY)
    payments = [
        row
        for number, day in enumerate(days)
        for row in rows(
            [day],
            same(-799),
            payee="Streamly" if by == "payee" else f"Streamly{'.co.uk' * (number % 2)}",
            payee_id=f"merch_{number}",
            merchant_group="grp_streamly" if by == "merchant_group" else None,
        )
    ]
    assert len(only(payments, TODAY).occurrences) == len(days)


def test_a_merchant_without_a_name_is_known_by_its_description() -> None:
    days = until(monthly(BEGIN, 12, as_it_is), TODAY)
    payments = [
        row
        for number, day in enumerate(days)
        for row in rows([day], same(-799), payee=None, description=f"STREAMLY*{1000 + number}X GBR")
    ]
    assert len(only(payments, TODAY).occurrences) == len(days)


def test_payments_from_two_accounts_are_separate() -> None:
    days = until(monthly(BEGIN, 12, following), TODAY)
    one = rows(days, same(-799), DEBIT, "Water")
    other = [
        Row(
            id=f"{row.id}_joint",
            created=row.created,
            minor=row.minor,
            kind=row.kind,
            payee=row.payee,
            account="acc_joint",
        )
        for row in one
    ]
    assert [it.account for it in detect(one + other, TODAY)] in (
        ["acc_current", "acc_joint"],
        ["acc_joint", "acc_current"],
    )


def test_an_employer_also_pays_back_expenses() -> None:
    random = Random(8)  # noqa: S311
    ends = until(monthly(BEGIN, 31, preceding), date(2026, 10, 20))
    claimed = [BEGIN + timedelta(days=random.randrange(1000)) for _ in range(24)]
    payment = only(
        rows(ends, [random.randint(204_000, 216_000) for _ in ends], INCOME, "Employer")
        + rows(claimed, [random.randint(4_000, 15_000) for _ in claimed], INCOME, "Employer"),
        date(2026, 10, 20),
    )
    assert (payment.last, payment.next) == (date(2026, 9, 30), date(2026, 10, 30))
    assert len(payment.occurrences) == len(ends)


# People, pots and habits


def test_rent_by_standing_order_recurs_after_five_payments() -> None:
    days = until(monthly(date(2025, 9, 1), 1, following), TODAY)
    rent = rows(days, same(-95_000), OUT, "Lena Landlord", scheme="payport_faster_payments")
    assert only(rent, TODAY).next == date(2026, 2, 2)
    assert detect(rent[1:], TODAY) == []


@pytest.mark.parametrize(
    ("kind", "minor", "earliest", "latest"),
    [
        pytest.param(OUT, -95_000, -1, 2, id="rent by hand"),
        pytest.param(OUT, -95_000, -3, 3, id="rent around the day"),
        pytest.param(INCOME, 45_000, 0, 4, id="a flatmate's share"),
    ],
)
def test_equal_rent_recurs_although_its_day_varies(
    kind: TransactionKind, minor: int, earliest: int, latest: int
) -> None:
    random = Random(9)  # noqa: S311
    due = until(monthly(BEGIN, 12, as_it_is), TODAY)
    days = [day + timedelta(days=random.randint(earliest, latest)) for day in due]
    payment = only(rows(days, same(minor), kind, "Lena Landlord"), TODAY)
    assert payment.cadence == "month"
    assert abs((payment.next - date(2026, 2, 12)).days) <= 4
    lunches = rows(days, same(minor // 50), kind, "A friend")
    assert detect(lunches, TODAY) == []


@pytest.mark.parametrize("weeks", [1, 2])
@pytest.mark.parametrize("weeks_off", [{6}, {20}, {6, 20}, {3, 9, 15}])
def test_a_cleaner_has_holidays(weeks: int, weeks_off: set[int]) -> None:
    # Good Friday, when she came, is one of these days.
    fridays = until(weekly(date(2025, 10, 3), weeks, as_it_is), date(2026, 10, 20))
    days = [day for number, day in enumerate(fridays) if number not in weeks_off]
    payment = only(rows(days, same(-5_000), OUT, "Cleaner"), date(2026, 10, 20))
    assert payment.next == fridays[-1] + timedelta(weeks=weeks)


def test_friends_who_send_each_other_round_sums_have_no_agreement() -> None:
    random = Random(5)  # noqa: S311
    for kind, sign in ((OUT, -1), (INCOME, 1)):
        for number in range(20):
            days = [BEGIN + timedelta(days=random.randrange(740)) for _ in range(25)]
            amounts = [sign * random.choice([1_000, 2_000, 2_000]) for _ in days]
            friend = rows(days, amounts, kind, f"Friend {number}", scheme="p2p_payment")
            assert detect(friend, TODAY) == []


def test_a_standing_order_fills_a_pot() -> None:
    days = until(monthly(BEGIN, 26, following), TODAY)
    pots = [
        row
        for pot in ("pot_0000holiday", "pot_0000rainyday")
        for row in rows(days, same(-15_000), POT, None, description=pot, scheme="uk_retail_pot")
    ]
    assert [it.next for it in detect(pots, TODAY)] == [date(2026, 1, 26)] * 2
    saved = [BEGIN + timedelta(days=31 * number + number**2 % 17) for number in range(24)]
    assert detect(rows(saved, same(-15_000), POT, None, description="pot"), TODAY) == []


@pytest.mark.parametrize(
    "kind",
    [
        TransactionKind.DECLINED,
        TransactionKind.REFUND,
        TransactionKind.ROUND_UP,
        TransactionKind.CASH_WITHDRAWAL,
        TransactionKind.POT_WITHDRAWAL,
    ],
)
def test_other_kinds_never_recur(kind: TransactionKind) -> None:
    days = until(monthly(BEGIN, 5, as_it_is), TODAY)
    sign = 1 if kind in {TransactionKind.REFUND, TransactionKind.POT_WITHDRAWAL} else -1
    assert detect(rows(days, same(sign * 1_000), kind), TODAY) == []


def test_purchases_that_are_paid_in_parts_do_not_recur() -> None:
    parts = until(weekly(date(2025, 9, 30), 2, as_it_is), date(2026, 1, 6))
    amounts = [-2_790] * 4 + [-3_237] * 4
    for first in (0, 4):
        payments = rows(parts[first:], amounts[first:], payee="Paylater")
        assert detect(payments, date(2026, 1, 13)) == []


def test_a_fee_for_an_account_recurs() -> None:
    days = until(monthly(BEGIN, 5, as_it_is), TODAY)
    fees = rows(days, same(-700), TransactionKind.FEE_OR_INTEREST, "Monzo", scheme="monzo_paid")
    assert only(fees, TODAY).next == date(2026, 2, 5)


def test_habits_are_no_agreements() -> None:
    random = Random(6)  # noqa: S311
    every_day = [BEGIN + timedelta(days=number) for number in range(740)]
    workdays = [day for day in every_day if day.weekday() < 5]
    coffees = [day for day in workdays if random.random() < 0.9]
    saturdays = [day for day in every_day if day.weekday() == 5]
    trams = [day for day in workdays for _ in range(2)]
    haircuts = [BEGIN + timedelta(days=33 * number + random.randrange(9)) for number in range(22)]
    habits = [
        rows(coffees, same(-320), payee="Copper Kettle"),
        rows(saturdays, [-random.randint(5_800, 9_400) for _ in saturdays], payee="Greens Market"),
        rows(trams, same(-250), payee="City Trams"),
        rows(haircuts, same(-2_500), payee="Scissors"),
    ]
    assert detect([row for habit in habits for row in habit], TODAY) == []


# Rows


def test_neither_order_nor_repetition_of_rows_matters() -> None:
    household = HouseholdBuilder(1).build()
    expected = detect(household.rows, household.today)
    again = [*household.rows, *household.rows[::7]]
    Random(7).shuffle(again)  # noqa: S311
    assert detect(again, household.today) == expected


def test_rows_dated_in_the_future_do_not_count() -> None:
    days = until(monthly(BEGIN, 5, following), date(2026, 6, 30))
    payment = only(rows(days, same(-799), DEBIT, "Gym"), TODAY)
    assert (payment.last, payment.next) == (date(2026, 1, 5), date(2026, 2, 5))


def test_keys_stay_when_more_history_is_known() -> None:
    for seed in range(3):
        household = HouseholdBuilder(seed).build()
        middle = household.today - timedelta(days=200)
        before, after = detect(household.rows, middle), detect(household.rows, household.today)
        assert len({it.key for it in after}) == len(after)
        ended = {it.transaction_ids[0] for it in before} - {it.transaction_ids[0] for it in after}
        same_key = {it.key for it in before} & {it.key for it in after}
        assert len(same_key) == len(before) - len(ended)


def test_all_days_until_another_day_are_known() -> None:
    days = until(monthly(BEGIN, 1, following, months=(*range(4, 13), 1)), date(2025, 12, 20))
    payment = only(rows(days, same(-14_200), DEBIT, "City Council"), date(2025, 12, 20))
    assert list(payment.days_until(date(2026, 5, 31))) == [
        date(2026, 1, 2),
        date(2026, 4, 1),
        date(2026, 5, 1),
    ]


# Households


def _is_found(expected: Expected, payment: RecurringPayment) -> bool:
    common = expected.transaction_ids & set(payment.transaction_ids)
    return len(common) * 2 > len(expected.transaction_ids)


def test_households_show_their_recurring_payments_and_few_others() -> None:
    expected = recalled = debits = punctual = false = 0
    # Detection was not adjusted to these households.
    households = [HouseholdBuilder(seed).build() for seed in range(9_000, 9_020)]
    for household in households:
        left = detect(household.rows, household.today)
        for it in household.expected:
            payment = next((payment for payment in left if _is_found(it, payment)), None)
            expected += 1
            if payment is None:
                continue
            left.remove(payment)
            recalled += payment.direction == it.direction
            if it.is_direct_debit:
                debits += 1
                punctual += abs((payment.next - it.next).days) <= 1
        false += len(left)
    assert recalled / expected >= 0.95
    assert false <= len(households) / 10
    assert punctual / debits >= 0.99
