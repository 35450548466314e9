"""The Monzo integration: sets up config entries and connects their parts."""

from functools import partial

from homeassistant.components.webhook import async_generate_id
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID, Platform
from homeassistant.core import HassJob, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.config_entry_oauth2_flow import (
    AbstractOAuth2Implementation,
    async_get_config_entry_implementation,
)
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

from .accounts import (
    BalancesCoordinator,
    async_refresh_sharing_entries,
    monzo_id_of,
    owner_name,
)
from .api import Account
from .backfill import HistoryImport, HistoryStatistics, async_clear_statistics
from .bank import (
    MonzoSession,
    RepairIssue,
    RequestBudget,
    TokenRefusals,
    WebhookStatus,
    async_create_repair_issue,
    async_delete_repair_issues,
    translating_defects,
)
from .budgets import BudgetsCoordinator, async_forget_usage, async_register_budget_device
from .const import CONF_STATISTICS, DOMAIN, ENTRY_MINOR_VERSION
from .dashboard import async_register_dashboard_command, async_serve_cards
from .memory import async_get_memory
from .recurring import (
    RecurringAnnouncer,
    RecurringCoordinator,
    async_get_announcements,
    async_get_corrections,
)
from .runtime import MonzoConfigEntry, MonzoRuntimeData
from .services import async_setup_services
from .texts import async_follow_language
from .transactions import TransactionsCoordinator, async_get_archive, retention_of
from .transfers import (
    MoneyMover,
    async_delete_issues,
    async_open_journal,
    async_remove_journal,
)
from .webhooks import (
    CONF_WEBHOOK_URL,
    WebhookDeliveries,
    WebhookReceiver,
    WebhookRegistrations,
    async_register_webhook,
    async_remove_registrations,
    async_unregister_webhook,
    path_of_ha_monzo,
)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.NOTIFY,
    Platform.NUMBER,
    Platform.SENSOR,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, the dashboard, and the cards."""
    async_follow_language(hass)
    async_setup_services(hass)
    async_register_dashboard_command(hass)
    await async_serve_cards(hass)
    return True


@translating_defects("the set-up of an entry")
async def async_setup_entry(hass: HomeAssistant, entry: MonzoConfigEntry) -> bool:
    """Set up the config entry of one person.

    Raises ConfigEntryNotReady if the bank cannot be asked now, and ConfigEntryAuthFailed if the
    person must sign in again.
    """
    receiver = async_register_webhook(hass, entry)
    implementation = await async_get_config_entry_implementation(hass, entry)
    # The sign-in of a new entry has counted its requests before there was an entry.
    budget_of_sign_in = async_get_memory(hass).remove(RequestBudget, str(entry.unique_id))
    session = _async_create_session(hass, entry, implementation, budget_of_sign_in)
    runtime = entry.runtime_data = await _async_create_parts(hass, entry, session)
    _set_title_to_owner(hass, entry, runtime.balances.open_accounts)
    runtime.transfers.async_update_issues()
    for budget in runtime.budgets.budgets:
        async_register_budget_device(hass, entry, budget)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    runtime.recurring.async_start()
    # This entry now has the entities of joint accounts that others may have shown meanwhile.
    async_refresh_sharing_entries(hass, entry)
    # Automations must be running before they can react to payments from while Home Assistant was
    # not running.
    entry.async_on_unload(
        async_at_started(
            hass,
            partial(_async_start_publishing, entry, receiver, is_new=budget_of_sign_in is not None),
        )
    )
    return True


@callback
def _async_create_session(
    hass: HomeAssistant,
    entry: MonzoConfigEntry,
    implementation: AbstractOAuth2Implementation,
    budget_of_sign_in: RequestBudget | None,
) -> MonzoSession:
    """Return the session of an entry, and show an issue if it cannot renew its token."""
    memory = async_get_memory(hass)
    session = MonzoSession(
        hass,
        entry,
        implementation,
        memory.find_or_create(
            RequestBudget, entry.entry_id, lambda: budget_of_sign_in or RequestBudget()
        ),
        memory.find_or_create(TokenRefusals, entry.entry_id, TokenRefusals),
    )
    # Stopping during a renewal would lose the only valid token.
    entry.async_on_unload(
        hass.async_add_shutdown_job(HassJob(session.sign_in.async_wait_for_renewal))
    )
    if session.sign_in.renewable:
        async_delete_repair_issues(hass, entry, (RepairIssue.NOT_CONFIDENTIAL,))
    else:
        async_create_repair_issue(hass, entry, RepairIssue.NOT_CONFIDENTIAL)
    return session


async def _async_create_parts(
    hass: HomeAssistant, entry: MonzoConfigEntry, session: MonzoSession
) -> MonzoRuntimeData:
    """Return the parts of an entry, of which only the balances have been read."""
    webhook_status = WebhookStatus()
    balances = BalancesCoordinator(hass, entry, session, webhook_status)
    await balances.async_config_entry_first_refresh()
    archive = await async_get_archive(hass, session.clock.now())
    await archive.async_shorten(entry.entry_id, retention_of(entry), session.clock.now())
    # Stopping during a save would publish its transaction again after the next start.
    entry.async_on_unload(hass.async_add_shutdown_job(HassJob(archive.async_wait_for_write)))
    journal = await async_open_journal(hass, entry.entry_id, session.clock)
    transactions = TransactionsCoordinator(hass, entry, balances, archive, webhook_status)
    history = HistoryImport(
        hass,
        entry,
        balances=balances,
        transactions=transactions,
        archive=archive,
        retention=retention_of(entry),
    )
    recurring = RecurringCoordinator(
        hass,
        entry,
        balances=balances,
        transactions=transactions,
        archive=archive,
        corrections=await async_get_corrections(hass),
    )
    return MonzoRuntimeData(
        session=session,
        balances=balances,
        transactions=transactions,
        history=history,
        statistics=HistoryStatistics(
            hass,
            entry,
            balances=balances,
            archive=archive,
            history=history,
            enabled=entry.options.get(CONF_STATISTICS, False),
        ),
        recurring=recurring,
        announcer=RecurringAnnouncer(
            hass,
            entry,
            recurring=recurring,
            transactions=transactions,
            archive=archive,
            store=await async_get_announcements(hass),
        ),
        budgets=BudgetsCoordinator(
            hass,
            entry,
            balances=balances,
            transactions=transactions,
            archive=archive,
            recurring=recurring,
        ),
        transfers=MoneyMover(entry, session, balances, journal),
        webhook_status=webhook_status,
    )


@callback
def _async_start_publishing(
    entry: MonzoConfigEntry, receiver: WebhookReceiver, hass: HomeAssistant, *, is_new: bool
) -> None:
    """Publish transactions and the results of transfers from now on."""
    runtime = entry.runtime_data
    deliveries = WebhookDeliveries(
        hass,
        entry,
        balances=runtime.balances,
        transactions=runtime.transactions,
        status=runtime.webhook_status,
    )
    deliveries.async_start(receiver)
    runtime.announcer.async_start()
    runtime.transactions.async_start()
    runtime.history.async_start()
    runtime.statistics.async_start()
    runtime.budgets.async_start()
    runtime.transfers.async_start_publishing()
    WebhookRegistrations(
        hass, entry, balances=runtime.balances, status=runtime.webhook_status, is_new=is_new
    ).async_start()


@translating_defects("the unloading of an entry")
async def async_unload_entry(hass: HomeAssistant, entry: MonzoConfigEntry) -> bool:
    """Unload the config entry of one person; another may show its joint accounts from now on."""
    entry.runtime_data.transfers.async_stop_publishing()
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded and entry.disabled_by:
        async_refresh_sharing_entries(hass, entry)
    return unloaded


@translating_defects("the removal of an entry")
async def async_remove_entry(hass: HomeAssistant, entry: MonzoConfigEntry) -> None:
    """Remove all data of a config entry, and let other entries take over its joint accounts."""
    async_delete_repair_issues(hass, entry)
    async_delete_issues(hass, entry.entry_id)
    await async_remove_journal(hass, entry.entry_id)
    await async_forget_usage(hass, entry.entry_id)
    others = hass.config_entries.async_loaded_entries(DOMAIN)
    balances = [other.runtime_data.balances for other in others]
    archive = await async_get_archive(hass, dt_util.utcnow())
    forgotten = await archive.async_forget(
        entry.entry_id, keep={account.id for each in balances for account in each.open_accounts}
    )
    await async_clear_statistics(hass, forgotten)
    await (await async_get_corrections(hass)).async_forget(forgotten)
    await (await async_get_announcements(hass)).async_forget(forgotten, str(entry.unique_id))
    await async_remove_registrations(hass, entry)
    # Last, because Home Assistant logs the content of deliveries to webhooks that it does not know.
    async_unregister_webhook(hass, entry)
    for each in balances:
        await each.async_request_refresh()
    async_get_memory(hass).forget(entry.entry_id)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: MonzoConfigEntry, device: dr.AnyDeviceEntry
) -> bool:
    """Return whether the user may remove a device: the bank no longer has its account or pot.

    The device of a budget goes together with the budget.
    """
    if entry.state is not ConfigEntryState.LOADED or device.config_subentry_id is not None:
        # The accounts and pots at the bank are not known.
        return False
    return entry.runtime_data.balances.data.find(monzo_id_of(device) or "") is None


@translating_defects("the migration of an entry")
async def async_migrate_entry(hass: HomeAssistant, entry: MonzoConfigEntry) -> bool:
    """Migrate an entry of *ha-monzo*, or of an early version of the built-in integration.

    This integration and the current built-in one write the same version, so that each can take
    over from the other.
    """
    if entry.minor_version < ENTRY_MINOR_VERSION:
        # Registered by *ha-monzo*, if it was that, and removed as outdated.
        webhook = {
            CONF_WEBHOOK_ID: async_generate_id(),
            CONF_WEBHOOK_URL: path_of_ha_monzo(entry),
        }
        hass.config_entries.async_update_entry(
            entry,
            unique_id=str(entry.unique_id),
            data={**webhook, **entry.data},
            minor_version=ENTRY_MINOR_VERSION,
        )
    return True


def _set_title_to_owner(
    hass: HomeAssistant, entry: MonzoConfigEntry, accounts: tuple[Account, ...]
) -> None:
    """Name an entry after its owner, which early versions of the built-in integration did not."""
    if entry.title == DOMAIN and (name := owner_name(accounts, entry.unique_id)):
        hass.config_entries.async_update_entry(entry, title=name)
