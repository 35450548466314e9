"""Event entities for the transactions of an account and for the transfers of a person."""

from dataclasses import dataclass, replace
from typing import Any, Final, override

from homeassistant.components.event import (  # type: ignore[attr-defined, unused-ignore]  # 2026.10 does not export EventExtraStoredData
    EventEntity,
    EventEntityDescription,
    EventExtraStoredData,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts import AccountState, DeviceState, PersonState, async_account_name
from .administrators_only import transactions_are_limited
from .bank import translating_defects
from .entity import EntityTables, MonzoEntity, MonzoEntityDescription, async_add_as_they_appear
from .privacy import async_subscribe
from .runtime import MonzoConfigEntry
from .transactions import (
    SIGNAL_NEW_TRANSACTION,
    NewTransaction,
    TransactionKind,
    template_variables,
    transaction_kind,
)
from .transfers import OUTCOMES, SIGNAL_TRANSFER_RESULT, TransferResult

PARALLEL_UPDATES = 0

# The attributes that all users may see. If the archive is lost, `last_reported.py` needs this one.
_NOT_PRIVATE: Final = frozenset({"created"})


@dataclass(frozen=True, kw_only=True)
class MonzoEventDescription[DeviceStateT: DeviceState](
    MonzoEntityDescription[DeviceStateT], EventEntityDescription
):
    """Describes an event entity of a person or an account."""


PERSON_EVENTS: Final = (
    MonzoEventDescription[PersonState](key="transfers", event_types=list(OUTCOMES.values())),
)
ACCOUNT_EVENTS: Final = (
    MonzoEventDescription[AccountState](
        key="transaction",
        event_types=[kind for kind in TransactionKind if kind is not TransactionKind.ROUND_UP],
        is_useful_fn=lambda account: account.has_transactions,
    ),
    # A round-up follows its payment within a second, and would hide it in the entity above.
    MonzoEventDescription[AccountState](
        key="round_up",
        event_types=[TransactionKind.ROUND_UP],
        has_fn=lambda account: account.is_current_account,
    ),
)


@translating_defects("the set-up of event entities")
async def async_setup_entry(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the event entities of a config entry."""
    async_add_as_they_appear(
        entry, async_add_entities, MonzoTransactionEvent, EntityTables(account=ACCOUNT_EVENTS)
    )
    async_add_as_they_appear(
        entry, async_add_entities, MonzoTransfersEvent, EntityTables(person=PERSON_EVENTS)
    )


# Home Assistant 2026.11 marks the method as final that `MonzoEntity` overrides, and calls it.
class MonzoEvent[DeviceStateT: DeviceState](  # type: ignore[misc, unused-ignore]
    MonzoEntity[DeviceStateT], EventEntity
):
    """Event entity of a person or an account.

    If transactions are limited to administrators, it has only the type and time of the last event.
    """

    entity_description: MonzoEventDescription[DeviceStateT]

    @property
    @override
    def available(self) -> bool:
        """Return True, because past events stay valid while the bank is unreachable."""
        return True

    @override
    async def async_get_last_event_data(self) -> EventExtraStoredData | None:
        """Return the event from before a restart; None if another integration stored it.

        The built-in integration has the same event entity, with everything that the bank knows
        about a payment, such as account numbers. Restored, it would be recorded.
        """
        stored = await super().async_get_last_event_data()
        if stored is None or stored.last_event_type not in self.event_types:
            return None
        return replace(
            stored, last_event_attributes=self._visible(stored.last_event_attributes or {})
        )

    @callback
    def _async_report(self, event_type: str, attributes: dict[str, Any]) -> None:
        """Report an event."""
        self._trigger_event(event_type, self._visible(attributes))
        self.async_write_ha_state()

    def _visible(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Return the attributes of an event that all users may see."""
        if not transactions_are_limited(self.coordinator.config_entry):
            return attributes
        return {key: it for key, it in attributes.items() if key in _NOT_PRIVATE}

    @callback
    @override
    def async_entity_id_changed(  # type: ignore[misc, unused-ignore]  # only Home Assistant 2026.11 has it
        self, old_entity_id: str
    ) -> None:
        """Do nothing: the signals do not depend on the entity id."""


class MonzoTransactionEvent(MonzoEvent[AccountState]):
    """Event entity that reports each transaction of its types once, for one account."""

    # Keep payee, place and purpose out of the long-term database.
    _unrecorded_attributes = frozenset(
        {
            "categories",
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
            "tags",
            "transaction_id",
        }
    )

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the account's transactions."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_subscribe(
                self.hass, SIGNAL_NEW_TRANSACTION.format(self._monzo_id), self._async_publish
            )
        )

    @callback
    def _async_publish(self, new: NewTransaction) -> None:
        """Publish one transaction."""
        kind = transaction_kind(new.transaction)
        if kind not in self.event_types:
            return
        self._async_report(
            kind,
            {
                **template_variables(new.transaction, pot=new.pot, own_transfer=new.own_transfer),
                "late": new.late,
            },
        )


class MonzoTransfersEvent(MonzoEvent[PersonState]):
    """Event entity that reports the result of each transfer."""

    # Keep the names of accounts and pots out of the long-term database.
    _unrecorded_attributes = frozenset({"account", "dedupe_id", "pot"})

    _subscribed: set[str]
    """The ids of the accounts whose transfers this entity receives."""

    @override
    async def async_added_to_hass(self) -> None:
        """Subscribe to the transfers of all accounts."""
        await super().async_added_to_hass()
        self._subscribed = set()
        self._async_subscribe()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Subscribe to the transfers of new accounts as well."""
        self._async_subscribe()
        super()._handle_coordinator_update()

    @callback
    def _async_subscribe(self) -> None:
        for account_id in self.coordinator.account_ids() - self._subscribed:
            self._subscribed.add(account_id)
            self.async_on_remove(
                async_subscribe(
                    self.hass, SIGNAL_TRANSFER_RESULT.format(account_id), self._async_publish
                )
            )

    @callback
    def _async_publish(self, result: TransferResult) -> None:
        """Publish the result of one transfer."""
        transfer, data = result.transfer, self.coordinator.data
        account = data.accounts.get(transfer.move.account_id)
        self._async_report(
            result.outcome,
            {
                **transfer.template_variables(data.pot_names.get(transfer.move.pot_id)),
                "account": async_account_name(self.hass, account.account) if account else None,
                "reason": result.reason,
            },
        )
