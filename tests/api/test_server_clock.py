"""The clock of the bank, by the dates of its responses."""

from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession

from custom_components.monzo.api import ServerClock
from sandbox.bank import Bank, utc_now
from sandbox.server import BankServer
from tests.api.conftest import client_with_token
from tests.helpers.stopped_clock import StoppedClock

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
A_DAY = timedelta(days=1)


async def test_a_client_knows_the_time_at_the_bank(session: ClientSession) -> None:
    bank = Bank(clock=lambda: utc_now() - A_DAY)
    person = bank.add_person("Ann Archer")
    async with BankServer(bank) as server:
        token = server.sign_in(person)["access_token"]
        client = client_with_token(session, token, base_url=server.url)
        assert abs(client.clock.now() - utc_now()) < timedelta(minutes=1)
        await client.accounts()
        assert abs(client.clock.now() - bank.clock()) < timedelta(minutes=1)


def test_a_wrong_local_clock_is_corrected(freezer: StoppedClock) -> None:
    for wrong_by in (-3 * A_DAY, timedelta(seconds=3), 8 * A_DAY):
        freezer.move_to(NOON + wrong_by)
        clock = ServerClock()
        clock.observe(NOON)
        freezer.tick(timedelta(hours=5))
        assert clock.now() == NOON + timedelta(hours=5)


def test_a_local_clock_that_agrees_is_more_exact_than_a_date(
    freezer: StoppedClock,
) -> None:
    now = NOON + timedelta(milliseconds=750)
    freezer.move_to(now)
    clock = ServerClock()
    clock.observe(NOON)
    assert clock.now() == now


def test_a_response_that_was_under_way_for_long_does_not_set_the_clock_back(
    freezer: StoppedClock,
) -> None:
    freezer.move_to(NOON + A_DAY)
    clock = ServerClock()
    clock.observe(NOON)
    freezer.tick(timedelta(minutes=1))
    clock.observe(NOON + timedelta(seconds=50))
    assert clock.now() == NOON + timedelta(minutes=1)


def test_a_clock_follows_the_bank_after_a_single_wrong_date(
    freezer: StoppedClock,
) -> None:
    freezer.move_to(NOON + A_DAY)
    for wrong in (NOON - A_DAY, NOON + 9 * A_DAY):
        clock = ServerClock()
        clock.observe(wrong)
        clock.observe(NOON)
        assert clock.now() == NOON
