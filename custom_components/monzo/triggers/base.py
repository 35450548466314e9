"""Base class of all triggers.

Triggers subscribe to signals that are keyed by the IDs of accounts and pots, and never use a config
entry. So they can be attached before the entry is loaded, and keep working when it is reloaded.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, override

from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.trigger import (
    NotTriggeredInfo,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from ..automations import (
    Mismatch,
    TargetType,
    async_track_targets,
    async_validate_config,
    validate_amount_range,
)


def trigger_schema(*parts: Mapping[Any, Any]) -> vol.Schema:
    """Return the schema of a trigger whose options consist of these parts."""
    options: dict[Any, Any] = {}
    for part in parts:
        options |= part
    return vol.Schema(
        {vol.Required(CONF_OPTIONS, default=dict): vol.All(options, validate_amount_range)}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRunner:
    """Runs an automation for one account or pot."""

    hass: HomeAssistant
    monzo_id: str
    device_id: str
    description: str
    run_action: TriggerActionRunner
    did_not_trigger: TriggerNotTriggeredReporter | None

    @callback
    def async_run(self, variables: Mapping[str, Any]) -> None:
        """Run the automation with these variables in `trigger`."""
        self.run_action(self._payload(variables), self.description)

    @callback
    def async_report_not_triggered(self, reason: str, variables: Mapping[str, Any]) -> None:
        """Add a trace to the automation with the reason why it did not run."""
        if self.did_not_trigger is not None:
            self.did_not_trigger(NotTriggeredInfo(reason, self._payload(variables)))

    @callback
    def async_run_unless(self, mismatch: Mismatch | None, variables: Mapping[str, Any]) -> None:
        """Run the automation, or report a mismatch if there is one."""
        if mismatch is None:
            self.async_run(variables)
        else:
            self.async_report_not_triggered(mismatch.value, variables)

    def _payload(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables, together with the device and its current name."""
        device = dr.async_get(self.hass).async_get(self.device_id)
        name = (device.name_by_user or device.name) if device else None
        return {ATTR_DEVICE_ID: self.device_id, "device": name, **variables}


class MonzoTrigger(Trigger):
    """Base trigger: validates the targets and subscribes to each of them."""

    schema: ClassVar[vol.Schema]

    target_type: ClassVar[TargetType] = TargetType.ACCOUNT
    """The devices that the user can choose."""

    description: ClassVar[str]
    """The reason for a run in traces and the logbook. It is recorded, so it contains no names."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        return async_validate_config(hass, cls.schema, config, cls.target_type)

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize the trigger with its validated options."""
        super().__init__(hass, config)
        self._options = config.options or {}

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Subscribe to each chosen account or pot."""

        @callback
        def async_subscribe(monzo_id: str, device_id: str) -> CALLBACK_TYPE:
            return self._async_subscribe(
                TargetRunner(
                    hass=self._hass,
                    monzo_id=monzo_id,
                    device_id=device_id,
                    description=self.description,
                    run_action=run_action,
                    did_not_trigger=did_not_trigger,
                )
            )

        return self._async_track_targets(async_subscribe)

    @callback
    def _async_track_targets(self, subscribe: Callable[[str, str], CALLBACK_TYPE]) -> CALLBACK_TYPE:
        """Keep the subscriptions current while devices are added and removed."""
        return async_track_targets(
            self._hass, self._options[ATTR_DEVICE_ID], self.target_type, subscribe
        )

    @abstractmethod
    @callback
    def _async_subscribe(self, runner: TargetRunner) -> CALLBACK_TYPE:
        """Subscribe to the runner's account or pot; return the function that unsubscribes."""
