"""Attaching files to transactions by actions: which ones, from where, and what comes of it."""

import logging
import os
from pathlib import Path
from typing import Any, override

from homeassistant.components.media_source import MediaSource, MediaSourceItem, PlayMedia
from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockModule,
    MockPlatform,
    MockUser,
    mock_integration,
    mock_platform,
)
import voluptuous as vol
import yaml

import custom_components.monzo
from custom_components.monzo.const import DOMAIN
from custom_components.monzo.services.attachments import LARGEST_FILE
from sandbox.bank import Bank
from sandbox.faults import Answer, DropBefore, Fault, LoseResponse
from sandbox.household import Household
from sandbox.models import Transaction
from sandbox.server import BankServer
from tests.helpers.transfer_client import Meanwhile, Teller, refused

ATTACH = "attach_file"
REMOVE = "remove_attachment"

JPEG = b"\xff\xd8\xff\xe0 not much of a photo"

# What files are, by how they begin.
KINDS: dict[str, bytes] = {
    "image/jpeg": JPEG,
    "image/png": b"\x89PNG\r\n\x1a\n...",
    "image/gif": b"GIF89a...",
    "image/webp": b"RIFF\x0a\x00\x00\x00WEBPVP8 ...",
    "image/heic": b"\x00\x00\x00\x18ftypheic...",
    "application/pdf": b"%PDF-1.7 ...",
}

NO_KINDS: dict[str, bytes] = {
    "nothing": b"",
    "a text": b"monzo_client_secret: hunter2\n",
    "a web page": b"<!DOCTYPE html>",
    "a drawing with scripts": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "an archive": b"PK\x03\x04",
    "a film": b"\x00\x00\x00\x18ftypisom",
    "sound in the same box as WebP": b"RIFF\x0a\x00\x00\x00WAVEfmt ",
    "a database": b"SQLite format 3\x00",
    "a photo after a line of text": b"\n" + JPEG,
    "the beginning of a signature": b"\x89PNG",
}


