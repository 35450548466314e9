"""Setting up, using and removing the integration in the frontend, and errors during the sign-in."""

from collections.abc import Iterator
from datetime import datetime, timedelta
import json
import re

from playwright.async_api import expect

from sandbox.bank import LONDON, Bank
from sandbox.server import Answer

from .browser_session import TIMEOUT, BrowserSession
from .ha_instance import HaInstance, wait_until
from .integration_ui import INTEGRATIONS, MONZO, IntegrationUi
from .texts import first_sentence, text


async def test_a_user_sets_up_uses_and_removes_the_integration(
    new_ha: HaInstance, browser: BrowserSession
) -> None:
    ui = IntegrationUi(new_ha, browser, await browser.open(new_ha, INTEGRATIONS))
    account = "Everyday money"
    await add_the_integration_and_name_the_current_account(ui, account)
    await see_the_account(ui, account)
    await create_a_dashboard(ui)
    await see_a_payment_in_the_activity(ui, account)
    await deposit_into_a_pot(ui)
    await sign_in_again_after_another_program_took_over(ui)
    await reconfigure(ui)
    await set_a_limit(ui)
    await download_diagnostics_without_secrets(ui)
    await delete_the_config_entry(ui)


async def test_a_user_sets_up_the_integration_on_a_dark_phone_and_skips_the_names(
    new_ha: HaInstance, browser: BrowserSession
) -> None:
    page = await browser.open(new_ha, INTEGRATIONS, width=390, dark=True)
    ui = IntegrationUi(new_ha, browser, page)
    await add_the_integration(ui)
    await ui.dialog.get_by_role("link", name="add the Monzo dashboard").click()
    await ui.page.get_by_role("button", name="Add dashboard").click()
    await ui.page.locator("ha-dialog-new-dashboard").get_by_role("button", name="Monzo").click()
    await ui.wait_for_text("Add new dashboard")
    await ui.load(MONZO)
    await ui.ha.wait_until_loaded()
    # Another test may have named the current account.
    await see_the_account(ui, "Joint account")


async def add_the_integration_and_name_the_current_account(ui: IntegrationUi, name: str) -> None:
    await add_the_integration(ui)
    names = ui.dialog.locator("ha-input").filter(has_text="Device name").get_by_role("textbox")
    await expect(names.first).to_have_value("Ann Archer")
    await names.nth(1).fill(name)
    await names.nth(1).press("Tab")
    await ui.close_dialog("Finish")
    await ui.wait_for_text(name, within=ui.entry)
    await ui.screenshot("entry")
    await ui.ha.wait_until_loaded()


async def add_the_integration(ui: IntegrationUi) -> None:
    await ui.search_integration()
    await ui.enter_credentials()
    await ui.allow(await ui.accept_settings())
    await ui.wait_for_approval_step()
    await ui.approve()
    await ui.wait_for_text(first_sentence("config.create_entry.default"))
    await ui.screenshot("devices")


async def see_the_account(ui: IntegrationUi, account: str) -> None:
    await ui.entry.get_by_text(account).click()
    await ui.wait_for_text("Balance with pots")
    await ui.screenshot("account")


async def create_a_dashboard(ui: IntegrationUi) -> None:
    # Only a page that is loaded now has the dashboard's code.
    await ui.load("/config/lovelace/dashboards")
    await ui.page.get_by_role("button", name="Add dashboard").click()
    await ui.page.locator("ha-dialog-new-dashboard").get_by_role("button", name="Monzo").click()
    details = ui.page.locator("dialog-lovelace-dashboard-detail")
    await details.get_by_role("button", name="Create").click()
    await expect(details.get_by_role("button", name="Create")).to_be_hidden()
    await ui.goto("/dashboard-money")
    await ui.wait_for_text("Total of everything")
    await ui.wait_for_text("Picture House")
    await ui.screenshot("dashboard")


