"""Walk through the config flow as a user does, with a browser and the bank's website."""

import asyncio
import re
from typing import Any, cast

from aiohttp import ClientSession
from aiohttp.test_utils import TestClient
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import voluptuous as vol
from yarl import URL

from custom_components.monzo.const import DOMAIN
from sandbox.models import Person
from tests.helpers.texts import TEXTS

# The translation domain of texts that Home Assistant itself provides.
_HOME_ASSISTANT = "homeassistant"


class Dialogs:
    """Opens config flows and continues them. Fails if a step has no text in the translations."""

    def __init__(self, hass: HomeAssistant, browser: TestClient[Any, Any]) -> None:
        """Initialize the dialogs of one Home Assistant, opened in one browser."""
        self._hass = hass
        self._browser = browser

    async def start(self) -> ConfigFlowResult:
        """Start adding the integration, and return the first step."""
        return _with_texts(
            await self._hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
        )

    async def open(self, **choice: str) -> ConfigFlowResult:
        """Start adding the integration, and return the step that opens the bank's website.

        The client is chosen if there are several, and the suggested settings are accepted.
        """
        step = await self.start()
        if choice:
            step = await self.submit(step, choice)
        return await self.submit(step, suggested_values(step))

    async def submit(
        self, step: ConfigFlowResult, answer: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Submit a form."""
        return await self._configure(step, answer or {})

    async def sign_in(self, step: ConfigFlowResult, person: Person) -> ConfigFlowResult:
        """Allow the access on the bank's website, and return to the dialog."""
        return await self._decide(step, {"person": person.user_id, "decision": "allow"})

    async def deny(self, step: ConfigFlowResult) -> ConfigFlowResult:
        """Deny the access on the bank's website, and return to the dialog."""
        return await self._decide(step, {"decision": "deny"})

    async def wait(self, step: ConfigFlowResult) -> ConfigFlowResult:
        """Wait until the progress step ends."""
        # Only a limit: no test depends on how long this takes.
        async with asyncio.timeout(60):
            while step["type"] is FlowResultType.SHOW_PROGRESS:
                await asyncio.sleep(0)
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
            redirect = await bank.post(
                page.with_path("/authorise").with_query(None),
                data=form | decision,
                allow_redirects=False,
            )
        returned = await self._browser.get(URL(redirect.headers["Location"]).relative())
        assert returned.status == 200
        return await self._configure(step)

    async def _configure(
        self, step: ConfigFlowResult, answer: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        return _with_texts(
            await self._hass.config_entries.flow.async_configure(step["flow_id"], answer)
        )


def suggested_values(step: ConfigFlowResult) -> dict[str, Any]:
    """Return the values that a form shows at first."""
    assert step["data_schema"] is not None
    return {
        str(key): key.description["suggested_value"]
        for key in step["data_schema"].schema
        if key.description
    }


def _with_texts(step: ConfigFlowResult) -> ConfigFlowResult:
    """Return a step after checking that the translations have all its texts and placeholders."""
    texts = TEXTS["config"]
    given = set(step.get("description_placeholders") or ())
    match step["type"]:
        case FlowResultType.FORM:
            page = texts["step"][step["step_id"]]
            assert "Monzo" in page["title"] + page["description"]
            assert _placeholders(page["description"]) <= given
            fields = {str(key) for key in (step["data_schema"] or vol.Schema({})).schema}
            assert fields == set(page.get("data", {})) == set(page.get("data_description", {}))
        case FlowResultType.EXTERNAL_STEP:
            page = texts["step"][step["step_id"]]
            assert page["title"]
            assert "Monzo" in page["description"]
        case FlowResultType.SHOW_PROGRESS:
            assert texts["step"][step["step_id"]]["title"]
            assert _placeholders(texts["progress"][step["progress_action"]]) <= given
        case FlowResultType.ABORT if (
            cast("dict[str, Any]", step).get("translation_domain") != _HOME_ASSISTANT
        ):
            assert _placeholders(texts["abort"][step["reason"]]) <= given
        case FlowResultType.CREATE_ENTRY:
            text = texts["create_entry"][step.get("description") or "default"]
            assert _placeholders(text) == given
    return step


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))
