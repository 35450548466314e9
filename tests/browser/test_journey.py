"""A person's way with Monzo from the first click to the last, and what may go wrong on it."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
import json
import re

from playwright.async_api import expect
import pytest
import pytest_asyncio

from sandbox.bank import LONDON, Bank
from sandbox.server import Answer

from .desk import PATIENCE, Desk
from .house import House, until
from .visitor import INTEGRATIONS, MONZO, Visitor


@pytest_asyncio.fixture(autouse=True, loop_scope="package")
async def _forgotten(new_house: House) -> AsyncIterator[None]:
    """Leave the house as it was found."""
    yield
    new_house.server.clear_faults()
    await new_house.forget()


@pytest.mark.parametrize(
    ("width", "colours", "purse"),
    [
        pytest.param(1280, "light", "Everyday money", id="wide"),
        pytest.param(390, "dark", "Purse", id="narrow and dark"),
    ],
)
async def test_the_whole_journey(
    new_house: House, desk: Desk, width: int, colours: str, purse: str
) -> None:
    page = await desk.open(new_house, INTEGRATIONS, width=width, dark=colours == "dark")
    ann = Visitor(new_house, desk, page)
    await sign_in_and_name_the_current_account(ann, purse)
    await look_at_the_account(ann, purse)
    await get_a_dashboard(ann)
    await pay_and_see_it_among_the_activities(ann, purse)
    await put_money_into_a_pot(ann)
    await sign_in_again_after_another_program_took_over(ann)
    await sign_in_anew_by_ones_own_wish(ann)
    await limit_what_may_be_moved(ann)
    await download_the_diagnostics(ann)
    await remove_everything(ann)


async def sign_in_and_name_the_current_account(ann: Visitor, purse: str) -> None:
    await ann.connects()
    await ann.approves()
    await ann.sees("Monzo is connected")
    names = ann.dialog.locator("ha-input").filter(has_text="Device name").get_by_role("textbox")
    await expect(names.first).to_have_value("Ann Archer")
    await ann.shot("devices")
    await names.nth(1).fill(purse)
    await names.nth(1).press("Tab")
    await ann.closes("Finish")
    await ann.sees(purse, within=ann.entry)
    await ann.shot("entry")
    await ann.house.loaded()


async def look_at_the_account(ann: Visitor, purse: str) -> None:
    await ann.entry.get_by_text(purse).click()
    await ann.sees("Balance with pots")
    await ann.shot("account")


async def get_a_dashboard(ann: Visitor) -> None:
    await ann.go("/config/lovelace/dashboards")
    await ann.page.get_by_role("button", name="Add dashboard").click()
    await ann.page.locator("ha-dialog-new-dashboard").get_by_role("button", name="Monzo").click()
    details = ann.page.locator("dialog-lovelace-dashboard-detail")
    await details.get_by_role("button", name="Create").click()
    await expect(details.get_by_role("button", name="Create")).to_be_hidden()
    await ann.go("/dashboard-money")
    await ann.sees("Total of everything")
    await ann.sees("Picture House")
    await ann.shot("dashboard")


async def pay_and_see_it_among_the_activities(ann: Visitor, purse: str) -> None:
    await ann.go("/logbook")
    paid = ann.house.bank.clock()
    ann.house.bank.pay(ann.house.home.current.id, -350, merchant="Copper Kettle")
    rows = ann.page.locator("ha-logbook-entry").filter(has_text="Card payment")
    # Another journey's payment has the account's name of today, but not the time.
    ours = rows.filter(has_text=purse).filter(has_text=at_once_after(paid))
    await expect(ours).to_have_count(1)
    await ann.shot("activity")


async def put_money_into_a_pot(ann: Visitor) -> None:
    pot = ann.house.bank.pot(ann.house.home.holiday.id)
    after = pot.balance + 1234
    await ann.go("/config/tools/action?service=monzo.deposit_into_pot")
    await ann.page.get_by_text("Select a device").first.click()
    await ann.shot("pots")
    await ann.page.get_by_role("option").filter(has_text="Holiday").click()
    amount = ann.page.locator("ha-settings-row").filter(has_text="The amount to move, in the")
    await amount.locator("ha-checkbox").click()
    await amount.get_by_role("spinbutton").fill("12.34")
    await ann.shot("deposit")
    await ann.page.get_by_role("button", name="Perform action").click()
    await until(lambda: pot.balance == after)
    await ann.page.get_by_text("result: moved").first.scroll_into_view_if_needed()
    await ann.shot("deposited")


async def sign_in_again_after_another_program_took_over(ann: Visitor) -> None:
    ann.house.evict_ann()
    await ann.go(INTEGRATIONS)
    await ann.page.get_by_role("button", name="Reconfigure").click()
    await ann.sees("no longer accepts the sign-in of Ann Archer")
    await ann.shot("reauth")
    await ann.allows(await ann.submits())
    await ann.waits_for_approval()
    await ann.approves()
    await ann.sees("Re-authentication was successful")
    await ann.shot("reauth done")
    await ann.closes("Close")
    await ann.house.loaded()


async def sign_in_anew_by_ones_own_wish(ann: Visitor) -> None:
    await ann.go(MONZO)
    await ann.chooses("Reconfigure")
    await ann.sees("Sign in to Monzo again, for example with another Monzo client")
    await ann.shot("reconfigure")
    await ann.allows(await ann.submits())
    await ann.waits_for_approval()
    await ann.approves()
    await ann.sees("Reconfiguration was successful")
    await ann.shot("reconfigure done")
    await ann.closes("Close")
    await ann.house.loaded()


async def limit_what_may_be_moved(ann: Visitor) -> None:
    await ann.entry.get_by_role("button", name="Configure").click()
    await ann.sees("Monzo options")
    limit = ann.dialog.locator("ha-selector-number").filter(has_text="Limit per transfer")
    await limit.get_by_role("spinbutton").fill("50")
    await ann.shot("options")
    await ann.presses("Submit")
    await ann.sees("Options successfully saved")
    await ann.closes("Finish")
    await ann.house.loaded()


async def download_the_diagnostics(ann: Visitor) -> None:
    ours = (await ann.downloads_diagnostics())["data"]
    assert ours["entry"]["limited_per_transfer"] is True
    told = json.dumps(ours)
    assert [secret for secret in secrets_of(ann.house.bank) if secret in told] == []


async def remove_everything(ann: Visitor) -> None:
    assert ann.house.bank.webhooks
    await ann.chooses("Delete")
    await ann.sees("permanently deleted")
    await ann.shot("remove")
    await ann.confirms("Delete")
    # Whether to delete the credentials as well is asked only sometimes: the frontend's own race.
    await ann.sees("No entries")
    await ann.shot("removed")
    await until(lambda: not ann.house.bank.webhooks)


def at_once_after(moment: datetime) -> re.Pattern[str]:
    """Return what finds a time of day that is not before a moment, nor long after it."""
    seconds = range(PATIENCE // 1000 + 1)
    times = [moment.astimezone(LONDON) + timedelta(seconds=later) for later in seconds]
    return re.compile("|".join(f"{time:%H:%M:%S}" for time in times))


def secrets_of(bank: Bank) -> Iterator[str]:
    """Yield what must not be in a file that is sent to strangers: names, identifiers, amounts."""
    yield from bank.webhooks
    for person in bank.people.values():
        yield from (person.user_id, *person.name.split())
    for account in bank.accounts.values():
        yield account.id
        if account.number:
            yield account.number
    for pot in bank.pots.values():
        yield from (pot.id, pot.name, str(pot.balance))


async def test_an_approval_that_does_not_come_can_still_be_given(
    new_house: House, desk: Desk
) -> None:
    page = await desk.open(new_house, INTEGRATIONS)
    ann = Visitor(new_house, desk, page)
    await ann.connects()
    await ann.sees("Not approved yet")
    await ann.shot("not approved")
    await ann.presses("Submit")
    await ann.waits_for_approval()
    await ann.approves()
    await ann.sees("Monzo is connected")


async def test_who_says_no_at_the_bank_is_told_what_happened(new_house: House, desk: Desk) -> None:
    page = await desk.open(new_house, INTEGRATIONS)
    ann = Visitor(new_house, desk, page)
    await ann.begins()
    await ann.decides(await ann.types_credentials(), "Deny")
    await ann.sees("access_denied")
    await ann.shot("denied")
    assert await new_house.entries() == []


async def test_a_client_that_is_not_confidential_is_told_apart(
    new_house: House, desk: Desk
) -> None:
    new_house.server.register_client("oauth2client_public", "secret", confidential=False)
    page = await desk.open(new_house, INTEGRATIONS)
    ann = Visitor(new_house, desk, page)
    await ann.begins()
    await ann.allows(await ann.types_credentials("oauth2client_public", "secret"))
    await ann.sees("not confidential")
    await ann.shot("not confidential")
    assert await new_house.entries() == []


async def test_nobody_else_can_sign_in_for_ann(new_house: House, desk: Desk) -> None:
    await new_house.connect()
    new_house.evict_ann()
    page = await desk.open(new_house, INTEGRATIONS)
    ben = Visitor(new_house, desk, page)
    await page.get_by_role("button", name="Reconfigure").click()
    await ben.allows(await ben.submits(), "Ben Baker")
    await ben.sees("signed in as a different person")
    await ben.shot("another person")


async def test_a_bank_that_is_down_delays_the_set_up(new_house: House, desk: Desk) -> None:
    page = await desk.open(new_house, INTEGRATIONS)
    ann = Visitor(new_house, desk, page)
    new_house.server.fail("GET", "/accounts", Answer.html(502), times=None)
    await ann.begins()
    await ann.allows(await ann.types_credentials())
    await ann.sees("Monzo cannot be reached")
    await ann.shot("bank is down")
    new_house.server.clear_faults()
    await ann.presses("Submit")
    await ann.approves()
    await ann.sees("Monzo is connected")


async def test_a_bank_that_gives_no_token_ends_the_set_up(new_house: House, desk: Desk) -> None:
    page = await desk.open(new_house, INTEGRATIONS)
    ann = Visitor(new_house, desk, page)
    new_house.server.fail("POST", "/oauth2/token", Answer.html(502), times=None)
    await ann.begins()
    await ann.allows(await ann.types_credentials())
    await ann.sees("obtaining access token")
    await ann.shot("no token")
    assert await new_house.entries() == []
