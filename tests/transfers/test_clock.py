"""The daily limit holds while the clock of Home Assistant is wrong, and after it is put right."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from custom_components.monzo.const import CONF_MAX_PER_DAY
from sandbox.bank import Bank
from sandbox.household import Household
from tests.helpers.stopped_clock import StoppedClock
from tests.helpers.transfer_client import TransferClient, refused
from tests.helpers.transfer_faults import after_a_crash, change_options, restart

LIMIT = 100


@pytest.fixture
async def set_clock(
    transfer_client: TransferClient, bank: Bank, freezer: StoppedClock
) -> Callable[[timedelta], None]:
    """Return a function that sets the clock of Home Assistant wrong by a time, or right."""
    right = bank.clock
    wrong_by = timedelta(0)

    def set_clock(by: timedelta) -> None:
        nonlocal wrong_by
        freezer.tick(by - wrong_by)
        wrong_by = by

    bank.clock = lambda: right() - wrong_by
    await change_options(transfer_client, **{CONF_MAX_PER_DAY: LIMIT})
    return set_clock


async def cannot_move_more(client: TransferClient, home: Household) -> None:
    with refused() as refusal:
        await client.deposit(home.holiday, "0.01")
    assert refusal.key == "over_daily_limit"


FAR = [timedelta(days=-2), timedelta(days=8)]
NEAR = [timedelta(hours=-2), timedelta(hours=25)]


@pytest.mark.parametrize("wrong_by", FAR + NEAR, ids=str)
async def test_the_limit_is_used_up_before_a_start_with_a_wrong_clock(
    transfer_client: TransferClient,
    home: Household,
    set_clock: Callable[[timedelta], None],
    wrong_by: timedelta,
) -> None:
    await transfer_client.deposit(home.holiday, LIMIT)
    set_clock(wrong_by)
    async with after_a_crash(transfer_client) as later:
        await cannot_move_more(later, home)
        set_clock(timedelta(0))
        await restart(later)
        await cannot_move_more(later, home)
        async with after_a_crash(later) as latest:
            await cannot_move_more(latest, home)


@pytest.mark.parametrize("wrong_by", FAR, ids=str)
async def test_the_limit_is_used_up_while_the_clock_is_wrong(
    transfer_client: TransferClient,
    home: Household,
    set_clock: Callable[[timedelta], None],
    wrong_by: timedelta,
) -> None:
    set_clock(wrong_by)
    async with after_a_crash(transfer_client) as later:
        await later.deposit(home.holiday, LIMIT)
        await cannot_move_more(later, home)
        set_clock(timedelta(0))
        async with after_a_crash(later) as latest:
            await cannot_move_more(latest, home)


@pytest.mark.parametrize("wrong_by", NEAR, ids=str)
async def test_the_limit_is_available_again_after_a_day_at_the_bank(
    transfer_client: TransferClient,
    home: Household,
    freezer: StoppedClock,
    set_clock: Callable[[timedelta], None],
    wrong_by: timedelta,
) -> None:
    set_clock(wrong_by)
    async with after_a_crash(transfer_client) as later:
        await later.deposit(home.holiday, LIMIT)
        set_clock(timedelta(0))
        freezer.tick(timedelta(hours=23, minutes=59))
        await restart(later)
        await cannot_move_more(later, home)
        freezer.tick(timedelta(minutes=1))
        assert (await later.deposit(home.holiday, LIMIT))["result"] == "moved"
