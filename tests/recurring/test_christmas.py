"""The entities are as the contracts say on each day around Christmas and a price rise."""

from collections import defaultdict
from datetime import date, time, timedelta

from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from sandbox.bank import Bank
from sandbox.models import Account, Pot
from tests.conftest import AdvanceTime, SignIn
from tests.helpers.archive_filler import fill_archive
from tests.helpers.state_helpers import set_up, shown, value

from .contract_households import make_payment
from .contracts import (
    CARD,
    DEBIT,
    FOUR_WEEKLY,
    INCOME,
    POT,
    Answer,
    Books,
    Contract,
    Verdict,
    answers,
    believed,
    moment_on,
    next_pay_day,
    verdict,
)
from .households import as_it_is, following, monthly, preceding, weekly

BEGIN = date(2026, 1, 1)
AT = time(16, 6)
FIRST, LAST = date(2026, 12, 16), date(2027, 1, 3)

# Broadband gets dearer by then.
DEARER = date(2026, 12, 18)

# From that day on, the money for the rent is missing.
PRESENT_FOR_ONESELF = date(2026, 12, 28)

AMOUNTS = {
    "upcoming": "upcoming_payments",
    "left": "left_to_spend",
    "per_day": "left_to_spend_per_day",
    "lowest": "lowest_balance_ahead",
    "subscriptions_per_month": "subscriptions_per_month",
}


@pytest.fixture
def account(bank: Bank, advance_time: AdvanceTime) -> Account:
    """Return the account of a person without transactions."""
    opened = moment_on(BEGIN - timedelta(days=60), AT)
    return bank.open_account(bank.add_person("Dora Dent"), balance=200_000, created=opened)


@pytest.fixture
def pot(bank: Bank, account: Account) -> Pot:
    """Return the pot that pays for water."""
    return bank.open_pot(account.id, "Bills", balance=5_000)


@pytest.fixture
def contracts(pot: Pot) -> list[Contract]:
    """Return all contracts of the person."""
    return [
        Contract(
            at=AT,
            name="Harbour Design",
            kind=INCOME,
            days=lambda: monthly(BEGIN, 25, preceding),
            amount=lambda _day: 205_000,
        ),
        Contract(
            at=AT,
            name="Child Benefit",
            kind=INCOME,
            days=lambda: weekly(date(2026, 1, 5), 4, preceding),
            amount=lambda _day: 10_240,
            per_year=FOUR_WEEKLY,
        ),
        Contract(
            at=AT,
            name="Mill Street Lettings",
            kind=DEBIT,
            days=lambda: monthly(BEGIN, 1, following),
            amount=lambda _day: -190_000,
        ),
        Contract(
            at=AT,
            name="Threadnet Broadband",
            kind=DEBIT,
            days=lambda: monthly(BEGIN, 18, following),
            amount=lambda day: -3_400 if day < DEARER else -3_650,
        ),
        Contract(
            at=AT,
            name="Moorland Water",
            kind=DEBIT,
            days=lambda: monthly(BEGIN, 26, following),
            amount=lambda _day: -3_100,
            pot=pot.id,
        ),
        Contract(
            at=AT,
            name=pot.id,
            kind=POT,
            days=lambda: monthly(BEGIN, 21, following),
            amount=lambda _day: -3_000,
            pot=pot.id,
        ),
        Contract(
            at=AT,
            name="Streamly",
            kind=CARD,
            days=lambda: monthly(BEGIN, 27, as_it_is),
            amount=lambda _day: -1_299,
        ),
    ]


def answers_now(bank: Bank, account: Account, contracts: list[Contract]) -> dict[str, list[Answer]]:
    """Return what the contracts say about each entity; first the truth."""
    pots = {pot.id: pot.balance for pot in bank.pots_of(account.id)}
    books = Books(bank.clock(), account.balance, pots, contracts)
    found: defaultdict[str, list[Answer]] = defaultdict(list)
    for views in believed(books):
        pay_day = next_pay_day(views)
        assert pay_day
        found["pay_day"].append(Answer(pay_day))
        found["days_to_pay_day"].append(Answer((pay_day - books.today).days))
        found["next_event"].append(Answer(min(day for it in views for day in it.payments)))
        for key, answer in answers(books, views, pay_day).items():
            found[key].append(answer)
    return found


def shown_now(hass: HomeAssistant, account: Account) -> dict[str, object]:
    """Return what the entities show: amounts in pence, and days."""
    person = account.owners[0].user_id
    lowest = shown(hass, account.id, "lowest_balance_ahead")
    shortfall = shown(hass, account.id, "shortfall_ahead", "binary_sensor")
    next_event = shown(hass, account.id, "recurring_payments", "calendar")
    amounts = {
        key: round(float(value(hass, account.id, entity)) * 100) for key, entity in AMOUNTS.items()
    }
    return {
        **amounts,
        "lowest_day": lowest.attributes["date"],
        "shortfall": shortfall.attributes["date"] if shortfall.state == STATE_ON else None,
        "pay_day": date.fromisoformat(value(hass, person, "next_pay_day")),
        "days_to_pay_day": int(value(hass, person, "days_to_pay_day")),
        "next_event": date.fromisoformat(next_event.attributes["start_time"].split()[0]),
    }


@pytest.fixture
async def entry(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    contracts: list[Contract],
    sign_in: SignIn,
    advance_time: AdvanceTime,
) -> MockConfigEntry:
    """Return the entry of the person on 16 December."""
    await advance_time(moment_on(FIRST, time(16, 5)) - bank.clock())
    past = [(day, contract) for contract in contracts for day in contract.made(bank.clock())]
    for day, contract in sorted(past, key=lambda it: (it[0], it[1].name)):
        make_payment(bank, account, contract, day, moment_on(day, AT))
    account.balance = 8_000
    dora = sign_in(account.owners[0], options={"keep_transactions": "everything"})
    await fill_archive(hass, bank, dora, [account])
    await set_up(hass, dora)
    return dora


async def test_the_entities_agree_with_the_contracts_around_christmas(
    hass: HomeAssistant,
    bank: Bank,
    account: Account,
    contracts: list[Contract],
    advance_time: AdvanceTime,
    entry: MockConfigEntry,
) -> None:
    verdicts: dict[tuple[date, str], Verdict] = {}

    def check(today: date) -> None:
        wanted = answers_now(bank, account, contracts)
        for key, found in shown_now(hass, account).items():
            verdicts[today, key] = verdict(found, is_exact=True, wanted=wanted[key])
            assert verdicts[today, key] is not Verdict.WRONG, (today, key, found, wanted[key])

    day = FIRST
    while day < LAST:
        day += timedelta(days=1)
        await advance_time(moment_on(day, time(16, 5)) - bank.clock())
        check(day)
        await advance_time(timedelta(minutes=1))
        due = [contract for contract in contracts if day in contract.payments(day)]
        for contract in due:
            make_payment(bank, account, contract, day, bank.clock())
        if day == PRESENT_FOR_ONESELF:
            bank.pay(account.id, -30_000, merchant="Gadget Shed", pending=False)
        if due or day == PRESENT_FOR_ONESELF:
            for _ in range(4):
                await advance_time(timedelta(minutes=1))
            check(day)

    unknown = {day for (day, _key), it in verdicts.items() if it is Verdict.NOT_KNOWN_YET}
    assert max(unknown) < DEARER
    assert value(hass, account.id, "shortfall_ahead", "binary_sensor") == STATE_ON
