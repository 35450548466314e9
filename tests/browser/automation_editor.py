"""Opens automations and scripts in their visual editors, with the forms of all their parts."""

import time
from typing import Any

from playwright.async_api import Locator, Page, expect

from .browser_session import TIMEOUT, navigate, wait_for_frames
from .ha_instance import HaInstance

# The rows of triggers, conditions and actions, also inside other actions.
_ROWS = ", ".join(f"ha-automation-{part}-row" for part in ("trigger", "condition", "action"))


async def save(ha: HaInstance, domain: str, object_id: str, config: dict[str, Any]) -> None:
    """Create or replace an automation or a script."""
    await ha.admin.post(f"/api/config/{domain}/config/{object_id}", config)


async def delete(ha: HaInstance, domain: str, object_id: str) -> None:
    """Delete an automation or a script."""
    await ha.admin.delete(f"/api/config/{domain}/config/{object_id}")


async def open_all_forms(page: Page, domain: str, object_id: str, config: dict[str, Any]) -> str:
    """Open the editor of an automation or a script, and the form of each of its parts in turn.

    Return the messages about parts that can be edited only in YAML.
    """
    await navigate(page, f"/config/{domain}/edit/{object_id}")
    editor = page.locator(f"ha-{domain}-editor")
    await editor.get_by_text(config["alias"], exact=True).first.wait_for()
    if "use_blueprint" in config:
        return await form_messages(editor.locator(f"blueprint-{domain}-editor"))
    rows = editor.locator(f"manual-{domain}-editor").locator(_ROWS)
    await rows.first.wait_for()
    form = editor.locator("ha-automation-sidebar-card")
    return "".join([await _open_form(row, form) for row in await rows.all()])


async def _open_form(row: Locator, form: Locator) -> str:
    """Open the form of a part, and return its messages.

    The editor decides when a row is opened whether it has a form, and offers only YAML if the
    description of the part has not arrived. Then the row is opened again.
    """
    part = row.locator("ha-automation-row").first
    selected = row.locator("ha-automation-row[selected]")
    end = time.monotonic() + TIMEOUT / 1000
    while True:
        # A click by mouse would first wait until the row stands still, which doubles the work.
        await part.dispatch_event("click")
        await expect(selected.first).to_be_visible()
        messages = await form_messages(form)
        if not messages or time.monotonic() > end:
            return messages
        await part.dispatch_event("click")
        await expect(selected).to_have_count(0)


async def form_messages(form: Locator) -> str:
    """Return the messages in a form, as soon as all its fields are loaded."""
    await form.wait_for()
    await expect(form.locator(":not(:defined)")).to_have_count(0)
    await wait_for_frames(form.page)
    return "".join(await form.locator("ha-alert").all_inner_texts())
