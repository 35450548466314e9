"""Monzo in Home Assistant: sets up a config entry and wires its parts together."""

from functools import partial

from homeassistant.components.webhook import async_generate_id
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HassJob, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.config_entry_oauth2_flow import async_get_config_entry_implementation
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .accounts import BalancesCoordinator, monzo_id_of, owner_name
from .api import Account
from .bank import MonzoSession, RepairIssue, async_create_repair_issue, async_delete_repair_issues
from .const import DOMAIN, ENTRY_MINOR_VERSION
from .dashboard import async_setup_dashboard, async_setup_dashboard_strategy
from .runtime import MonzoConfigEntry, MonzoRuntimeData
from .services import async_setup_services
from .transactions import TransactionsCoordinator, async_get_transaction_logs
from .transfers import (
    Transfers,
    async_forget_money_between_pots,
    async_open_journal,
    async_remove_journal,
)
from .webhooks import (
    WebhookDeliveries,
    WebhookRegistrations,
    async_clean_up,
    async_close,
    async_open,
)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [Platform.BINARY_SENSOR, Platform.EVENT, Platform.NOTIFY, Platform.SENSOR]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, the dashboard, and the cards."""
    async_setup_services(hass)
    async_setup_dashboard_strategy(hass)
    await async_setup_dashboard(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: MonzoConfigEntry) -> bool:
    """Set up one person's Monzo.

    Raises ConfigEntryNotReady if the bank cannot be asked now, and ConfigEntryAuthFailed if the
    person must sign in again.
    """
    async_open(hass, entry)
    implementation = await async_get_config_entry_implementation(hass, entry)
    session = MonzoSession(hass, entry, implementation)
    # Stopping in the middle of a renewal would lose the only valid token.
    entry.async_on_unload(hass.async_add_shutdown_job(HassJob(session.async_wait_for_renewal)))
    if session.renewable:
        async_delete_repair_issues(hass, entry, (RepairIssue.NOT_CONFIDENTIAL,))
    else:
        async_create_repair_issue(hass, entry, RepairIssue.NOT_CONFIDENTIAL)

    balances = BalancesCoordinator(hass, entry, session)
    await balances.async_config_entry_first_refresh()
    _name_after_owner(hass, entry, balances.open_accounts)

    journal = await async_open_journal(hass, entry.entry_id)
    ledgers = await async_get_transaction_logs(hass)
    entry.runtime_data = MonzoRuntimeData(
        session=session,
        balances=balances,
        transactions=TransactionsCoordinator(hass, entry, balances, ledgers),
        transfers=Transfers(session, journal, entry),
    )
    entry.runtime_data.transfers.async_tell_of_money_between_pots()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    # Not before automations are there to hear of what happened while Home Assistant was off.
    entry.async_on_unload(async_at_started(hass, partial(_async_begin_stream, entry)))
    return True


@callback
def _async_begin_stream(entry: MonzoConfigEntry, hass: HomeAssistant) -> None:
    """Report transactions, found by polls and by what Monzo hints at."""
    deliveries = WebhookDeliveries(hass, entry)
    entry.runtime_data.transactions.async_begin(on_report=deliveries.async_reported)
    deliveries.async_begin()
    WebhookRegistrations(hass, entry).async_begin()


async def async_unload_entry(hass: HomeAssistant, entry: MonzoConfigEntry) -> bool:
    """Unload one person's Monzo."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
    """Leave nothing behind, and let other entries take over the joint accounts."""
    async_delete_repair_issues(hass, entry)
    async_forget_money_between_pots(hass, entry.entry_id)
    await async_remove_journal(hass, entry.entry_id)
    ledgers = await async_get_transaction_logs(hass)
    others = hass.config_entries.async_loaded_entries(DOMAIN)
    balances = [other.runtime_data.balances for other in others]
    await ledgers.async_forget(
        entry.entry_id, but={account.id for each in balances for account in each.open_accounts}
    )
    async_close(hass, entry)
    await async_clean_up(hass, entry)
    for each in balances:
        await each.async_request_refresh()


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: MonzoConfigEntry, device: dr.AnyDeviceEntry
) -> bool:
    """Let the user remove the device of an account or pot that the bank no longer has."""
    if entry.state is not ConfigEntryState.LOADED:
        # Nobody knows what the bank has.
        return False
    return entry.runtime_data.balances.data.find(monzo_id_of(device) or "") is None


async def async_migrate_entry(hass: HomeAssistant, entry: MonzoConfigEntry) -> bool:
    """Bring an entry of an early version of the built-in integration up to date.

    Ours and its current version write the same ones, so that either can take over.
    """
    if entry.minor_version < ENTRY_MINOR_VERSION:
        hass.config_entries.async_update_entry(
            entry,
            unique_id=str(entry.unique_id),
            data={CONF_WEBHOOK_ID: async_generate_id(), **entry.data},
            minor_version=ENTRY_MINOR_VERSION,
        )
    return True


def _name_after_owner(
    hass: HomeAssistant, entry: MonzoConfigEntry, accounts: tuple[Account, ...]
) -> None:
    """Give an entry its owner's name that early versions of the built-in integration left out."""
    if entry.title == DOMAIN and (name := owner_name(accounts, entry.unique_id)):
        hass.config_entries.async_update_entry(entry, title=name)