async def see_a_payment_in_the_activity(ui: IntegrationUi, account: str) -> None:
    await ui.goto("/logbook")
    paid = ui.ha.bank.clock()
    ui.ha.bank.pay(ui.ha.home.current.id, -350, merchant="Copper Kettle")
    rows = ui.page.locator("ha-logbook-entry").filter(has_text="Card payment")
    # Payments of other tests have the same text and account name, but not the same time.
    paid_now = rows.filter(has_text=account).filter(has_text=times_after(paid))
    await expect(paid_now).to_have_count(1)
    await ui.screenshot("activity")


async def deposit_into_a_pot(ui: IntegrationUi) -> None:
    pot = ui.ha.bank.pot(ui.ha.home.holiday.id)
    after = pot.balance + 1234
    await ui.goto("/config/tools/action?service=monzo.deposit_into_pot")
    await ui.page.get_by_text("Select a device").first.click()
    await ui.screenshot("pots")
    await ui.page.get_by_role("option").filter(has_text="Holiday").click()
    description = text("services.deposit_into_pot.fields.amount.description")
    amount = ui.page.locator("ha-settings-row").filter(has_text=description)
    await amount.locator("ha-checkbox").click()
    await amount.get_by_role("spinbutton").fill("12.34")
    await ui.screenshot("deposit")
    await ui.page.get_by_role("button", name="Perform action").click()
    await wait_until(lambda: pot.balance == after, "the pot has the money")
    await ui.page.get_by_text("result: moved").first.scroll_into_view_if_needed()
    await ui.screenshot("deposited")


async def sign_in_again_after_another_program_took_over(ui: IntegrationUi) -> None:
    ui.ha.replace_anns_token()
    await ui.goto(INTEGRATIONS)
    await ui.page.get_by_role("button", name="Reconfigure").click()
    await ui.wait_for_text(
        first_sentence("config.step.reauth_confirm.description", name="Ann Archer")
    )
    await ui.screenshot("reauth")
    await ui.allow(await ui.submit())
    await ui.wait_for_approval_step()
    await ui.approve()
    await ui.wait_for_text(first_sentence("config.abort.reading_history"))
    await ui.screenshot("reauth done")
    await ui.close_dialog("Close")
    await ui.ha.wait_until_loaded()


async def reconfigure(ui: IntegrationUi) -> None:
    await ui.goto(MONZO)
    await ui.choose_menu_item("Reconfigure")
    await ui.wait_for_text(first_sentence("config.step.reconfigure.description"))
    await ui.screenshot("reconfigure")
    await ui.allow(await ui.submit())
    await ui.wait_for_approval_step()
    await ui.approve()
    await ui.wait_for_text(first_sentence("config.abort.reading_history"))
    await ui.screenshot("reconfigure done")
    await ui.close_dialog("Close")
    await ui.ha.wait_until_loaded()


async def set_a_limit(ui: IntegrationUi) -> None:
    await ui.entry.get_by_role("button", name="Configure").click()
    await ui.wait_for_text(text("options.step.init.title"))
    label = text("options.step.init.data.max_per_transfer")
    limit = ui.dialog.locator("ha-selector-number").filter(has_text=label)
    await limit.get_by_role("spinbutton").fill("50")
    await ui.screenshot("options")
    await ui.press("Submit")
    await ui.wait_for_text("Options successfully saved")
    await ui.close_dialog("Finish")
    await ui.ha.wait_until_loaded()


async def download_diagnostics_without_secrets(ui: IntegrationUi) -> None:
    diagnostics = (await ui.download_diagnostics())["data"]
    assert diagnostics["entry"]["limited_per_transfer"] is True
    content = json.dumps(diagnostics)
    assert [secret for secret in secrets_of(ui.ha.bank) if secret in content] == []


async def delete_the_config_entry(ui: IntegrationUi) -> None:
    assert ui.ha.bank.webhooks
    await ui.choose_menu_item("Delete")
    await ui.wait_for_text("permanently deleted")
    await ui.screenshot("delete")
    await ui.confirm("Delete")
    # The frontend asks only sometimes whether to delete the credentials as well.
    await ui.wait_for_text("No entries")
    await ui.screenshot("deleted")
    await wait_until(lambda: not ui.ha.bank.webhooks, "the webhooks are removed")


