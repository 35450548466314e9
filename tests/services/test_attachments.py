"""The actions that attach a file to a transaction, and remove an attachment."""

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
from custom_components.monzo.services.attachments import (
    ATTACH_FILE_SCHEMA,
    MAX_FILE_SIZE,
    REMOVE_ATTACHMENT_SCHEMA,
)
from sandbox.bank import Bank
from sandbox.faults import Answer, DropBefore, Fault, LoseResponse
from sandbox.household import Household
from sandbox.models import Transaction
from sandbox.server import BankServer
from tests.helpers.transfer_client import Meanwhile, TransferClient, refused

from .test_file_types import SUPPORTED_CONTENT

ATTACH = "attach_file"
REMOVE = "remove_attachment"

JPEG = SUPPORTED_CONTENT["image/jpeg"]


@pytest.fixture
def media(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Return the only folder that Home Assistant may share files from."""
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
async def media_source(hass: HomeAssistant, media: Path) -> None:
    """Set up Home Assistant's media."""
    assert await async_setup_component(hass, "media_source", {})


class PaymentAttachments:
    """Attaches files to one payment of Ann's, and removes them."""

    def __init__(
        self,
        transfer_client: TransferClient,
        home: Household,
        payment: Transaction,
        server: BankServer,
    ) -> None:
        """Initialize the attachments of a payment."""
        self.hass = transfer_client.hass
        self.transfer_client = transfer_client
        self.account = transfer_client.device(home.current)
        self.payment = payment
        self._server = server

    async def attach(self, **source: object) -> dict[str, Any]:
        """Attach a file to the payment, and return the response."""
        return await self.transfer_client.call(
            ATTACH, account=self.account, transaction_id=self.payment.id, **source
        )

    async def remove(self, attachment_id: str) -> None:
        """Remove an attachment."""
        fields = {"account": self.account, "attachment_id": attachment_id}
        await self.hass.services.async_call(DOMAIN, REMOVE, fields, blocking=True)

    @property
    def requests(self) -> list[dict[str, str]]:
        """The forms of all requests about attachments that the bank has received."""
        return [call.form for call in self._server.requests_to("POST", "/attachment/*")]

    @property
    def uploads(self) -> list[bytes]:
        """The content of the files that the bank has received."""
        return list(self._server.files.values())


@pytest.fixture
def attachments(
    transfer_client: TransferClient, home: Household, bank: Bank, server: BankServer
) -> PaymentAttachments:
    """Return the attachments of a payment in the Deli."""
    payment = bank.pay(home.current.id, -675, merchant="Deli")
    return PaymentAttachments(transfer_client, home, payment, server)


# Attaching


async def test_a_file_is_uploaded_and_attached(
    attachments: PaymentAttachments, media: Path, server: BankServer, subtests: pytest.Subtests
) -> None:
    for mime_type, content in SUPPORTED_CONTENT.items():
        with subtests.test(mime_type):
            file = media / "receipt.txt"
            file.write_bytes(content)
            response = await attachments.attach(path=str(file))

            attachment = attachments.payment.attachments[-1]
            assert response == {
                "attachment_id": attachment.id,
                "transaction_id": attachments.payment.id,
                "type": mime_type,
                "size": len(content),
            }
            assert attachment.file_type == mime_type
            assert attachment.file_url == f"{server.url}/upload/{list(server.files)[-1]}"
            assert attachments.uploads[-1] == content
            *_, upload, _register = attachments.requests
            assert upload["file_type"] == mime_type
            assert upload["content_length"] == str(len(content))
    assert len(attachments.payment.attachments) == len(SUPPORTED_CONTENT)


async def test_the_bank_does_not_receive_the_name_of_a_file(
    attachments: PaymentAttachments, photo: Path
) -> None:
    await attachments.attach(path=str(photo))
    assert attachments.requests[0]["file_name"] == "attachment.jpg"
    assert photo.stem not in str(attachments.requests)


async def test_attaching_the_same_file_again_adds_another_attachment(
    attachments: PaymentAttachments, photo: Path
) -> None:
    for _ in range(2):
        await attachments.attach(path=str(photo))
    assert len({attachment.id for attachment in attachments.payment.attachments}) == 2


async def test_the_response_is_optional(attachments: PaymentAttachments, photo: Path) -> None:
    services = attachments.hass.services
    assert services.supports_response(DOMAIN, ATTACH) is SupportsResponse.OPTIONAL
    assert services.supports_response(DOMAIN, REMOVE) is SupportsResponse.NONE
    fields = {
        "account": attachments.account,
        "transaction_id": attachments.payment.id,
        "path": str(photo),
    }
    await services.async_call(DOMAIN, ATTACH, fields, blocking=True)
    assert len(attachments.payment.attachments) == 1


async def test_a_file_with_other_content_is_refused(
    attachments: PaymentAttachments, media: Path
) -> None:
    file = media / "receipt.jpg"
    file.write_bytes(b"monzo_client_secret: hunter2\n")
    with refused() as refusal:
        await attachments.attach(path=str(file))
    assert refusal.key == "file_type_not_supported"
    assert isinstance(refusal.error, ServiceValidationError)
    assert refusal.error.translation_placeholders == {"field": "path"}
    assert attachments.requests == []


async def test_a_file_can_have_ten_megabytes(attachments: PaymentAttachments, photo: Path) -> None:
    os.truncate(photo, MAX_FILE_SIZE)
    assert (await attachments.attach(path=str(photo)))["size"] == 10_000_000
    os.truncate(photo, MAX_FILE_SIZE + 1)
    with refused() as refusal:
        await attachments.attach(path=str(photo))
    assert refusal.key == "file_too_large"
    assert refusal.error.translation_placeholders == {"field": "path", "megabytes": "10"}
    assert len(attachments.uploads) == 1


# Files by path


async def test_a_path_can_be_relative_to_the_configuration_folder(
    attachments: PaymentAttachments, photo: Path, media: Path
) -> None:
    attachments.hass.config.config_dir = str(media.parent)
    await attachments.attach(path=f"media/{photo.name}")
    assert attachments.uploads == [JPEG]


async def test_links_within_the_allowed_folders_are_followed(
    attachments: PaymentAttachments, media: Path, photo: Path
) -> None:
    (media / "2026").mkdir()
    (media / "2026" / "link.jpg").symlink_to(photo)
    await attachments.attach(path=f"{media}/2026/../2026/link.jpg")
    assert attachments.uploads == [JPEG]


async def test_no_path_leads_out_of_the_allowed_folders(
    attachments: PaymentAttachments, media: Path, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "photo.jpg").write_bytes(JPEG)
    (media / "link.jpg").symlink_to(outside / "photo.jpg")
    (media / "folder").symlink_to(outside)
    for path in (
        f"{outside}/photo.jpg",
        f"{media}/../outside/photo.jpg",
        f"{media}/link.jpg",
        f"{media}/folder/photo.jpg",
        f"{media}/folder/../outside/photo.jpg",
        f"{outside}/missing.jpg",
        "/proc/self/environ",
        "configuration.yaml",
    ):
        with subtests.test(path=path):
            with refused() as refusal:
                await attachments.attach(path=path)
            assert refusal.key == "file_not_allowed"
            assert refusal.error.translation_placeholders == {"field": "path"}
    assert attachments.requests == []


async def test_a_path_that_is_not_a_readable_file_is_refused(
    attachments: PaymentAttachments,
    media: Path,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
) -> None:
    (media / "folder").mkdir()
    os.mkfifo(media / "pipe.jpg")
    (media / "loop.jpg").symlink_to(media / "loop.jpg")

    def deny(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(photo))

    # File permissions would not do, because the tests may run as root.
    monkeypatch.setattr(Path, "open", deny)
    for name in ("missing.jpg", "folder", "pipe.jpg", "loop.jpg", "a\0b.jpg", photo.name):
        with subtests.test(name=name):
            with refused() as refusal:
                await attachments.attach(path=f"{media}/{name}")
            assert refusal.key == "file_not_found"
            assert refusal.error.translation_placeholders == {"field": "path"}
    assert attachments.requests == []


# Files from the media browser


@pytest.mark.usefixtures("media_source")
async def test_a_file_is_selected_in_the_media_browser(
    attachments: PaymentAttachments, photo: Path
) -> None:
    media_id = f"media-source://media_source/local/{photo.name}"
    await attachments.attach(file=media_id)
    # The media selector of the user interface returns an object.
    await attachments.attach(
        file={
            "media_content_id": media_id,
            "media_content_type": "image/jpeg",
            "metadata": {"title": photo.name, "media_class": "image"},
        }
    )
    assert attachments.uploads == [JPEG, JPEG]


@pytest.mark.usefixtures("media_source")
async def test_an_unknown_media_item_is_refused(
    attachments: PaymentAttachments, subtests: pytest.Subtests
) -> None:
    for media_id in (
        "media-source://media_source/local/nothing-known-by-name",
        "media-source://media_source/elsewhere/photo.jpg",
        "media-source://media_source/local/../outside/photo.jpg",
        "media-source://media_source/local//etc/photo.jpg",
        "media-source://unknown_integration/photo.jpg",
        "media-source://",
        "/media/photo.jpg",
        "https://example.com/photo.jpg",
    ):
        with subtests.test(media_id=media_id):
            with refused() as refusal:
                await attachments.attach(file=media_id)
            assert refusal.key == "media_not_found"
            assert isinstance(refusal.error, ServiceValidationError)
    assert attachments.requests == []


@pytest.mark.usefixtures("media_source")
async def test_a_media_item_must_be_a_file_in_an_allowed_folder(
    attachments: PaymentAttachments, media: Path, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    (media / "link.jpg").symlink_to(tmp_path / "photo.jpg")
    for name, key in (("link.jpg", "file_not_allowed"), ("gone.jpg", "file_not_found")):
        with refused() as refusal:
            await attachments.attach(file=f"media-source://media_source/local/{name}")
        assert refusal.key == key
        assert refusal.error.translation_placeholders == {"field": "file"}
    assert attachments.requests == []


async def test_files_can_be_attached_by_path_without_the_media_integration(
    attachments: PaymentAttachments, photo: Path
) -> None:
    assert "media_source" not in attachments.hass.config.components
    with refused() as refusal:
        await attachments.attach(file=f"media-source://media_source/local/{photo.name}")
    assert refusal.key == "media_not_found"
    await attachments.attach(path=str(photo))
    assert attachments.uploads == [JPEG]


class OtherMediaSource(MediaSource):
    """The media of another integration: photos in a folder, and streams without a file."""

    def __init__(self, folder: Path) -> None:
        """Initialize the media source for a folder."""
        super().__init__("other_media")
        self._folder = folder

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return the media item, with a path if it is a photo."""
        path = self._folder / item.identifier if item.identifier.endswith(".jpg") else None
        return PlayMedia("/other_media", "image/jpeg", path=path)


async def test_media_of_other_integrations_must_be_files_in_allowed_folders(
    attachments: PaymentAttachments, media: Path, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    platform = MockPlatform()

    async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
        return OtherMediaSource(tmp_path)

    vars(platform)["async_get_media_source"] = async_get_media_source
    mock_integration(attachments.hass, MockModule("other_media"))
    mock_platform(attachments.hass, "other_media.media_source", platform)
    assert await async_setup_component(attachments.hass, "other_media", {})
    assert await async_setup_component(attachments.hass, "media_source", {})
    for name, key in (("photo.jpg", "file_not_allowed"), ("stream", "media_not_local")):
        with refused() as refusal:
            await attachments.attach(file=f"media-source://other_media/{name}")
        assert refusal.key == key
    assert attachments.requests == []


# Pictures on the internet


async def test_a_picture_on_the_internet_is_registered_and_not_uploaded(
    attachments: PaymentAttachments, subtests: pytest.Subtests
) -> None:
    for url, mime_type in (
        ("https://example.com/a.JPEG?size=large#top", "image/jpeg"),
        ("HTTPS://example.com:8443/%2Fa%20b.gif?sig=a%2Bb+c", "image/gif"),
        ("https://bücher.example/ä.webp", "image/webp"),
        ("https://example.com/a.php?file=a.png", "image/jpeg"),
        ("https://logos.example.com/example.com", "image/jpeg"),
        ("https://example.com", "image/jpeg"),
    ):
        with subtests.test(url=url):
            response = await attachments.attach(url=url)
            attachment = attachments.payment.attachments[-1]
            assert (attachment.file_url, attachment.file_type) == (url, mime_type)
            assert response == {
                "attachment_id": attachment.id,
                "transaction_id": attachments.payment.id,
                "type": mime_type,
                "size": None,
            }
    assert attachments.uploads == []
    assert len(attachments.requests) == 6


async def test_a_url_that_ends_like_another_type_of_file_is_refused(
    attachments: PaymentAttachments, subtests: pytest.Subtests
) -> None:
    for path in ("a.zip", "a.SVG?size=large#top", "a.png.zip", "a.jpg.gz", "a.%7Aip"):
        with subtests.test(path=path):
            with refused() as refusal:
                await attachments.attach(url=f"https://example.com/{path}")
            assert refusal.key == "file_type_not_supported"
            assert refusal.error.translation_placeholders == {"field": "url"}
    with refused() as refusal:
        await attachments.attach(url="http://example.com/a.png")
    assert refusal.key == "not_https"
    assert attachments.requests == []


# Invalid calls


async def test_exactly_one_of_file_path_and_url_is_needed(
    attachments: PaymentAttachments, subtests: pytest.Subtests
) -> None:
    sources = {
        "file": "media-source://media_source/local/a.jpg",
        "path": "/media/a.jpg",
        "url": "https://example.com/a.jpg",
    }
    for fields in ((), ("path", "url"), ("path", "file"), ("file", "url"), tuple(sources)):
        with subtests.test(fields=fields):
            with refused() as refusal:
                await attachments.attach(**{field: sources[field] for field in fields})
            assert refusal.key == "not_one_source"
    assert attachments.requests == []


def test_an_invalid_field_is_named(subtests: pytest.Subtests) -> None:
    valid = {"account": "device", "transaction_id": "tx_1", "path": "/media/a.jpg"}
    assert ATTACH_FILE_SCHEMA(valid) == valid
    for field, value in (
        ("transaction_id", None),
        ("transaction_id", " "),
        ("account", None),
        ("path", ""),
        ("path", ["/media/a.jpg"]),
        ("url", {}),
        ("file", {}),
        ("file", {"media_content_id": "media-source://media_source/local/a.jpg"}),
        ("file", ["media-source://media_source/local/a.jpg"]),
        ("unknown", 1),
    ):
        with subtests.test(field=field, value=value), pytest.raises(vol.Invalid, match=field):
            ATTACH_FILE_SCHEMA({**valid, field: value})
    with pytest.raises(vol.Invalid, match="attachment_id"):
        REMOVE_ATTACHMENT_SCHEMA({"account": "device", "attachment_id": ".."})


async def test_a_pot_has_no_transactions(
    attachments: PaymentAttachments, home: Household, photo: Path
) -> None:
    attachments.account = attachments.transfer_client.device(home.holiday)
    with refused() as refusal:
        await attachments.attach(path=str(photo))
    assert refusal.key == "not_an_account"
    with refused() as refusal:
        await attachments.remove("attach_1")
    assert refusal.key == "not_an_account"
    assert attachments.requests == []


async def test_a_user_must_be_an_administrator_to_attach_and_remove(
    attachments: PaymentAttachments,
    photo: Path,
    hass_read_only_user: MockUser,
    hass_admin_user: MockUser,
) -> None:
    async def call(user: MockUser, action: str, **fields: object) -> None:
        await attachments.hass.services.async_call(
            DOMAIN,
            action,
            {"account": attachments.account, **fields},
            blocking=True,
            context=Context(user_id=user.id),
        )

    attach = {"transaction_id": attachments.payment.id, "path": str(photo)}
    with pytest.raises(Unauthorized):
        await call(hass_read_only_user, ATTACH, **attach)
    assert attachments.requests == []
    await call(hass_admin_user, ATTACH, **attach)

    remove = {"attachment_id": attachments.payment.attachments[0].id}
    with pytest.raises(Unauthorized):
        await call(hass_read_only_user, REMOVE, **remove)
    assert len(attachments.payment.attachments) == 1
    await call(hass_admin_user, REMOVE, **remove)
    assert attachments.payment.attachments == []


# Errors of the bank


async def test_a_file_cannot_be_attached_to_the_transaction_of_another_person(
    attachments: PaymentAttachments, photo: Path, home: Household, bank: Bank
) -> None:
    for transaction_id in ("tx_nothing", bank.pay(home.bens.id, -1).id):
        with refused() as refusal:
            await attachments.transfer_client.call(
                ATTACH, account=attachments.account, transaction_id=transaction_id, path=str(photo)
            )
        assert refusal.key == "attachment_not_registered"
        assert refusal.error.translation_placeholders == {
            "transaction_id": transaction_id,
            "reason": "Transaction not found",
        }
        assert not isinstance(refusal.error, ServiceValidationError)
    assert bank.attachments == {}

    # Without an upload there is nothing else to report.
    with refused() as refusal:
        await attachments.transfer_client.call(
            ATTACH,
            account=attachments.account,
            transaction_id="tx_0",
            url="https://example.com/a.png",
        )
    assert refusal.key == "not_found"
    assert refusal.text.startswith("Monzo did not find tx_0")


async def test_the_error_mentions_the_upload_if_only_the_attaching_failed(
    attachments: PaymentAttachments, photo: Path, server: BankServer, subtests: pytest.Subtests
) -> None:
    rejected = Answer.error("bad_request.bad_param.file_type", "No such thing")
    forbidden = Answer.error("forbidden.insufficient_permissions", "Forbidden")
    faults: tuple[tuple[str, Fault, str], ...] = (
        ("rejected", rejected, "attachment_not_registered"),
        ("forbidden", forbidden, "attachment_not_registered"),
        ("lost response", LoseResponse(), "attachment_not_confirmed"),
        ("broken connection", DropBefore(), "attachment_not_confirmed"),
        ("proxy", Answer.html(502), "attachment_not_confirmed"),
        ("garbage", Answer.garbage(), "attachment_not_confirmed"),
        # Last, because nothing else is sent for five seconds afterwards.
        ("rate limit", Answer.rate_limited("5"), "attachment_not_confirmed"),
    )
    for name, fault, key in faults:
        with subtests.test(name):
            server.fail("POST", "/attachment/register", fault)
            with refused() as refusal:
                await attachments.attach(path=str(photo))
            assert refusal.key == key
            placeholders = refusal.error.translation_placeholders or {}
            assert placeholders["transaction_id"] == attachments.payment.id
            assert "uploaded" in refusal.text
    assert attachments.uploads == [JPEG] * len(faults)


async def test_a_sign_in_that_ends_after_the_upload_starts_a_new_sign_in(
    attachments: PaymentAttachments, home: Household, photo: Path, server: BankServer
) -> None:
    server.fail("PUT", "/upload/*", Meanwhile(lambda: server.evict(home.ann), Answer(200)))
    with refused() as refusal:
        await attachments.attach(path=str(photo))
    assert refusal.key == "action_needs_sign_in"
    assert attachments.transfer_client.asked_to_sign_in
    assert attachments.payment.attachments == []


async def test_a_file_that_was_not_uploaded_is_not_attached(
    attachments: PaymentAttachments, photo: Path, server: BankServer, subtests: pytest.Subtests
) -> None:
    bad_signature = Answer(403, b"<Error>SignatureDoesNotMatch</Error>")
    faults: tuple[tuple[str, str, Fault, str], ...] = (
        ("PUT", "/upload/*", bad_signature, "rejected"),
        ("PUT", "/upload/*", Answer(503), "no_answer"),
        ("PUT", "/upload/*", DropBefore(), "no_answer"),
        ("POST", "/attachment/upload", DropBefore(), "no_answer"),
        ("POST", "/attachment/upload", Answer.garbage(), "unexpected_answer"),
        # Last, because nothing else is sent for five seconds afterwards.
        ("POST", "/attachment/upload", Answer.rate_limited("5"), "asked_to_wait"),
    )
    for method, path, fault, key in faults:
        with subtests.test(path=path, key=key):
            server.fail(method, path, fault)
            with refused() as refusal:
                await attachments.attach(path=str(photo))
            assert refusal.key == key
    assert attachments.uploads == []
    assert attachments.payment.attachments == []


# Removing


async def test_an_attachment_is_removed(attachments: PaymentAttachments, photo: Path) -> None:
    kept = await attachments.attach(path=str(photo))
    removed = await attachments.attach(url="https://example.com/a.png")
    await attachments.remove(removed["attachment_id"])
    assert [attachment.id for attachment in attachments.payment.attachments] == [
        kept["attachment_id"]
    ]


async def test_an_unknown_attachment_or_one_of_another_person_is_not_removed(
    attachments: PaymentAttachments, bank: Bank, home: Household
) -> None:
    with refused() as refusal:
        await attachments.remove("attach_0")
    assert refusal.key == "not_found"

    bens_payment = bank.pay(home.bens.id, -1)
    bens = bank.attach(bens_payment.id, home.ben, "https://example.com/b.png", "image/png")
    with refused() as refusal:
        await attachments.remove(bens.id)
    assert refusal.key == "not_permitted"
    assert home.ann.name in refusal.text
    assert list(bank.attachments.values()) == [bens]


# Privacy


async def test_neither_logs_nor_errors_contain_the_names_of_files(
    attachments: PaymentAttachments,
    media: Path,
    photo: Path,
    media_source: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.monzo")
    secret = "treasure"
    (media / f"{secret}.txt").write_bytes(b"not a supported file")
    await attachments.attach(path=str(photo))
    await attachments.attach(file=f"media-source://media_source/local/{photo.name}")
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
            await attachments.attach(**source)
        assert secret not in refusal.text
        assert refusal.error.__cause__ is None
        assert refusal.error.__context__ is None or refusal.error.__suppress_context__
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    assert ours
    assert secret not in "".join(record.getMessage() for record in ours)


# The form


async def test_the_examples_in_the_form_work(
    attachments: PaymentAttachments, media_source: None, media: Path
) -> None:
    root = Path(custom_components.monzo.__file__).parent
    forms = yaml.safe_load((root / "services.yaml").read_text(encoding="utf-8"))
    # The user interface shows them as they are, and reads them as YAML.
    example = {
        name: yaml.safe_load(field["example"])
        for name, field in forms[ATTACH]["fields"].items()
        if name != "account"
    }
    (media / "receipt.jpg").write_bytes(JPEG)
    assert (await attachments.attach(file=example["file"]))["type"] == "image/jpeg"
    assert (await attachments.attach(url=example["url"]))["type"] == "image/jpeg"
    # Not every machine has the media folder of Home Assistant's own installations.
    path = media / Path(example["path"]).relative_to("/media")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(SUPPORTED_CONTENT["application/pdf"])
    assert (await attachments.attach(path=str(path)))["type"] == "application/pdf"
