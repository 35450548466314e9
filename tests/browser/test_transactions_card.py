"""The card of transactions: what it shows, how it keeps current, and what it never does."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from playwright.async_api import Locator, Page, WebSocket, WebSocketRoute, expect
import pytest
import pytest_asyncio

from sandbox.server import Answer
from sandbox.shops import Shop
from tests.browser import editor

from .boards import device_of, lay_out, moved_in, not_loaded, reload
from .desk import Desk, place_of
from .house import House

type Board = Callable[..., Awaitable[str]]

BOARD = "transactions-card"
CARD = "monzo-transactions-card"
LOGOS = "logos.example.com"

# One pixel.
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'

CONTRAST = """element => {
  const channels = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const light = (color) => {
    const [red, green, blue] = channels(color);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const card = element.closest("ha-card");
  const [one, other] = [
    light(getComputedStyle(element).color), light(getComputedStyle(card).backgroundColor),
  ];
  return Math.max(one, other) / Math.min(one, other);
}"""

# What people can read who see less well (WCAG 2, AA).
READABLE = 4.5


@pytest_asyncio.fixture(loop_scope="package")
async def board(banked_house: House) -> Board:
    """Return what lays out a dashboard with cards, by default of Ann's current account."""

    async def show(*cards: dict[str, object]) -> str:
        account = await device_of(banked_house, banked_house.home.current.id)
        laid_out = [
            {"type": f"custom:{CARD}", "account": [account], **card} for card in cards or [{}]
        ]
        view = {"type": "sections", "sections": [{"type": "grid", "cards": laid_out}]}
        return await lay_out(banked_house, BOARD, {"views": [view]})

    return show


def row_of(page: Page, name: str) -> Locator:
    """Return the row of a payment on the first card."""
    return rows_of(page).filter(has_text=name)


async def look(desk: Desk, house: House, path: str, **window: Any) -> Page:
    """Open a dashboard, and wait as long as it takes until its first card shows something."""
    page = await desk.open(house, path, **window)
    await rows_of(page).first.wait_for()
    return page


def rows_of(page: Page) -> Locator:
    """Return the rows of the first card."""
    return page.locator(CARD).first.get_by_role("listitem")


def count_questions(page: Page) -> list[dict[str, object]]:
    """Return a list that fills with what the cards ask of the integration."""
    asked: list[dict[str, object]] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: hear(json.loads(frame)))

    def hear(sent: dict[str, object] | list[dict[str, object]]) -> None:
        messages = sent if isinstance(sent, list) else [sent]
        asked.extend(each for each in messages if each.get("service") == "get_transactions")

    page.on("websocket", listen)
    return asked


# What it shows


