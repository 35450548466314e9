"""Every transaction of an account, and what becomes of every transfer, as events."""

from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .accounts import AccountState, DeviceState, PersonState, async_account_name
from .entity import EntityTables, MonzoEntity, MonzoEntityDescription, async_add_as_they_appear
from .runtime import MonzoConfigEntry
from .transactions import (
    SIGNAL_NEW_TRANSACTION,
    NewTransaction,
    TransactionKind,
    template_variables,
    transaction_kind,
)
from .transfers import SIGNAL_TRANSFER_RESULT, TransferOutcome, TransferResult

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class MonzoEventDescription[DeviceStateT: DeviceState](
    MonzoEntityDescription[DeviceStateT], EventEntityDescription
):
    """Describes an event entity of a person or an account."""


PERSON_EVENTS: Final = (
    MonzoEventDescription[PersonState](key="transfers", event_types=list(TransferOutcome)),
)
ACCOUNT_EVENTS: Final = (
    MonzoEventDescription[AccountState](key="transaction", event_types=list(TransactionKind)),
)


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


class MonzoEvent[DeviceStateT: DeviceState](MonzoEntity[DeviceStateT], EventEntity):
    """Tells of what happens to a person or an account."""

    entity_description: MonzoEventDescription[DeviceStateT]

    @property
    @override
    def available(self) -> bool:
        """Return True: what has happened has happened, though the bank may be out of reach now."""
        return True

    @callback
    @override
    def async_entity_id_changed(  # type: ignore[misc, unused-ignore]  # only Home Assistant 2026.11 has it
        self, old_entity_id: str
    ) -> None:
        """Go on listening: the signals are keyed by the account."""


class MonzoTransactionEvent(MonzoEvent[AccountState]):
    """Tells of each transaction of an account, once."""

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

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the account's transactions."""
        await super().async_added_to_hass()
        self.async_on_remove(
            async_dispatcher_connect(
                self.hass, SIGNAL_NEW_TRANSACTION.format(self._monzo_id), self._async_report
            )
        )

    @callback
    def _async_report(self, report: NewTransaction) -> None:
        """Tell of one transaction."""
        self._trigger_event(
            transaction_kind(report.transaction),
            {**template_variables(report.transaction, report.pot), "late": report.late},
        )
        self.async_write_ha_state()


class MonzoTransfersEvent(MonzoEvent[PersonState]):
    """Tells what becomes of each transfer that Home Assistant is to make."""

    # Where money is kept for what is nobody's business a year later.
    _unrecorded_attributes = frozenset({"account", "dedupe_id", "pot"})

    _listening_to: set[str]
    """The ids of the accounts that it hears of."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the transfers of all accounts."""
        await super().async_added_to_hass()
        self._listening_to = set()
        self._async_listen()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Listen to accounts that are new as well."""
        self._async_listen()
        super()._handle_coordinator_update()

    @callback
    def _async_listen(self) -> None:
        for account_id in self.coordinator.account_ids() - self._listening_to:
            self._listening_to.add(account_id)
            self.async_on_remove(
                async_dispatcher_connect(
                    self.hass, SIGNAL_TRANSFER_RESULT.format(account_id), self._async_report
                )
            )

    @callback
    def _async_report(self, report: TransferResult) -> None:
        """Tell of one transfer."""
        transfer, data = report.transfer, self.coordinator.data
        account = data.accounts.get(transfer.account_id)
        self._trigger_event(
            report.outcome,
            {
                **transfer.as_dict(data.pot_names.get(transfer.pot_id)),
                "account": async_account_name(self.hass, account.account) if account else None,
                "reason": report.reason,
            },
        )
        self.async_write_ha_state()
