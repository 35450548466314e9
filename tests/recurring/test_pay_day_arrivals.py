"""Arrivals of pay days: each once."""

from collections.abc import Iterable
from datetime import date, timedelta

from custom_components.monzo.recurring.detection import RecurringPayment, detect
from custom_components.monzo.recurring.pay_day import PayDayBasis, PayDayRule
from custom_components.monzo.recurring.pay_day_arrivals import (
    AnnouncedPayDay,
    PayDayArrived,
    announce_pay_day,
)

from .households import monthly, preceding
from .payments import INCOME, rows, same, until

BEGIN = date(2025, 1, 1)
DETECTED = PayDayRule()
ON_THE_20TH = PayDayRule(basis=PayDayBasis.DAY_OF_MONTH, day=20)
LAST_WORKING_DAY = PayDayRule(basis=PayDayBasis.LAST_WORKING_DAY)


class Person:
    """A person to whom pay days are announced."""

    def __init__(self, rule: PayDayRule) -> None:
        """Initialize the person, at whom there was no look so far."""
        self.rule = rule
        self._announced = AnnouncedPayDay()

    def look(
        self,
        morning: date,
        arrived: Iterable[RecurringPayment] = (),
        incomes: Iterable[RecurringPayment] = (),
    ) -> PayDayArrived | None:
        """Return the pay day that is announced in a morning."""
        announced, pay_day = announce_pay_day(
            self.rule, self._announced, arrived=arrived, incomes=incomes, morning=morning
        )
        # As after a restart.
        self._announced = AnnouncedPayDay.from_stored(announced.to_stored())
        return pay_day

    def look_daily(self, first: date, last: date) -> list[tuple[date, date | None, date | None]]:
        """Return the announced pay days of some mornings with those before and after them."""
        mornings = (first + timedelta(days=number) for number in range((last - first).days + 1))
        found = [self.look(morning) for morning in mornings for _again in range(2)]
        return [(it.day, it.previous, it.next) for it in found if it is not None]


def salary(day: int, pence: int, payee: str, today: date) -> RecurringPayment:
    """Return a salary that was paid until today."""
    days = until(monthly(BEGIN, day, preceding), today)
    (income,) = detect(rows(days, same(pence), INCOME, payee), today)
    return income


def test_a_chosen_pay_day_arrives_each_month() -> None:
    assert Person(ON_THE_20TH).look_daily(date(2025, 6, 20), date(2025, 8, 31)) == [
        (date(2025, 7, 18), date(2025, 6, 20), date(2025, 8, 20)),
        (date(2025, 8, 20), date(2025, 7, 18), date(2025, 9, 19)),
    ]
    found = Person(LAST_WORKING_DAY).look_daily(date(2025, 5, 1), date(2025, 6, 29))
    assert found == [(date(2025, 5, 30), date(2025, 4, 30), date(2025, 6, 30))]


def test_a_chosen_pay_day_arrives_up_to_a_week_late() -> None:
    for later, is_announced in ((date(2025, 8, 27), True), (date(2025, 8, 28), False)):
        person = Person(ON_THE_20TH)
        assert person.look(date(2025, 8, 19)) is None
        assert (person.look(later) is not None) is is_announced
        assert person.look(later + timedelta(days=1)) is None


def test_another_choice_is_no_arrival() -> None:
    person = Person(ON_THE_20TH)
    assert person.look(date(2025, 8, 19)) is None
    person.rule = LAST_WORKING_DAY
    assert person.look(date(2025, 8, 20)) is None
    person.rule = DETECTED
    assert person.look(date(2025, 8, 29)) is None


def test_a_detected_pay_day_arrives_with_each_salary() -> None:
    today = date(2025, 8, 26)
    first = salary(10, 250_000, "Harbour Design", today)
    second = salary(26, 200_000, "Old Mill", today)
    child_benefit = salary(26, 10_000, "HMRC", today)
    incomes = [first, second, child_benefit]
    person = Person(DETECTED)
    assert person.look(today, incomes=incomes) is None
    assert person.look(today, [child_benefit], incomes) is None
    pay_day = person.look(today, [second], incomes)
    assert pay_day is not None
    assert (pay_day.day, pay_day.previous, pay_day.next) == (
        date(2025, 8, 26),
        date(2025, 8, 8),
        date(2025, 9, 10),
    )
    assert pay_day.payment is second


def test_two_salaries_on_one_day_are_one_pay_day() -> None:
    today = date(2025, 8, 26)
    salaries = [salary(26, 200_000, payee, today) for payee in ("Old Mill", "Harbour Design")]
    person = Person(DETECTED)
    assert person.look(today, salaries, salaries) is not None
    assert person.look(today, salaries, salaries) is None
