"""Showing messages in the feed of the Monzo app by an action."""

from pathlib import Path
from typing import Any

from homeassistant.core import Context, SupportsResponse
from homeassistant.exceptions import Unauthorized
import pytest
from pytest_homeassistant_custom_component.common import MockUser
import voluptuous as vol
import yaml

import custom_components.monzo
from custom_components.monzo.const import DOMAIN, FEED_IMAGE_URL
from sandbox.bank import Bank
from sandbox.faults import Answer, DropBefore, Fault
from sandbox.household import Household
from sandbox.server import BankServer
from tests.helpers.transfer_client import Teller, refused

CREATE = "create_feed_item"


async def create(teller: Teller, home: Household, **fields: object) -> None:
    """Show something in the feed of Ann's current account."""
    fields = {"account": teller.device(home.current), "title": "Washing done", **fields}
    await teller.hass.services.async_call(DOMAIN, CREATE, fields, blocking=True)


async def test_an_item_is_shown_with_all_there_is_to_it(
    teller: Teller, home: Household, bank: Bank
) -> None:
    await create(
        teller,
        home,
        message="It took 1 kWh.\nThat was 24p & a half.",
        image_url="https://example.com/a.gif?size=small",
        url="https://example.com/laundry#top",
        background_color=[252, 241, 238],
        title_color="#336699",
        body_color="#aabbcc",
    )
    (item,) = bank.feed
    assert item.account_id == home.current.id
    assert item.title == "Washing done"
    assert item.body == "It took 1 kWh.\nThat was 24p & a half."
    assert item.image_url == "https://example.com/a.gif?size=small"
    assert item.url == "https://example.com/laundry#top"
    assert item.colours == {
        "background_color": "#FCF1EE",
        "title_color": "#336699",
        "body_color": "#AABBCC",
    }


async def test_a_title_is_enough(
    teller: Teller, home: Household, bank: Bank, server: BankServer
) -> None:
    await create(teller, home)
    (item,) = bank.feed
    assert (item.title, item.image_url) == ("Washing done", FEED_IMAGE_URL)
    # Monzo chooses the rest.
    (call,) = server.requests_to("POST", "/feed")
    assert call.form.keys() == {"account_id", "type", "params[title]", "params[image_url]"}


async def test_the_usual_picture_is_one_that_phones_can_load() -> None:
    assert FEED_IMAGE_URL.startswith("https://")


@pytest.mark.parametrize("account", ["current", "joint", "flex", "rewards", "loan"])
async def test_every_account_has_a_feed_of_its_own(
    teller: Teller, home: Household, bank: Bank, account: str
) -> None:
    await create(teller, home, account=teller.device(getattr(home, account)))
    assert [item.account_id for item in bank.feed] == [getattr(home, account).id]


async def test_there_is_nothing_to_answer(teller: Teller) -> None:
    assert teller.hass.services.supports_response(DOMAIN, CREATE) is SupportsResponse.NONE


# Colors


@pytest.mark.parametrize(
    ("color", "shown"),
    [
        ([0, 10, 255], "#000AFF"),
        # As the attribute of a light.
        ((255, 128, 0), "#FF8000"),
        ("#fcf1ee", "#FCF1EE"),
    ],
)
async def test_a_color_is_written_in_several_ways(
    teller: Teller, home: Household, bank: Bank, color: object, shown: str
) -> None:
    await create(teller, home, title_color=color)
    assert bank.feed[0].colours == {"title_color": shown}


@pytest.mark.parametrize("field", ["background_color", "title_color", "body_color"])
async def test_what_is_no_color_is_refused(
    teller: Teller, home: Household, bank: Bank, field: str
) -> None:
    for color in (
        "red",
        "#333",
        "#33333",
        "#3333333",
        "#33333g",
        "333333",
        "#333333\n",
        "",
        None,
        0,
        [1, 2],
        [1, 2, 3, 4],
        [1, 2, 256],
        [-1, 2, 3],
        ["a", "b", "c"],
        {"r": 1, "g": 2, "b": 3},
    ):
        with pytest.raises(vol.Invalid, match=field):
            await create(teller, home, **{field: color})
    assert bank.feed == []


# Addresses


@pytest.mark.parametrize("field", ["image_url", "url"])
async def test_an_address_must_be_complete_and_begin_with_https(
    teller: Teller, home: Household, bank: Bank, field: str
) -> None:
    for url in (
        "http://example.com/a.png",
        "/local/a.png",
        "homeassistant://navigate/laundry",
        "https://",
        "https://exa mple.com",
        "javascript:alert(1)",
    ):
        with refused() as refusal:
            await create(teller, home, **{field: url})
        assert refusal.key == "not_https"
        assert refusal.error.translation_placeholders == {"field": field}
    assert bank.feed == []


# What a call needs


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"title": "  "},
        {"title": None},
        {"title": ["a"]},
        {"message": {}},
        {"image_url": ""},
        {"account": None},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_field_that_makes_no_sense_is_named(
    teller: Teller, home: Household, bank: Bank, fields: dict[str, Any]
) -> None:
    with pytest.raises(vol.Invalid, match=next(iter(fields))):
        await create(teller, home, **fields)
    assert bank.feed == []


async def test_a_pot_has_no_feed(teller: Teller, home: Household, bank: Bank) -> None:
    with refused() as refusal:
        await create(teller, home, account=teller.device(home.holiday))
    assert refusal.key == "not_an_account"
    assert bank.feed == []


async def test_only_administrators_write_to_the_feed(
    teller: Teller,
    home: Household,
    bank: Bank,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
) -> None:
    async def call(user: MockUser) -> None:
        await teller.hass.services.async_call(
            DOMAIN,
            CREATE,
            {"account": teller.device(home.current), "title": "Washing done"},
            blocking=True,
            context=Context(user_id=user.id),
        )

    with pytest.raises(Unauthorized):
        await call(hass_read_only_user)
    assert bank.feed == []
    await call(hass_admin_user)
    assert len(bank.feed) == 1


# When the bank does not


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Answer.error("bad_request.bad_param.image_url", "No such picture"), "rejected"),
        (Answer.error("forbidden.insufficient_permissions"), "not_permitted"),
        (Answer.rate_limited("5"), "asked_to_wait"),
        (DropBefore(), "no_answer"),
        (Answer.html(502), "no_answer"),
    ],
    ids=["refused", "forbidden", "too many requests", "dropped", "proxy"],
)
async def test_what_the_bank_does_not_show_is_told_of(
    teller: Teller, home: Household, server: BankServer, fault: Fault, key: str
) -> None:
    server.fail("POST", "/feed", fault)
    with refused() as refusal:
        await create(teller, home)
    assert refusal.key == key
    # Nothing is sent twice: a feed forgets nothing.
    assert len(server.requests_to("POST", "/feed")) == 1


async def test_a_sign_in_that_has_ended_is_noticed(
    teller: Teller, home: Household, server: BankServer
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await create(teller, home)
    assert refusal.key == "action_needs_sign_in"
    assert teller.asked_to_sign_in


# The examples that the form shows


async def test_every_example_works(teller: Teller, home: Household, bank: Bank) -> None:
    root = Path(custom_components.monzo.__file__).parent
    forms = yaml.safe_load((root / "services.yaml").read_text(encoding="utf-8"))
    # The user interface shows them as they are, and reads them as YAML.
    example = {
        name: yaml.safe_load(field["example"])
        for name, field in forms[CREATE]["fields"].items()
        if name != "account"
    }
    await create(teller, home, **example)
    (item,) = bank.feed
    assert item.title == example["title"]
    assert item.body == example["message"]
    assert len(item.colours) == 3
