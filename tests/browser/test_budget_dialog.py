"""The dialog that adds a budget, in both themes."""

import pytest

from .browser_session import BrowserSession
from .ha_instance import HaInstance
from .ha_setup import budgets_of, remove_budget
from .integration_ui import MONZO, IntegrationUi
from .texts import text

FORM = "config_subentries.budget.step.user.data"
ERROR = "config_subentries.budget.error"


@pytest.mark.parametrize(
    ("width", "dark"), [(1280, False), (390, True)], ids=["light", "dark phone"]
)
async def test_a_user_adds_a_budget(
    ha: HaInstance,
    browser: BrowserSession,
    width: int,
    dark: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    page = await browser.show(ha, MONZO, width=width, dark=dark)
    ui = IntegrationUi(ha, browser, page)
    add = text("config_subentries.budget.initiate_flow.user")
    await page.get_by_role("button", name=add).click()
    await ui.wait_for_text(text(f"{FORM}.carry_over"), within=ui.dialog)
    await ui.screenshot("empty")

    await ui.dialog.locator("input[name=title]").fill("Groceries")
    limit = ui.dialog.get_by_role("spinbutton")
    await limit.fill("0")
    await ui.dialog.get_by_text("Joint account").click()
    await ui.press("Submit")
    await ui.wait_for_text(text(f"{ERROR}.limit_not_positive"), within=ui.dialog)
    await ui.screenshot("limit of zero")

    await limit.fill("300")
    await ui.press("Submit")
    await ui.close_dialog("Finish")
    await ha.wait_until_loaded()
    (budget,) = await budgets_of(ha)
    assert budget["title"] == "Groceries"
    await ui.wait_for_text("Groceries")
    await ui.screenshot("added")
    await remove_budget(ha, budget["subentry_id"])
