"""A person in front of the integration's dialogs, with a browser and the bank's website."""

import asyncio
import json
from pathlib import Path
import re
from typing import Any, cast

from aiohttp import ClientSession
from aiohttp.test_utils import TestClient
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from yarl import URL

from custom_components import monzo
from custom_components.monzo.const import DOMAIN
from sandbox.models import Person

TEXTS: dict[str, Any] = json.loads(
    Path(monzo.__file__).with_name("translations").joinpath("en.json").read_text(encoding="utf-8")
)

# What Home Assistant says in a dialog, in words of its own.
_WORDED_BY_HOME_ASSISTANT = "homeassistant"


class Dialogs:
    """Opens dialogs and goes through them; each one that is seen must have its text."""

    def __init__(self, hass: HomeAssistant, browser: TestClient[Any, Any]) -> None:
        """Look at one Home Assistant with one browser."""
        self._hass = hass
        self._browser = browser

    async def open(self) -> ConfigFlowResult:
        """Add the integration."""
        return _readable(
            await self._hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
        )

    async def submit(
        self, step: ConfigFlowResult, answer: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Fill a form in and go on."""
        return await self._configure(step, answer or {})

    async def sign_in(self, step: ConfigFlowResult, person: Person) -> ConfigFlowResult:
        """Allow the access on the bank's website, and come back to the dialog."""
        return await self._decide(step, {"person": person.user_id, "decision": "allow"})

    async def refuse(self, step: ConfigFlowResult) -> ConfigFlowResult:
        """Deny the access on the bank's website, and come back to the dialog."""
        return await self._decide(step, {"decision": "deny"})

    async def wait(self, step: ConfigFlowResult) -> ConfigFlowResult:
        """Watch the progress until it ends."""
        async with asyncio.timeout(10):
            while step["type"] is FlowResultType.SHOW_PROGRESS:
                await asyncio.sleep(0.01)
                step = await self._configure(step)
        return step

    def dismiss(self, step: ConfigFlowResult) -> None:
        """Close the dialog."""
        self._hass.config_entries.flow.async_abort(step["flow_id"])

    async def _decide(self, step: ConfigFlowResult, decision: dict[str, str]) -> ConfigFlowResult:
        assert step["type"] is FlowResultType.EXTERNAL_STEP
        page = URL(step["url"])
        form = {name: page.query[name] for name in ("client_id", "redirect_uri", "state")}
        async with ClientSession(raise_for_status=True) as bank:
            await bank.get(page)
            sent_back = await bank.post(
                page.with_path("/authorise").with_query(None),
                data=form | decision,
                allow_redirects=False,
            )
        back = await self._browser.get(URL(sent_back.headers["Location"]).relative())
        assert back.status == 200
        return await self._configure(step)

    async def _configure(
        self, step: ConfigFlowResult, answer: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        return _readable(
            await self._hass.config_entries.flow.async_configure(step["flow_id"], answer)
        )


def _readable(step: ConfigFlowResult) -> ConfigFlowResult:
    """Return a step after a look whether the user is told what it is about."""
    texts = TEXTS["config"]
    given = set(step.get("description_placeholders") or ())
    match step["type"]:
        case FlowResultType.FORM:
            page = texts["step"][step["step_id"]]
            assert "Monzo" in page["title"] + page["description"]
            assert _placeholders(page["description"]) <= given
        case FlowResultType.EXTERNAL_STEP:
            page = texts["step"][step["step_id"]]
            assert page["title"]
            assert "Monzo" in page["description"]
        case FlowResultType.SHOW_PROGRESS:
            assert texts["step"][step["step_id"]]["title"]
            assert _placeholders(texts["progress"][step["progress_action"]]) <= given
        case FlowResultType.ABORT if (
            cast("dict[str, Any]", step).get("translation_domain") != _WORDED_BY_HOME_ASSISTANT
        ):
            assert _placeholders(texts["abort"][step["reason"]]) <= given
        case FlowResultType.CREATE_ENTRY:
            assert texts["create_entry"]["default"]
    return step


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))