@pytest.mark.parametrize(
    ("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)]
)
async def test_transactions_are_shown_by_day_and_can_be_read(
    banked_house: House,
    desk: Desk,
    board: Board,
    width: int,
    dark: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    # No other test uses this account, so that yesterday is on the first page.
    bank, account = banked_house.bank, banked_house.home.flex.id
    paid, refunded = f"Paid {width} {dark}", f"Refunded {width} {dark}"
    bank.pay(account, -555, merchant="Corner Shop", at=bank.clock() - timedelta(days=1))
    bank.pay(account, -1_234, merchant=Shop(paid, "entertainment"))
    bank.refund(account, 899, merchant=refunded)
    path = await board({"account": [await device_of(banked_house, account)]})
    page = await look(desk, banked_house, path, width=width, dark=dark)
    card = page.locator(CARD)
    await expect(card.get_by_role("heading", name="Flex")).to_be_visible()
    refund = row_of(page, refunded)
    await expect(refund).to_contain_text("Refund")
    await expect(refund.locator(".sum")).to_have_text("+£8.99")
    payment = row_of(page, paid)
    await expect(payment).to_contain_text("Entertainment")
    await expect(payment.locator(".sum")).to_have_text("-£12.34")
    days = await card.get_by_role("heading", level=3).all_inner_texts()
    assert days[:2] == ["Today", "Yesterday"]
    assert len(days) == len(set(days))
    colors = [
        await row.locator(".sum").evaluate("element => getComputedStyle(element).color")
        for row in (refund, payment)
    ]
    assert len(set(colors)) == 2
    for part in (refund.locator(".sum"), refund.locator("small").first, payment.locator(".what")):
        assert await part.evaluate(CONTRAST) >= READABLE
    await desk.shot("card")


async def test_the_newest_day_is_today(banked_house: House, desk: Desk, board: Board) -> None:
    banked_house.bank.pay(banked_house.home.current.id, -111, merchant="Early Bird")
    page = await look(desk, banked_house, await board())
    await expect(row_of(page, "Early Bird")).to_be_visible()
    newest = page.locator(CARD).get_by_role("heading", level=3).first
    await expect(newest).to_have_text("today")


async def test_declined_and_pending_are_told_apart(
    banked_house: House, desk: Desk, board: Board
) -> None:
    account = banked_house.home.current.id
    banked_house.bank.decline(account, -990_000, merchant="Boat Yard", reason="CARD_BLOCKED")
    banked_house.bank.decline(account, -990_100, merchant="Plane Yard", reason="MOON_IS_FULL")
    banked_house.bank.pay(account, -333, merchant="Slow Shop")
    page = await look(desk, banked_house, await board())
    declined = row_of(page, "Boat Yard")
    await expect(declined).to_contain_text("Declined: the card is frozen")
    await expect(declined.locator("s")).to_have_text("-£9,900.00")
    await expect(row_of(page, "Plane Yard")).to_contain_text("Declined: moon is full")
    pending = row_of(page, "Slow Shop")
    await expect(pending).to_contain_text("Pending")
    await expect(pending.locator("s")).to_have_count(0)


async def test_what_was_paid_abroad_is_shown_in_both_currencies(
    banked_house: House, desk: Desk, board: Board
) -> None:
    banked_house.bank.pay(
        banked_house.home.current.id,
        -883,
        merchant="Diner",
        local_amount=-1_200,
        local_currency="USD",
    )
    page = await look(desk, banked_house, await board())
    await expect(row_of(page, "Diner").locator(".sum")).to_have_text("-£8.83-US$12.00")


async def test_notes_say_more_than_the_category(
    banked_house: House, desk: Desk, board: Board
) -> None:
    notes = "<b>Birthday</b> present for a dear friend who collects all kinds of heavy paper"
    banked_house.bank.pay(banked_house.home.current.id, -2_000, merchant="Paper Place", notes=notes)
    page = await look(desk, banked_house, await board(), width=390)
    await expect(row_of(page, "Paper Place")).to_contain_text(notes)
    await desk.shot("card")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_accounts_are_merged_by_time(banked_house: House, desk: Desk, board: Board) -> None:
    home, bank = banked_house.home, banked_house.bank
    for seconds, account, shop in (
        (3, home.current, "One"),
        (2, home.joint, "Two"),
        (1, home.current, "Three"),
    ):
        at = bank.clock() - timedelta(seconds=seconds)
        bank.pay(account.id, -100, merchant=shop, at=at)
    page = await look(desk, banked_house, await board({"account": None}))
    await expect(row_of(page, "Two")).to_contain_text("Joint account")
    rows = await page.locator(f"{CARD} .what").all_inner_texts()
    names = [row.partition("\n")[0] for row in rows]
    assert names.index("Three") < names.index("Two") < names.index("One")
    await expect(page.locator(CARD).get_by_role("heading", name="Transactions")).to_be_visible()


async def test_amounts_are_written_as_the_person_writes_numbers(
    banked_house: House, desk: Desk, board: Board
) -> None:
    banked_house.bank.decline(banked_house.home.current.id, -123_456, merchant="Comma Shop")
    chosen = {"language": "en-GB", "number_format": "decimal_comma", "time_format": "language"}
    owner = banked_house.owner
    await owner.command("frontend/set_user_data", key="language", value=chosen)
    try:
        page = await look(desk, banked_house, await board())
        await expect(row_of(page, "Comma Shop").locator(".sum")).to_have_text("-1.234,56\xa0£")
    finally:
        await owner.command("frontend/set_user_data", key="language", value=None)


async def test_it_is_mirrored_where_people_read_from_right_to_left(
    banked_house: House, desk: Desk, board: Board
) -> None:
    page = await look(desk, banked_house, await board({"hide_amounts": True}), language="he")
    row = rows_of(page).first
    name, amount = [await place_of(row.locator(part)) for part in (".what", ".sum")]
    eye = await place_of(page.locator(CARD).get_by_role("button").first)
    card = await place_of(page.locator(CARD))
    assert amount["x"] < name["x"]
    assert eye["x"] - card["x"] < 20
    await desk.shot("card")


# What it hides


async def test_hidden_amounts_are_shown_and_hidden_again_by_keyboard(
    banked_house: House, desk: Desk, board: Board
) -> None:
    banked_house.bank.pay(banked_house.home.current.id, -1_299, merchant="Secret Shop")
    page = await look(desk, banked_house, await board({"hide_amounts": True}))
    card = page.locator(CARD)
    amount = row_of(page, "Secret Shop").locator(".sum")
    await expect(amount).to_have_text("••••")
    await expect(amount.get_by_role("img", name="Hidden amount")).to_be_visible()
    assert "£" not in await card.inner_text()
    await desk.shot("hidden")
    await card.get_by_role("button", name="Show amounts").focus()
    await page.keyboard.press("Enter")
    await expect(amount).to_have_text("-£12.99")
    await expect(card.get_by_role("button", name="Hide amounts")).to_be_focused()
    await page.keyboard.press("Space")
    await expect(amount).to_have_text("••••")


async def test_a_tap_on_an_amount_shows_it_as_well(
    banked_house: House, desk: Desk, board: Board
) -> None:
    banked_house.bank.pay(banked_house.home.current.id, -1_298, merchant="Tapped Shop")
    page = await look(desk, banked_house, await board({"hide_amounts": True}))
    amount = row_of(page, "Tapped Shop").locator(".sum")
    await amount.click()
    await expect(amount).to_have_text("-£12.98")


async def test_logos_are_asked_for_only_when_somebody_wants_them(
    banked_house: House, desk: Desk, board: Board
) -> None:
    account = banked_house.home.current.id
    for name, file in (("Logo Shop", "logo.svg"), ("Lost Logo Shop", "lost.svg")):
        row = banked_house.bank.pay(account, -404, merchant=Shop(name, "shopping", "🛍️"))
        assert row.merchant
        row.merchant = replace(row.merchant, logo=f"https://{LOGOS}/{file}")
    page = await look(desk, banked_house, await board())
    await expect(row_of(page, "Logo Shop").first).to_contain_text("🛍️")
    # A request now would be a complaint.
    assert not desk.complaints

    desk.expected_hosts.add(LOGOS)
    path = await board({"logos": True})
    await page.route(
        f"https://{LOGOS}/logo.svg",
        lambda route: route.fulfill(body=LOGO, content_type="image/svg+xml"),
    )
    async with page.expect_request(f"https://{LOGOS}/logo.svg") as asked:
        await page.goto(f"{banked_house.url}{path}")
    assert "referer" not in (await asked.value).headers
    shop = page.locator(CARD).get_by_role("listitem").filter(has_text="Logo Shop")
    await expect(shop.filter(has_not_text="Lost").locator("img")).to_be_attached()
    await expect(row_of(page, "Lost Logo Shop")).to_contain_text("🛍️")


# How it keeps current


async def test_a_payment_shows_at_once_and_is_asked_for_once(
    banked_house: House, desk: Desk, board: Board
) -> None:
    page = await desk.open(banked_house, "/profile")
    asked = count_questions(page)
    path = await board({}, {"hide_amounts": True})
    await page.goto(f"{banked_house.url}{path}")
    await rows_of(page).first.wait_for()
    # Two cards of the same account.
    assert len(asked) == 1
    banked_house.bank.pay(banked_house.home.current.id, -777, merchant="Fresh Fish")
    for card in await page.locator(CARD).all():
        await expect(card.get_by_text("Fresh Fish")).to_be_visible()
    assert len(asked) == 2


async def test_more_are_loaded_when_somebody_wants_more(
    banked_house: House, desk: Desk, board: Board
) -> None:
    page = await look(desk, banked_house, await board())
    card = page.locator(CARD)
    rows = card.get_by_role("listitem")
    await expect(rows).to_have_count(20)
    newest = await rows.first.inner_text()
    more = card.get_by_role("button", name="More")
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(40)
    await expect(more).to_be_focused()
    assert await rows.first.inner_text() == newest


async def test_a_bank_that_is_down_is_said_and_asked_again(
    banked_house: House, desk: Desk, board: Board
) -> None:
    page = await desk.open(banked_house, "/profile")
    # Of all accounts, which all have the same trouble.
    path = await board({"account": []})
    down = banked_house.server.fail("GET", "/transactions", Answer.html(502), times=None)
    try:
        await page.goto(f"{banked_house.url}{path}")
        card = page.locator(CARD)
        await expect(card.get_by_role("alert")).to_contain_text("Monzo")
        await expect(card.get_by_role("button", name="Try again")).to_be_visible()
        await expect(card.get_by_role("alert")).to_have_count(1)
        await desk.shot("down")
    finally:
        down.clear()
    await card.get_by_role("button", name="Try again").click()
    await rows_of(page).first.wait_for()
    await expect(card.get_by_role("alert")).to_have_count(0)


async def test_a_connection_that_breaks_meanwhile_is_said_and_asked_again(
    banked_house: House, desk: Desk, board: Board
) -> None:
    path = await board()
    page = await desk.open(banked_house, "/profile")
    sockets: list[WebSocketRoute] = []
    broken = False

    def pass_on(message: str | bytes) -> None:
        nonlocal broken
        if "get_transactions" in str(message) and not broken:
            broken = True
            closing.append(asyncio.ensure_future(sockets[-1].close()))
        else:
            servers[-1].send(message)

    servers: list[WebSocketRoute] = []
    closing: list[asyncio.Future[None]] = []

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        servers.append(socket.connect_to_server())
        socket.on_message(pass_on)

    await page.route_web_socket("**/api/websocket", connect)
    await page.goto(f"{banked_house.url}{path}")
    card = page.locator(CARD)
    await card.get_by_role("alert").wait_for()
    await expect(card.get_by_role("alert")).to_have_text("Home Assistant did not respond.")
    await card.get_by_role("button", name="Try again").click()
    await expect(card.get_by_role("listitem").first).to_be_visible()


async def test_where_there_is_no_account_it_says_so(
    banked_house: House, desk: Desk, board: Board
) -> None:
    page = await look(desk, banked_house, await board())
    card = page.locator(CARD)
    await card.evaluate(
        "card => { card.setConfig({}); card.hass = { ...card.hass, entities: {} }; }"
    )
    await expect(card.get_by_text("There is no Monzo account yet.")).to_be_visible()


async def test_what_cannot_be_known_is_not_taken_for_nothing(
    banked_house: House, desk: Desk, board: Board
) -> None:
    path = await board()
    async with not_loaded(banked_house):
        page = await desk.open(banked_house, path)
        card = page.locator(CARD)
        await expect(card.get_by_text("are not available at the moment")).to_be_visible()
        await desk.shot("not loaded")
    await rows_of(page).first.wait_for()
    await expect(card.get_by_text("are not available")).to_have_count(0)


async def test_an_error_heals_by_itself(banked_house: House, desk: Desk, board: Board) -> None:
    page = await desk.open(banked_house, "/profile")
    path = await board()
    await page.clock.install()
    down = banked_house.server.fail("GET", "/transactions", Answer.html(502), times=None)
    try:
        await page.goto(f"{banked_house.url}{path}")
        await page.locator(CARD).get_by_role("alert").wait_for()
    finally:
        down.clear()
    await page.clock.fast_forward("01:01")
    await rows_of(page).first.wait_for()
    await expect(page.locator(CARD).get_by_role("alert")).to_have_count(0)


async def test_at_midnight_today_becomes_yesterday(
    banked_house: House, desk: Desk, board: Board
) -> None:
    banked_house.bank.pay(banked_house.home.current.id, -112, merchant="Night Owl")
    page = await look(desk, banked_house, await board())
    newest = page.locator(CARD).get_by_role("heading", level=3).first
    await expect(newest).to_have_text("today")
    await page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=1))
    await banked_house.owner.post("/api/states/sensor.anything", {"state": "else"})
    await expect(newest).to_have_text("yesterday")


