"""The day of which a balance shows the spending, for any moment at which the bank starts it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import random

from homeassistant.util import dt as dt_util
import pytest

from custom_components.monzo.accounts.bank_day import (
    DatedBalance,
    date_balance,
    start_of_bank_day,
)
from custom_components.monzo.api import Balance
from custom_components.monzo.const import BANK_TIME_ZONE
from sandbox.bank import Bank
from sandbox.behaviour import BankBehaviour
from sandbox.serializers import balance_json

MINUTE = timedelta(minutes=1)
START = datetime(2026, 7, 10, 3, tzinfo=UTC)
YESTERDAY = START - timedelta(days=1)


@pytest.fixture(autouse=True)
async def _bank_time_zone() -> None:
    """Load the bank's time zone, as the integration does."""
    await dt_util.async_get_time_zone(BANK_TIME_ZONE)


@dataclass
class Statistics:
    """The long-term statistics of a sensor with `last_reset`, as Home Assistant adds them up."""

    total: int = 0
    _last: tuple[datetime, int] | None = field(default=None)

    def add(self, last_reset: datetime, value: int) -> None:
        """Add a state of the sensor."""
        before = 0
        if self._last is not None and self._last[0] == last_reset:
            before = self._last[1]
        self.total += value - before
        self._last = (last_reset, value)


class Observer:
    """Reads balances of an account, and remembers the day of each."""

    def __init__(self, bank: Bank, account_id: str, *, slow_by: timedelta) -> None:
        """Initialize the observer, whose answers arrive some time after the bank made them."""
        self._bank, self._account_id, self._slow_by = bank, account_id, slow_by
        self.statistics = Statistics()
        self._last: DatedBalance | None = None

    def read(self) -> None:
        """Read the balance."""
        balance = Balance.from_json(balance_json(self._bank.balance(self._account_id)))
        now = self._bank.clock() + self._slow_by
        self._last = date_balance(balance, now, self._last)
        self.statistics.add(self._last.day_began, -balance.spend_today.minor)

    @property
    def day(self) -> datetime:
        """The day of the last balance."""
        assert self._last
        return self._last.day_began


class Night:
    """A bank whose day starts some minutes from 4:00, with a clock that the test turns."""

    def __init__(self, delay: timedelta, *, slow_by: timedelta = timedelta(0)) -> None:
        """Start two hours and twenty minutes before 4:00."""
        self.now = START - timedelta(minutes=140)
        behaviour = BankBehaviour(day_reset_delay=delay, spend_today_never_positive=False)
        self.bank = Bank(lambda: self.now, behaviour=behaviour)
        self.account = self.bank.open_account(self.bank.add_person("Ann Archer"), balance=500_000)
        self.pot = self.bank.open_pot(self.account.id, "Coin jar", round_up=True)
        self.observer = Observer(self.bank, self.account.id, slow_by=slow_by)

    def polls(self, minutes: int) -> Iterator[None]:
        """Yield before each poll of the next minutes."""
        for _ in range(minutes):
            yield
            self.observer.read()
            self.now += MINUTE


DELAYS = [timedelta(minutes=minutes) for minutes in (-40, -6, -1, 0, 1, 6, 60)]


@pytest.mark.parametrize("delay", DELAYS, ids=str)
@pytest.mark.parametrize("slow_by", [timedelta(0), timedelta(seconds=3)], ids=str)
@pytest.mark.parametrize("spent", [0, 5_000, -700], ids=["nothing", "payments", "refunds"])
def test_no_day_is_lost_or_counted_twice(delay: timedelta, slow_by: timedelta, spent: int) -> None:
    night = Night(delay, slow_by=slow_by)
    if spent > 0:
        night.bank.pay(night.account.id, -spent)
    if spent < 0:
        night.bank.refund(night.account.id, -spent)
    for _ in night.polls(100 + delay // MINUTE):
        pass
    assert night.observer.statistics.total == spent
    for minute, _ in enumerate(night.polls(24 * 60)):
        if minute in {1, 20, 41, 90, 1400}:
            night.bank.pay(night.account.id, -350)
    assert night.observer.statistics.total == spent + 5 * 350


def test_a_day_starts_at_four_for_the_entities() -> None:
    """Also if the bank is a little early or late: a day has one start."""
    for delay in DELAYS:
        night = Night(delay)
        night.bank.pay(night.account.id, -5_000)
        for _ in night.polls(140 + delay // MINUTE):
            pass
        assert night.observer.day == YESTERDAY
        for _ in night.polls(240):
            pass
        assert night.observer.day == START


def test_a_payment_before_a_late_start_of_an_empty_day_is_not_lost() -> None:
    night = Night(timedelta(minutes=6))
    for minute, _ in enumerate(night.polls(240)):
        if minute == 143:
            night.bank.pay(night.account.id, -1_000)
    assert night.observer.statistics.total == 1_000


def test_a_refund_near_four_is_no_new_day() -> None:
    for minutes in (-20, 20):
        night = Night(timedelta(0))
        night.bank.pay(night.account.id, -5_000)
        for minute, _ in enumerate(night.polls(240)):
            if minute == 140 + minutes:
                night.bank.refund(night.account.id, 1_200)
        assert night.observer.statistics.total == 3_800


def test_a_salary_at_the_start_of_the_day_hides_nothing() -> None:
    for delay in DELAYS:
        night = Night(delay)
        night.bank.pay(night.account.id, -5_000)
        for minute, _ in enumerate(night.polls(300)):
            if minute == 140 + delay // MINUTE:
                night.bank.receive(night.account.id, 230_000)
            if minute == 141 + delay // MINUTE:
                night.bank.pay(night.account.id, -700)
        assert night.observer.statistics.total == 5_700


def test_a_balance_after_hours_without_one_belongs_to_the_day_of_the_clock() -> None:
    night = Night(timedelta(0))
    night.bank.pay(night.account.id, -5_000)
    night.observer.read()
    night.now = START + timedelta(hours=5)
    night.bank.pay(night.account.id, -9_000)
    night.observer.read()
    assert night.observer.day == START
    assert night.observer.statistics.total == 14_000


@pytest.mark.parametrize("seed", range(40))
def test_random_nights_add_up(seed: int) -> None:
    """Payments with round-ups, refunds and income, polled every minute or five."""
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    delay = chance.randint(-80, 80)
    night = Night(timedelta(minutes=delay))
    expected = 0
    step = chance.choice([1, 5])
    night.observer.read()
    # Nothing between the last poll of a day and its end, because no answer would ever show it.
    quiet = range(140 + delay - step, 141 + delay)
    for minute in range(24 * 60):
        if minute not in quiet and chance.random() < 0.05:
            amount = chance.randint(1, 9_000)
            match chance.choice(["pay", "pay", "pay", "refund", "deposit"]):
                case "pay":
                    night.bank.pay(night.account.id, -amount)
                    expected += amount
                case "refund":
                    night.bank.refund(night.account.id, amount)
                    expected -= amount
                case "deposit":
                    night.bank.deposit(night.pot.id, night.account.id, amount, f"{minute}")
        if minute % step == 0:
            night.observer.read()
        night.now += MINUTE
    night.observer.read()
    assert night.observer.statistics.total == expected


def test_the_first_balance_belongs_to_the_day_of_the_clock() -> None:
    night = Night(timedelta(0))
    balance = Balance.from_json(balance_json(night.bank.balance(night.account.id)))
    for now, day in ((START - MINUTE, YESTERDAY), (START, START), (START + MINUTE, START)):
        assert date_balance(balance, now, None).day_began == day == start_of_bank_day(now)