def times_after(moment: datetime) -> re.Pattern[str]:
    """Return a pattern of the times of day from a moment until the end of a wait."""
    seconds = range(TIMEOUT // 1000 + 1)
    times = [moment.astimezone(LONDON) + timedelta(seconds=later) for later in seconds]
    return re.compile("|".join(f"{time:%H:%M:%S}" for time in times))


def secrets_of(bank: Bank) -> Iterator[str]:
    """Yield names, ids and amounts, which must never be in diagnostics."""
    yield from bank.webhooks
    for person in bank.people.values():
        yield from (person.user_id, *person.name.split())
    for account in bank.accounts.values():
        yield account.id
        if account.number:
            yield account.number
    for pot in bank.pots.values():
        yield from (pot.id, pot.name)
        # An empty pot has no amount that could be recognized.
        if pot.balance:
            yield str(pot.balance)


async def test_a_sign_in_that_the_user_denies_says_so(
    new_ha: HaInstance, browser: BrowserSession
) -> None:
    ui = IntegrationUi(new_ha, browser, await browser.show(new_ha, INTEGRATIONS))
    await ui.decide(await ui.start_sign_in(), "Deny")
    await ui.wait_for_text("access_denied")
    await ui.screenshot("denied")
    await ui.close_dialog("Close")
    assert await new_ha.entries() == []


async def test_a_client_that_is_not_confidential_is_explained(
    new_ha: HaInstance, browser: BrowserSession
) -> None:
    new_ha.server.register_client("oauth2client_public", "secret", confidential=False)
    ui = IntegrationUi(new_ha, browser, await browser.show(new_ha, INTEGRATIONS))
    await ui.allow(await ui.start_sign_in("oauth2client_public", "secret"))
    await ui.wait_for_text(first_sentence("config.abort.not_confidential"))
    await ui.screenshot("not confidential")
    await ui.close_dialog("Close")
    assert await new_ha.entries() == []


async def test_another_person_cannot_sign_in_for_ann(
    new_ha: HaInstance, browser: BrowserSession
) -> None:
    await new_ha.connect()
    new_ha.replace_anns_token()
    page = await browser.show(new_ha, INTEGRATIONS)
    ui = IntegrationUi(new_ha, browser, page)
    await page.get_by_role("button", name="Reconfigure").click()
    await ui.allow(await ui.submit(), "Ben Baker")
    await ui.wait_for_text(text("config.abort.wrong_account"))
    await ui.screenshot("another person")
    await ui.close_dialog("Close")


async def test_a_bank_that_is_down_delays_the_setup(
    new_ha: HaInstance, browser: BrowserSession
) -> None:
    ui = IntegrationUi(new_ha, browser, await browser.show(new_ha, INTEGRATIONS))
    new_ha.server.fail("GET", "/accounts", Answer.html(502), times=None)
    await ui.allow(await ui.start_sign_in())
    await ui.wait_for_text(text("config.step.connection_error.title"))
    await ui.screenshot("bank is down")
    new_ha.server.clear_faults()
    await ui.approve()
    await ui.press("Submit")
    await ui.wait_for_text(first_sentence("config.create_entry.default"))
    await ui.close_dialog("Finish")


async def test_a_bank_that_returns_no_token_ends_the_setup(
    new_ha: HaInstance, browser: BrowserSession
) -> None:
    ui = IntegrationUi(new_ha, browser, await browser.show(new_ha, INTEGRATIONS))
    new_ha.server.fail("POST", "/oauth2/token", Answer.html(502), times=None)
    await ui.allow(await ui.start_sign_in())
    await ui.wait_for_text("obtaining access token")
    await ui.screenshot("no token")
    await ui.close_dialog("Close")
    assert await new_ha.entries() == []
