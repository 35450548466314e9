"""On each day of two years, all entities are as the contracts of the sandbox's household say.

The suite compares one day a month, and each day around Christmas. It leaves out everyday purchases,
because reading them takes most of the time. This command compares all days of the whole life, and
prints how many values agree:

    EVERY=1 scripts/test tests/recurring/test_entities_on_each_day.py -s
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, time, timedelta
import os
from typing import Final, NamedTuple

from homeassistant.const import STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from sandbox.bank import Bank
from sandbox.household import Household, open_household
from sandbox.life import live
from sandbox.models import Account
from tests.conftest import START, AdvanceTime, SignIn
from tests.helpers.archive_filler import fill_archive
from tests.helpers.state_helpers import entity_id, set_up, shown
from tests.helpers.stopped_clock import StoppedClock

from .contract_households import BEGIN, DAY, TIMES, contracts_of
from .contracts import (
    CALENDAR_DAYS,
    Answer,
    Books,
    Verdict,
    answers,
    believed,
    calendar,
    check_agreement,
    moment_on,
    next_pay_day,
    verdict,
)

# After a pause of a month, one read finds all payments that were made meanwhile.
EVERY = int(os.environ.get("EVERY", "29"))
HAS_PURCHASES = EVERY == 1
DAYS: Final = [START.date() + number * DAY for number in range(1, 731)]

# Banks are closed on six of these days. After the present, the money for the rent is missing.
CHRISTMAS: Final = {date(2026, 12, 20) + number * DAY for number in range(17)}
PRESENT: Final = date(2026, 12, 30)
LEFT_AFTER_PRESENT: Final = 50_000
RENT_DAY: Final = date(2027, 1, 4)

# A read follows a balance, and a search follows a read.
_MINUTES_PER_DAY: Final = 3

AMOUNTS: Final = {
    "left": "left_to_spend",
    "per_day": "left_to_spend_per_day",
    "upcoming": "upcoming_payments",
    "lowest": "lowest_balance_ahead",
    "subscriptions_per_month": "subscriptions_per_month",
}


class Shown(NamedTuple):
    """The value of an entity, and whether it is said to be exact. Amounts are in pence."""

    value: object
    is_exact: bool = True


def _amount(state: State) -> Shown:
    return Shown(round(float(state.state) * 100), state.attributes["exact"])


def _day_of_next_event(state: State) -> Shown:
    return Shown(date.fromisoformat(state.attributes["start_time"].split()[0]))


async def shown_of_account(hass: HomeAssistant, account: Account, today: date) -> dict[str, Shown]:
    """Return the values of the entities of an account."""
    lowest = shown(hass, account.id, "lowest_balance_ahead").attributes
    shortfall = shown(hass, account.id, "shortfall_ahead", "binary_sensor")
    assert (shortfall.state == STATE_ON) is (shortfall.attributes["date"] is not None)
    assert shortfall.state != STATE_UNKNOWN
    return {
        **{key: _amount(shown(hass, account.id, entity)) for key, entity in AMOUNTS.items()},
        "lowest_day": Shown(lowest["date"], lowest["exact"]),
        "shortfall": Shown(shortfall.attributes["date"], shortfall.attributes["exact"]),
        "until": Shown(shown(hass, account.id, "left_to_spend").attributes["until"]),
        "next_event": _day_of_next_event(shown(hass, account.id, "recurring_payments", "calendar")),
        "calendar": Shown(await _events_from(hass, account, today + DAY)),
    }


async def _events_from(
    hass: HomeAssistant, account: Account, first: date
) -> list[tuple[date, str]]:
    """Return the days and names of events; those of today would include past payments."""
    entity = entity_id(hass, account.id, "recurring_payments", "calendar")
    assert entity
    end = first + timedelta(days=CALENDAR_DAYS + 1)
    answer = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": entity,
            "start_date_time": f"{first} 00:00:00",
            "end_date_time": f"{end} 00:00:00",
        },
        blocking=True,
        return_response=True,
    )
    assert answer
    events: list[dict[str, str]] = answer[entity]["events"]  # type: ignore[index, call-overload, assignment] # of any JSON
    return sorted((date.fromisoformat(event["start"]), event["summary"]) for event in events)


def shown_of_person(hass: HomeAssistant, user_id: str) -> dict[str, Shown]:
    """Return the values of the entities of a person."""
    return {
        "next_pay_day": Shown(date.fromisoformat(shown(hass, user_id, "next_pay_day").state)),
        "days_to_pay_day": Shown(int(shown(hass, user_id, "days_to_pay_day").state)),
        "next_pay_day_event": _day_of_next_event(shown(hass, user_id, "pay_days", "calendar")),
    }


def answers_now(home: Household, account: Account) -> Mapping[str, list[Answer]]:
    """Return the values of all entities that follow from the contracts; first the true ones."""
    bank = home.bank
    pots = {pot.id: pot for pot in bank.pots_of(account.id)}
    balances = {id_: pot.balance for id_, pot in pots.items()}
    books = Books(bank.clock(), account.balance, balances, contracts_of(home)[account.id])
    wanted: defaultdict[str, list[Answer]] = defaultdict(list)
    for views in believed(books):
        pay_day = next_pay_day(views)
        assert pay_day
        events = [
            (day, pots[name].name if name in pots else name)
            for day, name in calendar(views, books.today + DAY)
        ]
        found = {
            **answers(books, views, pay_day),
            "calendar": Answer(sorted(events)),
            "next_event": Answer(min(day for it in views for day in it.payments)),
            "until": Answer(pay_day),
            "next_pay_day": Answer(pay_day),
            "next_pay_day_event": Answer(pay_day),
            "days_to_pay_day": Answer((pay_day - books.today).days),
        }
        for key, answer in found.items():
            wanted[key].append(answer)
    return wanted


@pytest.fixture
def home(bank: Bank, advance_time: AdvanceTime) -> Household:
    """Return the household after eight months of its life, with two accounts of Ann."""
    home = open_household(bank)
    for account in (home.flex, home.rewards, home.loan):
        account.closed = True
    live(home, moment_on(BEGIN, time(0)), bank.clock(), has_everyday=HAS_PURCHASES)
    return home


@pytest.fixture
async def ann(hass: HomeAssistant, bank: Bank, home: Household, sign_in: SignIn) -> MockConfigEntry:
    """Return Ann's entry, which knows her past."""
    ann = sign_in(home.ann, options={"keep_transactions": "everything"})
    await fill_archive(hass, bank, ann, [home.current, home.joint])
    await set_up(hass, ann)
    return ann


