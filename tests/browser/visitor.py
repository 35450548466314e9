"""What a person does with Monzo in Home Assistant: the clicks, in their own order."""

from dataclasses import dataclass
import json
from typing import Any

from playwright.async_api import Locator, Page

from sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET

from .desk import Desk
from .house import House

INTEGRATIONS = "/config/integrations/dashboard"
MONZO = "/config/integrations/integration/monzo"


@dataclass(frozen=True)
class Visitor:
    """Somebody who clicks through a house's frontend, and looks at what comes of it."""

    house: House
    desk: Desk
    page: Page

    # Looking

    async def go(self, path: str) -> None:
        """Type an address."""
        await self.page.goto(f"{self.house.url}{path}")

    async def sees(self, text: str, *, within: Locator | None = None) -> None:
        """Find a text on the page, at once or soon."""
        await (within or self.page).get_by_text(text).first.wait_for()

    async def shot(self, name: str) -> None:
        """Take a picture."""
        await self.desk.shot(name, self.page)

    # The dialog of a config flow

    @property
    def dialog(self) -> Locator:
        """The dialog that leads through a set-up."""
        return self.page.locator("dialog-data-entry-flow")

    async def presses(self, button: str) -> None:
        """Press a button at the bottom of the dialog."""
        await self.dialog.locator("ha-button").filter(has_text=button).click()

    async def closes(self, button: str) -> None:
        """Press the last button of the dialog, and wait until it is gone from the history too."""
        await self.presses(button)
        await self.page.wait_for_function("!history.state?.dialog")
        await self.dialog.locator("ha-dialog").wait_for(state="detached")

    async def begins(self) -> None:
        """Search for Monzo among the integrations that can be added."""
        await self.go(INTEGRATIONS)
        await self.page.get_by_role("button", name="Add integration").click()
        search = self.page.locator("dialog-add-integration")
        # Keys that come before it is there are the frontend's shortcuts.
        await search.get_by_role("textbox").fill("Monzo")
        await search.get_by_text("Monzo", exact=True).wait_for()
        await self.shot("search")
        await search.get_by_text("Monzo", exact=True).click()

    async def types_credentials(
        self, client_id: str = DEFAULT_CLIENT_ID, client_secret: str = DEFAULT_CLIENT_SECRET
    ) -> Page:
        """Copy the client from the developer portal; return the bank's window, which then opens."""
        dialog = self.page.locator("dialog-add-application-credential")
        await self.sees("developer portal", within=dialog)
        await self.shot("credentials")
        for label, value in {
            "Name": "Home",
            "OAuth client ID": client_id,
            "OAuth client secret": client_secret,
        }.items():
            field = dialog.locator("ha-input").filter(has_text=label)
            await field.get_by_role("textbox").fill(value)
        return await self._bank_opens(dialog.locator("ha-button").filter(has_text="Add"))

    async def submits(self) -> Page:
        """Submit a dialog that leads to the bank; return the bank's window."""
        return await self._bank_opens(self.dialog.locator("ha-button").filter(has_text="Submit"))

    async def allows(self, bank: Page, who: str = "Ann Archer") -> None:
        """Say who one is at the bank, and allow the access; the window closes by itself."""
        await self.decides(bank, "Allow", who)

    async def decides(self, bank: Page, decision: str, who: str = "Ann Archer") -> None:
        """Say who one is at the bank, and press a button there."""
        await bank.get_by_label("Who are you?").select_option(label=who)
        await self.desk.shot(f"bank, {decision}", bank)
        async with bank.expect_event("close"):
            await bank.get_by_role("button", name=decision).click()

    async def waits_for_approval(self) -> None:
        """See what to do on the phone."""
        await self.sees("Open the Monzo app")
        await self.shot("approval")

    async def connects(self) -> None:
        """Go all the way to the approval on the phone; the dialog goes on by itself after that."""
        await self.begins()
        await self.allows(await self.types_credentials())
        await self.waits_for_approval()

    async def approves(self) -> None:
        """Approve the sign-in on the phone."""
        self.house.server.approve(self.house.home.ann)

    async def _bank_opens(self, button: Locator) -> Page:
        async with self.page.context.expect_page() as opening:
            await button.click()
        return await opening.value

    # What the integration's page offers for the entry

    @property
    def entry(self) -> Locator:
        """The entry's row on the integration's page."""
        return self.page.locator("ha-config-entry-row")

    async def chooses(self, item: str) -> None:
        """Choose an item of the entry's menu."""
        await self.entry.get_by_label("Menu").first.click()
        chosen = self.page.get_by_role("menuitem", name=item)
        await chosen.hover()
        await self.shot(f"menu, {item}")
        await chosen.click()

    async def downloads_diagnostics(self) -> dict[str, Any]:
        """Return what is in the file."""
        async with self.page.expect_download() as downloading:
            await self.chooses("Download diagnostics")
        path = await (await downloading.value).path()
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content

    async def confirms(self, button: str) -> None:
        """Press a button in a question that comes up."""
        await self.page.locator("dialog-box").locator("ha-button").filter(has_text=button).click()
