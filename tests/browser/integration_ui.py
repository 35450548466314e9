"""The pages and dialogs in Home Assistant with which a user sets up and manages the integration."""

from dataclasses import dataclass
import json
from typing import Any, Final

from playwright.async_api import Locator, Page

from sandbox.home_assistant.sign_in import add_credentials
from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

from .browser_session import BrowserSession, navigate
from .ha_instance import HaInstance
from .texts import last_paragraph, text

INTEGRATIONS: Final = "/config/integrations/dashboard"
MONZO: Final = "/config/integrations/integration/monzo"


@dataclass(frozen=True)
class IntegrationUi:
    """Operates the frontend of one instance in one window."""

    ha: HaInstance
    browser: BrowserSession
    page: Page

    # Any page

    async def goto(self, path: str) -> None:
        """Go to a page as a link does."""
        await navigate(self.page, path)

    async def load(self, path: str) -> None:
        """Load a page completely, as after a reload."""
        await self.page.goto(f"{self.ha.url}{path}")

    async def wait_for_text(self, text: str, *, within: Locator | None = None) -> None:
        """Wait until the page shows a text."""
        await (within or self.page).get_by_text(text).first.wait_for()

    async def screenshot(self, name: str) -> None:
        """Save a screenshot."""
        await self.browser.screenshot(name, self.page)

    # The dialog of a config flow

    @property
    def dialog(self) -> Locator:
        """The dialog of a config flow or an options flow."""
        return self.page.locator("dialog-data-entry-flow")

    async def press(self, button: str) -> None:
        """Press a button at the bottom of the dialog."""
        await self.dialog.locator("ha-button").filter(has_text=button).click()

    async def close_dialog(self, button: str) -> None:
        """Press the last button of the dialog, and wait until it has left the history as well."""
        await self.press(button)
        await self.page.wait_for_function("!history.state?.dialog")
        await self.dialog.locator("ha-dialog").wait_for(state="detached")

    async def search_integration(self) -> None:
        """On the page of the integrations, search for Monzo and choose it."""
        await self.page.get_by_role("button", name="Add integration").click()
        search = self.page.locator("dialog-add-integration")
        # Before the field exists, the frontend takes typed letters for its shortcuts.
        await search.get_by_role("textbox").fill("Monzo")
        await search.get_by_text("Monzo", exact=True).wait_for()
        await self.screenshot("search")
        await search.get_by_text("Monzo", exact=True).click()

    async def enter_credentials(self) -> None:
        """Enter the client of the developer portal."""
        dialog = self.page.locator("dialog-add-application-credential")
        await self.wait_for_text("developer portal", within=dialog)
        await self.screenshot("credentials")
        for label, value in {
            "Name": "Home",
            "OAuth client ID": DEFAULT_CLIENT_ID,
            "OAuth client secret": DEFAULT_CLIENT_SECRET,
        }.items():
            field = dialog.locator("ha-input").filter(has_text=label)
            await field.get_by_role("textbox").fill(value)
        await dialog.locator("ha-button").filter(has_text="Add").click()

    async def accept_settings(self) -> Page:
        """Accept the suggested limits for moving money, and return the bank's window that opens."""
        await self.wait_for_text(text("config.step.settings.data.max_per_day"), within=self.dialog)
        await self.screenshot("settings")
        return await self.submit()

    async def start_sign_in(
        self, client_id: str = DEFAULT_CLIENT_ID, client_secret: str = DEFAULT_CLIENT_SECRET
    ) -> Page:
        """Add credentials through the API, start a config flow, and return the bank's window."""
        await add_credentials(self.ha.admin, client_id, client_secret)
        await self.goto(f"{INTEGRATIONS}/add?domain=monzo")
        await self.page.get_by_role("button", name="OK").click()
        return await self.accept_settings()

    async def submit(self) -> Page:
        """Submit a dialog that leads to the bank, and return the bank's window."""
        button = self.dialog.locator("ha-button").filter(has_text="Submit")
        return await self._press_and_open_bank(button)

    async def allow(self, bank: Page, person: str = "Ann Archer") -> None:
        """Allow the access on the bank's page, which then closes."""
        await self.decide(bank, "Allow", person)

    async def decide(self, bank: Page, decision: str, person: str = "Ann Archer") -> None:
        """Choose a person and press a button on the bank's page, which then closes."""
        await bank.get_by_label("Who are you?").select_option(label=person)
        await self.browser.screenshot(f"bank, {decision}", bank)
        async with bank.expect_event("close"):
            await bank.get_by_role("button", name=decision).click()

    async def wait_for_approval_step(self) -> None:
        """Wait until the dialog asks for the approval in the Monzo app."""
        await self.wait_for_text(last_paragraph("config.progress.wait_for_approval"))
        await self.screenshot("approval")

    async def approve(self) -> None:
        """Approve Ann's sign-in in the Monzo app."""
        self.ha.server.approve(self.ha.home.ann)

    async def _press_and_open_bank(self, button: Locator) -> Page:
        async with self.page.context.expect_page() as opening:
            await button.click()
        return await opening.value

    # The config entry on the integration's page

    @property
    def entry(self) -> Locator:
        """The row of the config entry."""
        return self.page.locator("ha-config-entry-row")

    async def choose_menu_item(self, item: str) -> None:
        """Choose an item of the entry's menu."""
        await self.entry.get_by_label("Menu").first.click()
        chosen = self.page.get_by_role("menuitem", name=item)
        await chosen.hover()
        await self.screenshot(f"menu, {item}")
        await chosen.click()

    async def download_diagnostics(self) -> dict[str, Any]:
        """Download the diagnostics, and return the content of the file."""
        async with self.page.expect_download() as downloading:
            await self.choose_menu_item("Download diagnostics")
        path = await (await downloading.value).path()
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content

    async def confirm(self, button: str) -> None:
        """Press a button of a confirmation."""
        await self.page.locator("dialog-box").locator("ha-button").filter(has_text=button).click()
