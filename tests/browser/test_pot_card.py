# ruff: noqa: RUF001 - amounts can be typed in several scripts
"""The pot card: the balance and goal it shows, and transfers that happen once and within limits."""

from collections.abc import Awaitable, Callable
import json
from typing import Any

from playwright.async_api import Locator, Page, WebSocketRoute, expect
import pytest_asyncio

from sandbox.models import Pot
from sandbox.server import Answer
from tests.helpers.state_helpers import HeldResponse

from . import card_editor
from .browser_session import BrowserSession, box_of, wait_for_frames
from .ha_instance import HaInstance
from .ha_setup import (
    another_user,
    change_options,
    device_id,
    integration_not_loaded,
    reload_integration,
    save_dashboard,
    temporary_options,
)
from .texts import text

type SaveCard = Callable[..., Awaitable[str]]

DASHBOARD = "pot-card"
CARD = "monzo-pot-card"
DIALOG = "monzo-move-dialog"

PUT_IN = text("common.pot_put_in")
TAKE_OUT = text("common.pot_take_out")

# Clicks the last button of the dialog's next step as soon as it is drawn, faster than any user.
CLICK_NEXT_STEP = """(dialog) => {
  const button = () => dialog.shadowRoot.querySelector("[slot=footer] > :last-child");
  const first = button();
  const observer = new MutationObserver(() => {
    if (button() === first) return;
    observer.disconnect();
    button().updateComplete.then(() => button().click());
  });
  observer.observe(dialog.shadowRoot, { childList: true, subtree: true });
}"""


@pytest_asyncio.fixture(loop_scope="package")
async def holiday(ha: HaInstance) -> Pot:
    """Return a pot with a goal."""
    return ha.bank.pot(ha.home.holiday.id)


@pytest_asyncio.fixture(loop_scope="package")
async def save_card(ha: HaInstance) -> SaveCard:
    """Return a function that saves a dashboard with the card of a pot, and returns its path."""

    async def save(pot: Pot, **options: object) -> str:
        card = {
            "type": f"custom:{CARD}",
            "pot": await device_id(ha, pot.id),
            **options,
        }
        view = {"type": "sections", "sections": [{"type": "grid", "cards": [card]}]}
        return await save_dashboard(ha, DASHBOARD, {"views": [view]})

    return save


async def open_dialog(page: Page, button: str) -> Locator:
    """Press a button of the card, and return the dialog as soon as it takes keys."""
    await page.get_by_role("button", name=button).click()
    dialog = page.locator(DIALOG)
    await expect(dialog.locator("input:focus, p:focus")).to_have_count(1)
    return dialog


async def enter_amount(page: Page, button: str, amount: str) -> Locator:
    """Press a button of the card, enter an amount, and return the dialog."""
    dialog = await open_dialog(page, button)
    await page.keyboard.type(amount)
    await page.keyboard.press("Enter")
    return dialog


async def correct_amount(page: Page, amount: str) -> None:
    """Enter another amount in the open dialog."""
    await page.locator(DIALOG).get_by_role("textbox").fill(amount)
    await page.keyboard.press("Enter")


async def wait_until_closed(page: Page) -> None:
    """Wait until no dialog is open."""
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def confirm_move(dialog: Locator, amount: str) -> None:
    """Confirm a transfer, and wait until the dialog reports it."""
    await dialog.get_by_role("button", name=text("common.pot_move", amount=amount)).click()
    await wait_until_moved(dialog, amount)


async def wait_until_moved(dialog: Locator, amount: str) -> None:
    """Wait until the dialog reports that an amount was moved."""
    moved = text("common.pot_moved", amount=amount)
    await expect(dialog.get_by_role("status")).to_contain_text(moved)


def isolated(part: str) -> str:
    """Return a part of a text between the marks that keep its direction."""
    return f"\u2068{part}\u2069"


def pence_moved(ha: HaInstance, pot: Pot) -> list[int]:
    """Return the transfers between a pot and its account, in the bank's ledger."""
    rows = ha.bank.transactions(pot.account_id)
    return [row.amount for row in rows if row.scheme.endswith("_pot") and pot.id in str(row)]


# Display


