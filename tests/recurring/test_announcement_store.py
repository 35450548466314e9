"""The store of announcements on disk."""

from datetime import UTC, date, datetime
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from custom_components.monzo.recurring.announcement_store import AnnouncementStore
from custom_components.monzo.recurring.announcements import Announced, AnnouncedAccount, Countdown
from custom_components.monzo.recurring.pay_day_arrivals import AnnouncedPayDay

KEY = "monzo.announcements"

ACCOUNT = AnnouncedAccount(
    looked_on=date(2026, 9, 16),
    known_since=datetime(2025, 1, 1, tzinfo=UTC),
    payments={
        "key": Announced(
            transaction_ids=("tx_1", "tx_2"),
            last=date(2026, 9, 5),
            countdowns=(Countdown(date(2026, 9, 5), 0), Countdown(date(2026, 10, 5), 19)),
            changed=date(2026, 8, 5),
        )
    },
)
PAY_DAY = AnnouncedPayDay(arrived=date(2026, 8, 25))


@pytest.fixture
async def store(hass: HomeAssistant) -> AnnouncementStore:
    """Return a store with two accounts and a person."""
    store = await AnnouncementStore(hass).async_load()
    for account_id in ("acc_current", "acc_joint"):
        store.set_account(account_id, ACCOUNT)
    store.set_pay_day("user_dora", PAY_DAY)
    await store.async_save()
    return store


async def test_announcements_survive_a_restart(
    hass: HomeAssistant, store: AnnouncementStore
) -> None:
    loaded = await AnnouncementStore(hass).async_load()
    assert loaded.account("acc_current") == ACCOUNT
    assert loaded.pay_day("user_dora") == PAY_DAY
    assert loaded.account("acc_other") is None
    assert loaded.pay_day("user_eve") == AnnouncedPayDay()


async def test_the_announcements_of_removed_accounts_are_deleted(
    hass: HomeAssistant, store: AnnouncementStore, hass_storage: dict[str, Any]
) -> None:
    await store.async_forget(["acc_current"], "user_dora")
    loaded = await AnnouncementStore(hass).async_load()
    assert (loaded.account("acc_current"), loaded.account("acc_joint")) == (None, ACCOUNT)
    await store.async_forget(["acc_joint"], "user_dora")
    assert KEY not in hass_storage


async def test_data_from_another_version_is_ignored(
    hass: HomeAssistant, store: AnnouncementStore, hass_storage: dict[str, Any]
) -> None:
    del hass_storage[KEY]["data"]["accounts"]["acc_joint"]["payments"]["key"]["countdowns"]
    hass_storage[KEY]["data"]["pay_days"]["user_dora"] = {"arrived": "soon"}
    loaded = await AnnouncementStore(hass).async_load()
    assert (loaded.account("acc_current"), loaded.account("acc_joint")) == (ACCOUNT, None)
    assert loaded.pay_day("user_dora") == AnnouncedPayDay()
