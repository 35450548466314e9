"""A language model for the actions of Home Assistant's AI Task, whose answers a test decides."""

import sys
from types import ModuleType
from typing import Any, override

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component


class _TurboJPEG:
    """Stands for a library that scales pictures of cameras, of which the tests have none."""


if "turbojpeg" not in sys.modules:
    sys.modules["turbojpeg"] = ModuleType("turbojpeg")
    sys.modules["turbojpeg"].TurboJPEG = _TurboJPEG  # type: ignore[attr-defined]

from homeassistant.components.ai_task import (  # noqa: E402 - it imports the library
    AITaskEntity,
    AITaskEntityFeature,
    GenDataTask,
    GenDataTaskResult,
)
from homeassistant.components.ai_task.const import DATA_COMPONENT  # noqa: E402
from homeassistant.components.conversation import ChatLog  # noqa: E402


class ScriptedModel(AITaskEntity):
    """A model that answers what a test tells it to, and remembers what it got."""

    _attr_name = "Scripted model"
    _attr_supported_features = (
        AITaskEntityFeature.GENERATE_DATA | AITaskEntityFeature.SUPPORT_ATTACHMENTS
    )

    def __init__(self) -> None:
        """Initialize the model, which fails until a test gives it an answer."""
        self.answer: dict[str, Any] | None = None
        self.tasks: list[GenDataTask] = []

    @override
    async def _async_generate_data(self, task: GenDataTask, chat_log: ChatLog) -> GenDataTaskResult:
        self.tasks.append(task)
        if self.answer is None:
            message = "The model is out of order"
            raise HomeAssistantError(message)
        assert task.structure is not None
        data = task.structure(self.answer)
        return GenDataTaskResult(conversation_id=chat_log.conversation_id, data=data)


async def async_add_model(
    hass: HomeAssistant, entity_id: str = "ai_task.scripted_model"
) -> ScriptedModel:
    """Return a model that Home Assistant offers for tasks."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "ai_task", {})
    model = ScriptedModel()
    model.entity_id = entity_id
    await hass.data[DATA_COMPONENT].async_add_entities([model])
    return model