@pytest.fixture
def media(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Return the one folder that Home Assistant may share files from."""
    folder = tmp_path / "media"
    folder.mkdir()
    hass.config.media_dirs = {"local": str(folder)}
    hass.config.allowlist_external_dirs = {str(folder)}
    return folder


@pytest.fixture
def photo(media: Path) -> Path:
    """Return a photo of a receipt."""
    file = media / "hidden-treasure.jpg"
    file.write_bytes(JPEG)
    return file


@pytest.fixture
async def my_media(hass: HomeAssistant, media: Path) -> None:
    """Have Home Assistant's media set up."""
    assert await async_setup_component(hass, "media_source", {})


@pytest.fixture
def row(bank: Bank, home: Household) -> Transaction:
    """Return a payment of Ann's."""
    return bank.pay(home.current.id, -675, merchant="Deli")


class Clerk:
    """Attaches files to one payment of Ann's."""

    def __init__(
        self, teller: Teller, home: Household, row: Transaction, server: BankServer
    ) -> None:
        """Have what a call needs at hand."""
        self.hass = teller.hass
        self.teller = teller
        self.account = teller.device(home.current)
        self.row = row
        self._server = server

    async def attach(self, **source: object) -> dict[str, Any]:
        """Attach something to the payment."""
        return await self.teller.call(
            ATTACH, account=self.account, transaction_id=self.row.id, **source
        )

    async def remove(self, attachment_id: str) -> None:
        """Take something off again."""
        fields = {"account": self.account, "attachment_id": attachment_id}
        await self.hass.services.async_call(DOMAIN, REMOVE, fields, blocking=True)

    @property
    def told(self) -> list[dict[str, str]]:
        """What the bank was told of files."""
        return [call.form for call in self._server.requests_to("POST", "/attachment/*")]

    @property
    def stored(self) -> list[bytes]:
        """The files that the bank has got."""
        return list(self._server.files.values())


@pytest.fixture
def clerk(teller: Teller, home: Household, row: Transaction, server: BankServer) -> Clerk:
    """Return who attaches files."""
    return Clerk(teller, home, row, server)


# What becomes of a file


@pytest.mark.parametrize(("mime_type", "content"), KINDS.items(), ids=KINDS.keys())
async def test_a_file_is_uploaded_and_shown_with_its_transaction(
    clerk: Clerk, media: Path, mime_type: str, content: bytes
) -> None:
    file = media / "receipt"
    file.write_bytes(content)
    answer = await clerk.attach(path=str(file))
    (attachment,) = clerk.row.attachments
    assert answer == {
        "attachment_id": attachment.id,
        "transaction_id": clerk.row.id,
        "type": mime_type,
        "size": len(content),
    }
    assert attachment.file_type == mime_type
    assert clerk.stored == [content]
    assert clerk.told[0]["file_type"] == mime_type
    assert clerk.told[0]["content_length"] == str(len(content))


async def test_what_is_attached_is_where_it_was_uploaded_to(
    clerk: Clerk, photo: Path, server: BankServer
) -> None:
    await clerk.attach(path=str(photo))
    (attachment,) = clerk.row.attachments
    assert attachment.file_url == f"{server.url}/upload/{next(iter(server.files))}"


async def test_the_bank_does_not_learn_what_a_file_is_called(clerk: Clerk, photo: Path) -> None:
    await clerk.attach(path=str(photo))
    assert clerk.told[0]["file_name"] == "attachment.jpg"
    assert "treasure" not in str(clerk.told)


async def test_the_same_file_again_is_another_attachment(clerk: Clerk, photo: Path) -> None:
    for _ in range(2):
        await clerk.attach(path=str(photo))
    assert len({attachment.id for attachment in clerk.row.attachments}) == 2


async def test_an_answer_is_optional(clerk: Clerk, photo: Path) -> None:
    assert clerk.hass.services.supports_response(DOMAIN, ATTACH) is SupportsResponse.OPTIONAL
    fields = {"account": clerk.account, "transaction_id": clerk.row.id, "path": str(photo)}
    await clerk.hass.services.async_call(DOMAIN, ATTACH, fields, blocking=True)
    assert len(clerk.row.attachments) == 1


# What a file is


@pytest.mark.parametrize("content", NO_KINDS.values(), ids=NO_KINDS.keys())
async def test_a_file_of_another_kind_is_refused_whatever_it_is_called(
    clerk: Clerk, media: Path, content: bytes
) -> None:
    for name in ("receipt.jpg", "receipt.pdf"):
        file = media / name
        file.write_bytes(content)
        with refused() as refusal:
            await clerk.attach(path=str(file))
        assert refusal.key == "file_type_not_supported"
        assert isinstance(refusal.error, ServiceValidationError)
    assert clerk.told == []


async def test_a_photo_called_a_text_is_a_photo(clerk: Clerk, media: Path) -> None:
    file = media / "photo.txt"
    file.write_bytes(JPEG)
    assert (await clerk.attach(path=str(file)))["type"] == "image/jpeg"


async def test_a_file_may_be_as_large_as_the_limit_and_no_larger(clerk: Clerk, photo: Path) -> None:
    os.truncate(photo, LARGEST_FILE)
    assert (await clerk.attach(path=str(photo)))["size"] == LARGEST_FILE
    os.truncate(photo, LARGEST_FILE + 1)
    with refused() as refusal:
        await clerk.attach(path=str(photo))
    assert refusal.key == "file_too_large"
    assert "10 MB" in refusal.text
    assert len(clerk.stored) == 1


# Which files


async def test_a_path_may_be_within_the_folder_of_the_configuration(
    clerk: Clerk, media: Path
) -> None:
    clerk.hass.config.config_dir = str(media.parent)
    (media / "photo.jpg").write_bytes(JPEG)
    await clerk.attach(path="media/photo.jpg")
    assert clerk.stored == [JPEG]


@pytest.mark.parametrize(
    "way",
    [
        "{outside}/photo.jpg",
        "{media}/../outside/photo.jpg",
        "{media}/link.jpg",
        "{media}/folder/photo.jpg",
        "{media}/folder/../outside/photo.jpg",
        "{outside}/nothing.jpg",
        "/proc/self/environ",
        "configuration.yaml",
    ],
)
async def test_no_way_leads_out_of_the_allowed_folders(
    clerk: Clerk, media: Path, tmp_path: Path, way: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "photo.jpg").write_bytes(JPEG)
    (media / "link.jpg").symlink_to(outside / "photo.jpg")
    (media / "folder").symlink_to(outside)
    with refused() as refusal:
        await clerk.attach(path=way.format(media=media, outside=outside))
    assert refusal.key == "file_not_allowed"
    assert clerk.told == []


async def test_a_way_may_turn_round_within_the_allowed_folders(
    clerk: Clerk, media: Path, photo: Path
) -> None:
    (media / "2026").mkdir()
    (media / "2026" / "link.jpg").symlink_to(photo)
    await clerk.attach(path=f"{media}/2026/../2026/link.jpg")
    assert clerk.stored == [JPEG]


@pytest.mark.parametrize("name", ["nothing.jpg", "folder", "pipe.jpg", "loop.jpg", "a\0b.jpg"])
async def test_what_is_no_file_is_refused(clerk: Clerk, media: Path, name: str) -> None:
    (media / "folder").mkdir()
    os.mkfifo(media / "pipe.jpg")
    (media / "loop.jpg").symlink_to(media / "loop.jpg")
    with refused() as refusal:
        await clerk.attach(path=f"{media}/{name}")
    assert refusal.key == "file_not_found"
    assert clerk.told == []


async def test_a_file_that_cannot_be_read_is_refused(
    clerk: Clerk, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(photo))

    # Whoever runs the tests may be allowed to read everything.
    monkeypatch.setattr(Path, "open", broken)
    with refused() as refusal:
        await clerk.attach(path=str(photo))
    assert refusal.key == "file_not_found"
    assert clerk.told == []


# Files from Home Assistant's media


@pytest.mark.usefixtures("my_media")
async def test_a_file_is_chosen_from_the_media(clerk: Clerk, photo: Path) -> None:
    media_id = f"media-source://media_source/local/{photo.name}"
    await clerk.attach(file=media_id)
    # As the form gives it.
    await clerk.attach(
        file={
            "media_content_id": media_id,
            "media_content_type": "image/jpeg",
            "metadata": {"title": photo.name, "media_class": "image"},
        }
    )
    assert clerk.stored == [JPEG, JPEG]


@pytest.mark.usefixtures("my_media")
@pytest.mark.parametrize(
    "media_id",
    [
        "media-source://media_source/local/nothing-known-by-name",
        "media-source://media_source/elsewhere/photo.jpg",
        "media-source://media_source/local/../outside/photo.jpg",
        "media-source://media_source/local//etc/photo.jpg",
        "media-source://nobody/photo.jpg",
        "media-source://",
        "/media/photo.jpg",
        "https://example.com/photo.jpg",
    ],
)
async def test_what_the_media_do_not_have_is_refused(clerk: Clerk, media_id: str) -> None:
    with refused() as refusal:
        await clerk.attach(file=media_id)
    assert refusal.key == "media_not_found"
    assert isinstance(refusal.error, ServiceValidationError)
    assert clerk.told == []


@pytest.mark.usefixtures("my_media")
async def test_a_file_that_has_gone_from_the_media_is_refused(clerk: Clerk) -> None:
    with refused() as refusal:
        await clerk.attach(file="media-source://media_source/local/gone.jpg")
    assert refusal.key == "file_not_found"


@pytest.mark.usefixtures("my_media")
async def test_no_link_leads_out_of_the_media(clerk: Clerk, media: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    (media / "link.jpg").symlink_to(tmp_path / "photo.jpg")
    with refused() as refusal:
        await clerk.attach(file="media-source://media_source/local/link.jpg")
    assert refusal.key == "file_not_allowed"
    assert clerk.told == []


async def test_without_the_media_set_up_there_is_no_file(clerk: Clerk, photo: Path) -> None:
    assert "media_source" not in clerk.hass.config.components
    with refused() as refusal:
        await clerk.attach(file=f"media-source://media_source/local/{photo.name}")
    assert refusal.key == "media_not_found"
    await clerk.attach(path=str(photo))
    assert clerk.stored == [JPEG]


class Elsewhere(MediaSource):
    """Has some media on this machine, outside of the allowed folders, and some only online."""

    def __init__(self, folder: Path) -> None:
        """Keep files in a folder."""
        super().__init__("elsewhere")
        self._folder = folder

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return where the media are."""
        path = self._folder / item.identifier if item.identifier.endswith(".jpg") else None
        return PlayMedia("/elsewhere", "image/jpeg", path=path)


@pytest.mark.parametrize(
    ("name", "key"), [("photo.jpg", "file_not_allowed"), ("stream", "media_not_local")]
)
async def test_the_media_of_others_must_be_files_in_allowed_folders(
    clerk: Clerk, media: Path, tmp_path: Path, name: str, key: str
) -> None:
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    platform = MockPlatform()

    async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
        return Elsewhere(tmp_path)

    vars(platform)["async_get_media_source"] = async_get_media_source
    mock_integration(clerk.hass, MockModule("elsewhere"))
    mock_platform(clerk.hass, "elsewhere.media_source", platform)
    assert await async_setup_component(clerk.hass, "elsewhere", {})
    assert await async_setup_component(clerk.hass, "media_source", {})
    with refused() as refusal:
        await clerk.attach(file=f"media-source://elsewhere/{name}")
    assert refusal.key == key
    assert clerk.told == []


# Pictures on the internet


@pytest.mark.parametrize(
    ("url", "mime_type"),
    [
        ("https://example.com/a.png", "image/png"),
        ("https://example.com/a.JPEG?size=large#top", "image/jpeg"),
        ("https://example.com/a.pdf", "application/pdf"),
        ("https://example.com/a.heic", "image/heic"),
        ("https://example.com/a.jpe", "image/jpeg"),
        ("https://example.com/a.thumb", "image/jpeg"),
        ("https://logos.example.com/example.com", "image/jpeg"),
        ("https://example.com/a", "image/jpeg"),
        ("https://example.com/a.php?file=a.png", "image/jpeg"),
        ("https://example.com", "image/jpeg"),
        ("HTTPS://example.com:8443/%2Fa%20b.gif?sig=a%2Bb+c", "image/gif"),
        ("https://bücher.example/ä.webp", "image/webp"),
    ],
)
async def test_a_picture_on_the_internet_is_registered_as_it_is(
    clerk: Clerk, url: str, mime_type: str
) -> None:
    answer = await clerk.attach(url=url)
    (attachment,) = clerk.row.attachments
    assert (attachment.file_url, attachment.file_type) == (url, mime_type)
    assert answer == {
        "attachment_id": attachment.id,
        "transaction_id": clerk.row.id,
        "type": mime_type,
        "size": None,
    }
    assert clerk.stored == []
    assert len(clerk.told) == 1


@pytest.mark.parametrize(
    "path",
    [
        "a.zip",
        "a.html",
        "a.exe",
        "a.svg",
        "a.SVG?size=large#top",
        "a.png.zip",
        "a.jpg.gz",
        "a.svgz",
        "a.%7Aip",
        "a.txt",
        "a.json",
        "a.mp4",
        "a.tiff",
    ],
)
async def test_an_address_that_ends_like_something_else_is_refused(clerk: Clerk, path: str) -> None:
    with refused() as refusal:
        await clerk.attach(url=f"https://example.com/{path}")
    assert refusal.key == "file_type_not_supported"
    assert isinstance(refusal.error, ServiceValidationError)
    assert clerk.told == []


NO_URLS = (
    "http://example.com/a.png",
    "example.com/a.png",
    "//example.com/a.png",
    "/media/a.png",
    "https://",
    "https:///a.png",
    "https:a.png",
    "https://[::1/a.png",
    "https://example.com:port/a.png",
    "https://example.com/a b.png",
    "https://example.com/a\nb.png",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
    "{{ url }}",
)


@pytest.mark.parametrize("url", NO_URLS)
async def test_an_address_must_be_complete_and_begin_with_https(clerk: Clerk, url: str) -> None:
    with refused() as refusal:
        await clerk.attach(url=url)
    assert refusal.key == "not_https"
    assert "url" in refusal.text
    assert clerk.told == []


# What a call needs


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"path": "/media/a.jpg", "url": "https://example.com/a.jpg"},
        {"path": "/media/a.jpg", "file": "media-source://media_source/local/a.jpg"},
        {"file": "media-source://media_source/local/a.jpg", "url": "https://example.com/a.jpg"},
        {
            "file": "media-source://media_source/local/a.jpg",
            "path": "/media/a.jpg",
            "url": "https://example.com/a.jpg",
        },
    ],
    ids=lambda given: "+".join(given) or "nothing",
)
async def test_a_file_comes_from_one_place(clerk: Clerk, given: dict[str, str]) -> None:
    with refused() as refusal:
        await clerk.attach(**given)
    assert refusal.key == "not_one_source"
    assert clerk.told == []


@pytest.mark.parametrize(
    "fields",
    [
        {"transaction_id": None},
        {"transaction_id": " "},
        {"account": None},
        {"path": ""},
        {"path": ["/media/a.jpg"]},
        {"url": {}},
        {"file": {}},
        {"file": {"media_content_id": "media-source://media_source/local/a.jpg"}},
        {"file": ["media-source://media_source/local/a.jpg"]},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_field_that_makes_no_sense_is_named(
    clerk: Clerk, fields: dict[str, object]
) -> None:
    good = {"account": clerk.account, "transaction_id": clerk.row.id}
    with pytest.raises(vol.Invalid, match=next(iter(fields))):
        await clerk.teller.call(ATTACH, **{**good, **fields})
    assert clerk.told == []


async def test_a_pot_has_no_transactions_to_attach_to(
    clerk: Clerk, home: Household, photo: Path
) -> None:
    clerk.account = clerk.teller.device(home.holiday)
    with refused() as refusal:
        await clerk.attach(path=str(photo))
    assert refusal.key == "not_an_account"
    with refused() as refusal:
        await clerk.remove("attach_1")
    assert refusal.key == "not_an_account"
    assert clerk.told == []


async def test_only_administrators_attach_and_remove(
    clerk: Clerk, photo: Path, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    async def attach(user: MockUser) -> None:
        await clerk.hass.services.async_call(
            DOMAIN,
            ATTACH,
            {"account": clerk.account, "transaction_id": clerk.row.id, "path": str(photo)},
            blocking=True,
            context=Context(user_id=user.id),
        )

    async def remove(user: MockUser) -> None:
        await clerk.hass.services.async_call(
            DOMAIN,
            REMOVE,
            {"account": clerk.account, "attachment_id": clerk.row.attachments[0].id},
            blocking=True,
            context=Context(user_id=user.id),
        )

    with pytest.raises(Unauthorized):
        await attach(hass_read_only_user)
    assert clerk.told == []
    await attach(hass_admin_user)
    with pytest.raises(Unauthorized):
        await remove(hass_read_only_user)
    assert len(clerk.row.attachments) == 1
    await remove(hass_admin_user)
    assert clerk.row.attachments == []


# When the bank does not


async def test_a_file_for_a_transaction_nobody_knows_is_attached_nowhere(
    clerk: Clerk, photo: Path, home: Household, bank: Bank
) -> None:
    for transaction_id in ("tx_nothing", bank.pay(home.bens.id, -1).id):
        with refused() as refusal:
            await clerk.teller.call(
                ATTACH, account=clerk.account, transaction_id=transaction_id, path=str(photo)
            )
        assert refusal.key == "attachment_not_registered"
        assert "Transaction not found" in refusal.text
        assert not isinstance(refusal.error, ServiceValidationError)
    assert bank.attachments == {}
    with refused() as refusal:
        await clerk.teller.call(
            ATTACH, account=clerk.account, transaction_id="tx_0", url="https://example.com/a.png"
        )
    # There was no upload to tell of.
    assert refusal.key == "not_found"


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Answer.error("bad_request.bad_param.file_type", "No such thing"), "not_registered"),
        (Answer.error("forbidden.insufficient_permissions", "Forbidden"), "not_registered"),
        (LoseResponse(), "not_confirmed"),
        (DropBefore(), "not_confirmed"),
        (Answer.html(502), "not_confirmed"),
        (Answer.garbage(), "not_confirmed"),
        (Answer.rate_limited("5"), "not_confirmed"),
    ],
    ids=["refused", "forbidden", "lost", "dropped", "proxy", "garbage", "too many requests"],
)
async def test_a_file_that_was_uploaded_but_not_attached_is_told_of(
    clerk: Clerk, photo: Path, server: BankServer, fault: Fault, key: str
) -> None:
    server.fail("POST", "/attachment/register", fault)
    with refused() as refusal:
        await clerk.attach(path=str(photo))
    assert refusal.key == f"attachment_{key}"
    assert "uploaded" in refusal.text
    assert clerk.stored == [JPEG]


async def test_a_sign_in_that_ends_between_upload_and_attaching_is_noticed(
    clerk: Clerk, home: Household, photo: Path, server: BankServer
) -> None:
    ended = Meanwhile(lambda: server.evict(home.ann), Answer(200))
    server.fail("PUT", "/upload/*", ended)
    with refused() as refusal:
        await clerk.attach(path=str(photo))
    assert refusal.key == "action_needs_sign_in"
    assert clerk.teller.asked_to_sign_in
    assert clerk.row.attachments == []


@pytest.mark.parametrize(
    ("method", "path", "fault", "key"),
    [
        ("PUT", "/upload/*", Answer(403, b"<Error>SignatureDoesNotMatch</Error>"), "rejected"),
        ("PUT", "/upload/*", Answer(503), "no_answer"),
        ("PUT", "/upload/*", DropBefore(), "no_answer"),
        ("POST", "/attachment/upload", DropBefore(), "no_answer"),
        ("POST", "/attachment/upload", Answer.rate_limited("5"), "asked_to_wait"),
        ("POST", "/attachment/upload", Answer.garbage(), "unexpected_answer"),
    ],
)
async def test_a_file_that_is_not_uploaded_is_not_attached(
    clerk: Clerk,
    photo: Path,
    server: BankServer,
    method: str,
    path: str,
    fault: Fault,
    key: str,
) -> None:
    server.fail(method, path, fault)
    with refused() as refusal:
        await clerk.attach(path=str(photo))
    assert refusal.key == key
    assert clerk.stored == []
    assert clerk.row.attachments == []


# Removing


async def test_an_attachment_is_removed(clerk: Clerk, photo: Path) -> None:
    kept = await clerk.attach(path=str(photo))
    removed = await clerk.attach(url="https://example.com/a.png")
    await clerk.remove(removed["attachment_id"])
    assert [attachment.id for attachment in clerk.row.attachments] == [kept["attachment_id"]]


async def test_what_is_not_there_or_not_ones_own_is_not_removed(
    clerk: Clerk, bank: Bank, home: Household
) -> None:
    with refused() as refusal:
        await clerk.remove("attach_0")
    assert refusal.key == "not_found"
    bens = bank.attach(
        bank.pay(home.bens.id, -1).id, home.ben, "https://example.com/b.png", "image/png"
    )
    with refused() as refusal:
        await clerk.remove(bens.id)
    assert refusal.key == "not_permitted"
    assert list(bank.attachments.values()) == [bens]


# Privacy


async def test_neither_log_nor_errors_say_what_files_are_called(
    clerk: Clerk,
    media: Path,
    photo: Path,
    my_media: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.monzo")
    secret = "treasure"
    (media / f"{secret}.txt").write_bytes(b"none of these")
    await clerk.attach(path=str(photo))
    await clerk.attach(file=f"media-source://media_source/local/{photo.name}")
    for source in (
        {"path": f"{media}/{secret}.txt"},
        {"path": f"{media}/{secret}"},
        {"path": f"{media}/{secret}\0"},
        {"path": f"/{secret}"},
        {"file": f"media-source://media_source/local/{secret}"},
        {"file": f"media-source://{secret}/"},
        {"url": f"http://example.com/{secret}"},
    ):
        with refused() as refusal:
            await clerk.attach(**source)
        assert secret not in refusal.text
        assert refusal.error.__cause__ is None
        assert refusal.error.__context__ is None or refusal.error.__suppress_context__
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    assert ours
    assert secret not in "".join(record.getMessage() for record in ours)


# The examples that the forms show


async def test_every_example_works(clerk: Clerk, my_media: None, media: Path) -> None:
    root = Path(custom_components.monzo.__file__).parent
    forms = yaml.safe_load((root / "services.yaml").read_text(encoding="utf-8"))
    # The user interface shows them as they are, and reads them as YAML.
    example = {
        name: yaml.safe_load(field["example"])
        for name, field in forms[ATTACH]["fields"].items()
        if name != "account"
    }
    (media / "receipt.jpg").write_bytes(JPEG)
    assert (await clerk.attach(file=example["file"]))["type"] == "image/jpeg"
    assert (await clerk.attach(url=example["url"]))["type"] == "image/jpeg"
    # Not every machine has the folder that Home Assistant's own has.
    path = media / Path(example["path"]).relative_to("/media")
    path.parent.mkdir()
    path.write_bytes(KINDS["application/pdf"])
    assert (await clerk.attach(path=str(path)))["type"] == "application/pdf"
