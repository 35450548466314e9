# ruff: noqa: RUF001 - people write in more than one script
"""The card of a pot: what it shows, and that money moves once and only as far as allowed."""

import asyncio
from collections.abc import Awaitable, Callable
import json
from typing import Any

from playwright.async_api import Locator, Page, WebSocketRoute, expect
import pytest
import pytest_asyncio

from sandbox.faults import Delay
from sandbox.models import Pot
from sandbox.server import Answer
from tests.browser import editor

from .boards import device_of, lay_out, limited, moved_in, not_loaded
from .desk import Desk, place_of
from .house import House

type Board = Callable[..., Awaitable[str]]

BOARD = "pot-card"
CARD = "monzo-pot-card"

PUT_IN = "Put money in"
TAKE_OUT = "Take money out"

# In which language it is typed, what is typed, and what is read; None: it is refused.
AMOUNTS = [
    ("en", "12", "12.0"),
    ("en", " 12.5 ", "12.5"),
    ("en", "12,50", "12.50"),
    ("de", "12.50", "12.50"),
    ("de", "12,50", "12.50"),
    # Thousands in one country are thousandths in another.
    ("en", "1,000", None),
    ("en", "1.000", None),
    ("de", "1.000", None),
    ("de", "0,001", None),
    ("en", "1,234.50", "1234.50"),
    ("en", "1.234,50", "1234.50"),
    ("de", "1.234.567,8", "1234567.8"),
    ("en", "1,234,567", None),
    ("en", "1,23.50", None),
    ("en", "1.234.50", None),
    ("en", "1,234.567", None),
    ("fa", "۱۲٫۵۰", "12.50"),
    ("fa", "۱۲.۵", "12.5"),
    ("fa", "12.5", "12.5"),
    ("fa", "۱٬۰۰۰", None),
    ("ar-EG", "١٢٫٥٠", "12.50"),
    ("ar-EG", "٩٨٧٦٥٤٣٢١٠", "9876543210.0"),
    ("en", "१२", None),
    ("hi-u-nu-deva", "१२.५", "12.5"),
    ("en", "£5", None),
    ("en", "-5", None),
    ("en", "1e3", None),
    ("en", "5.", None),
    ("en", ".", None),
]


@pytest_asyncio.fixture(loop_scope="package")
async def holiday(banked_house: House) -> Pot:
    """Return a pot with a goal."""
    return banked_house.bank.pot(banked_house.home.holiday.id)


@pytest_asyncio.fixture(loop_scope="package")
async def board(banked_house: House) -> Board:
    """Return what lays out a dashboard with the card of a pot."""

    async def show(pot: Pot, **options: object) -> str:
        card = {
            "type": f"custom:{CARD}",
            "pot": await device_of(banked_house, pot.id),
            **options,
        }
        view = {"type": "sections", "sections": [{"type": "grid", "cards": [card]}]}
        return await lay_out(banked_house, BOARD, {"views": [view]})

    return show


async def wish(page: Page, button: str, amount: str) -> Locator:
    """Press a button of the card, type an amount, and return the dialog that asks on."""
    await page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    await page.keyboard.type(amount)
    await page.keyboard.press("Enter")
    return dialog


def moves(house: House, pot: Pot) -> list[int]:
    """Return what moved between a pot and its account, as the bank has it."""
    rows = house.bank.transactions(pot.account_id)
    return [row.amount for row in rows if row.scheme.endswith("_pot") and pot.id in str(row)]


async def test_it_shows_what_is_in_the_pot_and_how_far_the_goal_is(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    card = page.locator(CARD)
    await expect(card.get_by_role("heading", name="Holiday")).to_be_visible()
    await expect(card.get_by_text(f"£{holiday.balance / 100:,.2f}")).to_be_visible()
    assert holiday.goal is not None
    left = (holiday.goal - holiday.balance) / 100
    await expect(card.get_by_text(f"Left to goal: £{left:,.2f}")).to_be_visible()
    percent = holiday.balance * 100 // holiday.goal
    await expect(card.get_by_role("img", name=f"{percent}% of the goal")).to_be_visible()
    await desk.shot("card")


@pytest.mark.parametrize(("width", "colours"), [(1280, "light"), (390, "dark")])
async def test_what_is_put_in_moves_once_after_a_confirmation(
    banked_house: House, desk: Desk, board: Board, holiday: Pot, width: int, colours: str
) -> None:
    path = await board(holiday)
    page = await desk.open(banked_house, path, width=width, dark=colours == "dark")
    before, rows = holiday.balance, len(moves(banked_house, holiday))
    dialog = await wish(page, PUT_IN, "12.50")
    after = f"the pot will hold £{before / 100 + 12.5:,.2f}"
    await expect(dialog.get_by_text(after)).to_be_visible()
    assert len(moves(banked_house, holiday)) == rows
    await desk.shot("confirmation")
    move = dialog.get_by_role("button", name="Move £12.50")
    await expect(move).to_be_enabled()
    await move.press("Enter")
    await expect(dialog.get_by_role("status")).to_contain_text("£12.50 was moved.")
    await desk.shot("moved")
    assert moves(banked_house, holiday)[rows:] == [-1250]
    assert holiday.balance == before + 1250
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name=PUT_IN)).to_be_focused()
    balance = f"£{holiday.balance / 100:,.2f}"
    await expect(page.get_by_text(balance, exact=True)).to_be_visible()