async def test_without_its_event_entity_an_account_is_as_current(
    banked_house: House, desk: Desk, board: Board
) -> None:
    entities = await banked_house.owner.command("config/entity_registry/list")
    account = banked_house.home.current.id
    (event,) = (each for each in entities if each["unique_id"] == f"{account}_transaction")
    update = "config/entity_registry/update"
    entity_id = event["entity_id"]
    await banked_house.owner.command(update, entity_id=entity_id, disabled_by="user")
    try:
        page = await look(desk, banked_house, await board({"account": None}))
        banked_house.bank.pay(account, -321, merchant="Quiet Quay")
        await expect(row_of(page, "Quiet Quay")).to_contain_text("Current account")
        banked_house.bank.deposit(banked_house.home.holiday.id, account, 15, "quiet deposit")
        await expect(rows_of(page).first).to_contain_text("Deposit into pot")
        await expect(rows_of(page).first.locator(".icon")).to_have_text("🐷")
    finally:
        await banked_house.owner.command(update, entity_id=entity_id, disabled_by=None)
        await reload(banked_house)


async def test_the_first_new_row_has_the_focus_where_no_more_can_come(
    banked_house: House, desk: Desk, board: Board
) -> None:
    bank = banked_house.bank
    account = bank.open_account(banked_house.home.ann, type="uk_business", balance=50_000)
    for number in range(25):
        bank.pay(account.id, -100 - number, merchant=f"Shop {number}")
    await reload(banked_house)
    path = await board({"account": [await device_of(banked_house, account.id)]})
    page = await look(desk, banked_house, path)
    await page.locator(CARD).get_by_role("button", name="More").press("Enter")
    await expect(rows_of(page).nth(20)).to_be_focused()
    bank.close_account(account.id)
    await reload(banked_house)


