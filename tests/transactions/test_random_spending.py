"""Weeks of random transactions: the sensor, the condition and the action agree with the ledger."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
import random
from typing import Any

from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
import pytest

from custom_components.monzo.const import DOMAIN
from sandbox.bank import Bank
from sandbox.behaviour import BankBehaviour
from sandbox.models import Account, Transaction
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.state_helpers import device, entity_id, set_up, shown
from tests.helpers.stopped_clock import StoppedClock
from tests.test_condition import check, exactly
from tests.test_sensor import SpendingStatistics

START = datetime.fromisoformat("2026-01-02T12:00:00+00:00")
DAYS = 10

RELEASES: tuple[Any, ...] = ("vanishes", "becomes zero", "is credited")


@dataclass
class Book:
    """An independent account of what was spent: when, and how much."""

    spent: dict[str, tuple[datetime, int]] = field(default_factory=dict)

    def since(self, start: datetime) -> int:
        """Return the spending since a moment, in pence."""
        return sum(amount for created, amount in self.spent.values() if created >= start)


class Life:
    """Random transactions of one account, and the book of them."""

    def __init__(self, bank: Bank, account: Account, joint: Account, flex: Account) -> None:
        """Initialize with the accounts of the person."""
        self._bank, self._account, self._joint, self._flex = bank, account, joint, flex
        self.book = Book()
        self._pending: list[Transaction] = []

    def _note(self, row: Transaction) -> None:
        self.book.spent[row.id] = (row.created, -row.amount)

    def act(self, chance: random.Random) -> None:
        """Make one random transaction, or change one."""
        amount = chance.randint(1, 20_000)
        account = self._account.id
        acts: tuple[Callable[[], object], ...] = (
            lambda: self._pay(-amount),
            lambda: self._pay(-amount),
            lambda: self._note(self._bank.direct_debit(account, -amount)),
            lambda: self._note(self._bank.direct_debit(account, amount)),
            lambda: self._note(self._bank.refund(account, amount)),
            lambda: self._note(self._bank.receive(account, amount, include_in_spending=True)),
            lambda: self._bank.receive(account, amount),
            lambda: self._bank.decline(account, -amount),
            lambda: self._bank.p2p(account, self._joint.id, amount),
            lambda: self._bank.repay_flex(account, self._flex.id, amount),
            lambda: self._settle(chance),
            lambda: self._release(chance),
        )
        chance.choice(acts)()

    def _pay(self, amount: int) -> None:
        self._pending.append(row := self._bank.pay(self._account.id, amount))
        self._note(row)

    def _settle(self, chance: random.Random) -> None:
        if self._pending:
            row = self._pending.pop(chance.randrange(len(self._pending)))
            self._note(self._bank.settle(row.id, row.amount - chance.randint(0, 500)))

    def _release(self, chance: random.Random) -> None:
        if self._pending:
            row = self._pending.pop(chance.randrange(len(self._pending)))
            self._bank.release(row.id)
            if self._bank.behaviour.released_authorisation == "is credited":
                self._note(self._bank.transactions(self._account.id)[-1])
            else:
                del self.book.spent[row.id]


@pytest.mark.parametrize("seed", range(3))
async def test_weeks_of_spending_equal_an_independent_account(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    bank: Bank,
    sign_in: SignIn,
    advance_time: AdvanceTime,
    freezer: StoppedClock,
    seed: int,
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    delay = timedelta(minutes=chance.choice([-7, 0, 7]))
    bank.behaviour = BankBehaviour(
        day_reset_delay=delay,
        released_authorisation=RELEASES[seed],
        # The sensor shows Monzo's own figure.
        own_transfers_in_spending=False,
        spend_today_never_positive=False,
    )
    freezer.move_to(START)
    await hass.config.async_set_time_zone("Europe/London")
    ann, ben = bank.add_person("Ann Archer"), bank.add_person("Ben Baker")
    account = bank.open_account(ann, balance=900_000)
    joint = bank.open_account(ann, ben, type="uk_retail_joint", balance=900_000)
    flex = bank.open_account(ann, type="uk_monzo_flex", balance=-900_000)
    entry = sign_in(ann)
    await set_up(hass, entry)
    found = device(hass, entry, account.id)
    sensor = entity_id(hass, account.id, "spend_today")
    assert found
    assert sensor
    statistics = SpendingStatistics()
    statistics.add(shown(hass, account.id, "spend_today"))

    @callback
    def add_state(event: Event[EventStateChangedData]) -> None:
        statistics.add(event.data["new_state"])

    async_track_state_change_event(hass, [sensor], add_state)
    life = Life(bank, account, joint, flex)
    month = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    past_days = 0
    for day in range(DAYS):
        night = START.replace(hour=4) + timedelta(days=day + 1) + delay
        for _ in range(chance.randint(0, 6)):
            life.act(chance)
            await advance_time(timedelta(minutes=chance.choice([2, 30, 100])))
        # Changes of known transactions are found within the hour.
        for minutes in (61, 2, 2):
            await advance_time(timedelta(minutes=minutes))
        today = life.book.since(night - timedelta(days=1))
        expected = life.book.since(month)
        options: dict[str, Any] = {"device_id": found.id}
        assert await check(
            hass, "is_spending", period="this_month", threshold=exactly(expected / 100), **options
        )
        assert await check(
            hass, "is_spending", period="today", threshold=exactly(today / 100), **options
        )
        answer = await hass.services.async_call(
            DOMAIN,
            "get_spending",
            {"account": found.id, "since": month.isoformat()},
            blocking=True,
            return_response=True,
        )
        assert answer
        assert answer["total"] == expected / 100
        assert Decimal(shown(hass, account.id, "spend_today").state) == Decimal(today) / 100
        past_days += today
        assert statistics.total == Decimal(past_days) / 100
        # The last and the first poll of a day.
        await advance_time(night - timedelta(seconds=30) - bank.clock())
        for _ in range(10):
            await advance_time(timedelta(minutes=1))
