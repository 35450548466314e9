"""Conversations: with Home Assistant's own agent, and with a model that follows a script."""

from typing import Any, override

from homeassistant.components import conversation
from homeassistant.components.conversation import (
    AssistantContent,
    ConversationInput,
    ConversationResult,
    SystemContent,
    ToolResultContent,
    async_get_chat_log,
)
from homeassistant.components.conversation.models import AbstractConversationAgent
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.chat_session import async_get_chat_session
from homeassistant.helpers.intent import IntentResponse, IntentResponseType
from homeassistant.helpers.llm import LLM_API_ASSIST, Tool, ToolInput
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.helpers.state_helpers import entity_id


class ScriptedAgent(AbstractConversationAgent):
    """A language model that may use Assist, and calls one tool for each message."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize a model that has got no message."""
        self._hass = hass
        self._call = ToolInput("", {})
        self.tools: dict[str, Tool] = {}
        """The tools of Monzo that Home Assistant offered for the last message, by name."""

        self.prompt = ""
        """What Home Assistant told the model for the last message."""

        self.result: dict[str, Any] = {}
        """The last answer of a tool."""

        self.failed = False
        """Whether the last answer was an error."""

    @property
    @override
    def supported_languages(self) -> list[str]:
        return ["en"]

    @override
    async def async_process(self, user_input: ConversationInput) -> ConversationResult:
        with (
            async_get_chat_session(self._hass, user_input.conversation_id) as session,
            async_get_chat_log(self._hass, session, user_input) as chat_log,
        ):
            await chat_log.async_provide_llm_data(
                user_input.as_llm_context("test"), LLM_API_ASSIST, None, None
            )
            assert chat_log.llm_api
            system = chat_log.content[0]
            assert isinstance(system, SystemContent)
            self.prompt = system.content
            self.tools = {
                tool.name: tool
                for tool in chat_log.llm_api.tools
                if tool.name.startswith("monzo__")
            }
            answer = AssistantContent(agent_id=user_input.agent_id, tool_calls=[self._call])
            async for content in chat_log.async_add_assistant_content(answer):
                assert isinstance(content, ToolResultContent)
                self.result = dict(content.result.data)
                self.failed = content.result.error
        response = IntentResponse(language=user_input.language)
        response.async_set_speech("Done")
        return ConversationResult(response, session.conversation_id)

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Let the model call a tool of Monzo, and return the answer, which must be no error."""
        await self.call(tool, **arguments)
        assert not self.failed, self.result
        return self.result

    async def error(self, tool: str, **arguments: Any) -> str:
        """Let the model call a tool of Monzo, and return the text of the error."""
        await self.call(tool, **arguments)
        assert self.failed, self.result
        return str(self.result["error"])

    async def call(self, tool: str, **arguments: Any) -> None:
        """Let the model call a tool of Monzo in a new conversation."""
        self._call = ToolInput(f"monzo__{tool}", arguments)
        await conversation.async_converse(
            self._hass, "How much money is there?", None, Context(), agent_id="scripted"
        )


async def async_set_up_agent(hass: HomeAssistant) -> ScriptedAgent:
    """Return a model with which people can talk."""
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    model = ScriptedAgent(hass)
    entry = MockConfigEntry(domain="test", entry_id="scripted")
    entry.add_to_hass(hass)
    conversation.async_set_agent(hass, entry, model)
    return model


async def said_to(hass: HomeAssistant, question: str, device_id: str | None = None) -> str:
    """Ask Home Assistant's own agent, which knows sentences, and return its answer."""
    result = await conversation.async_converse(
        hass, question, None, Context(), language="en", device_id=device_id
    )
    await hass.async_block_till_done()
    assert result.response.response_type is IntentResponseType.ACTION_DONE
    return str(result.response.speech["plain"]["speech"])


def expose(
    hass: HomeAssistant, monzo_id: str, key: str = "balance", *, exposed: bool = True
) -> None:
    """Expose a sensor to the assistant, as on the page of voice assistants."""
    sensor = entity_id(hass, monzo_id, key)
    assert sensor
    async_expose_entity(hass, "conversation", sensor, should_expose=exposed)