# Choosing it


async def test_its_options_are_changed_by_clicks(
    banked_house: House, desk: Desk, board: Board
) -> None:
    page = await look(desk, banked_house, f"{await board()}?edit=1")
    preview = await editor.preview(page, CARD)
    await expect(page.locator("hui-dialog-edit-card ha-device-picker")).to_have_count(2)
    await expect(preview.get_by_role("listitem").first).to_be_visible()
    await page.get_by_role("textbox", name="Title").fill("What I bought")
    await editor.hide_amounts(page)
    await expect(preview.get_by_role("heading", name="What I bought")).to_be_visible()
    await expect(preview.get_by_role("button", name="Show amounts")).to_be_visible()
    await desk.shot("editor")
    card = await editor.save(banked_house, page, BOARD)
    assert (card["title"], card["hide_amounts"]) == ("What I bought", True)


async def test_it_is_offered_for_an_account_and_loaded_only_once(
    banked_house: House, desk: Desk, board: Board
) -> None:
    page = await look(desk, banked_house, await board())
    offered = await page.evaluate(editor.OFFERED, CARD)
    account = offered.pop("account")
    assert offered == {"times": 1, "name": "Monzo transactions", "preview": True, "pot": None}
    assert account.keys() == {"type", "account"}


async def test_the_picker_suggests_it_for_an_account_and_shows_it(
    banked_house: House, desk: Desk, board: Board
) -> None:
    page = await look(desk, banked_house, f"{await board()}?edit=1")
    suggested = await editor.suggested(
        desk, page, CARD, search="current account transaction", entity="Transaction"
    )
    await suggested.get_by_role("listitem").first.wait_for()
    await desk.shot("by entity")
    example = await editor.example(page, CARD, search="monzo transactions")
    await example.get_by_role("listitem").first.wait_for()
    await desk.shot("by card")


async def test_who_may_change_nothing_sees_transactions_as_well(
    banked_house: House, desk: Desk, board: Board
) -> None:
    path = await board()
    async with moved_in(banked_house, "lodger", admin=False) as lodgers:
        page = await look(desk, lodgers, path)
        await expect(page.locator(CARD).get_by_role("alert")).to_have_count(0)
