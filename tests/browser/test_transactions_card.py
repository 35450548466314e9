"""The transactions card: rows, updates, errors, hidden amounts and privacy."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from playwright.async_api import FilePayload, Locator, Page, WebSocket, WebSocketRoute, expect
import pytest
import pytest_asyncio

from sandbox.server import Answer
from sandbox.shops import Shop

from . import card_editor
from .browser_session import BrowserSession, box_of
from .dashboard_page import change_view
from .ha_instance import HaInstance, wait_until
from .ha_setup import (
    another_user,
    device_id,
    integration_not_loaded,
    reload_integration,
    save_dashboard,
    temporary_options,
)
from .texts import text

type SaveCards = Callable[..., Awaitable[str]]

DASHBOARD = "transactions-card"
CARD = "monzo-transactions-card"
DIALOG = "monzo-transaction-dialog"
LOGO_HOST = "logos.example.com"

# One pixel.
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'

# A picture of one pixel.
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)

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

# The lowest contrast of readable text (WCAG 2, level AA).
READABLE = 4.5


@pytest_asyncio.fixture(loop_scope="package")
async def save_cards(ha: HaInstance) -> SaveCards:
    """Return a function that saves a dashboard with cards, and returns its path.

    A card shows Ann's current account if its options name no other.
    """

    async def save(*cards: dict[str, object]) -> str:
        account = await device_id(ha, ha.home.current.id)
        configs = [
            {"type": f"custom:{CARD}", "account": [account], **card} for card in cards or [{}]
        ]
        view = {"type": "sections", "sections": [{"type": "grid", "cards": configs}]}
        return await save_dashboard(ha, DASHBOARD, {"views": [view]})

    return save


def all_rows(page: Page) -> Locator:
    """Return the rows of the first card."""
    return page.locator(CARD).first.get_by_role("listitem")


def row_of(page: Page, name: str) -> Locator:
    """Return the row of a payment on the first card."""
    return all_rows(page).filter(has_text=name)


def recorded_requests(page: Page) -> list[dict[str, Any]]:
    """Return a list to which the requests of the cards for transactions are added."""
    requests: list[dict[str, Any]] = []

    def record(frame: str | bytes) -> None:
        content = json.loads(frame)
        messages = content if isinstance(content, list) else [content]
        requests.extend(each for each in messages if each.get("service") == "get_transactions")

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", record)

    page.on("websocket", listen)
    return requests


# Rows


async def test_transactions_are_readable_and_grouped_by_day_at_any_width(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    # Only this test uses the account, so that yesterday is on the first page.
    account = ha.home.flex.id
    ha.bank.pay(account, -555, merchant="Corner Shop", at=ha.bank.clock() - timedelta(days=1))
    ha.bank.pay(account, -1_234, merchant=Shop("Cinema", "entertainment"))
    ha.bank.refund(account, 899, merchant="Shoe Shop")
    # Home Assistant looks for payments of yesterday when it loads the integration.
    await reload_integration(ha)
    path = await save_cards({"account": [await device_id(ha, account)]})
    page = await browser.show(ha, path)
    card = page.locator(CARD)
    for width, dark in ((1280, False), (1280, True), (390, False), (390, True)):
        await change_view(page, width, 900, dark=dark)
        await expect(card.get_by_role("heading", name="Flex")).to_be_visible()
        refund, payment = row_of(page, "Shoe Shop"), row_of(page, "Cinema")
        await expect(refund).to_contain_text("Refund")
        await expect(refund.locator(".sum")).to_have_text("+£8.99")
        await expect(payment).to_contain_text("Entertainment")
        await expect(payment.locator(".sum")).to_have_text("-£12.34")
        headings = await card.get_by_role("heading", level=3).all_inner_texts()
        assert len(headings) == len(set(headings))
        # Between these two, there is the heading of the month on its first day.
        assert (await card.locator(".day h3").all_inner_texts())[:2] == ["Today", "Yesterday"]
        spent = text("common.transactions_spent", amount="£5.55")
        await expect(card.locator(".day").nth(1)).to_contain_text(spent)
        await browser.screenshot(f"{width} {'dark' if dark else 'light'}")
        colors = {
            await row.locator(".sum").evaluate("element => getComputedStyle(element).color")
            for row in (refund, payment)
        }
        assert len(colors) == 2
        for part in (refund.locator(".sum"), refund.locator("small"), payment.locator(".what")):
            assert await part.first.evaluate(CONTRAST) >= READABLE


async def test_declined_pending_and_foreign_payments_are_marked(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    account = ha.home.current.id
    ha.bank.decline(account, -990_000, merchant="Boat Yard", reason="CARD_BLOCKED")
    ha.bank.decline(account, -990_100, merchant="Plane Yard", reason="MOON_IS_FULL")
    ha.bank.pay(account, -333, merchant="Slow Shop")
    ha.bank.pay(account, -883, merchant="Diner", local_amount=-1_200, local_currency="USD")
    page = await browser.show(ha, await save_cards())
    declined = row_of(page, "Boat Yard")
    reason = text("common.transactions_reason_card_blocked")
    await expect(declined).to_contain_text(text("common.transactions_declined", reason=reason))
    await expect(declined.locator("s")).to_have_text("-£9,900.00")
    unknown = text("common.transactions_declined", reason="moon is full")
    await expect(row_of(page, "Plane Yard")).to_contain_text(unknown)
    pending = row_of(page, "Slow Shop")
    await expect(pending).to_contain_text(text("common.transactions_pending"))
    await expect(pending.locator("s")).to_have_count(0)
    await expect(row_of(page, "Diner").locator(".sum")).to_have_text("-£8.83-US$12.00")


async def test_notes_replace_the_category_and_fit_a_phone(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    notes = "<b>Birthday</b> present for a dear friend who collects all kinds of heavy paper"
    ha.bank.pay(ha.home.current.id, -2_000, merchant="Paper Place", notes=notes)
    page = await browser.show(ha, await save_cards(), width=390)
    await expect(row_of(page, "Paper Place")).to_contain_text(notes)
    await browser.screenshot("card")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_transactions_of_several_accounts_are_merged_by_time(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    for seconds, account, shop in (
        (3, ha.home.current, "One"),
        (2, ha.home.joint, "Two"),
        (1, ha.home.current, "Three"),
    ):
        at = ha.bank.clock() - timedelta(seconds=seconds)
        ha.bank.pay(account.id, -100, merchant=shop, at=at)
    page = await browser.show(ha, await save_cards({"account": None}))
    for shop in ("One", "Two", "Three"):
        await expect(row_of(page, shop)).to_be_visible()
    await expect(row_of(page, "Two")).to_contain_text("Joint account")
    rows = await page.locator(f"{CARD} .what").all_inner_texts()
    names = [row.partition("\n")[0] for row in rows]
    assert names.index("Three") < names.index("Two") < names.index("One")
    await expect(page.locator(CARD).get_by_role("heading", name="Transactions")).to_be_visible()


async def test_amounts_follow_the_number_format_of_the_user(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    ha.bank.decline(ha.home.current.id, -123_456, merchant="Comma Shop")
    path = await save_cards()
    async with another_user(ha, "freda", admin=False) as as_freda:
        chosen = {"language": "en-GB", "number_format": "decimal_comma", "time_format": "language"}
        await as_freda.admin.command("frontend/set_user_data", key="language", value=chosen)
        page = await browser.open(as_freda, path)
        await expect(row_of(page, "Comma Shop").locator(".sum")).to_have_text("-1.234,56\xa0£")
        await page.close()


async def test_it_is_mirrored_in_a_right_to_left_language(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    page = await browser.open(ha, await save_cards({"hide_amounts": True}), language="he")
    row = all_rows(page).first
    await row.wait_for()
    name, amount = [await box_of(row.locator(part)) for part in (".what", ".sum")]
    show = await box_of(page.locator(CARD).get_by_role("button", name="Show amounts"))
    card = await box_of(page.locator(CARD))
    assert amount["x"] < name["x"]
    assert show["x"] - card["x"] < 20
    await browser.screenshot("card")


async def test_a_user_without_administrator_rights_sees_transactions_unless_an_option_hides_them(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    path = await save_cards()
    async with another_user(ha, "lodger", admin=False) as as_lodger:
        page = await browser.open(as_lodger, path)
        card = page.locator(CARD)
        await all_rows(page).first.wait_for()
        await expect(card.get_by_role("alert")).to_have_count(0)
        async with temporary_options(ha, only_administrators=True):
            await page.reload()
            reason = text("exceptions.only_administrators.message", name="Ann Archer")
            await expect(card.get_by_role("paragraph")).to_have_text(reason)
            for role in ("alert", "button", "listitem"):
                await expect(card.get_by_role(role)).to_have_count(0)
            await page.close()


async def test_a_round_up_is_part_of_its_payment(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    account = ha.home.current.id
    ha.bank.set_round_up(ha.home.coin_jar.id, on=True)
    ha.bank.pay(account, -1_934, merchant="Odd Shop")
    ha.bank.set_round_up(ha.home.coin_jar.id, on=False)
    page = await browser.show(ha, await save_cards())
    payment = row_of(page, "Odd Shop")
    await expect(payment).to_contain_text(text("common.transactions_round_up", amount="£0.66"))
    await expect(payment.locator(".sum")).to_have_text("-£19.34")
    await expect(all_rows(page).filter(has_text="-£0.66")).to_have_count(0)
    await payment.click()
    await expect(page.locator(DIALOG)).to_contain_text(text("common.details_round_up"))
    await page.keyboard.press("Escape")


async def test_months_have_headings(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    account = ha.bank.open_account(
        ha.home.ann,
        type="uk_business",
        balance=50_000,
        created=ha.bank.clock() - timedelta(days=60),
    )
    for days in (1, 40):
        at = ha.bank.clock() - timedelta(days=days)
        ha.bank.pay(account.id, -100, merchant=f"Shop {days}", at=at)
    await reload_integration(ha)
    page = await browser.show(ha, await save_cards({"account": await device_id(ha, account.id)}))
    await row_of(page, "Shop 40").wait_for()
    earlier = ha.bank.clock() - timedelta(days=40)
    month = page.locator(CARD).get_by_role("heading", name=f"{earlier:%B %Y}")
    await expect(month).to_be_visible()
    ha.bank.close_account(account.id)
    await reload_integration(ha)


async def test_an_amount_in_forints_keeps_its_decimals(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    ha.bank.pay(
        ha.home.current.id,
        -291,
        merchant="Paprika",
        local_amount=-123_456,
        local_currency="HUF",
    )
    page = await browser.show(ha, await save_cards())
    await expect(row_of(page, "Paprika").locator(".sum")).to_contain_text("1,234.56")


# Search and filters


async def test_transactions_can_be_searched_and_filtered_by_keyboard(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    account = ha.home.current.id
    ha.bank.pay(account, -1_111, merchant=Shop("Café Zoë", "eating_out"), notes="With Ben #Treat")
    ha.bank.decline(account, -990_200, merchant="Crane Yard", reason="CARD_BLOCKED")
    ha.bank.refund(account, 1_299, merchant="Zoë Shoes")
    page = await browser.show(ha, await save_cards(), width=390)
    await row_of(page, "Café Zoë").wait_for()
    card = page.locator(CARD)
    search = card.get_by_role("button", name=text("common.transactions_search"))
    await search.press("Enter")
    await expect(card.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("zoe")
    await expect(row_of(page, "Crane Yard")).to_have_count(0)
    await expect(row_of(page, "Café Zoë")).to_be_visible()
    incoming = card.get_by_role("button", name=text("common.transactions_filter_in"), exact=True)
    await incoming.press("Enter")
    await expect(row_of(page, "Café Zoë")).to_have_count(0)
    await expect(row_of(page, "Zoë Shoes")).to_be_visible()
    await browser.screenshot("incoming")
    await incoming.press("Enter")
    await card.get_by_role("searchbox").fill("")
    await card.get_by_role("button", name="Eating out", exact=True).press("Enter")
    await expect(row_of(page, "Zoë Shoes")).to_have_count(0)
    await expect(row_of(page, "Café Zoë")).to_be_visible()
    await card.get_by_role("searchbox").fill("#tre")
    await expect(row_of(page, "Café Zoë")).to_be_visible()
    await card.get_by_role("searchbox").fill("#ben")
    await expect(row_of(page, "Café Zoë")).to_have_count(0)
    await card.get_by_role("searchbox").fill("nothing like this")
    await expect(card.get_by_text(text("common.transactions_no_match"))).to_be_visible()
    await search.press("Enter")
    await expect(row_of(page, "Crane Yard")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_search_finds_payments_of_earlier_years_and_shows_their_details(
    new_ha: HaInstance, browser: BrowserSession
) -> None:
    ha = new_ha
    account = ha.home.current.id
    at = ha.bank.clock() - timedelta(days=400)
    ha.bank.pay(account, -4_321, merchant="Old Lighthouse", notes="a day out", at=at)
    await ha.connect()
    device = await device_id(ha, account)
    config = {"type": f"custom:{CARD}", "account": [device]}
    path = await save_dashboard(ha, DASHBOARD, {"views": [{"cards": [config]}]})

    async def is_kept() -> bool:
        called = await ha.admin.command(
            "call_service",
            domain="monzo",
            service="get_transactions",
            service_data={
                "account": device,
                "since": "2015-01-01",
                "text": "lighthouse",
                "refresh": False,
            },
            return_response=True,
        )
        return bool(called["response"]["transactions"])

    await wait_until(is_kept, "the whole history is kept")
    page = await browser.open(ha, width=390)
    requests = recorded_requests(page)
    await page.goto(f"{ha.url}{path}")
    await all_rows(page).first.wait_for()
    card = page.locator(CARD)
    await card.get_by_role("button", name=text("common.transactions_search")).click()
    await card.get_by_role("searchbox").fill("LIGHTHOUSE old")
    await expect(row_of(page, "Old Lighthouse")).to_be_visible()
    await expect(all_rows(page)).to_have_count(1)
    await expect(card.locator("#more")).to_have_count(0)
    await expect(card.get_by_text(text("common.transactions_search_incomplete"))).to_have_count(0)
    await browser.screenshot("found")
    await row_of(page, "Old Lighthouse").click()
    await expect(page.locator(DIALOG)).to_contain_text("£43.21")
    await page.keyboard.press("Escape")
    # The dialog gives the focus back to its row, which would interrupt the typing.
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(row_of(page, "Old Lighthouse").get_by_role("button")).to_be_focused()
    searched = [each["service_data"] for each in requests if "text" in each["service_data"]]
    assert [each["text"] for each in searched] == ["LIGHTHOUSE"]
    await card.get_by_role("searchbox").fill("")
    await expect(row_of(page, "Old Lighthouse")).to_have_count(0)


# Details


async def test_the_details_show_everything_and_take_notes(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    payment = ha.bank.pay(
        ha.home.current.id,
        -884,
        merchant=Shop("Bistro", "eating_out"),
        local_amount=-1_200,
        local_currency="USD",
    )
    page = await browser.show(ha, await save_cards(), dark=True)
    await row_of(page, "Bistro").get_by_role("button").press("Enter")
    dialog = page.locator(DIALOG)
    await expect(page.get_by_role("dialog", name="Bistro")).to_be_visible()
    for part in ("-£8.84", "US$12.00", "Eating out", "Current account", "Card payment"):
        await expect(dialog).to_contain_text(part)
    await browser.screenshot("details")
    notes = dialog.get_by_role("textbox", name=text("common.details_notes"))
    await notes.fill("dinner with Carl")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("status")).to_have_text(text("common.details_saved"))
    assert payment.notes == "dinner with Carl"
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(row_of(page, "Bistro")).to_contain_text("dinner with Carl")
    await expect(row_of(page, "Bistro").get_by_role("button")).to_be_focused()


async def test_a_picture_is_attached_and_leaves_no_copy_in_home_assistant(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    payment = ha.bank.pay(ha.home.current.id, -885, merchant="Receipt Shop")
    media = ha.process.folder / "media"
    media.mkdir(exist_ok=True)
    page = await browser.show(ha, await save_cards(), width=390)
    await row_of(page, "Receipt Shop").click()
    dialog = page.locator(DIALOG)
    receipt = FilePayload(name="receipt.gif", mimeType="image/gif", buffer=GIF)
    await dialog.locator("input[type=file]").set_input_files(receipt)
    await expect(dialog.get_by_role("status")).to_have_text(text("common.details_attached"))
    await expect(dialog.get_by_role("link")).to_have_count(1)
    await browser.screenshot("attached")
    assert len(payment.attachments) == 1
    assert list(media.iterdir()) == []


async def test_the_details_of_hidden_amounts_show_neither_payee_nor_notes(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    ha.bank.pay(ha.home.current.id, -886, merchant="Discreet Shop", notes="a surprise")
    page = await browser.open(ha, await save_cards({"hide_amounts": True}))
    await page.locator(CARD).get_by_role("listitem").first.locator(".what").click()
    dialog = page.locator(DIALOG)
    await expect(dialog).to_contain_text("••••")
    await expect(dialog).to_contain_text("Card payment")
    await browser.screenshot("hidden details")
    for hidden in ("£", "Discreet Shop", "a surprise"):
        await expect(dialog.get_by_text(hidden)).to_have_count(0)
    await expect(dialog.get_by_role("textbox")).to_have_count(0)


async def test_a_user_without_administrator_rights_cannot_change_details(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    ha.bank.pay(ha.home.current.id, -887, merchant="Noted Shop", notes="a present")
    path = await save_cards()
    async with another_user(ha, "tenant", admin=False) as as_tenant:
        page = await browser.open(as_tenant, path)
        await row_of(page, "Noted Shop").click()
        dialog = page.locator(DIALOG)
        await expect(dialog).to_contain_text("a present")
        await expect(dialog.get_by_role("textbox")).to_have_count(0)
        await expect(dialog.get_by_role("button", name="Save")).to_have_count(0)
        await page.close()


# Hidden amounts and logos


async def test_hidden_amounts_can_be_shown_by_keyboard_and_by_a_tap(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    ha.bank.pay(ha.home.current.id, -1_299, merchant="Secret Shop")
    page = await browser.show(ha, await save_cards({"hide_amounts": True}))
    card = page.locator(CARD)
    row = card.get_by_role("listitem").first
    amount = row.locator(".sum")
    await expect(amount).to_have_text("••••")
    await expect(amount.get_by_role("img", name="Hidden amount")).to_be_visible()
    assert "£" not in await card.inner_text()
    # Neither the payees nor what they are known by.
    await expect(row).to_contain_text("Card payment")
    assert "Secret Shop" not in await card.inner_text()
    await browser.screenshot("hidden")
    await card.get_by_role("button", name="Show amounts").focus()
    await page.keyboard.press("Enter")
    await expect(amount).to_have_text("-£12.99")
    await expect(row).to_contain_text("Secret Shop")
    await expect(card.get_by_role("button", name="Hide amounts")).to_be_focused()
    await page.keyboard.press("Space")
    await expect(amount).to_have_text("••••")
    await amount.click()
    await expect(amount).to_have_text("-£12.99")


async def test_logos_are_requested_only_if_the_option_is_on(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    account = ha.home.current.id
    for name, file in (("Logo Shop", "logo.svg"), ("Lost Logo Shop", "lost.svg")):
        row = ha.bank.pay(account, -404, merchant=Shop(name, "shopping", "🛍️"))
        assert row.merchant
        row.merchant = replace(row.merchant, logo=f"https://{LOGO_HOST}/{file}")
    page = await browser.show(ha, await save_cards())
    await expect(row_of(page, "Logo Shop").first).to_contain_text("🛍️")
    # A request to another host would be recorded as a problem.
    assert browser.problems == []

    browser.expected_hosts.add(LOGO_HOST)
    path = await save_cards({"logos": True})
    await page.route(
        f"https://{LOGO_HOST}/logo.svg",
        lambda route: route.fulfill(body=LOGO, content_type="image/svg+xml"),
    )
    async with page.expect_request(f"https://{LOGO_HOST}/logo.svg") as requested:
        await page.goto(f"{ha.url}{path}")
    assert not (await requested.value).headers.get("referer")
    shop = page.locator(CARD).get_by_role("listitem").filter(has_text="Logo Shop")
    await expect(shop.filter(has_not_text="Lost").locator("img")).to_be_attached()
    await expect(row_of(page, "Lost Logo Shop")).to_contain_text("🛍️")


# Updates


async def test_a_payment_appears_at_once_after_a_single_request(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    page = await browser.open(ha)
    requests = recorded_requests(page)
    await page.goto(f"{ha.url}{await save_cards({}, {})}")
    await all_rows(page).first.wait_for()
    # Both cards show the same account.
    assert len(requests) == 1
    ha.bank.pay(ha.home.current.id, -777, merchant="Fresh Fish")
    for card in await page.locator(CARD).all():
        await expect(card.get_by_text("Fresh Fish")).to_be_visible()
    assert len(requests) == 2


async def test_more_transactions_are_loaded_with_the_button(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    page = await browser.open(ha, await save_cards())
    rows = all_rows(page)
    await rows.first.wait_for()
    # Round-ups are not rows of their own.
    before = await rows.count()
    assert 0 < before <= 20
    await rows.first.evaluate("row => { row.isKept = true; }")
    more = page.locator(CARD).get_by_role("button", name="More")
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(rows.nth(before)).to_be_attached()
    await expect(more).to_be_focused()
    assert await rows.count() <= 40
    # Rows are updated, not rebuilt.
    assert await rows.first.evaluate("row => row.isKept")


async def test_after_the_last_page_the_first_new_row_is_focused(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    account = ha.bank.open_account(ha.home.ann, type="uk_business", balance=50_000)
    for number in range(25):
        ha.bank.pay(account.id, -100 - number, merchant=f"Shop {number}")
    await reload_integration(ha)
    page = await browser.show(ha, await save_cards({"account": [await device_id(ha, account.id)]}))
    await page.locator(CARD).get_by_role("button", name="More").press("Enter")
    await expect(all_rows(page).nth(20).get_by_role("button")).to_be_focused()
    ha.bank.close_account(account.id)
    await reload_integration(ha)


async def test_at_midnight_the_newest_day_changes_from_today_to_yesterday(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    ha.bank.pay(ha.home.current.id, -112, merchant="Night Owl")
    page = await browser.open_separate(ha, await save_cards())
    await expect(row_of(page, "Night Owl")).to_be_visible()
    # Not the heading of the month, which on its last day changes as well.
    newest = page.locator(CARD).locator(".day h3").first
    await expect(newest).to_have_text("today")
    await page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=1))
    await ha.admin.post("/api/states/sensor.anything", {"state": "changed"})
    await expect(newest).to_have_text("yesterday")


async def test_an_account_with_a_disabled_event_entity_stays_up_to_date(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    entities = await ha.admin.command("config/entity_registry/list")
    account = ha.home.current.id
    (event,) = (each for each in entities if each["unique_id"] == f"{account}_transaction")
    update = "config/entity_registry/update"
    entity_id = event["entity_id"]
    await ha.admin.command(update, entity_id=entity_id, disabled_by="user")
    try:
        page = await browser.show(ha, await save_cards({"account": None}))
        await all_rows(page).first.wait_for()
        ha.bank.pay(account, -321, merchant="Quiet Quay")
        await expect(row_of(page, "Quiet Quay")).to_contain_text("Current account")
        ha.bank.deposit(ha.home.holiday.id, account, 15, "quiet deposit")
        await expect(all_rows(page).first).to_contain_text("Deposit into pot")
        await expect(all_rows(page).first.locator(".icon")).to_have_text("🐷")
    finally:
        await ha.admin.command(update, entity_id=entity_id, disabled_by=None)
        await reload_integration(ha)


# Errors


@pytest_asyncio.fixture(loop_scope="package")
async def _no_history(ha: HaInstance) -> AsyncIterator[None]:
    """Keep only what is needed, so that cards ask the bank for older transactions."""
    async with temporary_options(ha, keep_transactions="needed"):
        yield


@pytest.mark.usefixtures("_no_history")
async def test_an_error_of_the_bank_is_shown_once_and_can_be_retried(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    # All accounts have the same error.
    path = await save_cards({"account": []})
    down = ha.server.fail("GET", "/transactions", Answer.html(502), times=None)
    try:
        page = await browser.open(ha, path)
        card = page.locator(CARD)
        retry = card.get_by_role("button", name=text("common.transactions_again"))
        await expect(card.get_by_role("alert")).to_contain_text("Monzo")
        await expect(retry).to_be_visible()
        await expect(card.get_by_role("alert")).to_have_count(1)
        await browser.screenshot("down")
    finally:
        down.clear()
    await retry.click()
    await all_rows(page).first.wait_for()
    await expect(card.get_by_role("alert")).to_have_count(0)


@pytest.mark.usefixtures("_no_history")
async def test_an_error_disappears_after_a_minute(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    page = await browser.open_separate(ha)
    path = await save_cards({"account": []})
    await page.clock.install()
    down = ha.server.fail("GET", "/transactions", Answer.html(502), times=None)
    try:
        await page.goto(f"{ha.url}{path}")
        await page.locator(CARD).get_by_role("alert").wait_for()
    finally:
        down.clear()
    await page.clock.fast_forward("01:01")
    await all_rows(page).first.wait_for()
    await expect(page.locator(CARD).get_by_role("alert")).to_have_count(0)


async def test_a_connection_that_breaks_is_reported_and_can_be_retried(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    path = await save_cards()
    page = await browser.open(ha)
    closing: list[asyncio.Future[None]] = []

    def connect(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if "get_transactions" in str(message) and not closing:
                closing.append(asyncio.ensure_future(socket.close()))
            else:
                server.send(message)

        socket.on_message(pass_on)

    await page.route_web_socket("**/api/websocket", connect)
    await page.goto(f"{ha.url}{path}")
    card = page.locator(CARD)
    await expect(card.get_by_role("alert")).to_have_text(text("common.unreachable"))
    await card.get_by_role("button", name=text("common.transactions_again")).click()
    await expect(card.get_by_role("listitem").first).to_be_visible()


async def test_without_accounts_it_says_so(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    page = await browser.show(ha, await save_cards())
    await all_rows(page).first.wait_for()
    card = page.locator(CARD)
    await card.evaluate(
        "card => { card.setConfig({}); card.hass = { ...card.hass, entities: {} }; }"
    )
    await expect(card.get_by_text(text("common.transactions_no_account"))).to_be_visible()


async def test_while_the_integration_is_not_loaded_it_says_so(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    path = await save_cards()
    unavailable = text("common.transactions_unavailable")
    async with integration_not_loaded(ha):
        page = await browser.open(ha, path)
        card = page.locator(CARD)
        await expect(card.get_by_text(unavailable)).to_be_visible()
        await browser.screenshot("not loaded")
    # Sooner than the minute after which the card repeats a request that failed.
    await all_rows(page).first.wait_for()
    await expect(card.get_by_text(unavailable)).to_have_count(0)


# Editing


async def test_its_options_can_be_changed_in_the_editor(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    account = await device_id(ha, ha.home.current.id)
    # In YAML, a single account is valid without a list.
    page = await browser.show(ha, f"{await save_cards({'account': account})}?edit=1")
    await all_rows(page).first.wait_for()
    preview = await card_editor.edit_first_card(page, CARD)
    chosen = page.locator("hui-dialog-edit-card ha-device-picker").first
    await expect(chosen).to_contain_text("Current account")
    await expect(preview.get_by_role("listitem").first).to_be_visible()
    await page.get_by_role("textbox", name="Title").fill("My payments")
    await card_editor.hide_amounts(page)
    await expect(preview.get_by_role("heading", name="My payments")).to_be_visible()
    await expect(preview.get_by_role("button", name="Show amounts")).to_be_visible()
    await browser.screenshot("editor")
    card = await card_editor.save_card(ha, page, DASHBOARD)
    assert (card["title"], card["hide_amounts"]) == ("My payments", True)
    assert card["account"] == [account]


async def test_the_card_picker_suggests_it_for_accounts_only(
    ha: HaInstance, browser: BrowserSession, save_cards: SaveCards
) -> None:
    page = await browser.show(ha, f"{await save_cards()}?edit=1")
    await all_rows(page).first.wait_for()
    entry = await page.evaluate(card_editor.CARD_PICKER_ENTRY, CARD)
    account = entry.pop("account")
    assert entry == {"times": 1, "name": "Monzo transactions", "preview": True, "pot": None}
    assert account == {
        "type": f"custom:{CARD}",
        "account": [await device_id(ha, ha.home.current.id)],
    }
    suggested = await card_editor.suggested_card(
        browser, page, CARD, search="current account transaction", entity="Transaction"
    )
    await suggested.get_by_role("listitem").first.wait_for()
    await browser.screenshot("by entity")
    example = await card_editor.card_example(page, CARD, search="monzo transactions")
    await expect(example.get_by_role("listitem")).to_have_count(3)
    await browser.screenshot("by card")
