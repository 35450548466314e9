"""The blueprint receipt_photo: a model reads a photo, which is attached to its payment."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from sandbox.models import BankError, Transaction
from tests.helpers.scripted_model import ScriptedModel, async_add_model
from tests.services.test_file_types import SUPPORTED_CONTENT

from .blueprint_runner import RECORD_MESSAGE, BlueprintRunner

DINNER: dict[str, Any] = {
    "total": 23.4,
    "currency": "GBP",
    "items": [
        {"description": "Pizza", "amount": 14.5},
        {"description": "Lemonade", "amount": 9.9},
        {"description": "Voucher", "amount": -1},
    ],
}

NO_PAYMENT = "no payment has the total that the model has read"
NEWEST = "This is your newest card payment."


@pytest.fixture
def photo(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Return a photo in the folder of receipts."""
    folder = tmp_path / "media" / "receipts"
    folder.mkdir(parents=True)
    hass.config.media_dirs = {"local": str(tmp_path / "media")}
    hass.config.allowlist_external_dirs = {str(tmp_path / "media")}
    file = folder / "dinner.jpg"
    file.write_bytes(SUPPORTED_CONTENT["image/jpeg"])
    return file


@pytest.fixture
async def model(hass: HomeAssistant, photo: Path) -> ScriptedModel:
    """Return a model that Home Assistant offers for tasks."""
    return await async_add_model(hass)


async def take_photo(runner: BlueprintRunner, photo: Path) -> None:
    """Let the folder watcher report a photo."""
    event = {
        "event_type": "closed",
        "path": f"/media/receipts/{photo.name}",
        "file": photo.name,
        "folder": "/media/receipts",
    }
    runner.hass.bus.async_fire("folder_watcher", event)
    await runner.advance()


async def watch(runner: BlueprintRunner, model: ScriptedModel, **inputs: Any) -> None:
    """Attach receipts to payments from the current account."""
    await runner.create(
        "receipt_photo",
        account=runner.device_id(runner.home.current),
        model=model.entity_id,
        then=RECORD_MESSAGE,
        **inputs,
    )


def pay(runner: BlueprintRunner, amount: int, merchant: str) -> Transaction:
    return runner.bank.pay(runner.home.current.id, amount, merchant=merchant)


async def test_the_items_are_added_to_the_payment_of_the_same_amount(
    runner: BlueprintRunner, model: ScriptedModel, photo: Path
) -> None:
    await watch(runner, model)
    model.answer = DINNER
    dinner = pay(runner, -2_340, "Pizzeria")
    taxi = pay(runner, -2_341, "Taxi")
    await runner.advance()
    await take_photo(runner, photo)

    assert runner.notifications == [
        ("Receipt of Pizzeria, £23.40", "The photo and 3 items were attached.")
    ]
    assert runner.messages == ["The photo and 3 items were attached."]
    assert [attachment.file_type for attachment in dinner.attachments] == ["image/jpeg"]
    assert not taxi.attachments
    receipt = runner.bank.receipt(runner.home.ann, dinner.id)
    assert receipt.transaction_id == dinner.id
    # The model got the photo and a fixed text, and nothing about the account.
    (task,) = model.tasks
    assert task.llm_api is None
    assert [attachment.path for attachment in task.attachments or []] == [photo]
    for private in ("Pizzeria", "23.4", "Ann", dinner.id):
        assert private not in task.instructions


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            {**DINNER, "total": 23.41},
            f"{NO_PAYMENT}: 23.41 GBP. {NEWEST}",
        ),
        (
            {**DINNER, "currency": "EUR"},
            f"{NO_PAYMENT}: 23.40 EUR. {NEWEST}",
        ),
        (
            {**DINNER, "items": DINNER["items"][:2]},
            "the items that the model has read do not add up to the total.",
        ),
        ({**DINNER, "items": []}, "the items that the model has read do not add up to the total."),
        (None, "the model did not answer."),
    ],
    ids=["another total", "another currency", "an item is missing", "no items", "no answer"],
)
async def test_otherwise_only_the_photo_is_attached(
    runner: BlueprintRunner,
    model: ScriptedModel,
    photo: Path,
    answer: dict[str, Any] | None,
    reason: str,
) -> None:
    await watch(runner, model)
    model.answer = answer
    dinner = pay(runner, -2_340, "Pizzeria")
    await runner.advance()
    await take_photo(runner, photo)
    assert runner.notifications == [
        (
            "Receipt of Pizzeria, £23.40",
            f"Only the photo was attached, without items, because {reason}",
        )
    ]
    assert len(dinner.attachments) == 1
    with pytest.raises(BankError):
        runner.bank.receipt(runner.home.ann, dinner.id)
    runner.take_warnings()


async def test_without_a_payment_nothing_is_attached(
    runner: BlueprintRunner, model: ScriptedModel, photo: Path
) -> None:
    await watch(runner, model, hours=1)
    model.answer = DINNER
    dinner = pay(runner, -2_340, "Pizzeria")
    await runner.advance()
    await runner.advance(timedelta(hours=2))
    await take_photo(runner, photo)
    assert runner.notifications == [
        (
            "Receipt without a payment",
            "There was no card payment in the last hour, so nothing was attached.",
        )
    ]
    assert not dinner.attachments


async def test_a_plan_attaches_nothing(
    runner: BlueprintRunner, model: ScriptedModel, photo: Path
) -> None:
    await watch(runner, model, dry_run=True)
    model.answer = DINNER
    dinner = pay(runner, -2_340, "Pizzeria")
    await runner.advance()
    await take_photo(runner, photo)
    assert runner.notifications == [
        ("Receipt of Pizzeria, £23.40", "The photo and 3 items would be attached.")
    ]
    assert runner.messages == []
    assert not dinner.attachments
