"""Corrections are kept on disk until the config entry of their account is removed."""

from typing import Any

from homeassistant.core import HomeAssistant

from custom_components.monzo.recurring.correction_store import CorrectionStore
from custom_components.monzo.recurring.corrections import Correction

RENT = Correction(transaction_ids=("tx_1", "tx_2"), confirmed=True, name="Flat", minor=-1, day=31)
GYM = Correction(transaction_ids=("tx_3",), dismissed=True)


async def test_corrections_survive_a_restart(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    before = await CorrectionStore(hass).async_load()
    assert before.of_account("acc_1") == {}
    await before.async_set("acc_1", {"rent": RENT, "gym": GYM})
    await before.async_set("acc_2", {"gym": GYM})
    after = await CorrectionStore(hass).async_load()
    assert after.of_account("acc_1") == {"rent": RENT, "gym": GYM}
    assert after.of_account("acc_2") == {"gym": GYM}


async def test_data_from_another_version_is_ignored(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    hass_storage["monzo.recurring"] = {
        "version": 1,
        "data": {"acc_1": {"rent": {"renamed": "Flat"}, "gym": GYM.to_stored()}},
    }
    store = await CorrectionStore(hass).async_load()
    assert store.of_account("acc_1") == {"gym": GYM}


async def test_the_corrections_of_a_removed_account_leave_no_file(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    store = await CorrectionStore(hass).async_load()
    await store.async_set("acc_1", {"rent": RENT})
    await store.async_set("acc_2", {"gym": GYM})
    await store.async_forget(["acc_1"])
    assert hass_storage["monzo.recurring"]["data"] == {"acc_2": {"gym": GYM.to_stored()}}
    await store.async_forget(["acc_2"])
    assert "monzo.recurring" not in hass_storage


async def test_a_correction_that_was_undone_is_not_kept(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    store = await CorrectionStore(hass).async_load()
    await store.async_set("acc_1", {"gym": GYM})
    await store.async_set("acc_1", {"gym": Correction(transaction_ids=("tx_3",))})
    assert "monzo.recurring" not in hass_storage