async def test_it_shows_balance_and_goal_and_asks_for_an_amount_in_the_currency(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    card = page.locator(CARD)
    await expect(card.get_by_role("heading", name="Holiday")).to_be_visible()
    await expect(card.get_by_text(f"£{holiday.balance / 100:,.2f}")).to_be_visible()
    assert holiday.goal is not None
    left = (holiday.goal - holiday.balance) / 100
    await expect(card.get_by_text(text("common.pot_left", amount=f"£{left:,.2f}"))).to_be_visible()
    goal = text("common.pot_goal", percent=holiday.balance * 100 // holiday.goal)
    await expect(card.get_by_role("img", name=goal)).to_be_visible()
    await browser.screenshot("card")
    dialog = await open_dialog(page, PUT_IN)
    question = text("common.pot_amount", currency="GBP")
    await expect(dialog).to_contain_text(question)
    account = ha.bank.accounts[holiday.account_id]
    for name, balance in (("Holiday", holiday.balance), ("Current account", account.balance)):
        await expect(dialog.locator(".holding").filter(has_text=name)).to_contain_text(
            f"£{balance / 100:,.2f}"
        )
    await browser.screenshot("question")


async def test_a_locked_pot_offers_no_withdrawal(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard
) -> None:
    locked = ha.bank.pot(ha.home.rainy_day.id)
    card = (await browser.show(ha, await save_card(locked))).locator(CARD)
    await expect(card.get_by_text(text("common.pot_locked"))).to_be_visible()
    await expect(card.get_by_role("button", name=TAKE_OUT)).to_be_disabled()
    await expect(card.get_by_role("button", name=PUT_IN)).to_be_enabled()


async def test_an_empty_pot_offers_no_withdrawal(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard
) -> None:
    account = ha.home.current.id
    empty = ha.bank.open_pot(account, "Empty")
    await reload_integration(ha)
    card = (await browser.show(ha, await save_card(empty))).locator(CARD)
    await expect(card.get_by_role("button", name=PUT_IN)).to_be_enabled()
    await expect(card.get_by_role("button", name=TAKE_OUT)).to_be_disabled()
    ha.bank.deposit(empty.id, account, 1, "a penny")
    await expect(card.get_by_role("button", name=TAKE_OUT)).to_be_enabled()
    ha.bank.close_pot(empty.id)
    await reload_integration(ha)


async def test_a_pot_that_has_reached_its_goal_says_so(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard
) -> None:
    account = ha.home.current.id
    full = ha.bank.open_pot(account, "Full", goal=500)
    ha.bank.deposit(full.id, account, 400, "nearly")
    await reload_integration(ha)
    page = await browser.show(ha, await save_card(full))
    card = page.locator(CARD)
    await expect(card.get_by_text(text("common.pot_left", amount="£1.00"))).to_be_visible()
    dialog = await open_dialog(page, PUT_IN)
    await dialog.get_by_role("button", name=text("common.pot_up_to_goal")).click()
    await expect(dialog.get_by_role("textbox")).to_have_value("1.00")
    await page.keyboard.press("Enter")
    await confirm_move(dialog, "£1.00")
    await page.keyboard.press("Escape")
    await expect(card.get_by_text(text("common.pot_goal_reached"))).to_be_visible()
    await browser.screenshot("goal reached")
    await open_dialog(page, TAKE_OUT)
    await dialog.get_by_role("button", name=text("common.pot_everything")).click()
    await expect(dialog.get_by_role("textbox")).to_have_value("5.00")
    await page.keyboard.press("Enter")
    await confirm_move(dialog, "£5.00")
    ha.bank.close_pot(full.id)
    await reload_integration(ha)


async def test_only_administrators_can_move_money(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    path = await save_card(holiday)
    async with another_user(ha, "guest", admin=False) as as_guest:
        page = await browser.open(as_guest, path)
        card = page.locator(CARD)
        await expect(card.get_by_role("heading", name="Holiday")).to_be_visible()
        await expect(card.get_by_role("button")).to_have_count(0)
        await page.close()


async def test_hidden_amounts_can_be_shown_and_hidden_again(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday, hide_amounts=True))
    card = page.locator(CARD)
    await expect(card.get_by_role("img", name="Hidden amount")).to_have_count(1)
    await expect(card.get_by_text(text("common.pot_left", amount="••••"))).to_be_visible()
    await expect(card.get_by_text("£")).to_have_count(0)
    await browser.screenshot("hidden")
    await card.get_by_role("img", name="Hidden amount").click()
    await expect(card.get_by_text(f"£{holiday.balance / 100:,.2f}")).to_be_visible()
    await page.get_by_role("button", name="Hide amounts").click()
    await page.get_by_role("button", name="Show amounts").press("Enter")
    await expect(card.get_by_text(f"£{holiday.balance / 100:,.2f}")).to_be_visible()
    await expect(page.get_by_role("button", name="Hide amounts")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(card.get_by_text("£")).to_have_count(0)


async def test_it_is_mirrored_in_a_right_to_left_language(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    path = await save_card(holiday, hide_amounts=True)
    page = await browser.open(ha, path, language="he")
    card = page.locator(CARD)
    await card.get_by_role("heading", name="Holiday").wait_for()
    buttons = [card.get_by_role("button", name=name) for name in (PUT_IN, TAKE_OUT, "Show")]
    from_the_left = [*buttons, card.locator(".what"), card.locator(".ring")]
    positions = [(await box_of(part))["x"] for part in from_the_left]
    assert positions == sorted(positions)
    await browser.screenshot("card")
    dialog = await enter_amount(page, PUT_IN, "1")
    move = dialog.get_by_role("button", name="Move")
    await expect(move).to_be_enabled()
    # English texts keep their order: the amount is to the right of the verb.
    await expect(page.get_by_role("dialog", name=PUT_IN)).to_be_visible()
    for part in (dialog.get_by_text("You'll have"), dialog.locator("ha-button bdi")):
        assert await part.evaluate("element => getComputedStyle(element).direction") == "ltr"
    cancel = dialog.locator("[slot=footer]").get_by_role("button").first
    assert (await box_of(move))["x"] < (await box_of(cancel))["x"]
    await browser.screenshot("confirmation")


# Transfers


async def test_a_deposit_is_made_once_after_a_confirmation_by_keyboard(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    before, rows = holiday.balance, len(pence_moved(ha, holiday))
    account = ha.bank.accounts[holiday.account_id]
    dialog = await enter_amount(page, PUT_IN, "12.50")
    afterwards = text(
        "common.pot_afterwards",
        pot=isolated(f"£{before / 100 + 12.5:,.2f}"),
        pot_name=isolated("Holiday"),
        account=isolated(f"£{account.balance / 100 - 12.5:,.2f}"),
        account_name=isolated("Current account"),
    )
    await expect(dialog.get_by_text(afterwards)).to_be_visible()
    assert len(pence_moved(ha, holiday)) == rows
    await browser.screenshot("confirmation")
    move = dialog.get_by_role("button", name="Move £12.50")
    await expect(move).to_be_enabled()
    await move.press("Enter")
    await wait_until_moved(dialog, "£12.50")
    await browser.screenshot("moved")
    assert pence_moved(ha, holiday)[rows:] == [-1250]
    assert holiday.balance == before + 1250
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name=PUT_IN)).to_be_focused()
    balance = f"£{holiday.balance / 100:,.2f}"
    await expect(page.get_by_text(balance, exact=True)).to_be_visible()


async def test_a_withdrawal_is_made_on_a_dark_phone(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday), width=390, dark=True)
    before = holiday.balance
    dialog = await enter_amount(page, TAKE_OUT, "3")
    await expect(dialog.get_by_role("button", name="Move £3.00")).to_be_visible()
    await browser.screenshot("confirmation")
    await confirm_move(dialog, "£3.00")
    await browser.screenshot("moved")
    assert holiday.balance == before - 300


async def test_a_double_click_moves_money_once(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    rows = len(pence_moved(ha, holiday))
    dialog = await enter_amount(page, PUT_IN, "1.01")
    await dialog.get_by_role("button", name="Move £1.01").dblclick()
    await wait_until_moved(dialog, "£1.01")
    assert pence_moved(ha, holiday)[rows:] == [-101]


async def _press_enter_twice(page: Page) -> None:
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")


async def _hold_enter_until_the_confirmation_is_enabled(page: Page) -> None:
    move = page.locator(DIALOG).get_by_role("button", name="Move")
    repeats = 0
    for _ in range(1_000):
        await page.keyboard.down("Enter")
        await wait_for_frames(page)
        repeats += await move.count() == 1 and await move.is_enabled()
        if repeats == 5:
            break
    await page.keyboard.up("Enter")


async def _double_click_and_click_what_appears(page: Page) -> None:
    dialog = page.locator(DIALOG)
    await dialog.evaluate(CLICK_NEXT_STEP)
    await dialog.get_by_role("button", name="Continue").dblclick()


async def test_the_confirmation_cannot_be_skipped_by_accident(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    rows = len(pence_moved(ha, holiday))
    for proceed in (
        _press_enter_twice,
        _hold_enter_until_the_confirmation_is_enabled,
        _double_click_and_click_what_appears,
    ):
        dialog = await open_dialog(page, PUT_IN)
        await page.keyboard.type("1.11")
        await proceed(page)
        move = dialog.get_by_role("button", name="Move £1.11")
        await expect(move).to_be_enabled()
        await wait_for_frames(page)
        await expect(move).to_be_visible()
        await expect(move).not_to_be_focused()
        await page.keyboard.press("Escape")
        await wait_until_closed(page)
    assert pence_moved(ha, holiday)[rows:] == []


async def test_escape_cancels_before_but_not_during_a_transfer(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    before = holiday.balance
    dialog = await enter_amount(page, PUT_IN, "7")
    await expect(dialog.get_by_role("button", name="Move £7.00")).to_be_visible()
    await page.keyboard.press("Escape")
    await wait_until_closed(page)
    await open_dialog(page, PUT_IN)
    await expect(dialog.get_by_role("textbox")).to_have_value("")
    assert holiday.balance == before
    response = HeldResponse()
    ha.server.fail("PUT", "/pots/*/deposit", response)
    await correct_amount(page, "1.14")
    await dialog.get_by_role("button", name="Move £1.14").click()
    await dialog.locator("[inert]").first.wait_for()
    for _ in range(2):
        await page.keyboard.press("Escape")
    response.released.set()
    await wait_until_moved(dialog, "£1.14")


async def test_escape_in_the_preview_of_the_card_editor_keeps_the_editor_open(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, f"{await save_card(holiday)}?edit=1")
    await page.locator(CARD).get_by_role("heading", name="Holiday").wait_for()
    preview = await card_editor.edit_first_card(page, CARD)
    amount = page.locator(DIALOG).get_by_role("textbox")
    await preview.get_by_role("button", name=PUT_IN).click()
    await expect(amount).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(amount).to_have_count(0)
    await wait_for_frames(page)
    # The closing editor would have become inert.
    await preview.get_by_role("button", name=PUT_IN).click()
    await expect(amount).to_be_focused()


# Transfers in doubt


async def test_a_lost_answer_stays_in_doubt_until_a_retry_succeeds_and_moves_money_once(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.open(ha)
    await _lose_first_answer(page)
    await page.goto(f"{ha.url}{await save_card(holiday)}")
    rows = len(pence_moved(ha, holiday))
    dialog = await enter_amount(page, PUT_IN, "2.03")
    await dialog.get_by_role("button", name="Move £2.03").click()
    await expect(dialog).to_contain_text(text("common.pot_unknown"))
    # After a reconnection Home Assistant creates the card again.
    await page.keyboard.press("Escape")
    await wait_until_closed(page)
    await open_dialog(page, PUT_IN)
    await expect(dialog).to_contain_text(text("common.pot_unknown"))
    await browser.screenshot("in doubt")
    retry = dialog.get_by_role("button", name="Try again")
    async with integration_not_loaded(ha):
        await retry.click()
        await expect(dialog.get_by_role("alert")).to_contain_text("loaded")
        await expect(dialog).to_contain_text(text("common.pot_unknown"))
        await browser.screenshot("not loaded")
    await retry.click()
    await wait_until_moved(dialog, "£2.03")
    assert pence_moved(ha, holiday)[rows:] == [-203]


async def test_a_transfer_in_doubt_can_be_dismissed_and_does_not_block_others(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.open(ha)
    await _lose_first_answer(page)
    await page.goto(f"{ha.url}{await save_card(holiday)}")
    dialog = await enter_amount(page, PUT_IN, "2.04")
    await dialog.get_by_role("button", name="Move £2.04").click()
    await expect(dialog).to_contain_text(text("common.pot_unknown"))
    await page.keyboard.press("Escape")
    await wait_until_closed(page)
    await open_dialog(page, TAKE_OUT)
    await expect(page.get_by_role("dialog", name=TAKE_OUT)).to_be_visible()
    await expect(dialog.get_by_role("textbox")).to_have_value("")
    await page.keyboard.press("Escape")
    await wait_until_closed(page)
    await open_dialog(page, PUT_IN)
    await dialog.get_by_role("button", name=text("common.pot_forget")).click()
    await wait_until_closed(page)
    await open_dialog(page, PUT_IN)
    await expect(dialog.get_by_role("textbox")).to_have_value("")


# Errors


async def test_after_the_bank_rejects_a_transfer_the_amount_can_be_corrected(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    rows = len(pence_moved(ha, holiday))
    no_money = Answer.error("bad_request.insufficient_funds", "Insufficient funds")
    ha.server.fail("PUT", "/pots/*/deposit", no_money, times=1)
    dialog = await enter_amount(page, PUT_IN, "1.05")
    await dialog.get_by_role("button", name="Move £1.05").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Insufficient funds")
    await correct_amount(page, "1.06")
    await confirm_move(dialog, "£1.06")
    assert pence_moved(ha, holiday)[rows:] == [-106]


async def test_the_options_limit_and_forbid_transfers(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    before = holiday.balance
    async with temporary_options(ha, max_per_transfer=10, allow_transfers=True):
        dialog = await enter_amount(page, PUT_IN, "10.01")
        alert = dialog.get_by_role("alert")
        over_limit = text(
            "exceptions.over_transfer_limit.message",
            amount="10.01 GBP",
            limit="10.00 GBP",
            name="Ann Archer",
        )
        await expect(alert).to_contain_text(over_limit.rstrip("."))
        await browser.screenshot("refused")
        await correct_amount(page, "10")
        await confirm_move(dialog, "£10.00")
        assert holiday.balance == before + 1000
        await page.keyboard.press("Escape")
        await change_options(ha, allow_transfers=False)
        await enter_amount(page, PUT_IN, "1")
        not_allowed = text("exceptions.transfers_not_allowed.message", name="Ann Archer")
        await expect(alert).to_contain_text(not_allowed.rstrip("."))
    assert holiday.balance == before + 1000


async def test_an_amount_that_is_unclear_zero_or_too_high_is_refused(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    alert = page.locator(DIALOG).get_by_role("alert")
    zero = text(
        "exceptions.invalid_amount.message", field="amount", currency="GBP", decimals=2, value="0"
    )
    await enter_amount(page, TAKE_OUT, "0")
    await expect(alert).to_have_text(zero)
    for amount in ("lots", "1.000"):
        await correct_amount(page, amount)
        await expect(alert).to_have_text(text("common.pot_unclear", example="12.50"))
        await correct_amount(page, "0")
        await expect(alert).to_have_text(zero)
    await correct_amount(page, "99999")
    await expect(alert).to_have_text(text("common.pot_not_enough"))


async def test_no_transfer_is_offered_while_the_balance_is_unknown(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    await expect(page.get_by_role("button", name=PUT_IN)).to_be_enabled()
    async with integration_not_loaded(ha):
        for button in (PUT_IN, TAKE_OUT):
            await expect(page.get_by_role("button", name=button)).to_be_disabled()
    await expect(page.get_by_role("button", name=PUT_IN)).to_be_enabled()


# Formats of amounts


async def test_amounts_can_be_typed_with_a_pound_sign_and_thousands(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, await save_card(holiday))
    rows = len(pence_moved(ha, holiday))
    dialog = await enter_amount(page, PUT_IN, "£1.27")
    await confirm_move(dialog, "£1.27")
    assert pence_moved(ha, holiday)[rows:] == [-127]
    await page.keyboard.press("Escape")
    await enter_amount(page, PUT_IN, "1,000")
    await expect(dialog.get_by_role("button", name="Move £1,000.00")).to_be_visible()
    await page.keyboard.press("Escape")


async def test_amounts_can_be_typed_in_persian_digits(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.open(ha, await save_card(holiday), language="fa")
    rows = len(pence_moved(ha, holiday))
    dialog = await enter_amount(page, PUT_IN, "۱٫۰۰۱")
    await expect(dialog.get_by_role("alert")).to_contain_text("۱۲٫۵۰")
    await correct_amount(page, "۱٫۲۶")
    await dialog.get_by_role("button", name="Move").click()
    await expect(dialog.get_by_role("status")).to_be_visible()
    assert pence_moved(ha, holiday)[rows:] == [-126]


async def test_amounts_follow_the_number_format_of_the_user(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    path = await save_card(holiday)
    async with another_user(ha, "carl", admin=True) as as_carl:
        await as_carl.admin.command(
            "frontend/set_user_data",
            key="language",
            value={"language": "en-GB", "number_format": "decimal_comma"},
        )
        page = await browser.open(as_carl, path)
        before = holiday.balance
        shown = f"{before / 100:,.2f}".translate(str.maketrans(",.", ".,"))
        await expect(page.locator(CARD)).to_contain_text(shown)
        dialog = await enter_amount(page, PUT_IN, "1,000")
        await expect(dialog.get_by_role("alert")).to_contain_text("12,50")
        await correct_amount(page, "1,25")
        await dialog.get_by_role("button", name="Move 1,25").click()
        await expect(dialog.get_by_role("status")).to_be_visible()
        assert holiday.balance == before + 125
        await page.close()


# Editing


async def test_the_pot_and_hidden_amounts_can_be_chosen_in_the_editor(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, f"{await save_card(holiday)}?edit=1")
    await page.locator(CARD).get_by_role("heading", name="Holiday").wait_for()
    preview = await card_editor.edit_first_card(page, CARD)
    await expect(preview.get_by_role("heading", name="Holiday")).to_be_visible()
    await page.locator("hui-dialog-edit-card ha-device-picker").click()
    devices = page.get_by_role("option")
    await expect(devices.filter(has_text="Coin jar")).to_be_visible()
    await expect(devices.filter(has_text="Flex")).to_have_count(0)
    await browser.screenshot("pots")
    await devices.filter(has_text="Coin jar").click()
    await expect(preview.get_by_role("heading", name="Coin jar")).to_be_visible()
    # A closing list moves the focus back to its field.
    await expect(devices).to_have_count(0)
    await card_editor.hide_amounts(page)
    await expect(preview.get_by_role("button", name="Show amounts")).to_be_visible()
    await browser.screenshot("editor")
    card = await card_editor.save_card(ha, page, DASHBOARD)
    coin_jar = await device_id(ha, ha.home.coin_jar.id)
    assert (card["pot"], card["hide_amounts"]) == (coin_jar, True)


async def test_the_card_picker_suggests_it_for_pots_only(
    ha: HaInstance, browser: BrowserSession, save_card: SaveCard, holiday: Pot
) -> None:
    page = await browser.show(ha, f"{await save_card(holiday)}?edit=1")
    await page.locator(CARD).get_by_role("heading", name="Holiday").wait_for()
    entry = await page.evaluate(card_editor.CARD_PICKER_ENTRY, CARD)
    pot = entry.pop("pot")
    assert entry == {"times": 1, "name": "Monzo pot", "preview": True, "account": None}
    assert pot.keys() == {"type", "pot"}
    suggested = await card_editor.suggested_card(
        browser, page, CARD, search="holiday balance", entity="Balance"
    )
    await expect(suggested.get_by_role("heading", name="Holiday")).to_be_visible()
    await browser.screenshot("by entity")
    example = await card_editor.card_example(page, CARD, search="monzo pot")
    await expect(example.get_by_text("£").first).to_be_visible()
    await browser.screenshot("by card")


async def _lose_first_answer(page: Page) -> None:
    """Break the connection when Home Assistant answers the first request that moves money."""
    lost: list[str] = []

    async def connect(browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()
        transfers: set[int] = set()

        def request(message: str | bytes) -> None:
            for each in _messages(message):
                if each.get("service_data", {}).get("dry_run") is False:
                    transfers.add(each["id"])
            server.send(message)

        async def answer(message: str | bytes) -> None:
            if not lost and any(each.get("id") in transfers for each in _messages(message)):
                lost.append("the answer")
                await browser.close()
                return
            browser.send(message)

        browser.on_message(request)
        server.on_message(answer)

    await page.route_web_socket("**/api/websocket", connect)


def _messages(frame: str | bytes) -> list[dict[str, Any]]:
    """Return the messages in a frame of Home Assistant's WebSocket."""
    content = json.loads(frame)
    return content if isinstance(content, list) else [content]