class Comparison(NamedTuple):
    """An entity on a day."""

    day: date
    account: str
    key: str
    shown: Shown
    wanted: Answer
    verdict: Verdict


async def compare(hass: HomeAssistant, home: Household, today: date) -> list[Comparison]:
    """Return the verdicts about all entities on a day."""
    compared: list[Comparison] = []
    for account in (home.current, home.joint):
        wanted = answers_now(home, account)
        found = await shown_of_account(hass, account, today)
        if account is home.current:
            found |= shown_of_person(hass, home.ann.user_id)
        compared += [
            Comparison(today, account.type, key, it, wanted[key][0], verdict(*it, wanted[key]))
            for key, it in found.items()
        ]
    return compared


@pytest.mark.timeout(60 + 2 * len(DAYS) // EVERY)
async def test_the_entities_agree_with_the_contracts(
    hass: HomeAssistant,
    home: Household,
    ann: MockConfigEntry,
    freezer: StoppedClock,
    advance_time: AdvanceTime,
) -> None:
    compared: list[Comparison] = []
    for number, day in enumerate(DAYS):
        if number % EVERY and day not in CHRISTMAS:
            continue
        before, now = home.bank.clock(), moment_on(day, TIMES[number % len(TIMES)])
        freezer.move_to(now)
        live(home, before, now, has_everyday=HAS_PURCHASES)
        if day == PRESENT:
            price = home.joint.balance - LEFT_AFTER_PRESENT
            home.bank.pay(home.joint.id, -price, merchant="Gadget Shed", pending=False)
        for _minute in range(_MINUTES_PER_DAY):
            await advance_time(timedelta(minutes=1))
        compared += await compare(hass, home, day)

    check_agreement("entities", compared)
    assert {it.shown.value for it in compared if it.key == "shortfall" and it.day < RENT_DAY} == {
        None,
        RENT_DAY,
    }
