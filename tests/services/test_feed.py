"""The action that shows an item in the feed of the Monzo app."""

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
from custom_components.monzo.services.feed import CREATE_FEED_ITEM_SCHEMA
from sandbox.bank import Bank
from sandbox.faults import Answer, DropBefore, Fault
from sandbox.household import Household
from sandbox.server import BankServer
from tests.helpers.transfer_client import TransferClient, refused

CREATE = "create_feed_item"

VALID: dict[str, Any] = {"account": "device", "title": "Washing done"}


async def create(transfer_client: TransferClient, home: Household, **fields: object) -> None:
    """Show an item in the feed of Ann's current account."""
    fields = {**VALID, "account": transfer_client.device(home.current), **fields}
    await transfer_client.hass.services.async_call(DOMAIN, CREATE, fields, blocking=True)


async def test_an_item_is_shown_with_all_its_fields(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    await create(
        transfer_client,
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
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> None:
    await create(transfer_client, home)
    (item,) = bank.feed
    assert (item.title, item.image_url) == ("Washing done", FEED_IMAGE_URL)
    # Phones load the default picture, and they accept no other address.
    assert FEED_IMAGE_URL.startswith("https://")
    # Monzo chooses everything else.
    (request,) = server.requests_to("POST", "/feed")
    assert request.form.keys() == {"account_id", "type", "params[title]", "params[image_url]"}


async def test_every_account_has_its_own_feed(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    accounts = (home.current, home.joint, home.flex, home.rewards, home.loan)
    for account in accounts:
        await create(transfer_client, home, account=transfer_client.device(account))
    assert [item.account_id for item in bank.feed] == [account.id for account in accounts]


async def test_the_action_has_no_response(transfer_client: TransferClient) -> None:
    assert transfer_client.hass.services.supports_response(DOMAIN, CREATE) is SupportsResponse.NONE


# Fields


def test_a_color_can_be_given_in_three_ways() -> None:
    # From the color picker, from the attribute of a light, and in Monzo's format.
    for color, expected in (
        ([0, 10, 255], "#000AFF"),
        ((255, 128, 0), "#FF8000"),
        ("#fcf1ee", "#FCF1EE"),
    ):
        fields = CREATE_FEED_ITEM_SCHEMA({**VALID, "title_color": color})
        assert fields["title_color"] == expected


def test_an_invalid_color_is_refused(subtests: pytest.Subtests) -> None:
    colors = (
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
    )
    for field in ("background_color", "title_color", "body_color"):
        for color in colors:
            with subtests.test(field=field, color=color), pytest.raises(vol.Invalid, match=field):
                CREATE_FEED_ITEM_SCHEMA({**VALID, field: color})


def test_an_invalid_field_is_named(subtests: pytest.Subtests) -> None:
    assert CREATE_FEED_ITEM_SCHEMA(VALID)
    for field, value in (
        ("title", ""),
        ("title", "  "),
        ("title", None),
        ("title", ["a"]),
        ("message", {}),
        ("image_url", ""),
        ("account", None),
        ("unknown", 1),
    ):
        with subtests.test(field=field, value=value), pytest.raises(vol.Invalid, match=field):
            CREATE_FEED_ITEM_SCHEMA({**VALID, field: value})


async def test_urls_must_be_complete_and_begin_with_https(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    for field in ("image_url", "url"):
        for url in ("http://example.com/a.png", "/local/a.png", "homeassistant://navigate/laundry"):
            with refused() as refusal:
                await create(transfer_client, home, **{field: url})
            assert refusal.key == "not_https"
            assert refusal.error.translation_placeholders == {"field": field}
    assert bank.feed == []


async def test_a_pot_has_no_feed(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    with refused() as refusal:
        await create(transfer_client, home, account=transfer_client.device(home.holiday))
    assert refusal.key == "not_an_account"
    assert bank.feed == []


async def test_a_user_must_be_an_administrator_to_create_an_item(
    transfer_client: TransferClient,
    home: Household,
    bank: Bank,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
) -> None:
    async def call(user: MockUser) -> None:
        fields = {**VALID, "account": transfer_client.device(home.current)}
        await transfer_client.hass.services.async_call(
            DOMAIN, CREATE, fields, blocking=True, context=Context(user_id=user.id)
        )

    with pytest.raises(Unauthorized):
        await call(hass_read_only_user)
    assert bank.feed == []
    await call(hass_admin_user)
    assert len(bank.feed) == 1


# Errors of the bank


async def test_a_failed_request_is_reported_and_not_repeated(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    """A repeated request could show the item twice, and items cannot be deleted."""
    faults: tuple[tuple[Fault, str], ...] = (
        (Answer.error("bad_request.bad_param.image_url", "No such picture"), "rejected"),
        (DropBefore(), "no_answer"),
        (Answer.html(502), "no_answer"),
    )
    for number, (fault, key) in enumerate(faults, start=1):
        server.fail("POST", "/feed", fault)
        with refused() as refusal:
            await create(transfer_client, home)
        assert refusal.key == key
        assert len(server.requests_to("POST", "/feed")) == number


async def test_an_ended_sign_in_starts_a_new_one(
    transfer_client: TransferClient, home: Household, server: BankServer
) -> None:
    server.evict(home.ann)
    with refused() as refusal:
        await create(transfer_client, home)
    assert refusal.key == "action_needs_sign_in"
    assert transfer_client.asked_to_sign_in


# The form


async def test_the_examples_in_the_form_work(
    transfer_client: TransferClient, home: Household, bank: Bank
) -> None:
    root = Path(custom_components.monzo.__file__).parent
    forms = yaml.safe_load((root / "services.yaml").read_text(encoding="utf-8"))
    # The user interface shows them as they are, and reads them as YAML.
    example = {
        name: yaml.safe_load(field["example"])
        for name, field in forms[CREATE]["fields"].items()
        if name != "account"
    }
    await create(transfer_client, home, **example)
    (item,) = bank.feed
    assert item.title == example["title"]
    assert item.body == example["message"]
    assert len(item.colours) == 3
