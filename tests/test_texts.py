"""The language of Home Assistant changes while it runs, and texts may be missing."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import translation
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.monzo.backfill.statistics_names import async_statistics_name
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.texts import async_category_name, async_text
from custom_components.monzo.transactions import CATEGORIES
from sandbox.household import Household
from tests.helpers.languages import SECOND, WITHOUT_FILE, flatten, read_texts
from tests.helpers.state_helpers import device_names, shown
from tests.helpers.transfer_client import TransferClient, refused


@pytest.fixture
async def real_cache(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the cache of texts of a Home Assistant that has just started.

    In other tests, all caches share their content, so that texts are loaded only once.
    """
    cache = hass.data[translation.TRANSLATION_FLATTEN_CACHE]
    cache_data = type(cache.cache_data)
    monkeypatch.setattr(translation, "_TranslationsCacheData", cache_data)
    translation.async_setup(hass)
    monkeypatch.setattr(cache, "cache_data", cache_data({}, {}))
    return cache


def account_labels(form: Any) -> set[str]:
    """Return the names of the accounts in the options."""
    selector = next(value for key, value in form["data_schema"].schema.items() if key == "accounts")
    return {option["label"] for option in selector.config["options"]}


def entities_without_words(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    """Return the unique ID, the state and the attributes of each entity, except its name."""
    return {
        entity.entity_id: (
            entity.unique_id,
            state.state,
            {key: value for key, value in state.attributes.items() if key != "friendly_name"},
        )
        for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if (state := hass.states.get(entity.entity_id))
    }


async def change_language(hass: HomeAssistant, entry: MockConfigEntry, language: str) -> None:
    """Change the language of Home Assistant, and reload the entry, which names its entities."""
    await hass.config.async_update(language=language)
    await hass.async_block_till_done()
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.mark.parametrize("language", sorted({WITHOUT_FILE, SECOND}))
async def test_another_language_changes_nothing_but_words(
    hass: HomeAssistant,
    real_cache: Any,
    home: Household,
    transfer_client: TransferClient,
    language: str,
) -> None:
    entry = transfer_client.entry
    await change_language(hass, entry, "en")
    english = (device_names(hass, entry), entities_without_words(hass, entry))
    texts = flatten(read_texts(language))
    joint = texts["device.joint_account_of.name"].format(owners="Ann & Ben")

    await change_language(hass, entry, language)

    assert entities_without_words(hass, entry) == english[1]
    assert {texts["device.current_account.name"], joint, "House"} <= {*device_names(hass, entry)}
    balance = texts["entity.sensor.balance.name"]
    assert shown(hass, home.joint.id, "balance").name == f"{joint} {balance}"
    form = await hass.config_entries.options.async_init(entry.entry_id)
    assert {texts["device.current_account.name"], joint} <= account_labels(form)
    current = transfer_client.device(home.current)
    with refused() as refusal:
        await transfer_client.deposit(home.house, "1.23", account=current)
    assert f"{refusal.text}." == texts["exceptions.not_the_pots_account.message"].format(
        pot="House", pot_account=joint, account=texts["device.current_account.name"]
    )
    await transfer_client.deposit(home.house, "1.23")
    event = shown(hass, home.ann.user_id, "transfers", "event")
    assert (event.attributes["event_type"], event.attributes["account"]) == ("done", joint)

    await change_language(hass, entry, "en")
    assert device_names(hass, entry) == english[0]


async def test_accounts_are_named_by_their_types_without_any_text(
    hass: HomeAssistant, real_cache: Any, ann: MockConfigEntry
) -> None:
    real_cache.cache_data.cache.clear()

    form = await hass.config_entries.options.async_init(ann.entry_id)

    assert {"Retail", "Retail joint"} <= account_labels(form)


@pytest.mark.parametrize(
    ("series", "english", "unnamed"),
    [
        ("income", "Joint: Income", "Joint: Income"),
        ("spending_eating_out", "Joint: Spending (Eating out)", "Joint: Spending eating out"),
        ("spending_0001", "Joint: Spending (0001)", "Joint: Spending 0001"),
    ],
)
async def test_statistics_have_names_in_any_language(
    hass: HomeAssistant,
    real_cache: Any,
    ann: MockConfigEntry,
    series: str,
    english: str,
    unnamed: str,
) -> None:
    assert async_statistics_name(hass, "Joint", series) == english
    text = {f"component.{DOMAIN}.common.statistics_income": "{account}: Einnahmen"}
    real_cache.cache_data.cache["de"] = {"common": {DOMAIN: text}}
    hass.config.language = "de"
    german = "Joint: Einnahmen" if series == "income" else english
    assert async_statistics_name(hass, "Joint", series) == german
    real_cache.cache_data.cache.clear()
    assert async_statistics_name(hass, "Joint", series) == unnamed


@pytest.mark.parametrize("language", ["en", SECOND])
async def test_every_category_of_the_monzo_app_has_a_name(
    hass: HomeAssistant, real_cache: Any, ann: MockConfigEntry, language: str
) -> None:
    await change_language(hass, ann, language)
    texts = read_texts(language)["common"]
    names = {category: async_category_name(hass, category) for category in CATEGORIES}
    assert names == {it: texts[f"transactions_category_{it}"] for it in CATEGORIES}
    assert async_category_name(hass, "category_0001") == "Category 0001"


async def test_a_text_with_other_placeholders_counts_as_missing(
    hass: HomeAssistant, ann: MockConfigEntry
) -> None:
    key = "device.other_account.name"
    assert async_text(hass, key, {"type": "Teen"}, fallback="Account") == "Account (Teen)"
    assert async_text(hass, key, {}, fallback="Account") == "Account"
