"""Every transaction of an account, as an event."""

from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import AccountState
from .entity import MonzoEntity, MonzoEntityDescription, Tables, async_add_as_they_appear
from .kinds import TransactionKind, transaction_as_dict, transaction_kind
from .runtime import MonzoConfigEntry
from .transactions import SIGNAL_TRANSACTION, Report

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class MonzoEventDescription(MonzoEntityDescription[AccountState], EventEntityDescription):
    """Describes an event entity of an account."""


ACCOUNT_EVENTS: Final = (
    MonzoEventDescription(key="transaction", event_types=list(TransactionKind)),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the event entities of a config entry."""
    async_add_as_they_appear(
        entry, async_add_entities, MonzoTransactionEvent, Tables(account=ACCOUNT_EVENTS)
    )


class MonzoTransactionEvent(MonzoEntity[AccountState], EventEntity):
    """Tells of each transaction of an account, once."""

    entity_description: MonzoEventDescription

    # Who was paid, where and for what is nobody's business a year later.
    _unrecorded_attributes = frozenset(
        {
            "counterparty",
            "description",
            "emoji",
            "logo",
            "merchant",
            "merchant_group_id",
            "merchant_id",
            "name",
            "notes",
            "pot",
            "transaction_id",
        }
    )

    @property
    @override
    def available(self) -> bool:
        """Return True: what has happened has happened, though the bank may be out of reach now."""
        return True

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the account's transactions."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(
                self.hass, SIGNAL_TRANSACTION.format(self._subject_id), self._async_report
            )
        )

    @callback
    @override
    def async_entity_id_changed(  # type: ignore[misc, unused-ignore]  # only Home Assistant 2026.11 has it
        self, old_entity_id: str
    ) -> None:
        """Go on listening: the signal is keyed by the account."""

    @callback
    def _async_report(self, report: Report) -> None:
        """Tell of one transaction."""
        transaction = report.transaction
        pot = self.coordinator.data.pots.get(transaction.pot_id or "")
        self._trigger_event(
            transaction_kind(transaction),
            {
                **transaction_as_dict(transaction, pot.pot.name if pot else None),
                "late": report.late,
            },
        )
        self.async_write_ha_state()