async def test_what_is_taken_out_is_in_the_account_again(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    before = holiday.balance
    dialog = await wish(page, TAKE_OUT, "3")
    await dialog.get_by_role("button", name="Move £3.00").click()
    await expect(dialog.get_by_role("status")).to_contain_text("£3.00 was moved.")
    assert holiday.balance == before - 300


async def test_pressing_twice_moves_once(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    rows = len(moves(banked_house, holiday))
    dialog = await wish(page, PUT_IN, "1.01")
    await dialog.get_by_role("button", name="Move £1.01").dblclick()
    await expect(dialog.get_by_role("status")).to_contain_text("£1.01 was moved.")
    assert moves(banked_house, holiday)[rows:] == [-101]


async def _press_enter_again(page: Page) -> None:
    await page.keyboard.press("Enter")
    await asyncio.sleep(0.15)
    await page.keyboard.press("Enter")


async def _hold_enter(page: Page) -> None:
    await page.keyboard.down("Enter")
    for _ in range(60):
        await asyncio.sleep(0.033)
        await page.keyboard.down("Enter")
    await page.keyboard.up("Enter")


async def _click_again_at_the_same_point(page: Page) -> None:
    button = page.get_by_role("dialog").get_by_role("button", name="Continue")
    place = await place_of(button)
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    await page.mouse.click(x, y)
    await asyncio.sleep(0.2)
    await page.mouse.click(x, y)


@pytest.mark.parametrize("go_on", [_press_enter_again, _hold_enter, _click_again_at_the_same_point])
async def test_the_confirmation_cannot_be_passed_without_being_read(
    banked_house: House,
    desk: Desk,
    board: Board,
    holiday: Pot,
    go_on: Callable[[Page], Awaitable[None]],
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    rows = len(moves(banked_house, holiday))
    await page.get_by_role("button", name=PUT_IN).click()
    await page.keyboard.type("1.11")
    await go_on(page)
    move = page.get_by_role("dialog").get_by_role("button", name="Move £1.11")
    await expect(move).to_be_enabled()
    await asyncio.sleep(0.5)
    await expect(move).to_be_visible()
    await expect(move).not_to_be_focused()
    assert moves(banked_house, holiday)[rows:] == []


async def test_a_lost_answer_is_asked_for_again_and_moves_once(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, "/profile/general")
    await _lose_an_answer(page)
    await page.goto(f"{banked_house.url}{await board(holiday)}")
    rows = len(moves(banked_house, holiday))
    dialog = await wish(page, PUT_IN, "2.02")
    await dialog.get_by_role("button", name="Move £2.02").click()
    await expect(dialog).to_contain_text("the money moves only once")
    # Home Assistant has made the card anew, but this has to come to its end first.
    await expect(dialog).to_have_count(0)
    await page.get_by_role("button", name=PUT_IN).click()
    await desk.shot("unknown")
    await dialog.get_by_role("button", name="Try again").click()
    await expect(dialog.get_by_role("status")).to_contain_text("£2.02 was moved.")
    assert moves(banked_house, holiday)[rows:] == [-202]


async def test_what_is_in_doubt_stays_so_when_another_try_is_refused(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, "/profile/general")
    await _lose_an_answer(page)
    await page.goto(f"{banked_house.url}{await board(holiday)}")
    rows = len(moves(banked_house, holiday))
    dialog = await wish(page, PUT_IN, "2.03")
    await dialog.get_by_role("button", name="Move £2.03").click()
    await expect(dialog).to_have_count(0)
    again = dialog.get_by_role("button", name="Try again")
    alert = dialog.get_by_role("alert")
    await page.get_by_role("button", name=PUT_IN).click()
    async with not_loaded(banked_house):
        await again.click()
        await expect(alert).to_contain_text("loaded")
        await expect(dialog).to_contain_text("the money moves only once")
        await desk.shot("not loaded")
    await again.click()
    await expect(dialog.get_by_role("status")).to_contain_text("£2.03 was moved.")
    assert moves(banked_house, holiday)[rows:] == [-203]


async def test_who_has_looked_in_the_app_can_forget_what_is_in_doubt(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, "/profile/general")
    await _lose_an_answer(page)
    await page.goto(f"{banked_house.url}{await board(holiday)}")
    dialog = await wish(page, PUT_IN, "2.04")
    await dialog.get_by_role("button", name="Move £2.04").click()
    await expect(dialog).to_have_count(0)
    # It is only this wish that is in doubt.
    await page.get_by_role("button", name=TAKE_OUT).click()
    await expect(dialog.get_by_role("heading", name=TAKE_OUT)).to_be_visible()
    await expect(dialog.get_by_role("textbox")).to_have_value("")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name=PUT_IN).click()
    await dialog.get_by_role("button", name="I've checked").click()
    await expect(dialog).to_have_count(0)
    await page.get_by_role("button", name=PUT_IN).click()
    await expect(dialog.get_by_role("textbox")).to_have_value("")


async def test_after_a_certain_refusal_it_asks_for_an_amount_again(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    rows = len(moves(banked_house, holiday))
    poor = Answer.error("bad_request.insufficient_funds", "Insufficient funds")
    banked_house.server.fail("PUT", "/pots/*/deposit", poor, times=1)
    dialog = await wish(page, PUT_IN, "1.05")
    await dialog.get_by_role("button", name="Move £1.05").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Insufficient funds")
    await dialog.get_by_role("textbox").fill("1.06")
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Move £1.06").click()
    await expect(dialog.get_by_role("status")).to_contain_text("£1.06 was moved.")
    assert moves(banked_house, holiday)[rows:] == [-106]


async def test_more_than_the_limit_is_refused_before_anything_moves(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    before = holiday.balance
    async with limited(banked_house, max_per_transfer=10):
        dialog = await wish(page, PUT_IN, "10.01")
        await expect(dialog.get_by_role("alert")).to_contain_text("exceeds the limit")
        await desk.shot("refused")
        # The dialog asks again, and the amount can be mended.
        await dialog.get_by_role("textbox").fill("10")
        await page.keyboard.press("Enter")
        await dialog.get_by_role("button", name="Move £10.00").click()
        await expect(dialog.get_by_role("status")).to_contain_text("£10.00 was moved.")
    assert holiday.balance == before + 1000


async def test_without_leave_nothing_can_be_moved(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    async with limited(banked_house, allow_transfers=False):
        dialog = await wish(page, PUT_IN, "1")
        await expect(dialog.get_by_role("alert")).to_contain_text("do not allow")


async def test_what_is_no_amount_is_refused(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    alert = page.get_by_role("dialog").get_by_role("alert")
    dialog = await wish(page, PUT_IN, "0")
    await expect(alert).to_contain_text("must be a number in GBP")
    for amount in ("lots", "1,000"):
        await dialog.get_by_role("textbox").fill(amount)
        await page.keyboard.press("Enter")
        await expect(alert).to_have_text("Enter the amount in this format: 12.50")
        await dialog.get_by_role("textbox").fill("0")
        await page.keyboard.press("Enter")
        await expect(alert).to_contain_text("must be a number in GBP")


async def test_an_amount_is_read_or_refused_but_never_guessed(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    await page.get_by_role("button", name=PUT_IN).wait_for()
    read = await page.evaluate(
        """async (amounts) => {
          const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
          const { readAmount } = await import(loaded.find((name) => name.endsWith("/pot-card.js")));
          const options = { useGrouping: false, minimumFractionDigits: 2 };
          const read = ([language, typed]) =>
            readAmount(typed, new Intl.NumberFormat(language, options)) ?? null;
          return amounts.map(read);
        }""",
        AMOUNTS,
    )
    assert read == [amount for _, _, amount in AMOUNTS]


async def test_amounts_can_be_written_in_other_digits(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday), language="fa")
    rows = len(moves(banked_house, holiday))
    dialog = await wish(page, PUT_IN, "۱٫۰۰۱")
    await expect(dialog.get_by_role("alert")).to_contain_text("۱۲٫۵۰")
    await dialog.get_by_role("textbox").fill("۱٫۲۶")
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Move").click()
    await expect(dialog.get_by_role("status")).to_be_visible()
    assert moves(banked_house, holiday)[rows:] == [-126]


async def test_the_question_says_in_which_currency(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    await page.get_by_role("button", name=PUT_IN).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Amount in GBP")
    await desk.shot("question")


async def test_escape_does_not_hide_what_becomes_of_a_transfer(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    slow = banked_house.server.fail("PUT", "/pots/*/deposit", Delay(2), times=1)
    dialog = await wish(page, PUT_IN, "1.14")
    await dialog.get_by_role("button", name="Move £1.14").click()
    await expect(dialog.locator("[inert]")).to_have_count(1)
    for _ in range(2):
        await page.keyboard.press("Escape")
    await expect(dialog.get_by_role("status")).to_contain_text("£1.14 was moved.")
    slow.clear()


async def test_escape_in_the_preview_of_an_editor_leaves_the_editor_open(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, f"{await board(holiday)}?edit=1")
    preview = await editor.preview(page, CARD)
    await preview.get_by_role("button", name=PUT_IN).click()
    await expect(preview.get_by_role("textbox")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(preview.get_by_role("textbox")).to_have_count(0)
    await asyncio.sleep(0.5)
    await expect(preview.get_by_role("button", name=PUT_IN)).to_be_visible()


async def test_nothing_is_moved_while_nobody_knows_what_is_in_the_pot(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    await expect(page.get_by_role("button", name=PUT_IN)).to_be_enabled()
    async with not_loaded(banked_house):
        for button in (PUT_IN, TAKE_OUT):
            await expect(page.get_by_role("button", name=button)).to_be_disabled()
    await expect(page.get_by_role("button", name=PUT_IN)).to_be_enabled()


async def test_more_than_there_is_cannot_be_moved(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    dialog = await wish(page, TAKE_OUT, "99999")
    await expect(dialog.get_by_role("alert")).to_contain_text("not enough money")


async def test_amounts_are_read_as_the_person_writes_numbers(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    path = await board(holiday)
    async with moved_in(banked_house, "carl", admin=True) as carls_house:
        await carls_house.owner.command(
            "frontend/set_user_data",
            key="language",
            value={"language": "en-GB", "number_format": "decimal_comma"},
        )
        page = await desk.open(carls_house, path)
        before = holiday.balance
        shown = f"{before / 100:,.2f}".translate(str.maketrans(",.", ".,"))
        await expect(page.locator(CARD)).to_contain_text(shown)
        dialog = await wish(page, PUT_IN, "1.000")
        await expect(dialog.get_by_role("alert")).to_contain_text("12,50")
        await dialog.get_by_role("textbox").fill("1,25")
        await page.keyboard.press("Enter")
        await dialog.get_by_role("button", name="Move 1,25").click()
        await expect(dialog.get_by_role("status")).to_be_visible()
        assert holiday.balance == before + 125
        await page.close()


async def test_only_administrators_are_offered_to_move_money(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    path = await board(holiday)
    async with moved_in(banked_house, "guest", admin=False) as guests_house:
        page = await desk.open(guests_house, path)
        card = page.locator(CARD)
        await expect(card.get_by_role("heading", name="Holiday")).to_be_visible()
        await expect(card.get_by_role("button")).to_have_count(0)
        await page.close()


async def test_nothing_can_be_taken_from_a_locked_pot(
    banked_house: House, desk: Desk, board: Board
) -> None:
    locked = banked_house.bank.pot(banked_house.home.rainy_day.id)
    page = await desk.open(banked_house, await board(locked))
    card = page.locator(CARD)
    await expect(card.get_by_text("Locked in the Monzo app")).to_be_visible()
    await expect(card.get_by_role("button", name=TAKE_OUT)).to_be_disabled()
    await expect(card.get_by_role("button", name=PUT_IN)).to_be_enabled()


async def test_hidden_amounts_show_with_a_tap_and_hide_again(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday, hide_amounts=True))
    card = page.locator(CARD)
    await expect(card.get_by_role("img", name="Hidden amount")).to_have_count(2)
    await expect(card.get_by_text("£")).to_have_count(0)
    await desk.shot("hidden")
    await card.get_by_role("img", name="Hidden amount").first.click()
    await expect(card.get_by_text(f"£{holiday.balance / 100:,.2f}")).to_be_visible()
    await page.get_by_role("button", name="Hide amounts").click()
    await page.get_by_role("button", name="Show amounts").press("Enter")
    await expect(card.get_by_text(f"£{holiday.balance / 100:,.2f}")).to_be_visible()
    await expect(page.get_by_role("button", name="Hide amounts")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(card.get_by_text("£")).to_have_count(0)


async def test_escape_moves_nothing_and_the_next_time_begins_anew(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    before = holiday.balance
    dialog = await wish(page, PUT_IN, "7")
    await expect(dialog.get_by_role("button", name="Move £7.00")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.get_by_role("button", name=PUT_IN).click()
    await expect(dialog.get_by_role("textbox")).to_have_value("")
    assert holiday.balance == before


async def test_it_is_mirrored_where_people_read_from_right_to_left(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    path = await board(holiday, hide_amounts=True)
    page = await desk.open(banked_house, path, language="he")
    card = page.locator(CARD)
    await card.get_by_role("heading", name="Holiday").wait_for()
    buttons = [card.get_by_role("button", name=name) for name in (PUT_IN, TAKE_OUT, "Show")]
    from_the_left = [*buttons, card.locator(".what"), card.locator(".ring")]
    places = [(await place_of(part))["x"] for part in from_the_left]
    assert places == sorted(places)
    await desk.shot("card")
    dialog = await wish(page, PUT_IN, "1")
    move = dialog.get_by_role("button", name="Move")
    await expect(move).to_be_enabled()
    cancel = dialog.get_by_role("button").first
    assert (await place_of(move))["x"] < (await place_of(cancel))["x"]
    await desk.shot("confirmation")


async def test_another_pot_and_hidden_amounts_are_chosen_by_clicks(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, f"{await board(holiday)}?edit=1")
    preview = await editor.preview(page, CARD)
    await expect(preview.get_by_role("heading", name="Holiday")).to_be_visible()
    await page.locator("hui-dialog-edit-card ha-device-picker").click()
    devices = page.get_by_role("option")
    await expect(devices.filter(has_text="Coin jar")).to_be_visible()
    await expect(devices.filter(has_text="Flex")).to_have_count(0)
    await desk.shot("pots")
    await devices.filter(has_text="Coin jar").click()
    await expect(preview.get_by_role("heading", name="Coin jar")).to_be_visible()
    # As it goes, the list gives the focus back to where it was opened.
    await expect(devices).to_have_count(0)
    await editor.hide_amounts(page)
    await expect(preview.get_by_role("button", name="Show amounts")).to_be_visible()
    await desk.shot("editor")
    card = await editor.save(banked_house, page, BOARD)
    coin_jar = await device_of(banked_house, banked_house.home.coin_jar.id)
    assert (card["pot"], card["hide_amounts"]) == (coin_jar, True)


async def test_it_is_offered_for_a_pot_but_not_for_an_account(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, await board(holiday))
    await page.locator(CARD).get_by_role("heading", name="Holiday").wait_for()
    offered = await page.evaluate(editor.OFFERED, CARD)
    pot = offered.pop("pot")
    assert offered == {"times": 1, "name": "Monzo pot", "preview": True, "account": None}
    assert pot.keys() == {"type", "pot"}


async def test_the_picker_suggests_it_for_a_pot_and_shows_it(
    banked_house: House, desk: Desk, board: Board, holiday: Pot
) -> None:
    page = await desk.open(banked_house, f"{await board(holiday)}?edit=1")
    suggested = await editor.suggested(desk, page, CARD, search="holiday balance", entity="Balance")
    await expect(suggested.get_by_role("heading", name="Holiday")).to_be_visible()
    await desk.shot("by entity")
    example = await editor.example(page, CARD, search="monzo pot")
    await expect(example.get_by_text("£").first).to_be_visible()
    await desk.shot("by card")


async def _lose_an_answer(page: Page) -> None:
    """Have the connection break when Home Assistant has moved money for the first time."""
    lost: list[str] = []

    async def hang_up_once(browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()
        transfers: set[int] = set()

        def ask(message: str | bytes) -> None:
            for request in _each(message):
                data = request.get("service_data", {})
                if data.get("dry_run") is False:
                    transfers.add(request["id"])
            server.send(message)

        async def answer(message: str | bytes) -> None:
            if not lost and any(each.get("id") in transfers for each in _each(message)):
                lost.append("the answer")
                await browser.close()
                return
            browser.send(message)

        browser.on_message(ask)
        server.on_message(answer)

    await page.route_web_socket("**/api/websocket", hang_up_once)


def _each(message: str | bytes) -> list[dict[str, Any]]:
    """Return what is in a message of Home Assistant's WebSocket, which may hold several."""
    content = json.loads(message)
    return content if isinstance(content, list) else [content]
